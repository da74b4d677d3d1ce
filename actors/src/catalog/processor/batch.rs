//! `batch`: records are sent on in batches.
//!
//! Records stay as they are, and none is dropped; what is sent on together is gathered from what came in one after the
//! other. A batch is sent when it holds `send_batch_size` records, log records, data points or spans, or when `timeout`
//! has passed since the first; one that grew beyond half as much again is cut.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        form::{duration, form, integer},
        read, scalar,
    },
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

    fn least(&self) -> Least {
        Least::BASE
    }

    fn schema(&self) -> Value {
        form([
            ("timeout", duration("Wait at most").default("1s").help("A batch is sent after this time, however small.")),
            (
                "send_batch_size",
                integer("Records in a batch", 1, 100_000)
                    .default(2000)
                    .unit("records")
                    .help("A batch is sent when it holds this many; the largest is half as large again."),
            ),
        ])
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
