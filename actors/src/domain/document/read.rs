//! JSON values to documents. Every problem is noted with its place, and reading goes on.

use std::{collections::BTreeMap, str::FromStr};

use linkmesh_proto::{
    DestinationId, ParseIdError, PipelineId,
    api::{
        destination::{DestinationDocument, NewDestination},
        pipeline::{DestinationRef, NewPipeline, PipelineDocument, Signal, Step},
        problem::FieldProblem,
    },
};
use serde_json::{Map, Value};

use super::{CollectorDocument, GroupDocument, LAYOUT_VERSION, MemoryLimiter, Settings};
use crate::domain::{
    attributes::RESERVED_PREFIX,
    problem::{Path, Problems, suggestion},
};

/// Longest name, in characters.
const MAX_NAME: usize = 200;
/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 4000;
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
    Fields::document(value, |fields| {
        let id = fields.id::<PipelineId>("id");
        let document = pipeline(fields);
        fields.end();
        NewPipeline { id, document }
    })
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
    Fields::document(value, |fields| {
        let id = fields.id::<DestinationId>("id");
        let document = destination(fields);
        fields.end();
        NewDestination { id, document }
    })
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
            let text = text(value, path, problems)?;
            parse_id(text, path, problems).map(DestinationRef::Id)
        }),
    }
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
    let id = fields.id("id");
    if id.is_none() && !fields.map.contains_key("id") {
        let at = fields.path.key("id");
        fields.problems.add(at, "missing", "the step needs an id");
    }
    let kind = fields.required_text("kind", 64);
    let name = fields.optional_text("name", MAX_NAME);
    let settings = fields.settings();
    fields.end();
    Some(Step { id: id?, kind, name, settings })
}

fn text<'v>(value: &'v Value, path: &Path, problems: &mut Problems) -> Option<&'v str> {
    let text = value.as_str();
    if text.is_none() {
        problems.add(path, "wrong_type", format!("must be a text, is {}", kind_of(value)));
    }
    text
}

fn object<'v>(value: &'v Value, path: &Path, problems: &mut Problems) -> Option<&'v Map<String, Value>> {
    let map = value.as_object();
    if map.is_none() {
        problems.add(path, "wrong_type", format!("must be a mapping, is {}", kind_of(value)));
    }
    map
}

fn parse_id<T: FromStr<Err = ParseIdError>>(text: &str, path: &Path, problems: &mut Problems) -> Option<T> {
    text.parse().map_err(|error: ParseIdError| problems.add(path, "invalid_id", error.reason)).ok()
}

/// What a value is, for a person.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
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

/// The fields of one mapping, taken by name; what was not asked for is unknown.
struct Fields<'v, 'p> {
    map: &'v Map<String, Value>,
    path: Path,
    problems: &'p mut Problems,
    known: Vec<&'static str>,
}

impl<'v, 'p> Fields<'v, 'p> {
    fn new(map: &'v Map<String, Value>, path: Path, problems: &'p mut Problems) -> Self {
        Self { map, path, problems, known: Vec::new() }
    }

    fn document<T>(value: &Value, read: impl FnOnce(&mut Fields<'_, '_>) -> T) -> Result<T, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let Some(map) = object(value, &Path::root(), &mut problems) else { return Err(problems.into_vec()) };
        let document = read(&mut Fields::new(map, Path::root(), &mut problems));
        problems.or(document)
    }

    /// A field that is there and not null.
    fn take(&mut self, name: &'static str) -> Option<&'v Value> {
        self.known.push(name);
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn end(&mut self) {
        for name in self.map.keys().filter(|name| !self.known.contains(&name.as_str())) {
            let mut message = "is not a field here".to_owned();
            if let Some(near) = suggestion(name, self.known.iter().copied()) {
                message.push_str("; did you mean `");
                message.push_str(near);
                message.push_str("`?");
            }
            self.problems.add(self.path.key(name), "unknown_field", message);
        }
    }

    fn missing(&mut self, name: &str) {
        self.problems.add(self.path.key(name), "missing", "must be given");
    }

    fn optional_text(&mut self, name: &'static str, max_chars: usize) -> Option<String> {
        let value = self.take(name)?;
        let path = self.path.key(name);
        let text = text(value, &path, self.problems)?;
        if text.chars().count() > max_chars {
            self.problems.add(&path, "too_long", format!("at most {max_chars} characters"));
        }
        Some(text.to_owned())
    }

    fn required_text(&mut self, name: &'static str, max_chars: usize) -> String {
        let text = self.optional_text(name, max_chars);
        match text {
            Some(text) if text.trim().is_empty() => {
                self.problems.add(self.path.key(name), "missing", "must not be empty");
                text
            }
            Some(text) => text,
            None => {
                if self.map.get(name).is_none_or(Value::is_null) {
                    self.missing(name);
                }
                String::new()
            }
        }
    }

    fn name(&mut self) -> String {
        let name = self.required_text("name", MAX_NAME);
        if name.chars().any(char::is_control) {
            self.problems.add(self.path.key("name"), "invalid_value", "must be one line of printable characters");
        }
        name
    }

    fn description(&mut self) -> String {
        self.optional_text("description", MAX_DESCRIPTION).unwrap_or_default()
    }

    fn version(&mut self) -> u32 {
        let Some(value) = self.take("version") else { return LAYOUT_VERSION };
        let path = self.path.key("version");
        match value.as_u64() {
            Some(1) => {}
            Some(newer) if newer > u64::from(LAYOUT_VERSION) => {
                self.problems.add(path, "newer_version", format!("version {newer} is from a newer LinkMesh"));
            }
            _ => self.problems.add(path, "invalid_value", "must be 1"),
        }
        LAYOUT_VERSION
    }

    fn boolean(&mut self, name: &'static str, default: bool) -> bool {
        let Some(value) = self.take(name) else { return default };
        if let Value::Bool(value) = value {
            return *value;
        }
        let message = format!("must be true or false, is {}", kind_of(value));
        self.problems.add(self.path.key(name), "wrong_type", message);
        default
    }

    fn number(&mut self, name: &'static str, default: u32, least: u32, most: u32) -> u32 {
        let Some(value) = self.take(name) else { return default };
        match value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| (least..=most).contains(n)) {
            Some(number) => number,
            None => {
                let message = format!("must be a whole number from {least} to {most}");
                self.problems.add(self.path.key(name), "invalid_value", message);
                default
            }
        }
    }

    fn id<T: FromStr<Err = ParseIdError>>(&mut self, name: &'static str) -> Option<T> {
        let value = self.take(name)?;
        let path = self.path.key(name);
        parse_id(text(value, &path, self.problems)?, &path, self.problems)
    }

    fn list<T>(
        &mut self,
        name: &'static str,
        mut item: impl FnMut(&Value, &Path, &mut Problems) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.take(name) else { return Vec::new() };
        let path = self.path.key(name);
        let Some(items) = value.as_array() else {
            self.problems.add(&path, "wrong_type", format!("must be a list, is {}", kind_of(value)));
            return Vec::new();
        };
        items.iter().enumerate().filter_map(|(i, v)| item(v, &path.index(i), self.problems)).collect()
    }

    fn required_list<T>(
        &mut self,
        name: &'static str,
        item: impl FnMut(&Value, &Path, &mut Problems) -> Option<T>,
    ) -> Vec<T> {
        if self.map.get(name).is_none_or(Value::is_null) {
            self.known.push(name);
            self.missing(name);
            return Vec::new();
        }
        self.list(name, item)
    }

    fn texts(&mut self, name: &'static str) -> Vec<String> {
        self.list(name, |value, path, problems| text(value, path, problems).map(str::to_owned))
    }

    fn settings(&mut self) -> Map<String, Value> {
        let Some(value) = self.take("settings") else { return Map::new() };
        let path = self.path.key("settings");
        object(value, &path, self.problems).cloned().unwrap_or_default()
    }

    fn labels(&mut self, name: &'static str) -> BTreeMap<String, String> {
        let Some(value) = self.take(name) else { return BTreeMap::new() };
        let path = self.path.key(name);
        let Some(map) = object(value, &path, self.problems) else { return BTreeMap::new() };
        let labels = map
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), text(value, &path.key(key), self.problems)?.to_owned())))
            .collect();
        check_labels(&labels, &path, self.problems);
        labels
    }

    fn object<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Fields<'_, '_>) -> T) -> Option<T> {
        let value = self.take(name)?;
        let path = self.path.key(name);
        let map = object(value, &path, self.problems)?;
        Some(read(&mut Fields::new(map, path, self.problems)))
    }
}
