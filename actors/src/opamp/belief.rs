//! Believing what an agent says of a config.
//!
//! That it says `APPLIED` is a claim: the effective config must hold the text and the collector must be healthy before
//! the text counts as applied. What runs is compared with the last text of which that was true.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use linkmesh_proto::{
    ConfigHash,
    api::collector::{ConfigState, DriftState},
    wire::opamp::{AgentConfigFile, EffectiveConfig, RemoteConfigStatus},
};

use super::{
    capability::AgentCapabilities,
    delivery::ANSWER,
    effect::Effect,
    message::MAX_ERROR,
    record::{Drift, EffectiveFact, FailedConfig, RemoteStatus, ReportedStatus},
    session::Offered,
    state::{AgentState, Cure, Output},
};
use crate::domain::{
    drift::Committed,
    health::{HealthTree, cut},
    standing::{NO_ANSWER, Now, PersistClass, short},
};

const RUNS_OTHER: &str = "the collector says that the config is applied, but runs another one";

/// What a supervisor says of a config that was not up in time, of whatever it was that took the time.
const TIMED_OUT: &str = "Config apply timeout exceeded";
/// What that means.
const TOO_SLOW: &str = "the old collector took longer to stop (does its backend hang?), or the new one longer to become \
                        healthy, than `agent.config_apply_timeout` in its supervisor's config allows";

/// How long an applied text may be missing from the effective config before the collector is restarted.
const MISMATCH: Duration = Duration::from_secs(10);
/// How long the restart may take to show.
const RESTARTED: Duration = Duration::from_secs(30);
/// The largest effective config that is kept and compared: what is larger would hold up the other collectors of the
/// thread while it is read. Real ones have 8 KB.
const MAX_EFFECTIVE: usize = 4 << 20;
/// Refused texts that are remembered.
const MAX_FAILED: usize = 16;

/// An error in the agent's own words, and what they mean where they do not say it.
fn explained(said: &str) -> Box<str> {
    if said.contains(TIMED_OUT) { format!("{said}: {TOO_SLOW}").into() } else { said.into() }
}

impl AgentState {
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
        let is_of_confirmed = reported.status == ReportedStatus::Applied && reported.hash == self.record.confirmed;
        self.record.superseded |= self.record.confirmed.is_some() && !is_of_confirmed;
        match (reported.status, reported.hash) {
            (ReportedStatus::Failed, Some(hash)) if self.record.retry != Some(hash) => {
                self.latch(FailedConfig { hash, error: explained(&reported.error), at: now.at });
            }
            (ReportedStatus::Failed, None) => {
                out.event("config_failed", format!("a config that is not ours failed: {}", reported.error));
            }
            // A rollback, or a host that was restored: it says that it runs a text of before. That is a claim like any
            // other, and of a text that was never confirmed only the effective config and the health make it more.
            (ReportedStatus::Applied, Some(hash)) if Some(hash) != self.desired.as_ref().map(|d| d.hash()) => {
                if self.record.confirmed == Some(hash) {
                    if self.record.failed.iter().any(|failed| failed.hash != hash) {
                        out.event("config_rolled_back", format!("the collector went back to config {}", short(hash)));
                    }
                } else if self.matches(hash) == Some(true) && self.raw_healthy() == Some(true) {
                    self.record.confirmed = Some(hash);
                    self.confirmed = None;
                }
            }
            (ReportedStatus::Unset, _) => {
                // It never had a config: whatever it was offered before is gone with its storage.
                self.record.confirmed = None;
                self.record.superseded = false;
                self.confirmed = None;
                if self.record.was_configured {
                    self.record.settings_status = None;
                    self.record.offered_settings = None;
                }
            }
            _ => {}
        }
        self.record.status = Some(reported);
        out.persist(PersistClass::Now);
    }

    pub(super) fn latch(&mut self, failed: FailedConfig) {
        self.record.failed.retain(|known| known.hash != failed.hash);
        self.record.failed.push(failed);
        let excess = self.record.failed.len().saturating_sub(MAX_FAILED);
        self.record.failed.drain(..excess);
    }

    /// Takes what the collector says it runs. An empty body means that it is not known yet.
    pub(super) fn take_effective(&mut self, now: Now, config: EffectiveConfig, out: &mut Output) {
        let Some(mut files) = config.config_map.map(|map| map.config_map) else { return };
        // One file under the empty name; newer extensions may add others, and what is empty is not known yet.
        let is_known = |file: &AgentConfigFile| !file.body.is_empty();
        let file = files.remove("").filter(is_known).or_else(|| files.into_values().find(is_known));
        let Some(AgentConfigFile { body, content_type }) = file else { return };
        if body.len() > MAX_EFFECTIVE {
            self.effective_is_too_large(body.len(), out);
            return;
        }
        let hash = ConfigHash::of(&body);
        if self.record.effective.as_ref().is_some_and(|known| known.hash == hash) {
            return;
        }
        self.record.effective = Some(EffectiveFact { hash, received_at: now.at, matches: None });
        self.record.oversized = None;
        self.compare(&body);
        // A copy: it waits to be written, and the message that it came in need not.
        let body = Bytes::copy_from_slice(&body);
        out.persist(PersistClass::Soon);
        out.effects.push(Effect::StoreEffective { hash, body, content_type });
        out.row_changed = true;
    }

    /// What runs is not known then: drift neither, and that a text is applied is believed as of an agent that does not
    /// say what it runs.
    fn effective_is_too_large(&mut self, size: usize, out: &mut Output) {
        let size = size as u64;
        if self.record.oversized.is_none() {
            let kept = MAX_EFFECTIVE >> 20;
            let told =
                format!("the collector runs a config of {size} bytes; above {kept} MiB it is not kept, nor compared");
            out.event("effective_config_too_large", told);
        }
        if self.record.oversized != Some(size) || self.record.effective.is_some() {
            self.record.oversized = Some(size);
            self.record.effective = None;
            self.unmatched.clear();
            out.persist(PersistClass::Soon);
            out.row_changed = true;
        }
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
        // Reading it is most of the work of a whole report: once for both.
        let running = std::str::from_utf8(body).ok().and_then(|text| Committed::parse(text).ok());
        for text in [&self.desired, &self.confirmed].into_iter().flatten() {
            let holds = |committed| running.as_ref().is_some_and(|running| running.runs(committed));
            if text.committed().is_some_and(holds) {
                effective.matches = Some(text.hash());
                return;
            }
            self.unmatched.push(text.hash());
        }
    }

    /// Whether the effective config holds this text; `None` while that is not known.
    pub(super) fn matches(&self, hash: ConfigHash) -> Option<bool> {
        let effective = self.record.effective.as_ref()?;
        if effective.matches == Some(hash) {
            return Some(true);
        }
        self.unmatched.contains(&hash).then_some(false)
    }

    /// The text that what runs is compared with, while it is at hand: after a start of the server only when it is still
    /// the desired one.
    pub(crate) fn confirmed_text(&self) -> Option<Arc<str>> {
        let confirmed = self.confirmed.as_ref().filter(|text| self.record.confirmed == Some(text.hash()))?;
        Some(Arc::clone(confirmed.text()))
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
        let newest = self.record.status.as_ref();
        let says_applied = newest.is_some_and(|word| word.hash == Some(hash) && word.status == ReportedStatus::Applied);
        let reports_status = self.capabilities().has(AgentCapabilities::REPORTS_REMOTE_CONFIG);
        if self.record.is_confirmed(hash) && (says_applied || !reports_status) && !retried {
            return (ConfigState::Applied, None);
        }
        let offered = self.primary().and_then(|session| session.offered).filter(|offered| offered.hash == hash);
        let overdue = offered.is_some_and(|offered| offered.overdue);
        let status = newest.filter(|status| status.hash == Some(hash) && !retried);
        match status.map(|status| status.status) {
            Some(ReportedStatus::Applied) => {
                let crash = || self.record.health.as_ref().filter(|tree| !tree.healthy()).and_then(HealthTree::error);
                let known = self.record.effective.is_some();
                let mismatch = || self.cure.filter(|cure| known && cure.given_up).map(|_| RUNS_OTHER.to_owned());
                (ConfigState::Applying, mismatch().or_else(crash))
            }
            Some(ReportedStatus::Applying) => (ConfigState::Applying, overdue.then(|| NO_ANSWER.to_owned())),
            _ => {
                let silent = overdue && reports_status;
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
            && !self.record.is_confirmed(desired.hash())
            && self.is_applied(desired.hash())
        {
            self.record.confirmed = Some(desired.hash());
            self.record.superseded = false;
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
            found if found != hash && self.cure.is_some_and(|cure| cure.given_up) => DriftState::Drifted,
            Some(found) if Some(found) == confirmed || Some(found) == hash => DriftState::InSync,
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

    /// What was under way when its session or the server ended has a minute from now on, too.
    fn take_up_what_is_under_way(&mut self) {
        let clock = self.clock;
        let desired = self.desired.as_ref().map(|desired| desired.hash());
        let is_under_way = |status: &&RemoteStatus| status.hash == desired && status.status == ReportedStatus::Applying;
        let Some(hash) = self.record.status.as_ref().filter(is_under_way).and_then(|status| status.hash) else {
            return;
        };
        if let Some(session) = self.primary_mut()
            && session.uid.is_some()
            && session.offered.is_none_or(|offered| offered.hash != hash)
        {
            session.offered = Some(Offered { hash, at: clock, times: 0, answered: true, overdue: false });
        }
    }

    pub(super) fn overdue_answer(&mut self, now: Now, out: &mut Output) {
        self.take_up_what_is_under_way();
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
    pub(super) fn cure(&mut self, out: &mut Output) {
        let Some(hash) = self.desired.as_ref().map(|desired| desired.hash()) else { return };
        let says_applied = self
            .record
            .status
            .as_ref()
            .is_some_and(|status| status.hash == Some(hash) && status.status == ReportedStatus::Applied);
        if !says_applied || self.record.is_confirmed(hash) || !self.is_online() {
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
}
