//! The fleet: which collector runs which pipelines, and the texts that follow.

mod error;
mod handle;
mod query;
mod session;

pub use error::{AdmitError, EnrolError, ExchangeError, FleetError, PollError, QueryError};
pub use handle::{EnrolledCollector, FleetHandle, IssuedEnrollment, RegisteredCollector};
pub use query::{CollectorQuery, Sort, SortKey};
pub use session::{AgentSession, Peer, PollPeer, SessionError};
