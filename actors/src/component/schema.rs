//! Settings against the part of JSON Schema (2020-12) that the catalogue uses.
//!
//! Understood: `type` (one name or several), `properties`, `required`, `additionalProperties`, `propertyNames`, `items`,
//! `minItems`, `maxItems`, `uniqueItems`, `minProperties`, `enum`, `minLength`, `maxLength`, `minimum`, `maximum`,
//! `default`; and of our own `x-secret` (a text, `${env:NAME}` or a sealed value), `x-check` (a check of
//! [`scalar`](super::scalar)), `x-verbatim` (a text in the collector's own language), `x-controls` (a text that may
//! hold control characters). A test holds the catalogue to it.

use serde_json::{Map, Value};

use super::{SettingsMap, scalar};
use crate::domain::{
    document::read::kind_of,
    problem::{Path, Problems, suggestion},
    secret::{self, Reference},
    text::{breaks_line, is_allowed_in_yaml},
};

/// Checks settings and notes every problem with its place.
pub fn check(schema: &Value, settings: &SettingsMap, path: &Path, problems: &mut Problems) {
    object(schema, settings, path, problems);
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn limit(schema: &Value, name: &str) -> Option<usize> {
    schema.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok())
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn value(schema: &Value, value: &Value, path: &Path, problems: &mut Problems) {
    if flag(schema, "x-secret") {
        return secret_value(schema, value, path, problems);
    }
    let allowed = types(schema);
    if !allowed.is_empty() && !allowed.iter().any(|name| has_type(value, name)) {
        let wanted: Vec<&str> = allowed.iter().map(|name| name_of_type(name)).collect();
        problems.add(path, "wrong_type", format!("must be {}, is {}", wanted.join(" or "), kind_of(value)));
        return;
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        let known: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        let mut message = format!("must be one of {}", known.join(", "));
        if let Some(near) = value.as_str().and_then(|given| suggestion(given, known.iter().copied())) {
            message.push_str(&format!("; did you mean `{near}`?"));
        }
        problems.add(path, "unknown_value", message);
        return;
    }
    match value {
        Value::String(given) => text(schema, given, path, problems),
        Value::Number(given) => number(schema, given.as_f64().unwrap_or_default(), path, problems),
        Value::Array(items) => array(schema, items, path, problems),
        Value::Object(map) => object(schema, map, path, problems),
        Value::Null | Value::Bool(_) => {}
    }
}

fn name_of_type(name: &str) -> &str {
    match name {
        "string" => "a text",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "array" => "a list",
        "object" => "a mapping",
        other => other,
    }
}

fn text(schema: &Value, given: &str, path: &Path, problems: &mut Problems) {
    let length = given.chars().count();
    if limit(schema, "minLength").is_some_and(|least| length < least) {
        problems.add(path, "too_short", "must not be empty");
        return;
    }
    if let Some(most) = limit(schema, "maxLength").filter(|most| length > *most) {
        problems.add(path, "too_long", format!("at most {most} characters"));
        return;
    }
    if !flag(schema, "x-verbatim") && given.contains("${env:") {
        problems.add(path, "env_not_allowed", "`${env:NAME}` works in secret fields only");
        return;
    }
    if !flag(schema, "x-controls") && has_control(schema, given, path, problems) {
        return;
    }
    if let Some(name) = schema.get("x-check").and_then(Value::as_str)
        && let Err(reason) = named_check(name, given)
    {
        problems.add(path, "invalid_value", reason);
    }
}

/// Notes a character that a collector does not take. Whether there was one.
///
/// What else ends lines is allowed in texts of several lines; elsewhere the collector's own YAML does not bring it back.
fn has_control(schema: &Value, given: &str, path: &Path, problems: &mut Problems) -> bool {
    let has_lines = flag(schema, "x-verbatim")
        || schema.get("x-check").and_then(Value::as_str).is_some_and(|check| check.starts_with("ottl"));
    let is_odd = |c: &char| !is_allowed_in_yaml(*c) || !has_lines && breaks_line(*c) && !matches!(c, '\t' | '\n');
    let found = given.chars().find(is_odd);
    if let Some(found) = found {
        let message = format!("holds the character U+{:04X}, which collectors do not take", u32::from(found));
        problems.add(path, "invalid_value", message);
    }
    found.is_some()
}

/// The check that a schema names by `x-check`.
pub(crate) fn named_check(name: &str, given: &str) -> Result<(), String> {
    match name {
        "duration" => scalar::duration_ns(given).map(|_| ()),
        "size" => scalar::size_bytes(given).map(|_| ()),
        "listen_address" => scalar::listen_address(given).map(|_| ()),
        "http_url" => scalar::http_url(given),
        "grpc_endpoint" => scalar::target::grpc_endpoint(given),
        "host_port" => scalar::target::host_port(given).map(|_| ()),
        "clickhouse_endpoint" => scalar::target::clickhouse_endpoint(given),
        "s3_bucket" => scalar::target::s3_bucket(given),
        "s3_prefix" => scalar::target::s3_prefix(given),
        "role_arn" => scalar::target::role_arn(given),
        "label_name" => scalar::target::label_name(given),
        "sql_name" => scalar::target::sql_name(given),
        "kafka_topic" => scalar::target::kafka_topic(given),
        "tenant" => scalar::target::tenant(given),
        "index_name" => scalar::target::index_name(given),
        "file_pattern" => scalar::file_pattern(given),
        "log_files" => scalar::file_pattern(given).and_then(|()| scalar::places::may_be_read(given)),
        "file" => scalar::file_pattern(given).and_then(|()| {
            if given.contains(['*', '?', '[', '{']) { Err("must name one file".to_owned()) } else { Ok(()) }
        }),
        "written_file" => named_check("file", given).and_then(|()| scalar::places::may_be_written(given)),
        "ottl" => scalar::ottl(given),
        // The component reads each with its names, so that one that is no OTTL does not hide what is wrong with others.
        "ottl_statement" => Ok(()),
        "regex" => scalar::regex(given).map(|_| ()),
        "attribute_key" => {
            if given.trim() != given || given.chars().any(char::is_control) {
                Err("must not begin or end with a space, nor hold an invisible character".to_owned())
            } else {
                Ok(())
            }
        }
        "header_name" => {
            let token = |b: u8| b.is_ascii_alphanumeric() || b"!#%&'*+-.^_|~".contains(&b);
            if given.bytes().all(token) { Ok(()) } else { Err("is not the name of an HTTP header".to_owned()) }
        }
        "host_name" => {
            let host = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':');
            if given.bytes().all(host) { Ok(()) } else { Err("is not the name of a host".to_owned()) }
        }
        other => scalar::name::check(other, given)
            .unwrap_or_else(|| Err(format!("the schema names an unknown check {other}"))),
    }
}

fn number(schema: &Value, given: f64, path: &Path, problems: &mut Problems) {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    if let Some(least) = bound("minimum").filter(|least| given < *least) {
        problems.add(path, "out_of_range", format!("must be at least {least}"));
    }
    if let Some(most) = bound("maximum").filter(|most| given > *most) {
        problems.add(path, "out_of_range", format!("must be at most {most}"));
    }
}

fn array(schema: &Value, items: &[Value], path: &Path, problems: &mut Problems) {
    if let Some(least) = limit(schema, "minItems").filter(|least| items.len() < *least) {
        problems.add(path, "too_few", format!("needs at least {least}"));
    }
    if let Some(most) = limit(schema, "maxItems").filter(|most| items.len() > *most) {
        problems.add(path, "too_many", format!("at most {most}"));
        return;
    }
    for (index, item) in items.iter().enumerate() {
        if flag(schema, "uniqueItems") && items.iter().take(index).any(|earlier| earlier == item) {
            problems.add(path.index(index), "duplicate", "stands twice");
        }
        if let Some(schema) = schema.get("items") {
            value(schema, item, &path.index(index), problems);
        }
    }
}

fn object(schema: &Value, map: &Map<String, Value>, path: &Path, problems: &mut Problems) {
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if map.get(name).is_none_or(Value::is_null) {
            problems.add(path.key(name), "missing", "must be given");
        }
    }
    if limit(schema, "minProperties").is_some_and(|least| map.values().filter(|v| !v.is_null()).count() < least) {
        let names: Vec<&str> = properties.keys().map(String::as_str).collect();
        problems.add(path, "missing", format!("needs one of {}", names.join(", ")));
    }
    let additional = schema.get("additionalProperties").filter(|s| s.is_object());
    for (key, item) in map {
        let at = path.key(key);
        // Null is absent, as everywhere in documents; `required` has looked at that.
        match properties.get(key).or(additional) {
            Some(_) if item.is_null() => {}
            Some(schema) => value(schema, item, &at, problems),
            None => {
                let mut message = "is not a setting here".to_owned();
                if let Some(near) = suggestion(key, properties.keys().map(String::as_str)) {
                    message.push_str(&format!("; did you mean `{near}`?"));
                }
                problems.add(&at, "unknown_field", message);
            }
        }
        match schema.get("propertyNames") {
            Some(names) => text(names, key, &at, problems),
            None => {
                has_control(&Value::Null, key, &at, problems);
            }
        }
    }
}

fn secret_value(schema: &Value, value: &Value, path: &Path, problems: &mut Problems) {
    if let Value::Object(map) = value {
        let sealed = map.len() == 1 && matches!(map.get("sealed"), Some(Value::Bool(true) | Value::String(_)));
        if !sealed {
            problems.add(path, "wrong_type", "must be a text, `${env:NAME}` or a sealed value");
        }
        return;
    }
    let Value::String(given) = value else {
        problems.add(path, "wrong_type", format!("must be a text, is {}", kind_of(value)));
        return;
    };
    match secret::reference(given) {
        Reference::Malformed => problems.add(
            path,
            "invalid_value",
            "a reference to the environment is `${env:NAME}`, alone or behind one word such as `Bearer `",
        ),
        Reference::Env { .. } => {}
        Reference::None if given.is_empty() => problems.add(path, "too_short", "must not be empty"),
        Reference::None => {
            if limit(schema, "maxLength").is_some_and(|most| given.chars().count() > most) {
                problems.add(path, "too_long", "is too long");
            }
            if given.chars().any(|c| breaks_line(c) || !is_allowed_in_yaml(c)) {
                problems.add(path, "invalid_value", "must be one line of printable characters");
            }
        }
    }
}

/// Patterns of log files that look into every folder of the host, each by its list and its place there.
pub(crate) fn wide_patterns<'s>(schema: &'s Value, settings: &'s SettingsMap) -> Vec<(&'s str, usize)> {
    let names_logs = |field: &&Value| field.pointer("/items/x-check").and_then(Value::as_str) == Some("log_files");
    let lists = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let lists = lists.filter(|(_, field)| names_logs(field)).filter_map(|(name, _)| {
        let items = settings.get(name).and_then(Value::as_array)?;
        Some(items.iter().enumerate().map(move |(at, item)| (name.as_str(), at, item)))
    });
    let is_wide = |item: &Value| item.as_str().is_some_and(scalar::places::is_everywhere);
    lists.flatten().filter(|(_, _, item)| is_wide(item)).map(|(name, at, _)| (name, at)).collect()
}

/// Settings with the schema's defaults in the place of what is absent, at every depth that is there; nulls removed.
#[must_use]
pub fn with_defaults(schema: &Value, settings: &SettingsMap) -> SettingsMap {
    let mut filled = SettingsMap::new();
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    for (name, schema) in properties {
        match settings.get(name).filter(|v| !v.is_null()).or_else(|| schema.get("default")) {
            Some(value) => filled.insert(name.clone(), default_value(schema, value)),
            None => continue,
        };
    }
    let additional = schema.get("additionalProperties");
    for (name, value) in settings.iter().filter(|(name, value)| !properties.contains_key(*name) && !value.is_null()) {
        let value = additional.map_or_else(|| value.clone(), |schema| default_value(schema, value));
        filled.insert(name.clone(), value);
    }
    filled
}

fn default_value(schema: &Value, value: &Value) -> Value {
    match value {
        Value::Object(map) if !flag(schema, "x-secret") && !types(schema).is_empty() => {
            Value::Object(with_defaults(schema, map))
        }
        Value::Array(items) => match schema.get("items") {
            Some(schema) => items.iter().map(|item| default_value(schema, item)).collect(),
            None => value.clone(),
        },
        other => other.clone(),
    }
}

/// Settings in the order of the schema, keys that it does not name by name at the end; for files that are compared.
#[must_use]
pub fn in_order(schema: &Value, settings: &SettingsMap) -> SettingsMap {
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let additional = schema.get("additionalProperties").unwrap_or(&Value::Null);
    let mut keys: Vec<&String> = settings.keys().collect();
    keys.sort_by_key(|key| (properties.keys().position(|name| name == *key).unwrap_or(usize::MAX), (*key).clone()));
    keys.into_iter()
        .filter_map(|key| Some((key, settings.get(key)?)))
        .map(|(key, value)| (key.clone(), value_in_order(properties.get(key).unwrap_or(additional), value)))
        .collect()
}

fn value_in_order(schema: &Value, value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(in_order(schema, map)),
        Value::Array(items) => {
            let schema = schema.get("items").unwrap_or(&Value::Null);
            items.iter().map(|item| value_in_order(schema, item)).collect()
        }
        other => other.clone(),
    }
}

/// Sees the path of keys to a secret and may replace its value.
pub type SecretVisitor<'a, E> = dyn FnMut(&[String], &mut Value) -> Result<(), E> + 'a;

/// Visits every value that the schema marks secret, with the path of its keys, and lets it be replaced.
///
/// # Errors
/// The first error of the visitor.
pub fn for_each_secret<E>(
    schema: &Value,
    settings: &mut SettingsMap,
    visit: &mut SecretVisitor<'_, E>,
) -> Result<(), E> {
    secrets_below(schema, settings, &mut Vec::new(), visit)
}

fn secrets_below<E>(
    schema: &Value,
    map: &mut SettingsMap,
    path: &mut Vec<String>,
    visit: &mut SecretVisitor<'_, E>,
) -> Result<(), E> {
    for (key, value) in map.iter_mut() {
        let below = schema.get("properties").and_then(|p| p.get(key)).or_else(|| schema.get("additionalProperties"));
        let Some(below) = below else { continue };
        path.push(key.clone());
        if flag(below, "x-secret") {
            visit(path, value)?;
        } else if let Value::Object(inner) = value {
            secrets_below(below, inner, path, visit)?;
        }
        path.pop();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn control_characters_are_refused_wherever_they_have_no_reason() {
        let text = json!({"type": "string"});
        let schema = json!({"type": "object", "properties": {
            "one": text,
            "list": {"type": "array", "items": text},
            "map": {"type": "object", "additionalProperties": text, "propertyNames": text},
            "labels": {"type": "object", "additionalProperties": text},
            "between": {"type": "string", "x-controls": true},
            "text": {"type": "string", "x-verbatim": true},
        }});
        let found = |settings: Value| {
            let mut problems = Problems::default();
            check(&schema, settings.as_object().unwrap(), &Path::root(), &mut problems);
            problems.into_vec().into_iter().map(|p| (p.field, p.message)).collect::<Vec<_>>()
        };
        for (c, name) in [
            ("\0", "U+0000"),
            ("\u{7f}", "U+007F"),
            ("\u{9b}", "U+009B"),
            ("\u{ffff}", "U+FFFF"),
            ("\r", "U+000D"),
            ("\u{85}", "U+0085"),
            ("\u{2028}", "U+2028"),
        ] {
            let settings = json!({
                "one": format!("a{c}"), "list": ["a", c], "map": {"k": c}, "labels": {"k": c}, "between": c,
            });
            let told = format!("holds the character {name}, which collectors do not take");
            assert_eq!(
                found(settings),
                ["one", "list[1]", "map.k", "labels.k"].map(|at| (at.to_owned(), told.clone()))
            );
            for map in ["map", "labels"] {
                assert_eq!(found(json!({ map: { c: "v" } })).len(), 1, "{map}");
            }
        }
        assert_eq!(found(json!({"text": "a\r\nb\u{85}\u{2028}", "one": "a\tb\nü\u{a0}\u{feff}😀"})), []);
    }
}
