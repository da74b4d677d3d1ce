//! One collector, looked at closely.

use std::sync::Arc;

use linkmesh_proto::{
    CollectorId, ConfigHash, Cursor, Revision, Timestamp,
    api::{
        collector::{
            CollectorConfig, CollectorEvent, CollectorHealth, ConfigStatus, DesiredConfig, Difference, Drift,
            DriftState, EffectiveConfig, Runtime,
        },
        list::Page,
    },
};
use tokio::sync::oneshot;

use super::{FleetError, FleetHandle, handle::DEADLINE};
use crate::{
    collector::{AgentRecord, Described, Work, post_if_alive},
    directory::{Slot, Text},
    domain::{
        drift::{compare_alloy, compare_otelcol},
        health::cut,
        secret::{REDACTED, redact},
    },
    opamp::{RemoteStatus, ReportedStatus},
    ports::{BoxError, EffectiveRecord, StoreError},
    runtime::AskError,
    secrets::{comparable, comparable_with_any},
};

/// A text that what runs is compared with.
enum Compared {
    /// What the collector should run now.
    Desired(Arc<Text>),
    /// What was applied before that, which is on its way or was refused.
    Before(Arc<str>),
}

/// The longest value of a difference.
const MAX_SHOWN: usize = 500;

impl FleetHandle {
    /// The newest state of a collector's protocol: of its actor when it lives, else what is stored. With it the last text
    /// that was confirmed, while that is at hand.
    async fn agent(&self, slot: &Arc<Slot>) -> Result<(AgentRecord, Option<Arc<str>>), FleetError> {
        let (reply, answered) = oneshot::channel();
        let asked = post_if_alive(&self.shared, slot, Work::Describe(reply)).is_ok();
        let from_actor = match asked {
            true => tokio::time::timeout(DEADLINE, answered).await.ok().and_then(Result::ok),
            false => None,
        };
        let (stored, confirmed) = match from_actor {
            Some(Described { state, confirmed }) => (Some(state), confirmed),
            None => (self.shared.recorder.agent(slot.id()).await?, None),
        };
        let runtime = slot.runtime();
        let Some(stored) = stored else { return Ok((AgentRecord::empty(runtime), None)) };
        AgentRecord::decode(runtime, &stored).map(|record| (record, confirmed)).map_err(|source: BoxError| {
            FleetError::Store(StoreError::Corrupt { what: format!("the state of collector {}", slot.id()), source })
        })
    }

    /// What the collector should run and what it says that it runs, both without secrets, and how they compare.
    ///
    /// # Errors
    /// When there is no such collector, or the store fails.
    pub async fn config(&self, id: CollectorId) -> Result<CollectorConfig, FleetError> {
        let slot = self.known(id)?;
        let (agent, before) = self.agent(&slot).await?;
        let effective = self.shared.recorder.effective(id).await?;
        let (place, record) = (slot.place(), slot.record());
        let text = place.text.clone();
        let (status, confirmed, published) = match &agent {
            AgentRecord::Opamp(record) => (&record.status, record.confirmed, None),
            AgentRecord::Alloy(record) => (&record.status, record.confirmed, record.published),
        };
        // One that is too large to be kept has taken the place of what is stored.
        let effective = effective.filter(|_| match &agent {
            AgentRecord::Opamp(record) => record.oversized.is_none(),
            AgentRecord::Alloy(_) => true,
        });
        let state = record.row.drift.unwrap_or(DriftState::Unknown);
        // What can have drifted is the text that was confirmed, and one that the collector calls applied and does not run.
        let claimed = status.as_ref().filter(|status| status.status == ReportedStatus::Applied);
        let claimed = claimed.and_then(|status| status.hash);
        let is_compared = |text: &Arc<Text>| [confirmed, claimed].contains(&Some(text.desired.hash()));
        let compared = match text.clone().filter(is_compared) {
            Some(text) => Some(Compared::Desired(text)),
            None => before.map(Compared::Before),
        };
        let compared = compared.filter(|_| state == DriftState::Drifted);
        let (effective, differences) = match effective {
            Some(effective) => {
                let (this, runtime) = (self.clone(), slot.runtime());
                // Looks through megabytes: off this thread, which serves collectors too.
                let looked = actix_rt::task::spawn_blocking(move || {
                    let found = compared.map(|text| this.differences(runtime, &text, &effective));
                    let (differences, foreign) = found.unwrap_or_default();
                    let mut shown = this.shown(runtime, &effective);
                    shown.body = redact(&shown.body, &foreign).into_owned();
                    (shown, differences)
                });
                let (shown, differences) = looked.await.map_err(|_| AskError::Closed)?;
                (Some(shown), differences)
            }
            None => (None, Vec::new()),
        };
        Ok(CollectorConfig {
            desired: text.map(|text| desired(&text, published)),
            effective,
            status: ConfigStatus {
                state: slot.config_state(),
                hash: status.as_ref().and_then(|status: &RemoteStatus| status.hash),
                error: slot.error().or_else(|| {
                    status.as_ref().map(|status| status.error.to_string()).filter(|error| !error.is_empty())
                }),
                at: status.as_ref().map(|status| status.at),
            },
            drift: Drift { state, differences },
        })
    }

    fn shown(&self, runtime: Runtime, effective: &EffectiveRecord) -> EffectiveConfig {
        let content_type = match (effective.content_type.as_str(), runtime) {
            ("", Runtime::Otelcol) => "text/yaml",
            ("", Runtime::Alloy) => "text/plain",
            (named, _) => named,
        };
        EffectiveConfig {
            hash: effective.hash,
            content_type: content_type.to_owned(),
            body: self.shared.secrets.shown(&effective.body),
            received_at: effective.received_at,
        }
    }

    /// Where what runs differs, and what runs in place of secrets of ours. A secret that is another one is such a place, and
    /// hidden on both sides, whoever knows it.
    fn differences(
        &self,
        runtime: Runtime,
        compared: &Compared,
        effective: &EffectiveRecord,
    ) -> (Vec<Difference>, Vec<String>) {
        let sealer = &*self.shared.sealer;
        let (text, runs) = match compared {
            Compared::Desired(text) => (text.desired.text(), comparable(&effective.body, &text.secrets, sealer)),
            Compared::Before(text) => (text, comparable_with_any(&effective.body, sealer)),
        };
        let found = match runtime {
            // What is no YAML differs as a whole, and its state says so.
            Runtime::Otelcol => compare_otelcol(text, &runs).unwrap_or_default(),
            Runtime::Alloy => compare_alloy(text, &runs),
        };
        let mut foreign = Vec::new();
        let hide = |text: &str| self.shared.secrets.shown(text.as_bytes());
        let differences = found.into_iter().map(|found| shown(runtime, found, hide, &mut foreign)).collect();
        (differences, foreign)
    }

    /// The health that it reported.
    ///
    /// # Errors
    /// When there is no such collector, or the store fails.
    pub async fn health(&self, id: CollectorId) -> Result<CollectorHealth, FleetError> {
        let slot = self.known(id)?;
        let (health, at): (_, Option<Timestamp>) = match self.agent(&slot).await?.0 {
            AgentRecord::Opamp(record) => (record.health, record.health_at),
            AgentRecord::Alloy(record) => (record.health, record.health_at),
        };
        Ok(CollectorHealth { root: health.map(|health| health.to_api()), received_at: at })
    }

    /// What happened to it, newest first.
    ///
    /// # Errors
    /// When there is no such collector, the cursor is none of ours, or the store fails.
    pub async fn events(
        &self,
        id: CollectorId,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<CollectorEvent>, FleetError> {
        self.known(id)?;
        let bad_cursor = |_| FleetError::Cannot { code: "invalid_cursor", reason: "the cursor is not valid" };
        let before = cursor.map(|cursor| cursor.0.parse::<u64>()).transpose().map_err(bad_cursor)?;
        let limit = limit.clamp(1, 500);
        let events = self.shared.store.events(id, before, limit + 1).await?;
        let next_cursor =
            (events.len() > limit).then(|| events.get(limit - 1).map(|(place, _)| Cursor(place.to_string()))).flatten();
        let total = self.shared.store.events(id, None, crate::ports::EVENTS_KEPT).await?.len() as u64;
        let items = events.into_iter().take(limit).map(|(_, event)| event).collect();
        Ok(Page { items, next_cursor, total })
    }
}

/// A difference for people: without secrets, of which none is cut in two, and no longer than people read.
fn shown(
    runtime: Runtime,
    Difference { path, desired, effective }: Difference,
    hide: impl Fn(&str) -> String,
    foreign: &mut Vec<String>,
) -> Difference {
    let short = |text: &str| cut(text, MAX_SHOWN).to_owned();
    let hidden = desired.as_deref().map(&hide);
    let running = effective.map(|running| {
        let (Some(hidden), Some(desired)) = (&hidden, &desired) else { return hide(&running) };
        if hidden == desired {
            return hide(&running);
        }
        match runtime {
            Runtime::Otelcol => foreign.push(running),
            Runtime::Alloy => foreign.extend(in_place_of(desired, &running).map(str::to_owned)),
        }
        REDACTED.to_owned()
    });
    Difference { path, desired: hidden.as_deref().map(short), effective: running.as_deref().map(short) }
}

/// What stands between the quotes of a line of Alloy, when it is about what the committed line is about: lines that were
/// moved are not.
fn in_place_of<'a>(committed: &str, running: &'a str) -> Option<&'a str> {
    let (about, value) = running.split_once('"')?;
    let (same, _) = committed.split_once('"')?;
    if about != same { None } else { value.rsplit_once('"').map(|(value, _)| value) }
}

fn desired(text: &Text, published: Option<ConfigHash>) -> DesiredConfig {
    let desired = &text.desired;
    DesiredConfig {
        hash: desired.hash(),
        // A text that no commit brought forth is that of an empty repository.
        revision: desired.revision().unwrap_or(Revision::from_bytes([0; 20])),
        content_type: desired.content_type().to_owned(),
        body: text.redacted.to_string(),
        redacted: *text.redacted != **desired.text(),
        published_hash: published.filter(|hash| *hash != desired.hash()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(runtime: Runtime, desired: &str, effective: &str) -> (Option<String>, Option<String>, Vec<String>) {
        let mut foreign = Vec::new();
        let found = Difference { path: "x".into(), desired: Some(desired.into()), effective: Some(effective.into()) };
        let found = shown(runtime, found, |text| text.replace("hunter2", REDACTED), &mut foreign);
        (found.desired, found.effective, foreign)
    }

    #[test]
    fn what_runs_in_place_of_a_secret_is_hidden_whoever_knows_it() {
        let sealed = || Some(REDACTED.to_owned());
        assert_eq!(both(Runtime::Otelcol, "hunter2", "theirs"), (sealed(), sealed(), vec!["theirs".to_owned()]));
        let (desired, effective, foreign) = both(Runtime::Alloy, "  key = \"hunter2\"", "  key = \"theirs\"");
        assert_eq!((desired.as_deref(), effective), (Some("  key = \"[sealed]\""), sealed()));
        assert_eq!(foreign, ["theirs"]);
        // A line that was moved there says nothing of it.
        assert_eq!(both(Runtime::Alloy, "  key = \"hunter2\"", "}").2, [""; 0]);
        assert_eq!(both(Runtime::Alloy, "  key = \"hunter2\"", "  url = \"x\"").2, [""; 0]);
        assert_eq!(both(Runtime::Otelcol, "5s", "6s"), (Some("5s".into()), Some("6s".into()), Vec::new()));
    }

    #[test]
    fn secret_is_hidden_before_a_value_is_cut() {
        let long = format!("{}hunter2", "x".repeat(MAX_SHOWN - 3));
        let (desired, ..) = both(Runtime::Otelcol, &long, "x");
        assert!(!desired.unwrap().contains("hun"));
    }
}
