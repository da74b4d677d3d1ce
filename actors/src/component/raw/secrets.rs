//! Places of a `raw` text where a secret may stand. What is written there stays in Git for all to read, so that only a
//! reference to the host's environment is let through: `${env:NAME}` or `sys.env("NAME")`, alone or behind one word and
//! a space. A default for an unset variable would be the secret itself.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    domain::secret::{Reference, gives_away, reference},
    render::alloy::{Expr, Statement},
};

mod hide;

pub(crate) use hide::{hidden_alloy, hidden_yaml};

/// Words of names of settings that hold a secret, wherever they stand in the name.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "pass",
    "passphrase",
    "secret",
    "apikey",
    "authorization",
    "credentials",
    "datasource",
    "dsn",
];

/// The last words of such names: `bearer_token`, `x-api-key`, `writeKey`.
const ENDINGS: &[&[&str]] = &[
    &["token"],
    &["community"],
    &["connection", "string"],
    &["sas", "url"],
    &["webhook", "url"],
    &["key", "pem"],
    &["access", "key"],
    &["account", "key"],
    &["api", "key"],
    &["app", "key"],
    &["application", "key"],
    &["auth", "key"],
    &["encryption", "key"],
    &["ingest", "key"],
    &["ingestion", "key"],
    &["instrumentation", "key"],
    &["integration", "key"],
    &["license", "key"],
    &["master", "key"],
    &["private", "key"],
    &["secret", "key"],
    &["service", "key"],
    &["shared", "key"],
    &["signing", "key"],
    &["write", "key"],
];

/// The last words of names that hold where something is, or which it is, and not the thing itself: `password_file`,
/// `secret_name`.
const PLACES: &[&str] =
    &["file", "path", "dir", "url", "uri", "endpoint", "name", "id", "type", "header", "field", "provider"];

fn is_secret(name: &str) -> bool {
    let words = words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if ENDINGS.iter().any(|ending| words.ends_with(ending)) {
        return true;
    }
    let is_place = words.len() > 1 && words.last().is_some_and(|last| PLACES.contains(last));
    !is_place && words.iter().any(|word| WORDS.contains(word))
}

/// The words of a name in lower case: of `client_secret`, `clientSecret` and `datadog.client-secret` the last two are
/// `client` and `secret`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        let is_gap = !c.is_alphanumeric();
        if (is_gap || c.is_uppercase() && was_lower) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| !is_gap) {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// By what a setting is known: a `key` by what it is the key of, as in `api: {key: ...}`.
fn called<'n>(parent: &str, name: &'n str) -> Cow<'n, str> {
    if name.eq_ignore_ascii_case("key") && !parent.is_empty() {
        Cow::Owned(format!("{parent} {name}"))
    } else {
        Cow::Borrowed(name)
    }
}

/// Under any name, headers say who sends: `headers`, `extra_headers`.
fn is_headers(name: &str) -> bool {
    words(name).last().is_some_and(|last| last == "headers")
}

/// Whether a text is the name of a header and nothing more.
fn is_header_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// What stands in the headers: any of their values may be the secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Settings,
    Headers,
}

/// Looks over the settings of an otelcol component.
pub(super) fn check_yaml(settings: &Value) -> Result<(), String> {
    yaml("", "", settings, Within::Settings)
}

fn yaml(place: &str, name: &str, value: &Value, within: Within) -> Result<(), String> {
    let below = |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
    let is_here = within == Within::Headers || is_secret(name);
    match value {
        Value::Object(map) => map.iter().try_for_each(|(key, item)| {
            let within = if is_headers(key) { Within::Headers } else { within };
            // Of headers as a list, `[{name: ..., value: ...}]`, the names are no secrets.
            let is_name =
                within == Within::Headers && matches!(key.as_str(), "name" | "key") && map.contains_key("value");
            if is_name { Ok(()) } else { yaml(&below(key), &called(name, key), item, within) }
        }),
        Value::Array(items) => items.iter().try_for_each(|item| match item {
            // A list of texts below `headers` names the headers that are meant.
            Value::String(text) if is_headers(name) && is_header_name(text) => Ok(()),
            item => yaml(place, name, item, within),
        }),
        Value::String(text) if is_here && !text.is_empty() && !matches!(reference(text), Reference::Env { .. }) => {
            Err(format!("`{place}` would stand in the clear; use ${{env:NAME}} alone, or behind a word and a space"))
        }
        Value::Number(_) if is_here => Err(format!("`{place}` would stand in the clear; use ${{env:NAME}}")),
        Value::String(text) => match gives_away(text) {
            Some(what) => Err(format!("`{place}` holds {what} in the clear; use ${{env:NAME}} for it")),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Looks over the body of an Alloy block.
pub(super) fn check_alloy(body: &[Statement]) -> Result<(), String> {
    statements("", "", body, Within::Settings)
}

fn statements(place: &str, parent: &str, body: &[Statement], within: Within) -> Result<(), String> {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    body.iter().try_for_each(|statement| match statement {
        Statement::Block(block) => {
            let within = if is_headers(&block.name) { Within::Headers } else { within };
            statements(&below(&block.name), &block.name, &block.body, within)
        }
        Statement::Attribute(name, value) => {
            let within = if is_headers(name) { Within::Headers } else { within };
            expression(&below(name), &called(parent, name), value, within)
        }
    })
}

fn expression(place: &str, name: &str, value: &Expr, within: Within) -> Result<(), String> {
    match value {
        Expr::Object(fields) => fields.iter().try_for_each(|(key, item)| {
            let key = key.trim_matches('"');
            let within = if is_headers(key) { Within::Headers } else { within };
            expression(&format!("{place}.{key}"), &called(name, key), item, within)
        }),
        Expr::Array(items) => items.iter().try_for_each(|item| expression(place, name, item, within)),
        Expr::Token(_) | Expr::Parts(_) | Expr::Text(_) => {
            let mut tokens = Vec::new();
            let is_flat = flatten(value, &mut tokens);
            let is_here = within == Within::Headers || is_secret(name);
            let says_nothing = matches!(tokens[..], ["\"\"" | "``" | "null" | "true" | "false"]);
            let is_reference =
                || as_otelcol(&tokens).is_some_and(|text| matches!(reference(&text), Reference::Env { .. }));
            if !is_here || is_flat && (says_nothing || is_reference()) {
                return match tokens.iter().find_map(|token| gives_away(token)) {
                    Some(what) => Err(format!("`{place}` holds {what} in the clear; use sys.env(\"NAME\") for it")),
                    None => Ok(()),
                };
            }
            Err(format!(
                "`{place}` would stand in the clear; use sys.env(\"NAME\") alone, or \"Bearer \" + sys.env(\"NAME\")"
            ))
        }
    }
}

/// The tokens of an expression; `false` when it holds more than tokens.
pub(crate) fn flatten<'a>(value: &'a Expr, tokens: &mut Vec<&'a str>) -> bool {
    match value {
        Expr::Token(token) => {
            tokens.push(token);
            true
        }
        Expr::Parts(parts) => parts.iter().all(|part| flatten(part, tokens)),
        Expr::Array(_) | Expr::Object(_) | Expr::Text(_) => false,
    }
}

/// A reference to the environment as otelcol would write it.
pub(crate) fn as_otelcol(tokens: &[&str]) -> Option<String> {
    match tokens {
        ["(", inner @ .., ")"] | ["convert", ".nonsensitive", "(", inner @ .., ")"] => as_otelcol(inner),
        ["sys", ".env", "(", name, ")"] => Some(format!("${{env:{}}}", literal(name)?)),
        ["string", ".format", "(", format, ", ", inner @ .., ")"] => {
            let (before, after) = literal(format)?.split_once("%s")?;
            Some(format!("{before}{}{after}", as_otelcol(inner)?))
        }
        [word, " + ", inner @ ..] => Some(format!("{}{}", literal(word)?, as_otelcol(inner)?)),
        _ => None,
    }
}

/// What stands between the quotes of a literal without escapes.
pub(super) fn literal(token: &str) -> Option<&str> {
    let inner = |quote| token.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('`')).filter(|text| !text.contains('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::document::strict, render::alloy::parse};

    fn of_yaml(text: &str) -> Option<String> {
        check_yaml(&strict::yaml(text).unwrap()).err()
    }

    fn of_alloy(text: &str) -> Option<String> {
        check_alloy(&parse::body(text).unwrap()).err()
    }

    #[test]
    fn literal_at_a_secret_place_is_refused_and_named() {
        for (text, place) in [
            ("{password: hunter2}", "password"),
            ("{password: 1234}", "password"),
            ("{headers: {X-Honeycomb-Team: abc}}", "headers.X-Honeycomb-Team"),
            ("{client: {Headers: {x-team: 'abc${env:X}'}}}", "client.Headers.x-team"),
            ("{headers: {x-team: '${env:X:-abc}'}}", "headers.x-team"),
            ("{headers: {x-team: '${env:X}${env:Y}'}}", "headers.x-team"),
            ("{headers: {x-team: 7}}", "headers.x-team"),
            ("{headers: [{name: x-team, value: abc}]}", "headers.value"),
            ("{auth: {sasl: {sasl_password: '${env:P:-x}'}}}", "auth.sasl.sasl_password"),
            ("{auth: [{client-secret: x}]}", "auth.client-secret"),
            ("{api_key: 'key ${env:X} more'}", "api_key"),
            ("{datadog.api.key: abc}", "datadog.api.key"),
            ("{api: {key: abc, site: x}}", "api.key"),
            ("{write_key: abc}", "write_key"),
            ("{apiToken: abc}", "apiToken"),
            ("{clientSecret: abc}", "clientSecret"),
            ("{pwd: abc}", "pwd"),
            ("{community: abc}", "community"),
            ("{webhook_url: 'https://x.example/abc'}", "webhook_url"),
            ("{tls: {key_pem: abc}}", "tls.key_pem"),
            ("{datasource: 'u:abc@tcp(h)/d'}", "datasource"),
            ("{headers: 'authorization=abc'}", "headers"),
            ("{extra_headers: ['authorization: Bearer abc']}", "extra_headers"),
            ("{endpoint: 'https://u:abc@h.example'}", "endpoint"),
            ("{endpoint: 'https://h.example/?x=1&api_key=abc'}", "endpoint"),
            ("{anything: '-----BEGIN PRIVATE KEY----- abc'}", "anything"),
        ] {
            let found = of_yaml(text).unwrap_or_default();
            assert!(found.starts_with(&format!("`{place}`")), "{text}: {found}");
            assert!(!found.contains("hunter2") && !found.contains("abc"), "{found}");
        }
        for (text, place) in [
            ("token = `hunter2`", "token"),
            ("client { headers = {\"X-Honeycomb-Team\" = \"abc\"} }", "client.headers.X-Honeycomb-Team"),
            ("client { headers = {\"X\" = coalesce(sys.env(\"X\"), \"abc\")} }", "client.headers.X"),
            ("client { headers = {\"X\" = \"abc\" + sys.env(\"X\")} }", "client.headers.X"),
            ("client { headers = {\"X\" = sys.env(\"X\") + \"abc\"} }", "client.headers.X"),
            ("client { headers = {\"X\" = string.format(\"abc%s\", sys.env(\"X\"))} }", "client.headers.X"),
            ("auth { client_secret = 7 }", "auth.client_secret"),
            ("api {\n\tkey = \"abc\"\n}", "api.key"),
            ("auth { password = \"\\x61bc\" }", "auth.password"),
            ("url = \"https://u:abc@h.example\"", "url"),
            ("client { writeKey = \"abc\" }", "client.writeKey"),
        ] {
            let found = of_alloy(text).unwrap_or_default();
            assert!(found.starts_with(&format!("`{place}`")), "{text}: {found}");
            assert!(!found.contains("hunter2") && !found.contains("abc"), "{found}");
        }
    }

    #[test]
    fn reference_to_the_environment_and_what_is_no_secret_pass() {
        for text in [
            "{password: '${env:P}', headers: {Authorization: 'Bearer ${env:T}', x-team: ''}}",
            "{headers: [{name: x-team, value: '${env:T}'}]}",
            "{password_file: /run/secret, token_url: 'https://x.example/token', headers: [X-Seen]}",
            "{actions: [{key: password, action: delete}], tls: {insecure: true}, extract: {labels: [{key: app}]}}",
            "{routing_key: traceID, partition_traces_by_id: true, secret_name: x, access_key_id: AKIA, username: u}",
            "{endpoint: 'https://h.example/v1?tenant=a', datasource: '${env:DSN}', other: 'a@b.example'}",
            "{endpoint: 'https://${env:USER}:${env:PASS}@h.example/?api_key=${env:KEY}'}",
            "{compass: x, bypass: true, tokenizer: y, from_context: token}",
        ] {
            assert_eq!(of_yaml(text), None, "{text}");
        }
        for text in [
            "token = sys.env(\"T\")",
            "client { headers = {\"Authorization\" = \"Bearer \" + sys.env(\"T\"), \"X\" = convert.nonsensitive(sys.env(\"X\"))} }",
            "client { headers = {\"Authorization\" = string.format(\"Bearer %s\", (sys.env(\"T\")))} }",
            "password_file = \"/run/secret\"",
        ] {
            assert_eq!(of_alloy(text), None, "{text}");
        }
    }
}
