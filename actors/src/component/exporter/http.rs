//! A client of HTTP (`confighttp`).

use serde::Deserialize;

use super::{Extension, Fields, auth::Auth, tls::Tls};
use crate::{
    component::OtelcolSite,
    render::{
        alloy::{Block, Expr, Statement, attribute, block},
        yaml::Yaml,
    },
};

/// Everything but the address.
#[derive(Debug, Deserialize)]
pub struct HttpClient {
    /// Who it says that it is.
    #[serde(flatten)]
    pub auth: Auth,
    compression: String,
    timeout: String,
    tls: Option<Tls>,
}

impl HttpClient {
    /// The settings of the client in an otelcol config, and the extension that they refer to.
    #[must_use]
    pub fn otelcol(&self, endpoint: &str, site: &OtelcolSite<'_>) -> (Fields, Option<Extension>) {
        let mut config = vec![("endpoint".to_owned(), Yaml::text(endpoint))];
        let (rest, extension) = self.otelcol_without_address(site);
        config.extend(rest);
        (config, extension)
    }

    /// The same for exporters that have a name of their own for the address.
    #[must_use]
    pub fn otelcol_without_address(&self, site: &OtelcolSite<'_>) -> (Fields, Option<Extension>) {
        let mut config = vec![
            ("compression".to_owned(), Yaml::text(self.compression.as_str())),
            ("timeout".to_owned(), Yaml::text(self.timeout.as_str())),
        ];
        let (auth, extension) = self.auth.otelcol(site);
        config.extend(auth);
        config.extend(self.tls.as_ref().map(|tls| ("tls".to_owned(), tls.otelcol())));
        (config, extension)
    }

    /// The block `client` of Alloy, and the component that it refers to.
    #[must_use]
    pub fn alloy(&self, endpoint: &str, label: &str) -> (Statement, Option<Block>) {
        let mut client = vec![
            attribute("endpoint", Expr::text(endpoint)),
            attribute("compression", Expr::text(self.compression.as_str())),
            attribute("timeout", Expr::text(self.timeout.as_str())),
        ];
        let (auth, referred) = self.auth.alloy(label);
        client.extend(auth);
        client.extend(self.tls.as_ref().map(|tls| tls.alloy("tls")));
        (block("client", client), referred)
    }
}
