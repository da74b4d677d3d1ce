use super::*;
use crate::domain::expansion::bombs;

const DESIRED_158: &str = include_str!("../../../../tests/fixtures/otelcol-0.158.0-desired.yaml");
const EFFECTIVE_158: &str = include_str!("../../../../tests/fixtures/otelcol-0.158.0-effective.yaml");
const DESIRED_149: &str = include_str!("../../../../tests/fixtures/otelcol-0.149.0-desired.yaml");
const EFFECTIVE_149: &str = include_str!("../../../../tests/fixtures/otelcol-0.149.0-effective.yaml");

fn triples(differences: &[Difference]) -> Vec<(&str, Option<&str>, Option<&str>)> {
    differences.iter().map(|d| (d.path.as_str(), d.desired.as_deref(), d.effective.as_deref())).collect()
}

fn changed(desired: &str, effective: &str, from: &str, to: &str) -> Vec<Difference> {
    let mutated = effective.replacen(from, to, 1);
    assert_ne!(mutated, effective, "{from:?} is in the capture");
    compare_otelcol(desired, &mutated).unwrap()
}

#[test]
fn captures_of_both_versions_are_in_sync() {
    assert_eq!(triples(&compare_otelcol(DESIRED_158, EFFECTIVE_158).unwrap()), []);
    assert_eq!(triples(&compare_otelcol(DESIRED_149, EFFECTIVE_149).unwrap()), []);
    assert!(Committed::parse(EFFECTIVE_158).unwrap().runs(&Committed::parse(DESIRED_158).unwrap()));
}

#[test]
fn a_changed_leaf_is_named_with_both_values() {
    let cases = [
        ("send_batch_size: 8192", "send_batch_size: 1", "processors.batch.send_batch_size", "8192", "1"),
        (
            "max_elapsed_time: 5m0s",
            "max_elapsed_time: 5m1s",
            "exporters.otlphttp/backend.retry_on_failure.max_elapsed_time",
            "300s",
            "5m1s",
        ),
        (
            "endpoint: http://127.0.0.1:9",
            "endpoint: http://127.0.0.1:10",
            "exporters.otlphttp/backend.endpoint",
            "http://127.0.0.1:9",
            "http://127.0.0.1:10",
        ),
        ("value: test", "value: prod", "processors.attributes/env.actions[0].value", "test", "prod"),
        (
            "severity_number < SEVERITY_NUMBER_INFO",
            "severity_number < SEVERITY_NUMBER_WARN",
            "processors.filter/drop_debug.logs.log_record[0]",
            "severity_number < SEVERITY_NUMBER_INFO",
            "severity_number < SEVERITY_NUMBER_WARN",
        ),
        (
            "collection_interval: 1m0s",
            "collection_interval: 2m0s",
            "receivers.hostmetrics.collection_interval",
            "60s",
            "2m0s",
        ),
    ];
    for (from, to, path, desired, effective) in cases {
        let found = changed(DESIRED_158, EFFECTIVE_158, from, to);
        assert_eq!(triples(&found), [(path, Some(desired), Some(effective))]);
    }
}

#[test]
fn a_missing_component_and_a_changed_pipeline_are_drift() {
    let found = changed(DESIRED_158, EFFECTIVE_158, "    filelog/app:", "    filelog/other:");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].path.as_str(), found[0].effective.as_deref()), ("receivers.filelog/app", None));

    let found = changed(DESIRED_158, EFFECTIVE_158, "                - filter/drop_debug\n", "");
    assert_eq!(
        triples(&found),
        [(
            "service.pipelines.logs.processors",
            Some(r#"["memory_limiter","filter/drop_debug","attributes/env","batch"]"#),
            Some(r#"["memory_limiter","attributes/env","batch"]"#),
        )]
    );
}

#[test]
fn order_counts_for_processors_only() {
    let swap = |list: &str, a: &str, b: &str| {
        let text = EFFECTIVE_158.replacen(
            &format!("            {list}:\n                - {a}\n                - {b}"),
            &format!("            {list}:\n                - {b}\n                - {a}"),
            1,
        );
        assert_ne!(text, EFFECTIVE_158);
        compare_otelcol(DESIRED_158, &text).unwrap().len()
    };
    assert_eq!(swap("receivers", "otlp", "filelog/app"), 0);
    assert_eq!(swap("processors", "memory_limiter", "filter/drop_debug"), 1);
}

#[test]
fn a_pipeline_that_nobody_committed_is_drift() {
    let found = changed(
        DESIRED_149,
        EFFECTIVE_149,
        "    pipelines:\n",
        "    pipelines:\n        traces/extra: {receivers: [otlp]}\n",
    );
    assert_eq!(triples(&found), [("service.pipelines.traces/extra", None, Some(r#"{"receivers":["otlp"]}"#))]);
}

#[test]
fn renamed_component_kinds_are_the_same() {
    let effective = EFFECTIVE_158
        .replace("otlphttp/backend", "otlp_http/backend")
        .replace("filelog/app", "file_log/app")
        .replace("hostmetrics", "host_metrics");
    assert_eq!(triples(&compare_otelcol(DESIRED_158, &effective).unwrap()), []);
    let desired = "exporters: {otlp/a: {endpoint: x}}\nservice: {pipelines: {logs: {exporters: [otlp/a]}}}";
    let running = "exporters: {otlp_grpc/a: {endpoint: x}}\nservice: {pipelines: {logs: {exporters: [otlp_grpc/a]}}}";
    assert_eq!(triples(&compare_otelcol(desired, running).unwrap()), []);
    let wrong = "receivers: {otlp_grpc/a: {}}";
    assert_eq!(compare_otelcol("receivers: {otlp/a: {}}", wrong).unwrap().len(), 1);
}

#[test]
fn hidden_and_resolved_values_are_not_compared() {
    let desired = "exporters: {otlphttp: {headers: {a: b, c: d}, endpoint: \"${env:URL}\"}}";
    let hidden = "exporters: {otlphttp: {headers: [{name: a, value: '[REDACTED]'}, {name: C, value: d}], endpoint: x}}";
    assert_eq!(triples(&compare_otelcol(desired, hidden).unwrap()), []);
    // Before the collector has reported, the supervisor sends its own input: the map as it was.
    let own = "exporters: {otlphttp: {headers: {a: b, c: d}, endpoint: \"${env:URL}\"}}";
    assert_eq!(triples(&compare_otelcol(desired, own).unwrap()), []);
    let missing = "exporters: {otlphttp: {headers: [{name: a, value: '[REDACTED]'}], endpoint: x}}";
    assert_eq!(
        triples(&compare_otelcol(desired, missing).unwrap()),
        [("exporters.otlphttp.headers.c", Some("d"), None)]
    );
}

#[test]
fn scalars_are_compared_by_value() {
    for (a, b) in [
        ("1.0", "1"),
        ("'20MiB'", "20971520"),
        ("'a$$b'", "a$b"),
        ("'5'", "5"),
        ("''", "null"),
        ("[]", "null"),
        ("null", "7"),
        ("{}", "{a: 1}"),
        ("'true'", "true"),
    ] {
        let (a, b) = (format!("processors: {{x: {{v: {a}}}}}"), format!("processors: {{x: {{v: {b}}}}}"));
        assert_eq!(triples(&compare_otelcol(&a, &b).unwrap()), [], "{a} {b}");
    }
    for (a, b) in [("1", "2"), ("a", "b"), ("true", "false"), ("[1]", "[1, 2]"), ("{a: 1}", "[1]"), ("a$$b", "a$$$b")] {
        let (a, b) = (format!("processors: {{x: {{v: {a}}}}}"), format!("processors: {{x: {{v: {b}}}}}"));
        assert_eq!(compare_otelcol(&a, &b).unwrap().len(), 1, "{a} {b}");
    }
}

#[test]
fn words_of_enumerations_come_back_with_a_capital() {
    // As 0.158 prints what we render for the destination `debug`.
    let (desired, running) = ("exporters: {debug: {verbosity: normal}}", "exporters: {debug: {verbosity: Normal}}");
    assert_eq!(triples(&compare_otelcol(desired, running).unwrap()), []);
    let running = "exporters: {debug: {verbosity: Detailed}}";
    assert_eq!(
        triples(&compare_otelcol(desired, running).unwrap()),
        [("exporters.debug.verbosity", Some("normal"), Some("Detailed"))]
    );
    let (desired, running) = ("processors: {a: {value: prod}}", "processors: {a: {value: Prod}}");
    assert_eq!(compare_otelcol(desired, running).unwrap().len(), 1);
}

/// Pairs as 0.158 prints them; what differs besides is left out.
#[test]
fn operators_are_compared_in_the_shape_in_which_they_come_back() {
    let desired = r#"
receivers:
  filelog/app:
    operators:
      - {type: json_parser, parse_from: attributes.time, parse_to: 'attributes["a.b"]', output: last, timestamp: {parse_from: body.t, layout: '%s'}}
      - {type: router, default: last, routes: [{output: last, expr: 'true'}]}
      - {type: retain, fields: [attributes.a, body]}
      - {type: regex_parser, id: last, regex: '^(?P<a>.*)$$'}
"#;
    let running = r#"
receivers:
  filelog/app:
    operators:
      - builder: {type: json_parser, id: json_parser, output: [last], parse_from: {fieldinterface: {keys: [time]}}, parse_to: {field: {fieldinterface: {keys: [a.b]}}}, timestamp: {parse_from: {fieldinterface: {keys: [t]}}, layout: '%s', layout_type: strptime}}
      - builder: {type: router, default: [last], routes: [{attributes: null, expr: 'true', output: [last]}]}
      - builder: {type: retain, fields: [{fieldinterface: {keys: [a]}}, {fieldinterface: {keys: []}}]}
      - builder: {type: regex_parser, id: last, regex: '^(?P<a>.*)$', output: []}
"#;
    assert_eq!(triples(&compare_otelcol(desired, running).unwrap()), []);
    let cases = [
        ("keys: [time]", "keys: [times]", "parse_from"),
        ("keys: [time]", "keys: [time, x]", "parse_from"),
        ("keys: [a.b]", "keys: [a, b]", "parse_to"),
        ("output: [last]", "output: []", "output"),
        ("keys: [t]", "keys: []", "timestamp.parse_from"),
        ("layout: '%s'", "layout: '%Y'", "timestamp.layout"),
    ];
    for (from, to, field) in cases {
        let found = changed(desired, running, from, to);
        assert_eq!(found.len(), 1, "{to}");
        assert_eq!(found[0].path, format!("receivers.filelog/app.operators[0].{field}"));
    }
    let found = changed(desired, running, "regex: '^(?P<a>.*)$'", "regex: x");
    assert_eq!(triples(&found), [("receivers.filelog/app.operators[3].regex", Some("^(?P<a>.*)$$"), Some("x"))]);
}

#[test]
fn zeros_and_what_is_off_may_be_left_out_of_a_report_and_of_nothing_else() {
    let same = [
        ("{tls: {insecure_skip_verify: false, ca_file: a}}", "{tls: {ca_file: a}}"),
        ("{tls: {insecure: false}}", "{}"),
        ("{target_info: {enabled: false}, timeout: 0s, n: 0, text: '', list: []}", "{}"),
        ("{sending_queue: {enabled: false, queue_size: 5}}", "{sending_queue: null}"),
        ("{sending_queue: {sizer: bytes}}", "{sending_queue: {sizer: {}}}"),
    ];
    for (a, b) in same {
        let (desired, running) = (format!("exporters: {{otlp: {a}}}"), format!("exporters: {{otlp: {b}}}"));
        assert_eq!(triples(&compare_otelcol(&desired, &running).unwrap()), [], "{a} {b}");
        let committed = |text: &str| Committed::parse(text).unwrap();
        let covers = committed(&running).covers(&committed(&desired));
        assert!(!covers, "a text that does not say {a} may mean something else");
    }
    let other = [
        ("{tls: {insecure: false}}", "{tls: {insecure: true}}"),
        ("{tls: {insecure: true}}", "{}"),
        ("{sending_queue: {queue_size: 5}}", "{sending_queue: null}"),
        ("{sending_queue: {enabled: false}}", "{sending_queue: {enabled: true}}"),
        ("{protocols: {grpc: {}}}", "{protocols: {grpc: null}}"),
        ("{protocols: {grpc: {}}}", "{protocols: {}}"),
        ("{timeout: 1s}", "{}"),
        ("{sending_queue: {size: bytes}}", "{sending_queue: {size: {}}}"),
    ];
    for (a, b) in other {
        let (desired, running) = (format!("exporters: {{otlp: {a}}}"), format!("exporters: {{otlp: {b}}}"));
        assert_eq!(compare_otelcol(&desired, &running).unwrap().len(), 1, "{a} {b}");
    }
    // TLS of Kafka is off when it is missing.
    let found = compare_otelcol("exporters: {kafka: {tls: {insecure: false}}}", "exporters: {kafka: {}}").unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn what_a_type_never_writes_is_unknown_and_compared_when_it_is_there() {
    let desired = "processors: {tail_sampling/a: {decision_wait: 5s, policies: [{name: slow, type: and, \
                   and: {and_sub_policy: [{name: who, type: latency, latency: {threshold_ms: 5}}]}}]}}";
    let running =
        "processors: {tail_sampling/a: {decision_wait: 5s, policies: [{and: {and_sub_policy: [{not: {}}]}}]}}";
    assert_eq!(triples(&compare_otelcol(desired, running).unwrap()), []);
    for (from, to) in [
        ("[{not: {}}]", "[]"),
        ("[{not: {}}]", "[{type: always_sample}]"),
        ("5s", "6s"),
        ("{not: {}}", "{latency: {threshold_ms: 6}}"),
    ] {
        assert_eq!(changed(desired, running, from, to).len(), 1, "{to}");
    }
    let (desired, running) =
        ("receivers: {hostmetrics: {scrapers: {cpu: {}}}}", "receivers: {hostmetrics: {timeout: 0s}}");
    assert_eq!(triples(&compare_otelcol(desired, running).unwrap()), []);
    assert_eq!(changed(desired, running, "timeout: 0s", "scrapers: {memory: {}}").len(), 1);
    assert_eq!(
        compare_otelcol("receivers: {other: {scrapers: {cpu: {}}}}", "receivers: {other: {}}").unwrap().len(),
        1
    );
}

#[test]
fn a_text_is_found_in_itself() {
    for text in [
        "receivers: {filelog: {operators: [{builder: {a: b}}, {type: add, field: attributes.a}]}}",
        "exporters: {x: {a: 'a$$b${env:X}', b: '${', c: \"\\n\", d: {}, e: null, f: {enabled: false}, g: .nan}}",
        "processors: {tail_sampling: {policies: [{name: a, type: and}]}}",
    ] {
        let committed = Committed::parse(text).unwrap();
        assert_eq!(triples(&committed.differences(text).unwrap()), [], "{text}");
        assert!(committed.covers(&committed) && committed.runs(&committed), "{text}");
    }
}

#[test]
fn words_that_are_numbers_come_back_as_such() {
    let desired = "processors: {cumulativetodelta/a: {initial_value: drop}}";
    let running = "processors: {cumulativetodelta/a: {initial_value: 2}}";
    assert_eq!(triples(&compare_otelcol(desired, running).unwrap()), []);
    assert_eq!(
        triples(&changed(desired, running, "2", "0")),
        [("processors.cumulativetodelta/a.initial_value", Some("drop"), Some("0"))]
    );
    assert_eq!(
        compare_otelcol("processors: {batch: {initial_value: drop}}", "processors: {batch: {initial_value: 2}}")
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn what_belongs_to_the_supervisor_is_not_compared() {
    let desired = "service: {telemetry: {logs: {level: debug}}, extensions: [health_check]}";
    let running = "service: {telemetry: {logs: {level: info}}, extensions: [opamp, health_check]}";
    assert_eq!(triples(&compare_otelcol(desired, running).unwrap()), []);
    assert_eq!(compare_otelcol(desired, "service: {extensions: [opamp]}").unwrap().len(), 1);
}

#[test]
fn what_is_no_mapping_is_an_error() {
    for bad in ["hello", "- a", "a: 1\na: 2", "\tx: 1", "a: {", "7"] {
        assert!(Committed::parse(bad).is_err(), "{bad:?}");
    }
    assert!(compare_otelcol("a: 1", "[").is_err());
    assert!(Committed::parse("extensions: {opamp: {}}").unwrap().has_opamp_extension());
    assert!(!Committed::parse("extensions: {opampx: {}}").unwrap().has_opamp_extension());
}

#[test]
fn a_text_covers_one_that_says_no_more() {
    let committed = |text: &str| Committed::parse(text).unwrap();
    let more = committed(DESIRED_149);
    assert!(more.covers(&committed(&format!("# a comment\n{DESIRED_149}"))));
    let other = committed(&DESIRED_149.replace("limit_mib: 256", "limit_mib: 512"));
    assert!(!more.covers(&other) && !other.covers(&more));
}

#[test]
fn alloy_differs_by_line() {
    assert_eq!(compare_alloy("a\nb\n", "a\nb\n"), []);
    assert_eq!(triples(&compare_alloy("a\nb\nc\n", "a\nx\nc\n")), [("line 2", Some("b"), Some("x"))]);
    assert_eq!(triples(&compare_alloy("a\nc\n", "a\nb\nc\n")), [("line 2", None, Some("b"))]);
    assert_eq!(triples(&compare_alloy("a\nb", "a\n")), [("line 2", Some("b"), None)]);
    assert_eq!(triples(&compare_alloy("a\n", "a")), [("line ends", None, None)]);
}

#[test]
fn effective_config_whose_aliases_mean_gigabytes_is_no_config() {
    let committed = Committed::parse(DESIRED_158).unwrap();
    for bomb in [bombs::wide(), bombs::deep(), bombs::long()] {
        assert!(matches!(committed.differences(&bomb), Err(DriftError::NotYaml(_))));
    }
}
