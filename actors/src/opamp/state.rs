//! One agent.

use std::{collections::BTreeMap, sync::Arc};

use linkmesh_proto::wire::opamp::ServerToAgent;

use super::{
    capability::{AgentCapabilities, SERVER_CAPABILITIES},
    description,
    effect::Effect,
    input::{Context, Input, SessionId},
    record::Record,
};
use crate::{
    domain::{
        desired::Desired,
        standing::{Now, Standing},
    },
    ports::Presence,
};

/// One agent: its record and its connections.
#[derive(Debug)]
pub struct AgentState {
    pub(super) record: Record,
    pub(super) desired: Option<Arc<Desired>>,
}

impl AgentState {
    /// An agent as it was stored; `Record::default()` for one that never came.
    #[must_use]
    pub fn new(record: Record, desired: Option<Arc<Desired>>) -> Self {
        Self { record, desired }
    }

    /// Applies what happened. The effects are to be performed in order.
    pub fn apply(&mut self, now: Now, input: Input, context: &Context<'_>) -> Vec<Effect> {
        let _ = (now, context);
        match input {
            Input::Message { session, message } => vec![Effect::Reply(
                session,
                Box::new(ServerToAgent {
                    instance_uid: message.instance_uid,
                    capabilities: SERVER_CAPABILITIES,
                    ..Default::default()
                }),
            )],
            _ => Vec::new(),
        }
    }

    /// What is to be stored.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// The part of the record that every message changes; `None` before the first message.
    #[must_use]
    pub fn presence(&self) -> Option<Presence> {
        self.record.last_seen.map(|last_seen| Presence { last_seen, last_sequence: self.record.last_seq })
    }

    /// The HTTP session that is open, if any: the next POST of this collector belongs to it.
    #[must_use]
    pub fn http_session(&self) -> Option<SessionId> {
        None
    }

    /// What the agent reports of itself.
    #[must_use]
    pub fn attributes(&self) -> BTreeMap<String, String> {
        description::packed_attributes(&self.record.description)
    }

    /// Whether it was ever offered a config. Then it is given the document without pipelines instead of nothing.
    #[must_use]
    pub const fn was_configured(&self) -> bool {
        self.record.was_configured
    }

    /// Whether a restart can be asked for now.
    #[must_use]
    pub const fn can_restart(&self) -> bool {
        self.record.capabilities.has(AgentCapabilities::ACCEPTS_RESTART)
    }

    /// How the collector stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            online: false,
            last_seen: self.record.last_seen,
            healthy: None,
            config_state: linkmesh_proto::api::collector::ConfigState::None,
            reported_hash: None,
            error: None,
            drift: self.record.drift.0,
            notices: Vec::new(),
            can_restart: false,
        }
    }
}
