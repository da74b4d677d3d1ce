//! What the processors of upstream do to telemetry: `tests/go/ottl`.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value as Json;

use crate::{
    Condition, Context, Dialect, Error, Functions, Group, Statement, infer_context,
    record::{Telemetry, json},
    run::{Limits, Run, Statements, Surroundings, filter, transform},
};

type Leaves = BTreeMap<String, Json>;

/// The leaves of a document by their place; attributes have their key for a place.
fn flatten(place: &str, value: &Json, into: &mut Leaves) {
    match value {
        Json::Object(fields) => {
            fields.iter().for_each(|(name, field)| flatten(&format!("{place}/{name}"), field, into));
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let Some(key) = item.get("key").and_then(Json::as_str) else {
                    flatten(&format!("{place}/{index}"), item, into);
                    continue;
                };
                let place = format!("{place}/{key}");
                let held = item.get("value").cloned().unwrap_or_default();
                if held.as_object().is_none_or(serde_json::Map::is_empty) {
                    into.insert(place.clone(), Json::Object(serde_json::Map::new()));
                }
                flatten(&place, &held, into);
            }
        }
        Json::Number(number) => {
            // `1` and `1.0` are one number of JSON.
            into.insert(place.to_owned(), number.as_f64().map_or(Json::Null, Json::from));
        }
        leaf => {
            into.insert(place.to_owned(), leaf.clone());
        }
    }
}

fn leaves(telemetry: &Telemetry) -> Leaves {
    let mut leaves = Leaves::new();
    flatten("", &serde_json::to_value(telemetry).unwrap(), &mut leaves);
    leaves
}

/// The places in which a place is, the widest first, and the place itself.
fn parts(place: &str) -> impl Iterator<Item = &str> {
    let ends = place.match_indices('/').map(|(end, _)| end).filter(|end| *end > 0).chain([place.len()]);
    ends.map(|end| &place[..end])
}

/// The fields by which records are told apart, in the order of their places.
fn left(leaves: &Leaves) -> Vec<Json> {
    let named = |place: &str| {
        place.ends_with("/name")
            || place.ends_with("/body/stringValue")
            || place.contains("/dataPoints/") && place.ends_with("/attributes/a/stringValue")
    };
    leaves.iter().filter(|(place, _)| named(place)).map(|(_, leaf)| leaf.clone()).collect()
}

/// What became of the telemetry, in the form of the fixture.
fn outcome(case: &Json, telemetry: &Telemetry, before: &Leaves, possible: &[Context]) -> Json {
    let texts: Vec<String> = serde_json::from_value(case["texts"].clone()).unwrap();
    let context = case["context"].as_str().and_then(Context::named);
    let mut run = Run::new(Surroundings::default(), Limits::default());
    let mut telemetry = telemetry.clone();
    let mut outcome = serde_json::Map::new();
    let refused = || serde_json::json!({"refused": true});
    if case["processor"] == "filter" {
        let parse = |text: &String| Condition::parse(text, Dialect::filter(context.unwrap()));
        let Ok(conditions) = texts.iter().map(parse).collect::<Result<Vec<_>, _>>() else { return refused() };
        filter(&mut telemetry, &conditions, &mut run);
        let left = left(&leaves(&telemetry));
        if !left.is_empty() {
            outcome.insert("left".to_owned(), left.into());
        }
    } else {
        let group = Group { statements: &texts, conditions: &[] };
        let Ok(inferred) = context.map_or_else(|| infer_context(group, Functions::Transform, possible), Ok) else {
            return refused();
        };
        let dialect = Dialect { prefixed: context.is_none(), ..Dialect::transform(inferred) };
        let parse = |text: &String| Statement::parse(text, dialect);
        let Ok(statements) = texts.iter().map(parse).collect::<Result<Vec<_>, _>>() else { return refused() };
        transform(&mut telemetry, &[Statements { context: inferred, conditions: vec![], statements }], &mut run);
        let after = leaves(&telemetry);
        let still: HashSet<&str> = after.keys().flat_map(|place| parts(place)).collect();
        let gone = before.keys().filter_map(|place| parts(place).find(|part| !still.contains(part)));
        let gone = gone.map(|part| (part.to_owned(), Json::Null));
        let other = after.iter().filter(|(place, leaf)| before.get(*place) != Some(leaf));
        let other = other.map(|(place, leaf)| (place.clone(), leaf.clone()));
        let changes: serde_json::Map<_, _> = gone.chain(other).collect();
        if !changes.is_empty() {
            outcome.insert("changes".to_owned(), changes.into());
        }
    }
    if run.errors().iter().any(|ignored| matches!(ignored.error, Error::Unsupported(_))) {
        return serde_json::json!({"unsupported": true});
    }
    if run.ignored() > 0 {
        outcome.insert("errors".to_owned(), true.into());
    }
    outcome.into()
}

#[track_caller]
fn assert_same(fixture: &str, possible: &[Context], not_compared: usize) {
    let mut lines = fixture.lines();
    let telemetry = json::read(lines.next().unwrap().as_bytes(), &json::Limits::default()).unwrap();
    let before = leaves(&telemetry);
    let mut different = Vec::new();
    let mut passed_over = 0;
    for line in lines {
        let mut case: Json = serde_json::from_str(line).unwrap();
        let found = outcome(&case, &telemetry, &before, possible);
        // What can only be an error is refused here.
        if found["refused"] == true && case["errors"] == true || found["unsupported"] == true {
            passed_over += 1;
            continue;
        }
        let mut expected = Json::Object(serde_json::Map::new());
        for field in ["refused", "errors", "changes", "left"] {
            let Some(mut known) = case.get_mut(field).map(Json::take) else { continue };
            for change in known.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
                if let Some(number) = change.as_f64() {
                    *change = number.into();
                }
            }
            expected[field] = known;
        }
        if found != expected {
            different.push(format!("{}\n  expected {expected}\n  found    {found}", case["texts"]));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(passed_over, not_compared, "cases that are not compared");
}

#[test]
fn logs_become_what_they_become_upstream() {
    let fixture = include_str!("../../../tests/fixtures/ottl/logs.jsonl");
    assert_same(fixture, &[Context::Resource, Context::Scope, Context::Log], 31);
}

#[test]
fn spans_become_what_they_become_upstream() {
    let fixture = include_str!("../../../tests/fixtures/ottl/traces.jsonl");
    assert_same(fixture, &[Context::Resource, Context::Scope, Context::Span, Context::SpanEvent], 11);
}

#[test]
fn metrics_become_what_they_become_upstream() {
    let fixture = include_str!("../../../tests/fixtures/ottl/metrics.jsonl");
    assert_same(fixture, &[Context::Resource, Context::Scope, Context::Metric, Context::DataPoint], 0);
}

#[test]
fn points_become_one_as_upstream() {
    assert_same(include_str!("../../../tests/fixtures/ottl/aggregates.jsonl"), &[], 0);
}

#[test]
fn spans_are_named_as_upstream() {
    assert_same(include_str!("../../../tests/fixtures/ottl/span_names.jsonl"), &[], 0);
}
