//! `debug`: records in the collector's own log.
//!
//! What arrives is written at level info: a count a batch (`basic`), a line a record (`normal`) or every field of it
//! (`detailed`). The same exporter on both runtimes, which writes every batch and has neither queue nor retries.

use linkmesh_proto::api::collector::Stability;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
    form::{choice, form},
    read,
};
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

    fn least(&self) -> Least {
        // otelcol: the exporter (0.86). Alloy: the component (1.3).
        Least::since(86, 3)
    }

    fn least_with(&self, settings: &SettingsMap) -> Least {
        // A line for each record (0.104).
        let is_normal = settings.get("verbosity").and_then(Value::as_str) == Some("normal");
        if is_normal { Least::since(104, 3) } else { self.least() }
    }

    fn alloy_stability(&self) -> Stability {
        Stability::Experimental
    }

    fn schema(&self) -> Value {
        let verbosity = choice("How much", &["basic", "normal", "detailed"])
            .default("normal")
            .help("basic: a count a batch. normal: a line a record. detailed: every field.");
        form([("verbosity", verbosity)])
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
