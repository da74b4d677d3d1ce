//! Delivering a config.
//!
//! Whether an agent has a text is decided by hash, never by status alone. A text that it refused is not offered again
//! unless an operator asks for it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use linkmesh_proto::wire::opamp::{
    AgentConfigFile, AgentConfigMap, AgentRemoteConfig, CommandType, ServerToAgent, ServerToAgentCommand,
};

use super::{
    capability::{AgentCapabilities, SERVER_CAPABILITIES},
    effect::Effect,
    input::{Context, Credential, SessionId, Timing},
    record::{OfferedSettings, ReportedStatus, SettingsStatus},
    session::{Offered, Session},
    settings,
    state::{AgentState, Output},
};
use crate::domain::{
    desired::Desired,
    standing::{Now, PersistClass, short},
};

/// How long an offer may go without an answer before it counts as unanswered.
pub(super) const ANSWER: Duration = Duration::from_secs(60);
/// How long an unanswered offer stands before it is made again.
const AGAIN: Duration = Duration::from_secs(120);
/// How often a session makes one offer.
const TIMES: u8 = 3;
/// How long to wait for the answer to a request for the full state before offering all the same.
pub(super) const FULL_STATE: Duration = Duration::from_secs(10);

/// When an offer needs attention next.
pub(super) fn offer_deadline(offered: Offered) -> Option<Duration> {
    match (offered.answered, offered.overdue) {
        (true, true) => None,
        (false, true) => (offered.times < TIMES).then_some(offered.at + AGAIN),
        (_, false) => Some(offered.at + ANSWER),
    }
}

impl AgentState {
    pub(super) fn desired_changed(&mut self, desired: Option<Arc<Desired>>, out: &mut Output) {
        let hash = |desired: &Option<Arc<Desired>>| desired.as_ref().map(|desired| desired.hash());
        if hash(&self.desired) == hash(&desired) {
            // The same text of a newer revision.
            self.desired = desired;
            return;
        }
        out.row_changed = true;
        self.cure = None;
        self.effective_asked = false;
        // What holds the old text holds a new one that says no more, for example one that differs in a comment.
        if let Some(new) = &desired
            && let Some(effective) = &mut self.record.effective
            && let Some(old) =
                [&self.desired, &self.confirmed].into_iter().flatten().find(|old| effective.matches == Some(old.hash()))
            && let (Some(old), Some(text)) = (old.committed(), new.committed())
            && old.covers(text)
        {
            effective.matches = Some(new.hash());
            out.persist(PersistClass::Soon);
        }
        self.desired = desired;
    }

    pub(super) fn retry_asked(&mut self, out: &mut Output) {
        let Some(hash) = self.desired.as_ref().map(|desired| desired.hash()) else { return };
        self.retried = self.record.failure(hash).cloned();
        self.record.failed.retain(|failed| failed.hash != hash);
        self.record.retry = Some(hash);
        self.record.restarted_for = None;
        self.cure = None;
        if let Some(session) = self.primary_mut() {
            session.offered = None;
        }
        out.persist(PersistClass::Now);
    }

    pub(super) fn restart_asked(&mut self, out: &mut Output) {
        if self.can_restart() && !self.record.restart_pending {
            self.record.restart_pending = true;
            out.persist(PersistClass::Now);
        }
    }

    /// Whether the desired text is to be offered by the agent's own session now.
    fn offer_due(&self) -> bool {
        let (Some(desired), Some(session)) = (&self.desired, self.primary()) else { return false };
        let hash = desired.hash();
        let capabilities = self.capabilities();
        if !capabilities.has(AgentCapabilities::ACCEPTS_REMOTE_CONFIG)
            || !session.takes_offers(self.clock)
            || self.record.failure(hash).is_some()
            || self.awaits_full_state()
        {
            return false;
        }
        let reports_status = capabilities.has(AgentCapabilities::REPORTS_REMOTE_CONFIG);
        let has_it = self.record.status.as_ref().is_some_and(|status| status.hash == Some(hash));
        match session.offered.filter(|offered| offered.hash == hash) {
            // Also one that was answered, when its newest word is of another text.
            Some(offered) => {
                reports_status && !has_it && offered.times < TIMES && self.clock.saturating_sub(offered.at) >= AGAIN
            }
            None if self.record.retry == Some(hash) => true,
            None => {
                let runs_it = !reports_status && self.matches(hash) == Some(true);
                !has_it && !runs_it
            }
        }
    }

    /// What the agent holds is not known: it might have the text already.
    fn awaits_full_state(&self) -> bool {
        match self.full.requested_at {
            Some(at) => self.clock.saturating_sub(at) < FULL_STATE,
            None => self.full.needed && self.full.retry_at.is_some(),
        }
    }

    /// Adds to a message what is to be offered. Config and own metrics go together: one restart of the collector.
    pub(super) fn add_offers(
        &mut self,
        now: Now,
        context: &Context<'_>,
        message: &mut ServerToAgent,
        out: &mut Output,
    ) {
        self.add_opamp_offer(now, context, message, out);
        if message.connection_settings.is_some() {
            return;
        }
        self.add_metrics_offer(context, message, out);
        if !self.offer_due() {
            return;
        }
        let Some(desired) = self.desired.clone() else { return };
        let hash = desired.hash();
        let clock = self.clock;
        if let Some(session) = self.primary_mut() {
            let times = session.offered.filter(|offered| offered.hash == hash).map_or(0, |offered| offered.times);
            session.offered = Some(Offered { hash, at: clock, times: times + 1, answered: false, overdue: false });
        }
        if self.record.confirmed.is_some_and(|confirmed| confirmed != hash) && !self.record.superseded {
            // From here on the agent may run either.
            self.record.superseded = true;
            out.persist(PersistClass::Soon);
        }
        if self.record.retry == Some(hash) {
            self.record.retry = None;
            // Its old word on this text is not its answer to this offer.
            if let Some(status) = &mut self.record.status
                && status.hash == Some(hash)
                && status.status == ReportedStatus::Failed
            {
                self.record.status = None;
            }
            out.persist(PersistClass::Now);
        }
        if !self.record.was_configured {
            self.record.was_configured = true;
            out.persist(PersistClass::Marked);
        }
        let file = AgentConfigFile {
            body: Bytes::from_owner(SharedText(desired.text().clone())),
            content_type: desired.content_type().to_owned(),
        };
        message.remote_config = Some(AgentRemoteConfig {
            config: Some(AgentConfigMap { config_map: [(String::new(), file)].into() }),
            config_hash: hash.as_bytes().to_vec(),
        });
        out.event("config_offered", format!("config {} was offered", short(hash)));
    }

    /// Address, token and heartbeat, always as the complete set: with the collector's own token to a peer that dialled
    /// with an enrolment token, and to others when something of it is other than what they have.
    fn add_opamp_offer(&mut self, now: Now, context: &Context<'_>, message: &mut ServerToAgent, out: &mut Output) {
        let can = self.capabilities().has(AgentCapabilities::ACCEPTS_OPAMP_SETTINGS);
        let Some(endpoints) = context.endpoints.filter(|endpoints| can && endpoints.carries_tokens()) else { return };
        let Some(session) =
            self.primary().filter(|session| session.token_offered_at.is_none() && !session.said_goodbye)
        else {
            return;
        };
        let heartbeat = context.timing.heartbeat;
        let (offer, said) = match &session.credential {
            Credential::Enrolment { issued: None } => return,
            Credential::Enrolment { issued: Some(token) } => {
                (endpoints.opamp_offer(token, heartbeat), "the collector was offered its own token")
            }
            Credential::Collector { token } => {
                // Of the printed files, and by itself, it has all of it but for another heartbeat.
                let has_all = self.record.offered_opamp.is_none() && heartbeat == Timing::default().heartbeat;
                if has_all || !session.takes_offers(self.clock) || self.awaits_full_state() || self.is_applying(session)
                {
                    return;
                }
                let offer = endpoints.opamp_offer(token, heartbeat);
                if settings::hash_of(&offer) == self.record.offered_opamp.map(|offered| offered.hash) {
                    return;
                }
                (offer, "the collector was offered other connection settings")
            }
        };
        self.record.offered_opamp = settings::hash_of(&offer).map(|hash| OfferedSettings { hash, at: now.at });
        let clock = self.clock;
        self.primary_mut().into_iter().for_each(|session| session.token_offered_at = Some(clock));
        message.connection_settings = Some(offer);
        out.persist(PersistClass::Now);
        out.event("token_offered", said);
    }

    /// Whether the answer to an offer of a text is still to come.
    fn is_applying(&self, session: &Session) -> bool {
        let reports_status = self.capabilities().has(AgentCapabilities::REPORTS_REMOTE_CONFIG);
        session.offered.is_some_and(|offered| reports_status && !offered.overdue)
    }

    fn add_metrics_offer(&mut self, context: &Context<'_>, message: &mut ServerToAgent, out: &mut Output) {
        let can = self.capabilities().has(AgentCapabilities::REPORTS_OWN_METRICS);
        let Some(endpoints) = context.endpoints.filter(|_| can && !self.awaits_full_state()) else { return };
        let Some(session) = self.primary().filter(|session| session.takes_offers(self.clock)) else { return };
        let Some(token) = session.credential.token() else { return };
        let offer = endpoints.metrics_offer(token);
        let hash = settings::hash_of(&offer);
        let has_it = |word: &SettingsStatus| word.hash == hash && word.status == ReportedStatus::Applied;
        if hash != self.record.offered_settings && !self.record.settings_status.as_ref().is_some_and(has_it) {
            self.record.offered_settings = hash;
            let clock = self.clock;
            if let Some(session) = self.primary_mut() {
                session.metrics_offered_at = Some(clock);
            }
            message.connection_settings = Some(offer);
            out.persist(PersistClass::Now);
        }
    }

    /// What is due without a message: offers and commands by socket, answers that did not come, texts that do not run.
    pub(super) fn delivery_due(&mut self, now: Now, context: &Context<'_>, out: &mut Output) {
        self.overdue_answer(now, out);
        self.settle();
        self.cure(out);
        self.settle();
        let Some(session) = self.primary().filter(|session| session.is_socket() && session.uid.is_some()) else {
            return;
        };
        let (id, raw_uid) = (session.id, session.raw_uid.to_vec());
        let mut message =
            ServerToAgent { instance_uid: raw_uid, capabilities: SERVER_CAPABILITIES, ..Default::default() };
        self.add_offers(now, context, &mut message, out);
        if message.remote_config.is_some() || message.connection_settings.is_some() {
            out.effects.push(Effect::Push(id, Box::new(message)));
        }
        self.send_command_if_due(id, out);
    }

    /// Sends a restart, alone in its message and at most once: it counts as sent before it is. What is offered in the same
    /// breath goes first; the command follows the next message that has nothing else for an answer, once the agent is
    /// through with the offer: a supervisor takes the end of a collector that is starting with a new text for a failure
    /// of the text.
    pub(super) fn send_command_if_due(&mut self, id: SessionId, out: &mut Output) {
        if !self.record.restart_pending || !self.can_restart() {
            return;
        }
        let Some(session) = self.primary().filter(|session| session.id == id && session.uid.is_some()) else { return };
        if self.is_applying(session) {
            return;
        }
        let bare = ServerToAgent {
            instance_uid: session.raw_uid.to_vec(),
            capabilities: SERVER_CAPABILITIES,
            ..Default::default()
        };
        let command = Some(ServerToAgentCommand { r#type: CommandType::Restart.into() });
        let message = Box::new(ServerToAgent { command, ..bare.clone() });
        let mut said = out.effects.iter_mut().filter_map(|effect| match effect {
            Effect::Reply(to, said) | Effect::Push(to, said) if *to == id => Some(said),
            _ => None,
        });
        if session.is_socket() {
            if said.any(|said| **said != bare) {
                return;
            }
            out.effects.push(Effect::Push(id, message));
        } else {
            // By HTTP it takes the place of an acknowledgement; a reply that says more goes first.
            match said.next() {
                Some(reply) if **reply == bare => *reply = message,
                _ => return,
            }
        }
        self.record.restart_pending = false;
        out.persist(PersistClass::Now);
    }
}

/// A shared text as the owner of bytes, so that an offer to ten thousand agents copies nothing before it is encoded.
struct SharedText(Arc<str>);

impl AsRef<[u8]> for SharedText {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
