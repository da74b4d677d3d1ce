//! What values are while a statement runs.
//!
//! Upstream hands round Go's `any`. Which type a value has there decides what it equals, what may be done with it and
//! whether it can be stored, so the types are kept apart here where they behave differently.

use super::time::Time;
use crate::record::{
    Attributes, Buckets, Exemplar, ExponentialHistogramPoint, Held as _, HistogramPoint, NumberPoint, SpanEvent,
    SpanId, SpanLink, Status, SummaryPoint, TraceId, Value,
};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Datum {
    Nil,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// `pcommon.Map`
    Map(Attributes),
    /// `pcommon.Slice`
    List(Vec<Value>),
    /// `[]any`
    Items(Vec<Datum>),
    /// `map[string]any`
    Raw(Vec<(String, Datum)>),
    /// `[]string` and the like.
    Texts(Vec<String>),
    Doubles(Vec<f64>),
    /// `[]uint64`, which can be stored nowhere but in the counts of buckets.
    Counts(Vec<u64>),
    Time(Time),
    /// In nanoseconds.
    Duration(i64),
    TraceId(TraceId),
    SpanId(SpanId),
    /// `int`, which equals nothing and cannot be stored.
    Native(i64),
    Part(Box<Part>),
}

/// A part of a record, which is only copied, counted and compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Events(Vec<SpanEvent>),
    Links(Vec<SpanLink>),
    Status(Status),
    Numbers(Vec<NumberPoint>),
    Histograms(Vec<HistogramPoint>),
    ExponentialHistograms(Vec<ExponentialHistogramPoint>),
    Summaries(Vec<SummaryPoint>),
    Exemplars(Vec<Exemplar>),
    Buckets(Buckets),
    Quantiles(Vec<(f64, f64)>),
}

impl Part {
    /// How many there are, of what there can be several of.
    pub(crate) const fn len(&self) -> Option<usize> {
        Some(match self {
            Self::Events(items) => items.len(),
            Self::Links(items) => items.len(),
            Self::Numbers(items) => items.len(),
            Self::Histograms(items) => items.len(),
            Self::ExponentialHistograms(items) => items.len(),
            Self::Summaries(items) => items.len(),
            Self::Exemplars(items) => items.len(),
            Self::Quantiles(items) => items.len(),
            Self::Status(_) | Self::Buckets(_) => return None,
        })
    }

    /// What it holds, in octets.
    fn held(&self) -> usize {
        match self {
            Self::Events(items) => items.held(),
            Self::Links(items) => items.held(),
            Self::Status(status) => status.held(),
            Self::Numbers(items) => items.held(),
            Self::Histograms(items) => items.held(),
            Self::ExponentialHistograms(items) => items.held(),
            Self::Summaries(items) => items.held(),
            Self::Exemplars(items) => items.held(),
            Self::Buckets(buckets) => buckets.held(),
            Self::Quantiles(items) => items.held(),
        }
    }
}

impl From<&Value> for Datum {
    fn from(value: &Value) -> Self {
        Self::from(value.clone())
    }
}

impl From<Value> for Datum {
    fn from(value: Value) -> Self {
        match value {
            Value::Empty => Self::Nil,
            Value::Str(text) => Self::Text(text),
            Value::Bool(truth) => Self::Bool(truth),
            Value::Int(number) => Self::Int(number),
            Value::Double(number) => Self::Double(number),
            Value::Bytes(octets) => Self::Bytes(octets),
            Value::Array(items) => Self::List(items),
            Value::Map(map) => Self::Map(map),
        }
    }
}

impl From<String> for Datum {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Datum {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<Part> for Datum {
    fn from(part: Part) -> Self {
        Self::Part(Box::new(part))
    }
}

impl Datum {
    /// Its kind in words, for errors.
    pub(crate) const fn words(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::Native(_) => "a whole number",
            Self::Double(_) => "a number with a fraction",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "octets",
            Self::Map(_) | Self::Raw(_) => "a map",
            Self::List(_) | Self::Items(_) | Self::Texts(_) | Self::Doubles(_) | Self::Counts(_) => "a list",
            Self::Time(_) => "a time",
            Self::Duration(_) => "a duration",
            Self::TraceId(_) | Self::SpanId(_) => "an id",
            Self::Part(_) => "a part of a record",
        }
    }

    /// Whether it may hold memory besides itself.
    pub(crate) const fn is_heavy(&self) -> bool {
        !matches!(
            self,
            Self::Nil
                | Self::Bool(_)
                | Self::Int(_)
                | Self::Double(_)
                | Self::Time(_)
                | Self::Duration(_)
                | Self::TraceId(_)
                | Self::SpanId(_)
                | Self::Native(_)
        )
    }

    /// How much it takes, in octets or so, and how deep it is.
    pub(crate) fn measure(&self) -> Measure {
        match self {
            Self::Text(text) => Measure::flat(text.len()),
            Self::Bytes(octets) => Measure::flat(octets.len()),
            Self::Map(map) => measure_map(map),
            Self::List(items) => measure_list(items),
            Self::Items(items) => items.iter().map(Self::measure).fold(Measure::flat(0), Measure::with),
            Self::Raw(items) => {
                items.iter().map(|(key, value)| value.measure().plus(key.len())).fold(Measure::flat(0), Measure::with)
            }
            Self::Texts(items) => Measure::flat(items.iter().map(|item| item.len() + 32).sum()),
            Self::Doubles(items) => Measure::flat(items.len() * 8),
            Self::Counts(items) => Measure::flat(items.len() * 8),
            Self::Part(part) => Measure::flat(part.held()),
            _ => Measure::flat(8),
        }
    }
}

/// How much a value takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measure {
    /// In octets or so.
    pub(crate) weight: usize,
    /// How deep values stand in it.
    pub(crate) depth: usize,
}

impl Measure {
    const fn flat(weight: usize) -> Self {
        Self { weight: weight.saturating_add(32), depth: 1 }
    }

    const fn plus(self, weight: usize) -> Self {
        Self { weight: self.weight.saturating_add(weight), ..self }
    }

    /// With another one within.
    fn with(self, inner: Self) -> Self {
        Self { weight: self.weight.saturating_add(inner.weight), depth: self.depth.max(inner.depth + 1) }
    }
}

pub(crate) fn measure(value: &Value) -> Measure {
    match value {
        Value::Str(text) => Measure::flat(text.len()),
        Value::Bytes(octets) => Measure::flat(octets.len()),
        Value::Array(items) => measure_list(items),
        Value::Map(map) => measure_map(map),
        Value::Empty | Value::Bool(_) | Value::Int(_) | Value::Double(_) => Measure::flat(0),
    }
}

fn measure_list(items: &[Value]) -> Measure {
    items.iter().map(measure).fold(Measure::flat(0), Measure::with)
}

fn measure_map(map: &Attributes) -> Measure {
    map.iter().map(|(key, value)| measure(value).plus(key.len())).fold(Measure::flat(0), Measure::with)
}
