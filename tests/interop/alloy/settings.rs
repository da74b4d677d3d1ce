//! Settings beside those of the examples: each field of each kind with each value that its schema suggests, on top of each
//! example.

use serde_json::{Map, Value, json};

/// Texts for fields that suggest none; the first that is accepted is taken.
const TEXTS: [&str; 9] = [
    "7s",
    "example",
    "1500ms",
    "/var/lib/telemetry/a",
    "http://127.0.0.1:4319",
    "127.0.0.1:14319",
    "^a.*$",
    "a=\"b\"",
    "UTC",
];

/// The file that a field of this name is to name: one that is there, for a certificate is read at once.
fn file(field: &str) -> Option<&'static str> {
    match field {
        "ca_file" | "client_ca_file" => Some("/etc/ssl/ca.pem"),
        "cert_file" => Some("/etc/ssl/collector.pem"),
        "key_file" => Some("/etc/ssl/collector.key"),
        _ => None,
    }
}

/// What a field may be, by its schema: lists of values of which one is enough, the first that is accepted.
fn values(schema: &Value) -> Vec<Vec<Value>> {
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|word| vec![word.clone()]).collect();
    }
    let suggested = || {
        let examples = schema["examples"].as_array().into_iter().flatten();
        examples.chain(schema.get("default")).map(|value| vec![value.clone()]).collect::<Vec<_>>()
    };
    match schema["type"].as_str() {
        Some("boolean") => vec![vec![json!(true)], vec![json!(false)]],
        Some("integer" | "number") => suggested().into_iter().chain([vec![schema["minimum"].clone()]]).collect(),
        Some("array") => {
            let each = values(&schema["items"]).into_iter();
            let lists = each.map(|ways| ways.into_iter().map(|value| json!([value])).collect());
            suggested().into_iter().chain(lists).collect()
        }
        Some("object") => match schema["properties"].as_object() {
            Some(fields) => changes(fields, &required(schema)).into_iter().map(|(_, ways)| ways).collect(),
            None => {
                let each = values(&schema["additionalProperties"]).into_iter();
                let maps = each.map(|ways| ways.into_iter().map(|value| json!({"a_key": value})).collect());
                suggested().into_iter().chain(maps).collect()
            }
        },
        _ if suggested().is_empty() => vec![TEXTS.map(Value::from).to_vec()],
        _ => suggested(),
    }
}

/// A mapping with what it has to have.
fn required(schema: &Value) -> Map<String, Value> {
    let names = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let first = |name: &str| match file(name) {
        Some(path) => Some(json!(path)),
        None => values(&schema["properties"][name]).into_iter().next()?.into_iter().next(),
    };
    names.filter_map(|name| Some((name.to_owned(), first(name)?))).collect()
}

/// These settings with one field changed: its name, and the ways of which one is enough.
pub(super) fn changes(fields: &Map<String, Value>, settings: &Map<String, Value>) -> Vec<(String, Vec<Value>)> {
    let mut changes = Vec::new();
    let changed = |name: &str, value: Value| {
        let mut settings = settings.clone();
        settings.insert(name.to_owned(), value);
        // These go together.
        for other in ["cert_file", "key_file"].iter().filter(|_| ["cert_file", "key_file"].contains(&name)) {
            settings.entry(*other).or_insert_with(|| json!(file(other)));
        }
        Value::Object(settings)
    };
    for (name, schema) in fields {
        if let (Some(below), Some(Value::Object(inner))) = (schema["properties"].as_object(), settings.get(name)) {
            for (field, ways) in self::changes(below, inner) {
                changes.push((format!("{name}.{field}"), ways.into_iter().map(|way| changed(name, way)).collect()));
            }
            continue;
        }
        let ways = file(name).map_or_else(|| values(schema), |path| vec![vec![json!(path)]]);
        for ways in ways {
            changes.push((name.clone(), ways.into_iter().map(|value| changed(name, value)).collect()));
        }
    }
    changes
}
