//! `ottl`: records are kept or dropped by a condition in OTTL.

use linkmesh_proto::api::{catalogue::Role, pipeline::Signal};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AlloyPart, AlloySite, Component, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, read};
use crate::render::{
    alloy::{Block, Expr, attribute, block},
    yaml::Yaml,
};

pub(super) struct Ottl;

#[derive(Deserialize)]
struct Settings {
    condition: String,
    action: String,
    signals: Vec<Signal>,
}

impl Settings {
    /// The condition under which a record is dropped, which is what the runtimes' filters ask for.
    fn drops(&self) -> String {
        if self.action == "keep" { format!("not ({})", self.condition) } else { self.condition.clone() }
    }
}

/// The section of the filter and the list in it that holds conditions on single records of a signal.
const fn section(signal: Signal) -> (&'static str, &'static str) {
    match signal {
        Signal::Logs => ("logs", "log_record"),
        Signal::Metrics => ("metrics", "datapoint"),
        Signal::Traces => ("traces", "span"),
    }
}

/// A filter that drops records on which the condition holds. An error while looking at a record keeps it, on every
/// version of both runtimes.
pub(super) fn otelcol_filter(signals: &[Signal], condition: &str) -> Yaml {
    let mut config = vec![("error_mode".to_owned(), Yaml::word("ignore"))];
    for signal in signals {
        let (name, list) = section(*signal);
        config.push((name.to_owned(), Yaml::map([(list, Yaml::Seq(vec![Yaml::text(condition)]))])));
    }
    Yaml::Map(config)
}

/// As [`otelcol_filter`].
pub(super) fn alloy_filter(site: &AlloySite<'_>, signals: &[Signal], condition: &str) -> Block {
    let mut body = vec![attribute("error_mode", Expr::text("ignore"))];
    for signal in signals {
        let (name, list) = section(*signal);
        body.push(block(name, vec![attribute(list, Expr::Array(vec![Expr::text(condition)]))]));
    }
    body.push(site.outputs.block());
    Block::labelled("otelcol.processor.filter", site.label, body)
}

impl Component for Ottl {
    fn kind(&self) -> &'static str {
        "ottl"
    }

    fn role(&self) -> Role {
        Role::Filter
    }

    fn title(&self) -> &'static str {
        "Condition (OTTL)"
    }

    fn description(&self) -> &'static str {
        "Keeps or drops records by a condition in the OpenTelemetry Transformation Language. It is asked of each log \
         record, data point or span."
    }

    fn schema(&self) -> Value {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object", "additionalProperties": false, "required": ["condition", "action"],
            "properties": {
                "condition": {
                    "type": "string", "title": "Condition", "minLength": 1, "maxLength": 8192, "x-check": "ottl",
                    "x-widget": "code", "x-order": 1, "examples": ["attributes[\"http.route\"] == \"/health\""],
                    "description": "An absent attribute is nil: `attributes[\"env\"] != \"prod\"` also holds where there is none.",
                },
                "action": {
                    "type": "string", "title": "Where it holds", "enum": ["keep", "drop"], "x-order": 2,
                    "description": "keep: only those records go on. drop: they end here.",
                },
                "signals": {
                    "type": "array", "title": "Only for", "uniqueItems": true, "default": [], "x-order": 3, "x-widget": "list",
                    "description": "Kinds of telemetry to ask; all that flow through the pipeline when empty.",
                    "items": { "type": "string", "enum": ["logs", "metrics", "traces"] },
                },
            },
        })
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "No health checks",
                json!({ "condition": "IsMatch(body, \"GET /healthz\")", "action": "drop", "signals": ["logs"] }),
            ),
            (
                "One environment only",
                json!({ "condition": "resource.attributes[\"deployment.environment\"] == \"prod\"", "action": "keep" }),
            ),
        ]
    }

    fn signals_with(&self, settings: &SettingsMap) -> Vec<Signal> {
        match read::<Settings>(settings) {
            Ok(settings) if !settings.signals.is_empty() => settings.signals,
            _ => self.signals().to_vec(),
        }
    }

    fn otelcol(&self, settings: &SettingsMap, site: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        Ok(OtelcolPart::new("filter", otelcol_filter(site.signals, &settings.drops())))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let signals: Vec<Signal> = site.outputs.0.iter().map(|(signal, _)| *signal).collect();
        Ok(AlloyPart::consumer(alloy_filter(site, &signals, &settings.drops())))
    }
}
