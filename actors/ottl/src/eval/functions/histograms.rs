//! Editors of histograms.
//!
//! Source: `transformprocessor/internal/metrics` of contrib 0.158.0.

use crate::{
    eval::{Arguments, Datum, Env, Error, Subject, as_double, float_like, truncated},
    record::{
        Attributes, Buckets, ExponentialHistogramPoint, Held as _, HistogramPoint, Metric, MetricData, Number,
        NumberPoint,
    },
};

use super::metrics::{add_unless_empty, room_of_points};

const NOTHING: Result<Datum, Error> = Ok(Datum::Nil);

#[allow(clippy::cast_precision_loss)] // as Go converts
const fn double(count: u64) -> f64 {
    count as f64
}

pub(crate) fn valid_distribution(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    if arguments.literal_doubles(1).is_some_and(<[f64]>::is_empty) {
        return Err((1, "there are no bounds".to_owned()));
    }
    match arguments.literal_text(0) {
        Some("upper" | "midpoint" | "uniform" | "random" | "") | None => Ok(()),
        Some(other) => Err((0, format!("`{other}` is none of \"upper\", \"midpoint\", \"uniform\" and \"random\""))),
    }
}

/// Puts the count of a bucket from one value to another into buckets between bounds.
type Distribution = fn(u64, f64, f64, &[f64], &mut [u64]);

pub(crate) fn convert_exponential(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let bounds = arguments.literal_doubles(1).unwrap_or_default();
    let distribution: Distribution = match arguments.literal_text(0) {
        Some("upper") => upper,
        Some("midpoint") => midpoint,
        Some("uniform") => uniform,
        // What chance decides cannot be foretold.
        _ => return Err(Error::Unsupported("`convert_exponential_histogram_to_histogram` by chance".to_owned())),
    };
    let MetricData::ExponentialHistogram { points, .. } = &env.metric()?.data else { return NOTHING };
    let buckets: usize = points.iter().map(|point| point.positive.bucket_counts.len() + 1).sum();
    let made = points.len().saturating_mul(bounds.len() * (size_of::<f64>() + size_of::<u64>()));
    env.spend(buckets.saturating_mul(bounds.len().max(1) * 4))?;
    env.keep(made)?;
    let metric = env.metric()?;
    let MetricData::ExponentialHistogram { points, temporality } = &mut metric.data else { return NOTHING };
    let converted = |point: ExponentialHistogramPoint| HistogramPoint {
        bucket_counts: distributed(&point, bounds, distribution),
        explicit_bounds: bounds.to_vec(),
        attributes: point.attributes,
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        count: point.count,
        sum: Some(point.sum.unwrap_or_default()),
        min: Some(point.min.unwrap_or_default()),
        max: Some(point.max.unwrap_or_default()),
        exemplars: point.exemplars,
        flags: 0,
    };
    let points = std::mem::take(points).into_iter().map(converted).collect();
    metric.data = MetricData::Histogram { points, temporality: *temporality };
    metric.metadata = Attributes::default();
    NOTHING
}

fn distributed(point: &ExponentialHistogramPoint, bounds: &[f64], distribution: Distribution) -> Vec<u64> {
    let factor = std::f64::consts::LN_2 * (-f64::from(point.scale)).exp2();
    let mut counts = vec![0_u64; bounds.len()];
    if let (Some(0.0), Some(first)) = (bounds.first(), counts.first_mut()) {
        *first += point.zero_count;
    }
    for (index, count) in point.positive.bucket_counts.iter().enumerate() {
        let index = f64::from(point.positive.offset) + as_double(i64::try_from(index).unwrap_or(i64::MAX));
        let (lower, upper) = ((index * factor).exp(), ((index + 1.0) * factor).exp());
        if bounds.last().is_some_and(|last| lower > *last) {
            add(&mut counts, bounds.len() - 1, *count);
            continue;
        }
        let within = bounds.windows(2).position(|pair| matches!(pair, [low, high] if lower > *low && upper <= *high));
        match within {
            Some(bucket) => add(&mut counts, bucket, *count),
            None => distribution(*count, lower, upper, bounds, &mut counts),
        }
    }
    counts
}

fn add(counts: &mut [u64], bucket: usize, count: u64) {
    if let Some(known) = counts.get_mut(bucket) {
        *known = known.wrapping_add(count);
    }
}

fn upper(count: u64, _: f64, upper: f64, bounds: &[f64], counts: &mut [u64]) {
    let bucket = bounds.iter().position(|bound| upper <= *bound).unwrap_or(bounds.len() - 1);
    add(counts, bucket, count);
}

fn midpoint(count: u64, lower: f64, upper: f64, bounds: &[f64], counts: &mut [u64]) {
    let middle = (upper + lower) / 2.0;
    let bucket = match bounds.iter().position(|bound| middle <= *bound) {
        Some(bucket) => bucket.saturating_sub(1),
        None => bounds.len() - 1,
    };
    add(counts, bucket, count);
}

fn uniform(count: u64, lower: f64, upper: f64, bounds: &[f64], counts: &mut [u64]) {
    let start = bounds.iter().position(|bound| lower <= *bound).unwrap_or(bounds.len());
    let behind = bounds.iter().skip(start).position(|bound| upper <= *bound);
    let end = behind.map_or(bounds.len() - 1, |behind| start + behind).min(bounds.len() - 1);
    if end <= start {
        add(counts, start, count);
        return;
    }
    let buckets = u64::try_from(end - start + 1).unwrap_or(1);
    for (bucket, number) in (start..=end).zip(0..) {
        add(counts, bucket, count / buckets + u64::from(number < count % buckets));
    }
}

pub(crate) fn valid_percentile(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    match arguments.literal_double(0) {
        Some(percentile) if !(percentile > 0.0 && percentile < 100.0) => {
            Err((0, format!("the percentile is between 0 and 100, found {percentile}")))
        }
        _ => Ok(()),
    }
}

pub(crate) fn extract_percentile_metric(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let percentile = arguments.literal_double(0).unwrap_or_default();
    let suffix = match arguments.literal_text(1) {
        Some("") | None => format!("_p{percentile}"),
        Some(suffix) => suffix.to_owned(),
    };
    let octets = env.metric()?.held();
    env.spend(octets)?;
    if !matches!(env.metric()?.data, MetricData::Histogram { .. } | MetricData::ExponentialHistogram { .. }) {
        return NOTHING;
    }
    let room = room_of_points(env)?;
    let points = percentiles(&env.metric()?.data, percentile);
    if !points.as_ref().is_ok_and(|points| !points.is_empty()) {
        env.run.budget().release(room);
    }
    let points = points?;
    let metric = env.metric()?;
    let description = match metric.description.as_str() {
        "" => format!("p{percentile}"),
        known => format!("{known} (p{percentile})"),
    };
    let gauge = Metric {
        name: format!("{}{suffix}", metric.name),
        description,
        unit: metric.unit.clone(),
        data: MetricData::Gauge(points),
        ..Metric::default()
    };
    add_unless_empty(env, gauge)
}

/// A percentile of each point that has one.
fn percentiles(data: &MetricData, percentile: f64) -> Result<Vec<NumberPoint>, Error> {
    let mut taken = Vec::new();
    let mut take = |attributes: &Attributes, start: u64, time: u64, value: Option<f64>| {
        if let Some(value) = value {
            taken.push(NumberPoint {
                attributes: attributes.clone(),
                start_time_unix_nano: start,
                time_unix_nano: time,
                value: Some(Number::Double(value)),
                ..NumberPoint::default()
            });
        }
    };
    match data {
        MetricData::Histogram { points, .. } => {
            for point in points {
                let value = of_histogram(point, percentile)?;
                take(&point.attributes, point.start_time_unix_nano, point.time_unix_nano, value);
            }
        }
        MetricData::ExponentialHistogram { points, .. } => {
            for point in points {
                let value = of_exponential(point, percentile)?;
                take(&point.attributes, point.start_time_unix_nano, point.time_unix_nano, value);
            }
        }
        _ => {}
    }
    Ok(taken)
}

/// How many values are at most the percentile.
fn target(count: u64, percentile: f64) -> u64 {
    truncated((double(count) * (percentile / 100.0)).ceil()).cast_unsigned()
}

fn malformed() -> Error {
    Error::value("the counts of the buckets do not fit the histogram")
}

fn linear(lower: f64, upper: f64, ratio: f64) -> Result<Option<f64>, Error> {
    if (0.0..=1.0).contains(&ratio) || ratio.is_nan() {
        Ok(Some(lower + ratio * (upper - lower)))
    } else {
        Err(malformed())
    }
}

fn of_histogram(point: &HistogramPoint, percentile: f64) -> Result<Option<f64>, Error> {
    let (counts, bounds) = (&point.bucket_counts, &point.explicit_bounds);
    if point.count == 0 || counts.is_empty() {
        return Ok(None);
    }
    let target = target(point.count, percentile);
    if counts.len() != bounds.len() + 1 {
        return Err(malformed());
    }
    if let ([count], []) = (counts.as_slice(), bounds.as_slice()) {
        let (Some(min), Some(max)) = (point.min, point.max) else { return Ok(None) };
        return linear(min, max, double(target) / double(*count));
    }
    let mut before = 0_u64;
    for (index, count) in counts.iter().enumerate() {
        let total = before.wrapping_add(*count);
        if total < target {
            before = total;
            continue;
        }
        let upper = bounds.get(index).copied();
        let (lower, upper) = match (index.checked_sub(1).and_then(|index| bounds.get(index)), upper) {
            (None, Some(upper)) => match point.min {
                Some(min) if min < upper => (min, upper),
                _ if upper < 0.0 => return Ok(Some(upper)),
                _ => (0.0, upper),
            },
            (Some(lower), Some(upper)) => (*lower, upper),
            (Some(lower), None) => match point.max {
                Some(max) if max > *lower => (*lower, max),
                _ => return Ok(Some(*lower)),
            },
            (None, None) => return Err(malformed()),
        };
        return linear(lower, upper, double(target - before) / double(*count));
    }
    Err(malformed())
}

fn logarithmic(lower: f64, upper: f64, ratio: f64) -> Result<f64, Error> {
    if !(0.0..=1.0).contains(&ratio) || lower <= 0.0 || upper <= 0.0 {
        return Err(malformed());
    }
    let (low, high) = (lower.log2(), upper.log2());
    Ok((low + (high - low) * ratio).exp2())
}

/// The lower bound of a bucket.
fn bound(index: i64, scale: i32) -> f64 {
    if scale <= 0 {
        let shift = scale.unsigned_abs().min(62);
        return as_double(index.saturating_mul(1 << shift)).exp2();
    }
    (as_double(index) * (std::f64::consts::LN_2 * (-f64::from(scale)).exp2())).exp()
}

/// The number of a bucket.
fn numbered(buckets: &Buckets, index: usize) -> i64 {
    i64::from(buckets.offset).saturating_add(i64::try_from(index).unwrap_or(i64::MAX))
}

fn of_exponential(point: &ExponentialHistogramPoint, percentile: f64) -> Result<Option<f64>, Error> {
    let (negative, positive) = (&point.negative, &point.positive);
    if point.count == 0
        || (negative.bucket_counts.is_empty() && positive.bucket_counts.is_empty() && point.zero_count == 0)
    {
        return Ok(None);
    }
    let target = target(point.count, percentile);
    let mut before = 0_u64;
    for (index, count) in negative.bucket_counts.iter().enumerate().rev() {
        let total = before.wrapping_add(*count);
        if total >= target {
            let number = numbered(negative, index);
            let (lower, upper) = (bound(number, point.scale), bound(number.saturating_add(1), point.scale));
            if lower >= upper {
                return Err(malformed());
            }
            let ratio = double(target - before) / double(*count);
            return Ok(Some(-logarithmic(lower, upper, 1.0 - ratio)?));
        }
        before = total;
    }
    let total = before.wrapping_add(point.zero_count);
    if total >= target {
        let (mut lower, mut upper) = (-point.zero_threshold, point.zero_threshold);
        if negative.bucket_counts.is_empty() && !positive.bucket_counts.is_empty() {
            lower = 0.0;
        } else if positive.bucket_counts.is_empty() && !negative.bucket_counts.is_empty() {
            upper = 0.0;
        }
        return linear(lower, upper, double(target - before) / double(point.zero_count));
    }
    before = total;
    for (index, count) in positive.bucket_counts.iter().enumerate() {
        let total = before.wrapping_add(*count);
        if total >= target {
            let number = numbered(positive, index);
            let (lower, upper) = (bound(number, point.scale), bound(number.saturating_add(1), point.scale));
            return logarithmic(lower, upper, double(target - before) / double(*count)).map(Some);
        }
        before = total;
    }
    Err(malformed())
}

pub(crate) fn valid_merge(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    let limits = match arguments.literal_text(1) {
        Some("limit_buckets") => true,
        Some("remove_explicit_bound") | None => false,
        Some(other) => {
            return Err((1, format!("`{other}` is neither \"remove_explicit_bound\" nor \"limit_buckets\"")));
        }
    };
    let Some(target) = arguments.literal(0) else { return Ok(()) };
    match float_like(target) {
        Ok(Some(target)) if limits => match most_buckets(target) {
            Some(_) => Ok(()),
            None => Err((0, not_buckets(target))),
        },
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err((0, "the target is nil".to_owned())),
        Err(error) => Err((0, error.to_string())),
    }
}

/// To how many buckets a histogram is limited.
fn most_buckets(target: f64) -> Option<usize> {
    let most = truncated(target);
    if target < 1.0 || target.fract() != 0.0 || most < 1 { None } else { usize::try_from(most).ok() }
}

fn not_buckets(target: f64) -> String {
    format!("the target is a whole number above 0 here, found {target}")
}

pub(crate) fn merge_histogram_buckets(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let is_histogram = |subject: &Subject<'_>| match subject {
        Subject::Point { metric, .. } => matches!(metric.data, MetricData::Histogram { .. }),
        _ => false,
    };
    if !is_histogram(&env.record) {
        return NOTHING;
    }
    let target = arguments.float_like(0, env)?.ok_or_else(|| Error::value("the target is nil"))?;
    let Subject::Point { metric, index } = &mut env.record else { return NOTHING };
    let MetricData::Histogram { points, .. } = &mut metric.data else { return NOTHING };
    let Some(point) = points.get_mut(*index) else { return NOTHING };
    let (bounds, counts) = (&mut point.explicit_bounds, &mut point.bucket_counts);
    env.run.spend(bounds.len() + counts.len())?;
    if arguments.literal_text(1) == Some("limit_buckets") {
        let most = most_buckets(target).ok_or_else(|| Error::value(not_buckets(target)))?;
        limit_buckets(bounds, counts, most);
        return NOTHING;
    }
    if bounds.len() + 1 != counts.len() || bounds.is_empty() {
        return NOTHING;
    }
    if let Some(place) = bounds.iter().position(|bound| (bound - target).abs() < 1e-12) {
        bounds.remove(place);
        let merged = counts.remove(place);
        if let Some(next) = counts.get_mut(place) {
            *next = next.wrapping_add(merged);
        }
    }
    NOTHING
}

fn limit_buckets(bounds: &mut Vec<f64>, counts: &mut Vec<u64>, most: usize) {
    let increasing = bounds.windows(2).all(|pair| matches!(pair, [lower, upper] if upper > lower));
    if bounds.len() + 1 != counts.len() || counts.len() <= most.max(1) || !increasing {
        return;
    }
    let together = (counts.len() - 1) / most + 1;
    *counts = counts
        .chunks(together)
        .map(|counts| counts.iter().fold(0, |sum: u64, count| sum.wrapping_add(*count)))
        .collect();
    *bounds = bounds.iter().skip(together - 1).step_by(together).copied().collect();
}
