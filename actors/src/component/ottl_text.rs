//! Writing OTTL: what a user gave becomes one literal of the language, whatever it holds.
//!
//! Everything that filters and processors build from settings goes through here. Source: the lexer of `pkg/ottl`
//! (`grammar.go`), whose texts are `"(\\.|[^\\"])*"`, unquoted as Go unquotes characters.

use std::fmt::Write as _;

use serde_json::Value;

/// A text literal.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The value of a key: `attributes["key"]`.
#[must_use]
pub fn at_key(map: &str, key: &str) -> String {
    format!("{map}[{}]", quoted(key))
}

/// A list of text literals: `["a", "b"]`.
#[must_use]
pub fn quoted_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", texts.join(", "))
}

/// A text, a number or a truth value as a literal. Schemas let nothing else through; it becomes `nil`.
#[must_use]
pub fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.as_i64().map_or_else(
            || {
                // A number with a fraction has a point in OTTL, also in front of an exponent.
                let text = format!("{:?}", number.as_f64().unwrap_or_default());
                match text.split_once('e') {
                    Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
                    _ => text,
                }
            },
            |number| number.to_string(),
        ),
        Value::Null | Value::Array(_) | Value::Object(_) => "nil".to_owned(),
    }
}

/// A regular expression that matches a text and nothing else.
#[must_use]
pub fn regex_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// What puts a text in the place of a match: Go's templates read `$1` as a group, `$$` as a `$`.
#[must_use]
pub fn replacement_of(text: &str) -> String {
    text.replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// What upstream's lexer takes for a text at the start of the input, and what is left.
    fn lexed(input: &str) -> (&str, &str) {
        let token = regex::Regex::new(r#"^"(\\.|[^\\"])*""#).unwrap();
        input.split_at(token.find(input).expect("a text").end())
    }

    /// `strconv.UnquoteChar` over a text, as participle does it.
    fn unquoted(token: &str) -> String {
        let mut chars = token[1..token.len() - 1].chars();
        let mut out = String::new();
        while let Some(c) = chars.next() {
            out.push(match c {
                '"' => panic!("Go refuses a bare quote"),
                '\\' => match chars.next().expect("an escape") {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let digits: String = chars.by_ref().take(4).collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap()
                    }
                    c @ ('"' | '\\') => c,
                    c => panic!("Go refuses \\{c}"),
                },
                c => c,
            });
        }
        out
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            proptest::collection::vec(
                prop_oneof![
                    Just('"'),
                    Just('\\'),
                    Just('\n'),
                    Just('\0'),
                    Just('$'),
                    Just('`'),
                    Just(')'),
                    any::<char>()
                ],
                0..12
            )
            .prop_map(String::from_iter)
        ]
    }

    proptest! {
        #[test]
        fn no_value_ends_its_literal(text in any_text(), after in any_text()) {
            let literal = quoted(&text);
            let document = format!("{literal}{after}");
            let (token, rest) = lexed(&document);
            prop_assert_eq!(token, literal.as_str());
            prop_assert_eq!(rest, after.as_str());
            prop_assert_eq!(unquoted(token), text);
            prop_assert!(!literal.chars().any(char::is_control));
        }

        #[test]
        fn a_text_matches_itself_only(text in any_text(), other in any_text()) {
            let regex = regex::Regex::new(&format!("^{}$", regex_of(&text))).unwrap();
            prop_assert!(regex.is_match(&text));
            prop_assert_eq!(regex.is_match(&other), text == other);
        }

        #[test]
        fn a_replacement_is_put_in_as_it_stands(text in any_text()) {
            let regex = regex::Regex::new("b").unwrap();
            // The regex crate reads templates as Go does.
            prop_assert_eq!(regex.replace("abc", replacement_of(&text).as_str()), format!("a{text}c"));
        }

        #[test]
        fn numbers_are_numbers_of_the_language(number in any::<f64>().prop_filter("JSON", |n| n.is_finite())) {
            let float = regex::Regex::new(r"^-?(\d+\.\d*|\d*\.\d+)([eE][-+]?\d+)?$").unwrap();
            let literal = literal(&json!(number));
            prop_assert!(float.is_match(&literal), "{literal}");
            prop_assert_eq!(literal.parse::<f64>().unwrap(), number);
        }
    }

    #[test]
    fn literals_have_their_type() {
        assert_eq!(literal(&json!("a\"b")), r#""a\"b""#);
        assert_eq!(literal(&json!(-3)), "-3");
        assert_eq!(literal(&json!(1.0)), "1.0");
        assert_eq!(literal(&json!(1e300)), "1.0e300");
        assert_eq!(literal(&json!(true)), "true");
        assert_eq!(at_key("resource.attributes", "a\"] == \"b"), r#"resource.attributes["a\"] == \"b"]"#);
        assert_eq!(quoted_list(["a", "\\"]), r#"["a", "\\"]"#);
    }
}
