//! The file itself: opening it, opening it again after an error, and what its errors mean.

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use linkmesh_actors::ports::StoreError;
use parking_lot::RwLock;
use redb::{Builder, Database, DatabaseError};

use super::schema::{self, SchemaError};
use crate::data_dir::files;

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be made or opened, or is no redb file.
    #[error("cannot open the state store {store}")]
    Database {
        /// Which store.
        store: String,
        /// What redb or the system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A newer LinkMesh wrote the file.
    #[error(
        "the state store {store} has schema version {found}, but this LinkMesh reads up to version {supported}; use a newer LinkMesh"
    )]
    Newer {
        /// Which store.
        store: String,
        /// Its version.
        found: u64,
        /// The newest version that this program reads.
        supported: u64,
    },
    /// The store's threads could not be started.
    #[error("cannot start a thread of the state store")]
    Thread(#[source] io::Error),
}

/// An error of redb, shared by everybody whose write it stopped.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub(super) struct Fault(Arc<redb::Error>);

impl<E: Into<redb::Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(Arc::new(error.into()))
    }
}

impl Fault {
    fn is_out_of_space(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(&*self.0, redb::Error::Io(error)
            if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge))
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        if fault.is_out_of_space() { Self::NoSpace(Box::new(fault)) } else { Self::Unavailable(Box::new(fault)) }
    }
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Database { source, store } => match source.downcast::<Fault>() {
                Ok(fault) => (*fault).into(),
                Err(source) => Self::Unavailable(Box::new(OpenError::Database { source, store })),
            },
            error => Self::Unavailable(Box::new(error)),
        }
    }
}

/// Where the database comes from, each time it is opened.
pub(super) trait Source: Send + Sync + 'static {
    /// Opens or makes the database.
    fn open(&self, builder: &mut Builder) -> Result<Database, DatabaseError>;

    /// What to call it in errors.
    fn name(&self) -> String;
}

/// A database in a file.
pub(super) struct FileSource {
    path: PathBuf,
}

impl FileSource {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }
}

impl Source for FileSource {
    fn open(&self, builder: &mut Builder) -> Result<Database, DatabaseError> {
        let made = OpenOptions::new().write(true).create_new(true).mode(files::PRIVATE_FILE).open(&self.path);
        match made {
            Ok(_) => files::sync_dir(files::parent(&self.path)).map_err(redb::StorageError::Io)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(redb::StorageError::Io(error).into()),
        }
        builder.create(&self.path)
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// The database, which may be closed for a while.
pub(super) struct Handle {
    source: Box<dyn Source>,
    cache_bytes: usize,
    database: RwLock<Option<Database>>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("store", &self.source.name()).finish_non_exhaustive()
    }
}

impl Handle {
    pub(super) fn open(source: Box<dyn Source>, cache_bytes: usize) -> Result<Self, OpenError> {
        let handle = Self { source, cache_bytes, database: RwLock::new(None) };
        handle.reopen()?;
        Ok(handle)
    }

    /// Runs `work` on the open database. The database stays open until it returns, so it should be short.
    pub(super) fn with<T, E: From<Closed>>(&self, work: impl FnOnce(&Database) -> Result<T, E>) -> Result<T, E> {
        match &*self.database.read() {
            Some(database) => work(database),
            None => Err(Closed.into()),
        }
    }

    /// Closes what is open, saying nothing of its errors, and opens it afresh: the only way on after an I/O error or a
    /// panic.
    pub(super) fn reopen(&self) -> Result<(), OpenError> {
        self.fill(&mut self.database.write())
    }

    /// Opens the file afresh and has `probe` see whether it takes a write. Who reads meanwhile waits: a probe that fails
    /// makes redb refuse reads as well, which go on when the file was opened once more.
    ///
    /// # Errors
    /// The probe's, or that the file cannot be opened.
    pub(super) fn recover<E: From<OpenError>>(&self, probe: impl FnOnce(&Database) -> Result<(), E>) -> Result<(), E> {
        let mut slot = self.database.write();
        self.fill(&mut slot)?;
        let probed = slot.as_ref().map_or(Ok(()), probe);
        if probed.is_err() {
            // The probe's error says more than one of this.
            let _ = self.fill(&mut slot);
        }
        probed
    }

    fn fill(&self, slot: &mut Option<Database>) -> Result<(), OpenError> {
        *slot = None;
        let store = self.source.name();
        let failed = |fault: Fault| OpenError::Database { store: store.clone(), source: Box::new(fault) };
        let mut builder = Database::builder();
        builder.set_cache_size(self.cache_bytes);
        let repairing = store.clone();
        builder.set_repair_callback(move |session| {
            let percent = (session.progress() * 100.0).round();
            tracing::info!(store = repairing, percent, "checking the state store after a crash");
        });
        let database = self.source.open(&mut builder).map_err(|error| failed(error.into()))?;
        schema::prepare(&database).map_err(|error| match error {
            SchemaError::Newer { found, supported } => OpenError::Newer { store: store.clone(), found, supported },
            SchemaError::Fault(fault) => failed(fault),
            SchemaError::Malformed(error) => OpenError::Database { store: store.clone(), source: Box::new(error) },
        })?;
        *slot = Some(database);
        Ok(())
    }

    /// Closes the database for good.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        match self.database.write().take() {
            Some(database) => database.close().map_err(|error| Fault::from(error).into()),
            None => Ok(()),
        }
    }
}

/// What a caller hears while the file is closed: after the end, or while it cannot be opened.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the state store is closed")]
pub(super) struct Closed;

impl From<Closed> for StoreError {
    fn from(closed: Closed) -> Self {
        Self::Unavailable(Box::new(closed))
    }
}
