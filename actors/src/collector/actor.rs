//! The actor: thin handlers over a state machine.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle, WrapFuture};
use bytes::Bytes;
use linkmesh_proto::{
    api::collector::CollectorEvent,
    wire::opamp::{AgentToServer, ServerToAgent},
};
use tokio::sync::oneshot;

use super::{
    host::{Action, AgentRecord, Host},
    mailbox::{Described, Work},
};
use crate::{
    directory::{Connection, Slot},
    opamp::{self, SessionId, TransportKind},
    ports::StoreError,
    remotecfg::{self, PollAnswer},
    runtime::messages,
    secrets::hide_in_registration,
    shared::Shared,
};

/// Work that may wait while the stored state is being read, and effects that may wait for a write.
const MAX_WAITING: usize = 256;
/// How long after a failure of the store it is tried again.
const STORE_RETRY: Duration = Duration::from_secs(1);

pub(crate) struct Deliver(pub(crate) Work);
messages! { Deliver => (); }

enum Phase {
    /// The stored state is being read; work waits.
    Loading(Vec<Work>),
    Ready(Host),
}

/// The actor of one collector.
pub(crate) struct CollectorActor {
    pub(super) shared: Arc<Shared>,
    pub(super) slot: Arc<Slot>,
    generation: u64,
    phase: Phase,
    /// Sessions that the state machine knows of.
    pub(super) attached: Vec<SessionId>,
    /// Effects not yet performed, in order: they wait for a write.
    pub(super) actions: VecDeque<Action>,
    /// A write that what follows waits for.
    pub(super) is_writing: bool,
    /// Who waits for an answer by plain HTTP, in the order of the messages.
    pub(super) exchanges: VecDeque<(SessionId, oneshot::Sender<ServerToAgent>)>,
    /// Who waits for the answer to a poll, in the order of the polls.
    pub(super) polls: VecDeque<oneshot::Sender<PollAnswer>>,
    timer: Option<(Duration, SpawnHandle)>,
}

impl CollectorActor {
    pub(crate) fn new(shared: Arc<Shared>, slot: Arc<Slot>, generation: u64) -> Self {
        Self {
            shared,
            slot,
            generation,
            phase: Phase::Loading(Vec::new()),
            attached: Vec::new(),
            actions: VecDeque::new(),
            is_writing: false,
            exchanges: VecDeque::new(),
            polls: VecDeque::new(),
            timer: None,
        }
    }

    pub(super) fn host(&self) -> Option<&Host> {
        match &self.phase {
            Phase::Ready(host) => Some(host),
            Phase::Loading(_) => None,
        }
    }

    /// Reads the stored state.
    fn load(&mut self, ctx: &mut Context<Self>) {
        let recorder = Arc::clone(&self.shared.recorder);
        let id = self.slot.id();
        ctx.spawn(async move { recorder.agent(id).await }.into_actor(self).map(|stored, actor, ctx| {
            actor.loaded(stored, ctx);
        }));
    }

    /// Begins with the stored state and the sessions that the slot holds.
    fn loaded(&mut self, stored: Result<Option<Bytes>, StoreError>, ctx: &mut Context<Self>) {
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => {
                tracing::error!(collector = %self.slot.id(), code = error.code(),
                    error = &error as &dyn std::error::Error, "collector's state not read, trying again");
                ctx.run_later(STORE_RETRY, Self::load);
                return;
            }
        };
        let runtime = self.slot.runtime();
        let record = match stored.map(|bytes| AgentRecord::decode(runtime, &bytes)).transpose() {
            Ok(record) => record.unwrap_or_else(|| AgentRecord::empty(runtime)),
            Err(error) => {
                // The collector tells its state again when asked; better that than never to speak to it again.
                tracing::error!(collector = %self.slot.id(), error = &*error, "collector's state is not readable, begun afresh");
                AgentRecord::empty(runtime)
            }
        };
        let record = match (record, self.slot.presence()) {
            (AgentRecord::Opamp(record), Some(presence)) => {
                AgentRecord::Opamp(Box::new(record.with_presence(presence)))
            }
            (record, _) => record,
        };
        let Phase::Loading(waiting) =
            std::mem::replace(&mut self.phase, Phase::Ready(Host::new(record, self.slot.desired())))
        else {
            return;
        };
        self.tick();
        let connected: Vec<SessionId> = self.slot.connections.lock().iter().map(|c| c.id).collect();
        for session in connected {
            self.attach(session);
        }
        for work in waiting {
            self.work(work);
        }
        self.note_absence();
        self.claim_empty_document();
        self.settle(ctx);
    }

    /// A collector that left while it had no actor, after a panic: its row says that it is there, and no input will say
    /// otherwise.
    fn note_absence(&mut self) {
        let is_gone = self.host().is_some_and(|host| !host.standing().online);
        if is_gone && self.slot.is_online() && self.slot.connections.lock().is_empty() {
            let (at, message) = (self.shared.clock.now(), "the collector is gone".to_owned());
            self.actions.push_back(Action::Event(CollectorEvent { at, kind: "disconnected".to_owned(), message }));
            self.actions.push_back(Action::RowChanged);
        }
    }

    /// Applies something to the state machine and queues what follows.
    pub(super) fn with_host(&mut self, apply: impl FnOnce(&mut Host) -> Vec<Action>) {
        if let Phase::Ready(host) = &mut self.phase {
            host.feel(self.slot.rhythm.pulse());
            let actions = apply(host);
            self.actions.extend(actions);
        }
    }

    fn tick(&mut self) {
        let (now, shared) = (self.shared.now(), Arc::clone(&self.shared));
        self.with_host(|host| host.tick(now, &shared.context()));
    }

    fn opamp(&mut self, input: opamp::Input) {
        let (now, shared) = (self.shared.now(), Arc::clone(&self.shared));
        self.with_host(|host| host.opamp(now, input, &shared.context()));
    }

    fn alloy(&mut self, input: remotecfg::Input) {
        let now = self.shared.now();
        self.with_host(|host| host.alloy(now, input));
    }

    pub(super) fn connection(&self, session: SessionId) -> Option<Arc<Connection>> {
        self.slot.connections.lock().iter().find(|connection| connection.id == session).cloned()
    }

    /// Tells the state machine of a session that the slot holds, once.
    fn attach(&mut self, session: SessionId) {
        if self.attached.contains(&session) {
            return;
        }
        let Some(connection) = self.connection(session) else { return };
        self.attached.push(session);
        self.opamp(opamp::Input::SessionOpened {
            session,
            transport: connection.kind,
            credential: connection.credential.clone(),
        });
    }

    /// Tells the state machine that a session is gone, once.
    pub(super) fn detach(&mut self, session: SessionId) {
        let before = self.attached.len();
        self.attached.retain(|attached| *attached != session);
        if self.attached.len() < before {
            self.opamp(opamp::Input::SessionClosed { session });
        }
    }

    fn work(&mut self, work: Work) {
        match work {
            Work::Connected(session) => self.attach(session),
            Work::Disconnected(session) => self.detach(session),
            Work::Message(session, mut message, _share) => {
                self.attach(session);
                self.shared.secrets.hide_in_message(&mut message);
                self.shared.observe.opamp_received.increment();
                self.opamp(opamp::Input::Message { session, message });
            }
            Work::Undecodable(session) => {
                self.attach(session);
                self.shared.observe.opamp_malformed.increment();
                self.opamp(opamp::Input::Undecodable { session });
            }
            Work::Pong(session) => self.opamp(opamp::Input::Pong { session }),
            Work::Exchange { credential, address, message, share: _share, reply } => {
                self.exchange(credential, address, message, reply);
            }
            Work::Poll(mut poll, _share, reply) => {
                self.shared.secrets.hide_in_poll(&mut poll);
                self.polls.push_back(reply);
                self.alloy(remotecfg::Input::Polled(poll));
            }
            Work::AlloyStarted(mut request, address, _share) => {
                hide_in_registration(&mut request);
                self.alloy(remotecfg::Input::Registered { request, address });
            }
            Work::AlloyStopped => self.alloy(remotecfg::Input::Unregistered),
            // Settling looks at the slot.
            Work::PlaceChanged => {}
            Work::Tick => self.tick(),
            Work::Restart(reply) => {
                let possible = self.host().is_some_and(Host::can_restart);
                if possible {
                    self.opamp(opamp::Input::RestartAsked);
                }
                self.actions.push_back(Action::Taken(reply, possible));
            }
            Work::Retry(reply) => {
                let (now, shared) = (self.shared.now(), Arc::clone(&self.shared));
                self.with_host(|host| host.retry(now, &shared.context()));
                self.actions.push_back(Action::Taken(reply, true));
            }
            Work::Components(counts) => self.alloy(remotecfg::Input::ComponentsMeasured { counts }),
            Work::Describe(reply) => {
                if let Some(host) = self.host() {
                    let _ = reply.send(Described { state: host.encode(), confirmed: host.confirmed() });
                }
            }
            Work::Deregistered => {
                let (now, shared) = (self.shared.now(), Arc::clone(&self.shared));
                self.with_host(|host| host.deregistered(now, &shared.context()));
            }
            Work::Stop => self.opamp(opamp::Input::ServerStopping),
        }
    }

    fn exchange(
        &mut self,
        credential: opamp::Credential,
        address: Option<Arc<str>>,
        mut message: Box<AgentToServer>,
        reply: oneshot::Sender<ServerToAgent>,
    ) {
        let known = self.host().and_then(Host::http_session);
        let is_told = known.is_some_and(|(_, shown)| *shown == credential);
        let session = known.map_or_else(|| self.shared.next_session(), |(session, _)| session);
        if !is_told {
            self.opamp(opamp::Input::SessionOpened { session, transport: TransportKind::Http, credential });
        }
        if let Some(address) = address {
            self.note_address(&address);
        }
        self.exchanges.push_back((session, reply));
        self.shared.observe.opamp_received.increment();
        self.shared.secrets.hide_in_message(&mut message);
        self.opamp(opamp::Input::Message { session, message });
    }

    /// Takes the newest text from the slot, performs what there is to do, and retires when nothing is left.
    fn settle(&mut self, ctx: &mut Context<Self>) {
        let Phase::Ready(_) = &self.phase else { return };
        self.take_desired();
        self.perform_all(ctx);
        if self.actions.len() > MAX_WAITING {
            self.cut_everything();
        }
        self.retire_if_idle(ctx);
    }

    /// What only the newest of matters stands in the slot, not in a message.
    fn take_desired(&mut self) {
        let desired = self.slot.desired();
        let hash = desired.as_ref().map(|desired| desired.hash());
        if self.host().is_none_or(|host| host.desired_hash() == hash) {
            return;
        }
        let (now, shared) = (self.shared.now(), Arc::clone(&self.shared));
        self.with_host(|host| host.desired_changed(now, desired, &shared.context()));
        self.claim_empty_document();
    }

    /// Who was given a config and is to run nothing gets the document without pipelines. When nothing at all is desired of
    /// it, the fleet looked before the record told that it was given one.
    fn claim_empty_document(&mut self) {
        if self.host().is_some_and(|host| host.desired_hash().is_none() && host.was_configured()) {
            self.publish_row();
            self.shared.note_changed(self.slot.id());
        }
    }

    /// Ends by itself when the collector is gone. Under the mailbox's lock, so that no message is lost: who comes later
    /// finds no address and builds the next actor.
    fn retire_if_idle(&mut self, ctx: &mut Context<Self>) {
        let is_busy = !self.actions.is_empty()
            || self.is_writing
            || !self.attached.is_empty()
            || self.host().is_none_or(|host| host.standing().online);
        if is_busy {
            return;
        }
        let slot = Arc::clone(&self.slot);
        let mut mailbox = slot.mailbox.lock();
        if mailbox.queued == 0 && mailbox.generation == self.generation && slot.connections.lock().is_empty() {
            mailbox.addr = None;
            slot.set_fast(None);
            ctx.stop();
        }
    }

    /// Has [`opamp::Input::Tick`] applied at this moment, unless it is applied earlier anyway.
    pub(super) fn wake_at(&mut self, at: Duration, ctx: &mut Context<Self>) {
        if self.timer.as_ref().is_some_and(|(armed, _)| *armed <= at) {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        let delay = at.saturating_sub(self.shared.clock.monotonic());
        let timer = ctx.run_later(delay, |actor, ctx| {
            actor.timer = None;
            actor.tick();
            actor.settle(ctx);
        });
        self.timer = Some((at, timer));
    }

    /// Takes back the outcome of a write that effects wait for.
    pub(super) fn written(&mut self, written: bool, ctx: &mut Context<Self>) {
        if written {
            self.is_writing = false;
            self.settle(ctx);
        } else {
            // Nothing is answered before it is durable: what waits, waits on.
            ctx.run_later(STORE_RETRY, |actor, ctx| {
                actor.is_writing = false;
                actor.write_now(ctx);
            });
        }
    }

    /// Takes back what was asked of the store.
    pub(super) fn effective_loaded(&mut self, body: Option<Bytes>, ctx: &mut Context<Self>) {
        let (now, shared) = (self.shared.now(), Arc::clone(&self.shared));
        self.with_host(|host| host.effective_loaded(now, body, &shared.context()));
        self.settle(ctx);
    }
}

impl Actor for CollectorActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.load(ctx);
    }
}

impl Handler<Deliver> for CollectorActor {
    type Result = ();

    fn handle(&mut self, Deliver(work): Deliver, ctx: &mut Self::Context) {
        {
            let mut mailbox = self.slot.mailbox.lock();
            if mailbox.generation == self.generation {
                mailbox.queued = mailbox.queued.saturating_sub(1);
            }
        }
        match &mut self.phase {
            // Beyond the bound the newest is dropped; who waits for an answer hears that there is none.
            Phase::Loading(waiting) if waiting.len() < MAX_WAITING => waiting.push(work),
            Phase::Loading(_) => self.shared.collector_counters.mailbox_full.increment(),
            Phase::Ready(_) => {
                self.take_desired();
                self.work(work);
                self.settle(ctx);
            }
        }
    }
}
