//! Collectors, the state of their protocols, and what they reported.

use bytes::Bytes;
use linkmesh_proto::{CollectorId, ConfigHash, Timestamp, api::collector::CollectorStatus};

use super::samples::{collector, collector_id, event, token};
use crate::ports::{CollectorRecord, EffectiveRecord, Presence, RowRecord, StateStore};

async fn ids(store: &impl StateStore) -> Vec<CollectorId> {
    let mut ids: Vec<_> = store.load_collectors().await.unwrap().into_iter().map(|(record, _)| record.id).collect();
    ids.sort();
    ids
}

/// What was put is loaded, with presence where there is one.
pub async fn collectors_are_read_back_with_their_presence(store: &impl StateStore) {
    assert_eq!(store.load_collectors().await.unwrap(), []);
    let (one, two) = (collector(1), collector(2));
    store.put_collectors(vec![one.clone(), two.clone()]).await.unwrap();
    let seen = Presence { last_seen: Timestamp::from_millis(77), last_sequence: 9, was_configured: true };
    store.put_presence(vec![(two.id, seen)]).await.unwrap();
    let mut loaded = store.load_collectors().await.unwrap();
    loaded.sort_by_key(|(record, _)| record.id);
    assert_eq!(loaded, [(one.clone(), None), (two, Some(seen))]);
    assert_eq!(store.collector(one.id).await.unwrap(), Some(one));
    assert_eq!(store.collector(collector_id(3)).await.unwrap(), None);
}

/// A put of a known collector replaces it.
pub async fn collector_written_again_is_replaced(store: &impl StateStore) {
    let mut record = collector(1);
    store.put_collectors(vec![record.clone()]).await.unwrap();
    record.name = "renamed".into();
    record.row = RowRecord { status: Some(CollectorStatus::Offline), ..RowRecord::default() };
    store.put_collectors(vec![record.clone()]).await.unwrap();
    assert_eq!(store.load_collectors().await.unwrap(), [(record, None)]);
}

/// States of protocols come back as bytes, records in the same call are written too.
pub async fn agents_and_records_are_written_together(store: &impl StateStore) {
    let record = collector(1);
    assert_eq!(store.agent(record.id).await.unwrap(), None);
    let state = Bytes::from_static(b"\x01\x00state\xff");
    store.put_agents(vec![(record.id, state.clone())], vec![record.clone()]).await.unwrap();
    assert_eq!(store.agent(record.id).await.unwrap(), Some(state));
    assert_eq!(store.collector(record.id).await.unwrap(), Some(record.clone()));
    store.put_agents(vec![(record.id, Bytes::new())], vec![]).await.unwrap();
    assert_eq!(store.agent(record.id).await.unwrap(), Some(Bytes::new()));
}

/// A record from before the deregistration, written after it, does not bring the collector back.
pub async fn deregistered_collector_stays_so_whatever_its_actor_still_writes(store: &impl StateStore) {
    let (record, at) = (collector(1), Timestamp::from_millis(600));
    let gone = CollectorRecord { deregistered_at: Some(at), ..record.clone() };
    store.set_collector_tokens(record.id, vec![], Some(gone)).await.unwrap();
    let late = CollectorRecord { name: "late".into(), ..record.clone() };
    store.put_agents(vec![(record.id, Bytes::new())], vec![late]).await.unwrap();
    let stored = store.collector(record.id).await.unwrap().unwrap();
    assert_eq!((stored.deregistered_at, stored.name.as_str()), (Some(at), "late"));
}

/// Any bytes, empty and large, and the newest wins.
pub async fn effective_config_is_kept_byte_for_byte_and_replaced(store: &impl StateStore) {
    let id = collector_id(1);
    assert_eq!(store.effective(id).await.unwrap(), None);
    for body in [Bytes::new(), Bytes::from_static(b"a: \xff\x00\n"), Bytes::from(vec![b'x'; 300_000])] {
        let record = EffectiveRecord {
            hash: ConfigHash::of(&body),
            content_type: "text/yaml".into(),
            body,
            received_at: Timestamp::from_millis(5),
        };
        store.put_effective(vec![(id, record.clone())]).await.unwrap();
        assert_eq!(store.effective(id).await.unwrap(), Some(record));
    }
    assert_eq!(store.effective(collector_id(2)).await.unwrap(), None);
}

/// The first tree of a hash stays.
pub async fn components_are_kept_once(store: &impl StateStore) {
    assert_eq!(store.components("aa").await.unwrap(), None);
    store.put_components("aa", Bytes::from_static(b"tree")).await.unwrap();
    store.put_components("aa", Bytes::from_static(b"another")).await.unwrap();
    assert_eq!(store.components("aa").await.unwrap(), Some(Bytes::from_static(b"tree")));
    assert_eq!(store.components("ab").await.unwrap(), None);
}

/// Trees that are removed go, others stay; one that is not there is no error.
pub async fn removed_components_are_gone(store: &impl StateStore) {
    for hash in ["aa", "ab", "ac"] {
        store.put_components(hash, Bytes::from_static(b"tree")).await.unwrap();
    }
    store.remove_components(vec!["aa".to_owned(), "ac".to_owned(), "ad".to_owned()]).await.unwrap();
    for (hash, is_there) in [("aa", false), ("ab", true), ("ac", false)] {
        assert_eq!(store.components(hash).await.unwrap().is_some(), is_there, "{hash}");
    }
    store.put_components("aa", Bytes::from_static(b"another")).await.unwrap();
    assert_eq!(store.components("aa").await.unwrap(), Some(Bytes::from_static(b"another")));
}

/// Everything of a removed collector goes; its neighbours keep theirs.
pub async fn removed_collector_leaves_nothing_behind(store: &impl StateStore) {
    for number in [1, 2, 3] {
        let record = collector(number);
        let id = record.id;
        store.put_agents(vec![(id, Bytes::from_static(b"state"))], vec![record]).await.unwrap();
        let seen = Presence { last_seen: Timestamp::from_millis(1), last_sequence: 1, was_configured: false };
        store.put_presence(vec![(id, seen)]).await.unwrap();
        let body = Bytes::from_static(b"text");
        let received_at = Timestamp::from_millis(1);
        let effective = EffectiveRecord { hash: ConfigHash::of(&body), content_type: String::new(), body, received_at };
        store.put_effective(vec![(id, effective)]).await.unwrap();
        store.append_events(vec![(id, event(1))]).await.unwrap();
        store.set_collector_tokens(id, vec![token(number, 1), token(number, 2)], None).await.unwrap();
    }
    store.remove_collectors(vec![collector_id(2), collector_id(9)]).await.unwrap();
    assert_eq!(ids(store).await, [collector_id(1), collector_id(3)]);
    let gone = collector_id(2);
    assert_eq!(store.agent(gone).await.unwrap(), None);
    assert_eq!(store.effective(gone).await.unwrap(), None);
    assert_eq!(store.events(gone, None, 10).await.unwrap(), []);
    assert!(store.load_collector_tokens().await.unwrap().iter().all(|token| token.collector != gone));
    for kept in [collector_id(1), collector_id(3)] {
        assert!(store.agent(kept).await.unwrap().is_some());
        assert!(store.effective(kept).await.unwrap().is_some());
        assert_eq!(store.events(kept, None, 10).await.unwrap().len(), 1);
    }
    assert_eq!(store.load_collector_tokens().await.unwrap().len(), 4);
    store.put_collectors(vec![collector(2)]).await.unwrap();
    assert_eq!(store.load_collectors().await.unwrap().iter().filter(|(_, seen)| seen.is_none()).count(), 1);
}
