//! Fields of records, read and set by their paths.
//!
//! Source: `contexts/internal/ctxutil` and `ctx*` of `pkg/ottl` 0.158.0.

mod keys;
mod log;
mod metric;
mod point;
mod resource;
mod span;

pub(super) use self::keys::{assign, set_map};
use self::keys::{element, element_mut, in_map, inside, no_keys, set_in_map, set_inside};
use super::{
    datum::{Datum, Part},
    env::{Env, Found, MAX_DEPTH, Subject},
    error::Error,
};
use crate::{
    check::field::{Field, Root},
    program::Target,
    record::{Attributes, Held as _, Value},
    run::Budget,
};

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
            let length = self.span()?.trace_state.len();
            self.spend(length)?;
            return span::trace_state(self.span()?, &keys);
        }
        if target.root == Root::Collector {
            return Ok(Datum::Nil);
        }
        let (container, budget) = self.container(target.root, target.field)?;
        let datum = match container {
            Container::Map(map) => in_map(map, &keys, budget)?,
            Container::Body(Value::Map(map)) => in_map(map, &keys, budget)?,
            Container::Body(Value::Array(items)) => match keys.split_first() {
                Some((first, rest)) => inside(element(items, first)?, rest, budget)?,
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
            return self.replace(target.root, target.field, datum);
        }
        let keys: Vec<Found> = target.keys.iter().map(|key| self.key(key)).collect();
        if target.field == Field::TraceState {
            let length = self.span()?.trace_state.len();
            self.spend(length)?;
            // It has a bounded number of members, each of a bounded length.
            return span::set_trace_state(self.span_mut()?, &keys, datum);
        }
        if keys.len() + datum.measure().depth > MAX_DEPTH {
            return Err(Error::value("values stand too deep in values"));
        }
        let (container, budget) = self.container(target.root, target.field)?;
        match container {
            Container::Map(map) => set_in_map(map, &keys, datum, budget),
            Container::Body(Value::Map(map)) => set_in_map(map, &keys, datum, budget),
            Container::Body(Value::Array(items)) => match keys.split_first() {
                Some((first, rest)) => set_inside(element_mut(items, first)?, rest, datum, budget),
                None => Ok(()),
            },
            Container::Body(other) => Err(no_keys("a body", other)),
        }
    }

    /// Puts a value in place of a whole field, and counts what that takes and gives back.
    fn replace(&mut self, root: Root, field: Field, datum: Datum) -> Result<(), Error> {
        let is_container =
            matches!(field, Field::Attributes | Field::Body | Field::BodyString | Field::Cache | Field::Metadata);
        if !is_container && !datum.is_heavy() {
            return self.write(root, field, datum);
        }
        let before = self.held_by(root, field, is_container);
        let result = self.write(root, field, datum);
        let after = self.held_by(root, field, is_container);
        // What is no container is copied to be measured.
        let measured = before.saturating_add(after);
        self.spend(if is_container { measured / 16 } else { measured })?;
        let budget = self.run.budget();
        budget.release(before);
        budget.hold(after)?;
        result
    }

    /// What a field holds, in octets.
    fn held_by(&mut self, root: Root, field: Field, is_container: bool) -> usize {
        if !is_container {
            return self.read(root, field).map_or(0, |datum| datum.measure().weight);
        }
        let field = if field == Field::BodyString { Field::Body } else { field };
        match self.container(root, field) {
            Ok((Container::Map(map), _)) => map.held(),
            Ok((Container::Body(value), _)) => value.held(),
            Err(_) => 0,
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

    fn container(&mut self, root: Root, field: Field) -> Result<(Container<'_>, &mut Budget), Error> {
        let Env { resource, scope, record, cache, run, .. } = self;
        let budget = run.budget();
        if field == Field::Cache {
            return Ok((Container::Map(cache), budget));
        }
        if field == Field::Body {
            return match record {
                Subject::Log(log) => Ok((Container::Body(&mut log.body), budget)),
                _ => Err(absent()),
            };
        }
        let map = match (root, record) {
            (Root::Resource, _) => &mut resource.attributes,
            (Root::Scope, _) => &mut scope.as_mut().ok_or_else(absent)?.0.attributes,
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
        Ok((Container::Map(map), budget))
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

// What fields ask of values that are put into them (`ExpectType`).

macro_rules! expect {
    ($($name:ident: $variant:ident -> $type:ty, $words:literal;)*) => {$(
        fn $name(datum: Datum) -> Result<$type, Error> {
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
