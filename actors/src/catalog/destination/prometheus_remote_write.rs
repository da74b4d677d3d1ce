//! `prometheus_remote_write`: metrics to Prometheus, Mimir or anything else that takes remote write 1.0.
//!
//! Names and labels become those of Prometheus: `http.server.duration` in seconds is `http_server_duration_seconds`, a
//! monotonic sum ends in `_total` (both by `add_suffixes`), `service.name` and `service.instance.id` are `job` and
//! `instance`, other resource attributes are labels only with `resource_labels`. Delta sums and histograms are dropped
//! on both runtimes: a processor must make them cumulative before.
//!
//! otelcol runs `prometheusremotewrite`, Alloy `otelcol.exporter.prometheus` before `prometheus.remote_write`. Both
//! are told to leave out `target_info` and the labels of scopes, which they would not write alike. What stays
//! different:
//! * bounds of histograms: `le="1"` on otelcol, `le="1.0"` on Alloy;
//! * Alloy keeps samples in a log on disk and tries for up to eight hours; otelcol has `queue_size` batches in memory
//!   and gives them up after `retry_for`;
//! * a certificate or a CA that is not on the host: Alloy refuses the whole document, otelcol does not start;
//! * figures of the destination (sent, failed, queue) are those of `exporterhelper`, which Alloy does not run here: it
//!   has none of that name.
//!
//! Fields of otelcol 0.149 and 0.158 are the same here; `add_metric_suffixes` is deprecated in 0.158 and known to
//! both.

use std::collections::BTreeMap;

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
        exporter::{
            auth::{self, Auth, TENANT},
            checks, delivery, fields,
            tls::Tls,
        },
        form::{flag, form, integer, map, text},
        read,
    },
    render::{
        alloy::{Block, Expr, attribute, block, object_key},
        yaml::Yaml,
    },
};

pub(super) const COMPONENT: &dyn Component = &PrometheusRemoteWrite;

struct PrometheusRemoteWrite;

/// Headers that belong to the protocol: both runtimes set them.
const RESERVED: &[&str] =
    &["content-encoding", "content-length", "content-type", "user-agent", "x-prometheus-remote-write-version"];

#[derive(Deserialize)]
struct Settings {
    endpoint: String,
    tenant: Option<String>,
    #[serde(flatten)]
    auth: Auth,
    timeout: String,
    tls: Option<Tls>,
    add_suffixes: bool,
    resource_labels: bool,
    external_labels: BTreeMap<String, String>,
    queue_size: i64,
    retry_for: String,
}

impl Settings {
    fn read(settings: &SettingsMap) -> Result<Self, Unsupported> {
        let mut settings: Self = read(settings)?;
        if let Some(tenant) = &settings.tenant {
            settings.auth.set_header(TENANT, tenant.as_str());
        }
        Ok(settings)
    }

    /// The block `prometheus.remote_write` of Alloy.
    fn remote_write(&self, label: &str) -> Block {
        let mut endpoint = vec![
            attribute("url", Expr::text(self.endpoint.as_str())),
            attribute("remote_timeout", Expr::text(self.timeout.as_str())),
        ];
        if let Some(token) = self.auth.token() {
            endpoint.push(attribute("bearer_token", Expr::Text(token.clone())));
        }
        let headers = self.auth.plain_headers();
        if !headers.is_empty() {
            let headers = headers.iter().map(|(name, value)| (name.as_str(), value.clone()));
            endpoint.push(attribute("headers", auth::object(headers)));
        }
        if let Some(user) = self.auth.user() {
            let user = vec![
                attribute("username", Expr::text(user.username.as_str())),
                attribute("password", Expr::Text(user.password.clone())),
            ];
            endpoint.push(block("basic_auth", user));
        }
        endpoint.extend(self.tls.as_ref().map(|tls| tls.alloy("tls_config")));
        let mut body = Vec::new();
        if !self.external_labels.is_empty() {
            let labels = self.external_labels.iter();
            let labels = labels.map(|(name, value)| (object_key(name), Expr::text(value.as_str()))).collect();
            body.push(attribute("external_labels", Expr::Object(labels)));
        }
        body.push(block("endpoint", endpoint));
        Block::labelled("prometheus.remote_write", label, body)
    }
}

impl Component for PrometheusRemoteWrite {
    fn title(&self) -> &'static str {
        "Prometheus remote write"
    }

    fn description(&self) -> &'static str {
        "Sends metrics to Prometheus, Mimir or another server that takes remote write. Delta metrics are dropped."
    }

    fn least(&self) -> Least {
        // otelcol: `disable_scope_info` (0.147).
        Least::since(147, 0)
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Metrics]
    }

    fn differs(&self) -> Option<&'static str> {
        Some(
            "bounds of histograms are written le=\"1\" by otelcol and le=\"1.0\" by Alloy; Alloy keeps what waits on disk and tries for up to 8 hours, otelcol keeps it in memory and gives it up after `retry_for`",
        )
    }

    fn schema(&self) -> Value {
        form([
            ("endpoint", fields::url("URL", "https://mimir.example.com/api/v1/push").required().help("With its path.")),
            ("tenant", fields::tenant()),
            ("bearer_token", fields::bearer_token()),
            ("basic_auth", fields::basic_auth()),
            ("headers", fields::headers()),
            ("timeout", fields::timeout("30s")),
            ("tls", fields::tls()),
            (
                "add_suffixes",
                flag("Units and types in names").default(true).help("`_seconds`, `_bytes`, `_total` and the like."),
            ),
            (
                "resource_labels",
                flag("Resource attributes as labels")
                    .default(false)
                    .help("All of them, on every series. Without it only job and instance say where a series is from."),
            ),
            (
                "external_labels",
                map("Labels for all series", text("").most(128).check("label_name"), text("").most(1024))
                    .default(json!({})),
            ),
            (
                "queue_size",
                integer("Queue", 1, 1_000_000)
                    .default(1000)
                    .unit("batches")
                    .help("Batches that otelcol holds in memory. Alloy holds samples on disk, whatever stands here."),
            ),
            (
                "retry_for",
                fields::retry_for().help(
                    "otelcol gives a batch up after this time; 0s tries for ever. Alloy tries for up to 8 hours.",
                ),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("A Prometheus of one's own", json!({ "endpoint": "http://prometheus:9090/api/v1/write" })),
            (
                "A Mimir with tenants and a password",
                json!({
                    "endpoint": "https://mimir.example.com/api/v1/push", "tenant": "team-a",
                    "basic_auth": { "username": "collector", "password": "${env:MIMIR_PASSWORD}" },
                    "external_labels": { "cluster": "eu-1" }, "resource_labels": true,
                    "tls": { "ca_file": "/etc/ssl/internal-ca.pem" },
                }),
            ),
            (
                "A server that knows a token, names as they are",
                json!({
                    "endpoint": "https://metrics.example.com/api/v1/write", "bearer_token": "${env:METRICS_TOKEN}",
                    "add_suffixes": false,
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let headers = settings.get("headers").and_then(Value::as_object);
        for name in headers.into_iter().flat_map(|h| h.keys()) {
            let lower = name.to_ascii_lowercase();
            let path = findings.path().key("headers").key(name);
            if lower == "authorization" {
                findings.errors.add(path, "not_allowed", "is set by `bearer_token` or `basic_auth` here");
            } else if RESERVED.contains(&lower.as_str()) {
                findings.errors.add(path, "not_allowed", "is set by the protocol");
            }
        }
        checks::tenant(settings, findings);
        checks::http(settings, findings);
    }

    fn otelcol(&self, settings: &SettingsMap, site: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings = Settings::read(settings)?;
        let mut config = vec![
            ("endpoint".to_owned(), Yaml::text(settings.endpoint)),
            ("timeout".to_owned(), Yaml::text(settings.timeout)),
        ];
        let (auth, extension) = settings.auth.otelcol(site);
        config.extend(auth);
        config.extend(settings.tls.as_ref().map(|tls| ("tls".to_owned(), tls.otelcol())));
        let on = |value: bool| Yaml::map([("enabled", Yaml::Bool(value))]);
        config.push(("add_metric_suffixes".to_owned(), Yaml::Bool(settings.add_suffixes)));
        config.push(("resource_to_telemetry_conversion".to_owned(), on(settings.resource_labels)));
        config.push(("target_info".to_owned(), on(false)));
        config.push(("disable_scope_info".to_owned(), Yaml::Bool(true)));
        if !settings.external_labels.is_empty() {
            let labels = settings.external_labels.into_iter().map(|(name, value)| (name, Yaml::text(value)));
            config.push(("external_labels".to_owned(), Yaml::Map(labels.collect())));
        }
        // The queue of this exporter is not that of the others.
        let queue = Yaml::map([("enabled", Yaml::Bool(true)), ("queue_size", Yaml::Int(settings.queue_size))]);
        config.push(("remote_write_queue".to_owned(), queue));
        config.push(("retry_on_failure".to_owned(), delivery::otelcol_retry(&settings.retry_for)));
        let mut part = OtelcolPart::new("prometheusremotewrite", Yaml::Map(config));
        part.extensions.extend(extension);
        Ok(part)
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings = Settings::read(settings)?;
        let remote_write = settings.remote_write(site.label);
        let body = vec![
            attribute("include_target_info", Expr::token(false)),
            attribute("include_scope_labels", Expr::token(false)),
            attribute("add_metric_suffixes", Expr::token(settings.add_suffixes)),
            attribute("resource_to_telemetry_conversion", Expr::token(settings.resource_labels)),
            attribute("forward_to", Expr::Array(vec![Expr::token(remote_write.reference("receiver"))])),
        ];
        Ok(delivery::behind(Block::labelled("otelcol.exporter.prometheus", site.label, body), [remote_write]))
    }
}
