//! What is known of an agent beyond its connection: the part that survives a restart of the server.

use linkmesh_proto::{ConfigHash, InstanceUid, Timestamp, api::collector::DriftState};
use serde::{Deserialize, Serialize};

use super::capability::AgentCapabilities;
use crate::{
    domain::{bytes, health::HealthTree},
    ports::Presence,
};

/// The persisted state of one agent. Written as a document with named fields; a field that an older server did not
/// write has its default.
///
/// Kept small, because every connected agent has one in memory: config bodies live in the store, description and
/// health are packed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The uid of the newest process; `None` before the first message.
    pub uid: Option<InstanceUid>,
    /// The newest sequence number.
    pub last_seq: u64,
    /// When anything was last heard.
    pub last_seen: Option<Timestamp>,
    /// What the agent can do, by its newest word.
    pub capabilities: AgentCapabilities,
    /// The description as protobuf; empty before the first one.
    #[serde(with = "bytes")]
    pub description: Box<[u8]>,
    /// The newest health tree.
    pub health: Option<HealthTree>,
    /// When the health was reported.
    pub health_at: Option<Timestamp>,
    /// What the collector said it runs.
    pub effective: Option<EffectiveFact>,
    /// The size of what it said it runs, when that is too large to be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oversized: Option<u64>,
    /// What it said of the last config.
    pub status: Option<RemoteStatus>,
    /// Texts that it refused, oldest first. They are not offered again unless an operator asks for it.
    pub failed: Vec<FailedConfig>,
    /// The last text that was confirmed: reported as applied, found in the effective config, and healthy.
    pub confirmed: Option<ConfigHash>,
    /// The agent spoke of another text since, or of this one as failed or under way: what runs is still compared with
    /// it, but it has to be confirmed anew before it counts as applied.
    pub superseded: bool,
    /// The text for which an operator lifted the latch, until it is offered again.
    pub retry: Option<ConfigHash>,
    /// The text for whose sake a restart was commanded, because it was reported as applied but did not run.
    pub restarted_for: Option<ConfigHash>,
    /// Whether what runs is what was committed.
    pub drift: Drift,
    /// Whether it was ever offered a config.
    pub was_configured: bool,
    /// A restart that an operator asked for and that was not sent yet.
    pub restart_pending: bool,
    /// The own-metrics settings that it was offered last.
    pub offered_settings: Option<ConfigHash>,
    /// The opamp settings that it was offered last: address, token, heartbeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offered_opamp: Option<OfferedSettings>,
    /// What it last said of settings that it was offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings_status: Option<SettingsStatus>,
    /// The agent's hash of the components built in; empty when it did not say.
    #[serde(with = "bytes")]
    pub components: Box<[u8]>,
}

/// [`DriftState`] with a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Drift(pub DriftState);

impl Default for Drift {
    fn default() -> Self {
        Self(DriftState::Unknown)
    }
}

impl Record {
    /// Takes what was written of presence, which is written more often than the record.
    #[must_use]
    pub fn with_presence(mut self, presence: Presence) -> Self {
        self.was_configured |= presence.was_configured;
        if Some(presence.last_seen) >= self.last_seen {
            self.last_seq = presence.last_sequence;
            self.last_seen = Some(presence.last_seen);
        }
        self
    }

    /// Whether this text was confirmed, and nothing that the agent said since speaks against it.
    #[must_use]
    pub fn is_confirmed(&self, hash: ConfigHash) -> bool {
        self.confirmed == Some(hash) && !self.superseded
    }

    /// The latch of a text that was refused.
    #[must_use]
    pub fn failure(&self, hash: ConfigHash) -> Option<&FailedConfig> {
        self.failed.iter().find(|failed| failed.hash == hash)
    }
}

/// The digest of a reported effective config; its body is in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectiveFact {
    /// SHA-256 of the body.
    pub hash: ConfigHash,
    /// When it was reported.
    pub received_at: Timestamp,
    /// A text of ours whose meaning was found in it.
    pub matches: Option<ConfigHash>,
}

/// What an agent last said of a config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteStatus {
    /// The text that it speaks of; `None` when it names none of ours.
    pub hash: Option<ConfigHash>,
    /// What became of it.
    pub status: ReportedStatus,
    /// The collector's own words.
    pub error: Box<str>,
    /// When it said so.
    pub at: Timestamp,
}

/// Settings that an agent was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedSettings {
    /// All of them.
    pub hash: ConfigHash,
    /// When they were offered.
    pub at: Timestamp,
}

/// What an agent last said of connection settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsStatus {
    /// The offer that it speaks of; `None` when it names none of ours.
    pub hash: Option<ConfigHash>,
    /// What became of it.
    pub status: ReportedStatus,
}

/// What became of a config, as the agent says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportedStatus {
    /// It never had one.
    Unset,
    /// It is at it.
    Applying,
    /// It says that it runs.
    Applied,
    /// It refused it, or died of it.
    Failed,
    /// A word from a newer protocol.
    Unknown,
}

impl ReportedStatus {
    pub(crate) const fn from_wire(status: i32) -> Self {
        match status {
            0 => Self::Unset,
            1 => Self::Applied,
            2 => Self::Applying,
            3 => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// A text that a collector refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedConfig {
    /// The text.
    pub hash: ConfigHash,
    /// The collector's own words.
    pub error: Box<str>,
    /// When it said so.
    pub at: Timestamp,
}
