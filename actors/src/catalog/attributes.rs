//! `attributes`: attributes of records are set, renamed, copied, deleted, hashed.

use linkmesh_proto::api::catalogue::Role;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AlloyPart, AlloySite, Component, Findings, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, read};
use crate::render::{
    alloy::{Block, Expr, attribute, block},
    yaml::Yaml,
};

pub(super) struct Attributes;

#[derive(Deserialize)]
struct Settings {
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Action {
    action: Verb,
    key: String,
    value: Option<Value>,
    from: Option<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Verb {
    Set,
    Default,
    Rename,
    Copy,
    Delete,
    Hash,
}

/// One action as both runtimes know it.
struct Step<'a> {
    key: &'a str,
    action: &'static str,
    value: Option<&'a Value>,
    from: Option<&'a str>,
}

impl Action {
    fn steps(&self) -> Vec<Step<'_>> {
        let step = |key, action, value, from| Step { key, action, value, from };
        let (key, value, from) = (self.key.as_str(), self.value.as_ref(), self.from.as_deref());
        match self.action {
            Verb::Set => vec![step(key, "upsert", value, None)],
            Verb::Default => vec![step(key, "insert", value, None)],
            Verb::Copy => vec![step(key, "upsert", None, from)],
            Verb::Rename => {
                vec![step(key, "upsert", None, from), step(from.unwrap_or_default(), "delete", None, None)]
            }
            Verb::Delete => vec![step(key, "delete", None, None)],
            Verb::Hash => vec![step(key, "hash", None, None)],
        }
    }
}

fn yaml_value(value: &Value) -> Yaml {
    match value {
        Value::String(text) => Yaml::text(text.as_str()),
        Value::Bool(value) => Yaml::Bool(*value),
        Value::Number(n) => n.as_i64().map_or_else(|| Yaml::Float(n.as_f64().unwrap_or_default()), Yaml::Int),
        _ => Yaml::Null,
    }
}

fn alloy_value(value: &Value) -> Expr {
    match value {
        Value::String(text) => Expr::text(text.as_str()),
        Value::Number(n) => {
            n.as_i64().map_or_else(|| Expr::Token(format!("{:?}", n.as_f64().unwrap_or_default())), Expr::token)
        }
        other => Expr::token(other),
    }
}

impl Component for Attributes {
    fn kind(&self) -> &'static str {
        "attributes"
    }

    fn role(&self) -> Role {
        Role::Processor
    }

    fn title(&self) -> &'static str {
        "Attributes"
    }

    fn description(&self) -> &'static str {
        "Adds, renames, copies, deletes and hashes attributes of log records, data points and spans, in the order of \
         the list."
    }

    fn schema(&self) -> Value {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object", "additionalProperties": false, "required": ["actions"],
            "properties": {
                "actions": {
                    "type": "array", "title": "Actions", "minItems": 1, "maxItems": 200, "x-order": 1, "x-widget": "list",
                    "items": {
                        "type": "object", "additionalProperties": false, "required": ["action", "key"],
                        "properties": {
                            "action": {
                                "type": "string", "title": "Action", "x-order": 1,
                                "enum": ["set", "default", "rename", "copy", "delete", "hash"],
                                "description": "default sets where there is none; hash replaces the value by its SHA-256.",
                            },
                            "key": {
                                "type": "string", "title": "Attribute", "minLength": 1, "maxLength": 256,
                                "x-check": "attribute_key", "x-order": 2, "examples": ["deployment.environment"],
                            },
                            "value": {
                                "type": ["string", "number", "boolean"], "title": "Value", "maxLength": 4096, "x-order": 3,
                                "description": "For set and default.",
                            },
                            "from": {
                                "type": "string", "title": "From attribute", "minLength": 1, "maxLength": 256,
                                "x-check": "attribute_key", "x-order": 4, "description": "For rename and copy.",
                            },
                        },
                    },
                },
            },
        })
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "Say where it comes from",
                json!({ "actions": [{ "action": "set", "key": "deployment.environment", "value": "prod" }] }),
            ),
            (
                "Hide a person",
                json!({ "actions": [{ "action": "hash", "key": "user.email" }, { "action": "delete", "key": "user.full_name" }] }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        for (index, action) in settings.actions.iter().enumerate() {
            let at = findings.path().key("actions").index(index);
            let valued = matches!(action.action, Verb::Set | Verb::Default);
            let sourced = matches!(action.action, Verb::Rename | Verb::Copy);
            let mut need = |field: &str, needed: bool, there: bool| {
                if needed && !there {
                    findings.errors.add(at.key(field), "missing", "must be given for this action");
                } else if there && !needed {
                    findings.errors.add(at.key(field), "not_allowed", "has no meaning for this action");
                }
            };
            need("value", valued, action.value.is_some());
            need("from", sourced, action.from.is_some());
            if sourced && action.from.as_deref() == Some(action.key.as_str()) {
                findings.errors.add(at.key("from"), "invalid_value", "must be another attribute than `key`");
            }
        }
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let actions = settings.actions.iter().flat_map(Action::steps).map(|step| {
            let mut entry =
                vec![("key".to_owned(), Yaml::text(step.key)), ("action".to_owned(), Yaml::word(step.action))];
            entry.extend(step.value.map(|value| ("value".to_owned(), yaml_value(value))));
            entry.extend(step.from.map(|from| ("from_attribute".to_owned(), Yaml::text(from))));
            Yaml::Map(entry)
        });
        Ok(OtelcolPart::new("attributes", Yaml::map([("actions", Yaml::Seq(actions.collect()))])))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut body: Vec<_> = settings
            .actions
            .iter()
            .flat_map(Action::steps)
            .map(|step| {
                let mut entry =
                    vec![attribute("key", Expr::text(step.key)), attribute("action", Expr::text(step.action))];
                entry.extend(step.value.map(|value| attribute("value", alloy_value(value))));
                entry.extend(step.from.map(|from| attribute("from_attribute", Expr::text(from))));
                block("action", entry)
            })
            .collect();
        body.push(site.outputs.block());
        Ok(AlloyPart::consumer(Block::labelled("otelcol.processor.attributes", site.label, body)))
    }
}
