//! The config repository's actor: validates, commits in batches, announces revisions.
//!
//! *Owns* the snapshot in force ([`ConfigSnapshot`](crate::domain::config::ConfigSnapshot), shared with everybody who
//! reads) and the one worker thread that owns the Git repository. While one batch is being committed the next gathers:
//! a lone save never waits, and many share one move of the branch.
//!
//! *Mailbox* 256 messages, taken at once: 256 saves wait behind the batch on its way, and the next is refused. *Senders*:
//! operators' requests by way of [`RepositoryHandle`]. It asks the fleet, never the other way.
//!
//! *Its death* loses saves that were not answered; what is in Git is read again.

mod actor;
mod audit;
mod batch;
mod check;
mod handle;
mod history;
mod load;
mod request;

pub(crate) use actor::{MAILBOX, RepositoryActor};
pub(crate) use audit::rebuild_from;
pub use batch::ReadySave;
pub(crate) use check::{Against, destination as checked_destination, pipeline as checked_pipeline};
pub use handle::{RepositoryHandle, SAVE_DEADLINE};
pub use history::{Changes, Restoration};
pub(crate) use load::load;
pub use request::{Edit, HistoryError, Precondition, Save, SaveError, Saved, StoredDocument};
