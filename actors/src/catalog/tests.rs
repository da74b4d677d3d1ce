use linkmesh_proto::api::pipeline::Signal;
use serde_json::{Map, json};

mod destinations;
mod least;
mod sources;
mod structure;

use super::*;
use crate::{
    component::{ALL_SIGNALS, AlloyPart, AlloySite, OtelcolPart, OtelcolSite, Outputs, SettingsMap, Unsupported},
    domain::{problem::Path, resolve::unopened},
    render::{
        alloy::{self, Statement},
        yaml::Yaml,
    },
};

/// A catalogue of what `build.rs` found in the fixture's folders.
mod fixture {
    use super::super::{Component, Role};

    include!(concat!(env!("OUT_DIR"), "/fixture_catalogue.rs"));
}

#[test]
fn a_new_kind_is_a_file_and_nothing_else() {
    let catalogue = Catalogue::new(fixture::components());
    let stamp = catalogue.get(Role::Processor, "stamp").expect("the file's kind in its folder's role");
    let entry = stamp.entry();
    assert_eq!((entry.title.as_str(), entry.signals.len(), entry.runtimes.len()), ("Stamp", 3, 2));
    let mut findings = Findings::new(Path::root());
    stamp.check(json!({ "word": "far too long" }).as_object().unwrap(), &mut findings);
    assert_eq!(findings.errors.into_vec()[0].field, "word");
    let settings = json!({ "word": "seen" });
    let site = OtelcolSite { name: "shop.it", signals: ALL_SIGNALS };
    let part = stamp.component().otelcol(settings.as_object().unwrap(), &site).unwrap();
    assert_eq!(part.kind, "transform");
    let outputs = Outputs(vec![(Signal::Logs, vec!["next.input".to_owned()])]);
    let site = AlloySite { label: "s_it", outputs: &outputs };
    let part = stamp.component().alloy(settings.as_object().unwrap(), &site).unwrap();
    assert_eq!(part.input.as_deref(), Some("otelcol.processor.transform.s_it.input"));
}

/// The words of JSON Schema that [`schema`] understands, and those that say nothing about validity.
const KNOWN: &[&str] = &[
    "$schema",
    "type",
    "title",
    "description",
    "properties",
    "required",
    "additionalProperties",
    "propertyNames",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "enum",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "default",
    "examples",
    "x-secret",
    "x-check",
    "x-controls",
    "x-verbatim",
    "x-order",
    "x-unit",
    "x-widget",
];

fn walk(schema: &Value, path: &str, visit: &mut dyn FnMut(&Map<String, Value>, &str)) {
    let Some(map) = schema.as_object() else { return };
    visit(map, path);
    for (name, below) in map.get("properties").and_then(Value::as_object).into_iter().flatten() {
        walk(below, &format!("{path}.{name}"), visit);
    }
    for name in ["items", "additionalProperties", "propertyNames"] {
        if let Some(below) = map.get(name) {
            walk(below, &format!("{path}.{name}"), visit);
        }
    }
}

#[test]
fn schemas_use_only_words_that_are_understood() {
    for registered in catalogue().components() {
        walk(registered.schema(), registered.kind(), &mut |map, path| {
            for word in map.keys() {
                assert!(KNOWN.contains(&word.as_str()), "{path}: {word}");
            }
            if let Some(name) = map.get("x-check").and_then(Value::as_str) {
                let answer = schema::named_check(name, "");
                assert!(!answer.is_err_and(|reason| reason.contains("unknown check")), "{path}: {name}");
            }
        });
    }
}

#[test]
fn every_field_has_a_title_and_a_place() {
    for registered in catalogue().components() {
        let mut orders = Vec::new();
        for (name, field) in registered.schema()["properties"].as_object().unwrap() {
            assert!(field["title"].is_string(), "{registered:?} {name}");
            orders.push(field["x-order"].as_u64().unwrap_or_else(|| panic!("{registered:?} {name} has no x-order")));
        }
        assert!(orders.is_sorted(), "{registered:?}: properties stand in their order");
    }
}

#[test]
fn defaults_satisfy_their_own_schema() {
    for registered in catalogue().components() {
        walk(registered.schema(), registered.kind(), &mut |map, path| {
            let Some(default) = map.get("default") else { return };
            let schema = json!({ "properties": { "field": map } });
            let settings = Map::from_iter([("field".to_owned(), default.clone())]);
            let mut problems = Problems::default();
            schema::check(&schema, &settings, &Path::root(), &mut problems);
            assert_eq!(problems, Problems::default(), "{path}");
        });
    }
}

/// The renderings of an example, for all the signals that it handles.
fn renderings(
    registered: &Registered,
    settings: &SettingsMap,
) -> (Result<OtelcolPart, Unsupported>, Result<AlloyPart, Unsupported>) {
    let component = registered.component();
    let settings = unopened(registered, settings);
    let signals = component.signals_with(&settings);
    let outputs = Outputs(signals.iter().map(|s| (*s, vec!["next.input".to_owned()])).collect());
    (
        component.otelcol(&settings, &OtelcolSite { name: "x", signals: &signals }),
        component.alloy(&settings, &AlloySite { label: "x", outputs: &outputs }),
    )
}

#[test]
fn examples_are_valid_and_render_on_the_runtimes_of_their_component() {
    for registered in catalogue().components() {
        let component = registered.component();
        let runs_on = |runtime| component.runtimes().contains(&runtime);
        let mut stability = Vec::new();
        assert!(!component.examples().is_empty());
        for (title, settings) in component.examples() {
            let settings = settings.as_object().unwrap();
            let mut findings = Findings::new(Path::root());
            registered.check(settings, &mut findings);
            assert_eq!(findings.errors, Problems::default(), "{registered:?}: {title}");
            let (otelcol, alloy) = renderings(registered, settings);
            assert_eq!(otelcol.is_ok(), runs_on(Runtime::Otelcol), "{registered:?}: {title}");
            assert_eq!(alloy.is_ok(), runs_on(Runtime::Alloy), "{registered:?}: {title}");
            assert!(otelcol.is_err() || matches!(otelcol.unwrap().config, Yaml::Map(_)), "{registered:?}: {title}");
            let Ok(alloy) = alloy else { continue };
            assert_eq!(alloy.input.is_none(), registered.role() == Role::Source, "{registered:?}: {title}");
            stability.push(alloy.stability().0);
            let body: Vec<Statement> = alloy.blocks.into_iter().map(Statement::Block).collect();
            let text = alloy::write(&body, false);
            assert_eq!(alloy::write(&alloy::parse::body(&text).unwrap(), false), text, "{registered:?}: {title}");
        }
        // What all settings need is what the least of them need.
        if registered.kind() != "raw" && runs_on(Runtime::Alloy) {
            assert_eq!(stability.into_iter().min(), Some(component.alloy_stability()), "{registered:?}");
        }
    }
}

#[test]
fn what_can_be_secret_is_marked() {
    let mut secret = Vec::new();
    for registered in catalogue().components() {
        walk(registered.schema(), registered.kind(), &mut |map, path| {
            if map.get("x-secret") == Some(&Value::Bool(true)) {
                secret.push(path.to_owned());
            }
        });
    }
    secret.sort();
    assert_eq!(
        secret,
        [
            "clickhouse.password",
            "elasticsearch.api_key",
            "elasticsearch.basic_auth.password",
            "elasticsearch.bearer_token",
            "elasticsearch.headers.additionalProperties",
            "grafana_cloud.token",
            "kafka.sasl.password",
            "kafka.sasl.password",
            "loki.basic_auth.password",
            "loki.bearer_token",
            "loki.headers.additionalProperties",
            "opensearch.basic_auth.password",
            "opensearch.bearer_token",
            "opensearch.headers.additionalProperties",
            "otlp_grpc.basic_auth.password",
            "otlp_grpc.bearer_token",
            "otlp_grpc.headers.additionalProperties",
            "otlp_http.basic_auth.password",
            "otlp_http.bearer_token",
            "otlp_http.headers.additionalProperties",
            "prometheus.basic_auth.password",
            "prometheus.bearer_token",
            "prometheus_remote_write.basic_auth.password",
            "prometheus_remote_write.bearer_token",
            "prometheus_remote_write.headers.additionalProperties",
            "splunk_hec.token",
            "tempo.basic_auth.password",
            "tempo.bearer_token",
            "tempo.headers.additionalProperties",
        ]
    );
}

#[test]
fn kinds_of_the_contract_are_there_and_raw_comes_last() {
    let expected = [
        (
            Role::Source,
            &[
                "otlp",
                "host_metrics",
                "file_log",
                "journald",
                "syslog",
                "prometheus",
                "kubernetes_pod_logs",
                "kubernetes_events",
                "kafka",
                "windows_event_log",
                "docker",
            ][..],
        ),
        (Role::Filter, &["severity", "ottl"]),
        (Role::Processor, &["attributes", "batch"]),
        (
            Role::Destination,
            &[
                "otlp_http",
                "otlp_grpc",
                "loki",
                "prometheus_remote_write",
                "tempo",
                "grafana_cloud",
                "kafka",
                "elasticsearch",
                "opensearch",
                "clickhouse",
                "s3",
                "splunk_hec",
                "file",
                "debug",
            ],
        ),
    ];
    for (role, expected) in expected {
        let kinds: Vec<&str> = catalogue().kinds(role).collect();
        assert!(expected.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
        assert_eq!(kinds.last(), Some(&"raw"));
    }
}

fn problems(role: Role, kind: &str, settings: &Value) -> Vec<String> {
    let mut findings = Findings::new(Path::root());
    catalogue().get(role, kind).unwrap().check(settings.as_object().unwrap(), &mut findings);
    findings.errors.into_vec().into_iter().map(|p| format!("{} {}", p.field, p.code)).collect()
}

#[test]
fn wrong_settings_are_named_by_their_place() {
    use Role::{Destination, Filter, Processor, Source};
    for (role, kind, settings, expected) in [
        (Source, "otlp", json!({}), vec![" missing"]),
        (Source, "otlp", json!({ "grpc": null }), vec![" missing"]),
        (Source, "otlp", json!({ "grpc": {} }), vec!["grpc.endpoint missing"]),
        (Source, "otlp", json!({ "grpc": { "endpoint": "4317" } }), vec!["grpc.endpoint invalid_value"]),
        (Source, "host_metrics", json!({ "collection_interval": "1ms" }), vec!["collection_interval out_of_range"]),
        (
            Source,
            "host_metrics",
            json!({ "scrapers": ["cpu", "cpu", "gpu"] }),
            vec!["scrapers[1] duplicate", "scrapers[2] unknown_value"],
        ),
        (Source, "file_log", json!({ "include": [] }), vec!["include too_few"]),
        (
            Source,
            "file_log",
            json!({ "include": ["x.log", "/a[", 3] }),
            vec!["include[0] invalid_value", "include[1] invalid_value", "include[2] wrong_type"],
        ),
        (Filter, "ottl", json!({ "condition": "a) or (b", "action": "drop" }), vec!["condition invalid_value"]),
        (Filter, "ottl", json!({ "condition": "" }), vec!["action missing", "condition too_short"]),
        (
            Processor,
            "attributes",
            json!({ "actions": [{ "action": "set", "key": "a" }, { "action": "delete", "key": "b", "value": 1 }, { "action": "rename", "key": "c", "from": "c" }] }),
            vec!["actions[0].value missing", "actions[1].value not_allowed", "actions[2].from invalid_value"],
        ),
        (
            Processor,
            "attributes",
            json!({ "actions": [{ "action": "set", "key": " a", "value": [1] }] }),
            vec!["actions[0].key invalid_value", "actions[0].value wrong_type"],
        ),
        (Processor, "batch", json!({ "timeout": "0s", "send_batch_size": 1.5 }), vec!["send_batch_size wrong_type"]),
        (Processor, "batch", json!({ "timeout": "0s" }), vec!["timeout out_of_range"]),
        (
            Destination,
            "otlp_http",
            json!({ "endpoint": "https://h", "headers": { "A": "x", "a": "y" } }),
            vec!["headers.a duplicate"],
        ),
        (
            Destination,
            "otlp_http",
            json!({ "endpoint": "https://h", "tls": { "cert_file": "/c.pem", "ca_file": "*" } }),
            vec!["tls.ca_file invalid_value"],
        ),
        (
            Destination,
            "otlp_http",
            json!({ "endpoint": "https://h", "tls": { "cert_file": "/c.pem" } }),
            vec!["tls.key_file missing"],
        ),
        (
            Destination,
            "otlp_http",
            json!({ "endpoint": "https://h", "headers": { "x\n": "y", "b": "a\nb" } }),
            vec!["headers[\"x\\n\"] invalid_value", "headers.b invalid_value"],
        ),
        (Destination, "debug", json!({ "verbosity": "loud" }), vec!["verbosity unknown_value"]),
    ] {
        let mut found = problems(role, kind, &settings);
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{kind} {settings}");
    }
}
