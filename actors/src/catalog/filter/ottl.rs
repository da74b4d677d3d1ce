//! `ottl`: records are kept or dropped by a condition in OTTL.
//!
//! It is asked of each log record, of each data point and of each span. `drop` drops those on which it holds, `keep`
//! those on which it does not. A record on which it cannot be decided (an error while it is looked at) goes on in both
//! cases. A metric without points left is dropped. Kinds of telemetry that are not listed pass as they are.

use linkmesh_ottl::{Condition, Dialect};
use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        form::{choice, choices, form, text},
        read,
    },
    stage::{
        Stage,
        filter::{Asked, Filter},
    },
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

    fn least(&self) -> Least {
        Least::BASE
    }

    fn schema(&self) -> Value {
        form([
            (
                "condition",
                text("Condition")
                    .required()
                    .most(8192)
                    .check("ottl")
                    .widget("code")
                    .example("attributes[\"http.route\"] == \"/health\"")
                    .help(
                        "An absent attribute is nil: `attributes[\"env\"] != \"prod\"` also holds where there is none.",
                    ),
            ),
            (
                "action",
                choice("Where it holds", &["keep", "drop"])
                    .required()
                    .help("keep: only those records go on. drop: they end here."),
            ),
            (
                "signals",
                choices("Only for", &["logs", "metrics", "traces"])
                    .default(json!([]))
                    .help("Kinds of telemetry to ask; all that flow through the pipeline when empty."),
            ),
        ])
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

    fn check_for(&self, settings: &SettingsMap, signals: &[Signal], findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        let path = findings.path().key("condition");
        findings.ottl(&path, signals, |signal| {
            Condition::parse(&settings.condition, Dialect::filter(Asked::records(signal).context()))
        });
    }

    fn stages(&self, settings: &SettingsMap, signals: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let settings: Settings = read(settings)?;
        Ok(vec![Box::new(Filter::records(signals, &settings.drops()))])
    }
}
