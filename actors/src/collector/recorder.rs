//! Writes what collectors' actors want kept: one writer, batches, the newest of each wins.
//!
//! What must be durable before an answer is flushed at once, and everybody who asks meanwhile and shortly after shares the
//! next write: when a whole fleet answers an offer, a transaction for each few of them would take more than all the rest.
//! The rest is flushed each second and at the stop of the server.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use linkmesh_proto::{CollectorId, api::collector::CollectorEvent};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use crate::{
    directory::Slot,
    ports::{CollectorRecord, EffectiveRecord, StateStore, StoreError},
};

/// How often what can wait is written.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How long after one write of what cannot wait the next begins at the earliest.
const URGENT_EVERY: Duration = Duration::from_millis(25);
/// Reported configs that are written in one transaction: what it changes is in memory until it ends.
const EFFECTIVE_BATCH: usize = 256;
/// Events beyond this are dropped while the store does not take them.
const MAX_EVENTS: usize = 20_000;

#[derive(Default)]
struct Pending {
    agents: HashMap<CollectorId, Bytes>,
    records: HashMap<CollectorId, Arc<CollectorRecord>>,
    effective: HashMap<CollectorId, EffectiveRecord>,
    events: Vec<(CollectorId, CollectorEvent)>,
    waiters: Vec<oneshot::Sender<bool>>,
    urgent: bool,
}

/// Collectors of which the presence is to be written.
#[derive(Default)]
struct Touched {
    slots: Vec<Arc<Slot>>,
    waiters: Vec<oneshot::Sender<bool>>,
}

/// Writes what collectors' actors want kept.
pub(crate) struct Recorder {
    store: Arc<dyn StateStore>,
    pending: Mutex<Pending>,
    /// What is being written now: still the newest for who reads.
    writing: Mutex<(HashMap<CollectorId, Bytes>, HashMap<CollectorId, EffectiveRecord>)>,
    touched: Mutex<Touched>,
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
            pending.waiters.push(waiter);
            pending.urgent = true;
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
        self.touched.lock().slots.push(Arc::clone(slot));
    }

    /// Keeps the presence of a collector, written at once. The receiver hears whether it is on disk.
    pub(crate) fn touch_now(&self, slot: &Arc<Slot>) -> oneshot::Receiver<bool> {
        let (waiter, written) = oneshot::channel();
        {
            let mut touched = self.touched.lock();
            touched.slots.push(Arc::clone(slot));
            touched.waiters.push(waiter);
        }
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
        let mut next_tick = Instant::now() + FLUSH_EVERY;
        let mut next_urgent = Instant::now();
        loop {
            // The outcome is not of interest: both mean "look".
            let _ = tokio::time::timeout_at(next_tick, self.wake.notified()).await;
            tokio::time::sleep_until(next_urgent.min(next_tick)).await;
            if Instant::now() >= next_tick {
                next_tick = Instant::now() + FLUSH_EVERY;
                self.flush().await;
            } else if !self.write_urgent().await {
                continue;
            }
            next_urgent = Instant::now() + URGENT_EVERY;
        }
    }

    /// Writes what somebody waits for; `false` when nobody does.
    async fn write_urgent(&self) -> bool {
        let (states, presence) = (self.pending.lock().urgent, !self.touched.lock().waiters.is_empty());
        if presence {
            self.write_presence().await;
        }
        if states {
            self.write_states().await;
        }
        states || presence
    }

    /// Writes everything that waits. `false`: the store did not take all of it; it waits on.
    pub(crate) async fn flush(&self) -> bool {
        let states = self.write_states().await;
        let events = self.write_events().await;
        let reported = self.write_effective().await;
        let presence = self.write_presence().await;
        states && events && reported && presence
    }

    async fn write_states(&self) -> bool {
        let _turn = self.turn.lock().await;
        let (agents, records, waiters) = {
            let mut pending = self.pending.lock();
            pending.urgent = false;
            // Under the lock: who looks in between would find it in neither, and read an older one from the store.
            self.writing.lock().0.clone_from(&pending.agents);
            (
                std::mem::take(&mut pending.agents),
                std::mem::take(&mut pending.records),
                std::mem::take(&mut pending.waiters),
            )
        };
        if agents.is_empty() && records.is_empty() {
            answer(waiters, true);
            return true;
        }
        let states = agents.iter().map(|(id, state)| (*id, state.clone())).collect();
        let rows = records.values().map(|record| CollectorRecord::clone(record)).collect();
        let written = match self.store.put_agents(states, rows).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(code = error.code(), error = &error as &dyn std::error::Error, "collectors not stored");
                let mut pending = self.pending.lock();
                for (id, state) in agents {
                    pending.agents.entry(id).or_insert(state);
                }
                for (id, record) in records {
                    pending.records.entry(id).or_insert(record);
                }
                false
            }
        };
        self.writing.lock().0 = HashMap::new();
        answer(waiters, written);
        written
    }

    async fn write_events(&self) -> bool {
        let _turn = self.turn.lock().await;
        let events = std::mem::take(&mut self.pending.lock().events);
        if events.is_empty() {
            return true;
        }
        match self.store.append_events(events.clone()).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(code = error.code(), error = &error as &dyn std::error::Error, "events not stored");
                let mut pending = self.pending.lock();
                let newer = std::mem::replace(&mut pending.events, events);
                pending.events.extend(newer);
                pending.events.truncate(MAX_EVENTS);
                false
            }
        }
    }

    async fn write_effective(&self) -> bool {
        let _turn = self.turn.lock().await;
        let effective = {
            let mut pending = self.pending.lock();
            // Under the lock, for the same reason.
            self.writing.lock().1.clone_from(&pending.effective);
            std::mem::take(&mut pending.effective)
        };
        if effective.is_empty() {
            return true;
        }
        let effective: Vec<_> = effective.into_iter().collect();
        let mut written = true;
        for batch in effective.chunks(EFFECTIVE_BATCH) {
            // Bodies are shared, not copied.
            if let Err(error) = self.store.put_effective(batch.to_vec()).await {
                tracing::error!(
                    configs = batch.len(),
                    code = error.code(),
                    error = &error as &dyn std::error::Error,
                    "reported configs not stored"
                );
                let mut pending = self.pending.lock();
                for (id, effective) in batch {
                    pending.effective.entry(*id).or_insert_with(|| effective.clone());
                }
                written = false;
            }
        }
        self.writing.lock().1 = HashMap::new();
        written
    }

    async fn write_presence(&self) -> bool {
        let _turn = self.turn.lock().await;
        let Touched { slots, waiters } = std::mem::take(&mut *self.touched.lock());
        let presence: Vec<_> =
            slots.iter().filter_map(|slot| slot.take_presence().map(|presence| (slot.id(), presence))).collect();
        let written = presence.is_empty()
            || match self.store.put_presence(presence).await {
                Ok(()) => true,
                Err(error) => {
                    let cause = &error as &dyn std::error::Error;
                    tracing::warn!(code = error.code(), error = cause, "heartbeats not stored");
                    false
                }
            };
        answer(waiters, written);
        written
    }
}

fn answer(waiters: Vec<oneshot::Sender<bool>>, written: bool) {
    for waiter in waiters {
        // An actor that died meanwhile does not wait any more.
        let _ = waiter.send(written);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures_util::FutureExt as _;
    use linkmesh_proto::{ConfigHash, Timestamp, api::collector::Runtime};

    use super::*;
    use crate::{fleet::record, mint::Mint as _, ports::CollectorStore as _, testing::MemoryStore};

    const WRITES: u64 = 10_000;

    #[tokio::test(start_paused = true)]
    async fn who_cannot_wait_shares_a_write_with_those_who_ask_shortly_after() {
        let store = Arc::new(MemoryStore::default());
        let recorder = Arc::new(Recorder::new(Arc::clone(&store) as _));
        let running = tokio::spawn(Arc::clone(&recorder).run());
        let put = || {
            let id = CollectorId::generate();
            let record = Arc::new(record(id, "host".into(), Runtime::Otelcol, Timestamp::from_millis(1)));
            recorder.put_agent_now(id, Bytes::from_static(b"state"), record)
        };
        let asked = Instant::now();
        assert!(put().await.unwrap());
        assert_eq!(asked.elapsed(), Duration::ZERO, "one alone waits for nothing but the disk");
        let (_, before) = store.uses();
        let mut waiting = Vec::new();
        for _ in 0..20 {
            tokio::time::advance(Duration::from_millis(1)).await;
            waiting.push(put());
        }
        for written in waiting {
            assert!(written.await.unwrap());
        }
        assert_eq!(store.uses().1 - before, 1);
        assert!(asked.elapsed() <= URGENT_EVERY + Duration::from_millis(1), "{:?}", asked.elapsed());
        running.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_presence_is_told_when_it_is_on_disk_and_when_it_is_not() {
        let store = Arc::new(MemoryStore::default());
        let recorder = Arc::new(Recorder::new(Arc::clone(&store) as _));
        let running = tokio::spawn(Arc::clone(&recorder).run());
        let record = record(CollectorId::generate(), "host".into(), Runtime::Otelcol, Timestamp::from_millis(1));
        store.put_collectors(vec![record.clone()]).await.unwrap();
        let slot = Arc::new(Slot::new(record, None));
        slot.touch(Timestamp::from_millis(2), Some(3));
        slot.note_configured();
        let asked = Instant::now();
        assert!(recorder.touch_now(&slot).await.unwrap());
        assert_eq!(asked.elapsed(), Duration::ZERO, "it waits for no flush");
        assert_eq!(store.load_collectors().await.unwrap()[0].1, slot.presence());
        assert!(slot.presence().unwrap().was_configured);

        store.fail_writes(true);
        assert!(!recorder.touch_now(&slot).await.unwrap());
        running.abort();
    }

    #[test]
    fn who_reads_at_the_moment_of_a_write_gets_what_was_put_last() {
        let recorder = Recorder::new(Arc::new(MemoryStore::default()));
        let id = CollectorId::generate();
        let newest = AtomicU64::new(0);
        let put = |number: u64| {
            let body = Bytes::copy_from_slice(&number.to_be_bytes());
            recorder.put_agent(id, body.clone());
            let hash = ConfigHash::of(&body);
            let received_at = Timestamp::from_millis(1);
            recorder.put_effective(id, EffectiveRecord { hash, content_type: String::new(), body, received_at });
            newest.store(number, Ordering::SeqCst);
            assert_eq!(recorder.flush().now_or_never(), Some(true), "a store in memory makes nobody wait");
        };
        let number = |body: Option<Bytes>| body.map_or(0, |body| u64::from_be_bytes((*body).try_into().unwrap()));
        std::thread::scope(|threads| {
            threads.spawn(|| (1..=WRITES).for_each(put));
            let mut known = 0;
            while known < WRITES {
                known = newest.load(Ordering::SeqCst);
                let agent = number(recorder.agent(id).now_or_never().unwrap().unwrap());
                assert!(agent >= known, "read {agent}, put {known}");
                known = newest.load(Ordering::SeqCst);
                let effective = recorder.effective(id).now_or_never().unwrap().unwrap();
                let effective = number(effective.map(|effective| effective.body));
                assert!(effective >= known, "read {effective}, put {known}");
            }
        });
    }
}
