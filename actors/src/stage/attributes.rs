//! `attributes`: attributes of log records, data points and spans are set, copied, deleted, hashed.

use linkmesh_ottl::record::Telemetry;
use serde_json::Value;

use super::{Stage, Trial};
use crate::render::{
    alloy::{Expr, Statement, attribute, block},
    yaml::Yaml,
};

/// What is done with an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Verb {
    /// Sets it, whether it is there or not.
    Upsert(Value),
    /// Sets it where it is absent.
    Insert(Value),
    /// Sets it to the value of another attribute, where that is there.
    UpsertFrom(String),
    /// Takes it away.
    Delete,
    /// Puts the SHA-256 of its value in its place, in hexadecimal.
    Hash,
}

/// One action on one attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// The attribute.
    pub key: String,
    /// What is done.
    pub verb: Verb,
}

impl Action {
    /// The name of the action, and its operand: field and value.
    fn parts(&self) -> (&'static str, Option<(&'static str, Operand<'_>)>) {
        match &self.verb {
            Verb::Upsert(value) => ("upsert", Some(("value", Operand::Value(value)))),
            Verb::Insert(value) => ("insert", Some(("value", Operand::Value(value)))),
            Verb::UpsertFrom(from) => ("upsert", Some(("from_attribute", Operand::Attribute(from)))),
            Verb::Delete => ("delete", None),
            Verb::Hash => ("hash", None),
        }
    }
}

enum Operand<'a> {
    Value(&'a Value),
    Attribute(&'a str),
}

impl Operand<'_> {
    fn yaml(&self) -> Yaml {
        match self {
            Self::Attribute(name) => Yaml::text(*name),
            Self::Value(Value::String(text)) => Yaml::text(text.as_str()),
            Self::Value(Value::Bool(value)) => Yaml::Bool(*value),
            Self::Value(Value::Number(n)) => {
                n.as_i64().map_or_else(|| Yaml::Float(n.as_f64().unwrap_or_default()), Yaml::Int)
            }
            Self::Value(_) => Yaml::Null,
        }
    }

    fn alloy(&self) -> Expr {
        match self {
            Self::Attribute(name) => Expr::text(*name),
            Self::Value(Value::String(text)) => Expr::text(text.as_str()),
            Self::Value(Value::Number(n)) => {
                n.as_i64().map_or_else(|| Expr::Token(format!("{:?}", n.as_f64().unwrap_or_default())), Expr::token)
            }
            Self::Value(other) => Expr::token(other),
        }
    }
}

/// Does its actions in order.
#[derive(Debug, Clone)]
pub struct Attributes(pub Vec<Action>);

impl Stage for Attributes {
    fn otelcol(&self) -> (&'static str, Yaml) {
        let actions = self.0.iter().map(|action| {
            let (name, operand) = action.parts();
            let mut entry =
                vec![("key".to_owned(), Yaml::text(action.key.as_str())), ("action".to_owned(), Yaml::word(name))];
            entry.extend(operand.map(|(field, operand)| (field.to_owned(), operand.yaml())));
            Yaml::Map(entry)
        });
        ("attributes", Yaml::map([("actions", Yaml::Seq(actions.collect()))]))
    }

    fn alloy(&self) -> (&'static str, Vec<Statement>) {
        let actions = self.0.iter().map(|action| {
            let (name, operand) = action.parts();
            let mut entry =
                vec![attribute("key", Expr::text(action.key.as_str())), attribute("action", Expr::text(name))];
            entry.extend(operand.map(|(field, operand)| attribute(field, operand.alloy())));
            block("action", entry)
        });
        ("otelcol.processor.attributes", actions.collect())
    }

    fn run(&self, telemetry: &mut Telemetry, trial: &mut Trial) {
        let _ = (telemetry, trial);
    }
}
