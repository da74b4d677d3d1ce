//! What the rules need of the world: stores, the config repository, time, randomness, the sending side of a session.
//!
//! Every trait is small, says its contract in its documentation, and has a fake in `testing`. The binary brings the
//! real ones (redb, libgit2, the system's clock, sockets).

mod audit_store;
mod clock;
mod collector_store;
mod entropy;
mod event_store;
mod probe;
mod repository;
mod store_error;
mod token_store;
mod transport;
mod user_store;

pub use audit_store::{AuditEntry, AuditRecord, AuditStore};
pub use clock::Clock;
pub use collector_store::{CollectorRecord, CollectorStore, EffectiveRecord, Presence, RowRecord};
pub use entropy::Entropy;
pub use event_store::{EVENTS_KEPT, EventStore};
pub use probe::Probe;
pub use repository::{
    Bounds, CommitAuthor, CommitInfo, CommitRequest, Committed, ConfigRepository, Differences, FileChange,
    HistoryQuery, LARGEST_FILE, MOST_BYTES, MaintenanceReport, PathChange, RepositoryError, RepositoryFile, Unread,
};
pub use store_error::{BoxError, StoreError};
pub use token_store::{CollectorTokenRecord, EnrollmentRecord, RedeemError, Redeemed, Redemption, TokenStore};
pub use transport::{CloseReason, Transport, TransportFull};
pub use user_store::{ServiceAccountRecord, ServiceTokenRecord, SessionRecord, UserRecord, UserStore};

/// Everything that is kept outside the config repository: all store roles together.
///
/// An implementation passes the conformance suite of `testing`. Two promises hold for every method that writes: when it
/// returns `Ok`, what it wrote survives a power cut, and it wrote all or nothing.
pub trait StateStore: CollectorStore + TokenStore + UserStore + EventStore + AuditStore + Probe {}

impl<T: CollectorStore + TokenStore + UserStore + EventStore + AuditStore + Probe> StateStore for T {}
