//! Random lives of an agent, held against what must always be true.

use std::{sync::Arc, time::Duration};

use linkmesh_proto::{
    api::collector::ConfigState,
    wire::opamp::{AgentDisconnect, AgentToServer, ServerToAgent},
};
use proptest::prelude::*;

use super::support::*;
use crate::opamp::{
    AgentCapabilities, Credential, Desired, Effect, Endpoints, Input, SessionId, TransportKind, session::Session,
};

#[derive(Debug, Clone)]
enum Step {
    Open { http: bool, enrolment: bool },
    Close { newest: bool },
    Pong,
    Say { what: Say, newest: bool, skip: u8, other_uid: bool },
    Desire(Option<u8>),
    Pass { millis: u32 },
    Retry,
    Restart,
    ServerRestart,
    Process,
    NoPermits(bool),
    Undecodable,
}

#[derive(Debug, Clone)]
enum Say {
    Bare,
    Heartbeat,
    Full,
    Health { healthy: bool, tree: bool },
    Status { text: u8, word: i32 },
    Effective(u8),
    Goodbye,
    Capabilities(u64),
    Nonsense,
}

fn say() -> impl Strategy<Value = Say> {
    prop_oneof![
        1 => Just(Say::Bare),
        3 => Just(Say::Heartbeat),
        3 => Just(Say::Full),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(healthy, tree)| Say::Health { healthy, tree }),
        4 => (0..4u8, 0..5i32).prop_map(|(text, word)| Say::Status { text, word }),
        2 => (0..4u8).prop_map(Say::Effective),
        1 => Just(Say::Goodbye),
        1 => prop_oneof![Just(ALL), Just(0x2847), Just(0x2845), Just(0), any::<u64>()].prop_map(Say::Capabilities),
        1 => Just(Say::Nonsense),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (proptest::bool::weighted(0.2), proptest::bool::weighted(0.2))
            .prop_map(|(http, enrolment)| Step::Open { http, enrolment }),
        1 => any::<bool>().prop_map(|newest| Step::Close { newest }),
        1 => Just(Step::Pong),
        12 => (say(), any::<bool>(), prop_oneof![8 => Just(0u8), 1 => any::<u8>()], proptest::bool::weighted(0.05))
            .prop_map(|(what, newest, skip, other_uid)| Step::Say { what, newest, skip, other_uid }),
        2 => proptest::option::weighted(0.9, 0..3u8).prop_map(Step::Desire),
        4 => prop_oneof![0..3_000u32, 0..70_000u32, 0..200_000u32].prop_map(|millis| Step::Pass { millis }),
        1 => Just(Step::Retry),
        1 => Just(Step::Restart),
        1 => Just(Step::ServerRestart),
        1 => Just(Step::Process),
        1 => any::<bool>().prop_map(Step::NoPermits),
        1 => Just(Step::Undecodable),
    ]
}

/// What a connection saw, as the agent at its other end would tell it.
#[derive(Debug)]
struct Seen {
    id: u64,
    http: bool,
    opened: Duration,
    first_message: Option<Duration>,
    heard_health: bool,
    continued: bool,
}

struct Life {
    server: Server,
    agent: Agent,
    sessions: Vec<Seen>,
    next: u64,
    texts: Vec<Arc<Desired>>,
    desired: Option<Arc<Desired>>,
    /// What the agent could do when it was last looked at.
    could: AgentCapabilities,
    asked: Option<(Option<linkmesh_proto::InstanceUid>, Duration)>,
}

impl Life {
    fn new() -> Self {
        let mut server = Server::new(None);
        server.endpoints = Some(Endpoints::new("http://127.0.0.1:8080", None).unwrap());
        let texts = ["a", "b", "c"].map(desired).to_vec();
        Self {
            server,
            agent: Agent::default(),
            sessions: Vec::new(),
            next: 1,
            texts,
            desired: None,
            could: AgentCapabilities::default(),
            asked: None,
        }
    }

    fn hash(&self, text: u8) -> Vec<u8> {
        self.texts.get(usize::from(text)).map_or(vec![7; 32], |text| text.hash().as_bytes().to_vec())
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Open { http, enrolment } => self.open(http, enrolment),
            Step::Close { newest } => {
                if let Some(at) = self.pick(newest) {
                    let seen = self.sessions.remove(at);
                    self.server.close(seen.id);
                    self.asked = None;
                }
            }
            Step::Pong => {
                if let Some(at) = self.pick(false) {
                    let session = SessionId(self.sessions[at].id);
                    self.server.apply(Input::Pong { session });
                }
            }
            Step::Say { what, newest, skip, other_uid } => self.say(&what, newest, skip, other_uid),
            Step::Desire(text) => {
                self.desired = text.and_then(|text| self.texts.get(usize::from(text)).cloned());
                self.server.desire(self.desired.clone().as_ref());
            }
            Step::Pass { millis } => {
                // Looked at after each timer: what is sent is judged by what was known then.
                let end = self.server.clock + Duration::from_millis(millis.into());
                while let Some(at) = self.server.wake_at.filter(|at| *at <= end) {
                    self.server.pass(at.saturating_sub(self.server.clock));
                    self.check();
                }
                self.server.pass(end.saturating_sub(self.server.clock));
            }
            Step::Retry => {
                self.server.apply(Input::RetryAsked);
            }
            Step::Restart => {
                self.server.apply(Input::RestartAsked);
            }
            Step::ServerRestart => {
                let server = std::mem::replace(&mut self.server, Server::new(None));
                let clock = server.clock;
                self.server = server.restarted(self.desired.as_ref());
                self.server.clock = clock;
                self.sessions.clear();
                self.asked = None;
            }
            Step::Process => {
                self.agent.seq = 0;
                self.agent.uid[0] ^= 1;
            }
            Step::NoPermits(none) => self.server.world.permits.set(if none { 0 } else { u32::MAX }),
            Step::Undecodable => {
                if let Some(at) = self.pick(true) {
                    let session = SessionId(self.sessions[at].id);
                    let effects = self.server.apply(Input::Undecodable { session });
                    let replies = effects.iter().filter(|effect| matches!(effect, Effect::Reply(..)));
                    assert_eq!(replies.count(), 1);
                }
            }
        }
        self.check();
    }

    fn pick(&self, newest: bool) -> Option<usize> {
        if newest { self.sessions.len().checked_sub(1) } else { (!self.sessions.is_empty()).then_some(0) }
    }

    fn open(&mut self, http: bool, enrolment: bool) {
        if http && (self.server.state.http_session().is_some() || !self.sessions.is_empty()) {
            return;
        }
        let credential = if enrolment {
            Credential::Enrolment { issued: Some("lmct_new".into()) }
        } else {
            Credential::Collector { token: "lmct_t".into() }
        };
        let transport = if http { TransportKind::Http } else { TransportKind::WebSocket };
        if !http {
            self.sessions.retain(|seen| !seen.http);
        }
        self.server.open_as(self.next, transport, credential);
        let opened = self.server.clock;
        self.sessions.push(Seen {
            id: self.next,
            http,
            opened,
            first_message: None,
            heard_health: false,
            continued: false,
        });
        self.next += 1;
    }

    fn say(&mut self, what: &Say, newest: bool, skip: u8, other_uid: bool) {
        let Some(at) = self.pick(newest) else { return };
        self.agent.seq += u64::from(skip);
        let (hash, running) = match what {
            Say::Status { text, .. } => (self.hash(*text), String::new()),
            Say::Effective(text) => {
                let text = self.texts.get(usize::from(*text)).map(|text| text.text().to_string());
                (Vec::new(), text.unwrap_or_default())
            }
            _ => Default::default(),
        };
        let agent = &mut self.agent;
        let mut message = match what {
            Say::Bare => AgentToServer { instance_uid: agent.uid.to_vec(), ..Default::default() },
            Say::Heartbeat => agent.heartbeat(),
            Say::Full => agent.full(),
            Say::Health { healthy: well, tree } => {
                let mut health = if *well { healthy() } else { crashed() };
                if !tree {
                    health.component_health_map.clear();
                    health.last_error.clear();
                }
                agent.with_health(health)
            }
            Say::Status { word, .. } => agent.with_status(&hash, *word, "words"),
            Say::Effective(_) => agent.with_effective(&running),
            Say::Goodbye => AgentToServer { agent_disconnect: Some(AgentDisconnect {}), ..agent.heartbeat() },
            Say::Capabilities(capabilities) => {
                agent.capabilities = *capabilities;
                agent.heartbeat()
            }
            Say::Nonsense => AgentToServer { instance_uid: vec![1, 2, 3], ..Default::default() },
        };
        if other_uid {
            message.instance_uid = vec![0x77; 16];
        }
        let seen = &mut self.sessions[at];
        let of_session = |session: &&Session| session.id == SessionId(seen.id);
        let is_taken = self.server.state.sessions.iter().find(of_session).is_some_and(|it| it.started_at.is_some());
        let is_first = seen.first_message.is_none();
        if is_first && message.instance_uid.len() == 16 {
            seen.first_message = Some(self.server.clock);
        } else if message
            .health
            .as_ref()
            .is_some_and(|h| !h.component_health_map.is_empty() || !h.last_error.is_empty())
        {
            seen.heard_health = true;
        }
        // It may go on where the process was, which opens the gate; what it said while it waited is not taken, or later.
        // A first number with a description is a process that begins.
        let last = self.server.state.record().last_seq;
        let begins = message.sequence_num <= 1 && message.agent_description.is_some();
        seen.continued |= !is_taken && !begins && message.sequence_num.wrapping_sub(last) <= 1;
        let id = seen.id;
        if message.agent_description.is_some() {
            self.asked = None;
        }
        self.server.send(id, message);
    }

    /// What must be true of everything that was sent in this step.
    fn check(&mut self) {
        let clock = self.server.clock;
        let capabilities = self.server.state.record().capabilities;
        // Another process, which can do less, may have taken over since.
        let could = std::mem::replace(&mut self.could, capabilities);
        let can = |bit| capabilities.has(bit) || could.has(bit);
        let effects = self.server.take();
        self.check_applied();
        // Another process is another matter, also when the one before comes back.
        let uid = self.server.state.instance_uid();
        self.asked = self.asked.filter(|(known, _)| *known == uid);
        for effect in &effects {
            let (session, message, pushed) = match effect {
                Effect::Reply(session, message) => (session, message, false),
                Effect::Push(session, message) => (session, message, true),
                Effect::Close(..) => {
                    // What it was asked by that connection will not come.
                    self.asked = None;
                    continue;
                }
                _ => continue,
            };
            let seen = self.sessions.iter().find(|seen| SessionId(seen.id) == *session);
            if pushed {
                assert!(seen.is_some_and(|seen| !seen.http), "only sockets are spoken to unasked");
            }
            assert!(message.remote_config.is_none() || can(0x2), "never without the capability");
            self.check_offer(message, seen, clock);
            if message.command.is_some() {
                let alone = ServerToAgent {
                    instance_uid: message.instance_uid.clone(),
                    capabilities: message.capabilities,
                    command: message.command,
                    ..Default::default()
                };
                assert_eq!(**message, alone, "a command travels alone");
                assert!(can(0x400));
            }
            if message.flags & 1 != 0 {
                let lost = self.asked.is_none_or(|(_, at)| clock - at >= Duration::from_secs(60));
                assert!(lost, "one request for the full state at a time");
                self.asked = Some((uid, clock));
            }
            if let Some(settings) = &message.connection_settings {
                assert!(settings.opamp.is_none() || can(0x100));
                assert!(settings.own_metrics.is_none() || can(0x40));
                assert!(settings.opamp.as_ref().is_none_or(|opamp| opamp.heartbeat_interval_seconds > 0));
            }
        }
    }

    /// Applied is said of a text that the agent calls applied, where it says anything of texts.
    fn check_applied(&self) {
        let record = self.server.state.record();
        if self.server.standing().config_state == ConfigState::Applied && record.capabilities.has(0x1000) {
            let status = record.status.as_ref().expect("a word on the text");
            assert_eq!(Some(status.status), Some(crate::opamp::ReportedStatus::Applied));
            assert_eq!(status.hash, self.desired.as_ref().map(|desired| desired.hash()));
        }
    }

    fn check_offer(&self, message: &ServerToAgent, seen: Option<&Seen>, clock: Duration) {
        let Some(offer) = &message.remote_config else { return };
        let record = self.server.state.record();
        let desired = self.desired.as_ref().expect("nothing is offered when nothing is desired");
        assert_eq!(offer.config_hash, desired.hash().as_bytes());
        assert!(record.failure(desired.hash()).is_none(), "never a text that was refused");
        assert!(record.was_configured);
        let seen = seen.expect("offers go to open connections");
        let started = seen.first_message.unwrap_or(seen.opened);
        let waited = clock.saturating_sub(started) >= Duration::from_secs(5);
        assert!(waited || seen.heard_health || seen.continued, "not before the gate: {seen:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_rules_hold(steps in proptest::collection::vec(step(), 1..120)) {
        let mut life = Life::new();
        for step in steps {
            life.step(step);
        }
        // However it went, an agent that now behaves gets the text and is believed.
        let config = desired("final");
        life.server.world.permits.set(u32::MAX);
        for seen in std::mem::take(&mut life.sessions) {
            life.server.close(seen.id);
        }
        life.server.pass_s(100);
        life.server.desire(Some(&config));
        let mut agent = Agent { uid: [0x55; 16], ..Agent::default() };
        life.server.take();
        agent.start(&mut life.server, 100_000);
        prop_assert_eq!(life.server.offered(), vec![config.hash().as_bytes().to_vec()]);
        agent.run(&mut life.server, 100_000, &config);
        let standing = life.server.standing();
        prop_assert_eq!(standing.config_state, ConfigState::Applied);
        prop_assert!(standing.notices.is_empty());
    }
}
