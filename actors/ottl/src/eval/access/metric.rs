//! Fields of metrics.

use super::{int, low_i32, part, set_map, text, truth, wrong_part};
use crate::{
    check::field::Field,
    eval::{Datum, Error, Part},
    record::{Metric, MetricData},
};

pub(super) fn read(metric: &Metric, field: Field) -> Result<Datum, Error> {
    Ok(match field {
        Field::Name => Datum::Text(metric.name.clone()),
        Field::Description => Datum::Text(metric.description.clone()),
        Field::Unit => Datum::Text(metric.unit.clone()),
        Field::Type => Datum::Int(match metric.data {
            MetricData::Empty => 0,
            MetricData::Gauge(_) => 1,
            MetricData::Sum { .. } => 2,
            MetricData::Histogram { .. } => 3,
            MetricData::ExponentialHistogram { .. } => 4,
            MetricData::Summary(_) => 5,
        }),
        Field::AggregationTemporality => match metric.data {
            MetricData::Sum { temporality, .. }
            | MetricData::Histogram { temporality, .. }
            | MetricData::ExponentialHistogram { temporality, .. } => Datum::Int(i64::from(temporality)),
            _ => Datum::Nil,
        },
        Field::IsMonotonic => match metric.data {
            MetricData::Sum { is_monotonic, .. } => Datum::Bool(is_monotonic),
            _ => Datum::Nil,
        },
        Field::DataPoints => match &metric.data {
            MetricData::Empty => Datum::Nil,
            MetricData::Gauge(points) | MetricData::Sum { points, .. } => Part::Numbers(points.clone()).into(),
            MetricData::Histogram { points, .. } => Part::Histograms(points.clone()).into(),
            MetricData::ExponentialHistogram { points, .. } => Part::ExponentialHistograms(points.clone()).into(),
            MetricData::Summary(points) => Part::Summaries(points.clone()).into(),
        },
        Field::Metadata => Datum::Map(metric.metadata.clone()),
        _ => return Err(super::absent()),
    })
}

pub(super) fn write(metric: &mut Metric, field: Field, datum: Datum) -> Result<(), Error> {
    match field {
        Field::Name => metric.name = text(datum)?,
        Field::Description => metric.description = text(datum)?,
        Field::Unit => metric.unit = text(datum)?,
        Field::AggregationTemporality => {
            let new = low_i32(int(datum)?);
            if let MetricData::Sum { temporality, .. }
            | MetricData::Histogram { temporality, .. }
            | MetricData::ExponentialHistogram { temporality, .. } = &mut metric.data
            {
                *temporality = new;
            }
        }
        Field::IsMonotonic => {
            let new = truth(datum)?;
            if let MetricData::Sum { is_monotonic, .. } = &mut metric.data {
                *is_monotonic = new;
            }
        }
        Field::DataPoints => match (&mut metric.data, part(datum)?) {
            (MetricData::Gauge(points) | MetricData::Sum { points, .. }, Part::Numbers(new)) => *points = new,
            (MetricData::Histogram { points, .. }, Part::Histograms(new)) => *points = new,
            (MetricData::ExponentialHistogram { points, .. }, Part::ExponentialHistograms(new)) => *points = new,
            (MetricData::Summary(points), Part::Summaries(new)) => *points = new,
            _ => return Err(wrong_part()),
        },
        Field::Metadata => set_map(&mut metric.metadata, datum)?,
        _ => return Err(super::absent()),
    }
    Ok(())
}
