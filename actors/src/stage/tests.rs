//! What filters and processors are made of: their two texts, and what they do to records.

mod budget;

use linkmesh_proto::api::{catalogue::Role, collector::Runtime};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    catalog::{Registered, catalogue},
    component::{AlloySite, Findings, OtelcolSite, Outputs},
    domain::{problem::Path, resolve::unopened},
    render::{
        alloy::{self, Statement},
        text::Text,
        yaml::Yaml,
    },
};

/// Both texts of every example of a kind.
fn renderings(registered: &Registered) -> String {
    let component = registered.component();
    let mut text = String::new();
    for (title, settings) in component.examples() {
        let settings = unopened(registered, settings.as_object().unwrap());
        let signals = component.signals_with(&settings);
        let otelcol = component.otelcol(&settings, &OtelcolSite { name: "shop.step", signals: &signals });
        let otelcol = match otelcol {
            Ok(part) => {
                let all = std::iter::once((part.kind, part.config)).chain(part.processors);
                Yaml::Map(all.map(|(kind, config)| (format!("{kind}/shop.step"), config)).collect()).write(false)
            }
            Err(unsupported) => format!("unsupported: {unsupported}\n"),
        };
        let outputs = Outputs(signals.iter().map(|signal| (*signal, vec!["next.input".to_owned()])).collect());
        let alloy = match component.alloy(&settings, &AlloySite { label: "s_step", outputs: &outputs }) {
            Ok(part) => alloy::write(&part.blocks.into_iter().map(Statement::Block).collect::<Vec<_>>(), false),
            Err(unsupported) => format!("unsupported: {unsupported}\n"),
        };
        text.push_str(&format!("## {title}\n\n{otelcol}\n{alloy}\n"));
    }
    text
}

#[test]
fn examples_are_rendered_as_reviewed() {
    for registered in catalogue().components() {
        let role = match registered.role() {
            Role::Filter => "filter",
            Role::Processor => "processor",
            Role::Source | Role::Destination => continue,
        };
        if registered.kind() != "raw" {
            insta::assert_snapshot!(format!("{role}_{}", registered.kind()), renderings(registered));
        }
    }
}

#[test]
fn a_detector_that_alloy_refuses_is_for_otelcol_alone() {
    let registered = catalogue().get(Role::Processor, "detect").unwrap();
    let settings = unopened(registered, json!({ "detectors": ["elastic_beanstalk", "system"] }).as_object().unwrap());
    let (component, signals) = (registered.component(), registered.component().signals_with(&settings));
    let otelcol = component.otelcol(&settings, &OtelcolSite { name: "x", signals: &signals }).unwrap();
    assert!(otelcol.config.write(false).contains("detectors: [\"elastic_beanstalk\", \"system\"]"));
    let outputs = Outputs(signals.iter().map(|signal| (*signal, vec!["next.input".to_owned()])).collect());
    let refused = component.alloy(&settings, &AlloySite { label: "x", outputs: &outputs }).unwrap_err();
    assert!(refused.to_string().contains("elastic_beanstalk"), "{refused}");
}

#[test]
fn no_two_stages_of_a_step_are_of_one_type() {
    for registered in catalogue().components() {
        let component = registered.component();
        if !matches!(registered.role(), Role::Filter | Role::Processor) || registered.kind() == "raw" {
            continue;
        }
        assert!(component.runtimes().contains(&Runtime::Otelcol));
        for (title, settings) in component.examples() {
            let settings = unopened(registered, settings.as_object().unwrap());
            let stages = component.stages(&settings, &component.signals_with(&settings)).unwrap();
            let mut types: Vec<&str> = stages.iter().map(|stage| stage.otelcol().0).collect();
            types.sort_unstable();
            types.dedup();
            assert_eq!(types.len(), stages.len(), "{registered:?}: {title}");
        }
    }
}

fn problems(role: Role, kind: &str, settings: &Value) -> Vec<String> {
    let mut findings = Findings::new(Path::root());
    catalogue().get(role, kind).unwrap().check(settings.as_object().unwrap(), &mut findings);
    let mut found: Vec<String> =
        findings.errors.into_vec().into_iter().map(|problem| format!("{} {}", problem.field, problem.code)).collect();
    found.sort();
    found
}

#[test]
fn wrong_settings_of_filters_are_named_by_their_place() {
    for (kind, settings, expected) in [
        ("match", json!({ "conditions": [], "action": "drop" }), vec!["conditions too_few"]),
        (
            "match",
            json!({ "action": "drop", "conditions": [
                { "field": "body", "key": "x", "test": "exists", "value": "y" },
                { "field": "attribute", "test": "regex", "value": "(" },
                { "field": "name" },
            ] }),
            vec![
                "conditions[0].key not_allowed",
                "conditions[0].value not_allowed",
                "conditions[1].key missing",
                "conditions[1].value invalid_value",
                "conditions[2].field invalid_value",
                "conditions[2].value missing",
            ],
        ),
        (
            "match",
            json!({ "action": "keep", "conditions": [{ "field": "name", "value": "a" }], "signals": ["logs", "traces"] }),
            vec!["signals[0] invalid_value"],
        ),
        ("sample", json!({ "percentage": 0 }), vec!["percentage out_of_range"]),
        ("sample", json!({ "percentage": 100.1, "seed": -1 }), vec!["percentage out_of_range", "seed out_of_range"]),
        ("sample", json!({ "percentage": 1, "logs_without_trace": "attribute" }), vec!["attribute missing"]),
        ("sample", json!({ "percentage": 1, "attribute": "id" }), vec!["attribute not_allowed"]),
        ("tail_sample", json!({ "errors": false }), vec!["errors missing"]),
        (
            "tail_sample",
            json!({
                "decision_wait": "10ms", "percentage": 0,
                "attributes": [{ "key": "a", "values": ["("], "regex": true }, { "key": "a", "values": ["x", "x"], "regex": true }],
            }),
            vec!["attributes[1].values[1] duplicate", "percentage out_of_range"],
        ),
        (
            "tail_sample",
            json!({
                "decision_wait": "10ms",
                "attributes": [{ "key": "a", "values": ["x", "("], "regex": true }, { "key": "a", "values": ["x"], "regex": true }],
            }),
            vec!["attributes[0].values[1] invalid_value", "attributes[1].key duplicate", "decision_wait out_of_range"],
        ),
        (
            "rate_limit",
            json!({ "spans_per_second": 1, "limits": [{ "value": "a", "spans_per_second": 1 }, { "value": "a", "spans_per_second": 2 }] }),
            vec!["limits[1].value duplicate"],
        ),
        ("rate_limit", json!({ "spans_per_second": 0 }), vec!["spans_per_second out_of_range"]),
        (
            "dedup",
            json!({ "interval": "0s", "ignore": [{ "key": "a" }, { "key": "a" }], "compare": [{ "key": "a\\.b" }] }),
            vec![
                "compare not_allowed",
                "compare[0].key invalid_value",
                "ignore[1].key duplicate",
                "interval out_of_range",
            ],
        ),
    ] {
        assert_eq!(problems(Role::Filter, kind, &settings), expected, "{kind} {settings}");
    }
}

#[test]
fn wrong_settings_of_processors_are_named_by_their_place() {
    for (kind, settings, expected) in [
        ("mask", json!({}), vec!["patterns missing"]),
        ("mask", json!({ "patterns": ["email", "email"], "in": [] }), vec!["in too_few", "patterns[1] duplicate"]),
        (
            "mask",
            json!({ "expressions": ["a", "x*", "\\b"] }),
            vec!["expressions[1] invalid_value", "expressions[2] invalid_value"],
        ),
        ("mask", json!({ "expressions": ["(?=a)"] }), vec!["expressions[0] invalid_value"]),
        (
            "resource",
            json!({ "actions": [{ "action": "set", "key": "a" }, { "action": "copy", "key": "b", "from": "b" }] }),
            vec!["actions[0].value missing", "actions[1].from invalid_value"],
        ),
        ("parse", json!({ "format": "regex" }), vec!["pattern missing"]),
        ("parse", json!({ "format": "regex", "pattern": "(a)" }), vec!["pattern invalid_value"]),
        (
            "parse",
            json!({ "format": "json", "from": "attribute", "pattern": "(?P<a>x)", "delimiter": "=" }),
            vec!["attribute missing", "delimiter not_allowed", "pattern not_allowed"],
        ),
        ("parse", json!({ "format": "key_value", "delimiter": " " }), vec!["pair_delimiter invalid_value"]),
        ("parse", json!({ "format": "key_value", "flatten": true }), vec!["flatten not_allowed"]),
        // What a statement says is looked at with the signals of the pipeline.
        ("ottl", json!({ "statements": [1] }), vec!["statements[0] wrong_type"]),
        (
            "ottl",
            json!({ "context": "metric", "statements": ["set(name, \"a\") where name == \"b\""], "signals": ["logs"] }),
            vec!["signals[0] invalid_value"],
        ),
        ("metrics", json!({}), vec!["names missing"]),
        ("metrics", json!({ "action": "keep", "rename": [{ "from": "a", "to": "b" }] }), vec!["names missing"]),
        (
            "metrics",
            json!({ "match_by": "regex", "names": ["("], "rename": [{ "from": "a", "to": "a" }, { "from": "a", "to": "b" }] }),
            vec!["names[0] invalid_value", "rename[0].to invalid_value", "rename[1].from duplicate"],
        ),
        ("cumulative_to_delta", json!({ "match_by": "regex", "names": ["a", "("] }), vec!["names[1] invalid_value"]),
        ("kubernetes", json!({ "metadata": [] }), vec!["metadata missing"]),
        (
            "kubernetes",
            json!({ "labels": [{ "key": "a" }, { "key": "b", "attribute": "k8s.pod.labels.a" }], "node_variable": "1X" }),
            vec!["labels[1] duplicate", "node_variable invalid_value"],
        ),
        ("detect", json!({ "detectors": ["env", "moon"], "timeout": "0s" }), vec!["detectors[1] unknown_value"]),
        (
            "detect",
            json!({ "detectors": ["env"], "system_attributes": ["host.id"], "timeout": "0s" }),
            vec!["system_attributes not_allowed", "timeout out_of_range"],
        ),
    ] {
        assert_eq!(problems(Role::Processor, kind, &settings), expected, "{kind} {settings}");
    }
}

/// The texts of a user that a step puts into the config, OTTL among them.
fn texts(role: Role, kind: &str, settings: &Value) -> Vec<String> {
    fn walk(yaml: &Yaml, out: &mut Vec<String>) {
        match yaml {
            Yaml::Map(entries) => entries.iter().for_each(|(_, value)| walk(value, out)),
            Yaml::Seq(items) => items.iter().for_each(|item| walk(item, out)),
            Yaml::Text(Text::Plain(text)) => out.push(text.clone()),
            _ => {}
        }
    }
    let registered = catalogue().get(role, kind).unwrap();
    let settings = unopened(registered, settings.as_object().unwrap());
    let signals = registered.component().signals_with(&settings);
    let part = registered.component().otelcol(&settings, &OtelcolSite { name: "x", signals: &signals }).unwrap();
    let mut out = Vec::new();
    walk(&part.config, &mut out);
    part.processors.iter().for_each(|(_, config)| walk(config, &mut out));
    out
}

/// What is left of OTTL without its literals.
fn skeletons(texts: Vec<String>) -> Vec<String> {
    let literal = regex::Regex::new(r#""(\\.|[^\\"])*""#).unwrap();
    texts.into_iter().map(|text| literal.replace_all(&text, "\"\"").into_owned()).collect()
}

proptest! {
    #[test]
    fn no_value_changes_what_a_step_does(value in "[ -~]{0,3}[\"\\\\)\\]$`\n][ -~]{0,3}|\\PC{1,12}") {
        let steps = |value: &str| {
            [
                (Role::Filter, "match", json!({ "action": "keep", "conditions": [
                    { "field": "attribute", "key": value, "test": "equals", "value": value },
                    { "field": "resource", "key": value, "test": "regex", "value": value, "negate": true },
                    { "field": "name", "test": "starts_with", "value": value },
                    { "field": "attribute", "key": value, "test": "exists" },
                ] })),
                (Role::Processor, "mask", json!({ "expressions": [value], "text": value, "in": ["body", "resource"] })),
                (Role::Processor, "mask", json!({ "expressions": [value], "replace_with": "sha256" })),
                (Role::Processor, "resource", json!({ "actions": [
                    { "action": "set", "key": value, "value": value },
                    { "action": "default", "key": value, "value": value },
                    { "action": "rename", "key": value, "from": value },
                    { "action": "delete", "key": value },
                    { "action": "hash", "key": value },
                ] })),
                (Role::Processor, "parse", json!({
                    "format": "regex", "pattern": value, "from": "attribute", "attribute": value, "prefix": value, "source": "remove",
                })),
                (Role::Processor, "parse", json!({ "format": "key_value", "delimiter": value, "pair_delimiter": value })),
                (Role::Processor, "metrics", json!({
                    "action": "keep", "match_by": "prefix", "names": [value, "b"], "rename": [{ "from": value, "to": value }, { "from": "b", "to": value }],
                })),
            ]
        };
        for ((role, kind, hostile), (.., harmless)) in steps(&value).into_iter().zip(steps("a")) {
            prop_assert_eq!(skeletons(texts(role, kind, &hostile)), skeletons(texts(role, kind, &harmless)), "{}", kind);
        }
    }
}
