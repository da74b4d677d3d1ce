//! `kafka`: records that stand in topics of Kafka.
//!
//! **The record.** What a message holds in its `encoding`:
//! * `otlp_proto`, `otlp_json`: the records of an OTLP request, as they were sent;
//! * of logs, `text` and `raw` are one record for each message with the message as body, a text or bytes; `json` is one with
//!   the object as body. They have no attributes, severity or time, but the observed time.
//! * of traces, `jaeger_*` and `zipkin_*` are the spans of those formats, translated by the receiver.
//!
//! Messages are marked as read when they have been handed on; collectors with one group share the work. Both runtimes run
//! the same receiver. The way in which a group divides partitions is written for both, since all members must have one in
//! common and their defaults have not.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, bridge,
    exporter::{checks, fields, tls::Encryption},
    form::{self, Field},
    read, signal_name,
};
use crate::render::{
    alloy::{Expr, attribute, block},
    text::Text,
    yaml::Yaml,
};

pub(super) const COMPONENT: &dyn Component = &Kafka;

struct Kafka;

#[derive(Deserialize)]
struct Settings {
    brokers: Vec<String>,
    protocol_version: String,
    group_id: String,
    client_id: String,
    initial_offset: String,
    logs: Option<Topics>,
    metrics: Option<Topics>,
    traces: Option<Topics>,
    sasl: Option<Sasl>,
    #[serde(flatten)]
    encryption: Encryption,
}

#[derive(Deserialize)]
struct Topics {
    topics: Vec<String>,
    encoding: String,
}

#[derive(Deserialize)]
struct Sasl {
    mechanism: String,
    username: String,
    password: Text,
}

impl Settings {
    fn signals(&self) -> impl Iterator<Item = (Signal, &Topics)> {
        [(Signal::Logs, &self.logs), (Signal::Metrics, &self.metrics), (Signal::Traces, &self.traces)]
            .into_iter()
            .filter_map(|(signal, topics)| Some((signal, topics.as_ref()?)))
    }
}

/// How a group divides partitions: what every client knows.
const STRATEGY: &str = "range";

impl Component for Kafka {
    fn title(&self) -> &'static str {
        "Kafka"
    }

    fn description(&self) -> &'static str {
        "Reads logs, metrics and traces from topics of Kafka, each message once in a group of collectors."
    }

    fn least(&self) -> Least {
        // Lists of topics: otelcol 0.142, Alloy 1.13.
        Least::since(142, 13)
    }

    fn schema(&self) -> Value {
        let topics = |title: &str, example: &str, encodings: &[&str]| -> Field {
            form::group(
                title,
                [
                    (
                        "topics",
                        form::list("Topics", form::text("").most(249).check("kafka_topic"))
                            .required()
                            .at_least(1)
                            .with("uniqueItems", true)
                            .example(json!([example])),
                    ),
                    ("encoding", form::choice("Encoding", encodings).default("otlp_proto")),
                ],
            )
            .help("Leave out to read none.")
        };
        form::form([
            (
                "brokers",
                form::list("Brokers", form::text("").most(260).check("host_port"))
                    .required()
                    .at_least(1)
                    .example(json!(["kafka-1:9092"])),
            ),
            (
                "group_id",
                form::text("Consumer group")
                    .most(255)
                    .default("linkmesh")
                    .check("word")
                    .help("Collectors of one group share the messages."),
            ),
            (
                "initial_offset",
                form::choice("Begin at", &["latest", "earliest"])
                    .default("latest")
                    .help("For a group that has read nothing yet."),
            ),
            ("logs", topics("Logs", "otlp_logs", &["otlp_proto", "otlp_json", "text", "json", "raw"])),
            ("metrics", topics("Metrics", "otlp_metrics", &["otlp_proto", "otlp_json"])),
            (
                "traces",
                topics(
                    "Traces",
                    "otlp_spans",
                    &[
                        "otlp_proto",
                        "otlp_json",
                        "jaeger_proto",
                        "jaeger_json",
                        "zipkin_proto",
                        "zipkin_json",
                        "zipkin_thrift",
                    ],
                ),
            ),
            (
                "sasl",
                form::group(
                    "Authentication",
                    [
                        (
                            "mechanism",
                            form::choice("Mechanism", &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
                                .default("SCRAM-SHA-512"),
                        ),
                        ("username", form::text("User").required()),
                        ("password", fields::password("Password").required()),
                    ],
                )
                .help("SASL. A client certificate stands under TLS."),
            ),
            ("plaintext", fields::plaintext()),
            ("tls", fields::tls()),
            ("client_id", form::text("Client name").most(255).default("linkmesh").check("word")),
            (
                "protocol_version",
                form::choice("Protocol", &["1.0.0", "2.0.0", "2.1.0", "2.8.0", "3.0.0", "3.9.0"])
                    .default("2.1.0")
                    .help("The newest version of Kafka's protocol that is spoken."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "All three signals by OTLP",
                json!({
                    "brokers": ["kafka-1:9092", "kafka-2:9092"],
                    "plaintext": true,
                    "logs": { "topics": ["otlp_logs"] },
                    "metrics": { "topics": ["otlp_metrics"] },
                    "traces": { "topics": ["otlp_spans"] },
                }),
            ),
            (
                "Lines of text, encrypted, with a password",
                json!({
                    "brokers": ["kafka.internal:9093"],
                    "group_id": "linkmesh-lines",
                    "initial_offset": "earliest",
                    "logs": { "topics": ["app.lines", "audit.lines"], "encoding": "text" },
                    "sasl": { "mechanism": "SCRAM-SHA-256", "username": "linkmesh", "password": "${env:KAFKA_PASSWORD}" },
                    "tls": { "ca_file": "/etc/linkmesh/tls/kafka-ca.crt" },
                }),
            ),
        ]
    }

    fn signals_with(&self, settings: &SettingsMap) -> Vec<Signal> {
        let given = |signal: &Signal| settings.get(signal_name(*signal)).is_some_and(|topics| !topics.is_null());
        self.signals().iter().copied().filter(given).collect()
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        if self.signals_with(settings).is_empty() {
            findings.errors.add(findings.path().clone(), "missing", "needs one of logs, metrics, traces");
        }
        let is_plain = checks::encryption(settings, findings);
        checks::connection(settings, is_plain, findings);
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut config = vec![
            ("brokers".to_owned(), Yaml::texts(&settings.brokers)),
            ("protocol_version".to_owned(), Yaml::text(settings.protocol_version.as_str())),
            ("group_id".to_owned(), Yaml::text(settings.group_id.as_str())),
            ("client_id".to_owned(), Yaml::text(settings.client_id.as_str())),
            ("initial_offset".to_owned(), Yaml::text(settings.initial_offset.as_str())),
            ("group_rebalance_strategy".to_owned(), Yaml::word(STRATEGY)),
        ];
        config.extend(settings.signals().map(|(signal, topics)| {
            let entry = Yaml::map([
                ("topics", Yaml::texts(&topics.topics)),
                ("encoding", Yaml::text(topics.encoding.as_str())),
            ]);
            (signal_name(signal).to_owned(), entry)
        }));
        config.push(("tls".to_owned(), settings.encryption.otelcol()));
        if let Some(sasl) = settings.sasl {
            let sasl = Yaml::map([
                ("mechanism", Yaml::text(sasl.mechanism)),
                ("username", Yaml::text(sasl.username)),
                ("password", Yaml::Text(sasl.password)),
            ]);
            config.push(("auth".to_owned(), Yaml::map([("sasl", sasl)])));
        }
        Ok(OtelcolPart::new("kafka", Yaml::Map(config)))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut body = vec![
            attribute("brokers", Expr::texts(&settings.brokers)),
            attribute("protocol_version", Expr::text(settings.protocol_version.as_str())),
            attribute("group_id", Expr::text(settings.group_id.as_str())),
            attribute("client_id", Expr::text(settings.client_id.as_str())),
            attribute("initial_offset", Expr::text(settings.initial_offset.as_str())),
            attribute("group_rebalance_strategy", Expr::text(STRATEGY)),
        ];
        body.extend(settings.signals().map(|(signal, topics)| {
            let fields = vec![
                attribute("topics", Expr::texts(&topics.topics)),
                attribute("encoding", Expr::text(topics.encoding.as_str())),
            ];
            block(signal_name(signal), fields)
        }));
        if let Some(sasl) = settings.sasl {
            let fields = vec![
                attribute("mechanism", Expr::text(sasl.mechanism)),
                attribute("username", Expr::text(sasl.username)),
                attribute("password", Expr::Text(sasl.password)),
            ];
            body.push(block("authentication", vec![block("sasl", fields)]));
        }
        body.push(settings.encryption.alloy());
        Ok(bridge::source("otelcol.receiver.kafka", site, &[], body))
    }
}
