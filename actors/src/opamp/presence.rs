//! Connections: who is there, which of two it is, and when something is due.

use std::time::Duration;

use linkmesh_proto::wire::opamp::ServerToAgent;

use super::{
    admission::bad_request,
    capability::SERVER_CAPABILITIES,
    delivery,
    effect::Effect,
    input::{Context, Credential, SessionId, TransportKind},
    session::{GATE, PING_ANSWER, Role, Session},
    state::{AgentState, Output},
};
use crate::{domain::standing::Now, ports::CloseReason};

/// Sockets of one token beyond this are taken for duplicates unheard.
const MAX_SESSIONS: usize = 8;
/// How long bad health must last to be believed.
const DIP: Duration = Duration::from_secs(2);

impl AgentState {
    pub(super) fn primary(&self) -> Option<&Session> {
        self.sessions.iter().find(|session| session.is_primary())
    }

    pub(super) fn primary_mut(&mut self) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.is_primary())
    }

    pub(super) fn is_online(&self) -> bool {
        self.primary().is_some_and(|session| session.started_at.is_some() && !session.said_goodbye)
    }

    pub(super) fn has_duplicate(&self) -> bool {
        self.sessions.iter().any(|session| matches!(session.role, Role::Duplicate))
    }

    pub(super) fn open(&mut self, id: SessionId, transport: TransportKind, credential: Credential, out: &mut Output) {
        if let Some(known) = self.sessions.iter_mut().find(|session| session.id == id) {
            if matches!(credential, Credential::Collector { .. }) {
                // It took the token; should it come back with the other one, it has lost it.
                known.token_offered_at = None;
            }
            known.credential = credential;
            return;
        }
        // One that said goodbye is as good as closed.
        self.sessions.retain(|session| !session.said_goodbye);
        // Plain HTTP has no connection that could be alive: whoever comes by a socket now has taken its place.
        if transport == TransportKind::WebSocket {
            self.sessions.retain(Session::is_socket);
        }
        let role = match self.primary().map(|primary| primary.id) {
            None => Role::Primary,
            Some(_) if self.sessions.len() >= MAX_SESSIONS => Role::Duplicate,
            Some(primary) => {
                out.effects.push(Effect::Ping(primary));
                Role::Contender { since: self.clock, held: Some(Vec::new()) }
            }
        };
        // One is the rule, and a fleet has many.
        self.sessions.reserve_exact(1);
        self.sessions.push(Session::new(id, transport, credential, role, self.clock));
    }

    /// A sign of life that is no message.
    pub(super) fn heard(&mut self, now: Now, id: SessionId, out: &mut Output) {
        let clock = self.clock;
        if let Some(session) = self.sessions.iter_mut().find(|session| session.id == id) {
            session.heard_at = clock;
            session.pinged_at = None;
            if session.is_primary() {
                if session.started_at.is_some() {
                    self.record.last_seen = Some(now.at);
                    out.persist(crate::domain::standing::PersistClass::Presence);
                }
                self.primary_is_alive();
            }
        }
    }

    /// The first connection answered: whoever contends is a second process.
    pub(super) fn primary_is_alive(&mut self) {
        for session in &mut self.sessions {
            if matches!(session.role, Role::Contender { .. }) {
                session.role = Role::Duplicate;
            }
        }
    }

    pub(super) fn closed(&mut self, now: Now, id: SessionId, context: &Context<'_>, out: &mut Output) {
        // An offer that was followed by silence may have been lost.
        let lost = |session: &Session| session.metrics_offered_at.is_some_and(|at| session.heard_at <= at);
        if self.sessions.iter().any(|session| session.id == id && lost(session)) {
            self.record.offered_settings = None;
            out.persist(crate::domain::standing::PersistClass::Soon);
        }
        self.sessions.retain(|session| session.id != id);
        self.promote(now, context, out);
    }

    /// Makes another connection the agent's own when it has none.
    fn promote(&mut self, now: Now, context: &Context<'_>, out: &mut Output) {
        if self.primary().is_some() {
            return;
        }
        // What was asked for by a connection that is gone will not come.
        self.full.needed |= self.full.requested_at.take().is_some();
        let is_contender = |session: &Session| matches!(session.role, Role::Contender { .. });
        let next = self.sessions.iter().rposition(is_contender).or(self.sessions.len().checked_sub(1));
        let Some(next) = next.and_then(|index| self.sessions.get_mut(index)) else { return };
        let id = next.id;
        match std::mem::replace(&mut next.role, Role::Primary) {
            Role::Contender { held: Some(messages), .. } => {
                for message in messages {
                    self.merge_held(now, id, message, context, out);
                }
            }
            _ => self.full.needed = true,
        }
        self.push_full_state(now, context, out);
    }

    pub(super) fn close_all(&mut self, reason: CloseReason, out: &mut Output) {
        for session in self.sessions.drain(..) {
            out.effects.push(Effect::Close(session.id, reason));
        }
    }

    pub(super) fn undecodable(&mut self, id: SessionId, out: &mut Output) {
        let raw_uid = self.sessions.iter().find(|session| session.id == id).map(|session| session.raw_uid.clone());
        let reply = bad_request(&raw_uid.unwrap_or_default(), "the message is not an AgentToServer");
        out.effects.push(Effect::Reply(id, Box::new(reply)));
    }

    /// What is due by the clock, as far as connections go.
    pub(super) fn presence_due(&mut self, now: Now, context: &Context<'_>, out: &mut Output) {
        let (clock, timing) = (self.clock, self.timing);
        // A stray POST has no connection whose end could be seen.
        self.sessions.retain(|session| {
            session.is_socket()
                || session.is_primary()
                || clock.saturating_sub(session.heard_at) < timing.gone_after(session.transport)
        });
        let contended = self.sessions.iter().any(
            |session| matches!(session.role, Role::Contender { since, .. } if clock.saturating_sub(since) >= PING_ANSWER),
        );
        let Some(primary) = self.primary_mut() else { return };
        let silent = clock.saturating_sub(primary.heard_at);
        if contended || silent >= timing.gone_after(primary.transport) {
            let (id, is_socket) = (primary.id, primary.is_socket());
            if is_socket {
                out.effects.push(Effect::Close(id, CloseReason::Silent));
            }
            self.sessions.retain(|session| session.id != id);
            self.promote(now, context, out);
        } else if primary.is_socket() && silent >= timing.quiet() && primary.pinged_at.is_none() {
            primary.pinged_at = Some(clock);
            out.effects.push(Effect::Ping(primary.id));
        }
        if self.full.retry_at.is_some_and(|at| at <= clock) {
            self.full.retry_at = None;
            self.push_full_state(now, context, out);
        }
    }

    /// Offers wait for the collector's health at most so long.
    pub(super) fn open_gate(&mut self) {
        let clock = self.clock;
        if let Some(primary) = self.primary_mut()
            && primary.started_at.is_some_and(|at| clock.saturating_sub(at) >= GATE)
        {
            primary.gate_open = true;
        }
    }

    /// Asks for the full state without waiting for a message, where that is possible.
    fn push_full_state(&mut self, now: Now, context: &Context<'_>, out: &mut Output) {
        let Some(session) = self.primary().filter(|session| session.is_socket() && !session.raw_uid.is_empty()) else {
            return;
        };
        let (id, raw_uid) = (session.id, session.raw_uid.to_vec());
        if self.ask_full_state(now, context) {
            let message = ServerToAgent {
                instance_uid: raw_uid,
                flags: super::message::REPORT_FULL_STATE,
                capabilities: SERVER_CAPABILITIES,
                ..Default::default()
            };
            out.effects.push(Effect::Push(id, Box::new(message)));
        }
    }

    /// Bad health that lasted is shown.
    pub(super) fn health_due(&mut self, out: &mut Output) {
        if self.health.dip_since.is_some_and(|since| self.clock.saturating_sub(since) >= DIP) {
            self.health.dip_since = None;
            self.health.shown = Some(false);
            out.row_changed = true;
        }
    }

    /// The next moment at which something is due without a message.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let contenders = self.sessions.iter().filter_map(|session| match session.role {
            Role::Contender { since, .. } => Some(since + PING_ANSWER),
            _ => None,
        });
        let strays = self.sessions.iter().filter(|session| !session.is_socket() && !session.is_primary());
        let strays = strays.map(|session| session.heard_at + self.timing.gone_after(session.transport));
        let primary = self.primary().into_iter().flat_map(|session| {
            let gone_after = self.timing.gone_after(session.transport);
            let presence = match session.pinged_at {
                None if session.is_socket() => session.heard_at + self.timing.quiet(),
                _ => session.heard_at + gone_after,
            };
            let gate = session.started_at.filter(|_| !session.gate_open).map(|at| at + GATE);
            let rival =
                session.rival.and_then(|rival| rival.heard_at).map(|at| at + gone_after).filter(|at| *at > self.clock);
            let token = session.token_offered_at.map(|at| at + GATE);
            [
                Some(presence),
                gate,
                rival,
                session.doubled_until,
                token,
                session.offered.and_then(delivery::offer_deadline),
            ]
            .into_iter()
            .flatten()
        });
        let full = self.full.requested_at.map(|at| at + delivery::FULL_STATE);
        let own = [full, self.full.retry_at, self.health.dip_since.map(|since| since + DIP), self.cure_deadline()];
        contenders.chain(strays).chain(primary).chain(own.into_iter().flatten()).filter(|at| *at > self.clock).min()
    }
}
