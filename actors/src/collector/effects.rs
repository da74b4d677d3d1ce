//! Performing effects, in their order.

use std::sync::Arc;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use linkmesh_proto::wire::opamp::{AvailableComponents, ServerToAgent};
use prost::Message;
use tokio::sync::oneshot;

use super::{
    actor::CollectorActor,
    components::Kept,
    host::{Action, Host},
};
use crate::{
    directory::Fast,
    domain::standing::PersistClass,
    opamp::SessionId,
    ports::{CloseReason, EffectiveRecord},
    remotecfg::PollAnswer,
    secrets::opened,
};

impl CollectorActor {
    /// Performs effects until one must be on disk before the next.
    pub(super) fn perform_all(&mut self, ctx: &mut Context<Self>) {
        while !self.is_writing
            && let Some(action) = self.actions.pop_front()
        {
            self.perform(action, ctx);
        }
        if self.actions.is_empty() {
            // Ten thousand actors that wait: none of them keeps room for what it did last.
            self.actions = std::collections::VecDeque::new();
        }
    }

    fn perform(&mut self, action: Action, ctx: &mut Context<Self>) {
        match action {
            Action::Send { session, message, is_reply } => self.send(session, *message, is_reply),
            Action::Ping(session) => {
                if let Some(connection) = self.connection(session) {
                    connection.transport.ping();
                }
            }
            Action::Close(session, reason) => self.close(session, reason),
            Action::Answer(answer) => self.answer(answer),
            Action::Publish(path) => {
                let desired = self.host().and_then(Host::desired_hash);
                self.slot.set_fast(Some(Fast { path, desired }));
            }
            Action::Persist(class) => self.persist(class, ctx),
            Action::StoreEffective { hash, body, content_type } => {
                let received_at = self.shared.clock.now();
                // The state machine compared it as it is; nobody else needs its secrets.
                let body = self.shared.secrets.seal(&body, &*self.shared.sealer);
                let effective = EffectiveRecord { hash, content_type, body, received_at };
                self.shared.recorder.put_effective(self.slot.id(), effective);
            }
            Action::LoadEffective => self.load_effective(ctx),
            Action::StoreComponents { hash, components } => self.keep_components(&hash, &components, ctx),
            Action::Event(event) => self.shared.recorder.put_event(self.slot.id(), event),
            Action::RowChanged | Action::AttributesChanged | Action::Relabel => self.publish_row(),
            Action::WakeAt(at) => self.wake_at(at, ctx),
            // The operator may have left.
            Action::Taken(reply, possible) => drop(reply.send(possible)),
        }
    }

    fn send(&mut self, session: SessionId, message: ServerToAgent, is_reply: bool) {
        let offers_config = message.remote_config.is_some();
        let connection = self.connection(session);
        let sent = match connection {
            Some(connection) => {
                let sent = connection.transport.send(message).is_ok();
                if !sent {
                    // It does not read. It dials again and then gets the newest of everything.
                    self.shared.observe.sessions_cut.increment();
                    self.close(session, CloseReason::Overloaded);
                    self.detach(session);
                }
                sent
            }
            // By plain HTTP: the answers go out in the order in which the messages came.
            None if is_reply && self.exchanges.front().is_some_and(|(of, _)| *of == session) => {
                self.exchanges.pop_front().is_some_and(|(_, reply)| reply.send(message).is_ok())
            }
            None => false,
        };
        if sent {
            self.shared.observe.opamp_sent.increment();
            if offers_config {
                self.note_offer();
            }
        }
    }

    fn answer(&mut self, answer: PollAnswer) {
        match &answer {
            PollAnswer::Content(_) => {
                self.shared.observe.polls_changed.increment();
                self.note_offer();
            }
            PollAnswer::NotModified => self.shared.observe.polls_reported.increment(),
        }
        if let Some(reply) = self.polls.pop_front() {
            // Alloy may have left.
            let _ = reply.send(answer);
        }
    }

    fn note_offer(&self) {
        self.shared.observe.pushes_offered.increment();
        let since = self.shared.clock.monotonic().saturating_sub(self.slot.place().changed_at);
        self.shared.observe.push_latency.observe(since);
    }

    fn close(&mut self, session: SessionId, reason: CloseReason) {
        if reason == CloseReason::Overloaded {
            self.slot.hold_off(self.shared.clock.monotonic());
        }
        let connection = {
            let mut connections = self.slot.connections.lock();
            let place = connections.iter().position(|connection| connection.id == session);
            place.map(|place| connections.swap_remove(place))
        };
        // Without the lock: the end of a socket takes it.
        if let Some(connection) = connection {
            connection.transport.close(reason);
        }
    }

    /// The store has not taken writes for long and effects pile up: better no sessions than no memory.
    pub(super) fn cut_everything(&mut self) {
        let sessions = self.attached.clone();
        for session in sessions {
            self.shared.observe.sessions_cut.increment();
            self.close(session, CloseReason::Overloaded);
            self.detach(session);
        }
        self.actions.retain(|action| matches!(action, Action::Persist(_) | Action::Event(_) | Action::RowChanged));
        self.exchanges.clear();
        self.polls.clear();
    }

    fn persist(&mut self, class: PersistClass, ctx: &mut Context<Self>) {
        match class {
            PersistClass::Presence => {}
            PersistClass::Soon | PersistClass::Marked => self.write_soon(),
            PersistClass::Now => self.write_now(ctx),
        }
        // Behind what the message changed: its number is not to be on disk before that.
        let sequence = self.host().and_then(Host::last_sequence);
        if self.slot.touch(self.shared.clock.now(), sequence) {
            self.shared.recorder.touch(&self.slot);
        }
        if class == PersistClass::Marked {
            let written = self.shared.recorder.mark(&self.slot);
            self.wait_for(written, ctx);
        }
    }

    fn write_soon(&self) {
        if let Some(host) = self.host() {
            self.shared.recorder.put_agent(self.slot.id(), host.encode());
        }
    }

    /// Writes the state; what follows waits until it is on disk.
    pub(super) fn write_now(&mut self, ctx: &mut Context<Self>) {
        let Some(state) = self.host().map(Host::encode) else { return };
        // The record goes with it, so that lists show after a restart what they showed before.
        let record = self.update_row();
        let written = self.shared.recorder.put_agent_now(self.slot.id(), state, record);
        self.wait_for(written, ctx);
    }

    /// Lets what follows wait for a write.
    fn wait_for(&mut self, written: oneshot::Receiver<bool>, ctx: &mut Context<Self>) {
        self.is_writing = true;
        ctx.spawn(
            async move { written.await.unwrap_or(false) }
                .into_actor(self)
                .map(|written, actor, ctx| actor.written(written, ctx)),
        );
    }

    /// Keeps a tree of components that is not known yet.
    fn keep_components(&self, hash: &[u8], components: &AvailableComponents, ctx: &mut Context<Self>) {
        self.shared.make_room_for_build(hash);
        match self.shared.components.insert(hash, components) {
            Kept::Now => {}
            // After a gap every agent tells it again.
            Kept::Before => return,
            Kept::Not => {
                tracing::warn!(collector = %self.slot.id(), "a tree of components is too large or one too many");
                return;
            }
        }
        let (store, key) = (Arc::clone(&self.shared.store), hex::encode(hash));
        // The hash was in the rows before the tree was known.
        self.shared.directory.for_each(|slot| {
            if slot.record().row.components_hash.as_deref() == Some(&key) {
                self.shared.note_changed(slot.id());
            }
        });
        self.shared.directory.note_facts_changed();
        self.shared.note_changed(self.slot.id());
        let tree = components.encode_to_vec().into();
        // Losing one costs a question to the next agent with that build.
        ctx.spawn(async move { store.put_components(&key, tree).await }.into_actor(self).map(|result, _, _| {
            if let Err(error) = result {
                tracing::warn!(code = error.code(), "available components not stored");
            }
        }));
    }

    fn load_effective(&mut self, ctx: &mut Context<Self>) {
        let (recorder, id) = (Arc::clone(&self.shared.recorder), self.slot.id());
        ctx.spawn(async move { recorder.effective(id).await }.into_actor(self).map(|effective, actor, ctx| {
            let sealer = &*actor.shared.sealer;
            let body = effective.ok().flatten().and_then(|kept| opened(&kept.body, kept.hash, sealer));
            actor.effective_loaded(body, ctx);
        }));
    }
}
