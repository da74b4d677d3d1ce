//! `ottl`: records are kept or dropped by a condition in OTTL.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{Component, SettingsMap, Unsupported, read},
    stage::{Stage, filter::Filter},
};

pub(super) const COMPONENT: &dyn Component = &Ottl;

struct Ottl;

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

impl Component for Ottl {
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

    fn stages(&self, settings: &SettingsMap, signals: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let settings: Settings = read(settings)?;
        Ok(vec![Box::new(Filter::records(signals, &settings.drops()))])
    }
}
