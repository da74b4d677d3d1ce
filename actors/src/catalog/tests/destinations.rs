//! What the destinations' examples look like on both runtimes.

use super::*;

/// The exporter of an example as an otelcol config holds it, extensions in front.
fn otelcol_text(part: &OtelcolPart) -> String {
    let named = |kind: &str, config: &Yaml| Yaml::Map(vec![(format!("{kind}/x"), config.clone())]);
    let mut sections = Vec::new();
    if !part.extensions.is_empty() {
        let extensions = part.extensions.iter().map(|(kind, config)| (format!("{kind}/x"), config.clone()));
        sections.push(("extensions".to_owned(), Yaml::Map(extensions.collect())));
    }
    sections.push(("exporters".to_owned(), named(&part.kind, &part.config)));
    Yaml::Map(sections).write(false)
}

fn alloy_text(part: AlloyPart) -> String {
    alloy::write(&part.blocks.into_iter().map(Statement::Block).collect::<Vec<_>>(), false)
}

#[test]
fn examples_look_like_this() {
    for registered in catalogue().components().iter().filter(|known| known.role() == Role::Destination) {
        let kind = registered.kind();
        if kind == "raw" {
            continue;
        }
        let mut shown = String::new();
        for (title, settings) in registered.component().examples() {
            let (otelcol, alloy) = renderings(registered, settings.as_object().unwrap());
            let otelcol = otelcol.map_or_else(|reason| format!("{reason}\n"), |part| otelcol_text(&part));
            let alloy = alloy.map_or_else(|reason| format!("{reason}\n"), alloy_text);
            shown.push_str(&format!("=== {title}\n--- otelcol\n{otelcol}--- alloy\n{alloy}\n"));
        }
        insta::with_settings!({ snapshot_suffix => kind, omit_expression => true }, {
            insta::assert_snapshot!("destination", shown);
        });
    }
}

/// What is found in settings: errors, then warnings, each `<field> <code>`.
fn findings(kind: &str, settings: &Value) -> (Vec<String>, Vec<String>) {
    let mut findings = Findings::new(Path::root());
    catalogue().get(Role::Destination, kind).unwrap().check(settings.as_object().unwrap(), &mut findings);
    let shown = |problems: Problems| {
        let mut shown: Vec<String> =
            problems.into_vec().into_iter().map(|p| format!("{} {}", p.field, p.code)).collect();
        shown.sort();
        shown
    };
    (shown(findings.errors), shown(findings.warnings))
}

#[test]
fn a_url_that_ends_in_what_is_added_to_it_is_not_saved_and_still_rendered() {
    let cloud = json!({ "instance_id": "1", "token": "${env:T}" });
    let tempo = json!({ "protocol": "http" });
    for (kind, endpoint, more, is_wrong) in [
        ("otlp_http", "https://h/v1/logs", &json!({}), true),
        ("otlp_http", "https://h/otlp/v1/metrics/", &json!({}), true),
        ("otlp_http", "https://h/v1", &json!({}), false),
        ("otlp_http", "https://h/v1/logs/in", &json!({}), false),
        ("loki", "https://h/otlp/v1/logs", &json!({}), true),
        ("tempo", "https://h:4318/v1/traces", &tempo, true),
        ("tempo", "https://h:4318", &tempo, false),
        ("grafana_cloud", "https://h/otlp/v1/traces", &cloud, true),
        ("grafana_cloud", "https://h/otlp", &cloud, false),
    ] {
        let mut settings = more.as_object().unwrap().clone();
        settings.insert("endpoint".to_owned(), json!(endpoint));
        let registered = catalogue().get(Role::Destination, kind).unwrap();
        let mut findings = Findings::new(Path::root());
        registered.check_before_save(&settings, &mut findings);
        let found: Vec<String> =
            findings.errors.into_vec().into_iter().map(|p| format!("{} {}", p.field, p.message)).collect();
        assert_eq!(found.len(), usize::from(is_wrong), "{kind} {endpoint}: {found:?}");
        assert!(found.iter().all(|said| said.starts_with("endpoint must end before /v1/")), "{found:?}");
        let mut findings = Findings::new(Path::root());
        registered.check(&settings, &mut findings);
        assert!(findings.errors.is_empty(), "{kind} {endpoint}: what runs goes on");
    }
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    for (kind, settings, expected) in [
        ("otlp_grpc", json!({}), &["endpoint missing"][..]),
        ("otlp_grpc", json!({ "endpoint": "otlp.example.com" }), &["endpoint invalid_value"]),
        ("otlp_grpc", json!({ "endpoint": "https://h:1/v1/logs" }), &["endpoint invalid_value"]),
        ("otlp_grpc", json!({ "endpoint": "https://h:1", "plaintext": true }), &["plaintext contradiction"]),
        ("otlp_grpc", json!({ "endpoint": "http://h:1" }), &["plaintext contradiction"]),
        (
            "otlp_grpc",
            json!({ "endpoint": "h:1", "plaintext": true, "basic_auth": { "username": "u", "password": "p" } }),
            &["basic_auth needs_tls"],
        ),
        ("otlp_grpc", json!({ "endpoint": "h:1", "timeout": "0s", "queue_size": 0 }), &["queue_size out_of_range"]),
        ("otlp_grpc", json!({ "endpoint": "h:1", "timeout": "0s" }), &["timeout out_of_range"]),
        (
            "otlp_http",
            json!({
                "endpoint": "https://h", "bearer_token": "t", "headers": { "authorization": "x" },
                "basic_auth": { "username": "a:b", "password": "p" },
            }),
            &["basic_auth not_allowed", "basic_auth.username invalid_value", "headers.authorization not_allowed"],
        ),
        (
            "otlp_http",
            json!({ "endpoint": "https://h", "bearer_token": "Bearer ${env:T}" }),
            &["bearer_token invalid_value"],
        ),
        (
            "otlp_http",
            json!({ "endpoint": "https://h", "basic_auth": { "username": "u" }, "queue_on_disk": "yes" }),
            &["basic_auth.password missing", "queue_on_disk wrong_type"],
        ),
        ("loki", json!({ "endpoint": "https://loki/loki/api/v1/push" }), &["endpoint invalid_value"]),
        ("loki", json!({ "endpoint": "https://loki?x=1" }), &["endpoint invalid_value"]),
        (
            "loki",
            json!({ "endpoint": "https://loki", "tenant": "a", "headers": { "x-scope-orgid": "b" } }),
            &["headers.x-scope-orgid not_allowed"],
        ),
        ("tempo", json!({ "endpoint": "https://tempo" }), &["endpoint invalid_value"]),
        ("tempo", json!({ "endpoint": "tempo:4318", "protocol": "http" }), &["endpoint invalid_value"]),
        (
            "tempo",
            json!({ "endpoint": "http://tempo:4318", "protocol": "http", "plaintext": true }),
            &["plaintext not_allowed"],
        ),
        ("grafana_cloud", json!({ "instance_id": "1", "token": "t" }), &["endpoint missing"]),
        (
            "grafana_cloud",
            json!({ "instance_id": "me", "token": "t", "zone": "prod.grafana.net", "endpoint": "https://h" }),
            &["instance_id invalid_value", "zone invalid_value", "zone not_allowed"],
        ),
        (
            "prometheus_remote_write",
            json!({
                "endpoint": "https://h/push", "headers": { "Authorization": "x", "Content-Type": "y" },
                "external_labels": { "a-b": "c" },
            }),
            &["external_labels.a-b invalid_value"],
        ),
        (
            "prometheus_remote_write",
            json!({ "endpoint": "https://h/push", "headers": { "Authorization": "x", "Content-Type": "y" } }),
            &["headers.Authorization not_allowed", "headers.Content-Type not_allowed"],
        ),
        (
            "kafka",
            json!({ "brokers": ["kafka", "kafka:9092", "kafka:9092"], "logs_topic": "a b", "sasl": {} }),
            &[
                "brokers[0] invalid_value",
                "brokers[2] duplicate",
                "logs_topic invalid_value",
                "sasl.password missing",
                "sasl.username missing",
            ],
        ),
        ("kafka", json!({ "brokers": [] }), &["brokers too_few"]),
        (
            "elasticsearch",
            json!({ "endpoints": ["https://u:p@es"], "logs_index": "_Logs" }),
            &["endpoints[0] invalid_value", "logs_index invalid_value"],
        ),
        (
            "elasticsearch",
            json!({ "endpoints": ["https://es"], "api_key": "k", "bearer_token": "t" }),
            &["api_key not_allowed"],
        ),
        ("opensearch", json!({ "endpoint": "opensearch:9200" }), &["endpoint invalid_value"]),
        (
            "clickhouse",
            json!({ "endpoint": "tcp://u:secret@ch:9000", "database": "a; DROP TABLE b" }),
            &["database invalid_value", "endpoint invalid_value"],
        ),
        (
            "clickhouse",
            json!({ "endpoint": "https://ch:8443", "password": "p", "ttl": "1500ms" }),
            &["ttl out_of_range", "username missing"],
        ),
        (
            "s3",
            json!({ "bucket": "My_Bucket", "role_arn": "telemetry", "prefix": "/x/" }),
            &["bucket invalid_value", "prefix invalid_value", "role_arn invalid_value"],
        ),
        ("splunk_hec", json!({ "endpoint": "https://splunk" }), &["token missing"]),
        ("file", json!({ "path": "out.json" }), &["path invalid_value"]),
        ("file", json!({ "path": "/var/*.json" }), &["path invalid_value"]),
        ("file", json!({ "path": "/var/out", "compression": "zstd" }), &["rotation missing"]),
        ("debug", json!({ "verbosity": "loud" }), &["verbosity unknown_value"]),
    ] {
        assert_eq!(findings(kind, &settings).0, expected, "{kind} {settings}");
    }
}

#[test]
fn what_is_dangerous_or_has_no_effect_is_a_warning() {
    let tls = json!({ "insecure_skip_verify": true });
    for (kind, settings, expected) in [
        (
            "otlp_http",
            json!({ "endpoint": "http://h", "bearer_token": "${env:T}", "tls": tls }),
            &["bearer_token unencrypted", "tls no_effect", "tls.insecure_skip_verify insecure"][..],
        ),
        ("otlp_http", json!({ "endpoint": "https://h", "bearer_token": "${env:T}" }), &[]),
        (
            "otlp_grpc",
            json!({ "endpoint": "h:1", "plaintext": true, "headers": { "x": "y" }, "tls": {} }),
            &["headers unencrypted", "tls no_effect"],
        ),
        ("otlp_grpc", json!({ "endpoint": "127.0.0.1:4317", "plaintext": true }), &[]),
        (
            "kafka",
            json!({ "brokers": ["k:1"], "plaintext": true, "sasl": { "username": "u", "password": "p" } }),
            &["sasl unencrypted"],
        ),
        ("elasticsearch", json!({ "endpoints": ["https://a", "http://b"], "api_key": "k" }), &["api_key unencrypted"]),
        (
            "clickhouse",
            json!({ "endpoint": "tcp://ch:9000", "username": "u", "password": "p" }),
            &["password unencrypted"],
        ),
        ("clickhouse", json!({ "endpoint": "tcp://ch:9440", "username": "u", "password": "p", "tls": {} }), &[]),
        ("splunk_hec", json!({ "endpoint": "http://s:8088", "token": "t" }), &["token unencrypted"]),
        ("grafana_cloud", json!({ "endpoint": "http://g", "instance_id": "1", "token": "t" }), &["token unencrypted"]),
        ("s3", json!({ "bucket": "logs", "endpoint": "http://minio:9000" }), &["endpoint unencrypted"]),
        ("file", json!({ "path": "/var/out" }), &["rotation unbounded"]),
        ("file", json!({ "path": "/var/out", "rotation": {} }), &[]),
    ] {
        let (errors, warnings) = findings(kind, &settings);
        assert_eq!(
            (errors, warnings),
            (Vec::new(), expected.iter().map(|w| (*w).to_owned()).collect()),
            "{kind} {settings}"
        );
    }
}

#[test]
fn attempts_are_not_further_apart_than_the_time_for_all_of_them() {
    let otlp = catalogue().get(Role::Destination, "otlp_http").unwrap();
    for (retry_for, expected) in [
        ("3s", "initial_interval: \"3s\"\n      max_interval: \"3s\"\n      max_elapsed_time: \"3s\""),
        ("10s", "max_interval: \"10s\"\n      max_elapsed_time: \"10s\""),
        ("30s", "retry_on_failure:\n      max_elapsed_time: \"30s\""),
        ("0s", "retry_on_failure:\n      max_elapsed_time: \"0s\""),
    ] {
        let settings = json!({ "endpoint": "https://h", "retry_for": retry_for });
        let (otelcol, alloy) = renderings(otlp, settings.as_object().unwrap());
        let text = otelcol_text(&otelcol.unwrap());
        assert!(text.contains(expected), "{text}");
        let alloy = alloy_text(alloy.unwrap());
        assert_eq!(alloy.contains("max_interval"), text.contains("max_interval"), "{alloy}");
        assert_eq!(alloy.contains("initial_interval"), text.contains("initial_interval"), "{alloy}");
    }
}

#[test]
fn a_token_keeps_its_kind_behind_the_scheme() {
    let otlp = catalogue().get(Role::Destination, "otlp_http").unwrap();
    let settings = |token: Value| json!({ "endpoint": "https://h", "bearer_token": token });
    let rendered = |token: Value, hide: bool| {
        let settings = schema::with_defaults(otlp.schema(), settings(token).as_object().unwrap());
        let outputs = Outputs::default();
        let part = otlp.component().alloy(&settings, &AlloySite { label: "x", outputs: &outputs }).unwrap();
        alloy::write(&part.blocks.into_iter().map(Statement::Block).collect::<Vec<_>>(), hide)
    };
    let secret = json!({ "secret": "hunter2" });
    assert!(rendered(secret.clone(), false).contains(r#"{"Authorization" = "Bearer hunter2"}"#));
    assert!(rendered(secret, true).contains(r#"{"Authorization" = "[sealed]"}"#));
    let env = rendered(json!({ "prefix": "", "env": "TOKEN" }), true);
    assert!(env.contains(r#"string.format("Bearer %s", sys.env("TOKEN"))"#), "{env}");
}

#[test]
fn what_alloy_cannot_do_is_refused_at_its_place() {
    for (kind, settings, field, reason) in [
        ("elasticsearch", json!({ "endpoints": ["https://es"] }), "", "no exporter for Elasticsearch"),
        ("opensearch", json!({ "endpoint": "https://os" }), "", "no exporter for OpenSearch"),
        ("clickhouse", json!({ "endpoint": "https://ch:8443" }), "", "no exporter for ClickHouse"),
        (
            "splunk_hec",
            json!({ "endpoint": "https://s", "token": "${env:T}", "tls": { "ca_file": "/ca.pem" } }),
            "tls",
            "does not know `ca_file`",
        ),
    ] {
        let registered = catalogue().get(Role::Destination, kind).unwrap();
        let (otelcol, alloy) = renderings(registered, settings.as_object().unwrap());
        assert!(otelcol.is_ok(), "{kind}");
        let unsupported = alloy.unwrap_err();
        assert_eq!(unsupported.field, field, "{kind}");
        assert!(unsupported.reason.contains(reason), "{kind}: {unsupported}");
    }
}
