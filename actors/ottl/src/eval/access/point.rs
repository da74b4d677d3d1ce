//! Fields of the points of metrics.

use super::{double, int, low_i32, low_u32, part, set_map, time, wrong_part};
use crate::{
    check::field::Field,
    eval::{Datum, Error, Part, Time},
    record::{
        Attributes, Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, MetricData, Number, NumberPoint,
        SummaryPoint,
    },
};

/// A point of any type.
enum Point<'a> {
    Number(&'a mut NumberPoint),
    Histogram(&'a mut HistogramPoint),
    Exponential(&'a mut ExponentialHistogramPoint),
    Summary(&'a mut SummaryPoint),
}

/// What all points have.
struct Common<'a> {
    attributes: &'a mut Attributes,
    start: &'a mut u64,
    time: &'a mut u64,
    flags: &'a mut u32,
}

fn point(data: &mut MetricData, index: usize) -> Option<Point<'_>> {
    match data {
        MetricData::Empty => None,
        MetricData::Gauge(points) | MetricData::Sum { points, .. } => points.get_mut(index).map(Point::Number),
        MetricData::Histogram { points, .. } => points.get_mut(index).map(Point::Histogram),
        MetricData::ExponentialHistogram { points, .. } => points.get_mut(index).map(Point::Exponential),
        MetricData::Summary(points) => points.get_mut(index).map(Point::Summary),
    }
}

impl Point<'_> {
    fn common(&mut self) -> Common<'_> {
        macro_rules! common {
            ($point:expr) => {
                Common {
                    attributes: &mut $point.attributes,
                    start: &mut $point.start_time_unix_nano,
                    time: &mut $point.time_unix_nano,
                    flags: &mut $point.flags,
                }
            };
        }
        match self {
            Self::Number(point) => common!(point),
            Self::Histogram(point) => common!(point),
            Self::Exponential(point) => common!(point),
            Self::Summary(point) => common!(point),
        }
    }

    fn exemplars(&mut self) -> Option<&mut Vec<Exemplar>> {
        match self {
            Self::Number(point) => Some(&mut point.exemplars),
            Self::Histogram(point) => Some(&mut point.exemplars),
            Self::Exponential(point) => Some(&mut point.exemplars),
            Self::Summary(_) => None,
        }
    }

    fn count(&mut self) -> Option<&mut u64> {
        match self {
            Self::Number(_) => None,
            Self::Histogram(point) => Some(&mut point.count),
            Self::Exponential(point) => Some(&mut point.count),
            Self::Summary(point) => Some(&mut point.count),
        }
    }
}

pub(super) fn attributes(data: &mut MetricData, index: usize) -> Option<&mut Attributes> {
    match data {
        MetricData::Empty => None,
        MetricData::Gauge(points) | MetricData::Sum { points, .. } => {
            points.get_mut(index).map(|point| &mut point.attributes)
        }
        MetricData::Histogram { points, .. } => points.get_mut(index).map(|point| &mut point.attributes),
        MetricData::ExponentialHistogram { points, .. } => points.get_mut(index).map(|point| &mut point.attributes),
        MetricData::Summary(points) => points.get_mut(index).map(|point| &mut point.attributes),
    }
}

pub(super) fn read(data: &mut MetricData, index: usize, field: Field) -> Result<Datum, Error> {
    let mut point = point(data, index).ok_or_else(super::absent)?;
    let common = point.common();
    Ok(match field {
        Field::Attributes => Datum::Map(common.attributes.clone()),
        Field::StartTimeUnixNano => Datum::Int(common.start.cast_signed()),
        Field::TimeUnixNano => Datum::Int(common.time.cast_signed()),
        Field::StartTime => Datum::Time(Time::of_record(*common.start)),
        Field::Time => Datum::Time(Time::of_record(*common.time)),
        Field::Flags => Datum::Int(i64::from(*common.flags)),
        Field::Exemplars => match point.exemplars() {
            Some(exemplars) => Part::Exemplars(exemplars.clone()).into(),
            None => Datum::Nil,
        },
        Field::Count => point.count().map_or(Datum::Nil, |count| Datum::Int(count.cast_signed())),
        _ => read_own(&point, field)?,
    })
}

/// What only one type of point has; nil for the others.
fn read_own(point: &Point<'_>, field: Field) -> Result<Datum, Error> {
    Ok(match (field, point) {
        (Field::ValueDouble, Point::Number(point)) => Datum::Double(match point.value {
            Some(Number::Double(number)) => number,
            _ => 0.0,
        }),
        (Field::ValueInt, Point::Number(point)) => Datum::Int(match point.value {
            Some(Number::Int(number)) => number,
            _ => 0,
        }),
        (Field::Sum, Point::Histogram(point)) => Datum::Double(point.sum.unwrap_or_default()),
        (Field::Sum, Point::Exponential(point)) => Datum::Double(point.sum.unwrap_or_default()),
        (Field::Sum, Point::Summary(point)) => Datum::Double(point.sum),
        (Field::BucketCounts, Point::Histogram(point)) => Datum::Counts(point.bucket_counts.clone()),
        (Field::ExplicitBounds, Point::Histogram(point)) => Datum::Doubles(point.explicit_bounds.clone()),
        (Field::Scale, Point::Exponential(point)) => Datum::Int(i64::from(point.scale)),
        (Field::ZeroCount, Point::Exponential(point)) => Datum::Int(point.zero_count.cast_signed()),
        (Field::Positive, Point::Exponential(point)) => Part::Buckets(point.positive.clone()).into(),
        (Field::Negative, Point::Exponential(point)) => Part::Buckets(point.negative.clone()).into(),
        (Field::PositiveOffset, Point::Exponential(point)) => Datum::Int(i64::from(point.positive.offset)),
        (Field::NegativeOffset, Point::Exponential(point)) => Datum::Int(i64::from(point.negative.offset)),
        (Field::PositiveBucketCounts, Point::Exponential(point)) => Datum::Counts(point.positive.bucket_counts.clone()),
        (Field::NegativeBucketCounts, Point::Exponential(point)) => Datum::Counts(point.negative.bucket_counts.clone()),
        (Field::QuantileValues, Point::Summary(point)) => Part::Quantiles(point.quantile_values.clone()).into(),
        (
            Field::ValueDouble
            | Field::ValueInt
            | Field::Sum
            | Field::BucketCounts
            | Field::ExplicitBounds
            | Field::Scale
            | Field::ZeroCount
            | Field::Positive
            | Field::Negative
            | Field::PositiveOffset
            | Field::NegativeOffset
            | Field::PositiveBucketCounts
            | Field::NegativeBucketCounts
            | Field::QuantileValues,
            _,
        ) => Datum::Nil,
        _ => return Err(super::absent()),
    })
}

pub(super) fn write(data: &mut MetricData, index: usize, field: Field, datum: Datum) -> Result<(), Error> {
    let other = || Error::value("a point of this type has no such field");
    let mut point = point(data, index).ok_or_else(super::absent)?;
    let common = point.common();
    match field {
        Field::Attributes => set_map(common.attributes, datum)?,
        Field::StartTimeUnixNano => *common.start = int(datum)?.cast_unsigned(),
        Field::TimeUnixNano => *common.time = int(datum)?.cast_unsigned(),
        Field::StartTime => *common.start = time(datum)?.to_record(),
        Field::Time => *common.time = time(datum)?.to_record(),
        Field::Flags => *common.flags = low_u32(int(datum)?),
        Field::Exemplars => match (point.exemplars(), part(datum)?) {
            (Some(exemplars), Part::Exemplars(new)) => *exemplars = new,
            (None, _) => return Err(other()),
            _ => return Err(wrong_part()),
        },
        Field::Count => {
            let new = int(datum)?.cast_unsigned();
            *point.count().ok_or_else(other)? = new;
        }
        Field::Sum => {
            let new = double(datum)?;
            match point {
                Point::Number(_) => return Err(other()),
                Point::Histogram(point) => point.sum = Some(new),
                Point::Exponential(point) => point.sum = Some(new),
                Point::Summary(point) => point.sum = new,
            }
        }
        Field::ValueDouble | Field::ValueInt => match (field, point) {
            (Field::ValueDouble, Point::Number(point)) => point.value = Some(Number::Double(double(datum)?)),
            (_, Point::Number(point)) => point.value = Some(Number::Int(int(datum)?)),
            _ => return Err(other()),
        },
        Field::BucketCounts | Field::ExplicitBounds => match (field, point) {
            (Field::BucketCounts, Point::Histogram(point)) => point.bucket_counts = counts(datum)?,
            (_, Point::Histogram(point)) => point.explicit_bounds = doubles(datum)?,
            _ => return Err(other()),
        },
        Field::QuantileValues => match (point, part(datum)?) {
            (Point::Summary(point), Part::Quantiles(new)) => point.quantile_values = new,
            (Point::Summary(_), _) => return Err(wrong_part()),
            _ => return Err(other()),
        },
        _ => match point {
            Point::Exponential(point) => write_exponential(point, field, datum)?,
            _ => return Err(other()),
        },
    }
    Ok(())
}

fn write_exponential(point: &mut ExponentialHistogramPoint, field: Field, datum: Datum) -> Result<(), Error> {
    match field {
        Field::Scale => point.scale = low_i32(int(datum)?),
        Field::ZeroCount => point.zero_count = int(datum)?.cast_unsigned(),
        Field::Positive => point.positive = buckets(datum)?,
        Field::Negative => point.negative = buckets(datum)?,
        Field::PositiveOffset => point.positive.offset = low_i32(int(datum)?),
        Field::NegativeOffset => point.negative.offset = low_i32(int(datum)?),
        Field::PositiveBucketCounts => point.positive.bucket_counts = counts(datum)?,
        Field::NegativeBucketCounts => point.negative.bucket_counts = counts(datum)?,
        _ => return Err(super::absent()),
    }
    Ok(())
}

fn buckets(datum: Datum) -> Result<Buckets, Error> {
    match part(datum)? {
        Part::Buckets(buckets) => Ok(buckets),
        _ => Err(wrong_part()),
    }
}

/// A list of counts (`SetCommonIntSliceValues`).
fn counts(datum: Datum) -> Result<Vec<u64>, Error> {
    let wrong = |found: &Datum| Error::value(format!("counts are whole numbers, found {}", found.words()));
    match datum {
        Datum::Counts(counts) => Ok(counts),
        Datum::Items(items) => items
            .into_iter()
            .map(|item| match item {
                Datum::Int(number) => Ok(number.cast_unsigned()),
                other => Err(wrong(&other)),
            })
            .collect(),
        Datum::List(items) => items
            .iter()
            .map(|item| match Datum::from(item) {
                Datum::Int(number) => Ok(number.cast_unsigned()),
                other => Err(wrong(&other)),
            })
            .collect(),
        other => Err(Error::value(format!("this field takes a list of whole numbers, found {}", other.words()))),
    }
}

/// A list of numbers with a fraction (`SetCommonTypedSliceValues`).
fn doubles(datum: Datum) -> Result<Vec<f64>, Error> {
    let wrong = |found: &Datum| Error::value(format!("bounds are numbers with a fraction, found {}", found.words()));
    match datum {
        Datum::Doubles(items) => Ok(items),
        Datum::Items(items) => items
            .into_iter()
            .map(|item| match item {
                Datum::Double(number) => Ok(number),
                other => Err(wrong(&other)),
            })
            .collect(),
        Datum::List(items) => items
            .iter()
            .map(|item| match Datum::from(item) {
                Datum::Double(number) => Ok(number),
                other => Err(wrong(&other)),
            })
            .collect(),
        other => Err(Error::value(format!("this field takes a list of numbers, found {}", other.words()))),
    }
}
