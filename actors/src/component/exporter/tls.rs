//! How an exporter encrypts (`configtls`).

use serde::Deserialize;

use crate::render::{
    alloy::{Expr, Statement, attribute, block},
    yaml::Yaml,
};

/// The fields of TLS.
#[derive(Debug, Default, Deserialize)]
pub struct Tls {
    ca_file: Option<String>,
    cert_file: Option<String>,
    key_file: Option<String>,
    server_name: Option<String>,
    #[serde(default)]
    insecure_skip_verify: bool,
}

impl Tls {
    /// Names and values; `server_name` is called differently by the two.
    fn fields(&self, server_name: &'static str) -> Vec<(&'static str, &str)> {
        [
            ("ca_file", &self.ca_file),
            ("cert_file", &self.cert_file),
            ("key_file", &self.key_file),
            (server_name, &self.server_name),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
        .collect()
    }

    /// Whether any certificate is trusted.
    #[must_use]
    pub const fn trusts_all(&self) -> bool {
        self.insecure_skip_verify
    }

    /// The first field that says more than [`trusts_all`](Self::trusts_all).
    #[must_use]
    pub fn first_field(&self) -> Option<&'static str> {
        self.fields("server_name").into_iter().map(|(name, _)| name).next()
    }

    /// The section `tls` of an otelcol config.
    #[must_use]
    pub fn otelcol(&self) -> Yaml {
        self.yaml("server_name_override")
    }

    /// The section `tls_config` of a config of Prometheus, which is a part of one of otelcol.
    #[must_use]
    pub fn prometheus(&self) -> Yaml {
        self.yaml("server_name")
    }

    fn yaml(&self, server_name: &'static str) -> Yaml {
        let mut fields: Vec<_> =
            self.fields(server_name).into_iter().map(|(name, value)| (name.to_owned(), Yaml::text(value))).collect();
        fields.push(("insecure_skip_verify".to_owned(), Yaml::Bool(self.insecure_skip_verify)));
        Yaml::Map(fields)
    }

    /// The block `tls` of an otelcol component of Alloy, or `tls_config` of one of Prometheus: the same fields.
    #[must_use]
    pub fn alloy(&self, name: &str) -> Statement {
        let mut fields: Vec<Statement> =
            self.fields("server_name").into_iter().map(|(name, value)| attribute(name, Expr::text(value))).collect();
        fields.push(attribute("insecure_skip_verify", Expr::token(self.insecure_skip_verify)));
        block(name, fields)
    }
}

/// TLS of a protocol whose addresses do not say whether they are encrypted (gRPC, Kafka): a field `plaintext` does.
#[derive(Debug, Deserialize)]
pub struct Encryption {
    #[serde(default)]
    plaintext: bool,
    tls: Option<Tls>,
}

impl Encryption {
    /// Whether nothing is encrypted.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        self.plaintext
    }

    /// The section `tls` of an otelcol config.
    #[must_use]
    pub fn otelcol(&self) -> Yaml {
        match &self.tls {
            Some(tls) if !self.plaintext => tls.otelcol(),
            _ => Yaml::map([("insecure", Yaml::Bool(self.plaintext))]),
        }
    }

    /// The block `tls` of Alloy.
    #[must_use]
    pub fn alloy(&self) -> Statement {
        match &self.tls {
            Some(tls) if !self.plaintext => tls.alloy("tls"),
            _ => block("tls", vec![attribute("insecure", Expr::token(self.plaintext))]),
        }
    }
}
