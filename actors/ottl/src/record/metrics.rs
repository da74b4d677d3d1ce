//! Metrics and their points.
//!
//! Source: opentelemetry-proto 1.x, `metrics.proto`.

use super::{Attributes, SpanId, TraceId};

/// A metric with its points.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// What it measures.
    pub description: String,
    /// The unit, by UCUM.
    pub unit: String,
    /// What else is known of it.
    pub metadata: Attributes,
    /// Its points.
    pub data: MetricData,
}

/// The points of a metric by their type.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum MetricData {
    /// None given.
    #[default]
    Empty,
    /// Values as they are.
    Gauge(Vec<NumberPoint>),
    /// Values that add up.
    Sum {
        /// The points.
        points: Vec<NumberPoint>,
        /// `AggregationTemporality`: 1 delta, 2 cumulative.
        temporality: i32,
        /// Whether it only grows.
        is_monotonic: bool,
    },
    /// Values counted by range.
    Histogram {
        /// The points.
        points: Vec<HistogramPoint>,
        /// `AggregationTemporality`
        temporality: i32,
    },
    /// Values counted by range of growing width.
    ExponentialHistogram {
        /// The points.
        points: Vec<ExponentialHistogramPoint>,
        /// `AggregationTemporality`
        temporality: i32,
    },
    /// Quantiles.
    Summary(Vec<SummaryPoint>),
}

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Whole.
    Int(i64),
    /// With a fraction.
    Double(f64),
}

/// A point of a gauge or a sum.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NumberPoint {
    /// Its attributes.
    pub attributes: Attributes,
    /// When counting began, in nanoseconds since 1970; 0 when unknown.
    pub start_time_unix_nano: u64,
    /// When it was read, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// The value.
    pub value: Option<Number>,
    /// Examples of what was measured.
    pub exemplars: Vec<Exemplar>,
    /// `DataPointFlags`: 1 when there is no value.
    pub flags: u32,
}

/// An example of what was measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exemplar {
    /// Attributes that the point does not have.
    pub filtered_attributes: Attributes,
    /// When, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// The value.
    pub value: Option<Number>,
    /// The span in which it was measured.
    pub span_id: SpanId,
    /// The trace in which it was measured.
    pub trace_id: TraceId,
}

/// A point of a histogram.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistogramPoint {
    /// Its attributes.
    pub attributes: Attributes,
    /// When counting began, in nanoseconds since 1970.
    pub start_time_unix_nano: u64,
    /// When it was read, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: Option<f64>,
    /// How many in each range.
    pub bucket_counts: Vec<u64>,
    /// The borders of the ranges.
    pub explicit_bounds: Vec<f64>,
    /// Examples.
    pub exemplars: Vec<Exemplar>,
    /// `DataPointFlags`
    pub flags: u32,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

/// Counts by range, of one sign.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Buckets {
    /// The index of the first.
    pub offset: i32,
    /// How many in each.
    pub bucket_counts: Vec<u64>,
}

/// A point of an exponential histogram.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExponentialHistogramPoint {
    /// Its attributes.
    pub attributes: Attributes,
    /// When counting began, in nanoseconds since 1970.
    pub start_time_unix_nano: u64,
    /// When it was read, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: Option<f64>,
    /// The base is 2^(2^-scale).
    pub scale: i32,
    /// How many were zero.
    pub zero_count: u64,
    /// Those above zero.
    pub positive: Buckets,
    /// Those below zero.
    pub negative: Buckets,
    /// `DataPointFlags`
    pub flags: u32,
    /// Examples.
    pub exemplars: Vec<Exemplar>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// Up to where values count as zero.
    pub zero_threshold: f64,
}

/// A point of a summary.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SummaryPoint {
    /// Its attributes.
    pub attributes: Attributes,
    /// When counting began, in nanoseconds since 1970.
    pub start_time_unix_nano: u64,
    /// When it was read, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Quantile and value.
    pub quantile_values: Vec<(f64, f64)>,
    /// `DataPointFlags`
    pub flags: u32,
}
