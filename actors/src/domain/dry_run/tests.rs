use linkmesh_ottl::record::json::{Limits, read_value};
use serde_json::json;

use super::*;
use crate::domain::document::parse_pipeline;

fn sample(records: &Value) -> Sample {
    let records = read_value(records, &Limits::default()).unwrap();
    Sample { records, source: None, runtime: None, now_unix_nano: 0, seed: 0 }
}

fn logs(bodies: &[&str]) -> Value {
    let records: Vec<Value> =
        bodies.iter().map(|body| json!({"body": {"stringValue": body}, "severityNumber": 9})).collect();
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})
}

fn pipeline(parts: &str) -> PipelineDocument {
    let text = format!(
        "name: P\nsignals: [logs, traces]\nsources: [{{id: in, kind: otlp, settings: {{http: {{endpoint: ':4318'}}}}}}]\n{parts}"
    );
    let text = if parts.contains("destinations:") { text } else { format!("{text}destinations: [a]\n") };
    parse_pipeline(&text).unwrap()
}

fn run(parts: &str, sample: Sample) -> DryRun {
    dry_run(&pipeline(parts), sample, &|| false)
}

fn errors(run: &DryRun) -> Vec<String> {
    run.errors.iter().map(|problem| format!("{} {}", problem.field, problem.code)).collect()
}

#[test]
fn each_step_says_what_came_in_and_what_went_on() {
    let parts = "filters: [{id: no-b, kind: match, settings: {action: drop, conditions: [{test: equals, value: b}]}}]\n\
                 processors:\n  - {id: mark, kind: attributes, settings: {actions: [{action: set, key: k, value: v}]}}\n\
                 \x20 - {id: other, kind: raw, settings: {otelcol: 'span: {}', alloy: 'otelcol.processor.span { }'}}\n\
                 destinations: [all, {id: some, when: 'body == \"c\"'}]\n";
    let done = run(parts, sample(&logs(&["a", "b", "c"])));
    assert_eq!(done.errors, []);
    let counts: Vec<_> = done.steps.iter().map(|step| (step.id.as_str(), step.incoming, step.out)).collect();
    assert_eq!(counts, [("no-b", 3, 2), ("mark", 2, 2), ("other", 2, 2)]);
    let record = &done.steps[1].records["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    assert_eq!(record["attributes"], json!([{"key": "k", "value": {"stringValue": "v"}}]));
    assert_eq!(done.steps[2].notes, ["cannot be tried here: records pass as they are"]);
    let out: Vec<_> = done.destinations.iter().map(|there| (there.id.as_str(), there.out)).collect();
    assert_eq!(out, [("all", 2), ("some", 1)]);
}

#[test]
fn what_is_wrong_is_named_and_stops_there() {
    let metrics = json!({"resourceMetrics": []});
    assert_eq!(errors(&run("", sample(&metrics))), ["records wrong_signal"]);
    let wrong = "filters:\n  - {id: a, kind: severity, settings: {minimum: info}}\n  - {id: b, kind: severity}\n";
    let done = run(wrong, sample(&logs(&["a"])));
    assert_eq!((errors(&done), done.steps.len()), (vec!["filters[1].settings.minimum missing".to_owned()], 1));
    let unknown = "processors: [{id: a, kind: nothing}]\n";
    assert_eq!(errors(&run(unknown, sample(&logs(&["a"])))), ["processors[0].kind unknown_kind"]);
    let of_spans = "filters: [{id: a, kind: ottl, settings: {action: drop, condition: 'status.code == 2'}}]\n";
    let done = run(of_spans, sample(&logs(&["a"])));
    assert_eq!(errors(&done), ["filters[0].settings.condition invalid_value"]);
    assert!(done.errors[0].message.starts_with("1:1: "), "{:?}", done.errors);
    let branch = "destinations: [{id: a, when: 'IsMatch(body, 1'}]\n";
    assert_eq!(errors(&run(branch, sample(&logs(&["a"])))), ["destinations[0].when invalid_value"]);
    let from = Sample { source: Some("out".parse().unwrap()), ..sample(&logs(&["a"])) };
    assert_eq!(errors(&run("", from)), ["source unknown_source"]);
    let alloy = Sample { runtime: Some(Runtime::Alloy), ..sample(&logs(&["a"])) };
    assert_eq!(errors(&run("filters: [{id: a, kind: dedup}]\n", alloy)), ["filters[0].kind unsupported"]);
    let late = dry_run(
        &pipeline("filters: [{id: a, kind: severity, settings: {minimum: info}}]\n"),
        sample(&logs(&["a"])),
        &|| true,
    );
    assert_eq!(errors(&late), ["filters[0] too_slow"]);
}

#[test]
fn nothing_grows_or_runs_without_bound() {
    // Doubled forty times a body would be a terabyte.
    let double = "set(body, Concat([body, body], \"\"))";
    let statements = json!(vec![double; 40]);
    let parts = format!("processors: [{{id: grow, kind: ottl, settings: {{statements: {statements}}}}}]\n");
    let done = run(&parts, sample(&logs(&["0123456789"; 500])));
    let said = done.steps.first().map(|step| step.notes.join("; ")).unwrap_or_default();
    assert!(
        errors(&done) == ["processors[0] too_large"] || said.contains("larger than") || said.contains("too long"),
        "{said}"
    );
    // Backtracking is not what happens here.
    let parts = "filters: [{id: a, kind: match, settings: {action: drop, conditions: [{test: regex, value: '(a*)*(a*)*(a*)*b$'}]}}]\n";
    let done = run(parts, sample(&logs(&["a".repeat(20_000).as_str(); 20])));
    assert_eq!(done.errors, []);
}

#[test]
fn errors_of_statements_are_told_once() {
    let parts = "processors: [{id: a, kind: ottl, settings: {statements: ['set(attributes[\"n\"], Int(ParseJSON(body)[\"n\"]))']}}]\n";
    let done = run(parts, sample(&logs(&["{", "{", "{\"n\":3}"])));
    assert_eq!(done.errors, []);
    assert_eq!(done.steps[0].notes.len(), 2, "{:?}", done.steps[0].notes);
    assert!(done.steps[0].notes[0].starts_with("`set(attributes[\"n\"]"), "{:?}", done.steps[0].notes);
}

#[test]
fn the_same_seed_gives_the_same_outcome() {
    let parts = "processors: [{id: a, kind: ottl, settings: {statements: ['set(attributes[\"id\"], UUID())']}}]\n";
    let of = |seed| run(parts, Sample { seed, ..sample(&logs(&["a", "b"])) });
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn what_failed_is_counted_by_statement_and_record() {
    let parts = "processors: [{id: a, kind: ottl, settings: {statements: ['set(body, ParseJSON(body))', \
                 'set(attributes[\"n\"], Double(ParseJSON(body)[\"n\"]))']}}]\n";
    let done = run(parts, sample(&logs(&["a", "b", "c"])));
    assert_eq!(done.errors, []);
    let notes = &done.steps[0].notes;
    assert!(
        notes.iter().any(|note| note == "6 failures in all: what failed on a record was skipped there"),
        "{notes:?}"
    );
}

#[test]
fn what_is_nested_is_masked_when_it_was_made_flat() {
    let body = r#"{"user":{"email":"ada@example.com"},"mails":["bob@example.org",{"to":"eve@example.net"}]}"#;
    let masked = |settings: &str| {
        let parts = format!(
            "processors:\n  - {{id: p, kind: parse, settings: {{format: json, source: remove{settings}}}}}\n  - {{id: m, kind: mask, settings: {{patterns: [email]}}}}\n"
        );
        let done = run(&parts, sample(&logs(&[body])));
        assert_eq!(done.errors, []);
        done.steps[1].records.to_string()
    };
    assert!(masked("").contains("ada@example.com"), "it is not reached where it is nested");
    let flat = masked(", flatten: true");
    assert!(!flat.contains("@example"), "{flat}");
    for key in ["user.email", "mails.0", "mails.1.to"] {
        assert!(flat.contains(&format!("\"{key}\"")), "{key}: {flat}");
    }
}
