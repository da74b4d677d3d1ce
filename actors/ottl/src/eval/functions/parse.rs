//! Converters that read texts.

use std::borrow::Cow;

use crate::{
    eval::{Arguments, Datum, Env, Error},
    record::{Attributes, Held as _, Value},
};

pub(crate) fn parse_json(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let text = arguments.text(0, env)?;
    env.spend(text.len())?;
    let parsed: serde_json::Value = serde_json::from_str(&without_lone_surrogates(&text))
        .map_err(|error| Error::value(format!("this is no JSON: {error}")))?;
    match from_json(parsed) {
        Value::Map(map) => Ok(Datum::Map(map)),
        Value::Array(items) => Ok(Datum::List(items)),
        other => {
            Err(Error::value(format!("the JSON is neither an object nor an array but {}", Datum::from(&other).words())))
        }
    }
}

/// The text with `\ufffd` in place of each half of a surrogate pair that stands alone, as Go reads them; serde refuses
/// such a text.
fn without_lone_surrogates(text: &str) -> Cow<'_, str> {
    let mut mended: Option<String> = None;
    let (mut copied, mut from) = (0, 0);
    // Of an escape only `\\` could be taken for another one, so each is passed as a whole.
    while let Some(at) = text.get(from..).and_then(|rest| rest.find('\\')).map(|at| from + at) {
        let escape = |at: usize| {
            let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
            // `from_str_radix` takes a sign, too.
            digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
        };
        let length = match escape(at) {
            Some(0xd800..=0xdbff) if matches!(escape(at + 6), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => {
                let mended = mended.get_or_insert_default();
                mended.push_str(text.get(copied..at).unwrap_or_default());
                mended.push_str("\\ufffd");
                copied = at + 6;
                6
            }
            Some(_) => 6,
            // What is behind it may be of several octets, which is no escape at all.
            None => 1 + text.get(at + 1..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8),
        };
        from = at + length;
    }
    match mended {
        Some(mended) => Cow::Owned(mended + text.get(copied..).unwrap_or_default()),
        None => Cow::Borrowed(text),
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

/// The level whose criteria a value fulfils. Where several would, upstream takes any; here the first.
pub(crate) fn parse_severity(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let Some(Datum::Map(mapping)) = arguments.literal(1) else {
        return Err(Error::value("the mapping is not written out"));
    };
    // It is read anew for each record.
    env.spend(mapping.held() / 4)?;
    let levels: Vec<(&str, Vec<Criterion<'_>>)> = mapping.iter().map(levels).collect::<Result<_, _>>()?;
    let value = arguments.any(0, env)?;
    for (level, criteria) in levels {
        let holds = match &value {
            Datum::Text(text) => criteria.iter().any(|criterion| criterion.equals.contains(&text.as_str())),
            Datum::Int(number) => criteria
                .iter()
                .any(|criterion| criterion.range.is_some_and(|(low, high)| (low..=high).contains(number))),
            _ if criteria.is_empty() => false,
            other => {
                return Err(Error::value(format!("a severity is a text or a whole number, found {}", other.words())));
            }
        };
        if holds {
            return Ok(Datum::Text(level.to_owned()));
        }
    }
    Err(Error::value("no level of the mapping fits the value"))
}

/// What a value must be: one of those texts, or a number from one to the other.
struct Criterion<'m> {
    equals: Vec<&'m str>,
    range: Option<(i64, i64)>,
}

fn levels<'m>((level, criteria): (&'m str, &'m Value)) -> Result<(&'m str, Vec<Criterion<'m>>), Error> {
    let wrong = || Error::value(format!("the criteria of `{level}` are no list of maps with `equals` or `range`"));
    let Value::Array(criteria) = criteria else { return Err(wrong()) };
    let one = |criterion: &'m Value| {
        let Value::Map(criterion) = criterion else { return Err(wrong()) };
        let equals = match criterion.get("equals") {
            None => Vec::new(),
            Some(Value::Array(texts)) => texts
                .iter()
                .map(|text| match text {
                    Value::Str(text) => Ok(text.as_str()),
                    _ => Err(wrong()),
                })
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(wrong()),
        };
        let range = match criterion.get("range") {
            None => None,
            Some(Value::Str(known)) => match known.as_str() {
                "2xx" => Some((200, 299)),
                "3xx" => Some((300, 399)),
                "4xx" => Some((400, 499)),
                "5xx" => Some((500, 599)),
                _ => return Err(wrong()),
            },
            Some(Value::Map(range)) => match (range.get("min"), range.get("max")) {
                (Some(Value::Int(low)), Some(Value::Int(high))) => Some((*low, *high)),
                _ => return Err(wrong()),
            },
            Some(_) => return Err(wrong()),
        };
        Ok(Criterion { equals, range })
    };
    Ok((level, criteria.iter().map(one).collect::<Result<_, _>>()?))
}
