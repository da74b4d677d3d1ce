//! What stages take of work and memory.

use linkmesh_ottl::{
    record::{
        Attributes as Map, LogRecord, Metric, MetricData, NumberPoint, Resource, Resourced, Scoped, Span, Telemetry,
        Value,
    },
    run::{IsOver, Limits, Spent},
};
use serde_json::json;

use super::super::{
    attributes::{Action, Attributes, Verb},
    cumulative_to_delta::{CumulativeToDelta, InitialValue},
    log_dedup::{Compare, LogDedup},
    tail_sampling::{Policy, TailSampling},
    *,
};

fn long() -> Map {
    [("long".to_owned(), Value::Str("x".repeat(10_000)))].into_iter().collect()
}

fn of<T: Default>(records: Vec<T>) -> Vec<Resourced<T>> {
    let resource = Resource { attributes: long(), ..Resource::default() };
    vec![Resourced { resource, scopes: vec![Scoped { records, ..Scoped::default() }], ..Resourced::default() }]
}

fn logs(records: usize) -> Telemetry {
    Telemetry::Logs(of(vec![LogRecord { attributes: long(), ..LogRecord::default() }; records]))
}

fn traces(traces: u8) -> Telemetry {
    let span = |number| Span { trace_id: [number; 16], attributes: long(), ..Span::default() };
    Telemetry::Traces(of((1..=traces).map(span).collect()))
}

fn metrics(metrics: usize) -> Telemetry {
    let points = vec![NumberPoint { attributes: long(), ..NumberPoint::default() }];
    let data = MetricData::Sum { points, temporality: 2, is_monotonic: true };
    Telemetry::Metrics(of(vec![Metric { data, ..Metric::default() }; metrics]))
}

fn action(key: &str, verb: Verb) -> Action {
    Action { key: key.to_owned(), verb }
}

fn tail(policy: Policy) -> TailSampling {
    TailSampling { decision_wait: "10s".to_owned(), num_traces: 100, policies: vec![("p".to_owned(), policy)] }
}

/// What a stage leaves when it may take so much, and what it is that was not enough.
fn tried(stage: &dyn Stage, mut telemetry: Telemetry, limits: Limits) -> (Telemetry, Option<Spent>, Vec<String>) {
    let mut trial = Trial { budget: Budget::new(limits, IsOver::NEVER), ..Trial::default() };
    stage.run(&mut telemetry, &mut trial);
    (telemetry, trial.budget.spent(), trial.notes)
}

#[test]
fn what_is_copied_takes_memory() {
    let limits = Limits { memory: 1 << 20, ..Limits::default() };
    let copies = Attributes((0..50).map(|n| action(&format!("k{n}"), Verb::UpsertFrom("long".to_owned()))).collect());
    let settings = Attributes(vec![action("k", Verb::Upsert(json!("x".repeat(100_000))))]);
    for stage in [&copies, &settings] {
        let (left, spent, notes) = tried(stage, logs(20), limits);
        assert_eq!(spent, Some(Spent::Memory));
        assert!(left.size() <= limits.memory, "{}", left.size());
        assert!(notes[0].contains("too large"), "{notes:?}");
    }
    // Each trace has the resource for itself.
    let (left, spent, _) = tried(&tail(Policy::Errors), traces(100), Limits { memory: 3 << 19, ..limits });
    assert_eq!(spent, Some(Spent::Memory));
    assert!(left == traces(100), "nothing is lost");
}

#[test]
fn what_is_compared_and_looked_for_is_work_and_the_rest_stays() {
    let values = vec!["(a|b)*c(d|e)*f".to_owned(); 10];
    let policy = Policy::Attribute { key: "long".to_owned(), values, is_regex: true, is_inverted: false };
    let dedup = LogDedup { interval: "10s".to_owned(), compare: Compare::AllBut(vec![]) };
    let hashes = Attributes(vec![action("long", Verb::Hash); 3]);
    let deltas = CumulativeToDelta { names: None, initial_value: InitialValue::Drop, max_staleness: "0s".to_owned() };
    let stages: [(&dyn Stage, Telemetry); 4] =
        [(&tail(policy), traces(50)), (&dedup, logs(50)), (&hashes, logs(50)), (&deltas, metrics(50))];
    for (stage, telemetry) in stages {
        let count = telemetry.count();
        let (_, spent, _) = tried(stage, telemetry.clone(), Limits::default());
        assert_eq!(spent, None, "{stage:?}");
        let (left, spent, notes) = tried(stage, telemetry, Limits { work: 40_000, ..Limits::default() });
        assert_eq!(spent, Some(Spent::Work), "{stage:?}");
        assert!(notes.iter().any(|note| note.contains("took too long")), "{notes:?}");
        assert!(left.count() + 5 > count, "{stage:?}: {}", left.count());
    }
}
