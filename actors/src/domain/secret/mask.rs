//! Documents for people: without the secrets in them, also those that a commit by hand put where none is asked for.

use linkmesh_proto::api::{destination::DestinationDocument, pipeline::PipelineDocument};
use serde_json::{Map, Value, json};

use super::{Part, Reference, destination_part, gives_away, parts_of, parts_of_text, reference, schema_of};
use crate::component::{raw, schema};

/// The kind whose texts are in a language of their own.
const RAW: &str = "raw";

/// A pipeline as the API shows it: `{"sealed": true}` in the place of sealed values, and `[hidden]` in that of texts of
/// which nobody says that they are no secrets: all of kinds and fields that are not known, and what a `raw` text holds
/// in the clear. A document with those cannot be saved, so that none comes back from a client; but comments of `raw` may.
#[must_use]
pub fn mask_pipeline(document: &PipelineDocument) -> PipelineDocument {
    let mut masked = document.clone();
    for part in parts_of(&mut masked, None) {
        mask_part(part, &mut Hidden::default());
    }
    masked
}

/// A destination as the API shows it; see [`mask_pipeline`].
#[must_use]
pub fn mask_destination(document: &DestinationDocument) -> DestinationDocument {
    let mut masked = document.clone();
    mask_part(destination_part(&mut masked, None), &mut Hidden::default());
    masked
}

/// What a file holds in the clear that [`mask_pipeline`] hides.
#[derive(Debug, Default)]
pub struct Hidden {
    /// Texts, and each line of one that has several.
    pub texts: Vec<String>,
    /// Whether there is more that only its lines tell: the file is no document, or a text in it hides something.
    pub by_line: bool,
}

impl Hidden {
    fn hide(&mut self, text: &mut String) {
        self.note(text);
        raw::HIDDEN.clone_into(text);
    }

    fn note(&mut self, text: &str) {
        self.by_line = true;
        self.texts.extend(text.lines().map(|line| line.trim().to_owned()));
        self.texts.push(text.to_owned());
    }
}

/// What is to be hidden in a file beside the secrets at the places of its schema.
#[must_use]
pub fn hidden_in(path: &str, text: &str) -> Hidden {
    let mut hidden = Hidden::default();
    hidden.by_line |= !parts_of_text(path, text, |part| mask_part(part, &mut hidden));
    hidden
}

fn mask_part(part: Part<'_>, hidden: &mut Hidden) {
    let Part { role, kind, settings, .. } = part;
    let Some(schema) = schema_of(role, kind) else {
        return settings.values_mut().for_each(|value| hide_texts(value, hidden));
    };
    if kind == RAW {
        for (field, hide) in
            [("otelcol", raw::hidden_otelcol_text as fn(&str) -> String), ("alloy", raw::hidden_alloy_text)]
        {
            let Some(Value::String(text)) = settings.get_mut(field) else { continue };
            let shown = hide(text);
            if shown != *text {
                hidden.by_line = true;
                *text = shown;
            }
        }
    }
    mask_map(schema, settings, hidden);
}

fn mask_map(schema: &Value, map: &mut Map<String, Value>, hidden: &mut Hidden) {
    for (key, value) in map {
        let below = schema.get("properties").and_then(|p| p.get(key)).or_else(|| schema.get("additionalProperties"));
        match below.filter(|below| below.is_object()) {
            Some(below) => mask_value(below, value, hidden),
            None => hide_texts(value, hidden),
        }
    }
}

fn mask_value(schema: &Value, value: &mut Value, hidden: &mut Hidden) {
    if schema.get("x-secret").and_then(Value::as_bool).unwrap_or(false) {
        let is_reference = |text: &str| matches!(reference(text), Reference::Env { .. });
        if !value.as_str().is_some_and(is_reference) {
            *value = json!({ "sealed": true });
        }
        return;
    }
    match value {
        Value::Object(map) => mask_map(schema, map, hidden),
        Value::Array(items) => items.iter_mut().for_each(|item| match schema.get("items") {
            Some(schema) => mask_value(schema, item, hidden),
            None => hide_texts(item, hidden),
        }),
        // A text of which a save would have said that it must not hold this.
        Value::String(text) if gives_away(text).is_some() && !passes(schema, text) => hidden.hide(text),
        _ => {}
    }
}

fn passes(schema: &Value, text: &str) -> bool {
    schema.get("x-check").and_then(Value::as_str).is_none_or(|name| schema::named_check(name, text).is_ok())
}

/// Hides every text of what is not known; that of a sealed value says so.
fn hide_texts(value: &mut Value, hidden: &mut Hidden) {
    match value {
        Value::String(text) if !matches!(reference(text), Reference::Env { .. }) => hidden.hide(text),
        Value::Array(items) => items.iter_mut().for_each(|item| hide_texts(item, hidden)),
        Value::Object(map) if map.len() == 1 && map.get("sealed").is_some_and(Value::is_string) => {
            *value = json!({ "sealed": true });
        }
        Value::Object(map) => map.values_mut().for_each(|item| hide_texts(item, hidden)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::{parse_destination, parse_pipeline};

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

    #[test]
    fn what_a_file_hides_is_known_without_showing_it() {
        let pipeline =
            "name: P\nsignals: [logs]\nsources: [{id: a, kind: otpl, settings: {x: hunter2}}]\ndestinations: [c]\n";
        let hidden = hidden_in("pipelines/p.yaml", pipeline);
        assert!(hidden.by_line && hidden.texts.contains(&"hunter2".to_owned()));
        assert!(parse_pipeline(pipeline).is_ok());
        let known = "name: C\nkind: otlp_http\nsettings: {endpoint: 'https://h'}\n";
        let nothing = hidden_in("destinations/c.yaml", known);
        assert!(!nothing.by_line && nothing.texts.is_empty());
        assert!(hidden_in("destinations/c.yaml", "a: [").by_line && hidden_in("notes.txt", known).by_line);
    }
}
