//! `tempo`: traces to Grafana Tempo, by OTLP.
//!
//! Tempo gets the spans as the pipeline had them. By gRPC both runtimes run the exporter `otlp`, by HTTP `otlphttp`,
//! with the tenant in the header that Tempo knows; nothing differs between them.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
    exporter::{
        auth::{Auth, TENANT},
        checks,
        fields::{self, OTLP_COMPRESSION},
        otlp::{OverGrpc, OverHttp},
    },
    form::{choice, form, text},
    read, scalar,
};

pub(super) const COMPONENT: &dyn Component = &Tempo;

struct Tempo;

#[derive(Deserialize)]
struct Settings {
    protocol: String,
    tenant: Option<String>,
}

enum Exporter {
    Grpc(OverGrpc),
    Http(OverHttp),
}

impl Settings {
    fn exporter(settings: &SettingsMap) -> Result<Exporter, Unsupported> {
        let own: Self = read(settings)?;
        let tenant = |auth: &mut Auth| own.tenant.iter().for_each(|tenant| auth.set_header(TENANT, tenant.as_str()));
        Ok(if own.protocol == "http" {
            let mut exporter: OverHttp = read(settings)?;
            tenant(&mut exporter.client.auth);
            Exporter::Http(exporter)
        } else {
            let mut exporter: OverGrpc = read(settings)?;
            tenant(&mut exporter.auth);
            Exporter::Grpc(exporter)
        })
    }
}

impl Component for Tempo {
    fn title(&self) -> &'static str {
        "Tempo"
    }

    fn description(&self) -> &'static str {
        "Sends traces to Grafana Tempo by OTLP, over gRPC or HTTP."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Traces]
    }

    fn schema(&self) -> Value {
        form([
            ("protocol", choice("Protocol", &["grpc", "http"]).default("grpc")),
            (
                "endpoint",
                text("Server")
                    .most(2048)
                    .required()
                    .example("tempo.example.com:4317")
                    .help("Host and port for gRPC, a URL such as https://tempo.example.com:4318 for HTTP."),
            ),
            ("tenant", fields::tenant()),
            ("bearer_token", fields::bearer_token()),
            ("basic_auth", fields::basic_auth()),
            ("headers", fields::headers()),
            ("compression", fields::compression(OTLP_COMPRESSION)),
            ("timeout", fields::timeout("10s")),
            (
                "plaintext",
                fields::plaintext()
                    .help("For gRPC to a Tempo without TLS, on a network that is trusted; for HTTP the URL says it."),
            ),
            ("tls", fields::tls()),
            ("queue_size", fields::queue_size()),
            ("queue_on_disk", fields::queue_on_disk()),
            ("retry_for", fields::retry_for()),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("A Tempo in the same network", json!({ "endpoint": "tempo:4317", "plaintext": true })),
            (
                "One of several tenants, over HTTP",
                json!({
                    "protocol": "http", "endpoint": "https://tempo.example.com:4318", "tenant": "team-a",
                    "bearer_token": "${env:TEMPO_TOKEN}",
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let endpoint = checks::text(settings, "endpoint");
        let is_http = checks::text(settings, "protocol") == "http";
        let checked = if is_http { scalar::http_url(endpoint) } else { scalar::target::grpc_endpoint(endpoint) };
        if let Err(reason) = checked {
            findings.errors.add(findings.path().key("endpoint"), "invalid_value", reason);
        }
        checks::tenant(settings, findings);
        if is_http {
            if settings.get("plaintext") == Some(&Value::Bool(true)) {
                let message = "is for gRPC; a URL says by http:// that nothing is encrypted";
                findings.errors.add(findings.path().key("plaintext"), "not_allowed", message);
            }
            checks::no_query(settings, findings);
            checks::http(settings, findings);
        } else {
            checks::grpc(settings, findings);
        }
    }

    fn check_before_save(&self, settings: &SettingsMap, findings: &mut Findings) {
        if checks::text(settings, "protocol") == "http" {
            checks::no_signal_path(settings, findings);
        }
    }

    fn otelcol(&self, settings: &SettingsMap, site: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        Ok(match Settings::exporter(settings)? {
            Exporter::Grpc(exporter) => exporter.otelcol(site),
            Exporter::Http(exporter) => exporter.otelcol(site),
        })
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        Ok(match Settings::exporter(settings)? {
            Exporter::Grpc(exporter) => exporter.alloy(site),
            Exporter::Http(exporter) => exporter.alloy(site),
        })
    }
}
