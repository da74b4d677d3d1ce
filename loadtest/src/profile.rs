//! What a simulated agent says: the same bytes for the same agent in every run, in the sizes that real supervisors
//! 0.158 were seen to send.

use std::{collections::BTreeMap, fmt::Write};

use bytes::Bytes;
use linkmesh_proto::wire::opamp::{
    AgentConfigFile, AgentConfigMap, AgentDescription, AgentToServer, AnyValue, AvailableComponents, ComponentDetails,
    ComponentHealth, EffectiveConfig, KeyValue, PackageStatuses, RemoteConfigStatus, RemoteConfigStatuses, any_value,
};
use sha2::{Digest, Sha256};

use crate::args::Profile;

/// All that a managed supervisor can do but packages, as the real one reports it.
const CAPABILITIES: u64 = 0x7DE7;

/// Bytes of the effective config in message 0, so that the whole first report is about 2.7 KB.
const FIRST_CONFIG_BYTES: usize = 2_300;

/// Bytes of an effective config in the full profile.
const FULL_CONFIG_BYTES: usize = 8_133;

/// A fixed wall-clock time for health, in nanoseconds: 2026-01-01. It moves by the number of the message.
const EPOCH_NS: u64 = 1_767_225_600_000_000_000;

/// An agent's identity and how much it says.
#[derive(Debug, Clone)]
pub(crate) struct Voice {
    uid: [u8; 16],
    index: usize,
    profile: Profile,
}

impl Voice {
    pub(crate) fn new(index: usize, profile: Profile) -> Self {
        let digest = Sha256::digest(format!("linkmesh-loadtest agent {index}"));
        let mut uid = [0u8; 16];
        uid.copy_from_slice(&digest[..16]);
        // A UUID of version 7 with the time of the profile, as supervisors make them.
        uid[..6].copy_from_slice(&(EPOCH_NS / 1_000_000).to_be_bytes()[2..]);
        uid[6] = (uid[6] & 0x0f) | 0x70;
        uid[8] = (uid[8] & 0x3f) | 0x80;
        Self { uid, index, profile }
    }

    /// A heartbeat: 24 bytes.
    pub(crate) fn heartbeat(&self, sequence_num: u64) -> AgentToServer {
        AgentToServer {
            instance_uid: self.uid.to_vec(),
            sequence_num,
            capabilities: CAPABILITIES,
            ..AgentToServer::default()
        }
    }

    /// The first report of a process, or the answer to a request for the full state.
    pub(crate) fn full_state(&self, sequence_num: u64, status: RemoteConfigStatus, config: Bytes) -> AgentToServer {
        AgentToServer {
            agent_description: Some(self.description()),
            health: Some(ComponentHealth::default()),
            effective_config: Some(effective(config)),
            remote_config_status: Some(status),
            package_statuses: Some(PackageStatuses::default()),
            available_components: Some(AvailableComponents { components: BTreeMap::new(), hash: components_hash() }),
            ..self.heartbeat(sequence_num)
        }
    }

    /// The tree behind the hash, when the server asks for it.
    pub(crate) fn components(&self, sequence_num: u64) -> AgentToServer {
        AgentToServer {
            available_components: Some(AvailableComponents { components: components(), hash: components_hash() }),
            ..self.heartbeat(sequence_num)
        }
    }

    /// Health with a tree of components: 1 KB in the full profile, 300 bytes else.
    pub(crate) fn health(&self, sequence_num: u64) -> AgentToServer {
        let at = EPOCH_NS + sequence_num * 1_000_000_000;
        let pipelines: &[&str] = match self.profile {
            Profile::FirstReport => &["logs"],
            Profile::Full => &["logs", "metrics", "traces"],
        };
        let tree = pipelines.iter().map(|signal| (format!("pipeline:{signal}"), pipeline_health(at))).collect();
        AgentToServer { health: Some(healthy(at, tree)), ..self.heartbeat(sequence_num) }
    }

    /// A step in applying what was offered; `config` is the text that runs now.
    pub(crate) fn status(
        &self,
        sequence_num: u64,
        hash: &[u8],
        status: RemoteConfigStatuses,
        config: Option<Bytes>,
    ) -> AgentToServer {
        let applied = status == RemoteConfigStatuses::Applied;
        AgentToServer {
            remote_config_status: Some(status_of(hash, status)),
            effective_config: config.map(effective),
            health: if applied { self.health(sequence_num).health } else { None },
            ..self.heartbeat(sequence_num)
        }
    }

    /// What runs before the first offer: the supervisor's own no-op config, padded to the profile's size.
    pub(crate) fn first_config(&self) -> Bytes {
        let text = "receivers: {nop: null}\nexporters: {nop: null}\nextensions: {opamp: {server: {ws: {endpoint: \
                    \"ws://127.0.0.1:1/v1/opamp\"}}}}\nservice: {extensions: [opamp], pipelines: {traces: {receivers: \
                    [nop], exporters: [nop]}}}\n";
        match self.profile {
            Profile::FirstReport => padded(text.as_bytes(), FIRST_CONFIG_BYTES),
            Profile::Full => padded(text.as_bytes(), FULL_CONFIG_BYTES),
        }
    }

    /// What runs after an offer: every leaf of it, and in the full profile the defaults that a real collector adds.
    pub(crate) fn config_after(&self, offered: &Bytes) -> Bytes {
        match self.profile {
            Profile::FirstReport => offered.clone(),
            Profile::Full => padded(offered, FULL_CONFIG_BYTES),
        }
    }

    fn description(&self) -> AgentDescription {
        let uid = uuid::Uuid::from_bytes(self.uid).to_string();
        AgentDescription {
            identifying_attributes: vec![
                attribute("service.instance.id", &uid),
                attribute("service.name", "otelcol"),
                attribute("service.version", "0.158.0"),
            ],
            non_identifying_attributes: vec![
                attribute("env", "load"),
                attribute("host.arch", "amd64"),
                attribute("host.name", &format!("host-{}", self.index)),
                attribute("os.description", "Debian 12.11"),
                attribute("os.type", "linux"),
            ],
        }
    }
}

/// The status of a supervisor about one hash.
pub(crate) fn status_of(hash: &[u8], status: RemoteConfigStatuses) -> RemoteConfigStatus {
    RemoteConfigStatus { last_remote_config_hash: hash.to_vec(), status: status.into(), error_message: String::new() }
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value) }
}

fn effective(body: Bytes) -> EffectiveConfig {
    let file = AgentConfigFile { body, content_type: String::new() };
    EffectiveConfig { config_map: Some(AgentConfigMap { config_map: BTreeMap::from([(String::new(), file)]) }) }
}

/// Adds a mapping of further keys, so that a reader has as much to parse as in a real effective config.
fn padded(text: &[u8], bytes: usize) -> Bytes {
    let mut padded = String::from_utf8_lossy(text).into_owned();
    if padded.len() + 64 < bytes {
        padded.push_str("defaults_filled_in:\n");
        let mut line = 0;
        while padded.len() < bytes {
            // Writing to a string cannot fail.
            let _ = writeln!(padded, "  setting_{line:03}: {{enabled: true, interval: 5m0s, queue_size: 1000}}");
            line += 1;
        }
    }
    Bytes::from(padded)
}

fn healthy(at: u64, tree: BTreeMap<String, ComponentHealth>) -> ComponentHealth {
    ComponentHealth {
        healthy: true,
        start_time_unix_nano: at,
        status: "StatusOK".to_owned(),
        status_time_unix_nano: at,
        component_health_map: tree,
        ..ComponentHealth::default()
    }
}

fn pipeline_health(at: u64) -> ComponentHealth {
    let parts = [
        "receiver:otlp",
        "processor:memory_limiter",
        "processor:filter/load.no-debug",
        "processor:batch",
        "exporter:otlphttp/load-sink",
    ];
    healthy(at, parts.iter().map(|part| ((*part).to_owned(), healthy(at, BTreeMap::new()))).collect())
}

/// The components of the real test build, canonical names and aliases.
fn components() -> BTreeMap<String, ComponentDetails> {
    let contrib = "github.com/open-telemetry/opentelemetry-collector-contrib";
    let core = "go.opentelemetry.io/collector";
    /// Name, Go module, package.
    type Member = (&'static str, &'static str, &'static str);
    let groups: [(&str, &[Member]); 5] = [
        (
            "receivers",
            &[
                ("nop", core, "receiver/nopreceiver"),
                ("otlp", core, "receiver/otlpreceiver"),
                ("filelog", contrib, "receiver/filelogreceiver"),
                ("file_log", contrib, "receiver/filelogreceiver"),
                ("hostmetrics", contrib, "receiver/hostmetricsreceiver"),
                ("host_metrics", contrib, "receiver/hostmetricsreceiver"),
            ],
        ),
        (
            "processors",
            &[
                ("attributes", contrib, "processor/attributesprocessor"),
                ("batch", core, "processor/batchprocessor"),
                ("filter", contrib, "processor/filterprocessor"),
                ("memory_limiter", core, "processor/memorylimiterprocessor"),
                ("resource", contrib, "processor/resourceprocessor"),
                ("transform", contrib, "processor/transformprocessor"),
            ],
        ),
        (
            "exporters",
            &[
                ("debug", core, "exporter/debugexporter"),
                ("nop", core, "exporter/nopexporter"),
                ("otlp", core, "exporter/otlpexporter"),
                ("otlp_grpc", core, "exporter/otlpexporter"),
                ("otlphttp", core, "exporter/otlphttpexporter"),
                ("otlp_http", core, "exporter/otlphttpexporter"),
            ],
        ),
        (
            "extensions",
            &[
                ("file_storage", contrib, "extension/storage/filestorage"),
                ("opamp", contrib, "extension/opampextension"),
            ],
        ),
        ("connectors", &[]),
    ];
    let details = |module: &str, path: &str| ComponentDetails {
        metadata: vec![attribute("code.namespace", &format!("{module}/{path} v0.158.0"))],
        sub_component_map: BTreeMap::new(),
    };
    groups
        .into_iter()
        .map(|(group, members)| {
            let sub_component_map =
                members.iter().map(|(name, module, path)| ((*name).to_owned(), details(module, path))).collect();
            (group.to_owned(), ComponentDetails { metadata: Vec::new(), sub_component_map })
        })
        .collect()
}

fn components_hash() -> Vec<u8> {
    Sha256::digest("linkmesh-loadtest components 0.158.0").to_vec()
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    fn first(profile: Profile) -> usize {
        let voice = Voice::new(7, profile);
        let status = RemoteConfigStatus::default();
        voice.full_state(0, status, voice.first_config()).encoded_len()
    }

    #[test]
    fn sizes_are_those_of_real_supervisors() {
        assert!((2_500..2_900).contains(&first(Profile::FirstReport)), "{}", first(Profile::FirstReport));
        assert!((8_000..9_000).contains(&first(Profile::Full)), "{}", first(Profile::Full));
        let health = Voice::new(7, Profile::Full).health(3).encoded_len();
        assert!((900..1_200).contains(&health), "{health}");
        assert!(Voice::new(7, Profile::Full).heartbeat(3).encoded_len() <= 24);
    }

    #[test]
    fn same_agent_says_the_same_in_every_run() {
        let say = || Voice::new(3, Profile::Full).health(9).encode_to_vec();
        assert_eq!(say(), say());
        assert_ne!(Voice::new(3, Profile::Full).uid, Voice::new(4, Profile::Full).uid);
    }
}
