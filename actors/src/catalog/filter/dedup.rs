//! `dedup`: of log records that are the same, one goes on and says how many there were.
//!
//! Records are gathered for `interval`. Of those of the same resource and scope that are the same, the first goes on at
//! the end of the interval, with the attributes `log_count` (how many it stands for), `first_observed_timestamp` and
//! `last_observed_timestamp` (when the collector saw the first and the last, in UTC, to the second). Its time is that of
//! the end of the interval, its observed time when the first was seen. A record that was alone goes on in the same way,
//! with a count of 1, and later by up to the interval.
//!
//! The same are records with equal attributes, body, severity number and severity text; time, trace and span do not count.
//! The fields in `ignore` do not count either, and are taken out of the record. With `compare`, only those fields count: by
//! the values, as text, of those that a record has; one that has none of them is compared as above.
//!
//! A field of the body is a key of a body that is a mapping; a text body has none. Schemas of resources and scopes are
//! lost. What waits when a collector is killed is lost. Metrics and traces pass as they are.
//!
//! Alloy has no such component, nor one from which it could be made.

use linkmesh_proto::api::{collector::Runtime, pipeline::Signal};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        form::{Field as FormField, attribute_key, choice, duration, form, group, list},
        read, scalar,
    },
    stage::{
        Stage,
        log_dedup::{Compare, Field, LogDedup},
    },
};

pub(super) const COMPONENT: &dyn Component = &Dedup;

struct Dedup;

#[derive(Deserialize)]
struct Settings {
    interval: String,
    ignore: Vec<Entry>,
    compare: Vec<Entry>,
}

#[derive(Deserialize, PartialEq, Eq)]
struct Entry {
    of: Of,
    key: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Of {
    Attributes,
    Body,
}

fn fields(entries: Vec<Entry>) -> Vec<Field> {
    entries.into_iter().map(|Entry { of, key }| Field { is_of_body: of == Of::Body, key }).collect()
}

fn entries(title: &str) -> FormField {
    let entry = group(
        "",
        [
            ("of", choice("Of the", &["attributes", "body"]).default("attributes")),
            ("key", attribute_key("Key").required().example("request.id")),
        ],
    );
    list(title, entry).default(json!([])).at_most(50)
}

impl Component for Dedup {
    fn title(&self) -> &'static str {
        "Remove duplicates"
    }

    fn description(&self) -> &'static str {
        "Sends one log record in the place of many that are the same, with their number. On otelcol only."
    }

    fn least(&self) -> Least {
        // otelcol: the processor (0.107).
        Least::otelcol_since(107)
    }

    fn least_with(&self, settings: &SettingsMap) -> Least {
        // `include_fields` (0.118).
        let compares = settings.get("compare").and_then(Value::as_array).is_some_and(|fields| !fields.is_empty());
        if compares { Least::otelcol_since(118) } else { self.least() }
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs]
    }

    fn runtimes(&self) -> &'static [Runtime] {
        &[Runtime::Otelcol]
    }

    fn schema(&self) -> Value {
        form([
            (
                "interval",
                duration("Gather for")
                    .default("10s")
                    .help("All records are late by up to this time, also those that were alone."),
            ),
            ("ignore", entries("Ignore").help("Do not count when records are compared, and are taken out of them.")),
            (
                "compare",
                entries("Compare only").help("Only these count; records that have none are compared as a whole."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Repeated lines", json!({ "interval": "10s" })),
            (
                "Whatever the request",
                json!({ "interval": "1m", "ignore": [{ "key": "request.id" }, { "of": "body", "key": "timestamp" }] }),
            ),
            ("By the error", json!({ "compare": [{ "key": "exception.type" }, { "key": "code.function" }] })),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        let at = findings.path().clone();
        if scalar::duration_ns(&settings.interval).is_ok_and(|ns| ns == 0) {
            findings.errors.add(at.key("interval"), "out_of_range", "must be longer than 0");
        }
        if !settings.ignore.is_empty() && !settings.compare.is_empty() {
            findings.errors.add(at.key("compare"), "not_allowed", "either `ignore` or `compare`, not both");
        }
        for (name, entries) in [("ignore", &settings.ignore), ("compare", &settings.compare)] {
            for (index, entry) in entries.iter().enumerate() {
                let at = at.key(name).index(index);
                if entries.iter().take(index).any(|earlier| earlier == entry) {
                    findings.errors.add(at.key("key"), "duplicate", "stands twice");
                }
                // The processor reads a backslash as the mark of a point, and this word as one that it put in itself.
                if entry.key.contains('\\') || entry.key.contains("{TEMP_REPLACE}") {
                    findings.errors.add(at.key("key"), "invalid_value", "must not hold a backslash");
                }
            }
        }
    }

    fn stages(&self, settings: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let Settings { interval, ignore, compare } = read(settings)?;
        let compare = if compare.is_empty() { Compare::AllBut(fields(ignore)) } else { Compare::Only(fields(compare)) };
        Ok(vec![Box::new(LogDedup { interval, compare })])
    }
}
