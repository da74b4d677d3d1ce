//! What is published, and believing that it runs.
//!
//! It has a text when the hash that it sends is that text's; the text is applied when its last stored status is
//! `APPLIED` and what it says it runs is the text, byte by byte.

use std::{sync::Arc, time::Duration};

use linkmesh_proto::{
    ConfigHash, PipelineId,
    api::collector::{ConfigState, DriftState},
    wire::collector::AgentConfigFile,
};

use super::{
    effect::Effect,
    state::{AlloyState, Output, Way},
    steps,
};
use crate::{
    domain::{
        desired::{Desired, Published},
        standing::{NO_ANSWER, Now, PersistClass},
    },
    opamp::{Drift, FailedConfig, ReportedStatus},
};

/// How long a served text may go without an answer before it counts as unanswered; longer where polls are far apart.
pub(super) const ANSWER: Duration = Duration::from_secs(60);
/// Refused texts that are remembered.
const MAX_FAILED: usize = 16;
/// Served texts whose FNV-1 hashes are remembered.
const MAX_SERVED: usize = 16;
/// Instance labels go no further than this: something else is wrong then.
const MAX_LABEL: u32 = 99;

impl AlloyState {
    pub(super) fn desired_changed(&mut self, desired: Option<Arc<Desired>>, out: &mut Output) {
        let hash = |desired: &Option<Arc<Desired>>| desired.as_ref().map(|desired| desired.hash());
        let is_same = hash(&self.desired) == hash(&desired);
        self.desired = desired;
        if !is_same {
            out.row_changed = true;
            self.served_at = None;
            self.overdue = false;
            self.find_way();
        }
    }

    /// Decides what is published on the way from what runs to what is desired.
    pub(super) fn find_way(&mut self) {
        let Some(desired) = self.desired.clone() else {
            self.way = Way::None;
            return;
        };
        if self.failure(desired.hash()).is_some()
            && let Some(running) = &self.running
        {
            self.way = Way::Back(running.clone());
            return;
        }
        let wanted = self.distinct(desired.published());
        let starts_fresh = self.record.received.is_none();
        let texts: Arc<[Arc<Published>]> = match self.record.confirmed.filter(|_| !starts_fresh) {
            Some(confirmed) if confirmed == wanted.hash => [wanted].into(),
            Some(confirmed) => match &self.running {
                Some(running) if running.hash == confirmed && wanted.hash == desired.hash() => {
                    desired.way_from(confirmed, || steps::way(&running.text, &wanted))
                }
                Some(running) if running.hash == confirmed => steps::way(&running.text, &wanted).into(),
                _ if self.record.effective == Some(confirmed) => {
                    self.way = Way::Unknown(self.way.current().cloned());
                    return;
                }
                _ => [wanted].into(),
            },
            None => [wanted].into(),
        };
        self.way = Way::Known { texts, at: 0 };
    }

    /// The text, or the same with a comment where an Alloy would take it for one that it had before.
    fn distinct(&self, wanted: &Arc<Published>) -> Arc<Published> {
        let is_taken =
            |text: &Published| self.record.served.iter().any(|(fnv, hash)| *fnv == text.fnv && *hash != text.hash);
        let mut text = wanted.clone();
        for salt in 1..=8 {
            if !is_taken(&text) {
                break;
            }
            text = salted(wanted, &salt.to_string());
        }
        text
    }

    pub(super) fn note_served(&mut self, published: &Arc<Published>) {
        self.served = Some(published.clone());
        let entry = (published.fnv, published.hash);
        if self.record.served.last() != Some(&entry) {
            self.record.served.retain(|known| *known != entry);
            self.record.served.push(entry);
            let excess = self.record.served.len().saturating_sub(MAX_SERVED);
            self.record.served.drain(..excess);
        }
        if self.record.received != Some(published.hash) && !self.overdue {
            self.served_at.get_or_insert(self.clock);
        }
    }

    /// A fresh process runs nothing: it can be given the whole at once.
    pub(super) fn started_fresh(&mut self) {
        self.record.received = None;
        self.record.status = None;
        self.record.health = None;
        self.served_at = None;
        self.overdue = false;
        if !matches!(self.way, Way::Back(_)) {
            self.find_way();
        }
    }

    /// It refused what it received.
    pub(super) fn refused(&mut self, now: Now, error: &str, out: &mut Output) {
        let Some(desired) = self.desired.clone() else { return };
        let received = self.record.received;
        let is_ours = match &self.way {
            Way::Known { texts, at } => texts.iter().take(at + 1).any(|text| Some(text.hash) == received),
            _ => received == Some(desired.hash()),
        };
        if !is_ours {
            return;
        }
        self.record.failed.retain(|failed| failed.hash != desired.hash());
        self.record.failed.push(FailedConfig { hash: desired.hash(), error: error.into(), at: now.at });
        let excess = self.record.failed.len().saturating_sub(MAX_FAILED);
        self.record.failed.drain(..excess);
        out.persist(PersistClass::Now);
        self.relabel(error, out);
        self.find_way();
    }

    /// A load that failed may have left the loader of a pipeline behind; then its instance needs another label.
    fn relabel(&mut self, error: &str, out: &mut Output) {
        let mut changed = false;
        let texts = [self.desired.as_ref().map(|text| &**text.text()), self.running.as_ref().map(|text| &*text.text)];
        // Only of what it was given: an error may name anything.
        let is_ours = |pipeline: &PipelineId| {
            let declare = format!("\"pl_{}\"", pipeline.as_str().replace('-', "_"));
            texts.iter().flatten().any(|text| text.contains(&declare))
        };
        let leaked: Vec<_> = leaked_loaders(error).into_iter().filter(|(pipeline, _)| is_ours(pipeline)).collect();
        for (pipeline, label) in leaked {
            let next = label + 1;
            let known = self.record.labels.get(&pipeline).copied().unwrap_or(1);
            if next > known && next <= MAX_LABEL {
                out.event(
                    "relabelled",
                    format!("pipeline {pipeline} gets another instance label: a failed load left its loader behind"),
                );
                self.record.labels.insert(pipeline, next);
                changed = true;
            }
        }
        if changed {
            out.effects.push(Effect::Relabel(self.record.labels.clone()));
        }
    }

    pub(super) fn retry_asked(&mut self, out: &mut Output) {
        let Some(hash) = self.desired.as_ref().map(|desired| desired.hash()) else { return };
        self.record.failed.retain(|failed| failed.hash != hash);
        self.record.retry = Some(hash);
        self.served_at = None;
        self.overdue = false;
        self.find_way();
        self.retry_if_stuck();
        out.persist(PersistClass::Now);
    }

    /// It received the text that it shall try again, and would ignore it: then it gets one that differs in a comment.
    pub(super) fn retry_if_stuck(&mut self) -> bool {
        if self.desired.as_ref().is_none_or(|desired| self.record.retry != Some(desired.hash())) {
            return false;
        }
        let Way::Known { texts, at } = &self.way else { return false };
        let Some(published) = texts.get(*at).filter(|text| self.record.received == Some(text.hash)).cloned() else {
            return false;
        };
        if self.is_applied(&published) {
            return false;
        }
        // Only this step is another one: what leaves something out still waits until what is new was applied.
        let text = salted(&published, &format!("attempt {}", self.record.retries + 2));
        let texts = texts
            .iter()
            .enumerate()
            .map(|(index, step)| if index == *at { text.clone() } else { step.clone() })
            .collect();
        self.way = Way::Known { texts, at: *at };
        self.record.retry = None;
        self.record.retries += 1;
        true
    }

    /// A failure in the same words as the one before is not reported: it has the new text, and its last word stands.
    pub(super) fn refused_in_silence(&mut self, now: Now, out: &mut Output) {
        let has_it = self.record.received.is_some() && self.record.received == self.published();
        let is_known = self.desired.as_ref().is_some_and(|desired| self.failure(desired.hash()).is_some());
        let word = self.record.status.as_ref().filter(|status| status.status == ReportedStatus::Failed);
        if let Some(error) = word.filter(|_| has_it && !is_known).map(|status| status.error.clone()) {
            self.refused(now, &error, out);
        }
    }

    pub(super) fn take_effective(&mut self, now: Now, file: AgentConfigFile, out: &mut Output) {
        let AgentConfigFile { body, content_type } = file;
        let hash = ConfigHash::of(&body);
        if self.record.effective == Some(hash) {
            return;
        }
        self.record.effective = Some(hash);
        self.record.effective_at = Some(now.at);
        out.persist(PersistClass::Soon);
        out.row_changed = true;
        out.effects.push(Effect::StoreEffective { hash, body, content_type });
    }

    /// The running text was found in the store, or was not.
    pub(super) fn effective_loaded(&mut self, body: Option<&[u8]>) {
        let text = body.and_then(|body| std::str::from_utf8(body).ok()).map(|text| Published::new(text.into()));
        match text {
            Some(text) if Some(text.hash) == self.record.confirmed => self.running = Some(Arc::new(text)),
            _ if matches!(self.way, Way::Unknown(_)) => self.record.effective = None,
            _ => return,
        }
        self.find_way();
    }

    pub(super) fn load_if_unknown(&mut self, out: &mut Output) {
        let failed = self.desired.as_ref().is_some_and(|desired| self.failure(desired.hash()).is_some());
        let wants_running = failed && self.running.is_none() && self.record.confirmed.is_some();
        let is_stored = self.record.effective.is_some() && self.record.effective == self.record.confirmed;
        if (matches!(self.way, Way::Unknown(_)) || wants_running && is_stored) && !self.load_asked {
            self.load_asked = true;
            out.effects.push(Effect::LoadEffective);
        }
    }

    /// The text that what runs is compared with, while it is at hand.
    pub(crate) fn confirmed_text(&self) -> Option<Arc<str>> {
        let running = self.running.as_ref().filter(|text| self.record.confirmed == Some(text.hash))?;
        Some(Arc::clone(&running.text))
    }

    fn is_applied(&self, published: &Published) -> bool {
        self.says_it_runs(published.hash)
    }

    fn says_it_runs(&self, text: ConfigHash) -> bool {
        let record = &self.record;
        let has_it = record.received == Some(text);
        let says_so = record.status.as_ref().is_some_and(|status| status.status == ReportedStatus::Applied);
        has_it && (!record.reports_status || says_so && record.effective.is_none_or(|hash| hash == text))
    }

    /// It runs a text that was served before another one was wanted, and says so only now: the way to the other one goes
    /// on from there, not from the text before.
    pub(super) fn confirm_served(&mut self, body: Option<&[u8]>, out: &mut Output) {
        let Some(received) = self.record.received else { return };
        let is_served = self.record.served.iter().any(|(_, hash)| *hash == received);
        let is_known = self.record.confirmed == Some(received) || self.published() == Some(received);
        if is_known || !is_served || !self.says_it_runs(received) {
            return;
        }
        self.record.confirmed = Some(received);
        let told = body.and_then(|body| std::str::from_utf8(body).ok()).map(|text| Published::new(text.into()));
        let mut at_hand = self.served.clone().into_iter().chain(told.map(Arc::new));
        self.running = at_hand.find(|text| text.hash == received);
        // Where it has to be loaded first, nothing is served: what was published until now leads from another text.
        self.load_asked = false;
        self.way = Way::None;
        out.persist(PersistClass::Now);
        out.row_changed = true;
        self.find_way();
    }

    /// Draws conclusions: what was published is applied, the next step follows, is there drift.
    pub(super) fn settle(&mut self, out: &mut Output) {
        if let Some(published) = self.way.current().cloned()
            && self.is_applied(&published)
        {
            if self.record.confirmed != Some(published.hash) {
                self.record.confirmed = Some(published.hash);
                out.persist(PersistClass::Now);
            }
            // It does not repeat a word that is still true: of this text it was said by asking with its hash.
            let (received, heard) = (self.record.received, self.record.last_seen);
            if let Some(status) = self.record.status.as_mut().filter(|status| status.hash != received) {
                status.hash = received;
                status.at = heard.unwrap_or(status.at);
                out.persist(PersistClass::Now);
            }
            self.running = Some(published);
            if let Way::Known { texts, at } = &mut self.way
                && *at + 1 < texts.len()
            {
                *at += 1;
                out.row_changed = true;
            }
        }
        let drift = match self.record.effective {
            Some(effective) if Some(effective) == self.record.confirmed => DriftState::InSync,
            // It got ahead of its own word.
            Some(effective) if Some(effective) == self.published() => DriftState::InSync,
            Some(_) if self.record.confirmed.is_some() => DriftState::Drifted,
            _ => DriftState::Unknown,
        };
        self.record.drift = Drift(drift);
    }

    /// It was served another text since, and has not said what became of that.
    pub(super) fn may_run_other(&self, text: ConfigHash) -> bool {
        self.record.published.is_some_and(|published| published != text)
    }

    pub(super) fn failure(&self, hash: ConfigHash) -> Option<&FailedConfig> {
        self.record.failed.iter().find(|failed| failed.hash == hash)
    }

    /// How far the desired text is, and why not further. `Applied` is said of the last step only.
    pub(super) fn config_view(&self) -> (ConfigState, Option<String>) {
        let Some(desired) = &self.desired else { return (ConfigState::None, None) };
        if let Some(failed) = self.failure(desired.hash()) {
            return (ConfigState::Failed, Some(failed.error.to_string()));
        }
        let is_last = self
            .way
            .last()
            .is_some_and(|last| self.record.confirmed == Some(last.hash) && !self.may_run_other(last.hash));
        if is_last && self.record.status.as_ref().is_none_or(|status| status.status == ReportedStatus::Applied) {
            return (ConfigState::Applied, None);
        }
        let error = self.overdue.then(|| NO_ANSWER.to_owned());
        let has_it = self.record.received.is_some() && self.record.received == self.published();
        let is_under_way = matches!(self.way, Way::Known { at, .. } if at > 0);
        let state = if has_it || is_under_way { ConfigState::Applying } else { ConfigState::Pending };
        (state, error)
    }
}

/// The text with a comment behind it.
fn salted(text: &Published, salt: &str) -> Arc<Published> {
    Arc::new(Published::new(format!("{}// {salt}\n", text.text).into()))
}

/// The pipelines whose instance labels an error names as taken, with the number of the label:
/// `a loader exists already exists for "remotecfg/pl_b.default"`.
fn leaked_loaders(error: &str) -> Vec<(PipelineId, u32)> {
    let mut found = Vec::new();
    for part in error.split("a loader exists already exists for").skip(1) {
        let Some(name) = part.split('"').nth(1).and_then(|path| path.rsplit('/').next()) else { continue };
        let Some((declare, label)) = name.split_once('.') else { continue };
        let pipeline = declare.strip_prefix("pl_").and_then(|id| id.replace('_', "-").parse().ok());
        let number = if label == "default" { Some(1) } else { label.strip_prefix('r').and_then(|n| n.parse().ok()) };
        found.extend(pipeline.zip(number));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaked_loaders_are_read_from_the_error() {
        let error = "1:1: Failed to build component: a loader exists already exists for \"remotecfg/pl_web_logs.default\"; \
                     2:1: a loader exists already exists for \"remotecfg/pl_b.r2\"; a loader exists already exists for \
                     \"remotecfg/other.default\"";
        let expected: Vec<(PipelineId, u32)> = vec![("web-logs".parse().unwrap(), 1), ("b".parse().unwrap(), 2)];
        assert_eq!(leaked_loaders(error), expected);
        for other in ["", "a loader exists already exists for", "a loader exists already exists for \"x", "34:1: no"] {
            assert_eq!(leaked_loaders(other), [], "{other}");
        }
    }
}
