//! Actions on keys and values, as the processors for attributes of records and of resources list them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Findings, SettingsMap,
    form::{Field, attribute_key, choice, group, list, text},
    read,
};

/// The settings of a processor that is a list of actions.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// The actions, in order.
    pub actions: Vec<Action>,
}

/// One action on one key.
#[derive(Debug, Deserialize)]
pub struct Action {
    /// What is done.
    pub action: Verb,
    /// The key.
    pub key: String,
    /// What it is set to, for `set` and `default`.
    pub value: Option<Value>,
    /// Where its value comes from, for `rename` and `copy`.
    pub from: Option<String>,
}

/// What is done with a key.
#[derive(Debug, Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Sets it.
    Set,
    /// Sets it where there is none.
    Default,
    /// Gives another key this name.
    Rename,
    /// Sets it to the value of another key.
    Copy,
    /// Takes it away.
    Delete,
    /// Puts the SHA-256 of its value in its place.
    Hash,
}

/// The field `actions`; `what` is what a key is called.
#[must_use]
pub fn actions(what: &str, example: &str) -> Field {
    let action = choice("Action", &["set", "default", "rename", "copy", "delete", "hash"])
        .required()
        .help("default sets where there is none; hash replaces the value by its SHA-256.");
    let value = text("Value").with("type", json!(["string", "number", "boolean"])).with("minLength", 0).most(4096);
    let item = group(
        "",
        [
            ("action", action),
            ("key", attribute_key(what).required().example(example)),
            ("value", value.help("For set and default.")),
            ("from", attribute_key(&format!("From {}", what.to_lowercase())).help("For rename and copy.")),
        ],
    );
    list("Actions", item).at_least(1).required()
}

/// Whether each action has what it needs and nothing else.
pub fn check(settings: &SettingsMap, findings: &mut Findings) {
    let Ok(settings) = read::<Settings>(settings) else { return };
    for (index, action) in settings.actions.iter().enumerate() {
        let at = findings.path().key("actions").index(index);
        let valued = matches!(action.action, Verb::Set | Verb::Default);
        let sourced = matches!(action.action, Verb::Rename | Verb::Copy);
        findings.needed_only_if(&at, "value", valued, action.value.is_some());
        findings.needed_only_if(&at, "from", sourced, action.from.is_some());
        if sourced && action.from.as_deref() == Some(action.key.as_str()) {
            findings.errors.add(at.key("from"), "invalid_value", "must be another key than `key`");
        }
    }
}
