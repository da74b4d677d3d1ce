//! What a collector refuses, or passes over, is told with its place and never dropped.

use linkmesh_proto::api::{
    collector::Runtime,
    pipeline::{Import, LeftOverKind},
};

use crate::import::tests::import_alone;

mod alloy;

const COMPONENTS: &str = "
receivers: {otlp: {protocols: {grpc: }}, nop: }
processors: {batch: {timeout: 3s}}
exporters: {debug: , nop: }
connectors: {forward: , forward/b: , count: }
";

fn of_otelcol(rest: &str) -> Import {
    import_alone(Runtime::Otelcol, &format!("{COMPONENTS}{rest}"))
}

/// The errors, as place and code.
fn errors(import: &Import) -> Vec<(&str, &str)> {
    import.errors.iter().map(|error| (error.field.as_str(), error.code.as_str())).collect()
}

/// What is left over at a place: of which kind, and why.
fn left<'i>(import: &'i Import, path: &str) -> (LeftOverKind, &'i str) {
    let found = import.left_over.iter().find(|left| left.path == path);
    let left = found.unwrap_or_else(|| panic!("{path}: {:#?} {:#?}", import.left_over, import.errors));
    (left.kind, &left.reason)
}

#[test]
fn keys_that_no_collector_knows_of_a_pipeline_are_refused_by_their_place() {
    let import = of_otelcol(
        "service: {pipelines: {logs: {receivers: [otlp], processor: [batch], exporters: [debug], fanout: }}}",
    );
    let at = |key: &str| format!("service.pipelines.logs.{key}");
    assert_eq!(
        errors(&import),
        [(at("processor").as_str(), "unknown_field"), (at("fanout").as_str(), "unknown_field")]
    );
    assert!(import.errors[0].message.contains("did you mean `processors`?"), "{}", import.errors[0].message);
}

#[test]
fn keys_that_no_collector_knows_at_the_top_and_of_the_service_are_listed() {
    let import = of_otelcol(
        "processor: {batch/x: }\nx-common: &c {a: 1}\n\
         service: {telemetry: {logs: {level: info}}, pipeline: [1], pipelines: {logs: {receivers: [otlp], exporters: [debug]}}}",
    );
    assert_eq!(import.errors, []);
    for path in ["processor", "x-common", "service.pipeline"] {
        let (kind, reason) = left(&import, path);
        assert!(kind == LeftOverKind::Unused && reason.contains("takes it"), "{path}: {reason}");
    }
    assert!(left(&import, "service.telemetry").1.contains("how a collector tells of itself"));
}

#[test]
fn names_of_pipelines_and_components_are_those_of_a_collector() {
    let parts = "{receivers: [otlp], exporters: [debug]}";
    let import = of_otelcol(&format!(
        "extensions: {{opamp/: }}\nservice: {{pipelines: {{log: {parts}, logs/: {parts}, /a: {parts}, logs/a: {parts}, ' logs / a ': {parts}}}}}"
    ));
    assert_eq!(
        errors(&import),
        [
            ("extensions.opamp/", "invalid_id"),
            ("service.pipelines.log", "invalid_id"),
            ("service.pipelines.logs/", "invalid_id"),
            ("service.pipelines./a", "invalid_id"),
            ("service.pipelines. logs / a ", "duplicate"),
        ]
    );
    let import = of_otelcol(&format!("service: {{pipelines: {{' logs / a/b ': {parts}, profiles: {parts}}}}}"));
    assert_eq!(import.pipelines[0].id.as_ref().unwrap().as_str(), "a-b");
    assert_eq!(left(&import, "service.pipelines.profiles").0, LeftOverKind::Missing);
}

#[test]
fn extensions_that_the_service_names_have_to_be_there() {
    let pipelines = "pipelines: {logs: {receivers: [otlp], exporters: [debug]}}";
    let import = of_otelcol(&format!(
        "extensions: {{pprof: }}\nservice: {{extensions: [zpages, pprof, [1], zpages/x], {pipelines}}}"
    ));
    let at = |number| format!("service.extensions[{number}]");
    assert_eq!(
        errors(&import),
        [(at(0).as_str(), "unknown_component"), (at(2).as_str(), "wrong_type"), (at(3).as_str(), "unknown_component")]
    );
    let import = of_otelcol(&format!("extensions: {{pprof: }}\nservice: {{extensions: pprof, {pipelines}}}"));
    assert_eq!(errors(&import), [("service.extensions", "wrong_type")]);
}

#[test]
fn extensions_that_the_service_does_not_start_are_told() {
    let text = "
receivers: {otlp: {protocols: {grpc: }}}
exporters: {otlphttp: {endpoint: 'https://a.example', auth: {authenticator: basicauth}}}
extensions: {basicauth: {client_auth: {username: a, password: '${env:P}'}}, pprof: , health_check: }
service: {extensions: [health_check], pipelines: {logs: {receivers: [otlp], exporters: [otlphttp]}}}
";
    let import = import_alone(Runtime::Otelcol, text);
    let settings = serde_json::to_string(&import.destinations[0].document.settings).unwrap();
    assert!(settings.contains("basic"), "{settings}");
    let (kind, reason) = left(&import, "extensions.basicauth");
    assert!(kind == LeftOverKind::Differs && reason.contains("is not in `service.extensions`"), "{reason}");
    let (kind, reason) = left(&import, "extensions.pprof");
    assert!(kind == LeftOverKind::Unused && reason.contains("is not in `service.extensions`"), "{reason}");
    assert!(!left(&import, "extensions.health_check").1.contains("service.extensions"));
    let import = import_alone(Runtime::Otelcol, &text.replace("[health_check]", "[health_check, basicauth]"));
    assert!(!import.left_over.iter().any(|left| left.path == "extensions.basicauth"), "{:?}", import.left_over);
}

#[test]
fn components_that_stand_twice_are_read_as_a_collector_does() {
    let twice = "service: {extensions: [pprof, pprof], pipelines: {logs: {receivers: [otlp, nop, otlp, otlp], exporters: [debug, debug]}}}\n\
                 extensions: {pprof: }";
    let import = of_otelcol(twice);
    assert_eq!((&import.errors, import.pipelines.len()), (&Vec::new(), 1));
    assert_eq!(import.pipelines[0].document.destinations.len(), 1);
    for (path, text) in [
        ("service.pipelines.logs.receivers", "receivers: [\"otlp\"]"),
        ("service.pipelines.logs.exporters", "exporters: [\"debug\"]"),
        ("service.extensions", "extensions: [\"pprof\"]"),
    ] {
        assert!(left(&import, path).1.contains("takes for once"), "{path}");
        assert!(import.left_over.iter().any(|left| left.path == path && left.text == text), "{:?}", import.left_over);
    }
    let import =
        of_otelcol("service: {pipelines: {logs: {receivers: [otlp], processors: [batch, batch], exporters: [debug]}}}");
    assert_eq!(errors(&import), [("service.pipelines.logs.processors[1]", "duplicate")]);
}

#[test]
fn connectors_with_one_end_are_told() {
    let import = of_otelcol(
        "service:
  pipelines:
    logs: {receivers: [otlp], exporters: [debug, forward]}
    traces: {receivers: [otlp, forward], exporters: [debug]}
    metrics: {receivers: [otlp, forward/b], exporters: [debug]}
    metrics/on: {receivers: [otlp], exporters: [forward/b]}
",
    );
    let (kind, reason) = left(&import, "connectors.forward");
    assert_eq!(kind, LeftOverKind::Missing);
    for said in ["`service.pipelines.logs` sends to it", "`service.pipelines.traces` begins behind it"] {
        assert!(reason.contains(said), "{reason}");
    }
    assert!(!import.left_over.iter().any(|left| left.path == "connectors.forward/b"), "{:?}", import.left_over);
}

#[test]
fn pipelines_behind_connectors_are_told_where_they_lead_nowhere_or_nothing_comes_to_them() {
    let import = of_otelcol(
        "service:
  pipelines:
    logs/in: {receivers: [otlp], exporters: [debug, forward]}
    logs/dead: {receivers: [forward], processors: [batch], exporters: [count]}
    metrics/count: {receivers: [count], exporters: [forward/b]}
    metrics/behind: {receivers: [forward/b], processors: [batch], exporters: [debug]}
    traces/empty: {receivers: [otlp], exporters: []}
",
    );
    for (path, said) in [
        ("service.pipelines.logs/dead", "sends only to connectors"),
        ("service.pipelines.metrics/count", "behind a connector that LinkMesh does not have"),
        ("service.pipelines.metrics/behind", "nothing comes to"),
        ("service.pipelines.traces/empty", "has no exporters"),
        ("processors.batch", "no pipeline that is taken over"),
    ] {
        let (kind, reason) = left(&import, path);
        assert!(kind == LeftOverKind::Missing && reason.contains(said), "{path}: {reason}");
    }
    let round = of_otelcol(
        "service: {pipelines: {logs/a: {receivers: [forward], exporters: [forward/b]}, logs/b: {receivers: [forward/b], exporters: [forward]}}}",
    );
    for path in ["service.pipelines.logs/a", "service.pipelines.logs/b"] {
        assert!(left(&round, path).1.contains("nothing comes to"));
    }
}

#[test]
fn records_that_arrive_twice_and_will_arrive_once_are_told() {
    let import = of_otelcol(
        "service: {pipelines: {logs: {receivers: [otlp], exporters: [debug, forward]}, logs/on: {receivers: [forward], exporters: [debug]}}}",
    );
    let (kind, reason) = left(&import, "service.pipelines.logs");
    assert!(kind == LeftOverKind::Differs && reason.contains("come to `exporters.debug` by several ways"), "{reason}");
}

#[test]
fn a_service_without_pipelines_is_refused() {
    for service in ["{pipelines: }", "{pipelines: {}}", "{extensions: []}"] {
        assert_eq!(
            errors(&of_otelcol(&format!("service: {service}"))),
            [("service.pipelines", "missing")],
            "{service}"
        );
    }
}

#[test]
fn what_a_processor_does_to_profiles_is_told() {
    let text = "
receivers: {otlp: {protocols: {grpc: }}}
processors:
  filter:
    error_mode: ignore
    logs: {log_record: ['severity_number != 0 and severity_number < SEVERITY_NUMBER_INFO']}
    profiles: {profile: ['duration_unix_nano > 1']}
exporters: {debug: }
service: {pipelines: {logs: {receivers: [otlp], processors: [filter], exporters: [debug]}}}
";
    let import = import_alone(Runtime::Otelcol, text);
    assert_eq!(import.pipelines[0].document.filters[0].kind, "severity");
    let (_, reason) = left(&import, "processors.filter");
    assert!(reason.contains("`profiles` does nothing"), "{reason}");
}

#[test]
fn a_tag_is_refused_where_it_is_one_and_nowhere_else() {
    let text = |path: &str| {
        format!(
            "# no !!binary here\nx: |\n  !!binary a\nreceivers: {{nop: }}\nexporters: {{file: {{path: {path}}}}}\n\
             service: {{pipelines: {{logs: {{receivers: [nop], exporters: [file]}}}}}}"
        )
    };
    for path in ["'/tmp/!!binary'", "\"/tmp/a !!binary\"", "/tmp/x!!binary", "!!str /tmp/x"] {
        let import = import_alone(Runtime::Otelcol, &text(path));
        assert_eq!((&import.errors, import.destinations.len()), (&Vec::new(), 1), "{path}");
    }
    for path in
        ["!!binary L3RtcC94", "!<tag:yaml.org,2002:binary> L3RtcC94", "!!bin%61ry L3RtcC94", "!!timestamp 2001-01-01"]
    {
        let import = import_alone(Runtime::Otelcol, &text(path));
        assert_eq!(errors(&import), [("text", "invalid_yaml")], "{path}");
        assert!(import.errors[0].message.contains(path.split(' ').next().unwrap()), "{}", import.errors[0].message);
    }
}
