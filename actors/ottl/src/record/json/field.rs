//! Single values: numbers, texts, ids, octets, names of enumerations.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What is no object and no list.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    Text(String),
}

/// Reads a [`Scalar`].
pub(super) struct ScalarSeed;

impl<'de> DeserializeSeed<'de> for ScalarSeed {
    type Value = Scalar;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Scalar, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ScalarSeed {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number or a truth value")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(u64::try_from(value).map_or(Scalar::Negative(value), Scalar::Unsigned))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Scalar, A::Error> {
        Err(A::Error::custom("must be a single value, not a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Scalar, A::Error> {
        Err(A::Error::custom("must be a single value, not an object"))
    }
}

/// A text.
pub(super) fn text(scalar: Scalar) -> Result<String, String> {
    match scalar {
        Scalar::Text(text) => Ok(text),
        _ => Err("must be a text".to_owned()),
    }
}

/// A truth value.
#[expect(clippy::needless_pass_by_value, reason = "the form of all that read a value")]
pub(super) fn boolean(scalar: Scalar) -> Result<bool, String> {
    match scalar {
        Scalar::Bool(value) => Ok(value),
        _ => Err("must be true or false".to_owned()),
    }
}

/// A whole number of 64 bits that is not negative.
pub(super) fn u64(scalar: Scalar) -> Result<u64, String> {
    whole(scalar, "must be a whole number from 0 to 18446744073709551615")
}

/// A whole number of 64 bits.
pub(super) fn i64(scalar: Scalar) -> Result<i64, String> {
    whole(scalar, "must be a whole number from -9223372036854775808 to 9223372036854775807")
}

/// A whole number of 32 bits that is not negative.
pub(super) fn u32(scalar: Scalar) -> Result<u32, String> {
    whole(scalar, "must be a whole number from 0 to 4294967295")
}

/// A whole number of 32 bits.
pub(super) fn i32(scalar: Scalar) -> Result<i32, String> {
    whole(scalar, "must be a whole number from -2147483648 to 2147483647")
}

/// A whole number, as a number or in a text. `1.0` and `1e3` are whole numbers, by the JSON form of protobuf.
fn whole<T: TryFrom<i128>>(scalar: Scalar, wrong: &str) -> Result<T, String> {
    let number = match scalar {
        Scalar::Unsigned(value) => Some(i128::from(value)),
        Scalar::Negative(value) => Some(i128::from(value)),
        // Up to where every whole number has a form of its own.
        #[expect(clippy::cast_possible_truncation, reason = "whole, and far below the bounds of 128 bits")]
        Scalar::Float(value) if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 => Some(value as i128),
        Scalar::Text(text) => text.parse().ok(),
        _ => None,
    };
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| wrong.to_owned())
}

/// A number, or `NaN`, `Infinity`, `-Infinity`.
pub(super) fn f64(scalar: Scalar) -> Result<f64, String> {
    #[expect(clippy::cast_precision_loss, reason = "a number in JSON means the double that is next to it")]
    let number = match scalar {
        Scalar::Unsigned(value) => Some(value as f64),
        Scalar::Negative(value) => Some(value as f64),
        Scalar::Float(value) => Some(value),
        Scalar::Text(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            // Rust also reads words such as `inf`; and what is too large is not infinite.
            number => number.parse().ok().filter(|value: &f64| value.is_finite()),
        },
        _ => None,
    };
    number.ok_or_else(|| "must be a number, \"NaN\", \"Infinity\" or \"-Infinity\"".to_owned())
}

/// The id of a trace or a span, in hexadecimal; an empty text is no id.
pub(super) fn id<const N: usize>(scalar: Scalar) -> Result<[u8; N], String> {
    let mut id = [0; N];
    let text = text(scalar).unwrap_or_else(|_| "?".to_owned());
    if !text.is_empty() {
        hex::decode_to_slice(&text, &mut id).map_err(|_| format!("must be {} hexadecimal digits", 2 * N))?;
    }
    Ok(id)
}

/// Octets in base64, of either alphabet and with or without padding.
pub(super) fn bytes(scalar: Scalar) -> Result<Vec<u8>, String> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let text = text(scalar)?.replace('-', "+").replace('_', "/");
    LENIENT.decode(text).map_err(|_| "must be base64".to_owned())
}

/// `SeverityNumber`
pub(super) fn severity_number(scalar: Scalar) -> Result<i32, String> {
    const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    named(scalar, |name| {
        let name = name.strip_prefix("SEVERITY_NUMBER_")?;
        let (level, step) = match name.char_indices().last()? {
            (at, '2'..='4') => name.split_at_checked(at)?,
            _ => (name, "1"),
        };
        if name == "UNSPECIFIED" {
            return Some(0);
        }
        let level = LEVELS.iter().position(|known| *known == level)?;
        Some(4 * i32::try_from(level).ok()? + step.parse::<i32>().ok()?)
    })
}

/// `SpanKind`
pub(super) fn span_kind(scalar: Scalar) -> Result<i32, String> {
    const NAMES: &[&str] = &["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    named(scalar, |name| listed(name.strip_prefix("SPAN_KIND_")?, NAMES))
}

/// `StatusCode`
pub(super) fn status_code(scalar: Scalar) -> Result<i32, String> {
    named(scalar, |name| listed(name.strip_prefix("STATUS_CODE_")?, &["UNSET", "OK", "ERROR"]))
}

/// `AggregationTemporality`
pub(super) fn temporality(scalar: Scalar) -> Result<i32, String> {
    const NAMES: &[&str] = &["UNSPECIFIED", "DELTA", "CUMULATIVE"];
    named(scalar, |name| listed(name.strip_prefix("AGGREGATION_TEMPORALITY_")?, NAMES))
}

fn listed(name: &str, names: &[&str]) -> Option<i32> {
    names.iter().position(|known| *known == name).and_then(|place| i32::try_from(place).ok())
}

/// A number, or the name of one.
fn named(scalar: Scalar, number: impl Fn(&str) -> Option<i32>) -> Result<i32, String> {
    match scalar {
        Scalar::Text(name) => number(&name).ok_or_else(|| "is not the name of a known value".to_owned()),
        scalar => i32(scalar),
    }
}
