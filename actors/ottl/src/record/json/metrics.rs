//! Metrics and their points, read.
//!
//! Source: opentelemetry-proto 1.x, `metrics.proto`.

use serde::de::MapAccess;

use super::field;
use super::read::{Counted, Fields, Source};
use crate::record::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, Metric, MetricData, Number, NumberPoint, SummaryPoint,
};

impl Fields for Metric {
    const COUNTED: Option<Counted> = Some(Counted::Metrics);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        let data = match name {
            "name" => return from.scalar(&mut self.name, field::text),
            "description" => return from.scalar(&mut self.description, field::text),
            "unit" => return from.scalar(&mut self.unit, field::text),
            "metadata" => return from.attributes(&mut self.metadata),
            "gauge" => from.points()?.map(|points: Points<_>| MetricData::Gauge(points.points)),
            "sum" => from.points()?.map(|Points { points, temporality, is_monotonic }| MetricData::Sum {
                points,
                temporality,
                is_monotonic,
            }),
            "histogram" => {
                from.points()?.map(|Points { points, temporality, .. }| MetricData::Histogram { points, temporality })
            }
            "exponentialHistogram" => from
                .points()?
                .map(|Points { points, temporality, .. }| MetricData::ExponentialHistogram { points, temporality }),
            "summary" => from.points()?.map(|points: Points<_>| MetricData::Summary(points.points)),
            _ => return from.skip(),
        };
        if let Some(data) = data {
            self.data = data;
        }
        Ok(())
    }
}

/// `Gauge`, `Sum`, `Histogram`, `ExponentialHistogram`, `Summary`: each has some of these.
#[derive(Default)]
struct Points<P> {
    points: Vec<P>,
    temporality: i32,
    is_monotonic: bool,
}

impl<P: Fields + Default> Fields for Points<P> {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "dataPoints" => from.list(&mut self.points).map(drop),
            "aggregationTemporality" => from.scalar(&mut self.temporality, field::temporality),
            "isMonotonic" => from.scalar(&mut self.is_monotonic, field::boolean),
            _ => from.skip(),
        }
    }
}

impl<'de, A: MapAccess<'de>> Source<'_, A> {
    fn points<P: Fields + Default>(&mut self) -> Result<Option<Points<P>>, A::Error> {
        let mut points = Points::default();
        Ok(self.message(&mut points)?.then_some(points))
    }

    /// Reads a number that must be there to count; `null` leaves it as it is.
    fn number(
        &mut self,
        into: &mut Option<Number>,
        convert: fn(field::Scalar) -> Result<Number, String>,
    ) -> Result<(), A::Error> {
        if let Some(number) = self.maybe(convert)? {
            *into = Some(number);
        }
        Ok(())
    }
}

fn int(scalar: field::Scalar) -> Result<Number, String> {
    field::i64(scalar).map(Number::Int)
}

fn double(scalar: field::Scalar) -> Result<Number, String> {
    field::f64(scalar).map(Number::Double)
}

fn optional(scalar: field::Scalar) -> Result<Option<f64>, String> {
    field::f64(scalar).map(Some)
}

impl Fields for NumberPoint {
    const COUNTED: Option<Counted> = Some(Counted::Records);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "attributes" => from.attributes(&mut self.attributes),
            "startTimeUnixNano" => from.scalar(&mut self.start_time_unix_nano, field::u64),
            "timeUnixNano" => from.scalar(&mut self.time_unix_nano, field::u64),
            "asDouble" => from.number(&mut self.value, double),
            "asInt" => from.number(&mut self.value, int),
            "exemplars" => from.list(&mut self.exemplars).map(drop),
            "flags" => from.scalar(&mut self.flags, field::u32),
            _ => from.skip(),
        }
    }
}

impl Fields for Exemplar {
    const COUNTED: Option<Counted> = Some(Counted::Exemplars);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "filteredAttributes" => from.attributes(&mut self.filtered_attributes),
            "timeUnixNano" => from.scalar(&mut self.time_unix_nano, field::u64),
            "asDouble" => from.number(&mut self.value, double),
            "asInt" => from.number(&mut self.value, int),
            "traceId" => from.scalar(&mut self.trace_id, field::id),
            "spanId" => from.scalar(&mut self.span_id, field::id),
            _ => from.skip(),
        }
    }
}

impl Fields for HistogramPoint {
    const COUNTED: Option<Counted> = Some(Counted::Records);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "attributes" => from.attributes(&mut self.attributes),
            "startTimeUnixNano" => from.scalar(&mut self.start_time_unix_nano, field::u64),
            "timeUnixNano" => from.scalar(&mut self.time_unix_nano, field::u64),
            "count" => from.scalar(&mut self.count, field::u64),
            "sum" => from.scalar(&mut self.sum, optional),
            "bucketCounts" => from.scalars(&mut self.bucket_counts, field::u64),
            "explicitBounds" => from.scalars(&mut self.explicit_bounds, field::f64),
            "exemplars" => from.list(&mut self.exemplars).map(drop),
            "flags" => from.scalar(&mut self.flags, field::u32),
            "min" => from.scalar(&mut self.min, optional),
            "max" => from.scalar(&mut self.max, optional),
            _ => from.skip(),
        }
    }
}

impl Fields for ExponentialHistogramPoint {
    const COUNTED: Option<Counted> = Some(Counted::Records);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "attributes" => from.attributes(&mut self.attributes),
            "startTimeUnixNano" => from.scalar(&mut self.start_time_unix_nano, field::u64),
            "timeUnixNano" => from.scalar(&mut self.time_unix_nano, field::u64),
            "count" => from.scalar(&mut self.count, field::u64),
            "sum" => from.scalar(&mut self.sum, optional),
            "scale" => from.scalar(&mut self.scale, field::i32),
            "zeroCount" => from.scalar(&mut self.zero_count, field::u64),
            "positive" => from.message(&mut self.positive).map(drop),
            "negative" => from.message(&mut self.negative).map(drop),
            "flags" => from.scalar(&mut self.flags, field::u32),
            "exemplars" => from.list(&mut self.exemplars).map(drop),
            "min" => from.scalar(&mut self.min, optional),
            "max" => from.scalar(&mut self.max, optional),
            "zeroThreshold" => from.scalar(&mut self.zero_threshold, field::f64),
            _ => from.skip(),
        }
    }
}

impl Fields for Buckets {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "offset" => from.scalar(&mut self.offset, field::i32),
            "bucketCounts" => from.scalars(&mut self.bucket_counts, field::u64),
            _ => from.skip(),
        }
    }
}

impl Fields for SummaryPoint {
    const COUNTED: Option<Counted> = Some(Counted::Records);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "attributes" => from.attributes(&mut self.attributes),
            "startTimeUnixNano" => from.scalar(&mut self.start_time_unix_nano, field::u64),
            "timeUnixNano" => from.scalar(&mut self.time_unix_nano, field::u64),
            "count" => from.scalar(&mut self.count, field::u64),
            "sum" => from.scalar(&mut self.sum, field::f64),
            "quantileValues" => {
                let mut values: Vec<ValueAtQuantile> = Vec::new();
                from.list(&mut values)?;
                self.quantile_values.extend(values.into_iter().map(|entry| (entry.quantile, entry.value)));
                Ok(())
            }
            "flags" => from.scalar(&mut self.flags, field::u32),
            _ => from.skip(),
        }
    }
}

/// `ValueAtQuantile`
#[derive(Default)]
struct ValueAtQuantile {
    quantile: f64,
    value: f64,
}

impl Fields for ValueAtQuantile {
    const COUNTED: Option<Counted> = Some(Counted::Quantiles);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "quantile" => from.scalar(&mut self.quantile, field::f64),
            "value" => from.scalar(&mut self.value, field::f64),
            _ => from.skip(),
        }
    }
}
