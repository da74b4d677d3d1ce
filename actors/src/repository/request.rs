//! What can be asked of the repository, and what comes back.

use std::sync::Arc;

use linkmesh_proto::{
    CollectorId, DestinationId, Etag, GroupId, PipelineId, Revision,
    api::{destination::DestinationDocument, pipeline::PipelineDocument, problem::FieldProblem},
};

use crate::{
    by::By,
    domain::{
        config::Versioned,
        document::{CollectorDocument, DocumentPath, GroupDocument},
    },
    ports::RepositoryError,
    runtime::{AskError, WorkerError},
};

/// A change of one document.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Write a pipeline.
    Pipeline(PipelineId, PipelineDocument),
    /// Write a destination.
    Destination(DestinationId, DestinationDocument),
    /// Write what the operator says of a collector.
    Collector(CollectorId, CollectorDocument),
    /// Write a group.
    Group(GroupId, GroupDocument),
    /// Remove a document.
    Delete(DocumentPath),
}

impl Edit {
    /// The file that it changes.
    #[must_use]
    pub fn path(&self) -> DocumentPath {
        match self {
            Self::Pipeline(id, _) => DocumentPath::Pipeline(id.clone()),
            Self::Destination(id, _) => DocumentPath::Destination(id.clone()),
            Self::Collector(id, _) => DocumentPath::Collector(*id),
            Self::Group(id, _) => DocumentPath::Group(id.clone()),
            Self::Delete(path) => path.clone(),
        }
    }
}

/// What must hold of the stored document, from `If-Match` and `If-None-Match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// It is this version. For a broken file: the version of the broken text.
    Matches(Etag),
    /// It is not there.
    Absent,
    /// Anything: for the server's own changes only.
    Any,
}

/// A change of one document, to be made if its precondition holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Save {
    /// The change. Secrets in clear are sealed on the way; `{"sealed": true}` keeps what is stored.
    pub edit: Edit,
    /// What must hold of what is stored now.
    pub precondition: Precondition,
    /// Who asks.
    pub by: By,
}

/// A change that was made: it is on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// The commit that holds it; that before when nothing differed.
    pub revision: Revision,
    /// The new version of the document; `None` when it was removed.
    pub etag: Option<Etag>,
    /// Whether a commit was made.
    pub changed: bool,
    /// How many collectors get another config by it.
    pub affected: u64,
    /// What deserves a look.
    pub warnings: Vec<FieldProblem>,
}

/// A document as it is stored now. Secrets are sealed; mask them before they are shown.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredDocument {
    /// A pipeline.
    Pipeline(PipelineId, Arc<Versioned<PipelineDocument>>),
    /// A destination.
    Destination(DestinationId, Arc<Versioned<DestinationDocument>>),
    /// What the operator says of a collector.
    Collector(CollectorId, Arc<Versioned<CollectorDocument>>),
    /// A group.
    Group(GroupId, Arc<Versioned<GroupDocument>>),
}

/// Why a change was not made. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The document breaks rules.
    #[error("the document has {} problems", errors.len())]
    Invalid {
        /// What stops the save.
        errors: Vec<FieldProblem>,
        /// What deserves a look.
        warnings: Vec<FieldProblem>,
    },
    /// The stored document is another version than the one that the change was made from.
    #[error("the document was changed since")]
    Stale {
        /// What is stored now; `None` when it is gone.
        current: Option<StoredDocument>,
        /// Its version. Of a broken file: that of the broken text.
        etag: Option<Etag>,
    },
    /// A document of that name is there already.
    #[error("{0} is there already")]
    Exists(DocumentPath),
    /// There is no such document.
    #[error("there is no {0}")]
    NotFound(DocumentPath),
    /// The destination is used.
    #[error("the destination is used by pipelines")]
    InUse(Vec<PipelineId>),
    /// The repository failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The repository's actor does not answer.
    #[error(transparent)]
    Unavailable(#[from] AskError),
    /// The repository's thread does not answer.
    #[error(transparent)]
    Worker(#[from] WorkerError),
}

/// Why a piece of history cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no such commit on the branch.
    #[error("there is no commit {0}")]
    UnknownRevision(Revision),
    /// A cursor that is none of ours.
    #[error("the cursor is not valid")]
    BadCursor,
    /// A file that was to come back is larger than any document, or all of them are more than is read at once.
    #[error("{0} was not read: it is too large, or too much would come back at once")]
    TooLarge(String),
    /// The repository failed.
    #[error(transparent)]
    Repository(RepositoryError),
    /// The repository's thread does not answer.
    #[error(transparent)]
    Worker(#[from] WorkerError),
}

impl From<RepositoryError> for HistoryError {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::UnknownRevision(revision) => Self::UnknownRevision(revision),
            other => Self::Repository(other),
        }
    }
}
