//! Fields of records and their paths.
//!
//! Source: `PathGetSetter` of `contexts/internal/ctx*` of `pkg/ottl` 0.158.0.

/// What a path speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Root {
    Resource,
    Scope,
    Log,
    Span,
    SpanEvent,
    Metric,
    DataPoint,
    /// What a record brought along to the collector; a dry run has none of it.
    Collector,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    AggregationTemporality,
    Attributes,
    Body,
    BodyString,
    BucketCounts,
    Cache,
    ClientAddress,
    ClientAttributes,
    ClientMetadata,
    Count,
    DataPoints,
    Description,
    DroppedAttributesCount,
    DroppedEventsCount,
    DroppedLinksCount,
    EndTime,
    EndTimeUnixNano,
    EventIndex,
    EventName,
    Events,
    Exemplars,
    ExplicitBounds,
    Flags,
    IsMonotonic,
    Kind,
    KindDeprecatedString,
    KindString,
    Links,
    Metadata,
    Name,
    Negative,
    NegativeBucketCounts,
    NegativeOffset,
    ObservedTime,
    ObservedTimeUnixNano,
    ParentSpanId,
    ParentSpanIdString,
    Positive,
    PositiveBucketCounts,
    PositiveOffset,
    QuantileValues,
    Scale,
    SchemaUrl,
    SeverityNumber,
    SeverityText,
    SpanId,
    SpanIdString,
    StartTime,
    StartTimeUnixNano,
    Status,
    StatusCode,
    StatusMessage,
    Sum,
    Time,
    TimeUnixNano,
    TraceId,
    TraceIdString,
    TraceState,
    Type,
    Unit,
    ValueDouble,
    ValueInt,
    Version,
    ZeroCount,
}

/// What a field holds, when it holds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Text,
    Int,
    Double,
    Bool,
    Map,
    Time,
    /// A trace's or a span's id.
    Id,
    /// A list of numbers.
    Numbers,
    /// A part of a record that is neither: events, points.
    Part,
    /// Whatever was put there.
    Anything,
}

impl Holds {
    /// In words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Int => "a whole number",
            Self::Double => "a number with a fraction",
            Self::Bool => "true or false",
            Self::Map => "a map",
            Self::Time => "a time",
            Self::Id => "an id",
            Self::Numbers => "a list of numbers",
            Self::Part => "a part of the record",
            Self::Anything => "any value",
        }
    }
}

/// How many keys may follow a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    None,
    /// One, a text that stands there.
    One,
    Any,
}

/// A path and what is at its end.
#[derive(Debug)]
pub(crate) struct FieldPath {
    pub(crate) path: &'static str,
    pub(crate) field: Field,
    pub(crate) holds: Holds,
    pub(crate) keys: Keys,
    pub(crate) writable: bool,
}

const fn field(path: &'static str, field: Field, holds: Holds) -> FieldPath {
    FieldPath { path, field, holds, keys: Keys::None, writable: true }
}

const fn keyed(path: &'static str, field: Field, holds: Holds) -> FieldPath {
    FieldPath { path, field, holds, keys: Keys::Any, writable: true }
}

const fn read_only(path: &'static str, field: Field, holds: Holds, keys: Keys) -> FieldPath {
    FieldPath { path, field, holds, keys, writable: false }
}

const CACHE: FieldPath = keyed("cache", Field::Cache, Holds::Map);

const RESOURCE: &[FieldPath] = &[
    keyed("attributes", Field::Attributes, Holds::Map),
    field("dropped_attributes_count", Field::DroppedAttributesCount, Holds::Int),
    field("schema_url", Field::SchemaUrl, Holds::Text),
    CACHE,
];

const SCOPE: &[FieldPath] = &[
    field("name", Field::Name, Holds::Text),
    field("version", Field::Version, Holds::Text),
    keyed("attributes", Field::Attributes, Holds::Map),
    field("dropped_attributes_count", Field::DroppedAttributesCount, Holds::Int),
    field("schema_url", Field::SchemaUrl, Holds::Text),
    CACHE,
];

const LOG: &[FieldPath] = &[
    field("time_unix_nano", Field::TimeUnixNano, Holds::Int),
    field("observed_time_unix_nano", Field::ObservedTimeUnixNano, Holds::Int),
    field("time", Field::Time, Holds::Time),
    field("observed_time", Field::ObservedTime, Holds::Time),
    field("severity_number", Field::SeverityNumber, Holds::Int),
    field("severity_text", Field::SeverityText, Holds::Text),
    keyed("body", Field::Body, Holds::Anything),
    field("body.string", Field::BodyString, Holds::Text),
    keyed("attributes", Field::Attributes, Holds::Map),
    field("dropped_attributes_count", Field::DroppedAttributesCount, Holds::Int),
    field("flags", Field::Flags, Holds::Int),
    field("trace_id", Field::TraceId, Holds::Id),
    field("trace_id.string", Field::TraceIdString, Holds::Text),
    field("span_id", Field::SpanId, Holds::Id),
    field("span_id.string", Field::SpanIdString, Holds::Text),
    field("event_name", Field::EventName, Holds::Text),
    CACHE,
];

const SPAN: &[FieldPath] = &[
    field("trace_id", Field::TraceId, Holds::Id),
    field("trace_id.string", Field::TraceIdString, Holds::Text),
    field("span_id", Field::SpanId, Holds::Id),
    field("span_id.string", Field::SpanIdString, Holds::Text),
    FieldPath { path: "trace_state", field: Field::TraceState, holds: Holds::Text, keys: Keys::One, writable: true },
    field("parent_span_id", Field::ParentSpanId, Holds::Id),
    field("parent_span_id.string", Field::ParentSpanIdString, Holds::Text),
    field("name", Field::Name, Holds::Text),
    field("kind", Field::Kind, Holds::Int),
    field("kind.string", Field::KindString, Holds::Text),
    field("kind.deprecated_string", Field::KindDeprecatedString, Holds::Text),
    field("start_time_unix_nano", Field::StartTimeUnixNano, Holds::Int),
    field("end_time_unix_nano", Field::EndTimeUnixNano, Holds::Int),
    field("start_time", Field::StartTime, Holds::Time),
    field("end_time", Field::EndTime, Holds::Time),
    keyed("attributes", Field::Attributes, Holds::Map),
    field("dropped_attributes_count", Field::DroppedAttributesCount, Holds::Int),
    field("events", Field::Events, Holds::Part),
    field("dropped_events_count", Field::DroppedEventsCount, Holds::Int),
    field("links", Field::Links, Holds::Part),
    field("dropped_links_count", Field::DroppedLinksCount, Holds::Int),
    field("status", Field::Status, Holds::Part),
    field("status.code", Field::StatusCode, Holds::Int),
    field("status.message", Field::StatusMessage, Holds::Text),
    field("flags", Field::Flags, Holds::Int),
    CACHE,
];

const SPAN_EVENT: &[FieldPath] = &[
    field("time_unix_nano", Field::TimeUnixNano, Holds::Int),
    field("time", Field::Time, Holds::Time),
    field("name", Field::Name, Holds::Text),
    keyed("attributes", Field::Attributes, Holds::Map),
    field("dropped_attributes_count", Field::DroppedAttributesCount, Holds::Int),
    read_only("event_index", Field::EventIndex, Holds::Int, Keys::None),
    CACHE,
];

const METRIC: &[FieldPath] = &[
    field("name", Field::Name, Holds::Text),
    field("description", Field::Description, Holds::Text),
    field("unit", Field::Unit, Holds::Text),
    // Upstream takes a value for it and forgets it.
    read_only("type", Field::Type, Holds::Int, Keys::None),
    field("aggregation_temporality", Field::AggregationTemporality, Holds::Int),
    field("is_monotonic", Field::IsMonotonic, Holds::Bool),
    field("data_points", Field::DataPoints, Holds::Part),
    keyed("metadata", Field::Metadata, Holds::Map),
    CACHE,
];

const DATA_POINT: &[FieldPath] = &[
    keyed("attributes", Field::Attributes, Holds::Map),
    field("start_time_unix_nano", Field::StartTimeUnixNano, Holds::Int),
    field("time_unix_nano", Field::TimeUnixNano, Holds::Int),
    field("start_time", Field::StartTime, Holds::Time),
    field("time", Field::Time, Holds::Time),
    field("value_double", Field::ValueDouble, Holds::Double),
    field("value_int", Field::ValueInt, Holds::Int),
    field("exemplars", Field::Exemplars, Holds::Part),
    field("flags", Field::Flags, Holds::Int),
    field("count", Field::Count, Holds::Int),
    field("sum", Field::Sum, Holds::Double),
    field("bucket_counts", Field::BucketCounts, Holds::Numbers),
    field("explicit_bounds", Field::ExplicitBounds, Holds::Numbers),
    field("scale", Field::Scale, Holds::Int),
    field("zero_count", Field::ZeroCount, Holds::Int),
    field("positive", Field::Positive, Holds::Part),
    field("positive.offset", Field::PositiveOffset, Holds::Int),
    field("positive.bucket_counts", Field::PositiveBucketCounts, Holds::Numbers),
    field("negative", Field::Negative, Holds::Part),
    field("negative.offset", Field::NegativeOffset, Holds::Int),
    field("negative.bucket_counts", Field::NegativeBucketCounts, Holds::Numbers),
    field("quantile_values", Field::QuantileValues, Holds::Part),
    CACHE,
];

const COLLECTOR: &[FieldPath] = &[
    read_only("client.addr", Field::ClientAddress, Holds::Text, Keys::None),
    read_only("client.auth.attributes", Field::ClientAttributes, Holds::Map, Keys::Any),
    read_only("client.metadata", Field::ClientMetadata, Holds::Map, Keys::Any),
    read_only("grpc.metadata", Field::ClientMetadata, Holds::Map, Keys::Any),
];

impl Root {
    /// The paths of its fields.
    pub(crate) const fn fields(self) -> &'static [FieldPath] {
        match self {
            Self::Resource => RESOURCE,
            Self::Scope => SCOPE,
            Self::Log => LOG,
            Self::Span => SPAN,
            Self::SpanEvent => SPAN_EVENT,
            Self::Metric => METRIC,
            Self::DataPoint => DATA_POINT,
            Self::Collector => COLLECTOR,
        }
    }
}
