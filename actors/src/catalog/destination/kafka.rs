//! `kafka`: records to topics of Kafka.
//!
//! Each batch is a message, in OTLP (protobuf or JSON) to the topic of its signal. With `raw` each log record is a
//! message of its own that holds its body as JSON (a text in quotes, bytes as they are) and nothing else; records
//! without a body are left out. Messages have no key, so that Kafka spreads them over the partitions. Both runtimes
//! run the same exporter (`kafka`, `otelcol.exporter.kafka`); topics stand in a section for each signal, since Alloy
//! sends only the signals that it finds a section for. SASL is PLAIN or SCRAM; Kerberos, MSK and OAuth are for `raw`
//! destinations. Alloy takes these sections since 1.9.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        ALL_SIGNALS, AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap,
        Unsupported,
        exporter::{checks, delivery::Delivery, fields, tls::Encryption},
        form::{Field, choice, form, group, list, text},
        read, signal_name,
    },
    render::{
        alloy::{Expr, Statement, attribute, block},
        text::Text,
        yaml::Yaml,
    },
};

pub(super) const COMPONENT: &dyn Component = &Kafka;

struct Kafka;

#[derive(Deserialize)]
struct Settings {
    brokers: Vec<String>,
    logs_topic: String,
    metrics_topic: String,
    traces_topic: String,
    encoding: String,
    protocol_version: String,
    acks: String,
    compression: String,
    timeout: String,
    sasl: Option<Sasl>,
    #[serde(flatten)]
    encryption: Encryption,
    #[serde(flatten)]
    delivery: Delivery,
}

#[derive(Deserialize)]
struct Sasl {
    mechanism: String,
    username: String,
    password: Text,
}

impl Settings {
    /// The signals that are sent, each with its topic.
    fn topics(&self) -> Vec<(&'static str, &str)> {
        let topic = |signal: &Signal| match signal {
            Signal::Logs => self.logs_topic.as_str(),
            Signal::Metrics => &self.metrics_topic,
            Signal::Traces => &self.traces_topic,
        };
        signals(&self.encoding).iter().map(|signal| (signal_name(*signal), topic(signal))).collect()
    }

    /// `required_acks`, as a number.
    fn acks(&self) -> i64 {
        match self.acks.as_str() {
            "all" => -1,
            "none" => 0,
            _ => 1,
        }
    }
}

fn signals(encoding: &str) -> &'static [Signal] {
    if encoding == "raw" { &[Signal::Logs] } else { ALL_SIGNALS }
}

fn topic(title: &str, default: &str) -> Field {
    text(title).most(249).check("kafka_topic").default(default)
}

impl Component for Kafka {
    fn title(&self) -> &'static str {
        "Kafka"
    }

    fn description(&self) -> &'static str {
        "Writes records to topics of Kafka, as OTLP or as bodies of logs."
    }

    fn least(&self) -> Least {
        // A topic for each signal: otelcol 0.124, Alloy 1.9.
        Least::since(124, 9)
    }

    fn signals_with(&self, settings: &SettingsMap) -> Vec<Signal> {
        signals(checks::text(settings, "encoding")).to_vec()
    }

    fn schema(&self) -> Value {
        form([
            (
                "brokers",
                list("Brokers", text("").most(260).check("host_port"))
                    .at_least(1)
                    .at_most(50)
                    .with("uniqueItems", true)
                    .required()
                    .example(json!(["kafka-1:9092", "kafka-2:9092"]))
                    .help("Host and port of some; the others are found through them."),
            ),
            ("logs_topic", topic("Topic for logs", "otlp_logs")),
            ("metrics_topic", topic("Topic for metrics", "otlp_metrics")),
            ("traces_topic", topic("Topic for traces", "otlp_spans")),
            (
                "encoding",
                choice("Format", &["otlp_proto", "otlp_json", "raw"])
                    .default("otlp_proto")
                    .help("OTLP, a batch a message; raw: the body of a log record as JSON, and nothing else of it."),
            ),
            (
                "protocol_version",
                choice("Protocol", &["1.0.0", "2.0.0", "2.1.0", "2.8.0", "3.0.0", "3.9.0"])
                    .default("2.1.0")
                    .help("The newest version of Kafka's protocol that is spoken."),
            ),
            (
                "acks",
                choice("Acknowledged by", &["all", "leader", "none"])
                    .default("leader")
                    .help("Who must have a message before it counts as sent: all replicas, the leader alone, nobody."),
            ),
            ("compression", fields::compression(&["gzip", "zstd", "snappy", "lz4", "none"])),
            ("timeout", fields::timeout("10s")),
            (
                "sasl",
                group(
                    "Authentication",
                    [
                        (
                            "mechanism",
                            choice("Mechanism", &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]).default("SCRAM-SHA-512"),
                        ),
                        ("username", text("User").required()),
                        ("password", fields::password("Password").required()),
                    ],
                )
                .help("SASL. A client certificate stands under TLS."),
            ),
            ("plaintext", fields::plaintext()),
            ("tls", fields::tls()),
            ("queue_size", fields::queue_size()),
            ("queue_on_disk", fields::queue_on_disk()),
            ("retry_for", fields::retry_for()),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Brokers in the same network", json!({ "brokers": ["kafka-1:9092", "kafka-2:9092"], "plaintext": true })),
            (
                "Over TLS, with a password",
                json!({
                    "brokers": ["kafka.example.com:9093"], "acks": "all", "tls": { "ca_file": "/etc/ssl/kafka-ca.pem" },
                    "sasl": { "username": "collector", "password": "${env:KAFKA_PASSWORD}" }, "queue_on_disk": true,
                }),
            ),
            (
                "Bodies of logs alone",
                json!({ "brokers": ["kafka.example.com:9093"], "encoding": "raw", "logs_topic": "app-logs" }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let is_plain = checks::encryption(settings, findings);
        checks::connection(settings, is_plain, findings);
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut config = vec![
            ("brokers".to_owned(), Yaml::texts(&settings.brokers)),
            ("protocol_version".to_owned(), Yaml::text(settings.protocol_version.as_str())),
            ("timeout".to_owned(), Yaml::text(settings.timeout.as_str())),
        ];
        for (signal, topic) in settings.topics() {
            let encoding = Yaml::text(settings.encoding.as_str());
            config.push((signal.to_owned(), Yaml::map([("topic", Yaml::text(topic)), ("encoding", encoding)])));
        }
        config.push((
            "producer".to_owned(),
            Yaml::map([
                ("required_acks", Yaml::Int(settings.acks())),
                ("compression", Yaml::text(settings.compression.as_str())),
            ]),
        ));
        if let Some(sasl) = &settings.sasl {
            let sasl = Yaml::map([
                ("mechanism", Yaml::text(sasl.mechanism.as_str())),
                ("username", Yaml::text(sasl.username.as_str())),
                ("password", Yaml::Text(sasl.password.clone())),
            ]);
            config.push(("auth".to_owned(), Yaml::map([("sasl", sasl)])));
        }
        config.push(("tls".to_owned(), settings.encryption.otelcol()));
        Ok(settings.delivery.otelcol("kafka", config, None))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut body = vec![
            attribute("brokers", Expr::texts(&settings.brokers)),
            attribute("protocol_version", Expr::text(settings.protocol_version.as_str())),
            attribute("timeout", Expr::text(settings.timeout.as_str())),
        ];
        for (signal, topic) in settings.topics() {
            let encoding = Expr::text(settings.encoding.as_str());
            body.push(block(signal, vec![attribute("topic", Expr::text(topic)), attribute("encoding", encoding)]));
        }
        let producer: Vec<Statement> = vec![
            attribute("required_acks", Expr::token(settings.acks())),
            attribute("compression", Expr::text(settings.compression.as_str())),
        ];
        body.push(block("producer", producer));
        if let Some(sasl) = &settings.sasl {
            let sasl = vec![
                attribute("mechanism", Expr::text(sasl.mechanism.as_str())),
                attribute("username", Expr::text(sasl.username.as_str())),
                attribute("password", Expr::Text(sasl.password.clone())),
            ];
            body.push(block("authentication", vec![block("sasl", sasl)]));
        }
        body.push(settings.encryption.alloy());
        Ok(settings.delivery.alloy("otelcol.exporter.kafka", site.label, body, None))
    }
}
