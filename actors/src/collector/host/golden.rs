//! What older versions wrote of a collector is read for ever: a record that cannot be read is begun afresh, and with it
//! a text that was refused would be offered again.
//!
//! Each golden file holds the bytes of a record with something in every field, as the store has them. The records below
//! are written out in full, so that a new field does not compile here without a decision. A field with a default: the
//! record of the file that is there gets the default, a new file with something in the field is written
//! (`LINKMESH_WRITE_GOLDEN=1`) and added to the list as its newest. A field that goes, or means something else: a new
//! [`VERSION`], and a reader of the old one.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use linkmesh_proto::{InstanceUid, Timestamp, api::collector::DriftState, wire::opamp::ComponentHealth};
use serde_json::Value;

use super::*;
use crate::{
    domain::health::HealthTree,
    opamp::{
        AgentCapabilities, Drift, EffectiveFact, FailedConfig, OfferedSettings, Record, RemoteStatus, ReportedStatus,
        SettingsStatus,
    },
};

fn hash(text: &str) -> ConfigHash {
    ConfigHash::of(text.as_bytes())
}

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

fn health() -> HealthTree {
    let exporter = ComponentHealth {
        healthy: false,
        start_time_unix_nano: 1,
        last_error: "connection refused".into(),
        status: "StatusRecoverableError".into(),
        status_time_unix_nano: 2,
        component_health_map: BTreeMap::new(),
        attributes: vec![],
    };
    HealthTree::from_opamp(&ComponentHealth {
        healthy: true,
        start_time_unix_nano: 3,
        last_error: String::new(),
        status: "StatusOK".into(),
        status_time_unix_nano: 4,
        component_health_map: BTreeMap::from([("exporter:otlp_http/central".into(), exporter)]),
        attributes: vec![],
    })
}

fn status(said: ReportedStatus) -> RemoteStatus {
    RemoteStatus { hash: Some(hash("told")), status: said, error: "port in use".into(), at: at(1) }
}

fn failed() -> Vec<FailedConfig> {
    vec![
        FailedConfig { hash: hash("first refused"), error: "unknown key \"exporterz\"".into(), at: at(2) },
        FailedConfig { hash: hash("then refused"), error: "".into(), at: at(3) },
    ]
}

/// `agent-otelcol-v1.bin`
fn otelcol() -> Record {
    Record {
        uid: Some(InstanceUid::from_bytes([0x5a; 16])),
        last_seq: 41,
        last_seen: Some(at(4)),
        capabilities: AgentCapabilities(0x5d67),
        description: Box::from(&b"\x0a\x03abc\xff"[..]),
        health: Some(health()),
        health_at: Some(at(5)),
        effective: Some(EffectiveFact { hash: hash("effective"), received_at: at(6), matches: Some(hash("matched")) }),
        oversized: Some(7_000_000),
        status: Some(status(ReportedStatus::Failed)),
        failed: failed(),
        confirmed: Some(hash("confirmed")),
        superseded: true,
        retry: Some(hash("retry")),
        restarted_for: Some(hash("restarted for")),
        drift: Drift(DriftState::Drifted),
        was_configured: true,
        restart_pending: true,
        offered_settings: Some(hash("settings")),
        offered_opamp: Some(OfferedSettings { hash: hash("opamp settings"), at: at(10) }),
        settings_status: Some(SettingsStatus { hash: Some(hash("settings before")), status: ReportedStatus::Failed }),
        components: Box::from([0xc0, 0xff, 0xee]),
    }
}

/// `agent-alloy-v1.bin`
fn alloy() -> AlloyRecord {
    AlloyRecord {
        id: Some("host-1".into()),
        name: Some("Host 1".into()),
        address: Some("192.0.2.1".into()),
        attributes: BTreeMap::from([("collector.os".into(), "linux".into())]),
        last_seen: Some(at(7)),
        poll_ms: Some(60_000),
        published: Some(hash("published")),
        received: Some(hash("received")),
        status: Some(status(ReportedStatus::Applied)),
        reports_status: true,
        effective: Some(hash("effective")),
        effective_at: Some(at(8)),
        confirmed: Some(hash("confirmed")),
        failed: failed(),
        retry: Some(hash("retry")),
        retries: 3,
        labels: BTreeMap::from([("web-logs".parse().unwrap(), 2)]),
        served: vec![(0x811c_9dc5, hash("served")), (7, hash("published"))],
        health: Some(health()),
        health_at: Some(at(9)),
        drift: Drift(DriftState::InSync),
        was_configured: true,
    }
}

/// Oldest first.
fn golden() -> [(&'static str, Runtime, AgentRecord); 2] {
    [
        ("agent-otelcol-v1.bin", Runtime::Otelcol, AgentRecord::Opamp(Box::new(otelcol()))),
        ("agent-alloy-v1.bin", Runtime::Alloy, AgentRecord::Alloy(Box::new(alloy()))),
    ]
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name)
}

fn encoded(record: &AgentRecord) -> Bytes {
    match record {
        AgentRecord::Opamp(record) => encode(record),
        AgentRecord::Alloy(record) => encode(record),
    }
}

#[test]
fn every_field_of_a_golden_record_is_read() {
    for (name, runtime, expected) in golden() {
        let path = fixture(name);
        if std::env::var_os("LINKMESH_WRITE_GOLDEN").is_some() && !path.exists() {
            std::fs::write(&path, encoded(&expected)).unwrap();
        }
        let read = AgentRecord::decode(runtime, &std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(read, expected, "{name}");
    }
}

#[test]
fn record_is_written_as_the_newest_golden_one() {
    for runtime in [Runtime::Otelcol, Runtime::Alloy] {
        let all = golden();
        let (name, _, record) = all.iter().rfind(|(_, of, _)| *of == runtime).unwrap();
        let stored = std::fs::read(fixture(name)).unwrap();
        assert_eq!(String::from_utf8_lossy(&encoded(record)), String::from_utf8_lossy(&stored), "{name}");
    }
}

/// A field at its default would be found in a file that does not have it.
#[test]
fn newest_golden_records_have_something_in_every_field() {
    fn fields(record: &AgentRecord) -> Value {
        serde_json::from_slice(&encoded(record)[1..]).unwrap()
    }
    for runtime in [Runtime::Otelcol, Runtime::Alloy] {
        let all = golden();
        let (name, _, record) = all.iter().rfind(|(_, of, _)| *of == runtime).unwrap();
        let (filled, empty) = (fields(record), fields(&AgentRecord::empty(runtime)));
        let filled = filled.as_object().unwrap();
        assert!(filled.len() >= 20, "{filled:?}");
        for (field, value) in filled {
            assert_ne!(Some(value), empty.get(field), "{name}: {field}");
        }
    }
}

#[test]
fn record_of_an_unknown_version_is_refused_and_not_guessed_at() {
    let mut bytes = encoded(&AgentRecord::empty(Runtime::Otelcol)).to_vec();
    bytes[0] = VERSION + 1;
    assert!(AgentRecord::decode(Runtime::Otelcol, &bytes).is_err());
    assert!(AgentRecord::decode(Runtime::Otelcol, &[]).is_err());
}
