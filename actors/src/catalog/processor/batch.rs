//! `batch`: records are sent on in batches.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{Component, Findings, SettingsMap, Unsupported, read, scalar},
    stage::{Stage, batch},
};

pub(super) const COMPONENT: &dyn Component = &Batch;

struct Batch;

#[derive(Deserialize)]
struct Settings {
    timeout: String,
    send_batch_size: i64,
}

impl Component for Batch {
    fn title(&self) -> &'static str {
        "Batch"
    }

    fn description(&self) -> &'static str {
        "Gathers records and sends them on together, which saves requests. Stands last."
    }

    fn schema(&self) -> Value {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object", "additionalProperties": false,
            "properties": {
                "timeout": {
                    "type": "string", "title": "Wait at most", "default": "1s", "x-check": "duration", "x-unit": "duration",
                    "minLength": 1, "maxLength": 32, "x-order": 1, "description": "A batch is sent after this time, however small.",
                },
                "send_batch_size": {
                    "type": "integer", "title": "Records in a batch", "default": 2000, "minimum": 1, "maximum": 100_000, "x-order": 2,
                    "x-unit": "records", "description": "A batch is sent when it holds this many; the largest is half as large again.",
                },
            },
        })
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![("The usual", json!({ "timeout": "1s", "send_batch_size": 2000 }))]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        if scalar::duration_ns(&settings.timeout).is_ok_and(|ns| ns == 0) {
            findings.errors.add(findings.path().key("timeout"), "out_of_range", "must be longer than 0");
        }
    }

    fn stages(&self, settings: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let settings: Settings = read(settings)?;
        let max_size = settings.send_batch_size + settings.send_batch_size / 2;
        Ok(vec![Box::new(batch::Batch { timeout: settings.timeout, size: settings.send_batch_size, max_size })])
    }
}
