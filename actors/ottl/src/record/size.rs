//! What records hold of memory.

use super::{
    Attributes, Buckets, EntityRef, Exemplar, ExponentialHistogramPoint, HistogramPoint, LogRecord, Metric, MetricData,
    NumberPoint, Resource, Resourced, Scope, Scoped, Span, SpanEvent, SpanLink, Status, SummaryPoint, Telemetry, Value,
};

/// What an allocator takes for each block besides what is asked of it, or about so much.
const ALLOCATION: usize = 16;

/// A block of memory of so many octets.
pub(crate) const fn block(octets: usize) -> usize {
    if octets == 0 { 0 } else { octets.saturating_add(ALLOCATION) }
}

/// What a key of a map takes, without what its value holds.
pub(crate) const fn entry(key: &str) -> usize {
    size_of::<(String, Value)>() + block(key.len())
}

/// What something holds on the heap.
pub(crate) trait Held {
    /// In octets.
    fn held(&self) -> usize;
}

/// Numbers and pairs of them hold nothing.
macro_rules! flat {
    ($($type:ty),*) => {$(
        impl Held for $type {
            fn held(&self) -> usize {
                0
            }
        }
    )*};
}

flat!(u8, u64, f64, (f64, f64));

impl Held for String {
    fn held(&self) -> usize {
        block(self.len())
    }
}

impl<T: Held> Held for Vec<T> {
    fn held(&self) -> usize {
        block(self.len() * size_of::<T>()) + self.iter().map(Held::held).sum::<usize>()
    }
}

impl Held for (String, Value) {
    fn held(&self) -> usize {
        self.0.held() + self.1.held()
    }
}

impl Held for Value {
    fn held(&self) -> usize {
        match self {
            Self::Empty | Self::Bool(_) | Self::Int(_) | Self::Double(_) => 0,
            Self::Str(text) => text.held(),
            Self::Bytes(octets) => block(octets.len()),
            Self::Array(items) => items.held(),
            Self::Map(map) => map.held(),
        }
    }
}

impl Held for Attributes {
    fn held(&self) -> usize {
        self.entries.held()
    }
}

/// The sum of what some fields hold.
macro_rules! fields {
    ($($type:ty: $($field:ident),*;)*) => {$(
        impl Held for $type {
            fn held(&self) -> usize {
                0 $(+ self.$field.held())*
            }
        }
    )*};
}

fields! {
    Resource: attributes, entity_refs;
    EntityRef: schema_url, r#type, id_keys, description_keys;
    Scope: name, version, attributes;
    LogRecord: severity_text, body, attributes, event_name;
    Span: trace_state, name, attributes, events, links, status;
    SpanEvent: name, attributes;
    SpanLink: trace_state, attributes;
    Status: message;
    Metric: name, description, unit, metadata, data;
    Exemplar: filtered_attributes;
    NumberPoint: attributes, exemplars;
    HistogramPoint: attributes, bucket_counts, explicit_bounds, exemplars;
    Buckets: bucket_counts;
    ExponentialHistogramPoint: attributes, positive, negative, exemplars;
    SummaryPoint: attributes, quantile_values;
}

impl<T: Held> Held for Scoped<T> {
    fn held(&self) -> usize {
        self.scope.held() + self.schema_url.held() + self.records.held()
    }
}

impl<T: Held> Held for Resourced<T> {
    fn held(&self) -> usize {
        self.resource.held() + self.schema_url.held() + self.scopes.held()
    }
}

impl Held for MetricData {
    fn held(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Gauge(points) | Self::Sum { points, .. } => points.held(),
            Self::Histogram { points, .. } => points.held(),
            Self::ExponentialHistogram { points, .. } => points.held(),
            Self::Summary(points) => points.held(),
        }
    }
}

impl Telemetry {
    /// What all of it holds of memory, in octets: what vectors have room for beyond what is in them is not counted.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Logs(resources) => resources.held(),
            Self::Metrics(resources) => resources.held(),
            Self::Traces(resources) => resources.held(),
        }
    }
}

macro_rules! sized {
    ($($type:ty),*) => {$(
        impl $type {
            /// What it holds of memory besides itself, in octets.
            #[must_use]
            pub fn size(&self) -> usize {
                self.held()
            }
        }
    )*};
}

sized!(Attributes, Metric, Resource, Scope, Value);
