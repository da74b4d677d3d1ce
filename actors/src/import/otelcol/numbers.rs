//! Numbers that YAML 1.1 knows and YAML 1.2 does not.
//!
//! The collector's reader takes `0755` for 493, `1_000` for 1000, `0b11` for 3 and `0o17` for 15 where they stand without
//! quotes; ours takes some of them for texts, and does not tell whether there were quotes. The text itself does.

use std::collections::HashSet;

use serde_json::{Map, Value};

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
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_+-.".contains(c);
        let mut before = None;
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            if word.is_empty() {
                before = Some(next);
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
                continue;
            }
            if number(word).is_some() {
                let after = behind.chars().next();
                let is_end = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || "[]{},".contains(c));
                match (before, after) {
                    (Some('"'), Some('"')) | (Some('\''), Some('\'')) => _ = words.quoted.insert(word),
                    (before, after) if is_end(before) && is_end(after) => _ = words.plain.insert(word),
                    _ => {}
                }
            }
            before = word.chars().next_back();
            rest = behind;
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
    fn what_may_be_both_is_told() {
        let text = "a: 0755\nb: '0755'";
        assert!(as_go_reads(strict::yaml(text).unwrap(), text).unwrap_err().contains("0755"));
    }
}
