//! Converters of texts.

use std::{collections::HashSet, net::IpAddr};

use base64::{
    Engine as _, alphabet,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig,
        general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
    },
};

use crate::{
    eval::{Arguments, Datum, Env, Error, MAX_TEXT, MAX_WEIGHT, compare, text},
    problem::short,
    program::Expr,
    record::{Attributes, Value},
    syntax::tree::Comparison,
};

fn index_of(number: usize) -> Datum {
    Datum::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

pub(crate) fn concat(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let delimiter = arguments.text(1, env)?;
    let mut joined = String::new();
    for (index, expr) in arguments.exprs(0)?.iter().enumerate() {
        if index > 0 {
            joined.push_str(&delimiter);
        }
        let datum = env.eval(expr)?;
        match text::like(&datum)? {
            Some(text) => joined.push_str(&text),
            None => joined.push_str("<nil>"),
        }
        if joined.len() > MAX_TEXT {
            return Err(Error::TooLarge(MAX_TEXT));
        }
    }
    Ok(joined.into())
}

pub(crate) fn split(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let text = arguments.text(0, env)?;
    let delimiter = arguments.text(1, env)?;
    // An empty one is found between any two characters, and so many are the parts.
    let weight = text.matches(&delimiter).count().saturating_mul(32);
    env.spend(weight + text.len())?;
    if weight > MAX_WEIGHT {
        return Err(Error::TooLarge(MAX_WEIGHT));
    }
    let parts = if delimiter.is_empty() {
        text.chars().map(String::from).collect()
    } else {
        text.split(&delimiter).map(str::to_owned).collect()
    };
    Ok(Datum::Texts(parts))
}

/// By octets. Where that cuts a character apart, upstream gives what is no UTF-8, which cannot be shown.
pub(crate) fn substring(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let start = arguments.int(1, env)?;
    if start < 0 {
        return Err(Error::value(format!("the start is below 0: {start}")));
    }
    let length = arguments.int(2, env)?;
    if length <= 0 {
        return Err(Error::value(format!("the length is not above 0: {length}")));
    }
    let text = arguments.text(0, env)?;
    let octets = i64::try_from(text.len()).unwrap_or(i64::MAX);
    if start > octets || length > octets - start {
        return Err(Error::value(format!("{length} octets from {start} reach beyond the end of a text of {octets}")));
    }
    let place = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let (mut from, mut to) = (place(start), place(start + length));
    if arguments.literal_bool(3).unwrap_or_default() {
        while !text.is_char_boundary(from) {
            from += 1;
        }
        while from < to && !text.is_char_boundary(to) {
            to -= 1;
        }
        to = to.max(from);
    }
    match text.get(from..to) {
        Some(part) => Ok(part.to_owned().into()),
        None => Err(Error::Unsupported("a text whose first or last character is cut apart".to_owned())),
    }
}

pub(crate) fn trim(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let cut = arguments.literal_text(1).unwrap_or(" ");
    env.spend(cut.len())?;
    let cut: HashSet<char> = cut.chars().collect();
    let text = arguments.text(0, env)?;
    Ok(text.trim_matches(|character| cut.contains(&character)).to_owned().into())
}

pub(crate) fn trim_prefix(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let (text, prefix) = (arguments.text(0, env)?, arguments.text(1, env)?);
    Ok(text.strip_prefix(&prefix).unwrap_or(&text).to_owned().into())
}

pub(crate) fn trim_suffix(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let (text, suffix) = (arguments.text(0, env)?, arguments.text(1, env)?);
    Ok(text.strip_suffix(&suffix).unwrap_or(&text).to_owned().into())
}

pub(crate) fn has_prefix(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(arguments.text(0, env)?.starts_with(&arguments.text(1, env)?).into())
}

pub(crate) fn has_suffix(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(arguments.text(0, env)?.ends_with(&arguments.text(1, env)?).into())
}

pub(crate) fn is_match(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let regex = arguments.pattern(1, env)?;
    let Some(text) = arguments.text_like(0, env)? else { return Ok(false.into()) };
    env.search(&regex, text.len())?;
    Ok(regex.is_match(&text).into())
}

pub(crate) fn extract_patterns(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let regex = arguments.pattern(1, env)?;
    if regex.names().iter().all(String::is_empty) {
        return Err(Error::value("the pattern has no group with a name, such as `(?P<name>…)`"));
    }
    let text = arguments.text(0, env)?;
    env.search(&regex, text.len())?;
    let Some(captures) = regex.captures(&text) else { return Ok(Datum::Map(Attributes::default())) };
    let groups = regex.names().iter().enumerate().filter(|(_, name)| !name.is_empty());
    let map =
        groups.map(|(index, name)| (name.clone(), Value::Str(captures.get(index).unwrap_or_default().to_owned())));
    Ok(Datum::Map(map.collect()))
}

pub(crate) fn index(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let target = arguments.any(0, env)?;
    let wanted = arguments.any(1, env)?;
    if let Datum::Text(text) = &target {
        return match wanted {
            Datum::Text(part) => Ok(text.find(&part).map_or(Datum::Int(-1), index_of)),
            other => Err(Error::value(format!("in a text stands a text, found {}", other.words()))),
        };
    }
    let items = crate::eval::as_list(target).map_err(Error::within)?;
    Ok(items.iter().position(|item| equals(item, &wanted)).map_or(Datum::Int(-1), index_of))
}

pub(crate) fn contains_value(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let items = arguments.list(0, env)?;
    let wanted = arguments.any(1, env)?;
    Ok(items.iter().any(|item| equals(item, &wanted)).into())
}

/// Whether an element of a list, as Go's own types have it, equals a value.
fn equals(item: &Value, wanted: &Datum) -> bool {
    let item = match item {
        Value::Array(_) => crate::eval::go_types(item.clone()),
        other => Datum::from(other),
    };
    compare(&item, wanted, Comparison::Equal)
}

pub(crate) fn hex(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(hex::encode(arguments.bytes_like(0, env)?).into())
}

pub(crate) fn base64_decode(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    decoded("base64", arguments.text(0, env)?.into_bytes())
}

pub(crate) fn base64_encode(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let text = arguments.text(0, env)?;
    let variant = if arguments.has(1) { arguments.text(1, env)? } else { "base64".to_owned() };
    Ok(match variant.as_str() {
        "base64" => STANDARD.encode(text),
        "base64-raw" => STANDARD_NO_PAD.encode(text),
        "base64-url" => URL_SAFE.encode(text),
        "base64-raw-url" => URL_SAFE_NO_PAD.encode(text),
        other => return Err(Error::value(format!("`{other}` is no variant of base64"))),
    }
    .into())
}

pub(crate) fn decode(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let encoding = arguments.text(1, env)?;
    let octets = match arguments.any(0, env)? {
        Datum::Text(text) => text.into_bytes(),
        Datum::Bytes(octets) => octets,
        other => return Err(Error::value(format!("only a text or octets can be decoded, found {}", other.words()))),
    };
    decoded(&encoding, octets)
}

fn decoded(encoding: &str, octets: Vec<u8>) -> Result<Datum, Error> {
    // Go passes over ends of lines within.
    let digits = || octets.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n')).collect::<Vec<u8>>();
    let lossy = |octets: &[u8]| Ok(String::from_utf8_lossy(octets).into_owned().into());
    let base64 = |alphabet, padding| {
        // Bits behind the last octet are passed over, too.
        let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
        GeneralPurpose::new(alphabet, config.with_decode_padding_mode(padding)).decode(digits())
    };
    let (padded, raw) = (DecodePaddingMode::RequireCanonical, DecodePaddingMode::RequireNone);
    // Of these, case matters in the names of base64 alone.
    let lower = if encoding.to_ascii_lowercase().starts_with("base64") {
        encoding.to_owned()
    } else {
        encoding.to_ascii_lowercase()
    };
    let decoded = match lower.as_str() {
        "base64" => base64(&alphabet::STANDARD, padded),
        "base64-raw" => base64(&alphabet::STANDARD, raw),
        "base64-url" => base64(&alphabet::URL_SAFE, padded),
        "base64-raw-url" => base64(&alphabet::URL_SAFE, raw),
        "nop" | "utf8-raw" | "utf-8-raw" => Ok(octets),
        "" | "utf8" | "utf-8" | "ascii" | "us-ascii" => return lossy(&octets),
        "latin1" | "iso-8859-1" => {
            return Ok(octets.iter().map(|octet| char::from(*octet)).collect::<String>().into());
        }
        "utf16" | "utf-16" => {
            let units = octets.chunks_exact(2).map(|pair| match pair {
                [low, high] => u16::from_le_bytes([*low, *high]),
                _ => 0,
            });
            return Ok(char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect::<String>().into());
        }
        _ => return Err(Error::Unsupported(short(format!("the encoding `{encoding}`")))),
    };
    let octets = decoded.map_err(|error| Error::value(format!("this is no {encoding}: {error}")))?;
    String::from_utf8(octets)
        .map(Datum::Text)
        .map_err(|_| Error::Unsupported("what is decoded, which is no text in UTF-8,".to_owned()))
}

pub(crate) fn to_key_value_string(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let delimiter = arguments.literal_text(1).unwrap_or("=");
    let between = arguments.literal_text(2).unwrap_or(" ");
    let map = arguments.map(0, env)?;
    let mut entries: Vec<_> = map.iter().collect();
    if arguments.literal_bool(3).unwrap_or_default() {
        entries.sort_by_key(|(key, _)| *key);
    }
    let quoted = |text: &str| {
        let escaped = text.replace('"', "\\\"");
        if escaped.contains(between) || escaped.contains(delimiter) { format!("\"{escaped}\"") } else { escaped }
    };
    let mut joined = String::new();
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            joined.push_str(between);
        }
        joined.push_str(&quoted(key));
        joined.push_str(delimiter);
        joined.push_str(&quoted(&text::value(value)));
        if joined.len() > MAX_TEXT {
            return Err(Error::TooLarge(MAX_TEXT));
        }
    }
    Ok(joined.into())
}

/// The delimiters of `ToKeyValueString` and `ParseKeyValue`.
pub(crate) fn valid_delimiters(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    let (delimiter, between) = (arguments.literal_text(1), arguments.literal_text(2));
    if delimiter == Some("") {
        return Err((1, "the delimiter is empty".to_owned()));
    }
    if between == Some("") {
        return Err((2, "the delimiter between pairs is empty".to_owned()));
    }
    if delimiter.unwrap_or("=") == between.unwrap_or(" ") {
        return Err((1, "the delimiter and the one between pairs are the same".to_owned()));
    }
    Ok(())
}

/// The sum of the digits of a card's number, every second one doubled, is a multiple of 10.
pub(crate) fn is_valid_luhn(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let text = arguments.text_like(0, env)?.ok_or_else(|| Error::value("expected a number, found nil"))?;
    let mut sum = 0;
    let digits = text.replace(' ', "");
    if digits.is_empty() {
        return Ok(false.into());
    }
    for (index, digit) in digits.bytes().rev().enumerate() {
        let digit =
            char::from(digit).to_digit(10).ok_or_else(|| Error::value("a number of a card has digits alone"))?;
        sum += match (index % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled @ ..=9) => doubled,
            (_, doubled) => doubled - 9,
        };
    }
    Ok((sum % 10 == 0).into())
}

/// An address as Go reads it: one of IPv4 within one of IPv6 is one of IPv4.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

pub(crate) fn is_in_cidr(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let text = arguments.text(0, env)?;
    let Some(address) = address(&text) else { return Ok(false.into()) };
    for expr in arguments.exprs(1)? {
        let network = match env.eval(expr)? {
            Datum::Text(network) => network,
            other => return Err(Error::kind("a text", &other)),
        };
        let (base, bits) = network_of(&network).ok_or_else(|| Error::value(format!("`{network}` is no network")))?;
        let within = match (address, base) {
            (IpAddr::V4(address), IpAddr::V4(base)) => {
                let shift = 32_u32.saturating_sub(bits);
                address.to_bits().checked_shr(shift) == base.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(address), IpAddr::V6(base)) => {
                let shift = 128_u32.saturating_sub(bits);
                address.to_bits().checked_shr(shift) == base.to_bits().checked_shr(shift)
            }
            _ => false,
        };
        if within {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

/// `10.0.0.0/8`. One of IPv4 within one of IPv6 (`::ffff:10.0.0.0/104`) is one of IPv4, as Go has it.
fn network_of(text: &str) -> Option<(IpAddr, u32)> {
    let (base, bits) = text.split_once('/')?;
    let base: IpAddr = base.parse().ok()?;
    let bits: u32 = Some(bits).filter(|bits| bits.bytes().all(|digit| digit.is_ascii_digit()))?.parse().ok()?;
    let most = if base.is_ipv4() { 32 } else { 128 };
    if bits > most {
        return None;
    }
    match (base.to_canonical(), bits.checked_sub(96)) {
        (within @ IpAddr::V4(_), Some(bits)) if base.is_ipv6() => Some((within, bits)),
        _ => Some((base, bits)),
    }
}

pub(crate) fn valid_networks(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    let Ok(networks) = arguments.exprs(1) else { return Ok(()) };
    let wrong = networks.iter().find_map(|network| match network {
        Expr::Literal(Datum::Text(network)) if network_of(network).is_none() => Some(network),
        _ => None,
    });
    // Upstream finds out at its start only when all of them stand in the text.
    match wrong {
        Some(network) => Err((1, format!("`{network}` is no network, such as `10.0.0.0/8`"))),
        None => Ok(()),
    }
}
