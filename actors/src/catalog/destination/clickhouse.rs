//! `clickhouse`: records to tables of ClickHouse.
//!
//! Logs go to `otel_logs`, traces to `otel_traces`, metrics to a table for each type of metric (`otel_metrics_sum`,
//! `otel_metrics_gauge`, ...), a row for a record, attributes in columns of type `Map`. The exporter makes database
//! and tables itself unless `create_schema` is off. The timeout is for one insert.
//!
//! Checked against the exporter's sources of 0.149, 0.156 and 0.159 (0.158 could not be had; its fields are the same
//! in all three); collectors with 0.149 and 0.156 of it find the examples valid. User and password have fields of
//! their own, so that no address holds them. Alloy has no such exporter.

use linkmesh_proto::api::collector::Runtime;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
        exporter::{checks, delivery::Delivery, fields, tls::Tls},
        form::{duration, flag, form, text},
        read, scalar,
    },
    render::{text::Text, yaml::Yaml},
};

pub(super) const COMPONENT: &dyn Component = &Clickhouse;

struct Clickhouse;

#[derive(Deserialize)]
struct Settings {
    endpoint: String,
    database: String,
    username: Option<String>,
    password: Option<Text>,
    logs_table: String,
    traces_table: String,
    ttl: String,
    create_schema: bool,
    compression: String,
    timeout: String,
    tls: Option<Tls>,
    #[serde(flatten)]
    delivery: Delivery,
}

/// Whether an address says that nothing is encrypted. For `tcp://` the section `tls` says it.
fn is_plain(endpoint: &str, has_tls: bool) -> bool {
    endpoint.starts_with("http://") || (endpoint.starts_with("tcp://") && !has_tls)
}

impl Component for Clickhouse {
    fn title(&self) -> &'static str {
        "ClickHouse"
    }

    fn description(&self) -> &'static str {
        "Writes logs, metrics and traces to tables of ClickHouse. Not on Alloy, which has no exporter for it."
    }

    fn least(&self) -> Least {
        // otelcol: `compress` (0.107).
        Least::otelcol_since(107)
    }

    fn least_with(&self, settings: &SettingsMap) -> Least {
        // A section `tls` is new in 0.136 and was ignored without a client certificate until 0.141.
        if settings.contains_key("tls") { Least::otelcol_since(141) } else { self.least() }
    }

    fn runtimes(&self) -> &'static [Runtime] {
        &[Runtime::Otelcol]
    }

    fn schema(&self) -> Value {
        form([
            (
                "endpoint",
                text("Server")
                    .check("clickhouse_endpoint")
                    .required()
                    .example("https://clickhouse.example.com:8443")
                    .help("https:// or http:// and the HTTP port, or tcp:// and the native one, which is encrypted when TLS is given."),
            ),
            ("database", text("Database").most(128).check("sql_name").default("otel")),
            ("username", text("User")),
            ("password", fields::password("Password")),
            ("logs_table", text("Table for logs").most(128).check("sql_name").default("otel_logs")),
            ("traces_table", text("Table for traces").most(128).check("sql_name").default("otel_traces")),
            ("ttl", duration("Keep for").default("0s").help("Rows are deleted after this time; 0s keeps them.")),
            ("create_schema", flag("Make database and tables").default(true)),
            ("compression", fields::compression(&["lz4", "zstd", "none"])),
            ("timeout", fields::timeout("10s")),
            ("tls", fields::tls()),
            ("queue_size", fields::queue_size()),
            ("queue_on_disk", fields::queue_on_disk().help("Batches that wait survive a restart of the collector.")),
            ("retry_for", fields::retry_for()),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "A server over HTTPS",
                json!({
                    "endpoint": "https://clickhouse.example.com:8443", "username": "collector",
                    "password": "${env:CLICKHOUSE_PASSWORD}", "ttl": "720h",
                }),
            ),
            (
                "A server of one's own over the native protocol, encrypted",
                json!({
                    "endpoint": "tcp://clickhouse.internal:9440", "tls": { "ca_file": "/etc/ssl/internal-ca.pem" },
                    "username": "collector", "password": "${env:CLICKHOUSE_PASSWORD}", "create_schema": false,
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let endpoint = checks::text(settings, "endpoint");
        if checks::is_given(settings, "password") && !checks::is_given(settings, "username") {
            findings.errors.add(findings.path().key("username"), "missing", "`password` needs it");
        }
        if endpoint.starts_with("http://") && settings.contains_key("tls") {
            findings.warnings.add(findings.path().key("tls"), "no_effect", "has no effect on a http:// URL");
        }
        if scalar::duration_ns(checks::text(settings, "ttl")).is_ok_and(|ns| ns % 1_000_000_000 != 0) {
            findings.errors.add(findings.path().key("ttl"), "out_of_range", "must be whole seconds");
        }
        checks::connection(settings, is_plain(endpoint, settings.contains_key("tls")), findings);
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut config = vec![("endpoint".to_owned(), Yaml::text(settings.endpoint.as_str()))];
        config.extend(settings.username.map(|user| ("username".to_owned(), Yaml::text(user))));
        config.extend(settings.password.map(|password| ("password".to_owned(), Yaml::Text(password))));
        config.push(("database".to_owned(), Yaml::text(settings.database)));
        config.push(("logs_table_name".to_owned(), Yaml::text(settings.logs_table)));
        config.push(("traces_table_name".to_owned(), Yaml::text(settings.traces_table)));
        config.push(("ttl".to_owned(), Yaml::text(settings.ttl)));
        config.push(("create_schema".to_owned(), Yaml::Bool(settings.create_schema)));
        config.push(("compress".to_owned(), Yaml::text(settings.compression)));
        config.push(("timeout".to_owned(), Yaml::text(settings.timeout)));
        if let Some(tls) = settings.tls.filter(|_| !settings.endpoint.starts_with("http://")) {
            // The native protocol is encrypted by this alone when `tls` holds nothing more than defaults.
            if settings.endpoint.starts_with("tcp://") {
                config.push(("connection_params".to_owned(), Yaml::map([("secure", Yaml::text("true"))])));
            }
            config.push(("tls".to_owned(), tls.otelcol()));
        }
        Ok(settings.delivery.otelcol("clickhouse", config, None))
    }

    fn alloy(&self, _: &SettingsMap, _: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        Err(Unsupported::new("", "Alloy has no exporter for ClickHouse; send by OTLP to an otelcol, and from there"))
    }
}
