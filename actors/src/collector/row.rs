//! The row that lists show.

use std::sync::Arc;

use linkmesh_proto::api::{
    collector::{ConfigState, Runtime},
    event::Event,
};

use super::actor::CollectorActor;
use crate::{
    feed::FeedItem,
    ports::{CollectorRecord, RowRecord},
};

impl CollectorActor {
    /// Puts how the collector stands into its record. Publishes what changed.
    pub(super) fn publish_row(&mut self) {
        let record = self.update_row();
        self.shared.recorder.put_record(record);
    }

    /// Derives the row; answers the record with it.
    pub(super) fn update_row(&mut self) -> Arc<CollectorRecord> {
        let before = self.slot.record();
        let Some(host) = self.host() else { return before };
        let standing = host.standing();
        let now = self.shared.clock.now();
        let status = Some(standing.status());
        let old = &before.row;
        let reported = host.attributes();
        let address = self
            .attached
            .last()
            .and_then(|session| self.connection(*session))
            .and_then(|connection| connection.address.as_deref().map(str::to_owned))
            .or_else(|| host.address())
            .or_else(|| old.address.clone());
        let row = RowRecord {
            instance_uid: host.claimed_id().or_else(|| old.instance_uid.clone()),
            status,
            status_since: if old.status == status { old.status_since } else { Some(now) },
            version: version(before.runtime, &reported).or_else(|| old.version.clone()),
            reported,
            components_hash: host.components_hash(),
            config_state: Some(standing.config_state),
            desired_hash: host.desired_hash(),
            reported_hash: standing.reported_hash,
            error: standing.error,
            drift: Some(standing.drift),
            healthy: standing.healthy,
            address,
            notices: standing.notices,
            can_restart: standing.can_restart,
            ever_configured: host.was_configured(),
            labels: host.labels(),
        };
        if row == *old {
            return before;
        }
        self.publish_state(old, &row);
        // Here and not with the effect that says so: what is stored is known to the fleet, whatever becomes of the actor.
        let is_matched_again = (&old.reported, &old.version, &old.components_hash, &old.labels)
            != (&row.reported, &row.version, &row.components_hash, &row.labels);
        let record = self.slot.update_record(|record| record.row = row.clone());
        if is_matched_again {
            // Published by the fleet, when it has looked.
            self.shared.note_changed(self.slot.id());
        } else {
            self.shared.feed.publish(FeedItem::Collector(self.slot.id()));
        }
        record
    }

    pub(super) fn note_address(&self, address: &Arc<str>) {
        if self.slot.record().row.address.as_deref() != Some(&**address) {
            let record = self.slot.update_record(|record| record.row.address = Some(address.to_string()));
            self.shared.recorder.put_record(record);
        }
    }

    /// Tells how far the collector got with its config.
    fn publish_state(&self, old: &RowRecord, new: &RowRecord) {
        if (old.config_state, old.desired_hash, old.reported_hash)
            == (new.config_state, new.desired_hash, new.reported_hash)
        {
            return;
        }
        let state = new.config_state.unwrap_or(ConfigState::None);
        if old.config_state != new.config_state {
            match state {
                ConfigState::Applied => self.shared.observe.pushes_applied.increment(),
                ConfigState::Failed => self.shared.observe.pushes_failed.increment(),
                ConfigState::None | ConfigState::Pending | ConfigState::Applying => {}
            }
        }
        self.shared.feed.publish(FeedItem::Event(Arc::new(Event::ConfigState {
            collector_id: self.slot.id(),
            hash: new.desired_hash,
            state,
            error: new.error.clone(),
        })));
    }
}

/// The version that a collector reports, without the `v` that Alloys put before theirs.
fn version(runtime: Runtime, reported: &std::collections::BTreeMap<String, String>) -> Option<String> {
    let attribute = match runtime {
        Runtime::Otelcol => "service.version",
        Runtime::Alloy => "collector.version",
    };
    let version = reported.get(attribute)?;
    let bare = version.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    Some(bare.unwrap_or(version).to_owned()).filter(|version| !version.is_empty())
}
