//! What sources share that connect to something: TLS of a client.

use serde::Deserialize;
use serde_json::Value;

use super::{
    Findings, SettingsMap,
    form::{self, Field},
};
use crate::render::{
    alloy::{Expr, Statement, attribute},
    yaml::Yaml,
};

/// TLS of a client.
#[must_use]
pub fn tls() -> Field {
    form::group(
        "TLS",
        [
            ("ca_file", form::file("Certificates to trust").help("A PEM file on the collector's host.")),
            ("cert_file", form::file("Client certificate").help("A PEM file on the collector's host.")),
            ("key_file", form::file("Client key").help("A PEM file on the collector's host.")),
            (
                "server_name",
                form::text("Server name")
                    .most(253)
                    .check("host_name")
                    .help("The name to expect in the server's certificate."),
            ),
            ("insecure_skip_verify", form::flag("Trust any certificate").default(false)),
        ],
    )
}

/// TLS of a client, as it is set.
#[derive(Debug, Clone, Deserialize)]
pub struct ClientTls {
    ca_file: Option<String>,
    cert_file: Option<String>,
    key_file: Option<String>,
    server_name: Option<String>,
    insecure_skip_verify: bool,
}

impl ClientTls {
    fn fields(&self, server_name: &'static str) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("ca_file", &self.ca_file),
            ("cert_file", &self.cert_file),
            ("key_file", &self.key_file),
            (server_name, &self.server_name),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }

    /// The mapping in an otelcol config; the server's name goes by different ones there.
    #[must_use]
    pub fn otelcol(&self, server_name: &'static str) -> Yaml {
        let mut fields: Vec<_> =
            self.fields(server_name).map(|(name, value)| (name.to_owned(), Yaml::text(value))).collect();
        fields.push(("insecure_skip_verify".to_owned(), Yaml::Bool(self.insecure_skip_verify)));
        Yaml::Map(fields)
    }

    /// What stands in the block of an Alloy component.
    #[must_use]
    pub fn alloy(&self) -> Vec<Statement> {
        let mut fields: Vec<Statement> =
            self.fields("server_name").map(|(name, value)| attribute(name, Expr::text(value))).collect();
        fields.push(attribute("insecure_skip_verify", Expr::token(self.insecure_skip_verify)));
        fields
    }
}

/// Checks the setting `tls`.
pub fn check_tls(settings: &SettingsMap, findings: &mut Findings) {
    let Some(tls) = settings.get("tls").and_then(Value::as_object) else { return };
    let path = findings.path().key("tls");
    for (one, other) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
        if tls.contains_key(one) && !tls.contains_key(other) {
            findings.errors.add(path.key(other), "missing", format!("`{one}` needs it"));
        }
    }
    if tls.get("insecure_skip_verify") == Some(&Value::Bool(true)) {
        let message = "anyone on the way can read and change what is fetched";
        findings.warnings.add(path.key("insecure_skip_verify"), "insecure", message);
    }
}
