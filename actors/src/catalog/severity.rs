//! `severity`: log records below a severity are dropped.

use linkmesh_proto::api::{catalogue::Role, pipeline::Signal};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AlloyPart, AlloySite, Component, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, ottl, read};

pub(super) struct Severity;

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
    fn kind(&self) -> &'static str {
        "severity"
    }

    fn role(&self) -> Role {
        Role::Filter
    }

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

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let condition = read::<Settings>(settings)?.condition();
        Ok(OtelcolPart::new("filter", ottl::otelcol_filter(&[Signal::Logs], &condition)))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let condition = read::<Settings>(settings)?.condition();
        Ok(AlloyPart::consumer(ottl::alloy_filter(site, &[Signal::Logs], &condition)))
    }
}
