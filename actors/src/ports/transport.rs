//! The sending side of one OpAMP session.

use linkmesh_proto::wire::opamp::ServerToAgent;

/// The queue of a session is full: its peer does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session does not take messages")]
pub struct TransportFull;

/// Why the server ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The collector was deregistered or its token revoked (WebSocket 1008).
    Revoked,
    /// The server stops (1001).
    GoingAway,
    /// The peer does not read, or sends faster than it may (1013).
    Overloaded,
    /// Nothing was heard of the peer for too long (1001).
    Silent,
}

/// The sending side of one session. Held by the collector's actor; the edge implements it.
pub trait Transport: Send + Sync + 'static {
    /// Queues a message for the peer and returns at once.
    ///
    /// # Errors
    /// [`TransportFull`] when the peer has not read enough of what was queued before, or the session has ended. The
    /// caller then ends the session: the collector dials again and gets the newest of everything.
    fn send(&self, message: ServerToAgent) -> Result<(), TransportFull>;

    /// Asks for a ping; a pong, or any other frame of the peer, comes back as a sign of life. Plain HTTP does nothing.
    fn ping(&self);

    /// Ends the session at once, also when the peer does not read. Later calls do nothing.
    fn close(&self, reason: CloseReason);
}
