//! Delivering a config, and believing that it runs.
//!
//! Whether an agent has a text is decided by hash, never by status alone. A text that it refused is not offered again
//! unless an operator asks for it. That it says `APPLIED` is a claim: the effective config must hold the text and the
//! collector must be healthy before the text counts as applied.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use linkmesh_proto::{
    ConfigHash,
    api::collector::{ConfigState, DriftState},
    wire::opamp::{
        AgentConfigFile, AgentConfigMap, AgentRemoteConfig, CommandType, EffectiveConfig, RemoteConfigStatus,
        ServerToAgent, ServerToAgentCommand,
    },
};

use super::{
    capability::{AgentCapabilities, SERVER_CAPABILITIES},
    effect::Effect,
    input::{Context, Credential, SessionId},
    message::MAX_ERROR,
    record::{Drift, EffectiveFact, FailedConfig, RemoteStatus, ReportedStatus},
    session::Offered,
    settings,
    state::{AgentState, Cure, Output, short},
};
use crate::domain::{
    desired::Desired,
    health::{HealthTree, cut},
    standing::{Now, PersistClass},
};

/// The error of a config that was offered and not answered.
pub(super) const NO_ANSWER: &str = "no_answer";
const RUNS_OTHER: &str = "the collector says that the config is applied, but runs another one";

/// How long an offer may go without an answer before it counts as unanswered.
const ANSWER: Duration = Duration::from_secs(60);
/// How long an unanswered offer stands before it is made again.
const AGAIN: Duration = Duration::from_secs(120);
/// How often a session makes one offer.
const TIMES: u8 = 3;
/// How long to wait for the answer to a request for the full state before offering all the same.
const FULL_STATE: Duration = Duration::from_secs(10);
/// How long an applied text may be missing from the effective config before the collector is restarted.
const MISMATCH: Duration = Duration::from_secs(10);
/// How long the restart may take to show.
const RESTARTED: Duration = Duration::from_secs(30);
/// Refused texts that are remembered.
const MAX_FAILED: usize = 16;

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
        out.event("retry_asked", format!("config {} is offered once more", short(hash)));
    }

    pub(super) fn restart_asked(&mut self, out: &mut Output) {
        if self.can_restart() && !self.record.restart_pending {
            self.record.restart_pending = true;
            out.persist(PersistClass::Now);
            out.event("restart_asked", "a restart of the collector was asked for");
        }
    }

    /// Takes the agent's word on a config.
    pub(super) fn take_status(&mut self, now: Now, status: &RemoteConfigStatus, out: &mut Output) {
        let reported = RemoteStatus {
            hash: ConfigHash::from_slice(&status.last_remote_config_hash),
            status: ReportedStatus::from_wire(status.status),
            error: cut(&status.error_message, MAX_ERROR).into(),
            at: now.at,
        };
        if let Some(offered) = self.primary_mut().and_then(|session| session.offered.as_mut())
            && reported.hash == Some(offered.hash)
        {
            let is_final = matches!(reported.status, ReportedStatus::Applied | ReportedStatus::Failed);
            // What is under way has a minute from now on.
            offered.answered = true;
            offered.overdue = is_final;
        }
        let is_news =
            self.record.status.as_ref().is_none_or(|known| RemoteStatus { at: now.at, ..known.clone() } != reported);
        if !is_news {
            return;
        }
        match (reported.status, reported.hash) {
            (ReportedStatus::Failed, Some(hash)) if self.record.retry != Some(hash) => {
                self.latch(FailedConfig { hash, error: reported.error.clone(), at: now.at });
            }
            (ReportedStatus::Failed, None) => {
                out.event("config_failed", format!("a config that is not ours failed: {}", reported.error));
            }
            // A rollback, or a host that was restored: it runs a text of before.
            (ReportedStatus::Applied, Some(hash)) if Some(hash) != self.desired.as_ref().map(|d| d.hash()) => {
                if self.record.failed.iter().any(|failed| failed.hash != hash) && self.record.confirmed == Some(hash) {
                    out.event("config_rolled_back", format!("the collector went back to config {}", short(hash)));
                }
                self.record.confirmed = Some(hash);
                self.confirmed = self.confirmed.take().filter(|text| text.hash() == hash);
            }
            (ReportedStatus::Unset, _) => {
                // It never had a config: whatever it was offered before is gone with its storage.
                self.record.confirmed = None;
                self.confirmed = None;
                if self.record.was_configured {
                    self.record.offered_settings = None;
                }
            }
            _ => {}
        }
        self.record.status = Some(reported);
        out.persist(PersistClass::Now);
    }

    fn latch(&mut self, failed: FailedConfig) {
        self.record.failed.retain(|known| known.hash != failed.hash);
        self.record.failed.push(failed);
        let excess = self.record.failed.len().saturating_sub(MAX_FAILED);
        self.record.failed.drain(..excess);
    }

    /// Takes what the collector says it runs. An empty body means that it is not known yet.
    pub(super) fn take_effective(&mut self, now: Now, config: EffectiveConfig, out: &mut Output) {
        let Some(mut files) = config.config_map.map(|map| map.config_map) else { return };
        // One file under the empty name; newer extensions may add others.
        let file = files.remove("").or_else(|| files.into_values().find(|file| !file.body.is_empty()));
        let Some(AgentConfigFile { body, content_type }) = file.filter(|file| !file.body.is_empty()) else { return };
        let hash = ConfigHash::of(&body);
        if self.record.effective.as_ref().is_some_and(|known| known.hash == hash) {
            return;
        }
        self.record.effective = Some(EffectiveFact { hash, received_at: now.at, matches: None });
        self.compare(&body);
        out.persist(PersistClass::Soon);
        out.effects.push(Effect::StoreEffective { hash, body, content_type });
        out.row_changed = true;
    }

    pub(super) fn effective_loaded(&mut self, body: Option<&Bytes>, out: &mut Output) {
        let Some(known) = self.record.effective.as_ref().map(|known| known.hash) else { return };
        match body {
            Some(body) if known == ConfigHash::of(body) => self.compare(body),
            Some(_) => {}
            None => self.record.effective = None,
        }
        out.persist(PersistClass::Soon);
    }

    /// Finds out which of the texts at hand the effective config holds.
    fn compare(&mut self, body: &[u8]) {
        let Some(effective) = &mut self.record.effective else { return };
        self.unmatched.clear();
        let running = std::str::from_utf8(body).unwrap_or_default();
        for text in [&self.desired, &self.confirmed].into_iter().flatten() {
            let found = text.committed().is_some_and(|committed| committed.is_found_in(running).unwrap_or(false));
            if found {
                effective.matches = Some(text.hash());
                return;
            }
            self.unmatched.push(text.hash());
        }
    }

    /// Whether the effective config holds this text; `None` while that is not known.
    fn matches(&self, hash: ConfigHash) -> Option<bool> {
        let effective = self.record.effective.as_ref()?;
        if effective.matches == Some(hash) {
            return Some(true);
        }
        self.unmatched.contains(&hash).then_some(false)
    }

    fn raw_healthy(&self) -> Option<bool> {
        self.record.health.as_ref().map(HealthTree::healthy)
    }

    /// How far the desired text is, and why not further.
    pub(super) fn config_view(&self) -> (ConfigState, Option<String>) {
        let Some(desired) = &self.desired else { return (ConfigState::None, None) };
        let hash = desired.hash();
        if let Some(failed) = self.record.failure(hash) {
            return (ConfigState::Failed, Some(failed.error.to_string()));
        }
        let retried = self.record.retry == Some(hash);
        if self.record.confirmed == Some(hash) && !retried {
            return (ConfigState::Applied, None);
        }
        let offered = self.primary().and_then(|session| session.offered).filter(|offered| offered.hash == hash);
        let overdue = offered.is_some_and(|offered| offered.overdue);
        let status = self.record.status.as_ref().filter(|status| status.hash == Some(hash) && !retried);
        match status.map(|status| status.status) {
            Some(ReportedStatus::Applied) => {
                let crash = || self.record.health.as_ref().filter(|tree| !tree.healthy()).and_then(HealthTree::error);
                let known = self.record.effective.is_some();
                let mismatch = || self.cure.filter(|cure| known && cure.given_up).map(|_| RUNS_OTHER.to_owned());
                (ConfigState::Applying, mismatch().or_else(crash))
            }
            Some(ReportedStatus::Applying) => (ConfigState::Applying, overdue.then(|| NO_ANSWER.to_owned())),
            _ => {
                let silent = overdue && self.capabilities().has(AgentCapabilities::REPORTS_REMOTE_CONFIG);
                (ConfigState::Pending, silent.then(|| NO_ANSWER.to_owned()))
            }
        }
    }

    /// A text that was refused may run later, for example when a port became free; its status stays as it was.
    pub(super) fn failed_but_runs(&self) -> bool {
        let Some(hash) = self.desired.as_ref().map(|desired| desired.hash()) else { return false };
        self.record.failure(hash).is_some() && self.matches(hash) == Some(true) && self.raw_healthy() == Some(true)
    }

    /// Draws conclusions from what is known: is the desired text applied, is there drift.
    pub(super) fn settle(&mut self) {
        if let Some(desired) = self.desired.clone()
            && self.record.confirmed != Some(desired.hash())
            && self.is_applied(desired.hash())
        {
            self.record.confirmed = Some(desired.hash());
            self.confirmed = Some(desired);
            self.cure = None;
        }
        let hash = self.desired.as_ref().map(|desired| desired.hash());
        if let Some(confirmed) = self.desired.as_ref().filter(|desired| Some(desired.hash()) == self.record.confirmed) {
            self.confirmed.get_or_insert_with(|| confirmed.clone());
        }
        let Some(effective) = &self.record.effective else {
            self.record.drift = Drift(DriftState::Unknown);
            return;
        };
        let confirmed = self.record.confirmed;
        let drift = match effective.matches {
            _ if hash.is_none() => DriftState::Unknown,
            Some(found) if Some(found) == confirmed || Some(found) == hash => DriftState::InSync,
            _ if self.cure.is_some_and(|cure| cure.given_up) => DriftState::Drifted,
            None if confirmed.is_some_and(|confirmed| self.unmatched.contains(&confirmed)) => DriftState::Drifted,
            None if confirmed.is_none() => DriftState::Unknown,
            _ => self.record.drift.0,
        };
        self.record.drift = Drift(drift);
    }

    fn is_applied(&self, hash: ConfigHash) -> bool {
        let capabilities = self.capabilities();
        let says_applied = self
            .record
            .status
            .as_ref()
            .is_some_and(|status| status.hash == Some(hash) && status.status == ReportedStatus::Applied);
        let reports_status = capabilities.has(AgentCapabilities::REPORTS_REMOTE_CONFIG);
        let reports_effective = capabilities.has(AgentCapabilities::REPORTS_EFFECTIVE_CONFIG);
        let reports_health = capabilities.has(AgentCapabilities::REPORTS_HEALTH);
        (says_applied || !reports_status && reports_effective)
            && (!reports_effective || self.matches(hash) == Some(true) || self.never_said_what_it_runs(hash))
            && (!reports_health || self.raw_healthy() == Some(true))
            && self.record.failure(hash).is_none()
            && self.record.retry != Some(hash)
    }

    /// It reported no effective config, though it could, and long enough after it applied the text.
    fn never_said_what_it_runs(&self, hash: ConfigHash) -> bool {
        self.record.effective.is_none() && self.cure.is_some_and(|cure| cure.hash == hash && cure.given_up)
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
        match session.offered.filter(|offered| offered.hash == hash) {
            Some(offered) => {
                reports_status
                    && !offered.answered
                    && offered.times < TIMES
                    && self.clock.saturating_sub(offered.at) >= AGAIN
            }
            None if self.record.retry == Some(hash) => true,
            None => {
                let has_it = self.record.status.as_ref().is_some_and(|status| status.hash == Some(hash));
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
    pub(super) fn add_offers(&mut self, context: &Context<'_>, message: &mut ServerToAgent, out: &mut Output) {
        self.add_token_offer(context, message, out);
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
            out.persist(PersistClass::Now);
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

    /// The collector's own token, to a peer that dialled with an enrolment token.
    fn add_token_offer(&mut self, context: &Context<'_>, message: &mut ServerToAgent, out: &mut Output) {
        let can = self.capabilities().has(AgentCapabilities::ACCEPTS_OPAMP_SETTINGS);
        let Some(endpoints) = context.endpoints.filter(|endpoints| can && endpoints.carries_tokens()) else { return };
        let clock = self.clock;
        let Some(session) =
            self.primary_mut().filter(|session| session.token_offered_at.is_none() && !session.said_goodbye)
        else {
            return;
        };
        let Credential::Enrolment { issued: Some(token) } = &session.credential else { return };
        message.connection_settings = Some(endpoints.opamp_offer(token));
        session.token_offered_at = Some(clock);
        out.event("token_offered", "the collector was offered its own token");
    }

    fn add_metrics_offer(&mut self, context: &Context<'_>, message: &mut ServerToAgent, out: &mut Output) {
        let can = self.capabilities().has(AgentCapabilities::REPORTS_OWN_METRICS);
        let Some(endpoints) = context.endpoints.filter(|_| can && !self.awaits_full_state()) else { return };
        let Some(session) = self.primary().filter(|session| session.takes_offers(self.clock)) else { return };
        let Some(token) = session.credential.token() else { return };
        let offer = endpoints.metrics_offer(token);
        let hash = settings::hash_of(&offer);
        if hash != self.record.offered_settings {
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
        self.add_offers(context, &mut message, out);
        if message.remote_config.is_some() || message.connection_settings.is_some() {
            out.effects.push(Effect::Push(id, Box::new(message)));
        }
        self.send_command_if_due(id, out);
    }

    fn overdue_answer(&mut self, now: Now, out: &mut Output) {
        let clock = self.clock;
        let Some(offered) = self.primary_mut().and_then(|session| session.offered.as_mut()) else { return };
        if offered.overdue || clock.saturating_sub(offered.at) < ANSWER {
            return;
        }
        offered.overdue = true;
        let (hash, answered) = (offered.hash, offered.answered);
        // A supervisor does not repeat a status: no answer to a text that it refused before is its old answer.
        if !answered && let Some(error) = self.silent_refusal(hash) {
            self.latch(FailedConfig { hash, error, at: now.at });
            out.persist(PersistClass::Now);
        }
    }

    fn silent_refusal(&self, hash: ConfigHash) -> Option<Box<str>> {
        let retried = self.retried.as_ref().filter(|failed| failed.hash == hash)?;
        Some(retried.error.clone())
    }

    /// Restarts a collector once that says a text is applied and runs another; after that it counts as drifted.
    fn cure(&mut self, out: &mut Output) {
        let Some(hash) = self.desired.as_ref().map(|desired| desired.hash()) else { return };
        let says_applied = self
            .record
            .status
            .as_ref()
            .is_some_and(|status| status.hash == Some(hash) && status.status == ReportedStatus::Applied);
        if !says_applied || self.record.confirmed == Some(hash) || !self.is_online() {
            self.cure = None;
            return;
        }
        let clock = self.clock;
        let cure = self.cure.filter(|cure| cure.hash == hash).unwrap_or(Cure { hash, since: clock, given_up: false });
        let waited = clock.saturating_sub(cure.since);
        if self.record.effective.is_none() {
            self.cure = Some(Cure { given_up: cure.given_up || waited >= MISMATCH, ..cure });
            return;
        }
        match self.matches(hash) {
            Some(true) => self.cure = None,
            None if !self.effective_asked => {
                self.effective_asked = true;
                out.effects.push(Effect::LoadEffective);
            }
            None => {}
            Some(false) => {
                let was_restarted = self.record.restarted_for == Some(hash);
                self.cure = Some(if cure.given_up {
                    cure
                } else if !was_restarted && waited >= MISMATCH && self.can_restart() {
                    self.record.restarted_for = Some(hash);
                    self.record.restart_pending = true;
                    out.persist(PersistClass::Now);
                    out.event("restart_sent", "the collector runs another config than it says: it is restarted once");
                    Cure { since: clock, ..cure }
                } else {
                    let patience = if was_restarted || self.can_restart() { RESTARTED } else { MISMATCH };
                    Cure { given_up: waited >= patience, ..cure }
                });
            }
        }
    }

    pub(super) fn cure_deadline(&self) -> Option<Duration> {
        let cure = self.cure.filter(|cure| !cure.given_up)?;
        let was_restarted = self.record.restarted_for == Some(cure.hash);
        Some(cure.since + if was_restarted { RESTARTED } else { MISMATCH })
    }

    /// Sends a restart, alone in its message and at most once: it counts as sent before it is.
    pub(super) fn send_command_if_due(&mut self, id: SessionId, out: &mut Output) {
        if !self.record.restart_pending || !self.can_restart() {
            return;
        }
        let Some(session) = self.primary().filter(|session| session.id == id && session.uid.is_some()) else { return };
        let message = ServerToAgent {
            instance_uid: session.raw_uid.to_vec(),
            capabilities: SERVER_CAPABILITIES,
            command: Some(ServerToAgentCommand { r#type: CommandType::Restart.into() }),
            ..Default::default()
        };
        if session.is_socket() {
            out.effects.push(Effect::Push(id, Box::new(message)));
        } else {
            // By HTTP it takes the place of an acknowledgement; a reply that says more goes first.
            let bare = ServerToAgent { command: None, ..message.clone() };
            let Some(Effect::Reply(_, reply)) =
                out.effects.iter_mut().find(|effect| matches!(effect, Effect::Reply(to, _) if *to == id))
            else {
                return;
            };
            if **reply != bare {
                return;
            }
            **reply = message;
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
