//! The settings of a `raw` text in either language, as far as texts are seen in them.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    component::raw::secrets::{self, as_otelcol, flatten},
    domain::document::strict,
    render::alloy::{Expr, Statement, literal::literal},
};

/// A value.
pub(super) enum Given<'v> {
    /// A mapping, an object, or the body of a block, which may have a name more than once.
    Map(Vec<(&'v str, Given<'v>)>),
    List(Vec<Given<'v>>),
    /// A text as otelcol has it: with `${env:NAME}`.
    Text(Cow<'v, str>),
    /// A text that cannot be seen, as an expression.
    Unseen,
    /// A number, a truth value or nothing.
    Other,
}

impl<'v> Given<'v> {
    /// Of an otelcol component.
    pub(super) fn of_yaml(value: &'v Value) -> Self {
        match value {
            Value::Object(map) => {
                Self::Map(map.iter().map(|(key, item)| (key.as_str(), Self::of_yaml(item))).collect())
            }
            Value::Array(items) => Self::List(items.iter().map(Self::of_yaml).collect()),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            _ => Self::Other,
        }
    }

    /// Of the body of an Alloy block.
    pub(super) fn of_alloy(body: &'v [Statement]) -> Self {
        let field = |statement: &'v Statement| match statement {
            Statement::Block(block) => (block.name.as_str(), Self::of_alloy(&block.body)),
            Statement::Attribute(name, value) => (name.as_str(), Self::of_expression(value)),
        };
        Self::Map(body.iter().map(field).collect())
    }

    fn of_expression(value: &'v Expr) -> Self {
        match value {
            Expr::Array(items) => Self::List(items.iter().map(Self::of_expression).collect()),
            Expr::Object(fields) => {
                let name = |key: &'v str| secrets::literal(key).unwrap_or(key);
                Self::Map(fields.iter().map(|(key, item)| (name(key), Self::of_expression(item))).collect())
            }
            Expr::Text(_) => Self::Unseen,
            Expr::Token(_) | Expr::Parts(_) => {
                let mut tokens = Vec::new();
                match (flatten(value, &mut tokens), &tokens[..]) {
                    (true, [token]) => Self::of_token(token),
                    (true, tokens) => as_otelcol(tokens).map_or(Self::Unseen, |text| Self::Text(Cow::Owned(text))),
                    (false, _) => Self::Unseen,
                }
            }
        }
    }

    /// All that has this name in a mapping.
    pub(super) fn all(&self, name: &str) -> Vec<&Self> {
        match self {
            Self::Map(fields) => fields.iter().filter(|(key, _)| *key == name).map(|(_, item)| item).collect(),
            _ => Vec::new(),
        }
    }

    fn of_token(token: &'v str) -> Self {
        match literal(token) {
            Some(text) => Self::Text(Cow::Owned(text)),
            None if token.starts_with(['"', '`']) => Self::Unseen,
            None => Self::Other,
        }
    }
}

/// What is left of a text when none of its variables is set: the defaults, which may hold references themselves.
pub(super) fn unset(text: &str) -> Cow<'_, str> {
    if !text.contains("${") {
        return Cow::Borrowed(text);
    }
    // Where each reference that is open began in what is left.
    let (mut left, mut open) = (String::with_capacity(text.len()), Vec::new());
    for c in text.chars() {
        match c {
            '{' if left.ends_with('$') => {
                open.push(left.len() - 1);
                left.push(c);
            }
            '}' => match open.pop() {
                Some(from) => {
                    let default = left.get(from..).and_then(|reference| reference.find(":-")).map(|at| from + at + 2);
                    left.replace_range(from..default.unwrap_or(left.len()), "");
                }
                None => left.push(c),
            },
            c => left.push(c),
        }
    }
    Cow::Owned(left)
}

/// What a text is when none of its variables is set and the default is a mapping or a list: the collector reads it as
/// YAML.
pub(super) fn structure(text: &str) -> Option<Value> {
    let left = unset(text);
    // Each default is shorter than the text that has it.
    if !text.starts_with("${") || left.len() >= text.len() {
        return None;
    }
    let value = strict::yaml(&left).and_then(strict::merged).ok()?;
    (value.is_object() || value.is_array()).then_some(value)
}
