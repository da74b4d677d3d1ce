//! Random telemetry, for property tests here and elsewhere.
//!
//! No NaN among the numbers, so that what is equal compares as equal.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{
    Attributes, Buckets, EntityRef, Exemplar, ExponentialHistogramPoint, HistogramPoint, LogRecord, Metric, MetricData,
    Number, NumberPoint, Resource, Resourced, Scope, Scoped, Span, SpanEvent, SpanId, SpanLink, Status, SummaryPoint,
    Telemetry, TraceId, Value,
};

/// A text: often empty or of plain words, sometimes of anything.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![2 => Just(String::new()), 4 => "[a-z]{1,8}([ .][a-z0-9]{1,8}){0,2}", 1 => any::<String>()]
}

/// The name of an attribute; often one that other attributes have too.
pub fn key() -> impl Strategy<Value = String> {
    prop_oneof![6 => "(service|host|http)\\.(name|id|status)", 3 => "[a-z_]{1,6}", 1 => any::<String>()]
}

/// A number with a fraction: finite of every size, or infinite.
pub fn double() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{INFINITE, NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        4 => POSITIVE | NEGATIVE | NORMAL | ZERO | SUBNORMAL | INFINITE,
        1 => any::<i32>().prop_map(f64::from),
        1 => (-1_000_000_i32..1_000_000).prop_map(|n| f64::from(n) / 100.0),
    ]
}

/// A value, at most four deep.
pub fn value() -> impl Strategy<Value = Value> {
    let single = prop_oneof![
        1 => Just(Value::Empty),
        4 => text().prop_map(Value::Str),
        1 => any::<bool>().prop_map(Value::Bool),
        2 => any::<i64>().prop_map(Value::Int),
        2 => double().prop_map(Value::Double),
        1 => vec(any::<u8>(), 0..8).prop_map(Value::Bytes),
    ];
    single.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::Array),
            vec((key(), inner), 0..3).prop_map(|entries| Value::Map(entries.into_iter().collect())),
        ]
    })
}

/// Attributes.
pub fn attributes() -> impl Strategy<Value = Attributes> {
    vec((key(), value()), 0..4).prop_map(|entries| entries.into_iter().collect())
}

/// A point in time, in nanoseconds since 1970; 0 for none.
pub fn time_unix_nano() -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(0), 3 => 1_700_000_000_000_000_000_u64..1_800_000_000_000_000_000, 1 => any::<u64>()]
}

/// A trace's id; all zero for none.
pub fn trace_id() -> impl Strategy<Value = TraceId> {
    prop_oneof![1 => Just([0; 16]), 3 => any::<TraceId>()]
}

/// A span's id; all zero for none.
pub fn span_id() -> impl Strategy<Value = SpanId> {
    prop_oneof![1 => Just([0; 8]), 3 => any::<SpanId>()]
}

/// A count of 32 bits; most often 0.
fn few() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(0), 1 => any::<u32>()]
}

/// A resource.
pub fn resource() -> impl Strategy<Value = Resource> {
    let entity =
        (text(), text(), vec(text(), 0..2), vec(text(), 0..2)).prop_map(|(schema_url, r#type, ids, others)| {
            EntityRef { schema_url, r#type, id_keys: ids, description_keys: others }
        });
    (attributes(), few(), vec(entity, 0..2)).prop_map(|(attributes, dropped_attributes_count, entity_refs)| Resource {
        attributes,
        dropped_attributes_count,
        entity_refs,
    })
}

/// A scope.
pub fn scope() -> impl Strategy<Value = Scope> {
    (text(), text(), attributes(), few()).prop_map(|(name, version, attributes, dropped_attributes_count)| Scope {
        name,
        version,
        attributes,
        dropped_attributes_count,
    })
}

/// Records with resources and scopes around them; some hold nothing.
pub fn resourced<T: std::fmt::Debug>(record: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<Resourced<T>>> {
    let scoped = (scope(), text(), vec(record, 0..4)).prop_map(|(scope, schema_url, records)| Scoped {
        scope,
        schema_url,
        records,
    });
    let resourced = (resource(), text(), vec(scoped, 0..3)).prop_map(|(resource, schema_url, scopes)| Resourced {
        resource,
        schema_url,
        scopes,
    });
    vec(resourced, 0..3)
}

/// A log record.
pub fn log_record() -> impl Strategy<Value = LogRecord> {
    let ids = (few(), trace_id(), span_id());
    (time_unix_nano(), time_unix_nano(), 0..=24, text(), value(), attributes(), few(), ids, text()).prop_map(
        |(
            time,
            observed,
            severity_number,
            severity_text,
            body,
            attributes,
            dropped,
            (flags, trace, span),
            event_name,
        )| {
            LogRecord {
                time_unix_nano: time,
                observed_time_unix_nano: observed,
                severity_number,
                severity_text,
                body,
                attributes,
                dropped_attributes_count: dropped,
                flags,
                trace_id: trace,
                span_id: span,
                event_name,
            }
        },
    )
}

/// A span.
pub fn span() -> impl Strategy<Value = Span> {
    let event = (time_unix_nano(), text(), attributes(), few()).prop_map(|(time, name, attributes, dropped)| {
        SpanEvent { time_unix_nano: time, name, attributes, dropped_attributes_count: dropped }
    });
    let link = (trace_id(), span_id(), text(), attributes(), few(), few()).prop_map(
        |(trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags)| SpanLink {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count,
            flags,
        },
    );
    let ids = (trace_id(), span_id(), text(), span_id(), few());
    let times = (time_unix_nano(), time_unix_nano());
    let dropped = (few(), few(), few());
    let status = (text(), 0..=2).prop_map(|(message, code)| Status { message, code });
    (ids, text(), 0..=5, times, attributes(), vec(event, 0..3), vec(link, 0..3), dropped, status).prop_map(
        |(ids, name, kind, (start, end), attributes, events, links, dropped, status)| Span {
            trace_id: ids.0,
            span_id: ids.1,
            trace_state: ids.2,
            parent_span_id: ids.3,
            flags: ids.4,
            name,
            kind,
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            attributes,
            dropped_attributes_count: dropped.0,
            events,
            dropped_events_count: dropped.1,
            links,
            dropped_links_count: dropped.2,
            status,
        },
    )
}

/// The value of a point.
pub fn number() -> impl Strategy<Value = Number> {
    prop_oneof![any::<i64>().prop_map(Number::Int), double().prop_map(Number::Double)]
}

fn exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let exemplar = (attributes(), time_unix_nano(), option::of(number()), span_id(), trace_id()).prop_map(
        |(filtered_attributes, time_unix_nano, value, span_id, trace_id)| Exemplar {
            filtered_attributes,
            time_unix_nano,
            value,
            span_id,
            trace_id,
        },
    );
    vec(exemplar, 0..2)
}

/// A point of a gauge or a sum.
pub fn number_point() -> impl Strategy<Value = NumberPoint> {
    (attributes(), time_unix_nano(), time_unix_nano(), option::of(number()), exemplars(), 0..2_u32).prop_map(
        |(attributes, start, time, value, exemplars, flags)| NumberPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            value,
            exemplars,
            flags,
        },
    )
}

/// Sum, smallest and largest.
fn figures() -> impl Strategy<Value = [Option<f64>; 3]> {
    [option::of(double()), option::of(double()), option::of(double())]
}

/// A point of a histogram.
pub fn histogram_point() -> impl Strategy<Value = HistogramPoint> {
    let buckets = (vec(any::<u64>(), 0..4), vec(double(), 0..4));
    (attributes(), time_unix_nano(), time_unix_nano(), any::<u64>(), figures(), buckets, exemplars(), 0..2_u32)
        .prop_map(
            |(attributes, start, time, count, [sum, min, max], (bucket_counts, explicit_bounds), exemplars, flags)| {
                HistogramPoint {
                    attributes,
                    start_time_unix_nano: start,
                    time_unix_nano: time,
                    count,
                    sum,
                    bucket_counts,
                    explicit_bounds,
                    exemplars,
                    flags,
                    min,
                    max,
                }
            },
        )
}

/// A point of an exponential histogram.
pub fn exponential_histogram_point() -> impl Strategy<Value = ExponentialHistogramPoint> {
    fn buckets() -> impl Strategy<Value = Buckets> {
        (-2..3, vec(any::<u64>(), 0..4)).prop_map(|(offset, bucket_counts)| Buckets { offset, bucket_counts })
    }
    let times = (time_unix_nano(), time_unix_nano());
    let zero = (any::<u64>(), double());
    (attributes(), times, any::<u64>(), figures(), -10..21, zero, buckets(), buckets(), 0..2_u32, exemplars()).prop_map(
        |(attributes, times, count, [sum, min, max], scale, zero, positive, negative, flags, exemplars)| {
            ExponentialHistogramPoint {
                attributes,
                start_time_unix_nano: times.0,
                time_unix_nano: times.1,
                count,
                sum,
                scale,
                zero_count: zero.0,
                positive,
                negative,
                flags,
                exemplars,
                min,
                max,
                zero_threshold: zero.1,
            }
        },
    )
}

/// A point of a summary.
pub fn summary_point() -> impl Strategy<Value = SummaryPoint> {
    let quantiles = vec((double(), double()), 0..3);
    (attributes(), time_unix_nano(), time_unix_nano(), any::<u64>(), double(), quantiles, 0..2_u32).prop_map(
        |(attributes, start, time, count, sum, quantile_values, flags)| SummaryPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            count,
            sum,
            quantile_values,
            flags,
        },
    )
}

/// A metric of any type.
pub fn metric() -> impl Strategy<Value = Metric> {
    let data = prop_oneof![
        1 => Just(MetricData::Empty),
        2 => vec(number_point(), 0..3).prop_map(MetricData::Gauge),
        2 => (vec(number_point(), 0..3), 0..=2, any::<bool>())
            .prop_map(|(points, temporality, is_monotonic)| MetricData::Sum { points, temporality, is_monotonic }),
        2 => (vec(histogram_point(), 0..3), 0..=2)
            .prop_map(|(points, temporality)| MetricData::Histogram { points, temporality }),
        2 => (vec(exponential_histogram_point(), 0..3), 0..=2)
            .prop_map(|(points, temporality)| MetricData::ExponentialHistogram { points, temporality }),
        2 => vec(summary_point(), 0..3).prop_map(MetricData::Summary),
    ];
    (text(), text(), text(), attributes(), data).prop_map(|(name, description, unit, metadata, data)| Metric {
        name,
        description,
        unit,
        metadata,
        data,
    })
}

/// Telemetry of any kind.
pub fn telemetry() -> impl Strategy<Value = Telemetry> {
    prop_oneof![
        resourced(log_record()).prop_map(Telemetry::Logs),
        resourced(metric()).prop_map(Telemetry::Metrics),
        resourced(span()).prop_map(Telemetry::Traces),
    ]
}
