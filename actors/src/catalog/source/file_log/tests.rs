use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    catalog::catalogue,
    component::{Outputs, SettingsMap, schema},
    domain::problem::Path,
};
use linkmesh_proto::api::catalogue::Role;

fn settings(value: &Value) -> SettingsMap {
    schema::with_defaults(catalogue().get(Role::Source, "file_log").unwrap().schema(), value.as_object().unwrap())
}

fn statements(value: &Value) -> Vec<String> {
    let part = COMPONENT.otelcol(&settings(value), &OtelcolSite { name: "x", signals: &[Signal::Logs] }).unwrap();
    let texts = |yaml: &Yaml| match yaml {
        Yaml::Seq(items) => items.iter().map(|item| item.write(false).trim().to_owned()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let mut found = Vec::new();
    for (kind, config) in &part.processors {
        assert_eq!(kind, "transform");
        let Yaml::Map(entries) = config else { panic!("{config:?}") };
        let Some((_, Yaml::Seq(groups))) = entries.iter().find(|(name, _)| name == "log_statements") else { panic!() };
        for group in groups {
            let Yaml::Map(fields) = group else { panic!("{group:?}") };
            found.extend(texts(&fields[1].1));
        }
    }
    found
}

fn problems(value: &Value) -> Vec<String> {
    let mut findings = Findings::new(Path::root());
    catalogue().get(Role::Source, "file_log").unwrap().check(value.as_object().unwrap(), &mut findings);
    findings.errors.into_vec().into_iter().map(|problem| format!("{} {}", problem.field, problem.code)).collect()
}

#[test]
fn plain_lines_pass_no_processor() {
    assert_eq!(statements(&json!({ "include": ["/a"] })), Vec::<String>::new());
    let site = AlloySite { label: "x", outputs: &Outputs(vec![(Signal::Logs, vec!["next.input".to_owned()])]) };
    let part = COMPONENT.alloy(&settings(&json!({ "include": ["/a"] })), &site).unwrap();
    assert_eq!(part.blocks.len(), 2, "storage and receiver");
}

#[test]
fn nested_members_are_merged_when_they_are_flat() {
    let parts = r#"cache[\"parts\"]"#;
    assert_eq!(
        statements(&json!({ "include": ["/a"], "format": "json", "flatten": true })),
        [
            format!(r#""set({parts}, ParseJSON(body)) where IsMatch(body, \"^\\\\s*\\\\{{\")""#),
            format!(r#""flatten({parts}) where IsMap({parts})""#),
            format!(r#""merge_maps(attributes, {parts}, \"upsert\") where IsMap({parts})""#),
        ]
    );
    assert_eq!(problems(&json!({ "include": ["/a"], "format": "logfmt", "flatten": true })), ["flatten not_allowed"]);
}

#[test]
fn numbers_since_1970_are_exact_to_the_microsecond() {
    let with = |layout: &str| {
        let mapping = json!({ "attribute": "ts", "layout": layout });
        statements(&json!({ "include": ["/a"], "format": "json", "timestamp": mapping })).pop().unwrap()
    };
    let on_number = |value: &str| format!(r#""set(time_unix_nano, {value}) where attributes[\"ts\"] != nil""#);
    assert_eq!(with("epoch_s"), on_number(r#"Int(Double(attributes[\"ts\"]) * 1000000.0) * 1000"#));
    assert_eq!(with("epoch_ms"), on_number(r#"Int(Double(attributes[\"ts\"]) * 1000.0) * 1000"#));
    assert_eq!(with("epoch_us"), on_number(r#"Int(Double(attributes[\"ts\"]) * 1.0) * 1000"#));
    assert_eq!(with("epoch_ns"), on_number(r#"Int(attributes[\"ts\"])"#));
}

#[test]
fn settings_that_need_or_shut_out_each_other_are_named() {
    let with = |mut more: Value| {
        more["include"] = json!(["/a"]);
        problems(&more)
    };
    let level = json!({ "attribute": "level" });
    for (more, expected) in [
        (json!({ "format": "regex" }), vec!["pattern missing"]),
        (json!({ "pattern": "(?P<a>x)" }), vec!["pattern not_allowed"]),
        (json!({ "format": "regex", "pattern": "(x)" }), vec!["pattern invalid_value"]),
        (json!({ "format": "regex", "pattern": "(?=x)" }), vec!["pattern invalid_value"]),
        (
            json!({ "format": "regex", "pattern": "(?P<a>x)", "severity": level }),
            vec!["severity.attribute unknown_value"],
        ),
        (json!({ "severity": level }), vec!["severity not_allowed"]),
        (
            json!({ "format": "container", "timestamp": { "attribute": "time", "layout": "%F" } }),
            vec!["timestamp not_allowed"],
        ),
        (
            json!({ "format": "json", "timestamp": { "attribute": "time", "layout": "2006-01-02" } }),
            vec!["timestamp.layout invalid_value"],
        ),
        (json!({ "multiline": {} }), vec!["multiline missing"]),
        (
            json!({ "multiline": { "line_start_pattern": "^a", "line_end_pattern": "b$" } }),
            vec!["multiline.line_end_pattern not_allowed"],
        ),
        (json!({ "multiline": { "line_start_pattern": "^a" }, "format": "container" }), vec!["multiline not_allowed"]),
        (json!({ "multiline": { "line_start_pattern": "^a" }, "encoding": "utf-16le" }), vec!["multiline not_allowed"]),
        (json!({ "multiline": { "line_start_pattern": "[" } }), vec!["multiline.line_start_pattern invalid_value"]),
        (json!({ "encoding": "utf-16be", "format": "container" }), vec!["encoding not_allowed"]),
        (json!({ "encoding": "ebcdic" }), vec!["encoding unknown_value"]),
        (
            json!({ "format": "json", "severity": { "attribute": "l", "words": { "warn": ["W", "Error"] } } }),
            vec!["severity.words.error duplicate"],
        ),
        (json!({ "resource": { " a": "x" } }), vec!["resource. a invalid_value"]),
        (json!({ "resource": { "a": "${env:X}" } }), vec!["resource.a env_not_allowed"]),
        (json!({ "format": "container", "severity": { "attribute": "log.iostream" } }), vec![]),
        (json!({ "format": "logfmt", "severity": level }), vec![]),
    ] {
        assert_eq!(with(more.clone()), expected, "{more}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_another_statement(text in "[\"\\\\)(\\[\\]$ a-z\\n]{1,20}", word in "[\"\\\\)($|.*a-z]{1,20}") {
        let key = format!("k{}k", text.replace('\n', ""));
        let value = json!({
            "include": ["/a"],
            "format": "json",
            "severity": { "attribute": key, "words": { "info": [word] } },
            "resource": { key: text },
        });
        prop_assume!(problems(&value).is_empty());
        // One for the resource, one for the body, one for the text of the severity, one for each level.
        prop_assert_eq!(statements(&value).len(), 1 + 1 + 1 + 6);
    }
}
