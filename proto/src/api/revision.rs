//! History of the config repository.

use std::collections::BTreeMap;

use super::documents;
use crate::{Revision, Timestamp};

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde asks for it.
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

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
        /// What changed, a file an entry, documents first; sealed values hidden.
        pub files: Vec<FileDiff>,
        /// How many files changed that are not listed. What stands in folders without documents is not counted.
        #[serde(default, skip_serializing_if = "is_zero")]
        pub more: u64,
    }

    /// What changed in one file.
    pub struct FileDiff {
        /// Its path in the repository. One that ends in `/` is a folder without documents, of which no more is told.
        pub path: String,
        /// `added`, `changed` or `deleted`.
        pub change: String,
        /// A unified diff; empty when it is left out.
        pub patch: String,
        /// Why it is left out: `no_document`, `too_large` (one side is larger than any document), `too_much` (the files before
        /// it are as much as one answer holds). Absent when it is not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub left_out: Option<String>,
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
