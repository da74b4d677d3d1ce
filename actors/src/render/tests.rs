use std::collections::BTreeMap;

use linkmesh_proto::DestinationId;
use proptest::prelude::*;

use super::*;
use crate::domain::{
    components::{BuildComponents, ComponentClass},
    config::Versioned,
    document::{parse_destination, parse_pipeline, strict},
    secret::{insecure::InsecureSealer, seal_destination},
};

mod bound;

/// A repository from texts: `(id, pipeline)` and `(id, destination)`.
fn repository(pipelines: &[(&str, &str)], destinations: &[(&str, &str)]) -> ConfigSnapshot {
    let mut config = ConfigSnapshot::default();
    for (id, text) in pipelines {
        let document = parse_pipeline(text).unwrap();
        config.pipelines.insert(id.parse().unwrap(), Arc::new(Versioned::unsaved(document)));
    }
    for (id, text) in destinations {
        let mut document = parse_destination(text).unwrap();
        seal_destination(&mut document, None, &InsecureSealer::default()).unwrap();
        config.destinations.insert(id.parse().unwrap(), Arc::new(Versioned::unsaved(document)));
    }
    config
}

fn all(config: &ConfigSnapshot) -> Vec<PipelineId> {
    config.pipelines.keys().cloned().collect()
}

fn text(config: &ConfigSnapshot, runtime: Runtime) -> Rendered {
    render(config, &all(config), &RenderTarget::plain(runtime), &InsecureSealer::default()).unwrap()
}

/// The pipeline of the first operator: the host measured, OTLP received, debug records dropped, an attribute set.
pub(crate) const SHOP: &str = r#"
name: Shop
signals: [logs, metrics]
match: ['env="prod"']
sources:
  - {id: hosts, kind: host_metrics, settings: {collection_interval: 30s, scrapers: [cpu, memory]}}
  - {id: apps, kind: otlp, settings: {grpc: {endpoint: "0.0.0.0:4317"}, http: {endpoint: "0.0.0.0:4318"}}}
filters:
  - {id: no-debug, kind: severity, settings: {minimum: info}}
processors:
  - {id: env, kind: attributes, settings: {actions: [{action: set, key: deployment.environment, value: prod}]}}
destinations: [central, screen]
"#;

pub(crate) const CENTRAL: &str = r#"
name: Central
kind: otlp_http
settings: {endpoint: "https://otlp.example.com", headers: {Authorization: "Bearer ${env:OTLP_TOKEN}", X-Scope-OrgID: t1$}}
"#;

pub(crate) const SCREEN: &str = "name: Screen\nkind: debug\n";

const FILES: &str = r#"
name: Files
signals: [logs]
sources:
  - {id: access, kind: file_log, settings: {include: ["/var/log/nginx/*.log"], exclude: ["/var/log/nginx/*.gz"], start_at: beginning}}
  - {id: apps, kind: otlp, settings: {grpc: {endpoint: "0.0.0.0:4317"}, http: {endpoint: "0.0.0.0:4318"}}}
filters:
  - {id: keep-shop, kind: ottl, settings: {condition: 'IsMatch(body, "^\\S+ \\$1") or attributes["shop"] != nil', action: keep}}
processors:
  - id: tidy
    kind: attributes
    settings:
      actions:
        - {action: default, key: retries, value: 3}
        - {action: rename, key: user.id, from: uid}
        - {action: copy, key: a, from: b}
        - {action: delete, key: password}
        - {action: hash, key: user.email}
        - {action: set, key: ratio, value: 0.5}
        - {action: set, key: ok, value: true}
  - {id: batch, kind: batch, settings: {}}
destinations: [central]
"#;

const RAW: &str = r#"
name: Raw
signals: [traces, logs]
sources:
  - id: zipkin
    kind: raw
    settings:
      signals: [traces]
      otelcol: "zipkin: {endpoint: '127.0.0.1:9411'}"
      alloy: "otelcol.receiver.zipkin { // comment\n  endpoint = \"127.0.0.1:9411\"\n}"
  - id: journal
    kind: raw
    settings: {signals: [logs], otelcol: "journald: {}", alloy: 'otelcol.receiver.vcenter "x" { endpoint = "https://v"}'}
filters:
  - id: tenth
    kind: raw
    settings:
      signals: [traces]
      otelcol: "probabilistic_sampler: {sampling_percentage: 10, hash_seed: 22, mode: hash_seed}"
      alloy: "otelcol.processor.probabilistic_sampler {\n sampling_percentage = 10\n hash_seed = 22\n mode = `hash_seed`\n}"
processors:
  - id: team
    kind: raw
    settings:
      signals: [logs]
      otelcol: "transform:\n  error_mode: ignore\n  log_statements:\n    - {context: resource, statements: ['set(attributes[\"team\"], \"$$1\")']}\n"
      alloy: "otelcol.processor.transform {\n error_mode = \"ignore\"\n log_statements {\n context = \"resource\"\n statements = [`set(attributes[\"team\"], \"$1\")`,\n]\n}\n}"
destinations: [grpc]
"#;

const GRPC: &str = "name: G\nkind: raw\nsettings:\n  otelcol: \"otlp: {endpoint: 'h:4317', headers: {authorization: '${env:T}'}}\"\n  alloy: |\n    otelcol.exporter.otlp \"x\" {\n      client {\n        endpoint = \"h:4317\"\n        headers = {\"authorization\" = string.format(\"Bearer %s\", sys.env(\"T\")), x = \"1\"}\n        other = {a = -1 + 2}\n      }\n    }\n";

/// Errors to one place and, of those, what a shop did to another; the rest to both.
const BRANCHES: &str = r#"
name: Branches
signals: [logs, metrics]
sources: [{id: apps, kind: otlp, settings: {http: {endpoint: "0.0.0.0:4318"}}}]
filters: [{id: no-debug, kind: severity, settings: {minimum: info}}]
destinations:
  - central
  - {id: screen, when: 'resource.attributes["shop"] == "$1"'}
  - {id: far, when: 'IsMatch(resource.attributes["shop"], "^a")'}
"#;

const FAR: &str = "name: Far\nkind: otlp_grpc\nsettings: {endpoint: 'otlp.example.com:4317'}\n";

fn cases() -> Vec<(&'static str, ConfigSnapshot)> {
    vec![
        ("idle", repository(&[], &[])),
        ("shop", repository(&[("shop", SHOP)], &[("central", CENTRAL), ("screen", SCREEN)])),
        (
            "shop_and_files",
            repository(&[("shop", SHOP), ("web-files", FILES)], &[("central", CENTRAL), ("screen", SCREEN)]),
        ),
        ("branches", repository(&[("bra", BRANCHES)], &[("central", CENTRAL), ("screen", SCREEN), ("far", FAR)])),
        ("raw", repository(&[("raw-0", RAW)], &[("grpc", GRPC)])),
    ]
}

#[test]
fn both_texts_are_as_committed() {
    for (name, config) in cases() {
        for (language, runtime) in [("otelcol", Runtime::Otelcol), ("alloy", Runtime::Alloy)] {
            let rendered = text(&config, runtime);
            insta::assert_snapshot!(format!("{name}_{language}"), rendered.redacted);
            assert_eq!(rendered.hash, ConfigHash::of(rendered.text.as_bytes()));
        }
    }
}

#[test]
fn every_otelcol_text_is_a_yaml_mapping() {
    for (name, config) in cases() {
        let value = strict::yaml(&text(&config, Runtime::Otelcol).text).unwrap();
        assert!(value.as_object().is_some_and(|map| !map.is_empty()), "{name}");
    }
}

#[test]
fn a_second_pipeline_renames_nothing() {
    let destinations = [("central", CENTRAL), ("screen", SCREEN)];
    let config = repository(&[("shop", SHOP), ("web-files", FILES)], &destinations);
    let one =
        render(&config, &["shop".parse().unwrap()], &RenderTarget::plain(Runtime::Otelcol), &InsecureSealer::default());
    let one = strict::yaml(&one.unwrap().text).unwrap();
    let both = strict::yaml(&text(&config, Runtime::Otelcol).text).unwrap();
    for section in ["receivers", "processors", "exporters"] {
        for (name, component) in one[section].as_object().unwrap() {
            assert_eq!(&both[section][name], component, "{section}.{name}");
        }
    }
    for (name, pipeline) in one["service"]["pipelines"].as_object().unwrap() {
        assert_eq!(&both["service"]["pipelines"][name], pipeline, "{name}");
    }
}

#[test]
fn the_order_of_the_set_does_not_matter() {
    let config = repository(&[("shop", SHOP), ("web-files", FILES)], &[("central", CENTRAL), ("screen", SCREEN)]);
    let mut ids = all(&config);
    for runtime in [Runtime::Otelcol, Runtime::Alloy] {
        let target = RenderTarget::plain(runtime);
        let forward = render(&config, &ids, &target, &InsecureSealer::default()).unwrap();
        ids.reverse();
        ids.push(ids[0].clone());
        assert_eq!(render(&config, &ids, &target, &InsecureSealer::default()).unwrap(), forward);
        ids.pop();
    }
}

#[test]
fn secrets_are_in_the_text_and_not_in_what_is_shown() {
    let config = repository(&[("shop", SHOP)], &[("central", CENTRAL), ("screen", SCREEN)]);
    let yaml = text(&config, Runtime::Otelcol);
    assert!(yaml.text.contains(r#"X-Scope-OrgID: "t1$$""#), "{}", yaml.text);
    let alloy = text(&config, Runtime::Alloy);
    assert!(alloy.text.contains(r#""X-Scope-OrgID" = "t1$""#), "{}", alloy.text);
    for rendered in [yaml, alloy] {
        assert!(!rendered.redacted.contains("t1$"));
        assert!(rendered.redacted.contains(r#""[sealed]""#));
        assert_eq!(rendered.secrets.to_vec(), ["t1$"]);
    }
}

#[test]
fn a_build_that_knows_newer_names_only_gets_those() {
    let config = repository(&[("shop", SHOP)], &[("central", CENTRAL), ("screen", SCREEN)]);
    let mut build = BuildComponents::default();
    build.insert(ComponentClass::Exporters, "otlp_http");
    build.insert(ComponentClass::Receivers, "host_metrics");
    let target = RenderTarget { dialect: build.dialect(), ..RenderTarget::plain(Runtime::Otelcol) };
    let yaml = render(&config, &all(&config), &target, &InsecureSealer::default()).unwrap().text;
    assert!(yaml.contains("otlp_http/central") && yaml.contains("host_metrics/shop.hosts"), "{yaml}");
    assert!(!yaml.contains("otlphttp") && yaml.contains("resourcedetection/shop.hosts"), "{yaml}");
}

#[test]
fn a_leaked_loader_gets_another_label() {
    let config = repository(&[("shop", SHOP)], &[("central", CENTRAL), ("screen", SCREEN)]);
    let labels = BTreeMap::from([("shop".parse().unwrap(), 2)]);
    let target = RenderTarget { labels, ..RenderTarget::plain(Runtime::Alloy) };
    let alloy = render(&config, &all(&config), &target, &InsecureSealer::default()).unwrap().text;
    assert!(alloy.contains("pl_shop \"r2\" {") && alloy.contains("[pl_shop.r2.logs]"), "{alloy}");
    assert!(!alloy.contains("default"), "{alloy}");
}

#[test]
fn colliding_addresses_are_never_rendered() {
    let source = |endpoint: &str, http: &str| {
        format!(
            "name: x\nsignals: [logs]\nsources: [{{id: a, kind: otlp, settings: {{grpc: {{endpoint: '{endpoint}'}}{http}}}}}]\n\
             destinations: [central]\n"
        )
    };
    let error = |one: &str, two: &str| {
        let config = repository(&[("one", one), ("two", two)], &[("central", CENTRAL)]);
        render(&config, &all(&config), &RenderTarget::plain(Runtime::Alloy), &InsecureSealer::default()).err()
    };
    let conflict = |address: &str| {
        Some(RenderError::AddressConflict {
            first: "one".parse().unwrap(),
            second: "two".parse().unwrap(),
            address: address.to_owned(),
        })
    };
    let everywhere = source("0.0.0.0:4317", "");
    assert_eq!(error(&everywhere, &everywhere), None);
    assert_eq!(error(&everywhere, &source("127.0.0.1:4317", "")), conflict("0.0.0.0:4317"));
    assert_eq!(error(&source("127.0.0.1:4317", ""), &everywhere), conflict("0.0.0.0:4317"));
    assert_eq!(error(&source("[::1]:4317", ""), &source("[::]:4317", "")), conflict("[::]:4317"));
    assert_eq!(
        error(&everywhere, &source("0.0.0.0:4317", ", http: {endpoint: '0.0.0.0:4318'}")),
        conflict("0.0.0.0:4317")
    );
    assert_eq!(error(&source("127.0.0.1:4317", ""), &source("10.0.0.1:4317", "")), None);
    assert_eq!(error(&source("localhost:4317", ""), &source("127.0.0.1:4317", "")), conflict("127.0.0.1:4317"));
}

#[test]
fn numbers_of_raw_texts_stay_what_collectors_read() {
    let raw = "name: x\nsignals: [logs]\nsources: [{id: a, kind: raw, settings: {otelcol: 'otlp: {protocols: {http: }}'}}]\n\
               processors: [{id: b, kind: raw, settings: {otelcol: \"batch: {send_batch_size: 1_000, send_batch_max_size: \
               0o3777, metadata_keys: ['0777', '5'], metadata_cardinality_limit: 5}\"}}]\ndestinations: [screen]\n";
    let rendered = text(&repository(&[("x", raw)], &[("screen", SCREEN)]), Runtime::Otelcol);
    for line in
        ["send_batch_size: 1000\n", "send_batch_max_size: 2047\n", "metadata_keys: [\"0777\", \"5\"]\n", "limit: 5\n"]
    {
        assert!(rendered.text.contains(line), "{line}: {}", rendered.text);
    }
}

#[test]
fn what_cannot_be_rendered_says_why() {
    let config = repository(&[("shop", SHOP)], &[("screen", SCREEN)]);
    let sealer = InsecureSealer::default();
    let target = RenderTarget::plain(Runtime::Otelcol);
    let missing: DestinationId = "central".parse().unwrap();
    assert_eq!(
        render(&config, &all(&config), &target, &sealer).unwrap_err(),
        RenderError::UnknownDestination { pipeline: "shop".parse().unwrap(), destination: missing }
    );
    let nothing: PipelineId = "nothing".parse().unwrap();
    assert_eq!(
        render(&config, std::slice::from_ref(&nothing), &target, &sealer).unwrap_err(),
        RenderError::UnknownPipeline(nothing)
    );
    let half = "name: x\nsignals: [logs]\nsources: [{id: a, kind: raw, settings: {otelcol: 'journald: {}'}}]\ndestinations: [screen]\n";
    let config = repository(&[("half", half)], &[("screen", SCREEN)]);
    assert!(render(&config, &all(&config), &target, &sealer).is_ok());
    let error = render(&config, &all(&config), &RenderTarget::plain(Runtime::Alloy), &sealer).unwrap_err();
    assert!(
        matches!(&error, RenderError::Unsupported { document, field, runtime: Runtime::Alloy, .. }
            if document == "pipelines/half.yaml" && field == "sources[0].settings.alloy"),
        "{error:?}"
    );
    let twice = SHOP.replace("id: env", "id: out");
    let config = repository(&[("shop", &twice)], &[("central", CENTRAL), ("screen", SCREEN)]);
    let error = render(&config, &all(&config), &target, &sealer).unwrap_err();
    assert!(error.to_string().starts_with("pipelines/shop.yaml is not valid: processors[0].id:"), "{error}");
    let broken = "name: C\nkind: otlp_http\nsettings: {endpoint: nowhere}\n";
    let config = repository(&[("shop", SHOP)], &[("central", broken), ("screen", SCREEN)]);
    let error = render(&config, &all(&config), &target, &sealer).unwrap_err();
    assert!(error.to_string().starts_with("destinations/central.yaml is not valid: settings.endpoint:"), "{error}");
}

/// Everything a user can put into the catalogue's free texts, put there.
fn hostile(text: &str, secret: &str) -> ConfigSnapshot {
    let mut config = repository(&[("shop", SHOP), ("web-files", FILES)], &[("central", CENTRAL), ("screen", SCREEN)]);
    let pipeline = |config: &mut ConfigSnapshot,
                    id: &str,
                    change: &dyn Fn(&mut linkmesh_proto::api::pipeline::PipelineDocument)| {
        let mut document = config.pipelines[&id.parse().unwrap()].document.clone();
        change(&mut document);
        config.pipelines.insert(id.parse().unwrap(), Arc::new(Versioned::unsaved(document)));
    };
    pipeline(&mut config, "shop", &|document| {
        document.name = text.to_owned();
        document.description = text.to_owned();
        document.processors[0].settings["actions"][0]["value"] = text.into();
    });
    pipeline(&mut config, "web-files", &|document| {
        document.sources[0].settings["include"] =
            serde_json::json!([format!("/x{}", text.replace(['[', '{', '\\'], "").replace(char::is_control, ""))]);
        document.filters[0].settings["condition"] =
            format!("body == \"{}\"", text.replace(['"', '\\', '\0'], "")).into();
        document.processors[0].settings["actions"][0]["key"] =
            format!("k{}k", text.replace(char::is_control, "")).into();
    });
    let id: DestinationId = "central".parse().unwrap();
    let mut central = config.destinations[&id].document.clone();
    let secret: String = secret.chars().filter(|c| !c.is_control()).collect();
    central.settings["headers"]["X-Scope-OrgID"] = format!("s{secret}").into();
    config.destinations.insert(id, Arc::new(Versioned::unsaved(central)));
    config
}

/// The places of all keys and list items, without values.
fn skeleton(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(map) => {
            format!("{{{}}}", map.iter().map(|(k, v)| format!("{k}:{}", skeleton(v))).collect::<Vec<_>>().join(","))
        }
        serde_json::Value::Array(items) => format!("[{}]", items.iter().map(skeleton).collect::<Vec<_>>().join(",")),
        serde_json::Value::String(_) => "s".to_owned(),
        other => other.to_string(),
    }
}

/// Names of blocks and attributes, without values.
fn outline(body: &[alloy::Statement]) -> String {
    body.iter()
        .map(|statement| match statement {
            alloy::Statement::Attribute(name, _) => format!("{name};"),
            alloy::Statement::Block(block) => format!("{} {:?}{{{}}}", block.name, block.label, outline(&block.body)),
        })
        .collect()
}

fn hostile_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        r#"[\\"'`$\{\}\n\t:#|>&*!%@,\[\] a-z=./-]{0,30}"#,
        prop::sample::select(vec![
            "\"\n  evil: true\n",
            "`}\n}\ndeclare \"x\" {",
            "$$",
            "$1",
            "\u{feff}",
            "\u{2028}",
            "\u{0}",
            "' #",
            "${file:/etc/passwd}",
            "*/ x",
            "// y",
            "\\",
            "\\\"",
            "true",
            "null",
            "0777",
            "2026-01-01",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_changes_the_structure_of_a_config(text in hostile_text(), secret in hostile_text()) {
        prop_assume!(!text.contains("${env:") && !secret.contains("${env:"));
        let plain = hostile("x", "x");
        let config = hostile(&text, &secret);
        let sealer = InsecureSealer::default();
        let render_as = |config: &ConfigSnapshot, runtime| {
            render(config, &all(config), &RenderTarget::plain(runtime), &sealer)
        };
        let Ok(yaml) = render_as(&config, Runtime::Otelcol) else { return Err(TestCaseError::reject("not valid")) };
        let expected = render_as(&plain, Runtime::Otelcol).unwrap();
        prop_assert_eq!(
            skeleton(&strict::yaml(&yaml.text).unwrap()),
            skeleton(&strict::yaml(&expected.text).unwrap())
        );
        let read = strict::yaml(&yaml.text).unwrap();
        prop_assert_eq!(
            read["processors"]["attributes/shop.env"]["actions"][0]["value"].as_str().unwrap(),
            text.replace('$', "$$")
        );
        let alloy = render_as(&config, Runtime::Alloy).unwrap();
        let expected = render_as(&plain, Runtime::Alloy).unwrap();
        let body = alloy::parse::body(&alloy.text).unwrap();
        prop_assert_eq!(outline(&body), outline(&alloy::parse::body(&expected.text).unwrap()));
        // Canonical: writing what was read changes nothing but the comment at the top.
        prop_assert_eq!(alloy.text.split_once("\n\n").unwrap().1, alloy::write(&body, false));
    }
}
