//! `attributes`: attributes of log records, data points and spans are set, renamed, copied, deleted, hashed.
//!
//! The actions are done on each record in the order of the list, each on what the one before it left:
//! * `set`: the attribute has this value afterwards, whether it was there or not.
//! * `default`: the same where it is absent; one that is there stays, also when it is empty.
//! * `copy`: the attribute has the value of `from` afterwards. Where `from` is absent nothing happens.
//! * `rename`: as `copy`, and `from` is gone. Where `from` is absent nothing happens, and `key` stays as it is.
//! * `delete`: the attribute is gone.
//! * `hash`: a text becomes the SHA-256 of its octets in hexadecimal, a whole number that of its eight octets (low one
//!   first), another number that of its eight octets by IEEE 754, a truth value that of one octet. What cannot be hashed
//!   (a list, a mapping, octets, nothing) becomes an empty text, so that it does not get through. Where the attribute is
//!   absent nothing happens.
//!
//! Attributes of resources, scopes, span events and links, and a metric's points of no type, stay as they are.

use linkmesh_proto::api::pipeline::Signal;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        actions::{self, Action, Verb},
        form::form,
        read,
    },
    stage::{Stage, attributes},
};

pub(super) const COMPONENT: &dyn Component = &Attributes;

struct Attributes;

/// The same in the actions of the collector, of which none renames.
fn upstream(done: Action) -> Vec<attributes::Action> {
    let action = |key, verb| attributes::Action { key, verb };
    let (value, from) = (done.value.unwrap_or_default(), done.from.unwrap_or_default());
    match done.action {
        Verb::Set => vec![action(done.key, attributes::Verb::Upsert(value))],
        Verb::Default => vec![action(done.key, attributes::Verb::Insert(value))],
        Verb::Copy => vec![action(done.key, attributes::Verb::UpsertFrom(from))],
        Verb::Rename => {
            let copied = action(done.key, attributes::Verb::UpsertFrom(from.clone()));
            vec![copied, action(from, attributes::Verb::Delete)]
        }
        Verb::Delete => vec![action(done.key, attributes::Verb::Delete)],
        Verb::Hash => vec![action(done.key, attributes::Verb::Hash)],
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

    fn least(&self) -> Least {
        Least::BASE
    }

    fn schema(&self) -> Value {
        form([("actions", actions::actions("Attribute", "deployment.environment"))])
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
            (
                "One name for a thing",
                json!({ "actions": [{ "action": "rename", "key": "http.response.status_code", "from": "http.status_code" }] }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        actions::check(settings, findings);
    }

    fn stages(&self, settings: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let actions = read::<actions::Settings>(settings)?.actions.into_iter().flat_map(upstream).collect();
        Ok(vec![Box::new(attributes::Attributes(actions))])
    }
}
