//! How a collector stands, whichever protocol it speaks: what both state machines tell the world.

mod news;

use std::time::Duration;

use linkmesh_proto::{
    ConfigHash, Timestamp,
    api::collector::{CollectorStatus, ConfigState, DriftState},
};

pub(crate) use news::{Common, NO_ANSWER, Output, Words, short};

/// The two clocks at one moment. The wall clock gives order and age to people, the monotonic one decides on presence:
/// a corrected wall clock must not take a fleet offline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The server's wall clock.
    pub at: Timestamp,
    /// Time since some moment before the process began to serve; never goes back.
    pub monotonic: Duration,
}

/// How soon a change of a record must be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PersistClass {
    /// With the next flush, within a second, and only the sequence number and last seen. This is what every
    /// heartbeat asks for.
    Presence,
    /// With the next flush, within a second: health in which more than times changed.
    Soon,
    /// As [`Self::Soon`], and before any effect that follows in the list that it was ever given a config, which goes with
    /// the presence: the first pipeline of a fleet is offered to all at once, and whole records would keep it up.
    Marked,
    /// Before any effect that follows in the list is performed: failed latch, config status, description, capabilities.
    Now,
}

/// How a collector stands. Cheap to make; the row of the directory is built from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is there now.
    pub online: bool,
    /// When anything was last heard of it.
    pub last_seen: Option<Timestamp>,
    /// Its own word on its health, short dips smoothed; `None` before it said any.
    pub healthy: Option<bool>,
    /// How far it is with the desired config.
    pub config_state: ConfigState,
    /// The hash that it last spoke of.
    pub reported_hash: Option<ConfigHash>,
    /// Why the config failed or the collector is unhealthy, in its own words.
    pub error: Option<String>,
    /// Whether what runs is what was committed.
    pub drift: DriftState,
    /// Something an operator should know, for example that two processes use one token.
    pub notices: Vec<String>,
    /// Whether it takes a restart command.
    pub can_restart: bool,
}

impl Standing {
    /// The status shown for a collector that is registered.
    #[must_use]
    pub fn status(&self) -> CollectorStatus {
        match (self.last_seen, self.online) {
            (None, _) => CollectorStatus::Pending,
            (Some(_), false) => CollectorStatus::Offline,
            (Some(_), true) if self.healthy == Some(false) || self.config_state == ConfigState::Failed => {
                CollectorStatus::Degraded
            }
            (Some(_), true) => CollectorStatus::Connected,
        }
    }
}
