//! `cumulativetodelta`: sums and histograms that count from a start become what was added since the last point.
//!
//! Source: `processor/cumulativetodeltaprocessor`.

use std::collections::HashMap;

use linkmesh_ottl::record::{
    Attributes, ExponentialHistogramPoint, HistogramPoint, Metric, MetricData, Number, NumberPoint, Resource, Scope,
    Telemetry,
};

use super::{
    Stage, Trial,
    values::{self, Expressions},
};
use crate::render::{
    alloy::{Expr, Statement, attribute, block},
    yaml::Yaml,
};

mod exponential;

/// Changes the temporality of some metrics.
///
/// All three settings are always written: the longest silence has another default in each runtime.
#[derive(Debug, Clone)]
pub struct CumulativeToDelta {
    /// Which metrics; all when `None`.
    pub names: Option<Names>,
    /// What becomes of the first point of a series.
    pub initial_value: InitialValue,
    /// A series that is silent for longer begins anew: a duration of Go; `0s` for never.
    pub max_staleness: String,
}

/// Metrics by their name.
#[derive(Debug, Clone)]
pub struct Names {
    /// Those with such a name, or all but those.
    pub is_include: bool,
    /// Whether the names are expressions, of which one is found in the name.
    pub is_regex: bool,
    /// The names.
    pub names: Vec<String>,
}

/// What becomes of the first point of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialValue {
    /// It goes on when its counting began after the collector did.
    Auto,
    /// It goes on as it is.
    Keep,
    /// It is dropped.
    Drop,
}

impl InitialValue {
    const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Keep => "keep",
            Self::Drop => "drop",
        }
    }
}

impl Names {
    const fn section(&self) -> &'static str {
        if self.is_include { "include" } else { "exclude" }
    }

    const fn match_type(&self) -> &'static str {
        if self.is_regex { "regexp" } else { "strict" }
    }

    /// The names as one expression for each, when they are such.
    fn expressions(&self, trial: &mut Trial) -> Option<Expressions> {
        self.is_regex.then(|| values::expressions(&self.names, trial))
    }

    fn choose(&self, name: &str, expressions: Option<&Expressions>) -> bool {
        let found = match expressions {
            Some(expressions) => expressions.is_match(name),
            None => self.names.iter().any(|known| known == name),
        };
        found == self.is_include
    }
}

impl Stage for CumulativeToDelta {
    fn otelcol(&self) -> (&'static str, Yaml) {
        let mut config = vec![
            ("initial_value".to_owned(), Yaml::word(self.initial_value.name())),
            ("max_staleness".to_owned(), Yaml::text(self.max_staleness.as_str())),
        ];
        config.extend(self.names.iter().map(|names| {
            let section =
                Yaml::map([("match_type", Yaml::word(names.match_type())), ("metrics", Yaml::texts(&names.names))]);
            (names.section().to_owned(), section)
        }));
        ("cumulativetodelta", Yaml::Map(config))
    }

    fn alloy(&self) -> (&'static str, Vec<Statement>) {
        let mut body = vec![
            attribute("initial_value", Expr::text(self.initial_value.name())),
            attribute("max_staleness", Expr::text(self.max_staleness.as_str())),
        ];
        body.extend(self.names.iter().map(|names| {
            let match_type = attribute("match_type", Expr::text(names.match_type()));
            block(names.section(), vec![match_type, attribute("metrics", Expr::texts(&names.names))])
        }));
        ("otelcol.processor.cumulativetodelta", body)
    }

    fn run(&self, telemetry: &mut Telemetry, trial: &mut Trial) {
        let Telemetry::Metrics(groups) = telemetry else { return };
        let expressions = self.names.as_ref().and_then(|names| names.expressions(trial));
        let mut series =
            Series { initial_value: self.initial_value, trial, numbers: HashMap::new(), last: HashMap::new() };
        groups.retain_mut(|group| {
            let mut resource = None;
            group.scopes.retain_mut(|scope| {
                let of = &scope.scope;
                scope.records.retain_mut(|metric| {
                    let choosing = match (&self.names, &expressions) {
                        (_, Some(expressions)) => expressions.cost(metric.name.len()),
                        (names, None) => names.as_ref().map_or(0, |names| names.names.len()),
                    };
                    let cost = choosing + of.name.len() + of.version.len() + metric.size() + 256;
                    // What cannot be looked at any more stays as it is.
                    if !series.trial.spend(cost) {
                        return true;
                    }
                    let chosen =
                        self.names.as_ref().is_none_or(|names| names.choose(&metric.name, expressions.as_ref()));
                    if !chosen {
                        return true;
                    }
                    let resource = *resource.get_or_insert_with(|| series.resource(&group.resource));
                    series.convert(resource, of, metric)
                });
                !scope.records.is_empty()
            });
            !group.scopes.is_empty()
        });
    }
}

/// `AGGREGATION_TEMPORALITY_CUMULATIVE` and `_DELTA`.
const CUMULATIVE: i32 = 2;
const DELTA: i32 = 1;

/// The last point of each series.
struct Series<'a> {
    initial_value: InitialValue,
    trial: &'a mut Trial,
    /// Resources and metrics by what tells them apart, which may be long: no point carries that.
    numbers: HashMap<Vec<u8>, u64>,
    last: HashMap<Vec<u8>, (u64, Value)>,
}

/// What a point counts.
#[derive(Debug, Clone)]
enum Value {
    Int(i64),
    Double(f64),
    Histogram(Histogram),
    Exponential(exponential::Histogram),
}

#[derive(Debug, Clone)]
struct Histogram {
    count: u64,
    sum: f64,
    bounds: Vec<f64>,
    counts: Vec<u64>,
}

/// What tells the series of a metric apart from those of others.
fn base(resource: u64, scope: &Scope, metric: &Metric, kind: u8) -> Vec<u8> {
    let mut base = vec![kind];
    base.extend(resource.to_le_bytes());
    for text in [&scope.name, &scope.version, &metric.name, &metric.unit] {
        values::identity_of_text(&mut base, text);
    }
    base
}

fn identity(base: u64, kind: u8, attributes: &Attributes, start: u64) -> Vec<u8> {
    let mut identity = base.to_le_bytes().to_vec();
    identity.push(kind);
    values::identity_of_map(&mut identity, attributes);
    identity.extend(start.to_le_bytes());
    identity
}

impl Series<'_> {
    /// A number for what is told apart by this.
    fn number_of(&mut self, identity: Vec<u8>) -> u64 {
        let next = self.numbers.len() as u64;
        *self.numbers.entry(identity).or_insert(next)
    }

    /// A number for a resource.
    fn resource(&mut self, resource: &Resource) -> u64 {
        self.trial.spend(resource.size());
        let mut identity = vec![b'r'];
        values::identity_of_map(&mut identity, &resource.attributes);
        self.number_of(identity)
    }

    /// Whether the metric is still there afterwards.
    fn convert(&mut self, resource: u64, scope: &Scope, metric: &mut Metric) -> bool {
        let base = |kind| base(resource, scope, metric, kind);
        let base = match &metric.data {
            MetricData::Sum { temporality: CUMULATIVE, is_monotonic: true, .. } => base(b's'),
            MetricData::Histogram { temporality: CUMULATIVE, points } if !points.is_empty() => base(b'h'),
            MetricData::ExponentialHistogram { temporality: CUMULATIVE, points } if !points.is_empty() => base(b'e'),
            _ => return true,
        };
        let base = self.number_of(base);
        match &mut metric.data {
            MetricData::Sum { points, temporality, .. } => {
                points.retain_mut(|point| self.number(base, point));
                *temporality = DELTA;
                !points.is_empty()
            }
            MetricData::Histogram { points, temporality } => {
                points.retain_mut(|point| self.histogram(base, point));
                *temporality = DELTA;
                !points.is_empty()
            }
            MetricData::ExponentialHistogram { points, temporality } => {
                points.retain_mut(|point| self.exponential(base, point));
                *temporality = DELTA;
                !points.is_empty()
            }
            _ => true,
        }
    }

    fn number(&mut self, base: u64, point: &mut NumberPoint) -> bool {
        if point.flags & 1 == 1 {
            return false;
        }
        let (kind, value) = match point.value {
            Some(Number::Double(number)) if number.is_nan() => return true,
            Some(Number::Double(number)) => (b'd', Value::Double(number)),
            Some(Number::Int(number)) => (b'i', Value::Int(number)),
            None => (b'e', Value::Int(0)),
        };
        let identity = identity(base, kind, &point.attributes, point.start_time_unix_nano);
        let Some((start, value)) = self.step(identity, point.start_time_unix_nano, point.time_unix_nano, value) else {
            return false;
        };
        point.start_time_unix_nano = start;
        match value {
            Value::Double(number) => point.value = Some(Number::Double(number)),
            Value::Int(number) => point.value = Some(Number::Int(number)),
            Value::Histogram(_) | Value::Exponential(_) => {}
        }
        true
    }

    fn histogram(&mut self, base: u64, point: &mut HistogramPoint) -> bool {
        if point.flags & 1 == 1 {
            return false;
        }
        let value = Histogram {
            count: point.count,
            sum: point.sum.unwrap_or_default(),
            bounds: point.explicit_bounds.clone(),
            counts: point.bucket_counts.clone(),
        };
        let identity = identity(base, b'h', &point.attributes, point.start_time_unix_nano);
        let stepped = self.step(identity, point.start_time_unix_nano, point.time_unix_nano, Value::Histogram(value));
        let Some((start, Value::Histogram(delta))) = stepped else { return false };
        point.start_time_unix_nano = start;
        point.count = delta.count;
        point.sum = point.sum.map(|sum| if sum.is_nan() { sum } else { delta.sum });
        point.explicit_bounds = delta.bounds;
        point.bucket_counts = delta.counts;
        (point.min, point.max) = (None, None);
        true
    }

    fn exponential(&mut self, base: u64, point: &mut ExponentialHistogramPoint) -> bool {
        if point.flags & 1 == 1 {
            return false;
        }
        let value = Value::Exponential(exponential::Histogram::of(point));
        let identity = identity(base, b'x', &point.attributes, point.start_time_unix_nano);
        let stepped = self.step(identity, point.start_time_unix_nano, point.time_unix_nano, value);
        let Some((start, Value::Exponential(delta))) = stepped else { return false };
        point.start_time_unix_nano = start;
        delta.put_into(point);
        true
    }

    /// What was added since the last point of the series, and since when; `None` when the point is dropped.
    fn step(&mut self, series: Vec<u8>, start: u64, observed: u64, value: Value) -> Option<(u64, Value)> {
        let Some((last_observed, last)) = self.last.get_mut(&series) else {
            self.last.insert(series, (observed, value.clone()));
            return match self.initial_value {
                InitialValue::Auto if start >= self.trial.now_unix_nano && observed != start => Some((start, value)),
                InitialValue::Keep => Some((0, value)),
                InitialValue::Auto | InitialValue::Drop => {
                    self.trial.note("the first point of each series is dropped: what was added before it is not known");
                    None
                }
            };
        };
        let since = *last_observed;
        let (value, delta) = match (value, &mut *last) {
            (Value::Int(value), Value::Int(last)) => {
                (Value::Int(value), (value >= *last).then(|| Value::Int(value.wrapping_sub(*last))))
            }
            (Value::Double(value), Value::Double(last)) => {
                (Value::Double(value), (value >= *last).then_some(Value::Double(value - *last)))
            }
            (Value::Histogram(mut value), Value::Histogram(last)) => {
                if value.sum.is_nan() {
                    value.sum = last.sum;
                }
                let alike = value.counts.len() == last.counts.len() && value.bounds == last.bounds;
                if !alike {
                    (Value::Histogram(value), None)
                } else if let Some(delta) = value.since(last) {
                    (Value::Histogram(value), Some(Value::Histogram(delta)))
                } else {
                    // After a reset the last point stays what it was.
                    return None;
                }
            }
            (Value::Exponential(value), Value::Exponential(last)) => {
                let delta = Value::Exponential(value.since(last)?);
                (Value::Exponential(value), Some(delta))
            }
            _ => return None,
        };
        (*last_observed, *last) = (observed, value);
        Some((since, delta?))
    }
}

impl Histogram {
    fn since(&self, last: &Self) -> Option<Self> {
        let counts = self.counts.iter().zip(&last.counts).map(|(value, last)| value.checked_sub(*last));
        Some(Self {
            count: self.count.checked_sub(last.count)?,
            sum: self.sum - last.sum,
            bounds: self.bounds.clone(),
            counts: counts.collect::<Option<Vec<u64>>>()?,
        })
    }
}

#[cfg(test)]
mod tests;
