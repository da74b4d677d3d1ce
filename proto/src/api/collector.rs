//! Collectors: who they are, how they are, what they run.

use std::collections::BTreeMap;

use super::documents;
use crate::{CollectorId, ConfigHash, PipelineId, Revision, Timestamp};

documents! {
    /// The upstream program that a collector is.
    #[derive(Copy, Eq, Hash, PartialOrd, Ord)]
    #[serde(rename_all = "lowercase")]
    pub enum Runtime {
        /// Grafana Alloy, which polls by `remotecfg`.
        Alloy,
        /// otelcol under opampsupervisor, which is pushed by OpAMP.
        Otelcol,
    }

    /// Alloy's `--stability.level`; it refuses a whole document for one component above it.
    #[derive(Copy, Eq, Hash, PartialOrd, Ord, Default)]
    #[serde(rename_all = "kebab-case")]
    pub enum Stability {
        /// Stable components only.
        #[default]
        GenerallyAvailable,
        /// Also what is in public preview.
        PublicPreview,
        /// Everything.
        Experimental,
    }

    /// Whether a collector is there and well.
    #[derive(Copy, Eq, Hash, PartialOrd, Ord)]
    #[serde(rename_all = "snake_case")]
    pub enum CollectorStatus {
        /// Never seen.
        Pending,
        /// There and well.
        Connected,
        /// There, but unhealthy or its config failed.
        Degraded,
        /// Not there.
        Offline,
        /// Its token is dead; kept for 30 days.
        Deregistered,
    }

    /// How far a collector is with the config that it should run.
    #[derive(Copy, Eq, Hash, PartialOrd, Ord)]
    #[serde(rename_all = "snake_case")]
    pub enum ConfigState {
        /// There is nothing for it to run.
        None,
        /// Not delivered yet, or not answered.
        Pending,
        /// Delivered; the collector is at it.
        Applying,
        /// The collector runs it.
        Applied,
        /// The collector refused it.
        Failed,
    }

    /// Whether what runs is what was committed.
    #[derive(Copy, Eq, Hash, PartialOrd, Ord)]
    #[serde(rename_all = "snake_case")]
    pub enum DriftState {
        /// It is.
        InSync,
        /// It is not.
        Drifted,
        /// The collector does not report what it runs.
        Unknown,
    }

    /// A collector as the API shows it.
    pub struct Collector {
        /// The identifier.
        pub id: CollectorId,
        /// The name shown to people.
        pub name: String,
        /// The program.
        pub runtime: Runtime,
        /// The OpAMP instance uid, or the `id` that an Alloy claims.
        pub instance_uid: Option<String>,
        /// Whether it is there and well.
        pub status: CollectorStatus,
        /// Since when.
        pub status_since: Timestamp,
        /// When anything was last heard of it.
        pub last_seen: Option<Timestamp>,
        /// Labels by the operator and by enrolment.
        pub labels: BTreeMap<String, String>,
        /// Those of `labels` that the operator gave, which stand in the config repository and can be changed.
        pub operator_labels: BTreeMap<String, String>,
        /// What matchers see: reported attributes, overridden by labels, and `collector.*`.
        pub attributes: BTreeMap<String, String>,
        /// The version it reports.
        pub version: Option<String>,
        /// The stability level chosen for it (Alloy).
        pub stability: Stability,
        /// The pipelines that it should run.
        pub pipelines: Vec<PipelineId>,
        /// How far it is with the desired config.
        pub config_state: ConfigState,
        /// The hash that it should run.
        pub desired_hash: Option<ConfigHash>,
        /// The hash that it last spoke of.
        pub reported_hash: Option<ConfigHash>,
        /// Why the config failed or the collector is unhealthy, in its own words; or why it is `withheld`.
        pub error: Option<String>,
        /// Whether it cannot be given what it should run now and keeps what it has; `error` says why.
        #[serde(default)]
        pub withheld: bool,
        /// Whether what runs is what was committed.
        pub drift: DriftState,
        /// Its own word on its health; `null` before it said any.
        pub healthy: Option<bool>,
        /// Where it connects from.
        pub address: Option<String>,
        /// Something an operator should know, for example that two processes use one token.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub notices: Vec<String>,
        /// What it can do when asked.
        pub can_restart: bool,
    }

    /// What a `POST /collectors` holds.
    #[serde(deny_unknown_fields)]
    pub struct NewCollector {
        /// The name shown to people.
        pub name: String,
        /// The program.
        pub runtime: Runtime,
        /// The version that will be installed, so that the bootstrap fits it.
        #[serde(default)]
        pub version: Option<String>,
        /// Alloy's stability level.
        #[serde(default)]
        pub stability: Option<Stability>,
        /// Labels of the operator.
        #[serde(default)]
        pub labels: BTreeMap<String, String>,
    }

    /// A collector with its token, which is shown this once.
    pub struct CollectorCreated {
        /// The collector.
        pub collector: Collector,
        /// The collector's token, `lmct_...`.
        pub token: String,
        /// What to put on the host.
        pub bootstrap: Bootstrap,
    }

    /// What to put on a host so that its collector dials in.
    pub struct Bootstrap {
        /// Programs that must be on the host already.
        #[serde(default)]
        pub programs: Vec<BootstrapProgram>,
        /// Files to write.
        pub files: Vec<BootstrapFile>,
        /// Commands to run after that, in order.
        pub commands: Vec<String>,
    }

    /// A program that a bootstrap starts and does not bring.
    pub struct BootstrapProgram {
        /// Absolute path on the host.
        pub path: String,
        /// What it is, with its version where that is known.
        pub name: String,
        /// Where its makers publish it.
        pub source: String,
    }

    /// One file of a bootstrap.
    pub struct BootstrapFile {
        /// Absolute path on the host.
        pub path: String,
        /// Permissions, for example `0600`.
        pub mode: String,
        /// The text.
        pub content: String,
        /// Where to keep what stood there before, unless something is kept there already; `null` when nobody else writes
        /// this file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub keep_as: Option<String>,
    }

    /// What a `PATCH /collectors/{id}` holds.
    #[serde(deny_unknown_fields)]
    pub struct CollectorPatch {
        /// A new name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        /// All labels of the operator, replacing those before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub labels: Option<BTreeMap<String, String>>,
    }

    /// The answer to `POST /collectors/{id}/preview`: what becomes of the collector by a change of its name and labels.
    pub struct CollectorPreview {
        /// Pipelines that it would run and does not run now.
        pub gains: Vec<NamedPipeline>,
        /// Pipelines that it runs now and would run no more.
        pub loses: Vec<NamedPipeline>,
        /// Why it could not be given what it would run, and would keep what it has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub withheld: Option<String>,
    }

    /// A pipeline in short.
    pub struct NamedPipeline {
        /// The identifier.
        pub id: PipelineId,
        /// The name shown to people.
        pub name: String,
    }

    /// The answer to `POST /collectors/{id}/token`.
    pub struct NewToken {
        /// The token, shown this once.
        pub token: String,
    }

    /// The answer to `GET /collectors/{id}/config`.
    pub struct CollectorConfig {
        /// What it should run.
        pub desired: Option<DesiredConfig>,
        /// What it says that it runs.
        pub effective: Option<EffectiveConfig>,
        /// What it said of the last delivery.
        pub status: ConfigStatus,
        /// The comparison of the two.
        pub drift: Drift,
    }

    /// The text that a collector should run.
    pub struct DesiredConfig {
        /// Its hash.
        pub hash: ConfigHash,
        /// The commit from which it was rendered.
        pub revision: Revision,
        /// `text/yaml` or `text/plain`.
        pub content_type: String,
        /// The text, secrets hidden.
        pub body: String,
        /// Whether a secret was hidden in `body`.
        pub redacted: bool,
        /// While an Alloy gets additions before removals: the hash that it is served now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub published_hash: Option<ConfigHash>,
    }

    /// The text that a collector says it runs.
    pub struct EffectiveConfig {
        /// Its hash.
        pub hash: ConfigHash,
        /// `text/yaml` or `text/plain`.
        pub content_type: String,
        /// The text, secrets hidden.
        pub body: String,
        /// When it was reported.
        pub received_at: Timestamp,
    }

    /// What a collector said of a delivery.
    pub struct ConfigStatus {
        /// How far it is.
        pub state: ConfigState,
        /// The hash that it speaks of.
        pub hash: Option<ConfigHash>,
        /// Its own error text.
        pub error: Option<String>,
        /// When it said so.
        pub at: Option<Timestamp>,
    }

    /// Whether what runs is what was committed, and where not.
    pub struct Drift {
        /// The verdict.
        pub state: DriftState,
        /// The places that differ from the text that was applied last.
        pub differences: Vec<Difference>,
    }

    /// One place that differs.
    pub struct Difference {
        /// Path of the place, for example `exporters.otlphttp/central.endpoint`.
        pub path: String,
        /// What was committed; `null` when nothing was.
        pub desired: Option<String>,
        /// What runs; `null` when nothing does.
        pub effective: Option<String>,
    }

    /// The health of a component and of those below it.
    pub struct ComponentHealth {
        /// Whether it is well.
        pub healthy: bool,
        /// The runtime's word for its state, for example `StatusOK`.
        pub status: String,
        /// The runtime's error text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub last_error: Option<String>,
        /// When the runtime last set it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub status_time: Option<Timestamp>,
        /// The components below, by name.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub components: BTreeMap<String, ComponentHealth>,
    }

    /// The answer to `GET /collectors/{id}/health`.
    pub struct CollectorHealth {
        /// The tree; `null` before the collector reported one.
        pub root: Option<ComponentHealth>,
        /// When it was reported.
        pub received_at: Option<Timestamp>,
    }

    /// Something that happened to a collector.
    pub struct CollectorEvent {
        /// When.
        pub at: Timestamp,
        /// A stable code: `created`, `connected`, `disconnected`, `config_offered`, `config_applied`, `config_failed`,
        /// `drift_found`, `drift_gone`, `unhealthy`, `healthy`, `token_issued`, `restart_asked`, `deregistered`, ...
        pub kind: String,
        /// The same for a person.
        pub message: String,
    }

    /// The answer to `GET /collectors/{id}/throughput`.
    pub struct Throughput {
        /// Rates by pipeline.
        pub pipelines: Vec<PipelineThroughput>,
        /// Figures of the destinations on this collector.
        pub destinations: Vec<DestinationThroughput>,
        /// Age in seconds of the newest push; `null` before the first.
        pub age_s: Option<f64>,
    }

    /// Rates of one pipeline on one collector.
    pub struct PipelineThroughput {
        /// The pipeline.
        pub pipeline: PipelineId,
        /// Meters at both ends and around each step, in order.
        pub meters: Vec<MeterSeries>,
    }

    /// A series of rates at one place of a pipeline.
    pub struct MeterSeries {
        /// `in`, `out`, or the id of a step (what it let pass).
        pub place: String,
        /// The kind of telemetry.
        pub signal: super::pipeline::Signal,
        /// Records since the collector's counter began, as far as seen.
        pub total: u64,
        /// Points, oldest first.
        pub points: Vec<RatePoint>,
        /// Age in seconds of the last push that told of it.
        #[serde(default)]
        pub age_s: f64,
    }

    /// A rate at a time.
    pub struct RatePoint {
        /// End of the interval.
        pub at: Timestamp,
        /// Records a second over the interval.
        pub per_second: f64,
    }

    /// Figures of one destination on one collector.
    pub struct DestinationThroughput {
        /// The destination.
        pub destination: crate::DestinationId,
        /// Records sent, as far as seen.
        pub sent: u64,
        /// Records given up.
        pub failed: u64,
        /// Batches in the queue; `null` when not reported.
        pub queue: Option<u64>,
        /// Room of the queue; `null` when not reported.
        pub queue_capacity: Option<u64>,
        /// Age in seconds of the last push that told of it.
        #[serde(default)]
        pub age_s: f64,
        /// Age in seconds of the last push by which more was sent than before; `null` before any was.
        #[serde(default)]
        pub sent_age_s: Option<f64>,
    }
}
