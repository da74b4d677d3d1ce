//! `opensearch`: logs and traces to OpenSearch, as documents of its bulk API.
//!
//! Documents have the form of the Simple Schema for Observability (mapping mode `ss4o`) and go to the data streams
//! `ss4o_logs-<dataset>-<namespace>` and `ss4o_traces-<dataset>-<namespace>`. Batches are sent as they come.
//!
//! Checked against the exporter's sources of 0.139, the newest that could be had; only fields that it has had for long
//! are rendered, and its own configuration reads the example and finds it valid. The exporter for Elasticsearch refuses
//! OpenSearch, and Alloy has neither.

use linkmesh_proto::api::{collector::Runtime, pipeline::Signal};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
        exporter::{checks, delivery::Delivery, fields, http::HttpClient},
        form::{Field, form, text},
        read,
    },
    render::yaml::Yaml,
};

pub(super) const COMPONENT: &dyn Component = &Opensearch;

struct Opensearch;

#[derive(Deserialize)]
struct Settings {
    endpoint: String,
    dataset: String,
    namespace: String,
    #[serde(flatten)]
    client: HttpClient,
    #[serde(flatten)]
    delivery: Delivery,
}

fn name(title: &str, default: &str) -> Field {
    text(title).most(100).check("index_name").default(default).help("A part of the data streams' names.")
}

impl Component for Opensearch {
    fn title(&self) -> &'static str {
        "OpenSearch"
    }

    fn description(&self) -> &'static str {
        "Sends logs and traces to OpenSearch. Not on Alloy, which has no exporter for it."
    }

    fn least(&self) -> Least {
        // otelcol: a queue (0.117).
        Least::otelcol_since(117)
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs, Signal::Traces]
    }

    fn runtimes(&self) -> &'static [Runtime] {
        &[Runtime::Otelcol]
    }

    fn schema(&self) -> Value {
        form([
            ("endpoint", fields::url("URL", "https://opensearch.example.com:9200").required()),
            ("dataset", name("Dataset", "default")),
            ("namespace", name("Namespace", "namespace")),
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
        vec![(
            "A cluster with a password",
            json!({
                "endpoint": "https://opensearch.example.com:9200", "namespace": "prod",
                "basic_auth": { "username": "collector", "password": "${env:OPENSEARCH_PASSWORD}" },
            }),
        )]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        checks::http(settings, findings);
    }

    fn otelcol(&self, settings: &SettingsMap, site: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let (client, extension) = settings.client.otelcol(&settings.endpoint, site);
        let config = vec![
            ("http".to_owned(), Yaml::Map(client)),
            ("dataset".to_owned(), Yaml::text(settings.dataset)),
            ("namespace".to_owned(), Yaml::text(settings.namespace)),
        ];
        Ok(settings.delivery.otelcol("opensearch", config, extension))
    }

    fn alloy(&self, _: &SettingsMap, _: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        Err(Unsupported::new("", "Alloy has no exporter for OpenSearch; send by OTLP to an otelcol, and from there"))
    }
}
