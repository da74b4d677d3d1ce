//! The fleet: which collector runs which pipelines, and the texts that follow.
//!
//! *Owns* the matching of pipelines to collectors and the rendered texts, one for each distinct set of pipelines. Writes
//! each collector's [`crate::directory::Place`]; what a collector should run is a slot there, never a queue.
//!
//! *Mailbox* 64: its messages say "look again" and carry nothing. *Senders*: collectors' actors when attributes change,
//! the repository when a revision is in force. It is also woken every 30 s; looking again is idempotent.
//!
//! *Its death* loses nothing: it is rebuilt from directory and repository, and who already holds the right text is not
//! woken.

mod actor;
mod admin;
mod diff;
mod enrolling;
mod enrollments;
mod error;
mod handle;
mod inspect;
mod outlook;
mod peers;
mod polling;
mod query;
mod session;
pub(crate) mod state;
mod tokens;

pub(crate) use actor::{FleetActor, MAILBOX, Reconcile, TakeRevision};
pub(crate) use enrollments::Enrollments;
pub use error::{AdmitError, EnrolError, ExchangeError, FleetError, PollError, QueryError};
pub use handle::{EnrolledCollector, FleetHandle, IssuedEnrollment, RegisteredCollector};
pub use peers::Peer;
pub use polling::AlloyPeer;
pub use query::{CollectorQuery, Sort, SortKey};
pub use session::{AgentSession, SessionError};
pub(crate) use state::Touched;
pub(crate) use tokens::end_known_tokens;
#[cfg(test)]
pub(crate) use {admin::record, session::MAX_SESSIONS};
