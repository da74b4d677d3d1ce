use linkmesh_proto::api::pipeline::Signal;
use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;

const WEB_LOGS: &str = r#"version: 1
name: Web logs
description: nginx access logs of the shop
enabled: true
signals: [logs]
match: ['env="prod"', 'host.name=~"web-.*"']
sources:
  - id: access
    kind: file_log
    settings: {include: [/var/log/nginx/access.log]}
filters:
  - id: no-debug
    kind: severity
    settings: {minimum: info}
processors:
  - id: mask-card
    kind: mask
    settings: {patterns: [credit_card]}
destinations: [central]
"#;

fn fields(result: Result<impl fmt::Debug, Vec<FieldProblem>>) -> Vec<(String, String)> {
    result.unwrap_err().into_iter().map(|p| (p.field, p.code)).collect()
}

fn pair(field: &str, code: &str) -> (String, String) {
    (field.to_owned(), code.to_owned())
}

#[test]
fn the_example_of_the_contract_is_read_and_written_unchanged() {
    let document = parse_pipeline(WEB_LOGS).unwrap();
    assert_eq!(document.signals, [Signal::Logs]);
    assert_eq!(document.matchers.len(), 2);
    assert_eq!(to_yaml(&document), WEB_LOGS);
}

#[test]
fn defaults_stand_in_for_what_is_absent() {
    let document = parse_pipeline("name: x\nsignals: []\nsources: []\ndestinations: []\n").unwrap();
    assert!(document.enabled);
    assert!(document.matchers.is_empty());
    assert_eq!(document.version, 1);
}

#[test]
fn every_problem_is_named_with_its_place() {
    let text = "version: 1\nname: [x]\nsignals: [logs, profiles]\nmatches: []\nsources:\n  - id: A\n    kind: otlp\n    \
                setings: {}\n  - kind: otlp\nfilters: {}\ndestinations: [Central, 3]\n";
    assert_eq!(
        fields(parse_pipeline(text)),
        [
            pair("name", "wrong_type"),
            pair("signals[1]", "unknown_value"),
            pair("sources[0].id", "invalid_id"),
            pair("sources[0].setings", "unknown_field"),
            pair("sources[1].id", "missing"),
            pair("filters", "wrong_type"),
            pair("destinations[0]", "invalid_id"),
            pair("destinations[1]", "wrong_type"),
            pair("matches", "unknown_field"),
        ]
    );
}

#[test]
fn what_is_no_mapping_is_refused() {
    for text in ["", "hello", "- a", "3", "null", "~"] {
        assert_eq!(fields(parse_pipeline(text)), [pair("", "wrong_type")], "{text:?}");
    }
}

#[test]
fn list_without_end_is_not_read_to_its_end() {
    let text = format!("name: P\nsignals: [logs]\nsources: []\ndestinations: [{}]\n", "Central, ".repeat(60_000));
    let problems = fields(parse_pipeline(&text));
    assert_eq!(problems[0], pair("destinations", "too_many"));
    assert!(!problems.contains(&pair("destinations[200]", "invalid_id")), "what is not read is not judged");
    let text = text.replace(&"Central, ".repeat(59_800), "");
    assert!(!fields(parse_pipeline(&text)).contains(&pair("destinations", "too_many")), "two hundred are not too many");
}

#[test]
fn broken_yaml_is_refused_with_the_line() {
    for (text, part) in [
        ("name: a\nname: b\n", "stands twice"),
        ("name: a\nsettings: {x: 1, x: 2}\n", "stands twice"),
        ("a: [1\n", "line"),
        ("a:\n\t- b\n", "line 2"),
        ("1: x\n", "is no text"),
        ("a: !shell rm\n", "tag"),
        ("a: .nan\n", "NaN"),
        ("a: 1\n---\nb: 2\n", "more than one"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
            "aliases",
        ),
    ] {
        let problems = parse_pipeline(text).unwrap_err();
        assert_eq!(problems[0].code, "invalid_yaml", "{text:?}: {problems:?}");
        assert!(problems[0].message.contains(part), "{text:?}: {problems:?}");
    }
}

#[test]
fn oversized_file_is_refused_unread() {
    let text = format!("name: {}\n", "x".repeat(MAX_BYTES));
    assert_eq!(fields(parse_pipeline(&text)), [pair("", "too_large")]);
}

#[test]
fn newer_version_is_refused_as_such() {
    assert_eq!(fields(parse_settings("version: 2\n")), [pair("version", "newer_version")]);
    assert_eq!(fields(parse_collector("version: 9\nname: x\n")), [pair("version", "newer_version")]);
}

#[test]
fn settings_have_defaults_and_bounds() {
    assert_eq!(parse_settings("version: 1\n").unwrap(), Settings::default());
    assert_eq!(parse_settings(&to_yaml(&Settings::default())).unwrap(), Settings::default());
    assert_eq!(
        fields(parse_settings("version: 1\nmemory_limiter: {limit_mib: 1, check_interval_s: 1}\n")),
        [pair("memory_limiter.limit_mib", "invalid_value"), pair("memory_limiter.check_interval_s", "invalid_value")]
    );
    assert_eq!(
        fields(parse_settings("version: 1\notelcol_state_directory: ${file:/etc/passwd}\n")),
        [pair("otelcol_state_directory", "invalid_value")]
    );
}

#[test]
fn reserved_and_overlong_labels_are_refused() {
    let text = format!("name: x\nlabels: {{collector.id: y, ok: 'true', long: {}, n: 3}}\n", "v".repeat(300));
    assert_eq!(
        fields(parse_collector(&text)),
        [
            pair("labels.n", "wrong_type"),
            pair("labels[\"collector.id\"]", "reserved"),
            pair("labels.long", "invalid_value"),
        ]
    );
}

#[test]
fn paths_name_documents() {
    let id = "019a0000-0000-7000-8000-000000000001";
    for path in ["pipelines/web-logs.yaml", "destinations/a.yaml", "groups/g.yaml", "linkmesh.yaml"] {
        assert_eq!(path.parse::<DocumentPath>().unwrap().to_string(), path);
    }
    let collector = format!("collectors/{id}.yaml");
    assert_eq!(collector.parse::<DocumentPath>().unwrap().to_string(), collector);
    for bad in [
        "pipelines/web_logs.yaml",
        "pipelines/../x.yaml",
        "pipelines/a/b.yaml",
        "pipelines/a.yml",
        "README.md",
        "x/linkmesh.yaml",
        "collectors/019A0000-0000-7000-8000-000000000001.yaml",
    ] {
        assert!(bad.parse::<DocumentPath>().is_err(), "{bad}");
    }
}

#[test]
fn long_and_nested_values_stand_in_blocks() {
    let document = json!({
        "name": "yes", "port": "0777", "when": "2026-01-01", "quote": "it's \"so\"", "re": "\\d+", "colon": "a: b",
        "text": "one\n  two\n", "open": "one\ntwo", "empty": {}, "none": [], "null": null, "half": 0.5,
        "actions": [{"action": "set", "key": "env"}, {"action": "set", "list": [1, 2]}],
        "long": ["/var/log/a-rather-long-name/one.log", "/var/log/a-rather-long-name/two.log",
                 "/var/log/a-rather-long-name/three.log"],
        "lines": ["a\nb", "c"],
    });
    insta::assert_snapshot!(emit::document(&document), @r#"
    name: "yes"
    port: "0777"
    when: "2026-01-01"
    quote: "it's \"so\""
    re: '\d+'
    colon: "a: b"
    text: |
      one
        two
    open: |-
      one
      two
    empty: {}
    none: []
    "null": null
    half: 0.5
    actions:
      - {action: set, key: env}
      - action: set
        list: [1, 2]
    long:
      - /var/log/a-rather-long-name/one.log
      - /var/log/a-rather-long-name/two.log
      - /var/log/a-rather-long-name/three.log
    lines:
      - |-
        a
        b
      - c
    "#);
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~\n\t]{0,40}",
        "([a-z:#&*!|>'\"%@`{}\\[\\], -]|\n){0,30}",
        Just("null".to_owned()),
        "[0-9.eExo_:-]{0,8}",
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1.0e9..1.0e9f64).prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any_text(), inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back(value in any_value()) {
        let text = emit::document(&value);
        prop_assert!(text.ends_with('\n'));
        prop_assert_eq!(strict::yaml(&text), Ok(value), "{}", text);
    }

    #[test]
    fn reading_never_panics(text in any_text()) {
        let _ = parse_pipeline(&text);
        let _ = parse_settings(&text);
    }
}

/// This many levels, each in the one before, around a mapping of so many entries.
fn nested(levels: usize, entries: usize) -> Value {
    let innermost: Map<_, _> = (0..entries).map(|n| (format!("k{n}"), json!(0))).collect();
    (0..levels).fold(Value::Object(innermost), |inner, _| json!({ "a": inner }))
}

#[test]
fn document_is_written_no_further_than_it_may_be_and_counted_to_its_end() {
    for value in [
        nested(3, 40),
        json!({"list": (0..50).map(|n| json!({"n": n, "more": [n, {"n": n}]})).collect::<Vec<_>>()}),
        json!({"text": "line\n\nline\n".repeat(20), "other": "x\ny", "é": "ü".repeat(99)}),
        json!([1, 2]),
    ] {
        let whole = emit::document(&value);
        assert_eq!(emit::document_within(&value, whole.len()).as_deref(), Ok(whole.as_str()));
        for most in [0, 1, whole.len() / 2, whole.len() - 1] {
            let out = emit::written(&value, most);
            assert!(out.text.len() <= most && out.text.capacity() <= (2 * most).max(64), "{most}");
            assert!(whole.starts_with(&out.text));
            assert_eq!(emit::document_within(&value, most), Err(whole.len()));
        }
    }
    // Forty megabytes of indentation.
    let out = emit::written(&nested(110, 180_000), MAX_BYTES);
    assert!(out.len > 40_000_000 && out.text.capacity() <= 2 * MAX_BYTES, "{} {}", out.len, out.text.capacity());
}

#[test]
fn settings_may_not_be_deeper_than_any_kind_asks_for() {
    let pipeline = |settings: Value| {
        json!({"name": "P", "signals": ["logs"], "destinations": ["a"],
               "sources": [{"id": "in", "kind": "nosuch", "settings": settings}]})
    };
    let deep = |levels: usize| nested(levels - 1, 1);
    assert!(read_pipeline(&pipeline(deep(32))).is_ok());
    for (settings, place) in [
        (deep(33), format!("sources[0].settings{}", ".a".repeat(32))),
        (json!({"x": [[], {}, deep(31)]}), format!("sources[0].settings.x[2]{}", ".a".repeat(30))),
    ] {
        let document = pipeline(settings);
        let problems = read_pipeline(&document).unwrap_err();
        assert_eq!(
            problems.iter().map(|p| (p.field.as_str(), p.code.as_str())).collect::<Vec<_>>(),
            [(place.as_str(), "too_deep")]
        );
        assert_eq!(read_draft_pipeline(&document).document, None);
        // From Git it is no other.
        assert_eq!(parse_pipeline(&serde_json::to_string(&document).unwrap()).unwrap_err(), problems);
    }
}
