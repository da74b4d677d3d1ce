//! Documents for people: without the secrets in them, also those that a commit by hand put where none is asked for.

use linkmesh_proto::api::{destination::DestinationDocument, pipeline::PipelineDocument};
use serde_json::{Map, Value, json};

use super::{Part, Reference, destination_part, gives_away, parts_of, reference, schema_of};
use crate::component::{raw, schema};

/// The kind whose texts are in a language of their own.
const RAW: &str = "raw";

/// A pipeline as the API shows it: `{"sealed": true}` in the place of sealed values, and `[hidden]` in that of texts of
/// which nobody says that they are no secrets: all of kinds and fields that are not known, and what a `raw` text holds
/// in the clear. A document with those cannot be saved, so that none comes back from a client; but comments of `raw` may.
#[must_use]
pub fn mask_pipeline(document: &PipelineDocument) -> PipelineDocument {
    masked_pipeline(document, &str::to_owned)
}

/// A destination as the API shows it; see [`mask_pipeline`].
#[must_use]
pub fn mask_destination(document: &DestinationDocument) -> DestinationDocument {
    masked_destination(document, &str::to_owned)
}

/// The same; `hide` hides in raw texts what only others know.
pub(super) fn masked_pipeline(document: &PipelineDocument, hide: &dyn Fn(&str) -> String) -> PipelineDocument {
    let mut masked = document.clone();
    parts_of(&mut masked, None).into_iter().for_each(|part| mask_part(part, hide));
    masked
}

/// The same of a destination.
pub(super) fn masked_destination(document: &DestinationDocument, hide: &dyn Fn(&str) -> String) -> DestinationDocument {
    let mut masked = document.clone();
    mask_part(destination_part(&mut masked, None), hide);
    masked
}

fn mask_part(part: Part<'_>, hide: &dyn Fn(&str) -> String) {
    let Part { role, kind, settings, .. } = part;
    let Some(schema) = schema_of(role, kind) else { return settings.values_mut().for_each(hide_texts) };
    if kind == RAW {
        for (field, without) in
            [("otelcol", raw::hidden_otelcol_text as fn(&str) -> String), ("alloy", raw::hidden_alloy_text)]
        {
            if let Some(Value::String(text)) = settings.get_mut(field) {
                *text = hide(&without(text));
            }
        }
    }
    mask_map(schema, settings);
}

fn mask_map(schema: &Value, map: &mut Map<String, Value>) {
    for (key, value) in map {
        let below = schema.get("properties").and_then(|p| p.get(key)).or_else(|| schema.get("additionalProperties"));
        match below.filter(|below| below.is_object()) {
            Some(below) => mask_value(below, value),
            None => hide_texts(value),
        }
    }
}

fn mask_value(schema: &Value, value: &mut Value) {
    if schema.get("x-secret").and_then(Value::as_bool).unwrap_or(false) {
        let is_reference = |text: &str| matches!(reference(text), Reference::Env { .. });
        if !value.as_str().is_some_and(is_reference) {
            *value = json!({ "sealed": true });
        }
        return;
    }
    match value {
        Value::Object(map) => mask_map(schema, map),
        Value::Array(items) => items.iter_mut().for_each(|item| match schema.get("items") {
            Some(schema) => mask_value(schema, item),
            None => hide_texts(item),
        }),
        // A text of which a save would have said that it must not hold this.
        Value::String(text) if gives_away(text).is_some() && !passes(schema, text) => raw::HIDDEN.clone_into(text),
        _ => {}
    }
}

fn passes(schema: &Value, text: &str) -> bool {
    schema.get("x-check").and_then(Value::as_str).is_none_or(|name| schema::named_check(name, text).is_ok())
}

/// Hides every text of what is not known; that of a sealed value says so.
fn hide_texts(value: &mut Value) {
    match value {
        Value::String(text) if !matches!(reference(text), Reference::Env { .. }) => raw::HIDDEN.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(hide_texts),
        Value::Object(map) if map.len() == 1 && map.get("sealed").is_some_and(Value::is_string) => {
            *value = json!({ "sealed": true });
        }
        Value::Object(map) => map.values_mut().for_each(hide_texts),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::parse_destination;

    fn destination(kind: &str, settings: &str) -> Value {
        let text = format!("name: Central\nkind: {kind}\nsettings: {settings}\n");
        json!(mask_destination(&parse_destination(&text).unwrap()).settings)
    }

    #[test]
    fn texts_of_unknown_kinds_and_fields_are_hidden() {
        assert_eq!(
            destination(
                "otlp_htpt",
                "{endpoint: 'https://h', headers: {a: hunter2, b: {sealed: lms1.a.b}}, l: [hunter2, '${env:X}', 7]}"
            ),
            json!({ "endpoint": "[hidden]", "headers": { "a": "[hidden]", "b": { "sealed": true } },
                    "l": ["[hidden]", "${env:X}", 7] }),
        );
        assert_eq!(
            destination(
                "otlp_http",
                "{endpoint: 'https://h', heders: {a: hunter2}, headers: {a: hunter2}, tls: {x: hunter2}}"
            ),
            json!({ "endpoint": "https://h", "heders": { "a": "[hidden]" }, "headers": { "a": { "sealed": true } },
                    "tls": { "x": "[hidden]" } }),
        );
        assert_eq!(
            destination("otlp_http", "{endpoint: 'https://u:hunter2@h', compression: [hunter2]}"),
            json!({ "endpoint": "[hidden]", "compression": ["[hidden]"] }),
        );
    }

    #[test]
    fn raw_texts_are_shown_without_what_they_hold_in_the_clear() {
        let shown = |text: &str| destination("raw", &format!("{{otelcol: {}}}", json!(text)))["otelcol"].clone();
        let innocent = "otlp: # as it is\n  endpoint: h:1\n";
        assert_eq!(shown(innocent), innocent);
        for secret in
            ["otlp:\n  endpoint: h:1\n  auth: {password: hunter2}\n", "otlp: # password: hunter2\n  endpoint: h:1\n"]
        {
            let shown = shown(secret);
            let shown = shown.as_str().unwrap();
            assert!(
                shown.contains("otlp") && shown.contains("[hidden]") && !shown.contains("hunter2"),
                "{secret}: {shown}"
            );
        }
        // Of what cannot be read nobody knows what stands where.
        for unreadable in [
            "otlp:\n  password: hunter2\n bad",
            "otlp:\n  password: |\n    hunter2\n    hunter2\n a: {",
            "x:\n  api:\n    key: hunter2\n  y: !x z\n",
            "x:\n  required_header: {key: X, value: hunter2}\n  y: !x z\n",
            "x:\n  ? password\n  : hunter2\n  y: !x z\n",
        ] {
            let of_alloy = destination("raw", &format!("{{alloy: {}}}", json!(unreadable)))["alloy"].clone();
            for shown in [shown(unreadable), of_alloy] {
                let shown = shown.as_str().unwrap();
                assert!(shown.starts_with("[hidden: ") && shown.lines().count() == 1, "{unreadable}: {shown}");
            }
        }
    }
}
