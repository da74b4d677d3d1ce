//! What is known of an Alloy beyond one poll: the part that survives a restart of the server.

use std::collections::BTreeMap;

use linkmesh_proto::{ConfigHash, PipelineId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    domain::health::HealthTree,
    opamp::{Drift, FailedConfig, RemoteStatus},
};

/// The persisted state of one Alloy. It does not repeat an unchanged status after a restart of the server, so the
/// server has to remember it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlloyRecord {
    /// The id that it claims.
    pub id: Option<Box<str>>,
    /// The name that it gives itself.
    pub name: Option<Box<str>>,
    /// Where it polled from.
    pub address: Option<Box<str>>,
    /// The attributes that it reports.
    pub attributes: BTreeMap<Box<str>, Box<str>>,
    /// When anything was last heard.
    pub last_seen: Option<Timestamp>,
    /// Milliseconds between its polls, once that was learnt.
    pub poll_ms: Option<u32>,
    /// What it was served last; the hash in its requests says that it received it, not that it runs it.
    pub published: Option<ConfigHash>,
    /// What it last said that it received.
    pub received: Option<ConfigHash>,
    /// What it last said of a config.
    pub status: Option<RemoteStatus>,
    /// Whether it ever sent a status (Alloy from 1.12 on).
    pub reports_status: bool,
    /// SHA-256 of the text that it said it runs.
    pub effective: Option<ConfigHash>,
    /// When the effective config was reported.
    pub effective_at: Option<Timestamp>,
    /// The last text that was confirmed: received, applied, and found in the effective config.
    pub confirmed: Option<ConfigHash>,
    /// Desired texts that it refused, oldest first.
    pub failed: Vec<FailedConfig>,
    /// The desired text that an operator wants tried again, until it is served.
    pub retry: Option<ConfigHash>,
    /// How often operators asked to try a text again. An Alloy ignores a text that it had last, so that a retry needs
    /// another one.
    pub retries: u32,
    /// Instance labels other than `default`, by pipeline: 2 stands for `r2`.
    pub labels: BTreeMap<PipelineId, u32>,
    /// FNV-1 hashes of what it was served lately with the text's own hash, newest last: two texts of one FNV-1 hash are
    /// one text to it.
    pub served: Vec<(u32, ConfigHash)>,
    /// Health by its own metrics.
    pub health: Option<HealthTree>,
    /// When the health was measured.
    pub health_at: Option<Timestamp>,
    /// Whether what runs is what was committed.
    pub drift: Drift,
    /// Whether it was ever given a config.
    pub was_configured: bool,
}
