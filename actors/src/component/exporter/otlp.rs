//! The two exporters of OTLP, which several destinations are made of.

use serde::Deserialize;

use super::{auth::Auth, delivery::Delivery, http::HttpClient, tls::Encryption};
use crate::{
    component::{AlloyPart, AlloySite, OtelcolPart, OtelcolSite, scalar},
    render::{
        alloy::{Expr, attribute, block},
        yaml::Yaml,
    },
};

/// OTLP over HTTP: `otlphttp` and `otelcol.exporter.otlphttp`, the same code. Both add `/v1/<signal>` to the address.
#[derive(Debug, Deserialize)]
pub struct OverHttp {
    /// A URL. `/v1/<signal>` is added to it.
    pub endpoint: String,
    /// Everything but the address.
    #[serde(flatten)]
    pub client: HttpClient,
    /// Queue and retries.
    #[serde(flatten)]
    pub delivery: Delivery,
}

impl OverHttp {
    /// The exporter in an otelcol config.
    #[must_use]
    pub fn otelcol(&self, site: &OtelcolSite<'_>) -> OtelcolPart {
        let (config, extension) = self.client.otelcol(&self.endpoint, site);
        self.delivery.otelcol("otlphttp", config, extension)
    }

    /// The component in an Alloy config.
    #[must_use]
    pub fn alloy(&self, site: &AlloySite<'_>) -> AlloyPart {
        let (client, referred) = self.client.alloy(&self.endpoint, site.label);
        self.delivery.alloy("otelcol.exporter.otlphttp", site.label, vec![client], referred)
    }
}

/// OTLP over gRPC: `otlp` and `otelcol.exporter.otlp`, the same code.
#[derive(Debug, Deserialize)]
pub struct OverGrpc {
    endpoint: String,
    /// Who it says that it is.
    #[serde(flatten)]
    pub auth: Auth,
    compression: String,
    timeout: String,
    #[serde(flatten)]
    encryption: Encryption,
    /// Queue and retries.
    #[serde(flatten)]
    pub delivery: Delivery,
}

impl OverGrpc {
    /// The exporter in an otelcol config.
    #[must_use]
    pub fn otelcol(&self, site: &OtelcolSite<'_>) -> OtelcolPart {
        let mut config = vec![
            ("endpoint".to_owned(), Yaml::text(scalar::target::without_scheme(&self.endpoint))),
            ("compression".to_owned(), Yaml::text(self.compression.as_str())),
            ("timeout".to_owned(), Yaml::text(self.timeout.as_str())),
        ];
        let (auth, extension) = self.auth.otelcol(site);
        config.extend(auth);
        config.push(("tls".to_owned(), self.encryption.otelcol()));
        self.delivery.otelcol("otlp", config, extension)
    }

    /// The component in an Alloy config, where the timeout stands outside of the client.
    #[must_use]
    pub fn alloy(&self, site: &AlloySite<'_>) -> AlloyPart {
        let mut client = vec![
            attribute("endpoint", Expr::text(scalar::target::without_scheme(&self.endpoint))),
            attribute("compression", Expr::text(self.compression.as_str())),
        ];
        let (auth, referred) = self.auth.alloy(site.label);
        client.extend(auth);
        client.push(self.encryption.alloy());
        let body = vec![attribute("timeout", Expr::text(self.timeout.as_str())), block("client", client)];
        self.delivery.alloy("otelcol.exporter.otlp", site.label, body, referred)
    }
}
