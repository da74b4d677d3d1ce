use serde_json::json;

use super::{super::*, renderings};
use crate::{
    component::Least,
    domain::{resolve::unopened, version::Version},
};

/// What an example needs on each runtime, with what is found in its renderings.
fn needed(registered: &Registered, example: &SettingsMap) -> [Option<Version>; 2] {
    let (component, settings) = (registered.component(), unopened(registered, example));
    let (otelcol, alloy) = renderings(registered, example);
    [
        otelcol.ok().map(|part| Least::on_otelcol(component, &settings, &part)),
        alloy.ok().map(|part| Least::on_alloy(component, &settings, &part)),
    ]
}

/// Kinds whose examples all need more than what the kind needs whatever its settings, and why.
const ABOVE: [(&str, Runtime, &str); 3] = [
    // Its examples read their token from the environment.
    ("grafana_cloud", Runtime::Alloy, "1.4"),
    // The expressions in the examples of these hold escapes.
    ("mask", Runtime::Otelcol, "0.94"),
    ("parse", Runtime::Otelcol, "0.94"),
];

#[test]
fn a_least_version_stands_for_every_runtime_and_is_what_the_least_of_examples_need() {
    let mut wrong = Vec::new();
    for registered in catalogue().components().iter().filter(|known| known.kind() != "raw") {
        let component = registered.component();
        let examples = component.examples();
        let of_examples: Vec<_> = examples.iter().map(|(_, s)| needed(registered, s.as_object().unwrap())).collect();
        for (index, runtime) in [Runtime::Otelcol, Runtime::Alloy].into_iter().enumerate() {
            let least = component.least().on(runtime);
            assert_eq!(least.is_some(), component.runtimes().contains(&runtime), "{registered:?}");
            let found = of_examples.iter().map(|needed| needed[index]).min().unwrap();
            let above = ABOVE.iter().find(|(kind, on, _)| *kind == registered.kind() && *on == runtime);
            let expected =
                above.map_or(least.map(|version| version.to_string()), |(.., version)| Some((*version).to_owned()));
            let found = found.map(|version| version.to_string());
            if found != expected {
                wrong.push(format!("{registered:?} on {runtime:?}: {found:?} and not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn newer_settings_need_newer_versions() {
    let of = |role, kind, settings: Value| {
        let [otelcol, alloy] = needed(catalogue().get(role, kind).unwrap(), settings.as_object().unwrap());
        [otelcol, alloy].map(|version| version.map_or("-".to_owned(), |version| version.to_string())).join(" ")
    };
    use Role::{Destination, Filter, Processor, Source};
    for (role, kind, settings, versions) in [
        (Destination, "debug", json!({ "verbosity": "normal" }), "0.104 1.3"),
        (Destination, "file", json!({ "path": "/x", "rotation": {} }), "0.76 1.13"),
        (Destination, "file", json!({ "path": "/x" }), "0.97 1.13"),
        (Destination, "otlp_http", json!({ "endpoint": "https://a" }), "0.74 1.0"),
        (Destination, "otlp_http", json!({ "endpoint": "https://a", "bearer_token": "${env:T}" }), "0.74 1.4"),
        (Destination, "otlp_http", json!({ "endpoint": "https://a", "queue_on_disk": true }), "0.110 1.9"),
        (Destination, "clickhouse", json!({ "endpoint": "tcp://a:9000", "tls": { "ca_file": "/x" } }), "0.141 -"),
        (Filter, "rate_limit", json!({ "spans_per_second": 5 }), "0.153 1.18"),
        (Filter, "dedup", json!({ "compare": [{ "key": "a" }] }), "0.118 -"),
        (
            Filter,
            "ottl",
            json!({ "condition": "IsInCIDR(attributes[\"ip\"], [\"10.0.0.0/8\"])", "action": "drop" }),
            "0.146 1.15",
        ),
        (
            Processor,
            "mask",
            json!({ "expressions": ["secret"], "replace_with": "sha256", "in": ["attributes"] }),
            "0.92 1.0",
        ),
        (Processor, "mask", json!({ "expressions": ["secret"], "in": ["attributes"] }), "0.74 1.0"),
        (Processor, "detect", json!({ "system_attributes": ["host.ip", "host.arch"] }), "0.91 1.0"),
        (Processor, "kubernetes", json!({ "metadata": ["k8s.node.uid"] }), "0.97 1.1"),
        (Source, "syslog", json!({ "listen_address": "0.0.0.0:1", "octet_counting": true }), "0.120 1.8"),
        (
            Source,
            "syslog",
            json!({ "listen_address": "0.0.0.0:1", "octet_counting": true, "format": "rfc3164" }),
            "0.156 1.19",
        ),
        (Source, "kubernetes_pod_logs", json!({ "labels": { "app": "shop" } }), "0.114 1.9"),
    ] {
        assert_eq!(of(role, kind, settings.clone()), versions, "{kind} {settings}");
    }
}
