//! `loki`: log records to Grafana Loki, by the OTLP endpoint that it has since version 3.0.
//!
//! Loki keeps the body as the line; resource attributes that it knows as labels (`service.name`, `k8s.namespace.name`,
//! ...) become labels, everything else structured metadata, as its own `otlp_config` says. Both runtimes send the same
//! requests (`otlphttp`, `otelcol.exporter.otlphttp`) to `<url>/otlp/v1/logs`. Alloy's own way to Loki,
//! `otelcol.exporter.loki`, is not taken: it makes a JSON text of the whole record and labels of its own.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
    exporter::{auth::TENANT, checks, fields, otlp::OverHttp},
    form::form,
    read,
};

pub(super) const COMPONENT: &dyn Component = &Loki;

struct Loki;

#[derive(Deserialize)]
struct Settings {
    tenant: Option<String>,
    #[serde(flatten)]
    exporter: OverHttp,
}

impl Settings {
    fn exporter(settings: &SettingsMap) -> Result<OverHttp, Unsupported> {
        let Self { tenant, mut exporter } = read(settings)?;
        if let Some(tenant) = tenant {
            exporter.client.auth.set_header(TENANT, tenant);
        }
        let base = exporter.endpoint.trim_end_matches('/');
        exporter.endpoint = if base.ends_with("/otlp") { base.to_owned() } else { format!("{base}/otlp") };
        Ok(exporter)
    }
}

impl Component for Loki {
    fn title(&self) -> &'static str {
        "Loki"
    }

    fn description(&self) -> &'static str {
        "Sends log records to Grafana Loki 3.0 or newer, attributes as structured metadata."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs]
    }

    fn schema(&self) -> Value {
        form([
            (
                "endpoint",
                fields::url("URL", "https://loki.example.com")
                    .required()
                    .help("/otlp is added when it is missing, and /v1/logs behind it."),
            ),
            ("tenant", fields::tenant()),
            ("bearer_token", fields::bearer_token()),
            ("basic_auth", fields::basic_auth()),
            ("headers", fields::headers()),
            ("compression", fields::compression(&["gzip", "none"])),
            ("timeout", fields::timeout("30s")),
            ("tls", fields::tls()),
            ("queue_size", fields::queue_size()),
            ("queue_on_disk", fields::queue_on_disk()),
            ("retry_for", fields::retry_for()),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("A Loki of one's own", json!({ "endpoint": "http://loki:3100" })),
            (
                "One of several tenants, behind a proxy that asks for a password",
                json!({
                    "endpoint": "https://loki.example.com", "tenant": "team-a",
                    "basic_auth": { "username": "collector", "password": "${env:LOKI_PASSWORD}" },
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        if checks::text(settings, "endpoint").contains("/loki/api/") {
            let message = "is the path of Loki's own protocol; leave it out, logs are sent by OTLP";
            findings.errors.add(findings.path().key("endpoint"), "invalid_value", message);
        }
        checks::no_query(settings, findings);
        checks::tenant(settings, findings);
        checks::http(settings, findings);
    }

    fn check_before_save(&self, settings: &SettingsMap, findings: &mut Findings) {
        checks::no_signal_path(settings, findings);
    }

    fn otelcol(&self, settings: &SettingsMap, site: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        Ok(Settings::exporter(settings)?.otelcol(site))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        Ok(Settings::exporter(settings)?.alloy(site))
    }
}
