//! `otlp_grpc`: records to a backend by OTLP over gRPC.
//!
//! The backend gets what the pipeline had, unchanged, each batch one call of the OTLP services for logs, metrics and
//! traces. Both runtimes run the same exporter (`otlp`, `otelcol.exporter.otlp`). The connection is encrypted unless
//! `plaintext` says otherwise; an `https://` or `http://` before the host is accepted, as upstream does, and left out
//! of what is rendered. Upstream sends user and password over TLS only and does not start otherwise.

use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
    exporter::{
        checks,
        fields::{self, OTLP_COMPRESSION},
        otlp::OverGrpc,
    },
    form::form,
    read,
};

pub(super) const COMPONENT: &dyn Component = &OtlpGrpc;

struct OtlpGrpc;

impl Component for OtlpGrpc {
    fn title(&self) -> &'static str {
        "OTLP over gRPC"
    }

    fn description(&self) -> &'static str {
        "Sends records to a backend or another collector by OTLP over gRPC, with retries and a queue."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn schema(&self) -> Value {
        form([
            ("endpoint", fields::grpc_address("Server", "otlp.example.com:4317").required().help("Host and port.")),
            ("bearer_token", fields::bearer_token()),
            ("basic_auth", fields::basic_auth()),
            ("headers", fields::headers()),
            ("compression", fields::compression(OTLP_COMPRESSION)),
            ("timeout", fields::timeout("10s")),
            ("plaintext", fields::plaintext()),
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
                json!({ "endpoint": "otlp.example.com:4317", "bearer_token": "${env:OTLP_TOKEN}" }),
            ),
            ("Another collector on this host", json!({ "endpoint": "127.0.0.1:4317", "plaintext": true })),
            (
                "A backend with a certificate of its own and a queue on disk",
                json!({
                    "endpoint": "https://otlp.internal:4317", "tls": { "ca_file": "/etc/ssl/internal-ca.pem" },
                    "basic_auth": { "username": "collector", "password": "${env:OTLP_PASSWORD}" },
                    "queue_on_disk": true,
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        checks::grpc(settings, findings);
    }

    fn otelcol(&self, settings: &SettingsMap, site: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        Ok(read::<OverGrpc>(settings)?.otelcol(site))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        Ok(read::<OverGrpc>(settings)?.alloy(site))
    }
}
