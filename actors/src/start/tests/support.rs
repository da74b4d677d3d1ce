//! A server on fakes, an agent played by hand.

use std::{future::Future, sync::Arc, time::Duration};

use actix::System;
use linkmesh_proto::{
    CollectorId, Etag, PipelineId,
    api::{
        collector::{NewCollector, Runtime},
        pipeline::PipelineDocument,
    },
    wire::opamp::{
        AgentConfigFile, AgentConfigMap, AgentDescription, AgentToServer, AnyValue, ComponentHealth, EffectiveConfig,
        KeyValue, RemoteConfigStatus, ServerToAgent, any_value::Value,
    },
};

use crate::{
    Deps, Handles, Settings,
    domain::document::{DocumentPath, parse_destination, parse_pipeline},
    fleet::AgentSession,
    repository::{Edit, Precondition, Save, SaveError, Saved},
    runtime::Observe,
    testing::{CountingEntropy, FakeTransport, ManualClock, MemoryRepository, MemoryStore, PlainSealer, by, wait_for},
};

pub(super) const SCREEN: &str = "name: Screen\nkind: debug\n";

/// What lasts when a server ends.
#[derive(Clone, Default)]
pub(super) struct World {
    pub(super) store: Arc<MemoryStore>,
    pub(super) repository: MemoryRepository,
    pub(super) clock: Arc<ManualClock>,
    pub(super) entropy: Arc<CountingEntropy>,
    pub(super) sealer: Arc<PlainSealer>,
}

impl World {
    pub(super) async fn start(&self) -> Handles {
        self.start_with(|_| {}).await
    }

    pub(super) async fn start_with(&self, change: impl FnOnce(&mut Settings)) -> Handles {
        let mut settings = Settings {
            public_url: Some("http://127.0.0.1:8080".into()),
            threads: 2,
            repository_poll: Duration::from_millis(20),
            ..Settings::default()
        };
        change(&mut settings);
        let repository = self.repository.clone();
        crate::start(Deps {
            store: self.store.clone(),
            repository: Box::new(move || Ok(Box::new(repository.clone()))),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            sealer: self.sealer.clone(),
            observe: Arc::new(Observe::default()),
            settings,
            give_up: Arc::new(|name| panic!("{name} was given up")),
        })
        .await
        .unwrap()
    }
}

/// Runs a test within an actix system.
pub(super) fn run(test: impl Future<Output = ()>) {
    System::new().block_on(test);
}

pub(super) fn id(text: &str) -> PipelineId {
    text.parse().unwrap()
}

pub(super) fn pipeline(matcher: &str, port: u16) -> PipelineDocument {
    parse_pipeline(&format!(
        "name: P\nsignals: [logs]\nmatch: ['{matcher}']\nsources:\n  - {{id: apps, kind: otlp, settings: {{grpc: \
         {{endpoint: \"0.0.0.0:{port}\"}}}}}}\ndestinations: [screen]\n"
    ))
    .unwrap()
}

/// Saves the destination that the pipelines of these tests use.
pub(super) async fn save_screen(handles: &Handles) {
    let document = parse_destination(SCREEN).unwrap();
    let edit = Edit::Destination("screen".parse().unwrap(), document);
    handles.repository.save(Save { edit, precondition: Precondition::Absent, by: by("ada") }).await.unwrap();
}

pub(super) async fn save(
    handles: &Handles,
    name: &str,
    document: PipelineDocument,
    precondition: Precondition,
) -> Result<Saved, SaveError> {
    handles.repository.save(Save { edit: Edit::Pipeline(id(name), document), precondition, by: by("ada") }).await
}

pub(super) async fn create(handles: &Handles, name: &str, matcher: &str, port: u16) -> Saved {
    save(handles, name, pipeline(matcher, port), Precondition::Absent).await.unwrap()
}

/// Deletes a pipeline.
pub(super) async fn delete(handles: &Handles, name: &str) {
    let edit = Edit::Delete(DocumentPath::Pipeline(id(name)));
    handles.repository.save(Save { edit, precondition: Precondition::Any, by: by("ada") }).await.unwrap();
}

pub(super) fn etag(handles: &Handles, name: &str) -> Etag {
    handles.repository.snapshot().pipelines[&id(name)].etag
}

/// Creates a collector with a label `env`; answers its token.
pub(super) async fn register(handles: &Handles, runtime: Runtime, env: &str) -> (CollectorId, String) {
    let new = NewCollector {
        name: format!("host-{env}"),
        runtime,
        version: None,
        stability: Some(linkmesh_proto::api::collector::Stability::Experimental),
        labels: [("env".to_owned(), env.to_owned())].into(),
    };
    let registered = handles.fleet.register(new, &by("ada")).await.unwrap();
    (registered.collector.id, registered.token.reveal().to_owned())
}

/// A supervisor played by hand.
pub(super) struct Agent {
    uid: [u8; 16],
    seq: u64,
    pub(super) capabilities: u64,
    pub(super) transport: Arc<FakeTransport>,
    pub(super) session: Option<AgentSession>,
    status: RemoteConfigStatus,
    running: String,
}

impl Agent {
    pub(super) fn new(uid: u8) -> Self {
        Self {
            uid: [uid; 16],
            seq: 0,
            capabilities: 0x7DE7 & !0x4000,
            transport: Arc::default(),
            session: None,
            status: RemoteConfigStatus::default(),
            running: String::new(),
        }
    }

    /// The same with other capabilities.
    pub(super) fn with(capabilities: u64) -> Self {
        Self { capabilities, ..Self::new(1) }
    }

    /// Dials with a token.
    pub(super) fn dial(&mut self, handles: &Handles, token: &str) {
        let peer = handles.fleet.admit(token, Some("192.0.2.7".into())).unwrap();
        self.transport = Arc::default();
        self.session = Some(handles.fleet.open_session(peer, self.transport.clone()).unwrap());
    }

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

    pub(super) fn full(&mut self) -> AgentToServer {
        AgentToServer {
            agent_description: Some(description(&format!("host-{}", self.uid[0]))),
            health: Some(ComponentHealth::default()),
            effective_config: Some(effective(&self.running)),
            remote_config_status: Some(self.status.clone()),
            ..self.heartbeat()
        }
    }

    /// Sends a message by plain HTTP and takes its answer.
    pub(super) async fn post(handles: &Handles, token: &str, message: AgentToServer) -> ServerToAgent {
        let peer = handles.fleet.admit(token, Some("192.0.2.7".into())).unwrap();
        handles.fleet.exchange(peer, message).await.unwrap()
    }

    pub(super) fn send(&self, message: AgentToServer) {
        self.session.as_ref().unwrap().receive(message).unwrap();
    }

    /// Sends a message and waits for something to come back.
    pub(super) async fn ask(&self, message: AgentToServer) -> Vec<ServerToAgent> {
        self.transport.take();
        self.send(message);
        wait_for("an answer", || !self.transport.is_empty()).await;
        self.transport.take()
    }

    /// Dials, tells everything, and gets through the gate; answers what was offered at once.
    pub(super) async fn start(&mut self, handles: &Handles, token: &str) -> Vec<ServerToAgent> {
        self.dial(handles, token);
        let full = self.full();
        self.ask(full).await;
        let health = AgentToServer { health: Some(healthy()), ..self.heartbeat() };
        self.ask(health).await
    }

    /// Waits for an offer and takes it as a supervisor does.
    pub(super) async fn apply_offer(&mut self) -> String {
        let offers = self.offers().await;
        let (hash, text) = offers.into_iter().next_back().unwrap();
        self.apply(&hash, &text).await;
        text
    }

    /// Waits for at least one offer.
    pub(super) async fn offers(&self) -> Vec<(Vec<u8>, String)> {
        let mut found = Vec::new();
        wait_for("an offer", || {
            found.extend(offered(&self.transport.take()));
            !found.is_empty()
        })
        .await;
        found
    }

    pub(super) async fn apply(&mut self, hash: &[u8], text: &str) {
        for word in [2, 1] {
            self.status =
                RemoteConfigStatus { last_remote_config_hash: hash.to_vec(), status: word, ..Default::default() };
            if word == 1 {
                self.running = text.to_owned();
                let running = AgentToServer { effective_config: Some(effective(text)), ..self.heartbeat() };
                self.ask(running).await;
            }
            let status = AgentToServer { remote_config_status: Some(self.status.clone()), ..self.heartbeat() };
            self.ask(status).await;
        }
    }
}

/// The token of a collector that a message offers.
pub(super) fn offered_token(message: &ServerToAgent) -> Option<String> {
    let settings = message.connection_settings.as_ref()?.opamp.as_ref()?;
    let bearer = &settings.headers.as_ref()?.headers[0].value;
    Some(bearer.strip_prefix("Bearer ").unwrap().to_owned())
}

/// The kinds of a collector's events, oldest first. The server must have been stopped: events are written with a delay.
pub(super) async fn events(world: &World, id: CollectorId) -> Vec<String> {
    let events = crate::ports::EventStore::events(&*world.store, id, None, 200).await.unwrap();
    events.into_iter().rev().map(|(_, event)| event.kind).collect()
}

/// The configs in messages, with their hashes.
pub(super) fn offered(messages: &[ServerToAgent]) -> Vec<(Vec<u8>, String)> {
    let config = |message: &ServerToAgent| {
        let config = message.remote_config.as_ref()?;
        let file = &config.config.as_ref()?.config_map[""];
        Some((config.config_hash.clone(), String::from_utf8(file.body.to_vec()).unwrap()))
    };
    messages.iter().filter_map(config).collect()
}

fn description(host: &str) -> AgentDescription {
    let value = |text: &str| Some(AnyValue { value: Some(Value::StringValue(text.into())) });
    AgentDescription {
        identifying_attributes: vec![KeyValue { key: "service.name".into(), value: value("otelcol") }],
        non_identifying_attributes: vec![KeyValue { key: "host.name".into(), value: value(host) }],
    }
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

/// Waits until a replaced token has an end.
pub(super) async fn grace_begins(world: &World) {
    wait_for("the grace of a replaced token", || {
        let tokens = crate::ports::TokenStore::load_collector_tokens(&*world.store);
        let tokens = futures_util::FutureExt::now_or_never(tokens).unwrap().unwrap();
        tokens.iter().any(|token| token.ends_at.is_some())
    })
    .await;
}
