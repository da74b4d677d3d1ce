//! Taking a mapping apart, field by field.

use std::{collections::BTreeMap, str::FromStr};

use linkmesh_proto::{ParseIdError, api::problem::FieldProblem};
use serde_json::{Map, Value};

use super::{Draft, LAYOUT_VERSION, MAX_DEPTH, MAX_DESCRIPTION, MAX_ITEMS, MAX_NAME, check_labels};
use crate::domain::problem::{Path, Problems, suggestion};

/// The fields of one mapping, taken by name; what was not asked for is unknown.
pub(super) struct Fields<'v, 'p> {
    pub(super) map: &'v Map<String, Value>,
    pub(super) path: Path,
    pub(super) problems: &'p mut Problems,
    known: Vec<&'static str>,
}

impl<'v, 'p> Fields<'v, 'p> {
    pub(super) fn new(map: &'v Map<String, Value>, path: Path, problems: &'p mut Problems) -> Self {
        Self { map, path, problems, known: Vec::new() }
    }

    pub(super) fn document<T>(
        value: &Value,
        read: impl FnOnce(&mut Fields<'_, '_>) -> T,
    ) -> Result<T, Vec<FieldProblem>> {
        match Self::draft(value, read) {
            Draft { document: Some(document), problems } if problems.is_empty() => Ok(document),
            Draft { problems, .. } => Err(problems),
        }
    }

    /// What is for people only (name, description) may be wrong and the document read all the same: it changes neither
    /// places nor meaning, and an unfinished document mostly lacks its name.
    pub(super) fn draft<T>(value: &Value, read: impl FnOnce(&mut Fields<'_, '_>) -> T) -> Draft<T> {
        let mut problems = Problems::default();
        let Some(map) = object(value, &Path::root(), &mut problems) else {
            return Draft { document: None, problems: problems.into_vec() };
        };
        let document = read(&mut Fields::new(map, Path::root(), &mut problems));
        let problems = problems.into_vec();
        let is_read = problems.iter().all(|problem| ["name", "description"].contains(&problem.field.as_str()));
        Draft { document: is_read.then_some(document), problems }
    }

    /// A field that is there and not null.
    fn take(&mut self, name: &'static str) -> Option<&'v Value> {
        self.known.push(name);
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn end(&mut self) {
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

    pub(super) fn optional_text(&mut self, name: &'static str, max_chars: usize) -> Option<String> {
        let value = self.take(name)?;
        let path = self.path.key(name);
        let text = text(value, &path, self.problems)?;
        if text.chars().count() > max_chars {
            self.problems.add(&path, "too_long", format!("at most {max_chars} characters"));
        }
        Some(text.to_owned())
    }

    pub(super) fn required_text(&mut self, name: &'static str, max_chars: usize) -> String {
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

    pub(super) fn name(&mut self) -> String {
        let name = self.required_text("name", MAX_NAME);
        if name.chars().any(char::is_control) {
            self.problems.add(self.path.key("name"), "invalid_value", "must be one line of printable characters");
        }
        name
    }

    pub(super) fn description(&mut self) -> String {
        self.optional_text("description", MAX_DESCRIPTION).unwrap_or_default()
    }

    pub(super) fn version(&mut self) -> u32 {
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

    pub(super) fn boolean(&mut self, name: &'static str, default: bool) -> bool {
        let Some(value) = self.take(name) else { return default };
        if let Value::Bool(value) = value {
            return *value;
        }
        let message = format!("must be true or false, is {}", kind_of(value));
        self.problems.add(self.path.key(name), "wrong_type", message);
        default
    }

    pub(super) fn number(&mut self, name: &'static str, default: u32, least: u32, most: u32) -> u32 {
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

    pub(super) fn id<T: FromStr<Err = ParseIdError>>(&mut self, name: &'static str) -> Option<T> {
        let value = self.take(name)?;
        let path = self.path.key(name);
        parse_id(text(value, &path, self.problems)?, &path, self.problems)
    }

    /// As [`id`](Self::id), and says `missing` when there is none.
    pub(super) fn required_id<T: FromStr<Err = ParseIdError>>(
        &mut self,
        name: &'static str,
        missing: &str,
    ) -> Option<T> {
        let id = self.id(name);
        if id.is_none() && !self.map.contains_key(name) {
            self.problems.add(self.path.key(name), "missing", missing);
        }
        id
    }

    pub(super) fn list<T>(
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
        if items.len() > MAX_ITEMS {
            // The rest is not read: checks compare items with one another.
            self.problems.add(&path, "too_many", format!("at most {MAX_ITEMS}, here are {}", items.len()));
        }
        let items = items.iter().take(MAX_ITEMS).enumerate();
        items.filter_map(|(i, v)| item(v, &path.index(i), self.problems)).collect()
    }

    pub(super) fn required_list<T>(
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

    pub(super) fn texts(&mut self, name: &'static str) -> Vec<String> {
        self.list(name, |value, path, problems| text(value, path, problems).map(str::to_owned))
    }

    pub(super) fn settings(&mut self) -> Map<String, Value> {
        let Some(value) = self.take("settings") else { return Map::new() };
        let path = self.path.key("settings");
        let Some(map) = object(value, &path, self.problems) else { return Map::new() };
        match too_deep(value, &path, MAX_DEPTH) {
            None => map.clone(),
            Some(place) => {
                self.problems.add(
                    place,
                    "too_deep",
                    format!("more than {MAX_DEPTH} lists and mappings stand in one another"),
                );
                Map::new()
            }
        }
    }

    pub(super) fn labels(&mut self, name: &'static str) -> BTreeMap<String, String> {
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

    pub(super) fn object<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Fields<'_, '_>) -> T) -> Option<T> {
        let value = self.take(name)?;
        let path = self.path.key(name);
        let map = object(value, &path, self.problems)?;
        Some(read(&mut Fields::new(map, path, self.problems)))
    }
}

/// The place of the first collection that stands in so many others and holds something itself.
fn too_deep(value: &Value, path: &Path, left: usize) -> Option<Path> {
    let is_filled = |value: &&Value| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => false,
    };
    let Some(left) = left.checked_sub(1) else { return Some(path.clone()).filter(|_| is_filled(&value)) };
    match value {
        Value::Array(items) => {
            let mut filled = items.iter().enumerate().filter(|(_, item)| is_filled(item));
            filled.find_map(|(index, item)| too_deep(item, &path.index(index), left))
        }
        Value::Object(map) => {
            let mut filled = map.iter().filter(|(_, item)| is_filled(item));
            filled.find_map(|(name, item)| too_deep(item, &path.key(name), left))
        }
        _ => None,
    }
}

pub(super) fn text<'v>(value: &'v Value, path: &Path, problems: &mut Problems) -> Option<&'v str> {
    let text = value.as_str();
    if text.is_none() {
        problems.add(path, "wrong_type", format!("must be a text, is {}", kind_of(value)));
    }
    text
}

pub(super) fn object<'v>(value: &'v Value, path: &Path, problems: &mut Problems) -> Option<&'v Map<String, Value>> {
    let map = value.as_object();
    if map.is_none() {
        problems.add(path, "wrong_type", format!("must be a mapping, is {}", kind_of(value)));
    }
    map
}

pub(super) fn parse_id<T: FromStr<Err = ParseIdError>>(text: &str, path: &Path, problems: &mut Problems) -> Option<T> {
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
