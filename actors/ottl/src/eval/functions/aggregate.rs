//! Editors that make one point of several.
//!
//! Source: `transformprocessor/internal/metrics` and `internal/coreinternal/aggregateutil` of contrib 0.158.0.

use std::collections::{HashMap, HashSet};

use super::editors::LOOKED_UP;
use crate::{
    eval::{Arguments, Datum, Env, Error, as_double, text, truncated},
    record::{
        Attributes, Buckets, ExponentialHistogramPoint, Held as _, HistogramPoint, MetricData, Number, NumberPoint,
        Value,
    },
};

const NOTHING: Result<Datum, Error> = Ok(Datum::Nil);
const DELTA: i32 = 1;
/// The most buckets that may come of merging.
const MAX_BUCKETS: usize = 10_000;

/// How numbers are made one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Sum,
    Mean,
    Min,
    Max,
    Median,
    Count,
}

impl By {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sum" => Self::Sum,
            "mean" => Self::Mean,
            "min" => Self::Min,
            "max" => Self::Max,
            "median" => Self::Median,
            "count" => Self::Count,
            _ => return None,
        })
    }

    fn of(arguments: &Arguments<'_>) -> Self {
        arguments.literal_text(0).and_then(Self::named).unwrap_or(Self::Sum)
    }
}

pub(crate) fn valid_function(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    match arguments.literal_text(0) {
        Some(name) if By::named(name).is_none() => {
            Err((0, format!("`{name}` is none of \"sum\", \"mean\", \"min\", \"max\", \"median\" and \"count\"")))
        }
        _ => Ok(()),
    }
}

pub(crate) fn on_attributes(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let kept = arguments.literal_texts(1);
    if matches!(env.metric()?.data, MetricData::Summary(_)) {
        return Err(Error::value("summaries cannot be aggregated"));
    }
    weighed(env)?;
    if let Some(kept) = kept {
        env.spend(LOOKED_UP * kept.len())?;
        let kept: HashSet<&str> = kept.iter().map(String::as_str).collect();
        each_attributes(&mut env.metric()?.data, |attributes| {
            attributes.retain(|key, _| kept.contains(key));
        });
    }
    aggregate(By::of(arguments), env)
}

pub(crate) fn on_attribute_value(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let key = arguments.literal_text(1).unwrap_or_default();
    let values = arguments.literal_texts(2).unwrap_or_default();
    let new = arguments.literal_text(3).unwrap_or_default();
    weighed(env)?;
    let points = env.metric()?.data.count();
    env.spend(points.saturating_mul(values.len()))?;
    env.keep(points.saturating_mul(new.len()))?;
    each_attributes(&mut env.metric()?.data, |attributes| {
        let Some(value) = attributes.get_mut(key) else { return };
        for known in values {
            // What is no text is an empty one.
            let text = if let Value::Str(text) = &*value { text } else { "" };
            if text == known {
                *value = Value::Str(new.to_owned());
            }
        }
    });
    aggregate(By::of(arguments), env)
}

/// Counts the work of looking at all attributes of all points.
fn weighed(env: &mut Env<'_>) -> Result<(), Error> {
    let octets = env.metric()?.held();
    env.spend(octets / 4)
}

fn each_attributes(data: &mut MetricData, mut change: impl FnMut(&mut Attributes)) {
    match data {
        MetricData::Empty => {}
        MetricData::Gauge(points) | MetricData::Sum { points, .. } => {
            points.iter_mut().for_each(|point| change(&mut point.attributes));
        }
        MetricData::Histogram { points, .. } => points.iter_mut().for_each(|point| change(&mut point.attributes)),
        MetricData::ExponentialHistogram { points, .. } => {
            points.iter_mut().for_each(|point| change(&mut point.attributes));
        }
        MetricData::Summary(points) => points.iter_mut().for_each(|point| change(&mut point.attributes)),
    }
}

/// Makes one point of those with the same attributes and time. What else is known of the metric is lost, and so are the
/// points of summaries.
fn aggregate(by: By, env: &mut Env<'_>) -> Result<Datum, Error> {
    let metric = env.metric()?;
    // What points have in common is written out for each of them.
    let work = metric.held().saturating_add(metric.data.count() * 256);
    env.spend(work)?;
    // What is merged holds no more than what it is made of, but for buckets between those that are there.
    let mut buckets = env.run.budget().room() / size_of::<u64>();
    let metric = env.metric()?;
    let aggregated = match &metric.data {
        MetricData::Empty => MetricData::Empty,
        MetricData::Summary(_) => MetricData::Summary(Vec::new()),
        MetricData::Gauge(points) => MetricData::Gauge(numbers(points, 0, by)),
        MetricData::Sum { points, temporality, is_monotonic } => MetricData::Sum {
            points: numbers(points, *temporality, by),
            temporality: *temporality,
            is_monotonic: *is_monotonic,
        },
        MetricData::Histogram { points, temporality } => {
            MetricData::Histogram { points: histograms(points, *temporality)?, temporality: *temporality }
        }
        MetricData::ExponentialHistogram { points, temporality } => MetricData::ExponentialHistogram {
            points: exponential(points, *temporality, &mut buckets)?,
            temporality: *temporality,
        },
    };
    let before = metric.held();
    metric.data = aggregated;
    metric.metadata = Attributes::default();
    let after = metric.held();
    env.run.budget().release(before);
    env.keep(after)?;
    NOTHING
}

/// What points have in common that become one.
fn key(attributes: &Attributes, time: u64, start: u64, temporality: i32, more: &str) -> String {
    let start = if temporality == DELTA { start } else { 0 };
    let mut key = String::new();
    match text::json(&Value::Map(attributes.clone()), text::Writer::Standard, &mut key) {
        Ok(()) => key + &format!(" {time} {start} {more}"),
        // Go has no key for what is no JSON, and so one for all of it.
        Err(_) => String::new(),
    }
}

/// Points with the same key, in the order in which the keys come. Upstream has them in any order.
fn grouped<P>(points: &[P], key: impl Fn(&P) -> String) -> Vec<Vec<&P>> {
    let mut places = HashMap::new();
    let mut groups: Vec<Vec<&P>> = Vec::new();
    for point in points {
        let place = *places.entry(key(point)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(point),
            None => groups.push(vec![point]),
        }
    }
    groups
}

fn numbers(points: &[NumberPoint], temporality: i32, by: By) -> Vec<NumberPoint> {
    let common =
        |point: &NumberPoint| key(&point.attributes, point.time_unix_nano, point.start_time_unix_nano, temporality, "");
    let merged = |group: Vec<&NumberPoint>| {
        let (first, rest) = group.split_first()?;
        let mut point = (*first).clone();
        let Some(value) = point.value else { return Some(point) };
        if let Some(start) = group.iter().map(|point| point.start_time_unix_nano).min() {
            point.start_time_unix_nano = start;
        }
        let rest: Vec<Option<Number>> = rest.iter().map(|point| point.value).collect();
        point.value = Some(match value {
            Number::Double(first) => Number::Double(doubles(first, &rest, by)),
            Number::Int(first) => Number::Int(ints(first, &rest, by)),
        });
        Some(point)
    };
    grouped(points, common).into_iter().filter_map(merged).collect()
}

#[allow(clippy::cast_precision_loss)] // as Go converts
fn doubles(first: f64, rest: &[Option<Number>], by: By) -> f64 {
    let double = |number: &Option<Number>| match number {
        Some(Number::Double(number)) => *number,
        Some(Number::Int(number)) => as_double(*number),
        None => 0.0,
    };
    let length = (rest.len() + 1) as f64;
    let rest = rest.iter().map(double);
    // Unlike here, what is no number is the greatest and the least of all in Go.
    let chosen = |one: f64, other: f64, better: fn(f64, f64) -> f64| {
        if one.is_nan() || other.is_nan() { f64::NAN } else { better(one, other) }
    };
    match by {
        By::Sum => rest.fold(first, |sum, next| sum + next),
        By::Mean => rest.fold(first, |sum, next| sum + next) / length,
        By::Max => rest.fold(first, |most, next| chosen(most, next, f64::max)),
        By::Min => rest.fold(first, |least, next| chosen(least, next, f64::min)),
        By::Count if rest.len() == 0 => first,
        By::Count => length,
        By::Median => {
            let mut all: Vec<f64> = std::iter::once(first).chain(rest).collect();
            all.sort_by(|one, other| one.partial_cmp(other).unwrap_or_else(|| other.is_nan().cmp(&one.is_nan())));
            let (low, high) = middle(&all);
            if all.len() % 2 == 1 { high } else { f64::midpoint(low, high) }
        }
    }
}

#[allow(clippy::cast_possible_wrap)] // counts of points
fn ints(first: i64, rest: &[Option<Number>], by: By) -> i64 {
    let int = |number: &Option<Number>| match number {
        Some(Number::Int(number)) => *number,
        Some(Number::Double(number)) => truncated(*number),
        None => 0,
    };
    // A number with a fraction is left out of sums.
    let whole = |number: &Option<Number>| if let Some(Number::Int(number)) = number { *number } else { 0 };
    let length = rest.len() as i64 + 1;
    match by {
        By::Sum => rest.iter().map(whole).fold(first, i64::wrapping_add),
        By::Mean => rest.iter().map(whole).fold(first, i64::wrapping_add) / length,
        By::Max => rest.iter().map(int).fold(first, i64::max),
        By::Min => rest.iter().map(int).fold(first, i64::min),
        By::Count if rest.is_empty() => first,
        By::Count => length,
        By::Median => {
            let mut all: Vec<i64> = std::iter::once(first).chain(rest.iter().map(int)).collect();
            all.sort_unstable();
            let (low, high) = middle(&all);
            if all.len() % 2 == 1 { high } else { low.wrapping_add(high) / 2 }
        }
    }
}

/// The two in the middle; of an odd number, the second is the one.
fn middle<N: Copy + Default>(sorted: &[N]) -> (N, N) {
    let half = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    (at(half.wrapping_sub(1)), at(half))
}

fn histograms(points: &[HistogramPoint], temporality: i32) -> Result<Vec<HistogramPoint>, Error> {
    let common = |point: &HistogramPoint| {
        if point.explicit_bounds.iter().any(|bound| !bound.is_finite()) {
            return String::new();
        }
        let (min, max) = (point.min.is_some(), point.max.is_some());
        let more = format!("{:?} {min} {max} {}", point.explicit_bounds, point.flags);
        key(&point.attributes, point.time_unix_nano, point.start_time_unix_nano, temporality, &more)
    };
    let merged = |group: Vec<&HistogramPoint>| {
        let mut group = group.into_iter();
        let mut point = group.next().cloned().unwrap_or_default();
        for next in group.filter(|next| next.count != 0) {
            if next.bucket_counts.len() > point.bucket_counts.len() {
                return Err(Error::value("histograms with different numbers of buckets cannot be aggregated"));
            }
            point.count = point.count.wrapping_add(next.count);
            point.sum = Some(point.sum.unwrap_or_default() + next.sum.unwrap_or_default());
            point.min = least(point.min, next.min);
            point.max = greatest(point.max, next.max);
            for (count, more) in point.bucket_counts.iter_mut().zip(&next.bucket_counts) {
                *count = count.wrapping_add(*more);
            }
            point.exemplars.extend(next.exemplars.iter().cloned());
            point.start_time_unix_nano = point.start_time_unix_nano.min(next.start_time_unix_nano);
        }
        Ok(point)
    };
    grouped(points, common).into_iter().map(merged).collect()
}

/// The lesser of two where the first is known at all; one that is not known is 0.
fn least(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    let other = other.unwrap_or_default();
    one.map(|one| if one > other { other } else { one })
}

fn greatest(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    let other = other.unwrap_or_default();
    one.map(|one| if one < other { other } else { one })
}

fn exponential(
    points: &[ExponentialHistogramPoint],
    temporality: i32,
    room: &mut usize,
) -> Result<Vec<ExponentialHistogramPoint>, Error> {
    let common = |point: &ExponentialHistogramPoint| {
        let (min, max) = (point.min.is_some(), point.max.is_some());
        let more = format!("{} {min} {max} {}", point.scale, point.flags);
        key(&point.attributes, point.time_unix_nano, point.start_time_unix_nano, temporality, &more)
    };
    let merged = |group: Vec<&ExponentialHistogramPoint>| {
        let mut group = group.into_iter();
        let mut point = group.next().cloned().unwrap_or_default();
        for next in group.filter(|next| next.count != 0) {
            point.count = point.count.wrapping_add(next.count);
            point.sum = Some(point.sum.unwrap_or_default() + next.sum.unwrap_or_default());
            point.zero_count = point.zero_count.wrapping_add(next.zero_count);
            point.min = least(point.min, next.min);
            point.max = greatest(point.max, next.max);
            merge(&mut point.negative, &next.negative, room)?;
            merge(&mut point.positive, &next.positive, room)?;
            point.exemplars.extend(next.exemplars.iter().cloned());
            point.start_time_unix_nano = point.start_time_unix_nano.min(next.start_time_unix_nano);
        }
        Ok(point)
    };
    grouped(points, common).into_iter().map(merged).collect()
}

/// Puts counts into other buckets, as upstream does: of buckets that begin lower, those that hold something are put one
/// behind the other before the first. So many may be made that were not there.
fn merge(into: &mut Buckets, from: &Buckets, room: &mut usize) -> Result<(), Error> {
    let counts = &mut into.bucket_counts;
    if counts.len() + from.bucket_counts.len() > MAX_BUCKETS {
        return Err(Error::value(format!("more than {MAX_BUCKETS} buckets would come of it")));
    }
    if from.offset < into.offset {
        let lower = from.bucket_counts.iter().copied().filter(|count| *count > 0);
        *counts = lower.chain(std::mem::take(counts)).collect();
    } else {
        let apart = usize::try_from(i64::from(from.offset) - i64::from(into.offset)).unwrap_or_default();
        for (index, count) in from.bucket_counts.iter().enumerate() {
            let index = index + apart;
            if *count == 0 && apart > 0 {
                continue;
            }
            if index >= MAX_BUCKETS {
                return Err(Error::value(format!("more than {MAX_BUCKETS} buckets would come of it")));
            }
            if index >= counts.len() {
                let more = index + 1 - counts.len();
                *room = room.checked_sub(more).ok_or_else(|| Error::value("too many buckets would come of it"))?;
                counts.resize(index + 1, 0);
            }
            if let Some(known) = counts.get_mut(index) {
                *known = known.wrapping_add(*count);
            }
        }
    }
    if from.offset != into.offset && !from.bucket_counts.is_empty() {
        into.offset = into.offset.min(from.offset);
        let zeros = counts.iter().take_while(|count| **count == 0).count();
        counts.drain(..zeros);
    }
    Ok(())
}
