//! Secrets in the clear: in texts that are not marked as secret, and in documents that somebody committed by hand.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use linkmesh_proto::api::{destination::DestinationDocument, pipeline::PipelineDocument};
use serde_json::Value;

use super::{Part, Reference, destination_part, parts_of, redact::is_sealed, reference, schema_of};
use crate::component::schema;

/// Parameters of a URL that say who asks.
const PARAMETERS: &[&str] =
    &["apikey", "token", "accesstoken", "authtoken", "authorization", "key", "secret", "password", "sig", "signature"];

/// What a text holds in the clear that nobody should read, in words; `None` when it is not seen to hold anything.
/// References to the host's environment hold nothing.
#[must_use]
pub fn gives_away(text: &str) -> Option<&'static str> {
    if text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let words = text.split(|c: char| c.is_whitespace() || "\"'`".contains(c));
    words.flat_map(|word| word.split("://").skip(1)).find_map(url_gives_away)
}

/// The same of what stands behind the scheme of a URL.
fn url_gives_away(rest: &str) -> Option<&'static str> {
    let rest = without_references(rest);
    let (rest, query) = rest.split_once('?').unwrap_or((&rest, ""));
    let authority = rest.split(['/', '#']).next().unwrap_or_default();
    if let Some((user, _)) = authority.rsplit_once('@')
        && user.split_once(':').is_some_and(|(_, password)| !password.is_empty())
    {
        return Some("a password");
    }
    let is_secret = |pair: &str| {
        pair.split_once('=').is_some_and(|(name, value)| {
            let name = name.replace(['-', '_'], "").to_ascii_lowercase();
            !value.is_empty() && PARAMETERS.contains(&name.as_str())
        })
    };
    query.split('#').next().unwrap_or_default().split('&').any(is_secret).then_some("a secret parameter")
}

/// The fields of a stored pipeline that hold a secret in the clear, in order: a hand-made commit put it there. Who saves the
/// pipeline seals it.
#[must_use]
pub fn clear_in_pipeline(document: &PipelineDocument) -> Vec<String> {
    let mut document = document.clone();
    parts_of(&mut document, None).into_iter().flat_map(clear_in).collect()
}

/// The fields of a stored destination that hold a secret in the clear; see [`clear_in_pipeline`].
#[must_use]
pub fn clear_in_destination(document: &DestinationDocument) -> Vec<String> {
    let mut document = document.clone();
    clear_in(destination_part(&mut document, None))
}

fn clear_in(part: Part<'_>) -> Vec<String> {
    let Part { role, kind, path, settings, .. } = part;
    let mut clear = Vec::new();
    let Some(schema) = schema_of(role, kind) else { return clear };
    let visited: Result<(), std::convert::Infallible> =
        schema::for_each_secret(schema, settings, &mut |keys: &[String], value: &mut Value| {
            let is_clear = match &*value {
                // An empty text gives nothing away.
                Value::String(text) => !text.is_empty() && !matches!(reference(text), Reference::Env { .. }),
                Value::Object(map) => !map.get("sealed").and_then(Value::as_str).is_some_and(is_sealed),
                Value::Null => false,
                Value::Bool(_) | Value::Number(_) | Value::Array(_) => true,
            };
            if is_clear {
                clear.push(keys.iter().fold(path.clone(), |path, key| path.key(key)).to_string());
            }
            Ok(())
        });
    match visited {
        Ok(()) => clear,
        Err(never) => match never {},
    }
}

/// The text with `${env:NAME}` left out.
fn without_references(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once("${env:") {
        kept.push_str(before);
        match after.split_once('}') {
            Some((name, after)) if super::is_variable(name) => rest = after,
            _ => {
                kept.push_str("${env:");
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

/// The parts of a secret that are secret by themselves: what stands behind the scheme of an `Authorization` header, and
/// of that of Basic what it decodes to. A collector may name them alone in an error.
pub(super) fn parts(secret: &str) -> Vec<String> {
    let Some((scheme, rest)) = secret.split_once(' ') else { return Vec::new() };
    let rest = rest.trim();
    if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') || rest.contains(' ') || rest.is_empty()
    {
        return Vec::new();
    }
    let mut parts = vec![rest.to_owned()];
    if scheme.eq_ignore_ascii_case("basic")
        && let Some(pair) = STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok())
    {
        parts.extend(pair.split_once(':').map(|(_, password)| password.to_owned()));
        parts.push(pair);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anybody_could_use_is_found() {
        for text in [
            "https://u:hunter2@x.example/v1",
            "\"https://u:hunter2@x.example\"",
            "https://${env:USER}:hunter2@x.example",
            "https://u:${env:A}b@x.example",
            "https://x.example/v1?a=b&api_key=hunter2",
            "https://x.example?X-Api-Key=a&ApiKey=b",
            "-----BEGIN RSA PRIVATE KEY-----",
            "see https://x.example and https://u:hunter2@x.example",
            "https://x.example?to=https://u:hunter2@x.example",
        ] {
            assert!(gives_away(text).is_some(), "{text}");
        }
        for text in [
            "",
            "https://x.example/v1?tenant=a&sort=key",
            "https://u@x.example",
            "https://u:${env:PASS}@x.example?api_key=${env:KEY}",
            "see https://x.example for u:v@w",
            "a@b.example",
            "-----BEGIN CERTIFICATE-----",
        ] {
            assert_eq!(gives_away(text), None, "{text}");
        }
    }

    #[test]
    fn parts_of_an_authorization_are_secrets_too() {
        assert_eq!(parts("Bearer abc"), ["abc"]);
        assert_eq!(parts("Basic dTpwdw=="), ["dTpwdw==", "pw", "u:pw"]);
        assert_eq!(parts("Basic not base64"), Vec::<String>::new());
        for whole in ["abc", "a sentence of words", "Bearer ", "we/ird abc"] {
            assert!(parts(whole).is_empty(), "{whole}");
        }
    }
}
