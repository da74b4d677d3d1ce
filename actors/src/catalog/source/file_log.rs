//! `file_log`: lines of log files as records.

use linkmesh_proto::api::{collector::Stability, pipeline::Signal};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{AlloyPart, AlloySite, Component, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, read};
use crate::render::{
    alloy::{Block, Expr, attribute},
    names,
    yaml::Yaml,
};

pub(super) const COMPONENT: &dyn Component = &FileLog;

struct FileLog;

#[derive(Deserialize)]
struct Settings {
    include: Vec<String>,
    exclude: Vec<String>,
    start_at: String,
}

impl Component for FileLog {
    fn title(&self) -> &'static str {
        "Log files"
    }

    fn description(&self) -> &'static str {
        "Reads lines that are appended to files, follows rotation, and goes on where it stopped after a restart."
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs]
    }

    fn alloy_stability(&self) -> Stability {
        Stability::PublicPreview
    }

    fn schema(&self) -> Value {
        let pattern = json!({ "type": "string", "minLength": 1, "maxLength": 1024, "x-check": "file_pattern" });
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object", "additionalProperties": false, "required": ["include"],
            "properties": {
                "include": {
                    "type": "array", "title": "Files", "minItems": 1, "maxItems": 100, "items": pattern, "x-order": 1,
                    "x-widget": "list", "examples": [["/var/log/nginx/*.log"]],
                    "description": "Absolute paths; * stands for part of a name, ** for any folders.",
                },
                "exclude": {
                    "type": "array", "title": "Except", "maxItems": 100, "items": pattern, "default": [], "x-order": 2,
                    "x-widget": "list", "examples": [["/var/log/nginx/*.gz"]],
                    "description": "Files to leave out although they match above.",
                },
                "start_at": {
                    "type": "string", "title": "Begin at", "enum": ["end", "beginning"], "default": "end", "x-order": 3,
                    "description": "Where to begin in files that are there when the collector first sees them: `end` reads only what is added later.",
                },
            },
        })
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("One file", json!({ "include": ["/var/log/nginx/access.log"] })),
            (
                "All logs of a folder, with what is in them already",
                json!({ "include": ["/var/log/app/*.log"], "exclude": ["/var/log/app/*.gz"], "start_at": "beginning" }),
            ),
        ]
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut config = vec![("include".to_owned(), Yaml::texts(&settings.include))];
        if !settings.exclude.is_empty() {
            config.push(("exclude".to_owned(), Yaml::texts(&settings.exclude)));
        }
        config.push(("start_at".to_owned(), Yaml::text(settings.start_at)));
        config.push(("include_file_path".to_owned(), Yaml::Bool(true)));
        config.push(("storage".to_owned(), Yaml::word(names::STORAGE)));
        let mut part = OtelcolPart::new("filelog", Yaml::Map(config));
        part.storage = true;
        Ok(part)
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let storage = Block::labelled("otelcol.storage.file", site.label, Vec::new());
        let mut body = vec![attribute("include", Expr::texts(&settings.include))];
        if !settings.exclude.is_empty() {
            body.push(attribute("exclude", Expr::texts(&settings.exclude)));
        }
        body.push(attribute("start_at", Expr::text(settings.start_at)));
        body.push(attribute("include_file_path", Expr::token(true)));
        body.push(attribute("storage", Expr::token(storage.reference("handler"))));
        body.push(site.outputs.block());
        Ok(AlloyPart::source(vec![storage, Block::labelled("otelcol.receiver.filelog", site.label, body)]))
    }
}
