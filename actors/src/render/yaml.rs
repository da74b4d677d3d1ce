//! The writer of otelcol's YAML: block style, every user text in double quotes, every `$` of theirs doubled.
//!
//! otelcol expands `${X}` and reads `$$` as `$`; so a doubled `$` is one `$` to the collector, and a text can neither
//! reach the host's environment nor change the document around it.

use std::fmt::Write as _;

use serde_json::Value;

use super::text::Text;
use crate::domain::document::double_quoted;

/// A node of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Yaml {
    /// `key: value` pairs in this order.
    Map(Vec<(String, Yaml)>),
    /// A list.
    Seq(Vec<Yaml>),
    /// A user's text.
    Text(Text),
    /// A word of ours: a name or keyword that needs no quotes.
    Word(String),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Nothing.
    Null,
}

impl Yaml {
    /// A mapping with keys of ours.
    #[must_use]
    pub fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// A word of ours.
    #[must_use]
    pub fn word(word: impl Into<String>) -> Self {
        Self::Word(word.into())
    }

    /// A text of a user.
    #[must_use]
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// A list of texts of a user.
    #[must_use]
    pub fn texts<'a>(texts: impl IntoIterator<Item = &'a String>) -> Self {
        Self::Seq(texts.into_iter().map(|text| Self::text(text.as_str())).collect())
    }

    /// A value of a `raw` component: in the collector's own language, so that `$` keeps its meaning.
    #[must_use]
    pub fn verbatim(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Self::Int(number),
                (None, Some(number)) => Self::Word(number.to_string()),
                (None, None) => Self::Float(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => Self::Text(Text::Verbatim(text.clone())),
            Value::Array(items) => Self::Seq(items.iter().map(Self::verbatim).collect()),
            Value::Object(map) => Self::Map(map.iter().map(|(k, v)| (k.clone(), Self::verbatim(v))).collect()),
        }
    }

    /// Writes the node as a document; `hide` puts `[sealed]` in the place of secrets.
    #[must_use]
    pub fn write(&self, hide: bool) -> String {
        let mut writer = Writer { out: String::new(), hide, most: usize::MAX };
        writer.document(self);
        writer.out
    }

    /// Writes the node, see [`Self::write`]; `None` when it would have more than `most` octets. It is not written to its
    /// end then: what is nested deeply is far longer in lines.
    #[must_use]
    pub fn write_within(&self, hide: bool, most: usize) -> Option<String> {
        let mut writer = Writer { out: String::new(), hide, most };
        writer.document(self);
        (!writer.is_full()).then_some(writer.out)
    }

    fn is_block(&self) -> bool {
        match self {
            Self::Map(entries) => !entries.is_empty(),
            Self::Seq(items) => items.iter().any(|item| matches!(item, Self::Map(_) | Self::Seq(_))),
            _ => false,
        }
    }
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

    fn document(&mut self, node: &Yaml) {
        match node {
            Yaml::Map(entries) if !entries.is_empty() => self.map(entries, 0, true),
            other => {
                self.inline(other);
                self.out.push('\n');
            }
        }
    }

    fn pad(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    /// Writes the entries of a mapping, one a line. `fresh` says that the cursor is at the start of a line; otherwise
    /// the first entry continues the line of a list's dash.
    fn map(&mut self, entries: &[(String, Yaml)], indent: usize, fresh: bool) {
        for (index, (key, value)) in entries.iter().enumerate() {
            if self.is_full() {
                return;
            }
            if fresh || index > 0 {
                self.pad(indent);
            }
            self.key(key);
            self.out.push(':');
            if value.is_block() {
                self.out.push('\n');
                match value {
                    Yaml::Map(entries) => self.map(entries, indent + 2, true),
                    Yaml::Seq(items) => self.seq(items, indent + 2),
                    _ => {}
                }
            } else {
                self.out.push(' ');
                self.inline(value);
                self.out.push('\n');
            }
        }
    }

    fn seq(&mut self, items: &[Yaml], indent: usize) {
        for item in items {
            if self.is_full() {
                return;
            }
            self.pad(indent);
            self.out.push('-');
            match item {
                Yaml::Map(entries) if !entries.is_empty() => {
                    self.out.push(' ');
                    self.map(entries, indent + 2, false);
                }
                Yaml::Seq(inner) if item.is_block() => {
                    self.out.push('\n');
                    self.seq(inner, indent + 2);
                }
                other => {
                    self.out.push(' ');
                    self.inline(other);
                    self.out.push('\n');
                }
            }
        }
    }

    fn key(&mut self, key: &str) {
        let plain = key.starts_with(|c: char| c.is_ascii_alphabetic())
            && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '-'))
            && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
                .iter()
                .any(|r| key.eq_ignore_ascii_case(r));
        if plain { self.out.push_str(key) } else { self.out.push_str(&double_quoted(key)) }
    }

    fn inline(&mut self, value: &Yaml) {
        match value {
            Yaml::Map(_) => self.out.push_str("{}"),
            Yaml::Seq(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(", ");
                    }
                    self.inline(item);
                }
                self.out.push(']');
            }
            Yaml::Text(text) => {
                let quoted = match text.shown(self.hide) {
                    Text::Plain(text) | Text::Secret(text) => double_quoted(&text.replace('$', "$$")),
                    Text::Env { prefix, name } => double_quoted(&format!("{prefix}${{env:{name}}}")),
                    Text::Verbatim(text) => double_quoted(&text),
                };
                self.out.push_str(&quoted);
            }
            Yaml::Word(word) => self.out.push_str(word),
            Yaml::Int(number) => {
                let _ = write!(self.out, "{number}");
            }
            Yaml::Float(number) => {
                let _ = write!(self.out, "{number:?}");
            }
            Yaml::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Yaml::Null => self.out.push_str("null"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_document_reads_as_written() {
        let document = Yaml::map([
            (
                "receivers",
                Yaml::map([(
                    "otlp/4317",
                    Yaml::map([("endpoint", Yaml::text("0.0.0.0:4317")), ("none", Yaml::Map(Vec::new()))]),
                )]),
            ),
            (
                "list",
                Yaml::Seq(vec![
                    Yaml::map([("key", Yaml::text("a$1")), ("value", Yaml::Bool(true))]),
                    Yaml::map([("count", Yaml::Int(-3)), ("f", Yaml::Float(1.0))]),
                ]),
            ),
            ("words", Yaml::Seq(vec![Yaml::word("otlp/4317"), Yaml::word("nop")])),
            (
                "secret",
                Yaml::Seq(vec![
                    Yaml::Text(Text::Secret("pa$$".to_owned())),
                    Yaml::Text(Text::Env { prefix: "Bearer ".to_owned(), name: "TOKEN".to_owned() }),
                ]),
            ),
        ]);
        insta::assert_snapshot!(document.write(false), @r#"
        receivers:
          otlp/4317:
            endpoint: "0.0.0.0:4317"
            none: {}
        list:
          - key: "a$$1"
            value: true
          - count: -3
            f: 1.0
        words: [otlp/4317, nop]
        secret: ["pa$$$$", "Bearer ${env:TOKEN}"]
        "#);
        assert!(document.write(true).contains(r#"secret: ["[sealed]", "Bearer ${env:TOKEN}"]"#));
    }

    #[test]
    fn a_document_is_written_as_far_as_its_limit_and_not_to_its_end() {
        let list = Yaml::Seq((0..500).map(|n| Yaml::map([("n", Yaml::Int(n)), ("m", Yaml::Int(n))])).collect());
        let deep = (0..60).fold(list, |inner, _| Yaml::Seq(vec![Yaml::map([("k", inner)])]));
        let deep = Yaml::map([("k", deep)]);
        let whole = deep.write(false);
        assert_eq!(deep.write_within(false, whole.len()), Some(whole.clone()));
        assert_eq!(deep.write_within(false, whole.len() - 1), None);
        let mut writer = Writer { out: String::new(), hide: false, most: 20_000 };
        writer.document(&deep);
        assert!(writer.out.len() < 30_000, "{} of {}", writer.out.len(), whole.len());
    }

    proptest! {
        #[test]
        fn a_text_stays_one_value(key in any::<String>(), text in any::<String>()) {
            let document = Yaml::Map(vec![
                (key.clone(), Yaml::Seq(vec![Yaml::text(text.as_str()), Yaml::map([("x", Yaml::text(text.as_str()))])])),
            ]);
            let read: Value = serde_norway::from_str(&document.write(false)).unwrap();
            let doubled = text.replace('$', "$$");
            prop_assert_eq!(read, serde_json::json!({ key: [&doubled, { "x": &doubled }] }));
        }
    }
}
