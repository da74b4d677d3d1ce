//! What stands in a config, whichever language it is written in: so that a text that was found and a rendering of ours
//! can be held against each other.

use std::collections::HashMap;

use serde_json::{Number, Value};

use crate::{
    domain::{
        drift::duration,
        secret::{Reference, is_variable, reference},
    },
    render::{
        alloy::{Block, Expr, Statement},
        text::Text,
        yaml::Yaml,
    },
};

mod literal;
#[cfg(test)]
mod tests;

/// A value of a config.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text as the collector means it.
    Text(String),
    /// Read from the collector's environment.
    Env {
        /// Empty, or a word and a space: `Bearer `.
        prefix: String,
        /// The variable.
        name: String,
    },
    /// What another component of the config gives: its name, as it is written there or as it is agreed here.
    Reference(String),
    /// What only the runtime can make out, as it is written.
    Opaque(String),
    /// A list.
    List(Vec<Tree>),
    /// Keys and values. Blocks of Alloy are lists of mappings under their name and `{}`.
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// A mapping.
    pub(super) fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// A text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// What stands under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The entries of a mapping; none of anything else.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// A text.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// How many values it holds; what is empty counts as one.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::List(items) => items.iter().map(Self::size).sum::<usize>().max(1),
            Self::Map(entries) => entries.iter().map(|(_, value)| value.size()).sum::<usize>().max(1),
            _ => 1,
        }
    }

    /// Whether two values that hold no others mean the same: `300s` is `5m0s`, 1 is 1.0.
    pub(super) fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => {
                a == b || duration::nanoseconds(a).is_some_and(|ns| duration::nanoseconds(b) == Some(ns))
            }
            (Self::Number(a), Self::Number(b)) => a == b || a.as_f64() == b.as_f64(),
            // What is empty says only that it is there.
            (Self::Null, Self::Map(entries)) | (Self::Map(entries), Self::Null) => entries.is_empty(),
            (Self::List(a), Self::List(b)) => a.is_empty() && b.is_empty(),
            (Self::Map(a), Self::Map(b)) => a.is_empty() && b.is_empty(),
            (a, b) => a == b,
        }
    }

    /// As a value of settings; `None` for what settings do not hold.
    pub(super) fn to_setting(&self) -> Option<Value> {
        match self {
            Self::Bool(value) => Some(Value::Bool(*value)),
            Self::Number(number) => Some(Value::Number(number.clone())),
            Self::Text(text) => Some(Value::String(text.clone())),
            Self::Env { prefix, name } => Some(Value::String(format!("{prefix}${{env:{name}}}"))),
            Self::Null | Self::Reference(_) | Self::Opaque(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The same as JSON, for a component to read: references by their name, what is read from the environment as settings
    /// have it.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Reference(text) | Self::Opaque(text) => Value::String(text.clone()),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.clone(), value.to_json())).collect())
            }
            other => other.to_setting().unwrap_or_default(),
        }
    }

    /// The same with every reference under the name that `rename` gives it.
    pub(super) fn renamed(self, rename: &dyn Fn(String) -> String) -> Self {
        match self {
            Self::Reference(name) => Self::Reference(rename(name)),
            Self::List(items) => Self::List(items.into_iter().map(|item| item.renamed(rename)).collect()),
            Self::Map(entries) => {
                Self::Map(entries.into_iter().map(|(key, value)| (key, value.renamed(rename))).collect())
            }
            other => other,
        }
    }

    /// Every reference in it.
    pub(super) fn references<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::Reference(name) => found.push(name),
            Self::List(items) => items.iter().for_each(|item| item.references(found)),
            Self::Map(entries) => entries.iter().for_each(|(_, value)| value.references(found)),
            _ => {}
        }
    }

    /// A value of an otelcol config that was read from a text.
    pub(super) fn of_otelcol(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => expanded(text),
            Value::Array(items) => Self::List(items.iter().map(Self::of_otelcol).collect()),
            Value::Object(map) => {
                Self::Map(map.iter().map(|(key, value)| (key.clone(), Self::of_otelcol(value))).collect())
            }
        }
    }

    /// A value of an otelcol config as it is rendered.
    pub(super) fn of_yaml(yaml: &Yaml) -> Self {
        match yaml {
            Yaml::Null => Self::Null,
            Yaml::Bool(value) => Self::Bool(*value),
            Yaml::Int(number) => Self::Number((*number).into()),
            Yaml::Float(number) => Number::from_f64(*number).map_or(Self::Null, Self::Number),
            Yaml::Word(word) => Self::text(word),
            Yaml::Text(Text::Verbatim(text)) => expanded(text),
            Yaml::Text(text) => Self::of_text(text),
            Yaml::Seq(items) => Self::List(items.iter().map(Self::of_yaml).collect()),
            Yaml::Map(entries) => {
                Self::Map(entries.iter().map(|(key, value)| (key.clone(), Self::of_yaml(value))).collect())
            }
        }
    }

    fn of_text(text: &Text) -> Self {
        match text {
            Text::Plain(text) | Text::Secret(text) | Text::Verbatim(text) => Self::text(text),
            Text::Env { prefix, name } => Self::Env { prefix: prefix.clone(), name: name.clone() },
        }
    }

    /// The body of an Alloy block, read from a text or rendered.
    pub(super) fn of_body(body: &[Statement]) -> Self {
        let mut entries: Vec<(String, Self)> = Vec::new();
        let mut known = HashMap::new();
        for statement in body {
            match statement {
                Statement::Attribute(name, value) => entries.push((name.clone(), Self::of_expression(value))),
                Statement::Block(block) => {
                    let inner = Self::of_block(block);
                    let at = *known.entry(block.name.as_str()).or_insert(entries.len());
                    match entries.get_mut(at) {
                        Some((_, Self::List(blocks))) => blocks.push(inner),
                        _ => entries.push((format!("{}{{}}", block.name), Self::List(vec![inner]))),
                    }
                }
            }
        }
        Self::Map(entries)
    }

    fn of_block(block: &Block) -> Self {
        let Self::Map(mut entries) = Self::of_body(&block.body) else { return Self::Null };
        if let Some(label) = &block.label {
            entries.push(("\"label\"".to_owned(), Self::text(label)));
        }
        Self::Map(entries)
    }

    /// A value of Alloy, read from a text or rendered.
    pub(super) fn of_expression(value: &Expr) -> Self {
        match value {
            Expr::Text(text) => Self::of_text(text),
            Expr::Array(items) => Self::List(items.iter().map(Self::of_expression).collect()),
            Expr::Object(fields) => {
                let mut entries: Vec<(String, Self)> = Vec::new();
                let mut known = HashMap::new();
                for (key, value) in fields {
                    let (key, value) = (key.trim_matches('"'), Self::of_expression(value));
                    // Of a key that stands twice Alloy takes the last.
                    let at = *known.entry(key).or_insert(entries.len());
                    match entries.get_mut(at) {
                        Some((_, known)) => *known = value,
                        None => entries.push((key.to_owned(), value)),
                    }
                }
                Self::Map(entries)
            }
            Expr::Token(_) | Expr::Parts(_) => literal::of_tokens(value),
        }
    }
}

/// A text of otelcol with its expansion undone: `$$` is `$`, `${env:NAME}` and `${NAME}` refer to the environment.
fn expanded(text: &str) -> Tree {
    let mut plain = String::with_capacity(text.len());
    let mut variable = None;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        plain.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            plain.push('$');
            rest = after;
            continue;
        }
        let Some(inside) = after.strip_prefix('{') else {
            plain.push('$');
            rest = after;
            continue;
        };
        let name = inside.split_once('}').map(|(name, after)| (name.strip_prefix("env:").unwrap_or(name), after));
        match name {
            Some((name, "")) if is_variable(name) && variable.is_none() => {
                variable = Some(name);
                rest = "";
            }
            _ => return Tree::Opaque(text.to_owned()),
        }
    }
    plain.push_str(rest);
    let Some(name) = variable else { return Tree::Text(plain) };
    // Only what the settings of a component can say as well.
    match reference(&format!("{plain}${{env:{name}}}")) {
        Reference::Env { prefix, name } => Tree::Env { prefix, name },
        _ => Tree::Opaque(text.to_owned()),
    }
}
