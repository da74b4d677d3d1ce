//! Letters of texts.
//!
//! Source: `iancoleman/strcase`, which upstream uses.

use crate::eval::{Arguments, Datum, Env, Error};

pub(crate) fn to_lower_case(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(lower(&arguments.text(0, env)?).into())
}

pub(crate) fn to_upper_case(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(upper(&arguments.text(0, env)?).into())
}

pub(crate) fn to_snake_case(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(snake_case(&arguments.text(0, env)?).into())
}

pub(crate) fn to_camel_case(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(camel_case(&arguments.text(0, env)?).into())
}

pub(crate) fn convert_case(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    match arguments.literal_text(1) {
        Some("lower") => to_lower_case(arguments, env),
        Some("upper") => to_upper_case(arguments, env),
        Some("snake") => to_snake_case(arguments, env),
        _ => to_camel_case(arguments, env),
    }
}

pub(crate) fn valid_case(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    match arguments.literal_text(1) {
        Some("lower" | "upper" | "snake" | "camel") | None => Ok(()),
        Some(other) => Err((1, format!("`{other}` is none of \"lower\", \"upper\", \"snake\" and \"camel\""))),
    }
}

/// Letter by letter, as Go has it: no letter becomes two, and none looks at its neighbours.
fn lower(text: &str) -> String {
    text.chars().map(|character| character.to_lowercase().next().unwrap_or(character)).collect()
}

/// As [`lower`].
fn upper(text: &str) -> String {
    text.chars()
        .map(|character| {
            let mut upper = character.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(one), None) => one,
                _ => character,
            }
        })
        .collect()
}

/// `someName` as `some_name`; a run of capitals is a word.
pub(crate) fn snake_case(text: &str) -> String {
    let text = text.trim();
    let octets = text.as_bytes();
    let mut snake = Vec::with_capacity(octets.len() + 2);
    for (index, &octet) in octets.iter().enumerate() {
        let (capital, small, digit) = (octet.is_ascii_uppercase(), octet.is_ascii_lowercase(), octet.is_ascii_digit());
        let lowered = octet.to_ascii_lowercase();
        if let Some(next) = octets.get(index + 1) {
            let (next_capital, next_small, next_digit) =
                (next.is_ascii_uppercase(), next.is_ascii_lowercase(), next.is_ascii_digit());
            let changes = (capital && (next_small || next_digit))
                || (small && (next_capital || next_digit))
                || (digit && (next_capital || next_small));
            if changes {
                let after_capital = index.checked_sub(1).and_then(|before| octets.get(before));
                if capital && next_small && after_capital.is_some_and(u8::is_ascii_uppercase) {
                    snake.push(b'_');
                }
                snake.push(lowered);
                if small || digit || next_digit {
                    snake.push(b'_');
                }
                continue;
            }
        }
        snake.push(if matches!(octet, b' ' | b'_' | b'-' | b'.') { b'_' } else { lowered });
    }
    String::from_utf8_lossy(&snake).into_owned()
}

/// `some_name` as `SomeName`. Only ASCII stays, as upstream has it.
pub(crate) fn camel_case(text: &str) -> String {
    let text = text.trim();
    let acronym = text == "ID";
    let text = if acronym { "id" } else { text };
    let mut camel = String::with_capacity(text.len());
    let mut capital_next = true;
    let mut after_capital = false;
    for octet in text.bytes() {
        let (capital, small) = (octet.is_ascii_uppercase(), octet.is_ascii_lowercase());
        let octet = if capital_next {
            octet.to_ascii_uppercase()
        } else if after_capital && capital && !acronym {
            octet.to_ascii_lowercase()
        } else {
            octet
        };
        after_capital = capital;
        if capital || small {
            camel.push(char::from(octet));
            capital_next = false;
        } else if octet.is_ascii_digit() {
            camel.push(char::from(octet));
            capital_next = true;
        } else {
            capital_next = matches!(octet, b'_' | b' ' | b'-' | b'.');
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_in_other_cases() {
        for (text, snake, camel) in [
            ("someName", "some_name", "SomeName"),
            ("SourceIP", "source_ip", "SourceIp"),
            ("Utf8Safe", "utf_8_safe", "Utf8Safe"),
            ("utf8_safe", "utf_8_safe", "Utf8Safe"),
            ("HTTPServer-name 2x", "http_server_name_2_x", "HttpserverName2X"),
            ("XPath", "x_path", "Xpath"),
            ("x_path", "x_path", "XPath"),
            ("ID", "id", "Id"),
            ("", "", ""),
        ] {
            assert_eq!(snake_case(text), snake, "{text}");
            assert_eq!(camel_case(text), camel, "{text}");
        }
    }
}
