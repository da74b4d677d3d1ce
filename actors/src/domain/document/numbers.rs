//! Numbers that YAML 1.1 knows and YAML 1.2 does not.
//!
//! The collector's reader takes `0755` for 493, `1_000` for 1000, `0b11` for 3, `0o17` for 15 and `08` for 8.0 where they
//! stand without quotes; ours takes some of them for texts, and does not tell whether there were quotes. The text itself
//! does.

use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::strict;
use crate::domain::expansion::{self, Piece};

/// The value of a text with such numbers as the collector reads them.
///
/// # Errors
/// When the text has one with quotes and without.
pub(crate) fn as_go_reads(value: Value, text: &str) -> Result<Value, String> {
    Words::of(text).read(value)
}

/// The words of a text that may be such numbers.
struct Words<'t> {
    plain: HashSet<&'t str>,
    quoted: HashSet<&'t str>,
}

impl<'t> Words<'t> {
    fn of(text: &'t str) -> Self {
        let mut words = Self { plain: HashSet::new(), quoted: HashSet::new() };
        let mut is_text = false;
        for piece in expansion::pieces(text) {
            let (word, is_plain) = match piece {
                Piece::Tag(tag) => {
                    is_text = tag.ends_with("str") || tag.ends_with("str>");
                    continue;
                }
                Piece::Plain(word) => (word.trim_end(), !is_text),
                Piece::Quoted(word) => (word.trim_matches(['"', '\'']), false),
                // What stands on several lines is no such word.
                Piece::Block(text) => (text.split_once('\n').map_or("", |(_, body)| body.trim()), false),
            };
            is_text = false;
            if number(word).is_some() {
                if is_plain {
                    words.plain.insert(word)
                } else {
                    words.quoted.insert(word)
                };
            }
        }
        // What ours takes for a number, too, is a text only in quotes.
        let both: Vec<&str> = words.plain.intersection(&words.quoted).copied().collect();
        for word in both.into_iter().filter(|word| strict::yaml(word).is_ok_and(|value| value.is_number())) {
            words.plain.remove(word);
        }
        words
    }

    fn read(&self, value: Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(word) => match number(&word).filter(|_| self.plain.contains(word.as_str())) {
                Some(_) if self.quoted.contains(word.as_str()) => {
                    return Err(format!(
                        "`{word}` stands there with quotes, as a text, and without, as a number; write the number without \
                         `_` and zeros in front"
                    ));
                }
                Some(number) => Value::Number(number),
                None => Value::String(word),
            },
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.read(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(map) => {
                let mut read = Map::new();
                for (key, value) in map {
                    read.insert(key, self.read(value)?);
                }
                Value::Object(read)
            }
            other => other,
        })
    }
}

/// The number that a word is in YAML 1.1, as Go reads it (`resolve` of `go.yaml.in/yaml/v3`).
fn number(word: &str) -> Option<Number> {
    let begins = word.strip_prefix(['-', '+']).unwrap_or(word);
    if !begins.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if word.starts_with('.') {
        return float(word);
    }
    let plain = word.replace('_', "");
    whole(&plain).or_else(|| float(&plain)).or_else(|| {
        // With a sign behind the prefix, too.
        let radix = |prefix: &str, radix| i64::from_str_radix(plain.strip_prefix(prefix)?, radix).ok();
        radix("0b", 2).or_else(|| radix("0o", 8)).map(Number::from)
    })
}

/// `strconv.ParseInt` and `ParseUint` of any base.
fn whole(plain: &str) -> Option<Number> {
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", plain.strip_prefix('+').unwrap_or(plain)),
    };
    let prefixed = |radix| digits.get(2..).filter(|rest| !rest.is_empty()).map(|rest| (radix, rest));
    let octal = || Some((8, digits.get(1..)?));
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'b' | b'B', ..] => prefixed(2)?,
        [b'0', b'o' | b'O', ..] => prefixed(8)?,
        [b'0', b'x' | b'X', ..] => prefixed(16)?,
        [b'0', _, ..] => octal()?,
        _ => (10, digits),
    };
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let signed = i64::from_str_radix(&format!("{sign}{digits}"), radix).ok().map(Number::from);
    signed.or_else(|| {
        u64::from_str_radix(digits, radix).ok().filter(|_| !plain.starts_with(['-', '+'])).map(Number::from)
    })
}

/// A number with a point or an exponent, or of more digits than others may have.
fn float(plain: &str) -> Option<Number> {
    // What Rust reads beside, as `inf`, has other letters.
    let is_one = plain.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    let number: f64 = plain.parse().ok().filter(|_| is_one)?;
    // None when it is too large, which Go has as a text.
    Number::from_f64(number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::document::strict;

    #[test]
    fn numbers_are_those_of_the_collector() {
        // As gopkg.in/yaml.v3 and go.yaml.in/yaml/v3 read them.
        let text =
            "a: 0755\nb: 1_000\nc: '0644'\nd: [-0b11, 0x1F]\ne: {f: +017}\ng: 08\nh: 10.0.0.1\ni: 2001-01-01\nj: 1_0.5";
        let read = as_go_reads(strict::yaml(text).unwrap(), text).unwrap();
        assert_eq!(
            read,
            json!({ "a": 493, "b": 1000, "c": "0644", "d": [-3, 31], "e": { "f": 15 }, "g": 8.0, "h": "10.0.0.1",
                    "i": "2001-01-01", "j": 10.5 })
        );
    }

    #[test]
    fn what_stands_in_comments_and_in_texts_is_no_number() {
        let text = "# 0755\na: '0755' # or 0755\nb: 'mode 0755, 0755'\nc: mode 0755\nd: |\n  0755\n  0755\ne: !!str 0755\n\
                    f: 0644\ng: |-\n  0600";
        let read = as_go_reads(strict::yaml(text).unwrap(), text).unwrap();
        assert_eq!(
            read,
            json!({ "a": "0755", "b": "mode 0755, 0755", "c": "mode 0755", "d": "0755\n0755\n", "e": "0755", "f": 420,
                    "g": "0600" })
        );
    }

    #[test]
    fn what_may_be_both_is_told() {
        let text = "a: 0755\nb: '0755'";
        assert!(as_go_reads(strict::yaml(text).unwrap(), text).unwrap_err().contains("0755"));
    }

    #[test]
    fn each_word_is_what_go_makes_of_it() {
        for (word, expected) in [
            ("0X1F", json!(31)),
            ("0B11", json!(3)),
            ("0O17", json!(15)),
            ("-0o17", json!(-15)),
            ("0_8", json!(8.0)),
            ("09.5", json!(9.5)),
            ("1_0e3", json!(10_000.0)),
            ("0x_1F", json!(31)),
            ("1__0_", json!(10)),
            ("00", json!(0)),
            ("0b-1", json!(-1)),
            ("0o-7", json!(-7)),
            ("+.5", json!(0.5)),
            ("1_8446744073709551615", json!(u64::MAX)),
            ("0xFFFF_FFFF_FFFF_FFFF", json!(u64::MAX)),
            ("-0x8000000000000000", json!(i64::MIN)),
            ("9_9999999999999999999", json!(1e20)),
        ] {
            assert_eq!(number(word).map(Value::Number), Some(expected), "{word}");
        }
        for word in
            ["0b12", "0x", "0b", "-0b-1", "0x-1", "-0xFFFFFFFFFFFFFFFF", "_1", "._5", "0.1.2", "0x1p-2", "-", "1e999"]
        {
            assert_eq!(number(word), None, "{word}");
        }
    }

    #[test]
    fn a_number_beside_the_same_in_quotes_is_no_question() {
        let text = "a: 5\nb: '5'\nc: 1.5\nd: \"1.5\"";
        let read = as_go_reads(strict::yaml(text).unwrap(), text).unwrap();
        assert_eq!(read, json!({ "a": 5, "b": "5", "c": 1.5, "d": "1.5" }));
    }
}
