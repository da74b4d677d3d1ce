//! What an actor does after an input was applied.

use std::time::Duration;

use bytes::Bytes;
use linkmesh_proto::{
    ConfigHash,
    api::collector::CollectorEvent,
    wire::opamp::{AvailableComponents, ServerToAgent},
};

use super::input::SessionId;
use crate::{
    domain::standing::{Common, PersistClass},
    ports::CloseReason,
};

/// Something to be done, in the order of the list.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// The one answer to the message just applied. By HTTP it is the response.
    Reply(SessionId, Box<ServerToAgent>),
    /// A message nobody asked for; only to WebSocket sessions. May be lost with the session: nothing is assumed.
    Push(SessionId, Box<ServerToAgent>),
    /// Send a WebSocket ping at once and report its pong.
    Ping(SessionId),
    /// Write [`super::AgentState::record`], or for `PersistClass::Presence` only [`super::AgentState::presence`], at the
    /// moment that the class says. Of
    /// several pending ones the newest suffices.
    Persist(PersistClass),
    /// Keep what the collector says it runs. Secrets may be in it: never log it.
    StoreEffective {
        /// SHA-256 of `body`.
        hash: ConfigHash,
        /// The text.
        body: Bytes,
        /// As reported; empty by the supervisor, which means YAML.
        content_type: String,
    },
    /// Fetch what `StoreEffective` kept and answer with [`super::Input::EffectiveLoaded`]. Rare: only after a restart of
    /// the server during which the desired text changed.
    LoadEffective,
    /// Keep a tree of components; one for each hash for the whole fleet.
    StoreComponents {
        /// The agent's hash of the tree.
        hash: Box<[u8]>,
        /// The tree.
        components: Box<AvailableComponents>,
    },
    /// Append to the collector's events.
    Event(CollectorEvent),
    /// [`super::AgentState::standing`] or the reported attributes changed: publish the row.
    RowChanged,
    /// The attributes that the agent reports changed: match pipelines again.
    AttributesChanged,
    /// End a session. The actor need not wait for `SessionClosed`: the state machine has forgotten the session.
    Close(SessionId, CloseReason),
    /// Apply [`super::Input::Tick`] at or soon after this moment of the monotonic clock. One timer suffices: arm it to
    /// the earliest moment asked for.
    WakeAt(Duration),
}

impl From<Common> for Effect {
    fn from(common: Common) -> Self {
        match common {
            Common::Persist(class) => Self::Persist(class),
            Common::Event(event) => Self::Event(event),
            Common::AttributesChanged => Self::AttributesChanged,
            Common::RowChanged => Self::RowChanged,
            Common::WakeAt(at) => Self::WakeAt(at),
        }
    }
}
