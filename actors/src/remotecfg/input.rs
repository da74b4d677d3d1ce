//! What happens to an Alloy.

use std::sync::Arc;

use bytes::Bytes;
use linkmesh_proto::wire::collector::{GetConfigRequest, RegisterCollectorRequest};

use crate::domain::desired::Desired;

/// A poll that may say something new.
#[derive(Debug, Clone)]
pub struct Poll {
    /// The request.
    pub request: GetConfigRequest,
    /// The address that it came from, without port.
    pub address: Box<str>,
}

/// How many components of one controller are in one state, from the metric
/// `alloy_component_controller_running_components`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentCount {
    /// The controller: `pl_web_logs.default`, or empty for the remote document itself.
    pub controller: Box<str>,
    /// Alloy's word: `healthy`, `exited`, `unhealthy`, `unknown`, ...
    pub health: Box<str>,
    /// How many.
    pub count: u64,
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// `RegisterCollector` came. Answer it without waiting for the effects: a register that hangs blocks the start of
    /// an Alloy, and one that fails ends it.
    Registered {
        /// The request.
        request: Box<RegisterCollectorRequest>,
        /// The address that it came from, without port.
        address: Box<str>,
    },
    /// `GetConfig` came. Yields exactly one [`super::Effect::Answer`].
    Polled(Box<Poll>),
    /// `UnregisterCollector` came: it stops. A killed one sends none.
    Unregistered,
    /// The collector was deregistered: its token is dead.
    Deregistered,
    /// What the collector should run is another text. `None`: nothing, and it was never configured.
    DesiredChanged {
        /// The text.
        desired: Option<Arc<Desired>>,
    },
    /// The answer to [`super::Effect::LoadEffective`]: what the collector said it runs, from the store; `None` when the
    /// store has nothing.
    EffectiveLoaded {
        /// The text.
        body: Option<Bytes>,
    },
    /// Its own metrics told how its components are.
    ComponentsMeasured {
        /// All counts of the remote document's controllers in one push.
        counts: Vec<ComponentCount>,
    },
    /// An operator lifts the failed latch of the desired text.
    RetryAsked,
    /// The moment of [`super::Effect::WakeAt`] has come. Harmless at any other moment.
    Tick,
}
