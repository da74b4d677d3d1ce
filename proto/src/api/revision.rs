//! History of the config repository.

use std::collections::BTreeMap;

use super::documents;
use crate::{Revision, Timestamp};

documents! {
    /// One commit.
    pub struct RevisionSummary {
        /// The commit.
        pub sha: Revision,
        /// The first line of its message.
        pub message: String,
        /// The author's name or e-mail.
        pub author: String,
        /// When it was made.
        pub at: Timestamp,
        /// The request that made it, from the `Request-Id` trailer.
        pub request_id: Option<String>,
        /// The files that it changed.
        pub paths: Vec<String>,
        /// What people call those of the files that are there now, by path.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub names: BTreeMap<String, String>,
        /// The commit before; `null` for the first.
        pub parent: Option<Revision>,
    }

    /// The answer to `GET /revisions/{sha}/diff`.
    pub struct RevisionDiff {
        /// The older side; `null` for the empty tree.
        pub base: Option<Revision>,
        /// The newer side.
        pub sha: Revision,
        /// What changed, a file an entry; sealed values hidden.
        pub files: Vec<FileDiff>,
    }

    /// What changed in one file.
    pub struct FileDiff {
        /// Its path in the repository.
        pub path: String,
        /// `added`, `changed` or `deleted`.
        pub change: String,
        /// A unified diff.
        pub patch: String,
    }

    /// What a `POST /revisions/{sha}/restore` holds.
    #[serde(deny_unknown_fields)]
    pub struct Restore {
        /// The files to bring back to that commit, of whatever kind; all pipelines and destinations when absent.
        #[serde(default)]
        pub paths: Option<Vec<String>>,
    }

    /// The answer to a restore.
    pub struct Restored {
        /// The new commit; that before when nothing differed.
        pub revision: Revision,
        /// The files that it changed.
        pub paths: Vec<String>,
        /// How many collectors get another config by it.
        pub affected: u64,
    }
}
