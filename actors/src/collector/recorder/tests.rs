use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use linkmesh_proto::{ConfigHash, Timestamp, api::collector::Runtime};

use super::*;
use crate::{
    fleet::record,
    mint::Mint as _,
    ports::{CollectorStore as _, EventStore as _},
    testing::MemoryStore,
};

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
async fn who_waits_for_a_mark_is_told_when_it_is_on_disk_and_when_it_is_not() {
    let store = Arc::new(MemoryStore::default());
    let recorder = Arc::new(Recorder::new(Arc::clone(&store) as _));
    let running = tokio::spawn(Arc::clone(&recorder).run());
    let record = record(CollectorId::generate(), "host".into(), Runtime::Otelcol, Timestamp::from_millis(1));
    store.put_collectors(vec![record.clone()]).await.unwrap();
    let slot = Arc::new(Slot::new(record, None));
    slot.touch(Timestamp::from_millis(2), Some(3));
    recorder.touch(&slot);
    let asked = Instant::now();
    assert!(recorder.mark(&slot).await.unwrap());
    assert_eq!(asked.elapsed(), Duration::ZERO, "it waits for no flush");
    let stored = async || store.load_collectors().await.unwrap()[0].1.unwrap();
    let last_seen = Timestamp::from_millis(2);
    let marked = Presence { last_seen, last_sequence: 0, was_configured: true };
    assert_eq!(stored().await, marked, "what the message said is not on disk, nor is its number");
    assert!(recorder.flush().await);
    assert_eq!(stored().await, Presence { last_sequence: 3, ..marked });
    assert!(recorder.mark(&slot).await.unwrap());
    assert_eq!(stored().await, marked);
    assert!(recorder.flush().await);
    assert_eq!(stored().await, Presence { last_sequence: 3, ..marked }, "also behind a flush");

    store.fail_writes(true);
    assert!(!recorder.mark(&slot).await.unwrap());
    running.abort();
}

#[tokio::test]
async fn number_of_a_message_is_not_stored_before_what_it_said() {
    let store = Arc::new(MemoryStore::default());
    let recorder = Recorder::new(Arc::clone(&store) as _);
    let record = record(CollectorId::generate(), "host".into(), Runtime::Otelcol, Timestamp::from_millis(1));
    store.put_collectors(vec![record.clone()]).await.unwrap();
    let slot = Arc::new(Slot::new(record, None));
    recorder.put_agent(slot.id(), Bytes::from_static(b"state"));
    slot.touch(Timestamp::from_millis(2), Some(3));
    recorder.touch(&slot);
    store.fail_writes(true);
    assert!(!recorder.flush().await);
    store.fail_writes(false);
    assert!(recorder.flush().await);
    assert_eq!(store.load_collectors().await.unwrap()[0].1, slot.presence(), "it waited for the state");
}

#[tokio::test]
async fn flush_writes_all_in_batches_and_what_fails_waits_on() {
    let store = Arc::new(MemoryStore::default());
    let recorder = Recorder::new(Arc::clone(&store) as _);
    let ids: Vec<_> = (0..2 * BATCH + 1).map(|_| CollectorId::generate()).collect();
    let hash = ConfigHash::of(b"text");
    let at = Timestamp::from_millis(1);
    let text = EffectiveRecord { hash, content_type: String::new(), body: Bytes::new(), received_at: at };
    for id in &ids {
        recorder.put_agent(*id, Bytes::copy_from_slice(id.as_bytes()));
        recorder.put_effective(*id, text.clone());
        for kind in ["first", "second", "third"] {
            recorder.put_event(*id, CollectorEvent { at, kind: kind.into(), message: String::new() });
        }
    }
    store.fail_writes(true);
    assert!(!recorder.flush().await);
    store.fail_writes(false);
    let before = store.uses().1;
    assert!(recorder.flush().await);
    assert_eq!(store.uses().1 - before, 3 + 3 + 2, "states, reported configs, events");
    assert!(recorder.flush().await);
    assert_eq!(store.uses().1 - before, 8, "nothing is left");
    for id in &ids {
        assert_eq!(store.agent(*id).await.unwrap().unwrap(), id.as_bytes()[..]);
        assert_eq!(store.effective(*id).await.unwrap().unwrap().hash, hash);
        let events = store.events(*id, None, 9).await.unwrap();
        assert_eq!(events.iter().map(|(_, event)| &*event.kind).collect::<Vec<_>>(), ["third", "second", "first"]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_write_is_told_when_it_failed_and_when_a_flush_made_it() {
    let store = Arc::new(MemoryStore::default());
    let recorder = Arc::new(Recorder::new(Arc::clone(&store) as _));
    let id = CollectorId::generate();
    let record = Arc::new(record(id, "host".into(), Runtime::Otelcol, Timestamp::from_millis(1)));
    let put = || recorder.put_agent_now(id, Bytes::from_static(b"state"), Arc::clone(&record));
    store.fail_writes(true);
    let failed = put();
    assert!(!recorder.flush().await);
    assert!(!failed.await.unwrap());
    store.fail_writes(false);
    let written = put();
    assert!(recorder.flush().await);
    assert!(written.await.unwrap());
    assert_eq!(store.agent(id).await.unwrap().unwrap(), b"state"[..]);
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
