//! What the edge can ask of the repository.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use linkmesh_proto::Etag;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{
    Edit, HistoryError, Save, SaveError, Saved, StoredDocument,
    actor::{Commit, RepositoryActor},
    batch::{self, Change, Readied, ReadySave},
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
pub const SAVE_DEADLINE: Duration = Duration::from_secs(25);

/// How many documents are looked through at once.
const TURNS: usize = 2;

/// What the edge can ask of the repository. Cheap to clone; every request has a deadline.
#[derive(Clone)]
pub struct RepositoryHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) actor: Supervised<RepositoryActor>,
    pub(super) worker: RepositoryWorker,
    turns: Arc<Semaphore>,
}

impl RepositoryHandle {
    pub(crate) fn new(shared: Arc<Shared>, actor: Supervised<RepositoryActor>, worker: RepositoryWorker) -> Self {
        Self { shared, actor, worker, turns: Arc::new(Semaphore::new(TURNS)) }
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
        let saved = async {
            let ready = if matches!(save.edit, Edit::Pipeline(..) | Edit::Destination(..)) {
                let (turn, this) = (self.turn().await?, self.clone());
                let made = actix_rt::task::spawn_blocking(move || {
                    let ready = this.ready(save);
                    drop(turn);
                    ready
                });
                made.await.map_err(|_| AskError::Closed)?
            } else {
                self.ready(save)
            };
            self.ask(Change::Save(ready)).await
        };
        tokio::time::timeout(SAVE_DEADLINE, saved).await.unwrap_or(Err(AskError::Deadline.into()))
    }

    /// Makes a change that was made ready; the rest as [`save`](Self::save).
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub async fn save_ready(&self, ready: ReadySave) -> Result<Saved, SaveError> {
        self.commit(Change::Save(ready)).await
    }

    /// Makes a document ready before it is the actor's turn, which everybody's saves wait for. Takes as long as the
    /// document is large: call it where a thread may be held, and for a few documents at once.
    #[must_use]
    pub fn ready(&self, save: Save) -> ReadySave {
        let ready = Readied::of(&save.edit, &self.shared.config.load(), &*self.shared.sealer);
        ReadySave(save, ready)
    }

    /// Waits for one of the few turns to look through documents, which holds a core for as long as they are large. Given
    /// back when it is dropped; who leaves waits no longer.
    ///
    /// # Errors
    /// When the server stops.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, AskError> {
        Arc::clone(&self.turns).acquire_owned().await.map_err(|_| AskError::Closed)
    }

    pub(super) async fn commit(&self, change: Change) -> Result<Saved, SaveError> {
        let saved = tokio::time::timeout(SAVE_DEADLINE, self.ask(change));
        saved.await.unwrap_or(Err(AskError::Deadline.into()))
    }

    async fn ask(&self, change: Change) -> Result<Saved, SaveError> {
        let (reply, answered) = oneshot::channel();
        self.actor.tell(Commit(change, reply)).map_err(AskError::from)?;
        answered.await.unwrap_or(Err(AskError::Closed.into()))
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
