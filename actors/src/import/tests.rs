use std::sync::Arc;

use linkmesh_ottl::run::IsOver;
use linkmesh_proto::api::{
    collector::Runtime,
    destination::DestinationDocument,
    pipeline::{Import, LeftOverKind},
};
use serde_json::json;

use crate::{
    domain::config::{ConfigSnapshot, Versioned},
    import::import,
};

mod foreign;
mod hostile;
mod round_trip;
mod strict;

fn import_alone(runtime: Runtime, text: &str) -> Import {
    import(runtime, text, &ConfigSnapshot::default(), IsOver::NEVER)
}

const SMALL: &str = "
receivers: {otlp: {protocols: {grpc: }}}
exporters: {otlphttp/sink: {endpoint: 'https://other.example.com'}, otlphttp/same: {endpoint: 'https://same.example.com'}}
service: {pipelines: {traces/pay: {receivers: [otlp], exporters: [otlphttp/sink, otlphttp/same]}}}
";

#[test]
fn what_is_there_already_is_neither_taken_for_another_nor_doubled() {
    let mut beside = ConfigSnapshot::default();
    for (id, endpoint) in [("sink", "https://sink.example.com"), ("central", "https://same.example.com")] {
        let document: DestinationDocument = serde_json::from_value(json!({
            "version": 1, "name": id, "kind": "otlp_http", "settings": { "endpoint": endpoint, "timeout": "30s" },
        }))
        .unwrap();
        beside.destinations.insert(id.parse().unwrap(), Arc::new(Versioned::unsaved(document)));
    }
    let import = import(Runtime::Otelcol, SMALL, &beside, IsOver::NEVER);
    let made: Vec<String> = import.destinations.iter().map(|made| made.id.as_ref().unwrap().to_string()).collect();
    assert_eq!(made, ["sink-2"]);
    let twice = SMALL.replace("other.example.com", "same.example.com");
    let both = super::import(Runtime::Otelcol, &twice, &beside, IsOver::NEVER);
    let to: Vec<String> = both.pipelines[0].document.destinations.iter().map(|to| to.id().to_string()).collect();
    assert_eq!(to, ["central", "same"], "what arrives twice still does");
    let to: Vec<String> = import.pipelines[0].document.destinations.iter().map(|to| to.id().to_string()).collect();
    assert_eq!(to, ["sink-2", "central"]);
}

#[test]
fn what_is_not_looked_at_in_time_stays_a_raw_text() {
    let import = import(Runtime::Otelcol, SMALL, &ConfigSnapshot::default(), IsOver::new(|| true));
    assert_eq!(import.pipelines[0].document.sources[0].kind, "raw");
    let left = import.left_over.iter().find(|left| left.path == "receivers.otlp").unwrap();
    assert!(left.reason.contains("too large to look at every part"), "{}", left.reason);
}

#[test]
fn pipelines_that_are_not_taken_over_are_named() {
    let text = "
receivers: {otlp: {protocols: {grpc: }}, nop: }
exporters: {debug: }
connectors: {spanmetrics: , routing: {table: []}}
service:
  pipelines:
    traces/in: {receivers: [otlp], exporters: [spanmetrics, routing]}
    logs/nowhere: {receivers: [otlp], exporters: []}
    logs/nothing: {receivers: [], exporters: [debug]}
    logs/a: {receivers: [otlp], exporters: [debug]}
    logs/b: {receivers: [otlp], exporters: [debug]}
";
    let import = import_alone(Runtime::Otelcol, text);
    let said: Vec<(LeftOverKind, &str)> = import.left_over.iter().map(|left| (left.kind, left.path.as_str())).collect();
    let missing = |path| (LeftOverKind::Missing, path);
    assert_eq!(
        said,
        [
            missing("connectors.routing"),
            missing("connectors.spanmetrics"),
            missing("service.pipelines.logs/nothing"),
            missing("service.pipelines.logs/nowhere"),
            missing("service.pipelines.traces/in"),
            (LeftOverKind::Differs, "service.pipelines.logs/b"),
            (LeftOverKind::Unused, "receivers.nop"),
        ]
    );
}

#[test]
fn a_part_that_is_missing_names_the_pipelines_that_lack_it() {
    let text = "
receivers: {otlp: {protocols: {grpc: }}}
exporters: {debug: , zipkin: {endpoint: 'http://z:9411/api', auth: {authenticator: oauth2client}}}
extensions: {oauth2client: {client_id: a, token_url: 'https://t'}}
service: {extensions: [oauth2client], pipelines: {traces/pay: {receivers: [otlp], exporters: [zipkin, debug]}}}
";
    let import = import_alone(Runtime::Otelcol, text);
    let left = &import.left_over[0];
    assert_eq!((left.kind, left.path.as_str()), (LeftOverKind::Missing, "exporters.zipkin"));
    assert_eq!(left.pipelines.iter().map(ToString::to_string).collect::<Vec<_>>(), ["pay"]);
    assert!(left.reason.contains("oauth2client"), "{}", left.reason);
}

#[test]
fn a_raw_text_goes_without_a_storage_and_says_so() {
    let text = "
receivers: {filelog: {include: [/var/log/a.log], storage: file_storage, operators: [{type: syslog_parser}]}}
exporters: {debug: }
extensions: {file_storage: {directory: /var/lib/otelcol}}
service: {extensions: [file_storage], pipelines: {logs: {receivers: [filelog], exporters: [debug]}}}
";
    let import = import_alone(Runtime::Otelcol, text);
    let step = &import.pipelines[0].document.sources[0];
    assert_eq!(step.kind, "raw");
    let raw = step.settings["otelcol"].as_str().unwrap();
    assert!(raw.contains("syslog_parser") && !raw.contains("storage"), "{raw}");
    let left = import.left_over.iter().find(|left| left.path == "receivers.filelog").unwrap();
    assert!(left.kind == LeftOverKind::Raw && left.reason.contains("without its `storage`"), "{}", left.reason);
}

#[test]
fn merge_keys_and_numbers_are_read_as_the_collector_does() {
    let text = "
receivers: {otlp: {protocols: {http: &http {endpoint: '0.0.0.0:4318'}}}, otlp/b: {protocols: {http: {<<: *http}}}}
processors: {batch: {<<: [{timeout: 1s}, {timeout: 2s, send_batch_size: 8_192}]}}
exporters: {debug: }
service: {pipelines: {logs: {receivers: [otlp/b], processors: [batch], exporters: [debug]}}}
";
    let import = import_alone(Runtime::Otelcol, text);
    let document = &import.pipelines[0].document;
    assert_eq!(document.sources[0].settings["http"], json!({ "endpoint": "0.0.0.0:4318" }));
    assert_eq!(document.processors[0].settings["send_batch_size"], json!(8192));
    assert_ne!(document.processors[0].settings.get("timeout"), Some(&json!("2s")));
}

#[test]
fn arguments_that_make_too_much_of_a_text_are_refused() {
    let literal = "x".repeat(400_000);
    let each = (0..40).map(|n| format!("  otelcol.exporter.debug \"d{n}\" {{ y = argument.a.value }}\n"));
    let wide = format!(
        "declare \"d\" {{\n  argument \"a\" {{ }}\n{}}}\nd \"i\" {{ a = \"{literal}\" }}",
        each.collect::<String>()
    );
    let mut deep =
        "declare \"d0\" {\n argument \"a\" { }\n otelcol.exporter.debug \"x\" { y = argument.a.value }\n}\n".to_owned();
    for level in 1..9 {
        let eight = ["argument.a.value"; 8].join(", ");
        deep.push_str(&format!(
            "declare \"d{level}\" {{\n argument \"a\" {{ }}\n d{} \"i\" {{ a = [{eight}] }}\n}}\n",
            level - 1
        ));
    }
    deep.push_str("d8 \"a\" { a = \"x\" }");
    for text in [wide, deep] {
        let import = import_alone(Runtime::Alloy, &text);
        assert_eq!(import.errors.iter().map(|error| error.code.as_str()).collect::<Vec<_>>(), ["too_large"]);
    }
}
