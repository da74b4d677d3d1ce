//! `severity`: log records below a severity are dropped.
//!
//! What counts is the number (`SeverityNumber`), of which each word has four: a record of `INFO3` passes from `info`. A
//! record without a number passes whatever its text says, since nothing is known of its weight; a source that reads the
//! severity out of its lines, or a transformation, sets the number.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Least, SettingsMap, Unsupported,
        form::{choice, form},
        read,
    },
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

    fn least(&self) -> Least {
        Least::BASE
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs]
    }

    fn schema(&self) -> Value {
        let minimum = choice("Keep from", &["trace", "debug", "info", "warn", "error", "fatal"])
            .required()
            .example("info")
            .help("Records of this severity and above go on.");
        form([("minimum", minimum)])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![("No debug records", json!({ "minimum": "info" })), ("Errors only", json!({ "minimum": "error" }))]
    }

    fn stages(&self, settings: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let condition = read::<Settings>(settings)?.condition();
        Ok(vec![Box::new(Filter::records(&[Signal::Logs], &condition))])
    }
}
