use linkmesh_proto::api::catalogue::CatalogueExample;
use serde_json::json;

use super::*;

fn entry(kind: &str) -> CatalogueEntry {
    CatalogueEntry {
        kind: kind.to_owned(),
        role: Role::Filter,
        title: "By severity".to_owned(),
        description: String::new(),
        signals: Vec::new(),
        runtimes: Vec::new(),
        schema: json!({}),
        examples: vec![CatalogueExample {
            title: String::new(),
            settings: json!({"minimum": "info"}).as_object().unwrap().clone(),
        }],
    }
}

#[test]
fn added_steps_get_ids_of_their_own_and_settings_that_work() {
    let mut document = blank();
    assert_eq!(add(&mut document, Lane::Filters, &entry("severity")), 0);
    assert_eq!(add(&mut document, Lane::Filters, &entry("severity")), 1);
    assert_eq!(add(&mut document, Lane::Sources, &entry("file_log")), 0);
    let ids: Vec<_> = document.filters.iter().chain(&document.sources).map(|step| step.id.to_string()).collect();
    assert_eq!(ids, ["severity", "severity-2", "file-log"]);
    assert_eq!(document.filters[0].settings["minimum"], "info");
}

#[test]
fn what_only_its_author_can_know_is_not_begun_with() {
    let mut entry = entry("raw");
    entry.schema = json!({"type": "object", "properties": {
        "otelcol": {"type": "string", "x-widget": "code"}, "signals": {"type": "array", "items": {"type": "string"}},
    }});
    entry.examples[0].settings = json!({"otelcol": "a: 1", "signals": ["logs"]}).as_object().unwrap().clone();
    let mut document = blank();
    add(&mut document, Lane::Processors, &entry);
    assert!(document.processors[0].settings.is_empty());
}

#[test]
fn steps_move_only_within_their_lane() {
    let mut document = blank();
    add(&mut document, Lane::Filters, &entry("severity"));
    add(&mut document, Lane::Filters, &entry("ottl"));
    assert_eq!(shift(&mut document, Lane::Filters, 0, false), 0);
    assert_eq!(shift(&mut document, Lane::Filters, 0, true), 1);
    assert_eq!(document.filters[1].kind, "severity");
    assert_eq!(shift(&mut document, Lane::Filters, 1, true), 1);
}

#[test]
fn neighbour_is_chosen_after_a_removal() {
    let mut document = blank();
    add(&mut document, Lane::Filters, &entry("severity"));
    add(&mut document, Lane::Filters, &entry("ottl"));
    assert_eq!(remove(&mut document, Lane::Filters, 1), Chosen::Step(Lane::Filters, 0));
    assert_eq!(remove(&mut document, Lane::Filters, 0), Chosen::Pipeline);
    assert_eq!(remove(&mut document, Lane::Filters, 0), Chosen::Pipeline);
}

#[test]
fn problems_lead_to_the_card_that_has_them() {
    assert_eq!(place_of("filters[12].settings.minimum"), Chosen::Step(Lane::Filters, 12));
    assert_eq!(place_of("destinations[1]"), Chosen::Destination(1));
    assert_eq!(place_of("match[0]"), Chosen::Pipeline);
    assert_eq!(place_of(""), Chosen::Pipeline);
}

#[test]
fn cards_say_what_they_do() {
    let settings = |value: Value| value.as_object().unwrap().clone();
    for (value, text) in [
        (json!({"minimum": "info"}), "minimum info"),
        (json!({"include": ["/var/log/a", "/b"]}), "/var/log/a, /b"),
        (json!({"scrapers": ["a", "b", "c", "d"]}), "a, b and 2 more"),
        (json!({"grpc": {"endpoint": "0.0.0.0:4317"}}), "grpc 0.0.0.0:4317"),
        (json!({"actions": [{"action": "set", "key": "team", "value": "x"}]}), "set team"),
        (json!({"otelcol": "a\nb\n"}), "otelcol, 2 lines"),
        (json!({"token": {"sealed": true}, "insecure": false}), "token sealed, no insecure"),
        (json!({}), ""),
    ] {
        assert_eq!(summary(&settings(value)), text);
    }
}

#[test]
fn destinations_are_added_once_and_taken_away() {
    let mut document = blank();
    let id: linkmesh_proto::DestinationId = "central".parse().unwrap();
    toggle_destination(&mut document, &id);
    assert!(sends_to(&document, &id));
    toggle_destination(&mut document, &id);
    assert!(document.destinations.is_empty());
}

#[test]
fn condition_of_a_destination_comes_and_goes_with_its_text() {
    let mut document = blank();
    for id in ["central", "spare"] {
        toggle_destination(&mut document, &id.parse().unwrap());
    }
    let severe = "severity_number >= SEVERITY_NUMBER_ERROR";
    set_condition(&mut document, 1, severe);
    assert_eq!((condition(&document, 0), condition(&document, 1)), ("", severe));
    assert_eq!(
        serde_json::to_value(&document).unwrap()["destinations"],
        json!(["central", {"id": "spare", "when": severe}])
    );
    set_condition(&mut document, 1, " \n");
    assert_eq!(document.destinations[1], DestinationRef::Id("spare".parse().unwrap()));
    set_condition(&mut document, 2, severe);
    assert_eq!(document.destinations.len(), 2, "there is no third one");
    set_condition(&mut document, 0, severe);
    toggle_destination(&mut document, &"central".parse().unwrap());
    assert!(!sends_to(&document, &"central".parse().unwrap()), "one with a condition is taken away like any other");
}
