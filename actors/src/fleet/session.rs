//! Peers: OpAMP sessions and polls, from the edge's side.

use std::sync::Arc;

use linkmesh_proto::wire::opamp::AgentToServer;

use crate::ports::Transport;

/// Who dialled, as far as the edge knows: a token that was admitted, and an address.
///
/// Made by [`super::FleetHandle::admit`]; proof that the token was looked up.
#[derive(Debug, Clone)]
pub struct Peer {
    _private: (),
}

/// Who polls, beside its token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PollPeer {
    /// From where.
    pub address: Option<String>,
    /// The header `User-Agent`.
    pub user_agent: Option<String>,
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The peer sends faster than its messages can be handled. End the session (1013).
    #[error("the peer sends faster than its messages are handled")]
    Full,
}

/// One OpAMP WebSocket, as the edge holds it. When the edge drops it, the session is closed.
pub struct AgentSession {
    _transport: Arc<dyn Transport>,
}

impl AgentSession {
    pub(super) fn new(transport: Arc<dyn Transport>) -> Self {
        Self { _transport: transport }
    }

    /// Hands over a message. Returns at once; what follows comes through the session's [`Transport`].
    ///
    /// # Errors
    /// When too many of the peer's messages wait already.
    pub fn receive(&self, message: AgentToServer) -> Result<(), SessionError> {
        drop(message);
        Err(SessionError::Full)
    }

    /// A binary frame came that is no message. Answered with an error response; the session stays open.
    ///
    /// # Errors
    /// When too many of the peer's messages wait already.
    pub fn receive_undecodable(&self) -> Result<(), SessionError> {
        Err(SessionError::Full)
    }

    /// A pong came.
    pub fn pong(&self) {}
}
