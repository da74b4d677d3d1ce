//! `s3`: records to a bucket of Amazon S3 or a store that speaks its protocol.
//!
//! Each batch is an object `<prefix>/<partition>/<signal>_<number>.<format>`, the partition by the time of the upload
//! in the host's time zone: OTLP as JSON or protobuf, or with `body` the bodies of log records, a line each, and
//! nothing of the rest. Put a batch processor before it: small batches are small objects. Who uploads is found out on
//! the host as AWS's tools do it: environment, shared files, role of the machine, then `role_arn` if given.
//!
//! Both runtimes run the same exporter (`awss3`, `otelcol.exporter.awss3`), which has no TLS settings of its own: its
//! HTTP client trusts the host's certificates and `AWS_CA_BUNDLE`. Cannot be equal: AWS's client tries an upload three
//! times within `timeout`; otelcol begins again until `retry_for` is over, Alloy has no such setting and gives it up.
//! What is rendered is known to Alloy since 1.9.

use linkmesh_proto::api::{collector::Stability, pipeline::Signal};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        ALL_SIGNALS, AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap,
        Unsupported,
        exporter::{
            checks,
            delivery::{self, Delivery},
            fields,
        },
        form::{choice, flag, form, text},
        read,
    },
    render::{
        alloy::{Block, Expr, attribute, block},
        yaml::Yaml,
    },
};

pub(super) const COMPONENT: &dyn Component = &S3;

struct S3;

#[derive(Deserialize)]
struct Settings {
    bucket: String,
    region: String,
    #[serde(default)]
    prefix: String,
    partition: String,
    format: String,
    compression: String,
    endpoint: Option<String>,
    path_style: bool,
    role_arn: Option<String>,
    timeout: String,
    #[serde(flatten)]
    delivery: Delivery,
}

impl Settings {
    /// The texts of the uploader, which are the same on both runtimes.
    fn uploader(&self) -> Vec<(&'static str, &str)> {
        let mut texts = vec![
            ("region", self.region.as_str()),
            ("s3_bucket", &self.bucket),
            ("s3_prefix", &self.prefix),
            ("s3_partition_format", &self.partition),
            ("compression", &self.compression),
        ];
        texts.extend(self.endpoint.as_deref().map(|endpoint| ("endpoint", endpoint)));
        texts.extend(self.role_arn.as_deref().map(|role| ("role_arn", role)));
        texts
    }
}

fn signals(format: &str) -> &'static [Signal] {
    if format == "body" { &[Signal::Logs] } else { ALL_SIGNALS }
}

impl Component for S3 {
    fn title(&self) -> &'static str {
        "S3"
    }

    fn description(&self) -> &'static str {
        "Writes records to objects in a bucket of Amazon S3 or a store that speaks its protocol."
    }

    fn least(&self) -> Least {
        // otelcol: `retry_on_failure` (0.151), which older ones refuse. Alloy: `timeout` (1.9).
        Least::since(151, 9)
    }

    fn alloy_stability(&self) -> Stability {
        Stability::Experimental
    }

    fn signals_with(&self, settings: &SettingsMap) -> Vec<Signal> {
        signals(checks::text(settings, "format")).to_vec()
    }

    fn differs(&self) -> Option<&'static str> {
        Some(
            "Alloy tries an upload three times within `timeout` and then gives it up, otelcol begins again until `retry_for` is over",
        )
    }

    fn schema(&self) -> Value {
        form([
            ("bucket", text("Bucket").most(63).check("s3_bucket").required().example("telemetry-archive")),
            ("region", text("Region").most(64).check("host_name").default("us-east-1")),
            ("prefix", text("Folder").most(512).check("s3_prefix").example("otel/prod").help("What objects' keys begin with.")),
            (
                "partition",
                text("Folders by time")
                    .most(256)
                    .check("s3_prefix")
                    .default("year=%Y/month=%m/day=%d/hour=%H/minute=%M")
                    .help("Of the upload, in the host's time zone: %Y, %m, %d, %H, %M as in strftime."),
            ),
            (
                "format",
                choice("Format", &["otlp_json", "otlp_proto", "body"])
                    .default("otlp_json")
                    .help("OTLP, or the bodies of log records, a line each, and nothing else of them."),
            ),
            ("compression", fields::compression(&["gzip", "none"])),
            (
                "endpoint",
                fields::url("Server", "https://minio.example.com:9000").help("For stores that are not Amazon's."),
            ),
            (
                "path_style",
                flag("Bucket in the path").default(false).help("Most stores that are not Amazon's need it."),
            ),
            (
                "role_arn",
                text("Role").most(2048).check("role_arn").example("arn:aws:iam::123456789012:role/telemetry").help(
                    "A role to take on. Who may do so is found out on the host, by environment, shared files or the role of the machine.",
                ),
            ),
            ("timeout", fields::timeout("30s").help("For one upload with all its attempts.")),
            ("queue_size", fields::queue_size()),
            ("queue_on_disk", fields::queue_on_disk()),
            (
                "retry_for",
                fields::retry_for().help(
                    "otelcol gives a batch up after this time; 0s tries for ever. Alloy gives it up after `timeout`.",
                ),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "A bucket of Amazon's, by a role",
                json!({
                    "bucket": "telemetry-archive", "region": "eu-central-1", "prefix": "otel/prod",
                    "role_arn": "arn:aws:iam::123456789012:role/telemetry",
                }),
            ),
            (
                "Lines of logs to a store of one's own",
                json!({
                    "bucket": "logs", "endpoint": "https://minio.example.com:9000", "path_style": true, "format": "body",
                    "queue_on_disk": true,
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        if checks::text(settings, "endpoint").starts_with("http://") {
            let message = "keys and records go over an unencrypted connection";
            findings.warnings.add(findings.path().key("endpoint"), "unencrypted", message);
        }
        checks::connection(settings, false, findings);
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let texts = settings.uploader().into_iter().map(|(name, value)| (name.to_owned(), Yaml::text(value)));
        let path_style = ("s3_force_path_style".to_owned(), Yaml::Bool(settings.path_style));
        let config = vec![
            ("s3uploader".to_owned(), Yaml::Map(texts.chain([path_style]).collect())),
            ("marshaler".to_owned(), Yaml::text(settings.format.as_str())),
            ("timeout".to_owned(), Yaml::text(settings.timeout.as_str())),
        ];
        Ok(settings.delivery.otelcol("awss3", config, None))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let texts = settings.uploader().into_iter().map(|(name, value)| attribute(name, Expr::text(value)));
        let path_style = attribute("s3_force_path_style", Expr::token(settings.path_style));
        let (queue, storage) = settings.delivery.alloy_queue(site.label);
        let body = vec![
            attribute("timeout", Expr::text(settings.timeout.as_str())),
            block("s3_uploader", texts.chain([path_style]).collect()),
            block("marshaler", vec![attribute("type", Expr::text(settings.format.as_str()))]),
            queue,
        ];
        Ok(delivery::behind(Block::labelled("otelcol.exporter.awss3", site.label, body), storage))
    }
}
