//! OpAMP as a pure state machine: no clock, no I/O, no async; time, ids and permits come in as arguments.
//!
//! [`AgentState`] is one collector. Its actor translates what happens into an [`Input`], calls [`AgentState::apply`],
//! and performs the [`Effect`]s **in order**: an `Effect::Persist(PersistClass::Now)` is done before the effects after
//! it, so that nothing is answered before it is durable. Each `Input::Message` yields exactly one [`Effect::Reply`].
//!
//! A socket that dialled with an enrolment token has no collector before its first message: [`Admission`] is what its
//! owner asks until the token is redeemed.
//!
//! Followed: opamp-spec (HEAD 2026-07-23), and what opampsupervisor 0.149 and 0.158 really do where the two differ.

mod admission;
mod belief;
mod capability;
mod delivery;
mod description;
mod effect;
mod frame;
mod input;
mod message;
mod permits;
mod presence;
mod record;
mod session;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod uid;

pub use crate::{
    domain::{
        desired::Desired,
        standing::{Now, PersistClass, Standing},
    },
    ports::CloseReason,
};
pub use admission::{Admission, Admitted};
pub use capability::{AgentCapabilities, SERVER_CAPABILITIES};
pub use effect::Effect;
pub use frame::{FrameError, decode_frame, decode_message, encode_frame};
pub use input::{Context, Credential, Input, SessionId, Surroundings, Timing, TransportKind};
pub use permits::Permits;
pub use record::{
    Drift, EffectiveFact, FailedConfig, OfferedSettings, Record, RemoteStatus, ReportedStatus, SettingsStatus,
};
pub use settings::{Endpoints, EndpointsError};
pub use state::AgentState;
pub use uid::{UidError, normalise_uid, uid_bytes};
