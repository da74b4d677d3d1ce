//! Editors of metrics.
//!
//! Source: `transformprocessor/internal/metrics` of contrib 0.158.0.

use crate::{
    eval::{Arguments, Datum, Env, Error, as_double, truncated},
    record::{Attributes, Exemplar, Held as _, Metric, MetricData, Number, NumberPoint, SummaryPoint, Value, entry},
};

const NOTHING: Result<Datum, Error> = Ok(Datum::Nil);
/// More metrics than these are not made for one record.
const MAX_NEW: usize = 1_000;

const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;

fn temporality(arguments: &Arguments<'_>) -> i32 {
    if arguments.literal_text(0) == Some("delta") { DELTA } else { CUMULATIVE }
}

pub(crate) fn valid_temporality(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    match arguments.literal_text(0) {
        Some("delta" | "cumulative") | None => Ok(()),
        Some(other) => Err((0, format!("`{other}` is neither \"delta\" nor \"cumulative\""))),
    }
}

pub(crate) fn convert_gauge_to_sum(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let data = &mut env.metric()?.data;
    if let MetricData::Gauge(points) = data {
        *data = MetricData::Sum {
            points: std::mem::take(points),
            temporality: temporality(arguments),
            is_monotonic: arguments.literal_bool(1).unwrap_or_default(),
        };
    }
    NOTHING
}

pub(crate) fn convert_sum_to_gauge(_: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let data = &mut env.metric()?.data;
    if let MetricData::Sum { points, .. } = data {
        *data = MetricData::Gauge(std::mem::take(points));
    }
    NOTHING
}

/// Whether there is room for one more metric, which will hold so much. Asked before it is made.
fn room(env: &mut Env<'_>, octets: usize) -> Result<(), Error> {
    if env.new_metrics.len() >= MAX_NEW {
        return Err(Error::value(format!("more than {MAX_NEW} metrics would be made")));
    }
    env.spend(octets.saturating_add(256))?;
    env.keep(octets.saturating_add(size_of::<Metric>()))
}

/// What a metric of numbers takes at most that is made of each point of another.
fn of_points(metric: &Metric) -> usize {
    metric.held().saturating_add(metric.data.count() * size_of::<NumberPoint>())
}

/// Puts a metric behind the others.
fn add(env: &mut Env<'_>, metric: Metric) -> Result<Datum, Error> {
    env.new_metrics.push(metric);
    NOTHING
}

pub(crate) fn copy_metric(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let octets = env.metric()?.held();
    room(env, octets)?;
    let mut copy = env.metric()?.clone();
    // The copy is there even when one of the others cannot be worked out.
    let fields = (|| {
        for (index, field) in [&mut copy.name, &mut copy.description, &mut copy.unit].into_iter().enumerate() {
            if arguments.has(index) {
                let text = arguments.text(index, env)?;
                env.keep(text.held())?;
                *field = text;
            }
        }
        Ok(())
    })();
    add(env, copy)?;
    fields.map(|()| Datum::Nil)
}

fn scaled(number: Number, by: f64) -> Number {
    match number {
        Number::Int(number) => Number::Int(truncated(as_double(number) * by)),
        Number::Double(number) => Number::Double(number * by),
    }
}

pub(crate) fn scale_metric(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let by = arguments.literal_double(0).unwrap_or(1.0);
    let unit = if arguments.has(1) { Some(arguments.text(1, env)?) } else { None };
    let octets = env.metric()?.held();
    env.spend(octets / 8)?;
    env.keep(unit.as_ref().map_or(0, String::len))?;
    let metric = env.metric()?;
    match &mut metric.data {
        MetricData::Gauge(points) | MetricData::Sum { points, .. } => {
            for point in points {
                point.value = point.value.map(|number| scaled(number, by));
            }
        }
        MetricData::Histogram { points, .. } => {
            for point in points {
                for field in [&mut point.sum, &mut point.min, &mut point.max] {
                    *field = field.map(|number| number * by);
                }
                point.explicit_bounds.iter_mut().for_each(|bound| *bound *= by);
                let scale = |exemplar: &mut Exemplar| exemplar.value = exemplar.value.map(|number| scaled(number, by));
                point.exemplars.iter_mut().for_each(scale);
            }
        }
        MetricData::Summary(points) => {
            for point in points {
                point.sum *= by;
                point.quantile_values.iter_mut().for_each(|(_, value)| *value *= by);
            }
        }
        MetricData::ExponentialHistogram { .. } => {
            return Err(Error::value("exponential histograms cannot be scaled"));
        }
        MetricData::Empty => return Err(Error::value("the metric has no type")),
    }
    if let Some(unit) = unit {
        metric.unit = unit;
    }
    NOTHING
}

/// What is taken of a point: its attributes, its times, its count and its sum.
struct Taken {
    attributes: Attributes,
    start: u64,
    time: u64,
    count: u64,
    sum: Option<f64>,
}

impl Taken {
    fn point(self, value: Number) -> NumberPoint {
        NumberPoint {
            attributes: self.attributes,
            start_time_unix_nano: self.start,
            time_unix_nano: self.time,
            value: Some(value),
            ..NumberPoint::default()
        }
    }
}

macro_rules! taken {
    ($points:expr, $sum:expr) => {
        $points
            .iter()
            .map(|point| Taken {
                attributes: point.attributes.clone(),
                start: point.start_time_unix_nano,
                time: point.time_unix_nano,
                count: point.count,
                sum: $sum(point),
            })
            .collect()
    };
}

/// The counts and sums of a metric that has them, with its temporality, if there is room for a metric of them.
fn counted(name: &str, env: &mut Env<'_>) -> Result<(Vec<Taken>, i32), Error> {
    let temporality = match env.metric()?.data {
        MetricData::Histogram { temporality, .. } | MetricData::ExponentialHistogram { temporality, .. } => temporality,
        MetricData::Summary(_) => CUMULATIVE,
        _ => 0,
    };
    if temporality == 0 {
        return Err(Error::value(format!(
            "`{name}` takes a histogram or a summary, and one that is delta or cumulative"
        )));
    }
    room_of_points(env)?;
    let taken = match &env.metric()?.data {
        MetricData::Histogram { points, .. } => taken!(points, |point: &crate::record::HistogramPoint| point.sum),
        MetricData::ExponentialHistogram { points, .. } => {
            taken!(points, |point: &crate::record::ExponentialHistogramPoint| point.sum)
        }
        MetricData::Summary(points) => taken!(points, |point: &SummaryPoint| Some(point.sum)),
        _ => Vec::new(),
    };
    Ok((taken, temporality))
}

fn sum_of(metric: &Metric, suffix: &str, temporality: i32, is_monotonic: bool, points: Vec<NumberPoint>) -> Metric {
    Metric {
        name: format!("{}{suffix}", metric.name),
        description: metric.description.clone(),
        unit: metric.unit.clone(),
        data: MetricData::Sum { points, temporality, is_monotonic },
        ..Metric::default()
    }
}

pub(crate) fn extract_count_metric(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let (taken, temporality) = counted("extract_count_metric", env)?;
    let metric = env.metric()?;
    let count = |taken: Taken| {
        let count = Number::Int(taken.count.cast_signed());
        taken.point(count)
    };
    let points: Vec<_> = taken.into_iter().map(count).collect();
    let suffix = arguments.literal_text(1).unwrap_or("_count");
    let mut counts = sum_of(metric, suffix, temporality, arguments.literal_bool(0).unwrap_or_default(), points);
    "1".clone_into(&mut counts.unit);
    add_unless_empty(env, counts)
}

pub(crate) fn extract_sum_metric(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let (taken, temporality) = counted("extract_sum_metric", env)?;
    let metric = env.metric()?;
    let points: Vec<_> =
        taken.into_iter().filter_map(|taken| taken.sum.map(|sum| taken.point(Number::Double(sum)))).collect();
    let suffix = arguments.literal_text(1).unwrap_or("_sum");
    let sums = sum_of(metric, suffix, temporality, arguments.literal_bool(0).unwrap_or_default(), points);
    add_unless_empty(env, sums)
}

/// Puts a metric behind the others, for which there is room, unless it has no points.
pub(super) fn add_unless_empty(env: &mut Env<'_>, metric: Metric) -> Result<Datum, Error> {
    if metric.data.count() == 0 { NOTHING } else { add(env, metric) }
}

/// Takes room for a metric that is made of each point of this one, and says how much, in octets.
pub(super) fn room_of_points(env: &mut Env<'_>) -> Result<usize, Error> {
    let octets = of_points(env.metric()?);
    room(env, octets)?;
    Ok(octets)
}

/// Of the whole summary, once for each of its points, as upstream has it.
fn of_summary(
    arguments: &Arguments<'_>,
    env: &mut Env<'_>,
    suffix: &str,
    value: fn(&Taken) -> Number,
) -> Result<Datum, Error> {
    if !matches!(env.metric()?.data, MetricData::Summary(_)) {
        return NOTHING;
    }
    room_of_points(env)?;
    let metric = env.metric()?;
    let MetricData::Summary(points) = &metric.data else { return NOTHING };
    let taken: Vec<Taken> = taken!(points, |point: &SummaryPoint| Some(point.sum));
    let points: Vec<_> = taken
        .into_iter()
        .map(|taken| {
            let number = value(&taken);
            taken.point(number)
        })
        .collect();
    let suffix = arguments.literal_text(2).unwrap_or(suffix);
    let sum = sum_of(metric, suffix, temporality(arguments), arguments.literal_bool(1).unwrap_or_default(), points);
    add(env, sum)
}

pub(crate) fn convert_summary_count_val_to_sum(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    of_summary(arguments, env, "_count", |taken| Number::Int(taken.count.cast_signed()))
}

pub(crate) fn convert_summary_sum_val_to_sum(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    of_summary(arguments, env, "_sum", |taken| Number::Double(taken.sum.unwrap_or_default()))
}

pub(crate) fn convert_summary_quantile_val_to_gauge(
    arguments: &Arguments<'_>,
    env: &mut Env<'_>,
) -> Result<Datum, Error> {
    let key = arguments.literal_text(0).unwrap_or("quantile");
    let suffix = arguments.literal_text(1).unwrap_or(".quantiles");
    let MetricData::Summary(points) = &env.metric()?.data else { return NOTHING };
    // Each quantile becomes a point, with all attributes of the point that it stands in.
    let each = |point: &SummaryPoint| point.attributes.held() + entry(key) + size_of::<NumberPoint>();
    let octets = points.iter().map(|point| point.quantile_values.len().saturating_mul(each(point)));
    let octets = octets.fold(0, usize::saturating_add);
    room(env, octets)?;
    let metric = env.metric()?;
    let MetricData::Summary(points) = &metric.data else { return NOTHING };
    let mut gauge = Vec::new();
    for point in points {
        for (quantile, value) in &point.quantile_values {
            let mut attributes = point.attributes.clone();
            attributes.insert(key, Value::Double(*quantile));
            gauge.push(NumberPoint {
                attributes,
                start_time_unix_nano: point.start_time_unix_nano,
                time_unix_nano: point.time_unix_nano,
                value: Some(Number::Double(*value)),
                ..NumberPoint::default()
            });
        }
    }
    let quantiles = Metric {
        name: format!("{}{suffix}", metric.name),
        description: metric.description.clone(),
        unit: metric.unit.clone(),
        data: MetricData::Gauge(gauge),
        ..Metric::default()
    };
    add(env, quantiles)
}
