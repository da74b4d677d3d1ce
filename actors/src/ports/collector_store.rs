//! What is kept of collectors.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use linkmesh_proto::{
    CollectorId, ConfigHash, PipelineId, Timestamp,
    api::collector::{CollectorStatus, ConfigState, DriftState, Runtime, Stability},
};
use serde::{Deserialize, Serialize};

use super::StoreError;

/// What the server knows of one collector without its protocol's state: small, and all of them are in memory.
///
/// Written in a self-describing form (names, not places), so that fields can be added with `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectorRecord {
    /// The identifier.
    pub id: CollectorId,
    /// The name given at creation or enrolment. A name in the config repository wins over it.
    pub name: String,
    /// The program.
    pub runtime: Runtime,
    /// Alloy's stability level, chosen at creation.
    #[serde(default)]
    pub stability: Stability,
    /// The version that was to be installed; what the collector reports wins over it.
    #[serde(default)]
    pub planned_version: Option<String>,
    /// Labels that came with enrolment. Labels of operators live in the config repository.
    #[serde(default)]
    pub enrolment_labels: BTreeMap<String, String>,
    /// When it was created or enrolled.
    pub created_at: Timestamp,
    /// Who created it, or the enrolment token that it redeemed.
    #[serde(default)]
    pub created_by: String,
    /// When it was deregistered; it is forgotten 30 days later.
    #[serde(default)]
    pub deregistered_at: Option<Timestamp>,
    /// What lists show of it, as of the last change.
    #[serde(default)]
    pub row: RowRecord,
}

/// What lists and matchers need of a collector, as its actor last derived it from the protocol's state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RowRecord {
    /// The OpAMP instance uid, or the `id` that an Alloy claims.
    pub instance_uid: Option<String>,
    /// Whether it was there and well; `None` before it was first seen.
    pub status: Option<CollectorStatus>,
    /// Since when.
    pub status_since: Option<Timestamp>,
    /// What the collector reports of itself. Shared, because a record is copied with every change of its row.
    pub reported: Arc<BTreeMap<String, String>>,
    /// The version it reports.
    pub version: Option<String>,
    /// The hash of the available components it reported, in hexadecimal; their tree is stored once for the fleet.
    pub components_hash: Option<String>,
    /// How far it was with the desired config.
    pub config_state: Option<ConfigState>,
    /// The hash that it should run, and that `config_state` speaks of.
    pub desired_hash: Option<ConfigHash>,
    /// The hash that it last spoke of.
    pub reported_hash: Option<ConfigHash>,
    /// Why the config failed or the collector is unhealthy.
    pub error: Option<String>,
    /// Whether what runs is what was committed.
    pub drift: Option<DriftState>,
    /// Its own word on its health.
    pub healthy: Option<bool>,
    /// Where it connected from.
    pub address: Option<String>,
    /// What an operator should know.
    pub notices: Vec<String>,
    /// What it can do when asked.
    pub can_restart: bool,
    /// Whether it ever was given a config. Such a collector gets an empty one when nothing matches it any more; another
    /// is left alone (decision 11).
    pub ever_configured: bool,
    /// Alloy: pipelines whose instance label is not `default` after a leaked loader, with the number of the label.
    pub labels: BTreeMap<PipelineId, u32>,
}

/// What changes with every message of a collector: kept in memory and flushed each second. And whether it was ever given
/// a config, which is small enough to be on disk before that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// When anything was last heard of it.
    pub last_seen: Timestamp,
    /// The sequence number of its last OpAMP message; 0 for Alloy.
    pub last_sequence: u64,
    /// Whether it was ever given a config; the record may know it when this does not.
    #[serde(default)]
    pub was_configured: bool,
}

/// A config that a collector reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveRecord {
    /// SHA-256 of the text as it was reported.
    pub hash: ConfigHash,
    /// What the collector called it; empty for a supervisor.
    pub content_type: String,
    /// The text, secrets sealed.
    pub body: Bytes,
    /// When it came.
    pub received_at: Timestamp,
}

/// Collectors, the state of their protocols, and what they reported.
#[async_trait]
pub trait CollectorStore: Send + Sync + 'static {
    /// All collectors, deregistered ones included, with their presence. Read once, at start.
    async fn load_collectors(&self) -> Result<Vec<(CollectorRecord, Option<Presence>)>, StoreError>;

    /// One collector.
    async fn collector(&self, id: CollectorId) -> Result<Option<CollectorRecord>, StoreError>;

    /// Writes collectors, new or known, in one transaction.
    async fn put_collectors(&self, records: Vec<CollectorRecord>) -> Result<(), StoreError>;

    /// The state of the protocol of one collector, as `put_agents` left it.
    async fn agent(&self, id: CollectorId) -> Result<Option<Bytes>, StoreError>;

    /// Writes states of protocols and, in the same transaction, the records that follow from them. The bytes are the
    /// collector actor's business; they carry their own version.
    ///
    /// A collector that is stored as deregistered stays so whatever the record says: it may be from the moment before.
    async fn put_agents(
        &self,
        agents: Vec<(CollectorId, Bytes)>,
        records: Vec<CollectorRecord>,
    ) -> Result<(), StoreError>;

    /// Writes presences in one transaction.
    async fn put_presence(&self, presence: Vec<(CollectorId, Presence)>) -> Result<(), StoreError>;

    /// The config that a collector last reported.
    async fn effective(&self, id: CollectorId) -> Result<Option<EffectiveRecord>, StoreError>;

    /// Replaces the reported configs of collectors in one transaction.
    async fn put_effective(&self, configs: Vec<(CollectorId, EffectiveRecord)>) -> Result<(), StoreError>;

    /// A tree of available components by the hash that collectors call it, shared by the fleet.
    async fn components(&self, hash: &str) -> Result<Option<Bytes>, StoreError>;

    /// Keeps a tree of available components, if it is not there yet.
    async fn put_components(&self, hash: &str, tree: Bytes) -> Result<(), StoreError>;

    /// Removes trees of available components.
    async fn remove_components(&self, hashes: Vec<String>) -> Result<(), StoreError>;

    /// Forgets collectors with everything that belongs to them: states, presence, reported configs, events and tokens.
    async fn remove_collectors(&self, ids: Vec<CollectorId>) -> Result<(), StoreError>;
}
