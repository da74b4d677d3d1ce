//! Records as people read and compare them: OTLP JSON without what only its encoding needs. Attributes are keys and values,
//! numbers are numbers, and what is empty or zero because nobody set it is left out.

use serde_json::{Map, Value};

use super::yaml;

/// Records line by line. The same records give the same lines, however their document is written.
#[must_use]
pub fn text(records: &Value) -> String {
    match part("", records) {
        Some(Value::Object(map)) if !map.is_empty() => yaml::text(&Value::Object(map)),
        _ => String::new(),
    }
}

/// Reads documents that stand one after another as one. `None` when they cannot be read.
#[must_use]
pub fn read(text: &str) -> Option<Value> {
    let mut all = Map::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>() {
        for (key, value) in document.ok()? {
            match (all.get_mut(&key), value) {
                (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
                (_, value) => _ = all.insert(key, value),
            }
        }
    }
    Some(Value::Object(all))
}

/// JSON for people to read and edit: indented, and what is short on one line.
#[must_use]
pub fn json(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

/// The longest value that stands on one line.
const SHORT: usize = 88;

fn write(value: &Value, depth: usize, out: &mut String) {
    let line = value.to_string();
    let (open, close, parts): (_, _, Vec<(String, &Value)>) = match value {
        Value::Array(list) if line.len() > SHORT => ('[', ']', list.iter().map(|item| (String::new(), item)).collect()),
        Value::Object(map) if line.len() > SHORT => {
            ('{', '}', map.iter().map(|(key, value)| (format!("{}: ", Value::from(key.as_str())), value)).collect())
        }
        _ => return out.push_str(&line),
    };
    out.push(open);
    let last = parts.len().saturating_sub(1);
    for (index, (key, part)) in parts.into_iter().enumerate() {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', depth + 1));
        out.push_str(&key);
        write(part, depth + 1, out);
        if index < last {
            out.push(',');
        }
    }
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', depth));
    out.push(close);
}

/// A member of a message as it is shown; `None` when it says nothing.
fn part(key: &str, value: &Value) -> Option<Value> {
    let shown = match value {
        Value::Array(pairs) if key.ends_with("ttributes") => attributes(pairs),
        Value::Array(list) => Value::Array(list.iter().map(|item| part(key, item).unwrap_or(Value::from(0))).collect()),
        Value::Object(_) if key == "body" => any(value),
        Value::Object(message) => Value::Object(members(message)),
        Value::String(digits) if is_number(key) => number(digits).unwrap_or_else(|| value.clone()),
        Value::Number(number) => whole(number.as_f64()).unwrap_or_else(|| value.clone()),
        other => other.clone(),
    };
    let is_nothing = match &shown {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty() && key != "body",
        // What was measured is zero; what counts or names something is not set.
        Value::Number(number) => number.as_f64() == Some(0.0) && !key.starts_with("as"),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty() && key != "body",
        Value::Bool(true) => false,
    };
    (!is_nothing).then_some(shown)
}

/// Members of a message: what is short first, then what belongs to all of it, then its parts; each by name.
fn members(message: &Map<String, Value>) -> Map<String, Value> {
    let mut members: Vec<(String, Value)> =
        message.iter().filter_map(|(key, value)| Some((key.clone(), part(key, value)?))).collect();
    let size = |value: &Value| match value {
        Value::Object(_) => 1,
        Value::Array(_) => 2,
        _ => 0,
    };
    members.sort_by(|a, b| (size(&a.1), &a.0).cmp(&(size(&b.1), &b.0)));
    members.into_iter().collect()
}

/// Integers of 64 bits are texts in OTLP JSON, so that JavaScript does not round them.
fn is_number(key: &str) -> bool {
    ["UnixNano", "ount", "Counts", "asInt"].iter().any(|end| key.ends_with(end))
}

fn number(digits: &str) -> Option<Value> {
    digits.parse::<i64>().map(Value::from).or_else(|_| digits.parse::<u64>().map(Value::from)).ok()
}

/// `5.0` as `5`: in a message the member says which of the two it is.
fn whole(number: Option<f64>) -> Option<Value> {
    // Exact up to 2^53.
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    number.filter(|number| number.fract() == 0.0 && number.abs() < 9e15).map(|number| Value::from(number as i64))
}

fn attributes(pairs: &[Value]) -> Value {
    let pair = |pair: &Value| {
        let key = pair.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
        (key, pair.get("value").map_or(Value::Null, any))
    };
    Value::Object(pairs.iter().map(pair).collect())
}

/// A value that may be of any type.
fn any(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|map| map.iter().next()) else { return Value::Null };
    let values = || inner.get("values").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match kind.as_str() {
        "intValue" => inner.as_str().and_then(number).unwrap_or_else(|| inner.clone()),
        "doubleValue" => inner.as_f64().map_or_else(|| inner.clone(), Value::from),
        "arrayValue" => Value::Array(values().iter().map(any).collect()),
        "kvlistValue" => attributes(values()),
        "bytesValue" => Value::from(format!("{} (bytes)", inner.as_str().unwrap_or_default())),
        _ => inner.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_read_without_their_encoding() {
        let records = json!({"resourceLogs": [{
            "scopeLogs": [{"logRecords": [{
                "timeUnixNano": "1764171000000000000", "severityNumber": 17, "flags": 0, "traceId": "",
                "body": {"stringValue": "failed"},
                "attributes": [
                    {"key": "http.status", "value": {"intValue": "502"}},
                    {"key": "took", "value": {"doubleValue": 5}},
                    {"key": "tags", "value": {"arrayValue": {"values": [{"stringValue": "7"}, {"boolValue": false}]}}},
                    {"key": "user", "value": {"kvlistValue": {"values": [{"key": "id", "value": {"intValue": 7}}]}}},
                ],
            }]}],
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        }]});
        let expected = "\
resourceLogs:
  - resource:
      attributes:
        service.name: shop
    scopeLogs:
      - logRecords:
          - body: failed
            severityNumber: 17
            timeUnixNano: 1764171000000000000
            attributes:
              http.status: 502
              took: 5.0
              tags:
                - \"7\"
                - false
              user:
                id: 7
";
        assert_eq!(text(&records), expected);
    }

    #[test]
    fn same_records_give_the_same_lines_however_they_are_written() {
        let by_hand = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "x", "sum": {
            "isMonotonic": false, "dataPoints": [{"asInt": 0, "startTimeUnixNano": "0", "timeUnixNano": 12}],
        }}, {"name": "h", "histogram": {"dataPoints": [{"bucketCounts": [0, "2"], "explicitBounds": [1.0], "sum": 3.5}]}}]}]}]});
        let by_server = json!({"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"scope": {}, "metrics": [{"name": "x",
            "sum": {"dataPoints": [{"timeUnixNano": "12", "asInt": "0"}]},
        }, {"histogram": {"dataPoints": [{"sum": 3.5, "bucketCounts": ["0", "2"], "explicitBounds": [1]}]}, "name": "h"}]}]}]});
        assert_eq!(text(&by_hand), text(&by_server));
        assert!(text(&by_hand).contains("asInt: 0"), "what was measured is kept though it is zero");
    }

    #[test]
    fn values_that_differ_only_in_their_type_differ() {
        let of = |value: Value| text(&json!({"a": [{"attributes": [{"key": "k", "value": value}]}]}));
        assert_ne!(of(json!({"stringValue": "5"})), of(json!({"intValue": "5"})));
        assert_ne!(of(json!({"doubleValue": 5})), of(json!({"intValue": "5"})));
    }

    #[test]
    fn documents_one_after_another_are_read_as_one() {
        let read = |text: &str| read(text).map(|value| value.to_string());
        assert_eq!(read("{\"a\":[1]} {\"a\":[2]}\n{\"b\":[3]}").as_deref(), Some("{\"a\":[1,2],\"b\":[3]}"));
        assert_eq!(read("{\"a\":"), None);
        assert_eq!(read("[1]"), None);
        assert_eq!(read(""), Some("{}".to_owned()));
    }

    #[test]
    fn json_is_indented_down_to_what_is_short() {
        let long = "x".repeat(80);
        let value = json!({"a": [{"key": "k", "value": {"intValue": "5"}}, long], "b": {}});
        let expected = format!(
            "{{\n \"a\": [\n  {{\"key\":\"k\",\"value\":{{\"intValue\":\"5\"}}}},\n  \"{long}\"\n ],\n \"b\": {{}}\n}}"
        );
        assert_eq!(json(&value), expected);
        assert_eq!(read(&json(&value)), Some(value));
        assert_eq!(json(&json!({"a": 1})), "{\"a\":1}");
    }

    #[test]
    fn nothing_is_no_line() {
        assert_eq!(text(&json!({"resourceLogs": []})), "");
        assert_eq!(text(&json!([1])), "");
        assert_eq!(text(&Value::Null), "");
    }
}
