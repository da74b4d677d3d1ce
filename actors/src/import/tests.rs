use linkmesh_proto::api::collector::Runtime;

use super::*;

mod round_trip;

#[test]
fn gateway() {
    let text = r#"
receivers:
  otlp:
    protocols:
      grpc: {endpoint: 0.0.0.0:4317}
      http: {endpoint: 0.0.0.0:4318}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 4000}
  batch: {send_batch_size: 8192, timeout: 1s}
  filter/health:
    traces: {span: ['attributes["http.route"] == "/health"']}
  attributes/env:
    actions: [{key: env, value: prod, action: upsert}]
exporters:
  otlphttp/a: {endpoint: 'https://a.example.com', headers: {authorization: 'Bearer ${env:TOKEN}'}}
  otlp/b: {endpoint: b:4317, tls: {insecure: true}}
  debug: {}
extensions: {health_check: {}}
service:
  extensions: [health_check]
  telemetry: {logs: {level: debug}}
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, filter/health, attributes/env, batch], exporters: [otlphttp/a, otlp/b]}
    metrics: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlphttp/a]}
    logs: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlphttp/a]}
"#;
    let import = import(Runtime::Otelcol, text);
    println!("{}", serde_json::to_string_pretty(&import).unwrap());
}
