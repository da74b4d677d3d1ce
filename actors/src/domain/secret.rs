//! Secrets in documents: sealed before they enter Git, masked on read, opened only in rendered text.
//!
//! At the places that the catalogue's schema marks secret, a document holds `${env:NAME}` (read from the collector's
//! environment) or `{sealed: lms1...}`. A client that sends a plain text there has it sealed on save; what it reads is
//! `{"sealed": true}`, and sending that back keeps what is stored.

use linkmesh_proto::api::{
    catalogue::Role, destination::DestinationDocument, pipeline::PipelineDocument, problem::FieldProblem,
};
use serde_json::{Value, json};

use super::{
    document::{DocumentPath, parse_destination, parse_pipeline},
    problem::{Path, Problems},
};
use crate::{
    catalog::catalogue,
    component::{SettingsMap, schema},
};

mod clear;
#[cfg(any(test, feature = "testing"))]
pub mod insecure;
mod known;
mod mask;
mod redact;
mod reseal;
mod shown;
#[cfg(test)]
mod tests;

pub use clear::{clear_in_destination, clear_in_pipeline, gives_away};
pub use mask::{mask_destination, mask_pipeline};
pub use redact::{Redactor, forms, hide_tokens, open_sealed_text, redact, redact_sealed, sealed_in};
pub use reseal::{Resealed, reseal};
pub use shown::{Shown, shown};

/// Every sealed value begins with this, followed by a key id, a dot and base64url without padding. Diffs are redacted
/// by that form, so an implementation of [`Sealer`] must keep to it: `lms1.<key id>.<base64url>`.
pub const SEALED_PREFIX: &str = "lms1.";

/// What stands in the place of a secret in texts for people.
pub const REDACTED: &str = "[sealed]";

/// Why a sealed value cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The text is not of the form `lms1.<key id>.<base64url>`.
    #[error("not a sealed value")]
    Malformed,
    /// The server's key file does not hold the key that it was sealed with.
    #[error("sealed with the key {0:?}, which this server does not have")]
    UnknownKey(String),
    /// It was changed, or sealed by another server with a key of the same id.
    #[error("the sealed value was changed or belongs to another server")]
    Forged,
}

/// Seals and opens secrets with the server's key. Implementations are pure and fast; they are called while rendering.
pub trait Sealer: Send + Sync {
    /// Seals a text: `lms1.<key id>.<base64url>`, different at every call.
    fn seal(&self, plain: &str) -> String;

    /// Opens a sealed text.
    ///
    /// # Errors
    /// When it was not sealed by this server, see [`SealError`].
    fn open(&self, blob: &str) -> Result<String, SealError>;
}

/// Whether a text refers to the collector's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// It does not.
    None,
    /// `${env:NAME}`, alone or behind one word and a space (`Bearer ${env:NAME}`).
    Env {
        /// Empty, or the word and its space.
        prefix: String,
        /// The variable.
        name: String,
    },
    /// It holds `${env:` in another form, which would be half a secret in the clear.
    Malformed,
}

/// Reads a text at a secret place.
#[must_use]
pub fn reference(text: &str) -> Reference {
    let Some((prefix, rest)) = text.split_once("${env:") else { return Reference::None };
    let word = prefix.strip_suffix(' ');
    let scheme = |word: &str| {
        !word.is_empty() && word.len() <= 20 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let name = rest.strip_suffix('}').filter(|name| is_variable(name));
    match name {
        Some(name) if prefix.is_empty() || word.is_some_and(scheme) => {
            Reference::Env { prefix: prefix.to_owned(), name: name.to_owned() }
        }
        _ => Reference::Malformed,
    }
}

/// Whether a text is the name of an environment variable.
#[must_use]
pub fn is_variable(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn schema_of(role: Role, kind: &str) -> Option<&'static Value> {
    catalogue().get(role, kind).map(crate::catalog::Registered::schema)
}

/// The settings of a document with what is needed to find their secrets.
struct Part<'a> {
    role: Role,
    kind: &'a str,
    path: Path,
    settings: &'a mut SettingsMap,
    stored: Option<&'a SettingsMap>,
}

fn parts_of<'a>(document: &'a mut PipelineDocument, stored: Option<&'a PipelineDocument>) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let lists = [
        (Role::Source, "sources", &mut document.sources),
        (Role::Filter, "filters", &mut document.filters),
        (Role::Processor, "processors", &mut document.processors),
    ];
    for (role, name, steps) in lists {
        for (index, step) in steps.iter_mut().enumerate() {
            let earlier = stored.and_then(|stored| {
                let steps = match role {
                    Role::Source => &stored.sources,
                    Role::Filter => &stored.filters,
                    Role::Processor | Role::Destination => &stored.processors,
                };
                steps.iter().find(|s| s.id == step.id && s.kind == step.kind).map(|s| &s.settings)
            });
            parts.push(Part {
                role,
                kind: &step.kind,
                path: Path::root().key(name).index(index).key("settings"),
                settings: &mut step.settings,
                stored: earlier,
            });
        }
    }
    parts
}

fn destination_part<'a>(document: &'a mut DestinationDocument, stored: Option<&'a DestinationDocument>) -> Part<'a> {
    Part {
        role: Role::Destination,
        stored: stored.filter(|s| s.kind == document.kind).map(|s| &s.settings),
        kind: &document.kind,
        path: Path::root().key("settings"),
        settings: &mut document.settings,
    }
}

fn at<'v>(settings: &'v SettingsMap, path: &[String]) -> Option<&'v Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(settings.get(first)?, |value, key| value.get(key))
}

/// Makes a pipeline ready to be stored: plain secrets sealed, `{"sealed": true}` replaced by what `stored` holds at the
/// same place, settings in the order of their schema. A secret that did not change keeps its blob, so that saving the
/// same document twice makes the same file.
///
/// # Errors
/// Places where a sealed value is claimed that is not stored, or a reference to the environment is malformed.
pub fn seal_pipeline(
    document: &mut PipelineDocument,
    stored: Option<&PipelineDocument>,
    sealer: &dyn Sealer,
) -> Result<(), Vec<FieldProblem>> {
    let mut problems = Problems::default();
    for part in parts_of(document, stored) {
        seal_part(part, sealer, &mut problems);
    }
    problems.or(())
}

/// Makes a destination ready to be stored; see [`seal_pipeline`].
///
/// # Errors
/// As [`seal_pipeline`].
pub fn seal_destination(
    document: &mut DestinationDocument,
    stored: Option<&DestinationDocument>,
    sealer: &dyn Sealer,
) -> Result<(), Vec<FieldProblem>> {
    let mut problems = Problems::default();
    seal_part(destination_part(document, stored), sealer, &mut problems);
    problems.or(())
}

fn seal_part(part: Part<'_>, sealer: &dyn Sealer, problems: &mut Problems) {
    let Part { role, kind, path, settings, stored } = part;
    let Some(schema) = schema_of(role, kind) else { return };
    let sealed: Result<(), std::convert::Infallible> =
        schema::for_each_secret(schema, settings, &mut |keys: &[String], value: &mut Value| {
            let place = keys.iter().fold(path.clone(), |path, key| path.key(key));
            let before = stored.and_then(|stored| at(stored, keys));
            match sealed_value(value, before, sealer) {
                Ok(Some(next)) => *value = next,
                Ok(None) => {}
                Err((code, message)) => problems.add(place, code, message),
            }
            Ok(())
        });
    match sealed {
        Ok(()) => {}
        Err(never) => match never {},
    }
    *settings = schema::in_order(schema, settings);
}

/// What to store for a value at a secret place; `None` leaves it as it is.
fn sealed_value(
    value: &Value,
    stored: Option<&Value>,
    sealer: &dyn Sealer,
) -> Result<Option<Value>, (&'static str, &'static str)> {
    let seal = |plain: &str| {
        let blob = stored.and_then(|s| s.get("sealed")).and_then(Value::as_str);
        match blob {
            Some(blob) if sealer.open(blob).is_ok_and(|opened| opened == plain) => json!({ "sealed": blob }),
            _ => json!({ "sealed": sealer.seal(plain) }),
        }
    };
    if let Some(text) = value.as_str() {
        return match reference(text) {
            Reference::Env { .. } => Ok(None),
            Reference::None => Ok(Some(seal(text))),
            Reference::Malformed => Err(("invalid_value", "a reference to the environment is `${env:NAME}`")),
        };
    }
    match value.get("sealed") {
        Some(Value::Bool(true)) => match stored {
            // A plain text that a hand-made commit put there is sealed by the next save.
            Some(Value::String(text)) if reference(text) == Reference::None => Ok(Some(seal(text))),
            Some(stored) => Ok(Some(stored.clone())),
            None => Err(("no_sealed_value", "no value is stored here; send the secret itself")),
        },
        // A blob may only stay where it is: copied elsewhere it would send the secret to another place.
        Some(Value::String(_)) if stored == Some(value) => Ok(None),
        _ => Err(("invalid_value", "must be a text, `${env:NAME}` or {\"sealed\": true}")),
    }
}

/// The secrets of a pipeline, opened: what must not be seen in what collectors say. What cannot be opened was never
/// sent to one.
#[must_use]
pub fn secrets_of_pipeline(document: &PipelineDocument, sealer: &dyn Sealer) -> Vec<String> {
    let mut document = document.clone();
    parts_of(&mut document, None).into_iter().flat_map(|part| secrets_of(part, sealer)).collect()
}

/// The secrets of a destination, opened; see [`secrets_of_pipeline`].
#[must_use]
pub fn secrets_of_destination(document: &DestinationDocument, sealer: &dyn Sealer) -> Vec<String> {
    let mut document = document.clone();
    secrets_of(destination_part(&mut document, None), sealer)
}

fn secrets_of(part: Part<'_>, sealer: &dyn Sealer) -> Vec<String> {
    let mut secrets = Vec::new();
    for_each_secret_of(part, |value| {
        let opened = match (value.as_str(), value.get("sealed").and_then(Value::as_str)) {
            (Some(text), _) if !matches!(reference(text), Reference::Env { .. }) => Some(text.to_owned()),
            (_, Some(blob)) => sealer.open(blob).ok(),
            _ => None,
        };
        if let Some(opened) = opened {
            secrets.extend(clear::parts(&opened));
            secrets.push(opened);
        }
    });
    secrets
}

/// Visits what stands at the places that the schema of a part marks secret.
fn for_each_secret_of(part: Part<'_>, mut visit: impl FnMut(&mut Value)) {
    let Part { role, kind, settings, .. } = part;
    let Some(schema) = schema_of(role, kind) else { return };
    let visited: Result<(), std::convert::Infallible> =
        schema::for_each_secret(schema, settings, &mut |_: &[String], value: &mut Value| {
            visit(value);
            Ok(())
        });
    match visited {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

/// Visits the settings of a file; answers whether it is a document that can be read.
fn parts_of_text(path: &str, text: &str, mut visit: impl FnMut(Part<'_>)) -> bool {
    match path.parse() {
        Ok(DocumentPath::Pipeline(_)) => {
            let document = parse_pipeline(text);
            document.map(|mut document| parts_of(&mut document, None).into_iter().for_each(visit)).is_ok()
        }
        Ok(DocumentPath::Destination(_)) => {
            let document = parse_destination(text);
            document.map(|mut document| visit(destination_part(&mut document, None))).is_ok()
        }
        Ok(DocumentPath::Group(_) | DocumentPath::Collector(_) | DocumentPath::Settings) | Err(_) => false,
    }
}
