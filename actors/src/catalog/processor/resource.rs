//! `resource`: the labels of what records come from (attributes of the resource) are set, renamed, copied, deleted, hashed.
//!
//! The actions are done on the resource of each group of log records, metrics or spans, in the order of the list, each on
//! what the one before it left:
//! * `set`: the label has this value afterwards, whether it was there or not.
//! * `default`: the same where it is absent or has no value.
//! * `copy`: the label has the value of `from` afterwards. Where `from` is absent or has no value nothing happens.
//! * `rename`: as `copy`, and `from` is gone. Where `from` is absent or has no value nothing happens.
//! * `delete`: the label is gone.
//! * `hash`: the label is the SHA-256 of its value as text, in hexadecimal. Lists and mappings are hashed as their JSON.
//!   Where it is absent or has no value nothing happens.
//!
//! The records themselves stay as they are; resources that become equal are not put together.

use linkmesh_proto::api::pipeline::Signal;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        actions::{self, Action, Verb},
        form::form,
        ottl_text::{at_key, literal, quoted},
        read,
    },
    stage::{Stage, transform::Transform},
};

pub(super) const COMPONENT: &dyn Component = &Resource;

struct Resource;

fn statements(done: &Action) -> Vec<String> {
    let label = |key: &str| at_key("attributes", key);
    let key = label(&done.key);
    let value = literal(done.value.as_ref().unwrap_or(&Value::Null));
    let from = done.from.as_deref().unwrap_or_default();
    let copied = || format!("set({key}, {source}) where {source} != nil", source = label(from));
    match done.action {
        Verb::Set => vec![format!("set({key}, {value})")],
        Verb::Default => vec![format!("set({key}, {value}) where {key} == nil")],
        Verb::Copy => vec![copied()],
        Verb::Rename => {
            vec![copied(), format!("delete_key(attributes, {}) where {} != nil", quoted(from), label(from))]
        }
        Verb::Delete => vec![format!("delete_key(attributes, {})", quoted(&done.key))],
        Verb::Hash => vec![format!("set({key}, SHA256(String({key}))) where {key} != nil")],
    }
}

impl Component for Resource {
    fn title(&self) -> &'static str {
        "Resource labels"
    }

    fn description(&self) -> &'static str {
        "Adds, renames, copies, deletes and hashes labels of what records come from (attributes of the resource), in \
         the order of the list."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn schema(&self) -> Value {
        form([("actions", actions::actions("Label", "deployment.environment"))])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "Environment and team",
                json!({ "actions": [
                    { "action": "set", "key": "deployment.environment", "value": "prod" },
                    { "action": "default", "key": "team", "value": "core" },
                ] }),
            ),
            (
                "One name for the host",
                json!({ "actions": [
                    { "action": "rename", "key": "host.name", "from": "hostname" },
                    { "action": "copy", "key": "service.instance.id", "from": "host.name" },
                    { "action": "hash", "key": "host.ip" },
                    { "action": "delete", "key": "process.command_args" },
                ] }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        actions::check(settings, findings);
    }

    fn stages(&self, settings: &SettingsMap, signals: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let statements: Vec<String> =
            read::<actions::Settings>(settings)?.actions.iter().flat_map(statements).collect();
        Ok(vec![Box::new(Transform::resources(signals, &statements))])
    }
}
