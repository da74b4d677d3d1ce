//! Secrets that were typed and not saved yet: hidden wherever a document is shown as text, as their fields hide them.

use linkmesh_proto::api::catalogue::CatalogueEntry;
use serde_json::{Map, Value};

use super::schema::{self, Field, Kind};

/// What stands in the place of a secret.
pub const HIDDEN: &str = "••••••••";

/// A document without the secrets that were typed into it. References to the environment and sealed values stay.
#[must_use]
pub fn hide(catalogue: &[CatalogueEntry], mut document: Value) -> Value {
    walk(catalogue, &mut document);
    document
}

/// Components stand at the root of a destination and in the lists of a pipeline.
fn walk(catalogue: &[CatalogueEntry], value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| walk(catalogue, value)),
        Value::Object(map) => {
            let kind = map.get("kind").and_then(Value::as_str).map(str::to_owned);
            if let (Some(kind), Some(Value::Object(settings))) = (kind, map.get_mut("settings")) {
                for entry in catalogue.iter().filter(|entry| entry.kind == kind) {
                    group(&schema::fields(&entry.schema), settings);
                }
                return;
            }
            map.values_mut().for_each(|value| walk(catalogue, value));
        }
        _ => {}
    }
}

fn group(fields: &[Field], settings: &mut Map<String, Value>) {
    for field in fields {
        if let Some(value) = settings.get_mut(&field.key) {
            one(&field.kind, value);
        }
    }
}

fn one(kind: &Kind, value: &mut Value) {
    match (kind, value) {
        (Kind::Secret, Value::String(text)) if !text.is_empty() && !is_reference(text) => HIDDEN.clone_into(text),
        (Kind::List(item), Value::Array(list)) => list.iter_mut().for_each(|value| one(&item.kind, value)),
        (Kind::Map(entry), Value::Object(map)) => map.values_mut().for_each(|value| one(&entry.kind, value)),
        (Kind::Group(fields), Value::Object(map)) => group(fields, map),
        _ => {}
    }
}

/// `${env:NAME}`, with a scheme such as `Bearer ` before it or not.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    let Some((scheme, name)) = text.strip_suffix('}').and_then(|text| text.split_once("${env:")) else { return false };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_scheme = scheme.is_empty()
        || scheme
            .strip_suffix(' ')
            .is_some_and(|word| word.chars().all(|c| c.is_ascii_alphabetic()) && !word.is_empty());
    is_scheme && !name.is_empty() && name.chars().all(is_name)
}

/// What is said of fields whose secret stands in the clear in the repository, and to who may save, what to do.
#[must_use]
pub const fn in_the_clear(fields: usize, may: bool) -> (&'static str, &'static str) {
    let head = if fields == 1 {
        "A secret stands in the clear in the repository."
    } else {
        "Secrets stand in the clear in the repository."
    };
    let text = match (fields, may) {
        (1, true) => "Save once to seal it, and change the secret: anyone who can read the repository may know it.",
        (_, true) => {
            "Save once to seal them, and change the secrets: anyone who can read the repository may know them."
        }
        (1, false) => "Anyone who can read the repository may know it.",
        (_, false) => "Anyone who can read the repository may know them.",
    };
    (head, text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sealing_is_asked_of_who_may_save() {
        assert!(in_the_clear(1, true).1.starts_with("Save once to seal it"));
        assert_eq!(in_the_clear(1, false).1, "Anyone who can read the repository may know it.");
        assert_eq!(in_the_clear(2, false).0, "Secrets stand in the clear in the repository.");
    }

    fn catalogue() -> Vec<CatalogueEntry> {
        let secret = json!({"type": "string", "x-secret": true});
        let schema = json!({"type": "object", "properties": {
            "endpoint": {"type": "string"},
            "password": secret,
            "headers": {"type": "object", "additionalProperties": secret},
            "login": {"type": "object", "properties": {"token": secret}},
        }});
        let entry = json!({"kind": "sender", "role": "destination", "title": "Sender", "description": "", "signals": [],
            "runtimes": [], "schema": schema, "examples": []});
        vec![serde_json::from_value(entry).expect("an entry")]
    }

    #[test]
    fn typed_secrets_are_hidden_wherever_they_stand() {
        let settings = json!({"endpoint": "http://a", "password": "hunter2", "headers": {"a": "x", "b": {"sealed": true},
            "c": "Bearer ${env:TOKEN}"}, "login": {"token": "y"}});
        let hidden = json!({"endpoint": "http://a", "password": HIDDEN, "headers": {"a": HIDDEN, "b": {"sealed": true},
            "c": "Bearer ${env:TOKEN}"}, "login": {"token": HIDDEN}});
        let of = |settings: &Value| json!({"name": "A", "kind": "sender", "settings": settings});
        assert_eq!(hide(&catalogue(), of(&settings)), of(&hidden));
        let pipeline = |settings: &Value| json!({"name": "P", "sources": [of(settings)]});
        assert_eq!(hide(&catalogue(), pipeline(&settings)), pipeline(&hidden));
    }

    #[test]
    fn only_what_holds_nothing_but_a_name_is_a_reference() {
        for text in ["${env:A}", "Bearer ${env:A_1}"] {
            assert!(is_reference(text), "{text}");
        }
        for text in ["hunter2", "${env:A}x", "x${env:A}", "${env:A:-x}", "${env:}", "a b ${env:A}", "$hunter2"] {
            assert!(!is_reference(text), "{text}");
        }
    }
}
