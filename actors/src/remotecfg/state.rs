//! One Alloy.

use std::{collections::BTreeMap, sync::Arc};

use linkmesh_proto::{PipelineId, api::collector::ConfigState};

use super::{
    effect::{Effect, PollAnswer},
    input::Input,
    record::AlloyRecord,
};
use crate::domain::{
    desired::Desired,
    standing::{Now, Standing},
};

/// One Alloy: its record and what is published for it.
#[derive(Debug)]
pub struct AlloyState {
    record: AlloyRecord,
    desired: Option<Arc<Desired>>,
}

impl AlloyState {
    /// An Alloy as it was stored; `AlloyRecord::default()` for one that never came. Apply one [`Input::Tick`] after
    /// making it, so that what it publishes is known before the first poll.
    #[must_use]
    pub fn new(record: AlloyRecord, desired: Option<Arc<Desired>>) -> Self {
        Self { record, desired }
    }

    /// Applies what happened. The effects are to be performed in order.
    pub fn apply(&mut self, now: Now, input: Input) -> Vec<Effect> {
        let _ = (now, &self.desired);
        match input {
            Input::Polled(_) => vec![Effect::Answer(PollAnswer::NotModified)],
            _ => Vec::new(),
        }
    }

    /// What is to be stored.
    #[must_use]
    pub const fn record(&self) -> &AlloyRecord {
        &self.record
    }

    /// What the collector reports of itself.
    #[must_use]
    pub fn attributes(&self) -> BTreeMap<String, String> {
        self.record.attributes.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    /// Whether it was ever given a config. Then it is given the document without pipelines instead of nothing.
    #[must_use]
    pub const fn was_configured(&self) -> bool {
        self.record.was_configured
    }

    /// The instance labels with which its texts are rendered; empty for nearly all.
    #[must_use]
    pub const fn labels(&self) -> &BTreeMap<PipelineId, u32> {
        &self.record.labels
    }

    /// How the collector stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            online: false,
            last_seen: self.record.last_seen,
            healthy: None,
            config_state: ConfigState::None,
            reported_hash: None,
            error: None,
            drift: self.record.drift.0,
            notices: Vec::new(),
            can_restart: false,
        }
    }
}
