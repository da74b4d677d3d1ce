//! What sources share that listen: the address and TLS.

use serde::Deserialize;

use super::{
    Bind,
    form::{self, Field},
    scalar,
};
use crate::render::{
    alloy::{Expr, Statement, attribute, block},
    yaml::Yaml,
};

/// The address to listen on.
#[must_use]
pub fn address(example: &str) -> Field {
    form::text("Listen on")
        .most(260)
        .check("listen_address")
        .example(example)
        .help("Address and port on the collector's host. 0.0.0.0 is every address.")
}

/// The address as the collector will bind it; `None` when it is none.
#[must_use]
pub fn bind(field: &'static str, protocol: &'static str, address: &str) -> Option<Bind> {
    let (host, port) = scalar::listen_address(address).ok()?;
    Some(Bind { field, protocol, host: host.to_owned(), port })
}

/// TLS of a listener.
#[must_use]
pub fn tls() -> Field {
    form::group(
        "TLS",
        [
            ("cert_file", form::file("Certificate").required().help("A PEM file on the collector's host.")),
            ("key_file", form::file("Key").required().help("A PEM file on the collector's host.")),
            (
                "client_ca_file",
                form::file("Certificates of clients")
                    .help("Whoever connects must show a certificate that one of these has signed."),
            ),
        ],
    )
    .help("Leave out to listen without encryption.")
}

/// TLS of a listener, as it is set.
#[derive(Debug, Clone, Deserialize)]
pub struct ServerTls {
    cert_file: String,
    key_file: String,
    client_ca_file: Option<String>,
}

impl ServerTls {
    fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("cert_file", Some(&self.cert_file)),
            ("key_file", Some(&self.key_file)),
            ("client_ca_file", self.client_ca_file.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.as_str())))
    }

    /// The entry of an otelcol receiver.
    #[must_use]
    pub fn otelcol(&self) -> (String, Yaml) {
        let fields = self.fields().map(|(name, value)| (name.to_owned(), Yaml::text(value)));
        ("tls".to_owned(), Yaml::Map(fields.collect()))
    }

    /// The block of an Alloy component.
    #[must_use]
    pub fn alloy(&self) -> Statement {
        block("tls", self.fields().map(|(name, value)| attribute(name, Expr::text(value))).collect())
    }
}
