//! Converters that read texts.

use crate::{
    eval::{Arguments, Datum, Env, Error},
    record::{Attributes, Value},
};

pub(crate) fn parse_json(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let text = arguments.text(0, env)?;
    env.spend(text.len())?;
    let parsed: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| Error::value(format!("this is no JSON: {error}")))?;
    match from_json(parsed) {
        Value::Map(map) => Ok(Datum::Map(map)),
        Value::Array(items) => Ok(Datum::List(items)),
        other => {
            Err(Error::value(format!("the JSON is neither an object nor an array but {}", Datum::from(&other).words())))
        }
    }
}

/// All numbers have a fraction, as upstream has it.
fn from_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Empty,
        serde_json::Value::Bool(truth) => Value::Bool(truth),
        serde_json::Value::Number(number) => Value::Double(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Value::Str(text),
        serde_json::Value::Array(items) => Value::Array(items.into_iter().map(from_json).collect()),
        serde_json::Value::Object(entries) => {
            Value::Map(entries.into_iter().map(|(key, value)| (key, from_json(value))).collect())
        }
    }
}

pub(crate) fn parse_key_value(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let delimiter = arguments.literal_text(1).unwrap_or("=");
    let between = arguments.literal_text(2).unwrap_or(" ");
    let text = arguments.text(0, env)?;
    if text.is_empty() {
        return Err(Error::value("there is nothing in an empty text"));
    }
    env.spend(text.len())?;
    let mut pairs = Vec::new();
    for pair in split_outside_quotes(&text, between)? {
        let (key, value) = pair
            .split_once(delimiter)
            .ok_or_else(|| Error::value(format!("`{pair}` has no `{delimiter}` between a key and a value")))?;
        pairs.push((key.trim().to_owned(), Value::Str(value.trim().to_owned())));
    }
    Ok(Datum::Map(pairs.into_iter().collect::<Attributes>()))
}

/// The parts between delimiters, but for those in quotes, which go. A `\` takes the next character as it is, and stays.
fn split_outside_quotes(text: &str, delimiter: &str) -> Result<Vec<String>, Error> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut quote = None;
    let mut escaped = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if quote.is_none()
            && let Some(after) = rest.strip_prefix(delimiter)
        {
            if !part.is_empty() {
                parts.push(std::mem::take(&mut part));
            }
            rest = after;
            continue;
        }
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
        if escaped {
            escaped = false;
        } else if quote.is_none() && matches!(character, '"' | '\'') {
            quote = Some(character);
            continue;
        } else if quote == Some(character) {
            quote = None;
            continue;
        } else {
            escaped = character == '\\';
        }
        part.push(character);
    }
    if quote.is_some() {
        return Err(Error::value("a quote is not closed"));
    }
    if !part.is_empty() {
        parts.push(part);
    }
    Ok(parts)
}
