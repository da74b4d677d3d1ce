//! What the edge can ask of the repository.

use std::sync::Arc;

use linkmesh_proto::{
    Cursor, Etag, Revision,
    api::{
        list::Page,
        revision::{Restored, RevisionDiff, RevisionSummary},
    },
};

use super::{HistoryError, Save, SaveError, Saved, StoredDocument};
use crate::{
    by::By,
    domain::{config::ConfigSnapshot, document::DocumentPath},
    runtime::{AskError, WorkerError},
};

/// What the edge can ask of the repository. Cheap to clone; every request has a deadline.
#[derive(Clone)]
pub struct RepositoryHandle {
    _private: (),
}

impl RepositoryHandle {
    /// The repository as it is in force now. From memory.
    #[must_use]
    pub fn snapshot(&self) -> Arc<ConfigSnapshot> {
        Arc::new(ConfigSnapshot::default())
    }

    /// A document as it is stored now, with the version that `If-Match` must name to replace it (of a broken file: that
    /// of the broken text).
    #[must_use]
    pub fn stored(&self, path: &DocumentPath) -> Option<(StoredDocument, Etag)> {
        let _ = path;
        None
    }

    /// Makes a change. When this returns `Ok`, the change is on disk, and the fleet knows of it.
    ///
    /// # Errors
    /// See [`SaveError`]; nothing was stored.
    pub async fn save(&self, save: Save) -> Result<Saved, SaveError> {
        let _ = save;
        Err(AskError::Closed.into())
    }

    /// History, newest first; only commits that changed `path` when one is given.
    ///
    /// # Errors
    /// When the cursor is not valid or the repository fails.
    pub async fn history(
        &self,
        path: Option<String>,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<RevisionSummary>, HistoryError> {
        let _ = (path, cursor, limit);
        Err(WorkerError::Stopped.into())
    }

    /// One commit.
    ///
    /// # Errors
    /// When there is none, or the repository fails.
    pub async fn revision(&self, revision: Revision) -> Result<RevisionSummary, HistoryError> {
        Err(HistoryError::UnknownRevision(revision))
    }

    /// What a commit changed, against `base`, or against its parent when none is given. Sealed values are hidden.
    ///
    /// # Errors
    /// When there is no such commit, or the repository fails.
    pub async fn diff(&self, base: Option<Revision>, revision: Revision) -> Result<RevisionDiff, HistoryError> {
        let _ = base;
        Err(HistoryError::UnknownRevision(revision))
    }

    /// Brings files back to what they were at a commit, as a new commit; all files when `paths` is absent. The result
    /// is checked like any save.
    ///
    /// # Errors
    /// When there is no such commit, what it holds breaks rules today, or the repository fails.
    pub async fn restore(
        &self,
        revision: Revision,
        paths: Option<Vec<String>>,
        by: &By,
    ) -> Result<Restored, RestoreError> {
        let _ = (paths, by);
        Err(HistoryError::UnknownRevision(revision).into())
    }
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The past cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The result was not saved.
    #[error(transparent)]
    Save(#[from] SaveError),
}
