//! Documents for tests.

use std::collections::BTreeMap;

use linkmesh_proto::{
    CollectorId, Timestamp,
    api::{
        collector::{Collector, CollectorStatus, ConfigState, DriftState, Runtime, Stability},
        fleet::{DeliveryCounts, DriftCounts, FleetSummary},
    },
};

/// A fleet of three collectors that run what was committed.
pub(super) fn fleet() -> FleetSummary {
    FleetSummary {
        total: 3,
        status: Default::default(),
        runtime: Default::default(),
        config_state: Default::default(),
        delivery: DeliveryCounts { applied: 3, ..DeliveryCounts::default() },
        drift: DriftCounts { in_sync: 3, ..DriftCounts::default() },
        rates: None,
        steps: Vec::new(),
        revision: None,
        broken_files: Vec::new(),
    }
}

/// A collector that is there and well.
pub(super) fn collector(name: &str) -> Collector {
    Collector {
        id: CollectorId::from_bytes([1; 16]),
        name: name.to_owned(),
        runtime: Runtime::Otelcol,
        instance_uid: None,
        status: CollectorStatus::Connected,
        status_since: Timestamp::from_millis(0),
        last_seen: None,
        labels: BTreeMap::new(),
        operator_labels: BTreeMap::new(),
        attributes: BTreeMap::new(),
        version: None,
        stability: Stability::GenerallyAvailable,
        pipelines: Vec::new(),
        config_state: ConfigState::Applied,
        desired_hash: None,
        reported_hash: None,
        error: None,
        withheld: false,
        drift: DriftState::InSync,
        healthy: Some(true),
        address: None,
        notices: Vec::new(),
        can_restart: false,
    }
}
