//! An agent played by hand.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::Duration,
};

use linkmesh_proto::{
    InstanceUid, Timestamp,
    wire::opamp::{
        AgentConfigFile, AgentConfigMap, AgentDescription, AgentToServer, AnyValue, ComponentHealth, EffectiveConfig,
        KeyValue, RemoteConfigStatus, ServerToAgent, any_value::Value,
    },
};

use crate::opamp::{
    AgentState, Context, Credential, Desired, Effect, Endpoints, Input, Now, Record, SessionId, Standing, Surroundings,
    Timing, TransportKind,
};

pub(super) const ALL: u64 = 0x7DE7;
pub(super) const UNSET: i32 = 0;
pub(super) const APPLIED: i32 = 1;
pub(super) const APPLYING: i32 = 2;
pub(super) const FAILED: i32 = 3;

/// A world without limits, unless told otherwise.
#[derive(Debug)]
pub(super) struct World {
    pub(super) permits: Cell<u32>,
    pub(super) wanted: RefCell<Vec<Vec<u8>>>,
    pub(super) new_uid: InstanceUid,
}

impl Default for World {
    fn default() -> Self {
        Self { permits: Cell::new(u32::MAX), wanted: RefCell::default(), new_uid: InstanceUid::from_bytes([0xee; 16]) }
    }
}

impl Surroundings for World {
    fn full_state_permit(&self, _: Now) -> bool {
        let left = self.permits.get();
        self.permits.set(left.saturating_sub(1));
        left > 0
    }

    fn wants_components(&self, hash: &[u8]) -> bool {
        self.wanted.borrow().iter().any(|wanted| wanted == hash)
    }

    fn new_instance_uid(&self) -> InstanceUid {
        self.new_uid
    }
}

/// A server's side of one collector.
pub(super) struct Server {
    pub(super) state: AgentState,
    pub(super) world: World,
    pub(super) endpoints: Option<Endpoints>,
    pub(super) timing: Timing,
    pub(super) clock: Duration,
    /// Everything that was to be done since the last `take`.
    pub(super) effects: Vec<Effect>,
    /// The armed timer.
    pub(super) wake_at: Option<Duration>,
}

impl Server {
    pub(super) fn new(desired: Option<&Arc<Desired>>) -> Self {
        Self::with_record(Record::default(), desired)
    }

    pub(super) fn with_record(record: Record, desired: Option<&Arc<Desired>>) -> Self {
        Self {
            state: AgentState::new(record, desired.cloned()),
            world: World::default(),
            endpoints: None,
            timing: Timing::default(),
            clock: Duration::from_secs(1000),
            effects: Vec::new(),
            wake_at: None,
        }
    }

    /// The server process ends and comes back with what was stored.
    pub(super) fn restarted(self, desired: Option<&Arc<Desired>>) -> Self {
        let written = serde_json::to_vec(self.state.record()).unwrap();
        let record: Record = serde_json::from_slice(&written).unwrap();
        assert_eq!(&record, self.state.record());
        Self { endpoints: self.endpoints, timing: self.timing, ..Self::with_record(record, desired) }
    }

    pub(super) fn apply(&mut self, input: Input) -> Vec<Effect> {
        let now = Now { at: Timestamp::from_millis(1_800_000_000_000).plus(self.clock), monotonic: self.clock };
        let context = Context { endpoints: self.endpoints.as_ref(), timing: self.timing, surroundings: &self.world };
        let effects = self.state.apply(now, input, &context);
        let persisted = effects.iter().rposition(|effect| matches!(effect, Effect::Persist(_)));
        assert!(persisted.is_none_or(|at| at == 0), "what is to be durable comes first: {effects:?}");
        for effect in &effects {
            if let Effect::WakeAt(at) = effect {
                assert!(*at > self.clock, "a timer in the past would spin");
                self.wake_at = Some(self.wake_at.map_or(*at, |armed| armed.min(*at)));
            }
        }
        self.effects.extend(effects.clone());
        effects
    }

    /// Lets time pass, with every timer in it.
    pub(super) fn pass(&mut self, duration: Duration) {
        let end = self.clock + duration;
        while let Some(at) = self.wake_at.filter(|at| *at <= end) {
            self.clock = self.clock.max(at);
            self.wake_at = None;
            self.apply(Input::Tick);
        }
        self.clock = end;
    }

    pub(super) fn pass_s(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    pub(super) fn open(&mut self, session: u64) {
        self.open_as(session, TransportKind::WebSocket, Credential::Collector { token: "lmct_t".into() });
    }

    pub(super) fn open_as(&mut self, session: u64, transport: TransportKind, credential: Credential) {
        self.apply(Input::SessionOpened { session: SessionId(session), transport, credential });
    }

    pub(super) fn close(&mut self, session: u64) {
        self.apply(Input::SessionClosed { session: SessionId(session) });
    }

    /// Gives a message and takes its one reply.
    pub(super) fn send(&mut self, session: u64, message: AgentToServer) -> ServerToAgent {
        let raw = message.instance_uid.clone();
        let effects = self.apply(Input::Message { session: SessionId(session), message: Box::new(message) });
        let mut replies = effects.into_iter().filter_map(|effect| match effect {
            Effect::Reply(to, reply) => Some((to, *reply)),
            _ => None,
        });
        let (to, reply) = replies.next().expect("every message is answered");
        assert_eq!(replies.next(), None, "and answered once");
        assert_eq!(to, SessionId(session));
        assert_eq!(reply.instance_uid, raw, "the uid is echoed as it came");
        if reply.error_response.is_some() {
            let bare =
                ServerToAgent { instance_uid: raw, error_response: reply.error_response.clone(), ..Default::default() };
            assert_eq!(reply, bare, "an error excludes everything else");
        } else {
            assert_eq!(reply.capabilities, 0x27);
        }
        reply
    }

    pub(super) fn desire(&mut self, desired: Option<&Arc<Desired>>) {
        self.apply(Input::DesiredChanged { desired: desired.cloned() });
    }

    pub(super) fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Everything that was sent since the last take, replies included.
    pub(super) fn sent(&mut self) -> Vec<ServerToAgent> {
        let sent = self.take().into_iter().filter_map(|effect| match effect {
            Effect::Reply(_, message) | Effect::Push(_, message) => Some(*message),
            _ => None,
        });
        sent.collect()
    }

    /// The hashes of the configs that were offered since the last take.
    pub(super) fn offered(&mut self) -> Vec<Vec<u8>> {
        self.sent().into_iter().filter_map(|message| message.remote_config.map(|config| config.config_hash)).collect()
    }

    /// The kinds of events since the last take.
    pub(super) fn events(&mut self) -> Vec<String> {
        let events = self.take().into_iter().filter_map(|effect| match effect {
            Effect::Event(event) => Some(event.kind),
            _ => None,
        });
        events.collect()
    }

    pub(super) fn standing(&self) -> Standing {
        self.state.standing()
    }
}

pub(super) fn text(comment: &str) -> String {
    format!(
        "# {comment}\nreceivers: {{nop: {{}}}}\nprocessors: {{batch/{comment}: {{timeout: 300s}}}}\nexporters: {{nop: \
         {{}}}}\nservice: {{pipelines: {{logs: {{receivers: [nop], processors: [batch/{comment}], exporters: [nop]}}}}}}\n"
    )
}

pub(super) fn desired(comment: &str) -> Arc<Desired> {
    Arc::new(Desired::otelcol(text(comment).into(), None).unwrap())
}

/// What a supervisor sends by itself. Messages are built from here.
#[derive(Debug, Clone)]
pub(super) struct Agent {
    pub(super) uid: [u8; 16],
    pub(super) seq: u64,
    pub(super) capabilities: u64,
    pub(super) status: RemoteConfigStatus,
    pub(super) running: String,
}

impl Default for Agent {
    fn default() -> Self {
        Self { uid: [1; 16], seq: 0, capabilities: ALL, status: status(b"", UNSET, ""), running: String::new() }
    }
}

impl Agent {
    /// A message with nothing new: 24 bytes.
    pub(super) fn heartbeat(&mut self) -> AgentToServer {
        let message = AgentToServer {
            instance_uid: self.uid.to_vec(),
            sequence_num: self.seq,
            capabilities: self.capabilities,
            ..Default::default()
        };
        self.seq += 1;
        message
    }

    /// The first message of a process, and the answer to a request for the full state.
    pub(super) fn full(&mut self) -> AgentToServer {
        AgentToServer {
            agent_description: Some(description("host-1")),
            health: Some(ComponentHealth::default()),
            effective_config: Some(effective(&self.running)),
            remote_config_status: Some(self.status.clone()),
            ..self.heartbeat()
        }
    }

    pub(super) fn with_status(&mut self, hash: &[u8], word: i32, error: &str) -> AgentToServer {
        self.status = status(hash, word, error);
        AgentToServer { remote_config_status: Some(self.status.clone()), ..self.heartbeat() }
    }

    pub(super) fn with_health(&mut self, health: ComponentHealth) -> AgentToServer {
        AgentToServer { health: Some(health), ..self.heartbeat() }
    }

    pub(super) fn with_effective(&mut self, running: &str) -> AgentToServer {
        self.running = running.to_owned();
        AgentToServer { effective_config: Some(effective(running)), ..self.heartbeat() }
    }

    /// Connects and gets through the gate.
    pub(super) fn start(&mut self, server: &mut Server, session: u64) {
        server.open(session);
        server.send(session, self.full());
        server.send(session, self.with_health(healthy()));
    }

    /// Takes an offer as a supervisor does.
    pub(super) fn run(&mut self, server: &mut Server, session: u64, config: &Arc<Desired>) {
        let hash = *config.hash().as_bytes();
        server.send(session, self.with_status(&hash, APPLYING, ""));
        server.send(session, self.with_health(healthy()));
        server.send(session, self.with_effective(config.text()));
        server.send(session, self.with_status(&hash, APPLIED, ""));
    }
}

pub(super) fn description(host: &str) -> AgentDescription {
    let value = |text: &str| Some(AnyValue { value: Some(Value::StringValue(text.into())) });
    AgentDescription {
        identifying_attributes: vec![KeyValue { key: "service.name".into(), value: value("otelcol") }],
        non_identifying_attributes: vec![KeyValue { key: "host.name".into(), value: value(host) }],
    }
}

pub(super) fn status(hash: &[u8], word: i32, error: &str) -> RemoteConfigStatus {
    RemoteConfigStatus { last_remote_config_hash: hash.to_vec(), status: word, error_message: error.into() }
}

pub(super) fn effective(text: &str) -> EffectiveConfig {
    let file = AgentConfigFile { body: text.to_owned().into(), content_type: String::new() };
    EffectiveConfig { config_map: Some(AgentConfigMap { config_map: [(String::new(), file)].into() }) }
}

pub(super) fn healthy() -> ComponentHealth {
    let child = ComponentHealth { healthy: true, status: "StatusOK".into(), ..Default::default() };
    ComponentHealth {
        healthy: true,
        status: "StatusOK".into(),
        component_health_map: [("pipeline:logs".to_owned(), child)].into(),
        ..Default::default()
    }
}

pub(super) fn crashed() -> ComponentHealth {
    ComponentHealth {
        last_error: "Agent process PID=7 exited unexpectedly, exit code=1. Will restart in a bit...".into(),
        ..Default::default()
    }
}
