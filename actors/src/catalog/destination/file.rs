//! `file`: records in a file on the collector's host, a batch a line.
//!
//! OTLP as JSON, a line a batch, or as protobuf, each batch behind its length in four bytes (so too what is
//! compressed, each batch by itself). Without `rotation` the file grows: it is appended to, also over restarts. With
//! it, a full file is renamed by its time and old ones are deleted. The folder must be there, and writable for the
//! collector. The same exporter on both runtimes (`file`, `otelcol.exporter.file`); it has neither queue nor retries:
//! a batch that cannot be written is lost. Alloy has it since 1.13. otelcol 0.149 refuses to append to a compressed
//! file, so that compression needs rotation.

use linkmesh_proto::api::collector::Stability;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
        exporter::checks,
        form::{choice, duration, file, form, group, integer},
        read, scalar,
    },
    render::{
        alloy::{Block, Expr, attribute, block},
        yaml::Yaml,
    },
};

pub(super) const COMPONENT: &dyn Component = &File;

struct File;

#[derive(Deserialize)]
struct Settings {
    path: String,
    format: String,
    compression: String,
    flush_interval: String,
    rotation: Option<Rotation>,
}

#[derive(Deserialize)]
struct Rotation {
    max_megabytes: i64,
    max_days: i64,
    max_backups: i64,
}

impl Settings {
    fn is_compressed(&self) -> bool {
        self.compression != "none"
    }
}

impl Rotation {
    fn fields(&self) -> [(&'static str, i64); 3] {
        [("max_megabytes", self.max_megabytes), ("max_days", self.max_days), ("max_backups", self.max_backups)]
    }
}

impl Component for File {
    fn title(&self) -> &'static str {
        "File"
    }

    fn description(&self) -> &'static str {
        "Writes records to a file on the collector's host, as OTLP."
    }

    fn least(&self) -> Least {
        // otelcol: `flush_interval` (0.76). Alloy: the component (1.13).
        Least::since(76, 13)
    }

    fn least_with(&self, settings: &SettingsMap) -> Least {
        // Without rotation it appends (0.97).
        if settings.contains_key("rotation") { self.least() } else { Least::since(97, 13) }
    }

    fn alloy_stability(&self) -> Stability {
        Stability::PublicPreview
    }

    fn schema(&self) -> Value {
        form([
            (
                "path",
                file("File")
                    .check("written_file")
                    .required()
                    .example("/var/lib/telemetry/out.json")
                    .help("Its folder must be there."),
            ),
            ("format", choice("Format", &["json", "proto"]).default("json")),
            ("compression", choice("Compression", &["none", "zstd"]).default("none").help("Needs rotation.")),
            (
                "flush_interval",
                duration("Write each").default("1s").help("With rotation, batches are written at once."),
            ),
            (
                "rotation",
                group(
                    "Rotation",
                    [
                        ("max_megabytes", integer("Size of a file", 1, 100_000).default(100).unit("MB")),
                        (
                            "max_days",
                            integer("Days to keep", 0, 36_500).default(0).unit("days").help("0 keeps them for ever."),
                        ),
                        ("max_backups", integer("Files to keep", 1, 100_000).default(10).unit("files")),
                    ],
                )
                .help("Without it the file grows for ever."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("A file to look into", json!({ "path": "/var/lib/telemetry/out.json" })),
            (
                "Compressed files of a week",
                json!({
                    "path": "/var/lib/telemetry/out.bin", "format": "proto", "compression": "zstd",
                    "rotation": { "max_megabytes": 50, "max_days": 7 },
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let has_rotation = settings.contains_key("rotation");
        if checks::text(settings, "compression") != "none" && !has_rotation {
            let message = "a compressed file needs it: nothing can be appended to one after a restart";
            findings.errors.add(findings.path().key("rotation"), "missing", message);
        }
        if scalar::duration_ns(checks::text(settings, "flush_interval")).is_ok_and(|ns| ns == 0) {
            findings.errors.add(findings.path().key("flush_interval"), "out_of_range", "must be longer than 0");
        }
        if !has_rotation {
            findings.warnings.add(
                findings.path().key("rotation"),
                "unbounded",
                "the file grows until the disk is full",
            );
        }
    }

    fn writes(&self, settings: &SettingsMap) -> Vec<String> {
        let path = checks::text(settings, "path");
        let mut files = vec![path.to_owned()];
        if settings.contains_key("rotation") {
            // As lumberjack names full files: the time goes before the last dot of the name.
            let name = path.rfind(['/', '\\']).map_or(0, |place| place + 1);
            let dot = path.rfind('.').filter(|dot| *dot >= name).unwrap_or(path.len());
            let (before, after) = path.split_at(dot);
            files.push(format!("{before}-2006-01-02T15-04-05.000{after}"));
        }
        files
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut config = vec![
            ("path".to_owned(), Yaml::text(settings.path.as_str())),
            ("format".to_owned(), Yaml::text(settings.format.as_str())),
            ("flush_interval".to_owned(), Yaml::text(settings.flush_interval.as_str())),
        ];
        if settings.is_compressed() {
            config.push(("compression".to_owned(), Yaml::text(settings.compression.as_str())));
        }
        match &settings.rotation {
            Some(rotation) => {
                let fields = rotation.fields().map(|(name, value)| (name, Yaml::Int(value)));
                config.push(("rotation".to_owned(), Yaml::map(fields)));
            }
            None => config.push(("append".to_owned(), Yaml::Bool(true))),
        }
        Ok(OtelcolPart::new("file", Yaml::Map(config)))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut body = vec![
            attribute("path", Expr::text(settings.path.as_str())),
            attribute("format", Expr::text(settings.format.as_str())),
            attribute("flush_interval", Expr::text(settings.flush_interval.as_str())),
        ];
        if settings.is_compressed() {
            body.push(attribute("compression", Expr::text(settings.compression.as_str())));
        }
        match &settings.rotation {
            Some(rotation) => {
                let fields = rotation.fields().map(|(name, value)| attribute(name, Expr::token(value)));
                body.push(block("rotation", fields.to_vec()));
            }
            None => body.push(attribute("append", Expr::token(true))),
        }
        Ok(AlloyPart::consumer(Block::labelled("otelcol.exporter.file", site.label, body)))
    }
}
