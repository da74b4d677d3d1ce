use std::collections::BTreeMap;

use linkmesh_proto::{CollectorId, PipelineId, Timestamp, api::fleet::DeliveryCounts};

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
fn counts_of_a_pipeline_are_of_those_that_should_run_it_and_say_who_is_away() {
    let directory = fleet();
    let (web, other): (PipelineId, PipelineId) = ("web".parse().unwrap(), "other".parse().unwrap());
    let text = Arc::new(crate::directory::Text {
        desired: Arc::new(crate::domain::desired::Desired::alloy("// nothing\n".to_owned().into(), None)),
        redacted: "".into(),
        secrets: Arc::default(),
    });
    directory.for_each(|slot| {
        let place = Place::clone(&slot.place());
        let is_web = place.attributes["env"] != "test";
        let pipelines = if is_web { vec![other.clone(), web.clone()] } else { vec![other.clone()] };
        let problem = (&*place.name == "Mail").then(|| "needs another level".into());
        slot.set_place(Place { pipelines: pipelines.into(), text: Some(Arc::clone(&text)), problem, ..place });
        if &*slot.place().name == "web-2" {
            slot.update_record(|record| {
                record.row.desired_hash = Some(text.desired.hash());
                record.row.config_state = Some(ConfigState::Applied);
            });
        }
    });
    let counts = |pipeline| {
        let summary = Listing { directory: &directory }.summary(pipeline);
        let DeliveryCounts { nothing, waiting, away, applied, failed, withheld } = summary.delivery;
        assert_eq!(nothing + waiting + away + applied + failed + withheld, summary.total, "each in one of them");
        (summary.total, waiting, away, applied, withheld)
    };
    assert_eq!(counts(None), (5, 2, 1, 1, 1));
    assert_eq!(counts(Some(&web)), (4, 1, 1, 1, 1));
    assert_eq!(counts(Some(&"nobody".parse().unwrap())), (0, 0, 0, 0, 0));
    let query = CollectorQuery { pipeline: Some(web), limit: 10, ..Default::default() };
    assert_eq!(names(&directory, &query), ["db", "Mail", "web-1", "web-2"]);
    let query = |wanted| CollectorQuery { withheld: Some(wanted), limit: 10, ..Default::default() };
    assert_eq!(names(&directory, &query(true)), ["Mail"]);
    assert_eq!(names(&directory, &query(false)).len(), 4);
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
