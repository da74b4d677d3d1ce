//! What a function is given, in the kinds in which it asks for it.
//!
//! Source: `expression.go` of `pkg/ottl` 0.158.0 (`StandardStringGetter` and the like).

use std::borrow::Cow;

use super::{compare::as_double, datum::Datum, env::Env, error::Error, text, time::Time};
use crate::{
    check::signature::{Function, Kind},
    pattern::{Notation, Pattern},
    program::{Argument, Expr, Target},
    record::{Attributes, Value},
    regex::Pattern as Regex,
};

/// The arguments of a call, by the number of their parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments<'c> {
    arguments: &'c [Argument],
}

/// Nothing in a program has an argument of another kind than its parameter's; were there one, this is said.
fn misbound() -> Error {
    Error::value("the arguments do not fit the function")
}

impl<'c> Arguments<'c> {
    pub(crate) const fn of(arguments: &'c [Argument]) -> Self {
        Self { arguments }
    }

    fn at(&self, index: usize) -> Result<&'c Argument, Error> {
        self.arguments.get(index).ok_or_else(misbound)
    }

    /// Whether an optional argument is given.
    pub(crate) fn has(&self, index: usize) -> bool {
        !matches!(self.arguments.get(index), None | Some(Argument::Absent))
    }

    pub(crate) fn target(&self, index: usize) -> Result<&'c Target, Error> {
        match self.at(index)? {
            Argument::Target(target) => Ok(target),
            _ => Err(misbound()),
        }
    }

    pub(crate) fn exprs(&self, index: usize) -> Result<&'c [Expr], Error> {
        match self.at(index)? {
            Argument::Exprs(exprs) => Ok(exprs),
            _ => Err(misbound()),
        }
    }

    pub(crate) fn function(&self, index: usize) -> Option<&'static Function> {
        match self.arguments.get(index) {
            Some(Argument::Function(function)) => Some(function),
            _ => None,
        }
    }

    /// What stands in the text itself.
    pub(crate) fn literal(&self, index: usize) -> Option<&'c Datum> {
        match self.arguments.get(index) {
            Some(Argument::Expr(Expr::Literal(datum))) => Some(datum),
            _ => None,
        }
    }

    pub(crate) fn literal_text(&self, index: usize) -> Option<&'c str> {
        match self.literal(index) {
            Some(Datum::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn literal_int(&self, index: usize) -> Option<i64> {
        match self.literal(index) {
            Some(Datum::Int(number)) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn literal_double(&self, index: usize) -> Option<f64> {
        match self.literal(index) {
            Some(Datum::Double(number)) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn literal_bool(&self, index: usize) -> Option<bool> {
        match self.literal(index) {
            Some(Datum::Bool(truth)) => Some(*truth),
            _ => None,
        }
    }

    pub(crate) fn literal_texts(&self, index: usize) -> Option<&'c [String]> {
        match self.arguments.get(index) {
            Some(Argument::Texts(texts)) => Some(texts),
            _ => None,
        }
    }

    pub(crate) fn literal_doubles(&self, index: usize) -> Option<&'c [f64]> {
        match self.arguments.get(index) {
            Some(Argument::Floats(numbers)) => Some(numbers),
            _ => None,
        }
    }

    pub(crate) fn any(&self, index: usize, env: &mut Env<'_>) -> Result<Datum, Error> {
        match self.at(index)? {
            Argument::Expr(expr) => env.eval(expr).map_err(Error::within),
            Argument::Target(target) => env.get(target).map_err(Error::within),
            _ => Err(misbound()),
        }
    }

    pub(crate) fn text(&self, index: usize, env: &mut Env<'_>) -> Result<String, Error> {
        match self.any(index, env)? {
            Datum::Text(text) => Ok(text),
            other => Err(Error::kind("a text", &other)),
        }
    }

    pub(crate) fn text_like(&self, index: usize, env: &mut Env<'_>) -> Result<Option<String>, Error> {
        text::like(&self.any(index, env)?)
    }

    pub(crate) fn int(&self, index: usize, env: &mut Env<'_>) -> Result<i64, Error> {
        match self.any(index, env)? {
            Datum::Int(number) => Ok(number),
            other => Err(Error::kind("a whole number", &other)),
        }
    }

    pub(crate) fn time(&self, index: usize, env: &mut Env<'_>) -> Result<Time, Error> {
        match self.any(index, env)? {
            Datum::Time(time) => Ok(time),
            other => Err(Error::kind("a time", &other)),
        }
    }

    /// In nanoseconds.
    pub(crate) fn duration(&self, index: usize, env: &mut Env<'_>) -> Result<i64, Error> {
        match self.any(index, env)? {
            Datum::Duration(nanos) => Ok(nanos),
            other => Err(Error::kind("a duration", &other)),
        }
    }

    pub(crate) fn map(&self, index: usize, env: &mut Env<'_>) -> Result<Attributes, Error> {
        as_map(self.any(index, env)?)
    }

    pub(crate) fn list(&self, index: usize, env: &mut Env<'_>) -> Result<Vec<Value>, Error> {
        as_list(self.any(index, env)?)
    }

    /// A whole number of what can be read as one; `None` for nil and for texts that are none.
    pub(crate) fn int_like(&self, index: usize, env: &mut Env<'_>) -> Result<Option<i64>, Error> {
        Ok(Some(match self.any(index, env)? {
            Datum::Nil => return Ok(None),
            Datum::Int(number) => number,
            Datum::Double(number) => truncated(number),
            Datum::Bool(truth) => i64::from(truth),
            Datum::Text(text) => return Ok(text.parse().ok()),
            other => return Err(Error::kind("a plain value", &other)),
        }))
    }

    pub(crate) fn float_like(&self, index: usize, env: &mut Env<'_>) -> Result<Option<f64>, Error> {
        float_like(&self.any(index, env)?)
    }

    #[allow(clippy::float_cmp)] // upstream asks for 0 exactly
    pub(crate) fn bool_like(&self, index: usize, env: &mut Env<'_>) -> Result<Option<bool>, Error> {
        Ok(Some(match self.any(index, env)? {
            Datum::Nil => return Ok(None),
            Datum::Bool(truth) => truth,
            Datum::Int(number) | Datum::Native(number) => number != 0,
            Datum::Double(number) => number != 0.0,
            Datum::Text(text) => {
                parse_bool(&text).ok_or_else(|| Error::value(format!("`{text}` is neither true nor false")))?
            }
            other => return Err(Error::kind("a plain value", &other)),
        }))
    }

    /// The octets of what has some; none for nil.
    pub(crate) fn bytes_like(&self, index: usize, env: &mut Env<'_>) -> Result<Vec<u8>, Error> {
        Ok(match self.any(index, env)? {
            Datum::Nil => Vec::new(),
            Datum::Bytes(octets) => octets,
            Datum::Text(text) => text.into_bytes(),
            Datum::Int(number) => number.to_be_bytes().to_vec(),
            Datum::Double(number) => number.to_be_bytes().to_vec(),
            Datum::Bool(truth) => vec![u8::from(truth)],
            other => return Err(Error::kind("a plain value", &other)),
        })
    }

    /// The pattern, compiled.
    pub(crate) fn pattern(&self, index: usize, env: &mut Env<'_>) -> Result<Cow<'c, Regex>, Error> {
        match self.at(index)? {
            Argument::Pattern(Pattern::Written(written)) => {
                let (compiled, memory) = written.compiled();
                if memory > 0 {
                    env.compiled(memory)?;
                }
                compiled.map(Cow::Borrowed)
            }
            Argument::Pattern(Pattern::Computed(notation, expr)) => computed(*notation, expr, env).map(Cow::Owned),
            _ => Err(misbound()),
        }
    }
}

/// A pattern that is worked out for each record.
fn computed(notation: Notation, expr: &Expr, env: &mut Env<'_>) -> Result<Regex, Error> {
    match env.eval(expr).map_err(Error::within)? {
        Datum::Text(text) => {
            let (compiled, memory) = notation.compile(&text);
            env.compiled(memory)?;
            compiled
        }
        other => Err(Error::value(format!("expected a pattern, found {}", other.words()))),
    }
}

/// A number of what can be read as one; `None` for nil.
pub(crate) fn float_like(datum: &Datum) -> Result<Option<f64>, Error> {
    Ok(Some(match datum {
        Datum::Nil => return Ok(None),
        Datum::Double(number) => *number,
        Datum::Int(number) => as_double(*number),
        Datum::Bool(truth) => f64::from(u8::from(*truth)),
        Datum::Text(text) => parse_float(text).ok_or_else(|| Error::value(format!("`{text}` is no number")))?,
        other => return Err(Error::kind("a plain value", other)),
    }))
}

pub(crate) fn as_map(datum: Datum) -> Result<Attributes, Error> {
    match datum {
        Datum::Map(map) => Ok(map),
        raw @ Datum::Raw(_) => match super::env::raw(raw)? {
            Value::Map(map) => Ok(map),
            _ => Ok(Attributes::default()),
        },
        other => Err(Error::kind("a map", &other)),
    }
}

pub(crate) fn as_list(datum: Datum) -> Result<Vec<Value>, Error> {
    Ok(match datum {
        Datum::List(items) => items,
        Datum::Items(items) => items.into_iter().map(super::env::raw).collect::<Result<_, _>>()?,
        Datum::Texts(items) => items.into_iter().map(Value::Str).collect(),
        Datum::Doubles(items) => items.into_iter().map(Value::Double).collect(),
        Datum::Counts(items) => items.into_iter().map(|count| Value::Int(count.cast_signed())).collect(),
        other => return Err(Error::kind("a list", &other)),
    })
}

/// A number without its fraction, as Go converts on amd64: what does not fit is the least number.
#[allow(clippy::cast_possible_truncation)] // within the limits by the guard
pub(crate) fn truncated(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}

/// A number as `strconv.ParseFloat` reads it.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let plain = text.trim_start_matches(['+', '-']);
    if text.len() - plain.len() > 1 {
        return None;
    }
    let word = plain.to_ascii_lowercase();
    if let Some(digits) = word.strip_prefix("0x") {
        return hexadecimal(digits).map(|number| if text.starts_with('-') { -number } else { number });
    }
    if matches!(word.as_str(), "inf" | "infinity") || word == "nan" && text == plain {
        return text.parse().ok();
    }
    if !plain.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    // A `_` stands between two digits.
    let mut parts = text.split('_').peekable();
    while let (Some(before), Some(after)) = (parts.next(), parts.peek()) {
        if !before.ends_with(|c: char| c.is_ascii_digit()) || !after.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
    }
    text.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
}

/// A number in hexadecimal digits, in lower case and behind its prefix, with an exponent of two: rounded to the nearest,
/// and of two such to the even one.
fn hexadecimal(text: &str) -> Option<f64> {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_hexdigit());
    // A `_` stands between two digits or behind the prefix.
    let stands_right = |(at, _): (usize, &str)| {
        let (before, after) = text.split_at_checked(at).unwrap_or_default();
        (before.is_empty() || is_digit(before.chars().next_back())) && is_digit(after.chars().nth(1))
    };
    if !text.match_indices('_').all(stands_right) {
        return None;
    }
    let text = text.replace('_', "");
    let (digits, exponent) = text.split_once('p')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if whole.len() + fraction.len() == 0 || unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // One beyond all that count either way.
    let mut exponent: i64 =
        exponent.parse().unwrap_or(if exponent.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 });
    let (mut digits, mut is_more) = (0_u128, false);
    for (at, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let is_fraction = at >= whole.len();
        let digit = digit.to_digit(16)?;
        if digits >> 64 == 0 {
            digits = digits << 4 | u128::from(digit);
            exponent = exponent.saturating_sub(if is_fraction { 4 } else { 0 });
        } else {
            is_more |= digit != 0;
            exponent = exponent.saturating_add(if is_fraction { 0 } else { 4 });
        }
    }
    if digits == 0 {
        return Some(0.0);
    }
    digits = digits << 1 | u128::from(is_more);
    exponent = exponent.saturating_sub(1);
    // How many bits there are, and how many fewer the number can keep; near zero it keeps the fewer.
    let bits = i64::from(128 - digits.leading_zeros());
    let least = exponent.saturating_add(bits).saturating_sub(53).max(-1074);
    let dropped = least.saturating_sub(exponent);
    if dropped > bits + 1 {
        return Some(0.0);
    }
    if dropped > 0 {
        let (kept, rest, half) = (digits >> dropped, digits & ((1 << dropped) - 1), 1_u128 << (dropped - 1));
        digits = kept + u128::from(rest > half || rest == half && kept & 1 == 1);
        exponent = least;
    }
    // In two steps, since a power of two may be too small where the number is not.
    let half = i32::try_from(exponent.clamp(-2000, 2000) / 2).ok()?;
    let rest = i32::try_from(exponent.clamp(-2000, 2000)).ok()? - half;
    #[allow(clippy::cast_precision_loss)] // 53 bits, or fewer than there were
    let number = digits as f64 * 2_f64.powi(half) * 2_f64.powi(rest);
    number.is_finite().then_some(number)
}

/// Whether a value that stands in the text can be of the kind that is asked for, as upstream finds out at its start.
pub(crate) fn fits(kind: Kind, datum: &Datum) -> bool {
    let plain = matches!(datum, Datum::Nil | Datum::Text(_) | Datum::Int(_) | Datum::Double(_) | Datum::Bool(_));
    match kind {
        Kind::Text | Kind::Regex | Kind::Glob => matches!(datum, Datum::Text(_)),
        Kind::Int => matches!(datum, Datum::Int(_)),
        Kind::Float => matches!(datum, Datum::Double(_)),
        Kind::Bool => matches!(datum, Datum::Bool(_)),
        Kind::FloatLike => match datum {
            Datum::Text(text) => parse_float(text).is_some(),
            _ => plain,
        },
        Kind::BoolLike => match datum {
            Datum::Text(text) => parse_bool(text).is_some(),
            _ => plain,
        },
        Kind::IntLike => plain,
        Kind::BytesLike => plain || matches!(datum, Datum::Bytes(_)),
        Kind::Map => matches!(datum, Datum::Map(_) | Datum::Raw(_)),
        Kind::List => matches!(datum, Datum::Items(_) | Datum::List(_)),
        Kind::Time => matches!(datum, Datum::Time(_)),
        Kind::Duration => matches!(datum, Datum::Duration(_)),
        _ => true,
    }
}

fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}
