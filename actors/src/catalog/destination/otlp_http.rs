//! `otlp_http`: records to a backend by OTLP over HTTP.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Findings, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, read, scalar,
};
use crate::render::{
    alloy::{Block, Expr, Statement, attribute, block, object_key},
    text::Text,
    yaml::Yaml,
};

pub(super) const COMPONENT: &dyn Component = &OtlpHttp;

struct OtlpHttp;

#[derive(Deserialize)]
struct Settings {
    endpoint: String,
    headers: BTreeMap<String, Text>,
    compression: String,
    timeout: String,
    tls: Option<Tls>,
    queue_size: i64,
    retry_for: String,
}

#[derive(Deserialize)]
struct Tls {
    ca_file: Option<String>,
    cert_file: Option<String>,
    key_file: Option<String>,
    server_name: Option<String>,
    insecure_skip_verify: bool,
}

impl Tls {
    /// Names and values; `server_name` is called differently by the two.
    fn fields(&self, server_name: &'static str) -> Vec<(&'static str, &str)> {
        [
            ("ca_file", &self.ca_file),
            ("cert_file", &self.cert_file),
            ("key_file", &self.key_file),
            (server_name, &self.server_name),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
        .collect()
    }
}

impl Component for OtlpHttp {
    fn title(&self) -> &'static str {
        "OTLP over HTTP"
    }

    fn description(&self) -> &'static str {
        "Sends records to a backend or another collector by OTLP over HTTP, with retries and a queue in memory."
    }

    fn schema(&self) -> Value {
        let file = |title: &str, order: u32| {
            json!({
                "type": "string", "title": title, "minLength": 1, "maxLength": 1024, "x-check": "file", "x-order": order,
                "description": "A PEM file on the collector's host.",
            })
        };
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object", "additionalProperties": false, "required": ["endpoint"],
            "properties": {
                "endpoint": {
                    "type": "string", "title": "URL", "minLength": 1, "maxLength": 2048, "x-check": "http_url", "x-order": 1,
                    "examples": ["https://otlp.example.com"], "description": "/v1/logs, /v1/metrics or /v1/traces is added to it.",
                },
                "headers": {
                    "type": "object", "title": "Headers", "default": {}, "x-order": 2, "x-widget": "map",
                    "propertyNames": { "type": "string", "minLength": 1, "maxLength": 128, "x-check": "header_name" },
                    "additionalProperties": { "type": "string", "x-secret": true, "maxLength": 8192 },
                    "description": "Values are secret: ${env:NAME} is read on the collector's host, anything else is sealed and never shown again.",
                },
                "compression": {
                    "type": "string", "title": "Compression", "enum": ["gzip", "zstd", "snappy", "none"], "default": "gzip", "x-order": 3,
                },
                "timeout": {
                    "type": "string", "title": "Timeout", "default": "30s", "x-check": "duration", "x-unit": "duration",
                    "minLength": 1, "maxLength": 32, "x-order": 4, "description": "For one request.",
                },
                "tls": {
                    "type": "object", "title": "TLS", "additionalProperties": false, "x-order": 5,
                    "properties": {
                        "ca_file": file("Certificates to trust", 1),
                        "cert_file": file("Client certificate", 2),
                        "key_file": file("Client key", 3),
                        "server_name": {
                            "type": "string", "title": "Server name", "minLength": 1, "maxLength": 253, "x-check": "host_name",
                            "x-order": 4, "description": "The name to expect in the server's certificate.",
                        },
                        "insecure_skip_verify": {
                            "type": "boolean", "title": "Trust any certificate", "default": false, "x-order": 5,
                        },
                    },
                },
                "queue_size": {
                    "type": "integer", "title": "Queue", "default": 1000, "minimum": 1, "maximum": 1_000_000, "x-unit": "batches", "x-order": 6,
                    "description": "Batches held in memory while the backend does not answer.",
                },
                "retry_for": {
                    "type": "string", "title": "Retry for", "default": "5m", "x-check": "duration", "x-unit": "duration",
                    "minLength": 1, "maxLength": 32, "x-order": 7, "description": "A batch is given up after this time; 0s tries for ever.",
                },
            },
        })
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "A backend with a token from the host's environment",
                json!({ "endpoint": "https://otlp.example.com", "headers": { "Authorization": "Bearer ${env:OTLP_TOKEN}" } }),
            ),
            ("Another collector on this host", json!({ "endpoint": "http://127.0.0.1:4318" })),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let text = |name: &str| settings.get(name).and_then(Value::as_str).unwrap_or_default();
        if scalar::duration_ns(text("timeout")).is_ok_and(|ns| ns == 0) {
            findings.errors.add(findings.path().key("timeout"), "out_of_range", "must be longer than 0");
        }
        let headers = settings.get("headers").and_then(Value::as_object);
        let names: Vec<&String> = headers.into_iter().flat_map(|h| h.keys()).collect();
        for (index, name) in names.iter().enumerate() {
            if names.iter().take(index).any(|earlier| earlier.eq_ignore_ascii_case(name)) {
                let path = findings.path().key("headers").key(name);
                findings.errors.add(path, "duplicate", "differs from another header in upper and lower case only");
            }
        }
        let plain_http = text("endpoint").starts_with("http://");
        let tls = settings.get("tls").and_then(Value::as_object);
        let given = |name: &str| tls.is_some_and(|tls| tls.contains_key(name));
        for (one, other) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
            if given(one) && !given(other) {
                let path = findings.path().key("tls").key(other);
                findings.errors.add(path, "missing", format!("`{one}` needs it"));
            }
        }
        if plain_http && tls.is_some() {
            findings.warnings.add(findings.path().key("tls"), "no_effect", "has no effect on a http:// URL");
        }
        if plain_http && !names.is_empty() {
            let path = findings.path().key("headers");
            findings.warnings.add(path, "unencrypted", "secret headers go over an unencrypted connection");
        }
        if tls.and_then(|tls| tls.get("insecure_skip_verify")) == Some(&Value::Bool(true)) {
            let path = findings.path().key("tls").key("insecure_skip_verify");
            findings.warnings.add(path, "insecure", "anyone on the way can read and change what is sent");
        }
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut config = vec![
            ("endpoint".to_owned(), Yaml::text(settings.endpoint)),
            ("compression".to_owned(), Yaml::text(settings.compression)),
            ("timeout".to_owned(), Yaml::text(settings.timeout)),
        ];
        if !settings.headers.is_empty() {
            let headers = settings.headers.into_iter().map(|(name, value)| (name, Yaml::Text(value)));
            config.push(("headers".to_owned(), Yaml::Map(headers.collect())));
        }
        if let Some(tls) = &settings.tls {
            let mut fields: Vec<_> = tls
                .fields("server_name_override")
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Yaml::text(value)))
                .collect();
            fields.push(("insecure_skip_verify".to_owned(), Yaml::Bool(tls.insecure_skip_verify)));
            config.push(("tls".to_owned(), Yaml::Map(fields)));
        }
        config.push((
            "sending_queue".to_owned(),
            Yaml::map([("queue_size", Yaml::Int(settings.queue_size)), ("num_consumers", Yaml::Int(10))]),
        ));
        config.push(("retry_on_failure".to_owned(), Yaml::map([("max_elapsed_time", Yaml::text(settings.retry_for))])));
        Ok(OtelcolPart::new("otlphttp", Yaml::Map(config)))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut client: Vec<Statement> = vec![
            attribute("endpoint", Expr::text(settings.endpoint)),
            attribute("compression", Expr::text(settings.compression)),
            attribute("timeout", Expr::text(settings.timeout)),
        ];
        if !settings.headers.is_empty() {
            let headers = settings.headers.into_iter().map(|(name, value)| (object_key(&name), Expr::Text(value)));
            client.push(attribute("headers", Expr::Object(headers.collect())));
        }
        if let Some(tls) = &settings.tls {
            let mut fields: Vec<Statement> =
                tls.fields("server_name").into_iter().map(|(name, value)| attribute(name, Expr::text(value))).collect();
            fields.push(attribute("insecure_skip_verify", Expr::token(tls.insecure_skip_verify)));
            client.push(block("tls", fields));
        }
        let body = vec![
            block("client", client),
            block(
                "sending_queue",
                vec![
                    attribute("queue_size", Expr::token(settings.queue_size)),
                    attribute("num_consumers", Expr::token(10)),
                ],
            ),
            block("retry_on_failure", vec![attribute("max_elapsed_time", Expr::text(settings.retry_for))]),
        ];
        Ok(AlloyPart::consumer(Block::labelled("otelcol.exporter.otlphttp", site.label, body)))
    }
}
