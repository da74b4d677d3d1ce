//! The secrets that collectors may know: those in force, and those that were lately.
//!
//! A collector goes on with its old config for as long as it is away, refuses the new one, or has not polled; what it
//! says then holds the secrets of yesterday. So whatever it says is looked over for all of these when it comes in, and
//! only what is left goes to memory, disk and people. What left the config is remembered in memory, and read from the
//! newest commits at a start. Tokens of LinkMesh are known by their form: a supervisor may report the headers of the
//! settings that it was offered, its own token among them (opamp.md 2.7).

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet, VecDeque},
    sync::Arc,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use linkmesh_proto::{
    ConfigHash, DestinationId, PipelineId,
    api::{destination::DestinationDocument, pipeline::PipelineDocument},
    wire::{
        collector::RegisterCollectorRequest,
        opamp::{AgentToServer, AnyValue, ComponentHealth, any_value::Value},
    },
};
use parking_lot::Mutex;

use crate::{
    domain::{
        config::{Change, ConfigSnapshot, Documents},
        secret::{
            Redactor, Sealer, forms, hide_tokens, open_sealed_text, redact_sealed, sealed_in, secrets_of_destination,
            secrets_of_pipeline,
        },
    },
    ports::{Bounds, ConfigRepository, HistoryQuery, RepositoryError},
    remotecfg::Poll,
};

/// Secrets that are remembered after they left the config.
const REMEMBERED: usize = 1_000;
/// Commits that are looked at for secrets that left the config before the start.
const LOOK_BACK: usize = 200;
/// What is looked at of each.
const LOOKED_AT: Bounds = Bounds { files: usize::MAX, bytes: 16 << 20 };

/// The secrets that collectors may know.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    known: Mutex<Known>,
    redactor: ArcSwap<Redactor>,
}

#[derive(Default)]
struct Known {
    pipelines: Holders<PipelineId, PipelineDocument>,
    destinations: Holders<DestinationId, DestinationDocument>,
    /// Oldest first.
    left: VecDeque<String>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").field("left", &self.left.len()).finish_non_exhaustive()
    }
}

/// The documents of a folder that hold secrets.
struct Holders<K, D> {
    /// As they were looked at last.
    seen: Documents<K, D>,
    /// Their secrets, opened once. Who holds none is not in it.
    secrets: BTreeMap<K, Vec<String>>,
}

impl<K, D> Default for Holders<K, D> {
    fn default() -> Self {
        Self { seen: Documents::default(), secrets: BTreeMap::new() }
    }
}

impl<K: Ord + Clone, D> Holders<K, D> {
    /// Brings them up to date. Puts what is not in force any more into `left`; answers whether any secret came or went.
    fn update(
        &mut self,
        now: &Documents<K, D>,
        left: &mut Vec<String>,
        secrets_of: impl Fn(&D) -> Vec<String>,
    ) -> bool {
        let mut changed = false;
        for (id, change) in now.changes_since(&self.seen) {
            let after = match change {
                Change::Put(document) => secrets_of(&document.document),
                Change::Removed => Vec::new(),
            };
            let before = self.secrets.remove(id).unwrap_or_default();
            changed |= before != after;
            let kept: HashSet<&String> = after.iter().collect();
            left.extend(before.into_iter().filter(|secret| !kept.contains(secret)));
            if !after.is_empty() {
                self.secrets.insert(id.clone(), after);
            }
        }
        self.seen = now.clone();
        changed
    }
}

impl Secrets {
    /// Takes over what is in force from now on. What is not any more is remembered.
    pub(crate) fn take(&self, config: &ConfigSnapshot, sealer: &dyn Sealer) {
        let mut known = self.known.lock();
        let known = &mut *known;
        let mut left = Vec::new();
        let pipelines = known.pipelines.update(&config.pipelines, &mut left, |d| secrets_of_pipeline(d, sealer));
        let destinations =
            known.destinations.update(&config.destinations, &mut left, |d| secrets_of_destination(d, sealer));
        if pipelines || destinations {
            known.remember(left);
            self.redactor.store(Arc::new(known.redactor()));
        }
    }

    /// Remembers secrets that were in force before the start, oldest first.
    pub(crate) fn remember(&self, past: Vec<String>) {
        if !past.is_empty() {
            let mut known = self.known.lock();
            known.remember(past);
            self.redactor.store(Arc::new(known.redactor()));
        }
    }

    /// A text for people.
    pub(crate) fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redactor.load().hide(text)
    }

    fn hide_in(&self, text: &mut String) {
        if let Cow::Owned(hidden) = self.hide(text) {
            *text = hidden;
        }
    }

    /// What a supervisor or collector says, without secrets but for its effective config: that is compared as it is, and
    /// sealed when it is kept.
    pub(crate) fn hide_in_message(&self, message: &mut AgentToServer) {
        if let Some(status) = &mut message.remote_config_status {
            self.hide_in(&mut status.error_message);
        }
        if let Some(status) = &mut message.connection_settings_status {
            self.hide_in(&mut status.error_message);
        }
        if let Some(health) = &mut message.health {
            self.hide_in_health(health);
        }
        if let Some(description) = &mut message.agent_description {
            let pairs =
                description.identifying_attributes.iter_mut().chain(&mut description.non_identifying_attributes);
            pairs.filter_map(|pair| pair.value.as_mut()).for_each(hide_tokens_in_value);
        }
    }

    fn hide_in_health(&self, health: &mut ComponentHealth) {
        self.hide_in(&mut health.last_error);
        self.hide_in(&mut health.status);
        health.component_health_map.values_mut().for_each(|below| self.hide_in_health(below));
    }

    /// What an Alloy says, likewise.
    pub(crate) fn hide_in_poll(&self, poll: &mut Poll) {
        let request = &mut poll.request;
        if let Some(status) = &mut request.remote_config_status {
            self.hide_in(&mut status.error_message);
        }
        hide_tokens_in(&mut request.id);
        hide_tokens_in_values(&mut request.local_attributes);
        hide_tokens_in_values(&mut request.attributes);
    }

    /// An effective config to be kept: its secrets sealed.
    pub(crate) fn seal(&self, body: &Bytes, sealer: &dyn Sealer) -> Bytes {
        let text = String::from_utf8_lossy(body);
        match self.redactor.load().seal(&text, sealer) {
            Cow::Borrowed(_) if matches!(text, Cow::Borrowed(_)) => body.clone(),
            sealed => sealed.into_owned().into(),
        }
    }

    /// A kept effective config for people.
    pub(crate) fn shown(&self, body: &[u8]) -> String {
        self.hide(&redact_sealed(&String::from_utf8_lossy(body))).into_owned()
    }
}

/// What an Alloy says of itself when it starts, without tokens.
pub(crate) fn hide_in_registration(request: &mut RegisterCollectorRequest) {
    hide_tokens_in(&mut request.id);
    hide_tokens_in(&mut request.name);
    hide_tokens_in_values(&mut request.local_attributes);
    hide_tokens_in_values(&mut request.attributes);
}

pub(crate) fn hide_tokens_in(text: &mut String) {
    if let Cow::Owned(hidden) = hide_tokens(text) {
        *text = hidden;
    }
}

pub(crate) fn hide_tokens_in_values(attributes: &mut BTreeMap<String, String>) {
    attributes.values_mut().for_each(hide_tokens_in);
}

/// As deep as a message may be; decoding has a limit.
fn hide_tokens_in_value(value: &mut AnyValue) {
    match &mut value.value {
        Some(Value::StringValue(text)) => hide_tokens_in(text),
        Some(Value::ArrayValue(list)) => list.values.iter_mut().for_each(hide_tokens_in_value),
        Some(Value::KvlistValue(map)) => {
            map.values.iter_mut().filter_map(|pair| pair.value.as_mut()).for_each(hide_tokens_in_value);
        }
        Some(Value::BoolValue(_) | Value::IntValue(_) | Value::DoubleValue(_) | Value::BytesValue(_)) | None => {}
    }
}

/// A kept effective config as it was reported; `None` when it cannot be had again.
pub(crate) fn opened(body: &Bytes, hash: ConfigHash, sealer: &dyn Sealer) -> Option<Bytes> {
    if ConfigHash::of(body) == hash {
        return Some(body.clone());
    }
    let text = std::str::from_utf8(body).ok()?;
    let opened = Bytes::from(open_sealed_text(text, sealer, |_| true).into_owned());
    (ConfigHash::of(&opened) == hash).then_some(opened)
}

/// A kept effective config to be compared with a text that holds these secrets: they are opened, all others stay sealed,
/// and differ.
pub(crate) fn comparable(body: &[u8], secrets: &[String], sealer: &dyn Sealer) -> String {
    let forms: HashSet<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    let text = String::from_utf8_lossy(body);
    open_sealed_text(&text, sealer, |form| forms.contains(form)).into_owned()
}

/// A kept effective config to be compared with a text whose secrets nobody counted: all are opened.
pub(crate) fn comparable_with_any(body: &[u8], sealer: &dyn Sealer) -> String {
    open_sealed_text(&String::from_utf8_lossy(body), sealer, |_| true).into_owned()
}

/// Secrets that the newest commits took out of the config, oldest first.
pub(crate) fn past(repository: &mut dyn ConfigRepository, sealer: &dyn Sealer) -> Result<Vec<String>, RepositoryError> {
    let mut blobs = Vec::new();
    let mut seen = HashSet::new();
    for commit in repository.history(&HistoryQuery { limit: LOOK_BACK, ..HistoryQuery::default() })? {
        let holds = |path: &String| path.starts_with("destinations/") || path.starts_with("pipelines/");
        let Some(parent) = commit.parent.filter(|_| commit.paths.iter().any(holds)) else { continue };
        for change in repository.diff(Some(parent), commit.revision, LOOKED_AT)?.files {
            let before = change.before.unwrap_or_default();
            let before = String::from_utf8_lossy(&before);
            blobs.extend(sealed_in(&before).filter(|blob| seen.insert((*blob).to_owned())).map(str::to_owned));
        }
    }
    // A blob of a key that is gone was sealed by another server: nobody here knows what it was.
    Ok(blobs.into_iter().rev().filter_map(|blob| sealer.open(&blob).ok()).collect())
}

impl Known {
    fn remember(&mut self, secrets: Vec<String>) {
        for secret in secrets {
            self.left.retain(|known| *known != secret);
            self.left.push_back(secret);
        }
        let excess = self.left.len().saturating_sub(REMEMBERED);
        self.left.drain(..excess);
    }

    fn redactor(&self) -> Redactor {
        let of_pipelines = self.pipelines.secrets.values().flatten();
        let of_destinations = self.destinations.secrets.values().flatten();
        Redactor::new(of_pipelines.chain(of_destinations).chain(&self.left).map(String::as_str))
    }
}

#[cfg(test)]
mod tests;
