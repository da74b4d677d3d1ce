//! Finding every committed leaf in an effective config.

use std::borrow::Cow;

use linkmesh_proto::api::collector::Difference;
use serde_norway::{Mapping, Value};

use super::duration;
use crate::domain::health::cut;

const REDACTED: &str = "[REDACTED]";
/// More differences than this help nobody.
const MAX_DIFFERENCES: usize = 200;

/// All places where a committed leaf is not found.
pub(super) fn differences(committed: &Value, effective: &Value) -> Vec<Difference> {
    let mut walk = Walk { found: Vec::new(), limit: MAX_DIFFERENCES, path: Vec::new() };
    walk.root(committed, effective);
    walk.found
}

/// Whether every committed leaf is found.
pub(super) fn is_found(committed: &Value, effective: &Value) -> bool {
    let mut walk = Walk { found: Vec::new(), limit: 1, path: Vec::new() };
    walk.root(committed, effective);
    walk.found.is_empty()
}

enum Step<'a> {
    Key(Cow<'a, str>),
    Index(usize),
}

struct Walk<'a> {
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
        let Some(effective) = effective else { return self.differs(Some(committed), None) };
        match (committed, effective) {
            // What a collector hides cannot be compared; what it resolved from its environment neither.
            (_, Value::String(hidden)) if hidden == REDACTED => {}
            (Value::String(text), _) if text.contains("${") => {}
            // `debug: {}` and `debug:` say only that it is there.
            (Value::Null, _) => {}
            (Value::Mapping(map), _) if map.is_empty() => {}
            (Value::Mapping(map), Value::Mapping(other)) => self.mapping(map, other),
            (Value::Mapping(map), Value::Sequence(list)) => self.named_list(map, list, committed, effective),
            (Value::Sequence(list), Value::Sequence(other)) => self.list(list, other, committed, effective),
            (Value::Sequence(list), Value::Null) if list.is_empty() => {}
            _ if same_scalar(committed, effective) || self.is_same_word(committed, effective) => {}
            _ => self.differs(Some(committed), Some(effective)),
        }
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
        for (index, (value, found)) in list.iter().zip(other).enumerate() {
            self.path.push(Step::Index(index));
            self.value(value, Some(found));
            self.path.pop();
        }
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

    /// Parts that never come back, or come back rewritten.
    fn is_skipped(&self) -> bool {
        match (self.path.len(), self.key(0), self.key(1), self.key(2)) {
            (2, Some("service"), Some("telemetry"), _) => true,
            (2, Some("extensions"), Some(id), _) => kind_of(id) == "opamp",
            (3, Some("receivers"), Some(id), Some("scrapers")) => is_kind(id, "hostmetrics"),
            (3, Some("receivers"), Some(_), Some("operators")) => true,
            _ => false,
        }
    }

    /// Words of an enumeration come back as the collector writes them: `normal` as `Normal`.
    fn is_same_word(&self, committed: &Value, effective: &Value) -> bool {
        let is_word = matches!(self.path.last(), Some(Step::Key(key)) if *key == "verbosity" || *key == "level");
        let words = committed.as_str().zip(effective.as_str());
        is_word && words.is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Receivers,
    Processors,
    Exporters,
    Connectors,
    Extensions,
}

impl Section {
    fn of(key: &str) -> Option<Self> {
        match key {
            "receivers" => Some(Self::Receivers),
            "processors" => Some(Self::Processors),
            "exporters" => Some(Self::Exporters),
            "connectors" => Some(Self::Connectors),
            "extensions" => Some(Self::Extensions),
            _ => None,
        }
    }
}

/// A component under an alias of its kind. Renamed kinds (`filelog`, now `file_log`) differ by underscores only, but
/// for the exporter `otlp`, now `otlp_grpc`.
fn component<'a>(map: &'a Mapping, section: Section, id: &str) -> Option<&'a Value> {
    map.iter().find(|(key, _)| key.as_str().is_some_and(|key| same_component(section, key, id))).map(|(_, value)| value)
}

fn same_id(section: Section, a: &Value, b: &Value) -> bool {
    a == b || matches!((a.as_str(), b.as_str()), (Some(a), Some(b)) if same_component(section, a, b))
}

fn same_component(section: Section, a: &str, b: &str) -> bool {
    let name = |id: &str| id.split_once('/').map(|(_, name)| name.to_owned());
    name(a) == name(b) && canonical(section, kind_of(a)).eq(canonical(section, kind_of(b)))
}

fn canonical(section: Section, kind: &str) -> impl Iterator<Item = char> {
    let kind = if section == Section::Exporters && kind == "otlp_grpc" { "otlp" } else { kind };
    kind.chars().filter(|c| *c != '_')
}

fn kind_of(id: &str) -> &str {
    id.split_once('/').map_or(id, |(kind, _)| kind)
}

fn is_kind(id: &str, kind: &str) -> bool {
    kind_of(id).chars().filter(|c| *c != '_').eq(kind.chars())
}

fn same_scalar(committed: &Value, effective: &Value) -> bool {
    if committed == effective {
        return true;
    }
    match (committed, effective) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::String(a), Value::String(b)) => {
            // In the committed text `$` is doubled; a collector shows it as it understood it.
            a.contains("$$") && a.replace("$$", "$") == *b
                || matches!((duration::nanoseconds(a), duration::nanoseconds(b)), (Some(a), Some(b)) if a == b)
                || matches!((duration::bytes(a), duration::bytes(b)), (Some(a), Some(b)) if a == b)
        }
        (Value::String(a), Value::Number(b)) => {
            duration::bytes(a).is_some_and(|a| b.as_i64().is_some_and(|b| i128::from(b) == a)) || *a == b.to_string()
        }
        (Value::Number(a), Value::String(b)) => {
            a.to_string() == *b || a.as_i64() == Some(0) && duration::nanoseconds(b) == Some(0)
        }
        (Value::String(a), Value::Bool(b)) => a.as_str() == if *b { "true" } else { "false" },
        // An empty text is a default, and may come back as nothing.
        (Value::String(a), Value::Null) => a.is_empty(),
        _ => false,
    }
}

fn text_of(key: &Value) -> Cow<'_, str> {
    match key {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(shown(other)),
    }
}

/// A value for people: scalars as they are, the rest as compact JSON.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    };
    cut(&text, 500).to_owned()
}
