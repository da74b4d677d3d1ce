//! Documents as text, for people to compare. What is stored is written by the server.

use std::fmt::Write as _;

use serde_json::Value;

/// A JSON value in YAML's block style.
#[must_use]
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(value, 0, &mut out),
        Value::Array(list) if !list.is_empty() => block(value, 0, &mut out),
        other => {
            scalar(other, &mut out);
            out.push('\n');
        }
    }
    out
}

fn block(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                indent(depth, out);
                string(key, out);
                out.push(':');
                below(value, depth, out);
            }
        }
        Value::Array(list) => {
            for value in list {
                indent(depth, out);
                out.push('-');
                if is_block(value) && value.is_object() {
                    let mut inner = String::new();
                    block(value, depth + 1, &mut inner);
                    // The first key stands on the line of the hyphen.
                    out.push(' ');
                    out.push_str(inner.trim_start());
                } else {
                    below(value, depth, out);
                }
            }
        }
        other => scalar(other, out),
    }
}

fn below(value: &Value, depth: usize, out: &mut String) {
    if let Value::String(text) = value
        && text.contains('\n')
    {
        out.push_str(if text.ends_with('\n') { " |\n" } else { " |-\n" });
        for line in text.lines() {
            if !line.is_empty() {
                indent(depth + 1, out);
            }
            out.push_str(line);
            out.push('\n');
        }
    } else if is_block(value) {
        out.push('\n');
        block(value, depth + 1, out);
    } else {
        out.push(' ');
        scalar(value, out);
        out.push('\n');
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    }
}

fn indent(depth: usize, out: &mut String) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn scalar(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => string(text, out),
        Value::Object(_) => out.push_str("{}"),
        Value::Array(_) => out.push_str("[]"),
        // Writing into a string cannot fail.
        other => _ = write!(out, "{other}"),
    }
}

fn string(text: &str, out: &mut String) {
    let plain = !text.is_empty()
        && text.chars().next().is_some_and(|first| first.is_ascii_alphabetic() || first == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./ ".contains(c))
        && !text.ends_with(' ')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if plain {
        out.push_str(text);
    } else {
        // JSON strings are YAML double-quoted scalars.
        out.push_str(&Value::from(text).to_string());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn document_reads_as_the_file_does() {
        let document = json!({
            "version": 1, "name": "Web logs", "signals": ["logs"], "match": ["env=\"prod\""], "empty": {},
            "sources": [{"id": "access", "kind": "file_log", "settings": {"include": ["/var/log/*.log"]}}],
        });
        let expected = "version: 1\nname: Web logs\nsignals:\n  - logs\nmatch:\n  - \"env=\\\"prod\\\"\"\nempty: {}\n\
            sources:\n  - id: access\n    kind: file_log\n    settings:\n      include:\n        - \"/var/log/*.log\"\n";
        assert_eq!(text(&document), expected);
    }

    #[test]
    fn words_that_yaml_would_take_for_something_else_are_quoted() {
        assert_eq!(
            text(&json!({"a": "yes", "b": "0777", "c": "", "d": "x: y"})),
            "a: \"yes\"\nb: \"0777\"\nc: \"\"\nd: \"x: y\"\n"
        );
    }

    #[test]
    fn texts_of_several_lines_stand_as_blocks() {
        assert_eq!(text(&json!({"otelcol": "a:\n  b\n"})), "otelcol: |\n  a:\n    b\n");
    }
}
