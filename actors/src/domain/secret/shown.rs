//! Files for people, in differences: as they were written where that can be, else written anew without their secrets.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::{
    REDACTED,
    mask::{masked_destination, masked_pipeline},
    redact::{hide_tokens, is_sealed, redact_sealed, sealed_in},
};
use crate::{
    component::raw,
    domain::document::{DocumentPath, parse_destination, parse_pipeline, to_yaml},
};

/// What stands for the rest of a file that is not read as what it should be: its secrets may be anywhere.
const UNREADABLE: &str = "[hidden: this is not read as a document, so that nobody can tell what of it is secret]\n";

/// More secrets are not looked for in a text: each takes as long as it is.
const LOOKED_FOR: usize = 100;

/// Lines of a file that is no document are shown as long as they begin with one of these, and say one simple thing.
const PLAIN: [&str; 4] = ["version: ", "name: ", "kind: ", "description: "];

/// A file without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// As it was written. `None`: a secret in it may be written so that it is not found in the text, or more than it
    /// would be hidden.
    pub as_written: Option<String>,
    /// The document written as LinkMesh writes it.
    pub anew: String,
}

impl Shown {
    fn only(text: String) -> Self {
        Self { as_written: Some(text.clone()), anew: text }
    }
}

/// A file without its secrets: those at the places of secrets, and what [`mask_destination`](super::mask_destination)
/// hides. Raw texts are given to `hide` as well, which knows the secrets of others; plain fields are not, since a name or
/// a description in which a guess is hidden would say that it is right.
pub fn shown(path: &str, text: &str, hide: &dyn Fn(&str) -> String) -> Shown {
    let of_document = match path.parse() {
        Ok(DocumentPath::Pipeline(_)) => {
            let read = |text: &str| parse_pipeline(text).ok();
            read(text).and_then(|document| masked(text, &document, &masked_pipeline(&document, hide), read))
        }
        Ok(DocumentPath::Destination(_)) => {
            let read = |text: &str| parse_destination(text).ok();
            read(text).and_then(|document| masked(text, &document, &masked_destination(&document, hide), read))
        }
        Ok(DocumentPath::Group(_) | DocumentPath::Collector(_) | DocumentPath::Settings) => {
            Some(Shown::only(raw::hidden_lines(text).into_owned()))
        }
        Err(_) => None,
    };
    let Shown { as_written, anew } = of_document.unwrap_or_else(|| Shown::only(beginning(text)));
    let by_form = |text: String| hide_tokens(&redact_sealed(&text)).into_owned();
    Shown { as_written: as_written.map(by_form), anew: by_form(anew) }
}

/// The lines at the beginning of a file that say one simple thing each; what stands for the rest.
fn beginning(text: &str) -> String {
    let is_simple = |line: &&str| {
        let value = PLAIN.iter().find_map(|name| line.strip_prefix(name));
        let is_plain = |c: char| c.is_alphanumeric() || " .,_-\n".contains(c);
        value.is_some_and(|value| value.starts_with(char::is_alphanumeric) && value.chars().all(is_plain))
    };
    let mut beginning: String = text.split_inclusive('\n').take_while(is_simple).collect();
    if beginning.len() < text.len() {
        beginning.push_str(UNREADABLE);
    }
    beginning
}

/// A document and how it is masked as one text.
fn masked<D: Serialize>(text: &str, document: &D, masked: &D, read: impl Fn(&str) -> Option<D>) -> Option<Shown> {
    let value = |document: &D| serde_json::to_value(document).ok();
    let (document, masked) = (value(document)?, value(masked)?);
    let sealed = sealed_in(text).collect();
    let mut found = Found { text, sealed, is_certain: true, secrets: BTreeMap::new() };
    let expected = found.look(document.clone(), masked);
    // Whoever writes by hand may leave a comment, which belongs to no place.
    if to_yaml(&document) != text && raw::hidden_comments(text) != text {
        found.is_certain = false;
    }
    let as_written = found.hidden().filter(|hidden| {
        hidden == text
            || read(hidden).and_then(|document| value(&document)).is_some_and(|value| is_same(&expected, &value))
    });
    Some(Shown { as_written, anew: to_yaml(&expected) })
}

/// What is secret in a document, and how it may be written.
struct Found<'t> {
    text: &'t str,
    /// The sealed values that stand in the text.
    sealed: HashSet<&'t str>,
    is_certain: bool,
    /// Each with what stands for it, and at how many places.
    secrets: BTreeMap<String, (String, usize)>,
}

impl Found<'_> {
    /// The value as it is to be shown.
    fn look(&mut self, value: Value, masked: Value) -> Value {
        if value == masked {
            return value;
        }
        match (value, masked) {
            (value, mask) if is_mask(&mask) => {
                let written = match &value {
                    Value::Object(map) if map.len() == 1 => match map.get("sealed") {
                        // Hidden by its form, and looked for here only.
                        Some(Value::String(blob)) if is_sealed(blob) => {
                            self.is_certain &= self.sealed.contains(blob.as_str());
                            return value;
                        }
                        _ => None,
                    },
                    value => scalar(value),
                };
                self.note(written, REDACTED)
            }
            (Value::Object(map), Value::Object(mut masked)) => Value::Object(
                map.into_iter()
                    .map(|(key, item)| {
                        let below = masked.get_mut(&key).map_or(Value::Null, Value::take);
                        (key, self.look(item, below))
                    })
                    .collect(),
            ),
            (Value::Array(items), Value::Array(masked)) if items.len() == masked.len() => {
                Value::Array(items.into_iter().zip(masked).map(|(item, masked)| self.look(item, masked)).collect())
            }
            (value, Value::String(mask)) if mask == raw::HIDDEN => self.note(scalar(&value), &mask),
            // A raw text with something hidden in it.
            (_, masked) => {
                self.is_certain = false;
                masked
            }
        }
    }

    fn note(&mut self, written: Option<String>, mask: &str) -> Value {
        match written.filter(|written| !written.is_empty()) {
            Some(written) => self.secrets.entry(written).or_insert_with(|| (mask.to_owned(), 0)).1 += 1,
            None => self.is_certain = false,
        }
        mask.into()
    }

    /// The text with each secret hidden; `None` when one is written otherwise than it is, or more often than it has places.
    fn hidden(&self) -> Option<String> {
        if !self.is_certain || self.secrets.len() > LOOKED_FOR {
            return None;
        }
        let mut hidden = self.text.to_owned();
        for (secret, (mask, places)) in &self.secrets {
            if self.text.matches(secret.as_str()).count() != *places {
                return None;
            }
            hidden = hidden.replace(secret.as_str(), mask);
        }
        Some(hidden)
    }
}

/// `{"sealed": true}`, in the place of a secret.
fn is_mask(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.len() == 1 && map.get("sealed") == Some(&Value::Bool(true)))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a text with secrets hidden is read as what is to be shown. Without quotes what stands for one is a list.
fn is_same(expected: &Value, read: &Value) -> bool {
    match (expected, read) {
        (Value::String(mask), Value::Array(items)) if mask == REDACTED || mask == raw::HIDDEN => {
            matches!(&items[..], [Value::String(word)] if format!("[{word}]") == *mask)
        }
        (Value::Array(items), Value::Array(read)) => {
            items.len() == read.len() && items.iter().zip(read).all(|(item, read)| is_same(item, read))
        }
        (Value::Object(map), Value::Object(read)) => {
            let is_same = |(key, item): (&String, &Value)| read.get(key).is_some_and(|read| is_same(item, read));
            map.len() == read.len() && map.iter().all(is_same)
        }
        (expected, read) => expected == read,
    }
}

#[cfg(test)]
mod tests;
