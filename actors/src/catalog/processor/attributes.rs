//! `attributes`: attributes of records are set, renamed, copied, deleted, hashed.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{Component, Findings, SettingsMap, Unsupported, read},
    stage::{Stage, attributes},
};

pub(super) const COMPONENT: &dyn Component = &Attributes;

struct Attributes;

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

impl Action {
    /// The same in the actions of the collector, of which none renames.
    fn upstream(self) -> Vec<attributes::Action> {
        let action = |key, verb| attributes::Action { key, verb };
        let (value, from) = (self.value.unwrap_or_default(), self.from.unwrap_or_default());
        match self.action {
            Verb::Set => vec![action(self.key, attributes::Verb::Upsert(value))],
            Verb::Default => vec![action(self.key, attributes::Verb::Insert(value))],
            Verb::Copy => vec![action(self.key, attributes::Verb::UpsertFrom(from))],
            Verb::Rename => {
                let copied = action(self.key, attributes::Verb::UpsertFrom(from.clone()));
                vec![copied, action(from, attributes::Verb::Delete)]
            }
            Verb::Delete => vec![action(self.key, attributes::Verb::Delete)],
            Verb::Hash => vec![action(self.key, attributes::Verb::Hash)],
        }
    }
}

impl Component for Attributes {
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

    fn stages(&self, settings: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let settings: Settings = read(settings)?;
        let actions = settings.actions.into_iter().flat_map(Action::upstream).collect();
        Ok(vec![Box::new(attributes::Attributes(actions))])
    }
}
