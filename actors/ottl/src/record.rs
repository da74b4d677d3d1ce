//! Records in memory: what OTLP carries, in the shape in which the collector's processors see it (`pdata`).
//!
//! Source: opentelemetry-proto 1.x, `logs.proto`, `metrics.proto`, `trace.proto`, `common.proto`, `resource.proto`.

pub mod json;
mod metrics;
mod signal;
mod size;
#[cfg(any(test, feature = "testing"))]
pub mod strategies;

use std::collections::HashMap;

pub use metrics::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, Metric, MetricData, Number, NumberPoint, SummaryPoint,
};
pub use signal::Signal;
pub(crate) use size::{Held, block, entry};

/// A value of an attribute or a body (`AnyValue`).
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// No value.
    #[default]
    Empty,
    /// A text.
    Str(String),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Double(f64),
    /// Octets.
    Bytes(Vec<u8>),
    /// A list.
    Array(Vec<Value>),
    /// A mapping.
    Map(Attributes),
}

/// Keys and values in the order in which they were put in; each key once (`pcommon.Map`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes {
    entries: Vec<(String, Value)>,
}

impl Attributes {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The value of a key, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.entries.iter_mut().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// Sets a key: in its place when it is there, at the end otherwise.
    pub fn insert(&mut self, key: impl Into<String>, value: Value) {
        let key = key.into();
        match self.get_mut(&key) {
            Some(known) => *known = value,
            None => self.entries.push((key, value)),
        }
    }

    /// The entries by their keys, for who looks for many of them.
    pub(crate) fn index(&self) -> HashMap<&str, &Value> {
        self.iter().collect()
    }

    /// Puts the entries of another map in: keys that are there by `update`, others by `insert`.
    pub(crate) fn merge(&mut self, other: Self, insert: bool, update: bool) {
        let places: Vec<Option<usize>> = {
            let known = self.entries.iter().enumerate().map(|(place, (key, _))| (key.as_str(), place));
            let known: HashMap<&str, usize> = known.collect();
            other.entries.iter().map(|(key, _)| known.get(key.as_str()).copied()).collect()
        };
        for ((key, value), place) in other.entries.into_iter().zip(places) {
            match place.and_then(|place| self.entries.get_mut(place)) {
                Some((_, old)) if update => *old = value,
                None if insert => self.entries.push((key, value)),
                _ => {}
            }
        }
    }

    /// Takes a key out; those behind it keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let place = self.entries.iter().position(|(known, _)| known == key)?;
        Some(self.entries.remove(place).1)
    }

    /// Takes a key out as `pdata` does: the last entry takes its place.
    pub fn swap_remove(&mut self, key: &str) -> Option<Value> {
        let place = self.entries.iter().position(|(known, _)| known == key)?;
        Some(self.entries.swap_remove(place).1)
    }

    /// Keeps the entries for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.entries.retain_mut(|(key, value)| keep(key, value));
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> + Clone {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Keys and values in order, the values to change.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Value)> {
        self.entries.iter_mut().map(|(key, value)| (key.as_str(), value))
    }

    /// How many keys there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl FromIterator<(String, Value)> for Attributes {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(entries: T) -> Self {
        let mut gathered = Gathered::default();
        entries.into_iter().for_each(|(key, value)| gathered.insert(key, value));
        gathered.into_map()
    }
}

/// A map in the making. Not by [`Attributes::insert`], which looks at all that is there: the time must not grow with the
/// square of what comes.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    map: Attributes,
    places: HashMap<String, usize>,
}

impl Gathered {
    /// Sets a key: in its place when it is there, at the end otherwise.
    pub(crate) fn insert(&mut self, key: String, value: Value) {
        let known = self.places.get(&key).and_then(|place| self.map.entries.get_mut(*place));
        match known {
            Some((_, old)) => *old = value,
            None => {
                self.places.insert(key.clone(), self.map.entries.len());
                self.map.entries.push((key, value));
            }
        }
    }

    /// Whether the key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// The map.
    pub(crate) fn into_map(self) -> Attributes {
        self.map
    }
}

/// What records come from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    /// Its attributes.
    pub attributes: Attributes,
    /// How many were left out by the sender.
    pub dropped_attributes_count: u32,
    /// The entities that it is made of.
    pub entity_refs: Vec<EntityRef>,
}

/// An entity that a resource stands for (`EntityRef`): which of its attributes name it, and which describe it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntityRef {
    /// The schema of the entity.
    pub schema_url: String,
    /// Its type, for example `host`.
    pub r#type: String,
    /// The attributes that name it.
    pub id_keys: Vec<String>,
    /// The attributes that describe it.
    pub description_keys: Vec<String>,
}

/// What made records: the instrumentation scope.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// How many were left out by the sender.
    pub dropped_attributes_count: u32,
}

/// Records of one scope.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scoped<T> {
    /// The scope.
    pub scope: Scope,
    /// The schema of the records.
    pub schema_url: String,
    /// The records.
    pub records: Vec<T>,
}

/// Records of one resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resourced<T> {
    /// The resource.
    pub resource: Resource,
    /// The schema of the resource.
    pub schema_url: String,
    /// The records by their scope.
    pub scopes: Vec<Scoped<T>>,
}

/// Records of one kind, as one request of OTLP carries them.
#[derive(Debug, Clone, PartialEq)]
pub enum Telemetry {
    /// Log records.
    Logs(Vec<Resourced<LogRecord>>),
    /// Metrics.
    Metrics(Vec<Resourced<Metric>>),
    /// Spans.
    Traces(Vec<Resourced<Span>>),
}

/// A trace's id; all zero when there is none.
pub type TraceId = [u8; 16];
/// A span's id; all zero when there is none.
pub type SpanId = [u8; 8];

/// A log record.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogRecord {
    /// When it happened, in nanoseconds since 1970; 0 when unknown.
    pub time_unix_nano: u64,
    /// When it was seen, in nanoseconds since 1970.
    pub observed_time_unix_nano: u64,
    /// `SeverityNumber`; 0 when unknown.
    pub severity_number: i32,
    /// The severity in the words of its source.
    pub severity_text: String,
    /// The body.
    pub body: Value,
    /// Its attributes.
    pub attributes: Attributes,
    /// How many were left out by the sender.
    pub dropped_attributes_count: u32,
    /// `LogRecordFlags`
    pub flags: u32,
    /// The trace that it belongs to.
    pub trace_id: TraceId,
    /// The span that it belongs to.
    pub span_id: SpanId,
    /// The name of the event.
    pub event_name: String,
}

/// A span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Span {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// `tracestate` of W3C.
    pub trace_state: String,
    /// The span above it; all zero for a root.
    pub parent_span_id: SpanId,
    /// `SpanFlags`
    pub flags: u32,
    /// Its name.
    pub name: String,
    /// `SpanKind`
    pub kind: i32,
    /// When it began, in nanoseconds since 1970.
    pub start_time_unix_nano: u64,
    /// When it ended, in nanoseconds since 1970.
    pub end_time_unix_nano: u64,
    /// Its attributes.
    pub attributes: Attributes,
    /// How many were left out by the sender.
    pub dropped_attributes_count: u32,
    /// What happened in it.
    pub events: Vec<SpanEvent>,
    /// How many events were left out by the sender.
    pub dropped_events_count: u32,
    /// What it refers to.
    pub links: Vec<SpanLink>,
    /// How many links were left out by the sender.
    pub dropped_links_count: u32,
    /// How it ended.
    pub status: Status,
}

/// Something that happened in a span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpanEvent {
    /// When, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// How many were left out by the sender.
    pub dropped_attributes_count: u32,
}

/// A reference of a span to another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpanLink {
    /// The other's trace.
    pub trace_id: TraceId,
    /// The other's id.
    pub span_id: SpanId,
    /// `tracestate` of W3C.
    pub trace_state: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// How many were left out by the sender.
    pub dropped_attributes_count: u32,
    /// `SpanFlags`
    pub flags: u32,
}

/// How a span ended.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Status {
    /// In words.
    pub message: String,
    /// `StatusCode`: 0 unset, 1 ok, 2 error.
    pub code: i32,
}
