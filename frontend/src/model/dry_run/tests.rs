use linkmesh_proto::api::pipeline::DryRunStep;
use serde_json::json;

use super::*;
use crate::model::chain;

fn step(id: &str, kind: &str) -> Step {
    Step { id: id.parse().unwrap(), kind: kind.to_owned(), name: None, settings: serde_json::Map::new() }
}

fn logs(bodies: &[&str]) -> Value {
    let records: Vec<Value> = bodies.iter().map(|body| json!({"body": {"stringValue": body}})).collect();
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})
}

fn tried(bodies: &[&str], steps: &[(&str, &[&str])]) -> Tried {
    let mut document = chain::blank();
    document.filters.push(step("severity", "severity"));
    document.processors.push(step("mask", "mask"));
    let mut before = bodies.len() as u64;
    let steps = steps.iter().map(|(id, bodies)| {
        let incoming = std::mem::replace(&mut before, bodies.len() as u64);
        let (id, kind) = (id.parse().unwrap(), (*id).to_owned());
        DryRunStep { id, kind, incoming, out: bodies.len() as u64, records: logs(bodies), notes: Vec::new() }
    });
    let outcome = DryRun { steps: steps.collect(), destinations: Vec::new(), errors: Vec::new() };
    Tried { document, input: Input { text: logs(bodies).to_string(), ..Input::default() }, outcome }
}

fn changed(effect: &Effect) -> Vec<&str> {
    let is_change = |line: &&Line| matches!(line.mark, Mark::Added | Mark::Removed);
    effect.lines.iter().flatten().filter(is_change).map(|line| line.text.trim()).collect()
}

#[test]
fn each_step_is_compared_with_the_one_before_it() {
    let tried = tried(
        &["noise", "card 4111"],
        &[("severity", &["card 4111"]), ("mask", &["card ****"]), ("gone", &["card ****"])],
    );
    let effects = tried.effects();
    assert_eq!(changed(&effects[0]), ["-           - body: noise"]);
    assert_eq!(effects[0].loss(), "1 dropped");
    assert_eq!(changed(&effects[1]).len(), 2);
    assert_eq!((effects[1].loss().as_str(), effects[2].lines.as_ref().map(Vec::len)), ("", Some(0)));
    let places: Vec<_> =
        effects.iter().map(|effect| effect.step.as_ref().map(|(lane, index, _)| (*lane, *index))).collect();
    assert_eq!(places, [Some((Lane::Filters, 0)), Some((Lane::Processors, 0)), None]);
}

#[test]
fn records_that_cannot_be_read_here_are_compared_from_the_first_step_on() {
    let mut tried = tried(&["a"], &[("severity", &["a"]), ("mask", &["b"])]);
    tried.input.text.push('{');
    let effects = tried.effects();
    assert_eq!(effects[0].lines, None);
    assert_eq!(changed(&effects[1]).len(), 2);
}

#[test]
fn outcome_says_of_what_it_is_no_outcome_any_more() {
    let tried = tried(&["a"], &[]);
    let (mut document, mut input) = (tried.document.clone(), tried.input.clone());
    assert_eq!(tried.is_past(&document, &input), None);
    input.seed = "7".to_owned();
    assert!(tried.is_past(&document, &input).unwrap().starts_with("The records"));
    document.filters.clear();
    assert!(tried.is_past(&document, &input).unwrap().starts_with("The pipeline"));
}

#[test]
fn records_come_from_no_source_that_is_gone() {
    let mut document = chain::blank();
    document.sources = ["otlp", "file-log"].map(|id| step(id, id)).to_vec();
    let mut input = Input::default();
    input.follow(&document, false);
    assert_eq!(input.source, "otlp");
    (input.text, input.source) = ("mine".to_owned(), "file-log".to_owned());
    input.follow(&document, true);
    assert_eq!((input.text.as_str(), input.source.as_str()), ("mine", "file-log"));
    document.sources.pop();
    input.follow(&document, true);
    assert_eq!((input.text.as_str(), input.source.as_str()), ("mine", ""));
}

#[test]
fn more_records_than_came_in_are_told_as_such() {
    let mut effect = tried(&["a"], &[("mask", &["a", "b", "c"])]).effects().remove(0);
    assert_eq!(effect.loss(), "2 added");
    effect.incoming = 1203;
    effect.out = 3;
    assert_eq!(effect.loss(), "1,200 dropped");
}

#[test]
fn what_is_long_is_neither_compared_nor_shown_whole() {
    let long: Vec<String> = (0..3001).map(|number| format!("line {number}")).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let effect = tried(&long, &[("mask", &long[1..])]).effects().remove(0);
    let compared = effect.lines.unwrap();
    assert_eq!((compared.len(), compared[0].mark), (1, Mark::Note));
    let same = tried(&long, &[("mask", &long)]).effects().remove(0);
    assert_eq!(same.lines, Some(Vec::new()), "what is the same is seen to be");
    let shown = lines(&logs(&long[..401]));
    assert_eq!(shown.len(), 401);
    assert_eq!(shown[400].text, "… and 4 more lines");
}

#[test]
fn problems_of_the_request_are_told_from_those_at_cards() {
    let at =
        |field: &str| is_own(&FieldProblem { field: field.to_owned(), code: String::new(), message: String::new() });
    assert!(at("records.resourceLogs[0]") && at("source"));
    assert!(!at("sources[0].settings") && !at("destinations[1].when"));
}

#[test]
fn outcome_is_said_in_a_sentence_unless_something_stopped_it() {
    let mut tried = tried(&["a", "b", "c"], &[("severity", &["a"])]);
    let end =
        |id: &str, out| DryRunDestination { id: id.parse().unwrap(), out, records: Value::Null, notes: Vec::new() };
    tried.outcome.destinations = vec![end("central", 1), end("cold", 0)];
    let said = |tried: &Tried| tried.sentence(|id| id.to_string().to_uppercase());
    assert_eq!(said(&tried).as_deref(), Some("Tried: 3 records, 1 reaches CENTRAL, 0 reach COLD."));
    tried.outcome.steps.clear();
    assert_eq!(said(&tried).as_deref(), Some("Tried: 1 reaches CENTRAL, 0 reach COLD."));
    let problem = FieldProblem { field: "records".to_owned(), code: String::new(), message: String::new() };
    tried.outcome.errors.push(problem);
    assert_eq!(said(&tried), None);
}

#[test]
fn runtime_is_that_of_all_collectors_that_match() {
    use linkmesh_proto::api::pipeline::MatchedCollector;
    let (otelcol, alloy) = (Runtime::Otelcol, Runtime::Alloy);
    let of = |matched: u64, runtimes: &[Runtime]| {
        let item = |runtime: &Runtime| MatchedCollector {
            id: linkmesh_proto::CollectorId::from_bytes([7; 16]),
            name: String::new(),
            runtime: *runtime,
        };
        runtime_of(&Matched { matched, items: runtimes.iter().map(item).collect(), loses: 0 })
    };
    assert_eq!([of(2, &[alloy, alloy]), of(1, &[otelcol])], [Some(alloy), Some(otelcol)]);
    assert_eq!([of(2, &[alloy, otelcol]), of(0, &[])], [None, None]);
    assert_eq!(of(51, &[alloy; 50]), None, "the rest is not known");
}
