//! What happens to a collector, and what its state machine may ask of its surroundings.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use linkmesh_proto::{InstanceUid, wire::opamp::AgentToServer};

use super::settings::Endpoints;
use crate::domain::{desired::Desired, standing::Now};

/// Names one connection for as long as the process lives; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// How a session carries messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportKind {
    /// The server may send at any time.
    WebSocket,
    /// The server only answers. All POSTs of a collector form one session: [`super::AgentState::http_session`].
    Http,
}

/// What the peer of a session showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The collector's own token. The text is what the peer sent; it is offered back for own metrics and kept no
    /// longer than the session.
    Collector {
        /// `lmct_...`
        token: Arc<str>,
    },
    /// An enrolment token that was redeemed for this collector.
    Enrolment {
        /// A token of the collector to offer, already valid on the server; `None` when there is none to offer, then
        /// the peer goes on with its enrolment token.
        issued: Option<Arc<str>>,
    },
}

impl Credential {
    /// The collector's token, as far as it is known here.
    pub(super) fn token(&self) -> Option<&Arc<str>> {
        match self {
            Self::Collector { token } => Some(token),
            Self::Enrolment { issued } => issued.as_ref(),
        }
    }
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A peer was let in: its upgrade was accepted, or its first POST came. Said again of an open HTTP session when a
    /// POST shows another credential than the one before.
    SessionOpened {
        /// The new session.
        session: SessionId,
        /// How it carries messages.
        transport: TransportKind,
        /// What the peer showed.
        credential: Credential,
    },
    /// A message came. Yields exactly one [`super::Effect::Reply`].
    Message {
        /// The session that it came by.
        session: SessionId,
        /// The message.
        message: Box<AgentToServer>,
    },
    /// Binary data came that is no message. Yields exactly one [`super::Effect::Reply`] (bad request).
    Undecodable {
        /// The session that it came by.
        session: SessionId,
    },
    /// The peer answered a ping that [`super::Effect::Ping`] asked for. Pongs to other pings need not be told, nor do
    /// they do harm.
    Pong {
        /// The session that it came by.
        session: SessionId,
    },
    /// The connection is gone, whoever ended it.
    SessionClosed {
        /// The session.
        session: SessionId,
    },
    /// What the collector should run is another text. `None`: nothing, and as far as is known it was never configured. A
    /// collector that was ([`super::AgentState::was_configured`]) is given the document without pipelines, then or soon.
    DesiredChanged {
        /// The text.
        desired: Option<Arc<Desired>>,
    },
    /// The answer to [`super::Effect::LoadEffective`]: what the collector said it runs, from the store; `None` when the
    /// store has nothing.
    EffectiveLoaded {
        /// The text.
        body: Option<Bytes>,
    },
    /// An operator asked for a restart of the collector. Ignored when [`super::AgentState::can_restart`] says no.
    RestartAsked,
    /// An operator lifts the failed latch of the desired text: it is offered once more.
    RetryAsked,
    /// The collector was deregistered: its token is dead and its sessions end.
    Deregistered,
    /// The server stops.
    ServerStopping,
    /// The moment of [`super::Effect::WakeAt`] has come. Harmless at any other moment.
    Tick,
}

/// What a state machine may ask while it works. Every answer is immediate and from memory.
pub trait Surroundings {
    /// Takes one of the fleet's permits to ask an agent for its full state. `false`: ask again later.
    fn full_state_permit(&self, now: Now) -> bool;
    /// Whether the tree of components with this hash is unknown and nobody was asked for it a moment ago.
    fn wants_components(&self, hash: &[u8]) -> bool;
    /// A new UUID version 7, for an agent that asks for one.
    fn new_instance_uid(&self) -> InstanceUid;
}

/// How often agents are to be heard, and when one is gone (opamp.md 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Between two heartbeats, as connection-settings offers ask for it. A second or more: 0 silences a supervisor for
    /// good.
    pub heartbeat: Duration,
    /// Silence after which the peer of a socket is gone.
    pub silence: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { heartbeat: Duration::from_secs(30), silence: Duration::from_secs(90) }
    }
}

impl Timing {
    /// Silence after which a peer is gone. One that posts cannot be pinged, and may never have been told how often: it
    /// is given three heartbeats, and never less than three of what agents do by themselves.
    pub(super) fn gone_after(self, transport: TransportKind) -> Duration {
        match transport {
            TransportKind::WebSocket => self.silence,
            TransportKind::Http => self.silence.max(self.heartbeat * 3).max(Duration::from_secs(90)),
        }
    }

    /// Silence after which a socket is pinged: some agents send no heartbeats.
    pub(super) fn quiet(self) -> Duration {
        self.silence * 2 / 3
    }
}

/// What holds for the whole server while an input is applied.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The server's address as agents see it, for connection-settings offers; `None` without a usable public URL:
    /// then no settings are offered.
    pub endpoints: Option<&'a Endpoints>,
    /// Heartbeats and silence.
    pub timing: Timing,
    /// Permits, fleet-wide knowledge, new ids.
    pub surroundings: &'a dyn Surroundings,
}
