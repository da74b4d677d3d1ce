//! Canonical YAML for files that people read, edit and review.
//!
//! Short lists of scalars and small mappings stand on one line, the rest in blocks; texts of several lines stand as
//! literal blocks. A text is quoted unless it is surely read back as the same text by every YAML 1.1 and 1.2 parser.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::domain::text::is_printable;

/// Longest line that a mapping or list may make when written on one line.
const WIDTH: usize = 100;

/// Writes a document.
pub(super) fn document(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block_map(&mut out, map, 0, true),
        other => {
            flow(&mut out, other);
            out.push('\n');
        }
    }
    out
}

/// Writes the entries of a mapping, each on lines of its own. `fresh` says that the cursor is at the start of a line;
/// otherwise the first entry continues the line of a list's dash.
fn block_map(out: &mut String, map: &Map<String, Value>, indent: usize, fresh: bool) {
    for (index, (key, value)) in map.iter().enumerate() {
        if fresh || index > 0 {
            pad(out, indent);
        }
        out.push_str(&scalar(key));
        out.push(':');
        member(out, value, indent);
    }
}

/// Writes the value after `key:`.
fn member(out: &mut String, value: &Value, indent: usize) {
    let column = out.len() - out.rfind('\n').map_or(0, |at| at + 1);
    if let Some(line) = one_line(value, column + 1) {
        out.push(' ');
        out.push_str(&line);
        out.push('\n');
        return;
    }
    match value {
        Value::Object(map) => {
            out.push('\n');
            block_map(out, map, indent + 2, true);
        }
        Value::Array(items) => {
            out.push('\n');
            for item in items {
                pad(out, indent + 2);
                out.push('-');
                element(out, item, indent + 4);
            }
        }
        Value::String(text) => literal_block(out, text, indent + 2),
        other => {
            out.push(' ');
            flow(out, other);
            out.push('\n');
        }
    }
}

/// Writes the value after a list's dash.
fn element(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let scalars = map.values().all(|v| !matches!(v, Value::Object(_) | Value::Array(_)));
            match one_line(value, indent).filter(|_| scalars) {
                Some(line) => {
                    out.push(' ');
                    out.push_str(&line);
                    out.push('\n');
                }
                None => {
                    out.push(' ');
                    block_map(out, map, indent, false);
                }
            }
        }
        Value::String(text) if is_literal(text) => literal_block(out, text, indent),
        other => {
            out.push(' ');
            flow(out, other);
            out.push('\n');
        }
    }
}

/// The value on one line, when it may stand there and fits.
fn one_line(value: &Value, column: usize) -> Option<String> {
    if !flows(value) {
        return None;
    }
    let mut line = String::new();
    flow(&mut line, value);
    let composite = matches!(value, Value::Object(_) | Value::Array(_));
    (!composite || column + line.chars().count() <= WIDTH).then_some(line)
}

/// Whether a value reads well on one line: no texts of several lines, no lists of mappings.
fn flows(value: &Value) -> bool {
    match value {
        Value::String(text) => !is_literal(text),
        Value::Array(items) => {
            items.iter().all(|item| !matches!(item, Value::Object(_) | Value::Array(_)) && flows(item))
        }
        Value::Object(map) => map.values().all(flows),
        _ => true,
    }
}

fn flow(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::String(text) => out.push_str(&scalar(text)),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                flow(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(&scalar(key));
                out.push_str(": ");
                flow(out, item);
            }
            out.push('}');
        }
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn literal_block(out: &mut String, text: &str, indent: usize) {
    if !is_literal(text) {
        out.push(' ');
        out.push_str(&scalar(text));
        out.push('\n');
        return;
    }
    out.push_str(if text.ends_with('\n') { " |\n" } else { " |-\n" });
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
        out.push('\n');
    }
}

/// Whether a text may stand as a literal block: several lines, the first one not indented, nothing invisible.
fn is_literal(text: &str) -> bool {
    text.contains('\n')
        && !text.ends_with("\n\n")
        && !text.starts_with([' ', '\t', '\n'])
        && text.chars().all(|c| c == '\n' || c == '\t' || is_printable(c))
        && text.split('\n').all(|line| line.is_empty() || !line.trim_matches([' ', '\t']).is_empty())
}

fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    if text.contains(['"', '\\']) && !text.contains('\'') && text.chars().all(is_printable) {
        return format!("'{text}'");
    }
    double_quoted(text)
}

/// Whether a text may stand without quotes. Narrower than YAML allows, since versions and parsers differ.
fn is_plain(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '*' | '@' | '+' | '-');
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/'))
        && text.len() <= 200
        && text.split(' ').all(|part| !part.is_empty() && part.chars().all(word))
        && !reserved.iter().any(|r| text.eq_ignore_ascii_case(r))
}

/// A text in double quotes, which every YAML parser reads back as the same text. One line, whatever the text holds.
pub(crate) fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) <= 0xff => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}
