//! The config repository.

use linkmesh_proto::{Etag, RequestId, Revision, Timestamp};

use super::BoxError;

/// Who made a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitAuthor {
    /// The name.
    pub name: String,
    /// The e-mail address; a service account has one of the form `<name>@service.invalid`.
    pub email: String,
}

/// One commit's facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// The commit.
    pub revision: Revision,
    /// The commit before; `None` for the first.
    pub parent: Option<Revision>,
    /// The first line of its message.
    pub summary: String,
    /// Who made it.
    pub author: CommitAuthor,
    /// When it was made.
    pub at: Timestamp,
    /// The trailer `Request-Id`.
    pub request_id: Option<RequestId>,
    /// The trailer `Actor`.
    pub actor: Option<String>,
    /// The paths that it changed.
    pub paths: Vec<String>,
}

/// A file above this many bytes is not read: no document is that large.
pub const LARGEST_FILE: usize = 4 << 20;

/// Of all files together at most this many bytes are read at once. A hundred thousand collectors are a sixth of it; but Git
/// keeps one text under ten thousand names in no more room than under one.
pub const MOST_BYTES: usize = 128 << 20;

/// One file at a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryFile {
    /// Its path, `/` between folders.
    pub path: String,
    /// What it holds. Not always UTF-8: a person may have written it. Empty when it is too large to be read.
    pub content: Vec<u8>,
    /// Its size in bytes, when that is above [`LARGEST_FILE`], or with the files before it above [`MOST_BYTES`].
    pub oversized: Option<u64>,
    /// Its Git blob id.
    pub etag: Etag,
    /// The last commit that touched it.
    pub revision: Revision,
    /// When that commit was made.
    pub updated_at: Timestamp,
    /// The name of its author.
    pub updated_by: String,
}

/// What to do with one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathChange {
    /// Write this.
    Put(Vec<u8>),
    /// Remove the file; nothing happens when there is none.
    Delete,
}

/// One commit to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRequest {
    /// What to change; each path once.
    pub changes: Vec<(String, PathChange)>,
    /// Who wants it.
    pub author: CommitAuthor,
    /// What changed, in words: one line, for example `pipelines: update web-logs`.
    pub summary: String,
    /// When.
    pub at: Timestamp,
    /// Goes into the trailer `Request-Id`.
    pub request_id: RequestId,
    /// Goes into the trailer `Actor`.
    pub actor: String,
}

/// What became of one [`CommitRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The commit that holds the change; the one before when nothing differed and none was made.
    pub revision: Revision,
    /// Whether a commit was made.
    pub changed: bool,
    /// The blob id of each path after it, in the order of the request; `None` where the file is gone.
    pub etags: Vec<(String, Option<Etag>)>,
}

/// What happened to one path between two revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The path. That of a folder ends in `/`: of a folder that holds no documents nothing more is known.
    pub path: String,
    /// What it held before; `None` when it was not there.
    pub before: Option<Vec<u8>>,
    /// What it holds now; `None` when it is gone.
    pub after: Option<Vec<u8>>,
    /// Why neither was read; what was there is empty then.
    pub unread: Option<Unread>,
}

/// Why a file that differs was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is no document.
    NoDocument,
    /// One of its sides is above [`LARGEST_FILE`].
    TooLarge,
    /// With the files before it, it is above the bounds of the question.
    TooMuch,
}

/// How much of a difference is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Files at most; more are counted.
    pub files: usize,
    /// Bytes at most, of both sides of all files together; what is beyond is [`Unread::TooMuch`].
    pub bytes: usize,
}

impl Bounds {
    /// All documents, as far as anything is read.
    pub const ALL: Self = Self { files: usize::MAX, bytes: MOST_BYTES };
}

/// What differs between two revisions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// The files: documents first, each ordered by path.
    pub files: Vec<FileChange>,
    /// How many files there are beside. What stands in folders without documents is not counted.
    pub more: usize,
}

/// A piece of history to read, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Begin behind this commit; at the head when absent.
    pub after: Option<Revision>,
    /// Only commits that changed this path.
    pub path: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// What maintenance did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MaintenanceReport {
    /// Packs were merged, and what the new one replaces is gone.
    pub packed: bool,
    /// A merge goes on: ask again to have it finished.
    pub packing: bool,
    /// Packs before.
    pub packs_before: usize,
    /// Packs after.
    pub packs_after: usize,
    /// Loose objects removed.
    pub loose_removed: usize,
}

/// Why the repository did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The reference is not where the caller thought: somebody committed by hand. Nothing was stored; look again.
    #[error("the branch was moved by somebody else")]
    Moved {
        /// Where it is now.
        head: Option<Revision>,
    },
    /// There is no such commit.
    #[error("there is no commit {0}")]
    UnknownRevision(Revision),
    /// There is no room on the disk. Nothing was stored.
    #[error("the config repository has no room left on its disk")]
    NoSpace(#[source] BoxError),
    /// Anything else that libgit2 or the file system says. Nothing was stored.
    #[error("the config repository cannot be used")]
    Unavailable(#[source] BoxError),
}

impl RepositoryError {
    /// A stable code for problem documents and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Moved { .. } => "repository_moved",
            Self::UnknownRevision(_) => "unknown_revision",
            Self::NoSpace(_) => "repository_no_space",
            Self::Unavailable(_) => "repository_unavailable",
        }
    }
}

/// The config repository. Blocking; owned by one worker thread.
///
/// After an error the repository works on: the next call begins afresh.
pub trait ConfigRepository: Send + 'static {
    /// Where the branch is; `None` before the first commit. Sees commits that were made by hand.
    ///
    /// # Errors
    /// When the repository cannot be read.
    fn head(&mut self) -> Result<Option<Revision>, RepositoryError>;

    /// The documents at a revision, each with the last commit that touched it. Other files are not read, however many
    /// there are and however deep: whoever may push puts there what they like.
    ///
    /// # Errors
    /// When there is no such commit or the repository cannot be read.
    fn files(&mut self, at: Revision) -> Result<Vec<RepositoryFile>, RepositoryError>;

    /// One file at a revision; `None` when there is none.
    ///
    /// # Errors
    /// When there is no such commit or the repository cannot be read.
    fn file(&mut self, at: Revision, path: &str) -> Result<Option<RepositoryFile>, RepositoryError> {
        Ok(self.files(at)?.into_iter().find(|file| file.path == path))
    }

    /// The documents that differ between two revisions, as they are at `to`; `None` where the file is gone.
    ///
    /// # Errors
    /// When there is no such commit or the repository cannot be read.
    fn changed_files(
        &mut self,
        from: Option<Revision>,
        to: Revision,
    ) -> Result<Vec<(String, Option<RepositoryFile>)>, RepositoryError>;

    /// Makes one commit for each request, each on top of the one before, the first on top of `base`, and moves the
    /// branch once, when all objects are on disk. A request that changes nothing makes no commit.
    ///
    /// When it returns `Ok`, every commit survives a power cut. All or nothing: after an error the branch is where it
    /// was.
    ///
    /// # Errors
    /// [`RepositoryError::Moved`] when the branch is not at `base`; others when the disk or the repository fails.
    fn commit(&mut self, base: Option<Revision>, requests: &[CommitRequest])
    -> Result<Vec<Committed>, RepositoryError>;

    /// History, newest first.
    ///
    /// # Errors
    /// When there is no such commit or the repository cannot be read.
    fn history(&mut self, query: &HistoryQuery) -> Result<Vec<CommitInfo>, RepositoryError>;

    /// How many commits the history has; only those that changed `path` when one is given.
    ///
    /// # Errors
    /// When the repository cannot be read.
    fn count(&mut self, path: Option<&str>) -> Result<u64, RepositoryError> {
        let query = HistoryQuery { after: None, path: path.map(str::to_owned), limit: usize::MAX };
        Ok(self.history(&query)?.len() as u64)
    }

    /// One commit; `None` when there is none by that name, or when it is not on the branch.
    ///
    /// # Errors
    /// When the repository cannot be read.
    fn commit_info(&mut self, revision: Revision) -> Result<Option<CommitInfo>, RepositoryError>;

    /// What differs between two revisions; `base` `None` is the empty tree.
    ///
    /// # Errors
    /// When there is no such commit or the repository cannot be read.
    fn diff(&mut self, base: Option<Revision>, to: Revision, bounds: Bounds) -> Result<Differences, RepositoryError>;

    /// Keeps the repository small: packs when it is worth it.
    ///
    /// # Errors
    /// When the disk or the repository fails. Nothing is lost.
    fn maintain(&mut self) -> Result<MaintenanceReport, RepositoryError>;

    /// Sees whether there is room and the disk syncs: writes something beside the history, and removes it.
    ///
    /// # Errors
    /// As a commit would now.
    fn probe(&mut self) -> Result<(), RepositoryError>;
}
