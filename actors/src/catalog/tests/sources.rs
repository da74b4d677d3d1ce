//! What the sources' examples look like on both runtimes, and what their checks find.

use super::*;

/// The receiver of an example as an otelcol config holds it, and the processors behind it.
fn otelcol_text(part: OtelcolPart) -> String {
    let named = |(kind, config): (String, Yaml)| (format!("{kind}/x"), config);
    let mut sections = vec![("receivers".to_owned(), Yaml::Map(vec![named((part.kind, part.config))]))];
    if !part.processors.is_empty() {
        sections.push(("processors".to_owned(), Yaml::Map(part.processors.into_iter().map(named).collect())));
    }
    Yaml::Map(sections).write(false)
}

fn alloy_text(part: AlloyPart) -> String {
    alloy::write(&part.blocks.into_iter().map(Statement::Block).collect::<Vec<_>>(), false)
}

#[test]
fn examples_look_like_this() {
    for registered in catalogue().components().iter().filter(|known| known.role() == Role::Source) {
        let kind = registered.kind();
        if kind == "raw" {
            continue;
        }
        let mut shown = String::new();
        for (title, settings) in registered.component().examples() {
            let (otelcol, alloy) = renderings(registered, settings.as_object().unwrap());
            let otelcol = otelcol.map_or_else(|reason| format!("{reason}\n"), otelcol_text);
            let alloy = alloy.map_or_else(|reason| format!("{reason}\n"), alloy_text);
            shown.push_str(&format!("=== {title}\n--- otelcol\n{otelcol}--- alloy\n{alloy}\n"));
        }
        insta::with_settings!({ snapshot_suffix => kind, omit_expression => true }, {
            insta::assert_snapshot!("source", shown);
        });
    }
}

#[test]
fn wrong_settings_of_sources_are_named_by_their_place() {
    let prometheus = |mut more: Value| {
        more["job_name"] = json!("j");
        more["targets"] = json!([{ "address": "h:1", "labels": { "env": "x" } }]);
        more
    };
    let tls = json!({ "cert_file": "/c", "key_file": "/k" });
    for (kind, settings, expected) in [
        (
            "otlp",
            json!({ "grpc": { "endpoint": "h:1", "max_message_size": "1KiB" } }),
            vec!["grpc.max_message_size invalid_value"],
        ),
        (
            "otlp",
            json!({ "grpc": { "endpoint": "h:1", "max_message_size": "2GiB" } }),
            vec!["grpc.max_message_size out_of_range"],
        ),
        (
            "otlp",
            json!({ "http": { "endpoint": "h:1", "max_message_size": "0B" } }),
            vec!["http.max_message_size out_of_range"],
        ),
        (
            "otlp",
            json!({ "http": { "endpoint": "h:1", "tls": { "cert_file": "/c" } } }),
            vec!["http.tls.key_file missing"],
        ),
        ("syslog", json!({}), vec!["listen_address missing"]),
        (
            "syslog",
            json!({ "listen_address": "h:1", "transport": "udp", "octet_counting": true, "tls": tls }),
            vec!["octet_counting not_allowed", "tls not_allowed"],
        ),
        (
            "journald",
            json!({ "units": ["a b"], "identifiers": ["a b"], "directory": "x", "priority": "loud" }),
            vec![
                "directory invalid_value",
                "identifiers[0] invalid_value",
                "priority unknown_value",
                "units[0] invalid_value",
            ],
        ),
        ("prometheus", json!({ "job_name": "j", "targets": [] }), vec!["targets too_few"]),
        (
            "prometheus",
            json!({ "job_name": "j", "targets": [{ "address": "http://h" }, { "address": "h:1", "labels": { "__x": "y" } }] }),
            vec!["targets[0].address invalid_value", "targets[1].labels.__x invalid_value"],
        ),
        (
            "prometheus",
            json!({ "job_name": "j", "targets": [{ "address": "h:1", "labels": { "job": "x" } }, { "address": "h:1", "labels": { "job": "x" } }] }),
            vec!["targets[0].labels.job reserved", "targets[1] duplicate", "targets[1].labels.job reserved"],
        ),
        (
            "prometheus",
            prometheus(json!({ "scrape_interval": "5s", "scrape_timeout": "10s" })),
            vec!["scrape_timeout out_of_range"],
        ),
        ("prometheus", prometheus(json!({ "scrape_timeout": "0s" })), vec!["scrape_timeout out_of_range"]),
        (
            "prometheus",
            prometheus(json!({ "bearer_token": "x", "basic_auth": { "username": "u", "password": "p" } })),
            vec!["basic_auth not_allowed"],
        ),
        ("prometheus", prometheus(json!({ "metrics_path": "metrics?a=1" })), vec!["metrics_path invalid_value"]),
        (
            "prometheus",
            prometheus(json!({ "rules": [
                { "action": "keep" },
                { "action": "drop", "pattern": "(", "to": "x" },
                { "action": "drop_label", "label": "le" },
                { "action": "rename_label", "label": "env", "to": "instance" },
            ] })),
            // What the schema finds stands alone: the rest is looked at when that is mended.
            vec!["rules[1].pattern invalid_value"],
        ),
        (
            "prometheus",
            prometheus(json!({ "rules": [
                { "action": "keep" },
                { "action": "drop", "pattern": "a", "to": "x" },
                { "action": "drop_label", "label": "le" },
                { "action": "rename_label", "label": "env", "to": "instance" },
            ] })),
            vec![
                "rules[0].pattern missing",
                "rules[1].to not_allowed",
                "rules[2].label reserved",
                "rules[3].label not_allowed",
                "rules[3].to reserved",
            ],
        ),
        (
            "kubernetes_pod_logs",
            json!({ "namespaces": ["A"], "labels": { "a/b/c": "x", "app": "-" }, "exclude_pods": ["a/b"] }),
            vec![
                "exclude_pods[0] invalid_value",
                "labels.a/b/c invalid_value",
                "labels.app invalid_value",
                "namespaces[0] invalid_value",
            ],
        ),
        ("kubernetes_events", json!({ "namespaces": ["shop-*"] }), vec!["namespaces[0] invalid_value"]),
        ("kafka", json!({ "brokers": ["h:1"] }), vec![" missing"]),
        (
            "kafka",
            json!({ "brokers": ["h"], "metrics": { "topics": ["a b"], "encoding": "text" }, "sasl": { "username": "u" } }),
            vec![
                "brokers[0] invalid_value",
                "metrics.encoding unknown_value",
                "metrics.topics[0] invalid_value",
                "sasl.password missing",
            ],
        ),
        (
            "windows_event_log",
            json!({ "channels": ["a\"b", "<x>"] }),
            vec!["channels[0] invalid_value", "channels[1] invalid_value"],
        ),
        (
            "docker",
            json!({ "containers": ["(a)"], "host": "/var/run" }),
            vec!["containers[0] invalid_value", "host invalid_value"],
        ),
    ] {
        let mut found = problems(Role::Source, kind, &settings);
        found.sort();
        assert_eq!(found, expected, "{kind} {settings}");
    }
}

#[test]
fn what_listens_says_where() {
    let binds = |kind: &str, settings: Value| {
        let component = catalogue().get(Role::Source, kind).unwrap().component();
        let binds = component.binds(settings.as_object().unwrap());
        binds.into_iter().map(|bind| format!("{} {} {}", bind.field, bind.protocol, bind.port)).collect::<Vec<_>>()
    };
    assert_eq!(binds("syslog", json!({ "listen_address": "0.0.0.0:514" })), ["listen_address tcp 514"]);
    assert_eq!(binds("syslog", json!({ "listen_address": ":514", "transport": "udp" })), ["listen_address udp 514"]);
    assert_eq!(
        binds("otlp", json!({ "grpc": { "endpoint": "h:1" }, "http": { "endpoint": "h:2" } })),
        ["grpc.endpoint tcp 1", "http.endpoint tcp 2"]
    );
    let sources = catalogue().components().iter().filter(|known| known.role() == Role::Source);
    for registered in sources.filter(|known| known.kind() != "raw") {
        for (_, settings) in registered.component().examples() {
            let listens = !registered.component().binds(settings.as_object().unwrap()).is_empty();
            assert_eq!(listens, ["otlp", "syslog"].contains(&registered.kind()), "{registered:?}");
        }
    }
}

#[test]
fn a_listener_is_encrypted_on_both() {
    let settings = json!({
        "listen_address": "0.0.0.0:6514",
        "tls": { "cert_file": "/c", "key_file": "/k", "client_ca_file": "/ca" },
    });
    let registered = catalogue().get(Role::Source, "syslog").unwrap();
    let (otelcol, alloy) = renderings(registered, settings.as_object().unwrap());
    let tls = "      tls:\n        cert_file: \"/c\"\n        key_file: \"/k\"\n        client_ca_file: \"/ca\"\n";
    assert!(otelcol_text(otelcol.unwrap()).contains(tls));
    let tls = "\t\ttls {\n\t\t\tcert_file      = \"/c\"\n\t\t\tkey_file       = \"/k\"\n\t\t\tclient_ca_file = \"/ca\"\n\t\t}\n";
    assert!(alloy_text(alloy.unwrap()).contains(tls));
}

#[test]
fn a_runtime_that_cannot_says_why_and_where() {
    let reason = |kind: &str, settings: Value| {
        let (otelcol, alloy) = renderings(catalogue().get(Role::Source, kind).unwrap(), settings.as_object().unwrap());
        (otelcol.err().map(|reason| reason.field), alloy.err().map(|reason| reason.field))
    };
    assert_eq!(reason("docker", json!({})), (Some(""), None));
    assert_eq!(reason("windows_event_log", json!({ "start_at": "beginning" })), (None, Some("start_at")));
    assert_eq!(reason("windows_event_log", json!({})), (None, None));
}

#[test]
fn a_short_interval_is_the_timeout_where_none_is_given() {
    let registered = catalogue().get(Role::Source, "prometheus").unwrap();
    for (more, expected) in [
        (json!({}), "10s"),
        (json!({ "scrape_interval": "10s" }), "10s"),
        (json!({ "scrape_interval": "5s" }), "5s"),
        (json!({ "scrape_interval": "2500ms" }), "2500ms"),
        (json!({ "scrape_interval": "5s", "scrape_timeout": "4s" }), "4s"),
        (json!({ "scrape_interval": "15s", "scrape_timeout": "12s" }), "12s"),
    ] {
        let mut settings = json!({ "job_name": "j", "targets": [{ "address": "h:1" }] });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut findings = Findings::new(Path::root());
        registered.check(settings.as_object().unwrap(), &mut findings);
        assert!(findings.errors.is_empty(), "{settings}");
        let (otelcol, alloy) = renderings(registered, settings.as_object().unwrap());
        let otelcol = otelcol.unwrap().config.write(false);
        assert!(otelcol.contains(&format!("scrape_timeout: \"{expected}\"\n")), "{otelcol}");
        let blocks = alloy.unwrap().blocks.into_iter().map(Statement::Block).collect::<Vec<_>>();
        let alloy = alloy::write(&blocks, false);
        assert!(alloy.contains(&format!("scrape_timeout  = \"{expected}\"")), "{alloy}");
    }
}
