//! Finding every committed leaf in an effective config.

use std::borrow::Cow;

use linkmesh_proto::api::collector::Difference;
use serde_norway::{Mapping, Value};

use super::{
    names::{Section, kind_of, same_component, same_id},
    reported, scalar, stanza,
};
/// More differences than this help nobody.
const MAX_DIFFERENCES: usize = 200;

/// What a committed text is looked for in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// What a collector reports, in its words.
    Report,
    /// Another committed text, whose defaults are not written out.
    Text,
}

/// All places where a committed leaf is not found.
pub(super) fn differences(committed: &Value, effective: &Value) -> Vec<Difference> {
    let mut walk = Walk { within: Within::Report, found: Vec::new(), limit: MAX_DIFFERENCES, path: Vec::new() };
    walk.root(committed, effective);
    walk.found
}

/// Whether every committed leaf is found.
pub(super) fn is_found(committed: &Value, effective: &Value, within: Within) -> bool {
    let mut walk = Walk { within, found: Vec::new(), limit: 1, path: Vec::new() };
    walk.root(committed, effective);
    walk.found.is_empty()
}

enum Step<'a> {
    Key(Cow<'a, str>),
    Index(usize),
}

struct Walk<'a> {
    within: Within,
    path: Vec<Step<'a>>,
    found: Vec<Difference>,
    limit: usize,
}

impl<'a> Walk<'a> {
    fn root(&mut self, committed: &'a Value, effective: &'a Value) {
        self.value(committed, Some(effective));
        self.extra_pipelines(committed, effective);
    }

    /// A pipeline that runs and was never committed is drift too, though no committed leaf is missing: else a collector
    /// that went on with an old config of more pipelines would count as in sync.
    fn extra_pipelines(&mut self, committed: &'a Value, effective: &'a Value) {
        let pipelines =
            |root: &'a Value| root.get("service").and_then(|s| s.get("pipelines")).and_then(Value::as_mapping);
        let (Some(wanted), Some(running)) = (pipelines(committed), pipelines(effective)) else { return };
        for (id, pipeline) in running {
            if !wanted.contains_key(id) {
                self.path = ["service".into(), "pipelines".into(), text_of(id)].into_iter().map(Step::Key).collect();
                self.differs(None, Some(pipeline));
            }
        }
        self.path.clear();
    }

    fn value(&mut self, committed: &'a Value, effective: Option<&'a Value>) {
        if self.found.len() >= self.limit || self.is_skipped() {
            return;
        }
        let Some(effective) = effective else {
            if !self.may_be_missing(committed) {
                self.differs(Some(committed), None);
            }
            return;
        };
        match (committed, effective) {
            // `debug:` says only that it is there, and so does `debug: {}`.
            (Value::Null, _) => {}
            // What a collector hides cannot be compared.
            (Value::String(_) | Value::Number(_) | Value::Bool(_), hidden) if reported::is_hidden(hidden) => {}
            (Value::String(text), _) if scalar::is_expanded(text) && scalar::can_become(text, effective) => {}
            (Value::Mapping(map), _) if map.is_empty() && (self.path.len() <= 2 || !effective.is_null()) => {}
            (Value::Mapping(map), Value::Mapping(other)) => self.mapping(map, other),
            (Value::Mapping(map), Value::Sequence(list)) => self.named_list(map, list, committed, effective),
            (Value::Mapping(_), Value::Null) if self.within == Within::Report && reported::is_off(committed) => {}
            (Value::Sequence(list), Value::Sequence(other)) => self.list(list, other, committed, effective),
            (Value::Sequence(list), Value::Null) if list.is_empty() => {}
            _ if scalar::same(committed, effective) || self.is_other_word(committed, effective) => {}
            _ => self.differs(Some(committed), Some(effective)),
        }
    }

    /// Whether a committed value that is missing is no difference.
    fn may_be_missing(&self, committed: &Value) -> bool {
        let path = self.names();
        self.within == Within::Report && (reported::says_nothing(&path, committed) || reported::is_never_written(&path))
    }

    fn mapping(&mut self, map: &'a Mapping, other: &'a Mapping) {
        for (key, value) in map {
            let found = match (other.get(key), self.section(), key.as_str()) {
                (None, Some(section), Some(id)) => component(other, section, id),
                (found, _, _) => found,
            };
            self.path.push(Step::Key(text_of(key)));
            self.value(value, found);
            self.path.pop();
        }
    }

    /// `headers: {a: b}` comes back as `[{name: a, value: b}]`.
    fn named_list(&mut self, map: &'a Mapping, list: &'a [Value], committed: &Value, effective: &Value) {
        let is_named = |item: &Value| item.get("name").is_some_and(Value::is_string) && item.get("value").is_some();
        if !list.iter().all(is_named) {
            return self.differs(Some(committed), Some(effective));
        }
        for (key, value) in map {
            let same_name = |item: &&Value| {
                let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
                key.as_str().is_some_and(|key| key.eq_ignore_ascii_case(name))
            };
            self.path.push(Step::Key(text_of(key)));
            self.value(value, list.iter().find(same_name).and_then(|item| item.get("value")));
            self.path.pop();
        }
    }

    fn list(&mut self, list: &'a [Value], other: &'a [Value], committed: &Value, effective: &Value) {
        if let Some(order) = self.reference_list() {
            let same = match order {
                Order::Matters(section) => {
                    list.len() == other.len() && list.iter().zip(other).all(|(a, b)| same_id(section, a, b))
                }
                Order::IsFree(section) => {
                    list.len() == other.len() && list.iter().all(|a| other.iter().any(|b| same_id(section, a, b)))
                }
                Order::MayHaveMore(section) => list.iter().all(|a| other.iter().any(|b| same_id(section, a, b))),
            };
            if !same {
                self.differs(Some(committed), Some(effective));
            }
            return;
        }
        if list.len() != other.len() {
            return self.differs(Some(committed), Some(effective));
        }
        let is_operator = self.path.len() == 3 && self.is_in_operators();
        for (index, (value, found)) in list.iter().zip(other).enumerate() {
            self.path.push(Step::Index(index));
            let is_written = value.get("builder").is_some();
            self.value(value, Some(if is_operator && !is_written { stanza::operator(found) } else { found }));
            self.path.pop();
        }
    }

    /// The names along the path; an item of a list has none.
    fn names(&self) -> Vec<&str> {
        self.path.iter().map(|step| if let Step::Key(key) = step { &**key } else { "" }).collect()
    }

    fn is_in_operators(&self) -> bool {
        self.key(0) == Some("receivers") && self.key(2) == Some("operators")
    }

    fn key(&self, depth: usize) -> Option<&str> {
        match self.path.get(depth) {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// The section whose component ids are the keys at this place.
    fn section(&self) -> Option<Section> {
        (self.path.len() == 1).then(|| self.key(0).and_then(Section::of)).flatten()
    }

    /// Parts that are the supervisor's.
    fn is_skipped(&self) -> bool {
        match (self.path.len(), self.key(0), self.key(1)) {
            (2, Some("service"), Some("telemetry")) => true,
            (2, Some("extensions"), Some(id)) => kind_of(id) == "opamp",
            _ => false,
        }
    }

    /// Words that come back as the collector writes them: `normal` as `Normal`, `auto` as `0`, a field as its keys.
    fn is_other_word(&self, committed: &Value, effective: &Value) -> bool {
        let Some(word) = committed.as_str() else { return false };
        let path = self.names();
        let is_word = matches!(path.last(), Some(&("verbosity" | "level")));
        is_word && effective.as_str().is_some_and(|other| word.eq_ignore_ascii_case(other))
            || reported::is_numbered(&path, word, effective)
            || self.within == Within::Report && reported::is_opaque(&path, effective)
            || self.is_in_operators() && stanza::is_same(word, effective)
    }

    fn reference_list(&self) -> Option<Order> {
        match (self.path.len(), self.key(0)?, self.key(1)?) {
            (2, "service", "extensions") => Some(Order::MayHaveMore(Section::Extensions)),
            (4, "service", "pipelines") => match self.key(3)? {
                "receivers" => Some(Order::IsFree(Section::Receivers)),
                "processors" => Some(Order::Matters(Section::Processors)),
                "exporters" => Some(Order::IsFree(Section::Exporters)),
                _ => None,
            },
            _ => None,
        }
    }

    fn differs(&mut self, committed: Option<&Value>, effective: Option<&Value>) {
        if self.found.len() >= self.limit {
            return;
        }
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if path.is_empty() => path.push_str(key),
                Step::Key(key) => path.extend([".", key]),
                Step::Index(index) => path.extend(["[", &index.to_string(), "]"]),
            }
        }
        self.found.push(Difference { path, desired: committed.map(shown), effective: effective.map(shown) });
    }
}

/// Whether the order of a list of component ids has a meaning.
enum Order {
    Matters(Section),
    IsFree(Section),
    MayHaveMore(Section),
}

/// A component under an alias of its kind.
fn component<'a>(map: &'a Mapping, section: Section, id: &str) -> Option<&'a Value> {
    map.iter().find(|(key, _)| key.as_str().is_some_and(|key| same_component(section, key, id))).map(|(_, value)| value)
}

fn text_of(key: &Value) -> Cow<'_, str> {
    match key {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(shown(other)),
    }
}

/// A value in whole: scalars as they are, the rest as compact JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}
