//! `Format`, which is Go's `fmt.Sprintf`.

use std::fmt::Write as _;

use crate::eval::{Arguments, Datum, Env, Error, MAX_TEXT, text};

/// The widest that a value is padded to.
const MAX_WIDTH: usize = 1_000;

#[derive(Debug, Default, Clone, Copy)]
struct Flags {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

pub(crate) fn format(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let values = env.eval_all(arguments.exprs(1)?)?;
    sprintf(arguments.literal_text(0).unwrap_or_default(), &values).map(Datum::Text)
}

fn unsupported(what: &str) -> Error {
    Error::Unsupported(format!("{what} in a format"))
}

fn sprintf(format: &str, values: &[Datum]) -> Result<String, Error> {
    let mut result = String::new();
    let mut values = values.iter();
    let mut characters = format.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '%' {
            result.push(character);
            continue;
        }
        let mut flags = Flags::default();
        while let Some(flag) = characters.next_if(|c| matches!(c, '+' | '-' | '#' | ' ' | '0')) {
            match flag {
                '+' => flags.plus = true,
                '-' => flags.minus = true,
                '#' => flags.sharp = true,
                ' ' => flags.space = true,
                _ => flags.zero = true,
            }
        }
        let number = |characters: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let mut digits = String::new();
            while let Some(digit) = characters.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            digits.parse::<usize>().ok()
        };
        flags.width = number(&mut characters);
        if characters.next_if_eq(&'.').is_some() {
            flags.precision = Some(number(&mut characters).unwrap_or(0));
        }
        if flags.width.unwrap_or_default().max(flags.precision.unwrap_or_default()) > MAX_WIDTH {
            return Err(Error::value(format!("a value is padded to at most {MAX_WIDTH} characters here")));
        }
        match characters.next() {
            None => result.push_str("%!(NOVERB)"),
            Some('%') => result.push('%'),
            Some('*' | '[') => return Err(unsupported("`*` and `[`")),
            Some(verb) => match values.next() {
                Some(value) => result.push_str(&one(verb, flags, value)?),
                None => {
                    let _ = write!(result, "%!{verb}(MISSING)");
                }
            },
        }
        if result.len() > MAX_TEXT {
            return Err(Error::TooLarge(MAX_TEXT));
        }
    }
    let mut extra = values.peekable();
    if extra.peek().is_some() {
        result.push_str("%!(EXTRA ");
        let shown: Vec<_> = extra
            .map(|value| match value {
                Datum::Nil => Ok("<nil>".to_owned()),
                value => Ok(format!("{}={}", type_of(value)?, one('v', Flags::default(), value)?)),
            })
            .collect::<Result<_, Error>>()?;
        result.push_str(&shown.join(", "));
        result.push(')');
    }
    Ok(result)
}

fn type_of(value: &Datum) -> Result<&'static str, Error> {
    Ok(match value {
        Datum::Text(_) => "string",
        Datum::Int(_) => "int64",
        Datum::Double(_) => "float64",
        Datum::Bool(_) => "bool",
        Datum::Nil => "<nil>",
        Datum::Bytes(_) => "[]uint8",
        _ => return Err(unsupported(value.words())),
    })
}

fn one(verb: char, flags: Flags, value: &Datum) -> Result<String, Error> {
    // Beside `%v` it asks for the names of fields.
    let flags = Flags { plus: flags.plus && verb != 'v', ..flags };
    let bad = || -> Result<String, Error> {
        Ok(match value {
            Datum::Nil => format!("%!{verb}(<nil>)"),
            _ => format!("%!{verb}({}={})", type_of(value)?, one('v', Flags::default(), value)?),
        })
    };
    match (value, verb) {
        (Datum::Text(text), 's' | 'v') if !flags.sharp => Ok(padded(truncated(text, flags), flags)),
        (Datum::Text(text), 'q') if !flags.sharp && !flags.plus => Ok(padded(quoted(&truncated(text, flags)), flags)),
        (Datum::Text(text), 'x') if !flags.space && !flags.sharp => Ok(padded(hex::encode(text), flags)),
        (Datum::Text(text), 'X') if !flags.space && !flags.sharp => Ok(padded(hex::encode_upper(text), flags)),
        (Datum::Int(number), 'd' | 'v' | 'b' | 'o' | 'x' | 'X') => Ok(whole(*number, verb, flags)),
        (Datum::Int(number), 'c') => {
            let character = u32::try_from(*number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
            Ok(padded(character.to_string(), flags))
        }
        (Datum::Double(number), 'f' | 'F' | 'e' | 'g' | 'v') if !flags.sharp => Ok(fraction(*number, verb, flags)),
        (Datum::Bool(truth), 't' | 'v') => Ok(padded(truth.to_string(), flags)),
        (Datum::Nil, 'v') => Ok(padded("<nil>".to_owned(), flags)),
        (Datum::Bytes(octets), 'x') if !flags.space && !flags.sharp => Ok(padded(hex::encode(octets), flags)),
        (Datum::Bytes(octets), 'v' | 'd') => {
            let numbers: Vec<_> = octets.iter().map(u8::to_string).collect();
            Ok(format!("[{}]", numbers.join(" ")))
        }
        (Datum::Text(_), 'd' | 'f' | 'F' | 'e' | 'g' | 't' | 'b' | 'o' | 'c')
        | (Datum::Int(_), 's' | 'f' | 'F' | 'e' | 'g' | 't')
        | (Datum::Double(_), 's' | 'd' | 't' | 'c' | 'o' | 'q')
        | (Datum::Bool(_), 's' | 'd' | 'f' | 'F' | 'e' | 'g' | 'x' | 'b' | 'o' | 'c')
        | (Datum::Nil, _) => bad(),
        _ => Err(unsupported(&format!("`%{verb}` of {}", value.words()))),
    }
}

/// The first characters of a text, as many as its precision says.
fn truncated(text: &str, flags: Flags) -> String {
    match flags.precision {
        Some(most) => text.chars().take(most).collect(),
        None => text.to_owned(),
    }
}

fn padded(text: String, flags: Flags) -> String {
    let length = text.chars().count();
    let Some(missing) = flags.width.and_then(|width| width.checked_sub(length)).filter(|missing| *missing > 0) else {
        return text;
    };
    if flags.minus {
        text + &" ".repeat(missing)
    } else {
        let with = if flags.zero { "0" } else { " " };
        with.repeat(missing) + &text
    }
}

/// A number with its sign before the zeros that pad it.
fn signed(negative: bool, digits: &str, flags: Flags) -> String {
    let sign = match (negative, flags.plus, flags.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    };
    let length = sign.len() + digits.len();
    match flags.width {
        Some(width) if flags.zero && !flags.minus && width > length => {
            format!("{sign}{}{digits}", "0".repeat(width - length))
        }
        _ => padded(format!("{sign}{digits}"), Flags { zero: false, ..flags }),
    }
}

fn whole(number: i64, verb: char, flags: Flags) -> String {
    let size = number.unsigned_abs();
    let (prefix, mut digits) = match verb {
        'b' => ("0b", format!("{size:b}")),
        'o' => ("0", format!("{size:o}")),
        'x' => ("0x", format!("{size:x}")),
        'X' => ("0X", format!("{size:X}")),
        _ => ("", size.to_string()),
    };
    // A precision is the least number of digits, and zeros do not pad beside it.
    if let Some(least) = flags.precision {
        if least == 0 && number == 0 {
            digits.clear();
        }
        digits = format!("{digits:0>least$}");
    }
    if flags.sharp {
        digits.insert_str(0, prefix);
    }
    signed(number < 0, &digits, Flags { zero: flags.zero && flags.precision.is_none(), ..flags })
}

fn fraction(number: f64, verb: char, flags: Flags) -> String {
    if !number.is_finite() {
        let word = if number.is_nan() { "NaN" } else { "Inf" };
        let sign = if number.is_nan() { flags.plus } else { number > 0.0 };
        let shown = if number < 0.0 {
            format!("-{word}")
        } else if sign {
            format!("+{word}")
        } else {
            word.to_owned()
        };
        return padded(shown, Flags { zero: false, ..flags });
    }
    let size = number.abs();
    let digits = match (verb, flags.precision) {
        ('f' | 'F', precision) => format!("{size:.*}", precision.unwrap_or(6)),
        ('e', precision) => exponent(&format!("{size:.*e}", precision.unwrap_or(6))),
        (_, None) => shortest(size),
        (_, Some(precision)) => general(size, precision.max(1)),
    };
    signed(number.is_sign_negative(), &digits, flags)
}

/// `1e7` as Go writes it: `1e+07`.
fn exponent(text: &str) -> String {
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text.to_owned(),
    }
}

/// `%v`: as few digits as tell the number, with an exponent when it is below -4 or at least 6.
fn shortest(size: f64) -> String {
    let written = format!("{size:e}");
    let power: i32 = written.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or_default();
    if (-4..6).contains(&power) { text::double(size) } else { exponent(&written) }
}

/// `%.3g`: so many digits, without zeros at the end.
fn general(size: f64, precision: usize) -> String {
    let written = format!("{size:.*e}", precision - 1);
    let Some((digits, power)) = written.split_once('e') else { return written };
    let power: i32 = power.parse().unwrap_or_default();
    let bare = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    let most = i32::try_from(precision).unwrap_or(i32::MAX);
    if power < -4 || power >= most {
        return exponent(&format!("{}e{power}", bare(digits)));
    }
    let decimals = usize::try_from(most - 1 - power).unwrap_or_default();
    bare(&format!("{size:.decimals$}"))
}

/// A text in quotes, as `strconv.Quote` writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            control if control < ' ' || control == '\u{7f}' => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(control));
            }
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
