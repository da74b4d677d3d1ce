//! Fields of records, read and set by their paths.
//!
//! Source: `contexts/internal/ctxutil` and `ctx*` of `pkg/ottl` 0.158.0.

mod log;
mod metric;
mod point;
mod resource;
mod span;

use super::{
    datum::{Datum, Part},
    env::{Env, Found, MAX_DEPTH, Subject},
    error::Error,
};
use crate::{
    check::field::{Field, Root},
    program::Target,
    record::{Attributes, Value},
};

/// How long a list grows when an element behind its end is set.
const MAX_GROWTH: i64 = 10_000;

/// A map or a value that keys lead into.
enum Container<'e> {
    Map(&'e mut Attributes),
    Body(&'e mut Value),
}

impl Env<'_> {
    /// The value at a path.
    pub(crate) fn get(&mut self, target: &Target) -> Result<Datum, Error> {
        if target.keys.is_empty() {
            let datum = self.read(target.root, target.field)?;
            let weight = datum.measure().weight;
            self.spend(weight)?;
            return Ok(datum);
        }
        let keys: Vec<Found> = target.keys.iter().map(|key| self.key(key)).collect();
        if target.field == Field::TraceState {
            return span::trace_state(self.span()?, &keys);
        }
        if target.root == Root::Collector {
            return Ok(Datum::Nil);
        }
        let datum = match self.container(target.root, target.field)? {
            Container::Map(map) => in_map(map, &keys)?,
            Container::Body(Value::Map(map)) => in_map(map, &keys)?,
            Container::Body(Value::Array(items)) => match keys.split_first() {
                Some((first, rest)) => inside(element(items, first)?, rest)?,
                None => Datum::Nil,
            },
            Container::Body(other) => return Err(no_keys("a body", other)),
        };
        let weight = datum.measure().weight;
        self.spend(weight)?;
        Ok(datum)
    }

    /// Sets the value at a path.
    pub(crate) fn set(&mut self, target: &Target, datum: Datum) -> Result<(), Error> {
        let datum = self.admit(datum)?;
        if target.keys.is_empty() {
            return self.write(target.root, target.field, datum);
        }
        let keys: Vec<Found> = target.keys.iter().map(|key| self.key(key)).collect();
        if target.field == Field::TraceState {
            return span::set_trace_state(self.span_mut()?, &keys, datum);
        }
        if keys.len() + datum.measure().depth > MAX_DEPTH {
            return Err(Error::value("values stand too deep in values"));
        }
        match self.container(target.root, target.field)? {
            Container::Map(map) => set_in_map(map, &keys, datum),
            Container::Body(Value::Map(map)) => set_in_map(map, &keys, datum),
            Container::Body(Value::Array(items)) => match keys.split_first() {
                Some((first, rest)) => set_inside(element_mut(items, first)?, rest, datum),
                None => Ok(()),
            },
            Container::Body(other) => Err(no_keys("a body", other)),
        }
    }

    fn read(&mut self, root: Root, field: Field) -> Result<Datum, Error> {
        if field == Field::Cache {
            return Ok(Datum::Map(self.cache.clone()));
        }
        match (root, &mut self.record) {
            (Root::Resource, _) => resource::read(self.resource, self.resource_schema, field),
            (Root::Scope, _) => {
                let (scope, schema) = self.scope.as_ref().ok_or_else(absent)?;
                resource::read_scope(scope, schema, field)
            }
            (Root::Log, Subject::Log(log)) => log::read(log, field),
            (Root::Span, Subject::Span(span) | Subject::Event { span, .. }) => span::read(span, field),
            (Root::SpanEvent, Subject::Event { span, index }) => span::read_event(span, *index, field),
            (Root::Metric, Subject::Metric(metric) | Subject::Point { metric, .. }) => metric::read(metric, field),
            (Root::DataPoint, Subject::Point { metric, index }) => point::read(&mut metric.data, *index, field),
            (Root::Collector, _) => Ok(match field {
                Field::ClientAddress => Datum::Nil,
                _ => Datum::Map(Attributes::default()),
            }),
            _ => Err(absent()),
        }
    }

    fn write(&mut self, root: Root, field: Field, datum: Datum) -> Result<(), Error> {
        if field == Field::Cache {
            return set_map(&mut self.cache, datum);
        }
        match (root, &mut self.record) {
            (Root::Resource, _) => resource::write(self.resource, self.resource_schema, field, datum),
            (Root::Scope, _) => {
                let (scope, schema) = self.scope.as_mut().ok_or_else(absent)?;
                resource::write_scope(scope, schema, field, datum)
            }
            (Root::Log, Subject::Log(log)) => log::write(log, field, datum),
            (Root::Span, Subject::Span(span) | Subject::Event { span, .. }) => span::write(span, field, datum),
            (Root::SpanEvent, Subject::Event { span, index }) => span::write_event(span, *index, field, datum),
            (Root::Metric, Subject::Metric(metric) | Subject::Point { metric, .. }) => {
                metric::write(metric, field, datum)
            }
            (Root::DataPoint, Subject::Point { metric, index }) => point::write(&mut metric.data, *index, field, datum),
            _ => Err(Error::value("this path cannot be set")),
        }
    }

    fn container(&mut self, root: Root, field: Field) -> Result<Container<'_>, Error> {
        if field == Field::Cache {
            return Ok(Container::Map(&mut self.cache));
        }
        if field == Field::Body {
            return match &mut self.record {
                Subject::Log(log) => Ok(Container::Body(&mut log.body)),
                _ => Err(absent()),
            };
        }
        let map = match (root, &mut self.record) {
            (Root::Resource, _) => &mut self.resource.attributes,
            (Root::Scope, _) => &mut self.scope.as_mut().ok_or_else(absent)?.0.attributes,
            (Root::Log, Subject::Log(log)) => &mut log.attributes,
            (Root::Span, Subject::Span(span) | Subject::Event { span, .. }) => &mut span.attributes,
            (Root::SpanEvent, Subject::Event { span, index }) => {
                &mut span.events.get_mut(*index).ok_or_else(absent)?.attributes
            }
            (Root::Metric, Subject::Metric(metric) | Subject::Point { metric, .. }) => &mut metric.metadata,
            (Root::DataPoint, Subject::Point { metric, index }) => {
                point::attributes(&mut metric.data, *index).ok_or_else(absent)?
            }
            _ => return Err(absent()),
        };
        Ok(Container::Map(map))
    }

    /// The span, of a span or an event.
    pub(crate) fn span(&self) -> Result<&crate::record::Span, Error> {
        match &self.record {
            Subject::Span(span) | Subject::Event { span, .. } => Ok(span),
            _ => Err(absent()),
        }
    }

    fn span_mut(&mut self) -> Result<&mut crate::record::Span, Error> {
        match &mut self.record {
            Subject::Span(span) | Subject::Event { span, .. } => Ok(span),
            _ => Err(absent()),
        }
    }

    /// The metric, of a metric or a point.
    pub(crate) fn metric(&mut self) -> Result<&mut crate::record::Metric, Error> {
        match &mut self.record {
            Subject::Metric(metric) | Subject::Point { metric, .. } => Ok(metric),
            _ => Err(absent()),
        }
    }
}

fn absent() -> Error {
    Error::value("there is no such record here")
}

fn no_keys(what: &str, value: &Value) -> Error {
    Error::value(format!("{what} that is {} has no keys", Datum::from(value).words()))
}

fn in_map(map: &Attributes, keys: &[Found]) -> Result<Datum, Error> {
    let Some((first, rest)) = keys.split_first() else { return Ok(Datum::Nil) };
    match map.get(text_key(first)?) {
        Some(value) => inside(value, rest),
        None => Ok(Datum::Nil),
    }
}

fn inside(value: &Value, keys: &[Found]) -> Result<Datum, Error> {
    let mut value = value;
    for key in keys {
        value = match value {
            Value::Map(map) => match map.get(text_key(key)?) {
                Some(value) => value,
                None => return Ok(Datum::Nil),
            },
            Value::Array(items) => element(items, key)?,
            other => return Err(no_keys("a value", other)),
        };
    }
    Ok(Datum::from(value))
}

fn text_key(key: &Found) -> Result<&str, Error> {
    match key {
        Found::Text(text) => Ok(text),
        Found::Int(_) => Err(Error::value("the key of a map is a text, found a whole number")),
        Found::Wrong(error) => Err(error.clone()),
    }
}

fn int_key(key: &Found) -> Result<i64, Error> {
    match key {
        Found::Int(number) => Ok(*number),
        Found::Text(_) => Err(Error::value("the key of a list is a whole number, found a text")),
        Found::Wrong(error) => Err(error.clone()),
    }
}

fn no_element(number: i64) -> Error {
    Error::value(format!("there is no element {number}"))
}

fn element<'v>(items: &'v [Value], key: &Found) -> Result<&'v Value, Error> {
    let number = int_key(key)?;
    usize::try_from(number).ok().and_then(|index| items.get(index)).ok_or_else(|| no_element(number))
}

fn element_mut<'v>(items: &'v mut [Value], key: &Found) -> Result<&'v mut Value, Error> {
    let number = int_key(key)?;
    usize::try_from(number).ok().and_then(|index| items.get_mut(index)).ok_or_else(|| no_element(number))
}

/// The value of a key, which is made where it is absent.
fn entry<'m>(map: &'m mut Attributes, key: &str) -> Result<&'m mut Value, Error> {
    if map.get(key).is_none() {
        map.insert(key, Value::Empty);
    }
    map.get_mut(key).ok_or_else(absent)
}

fn set_in_map(map: &mut Attributes, keys: &[Found], datum: Datum) -> Result<(), Error> {
    let Some((first, rest)) = keys.split_first() else { return Ok(()) };
    let value = entry(map, text_key(first)?)?;
    set_inside(value, rest, datum)
}

/// Sets a value by keys into it (`SetIndexableValue`): maps and lists are made where there is nothing.
fn set_inside(value: &mut Value, keys: &[Found], datum: Datum) -> Result<(), Error> {
    let mut value = value;
    for key in keys {
        value = match value {
            Value::Empty => made(value, key)?,
            Value::Map(map) => entry(map, text_key(key)?)?,
            Value::Array(items) => element_mut(items, key)?,
            other => return Err(no_keys("a value", other)),
        };
    }
    assign(value, datum)
}

/// Makes a map or a list of nothing, with what a key leads to. A list has as many elements as the key asks for.
fn made<'v>(value: &'v mut Value, key: &Found) -> Result<&'v mut Value, Error> {
    *value = match key {
        Found::Text(_) => Value::Map(Attributes::default()),
        Found::Int(number @ ..=MAX_GROWTH) => {
            Value::Array(vec![Value::Empty; usize::try_from(*number).unwrap_or_default() + 1])
        }
        Found::Int(number) => return Err(no_element(*number)),
        Found::Wrong(error) => return Err(error.clone()),
    };
    match value {
        Value::Map(map) => entry(map, text_key(key)?),
        Value::Array(items) => items.last_mut().ok_or_else(absent),
        _ => Err(absent()),
    }
}

/// Puts a value in place of another (`SetValue`).
pub(super) fn assign(value: &mut Value, datum: Datum) -> Result<(), Error> {
    *value = match datum {
        Datum::Nil => Value::Empty,
        Datum::Bool(truth) => Value::Bool(truth),
        Datum::Int(number) => Value::Int(number),
        Datum::Double(number) => Value::Double(number),
        Datum::Text(text) => Value::Str(text),
        Datum::Bytes(octets) => Value::Bytes(octets),
        Datum::Map(map) => Value::Map(map),
        Datum::List(items) => Value::Array(items),
        Datum::Texts(items) => Value::Array(items.into_iter().map(Value::Str).collect()),
        Datum::Doubles(items) => Value::Array(items.into_iter().map(Value::Double).collect()),
        Datum::Items(items) => {
            // What cannot be stored leaves nothing; upstream tells only of the last.
            let mut result = Ok(());
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                let mut value = Value::Empty;
                result = assign(&mut value, item);
                list.push(value);
            }
            *value = Value::Array(list);
            return result;
        }
        raw @ Datum::Raw(_) => super::env::raw(raw)?,
        other => return Err(Error::value(format!("{} cannot be stored as it is", other.words()))),
    };
    Ok(())
}

/// Puts a map in place of another (`SetMap`).
pub(super) fn set_map(map: &mut Attributes, datum: Datum) -> Result<(), Error> {
    match datum {
        Datum::Nil => *map = Attributes::default(),
        Datum::Map(new) => *map = new,
        raw @ Datum::Raw(_) => {
            if let Value::Map(new) = super::env::raw(raw)? {
                *map = new;
            }
        }
        other => return Err(Error::kind("a map", &other).within()),
    }
    Ok(())
}

// What fields ask of values that are put into them (`ExpectType`).

macro_rules! expect {
    ($($name:ident: $variant:ident -> $type:ty, $words:literal;)*) => {$(
        pub(super) fn $name(datum: Datum) -> Result<$type, Error> {
            match datum {
                Datum::$variant(value) => Ok(value),
                other => Err(Error::value(format!("this field takes {}, found {}", $words, other.words()))),
            }
        }
    )*};
}

expect! {
    text: Text -> String, "a text";
    int: Int -> i64, "a whole number";
    double: Double -> f64, "a number with a fraction";
    truth: Bool -> bool, "true or false";
    time: Time -> super::time::Time, "a time";
    trace_id: TraceId -> crate::record::TraceId, "a trace's id, such as `TraceID(0x…)`";
    span_id: SpanId -> crate::record::SpanId, "a span's id, such as `SpanID(0x…)`";
}

fn part(datum: Datum) -> Result<Part, Error> {
    match datum {
        Datum::Part(part) => Ok(*part),
        other => {
            Err(Error::value(format!("this field takes only what another such field holds, found {}", other.words())))
        }
    }
}

fn wrong_part() -> Error {
    Error::value("this field takes only what another such field holds")
}

/// An id in hexadecimal.
fn hex_id<const N: usize>(text: &str) -> Result<[u8; N], Error> {
    let mut id = [0; N];
    hex::decode_to_slice(text, &mut id)
        .map_err(|_| Error::value(format!("this id has {} hexadecimal digits", N * 2)))?;
    Ok(id)
}

/// A whole number in fewer bits; what does not fit is cut, as upstream has it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
const fn low_u32(number: i64) -> u32 {
    number as u32
}

#[allow(clippy::cast_possible_truncation)]
const fn low_i32(number: i64) -> i32 {
    number as i32
}

/// The first attribute of that name that a point of a metric has.
pub(crate) fn first_attribute<'m>(data: &'m crate::record::MetricData, key: &str) -> Result<Option<&'m Value>, Error> {
    use crate::record::MetricData;
    Ok(match data {
        MetricData::Empty => return Err(Error::value("the metric has no type")),
        MetricData::Gauge(points) | MetricData::Sum { points, .. } => {
            points.iter().find_map(|point| point.attributes.get(key))
        }
        MetricData::Histogram { points, .. } => points.iter().find_map(|point| point.attributes.get(key)),
        MetricData::ExponentialHistogram { points, .. } => points.iter().find_map(|point| point.attributes.get(key)),
        MetricData::Summary(points) => points.iter().find_map(|point| point.attributes.get(key)),
    })
}

/// How many points a metric has.
pub(crate) const fn point_count(data: &crate::record::MetricData) -> usize {
    use crate::record::MetricData;
    match data {
        MetricData::Empty => 0,
        MetricData::Gauge(points) | MetricData::Sum { points, .. } => points.len(),
        MetricData::Histogram { points, .. } => points.len(),
        MetricData::ExponentialHistogram { points, .. } => points.len(),
        MetricData::Summary(points) => points.len(),
    }
}
