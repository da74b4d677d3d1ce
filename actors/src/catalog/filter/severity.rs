//! `severity`: log records below a severity are dropped.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{Component, SettingsMap, Unsupported, read},
    stage::{Stage, filter::Filter},
};

pub(super) const COMPONENT: &dyn Component = &Severity;

struct Severity;

#[derive(Deserialize)]
struct Settings {
    minimum: String,
}

impl Settings {
    /// Records without a severity (0) stay: that they have none says nothing of their weight.
    fn condition(&self) -> String {
        format!("severity_number != 0 and severity_number < SEVERITY_NUMBER_{}", self.minimum.to_ascii_uppercase())
    }
}

impl Component for Severity {
    fn title(&self) -> &'static str {
        "Minimum severity"
    }

    fn description(&self) -> &'static str {
        "Drops log records below a severity. Records without a severity pass."
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs]
    }

    fn schema(&self) -> Value {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object", "additionalProperties": false, "required": ["minimum"],
            "properties": {
                "minimum": {
                    "type": "string", "title": "Keep from", "enum": ["trace", "debug", "info", "warn", "error", "fatal"],
                    "x-order": 1, "examples": ["info"], "description": "Records of this severity and above go on.",
                },
            },
        })
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![("No debug records", json!({ "minimum": "info" })), ("Errors only", json!({ "minimum": "error" }))]
    }

    fn stages(&self, settings: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let condition = read::<Settings>(settings)?.condition();
        Ok(vec![Box::new(Filter::records(&[Signal::Logs], &condition))])
    }
}
