use super::*;
use crate::{
    Condition, Context, Dialect, Error, Statement,
    record::{
        Attributes, LogRecord, Metric, MetricData, Number, NumberPoint, Resource, Resourced, Scope, Scoped, Span,
        SpanEvent, Telemetry, Value,
    },
};

mod limits;
mod random;
mod upstream;

fn attribute(key: &str, value: &str) -> Attributes {
    [(key.to_owned(), Value::Str(value.to_owned()))].into_iter().collect()
}

fn scoped<T>(name: &str, records: Vec<T>) -> Scoped<T> {
    let scope = Scope { name: name.to_owned(), ..Scope::default() };
    Scoped { scope, schema_url: String::new(), records }
}

fn resourced<T>(name: &str, scopes: Vec<Scoped<T>>) -> Resourced<T> {
    let resource = Resource { attributes: attribute("name", name), ..Resource::default() };
    Resourced { resource, schema_url: String::new(), scopes }
}

fn log(body: &str) -> LogRecord {
    LogRecord { body: Value::Str(body.to_owned()), ..LogRecord::default() }
}

fn span(name: &str, events: &[&str]) -> Span {
    let event = |name: &&str| SpanEvent { name: (*name).to_owned(), ..SpanEvent::default() };
    Span { name: name.to_owned(), events: events.iter().map(event).collect(), ..Span::default() }
}

fn gauge(name: &str, values: &[i64]) -> Metric {
    let point = |value: &i64| NumberPoint { value: Some(Number::Int(*value)), ..NumberPoint::default() };
    Metric { name: name.to_owned(), data: MetricData::Gauge(values.iter().map(point).collect()), ..Metric::default() }
}

/// Two resources with two scopes of two logs each, and what is left of them: `resource/scope/body`.
fn logs() -> Telemetry {
    let scopes = |name: &str| {
        let pair = |scope: &str| vec![log(&format!("{name}{scope}1")), log(&format!("{name}{scope}2"))];
        vec![scoped("s", pair("s")), scoped("t", pair("t"))]
    };
    Telemetry::Logs(vec![resourced("a", scopes("a")), resourced("b", scopes("b"))])
}

fn left(telemetry: &Telemetry) -> Vec<String> {
    let Telemetry::Logs(all) = telemetry else { panic!("these are no logs") };
    let mut left = Vec::new();
    for resourced in all {
        let name = resourced.resource.attributes.get("name").cloned().unwrap();
        let Value::Str(name) = name else { panic!("the name is no text") };
        left.push(name);
        for scoped in &resourced.scopes {
            left.push(scoped.scope.name.clone());
            left.extend(scoped.records.iter().map(|log| match &log.body {
                Value::Str(body) => body.clone(),
                other => format!("{other:?}"),
            }));
        }
    }
    left
}

fn run() -> Run {
    Run::new(Surroundings::default(), Limits::default())
}

fn conditions(texts: &[(Context, &str)]) -> Vec<Condition> {
    texts.iter().map(|(context, text)| Condition::parse(text, Dialect::filter(*context)).unwrap()).collect()
}

fn statements(context: Context, conditions: &[&str], texts: &[&str]) -> Statements {
    Statements {
        context,
        conditions: conditions.iter().map(|text| Condition::parse(text, Dialect::filter(context)).unwrap()).collect(),
        statements: texts.iter().map(|text| Statement::parse(text, Dialect::transform(context)).unwrap()).collect(),
    }
}

#[test]
fn what_a_filter_empties_vanishes() {
    for (texts, expected) in [
        (&[][..], "a s as1 as2 t at1 at2 b s bs1 bs2 t bt1 bt2"),
        (&[(Context::Log, "body == \"as1\"")], "a s as2 t at1 at2 b s bs1 bs2 t bt1 bt2"),
        (&[(Context::Log, "IsMatch(body, \"^as\")")], "a t at1 at2 b s bs1 bs2 t bt1 bt2"),
        (&[(Context::Log, "IsMatch(body, \"^a\")")], "b s bs1 bs2 t bt1 bt2"),
        (&[(Context::Log, "true")], ""),
        (
            &[(Context::Log, "body == \"as1\""), (Context::Log, "body == \"bt2\"")],
            "a s as2 t at1 at2 b s bs1 bs2 t bt1",
        ),
        (&[(Context::Scope, "name == \"s\"")], "a t at1 at2 b t bt1 bt2"),
        (&[(Context::Resource, "attributes[\"name\"] == \"a\"")], "b s bs1 bs2 t bt1 bt2"),
        (
            &[(Context::Resource, "attributes[\"name\"] == \"a\""), (Context::Log, "IsMatch(body, \"2$\")")],
            "b s bs1 t bt1",
        ),
        (
            &[(Context::Log, "resource.attributes[\"name\"] == \"a\" and scope.name == \"t\"")],
            "a s as1 as2 b s bs1 bs2 t bt1 bt2",
        ),
        (&[(Context::Span, "true")], "a s as1 as2 t at1 at2 b s bs1 bs2 t bt1 bt2"),
    ] {
        let mut telemetry = logs();
        let mut run = run();
        filter(&mut telemetry, &conditions(texts), &mut run);
        assert_eq!(left(&telemetry).join(" "), expected, "{texts:?}");
        assert_eq!(run.ignored(), 0);
    }
}

#[test]
fn scopes_that_were_empty_vanish_with_those_that_are_filtered() {
    let empty = || Telemetry::Logs(vec![resourced("a", vec![scoped::<LogRecord>("s", vec![])])]);
    let mut telemetry = empty();
    filter(&mut telemetry, &[], &mut run());
    assert_eq!(telemetry, empty(), "nothing is asked");
    filter(&mut telemetry, &conditions(&[(Context::Resource, "false")]), &mut run());
    assert_eq!(telemetry, empty(), "only resources without scopes go");
    filter(&mut telemetry, &conditions(&[(Context::Log, "false")]), &mut run());
    assert_eq!(telemetry, Telemetry::Logs(vec![]));
}

#[test]
fn a_condition_that_cannot_be_worked_out_keeps_the_record_and_is_told_once() {
    let mut telemetry = logs();
    let mut run = run();
    filter(
        &mut telemetry,
        &conditions(&[(Context::Log, "body[\"x\"] == 1"), (Context::Log, "body == \"as1\"")]),
        &mut run,
    );
    assert_eq!(left(&telemetry).join(" "), "a s as2 t at1 at2 b s bs1 bs2 t bt1 bt2");
    assert_eq!(run.ignored(), 8);
    let errors: Vec<_> =
        run.errors().iter().map(|ignored| (ignored.text.as_str(), ignored.error.to_string())).collect();
    assert_eq!(errors, [("body[\"x\"] == 1", "a body that is a text has no keys".to_owned())]);
}

#[test]
fn spans_stay_without_their_events_and_metrics_go_without_their_points() {
    let mut telemetry = Telemetry::Traces(vec![resourced(
        "a",
        vec![scoped("s", vec![span("one", &["x", "y", "x"]), span("two", &["x"]), span("three", &[])])],
    )]);
    let texts = [
        (Context::Span, "name == \"three\""),
        (Context::SpanEvent, "name == \"x\" and IsMatch(span.name, \"^(one|two)$\")"),
    ];
    filter(&mut telemetry, &conditions(&texts), &mut run());
    let expected = vec![span("one", &["y"]), span("two", &[])];
    assert_eq!(telemetry, Telemetry::Traces(vec![resourced("a", vec![scoped("s", expected)])]));

    let metrics = || {
        let empty = Metric { name: "none".to_owned(), ..Metric::default() };
        vec![gauge("g", &[1, 2, 3]), gauge("h", &[1]), gauge("i", &[]), gauge("j", &[5]), empty]
    };
    let mut telemetry = Telemetry::Metrics(vec![resourced("a", vec![scoped("s", metrics())])]);
    let texts = [
        (Context::Metric, "name == \"j\""),
        (Context::DataPoint, "value_int < 2 and metric.type == METRIC_DATA_TYPE_GAUGE"),
    ];
    filter(&mut telemetry, &conditions(&texts), &mut run());
    let empty = Metric { name: "none".to_owned(), ..Metric::default() };
    let expected = vec![gauge("g", &[2, 3]), empty];
    assert_eq!(telemetry, Telemetry::Metrics(vec![resourced("a", vec![scoped("s", expected)])]));
}

#[test]
fn groups_run_one_after_another_and_share_no_cache() {
    let mut telemetry = logs();
    let groups = [
        statements(
            Context::Resource,
            &[],
            &["set(attributes[\"name\"], Concat([attributes[\"name\"], \"!\"], \"\"))", "set(cache[\"n\"], 1)"],
        ),
        statements(Context::Scope, &["name == \"s\""], &["set(name, resource.attributes[\"name\"])"]),
        statements(
            Context::Log,
            &["scope.name == \"a!\"", "IsMatch(body, \"bt\")"],
            &[
                "set(cache[\"old\"], body)",
                "set(body, cache[\"n\"])",
                "set(body, cache[\"missing\"][\"deep\"])",
                "set(body, cache[\"old\"][\"x\"])",
                "set(body, Concat([cache[\"old\"], \"+\"], \"\"))",
            ],
        ),
        statements(Context::Metric, &[], &["set(name, \"never\")"]),
    ];
    let mut run = run();
    transform(&mut telemetry, &groups, &mut run);
    assert_eq!(left(&telemetry).join(" "), "a! a! as1+ as2+ t at1 at2 b! b! bs1 bs2 t bt1+ bt2+");
    assert_eq!(run.ignored(), 4);
    assert_eq!(run.errors().len(), 1, "each text and error once");
    assert_eq!(run.errors()[0].text, "set(body, cache[\"old\"][\"x\"])");
}

#[test]
fn events_and_points_are_changed_with_what_they_stand_in() {
    let mut telemetry = Telemetry::Traces(vec![resourced("a", vec![scoped("s", vec![span("one", &["x", "y"])])])]);
    let groups = [
        statements(Context::SpanEvent, &[], &["set(name, Concat([span.name, name], \".\"))"]),
        statements(
            Context::Span,
            &["Len(events) == 2"],
            &["set(attributes[\"n\"], Len(events))", "set(kind.string, \"Server\")"],
        ),
    ];
    transform(&mut telemetry, &groups, &mut run());
    let mut expected = span("one", &["one.x", "one.y"]);
    expected.attributes.insert("n", Value::Int(2));
    expected.kind = 2;
    assert_eq!(telemetry, Telemetry::Traces(vec![resourced("a", vec![scoped("s", vec![expected])])]));

    let mut telemetry = Telemetry::Metrics(vec![resourced("a", vec![scoped("s", vec![gauge("g", &[1, 2])])])]);
    let groups = [
        statements(
            Context::DataPoint,
            &["value_int == 2"],
            &["set(value_int, value_int * 10)", "set(metric.unit, \"By\")"],
        ),
        statements(Context::Metric, &[], &["set(description, Concat([name, unit], \"/\"))"]),
    ];
    transform(&mut telemetry, &groups, &mut run());
    let mut expected = gauge("g", &[1, 20]);
    expected.unit = "By".to_owned();
    expected.description = "g/By".to_owned();
    assert_eq!(telemetry, Telemetry::Metrics(vec![resourced("a", vec![scoped("s", vec![expected])])]));
}

#[test]
fn chance_and_the_clock_are_given() {
    let statements = || {
        [statements(Context::Log, &[], &["set(body, UUID())", "set(time, Now())", "set(attributes[\"v7\"], UUIDv7())"])]
    };
    let with = |seed| {
        let mut telemetry = Telemetry::Logs(vec![resourced("a", vec![scoped("s", vec![log("")])])]);
        let surroundings = Surroundings { now_unix_nano: 1_700_000_000_000_000_001, seed };
        transform(&mut telemetry, &statements(), &mut Run::new(surroundings, Limits::default()));
        let Telemetry::Logs(all) = telemetry else { unreachable!() };
        all[0].scopes[0].records[0].clone()
    };
    let (one, again, other) = (with(1), with(1), with(2));
    assert_eq!(one, again);
    assert_ne!(one.body, other.body);
    assert_eq!(one.time_unix_nano, 1_700_000_000_000_000_001);
    let Some(Value::Str(id)) = one.attributes.get("v7") else { panic!("no id") };
    assert!(id.starts_with("018bcfe5-6800-7") && id.len() == 36, "{id}");
}

#[test]
fn what_grows_without_end_is_stopped() {
    let double = "set(attributes[\"a\"], Concat([attributes[\"a\"], attributes[\"a\"]], \"\"))";
    let nest = "set(cache, {\"a\": cache, \"b\": cache})";
    for (text, again) in [
        (double, "would be larger"),
        (nest, "would be larger"),
        ("set(attributes[\"a\"], [attributes[\"a\"]])", "too deep"),
        ("set(attributes[\"x\"][9999999999], 1)", "grows to more than 10000 elements"),
        ("replace_pattern(attributes[\"a\"], \"\", \"0123456789\")", "would be larger"),
        ("set(attributes[\"x\"], Format(\"%999999999d\", [1]))", "at most 1000 characters"),
    ] {
        let mut telemetry = Telemetry::Logs(vec![resourced("a", vec![scoped("s", vec![log("")])])]);
        let mut first = statements(Context::Log, &[], &["set(attributes[\"a\"], \"seed\")"]);
        let texts = vec![text; 400];
        first.statements.extend(statements(Context::Log, &[], &texts).statements);
        let mut run = Run::new(Surroundings::default(), Limits { work: 1 << 23, errors: 5, ..Limits::default() });
        transform(&mut telemetry, &[first], &mut run);
        let met: Vec<_> = run.errors().iter().map(|ignored| ignored.error.to_string()).collect();
        assert!(run.is_exhausted() || met.iter().any(|error| error.contains(again)), "{text}: {met:?}");
    }
}

#[test]
fn work_is_bounded_and_the_rest_left_as_it_is() {
    let mut telemetry = logs();
    let mut run = Run::new(Surroundings::default(), Limits { work: 1_000, errors: 2, ..Limits::default() });
    transform(&mut telemetry, &[statements(Context::Log, &[], &["set(body, Concat([body, \"!\"], \"\"))"])], &mut run);
    assert!(run.is_exhausted());
    assert_eq!(run.errors()[0].error, Error::Exhausted);
    let left = left(&telemetry);
    assert!(left.contains(&"as1!".to_owned()) && left.contains(&"bt2".to_owned()), "{left:?}");
}

#[test]
fn many_matches_cost_no_more_than_the_text_is_long() {
    let words = "word 12 ".repeat(20_000);
    let pattern = "replace_pattern(body, \"\\\\s+([0-9]+)\", \"_$1\")";
    let mut telemetry = Telemetry::Logs(vec![resourced("a", vec![scoped("s", vec![log(&words)])])]);
    let mut run = Run::new(Surroundings::default(), Limits { work: 1 << 24, errors: 5, ..Limits::default() });
    transform(&mut telemetry, &[statements(Context::Log, &[], &[pattern])], &mut run);
    assert_eq!(run.errors(), []);
    assert!(left(&telemetry).contains(&"word_12 ".repeat(20_000)));
}
