//! OpAMP sessions over WebSockets, from the edge's side.

use std::sync::Arc;

use linkmesh_proto::wire::opamp::AgentToServer;
use parking_lot::Mutex;
use prost::Message as _;

use super::{
    AdmitError, FleetHandle, Peer,
    enrollments::Waiting,
    peers::{CANNOT_ENROL, PeerKind},
};
use crate::{
    collector::{Work, post, post_if_alive, share},
    directory::{Connection, Slot},
    opamp::{Admission, Credential, SessionId, TransportKind},
    ports::Transport,
    token::TokenHash,
};

/// Messages that wait while a peer enrols.
const MAX_WAITING: usize = 16;
/// Bytes of them; a first message has 3 to 10 KB.
const MAX_WAITING_BYTES: usize = 1 << 20;

/// Sockets that one collector may have open. A supervisor has one; a second process with its token and sockets that
/// died without a word make a few more. Without a bound one token could take the places of all.
pub(crate) const MAX_SESSIONS: usize = 8;

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The peer sends faster than its messages can be handled. End the session (1013).
    #[error("the peer sends faster than its messages are handled")]
    Full,
}

/// One OpAMP WebSocket, as the edge holds it. When the edge drops it, the session is closed.
pub struct AgentSession {
    inner: Arc<Inner>,
}

struct Inner {
    fleet: FleetHandle,
    id: SessionId,
    transport: Arc<dyn Transport>,
    address: Option<Arc<str>>,
    stage: Mutex<Stage>,
    /// Among those that came with its enrolment token, until it has its collector.
    waiting: Mutex<Option<Waiting>>,
}

/// How far a session is.
enum Stage {
    /// It has its collector.
    Bound(Arc<Slot>),
    /// Its first message is awaited, or being judged while others wait.
    Enrolling { hash: TokenHash, is_silent: bool, is_judging: bool, waiting: Vec<AgentToServer> },
    /// Its token was not for it. It stays open and idle: a closed socket is dialled again at once.
    Refused(String),
    /// It was closed.
    Closed,
}

impl AgentSession {
    pub(super) fn open(fleet: FleetHandle, peer: Peer, transport: Arc<dyn Transport>) -> Result<Self, AdmitError> {
        let id = fleet.shared.next_session();
        let mut waiting = None;
        let (stage, owner) = match peer.kind {
            PeerKind::Enrolling { hash } => {
                let (shared, messages) = (&fleet.shared, Vec::new());
                waiting = Some(shared.enrollments.wait(hash, shared.settings.max_enrolling).ok_or(AdmitError::Busy)?);
                (Stage::Enrolling { hash, is_silent: true, is_judging: false, waiting: messages }, None)
            }
            PeerKind::Collector { known, token, hash } => {
                fleet.begin_grace(&known);
                let slot = known.slot;
                (Stage::Bound(Arc::clone(&slot)), Some((slot, Credential::Collector { token }, hash)))
            }
        };
        let (stage, waiting) = (Mutex::new(stage), Mutex::new(waiting));
        let inner = Inner { fleet, id, transport, address: peer.address, stage, waiting };
        if let Some((slot, credential, hash)) = owner {
            inner.connect(&slot, credential, hash)?;
        }
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Hands over a message. Returns at once; what follows comes through the session's [`Transport`].
    ///
    /// # Errors
    /// When too many of the peer's messages wait already.
    pub fn receive(&self, message: AgentToServer) -> Result<(), SessionError> {
        let inner = &self.inner;
        let mut stage = inner.stage.lock();
        match &mut *stage {
            Stage::Bound(slot) => inner.post_message(slot, message),
            Stage::Enrolling { is_judging: true, waiting, .. } => {
                let bytes: usize = waiting.iter().chain([&message]).map(AgentToServer::encoded_len).sum();
                if waiting.len() == MAX_WAITING || bytes > MAX_WAITING_BYTES {
                    return Err(SessionError::Full);
                }
                waiting.push(message);
                Ok(())
            }
            Stage::Enrolling { hash, is_silent, is_judging, .. } => {
                (*is_silent, *is_judging) = (false, true);
                let (judged, hash) = (Arc::clone(inner), *hash);
                // A stopped thread: the server ends, and the session with it.
                inner.fleet.shared.pool.hub().spawn(async move { judged.judge(hash, message).await });
                Ok(())
            }
            Stage::Refused(reason) => {
                inner.transport.send(Admission::refuse(&message, reason)).map_err(|_| SessionError::Full)
            }
            Stage::Closed => Ok(()),
        }
    }

    /// A binary frame came that is no message. Answered with an error response; the session stays open.
    ///
    /// # Errors
    /// When too many of the peer's messages wait already.
    pub fn receive_undecodable(&self) -> Result<(), SessionError> {
        let inner = &self.inner;
        match &*inner.stage.lock() {
            Stage::Bound(slot) => inner.post(slot, Work::Undecodable(inner.id)),
            Stage::Enrolling { .. } | Stage::Refused(_) => {
                let answer = Admission::refuse(&AgentToServer::default(), "the message cannot be read");
                inner.transport.send(answer).map_err(|_| SessionError::Full)
            }
            Stage::Closed => Ok(()),
        }
    }

    /// Whether nothing came of a peer that has yet to say who it is. A supervisor says so at once.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        matches!(&*self.inner.stage.lock(), Stage::Enrolling { is_silent: true, .. })
    }

    /// The session is about to be cut, because its peer sends too fast or does not read: its next dial, which comes at
    /// once, is refused for a while.
    pub fn hold_off(&self) {
        if let Stage::Bound(slot) = &*self.inner.stage.lock() {
            slot.hold_off(self.inner.fleet.shared.clock.monotonic());
        }
    }

    /// A pong came.
    pub fn pong(&self) {
        let inner = &self.inner;
        if let Stage::Bound(slot) = &*inner.stage.lock() {
            // Full: it has messages of this peer, which say the same.
            let _ = post_if_alive(&inner.fleet.shared, slot, Work::Pong(inner.id));
        }
    }
}

impl Inner {
    fn post(&self, slot: &Arc<Slot>, work: Work) -> Result<(), SessionError> {
        post(&self.fleet.shared, slot, work).map_err(|_| SessionError::Full)
    }

    fn post_message(&self, slot: &Arc<Slot>, message: AgentToServer) -> Result<(), SessionError> {
        let share = share(&self.fleet.shared, slot, message.encoded_len()).map_err(|_| SessionError::Full)?;
        self.post(slot, Work::Message(self.id, Box::new(message), share))
    }

    /// Puts the session into the collector's slot, where its actor finds it, also after a panic.
    fn connect(&self, slot: &Arc<Slot>, credential: Credential, token: TokenHash) -> Result<(), AdmitError> {
        let now = self.fleet.shared.clock.now();
        let is_dead = || self.fleet.shared.directory.by_token(&token, now).is_none();
        // An enrolment token is not looked up there, and ends only for those who come anew.
        let may_be_dead = matches!(credential, Credential::Collector { .. });
        let connection = Connection {
            id: self.id,
            transport: Arc::clone(&self.transport),
            kind: TransportKind::WebSocket,
            credential,
            token,
            address: self.address.clone(),
        };
        {
            let mut connections = slot.connections.lock();
            // Under the lock: who deregisters or ends a token sees the session, or the session sees that it is too late.
            if slot.is_deregistered() || may_be_dead && is_dead() {
                return Err(AdmitError::Unknown);
            }
            if connections.len() >= MAX_SESSIONS {
                return Err(AdmitError::Busy);
            }
            connections.push(Arc::new(connection));
        }
        if self.post(slot, Work::Connected(self.id)).is_err() {
            slot.connections.lock().retain(|connection| connection.id != self.id);
            return Err(AdmitError::Busy);
        }
        Ok(())
    }

    /// Redeems the enrolment token for the process that sent this message.
    async fn judge(&self, hash: TokenHash, message: AgentToServer) {
        let outcome = self.fleet.enrol_agent(hash, message.clone(), self.address.clone()).await;
        let mut stage = self.stage.lock();
        let Stage::Enrolling { is_judging, waiting, .. } = &mut *stage else { return };
        let waiting = std::mem::take(waiting);
        let connected = match outcome {
            Ok(Ok((slot, credential))) => self.admit(&slot, credential, hash).map(|()| slot),
            Ok(Err(answer)) => {
                let reason = answer.error_response.as_ref().map(|error| error.error_message.clone());
                let reason = reason.unwrap_or_default();
                // The peer may have left.
                let _ = self.transport.send(*answer);
                self.refuse_all(&waiting, &reason);
                *stage = Stage::Refused(reason);
                *self.waiting.lock() = None;
                return;
            }
            Err(_) => Err(AdmitError::Busy),
        };
        match connected {
            Ok(slot) => {
                for message in std::iter::once(message).chain(waiting) {
                    // Full: the actor has enough of this peer; what it missed shows as a gap and is asked for.
                    let _ = self.post_message(&slot, message);
                }
                *stage = Stage::Bound(slot);
                *self.waiting.lock() = None;
            }
            // Not closed, because it would be back at once: its next message is judged again.
            Err(_) => {
                *is_judging = false;
                self.refuse_all(std::iter::once(&message).chain(&waiting), CANNOT_ENROL);
            }
        }
    }

    /// Every message has its answer.
    fn refuse_all<'a>(&self, messages: impl IntoIterator<Item = &'a AgentToServer>, reason: &str) {
        for message in messages {
            // The peer may have left.
            let _ = self.transport.send(Admission::refuse(message, reason));
        }
    }

    /// Lets in who redeemed, unless its collector was cut a moment ago.
    fn admit(&self, slot: &Arc<Slot>, credential: Credential, token: TokenHash) -> Result<(), AdmitError> {
        if slot.is_held_off(self.fleet.shared.clock.monotonic()) {
            return Err(AdmitError::Busy);
        }
        self.connect(slot, credential, token)
    }
}

impl Drop for AgentSession {
    fn drop(&mut self) {
        let stage = std::mem::replace(&mut *self.inner.stage.lock(), Stage::Closed);
        *self.inner.waiting.lock() = None;
        if let Stage::Bound(slot) = stage {
            slot.connections.lock().retain(|connection| connection.id != self.inner.id);
            let (shared, gone) = (&self.inner.fleet.shared, Work::Disconnected(self.inner.id));
            // Its actor panicked and was not rebuilt since: another one has to say that it is gone.
            let is_alive = slot.mailbox.lock().addr.as_ref().is_some_and(actix::Addr::connected);
            let is_unattended = !is_alive && slot.is_online() && !shared.is_stopping();
            let told = if is_unattended { post(shared, &slot, gone) } else { post_if_alive(shared, &slot, gone) };
            if told.is_err() {
                // It has messages to handle, and the tick after them finds the session gone.
                tracing::debug!(collector = %slot.id(), "mailbox full at the end of a session");
            }
        }
    }
}
