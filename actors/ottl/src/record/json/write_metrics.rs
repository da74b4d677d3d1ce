//! Metrics and their points, written.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::write::{Double, Fields, Quoted, object};
use crate::record::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, Metric, MetricData, Number, NumberPoint, SummaryPoint,
};

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.text("name", &self.name)?;
            fields.text("description", &self.description)?;
            fields.text("unit", &self.unit)?;
            match &self.data {
                MetricData::Empty => {}
                MetricData::Gauge(points) => fields.always("gauge", &Points::of(points))?,
                MetricData::Sum { points, temporality, is_monotonic } => {
                    let points = Points { points, temporality: *temporality, is_monotonic: *is_monotonic };
                    fields.always("sum", &points)?;
                }
                MetricData::Histogram { points, temporality } => {
                    fields.always("histogram", &Points { temporality: *temporality, ..Points::of(points) })?;
                }
                MetricData::ExponentialHistogram { points, temporality } => {
                    fields
                        .always("exponentialHistogram", &Points { temporality: *temporality, ..Points::of(points) })?;
                }
                MetricData::Summary(points) => fields.always("summary", &Points::of(points))?,
            }
            fields.attributes("metadata", &self.metadata)
        })
    }
}

/// `Gauge`, `Sum`, `Histogram`, `ExponentialHistogram`, `Summary`: each has some of these.
struct Points<'p, P> {
    points: &'p [P],
    temporality: i32,
    is_monotonic: bool,
}

impl<'p, P> Points<'p, P> {
    const fn of(points: &'p [P]) -> Self {
        Self { points, temporality: 0, is_monotonic: false }
    }
}

impl<P: Serialize> Serialize for Points<'_, P> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.list("dataPoints", self.points)?;
            fields.i32("aggregationTemporality", self.temporality)?;
            if self.is_monotonic { fields.always("isMonotonic", &true) } else { Ok(()) }
        })
    }
}

/// The value of a point or an example, if there is one.
fn number<M: SerializeMap>(fields: &mut Fields<M>, value: Option<Number>) -> Result<(), M::Error> {
    match value {
        None => Ok(()),
        Some(Number::Int(value)) => fields.always("asInt", &Quoted(value)),
        Some(Number::Double(value)) => fields.always("asDouble", &Double(value)),
    }
}

fn counts<M: SerializeMap>(fields: &mut Fields<M>, counts: &[u64]) -> Result<(), M::Error> {
    fields.list("bucketCounts", &counts.iter().map(Quoted).collect::<Vec<_>>())
}

impl Serialize for NumberPoint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.attributes("attributes", &self.attributes)?;
            fields.u64("startTimeUnixNano", self.start_time_unix_nano)?;
            fields.u64("timeUnixNano", self.time_unix_nano)?;
            number(fields, self.value)?;
            fields.list("exemplars", &self.exemplars)?;
            fields.u32("flags", self.flags)
        })
    }
}

impl Serialize for Exemplar {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.attributes("filteredAttributes", &self.filtered_attributes)?;
            fields.u64("timeUnixNano", self.time_unix_nano)?;
            number(fields, self.value)?;
            fields.id("traceId", &self.trace_id)?;
            fields.id("spanId", &self.span_id)
        })
    }
}

impl Serialize for HistogramPoint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.attributes("attributes", &self.attributes)?;
            fields.u64("startTimeUnixNano", self.start_time_unix_nano)?;
            fields.u64("timeUnixNano", self.time_unix_nano)?;
            fields.u64("count", self.count)?;
            fields.optional("sum", self.sum)?;
            counts(fields, &self.bucket_counts)?;
            fields.list("explicitBounds", &self.explicit_bounds.iter().copied().map(Double).collect::<Vec<_>>())?;
            fields.list("exemplars", &self.exemplars)?;
            fields.u32("flags", self.flags)?;
            fields.optional("min", self.min)?;
            fields.optional("max", self.max)
        })
    }
}

impl Serialize for ExponentialHistogramPoint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.attributes("attributes", &self.attributes)?;
            fields.u64("startTimeUnixNano", self.start_time_unix_nano)?;
            fields.u64("timeUnixNano", self.time_unix_nano)?;
            fields.u64("count", self.count)?;
            fields.optional("sum", self.sum)?;
            fields.i32("scale", self.scale)?;
            fields.u64("zeroCount", self.zero_count)?;
            fields.always("positive", &self.positive)?;
            fields.always("negative", &self.negative)?;
            fields.u32("flags", self.flags)?;
            fields.list("exemplars", &self.exemplars)?;
            fields.optional("min", self.min)?;
            fields.optional("max", self.max)?;
            fields.f64("zeroThreshold", self.zero_threshold)
        })
    }
}

impl Serialize for Buckets {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.i32("offset", self.offset)?;
            counts(fields, &self.bucket_counts)
        })
    }
}

impl Serialize for SummaryPoint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.attributes("attributes", &self.attributes)?;
            fields.u64("startTimeUnixNano", self.start_time_unix_nano)?;
            fields.u64("timeUnixNano", self.time_unix_nano)?;
            fields.u64("count", self.count)?;
            fields.f64("sum", self.sum)?;
            let values: Vec<_> = self.quantile_values.iter().map(|(q, value)| ValueAtQuantile(*q, *value)).collect();
            fields.list("quantileValues", &values)?;
            fields.u32("flags", self.flags)
        })
    }
}

struct ValueAtQuantile(f64, f64);

impl Serialize for ValueAtQuantile {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.f64("quantile", self.0)?;
            fields.f64("value", self.1)
        })
    }
}
