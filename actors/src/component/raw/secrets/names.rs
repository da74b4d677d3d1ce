//! Names of settings, and whether what they hold is a secret.

use std::borrow::Cow;

/// Words of names of settings that hold a secret, wherever they stand in the name. Here and below the singular stands
/// for both.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "pw",
    "pass",
    "passphrase",
    "secret",
    "apikey",
    "authorization",
    "credential",
    "bearer",
    "cookie",
    "htpasswd",
    "datasource",
    "dsn",
];

/// The last words of such names: `bearer_token`, `x-api-key`, `writeKeys`.
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
const PLACES: &[&str] = &[
    "file",
    "path",
    "dir",
    "url",
    "uri",
    "endpoint",
    "name",
    "id",
    "type",
    "header",
    "field",
    "provider",
    "arn",
    "env",
    "source",
    "namespace",
    "version",
];

/// The last words of further names that say, below a secret, what it is for: `credentials: {username: ...}`.
const BESIDE: &[&str] = &[
    "username",
    "user",
    "region",
    "profile",
    "scope",
    "audience",
    "realm",
    "mechanism",
    "method",
    "mode",
    "format",
    "host",
];

/// Headers that say nothing but what is sent, for whom and by which program.
const OPEN_HEADERS: &[&str] = &["x-scope-orgid", "user-agent", "content-type", "content-encoding", "content-language"];
/// The beginnings of such.
const OPEN_HEADER_FAMILIES: &[&str] = &["x-tenant", "accept"];

/// Whether a setting of this name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let words = words(name);
    let words: Vec<&str> = words.iter().map(|word| singular(word)).collect();
    // How many pieces of text, not a word that opens something.
    if words.ends_with(&["max", "token"]) || words.ends_with(&["min", "token"]) {
        return false;
    }
    if ENDINGS.iter().any(|ending| words.ends_with(ending)) {
        return true;
    }
    let is_place = words.len() > 1 && words.last().is_some_and(|last| PLACES.contains(last));
    !is_place && words.iter().any(|word| WORDS.contains(word))
}

/// Whether a setting below a secret holds no part of it.
pub(super) fn is_beside_secret(name: &str) -> bool {
    let words = words(name);
    !is_secret(name)
        && words.last().is_some_and(|last| PLACES.contains(&singular(last)) || BESIDE.contains(&singular(last)))
}

/// Whether what a header of this name says is no secret.
pub(super) fn is_open_header(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_known =
        OPEN_HEADERS.contains(&lower.as_str()) || OPEN_HEADER_FAMILIES.iter().any(|family| lower.starts_with(family));
    is_known && !is_secret(name) && words(name).last().is_none_or(|last| singular(last) != "key")
}

/// Under any name, headers say who sends: `headers`, `extra_headers`.
pub(super) fn is_headers(name: &str) -> bool {
    words(name).last().is_some_and(|last| last == "headers")
}

/// One of them: `required_header`, when it has a value.
pub(super) fn is_header(name: &str) -> bool {
    words(name).last().is_some_and(|last| last == "header")
}

/// By what a setting is known: a `key` by what it is the key of, as in `api: {key: ...}`.
pub(super) fn called<'n>(parent: &str, name: &'n str) -> Cow<'n, str> {
    if name.eq_ignore_ascii_case("key") && !parent.is_empty() {
        Cow::Owned(format!("{parent} {name}"))
    } else {
        Cow::Borrowed(name)
    }
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

/// `tokens` is `token`, `pass` is itself.
fn singular(word: &str) -> &str {
    word.strip_suffix('s').filter(|rest| rest.len() > 2 && !rest.ends_with('s')).unwrap_or(word)
}
