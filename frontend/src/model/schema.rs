//! Forms from JSON Schema: what of the schema a form needs, in a shape that is easy to draw.

mod begin;

use serde_json::{Map, Value};

use super::format;

pub use begin::{begin, starting, to_fill_in};

/// One field of a form.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The property's name.
    pub key: String,
    /// What an operator calls it.
    pub title: String,
    /// What it does.
    pub help: String,
    /// Whether settings without it are refused.
    pub required: bool,
    /// What holds when it is left out.
    pub default: Option<Value>,
    /// What may be entered.
    pub kind: Kind,
}

/// What may be entered into a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A line of text; `unit` stands behind it, `example` in it while it is empty.
    Text {
        /// For example `duration`.
        unit: Option<String>,
        /// For example `10s`.
        example: Option<String>,
    },
    /// A text in a language, in a fixed-width face.
    Code {
        /// Whether it is one line, such as an expression, and not several.
        is_line: bool,
        /// For example `(?i)token=\S+`.
        example: Option<String>,
    },
    /// A number; whole when `integer`.
    Number {
        /// Whether a fraction is refused.
        integer: bool,
        /// The schema's limits, in words.
        range: Option<String>,
        /// For example `batches`.
        unit: Option<String>,
        /// Stands in it while it is empty: `1000`.
        example: Option<String>,
    },
    /// A text, a number, or yes or no, as it is written: see [`scalar`].
    Scalar,
    /// Yes or no.
    Switch,
    /// One of a few words, each with its title.
    Choice(Vec<(String, String)>),
    /// Any of a few words.
    Several(Vec<(String, String)>),
    /// A reference to the host's environment, or a value that is sealed.
    Secret,
    /// Values of one kind in order.
    List(Box<Field>),
    /// Values of one kind by name.
    Map(Box<Field>),
    /// Fields that belong together.
    Group(Vec<Field>),
    /// Whatever the schema says that a form cannot draw: entered as JSON.
    Json,
}

impl Field {
    /// What holds when it is left out, in words; `None` when that is nothing.
    #[must_use]
    pub fn default_words(&self) -> Option<String> {
        self.default.as_ref().map(plain).filter(|words| !words.is_empty())
    }
}

impl Field {
    /// What stands in it while it is empty. The default of several lines is shown below them.
    #[must_use]
    pub fn hint(&self) -> String {
        let (example, unit) = match &self.kind {
            Kind::Text { example, unit } => (example.as_ref(), unit.clone()),
            Kind::Code { example, .. } | Kind::Number { example, .. } => (example.as_ref(), None),
            _ => (None, None),
        };
        let default = self.default_words().filter(|_| !matches!(self.kind, Kind::Code { is_line: false, .. }));
        let hint = default.map(|default| format!("default {default}"));
        hint.or_else(|| Some(format!("e.g. {}", example?))).or(unit).unwrap_or_default()
    }
}

impl Kind {
    /// Whether what is wrong inside of it is shown at smaller places.
    #[must_use]
    pub const fn has_places(&self) -> bool {
        matches!(self, Self::Group(_) | Self::List(_) | Self::Map(_))
    }
}

/// What was typed where a text, a number or a truth value may stand. In double quotes it is a text whatever it holds; and so
/// is a number that would not be written back as it was typed, such as `1.10` or one of too many digits.
#[must_use]
pub fn scalar(text: &str) -> Value {
    match serde_json::from_str(text.trim()) {
        Ok(value @ (Value::Bool(_) | Value::String(_))) => value,
        Ok(Value::Number(number)) if number.to_string() == text.trim() => Value::Number(number),
        _ => Value::from(text),
    }
}

/// What [`scalar`] reads as this value.
#[must_use]
pub fn scalar_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if scalar(text) == *value => text.clone(),
        other => other.to_string(),
    }
}

const MAX_DEPTH: usize = 12;

/// The fields of a kind's settings, in the order of `x-order`, required ones before the others.
#[must_use]
pub fn fields(schema: &Value) -> Vec<Field> {
    group(schema, schema, 0)
}

/// The value that an empty field of this kind begins with when it is added.
#[must_use]
pub fn blank(kind: &Kind) -> Value {
    match kind {
        Kind::Switch => Value::Bool(false),
        Kind::List(_) | Kind::Several(_) => Value::Array(Vec::new()),
        Kind::Map(_) | Kind::Json => Value::Object(Map::new()),
        Kind::Group(fields) => Value::Object(
            fields.iter().filter(|field| field.required).map(|field| (field.key.clone(), blank(&field.kind))).collect(),
        ),
        Kind::Choice(options) => options.first().map_or(Value::Null, |(value, _)| Value::from(value.as_str())),
        Kind::Text { .. } | Kind::Code { .. } | Kind::Number { .. } | Kind::Scalar | Kind::Secret => Value::from(""),
    }
}

fn group(schema: &Value, root: &Value, depth: usize) -> Vec<Field> {
    let schema = resolve(schema, root);
    let required: Vec<&str> = strings(schema.get("required"));
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let mut fields: Vec<(i64, Field)> = properties
        .iter()
        .map(|(key, property)| {
            let order = place(property, root).unwrap_or(i64::MAX);
            (order, field(key, property, root, required.contains(&key.as_str()), depth))
        })
        .collect();
    fields.sort_by_key(|(order, field)| (*order, !field.required));
    fields.into_iter().map(|(_, field)| field).collect()
}

fn place(property: &Value, root: &Value) -> Option<i64> {
    property.get("x-order").or_else(|| resolve(property, root).get("x-order"))?.as_i64()
}

fn field(key: &str, property: &Value, root: &Value, required: bool, depth: usize) -> Field {
    let schema = resolve(property, root);
    let said = |name: &str| property.get(name).or_else(|| schema.get(name));
    let text = |name: &str| said(name).and_then(Value::as_str).map(str::to_owned);
    Field {
        key: key.to_owned(),
        title: text("title").unwrap_or_else(|| title(key)),
        help: text("description").unwrap_or_default(),
        required,
        default: said("default").filter(|value| !value.is_null()).cloned(),
        kind: kind(property, schema, root, depth),
    }
}

fn kind(property: &Value, schema: &Value, root: &Value, depth: usize) -> Kind {
    let said = |name: &str| property.get(name).or_else(|| schema.get(name));
    let widget = said("x-widget").and_then(Value::as_str).unwrap_or_default();
    if said("x-secret").and_then(Value::as_bool) == Some(true) {
        // A map or list of secrets is drawn as such, with secret entries.
        return match container(schema, root, depth, true) {
            Some(kind) => kind,
            None => Kind::Secret,
        };
    }
    if depth > MAX_DEPTH {
        return Kind::Json;
    }
    if let Some(options) = options(schema, root) {
        return Kind::Choice(options);
    }
    if let Some(kind) = container(schema, root, depth, false) {
        return kind;
    }
    let example = || said("examples").and_then(|list| list.get(0)).map(plain);
    let unit = || said("x-unit").and_then(Value::as_str).map(str::to_owned);
    match kind_of(schema) {
        "string" if is_union(schema) => Kind::Scalar,
        "string" if widget == "code" || widget == "text" => {
            // An expression is one line, and so is its field.
            Kind::Code { is_line: said("x-check").and_then(Value::as_str) == Some("regex"), example: example() }
        }
        "string" => Kind::Text {
            unit: unit().or_else(|| said("format").and_then(Value::as_str).map(str::to_owned)),
            example: example(),
        },
        kind @ ("integer" | "number") => {
            Kind::Number { integer: kind == "integer", range: range(schema), unit: unit(), example: example() }
        }
        "boolean" => Kind::Switch,
        _ => Kind::Json,
    }
}

/// Whether a text may also be a number or a truth value.
fn is_union(schema: &Value) -> bool {
    strings(schema.get("type")).iter().any(|kind| ["integer", "number", "boolean"].contains(kind))
}

fn container(schema: &Value, root: &Value, depth: usize, secret: bool) -> Option<Kind> {
    let inner = |schema: &Value| {
        let mut field = field("", schema, root, true, depth + 1);
        if secret && matches!(field.kind, Kind::Text { .. } | Kind::Json) {
            field.kind = Kind::Secret;
        }
        Box::new(field)
    };
    match kind_of(schema) {
        "array" => {
            let items = schema.get("items")?;
            if schema.get("uniqueItems").and_then(Value::as_bool) == Some(true)
                && let Some(options) = options(resolve(items, root), root)
            {
                return Some(Kind::Several(options));
            }
            let mut item = inner(items);
            let of_list = schema.pointer("/examples/0/0").map(plain);
            if let Kind::Text { example, .. } | Kind::Code { example, .. } | Kind::Number { example, .. } =
                &mut item.kind
            {
                *example = example.take().or(of_list);
            }
            Some(Kind::List(item))
        }
        "object" if schema.get("properties").is_some_and(|p| p.as_object().is_some_and(|p| !p.is_empty())) => {
            if secret && schema.pointer("/properties/sealed").is_some() {
                return None;
            }
            Some(Kind::Group(group(schema, root, depth + 1)))
        }
        "object" => {
            schema.get("additionalProperties").filter(|more| more.is_object()).map(|more| Kind::Map(inner(more)))
        }
        _ => None,
    }
}

/// Follows `$ref`, and takes the part of a union that is not `null`.
fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let mut schema = schema;
    for _ in 0..MAX_DEPTH {
        if let Some(path) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#')) {
            match root.pointer(path) {
                Some(target) => schema = target,
                None => return schema,
            }
            continue;
        }
        let parts = ["anyOf", "oneOf", "allOf"].iter().find_map(|name| schema.get(*name)?.as_array());
        let mut real = parts.into_iter().flatten().filter(|part| part.get("type") != Some(&Value::from("null")));
        match (real.next(), real.next()) {
            (Some(one), None) => schema = one,
            _ => return schema,
        }
    }
    schema
}

fn kind_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or(""),
        _ if schema.get("properties").is_some() => "object",
        _ => "",
    }
}

fn options(schema: &Value, root: &Value) -> Option<Vec<(String, String)>> {
    if let Some(list) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<_> =
            list.iter().filter_map(Value::as_str).map(|word| (word.to_owned(), word.to_owned())).collect();
        return (!words.is_empty()).then_some(words);
    }
    let parts = schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array()?;
    let mut words = Vec::new();
    for part in parts {
        let part = resolve(part, root);
        if let Some(word) = part.get("const").and_then(Value::as_str) {
            let title = part.get("title").or_else(|| part.get("description")).and_then(Value::as_str).unwrap_or(word);
            words.push((word.to_owned(), title.trim_end_matches('.').to_owned()));
        } else if let Some(list) = part.get("enum").and_then(Value::as_array) {
            words.extend(list.iter().filter_map(Value::as_str).map(|word| (word.to_owned(), word.to_owned())));
        } else if part.get("type") != Some(&Value::from("null")) {
            return None;
        }
    }
    (!words.is_empty()).then_some(words)
}

fn range(schema: &Value) -> Option<String> {
    let limit = |name: &str| {
        let limit = schema.get(name).filter(|value| value.is_number())?;
        Some(limit.as_u64().map_or_else(|| plain(limit), format::count))
    };
    match (limit("minimum"), limit("maximum")) {
        (Some(low), Some(high)) => Some(format!("{low} to {high}")),
        (Some(low), None) => Some(format!("{low} or more")),
        (None, Some(high)) => Some(format!("{high} or less")),
        (None, None) => None,
    }
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A value as people write it: `7`, `0.5`, `a, b`.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(map) => {
            map.iter().map(|(key, value)| format!("{key}: {}", plain(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string().trim_end_matches(".0").to_owned(),
    }
}

/// `send_batch_size` as people read it: `Send batch size`.
#[must_use]
pub fn title(key: &str) -> String {
    let words = key.replace('_', " ");
    match words.as_str() {
        "tls" | "grpc" | "http" | "url" | "otelcol" => match key {
            "grpc" => "gRPC".to_owned(),
            "otelcol" => words,
            _ => words.to_uppercase(),
        },
        _ => {
            let mut letters = words.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
        }
    }
}

#[cfg(test)]
mod tests;
