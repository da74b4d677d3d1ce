//! An Alloy played by hand.

use std::{sync::Arc, time::Duration};

use linkmesh_proto::{
    Timestamp,
    wire::collector::{
        AgentConfigFile, AgentConfigMap, EffectiveConfig, GetConfigRequest, RegisterCollectorRequest,
        RemoteConfigStatus,
    },
};

use crate::{
    domain::{
        desired::Desired,
        standing::{Now, Standing},
    },
    remotecfg::{AlloyRecord, AlloyState, Effect, FastPath, Input, Poll, PollAnswer, Published, Rhythm, is_unchanged},
};

pub(super) const UNSET: i32 = 0;
pub(super) const APPLIED: i32 = 1;
pub(super) const FAILED: i32 = 3;

pub(super) struct Server {
    pub(super) state: AlloyState,
    pub(super) fast: FastPath,
    pub(super) clock: Duration,
    pub(super) effects: Vec<Effect>,
    pub(super) stored: Option<bytes::Bytes>,
    rhythm: Rhythm,
    wake_at: Option<Duration>,
    /// How many polls reached the state machine.
    pub(super) woken: usize,
}

impl Server {
    pub(super) fn new(desired: Option<&Arc<Desired>>) -> Self {
        Self::with_record(AlloyRecord::default(), desired)
    }

    pub(super) fn with_record(record: AlloyRecord, desired: Option<&Arc<Desired>>) -> Self {
        let mut server = Self {
            state: AlloyState::new(record, desired.cloned()),
            fast: FastPath::default(),
            clock: Duration::from_secs(1000),
            effects: Vec::new(),
            stored: None,
            rhythm: Rhythm::default(),
            wake_at: None,
            woken: 0,
        };
        server.apply(Input::Tick);
        server
    }

    pub(super) fn restarted(self, desired: Option<&Arc<Desired>>) -> Self {
        let written = serde_json::to_vec(self.state.record()).unwrap();
        let record: AlloyRecord = serde_json::from_slice(&written).unwrap();
        assert_eq!(&record, self.state.record());
        let mut server = Self {
            state: AlloyState::new(record, desired.cloned()),
            fast: FastPath::default(),
            effects: Vec::new(),
            rhythm: Rhythm::default(),
            wake_at: None,
            woken: 0,
            ..self
        };
        server.apply(Input::Tick);
        server
    }

    pub(super) fn apply(&mut self, input: Input) -> Vec<Effect> {
        let now = Now { at: Timestamp::from_millis(1_800_000_000_000).plus(self.clock), monotonic: self.clock };
        match input {
            Input::Registered { .. } => self.rhythm.restart(self.clock),
            Input::Unregistered => self.rhythm.stop(),
            _ => {}
        }
        let mut effects = self.state.apply(now, self.rhythm.pulse(), input);
        let persisted = effects.iter().rposition(|effect| matches!(effect, Effect::Persist(_)));
        assert!(persisted.is_none_or(|at| at == 0), "what is to be durable comes first: {effects:?}");
        for effect in &effects {
            match effect {
                Effect::Publish(path) => self.fast = path.clone(),
                Effect::StoreEffective { body, .. } => self.stored = Some(body.clone()),
                Effect::WakeAt(at) => {
                    assert!(*at > self.clock, "a timer in the past would spin");
                    self.wake_at = Some(self.wake_at.map_or(*at, |armed| armed.min(*at)));
                }
                _ => {}
            }
        }
        self.effects.extend(effects.clone());
        if effects.contains(&Effect::LoadEffective) {
            effects.extend(self.apply(Input::EffectiveLoaded { body: self.stored.clone() }));
        }
        effects
    }

    pub(super) fn pass_s(&mut self, seconds: u64) {
        let end = self.clock + Duration::from_secs(seconds);
        while let Some(at) = self.wake_at.filter(|at| *at <= end) {
            self.clock = self.clock.max(at);
            self.wake_at = None;
            self.apply(Input::Tick);
        }
        self.clock = end;
    }

    pub(super) fn desire(&mut self, desired: Option<&Arc<Desired>>) {
        self.apply(Input::DesiredChanged { desired: desired.cloned() });
    }

    /// A poll, as the edge takes it: by the fast path where that is possible.
    pub(super) fn poll_from(&mut self, request: GetConfigRequest, address: &str) -> PollAnswer {
        if self.rhythm.beat(self.clock) {
            self.apply(Input::Tick);
        }
        // Who counts as gone has no actor, and what it published went with it.
        if self.standing().online && is_unchanged(&self.fast, &request, address) {
            return PollAnswer::NotModified;
        }
        self.woken += 1;
        let effects = self.apply(Input::Polled(Box::new(Poll { request, address: address.into() })));
        let mut answers = effects.into_iter().filter_map(|effect| match effect {
            Effect::Answer(answer) => Some(answer),
            _ => None,
        });
        let answer = answers.next().expect("every poll is answered");
        assert_eq!(answers.next(), None, "and answered once");
        answer
    }

    pub(super) fn standing(&self) -> Standing {
        self.state.standing()
    }

    pub(super) fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub(super) fn events(&mut self) -> Vec<String> {
        let events = self.take().into_iter().filter_map(|effect| match effect {
            Effect::Event(event) => Some(event.kind),
            _ => None,
        });
        events.collect()
    }
}

/// An Alloy 1.18 as it behaves: it reports after each load, and reads only the answers to its polls.
#[derive(Debug, Clone)]
pub(super) struct Alloy {
    pub(super) id: String,
    pub(super) address: String,
    /// Last received.
    pub(super) hash: String,
    pub(super) loaded: Option<Arc<Published>>,
    pub(super) status: (i32, String),
    pub(super) sent_status: Option<(i32, String)>,
    pub(super) sent_effective: Option<String>,
    pub(super) last_received: Option<Arc<Published>>,
    /// Texts that hold this fail to load, with this error.
    pub(super) broken: Option<(String, String)>,
    pub(super) reports: bool,
}

impl Default for Alloy {
    fn default() -> Self {
        Self {
            id: "c1".into(),
            address: "10.0.0.1".into(),
            hash: String::new(),
            loaded: None,
            status: (UNSET, String::new()),
            sent_status: None,
            sent_effective: None,
            last_received: None,
            broken: None,
            reports: true,
        }
    }
}

impl Alloy {
    pub(super) fn request(&mut self) -> GetConfigRequest {
        let mut request = GetConfigRequest {
            id: self.id.clone(),
            hash: self.hash.clone(),
            local_attributes: [("collector.version".to_owned(), "v1.18.0".to_owned())].into(),
            ..Default::default()
        };
        if self.reports {
            if self.sent_status.as_ref() != Some(&self.status) {
                self.sent_status = Some(self.status.clone());
                let (status, error_message) = self.status.clone();
                request.remote_config_status = Some(RemoteConfigStatus { status, error_message });
            }
            let running = self.loaded.as_ref().map(|loaded| loaded.text.to_string());
            if self.sent_effective != running {
                self.sent_effective = running.clone();
                request.effective_config = running.map(|text| effective(&text));
            }
        }
        request
    }

    /// Starts as a process does, with nothing.
    pub(super) fn start(&mut self, server: &mut Server) {
        *self = Self {
            id: self.id.clone(),
            address: self.address.clone(),
            broken: self.broken.clone(),
            reports: self.reports,
            ..Self::default()
        };
        let request = RegisterCollectorRequest { id: self.id.clone(), name: "edge one".into(), ..Default::default() };
        server.apply(Input::Registered { request: Box::new(request), address: self.address.as_str().into() });
        self.poll(server);
    }

    /// Polls, loads what it is given, and reports.
    pub(super) fn poll(&mut self, server: &mut Server) {
        self.poll_and_load(server);
        self.report(server);
    }

    /// Polls and loads what it is given.
    pub(super) fn poll_and_load(&mut self, server: &mut Server) {
        let request = self.request();
        let address = self.address.clone();
        match server.poll_from(request, &address) {
            PollAnswer::NotModified => {
                if let (Some(received), Some(loaded)) = (&self.last_received, &self.loaded)
                    && received.fnv == loaded.fnv
                {
                    self.status = (APPLIED, String::new());
                }
            }
            PollAnswer::Content(text) => self.load(text),
        }
    }

    /// Reports what became of it. The answer to that is not read.
    pub(super) fn report(&mut self, server: &mut Server) {
        let address = self.address.clone();
        if self.reports && self.sent_status.as_ref() != Some(&self.status) {
            let request = self.request();
            server.poll_from(request, &address);
        }
    }

    fn load(&mut self, text: Arc<Published>) {
        self.hash = text.hash_text.to_string();
        if self.last_received.as_ref().is_some_and(|known| known.fnv == text.fnv) {
            return;
        }
        self.last_received = Some(text.clone());
        if self.loaded.as_ref().is_some_and(|loaded| loaded.fnv == text.fnv) {
            self.status = (APPLIED, String::new());
            return;
        }
        self.demand_safe_restore(&text.text);
        match &self.broken {
            Some((part, error)) if text.text.contains(part) => self.status = (FAILED, error.clone()),
            _ => {
                self.loaded = Some(text);
                self.status = (APPLIED, String::new());
                // A new effective config is told at once, even when the status is the same.
                self.sent_status = None;
            }
        }
    }

    /// When a load fails, Alloy restores what ran; where the refused text also left out a running pipeline, that restore
    /// can fail too, and the pipeline stays unhealthy until it was gone once (remotecfg.md 1.10, B3). So a text either
    /// leaves something out or brings something new.
    fn demand_safe_restore(&self, text: &str) {
        let Some(running) = self.runs() else { return };
        // Comments between blocks say nothing to Alloy.
        let blocks = |text: &str| {
            let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("//")).collect();
            let blocks = lines.join("\n");
            blocks.split("\n\n").map(|block| block.trim().to_owned()).filter(|b| !b.is_empty()).collect::<Vec<_>>()
        };
        let (old, new) = (blocks(running), blocks(text));
        let has = |blocks: &[String], head: &str| blocks.iter().any(|block| block.lines().next() == Some(head));
        let left_out = old.iter().any(|block| !has(&new, block.lines().next().unwrap_or_default()));
        let is_new = new.iter().any(|block| !old.contains(block));
        assert!(!(left_out && is_new), "a restore of\n{running}\nmay fail after\n{text}");
    }

    pub(super) fn runs(&self) -> Option<&str> {
        self.loaded.as_ref().map(|loaded| &*loaded.text)
    }
}

pub(super) fn effective(text: &str) -> EffectiveConfig {
    let file = AgentConfigFile { body: text.to_owned().into(), content_type: "text/plain".into() };
    EffectiveConfig { config_map: Some(AgentConfigMap { config_map: [(String::new(), file)].into() }) }
}

/// A document of these pipelines; a name may carry a version, `a:2`.
pub(super) fn text(pipelines: &[&str]) -> String {
    let mut text = "// head\n".to_owned();
    for pipeline in pipelines {
        let (name, version) = pipeline.split_once(':').unwrap_or((pipeline, "1"));
        text.push_str(&format!("\ndeclare \"pl_{name}\" {{\n\t// {version}\n}}\n\npl_{name} \"default\" {{ }}\n"));
    }
    text
}

pub(super) fn desired(pipelines: &[&str]) -> Arc<Desired> {
    Arc::new(Desired::alloy(text(pipelines).into(), None))
}
