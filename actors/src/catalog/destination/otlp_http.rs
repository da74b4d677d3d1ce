//! `otlp_http`: records to a backend by OTLP over HTTP.
//!
//! The backend gets what the pipeline had, unchanged: logs at `<url>/v1/logs`, metrics at `/v1/metrics`, traces at
//! `/v1/traces`, each batch one request in protobuf. Both runtimes run the same exporter (`otlphttp`,
//! `otelcol.exporter.otlphttp`); only the header `User-Agent` tells them apart.

use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
    exporter::{
        checks,
        fields::{self, OTLP_COMPRESSION},
        otlp::OverHttp,
    },
    form::form,
    read,
};

pub(super) const COMPONENT: &dyn Component = &OtlpHttp;

struct OtlpHttp;

impl Component for OtlpHttp {
    fn title(&self) -> &'static str {
        "OTLP over HTTP"
    }

    fn description(&self) -> &'static str {
        "Sends records to a backend or another collector by OTLP over HTTP, with retries and a queue."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn schema(&self) -> Value {
        form([
            (
                "endpoint",
                fields::url("URL", "https://otlp.example.com")
                    .required()
                    .help("/v1/logs, /v1/metrics or /v1/traces is added to it."),
            ),
            ("bearer_token", fields::bearer_token()),
            ("basic_auth", fields::basic_auth()),
            ("headers", fields::headers()),
            ("compression", fields::compression(OTLP_COMPRESSION)),
            ("timeout", fields::timeout("30s")),
            ("tls", fields::tls()),
            ("queue_size", fields::queue_size()),
            ("queue_on_disk", fields::queue_on_disk()),
            ("retry_for", fields::retry_for()),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "A backend with a token from the host's environment",
                json!({ "endpoint": "https://otlp.example.com", "headers": { "Authorization": "Bearer ${env:OTLP_TOKEN}" } }),
            ),
            ("Another collector on this host", json!({ "endpoint": "http://127.0.0.1:4318" })),
            (
                "A backend of one's own, with client certificate, password and a queue on disk",
                json!({
                    "endpoint": "https://otlp.internal:4318",
                    "basic_auth": { "username": "collector", "password": "${env:OTLP_PASSWORD}" },
                    "tls": {
                        "ca_file": "/etc/ssl/internal-ca.pem", "cert_file": "/etc/ssl/collector.pem",
                        "key_file": "/etc/ssl/collector.key", "server_name": "otlp.internal",
                    },
                    "queue_on_disk": true, "retry_for": "0s",
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        checks::http(settings, findings);
    }

    fn check_before_save(&self, settings: &SettingsMap, findings: &mut Findings) {
        checks::no_signal_path(settings, findings);
    }

    fn otelcol(&self, settings: &SettingsMap, site: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        Ok(read::<OverHttp>(settings)?.otelcol(site))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        Ok(read::<OverHttp>(settings)?.alloy(site))
    }
}
