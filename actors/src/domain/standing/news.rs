//! Effects in the making, and the news of a collector: what is different about it after an input, in both protocols.

use std::time::Duration;

use linkmesh_proto::{
    ConfigHash, Timestamp,
    api::collector::{CollectorEvent, ConfigState, DriftState},
};

use super::{PersistClass, Standing};
use crate::domain::health::HealthTree;

/// The error of a config that was given to a collector and not answered.
pub(crate) const NO_ANSWER: &str = "no_answer";

/// What both protocols have an actor do.
#[derive(Debug)]
pub(crate) enum Common {
    Persist(PersistClass),
    Event(CollectorEvent),
    AttributesChanged,
    RowChanged,
    WakeAt(Duration),
}

/// Effects in the making.
#[derive(Debug)]
pub(crate) struct Output<E> {
    pub(crate) effects: Vec<E>,
    persist: Option<PersistClass>,
    pub(crate) row_changed: bool,
    pub(crate) attributes_changed: bool,
    events: Vec<(&'static str, String)>,
}

impl<E> Default for Output<E> {
    fn default() -> Self {
        Self { effects: Vec::new(), persist: None, row_changed: false, attributes_changed: false, events: Vec::new() }
    }
}

impl<E: From<Common>> Output<E> {
    /// Has the record written; of several wishes the most urgent counts.
    pub(crate) fn persist(&mut self, class: PersistClass) {
        self.persist = self.persist.max(Some(class));
    }

    /// Adds to the collector's events.
    pub(crate) fn event(&mut self, kind: &'static str, message: impl Into<String>) {
        self.events.push((kind, message.into()));
    }

    /// The effects in the order in which they are to be performed: what must be durable comes first, then `publish`.
    pub(crate) fn finish(self, at: Timestamp, publish: Option<E>, wake_at: Option<Duration>) -> Vec<E> {
        let mut effects = Vec::with_capacity(self.effects.len() + self.events.len() + 5);
        effects.extend(self.persist.map(|class| Common::Persist(class).into()));
        effects.extend(publish);
        effects.extend(self.effects);
        effects.extend(
            self.events
                .into_iter()
                .map(|(kind, message)| E::from(Common::Event(CollectorEvent { at, kind: kind.to_owned(), message }))),
        );
        effects.extend(self.attributes_changed.then(|| Common::AttributesChanged.into()));
        effects.extend(self.row_changed.then(|| Common::RowChanged.into()));
        effects.extend(wake_at.map(|at| Common::WakeAt(at).into()));
        effects
    }
}

/// What the news of a collector are told with, beside how it stands.
pub(crate) struct Words<'a> {
    /// What it did to be there: `the collector polls`.
    pub(crate) connected: &'static str,
    /// The text that it should run.
    pub(crate) desired: Option<ConfigHash>,
    /// Its own word on its health.
    pub(crate) health: Option<&'a HealthTree>,
}

impl Standing {
    /// Says what became different since `before`: events, and what is to be written and shown.
    pub(crate) fn tell_since<E: From<Common>>(&self, before: &Self, words: &Words<'_>, out: &mut Output<E>) {
        match (before.online, self.online) {
            (false, true) => out.event("connected", words.connected),
            (true, false) => out.event("disconnected", "the collector is gone"),
            _ => {}
        }
        if before.drift != self.drift {
            out.persist(PersistClass::Soon);
        }
        if before.config_state != self.config_state {
            // What the collector claimed is on disk before it is answered. That a text waits or is under way follows from
            // the rest: an offer does not wait for the disk.
            let is_claimed = matches!(self.config_state, ConfigState::Applied | ConfigState::Failed);
            out.persist(if is_claimed { PersistClass::Now } else { PersistClass::Soon });
        }
        self.tell_config(before, words.desired, out);
        match (before.drift, self.drift) {
            (old, DriftState::Drifted) if old != DriftState::Drifted => {
                out.event("drift_found", "the collector runs something else than was committed");
            }
            (DriftState::Drifted, DriftState::InSync) => {
                out.event("drift_gone", "the collector runs what was committed");
            }
            _ => {}
        }
        match (before.healthy, self.healthy) {
            (old, Some(false)) if old != Some(false) => {
                let why = words.health.and_then(HealthTree::error);
                out.event("unhealthy", why.unwrap_or_else(|| "the collector says that it is not healthy".to_owned()));
            }
            (Some(false), Some(true)) => out.event("healthy", "the collector is healthy again"),
            _ => {}
        }
        for notice in self.notices.iter().filter(|notice| !before.notices.contains(notice)) {
            out.event("notice", notice.clone());
        }
        if (Self { last_seen: self.last_seen, ..before.clone() }) != *self {
            out.row_changed = true;
        }
    }

    fn tell_config<E: From<Common>>(&self, before: &Self, desired: Option<ConfigHash>, out: &mut Output<E>) {
        if (before.config_state, &before.error) == (self.config_state, &self.error) {
            return;
        }
        let hash = desired.map(short).unwrap_or_default();
        let error = self.error.as_deref().unwrap_or_default();
        match self.config_state {
            ConfigState::Applied if before.config_state != ConfigState::Applied => {
                out.event("config_applied", format!("config {hash} is applied"));
            }
            ConfigState::Failed => out.event("config_failed", format!("config {hash} failed: {error}")),
            ConfigState::Pending | ConfigState::Applying if error == NO_ANSWER => {
                out.event("config_no_answer", format!("no answer to config {hash} in time"));
            }
            _ => {}
        }
    }
}

/// The first digits of a hash, for people.
pub(crate) fn short(hash: ConfigHash) -> String {
    hash.to_string().chars().take(12).collect()
}
