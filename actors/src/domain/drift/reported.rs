//! What collectors leave out of what they report, or put in other words. Each entry was measured with 0.149 or 0.158, or
//! read in the upstream source where no build has the component.

use serde_norway::Value;

use super::{duration, names::is_kind};

/// What all policies of tail sampling have in common, sub-policies too: `sharedPolicyCfg` of tailsamplingprocessor.
const POLICY: [&str; 13] = [
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

/// Whether a field at this path is one that upstream never writes: its Go type says so (`mapstructure:"-"`), or its type
/// is unexported, stands in another and is passed over. It is unknown when it is missing, and compared when it is there.
/// `path` begins with the section; an item of a list is an empty step.
pub(super) fn is_never_written(path: &[&str]) -> bool {
    match path {
        ["receivers", id, "scrapers"] => is_kind(id, "hostmetrics"),
        ["processors", id, "policies", .., "" | "not_sub_policy", field] => {
            is_kind(id, "tailsampling") && POLICY.contains(field)
        }
        _ => false,
    }
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
