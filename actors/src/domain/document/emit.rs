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
    written(value, usize::MAX).text
}

/// Writes a document of so many bytes at most.
///
/// # Errors
/// How many bytes it would have. No more of it is written than may be: indentation makes tens of megabytes of one.
pub(super) fn document_within(value: &Value, most: usize) -> Result<String, usize> {
    let out = written(value, most);
    if out.len > most { Err(out.len) } else { Ok(out.text) }
}

pub(super) fn written(value: &Value, most: usize) -> Out {
    let mut out = Out { text: String::new(), len: 0, line: 0, most };
    match value {
        Value::Object(map) if !map.is_empty() => block_map(&mut out, map, 0, true),
        other => {
            out.push_value(other);
            out.push_str("\n");
        }
    }
    out
}

/// A text that is counted on when it is as long as it may be, and then not kept.
pub(super) struct Out {
    pub(super) text: String,
    /// How long it would be.
    pub(super) len: usize,
    /// Where its last line begins.
    line: usize,
    most: usize,
}

impl Out {
    fn push_str(&mut self, more: &str) {
        if let Some(end) = more.rfind('\n') {
            self.line = self.len + end + 1;
        }
        self.len += more.len();
        if self.len <= self.most {
            self.text.push_str(more);
        }
    }

    fn push_value(&mut self, value: &Value) {
        let mut line = String::new();
        flow(&mut line, value);
        self.push_str(&line);
    }

    /// In which column the next character stands, in bytes.
    const fn column(&self) -> usize {
        self.len - self.line
    }

    fn pad(&mut self, indent: usize) {
        self.len += indent;
        if self.len <= self.most {
            self.text.extend(std::iter::repeat_n(' ', indent));
        }
    }
}

/// Writes the entries of a mapping, each on lines of its own. `fresh` says that the cursor is at the start of a line;
/// otherwise the first entry continues the line of a list's dash.
fn block_map(out: &mut Out, map: &Map<String, Value>, indent: usize, fresh: bool) {
    for (index, (key, value)) in map.iter().enumerate() {
        if fresh || index > 0 {
            out.pad(indent);
        }
        out.push_str(&scalar(key));
        out.push_str(":");
        member(out, value, indent);
    }
}

/// Writes the value after `key:`.
fn member(out: &mut Out, value: &Value, indent: usize) {
    if let Some(line) = one_line(value, out.column() + 1) {
        out.push_str(" ");
        out.push_str(&line);
        out.push_str("\n");
        return;
    }
    match value {
        Value::Object(map) => {
            out.push_str("\n");
            block_map(out, map, indent + 2, true);
        }
        Value::Array(items) => {
            out.push_str("\n");
            for item in items {
                out.pad(indent + 2);
                out.push_str("-");
                element(out, item, indent + 4);
            }
        }
        Value::String(text) => literal_block(out, text, indent + 2),
        other => {
            out.push_str(" ");
            out.push_value(other);
            out.push_str("\n");
        }
    }
}

/// Writes the value after a list's dash.
fn element(out: &mut Out, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let scalars = map.values().all(|v| !matches!(v, Value::Object(_) | Value::Array(_)));
            match one_line(value, indent).filter(|_| scalars) {
                Some(line) => {
                    out.push_str(" ");
                    out.push_str(&line);
                    out.push_str("\n");
                }
                None => {
                    out.push_str(" ");
                    block_map(out, map, indent, false);
                }
            }
        }
        Value::String(text) if is_literal(text) => literal_block(out, text, indent),
        other => {
            out.push_str(" ");
            out.push_value(other);
            out.push_str("\n");
        }
    }
}

/// The value on one line, when it may stand there and fits.
fn one_line(value: &Value, column: usize) -> Option<String> {
    let composite = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    // What is large is looked through once, and not once for every mapping that it stands in.
    if (composite && !may_fit(value, &mut WIDTH.saturating_sub(column))) || !flows(value) {
        return None;
    }
    let mut line = String::new();
    flow(&mut line, value);
    (!composite || column + line.chars().count() <= WIDTH).then_some(line)
}

/// Whether a value may have no more than so many characters; looks no further than that. Each value and each key takes one
/// at least, and a text as many as it has.
fn may_fit(value: &Value, room: &mut usize) -> bool {
    let mut take = |characters: usize| match room.checked_sub(characters.max(1)) {
        Some(left) => {
            *room = left;
            true
        }
        None => false,
    };
    // A character has four bytes at most.
    match value {
        Value::String(text) => take(text.len() / 4),
        Value::Array(items) => take(1) && items.iter().all(|item| may_fit(item, room)),
        Value::Object(map) => take(1) && map.iter().all(|(key, item)| key.len() / 4 <= WIDTH && may_fit(item, room)),
        _ => take(1),
    }
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

fn literal_block(out: &mut Out, text: &str, indent: usize) {
    if !is_literal(text) {
        out.push_str(" ");
        out.push_str(&scalar(text));
        out.push_str("\n");
        return;
    }
    out.push_str(if text.ends_with('\n') { " |\n" } else { " |-\n" });
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            out.pad(indent);
            out.push_str(line);
        }
        out.push_str("\n");
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
