//! Converters from one kind of value to another, and those that tell the kind.

use crate::{
    eval::{Arguments, Datum, Env, Error},
    record::Held as _,
};

pub(crate) fn string(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(arguments.text_like(0, env)?.map_or(Datum::Nil, Datum::Text))
}

pub(crate) fn int(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(arguments.int_like(0, env)?.map_or(Datum::Nil, Datum::Int))
}

pub(crate) fn double(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(arguments.float_like(0, env)?.map_or(Datum::Nil, Datum::Double))
}

pub(crate) fn bool(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(arguments.bool_like(0, env)?.map_or(Datum::Nil, Datum::Bool))
}

pub(crate) fn is_string(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(matches!(arguments.any(0, env)?, Datum::Text(_)).into())
}

pub(crate) fn is_int(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(matches!(arguments.any(0, env)?, Datum::Int(_)).into())
}

pub(crate) fn is_double(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(matches!(arguments.any(0, env)?, Datum::Double(_)).into())
}

pub(crate) fn is_bool(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(matches!(arguments.any(0, env)?, Datum::Bool(_)).into())
}

pub(crate) fn is_map(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(matches!(arguments.any(0, env)?, Datum::Map(_) | Datum::Raw(_)).into())
}

pub(crate) fn is_list(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(match arguments.any(0, env)? {
        Datum::List(_) | Datum::Items(_) | Datum::Texts(_) | Datum::Doubles(_) => true,
        Datum::Part(part) => part.len().is_some(),
        _ => false,
    }
    .into())
}

#[allow(clippy::float_cmp)] // upstream asks for the zero value
pub(crate) fn is_empty(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(match arguments.any(0, env)? {
        Datum::Nil => true,
        Datum::Bool(truth) => !truth,
        Datum::Int(number) | Datum::Native(number) | Datum::Duration(number) => number == 0,
        Datum::Double(number) => number == 0.0,
        Datum::Text(text) => text.is_empty(),
        Datum::Bytes(octets) => octets.is_empty(),
        Datum::Map(map) => map.is_empty(),
        Datum::Raw(items) => items.is_empty(),
        Datum::List(items) => items.is_empty(),
        Datum::Items(items) => items.is_empty(),
        Datum::Texts(items) => items.is_empty(),
        Datum::Doubles(items) => items.is_empty(),
        Datum::Counts(items) => items.is_empty(),
        Datum::TraceId(id) => id == [0; 16],
        Datum::SpanId(id) => id == [0; 8],
        Datum::Time(_) | Datum::Part(_) => false,
    }
    .into())
}

pub(crate) fn len(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let datum = arguments.any(0, env)?;
    let length = match &datum {
        Datum::Text(text) => text.len(),
        Datum::Bytes(octets) => octets.len(),
        Datum::Map(map) => map.len(),
        Datum::Raw(items) => items.len(),
        Datum::List(items) => items.len(),
        Datum::Items(items) => items.len(),
        Datum::Texts(items) => items.len(),
        Datum::Doubles(items) => items.len(),
        Datum::Counts(items) => items.len(),
        Datum::Part(part) => part.len().ok_or_else(|| Error::value("this part of a record has no length"))?,
        other => return Err(Error::value(format!("{} has no length", other.words()))),
    };
    Ok(Datum::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

pub(crate) fn coalesce(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    for expr in arguments.exprs(0)? {
        match env.eval(expr)? {
            Datum::Nil => {}
            other => return Ok(other),
        }
    }
    Ok(Datum::Nil)
}

pub(crate) fn valid_coalesce(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    match arguments.exprs(0) {
        Ok([]) => Err((0, "there must be at least one value".to_owned())),
        _ => Ok(()),
    }
}

pub(crate) fn log(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    match arguments.float_like(0, env)? {
        Some(number) if number > 0.0 || number.is_nan() => Ok(Datum::Double(number.ln())),
        Some(number) => Err(Error::value(format!("only a number above 0 has a logarithm, found {number}"))),
        None => Err(Error::value("only a number has a logarithm, found nil")),
    }
}

pub(crate) fn parse_int(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let text = arguments.text(0, env)?;
    let base = arguments.int(1, env)?;
    let wrong = || Error::value(format!("`{text}` is no whole number to the base {base}"));
    if text.is_empty() {
        return Err(Error::value("no whole number stands in an empty text"));
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let (radix, digits) = match base {
        0 => by_prefix(digits).ok_or_else(wrong)?,
        2..=36 => (u32::try_from(base).unwrap_or(10), digits.to_owned()),
        _ => return Err(Error::value(format!("the base is 0 or 2 to 36, found {base}"))),
    };
    if digits.starts_with(['+', '-']) {
        return Err(wrong());
    }
    let magnitude = u64::from_str_radix(&digits, radix).map_err(|_| wrong())?;
    let number = if negative { -i128::from(magnitude) } else { i128::from(magnitude) };
    i64::try_from(number).map(Datum::Int).map_err(|_| wrong())
}

/// The base that a number tells by its prefix, and its digits, between which `_` may stand.
fn by_prefix(digits: &str) -> Option<(u32, String)> {
    let lower = digits.to_ascii_lowercase();
    let (radix, rest) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, lower.get(1..).unwrap_or_default())
    } else {
        (10, lower.as_str())
    };
    let plain = rest.strip_prefix('_').filter(|_| radix != 10).unwrap_or(rest);
    let parts: Vec<&str> = plain.split('_').collect();
    parts.iter().all(|part| !part.is_empty()).then(|| (radix, parts.concat()))
}

pub(crate) fn trace_id(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    id(&arguments.bytes_like(0, env)?).map(Datum::TraceId)
}

pub(crate) fn span_id(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    id(&arguments.bytes_like(0, env)?).map(Datum::SpanId)
}

/// An id of octets, or of twice as many hexadecimal digits.
fn id<const N: usize>(octets: &[u8]) -> Result<[u8; N], Error> {
    if let Ok(id) = octets.try_into() {
        return Ok(id);
    }
    let mut id = [0; N];
    match hex::decode_to_slice(octets, &mut id) {
        Ok(()) => Ok(id),
        Err(_) => Err(Error::value(format!("an id here has {N} octets or {} hexadecimal digits", N * 2))),
    }
}

pub(crate) fn valid_trace_id(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    valid_id::<16>(arguments)
}

pub(crate) fn valid_span_id(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    valid_id::<8>(arguments)
}

fn valid_id<const N: usize>(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    let octets = match arguments.literal(0) {
        Some(Datum::Bytes(octets)) => octets.as_slice(),
        Some(Datum::Text(text)) => text.as_bytes(),
        _ => return Ok(()),
    };
    id::<N>(octets).map(|_| ()).map_err(|error| (0, error.to_string()))
}

pub(crate) fn is_root_span(_: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok((env.span()?.parent_span_id == [0; 8]).into())
}

/// Counts the work of looking at the attributes of all points.
fn looked_at(env: &mut Env<'_>) -> Result<(), Error> {
    let octets = env.metric()?.held();
    env.spend(octets / 32 + 1)
}

/// Whether a point of the metric has an attribute: the first that has it decides.
pub(crate) fn has_attribute_key(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let key = arguments.literal_text(0).unwrap_or_default();
    looked_at(env)?;
    Ok(crate::eval::first_attribute(&env.metric()?.data, key)?.is_some().into())
}

pub(crate) fn has_attribute(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let key = arguments.literal_text(0).unwrap_or_default();
    let expected = arguments.literal_text(1).unwrap_or_default();
    looked_at(env)?;
    let found = crate::eval::first_attribute(&env.metric()?.data, key)?;
    Ok(found
        .is_some_and(|value| match value {
            crate::record::Value::Str(text) => text == expected,
            // What is no text counts as an empty one.
            _ => expected.is_empty(),
        })
        .into())
}
