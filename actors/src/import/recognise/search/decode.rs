//! What was found in the place of a marked value, as a value of settings.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::import::recognise::{fit::Seen, sentinel::Sentinels};

/// What a setting may have been that came out as this, the likeliest first.
pub(super) fn values(seen: &[Seen]) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    let mut add = |value: Value| {
        if !values.contains(&value) {
            values.push(value);
        }
    };
    for seen in seen {
        match seen {
            Seen::Whole(tree) => tree.to_setting().into_iter().for_each(&mut add),
            Seen::Count(tree, unit) => {
                if let Some(Value::Number(number)) = tree.to_setting() {
                    add(quantity(number.as_i64().unwrap_or_default(), unit).into());
                }
            }
            Seen::Part { text, is_quoted } => {
                if let Some(text) = is_quoted.then(|| unquoted(text)).flatten() {
                    add(text.as_str().into());
                    add(without_escapes(&text).into());
                    add(text.replace("$$", "$").into());
                }
                if let Ok(number) = text.parse::<i64>() {
                    add(number.into());
                }
                add(text.as_str().into());
                add(without_escapes(text).into());
                add(without_escapes(&text.replace(".*", "*")).into());
            }
        }
    }
    values
}

/// A duration or size in the largest unit that it is a whole number of.
fn quantity(count: i64, unit: &str) -> String {
    const DURATIONS: &[(&str, i64)] =
        &[("ns", 1000), ("us", 1000), ("ms", 1000), ("s", 60), ("m", 60), ("h", i64::MAX)];
    const SIZES: &[(&str, i64)] = &[("B", 1024), ("KiB", 1024), ("MiB", 1024), ("GiB", i64::MAX)];
    let units = if SIZES.iter().any(|(name, _)| *name == unit) { SIZES } else { DURATIONS };
    let mut count = count;
    for (name, in_next) in units.iter().skip_while(|(name, _)| *name != unit) {
        if count == 0 || count % in_next != 0 {
            return format!("{count}{name}");
        }
        count /= in_next;
    }
    format!("{count}{unit}")
}

/// What stands between the quotes of a text of OTTL.
fn unquoted(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let digits: String = chars.by_ref().take(4).collect();
                char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
            }
            c => c,
        });
    }
    Some(out)
}

/// The text that a regular expression matches which was made to match nothing else.
fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// Settings with values in the place of marked ones. A marked value that was not found stays.
pub(super) fn put_in(
    settings: &Map<String, Value>,
    values: &BTreeMap<u32, Value>,
    sentinels: &Sentinels,
) -> Map<String, Value> {
    let key = |key: &String| match sentinels.of_text(key).and_then(|hole| values.get(&hole)) {
        Some(Value::String(name)) => name.clone(),
        _ => key.clone(),
    };
    settings.iter().map(|(name, value)| (key(name), put_into(value, values, sentinels))).collect()
}

fn put_into(value: &Value, values: &BTreeMap<u32, Value>, sentinels: &Sentinels) -> Value {
    let marked = match value {
        Value::String(text) => sentinels.of_text(text),
        Value::Number(number) => sentinels.of_number(number),
        _ => None,
    };
    if let Some(found) = marked.and_then(|hole| values.get(&hole)) {
        return found.clone();
    }
    match value {
        Value::Object(map) => Value::Object(put_in(map, values, sentinels)),
        Value::Array(items) => items.iter().map(|item| put_into(item, values, sentinels)).collect(),
        other => other.clone(),
    }
}
