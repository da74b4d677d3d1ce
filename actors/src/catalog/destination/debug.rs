//! `debug`: records in the collector's own log.

use linkmesh_proto::api::collector::Stability;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{AlloyPart, AlloySite, Component, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, read};
use crate::render::{
    alloy::{Block, Expr, attribute},
    yaml::Yaml,
};

pub(super) const COMPONENT: &dyn Component = &Debug;

struct Debug;

#[derive(Deserialize)]
struct Settings {
    verbosity: String,
}

impl Component for Debug {
    fn title(&self) -> &'static str {
        "Debug"
    }

    fn description(&self) -> &'static str {
        "Writes records to the collector's own log, to see what arrives. Not for production: it can be a lot."
    }

    fn alloy_stability(&self) -> Stability {
        Stability::Experimental
    }

    fn schema(&self) -> Value {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object", "additionalProperties": false,
            "properties": {
                "verbosity": {
                    "type": "string", "title": "How much", "enum": ["basic", "normal", "detailed"], "default": "normal",
                    "x-order": 1, "description": "basic: a count a batch. normal: a line a record. detailed: every field.",
                },
            },
        })
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![("A line a record", json!({})), ("Every field", json!({ "verbosity": "detailed" }))]
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        Ok(OtelcolPart::new("debug", Yaml::map([("verbosity", Yaml::text(settings.verbosity))])))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let body = vec![attribute("verbosity", Expr::text(settings.verbosity))];
        Ok(AlloyPart::consumer(Block::labelled("otelcol.exporter.debug", site.label, body)))
    }
}
