//! What collectors leave out of what they report, or put in other words. Each entry was measured with 0.149 or 0.158, or read
//! from the upstream source where no build has the component.

use serde_norway::Value;

use super::{duration, names::is_kind};

/// Fields that upstream never writes: their Go type says so (`mapstructure:"-"`), or stands unexported in another and is
/// passed over. `*` is any one step. They count as unknown when they are missing, and are compared when they are there.
const NEVER_WRITTEN: [(&str, &str, &str); 11] = [
    ("receivers", "hostmetrics", "scrapers"),
    ("processors", "tailsampling", "policies.*.{shared}"),
    ("processors", "tailsampling", "policies.*.and.and_sub_policy.*.{shared}"),
    ("processors", "tailsampling", "policies.*.not.not_sub_policy.{shared}"),
    ("processors", "tailsampling", "policies.*.drop.drop_sub_policy.*.{shared}"),
    ("processors", "tailsampling", "policies.*.composite.composite_sub_policy.*.{shared}"),
    ("processors", "tailsampling", "policies.*.composite.composite_sub_policy.*.and.and_sub_policy.*.{shared}"),
    ("processors", "tailsampling", "policies.*.composite.composite_sub_policy.*.not.not_sub_policy.{shared}"),
    ("processors", "tailsampling", "policies.*.composite.composite_sub_policy.*.drop.drop_sub_policy.*.{shared}"),
    ("processors", "tailsampling", "policies.*.drop.drop_sub_policy.*.not.not_sub_policy.{shared}"),
    ("processors", "tailsampling", "policies.*.and.and_sub_policy.*.not.not_sub_policy.{shared}"),
];

/// What all policies of tail sampling have in common: `sharedPolicyCfg` of tailsamplingprocessor.
const SHARED: [&str; 13] = [
    "name",
    "type",
    "latency",
    "numeric_attribute",
    "probabilistic",
    "status_code",
    "string_attribute",
    "rate_limiting",
    "bytes_limiting",
    "span_count",
    "trace_state",
    "boolean_attribute",
    "ottl_condition",
];

/// Words that are numbers in Go and come back as such: section, kind, field, words in the order of their numbers.
const NUMBERED: [(&str, &str, &str, &[&str]); 2] = [
    ("processors", "cumulativetodelta", "initial_value", &["auto", "keep", "drop"]),
    ("connectors", "spanmetrics", "unit", &["ms", "s"]),
];

/// Values that a collector hides: its own, and those of Prometheus.
pub(super) fn is_hidden(value: &Value) -> bool {
    matches!(value.as_str(), Some("[REDACTED]" | "<secret>"))
}

/// Whether a field at this path, which is missing, tells nothing. `path` begins with the section.
pub(super) fn is_never_written(path: &[&str]) -> bool {
    let [section, id, fields @ ..] = path else { return false };
    NEVER_WRITTEN.iter().filter(|(of, kind, _)| of == section && is_kind(id, kind)).any(|(_, _, pattern)| {
        let mut steps = pattern.split('.');
        let same = |(step, field): (&str, &&str)| match step {
            "*" => true,
            "{shared}" => SHARED.contains(field),
            _ => step == *field,
        };
        fields.len() == pattern.split('.').count()
            && fields.iter().all(|field| steps.next().is_some_and(|step| same((step, field))))
    })
}

/// Whether a committed word is this number.
pub(super) fn is_numbered(path: &[&str], word: &str, number: &Value) -> bool {
    let ([section, id, ..], Some(field), Some(number)) = (path, path.last(), number.as_u64()) else { return false };
    let known = NUMBERED.iter().filter(|(of, kind, name, _)| of == section && is_kind(id, kind) && name == field);
    known
        .flat_map(|(.., words)| words.iter().zip(0..))
        .any(|(known, at)| at == number && known.eq_ignore_ascii_case(word))
}

/// Whether a field at this path is of a type whose value no report shows: it comes back as `{}`.
pub(super) fn is_opaque(path: &[&str], effective: &Value) -> bool {
    path.last() == Some(&"sizer") && effective.as_mapping().is_some_and(serde_norway::Mapping::is_empty)
}

/// Whether a committed field that is missing says what its absence says: the zero values of Go are left out of many
/// fields, and what is switched off out of some.
pub(super) fn says_nothing(path: &[&str], committed: &Value) -> bool {
    // Above the fields of a component, whatever is written says that it is there.
    path.len() > 2 && (is_zero(committed) || is_off(committed) || is_tls_of_client(path) && is_all_zero(committed))
}

/// `enabled: false`, with whatever else.
pub(super) fn is_off(committed: &Value) -> bool {
    committed.get("enabled").and_then(Value::as_bool) == Some(false)
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || duration::nanoseconds(text) == Some(0),
        Value::Sequence(list) => list.is_empty(),
        // `grpc: {}` says that there is one.
        Value::Mapping(_) | Value::Tagged(_) => false,
    }
}

/// The TLS settings of a client are there without being written; but for Kafka, where they switch TLS on.
fn is_tls_of_client(path: &[&str]) -> bool {
    matches!(path, ["exporters", id, .., "tls"] if !is_kind(id, "kafka"))
}

fn is_all_zero(value: &Value) -> bool {
    value.as_mapping().is_some_and(|map| map.values().all(is_zero))
}
