//! Checks of the fields that destinations share. Settings are seen as they stand in a document, with defaults filled in;
//! fields that a destination does not have are not there.

use serde_json::Value;

use super::auth::TENANT;
use crate::component::{Findings, SettingsMap, scalar};

/// Fields that hold a secret, or a section of secrets, wherever a destination has them.
const SECRETS: &[&str] = &["bearer_token", "basic_auth", "headers", "token", "api_key", "password", "sasl"];

/// What the exporter adds to a URL.
const SIGNAL_PATHS: &[&str] = &["/v1/logs", "/v1/metrics", "/v1/traces"];

/// A text of the settings; empty when it is not there.
#[must_use]
pub fn text<'a>(settings: &'a SettingsMap, name: &str) -> &'a str {
    settings.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a field is there and holds something.
#[must_use]
pub fn is_given(settings: &SettingsMap, name: &str) -> bool {
    match settings.get(name) {
        Some(Value::Object(map)) => !map.is_empty(),
        Some(value) => !value.is_null(),
        None => false,
    }
}

/// Everything shared that goes over a connection to `endpoint`, a URL.
pub fn http(settings: &SettingsMap, findings: &mut Findings) {
    let is_plain = text(settings, "endpoint").starts_with("http://");
    if is_plain && settings.contains_key("tls") {
        findings.warnings.add(findings.path().key("tls"), "no_effect", "has no effect on a http:// URL");
    }
    connection(settings, is_plain, findings);
}

/// The same for gRPC, where the scheme of `endpoint` is optional and `plaintext` turns encryption off.
pub fn grpc(settings: &SettingsMap, findings: &mut Findings) {
    let endpoint = text(settings, "endpoint");
    let is_plain = encryption(settings, findings);
    for (scheme, fits) in [("https://", !is_plain), ("http://", is_plain)] {
        if endpoint.starts_with(scheme) && !fits {
            let message = format!("says {scheme}, and `plaintext` says the opposite");
            findings.errors.add(findings.path().key("plaintext"), "contradiction", message);
        }
    }
    if is_plain && is_given(settings, "basic_auth") {
        let message = "collectors send user and password by gRPC over TLS only";
        findings.errors.add(findings.path().key("basic_auth"), "needs_tls", message);
    }
    connection(settings, is_plain, findings);
}

/// The field `plaintext`: whether it turns encryption off.
pub fn encryption(settings: &SettingsMap, findings: &mut Findings) -> bool {
    let is_plain = settings.get("plaintext") == Some(&Value::Bool(true));
    if is_plain && settings.contains_key("tls") {
        findings.warnings.add(findings.path().key("tls"), "no_effect", "has no effect without encryption");
    }
    is_plain
}

/// Everything shared that goes over a connection, encrypted or not.
pub fn connection(settings: &SettingsMap, is_plain: bool, findings: &mut Findings) {
    timeout(settings, findings);
    auth(settings, findings);
    tls(settings, findings);
    if is_plain {
        for name in SECRETS.iter().filter(|name| is_given(settings, name)) {
            let message = match *name {
                "headers" => "secret headers go over an unencrypted connection",
                _ => "goes over an unencrypted connection",
            };
            findings.warnings.add(findings.path().key(name), "unencrypted", message);
        }
    }
}

/// That nothing stands behind the path of `endpoint`, to which more of a path is added.
pub fn no_query(settings: &SettingsMap, findings: &mut Findings) {
    if text(settings, "endpoint").contains('?') {
        let message = "must end with its path: more is added to it";
        findings.errors.add(findings.path().key("endpoint"), "invalid_value", message);
    }
}

/// That `endpoint` does not end in the path that is added to it for each signal. It is no reason to leave collectors without
/// a config that ran so far, so it is asked before a save.
pub fn no_signal_path(settings: &SettingsMap, findings: &mut Findings) {
    let endpoint = text(settings, "endpoint").trim_end_matches('/');
    if let Some(path) = SIGNAL_PATHS.iter().find(|path| endpoint.ends_with(**path)) {
        let message = format!("must end before {path}: that is added to it");
        findings.errors.add(findings.path().key("endpoint"), "invalid_value", message);
    }
}

/// That `tenant` and the headers do not both say whose records they are.
pub fn tenant(settings: &SettingsMap, findings: &mut Findings) {
    let headers = settings.get("headers").and_then(Value::as_object);
    let second = headers.into_iter().flat_map(|h| h.keys()).find(|name| name.eq_ignore_ascii_case(TENANT));
    if let Some(name) = second.filter(|_| is_given(settings, "tenant")) {
        findings.errors.add(findings.path().key("headers").key(name), "not_allowed", "`tenant` sets this header");
    }
}

fn timeout(settings: &SettingsMap, findings: &mut Findings) {
    if scalar::duration_ns(text(settings, "timeout")).is_ok_and(|ns| ns == 0) {
        findings.errors.add(findings.path().key("timeout"), "out_of_range", "must be longer than 0");
    }
}

fn auth(settings: &SettingsMap, findings: &mut Findings) {
    let given: Vec<&str> =
        ["bearer_token", "basic_auth", "api_key"].into_iter().filter(|name| is_given(settings, name)).collect();
    for name in given.iter().skip(1) {
        let message = format!("`{}` says already who sends", given.first().copied().unwrap_or_default());
        findings.errors.add(findings.path().key(name), "not_allowed", message);
    }
    let headers = settings.get("headers").and_then(Value::as_object);
    let names: Vec<&String> = headers.into_iter().flat_map(|h| h.keys()).collect();
    for (index, name) in names.iter().enumerate() {
        let path = findings.path().key("headers").key(name);
        if names.iter().take(index).any(|earlier| earlier.eq_ignore_ascii_case(name)) {
            findings.errors.add(path, "duplicate", "differs from another header in upper and lower case only");
        } else if name.eq_ignore_ascii_case("authorization")
            && let Some(other) = given.first()
        {
            findings.errors.add(path, "not_allowed", format!("`{other}` sets this header"));
        }
    }
    let token = text(settings, "bearer_token");
    if token.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer ")) {
        let path = findings.path().key("bearer_token");
        findings.errors.add(path, "invalid_value", "is the token alone; `Bearer` is put in front of it");
    } else if token.contains(' ') {
        findings.errors.add(findings.path().key("bearer_token"), "invalid_value", "a token holds no space");
    }
    let user = settings.get("basic_auth").and_then(|basic| basic.get("username")).and_then(Value::as_str);
    if user.is_some_and(|user| user.contains(':')) {
        let path = findings.path().key("basic_auth").key("username");
        findings.errors.add(path, "invalid_value", "a user's name holds no colon in HTTP basic authentication");
    }
}

fn tls(settings: &SettingsMap, findings: &mut Findings) {
    let tls = settings.get("tls").and_then(Value::as_object);
    let given = |name: &str| tls.is_some_and(|tls| tls.contains_key(name));
    for (one, other) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
        if given(one) && !given(other) {
            let path = findings.path().key("tls").key(other);
            findings.errors.add(path, "missing", format!("`{one}` needs it"));
        }
    }
    if tls.and_then(|tls| tls.get("insecure_skip_verify")) == Some(&Value::Bool(true)) {
        let path = findings.path().key("tls").key("insecure_skip_verify");
        findings.warnings.add(path, "insecure", "anyone on the way can read and change what is sent");
    }
}
