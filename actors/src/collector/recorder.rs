//! Writes what collectors' actors want kept: one writer, batches, the newest of each wins.
//!
//! What must be durable before an answer is flushed at once, and everybody who asks meanwhile and shortly after shares the
//! next write: when a whole fleet answers an offer, a transaction for each few of them would take more than all the rest.
//! The rest is flushed each second and at the stop of the server, some at a time: nobody who waits for a write waits for
//! all of it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use linkmesh_proto::{CollectorId, api::collector::CollectorEvent};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, MissedTickBehavior},
};

use crate::{
    directory::Slot,
    ports::{CollectorRecord, EffectiveRecord, Presence, StateStore, StoreError},
};

/// How often what can wait is written.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How long after one write of what cannot wait the next begins at the earliest.
const URGENT_EVERY: Duration = Duration::from_millis(25);
/// States, or reported configs, that are written in one transaction when nobody waits for them: what it changes is in
/// memory until it ends, and whoever cannot wait comes after it.
const BATCH: usize = 256;
/// Events that are written in one transaction, which are smaller.
const EVENT_BATCH: usize = 1024;
/// Events beyond this are dropped while the store does not take them.
const MAX_EVENTS: usize = 20_000;

#[derive(Default)]
struct Pending {
    agents: HashMap<CollectorId, Bytes>,
    records: HashMap<CollectorId, Arc<CollectorRecord>>,
    effective: HashMap<CollectorId, EffectiveRecord>,
    events: Vec<(CollectorId, CollectorEvent)>,
    /// Who waits until the state of a collector is on disk.
    waiters: Vec<(CollectorId, oneshot::Sender<bool>)>,
}

/// States of protocols, and the records that go with them.
#[derive(Default)]
struct States {
    agents: HashMap<CollectorId, Bytes>,
    records: HashMap<CollectorId, Arc<CollectorRecord>>,
}

impl Pending {
    /// Takes what waits of these collectors.
    fn take_states<'a>(&mut self, ids: impl IntoIterator<Item = &'a CollectorId>) -> States {
        let mut taken = States::default();
        for id in ids {
            taken.agents.extend(self.agents.remove(id).map(|state| (*id, state)));
            taken.records.extend(self.records.remove(id).map(|record| (*id, record)));
        }
        taken
    }

    /// Puts back what was not written. What came meanwhile is newer.
    fn put_back(&mut self, States { agents, records }: States) {
        for (id, state) in agents {
            self.agents.entry(id).or_insert(state);
        }
        for (id, record) in records {
            self.records.entry(id).or_insert(record);
        }
    }
}

/// Writes what collectors' actors want kept.
pub(crate) struct Recorder {
    store: Arc<dyn StateStore>,
    pending: Mutex<Pending>,
    /// What is being written now: still the newest for who reads.
    writing: Mutex<(HashMap<CollectorId, Bytes>, HashMap<CollectorId, EffectiveRecord>)>,
    /// Collectors of which the presence is to be written.
    touched: Mutex<Vec<Arc<Slot>>>,
    /// Who waits until it is on disk that a collector is given a config.
    marks: Mutex<Vec<(Arc<Slot>, oneshot::Sender<bool>)>>,
    wake: Notify,
    /// Held during a write, so that writes keep their order.
    turn: tokio::sync::Mutex<()>,
}

impl Recorder {
    pub(crate) fn new(store: Arc<dyn StateStore>) -> Self {
        Self {
            store,
            pending: Mutex::default(),
            writing: Mutex::default(),
            touched: Mutex::default(),
            marks: Mutex::default(),
            wake: Notify::new(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Keeps the state of a protocol; written within a second.
    pub(crate) fn put_agent(&self, id: CollectorId, state: Bytes) {
        self.pending.lock().agents.insert(id, state);
    }

    /// Keeps the state of a protocol and a record, written at once. The receiver hears whether it is on disk.
    pub(crate) fn put_agent_now(
        &self,
        id: CollectorId,
        state: Bytes,
        record: Arc<CollectorRecord>,
    ) -> oneshot::Receiver<bool> {
        let (waiter, written) = oneshot::channel();
        {
            let mut pending = self.pending.lock();
            pending.agents.insert(id, state);
            pending.records.insert(id, record);
            pending.waiters.push((id, waiter));
        }
        self.wake.notify_one();
        written
    }

    /// Keeps a record; written within a second.
    pub(crate) fn put_record(&self, record: Arc<CollectorRecord>) {
        self.pending.lock().records.insert(record.id, record);
    }

    /// Keeps a reported config; written within a second.
    pub(crate) fn put_effective(&self, id: CollectorId, effective: EffectiveRecord) {
        self.pending.lock().effective.insert(id, effective);
    }

    /// Keeps an event; written within a second.
    pub(crate) fn put_event(&self, id: CollectorId, event: CollectorEvent) {
        let mut pending = self.pending.lock();
        if pending.events.len() < MAX_EVENTS {
            pending.events.push((id, event));
        }
    }

    /// Notes a heartbeat; written within a second.
    pub(crate) fn touch(&self, slot: &Arc<Slot>) {
        self.touched.lock().push(Arc::clone(slot));
    }

    /// Keeps that a collector is given a config, written at once. The receiver hears whether it is on disk.
    pub(crate) fn mark(&self, slot: &Arc<Slot>) -> oneshot::Receiver<bool> {
        let (waiter, written) = oneshot::channel();
        slot.note_configured();
        self.marks.lock().push((Arc::clone(slot), waiter));
        self.wake.notify_one();
        written
    }

    /// The newest state of a protocol, written or not.
    pub(crate) async fn agent(&self, id: CollectorId) -> Result<Option<Bytes>, StoreError> {
        let unwritten = self.pending.lock().agents.get(&id).cloned();
        if let Some(state) = unwritten.or_else(|| self.writing.lock().0.get(&id).cloned()) {
            return Ok(Some(state));
        }
        self.store.agent(id).await
    }

    /// The newest reported config, written or not.
    pub(crate) async fn effective(&self, id: CollectorId) -> Result<Option<EffectiveRecord>, StoreError> {
        let unwritten = self.pending.lock().effective.get(&id).cloned();
        if let Some(effective) = unwritten.or_else(|| self.writing.lock().1.get(&id).cloned()) {
            return Ok(Some(effective));
        }
        self.store.effective(id).await
    }

    /// Drops what waits for collectors that are being forgotten.
    pub(crate) fn forget(&self, ids: &[CollectorId]) {
        let mut pending = self.pending.lock();
        for id in ids {
            pending.agents.remove(id);
            pending.records.remove(id);
            pending.effective.remove(id);
        }
        pending.events.retain(|(id, _)| !ids.contains(id));
    }

    /// Writes for as long as the server runs.
    pub(crate) async fn run(self: Arc<Self>) {
        tokio::join!(self.run_urgent(), self.run_flushes());
    }

    /// Writes what somebody waits for.
    async fn run_urgent(&self) {
        let mut pace = tokio::time::interval(URGENT_EVERY);
        loop {
            self.wake.notified().await;
            pace.tick().await;
            self.write_marks().await;
            self.write_urgent().await;
            pace.reset();
        }
    }

    async fn run_flushes(&self) {
        let mut ticks = tokio::time::interval_at(Instant::now() + FLUSH_EVERY, FLUSH_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.flush().await;
        }
    }

    /// Writes everything that waits. `false`: the store did not take all of it; it waits on.
    pub(crate) async fn flush(&self) -> bool {
        // What a message changed is put here before the collector is touched for it. So a sequence number that was taken
        // before is on disk after that: else nobody would notice, after a crash, that something was not told again.
        let touched = std::mem::take(&mut *self.touched.lock());
        let presence: Vec<_> =
            touched.into_iter().filter_map(|slot| slot.take_presence().map(|presence| (slot, presence))).collect();
        let states = self.write_states().await;
        let events = self.write_events().await;
        let reported = self.write_effective().await;
        if !states {
            self.touched.lock().extend(presence.into_iter().map(|(slot, _)| slot));
            return false;
        }
        self.write_presence(presence).await && events && reported
    }

    /// Writes the marks that somebody waits for.
    async fn write_marks(&self) -> bool {
        let _turn = self.turn.lock().await;
        let (slots, waiters): (Vec<_>, Vec<_>) = std::mem::take(&mut *self.marks.lock()).into_iter().unzip();
        let marked = slots.iter().filter_map(|slot| Some((slot.id(), slot.mark()?))).collect();
        let written = self.put_presence(marked).await;
        // The number that a mark leaves out is written with the next flush, also when one came before the mark.
        self.touched.lock().extend(slots);
        answer(waiters, written);
        written
    }

    /// Writes the states that somebody waits for.
    async fn write_urgent(&self) -> bool {
        let _turn = self.turn.lock().await;
        let (states, waiters) = {
            let mut pending = self.pending.lock();
            let waiters = std::mem::take(&mut pending.waiters);
            let states = pending.take_states(waiters.iter().map(|(id, _)| id));
            // Under the lock: who looks in between would find it in neither, and read an older one from the store.
            self.writing.lock().0.clone_from(&states.agents);
            (states, waiters)
        };
        // What is not there any more was written with a flush.
        let written = self.put_states(states).await;
        answer(waiters.into_iter().map(|(_, waiter)| waiter), written);
        written
    }

    /// Writes all states that wait, some at a time, until the store does not take some.
    async fn write_states(&self) -> bool {
        if !self.write_urgent().await {
            return false;
        }
        let ids: HashSet<CollectorId> = {
            let pending = self.pending.lock();
            pending.agents.keys().chain(pending.records.keys()).copied().collect()
        };
        for batch in ids.into_iter().collect::<Vec<_>>().chunks(BATCH) {
            let _turn = self.turn.lock().await;
            let states = {
                let mut pending = self.pending.lock();
                let states = pending.take_states(batch);
                // Under the lock, for the same reason.
                self.writing.lock().0.clone_from(&states.agents);
                states
            };
            if !self.put_states(states).await {
                return false;
            }
        }
        true
    }

    /// Writes states that are marked as being written.
    async fn put_states(&self, states: States) -> bool {
        let mut written = true;
        if !(states.agents.is_empty() && states.records.is_empty()) {
            let agents = states.agents.iter().map(|(id, state)| (*id, state.clone())).collect();
            let rows = states.records.values().map(|record| CollectorRecord::clone(record)).collect();
            if let Err(error) = self.store.put_agents(agents, rows).await {
                tracing::error!(code = error.code(), error = &error as &dyn std::error::Error, "collectors not stored");
                self.pending.lock().put_back(states);
                written = false;
            }
        }
        self.writing.lock().0 = HashMap::new();
        written
    }

    async fn write_events(&self) -> bool {
        // Others may take some of them meanwhile, and more may come: those go with the next flush.
        let batches = self.pending.lock().events.len().div_ceil(EVENT_BATCH);
        for _ in 0..batches {
            let _turn = self.turn.lock().await;
            let mut events: Vec<_> = {
                let mut pending = self.pending.lock();
                let count = pending.events.len().min(EVENT_BATCH);
                pending.events.drain(..count).collect()
            };
            if let Err(error) = self.store.append_events(events.clone()).await {
                tracing::error!(code = error.code(), error = &error as &dyn std::error::Error, "events not stored");
                let mut pending = self.pending.lock();
                events.append(&mut pending.events);
                events.truncate(MAX_EVENTS);
                pending.events = events;
                return false;
            }
        }
        true
    }

    async fn write_effective(&self) -> bool {
        let ids: Vec<CollectorId> = self.pending.lock().effective.keys().copied().collect();
        for batch in ids.chunks(BATCH) {
            let _turn = self.turn.lock().await;
            let configs: HashMap<_, _> = {
                let mut pending = self.pending.lock();
                let taken = batch.iter().filter_map(|id| Some((*id, pending.effective.remove(id)?)));
                let configs: HashMap<_, _> = taken.collect();
                // Under the lock, for the same reason. Bodies are shared, not copied.
                self.writing.lock().1.clone_from(&configs);
                configs
            };
            let records = configs.iter().map(|(id, effective)| (*id, effective.clone())).collect();
            let written = self.store.put_effective(records).await;
            if let Err(error) = &written {
                tracing::error!(
                    configs = configs.len(),
                    code = error.code(),
                    error = error as &dyn std::error::Error,
                    "reported configs not stored"
                );
                let mut pending = self.pending.lock();
                for (id, effective) in configs {
                    pending.effective.entry(id).or_insert(effective);
                }
            }
            self.writing.lock().1 = HashMap::new();
            if written.is_err() {
                return false;
            }
        }
        true
    }

    async fn write_presence(&self, presence: Vec<(Arc<Slot>, Presence)>) -> bool {
        let _turn = self.turn.lock().await;
        // A mark may have been written since.
        let was_configured = |slot: &Slot| slot.presence().is_some_and(|presence| presence.was_configured);
        let newest = presence
            .into_iter()
            .map(|(slot, presence)| (slot.id(), Presence { was_configured: was_configured(&slot), ..presence }));
        self.put_presence(newest.collect()).await
    }

    async fn put_presence(&self, presence: Vec<(CollectorId, Presence)>) -> bool {
        if presence.is_empty() {
            return true;
        }
        match self.store.put_presence(presence).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(code = error.code(), error = &error as &dyn std::error::Error, "heartbeats not stored");
                false
            }
        }
    }
}

fn answer(waiters: impl IntoIterator<Item = oneshot::Sender<bool>>, written: bool) {
    for waiter in waiters {
        // An actor that died meanwhile does not wait any more.
        let _ = waiter.send(written);
    }
}

#[cfg(test)]
mod tests;
