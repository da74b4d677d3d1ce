//! `splunk_hec`: records to Splunk, by its HTTP Event Collector.
//!
//! Log records and spans become events, data points become metric events. The resource attributes `com.splunk.source`,
//! `com.splunk.sourcetype`, `com.splunk.index` and `host.name` name source, type, index and host before what stands in
//! the settings; other attributes are indexed fields, severity those that are rendered here: Alloy's own default for
//! them is empty. So is that for the name of events, which Alloy cannot be told: there the name of a log event stands
//! in a field without a name.
//!
//! Both runtimes run the same exporter (`splunkhec` as `splunk_hec`, `otelcol.exporter.splunkhec`). On Alloy it is a
//! community component: an Alloy without `--feature.community-components.enabled` refuses the whole document, and its
//! client knows no certificates of one's own: settings that need them are refused there. Checked against the
//! exporter's sources of 0.158, with which a collector finds the examples valid, and Alloy's; the fields that are
//! rendered are older than 0.149.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
        exporter::{checks, delivery::Delivery, fields, tls::Tls},
        form::{Field, form, text},
        read,
    },
    render::{
        alloy::{Expr, Statement, attribute, block},
        text::Text,
        yaml::Yaml,
    },
};

pub(super) const COMPONENT: &dyn Component = &SplunkHec;

struct SplunkHec;

/// The fields of an event that say how severe it is.
const SEVERITY: [(&str, &str); 2] =
    [("severity_text", "otel.log.severity.text"), ("severity_number", "otel.log.severity.number")];

/// What sends, as Splunk is told; the runtimes' own names differ.
const APP: (&str, &str) = ("splunk_app_name", "LinkMesh");

#[derive(Deserialize)]
struct Settings {
    endpoint: String,
    token: Text,
    source: Option<String>,
    sourcetype: Option<String>,
    index: Option<String>,
    compression: String,
    timeout: String,
    tls: Option<Tls>,
    #[serde(flatten)]
    delivery: Delivery,
}

impl Settings {
    /// What events are marked with.
    fn marks(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let marks = [("source", &self.source), ("sourcetype", &self.sourcetype), ("index", &self.index)];
        marks.into_iter().filter_map(|(name, mark)| Some((name, mark.as_deref()?))).chain([APP])
    }

    fn is_uncompressed(&self) -> bool {
        self.compression == "none"
    }
}

fn mark(title: &str) -> Field {
    text(title).most(256)
}

impl Component for SplunkHec {
    fn title(&self) -> &'static str {
        "Splunk HEC"
    }

    fn description(&self) -> &'static str {
        "Sends logs, metrics and traces to Splunk's HTTP Event Collector. Alloy needs --feature.community-components.enabled for it."
    }

    fn least(&self) -> Least {
        // Alloy: the component (1.6).
        Least::since(74, 6)
    }

    fn differs(&self) -> Option<&'static str> {
        Some("the name of a log event is the field `otel.log.name` on otelcol, and a field without a name on Alloy")
    }

    fn schema(&self) -> Value {
        form([
            (
                "endpoint",
                fields::url("URL", "https://splunk.example.com:8088")
                    .required()
                    .help("/services/collector is added to a URL without a path."),
            ),
            ("token", fields::password("Token").required()),
            ("source", mark("Source")),
            ("sourcetype", mark("Source type")),
            ("index", mark("Index").help("Leave out for the index of the token.")),
            ("compression", fields::compression(&["gzip", "none"])),
            ("timeout", fields::timeout("15s")),
            ("tls", fields::tls().help("Alloy can only be told to trust any certificate.")),
            ("queue_size", fields::queue_size()),
            ("queue_on_disk", fields::queue_on_disk()),
            ("retry_for", fields::retry_for()),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "A Splunk with its own index",
                json!({ "endpoint": "https://splunk.example.com:8088", "token": "${env:SPLUNK_TOKEN}", "index": "otel" }),
            ),
            (
                "A Splunk whose certificate nobody signed, with a queue on disk",
                json!({
                    "endpoint": "https://splunk.internal:8088/services/collector", "token": "${env:SPLUNK_TOKEN}",
                    "source": "otel", "sourcetype": "otel", "tls": { "insecure_skip_verify": true }, "queue_on_disk": true,
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        checks::http(settings, findings);
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut config = vec![
            ("endpoint".to_owned(), Yaml::text(settings.endpoint.as_str())),
            ("token".to_owned(), Yaml::Text(settings.token.clone())),
        ];
        config.extend(settings.marks().map(|(name, value)| (name.to_owned(), Yaml::text(value))));
        config.push(("disable_compression".to_owned(), Yaml::Bool(settings.is_uncompressed())));
        config.push(("timeout".to_owned(), Yaml::text(settings.timeout.as_str())));
        config.push((
            "otel_to_hec_fields".to_owned(),
            Yaml::map(SEVERITY.map(|(name, field)| (name, Yaml::text(field)))),
        ));
        config.extend(settings.tls.as_ref().map(|tls| ("tls".to_owned(), tls.otelcol())));
        Ok(settings.delivery.otelcol("splunk_hec", config, None))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut client = vec![
            attribute("endpoint", Expr::text(settings.endpoint.as_str())),
            attribute("timeout", Expr::text(settings.timeout.as_str())),
        ];
        if let Some(tls) = &settings.tls {
            if let Some(field) = tls.first_field() {
                let reason = format!("Alloy's exporter for Splunk does not know `{field}`");
                return Err(Unsupported::new("tls", reason));
            }
            client.push(attribute("insecure_skip_verify", Expr::token(tls.trusts_all())));
        }
        let mut splunk: Vec<Statement> = vec![attribute("token", Expr::Text(settings.token.clone()))];
        splunk.extend(settings.marks().map(|(name, value)| attribute(name, Expr::text(value))));
        splunk.push(attribute("disable_compression", Expr::token(settings.is_uncompressed())));
        let severity = SEVERITY.map(|(name, field)| attribute(name, Expr::text(field)));
        splunk.push(block("otel_to_hec_fields", severity.to_vec()));
        let body = vec![block("client", client), block("splunk", splunk)];
        Ok(settings.delivery.alloy("otelcol.exporter.splunkhec", site.label, body, None))
    }
}
