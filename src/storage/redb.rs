//! The state store in one redb file.
//!
//! One thread writes: it drains the queue, applies what it found in one transaction, and answers everybody when that
//! transaction is on disk (`writer`). A write is planned against a view of the transaction and its changes are applied
//! by the writer, so that a write that is refused leaves nothing half-done behind and does not touch its neighbours
//! (`plan`). Reads are short snapshots on two threads of their own (`reader`). After an I/O error redb refuses
//! everything until it is opened again; the writer does that, and the store says meanwhile that it is not available
//! ([`RedbStore::health`]).
//!
//! Tables have bytes for keys and values: ids and big-endian numbers as keys, so that order in the file is the order
//! wanted; as values a byte for the version of the form, then `MessagePack` with named fields (`value`). The version of
//! the whole file stands in the table `meta` (`schema`).

mod audit;
mod collectors;
mod database;
mod events;
mod plan;
mod probe;
mod reader;
mod schema;
mod tables;
#[cfg(test)]
mod tests;
mod tokens;
mod users;
mod value;
mod writer;

use std::{path::Path, sync::Arc, time::Duration};

use linkmesh_actors::{ports::StoreError, runtime::Observe};
use tokio::sync::watch;

pub use self::{
    database::OpenError,
    schema::SCHEMA_VERSION,
    writer::{StoreFigures, StoreHealth},
};
use self::{
    database::{FileSource, Handle, Source},
    plan::{Changes, View},
    reader::Readers,
    writer::Writer,
};

/// How the store is set up.
#[derive(Debug, Clone)]
pub struct RedbOptions {
    /// Memory for pages of the file, in bytes. Counts in the process's memory.
    pub cache_bytes: usize,
    /// How many writes may wait before a writer waits for room.
    pub queue: usize,
    /// How many writes share a transaction at most.
    pub batch: usize,
    /// How long a caller waits for room in the queue before it is told that the store is overloaded.
    pub admission: Duration,
    /// How often a store that is not available tries to come back.
    pub retry: Duration,
    /// Where the time of each write is counted.
    pub observe: Arc<Observe>,
}

impl Default for RedbOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 32 << 20,
            queue: 1024,
            batch: 128,
            admission: Duration::from_secs(5),
            retry: Duration::from_secs(1),
            observe: Arc::default(),
        }
    }
}

/// The state store in one redb file. Cheap to clone; the file is closed when the last clone is gone.
#[derive(Debug, Clone)]
pub struct RedbStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    // The order of the fields is the order of the end: no more reads, then the last writes and the file.
    readers: Readers,
    writer: Writer,
}

impl RedbStore {
    /// Opens the file at `path`, makes it (mode 0600) when it is not there, and brings it to this program's schema.
    ///
    /// After a crash the file is walked once; large files take a moment, and the log says so.
    ///
    /// # Errors
    /// When the file is no store, is used by another process, comes from a newer LinkMesh, or cannot be read.
    pub fn open(path: &Path, options: &RedbOptions) -> Result<Self, OpenError> {
        Self::open_source(Box::new(FileSource::new(path)), options)
    }

    fn open_source(source: Box<dyn Source>, options: &RedbOptions) -> Result<Self, OpenError> {
        let handle = Arc::new(Handle::open(source, options.cache_bytes)?);
        let (writer, sender) = Writer::start(Arc::clone(&handle), options).map_err(OpenError::Thread)?;
        let readers = Readers::start(&handle, &sender, options).map_err(OpenError::Thread)?;
        Ok(Self { inner: Arc::new(Inner { readers, writer }) })
    }

    /// Whether the newest write, or trial of one, was taken; changes as that changes. Readiness asks `probe`.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<StoreHealth> {
        self.inner.writer.health()
    }

    /// Counters of the writer, for metrics.
    #[must_use]
    pub fn figures(&self) -> Arc<StoreFigures> {
        self.inner.writer.figures()
    }

    /// Writes what is queued, closes the file and says how that went. Later calls of any clone fail.
    ///
    /// # Errors
    /// When the file could not be closed cleanly. What was answered with success before is on disk all the same.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.inner.writer.close().await
    }

    /// Plans a write inside the writer's transaction and answers when it is on disk.
    async fn write<T: Send + 'static>(
        &self,
        plan: impl FnOnce(&dyn View, &mut Changes) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.write(plan).await
    }

    /// Reads from a snapshot.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.readers.read(read).await
    }
}
