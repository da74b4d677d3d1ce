//! Values and records as the collector's processors look at them.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use linkmesh_ottl::{
    record::{Attributes, MetricData, Resourced, Telemetry, Value},
    regex::Pattern,
};
use serde_json::Value as Json;

use super::Trial;
use crate::render::{alloy::Expr, yaml::Yaml};

/// Values deeper than this are all the same to [`identity`] and are left out of [`text_of`]. What OTLP carries is
/// limited where it is read; this keeps the two from running out of stack on what was made in another way.
const DEEPEST: usize = 100;

/// A number of settings in both texts: without a point when it is whole.
pub(super) fn number(number: f64) -> (Yaml, Expr) {
    #[expect(clippy::cast_possible_truncation, reason = "only when it is the same number")]
    let whole = number as i64;
    #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "what is the same may be written so")]
    if whole as f64 == number {
        (Yaml::Int(whole), Expr::token(whole))
    } else {
        (Yaml::Float(number), Expr::token(number))
    }
}

/// A value of settings.
pub(super) fn from_setting(value: &Json) -> Value {
    match value {
        Json::String(text) => Value::Str(text.clone()),
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Double(number.as_f64().unwrap_or_default()), Value::Int)
        }
        Json::Null | Json::Array(_) | Json::Object(_) => Value::Empty,
    }
}

/// A value as text (`pcommon.Value.AsString`): mappings and lists as JSON, octets in base 64.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Str(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => number_text(*number),
        Value::Bytes(octets) => STANDARD.encode(octets),
        Value::Array(_) | Value::Map(_) => {
            let mut out = String::new();
            // What cannot be written as JSON is no text at all.
            if json(value, &mut out, 0) { out } else { String::new() }
        }
    }
}

/// As JavaScript writes numbers, which Go's JSON follows.
fn number_text(number: f64) -> String {
    if !number.is_finite() {
        let name = if number.is_nan() { "NaN" } else { "Infinity" };
        return if number < 0.0 { format!("-{name}") } else { name.to_owned() };
    }
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        return match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
            _ => text,
        };
    }
    number.to_string()
}

fn json(value: &Value, out: &mut String, depth: usize) -> bool {
    if depth > DEEPEST {
        return false;
    }
    match value {
        Value::Empty => out.push_str("null"),
        Value::Str(text) => json_text(text, out),
        Value::Bool(_) | Value::Int(_) => out.push_str(&text_of(value)),
        Value::Double(number) if !number.is_finite() => return false,
        Value::Double(number) => out.push_str(&number_text(*number)),
        Value::Bytes(octets) => json_text(&STANDARD.encode(octets), out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                if !json(item, out, depth + 1) {
                    return false;
                }
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, item)) in sorted(map).into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json_text(key, out);
                out.push(':');
                if !json(item, out, depth + 1) {
                    return false;
                }
            }
            out.push('}');
        }
    }
    true
}

/// Go's JSON also escapes the line ends that only JavaScript knows.
fn json_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if u32::from(c) < 0x20 || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn sorted(map: &Attributes) -> Vec<(&str, &Value)> {
    let mut entries: Vec<(&str, &Value)> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries
}

/// What is the same for equal values and for no others, whatever the order of keys: in the place of the hash by which
/// processors tell streams apart.
pub(super) fn identity(out: &mut Vec<u8>, value: &Value) {
    identity_below(out, value, 0);
}

/// The same of a mapping.
pub(super) fn identity_of_map(out: &mut Vec<u8>, map: &Attributes) {
    identity_below_map(out, map, 0);
}

/// The same of a text.
pub(super) fn identity_of_text(out: &mut Vec<u8>, text: &str) {
    octets(out, b's', text.as_bytes());
}

fn octets(out: &mut Vec<u8>, tag: u8, octets: &[u8]) {
    out.push(tag);
    out.extend(octets.len().to_le_bytes());
    out.extend(octets);
}

fn identity_below(out: &mut Vec<u8>, value: &Value, depth: usize) {
    match value {
        Value::Empty => out.push(b'e'),
        Value::Str(text) => octets(out, b's', text.as_bytes()),
        Value::Bool(value) => out.extend([b'b', u8::from(*value)]),
        Value::Int(number) => octets(out, b'i', &number.to_le_bytes()),
        Value::Double(number) => octets(out, b'd', &number.to_bits().to_le_bytes()),
        Value::Bytes(bytes) => octets(out, b'o', bytes),
        Value::Array(_) | Value::Map(_) if depth > DEEPEST => out.push(b'.'),
        Value::Array(items) => {
            octets(out, b'l', &items.len().to_le_bytes());
            for item in items {
                identity_below(out, item, depth + 1);
            }
        }
        Value::Map(map) => identity_below_map(out, map, depth),
    }
}

fn identity_below_map(out: &mut Vec<u8>, map: &Attributes, depth: usize) {
    octets(out, b'm', &map.len().to_le_bytes());
    for (key, value) in sorted(map) {
        octets(out, b'k', key.as_bytes());
        identity_below(out, value, depth + 1);
    }
}

/// Expressions of settings, of which any may be found.
pub(super) struct Expressions(Vec<Pattern>);

impl Expressions {
    /// Whether one is found in the text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| pattern.is_match(text))
    }

    /// The work of looking for them in a text of so many octets.
    pub(super) fn cost(&self, octets: usize) -> usize {
        self.0.iter().map(|pattern| octets.saturating_add(1).saturating_mul(1 + pattern.size() / 4)).sum()
    }
}

/// The work of compiling an expression, for each octet that it takes then.
const COMPILING: usize = 16;

/// Reads the expressions of a setting. Those that cannot be tried here are found nowhere, and a note says so.
pub(super) fn expressions(patterns: &[String], trial: &mut Trial) -> Expressions {
    let mut readable = Vec::new();
    for text in patterns {
        match Pattern::new(text) {
            Ok(pattern) => {
                let compiled = pattern.memory().saturating_mul(COMPILING);
                readable.push(pattern);
                if !trial.spend(compiled) {
                    break;
                }
            }
            Err(error) => {
                trial.note(format!(
                    "the expression `{text}` cannot be tried here ({error}): it counts as found nowhere"
                ));
            }
        }
    }
    Expressions(readable)
}

/// Drops the records for which `keep` does not hold, and what is empty then.
pub(super) fn retain<T>(groups: &mut Vec<Resourced<T>>, mut keep: impl FnMut(&mut T) -> bool) {
    groups.retain_mut(|group| {
        group.scopes.retain_mut(|scope| {
            scope.records.retain_mut(&mut keep);
            !scope.records.is_empty()
        });
        !group.scopes.is_empty()
    });
}

/// The attributes of each log record, span and data point.
pub(super) fn each_attributes(telemetry: &mut Telemetry, mut change: impl FnMut(&mut Attributes)) {
    match telemetry {
        Telemetry::Logs(groups) => {
            each(groups, |record| change(&mut record.attributes));
        }
        Telemetry::Traces(groups) => {
            each(groups, |span| change(&mut span.attributes));
        }
        Telemetry::Metrics(groups) => each(groups, |metric| match &mut metric.data {
            MetricData::Empty => {}
            MetricData::Gauge(points) | MetricData::Sum { points, .. } => {
                points.iter_mut().for_each(|point| change(&mut point.attributes));
            }
            MetricData::Histogram { points, .. } => points.iter_mut().for_each(|point| change(&mut point.attributes)),
            MetricData::ExponentialHistogram { points, .. } => {
                points.iter_mut().for_each(|point| change(&mut point.attributes));
            }
            MetricData::Summary(points) => points.iter_mut().for_each(|point| change(&mut point.attributes)),
        }),
    }
}

fn each<T>(groups: &mut [Resourced<T>], mut change: impl FnMut(&mut T)) {
    for scope in groups.iter_mut().flat_map(|group| &mut group.scopes) {
        scope.records.iter_mut().for_each(&mut change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, Value)]) -> Value {
        Value::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    #[test]
    fn values_are_written_as_go_writes_them() {
        for (value, expected) in [
            (Value::Empty, ""),
            (Value::Double(500.0), "500"),
            (Value::Double(-0.25), "-0.25"),
            (Value::Double(1e21), "1e+21"),
            (Value::Double(1.5e-7), "1.5e-7"),
            (Value::Double(123_456_789_012_345_680_000.0), "123456789012345680000"),
            (Value::Double(f64::NEG_INFINITY), "-Infinity"),
            (Value::Bytes(vec![1, 2]), "AQI="),
            (
                map(&[("b", Value::Int(1)), ("a", Value::Array(vec![Value::Empty, Value::Str("<\u{2028}\n".into())]))]),
                r#"{"a":[null,"<\u2028\n"],"b":1}"#,
            ),
            (map(&[("a", Value::Double(f64::NAN))]), ""),
        ] {
            assert_eq!(text_of(&value), expected);
        }
    }

    #[test]
    fn expressions_that_cannot_be_tried_are_said() {
        let of = |patterns: &[&str]| {
            let mut trial = Trial::default();
            let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
            let set = expressions(&patterns, &mut trial);
            (set.is_match("abc"), trial.notes.len())
        };
        assert_eq!(of(&["x", "b"]), (true, 0));
        assert_eq!(of(&["b", "("]), (true, 1));
        assert_eq!(of(&["b", "[a-z]{999}[a-z]{999}\\pL{999}\\pL{999}"]), (true, 1));
    }

    #[test]
    fn identities_differ_as_values_do() {
        let of = |value: &Value| {
            let mut out = Vec::new();
            identity(&mut out, value);
            out
        };
        let values = [
            Value::Empty,
            Value::Str(String::new()),
            Value::Str("1".into()),
            Value::Int(1),
            Value::Double(1.0),
            Value::Bool(true),
            Value::Bytes(vec![b'1']),
            Value::Array(vec![]),
            Value::Array(vec![Value::Array(vec![])]),
            map(&[]),
            map(&[("a", Value::Int(1)), ("b", Value::Int(2))]),
            map(&[("a", Value::Int(2)), ("b", Value::Int(1))]),
        ];
        for (index, one) in values.iter().enumerate() {
            for (other_index, other) in values.iter().enumerate() {
                assert_eq!(of(one) == of(other), index == other_index, "{one:?} {other:?}");
            }
        }
        let turned = map(&[("b", Value::Int(2)), ("a", Value::Int(1))]);
        assert_eq!(of(&values[10]), of(&turned));
        let mut deep = Value::Int(1);
        for _ in 0..5_000 {
            deep = Value::Array(vec![deep]);
        }
        assert!(of(&deep).len() < 10_000);
        assert_eq!(text_of(&deep), "");
    }
}
