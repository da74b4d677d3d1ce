//! JSON values to documents. Every problem is noted with its place, and reading goes on.

mod fields;

use std::collections::BTreeMap;

use linkmesh_proto::{
    DestinationId, PipelineId,
    api::{
        destination::{DestinationDocument, NewDestination},
        pipeline::{ConditionalDestination, DestinationRef, NewPipeline, PipelineDocument, Signal, Step},
        problem::FieldProblem,
    },
};
use serde_json::Value;

pub(crate) use self::fields::kind_of;
use self::fields::{Fields, object, parse_id, text};
use super::{CollectorDocument, GroupDocument, LAYOUT_VERSION, MemoryLimiter, Settings};
use crate::domain::{
    attributes::RESERVED_PREFIX,
    problem::{Path, Problems},
};

/// Longest name, in characters.
const MAX_NAME: usize = 200;
/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 4000;
/// Most items of a list: steps, destinations, matchers.
const MAX_ITEMS: usize = 200;
/// How deep lists and mappings of settings may stand in one another: far deeper than any kind asks for. What is deeper
/// makes many times its size of a file, in which each level is indented.
const MAX_DEPTH: usize = 32;
/// Longest condition in OTTL, in characters.
const MAX_CONDITION: usize = 8192;
/// Most labels on one collector.
const MAX_LABELS: usize = 64;
/// Longest label key or value, in characters.
const MAX_LABEL: usize = 256;

/// Reads a pipeline from JSON, as `PUT /pipelines/{id}` holds it.
///
/// # Errors
/// Every problem of its shape, with its place.
pub fn read_pipeline(value: &Value) -> Result<PipelineDocument, Vec<FieldProblem>> {
    Fields::document(value, |fields| {
        let document = pipeline(fields);
        fields.end();
        document
    })
}

/// Reads what a `POST /pipelines` holds.
///
/// # Errors
/// Every problem of its shape, with its place.
pub fn read_new_pipeline(value: &Value) -> Result<NewPipeline, Vec<FieldProblem>> {
    Fields::document(value, new_pipeline)
}

/// What could be read of a document that may be unfinished, beside what is wrong with its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft<T> {
    /// The document; `None` when places in it would not be what they are in the body, or much of it is missing.
    pub document: Option<T>,
    /// Every problem of its shape, with its place.
    pub problems: Vec<FieldProblem>,
}

/// Reads what a `POST /pipelines` holds as far as it goes.
#[must_use]
pub fn read_draft_pipeline(value: &Value) -> Draft<NewPipeline> {
    Fields::draft(value, new_pipeline)
}

/// Reads what a `POST /destinations` holds as far as it goes.
#[must_use]
pub fn read_draft_destination(value: &Value) -> Draft<NewDestination> {
    Fields::draft(value, new_destination)
}

/// Reads a destination from JSON, as `PUT /destinations/{id}` holds it.
///
/// # Errors
/// Every problem of its shape, with its place.
pub fn read_destination(value: &Value) -> Result<DestinationDocument, Vec<FieldProblem>> {
    Fields::document(value, |fields| {
        let document = destination(fields);
        fields.end();
        document
    })
}

/// Reads what a `POST /destinations` holds.
///
/// # Errors
/// Every problem of its shape, with its place.
pub fn read_new_destination(value: &Value) -> Result<NewDestination, Vec<FieldProblem>> {
    Fields::document(value, new_destination)
}

pub(super) fn read_group(value: &Value) -> Result<GroupDocument, Vec<FieldProblem>> {
    Fields::document(value, |fields| {
        let document = GroupDocument {
            version: fields.version(),
            name: fields.name(),
            description: fields.description(),
            matchers: fields.texts("match"),
        };
        fields.end();
        document
    })
}

pub(super) fn read_collector(value: &Value) -> Result<CollectorDocument, Vec<FieldProblem>> {
    Fields::document(value, |fields| {
        let document =
            CollectorDocument { version: fields.version(), name: fields.name(), labels: fields.labels("labels") };
        fields.end();
        document
    })
}

pub(super) fn read_settings(value: &Value) -> Result<Settings, Vec<FieldProblem>> {
    Fields::document(value, |fields| {
        let defaults = Settings::default();
        let version = fields.version();
        let memory_limiter = fields.object("memory_limiter", |limiter| {
            let defaults = MemoryLimiter::default();
            let read = MemoryLimiter {
                limit_mib: limiter.number("limit_mib", defaults.limit_mib, 32, 1 << 20),
                spike_limit_percent: limiter.number("spike_limit_percent", defaults.spike_limit_percent, 1, 90),
                check_interval_s: limiter.number("check_interval_s", defaults.check_interval_s, 5, 300),
            };
            limiter.end();
            read
        });
        let directory = fields.optional_text("otelcol_state_directory", 1024);
        if let Some(directory) = &directory
            && (!directory.starts_with('/') || directory.contains('$') || directory.chars().any(char::is_control))
        {
            let at = fields.path.key("otelcol_state_directory");
            fields.problems.add(at, "invalid_value", "must be an absolute path without $");
        }
        let document = Settings {
            version,
            memory_limiter: memory_limiter.unwrap_or_default(),
            otelcol_state_directory: directory.unwrap_or(defaults.otelcol_state_directory),
        };
        fields.end();
        document
    })
}

fn new_pipeline(fields: &mut Fields<'_, '_>) -> NewPipeline {
    let id = fields.id::<PipelineId>("id");
    let document = pipeline(fields);
    fields.end();
    NewPipeline { id, document }
}

fn new_destination(fields: &mut Fields<'_, '_>) -> NewDestination {
    let id = fields.id::<DestinationId>("id");
    let document = destination(fields);
    fields.end();
    NewDestination { id, document }
}

fn pipeline(fields: &mut Fields<'_, '_>) -> PipelineDocument {
    PipelineDocument {
        version: fields.version(),
        name: fields.name(),
        description: fields.description(),
        enabled: fields.boolean("enabled", true),
        signals: fields.required_list("signals", signal),
        matchers: fields.texts("match"),
        sources: fields.required_list("sources", step),
        filters: fields.list("filters", step),
        processors: fields.list("processors", step),
        destinations: fields.required_list("destinations", |value, path, problems| {
            if value.is_object() {
                return conditional(value, path, problems).map(DestinationRef::When);
            }
            let text = text(value, path, problems)?;
            parse_id(text, path, problems).map(DestinationRef::Id)
        }),
    }
}

fn conditional(value: &Value, path: &Path, problems: &mut Problems) -> Option<ConditionalDestination> {
    let mut fields = Fields::new(object(value, path, problems)?, path.clone(), problems);
    let id = fields.required_id("id", "the destination needs its id");
    let when = fields.required_text("when", MAX_CONDITION);
    fields.end();
    Some(ConditionalDestination { id: id?, when })
}

fn destination(fields: &mut Fields<'_, '_>) -> DestinationDocument {
    DestinationDocument {
        version: fields.version(),
        name: fields.name(),
        description: fields.description(),
        kind: fields.required_text("kind", 64),
        settings: fields.settings(),
    }
}

fn signal(value: &Value, path: &Path, problems: &mut Problems) -> Option<Signal> {
    match text(value, path, problems)? {
        "logs" => Some(Signal::Logs),
        "metrics" => Some(Signal::Metrics),
        "traces" => Some(Signal::Traces),
        _ => {
            problems.add(path, "unknown_value", "must be one of logs, metrics, traces");
            None
        }
    }
}

fn step(value: &Value, path: &Path, problems: &mut Problems) -> Option<Step> {
    let map = object(value, path, problems)?;
    let mut fields = Fields::new(map, path.clone(), problems);
    let id = fields.required_id("id", "the step needs an id");
    let kind = fields.required_text("kind", 64);
    let name = fields.optional_text("name", MAX_NAME);
    let settings = fields.settings();
    fields.end();
    Some(Step { id: id?, kind, name, settings })
}

pub(super) fn check_labels(labels: &BTreeMap<String, String>, path: &Path, problems: &mut Problems) {
    if labels.len() > MAX_LABELS {
        problems.add(path, "too_many", format!("at most {MAX_LABELS} labels"));
    }
    for (key, value) in labels {
        let at = path.key(key);
        if key.is_empty() || key.chars().count() > MAX_LABEL || key.chars().any(char::is_control) {
            problems.add(&at, "invalid_value", format!("a key has 1 to {MAX_LABEL} printable characters"));
        }
        if key.starts_with(RESERVED_PREFIX) {
            problems.add(&at, "reserved", "names that begin with `collector.` are filled by the server");
        }
        if value.chars().count() > MAX_LABEL || value.chars().any(char::is_control) {
            problems.add(&at, "invalid_value", format!("a value has at most {MAX_LABEL} printable characters"));
        }
    }
}
