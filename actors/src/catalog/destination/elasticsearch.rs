//! `elasticsearch`: records to Elasticsearch 8.12 or newer, as documents of its bulk API.
//!
//! Documents have the form that Elasticsearch calls OTel-native (mapping mode `otel`): fields of OTLP under their own
//! names. Without an index of its own a signal goes to the data stream `<type>-<dataset>.otel-<namespace>`, which the
//! attributes `data_stream.dataset` and `data_stream.namespace` name (else `generic` and `default`); events of spans
//! are log documents. Another mapping mode is chosen by the attribute `elastic.mapping.mode` of a scope. Batches are
//! joined up to 5 MB, as upstream does by default.
//!
//! Retries are counted, not timed: after 1 s, then at doubled distances up to 30 s, each shortened by up to a half;
//! for `retry_for` there are as many as certainly fill it. Upstream retries only what is refused as too much (429);
//! here also what a server or proxy in front of it cannot take at the moment (502, 503, 504), at the price of a
//! document stored twice when the answer was lost.
//!
//! Checked against the exporter's sources of 0.148 and 0.156, the nearest to 0.149 and 0.158 that could be had; a
//! collector with 0.156 of it finds the examples valid. The exporter refuses servers that do not say
//! that they are Elasticsearch: OpenSearch is a kind of its own. Alloy has no such exporter.

use linkmesh_proto::api::collector::Runtime;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
        exporter::{checks, delivery::Delivery, fields, http::HttpClient},
        form::{Field, form, list, text},
        read, scalar,
    },
    render::{text::Text, yaml::Yaml},
};

pub(super) const COMPONENT: &dyn Component = &Elasticsearch;

struct Elasticsearch;

#[derive(Deserialize)]
struct Settings {
    endpoints: Vec<String>,
    logs_index: Option<String>,
    metrics_index: Option<String>,
    traces_index: Option<String>,
    api_key: Option<Text>,
    #[serde(flatten)]
    client: HttpClient,
    #[serde(flatten)]
    delivery: Delivery,
}

/// How many retries fill a time, when the shortest possible distances lie between them; 0 is for ever.
fn retries(retry_for: &str) -> i64 {
    const FOR_EVER: i64 = 1_000_000;
    let limit = scalar::duration_ns(retry_for).unwrap_or_default() / 1_000_000;
    if limit == 0 {
        return FOR_EVER;
    }
    // Halves of 1, 2, 4, 8, 16 s, then of 30 s.
    let mut waited = 0;
    let mut count = 0;
    for distance in [500, 1_000, 2_000, 4_000, 8_000] {
        if waited >= limit {
            return count;
        }
        waited += distance;
        count += 1;
    }
    let rest = limit.saturating_sub(waited).div_ceil(15_000);
    count.saturating_add(i64::try_from(rest).unwrap_or(FOR_EVER)).min(FOR_EVER)
}

fn index(title: &str) -> Field {
    text(title).most(255).check("index_name").help("Leave out to have attributes choose a data stream.")
}

impl Component for Elasticsearch {
    fn title(&self) -> &'static str {
        "Elasticsearch"
    }

    fn description(&self) -> &'static str {
        "Sends logs, metrics and traces to Elasticsearch 8.12 or newer. Not on Alloy, which has no exporter for it."
    }

    fn least(&self) -> Least {
        // otelcol: `retry.max_retries` (0.112).
        Least::otelcol_since(112)
    }

    fn runtimes(&self) -> &'static [Runtime] {
        &[Runtime::Otelcol]
    }

    fn schema(&self) -> Value {
        form([
            (
                "endpoints",
                list("Servers", text("").most(2048).check("http_url"))
                    .at_least(1)
                    .at_most(50)
                    .with("uniqueItems", true)
                    .required()
                    .example(json!(["https://elasticsearch.example.com:9200"]))
                    .help("URLs of the servers that requests are spread over."),
            ),
            ("logs_index", index("Index for logs")),
            ("metrics_index", index("Index for metrics")),
            ("traces_index", index("Index for traces")),
            ("api_key", fields::password("API key").help("In the encoded form that Elasticsearch shows.")),
            ("bearer_token", fields::bearer_token()),
            ("basic_auth", fields::basic_auth()),
            ("headers", fields::headers()),
            ("compression", fields::compression(&["gzip", "none"])),
            ("timeout", fields::timeout("90s")),
            ("tls", fields::tls()),
            ("queue_size", fields::queue_size()),
            ("queue_on_disk", fields::queue_on_disk().help("Batches that wait survive a restart of the collector.")),
            ("retry_for", fields::retry_for()),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "A cluster with an API key",
                json!({ "endpoints": ["https://elasticsearch.example.com:9200"], "api_key": "${env:ELASTIC_API_KEY}" }),
            ),
            (
                "Two servers of one's own, all logs in one index",
                json!({
                    "endpoints": ["https://es-1.internal:9200", "https://es-2.internal:9200"], "logs_index": "app-logs",
                    "basic_auth": { "username": "collector", "password": "${env:ELASTIC_PASSWORD}" },
                    "tls": { "ca_file": "/etc/ssl/internal-ca.pem" }, "queue_on_disk": true, "retry_for": "1h",
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let endpoints = settings.get("endpoints").and_then(Value::as_array);
        let is_plain = |url: &Value| url.as_str().is_some_and(|url| url.starts_with("http://"));
        checks::connection(settings, endpoints.is_some_and(|urls| urls.iter().any(is_plain)), findings);
    }

    fn otelcol(&self, settings: &SettingsMap, site: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut config = vec![("endpoints".to_owned(), Yaml::texts(&settings.endpoints))];
        let (client, extension) = settings.client.otelcol_without_address(site);
        config.extend(client);
        config.extend(settings.api_key.map(|key| ("api_key".to_owned(), Yaml::Text(key))));
        for (name, index) in [
            ("logs_index", settings.logs_index),
            ("metrics_index", settings.metrics_index),
            ("traces_index", settings.traces_index),
        ] {
            config.extend(index.map(|index| (name.to_owned(), Yaml::text(index))));
        }
        config.push(("sending_queue".to_owned(), settings.delivery.otelcol_queue()));
        config.push((
            "retry".to_owned(),
            Yaml::map([
                ("enabled", Yaml::Bool(true)),
                ("max_retries", Yaml::Int(retries(settings.delivery.retry_for()))),
                ("initial_interval", Yaml::text("1s")),
                ("max_interval", Yaml::text("30s")),
                ("retry_on_status", Yaml::Seq([429, 502, 503, 504].map(Yaml::Int).to_vec())),
            ]),
        ));
        Ok(settings.delivery.part("elasticsearch", config, extension))
    }

    fn alloy(&self, _: &SettingsMap, _: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        Err(Unsupported::new("", "Alloy has no exporter for Elasticsearch; send by OTLP to an otelcol, and from there"))
    }
}

#[cfg(test)]
mod tests {
    use super::retries;

    #[test]
    fn retries_fill_the_time_even_at_the_shortest_distances() {
        assert_eq!(retries("0s"), 1_000_000);
        assert_eq!(retries("500ms"), 1);
        assert_eq!(retries("3s"), 3);
        assert_eq!(retries("15500ms"), 5);
        assert_eq!(retries("5m"), 5 + 19);
        assert_eq!(retries("2000000h"), 1_000_000);
    }
}
