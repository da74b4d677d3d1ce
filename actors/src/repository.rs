//! The config repository's actor: validates, commits in batches, announces revisions.

mod handle;
mod request;

pub use handle::{RepositoryHandle, RestoreError};
pub use request::{Edit, HistoryError, Precondition, Save, SaveError, Saved, StoredDocument};
