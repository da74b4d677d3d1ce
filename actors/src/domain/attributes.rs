//! What matchers see of a collector: what it reports, overridden by labels, and `collector.*` from the server.

use std::collections::BTreeMap;

use linkmesh_proto::{CollectorId, api::collector::Runtime};

use super::matcher::Attributes;

/// The prefix that only the server fills.
pub const RESERVED_PREFIX: &str = "collector.";

/// What the server itself knows of a collector; becomes `collector.*`.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// `collector.id`
    pub id: CollectorId,
    /// `collector.name`
    pub name: &'a str,
    /// `collector.runtime`: `alloy` or `otelcol`
    pub runtime: Runtime,
    /// `collector.version`; absent until reported
    pub version: Option<&'a str>,
    /// `collector.os`: what the collector reports as `os.type` (otelcol) or `collector.os` (Alloy); absent until
    /// reported
    pub os: Option<&'a str>,
}

/// The runtime's name in attributes and documents.
#[must_use]
pub const fn runtime_name(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Alloy => "alloy",
        Runtime::Otelcol => "otelcol",
    }
}

/// Merges what matchers see. Later wins: reported, labels of the enrolment token, labels of the operator; then
/// `collector.*`, which is the server's alone: reported or labelled keys under that prefix are dropped. Empty values
/// are dropped too, since an absent attribute is the empty string.
#[must_use]
pub fn merge(
    reported: &BTreeMap<String, String>,
    enrolment: &BTreeMap<String, String>,
    operator: &BTreeMap<String, String>,
    identity: &Identity<'_>,
) -> Attributes {
    let mut merged = Attributes::new();
    for layer in [reported, enrolment, operator] {
        for (key, value) in layer.iter().filter(|(key, _)| !key.starts_with(RESERVED_PREFIX)) {
            if value.is_empty() {
                merged.remove(key);
            } else {
                merged.insert(key.clone(), value.clone());
            }
        }
    }
    let mut own = |key: &str, value: &str| {
        if !value.is_empty() {
            merged.insert(format!("{RESERVED_PREFIX}{key}"), value.to_owned());
        }
    };
    own("id", &identity.id.to_string());
    own("name", identity.name);
    own("runtime", runtime_name(identity.runtime));
    own("version", identity.version.unwrap_or_default());
    own("os", identity.os.unwrap_or_default());
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn operator_wins_over_enrolment_over_reported() {
        let identity = Identity {
            id: CollectorId::from_bytes([7; 16]),
            name: "web-1",
            runtime: Runtime::Alloy,
            version: Some("1.18.0"),
            os: None,
        };
        let merged = merge(
            &map(&[("env", "a"), ("host.name", "h"), ("gone", "x"), ("collector.os", "forged")]),
            &map(&[("env", "b"), ("team", "t"), ("collector.id", "forged")]),
            &map(&[("env", "c"), ("gone", "")]),
            &identity,
        );
        let id = identity.id.to_string();
        assert_eq!(
            merged,
            map(&[
                ("env", "c"),
                ("host.name", "h"),
                ("team", "t"),
                ("collector.id", &id),
                ("collector.name", "web-1"),
                ("collector.runtime", "alloy"),
                ("collector.version", "1.18.0"),
            ])
        );
    }
}
