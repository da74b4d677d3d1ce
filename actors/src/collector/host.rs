//! One of the two state machines, behind one face.

use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeMap,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use linkmesh_proto::{
    ConfigHash, PipelineId,
    api::collector::{CollectorEvent, Runtime},
    wire::opamp::{AvailableComponents, ServerToAgent},
};
use tokio::sync::oneshot;

use crate::{
    domain::{
        desired::Desired,
        standing::{Now, PersistClass, Standing},
    },
    opamp::{self, AgentState, Context, Credential, SessionId},
    ports::{BoxError, CloseReason},
    remotecfg::{self, AlloyRecord, AlloyState, FastPath, PollAnswer, Pulse},
};

#[cfg(test)]
mod golden;

/// The persisted state of either protocol. On disk: a version byte, then JSON with named fields.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AgentRecord {
    Opamp(Box<opamp::Record>),
    Alloy(Box<AlloyRecord>),
}

const VERSION: u8 = 1;

impl AgentRecord {
    /// Of a collector that never came.
    pub(crate) fn empty(runtime: Runtime) -> Self {
        match runtime {
            Runtime::Otelcol => Self::Opamp(Box::default()),
            Runtime::Alloy => Self::Alloy(Box::default()),
        }
    }

    /// Reads what [`encode`] wrote.
    pub(crate) fn decode(runtime: Runtime, bytes: &[u8]) -> Result<Self, BoxError> {
        let (version, body) = bytes.split_first().ok_or("empty")?;
        if *version != VERSION {
            return Err(format!("version {version} of a collector's state is not known").into());
        }
        Ok(match runtime {
            Runtime::Otelcol => Self::Opamp(serde_json::from_slice(body)?),
            Runtime::Alloy => Self::Alloy(serde_json::from_slice(body)?),
        })
    }
}

fn encode(record: &impl serde::Serialize) -> Bytes {
    thread_local! {
        // Written anew for each record, so that it has grown already. What is kept of one is no larger than it is.
        static PAGE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    PAGE.with_borrow_mut(|page| {
        page.clear();
        page.push(VERSION);
        if let Err(error) = serde_json::to_writer(&mut *page, record) {
            // Records hold maps with text keys, numbers and texts: all of that is JSON, and memory does not refuse a write.
            tracing::error!(%error, "a collector's state cannot be written");
        }
        Bytes::copy_from_slice(page)
    })
}

/// Something to be done, from either protocol.
pub(crate) enum Action {
    Send {
        session: SessionId,
        message: Box<ServerToAgent>,
        is_reply: bool,
    },
    Ping(SessionId),
    Close(SessionId, CloseReason),
    Answer(PollAnswer),
    Publish(FastPath),
    Persist(PersistClass),
    StoreEffective {
        hash: ConfigHash,
        body: Bytes,
        content_type: String,
    },
    LoadEffective,
    StoreComponents {
        hash: Box<[u8]>,
        components: Box<AvailableComponents>,
    },
    Relabel,
    Event(CollectorEvent),
    RowChanged,
    AttributesChanged,
    WakeAt(Duration),
    /// Tells who gave an order that everything before this is done, and durable where it has to be.
    Taken(oneshot::Sender<bool>, bool),
}

impl From<opamp::Effect> for Action {
    fn from(effect: opamp::Effect) -> Self {
        use opamp::Effect;
        match effect {
            Effect::Reply(session, message) => Self::Send { session, message, is_reply: true },
            Effect::Push(session, message) => Self::Send { session, message, is_reply: false },
            Effect::Ping(session) => Self::Ping(session),
            Effect::Persist(class) => Self::Persist(class),
            Effect::StoreEffective { hash, body, content_type } => Self::StoreEffective { hash, body, content_type },
            Effect::LoadEffective => Self::LoadEffective,
            Effect::StoreComponents { hash, components } => Self::StoreComponents { hash, components },
            Effect::Event(event) => Self::Event(event),
            Effect::RowChanged => Self::RowChanged,
            Effect::AttributesChanged => Self::AttributesChanged,
            Effect::Close(session, reason) => Self::Close(session, reason),
            Effect::WakeAt(at) => Self::WakeAt(at),
        }
    }
}

impl From<remotecfg::Effect> for Action {
    fn from(effect: remotecfg::Effect) -> Self {
        use remotecfg::Effect;
        match effect {
            Effect::Answer(answer) => Self::Answer(answer),
            Effect::Publish(path) => Self::Publish(path),
            Effect::Persist(class) => Self::Persist(class),
            Effect::StoreEffective { hash, body, content_type } => Self::StoreEffective { hash, body, content_type },
            Effect::LoadEffective => Self::LoadEffective,
            // The labels stand in the row, from which the fleet takes them.
            Effect::Relabel(_) => Self::Relabel,
            Effect::Event(event) => Self::Event(event),
            Effect::RowChanged => Self::RowChanged,
            Effect::AttributesChanged => Self::AttributesChanged,
            Effect::WakeAt(at) => Self::WakeAt(at),
        }
    }
}

/// The state machine of one collector.
pub(crate) struct Host {
    machine: Machine,
    desired: Option<ConfigHash>,
    /// What the collector reports of itself, until that changes.
    attributes: OnceCell<Arc<BTreeMap<String, String>>>,
    /// Alloy: the rhythm of its polls.
    pulse: Pulse,
}

enum Machine {
    Opamp(Box<AgentState>),
    Alloy(Box<AlloyState>),
}

impl Host {
    pub(crate) fn new(record: AgentRecord, desired: Option<Arc<Desired>>) -> Self {
        let hash = desired.as_ref().map(|desired| desired.hash());
        let machine = match record {
            AgentRecord::Opamp(record) => Machine::Opamp(Box::new(AgentState::new(*record, desired))),
            AgentRecord::Alloy(record) => Machine::Alloy(Box::new(AlloyState::new(*record, desired))),
        };
        Self { machine, desired: hash, attributes: OnceCell::new(), pulse: Pulse::default() }
    }

    /// Takes the rhythm of an Alloy's polls, which goes with the inputs that follow.
    pub(crate) fn feel(&mut self, pulse: Pulse) {
        self.pulse = pulse;
    }

    /// Applies an OpAMP input; an Alloy has none.
    pub(crate) fn opamp(&mut self, now: Now, input: opamp::Input, context: &Context<'_>) -> Vec<Action> {
        match &mut self.machine {
            Machine::Opamp(state) => {
                let actions: Vec<_> = state.apply(now, input, context).into_iter().map(Action::from).collect();
                self.forget_attributes(&actions);
                actions
            }
            Machine::Alloy(_) => Vec::new(),
        }
    }

    /// Applies a `remotecfg` input; a supervisor has none.
    pub(crate) fn alloy(&mut self, now: Now, input: remotecfg::Input) -> Vec<Action> {
        match &mut self.machine {
            Machine::Opamp(_) => Vec::new(),
            Machine::Alloy(state) => {
                let actions: Vec<_> = state.apply(now, self.pulse, input).into_iter().map(Action::from).collect();
                self.forget_attributes(&actions);
                actions
            }
        }
    }

    fn forget_attributes(&mut self, actions: &[Action]) {
        if actions.iter().any(|action| matches!(action, Action::AttributesChanged)) {
            self.attributes.take();
        }
    }

    pub(crate) fn desired_changed(
        &mut self,
        now: Now,
        desired: Option<Arc<Desired>>,
        context: &Context<'_>,
    ) -> Vec<Action> {
        self.desired = desired.as_ref().map(|desired| desired.hash());
        match &self.machine {
            Machine::Opamp(_) => self.opamp(now, opamp::Input::DesiredChanged { desired }, context),
            Machine::Alloy(_) => self.alloy(now, remotecfg::Input::DesiredChanged { desired }),
        }
    }

    pub(crate) fn effective_loaded(&mut self, now: Now, body: Option<Bytes>, context: &Context<'_>) -> Vec<Action> {
        match &self.machine {
            Machine::Opamp(_) => self.opamp(now, opamp::Input::EffectiveLoaded { body }, context),
            Machine::Alloy(_) => self.alloy(now, remotecfg::Input::EffectiveLoaded { body }),
        }
    }

    pub(crate) fn retry(&mut self, now: Now, context: &Context<'_>) -> Vec<Action> {
        match &self.machine {
            Machine::Opamp(_) => self.opamp(now, opamp::Input::RetryAsked, context),
            Machine::Alloy(_) => self.alloy(now, remotecfg::Input::RetryAsked),
        }
    }

    pub(crate) fn deregistered(&mut self, now: Now, context: &Context<'_>) -> Vec<Action> {
        match &self.machine {
            Machine::Opamp(_) => self.opamp(now, opamp::Input::Deregistered, context),
            Machine::Alloy(_) => self.alloy(now, remotecfg::Input::Deregistered),
        }
    }

    pub(crate) fn tick(&mut self, now: Now, context: &Context<'_>) -> Vec<Action> {
        match &self.machine {
            Machine::Opamp(_) => self.opamp(now, opamp::Input::Tick, context),
            Machine::Alloy(_) => self.alloy(now, remotecfg::Input::Tick),
        }
    }

    /// The hash of the text that the state machine knows as desired.
    pub(crate) const fn desired_hash(&self) -> Option<ConfigHash> {
        self.desired
    }

    /// The address that its requests came from, as the state machine knows it.
    pub(crate) fn address(&self) -> Option<String> {
        match &self.machine {
            Machine::Opamp(_) => None,
            Machine::Alloy(state) => state.record().address.as_deref().map(str::to_owned),
        }
    }

    pub(crate) fn can_restart(&self) -> bool {
        match &self.machine {
            Machine::Opamp(state) => state.can_restart(),
            Machine::Alloy(_) => false,
        }
    }

    pub(crate) fn http_session(&self) -> Option<(SessionId, &Credential)> {
        match &self.machine {
            Machine::Opamp(state) => state.http_session(),
            Machine::Alloy(_) => None,
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        match &self.machine {
            Machine::Opamp(state) => state.standing(),
            Machine::Alloy(state) => state.standing(),
        }
    }

    /// What the collector reports of itself.
    pub(crate) fn attributes(&self) -> Arc<BTreeMap<String, String>> {
        let unpack = || match &self.machine {
            Machine::Opamp(state) => state.attributes(),
            Machine::Alloy(state) => state.attributes(),
        };
        Arc::clone(self.attributes.get_or_init(|| Arc::new(unpack())))
    }

    pub(crate) fn was_configured(&self) -> bool {
        match &self.machine {
            Machine::Opamp(state) => state.was_configured(),
            Machine::Alloy(state) => state.was_configured(),
        }
    }

    /// Instance labels other than `default` (Alloy).
    pub(crate) fn labels(&self) -> BTreeMap<PipelineId, u32> {
        match &self.machine {
            Machine::Opamp(_) => BTreeMap::new(),
            Machine::Alloy(state) => state.labels().clone(),
        }
    }

    /// The identity that it claims.
    pub(crate) fn claimed_id(&self) -> Option<String> {
        match &self.machine {
            Machine::Opamp(state) => state.record().uid.map(|uid| uid.to_string()),
            Machine::Alloy(state) => state.record().id.as_deref().map(str::to_owned),
        }
    }

    /// The hash of its available components, in hexadecimal.
    pub(crate) fn components_hash(&self) -> Option<String> {
        match &self.machine {
            Machine::Opamp(state) => Some(&state.record().components).filter(|hash| !hash.is_empty()).map(hex::encode),
            Machine::Alloy(_) => None,
        }
    }

    pub(crate) fn last_sequence(&self) -> Option<u64> {
        match &self.machine {
            Machine::Opamp(state) => Some(state.record().last_seq),
            Machine::Alloy(_) => None,
        }
    }

    /// The last text that was confirmed, while it is at hand.
    pub(crate) fn confirmed(&self) -> Option<Arc<str>> {
        match &self.machine {
            Machine::Opamp(state) => state.confirmed_text(),
            Machine::Alloy(state) => state.confirmed_text(),
        }
    }

    /// The state as it is stored.
    pub(crate) fn encode(&self) -> Bytes {
        match &self.machine {
            Machine::Opamp(state) => encode(state.record()),
            Machine::Alloy(state) => encode(state.record()),
        }
    }
}
