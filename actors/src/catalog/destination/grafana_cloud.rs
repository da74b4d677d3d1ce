//! `grafana_cloud`: all three signals to Grafana Cloud, by its OTLP gateway.
//!
//! The gateway passes logs on to Loki, metrics to Mimir and traces to Tempo of the stack that the instance id names:
//! log records become lines with structured metadata, metrics are named as Prometheus does, spans stay as they are.
//! Both runtimes send the same requests (`otlphttp`, `otelcol.exporter.otlphttp`) to `<gateway>/v1/<signal>`, with
//! instance id and token as user and password.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
        exporter::{auth::Auth, checks, delivery::Delivery, fields, http::HttpClient, otlp::OverHttp},
        form::{form, text},
        read,
    },
    render::text::Text,
};

pub(super) const COMPONENT: &dyn Component = &GrafanaCloud;

struct GrafanaCloud;

#[derive(Deserialize)]
struct Settings {
    endpoint: Option<String>,
    zone: Option<String>,
    instance_id: String,
    token: Text,
    #[serde(flatten)]
    client: HttpClient,
    #[serde(flatten)]
    delivery: Delivery,
}

impl Settings {
    fn exporter(settings: &SettingsMap) -> Result<OverHttp, Unsupported> {
        let Self { endpoint, zone, instance_id, token, mut client, delivery } = read(settings)?;
        let of_zone = |zone| format!("https://otlp-gateway-{zone}.grafana.net/otlp");
        let endpoint = endpoint.or_else(|| zone.map(of_zone));
        let endpoint = endpoint.ok_or_else(|| Unsupported::new("endpoint", "is missing"))?;
        client.auth = Auth::basic(instance_id, token);
        Ok(OverHttp { endpoint, client, delivery })
    }
}

impl Component for GrafanaCloud {
    fn title(&self) -> &'static str {
        "Grafana Cloud"
    }

    fn description(&self) -> &'static str {
        "Sends logs, metrics and traces to a stack of Grafana Cloud, through its OTLP gateway."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn schema(&self) -> Value {
        form([
            (
                "endpoint",
                fields::url("Gateway", "https://otlp-gateway-prod-eu-west-2.grafana.net/otlp")
                    .help("As Grafana Cloud shows it under OpenTelemetry. Leave out when the zone is given."),
            ),
            (
                "zone",
                text("Zone")
                    .most(64)
                    .check("host_name")
                    .example("prod-eu-west-2")
                    .help("The zone of the stack, in the place of the gateway's URL."),
            ),
            (
                "instance_id",
                text("Instance ID")
                    .most(32)
                    .required()
                    .example("123456")
                    .help("The number that Grafana Cloud shows beside the gateway; it is the user's name."),
            ),
            ("token", fields::password("Token").required()),
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
            (
                "A stack by its zone",
                json!({ "zone": "prod-eu-west-2", "instance_id": "123456", "token": "${env:GRAFANA_CLOUD_TOKEN}" }),
            ),
            (
                "A stack by its gateway, with a queue on disk",
                json!({
                    "endpoint": "https://otlp-gateway-prod-us-east-0.grafana.net/otlp", "instance_id": "123456",
                    "token": "${env:GRAFANA_CLOUD_TOKEN}", "queue_on_disk": true,
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let path = |name| findings.path().key(name);
        match (checks::is_given(settings, "endpoint"), checks::is_given(settings, "zone")) {
            (false, false) => findings.errors.add(path("endpoint"), "missing", "give the gateway's URL or the zone"),
            (true, true) => findings.errors.add(path("zone"), "not_allowed", "`endpoint` says already where to"),
            _ => {}
        }
        if !checks::text(settings, "instance_id").bytes().all(|b| b.is_ascii_digit()) {
            findings.errors.add(findings.path().key("instance_id"), "invalid_value", "is a number");
        }
        if checks::text(settings, "zone").contains(['.', ':']) {
            let message = "is the zone alone, such as prod-eu-west-2";
            findings.errors.add(findings.path().key("zone"), "invalid_value", message);
        }
        checks::no_query(settings, findings);
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
