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
    collector::{AgentRecord, Work, post_if_alive},
    directory::{Slot, Text},
    domain::drift::compare_alloy,
    opamp::{RemoteStatus, ReportedStatus},
    ports::{BoxError, EffectiveRecord, StoreError},
    runtime::AskError,
    secrets::comparable,
};

impl FleetHandle {
    /// The newest state of a collector's protocol: of its actor when it lives, else what is stored.
    async fn agent(&self, slot: &Arc<Slot>) -> Result<AgentRecord, FleetError> {
        let (reply, answered) = oneshot::channel();
        let asked = post_if_alive(&self.shared, slot, Work::Describe(reply)).is_ok();
        let from_actor = match asked {
            true => tokio::time::timeout(DEADLINE, answered).await.ok().and_then(Result::ok),
            false => None,
        };
        let stored = match from_actor {
            Some(state) => Some(state),
            None => self.shared.recorder.agent(slot.id()).await?,
        };
        let runtime = slot.runtime();
        let Some(stored) = stored else { return Ok(AgentRecord::empty(runtime)) };
        AgentRecord::decode(runtime, &stored).map_err(|source: BoxError| {
            FleetError::Store(StoreError::Corrupt { what: format!("the state of collector {}", slot.id()), source })
        })
    }

    /// What the collector should run and what it says that it runs, both without secrets, and how they compare.
    ///
    /// # Errors
    /// When there is no such collector, or the store fails.
    pub async fn config(&self, id: CollectorId) -> Result<CollectorConfig, FleetError> {
        let slot = self.known(id)?;
        let agent = self.agent(&slot).await?;
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
        let is_compared = |text: &Arc<Text>| {
            state == DriftState::Drifted && [confirmed, claimed].contains(&Some(text.desired.hash()))
        };
        let (effective, differences) = match effective {
            Some(effective) => {
                let (this, runtime, text) = (self.clone(), slot.runtime(), text.clone().filter(is_compared));
                // Looks through megabytes: off this thread, which serves collectors too.
                let looked = actix_rt::task::spawn_blocking(move || {
                    let differences = text.map(|text| this.differences(runtime, &text, &effective));
                    (this.shown(runtime, &effective), differences.unwrap_or_default())
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

    /// Where what runs differs. A secret that is another one is such a place, and hidden on both sides.
    fn differences(&self, runtime: Runtime, text: &Text, effective: &EffectiveRecord) -> Vec<Difference> {
        let runs = comparable(&effective.body, &text.secrets, &*self.shared.sealer);
        let found = match (runtime, text.desired.committed()) {
            // What is no YAML differs as a whole, and its state says so.
            (Runtime::Otelcol, Some(committed)) => committed.differences(&runs).unwrap_or_default(),
            (Runtime::Otelcol, None) => Vec::new(),
            (Runtime::Alloy, _) => compare_alloy(text.desired.text(), &runs),
        };
        let shown = |text: Option<String>| text.map(|text| self.shared.secrets.shown(text.as_bytes()));
        let shown = |Difference { path, desired, effective }: Difference| Difference {
            path,
            desired: shown(desired),
            effective: shown(effective),
        };
        found.into_iter().map(shown).collect()
    }

    /// The health that it reported.
    ///
    /// # Errors
    /// When there is no such collector, or the store fails.
    pub async fn health(&self, id: CollectorId) -> Result<CollectorHealth, FleetError> {
        let slot = self.known(id)?;
        let (health, at): (_, Option<Timestamp>) = match self.agent(&slot).await? {
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
