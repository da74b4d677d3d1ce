//! `attributes`: attributes of log records, data points and spans are set, copied, deleted, hashed.

use linkmesh_ottl::record::{self, Telemetry};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Stage, Trial, values};
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
    /// Counts what it takes.
    fn may_run(&self, attributes: &record::Attributes, trial: &mut Trial) -> bool {
        // A key is looked for a few times, one entry after another.
        if !trial.spend(attributes.len() + 16) {
            return false;
        }
        let entry = self.key.len() + size_of::<(String, record::Value)>();
        match &self.verb {
            Verb::Upsert(Value::String(text)) | Verb::Insert(Value::String(text)) => trial.hold(text.len() + entry),
            Verb::Upsert(_) | Verb::Insert(_) => trial.hold(entry),
            Verb::UpsertFrom(from) => {
                let size = attributes.get(from).map_or(0, record::Value::size);
                trial.spend(size) && trial.hold(size + entry)
            }
            Verb::Hash => match attributes.get(&self.key) {
                Some(record::Value::Str(text)) => trial.spend(text.len() * 4) && trial.hold(64),
                _ => trial.hold(64),
            },
            Verb::Delete => true,
        }
    }

    fn run(&self, attributes: &mut record::Attributes) {
        match &self.verb {
            Verb::Upsert(value) => attributes.insert(self.key.as_str(), values::from_setting(value)),
            Verb::Insert(value) => {
                if attributes.get(&self.key).is_none() {
                    attributes.insert(self.key.as_str(), values::from_setting(value));
                }
            }
            Verb::UpsertFrom(from) => {
                if let Some(value) = attributes.get(from).cloned() {
                    attributes.insert(self.key.as_str(), value);
                }
            }
            Verb::Delete => {
                attributes.remove(&self.key);
            }
            Verb::Hash => {
                if let Some(value) = attributes.get_mut(&self.key) {
                    hash(value);
                }
            }
        }
    }

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
        if !trial.weigh(telemetry) {
            return;
        }
        values::each_attributes(telemetry, |attributes| {
            for action in &self.0 {
                if !action.may_run(attributes, trial) {
                    return;
                }
                action.run(attributes);
            }
        });
    }
}

/// Puts the SHA-256 of a value in its place. What upstream cannot hash becomes an empty text.
fn hash(value: &mut record::Value) {
    use record::Value;

    let digest = match value {
        Value::Str(text) => Some(Sha256::digest(text.as_bytes())),
        Value::Bool(value) => Some(Sha256::digest([u8::from(*value)])),
        Value::Int(number) => Some(Sha256::digest(number.to_le_bytes())),
        Value::Double(number) => Some(Sha256::digest(number.to_bits().to_le_bytes())),
        Value::Empty | Value::Bytes(_) | Value::Array(_) | Value::Map(_) => None,
    };
    *value = Value::Str(digest.map(hex::encode).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use linkmesh_ottl::record::{LogRecord, Resourced, Scoped, Value::Double, Value::Int, Value::Str};
    use serde_json::json;

    use super::*;

    fn after(actions: Vec<(&str, Verb)>, before: &[(&str, record::Value)]) -> Vec<(String, record::Value)> {
        let attributes = before.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let records = vec![LogRecord { attributes, ..LogRecord::default() }];
        let scopes = vec![Scoped { records, ..Scoped::default() }];
        let mut telemetry = Telemetry::Logs(vec![Resourced { scopes, ..Resourced::default() }]);
        let actions = actions.into_iter().map(|(key, verb)| Action { key: key.to_owned(), verb });
        Attributes(actions.collect()).run(&mut telemetry, &mut Trial::default());
        let Telemetry::Logs(groups) = telemetry else { unreachable!("logs stay logs") };
        groups[0].scopes[0].records[0].attributes.iter().map(|(k, v)| (k.to_owned(), v.clone())).collect()
    }

    #[test]
    fn actions_are_done_in_order() {
        let found = after(
            vec![
                ("a", Verb::Upsert(json!("new"))),
                ("b", Verb::Insert(json!(1))),
                ("c", Verb::Insert(json!(1.5))),
                ("d", Verb::UpsertFrom("a".to_owned())),
                ("e", Verb::UpsertFrom("absent".to_owned())),
                ("a", Verb::Delete),
                ("absent", Verb::Hash),
            ],
            &[("a", Str("old".into())), ("b", record::Value::Empty), ("e", Int(7))],
        );
        let expected = [("b", record::Value::Empty), ("e", Int(7)), ("c", Double(1.5)), ("d", Str("new".into()))];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value)));
    }

    #[test]
    fn hashes_are_those_of_the_collector() {
        // Of a text: NIST's vector; of numbers: what the collector gave for them.
        for (value, expected) in [
            (Str("abc".into()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Int(1), "7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8"),
            (record::Value::Bool(true), "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"),
            (record::Value::Array(vec![Int(1)]), ""),
            (record::Value::Bytes(vec![1]), ""),
        ] {
            assert_eq!(after(vec![("k", Verb::Hash)], &[("k", value)])[0].1, Str(expected.into()));
        }
    }
}
