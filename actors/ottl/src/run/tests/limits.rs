//! What runs take of work and memory: counted, and bounded.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::record::{Exemplar, SummaryPoint};

/// The least that a run of so much work leaves, and why it ended.
fn took(telemetry: &mut Telemetry, context: Context, texts: &[&str], limits: Limits) -> (usize, Option<Spent>, usize) {
    let budget = Budget::new(limits, IsOver::NEVER);
    let mut run = Run::within(Surroundings::default(), 5, budget);
    transform(telemetry, &[statements(context, &[], texts)], &mut run);
    let budget = run.into_budget();
    (limits.work - budget.left(), budget.spent(), telemetry.size())
}

fn of_logs(records: Vec<LogRecord>) -> Telemetry {
    Telemetry::Logs(vec![resourced("a", vec![scoped("s", records)])])
}

fn many(entries: usize, value: &Value) -> Attributes {
    (0..entries).map(|number| (format!("{number:06}"), value.clone())).collect()
}

#[test]
fn lists_that_are_made_are_counted_and_end_the_run() {
    let far = format!("set(attributes[\"l0\"]{}, 1)", "[9990]".repeat(30));
    let mut one = of_logs(vec![log("")]);
    let before = one.size();
    let (work, spent, size) = took(&mut one, Context::Log, &[&far], Limits::default());
    assert_eq!(spent, None);
    let made = 30 * 9991 * size_of::<Value>();
    assert!(work >= made && size - before >= made, "{work} {size}");

    let texts: Vec<String> = (0..100).map(|n| far.replace("l0", &format!("l{n}"))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut all = of_logs(vec![log(""); 1000]);
    let (_, spent, size) = took(&mut all, Context::Log, &texts, Limits::default());
    assert_eq!(spent, Some(Spent::Memory));
    assert!(size <= Limits::default().memory, "{size}");
    let mut run = run();
    transform(&mut of_logs(vec![log(""); 1000]), &[statements(Context::Log, &[], &texts)], &mut run);
    assert!(run.errors().iter().any(|ignored| ignored.error == Error::Full(64)), "{:?}", run.errors());
}

#[test]
fn nothing_that_is_set_or_made_passes_what_records_may_hold() {
    let limits = Limits { memory: 1 << 20, ..Limits::default() };
    let long = "x".repeat(2000);
    let logs = || {
        let attributes = many(10, &Value::Str(long.clone()));
        of_logs(vec![LogRecord { attributes, ..log(&long) }; 20])
    };
    for text in [
        "set(attributes[Concat([\"k\", UUID()], \"\")], body)",
        "merge_maps(attributes, {UUID_KEY: body}, \"upsert\")",
        "append(attributes[\"a\"], body)",
        "set(body, {\"a\": body})",
        "set(resource.attributes[Concat([\"k\", UUID()], \"\")], body)",
        "set(severity_text, Concat([severity_text, body], \"\"))",
    ] {
        let text = text.replace("UUID_KEY", "\"k\"");
        let texts = vec![text.as_str(); 400];
        let mut telemetry = logs();
        let (_, _, size) = took(&mut telemetry, Context::Log, &texts, limits);
        // The last value is counted when it is there.
        assert!(size <= limits.memory + (64 << 10), "{text}: {size}");
    }

    let exemplar = Exemplar { filtered_attributes: attribute("k", &long), ..Exemplar::default() };
    let point = NumberPoint {
        attributes: attribute("a", &long),
        exemplars: vec![exemplar; 10],
        value: Some(Number::Int(1)),
        ..NumberPoint::default()
    };
    let heavy = || Metric { data: MetricData::Gauge(vec![point.clone(); 10]), ..gauge("g", &[]) };
    let metrics = |metric| Telemetry::Metrics(vec![resourced("a", vec![scoped("s", vec![metric])])]);
    let mut copied = metrics(heavy());
    let (_, spent, size) = took(&mut copied, Context::Metric, &["copy_metric(Concat([name, \"x\"], \"\"))"], limits);
    assert_eq!(spent, Some(Spent::Memory));
    assert!(size <= limits.memory, "{size}");

    let quantiles = vec![(0.5, 1.0); 10_000];
    let summary =
        SummaryPoint { attributes: attribute("a", &long), quantile_values: quantiles, ..SummaryPoint::default() };
    let mut summaries = metrics(Metric { data: MetricData::Summary(vec![summary]), ..gauge("s", &[]) });
    let texts = ["convert_summary_quantile_val_to_gauge()"];
    let (_, spent, size) = took(&mut summaries, Context::Metric, &texts, limits);
    assert_eq!(spent, Some(Spent::Memory));
    assert!(size <= limits.memory, "{size}");
}

#[test]
fn what_is_replaced_and_what_is_forgotten_is_given_back() {
    let limits = Limits { memory: 1 << 20, ..Limits::default() };
    let texts =
        ["set(body, \"0123456789\")", "set(cache[\"a\"], attributes)", "set(attributes[\"x\"], attributes[\"big\"])"];
    let texts: Vec<&str> = texts.into_iter().cycle().take(300).collect();
    let record = LogRecord { attributes: attribute("big", &"x".repeat(10_000)), ..log("") };
    let (_, spent, _) = took(&mut of_logs(vec![record; 20]), Context::Log, &texts, limits);
    assert_eq!(spent, None);
}

#[test]
fn whatever_is_evaluated_is_work() {
    let chain = format!("set(severity_number, {})", vec!["1"; 400].join(" + "));
    let tests = format!("set(severity_number, 1) where {}", vec!["severity_number == 2"; 400].join(" or "));
    for text in [&chain, &tests] {
        let (work, ..) = took(&mut of_logs(vec![log("")]), Context::Log, &[text], Limits::default());
        assert!(work >= 800, "{work}");
    }
}

#[test]
fn looking_for_a_key_is_work_by_the_length_of_the_map() {
    let texts = ["set(severity_number, 1) where attributes[\"none\"] == 1", "set(attributes[\"none\"], 1)"];
    let of = |entries, text| {
        let record = LogRecord { attributes: many(entries, &Value::Int(1)), ..log("") };
        took(&mut of_logs(vec![record]), Context::Log, &[text], Limits::default()).0
    };
    for text in texts {
        let (few, most) = (of(10, text), of(40_000, text));
        // Beyond what weighing it costs.
        assert!(most - few > 10_000 + 40_000, "{text}: {few} {most}");
    }
}

/// Large maps: with the square of their length these would be looked at four hundred million times each.
#[test]
fn large_maps_are_merged_flattened_gathered_and_compared_in_one_pass() {
    let entries = 20_000;
    let mut map = many(entries, &Value::Int(1));
    map.insert("one", Value::Int(1));
    let other: Attributes = map.iter().map(|(key, _)| (format!("x{key}"), Value::Int(2))).collect();
    let nested = [("a".to_owned(), Value::Map(map.clone())), ("b".to_owned(), Value::Map(map.clone()))];
    let mut turned: Vec<_> = map.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
    turned.reverse();
    let turned: Attributes = turned.into_iter().collect();
    let pairs = map.iter().map(|(key, _)| {
        let pair = [("k".to_owned(), Value::Str(key.to_owned())), ("v".to_owned(), Value::Int(3))];
        Value::Map(pair.into_iter().collect())
    });
    let attributes: Attributes = [
        ("map".to_owned(), Value::Map(map.clone())),
        ("other".to_owned(), Value::Map(other)),
        ("turned".to_owned(), Value::Map(turned)),
        ("nested".to_owned(), Value::Map(nested.into_iter().collect())),
        ("pairs".to_owned(), Value::Array(pairs.collect())),
    ]
    .into_iter()
    .collect();
    let record = LogRecord { attributes, ..log("") };
    for (text, expected) in [
        ("set(cache[\"m\"], Len(attributes[\"map\"]))", None),
        ("merge_maps(attributes[\"map\"], attributes[\"other\"], \"upsert\")", Some(2 * entries + 2)),
        ("flatten(attributes[\"nested\"])", None),
        ("flatten(attributes[\"nested\"], \"\", 5, true)", None),
        ("set(attributes[\"map\"], SliceToMap(attributes[\"pairs\"], [\"k\"], [\"v\"]))", Some(entries + 1)),
        ("replace_all_patterns(attributes[\"map\"], \"key\", \"^0\", \"y\")", Some(entries + 1)),
        ("set(severity_number, 7) where attributes[\"map\"] == attributes[\"turned\"]", None),
    ] {
        let mut telemetry = of_logs(vec![record.clone()]);
        let mut run = run();
        transform(&mut telemetry, &[statements(Context::Log, &[], &[text])], &mut run);
        assert_eq!((run.errors(), run.is_exhausted()), (&[][..], false), "{text}");
        let Telemetry::Logs(all) = &telemetry else { unreachable!() };
        let record = &all[0].scopes[0].records[0];
        if let Some(expected) = expected {
            let Some(Value::Map(map)) = record.attributes.get("map") else { panic!("no map") };
            assert_eq!(map.len(), expected, "{text}");
        }
        if text.contains("where") {
            assert_eq!(record.severity_number, 7);
        }
    }
}

#[test]
fn a_run_asks_whether_it_is_over_and_ends_soon() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let is_over = IsOver::new(move || counted.fetch_add(1, Ordering::Relaxed) >= 3);
    let budget = Budget::new(Limits::default(), is_over);
    let mut run = Run::within(Surroundings::default(), 5, budget);
    let text = "set(body, Concat([\"0123456789\", UUID()], \"\"))";
    let mut telemetry = of_logs(vec![log(""); 5000]);
    transform(&mut telemetry, &[statements(Context::Log, &[], &vec![text; 20])], &mut run);
    assert!(run.is_exhausted());
    assert_eq!(asked.load(Ordering::Relaxed), 4, "it is over for good");
    let budget = run.into_budget();
    assert_eq!(budget.spent(), Some(Spent::Time));
    let worked = Limits::default().work - budget.left();
    assert!(worked < 5 << 14, "{worked}");
}

#[test]
fn runs_one_after_another_share_what_there_is() {
    let text = ["set(body, Concat([\"0123456789\", UUID()], \"\"))"];
    let mut budget = Budget::new(Limits { work: 100_000, ..Limits::default() }, IsOver::NEVER);
    let mut left = Vec::new();
    for _ in 0..10 {
        let mut run = Run::within(Surroundings::default(), 5, budget);
        transform(&mut of_logs(vec![log(""); 100]), &[statements(Context::Log, &[], &text)], &mut run);
        budget = run.into_budget();
        left.push(budget.left());
    }
    assert!(left.windows(2).all(|pair| pair[1] < pair[0] || pair[1] == 0), "{left:?}");
    assert_eq!(budget.spent(), Some(Spent::Work));
}

#[test]
fn what_a_field_refuses_is_counted() {
    let event = SpanEvent { name: "e".repeat(40), ..SpanEvent::default() };
    let span = Span { events: vec![event; 1000], ..Span::default() };
    let mut telemetry = Telemetry::Traces(vec![resourced("a", vec![scoped("s", vec![span])])]);
    let limits = Limits { work: 1 << 24, ..Limits::default() };
    let (_, spent, _) = took(&mut telemetry, Context::SpanEvent, &["set(span.events, \"x\")"], limits);
    assert_eq!(spent, Some(Spent::Work), "a thousand times a thousand events were looked at");
}

#[test]
fn what_is_said_of_a_value_is_short() {
    let long = "7x".repeat(500_000);
    let mut telemetry = of_logs(vec![log(&long)]);
    let mut run = run();
    let texts = ["set(attributes[\"a\"], Double(body))", "set(attributes[\"a\"], Time(body, \"%Y\"))"];
    transform(&mut telemetry, &[statements(Context::Log, &[], &texts)], &mut run);
    let said: Vec<String> = run.errors().iter().map(|ignored| ignored.error.to_string()).collect();
    assert_eq!(said.len(), 2);
    for said in said {
        assert!(said.len() < 400 && said.starts_with("`7x7x"), "{said}");
    }
}

#[test]
fn a_pattern_that_is_too_much_is_too_much_on_each_record() {
    // A run grants as much work as 16 MB of patterns make; the work that is left compiles none of these.
    let pattern = "IsMatch(body, \"(a{30}b{30}){30}\")";
    let limits = Limits { work: 1 << 16, ..Limits::default() };
    let text = format!("set(attributes[\"a\"], 1) where {pattern}");
    let mut telemetry = of_logs(vec![log("x"); 3]);
    let (_, spent, _) = took(&mut telemetry, Context::Log, &[&text], limits);
    assert_eq!(spent, Some(Spent::Work));
    let Telemetry::Logs(all) = &telemetry else { unreachable!() };
    assert!(all[0].scopes[0].records.iter().all(|log| log.attributes.get("a").is_none()));
}

#[test]
fn a_query_of_many_parameters_is_read_in_one_pass() {
    let query: String = (0..150_000).map(|number| format!("&{number:05x}")).collect();
    let mut telemetry = of_logs(vec![log(&format!("?{query}"))]);
    let mut run = run();
    let text = "set(attributes[\"n\"], Len(Keys(URL(body)[\"query\"])))";
    transform(&mut telemetry, &[statements(Context::Log, &[], &[text])], &mut run);
    let Telemetry::Logs(all) = &telemetry else { unreachable!() };
    let log = &all[0].scopes[0].records[0];
    let said: Vec<String> = run.errors().iter().map(|ignored| ignored.error.to_string()).collect();
    assert_eq!(said, ["the result would be larger than 4194304 octets"], "{:?}", log.attributes);
}
