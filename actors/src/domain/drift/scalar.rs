//! Values of one leaf, in the words of either side.

use std::borrow::Cow;

use serde_norway::Value;

use super::duration;

/// Whether a committed value is what runs.
pub(super) fn same(committed: &Value, effective: &Value) -> bool {
    if committed == effective {
        return true;
    }
    match (committed, effective) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::String(a), Value::String(b)) => {
            is_as_written(a, b)
                || matches!((duration::nanoseconds(a), duration::nanoseconds(b)), (Some(a), Some(b)) if a == b)
                || matches!((duration::bytes(a), duration::bytes(b)), (Some(a), Some(b)) if a == b)
        }
        (Value::String(a), Value::Number(b)) => {
            duration::bytes(a).is_some_and(|a| b.as_i64().is_some_and(|b| i128::from(b) == a)) || *a == b.to_string()
        }
        // A duration without a unit is in nanoseconds.
        (Value::Number(a), Value::String(b)) => {
            a.to_string() == *b || a.as_i64().is_some_and(|a| duration::nanoseconds(b) == Some(i128::from(a)))
        }
        (Value::String(a), Value::Bool(b)) => a.as_str() == if *b { "true" } else { "false" },
        (Value::Bool(a), Value::String(b)) => b.as_str() == if *a { "true" } else { "false" },
        // An empty text is a default, and may come back as nothing.
        (Value::String(a), Value::Null) => a.is_empty(),
        _ => false,
    }
}

/// In the committed text `$` is doubled; a collector shows it as it understood it. The YAML that its extension `opamp`
/// writes loses a line end with which a text begins (gopkg.in/yaml.v3 writes `|4+` and no empty line after it).
fn is_as_written(committed: &str, effective: &str) -> bool {
    let is = |committed: &str| committed == effective || committed.strip_prefix('\n') == Some(effective);
    is(committed) || committed.contains("$$") && is(&committed.replace("$$", "$"))
}

/// Whether a committed text asks the host for something: `${env:NAME}`.
pub(super) fn is_expanded(committed: &str) -> bool {
    parts(committed).len() > 1
}

/// Whether a text that asks the host for something can have become this: what stands around it must be there.
pub(super) fn can_become(committed: &str, effective: &Value) -> bool {
    let parts = parts(committed);
    let text = match effective {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Bool(value) => Cow::Owned(value.to_string()),
        // A variable may hold a list or a mapping, when nothing stands around it.
        _ => return parts.iter().all(|part| part.is_empty()),
    };
    let Some((first, rest)) = parts.split_first() else { return false };
    let Some((last, middle)) = rest.split_last() else { return text == *first };
    let Some(mut text) = text.strip_prefix(&**first).and_then(|text| text.strip_suffix(&**last)) else { return false };
    middle
        .iter()
        .all(|part| text.find(&**part).and_then(|at| text.get(at + part.len()..)).map(|rest| text = rest).is_some())
}

/// What stands around the expansions of a text, `$$` read as `$`: one part more than there are expansions.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (plain, tail) = rest.split_at(at);
        let mut push = |text: &str| parts.last_mut().map(|part| part.push_str(text)).unwrap_or_default();
        push(plain);
        rest = if let Some(tail) = tail.strip_prefix("$$") {
            push("$");
            tail
        } else if let Some(tail) = tail.strip_prefix("${") {
            parts.push(String::new());
            after_brace(tail)
        } else {
            push("$");
            tail.get(1..).unwrap_or_default()
        };
    }
    if let Some(part) = parts.last_mut() {
        part.push_str(rest);
    }
    parts
}

/// What follows the brace that closes an expansion; one may stand within another. Nothing does when none closes it.
fn after_brace(text: &str) -> &str {
    let mut depth = 1_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text.get(at + 1..).unwrap_or_default();
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_end_with_which_a_text_begins_may_be_lost() {
        let text = |text: &str| Value::String(text.to_owned());
        for (committed, effective) in [("\n", ""), ("\n", "\n"), ("\na", "a"), ("\n\n", "\n"), ("\na$$", "a$")] {
            assert!(same(&text(committed), &text(effective)), "{committed:?} {effective:?}");
        }
        for (committed, effective) in [("\n\n", ""), ("a\n", "a"), ("", "\n"), ("\na", "b")] {
            assert!(!same(&text(committed), &text(effective)), "{committed:?} {effective:?}");
        }
    }

    #[test]
    fn what_stands_around_an_expansion_is_compared() {
        let becomes = |committed: &str, effective: &str| {
            is_expanded(committed) && can_become(committed, &Value::String(effective.to_owned()))
        };
        assert!(becomes("${env:A}", "x") && becomes("${env:A}", ""));
        assert!(becomes("http://${env:HOST}:4318", "http://h:4318"));
        assert!(!becomes("http://${env:HOST}:4318", "http://h:4319"));
        assert!(!becomes("http://${env:HOST}:4318", "https://h:4318"));
        assert!(becomes("a${env:X:-${env:Y}}b${env:Z}c$$", "a1b2c$"));
        assert!(!becomes("a${env:X}b${env:Z}c", "a12c"));
        assert!(!becomes("ab${env:X}bc", "abc"), "what stands around it does not overlap");
        for plain in ["", "$", "$$", "a$$b", "$x", "$${env:A}"] {
            assert!(!is_expanded(plain), "{plain}");
        }
        assert!(can_become("${env:PORT}", &Value::Number(4317.into())));
        assert!(!can_become("x${env:PORT}", &Value::Sequence(Vec::new())));
    }
}
