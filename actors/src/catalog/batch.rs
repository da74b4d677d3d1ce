//! `batch`: records are sent on in batches.

use linkmesh_proto::api::catalogue::Role;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    AlloyPart, AlloySite, Component, Findings, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, read, scalar,
};
use crate::render::{
    alloy::{Block, Expr, attribute},
    yaml::Yaml,
};

pub(super) struct Batch;

#[derive(Deserialize)]
struct Settings {
    timeout: String,
    send_batch_size: i64,
}

impl Settings {
    /// A batch is cut above this. Always written: one runtime has no limit by default, the other a small one.
    const fn max_size(&self) -> i64 {
        self.send_batch_size + self.send_batch_size / 2
    }
}

impl Component for Batch {
    fn kind(&self) -> &'static str {
        "batch"
    }

    fn role(&self) -> Role {
        Role::Processor
    }

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

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let config = Yaml::map([
            ("timeout", Yaml::text(settings.timeout.as_str())),
            ("send_batch_size", Yaml::Int(settings.send_batch_size)),
            ("send_batch_max_size", Yaml::Int(settings.max_size())),
        ]);
        Ok(OtelcolPart::new("batch", config))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let body = vec![
            attribute("timeout", Expr::text(settings.timeout.as_str())),
            attribute("send_batch_size", Expr::token(settings.send_batch_size)),
            attribute("send_batch_max_size", Expr::token(settings.max_size())),
            site.outputs.block(),
        ];
        Ok(AlloyPart::consumer(Block::labelled("otelcol.processor.batch", site.label, body)))
    }
}
