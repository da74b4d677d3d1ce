//! The writer of Alloy's configuration language, in the form that `alloy fmt` leaves unchanged.
//!
//! Attributes of a run align at their `=`, a blank line stands before every block that is not first, values are on one
//! line. Alloy expands nothing in texts, so `$` stays as it is.

use std::fmt::Write as _;

use super::text::Text;
use crate::domain::text::is_printable;

pub(crate) mod document;
pub(crate) mod literal;
pub mod parse;
#[cfg(test)]
mod tests;

/// Runs with a longer name than this are not aligned. `alloy fmt` aligns them all, so that a text may come to the number
/// of lines times the longest name of one of them: gigabytes of a file of 1 MiB. The longest attribute that Alloy 1.19 knows
/// has 47 characters, the longest argument that LinkMesh makes 68; up to here the text is what `alloy fmt` leaves unchanged.
const WIDEST_ALIGNED: usize = 80;

/// A block: a component, a `declare`, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Its name, dotted: `otelcol.receiver.otlp`.
    pub name: String,
    /// Its label: an identifier.
    pub label: Option<String>,
    /// What it holds.
    pub body: Vec<Statement>,
}

/// An attribute or a block.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `name = value`
    Attribute(String, Expr),
    /// `name "label" { }`
    Block(Block),
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A user's text.
    Text(Text),
    /// A token as it stands: a number, `true`, a reference, or a literal of a `raw` component that was parsed.
    Token(String),
    /// `[a, b]`
    Array(Vec<Expr>),
    /// `{"key" = value}`; the key as it is written, quoted or not.
    Object(Vec<(String, Expr)>),
    /// Operands with what stands between and around them: `a + b`, `f(x)`, `-a`.
    Parts(Vec<Expr>),
}

impl Expr {
    /// A text of a user.
    #[must_use]
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// A list of texts of a user.
    #[must_use]
    pub fn texts<'a>(texts: impl IntoIterator<Item = &'a String>) -> Self {
        Self::Array(texts.into_iter().map(|text| Self::text(text.as_str())).collect())
    }

    /// A number, a truth value or a reference of ours.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "numbers, literals and fresh references read best as values")]
    pub fn token(token: impl ToString) -> Self {
        Self::Token(token.to_string())
    }

    fn holds_object(&self) -> bool {
        match self {
            Self::Object(fields) => !fields.is_empty(),
            Self::Array(items) | Self::Parts(items) => items.iter().any(Self::holds_object),
            Self::Text(_) | Self::Token(_) => false,
        }
    }

    pub(crate) fn write(&self, out: &mut String, hide: bool) {
        match self {
            Self::Text(text) => write_text(out, &text.shown(hide)),
            Self::Token(token) => out.push_str(token),
            Self::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    item.write(out, hide);
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    out.push_str(key);
                    out.push_str(" = ");
                    value.write(out, hide);
                }
                out.push('}');
            }
            Self::Parts(parts) => {
                for part in parts {
                    part.write(out, hide);
                }
            }
        }
    }
}

impl Block {
    /// A block without a label.
    #[must_use]
    pub fn plain(name: &str, body: Vec<Statement>) -> Self {
        Self { name: name.to_owned(), label: None, body }
    }

    /// A block with a label.
    #[must_use]
    pub fn labelled(name: &str, label: impl Into<String>, body: Vec<Statement>) -> Self {
        Self { name: name.to_owned(), label: Some(label.into()), body }
    }

    /// What others write to refer to an export of this component.
    #[must_use]
    pub fn reference(&self, export: &str) -> String {
        format!("{}.{}.{export}", self.name, self.label.as_deref().unwrap_or_default())
    }
}

/// An attribute.
#[must_use]
pub fn attribute(name: &str, value: Expr) -> Statement {
    Statement::Attribute(name.to_owned(), value)
}

/// A block without a label, as a part of another.
#[must_use]
pub fn block(name: &str, body: Vec<Statement>) -> Statement {
    Statement::Block(Block::plain(name, body))
}

/// Writes a document; `hide` puts `[sealed]` in the place of secrets.
#[must_use]
pub fn write(body: &[Statement], hide: bool) -> String {
    let mut writer = Writer { out: String::new(), hide, most: usize::MAX };
    writer.body(body, 0);
    writer.out
}

/// Writes a document, see [`write`]; `None` when it would have more than `most` octets. It is not written to its end then.
#[must_use]
pub fn write_within(body: &[Statement], hide: bool, most: usize) -> Option<String> {
    let mut writer = Writer { out: String::new(), hide, most };
    writer.body(body, 0);
    (!writer.is_full()).then_some(writer.out)
}

struct Writer {
    out: String,
    hide: bool,
    most: usize,
}

impl Writer {
    fn is_full(&self) -> bool {
        self.out.len() > self.most
    }

    fn body(&mut self, body: &[Statement], depth: usize) {
        let mut rest = body;
        let mut first = true;
        while let Some((statement, after)) = rest.split_first().filter(|_| !self.is_full()) {
            match statement {
                Statement::Block(block) => {
                    if !first {
                        self.out.push('\n');
                    }
                    self.block(block, depth);
                    rest = after;
                }
                Statement::Attribute(..) => {
                    let run = run_length(rest);
                    let (attributes, after) = rest.split_at(run);
                    // `alloy fmt` aligns inside inline objects of neighbouring lines; a blank line keeps them apart.
                    let follows_object = !first && rest.len() < body.len() && after_attribute(body, rest);
                    if follows_object {
                        self.out.push('\n');
                    }
                    self.run(attributes, depth);
                    rest = after;
                }
            }
            first = false;
        }
    }

    fn run(&mut self, attributes: &[Statement], depth: usize) {
        let names = attributes.iter().filter_map(|a| match a {
            Statement::Attribute(name, _) => Some(name.chars().count()),
            Statement::Block(_) => None,
        });
        let width = names.max().filter(|width| *width <= WIDEST_ALIGNED).unwrap_or_default();
        for statement in attributes {
            if self.is_full() {
                return;
            }
            if let Statement::Attribute(name, value) = statement {
                self.indent(depth);
                let _ = write!(self.out, "{name:width$} = ");
                value.write(&mut self.out, self.hide);
                self.out.push('\n');
            }
        }
    }

    fn block(&mut self, block: &Block, depth: usize) {
        self.indent(depth);
        self.out.push_str(&block.name);
        if let Some(label) = &block.label {
            let _ = write!(self.out, " \"{label}\"");
        }
        if block.body.is_empty() {
            self.out.push_str(" { }\n");
            return;
        }
        self.out.push_str(" {\n");
        self.body(&block.body, depth + 1);
        self.indent(depth);
        self.out.push_str("}\n");
    }

    fn indent(&mut self, depth: usize) {
        self.out.extend(std::iter::repeat_n('\t', depth));
    }
}

/// Whether the statement before `rest` is an attribute: then the run was cut, and a blank line goes between.
fn after_attribute(body: &[Statement], rest: &[Statement]) -> bool {
    let before = body.len() - rest.len();
    before > 0 && matches!(body.get(before - 1), Some(Statement::Attribute(..)))
}

/// How many of the first statements align with each other: attributes up to the one before a second inline object, or
/// up to one whose value has several lines.
fn run_length(body: &[Statement]) -> usize {
    let mut length = 0;
    let mut objects = 0;
    for statement in body {
        let Statement::Attribute(_, value) = statement else { break };
        objects += usize::from(value.holds_object());
        if objects > 1 {
            break;
        }
        length += 1;
        let mut text = String::new();
        value.write(&mut text, false);
        if text.contains('\n') {
            break;
        }
    }
    length
}

fn write_text(out: &mut String, text: &Text) {
    match text {
        Text::Plain(text) | Text::Secret(text) | Text::Verbatim(text) => quote(out, text),
        Text::Env { prefix, name } if prefix.is_empty() => {
            let _ = write!(out, "sys.env(\"{name}\")");
        }
        Text::Env { prefix, name } => {
            out.push_str("string.format(");
            quote(out, &format!("{prefix}%s"));
            let _ = write!(out, ", sys.env(\"{name}\"))");
        }
    }
}

/// Writes a literal: raw between backticks where that saves escapes, in double quotes otherwise.
fn quote(out: &mut String, text: &str) {
    if text.contains(['"', '\\']) && !text.contains('`') && text.chars().all(is_printable) {
        out.push('`');
        out.push_str(text);
        out.push('`');
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_printable(c) => out.push(c),
            c => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
        }
    }
    out.push('"');
}

/// The key of an object, in quotes. Alloy does not unescape keys, so that a key must not need escapes.
#[must_use]
pub fn object_key(key: &str) -> String {
    debug_assert!(!key.contains(['"', '\\']) && !key.chars().any(char::is_control), "checked by the schema");
    format!("\"{key}\"")
}
