//! What collectors pushed of themselves once, to be pushed again.

use linkmesh_proto::wire::otlp::{
    AnyValue, ExportMetricsServiceRequest, Gauge, KeyValue, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics,
    Sum, any_value, metric::Data, number_data_point::Value,
};
use prost::Message as _;

/// A push of Alloy 1.18 with two remote pipelines, as OTLP JSON.
pub const ALLOY_METRICS: &str = include_str!("../../../tests/fixtures/own-metrics-alloy-1.18.json");
/// A push of otelcol 0.149 under a supervisor, as OTLP JSON.
pub const OTELCOL_METRICS: &str = include_str!("../../../tests/fixtures/own-metrics-otelcol-0.149.0.json");

/// OTLP JSON as the message that a collector sends. `label` is told a metric, a label and what it says, and answers what
/// it shall say.
///
/// # Panics
/// When the text is no such capture.
#[must_use]
pub fn from_json(capture: &str, label: &dyn Fn(&str, &str, &str) -> String) -> ExportMetricsServiceRequest {
    let root: serde_json::Value = serde_json::from_str(capture).unwrap();
    let list = |value: &serde_json::Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let integer = |value: &serde_json::Value| value.as_str().and_then(|text| text.parse().ok()).unwrap_or(0_u64);
    let point = |name: &str, point: &serde_json::Value| NumberDataPoint {
        attributes: list(point, "attributes")
            .iter()
            .map(|pair| {
                let key = pair["key"].as_str().unwrap().to_owned();
                let text = pair["value"]["stringValue"].as_str().unwrap();
                let value = any_value::Value::StringValue(label(name, &key, text));
                KeyValue { key, value: Some(AnyValue { value: Some(value) }) }
            })
            .collect(),
        start_time_unix_nano: integer(&point["startTimeUnixNano"]),
        time_unix_nano: integer(&point["timeUnixNano"]),
        flags: 0,
        value: match &point["asDouble"] {
            serde_json::Value::Null => Some(Value::AsInt(point["asInt"].as_str().unwrap().parse().unwrap())),
            number => Some(Value::AsDouble(number.as_f64().unwrap())),
        },
    };
    let metric = |metric: &serde_json::Value| {
        let name = metric["name"].as_str().unwrap();
        let points =
            |kind: &str| list(&metric[kind], "dataPoints").iter().map(|found| point(name, found)).collect::<Vec<_>>();
        let data = if metric["sum"].is_object() {
            Data::Sum(Sum { data_points: points("sum"), aggregation_temporality: 2, is_monotonic: true })
        } else {
            Data::Gauge(Gauge { data_points: points("gauge") })
        };
        Metric { name: name.to_owned(), data: Some(data) }
    };
    let scope =
        |scope: &serde_json::Value| ScopeMetrics { metrics: list(scope, "metrics").iter().map(metric).collect() };
    let resource = |resource: &serde_json::Value| ResourceMetrics {
        scope_metrics: list(resource, "scopeMetrics").iter().map(scope).collect(),
        ..Default::default()
    };
    let request =
        ExportMetricsServiceRequest { resource_metrics: list(&root, "resourceMetrics").iter().map(resource).collect() };
    // What went over the wire once.
    ExportMetricsServiceRequest::decode(&request.encode_to_vec()[..]).unwrap()
}
