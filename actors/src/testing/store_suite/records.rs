//! Events and the audit log.

use linkmesh_proto::{Revision, api::collector::CollectorEvent};

use super::samples::{audit_entry, collector_id, event};
use crate::ports::{AuditRecord, EVENTS_KEPT, StateStore};

fn messages(events: &[(u64, CollectorEvent)]) -> Vec<String> {
    events.iter().map(|(_, event)| event.message.clone()).collect()
}

/// Pages follow one another without gap or repetition.
pub async fn events_are_listed_newest_first_and_by_page(store: &impl StateStore) {
    let id = collector_id(1);
    assert_eq!(store.events(id, None, 10).await.unwrap(), []);
    store.append_events((1..=3).map(|number| (id, event(number))).collect()).await.unwrap();
    store.append_events((4..=7).map(|number| (id, event(number))).collect()).await.unwrap();
    let first = store.events(id, None, 3).await.unwrap();
    assert_eq!(messages(&first), ["event 7", "event 6", "event 5"]);
    let place = first.last().map(|(place, _)| *place);
    let rest = store.events(id, place, 10).await.unwrap();
    assert_eq!(messages(&rest), ["event 4", "event 3", "event 2", "event 1"]);
    assert_eq!(rest.first().map(|(_, event)| event.clone()), Some(event(4)));
    assert_eq!(store.events(id, None, 0).await.unwrap(), []);
}

/// Old events make room, within one call and over many.
pub async fn only_the_newest_events_are_kept(store: &impl StateStore) {
    let id = collector_id(1);
    let kept = u32::try_from(EVENTS_KEPT).unwrap();
    store.append_events((1..=kept + 5).map(|number| (id, event(number))).collect()).await.unwrap();
    for number in kept + 6..=kept + 10 {
        store.append_events(vec![(id, event(number))]).await.unwrap();
    }
    let events = store.events(id, None, EVENTS_KEPT * 2).await.unwrap();
    assert_eq!(events.len(), EVENTS_KEPT);
    assert_eq!(events.first().map(|(_, event)| event.message.clone()), Some(format!("event {}", kept + 10)));
    assert_eq!(events.last().map(|(_, event)| event.message.clone()), Some("event 11".to_owned()));
}

/// Events of several collectors in one call land with their own.
pub async fn events_of_collectors_are_kept_apart(store: &impl StateStore) {
    let (one, two) = (collector_id(1), collector_id(2));
    store.append_events(vec![(one, event(1)), (two, event(2)), (one, event(3))]).await.unwrap();
    assert_eq!(messages(&store.events(one, None, 10).await.unwrap()), ["event 3", "event 1"]);
    assert_eq!(messages(&store.events(two, None, 10).await.unwrap()), ["event 2"]);
}

fn assert_chain(newest_first: &[AuditRecord]) {
    assert!(newest_first.iter().all(AuditRecord::is_intact));
    for pair in newest_first.windows(2) {
        assert_eq!((pair[0].previous, pair[0].sequence), (pair[1].hash, pair[1].sequence + 1));
    }
}

/// Each record covers the one before, and pages follow one another.
pub async fn audit_log_is_a_chain_and_listed_newest_first(store: &impl StateStore) {
    assert_eq!(store.audit(None, 10).await.unwrap(), []);
    for number in 1..=5 {
        let record = store.append_audit(audit_entry(number)).await.unwrap();
        assert_eq!((record.sequence, &record.entry), (u64::from(number), &audit_entry(number)));
    }
    let all = store.audit(None, 10).await.unwrap();
    assert_eq!(all.iter().map(|record| record.sequence).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    assert_chain(&all);
    assert_eq!(store.audit(Some(4), 2).await.unwrap(), all[2..4]);
    assert_eq!(store.audit(Some(1), 2).await.unwrap(), []);
}

/// A commit is found by the entry that it was written with.
pub async fn audit_log_knows_the_commits_in_it(store: &impl StateStore) {
    let mut entry = audit_entry(1);
    let (before, after) = (Revision::from_bytes([1; 20]), Revision::from_bytes([2; 20]));
    (entry.before, entry.after) = (Some(before), Some(after));
    store.append_audit(entry).await.unwrap();
    assert!(store.audit_has_revision(after).await.unwrap());
    assert!(!store.audit_has_revision(before).await.unwrap());
}

/// Entries that come at the same time follow one another in one chain.
pub async fn concurrent_audit_entries_make_one_chain(store: &impl StateStore) {
    let entries = (1..=50).map(|number| store.append_audit(audit_entry(number)));
    let records = futures_util::future::join_all(entries).await;
    assert!(records.iter().all(Result::is_ok));
    let all = store.audit(None, 100).await.unwrap();
    assert_eq!(all.len(), 50);
    assert_chain(&all);
}
