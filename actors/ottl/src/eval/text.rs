//! Values as texts.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{datum::Datum, error::Error, time::rfc3339};
use crate::record::{Attributes, Value};

/// A number as JavaScript and Go's JSON write it.
pub(crate) fn double(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        return if size >= 1.0 { text.replacen('e', "e+", 1) } else { text };
    }
    format!("{number}")
}

/// A value as a text (`pcommon.Value.AsString`).
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Str(text) => text.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => double(*number),
        Value::Bytes(octets) => STANDARD.encode(octets),
        Value::Array(_) | Value::Map(_) => {
            let mut text = String::new();
            // Upstream writes nothing where JSON has no words.
            if json(value, Writer::Standard, &mut text).is_err() {
                text.clear();
            }
            text
        }
    }
}

/// A value as a text where a text is asked for and others are taken too (`StringLikeGetter`); `None` for nil.
pub(crate) fn like(datum: &Datum) -> Result<Option<String>, Error> {
    let mut text = String::new();
    match datum {
        Datum::Nil => return Ok(None),
        Datum::Text(known) => return Ok(Some(known.clone())),
        Datum::Bytes(octets) => return Ok(Some(hex::encode(octets))),
        other => json_of(other, &mut text)?,
    }
    Ok(Some(text))
}

/// Which of upstream's two writers of JSON is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// `encoding/json`, told not to escape characters of HTML.
    Standard,
    /// `goccy/go-json`, which escapes them and writes exponents with two digits.
    Goccy,
}

/// A value in JSON, keys in order.
pub(crate) fn json(value: &Value, writer: Writer, into: &mut String) -> Result<(), Error> {
    match value {
        Value::Empty => into.push_str("null"),
        Value::Str(text) => json_text(text, writer, into),
        Value::Bool(truth) => into.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => into.push_str(&number.to_string()),
        Value::Double(number) if number.is_finite() => {
            let text = double(*number);
            match text.split_once("e-") {
                Some((digits, exponent)) if writer == Writer::Goccy => {
                    into.push_str(&format!("{digits}e-{exponent:0>2}"));
                }
                _ => into.push_str(&text),
            }
        }
        Value::Double(_) => return Err(Error::value("JSON has no word for this number")),
        Value::Bytes(octets) => json_text(&STANDARD.encode(octets), writer, into),
        Value::Array(items) => {
            into.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    into.push(',');
                }
                json(item, writer, into)?;
            }
            into.push(']');
        }
        Value::Map(map) => json_map(map, writer, into)?,
    }
    Ok(())
}

fn json_map(map: &Attributes, writer: Writer, into: &mut String) -> Result<(), Error> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    into.push('{');
    for (index, (key, item)) in entries.into_iter().enumerate() {
        if index > 0 {
            into.push(',');
        }
        json_text(key, writer, into);
        into.push(':');
        json(item, writer, into)?;
    }
    into.push('}');
    Ok(())
}

fn json_of(datum: &Datum, into: &mut String) -> Result<(), Error> {
    fn listed<T>(
        items: &[T],
        into: &mut String,
        one: impl Fn(&T, &mut String) -> Result<(), Error>,
    ) -> Result<(), Error> {
        into.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                into.push(',');
            }
            one(item, into)?;
        }
        into.push(']');
        Ok(())
    }
    let finite = |number: f64, into: &mut String| json(&Value::Double(number), Writer::Goccy, into);
    match datum {
        Datum::Nil => into.push_str("null"),
        Datum::Bool(truth) => into.push_str(if *truth { "true" } else { "false" }),
        Datum::Int(number) | Datum::Native(number) | Datum::Duration(number) => into.push_str(&number.to_string()),
        Datum::Double(number) => finite(*number, into)?,
        Datum::Text(text) => json_text(text, Writer::Goccy, into),
        Datum::Bytes(octets) => json_text(&STANDARD.encode(octets), Writer::Goccy, into),
        Datum::Map(map) => json_map(map, Writer::Goccy, into)?,
        Datum::List(items) => listed(items, into, |item, into| json(item, Writer::Goccy, into))?,
        Datum::Items(items) => listed(items, into, json_of)?,
        Datum::Texts(items) => listed(items, into, |item, into| {
            json_text(item, Writer::Goccy, into);
            Ok(())
        })?,
        // No list at all to Go.
        Datum::Doubles(items) if items.is_empty() => into.push_str("null"),
        Datum::Counts(items) if items.is_empty() => into.push_str("null"),
        Datum::Doubles(items) => listed(items, into, |item, into| finite(*item, into))?,
        Datum::Counts(items) => listed(items, into, |item, into| {
            into.push_str(&item.to_string());
            Ok(())
        })?,
        Datum::Raw(items) => {
            let mut entries: Vec<_> = items.iter().collect();
            entries.sort_by_key(|(key, _)| key);
            into.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    into.push(',');
                }
                json_text(key, Writer::Goccy, into);
                into.push(':');
                json_of(item, into)?;
            }
            into.push('}');
        }
        Datum::Time(time) => json_text(&rfc3339(time)?, Writer::Goccy, into),
        // An id is an array of octets to Go.
        Datum::TraceId(id) => ids(id, into),
        Datum::SpanId(id) => ids(id, into),
        // A struct without public fields to Go.
        Datum::Part(_) => into.push_str("{}"),
    }
    Ok(())
}

fn ids(octets: &[u8], into: &mut String) {
    let numbers: Vec<_> = octets.iter().map(u8::to_string).collect();
    into.push_str(&format!("[{}]", numbers.join(",")));
}

fn json_text(text: &str, writer: Writer, into: &mut String) {
    into.push('"');
    for character in text.chars() {
        match character {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            '\u{8}' => into.push_str("\\b"),
            '\u{c}' => into.push_str("\\f"),
            '<' | '>' | '&' if writer == Writer::Goccy => into.push_str(&format!("\\u{:04x}", u32::from(character))),
            '\u{2028}' | '\u{2029}' => into.push_str(&format!("\\u{:04x}", u32::from(character))),
            control if control < ' ' => into.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => into.push(other),
        }
    }
    into.push('"');
}
