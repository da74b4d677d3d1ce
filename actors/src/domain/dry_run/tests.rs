use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

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
    dry_run(&pipeline(parts), sample, IsOver::NEVER)
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
        IsOver::new(|| true),
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

fn statements(texts: &[String]) -> String {
    format!("processors: [{{id: a, kind: ottl, settings: {{statements: {}}}}}]\n", json!(texts))
}

#[test]
fn lists_that_statements_make_end_the_run_and_the_next_step_does_not_begin() {
    let far: Vec<String> = (0..100).map(|n| format!("set(attributes[\"l{n}\"]{}, 1)", "[9990]".repeat(30))).collect();
    let parts = statements(&far);
    // Few enough to be shown: the answer is bounded apart.
    let done = run(&parts, sample(&logs(&["a"; 1000])));
    assert!(done.errors.iter().all(|problem| problem.code == "too_large" || problem.code == "too_slow"), "{done:?}");
    assert_eq!(done.errors.len(), 1);
}

#[test]
fn all_steps_and_destinations_share_what_work_there_is() {
    let condition = vec!["IsMatch(body, \"(a|aa|aaa)*x(a|b)*1\")"; 40].join(" or ");
    let destinations: Vec<Value> = (0..40).map(|n| json!({"id": format!("d{n}"), "when": condition})).collect();
    let parts = format!("destinations: {}\n", json!(destinations));
    let bodies = vec!["a".repeat(20_000); 20];
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    let done = run(&parts, sample(&logs(&bodies)));
    let [problem] = done.errors.as_slice() else { panic!("{:?}", done.errors) };
    assert_eq!(problem.code, "too_slow");
    assert!(problem.field.starts_with("destinations["), "{problem:?}");
    assert!(!done.destinations.is_empty() && done.destinations.len() < 40);
    let told = done.destinations.last().map(|there| there.notes.join("; ")).unwrap_or_default();
    assert!(told.contains("took too long to be tried on all records"), "{told}");
}

#[test]
fn it_is_over_within_a_stage_and_before_a_destination() {
    let asked = Arc::new(AtomicUsize::new(0));
    let after = |most: usize| {
        let asked = Arc::clone(&asked);
        asked.store(0, Ordering::Relaxed);
        IsOver::new(move || asked.fetch_add(1, Ordering::Relaxed) >= most)
    };
    let many = statements(&vec!["set(body, Concat([\"0123456789\", UUID()], \"\"))".to_owned(); 50]);
    let done = dry_run(&pipeline(&many), sample(&logs(&["a"; 1000])), after(5));
    assert_eq!(errors(&done), ["destinations[0] too_slow"]);
    assert!(done.steps[0].notes.iter().any(|note| note.contains("took too long")), "{:?}", done.steps[0].notes);
    assert_eq!(asked.load(Ordering::Relaxed), 6, "nothing goes on when it is over");
    let done = dry_run(&pipeline(""), sample(&logs(&["a"])), after(0));
    assert_eq!(errors(&done), ["destinations[0] too_slow"]);
}

#[test]
fn values_too_deep_to_be_shown_are_said() {
    let nest = "set(body, {\"a\": body})".to_owned();
    let done = run(&statements(&vec![nest.clone(); 3]), sample(&logs(&["a"])));
    assert!(done.steps[0].records.is_object() && done.steps[0].notes.is_empty());
    let done = run(&statements(&vec![nest; 90]), sample(&logs(&["a"])));
    assert_eq!(done.steps[0].records, Value::Null);
    for notes in [&done.steps[0].notes, &done.destinations[0].notes] {
        assert_eq!(notes.as_slice(), ["values stand so deep in values that the records are not shown"]);
    }
}

#[test]
fn what_is_short_as_text_and_long_in_memory_is_not_shown() {
    let list = "set(attributes[\"l\"][9990], 1)".to_owned();
    let done = run(&statements(&[list]), sample(&logs(&["a"; 60])));
    assert_eq!(errors(&done), ["processors[0] too_large"]);
}
