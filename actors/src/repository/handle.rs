//! What the edge can ask of the repository.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use linkmesh_proto::Etag;
use tokio::sync::oneshot;

use super::{
    HistoryError, Save, SaveError, Saved, StoredDocument,
    actor::{Commit, RepositoryActor},
    batch::{self, Change},
};
use crate::{
    domain::{config::ConfigSnapshot, document::DocumentPath},
    ports::ConfigRepository,
    runtime::{AskError, Supervised, Worker},
    shared::Shared,
};

/// The thread that owns the repository.
pub(crate) type RepositoryWorker = Worker<Box<dyn ConfigRepository>>;

/// How long a save may take, waiting included. Less than the edge waits for a write: a save that still waits when its
/// client is told that it took too long is not made.
const SAVE_DEADLINE: Duration = Duration::from_secs(25);

/// What the edge can ask of the repository. Cheap to clone; every request has a deadline.
#[derive(Clone)]
pub struct RepositoryHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) actor: Supervised<RepositoryActor>,
    pub(super) worker: RepositoryWorker,
}

impl RepositoryHandle {
    pub(crate) fn new(shared: Arc<Shared>, actor: Supervised<RepositoryActor>, worker: RepositoryWorker) -> Self {
        Self { shared, actor, worker }
    }

    /// The repository as it is in force now. From memory.
    #[must_use]
    pub fn snapshot(&self) -> Arc<ConfigSnapshot> {
        self.shared.config.load_full()
    }

    /// A document as it is in force now, with the version that `If-Match` must name to replace it (of a broken file:
    /// that of the broken text). `None` also for a file that never was good.
    #[must_use]
    pub fn stored(&self, path: &DocumentPath) -> Option<(StoredDocument, Etag)> {
        let (document, etag) = batch::stored(&self.shared.config.load(), path)?;
        Some((document?, etag))
    }

    /// Makes a change. When this returns `Ok`, the change is on disk, and the fleet knows of it.
    ///
    /// # Errors
    /// See [`SaveError`]; nothing was stored. After a deadline it may have been.
    pub async fn save(&self, save: Save) -> Result<Saved, SaveError> {
        self.commit(Change::Save(save)).await
    }

    pub(super) async fn commit(&self, change: Change) -> Result<Saved, SaveError> {
        let (reply, answered) = oneshot::channel();
        self.actor.tell(Commit(change, reply)).map_err(AskError::from)?;
        match tokio::time::timeout(SAVE_DEADLINE, answered).await {
            Ok(answer) => answer.unwrap_or(Err(AskError::Closed.into())),
            Err(_) => Err(AskError::Deadline.into()),
        }
    }

    /// Whether changes can be stored: the last one was, or a trial write succeeded since.
    ///
    /// # Errors
    /// When they cannot.
    pub async fn check(&self) -> Result<(), HistoryError> {
        let failing = Arc::clone(&self.shared.commits_fail);
        self.read(move |repository| {
            // Commits are made on this thread too: none fails between the trial and what is noted of it.
            if failing.load(Ordering::Acquire) {
                repository.probe()?;
                failing.store(false, Ordering::Release);
            }
            repository.head().map(drop)
        })
        .await
    }
}
