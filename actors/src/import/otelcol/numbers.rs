//! Numbers that YAML 1.1 knows and YAML 1.2 does not.
//!
//! The collector's reader takes `0755` for 493, `1_000` for 1000, `0b11` for 3 and `0o17` for 15 where they stand without
//! quotes; ours takes some of them for texts, and does not tell whether there were quotes. The text itself does.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::domain::expansion::{self, Piece};

/// The value with such numbers as the collector reads them.
///
/// # Errors
/// When the text has one with quotes and without.
pub(super) fn as_go_reads(value: Value, text: &str) -> Result<Value, String> {
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
                Some(number) => Value::Number(number.into()),
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

/// The number that a word is in YAML 1.1, as Go reads it.
fn number(word: &str) -> Option<i64> {
    let (is_negative, digits) = match word.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, word.strip_prefix('+').unwrap_or(word)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits = digits.replace('_', "");
    let radix = |prefix: &str, radix| digits.strip_prefix(prefix).map(|rest| i64::from_str_radix(rest, radix));
    let octal = || (digits.len() > 1).then(|| radix("0", 8)).flatten();
    let read = radix("0b", 2).or_else(|| radix("0x", 16)).or_else(|| radix("0o", 8)).or_else(octal);
    let number = read.unwrap_or_else(|| digits.parse()).ok()?;
    Some(if is_negative { -number } else { number })
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
            json!({ "a": 493, "b": 1000, "c": "0644", "d": [-3, 31], "e": { "f": 15 }, "g": "08", "h": "10.0.0.1",
                    "i": "2001-01-01", "j": "1_0.5" })
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
}
