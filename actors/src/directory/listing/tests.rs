use std::collections::BTreeMap;

use linkmesh_proto::{CollectorId, Timestamp};

use super::*;
use crate::{directory::Place, ports::CollectorRecord};

fn collector(directory: &Directory, number: u8, name: &str, env: &str) {
    let id = CollectorId::from_bytes([number; 16]);
    let record: CollectorRecord = serde_json::from_value(serde_json::json!({
        "id": id, "name": name, "runtime": "otelcol", "created_at": Timestamp::from_millis(0),
        "row": {"status": if env == "gone" { "offline" } else { "connected" }},
    }))
    .unwrap();
    let slot = Slot::new(record, None);
    let attributes = BTreeMap::from([("env".to_owned(), env.to_owned())]);
    slot.set_place(Place { name: name.into(), attributes: attributes.into(), ..Place::default() });
    directory.insert(Arc::new(slot));
}

fn fleet() -> Directory {
    let directory = Directory::default();
    for (number, (name, env)) in
        (1..).zip([("web-2", "prod"), ("web-1", "prod"), ("db", "gone"), ("web-1", "test"), ("Mail", "prod")])
    {
        collector(&directory, number, name, env);
    }
    directory
}

fn names(directory: &Directory, query: &CollectorQuery) -> Vec<String> {
    let page = Listing { directory }.page(query).unwrap();
    page.items.into_iter().map(|row| row.name).collect()
}

#[test]
fn pages_walk_the_whole_list_in_order_also_over_equal_names() {
    let directory = fleet();
    for descending in [false, true] {
        let mut query = CollectorQuery { limit: 2, ..Default::default() };
        query.sort.descending = descending;
        let mut seen = Vec::new();
        loop {
            let page = Listing { directory: &directory }.page(&query).unwrap();
            assert_eq!(page.total, 5);
            seen.extend(page.items.into_iter().map(|row| row.name));
            match page.next_cursor {
                Some(cursor) => query.cursor = Some(cursor),
                None => break,
            }
        }
        let mut expected = vec!["db", "Mail", "web-1", "web-1", "web-2"];
        if descending {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
}

#[test]
fn filters_are_anded() {
    let directory = fleet();
    let query = |matchers: &[&str], text: Option<&str>, status| CollectorQuery {
        matchers: matchers.iter().map(ToString::to_string).collect(),
        text: text.map(str::to_owned),
        status,
        limit: 10,
        ..Default::default()
    };
    assert_eq!(names(&directory, &query(&[r#"env="prod""#], Some("WEB"), None)), ["web-1", "web-2"]);
    assert_eq!(names(&directory, &query(&[r#"env!="prod""#, r#"env!="test""#], None, None)), ["db"]);
    assert_eq!(names(&directory, &query(&[], None, Some(CollectorStatus::Offline))), ["db"]);
    let unknown = CollectorQuery { drift: Some(DriftState::Unknown), limit: 10, ..Default::default() };
    assert_eq!(names(&directory, &unknown).len(), 5, "nobody has reported yet");
    let failed = CollectorQuery { config_state: Some(ConfigState::Failed), limit: 10, ..Default::default() };
    assert!(names(&directory, &failed).is_empty());
    let bad = Listing { directory: &directory }.page(&query(&["env"], None, None));
    assert!(matches!(bad, Err(QueryError::Matcher { index: 0, .. })), "{bad:?}");
}

#[test]
fn cursor_of_another_order_is_refused() {
    let directory = fleet();
    let mut query = CollectorQuery { limit: 1, ..Default::default() };
    query.cursor = Listing { directory: &directory }.page(&query).unwrap().next_cursor;
    query.sort.descending = true;
    assert_eq!(Listing { directory: &directory }.page(&query), Err(QueryError::BadCursor));
    query.cursor = Some(Cursor("nonsense".into()));
    assert_eq!(Listing { directory: &directory }.page(&query), Err(QueryError::BadCursor));
}
