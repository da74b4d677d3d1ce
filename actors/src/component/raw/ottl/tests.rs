use super::*;
use crate::{
    domain::document::strict,
    render::alloy::{Statement as Written, parse},
};

fn of_yaml(text: &str) -> Vec<String> {
    let value = strict::yaml(text).unwrap();
    let (kind, settings) = value.as_object().unwrap().iter().next().unwrap();
    check_yaml(kind, settings)
}

/// As a collector of 0.158 says of each that it validates.
#[test]
fn what_a_collector_refuses_is_refused_with_its_place() {
    for (text, places) in [
        (r#"transform: {log_statements: ["set(foo"]}"#, &["log_statements[0]"][..]),
        (
            r#"transform: {log_statements: ["set(log.body, 1)", "set(", "set(log.nope, 1)"]}"#,
            &["log_statements[1]", "log_statements[2]"],
        ),
        (r#"transform: {log_statements: ["set(body, 1)"]}"#, &["log_statements[0]"]),
        (
            r#"transform: {log_statements: [{context: scope, statements: ['set(attributes["q"], instrumentation_scope.name)']}]}"#,
            &["log_statements[0].statements[0]"],
        ),
        (
            r#"transform: {trace_statements: [{context: span, conditions: ["name ="], statements: ["set(nope, 1)"]}]}"#,
            &["trace_statements[0].conditions[0]", "trace_statements[0].statements[0]"],
        ),
        (
            r#"transform: {log_statements: [{context: span, statements: ["set(name, 1)"]}]}"#,
            &["log_statements[0].context"],
        ),
        (
            r#"transform: {log_statements: [{statements: ["set(log.body, 1)"], conditions: ['IsMatch(body, "a")']}]}"#,
            &["log_statements[0].conditions[0]"],
        ),
        (r#"filter: {logs: {log_record: ["set(foo", 'body == "a"']}}"#, &["logs.log_record[0]"]),
        (r#"filter: {metrics: {metric: ['nme == "a"']}}"#, &["metrics.metric[0]"]),
        (r#"filter: {log_conditions: ['body == "a"']}"#, &["log_conditions[0]"]),
        (
            r#"filter: {log_conditions: [{context: log, conditions: ["body =="]}]}"#,
            &["log_conditions[0].conditions[0]"],
        ),
    ] {
        let found = of_yaml(text);
        let found: Vec<&str> = found.iter().filter_map(|said| said.split('`').nth(1)).collect();
        assert_eq!(found, places, "{text}");
    }
}

#[test]
fn what_a_collector_takes_or_what_is_not_known_passes() {
    for text in [
        r#"transform: {log_statements: ["set(log.body, 1)", 'set(resource.attributes["a"], 1)']}"#,
        r#"transform: {log_statements: [{context: LOG, statements: ['set(body, "$$1")']}]}"#,
        r#"transform: {log_statements: [{context: scope, conditions: ['instrumentation_scope.name == "x"'], statements: ["set(name, name)"]}]}"#,
        r#"transform: {log_statements: ['set(log.body, "${env:X}") where (']}"#,
        r#"transform: {metric_statements: [{context: exemplar, statements: ["set(double_value, 1.0)"]}]}"#,
        r#"transform: {metric_statements: ["set(exemplar.double_value, 1.0)"]}"#,
        r#"transform: {log_statements: {a: "set("}, trace_statements: "${env:T}", metric_statements: }"#,
        r#"filter: {logs: {log_record: ['log.body == "x"', "body == 1"]}, error_mode: ignore}"#,
        r#"filter: {log_conditions: ['log.body == "a"', 'resource.attributes["a"] == 1']}"#,
        r#"filter: {spans: {include: {match_type: strict, services: [a]}}}"#,
        r#"attributes: {log_statements: ["set("]}"#,
    ] {
        assert_eq!(of_yaml(text), [""; 0], "{text}");
    }
}

#[test]
fn alloys_blocks_are_read_as_well() {
    for (text, places) in [
        (
            "otelcol.processor.transform {\n\tlog_statements {\n\t\tcontext = \"log\"\n\t\tstatements = [\n\t\t\t\"set(attributes[\\\"a\\\"], \\\"$1\\\")\",\n\t\t\t`set(nope, 1)`,\n\t\t]\n\t}\n\tlog_statements {\n\t\tcontext = \"log\"\n\t\tstatements = [`set(`]\n\t}\n}",
            &["log_statements.statements[1]", "log_statements[1].statements[0]"][..],
        ),
        (
            "otelcol.processor.transform {\n\tstatements {\n\t\tlog = [`set(log.body, 1)`, `set(log.nope, 1)`]\n\t}\n}",
            &["statements.log[1]"],
        ),
        (
            "otelcol.processor.filter {\n\tlogs {\n\t\tlog_record = [`body == \"${x}\"`, `body =`]\n\t}\n}",
            &["logs.log_record[1]"],
        ),
    ] {
        let Some(Written::Block(block)) = parse::body(text).unwrap().pop() else { panic!("{text}") };
        let found = check_alloy(&block);
        let found: Vec<&str> = found.iter().filter_map(|said| said.split('`').nth(1)).collect();
        assert_eq!(found, places, "{text}");
    }
}
