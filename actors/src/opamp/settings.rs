//! Connection settings that the server offers (opamp-spec, `ConnectionSettingsOffers`).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use linkmesh_proto::{
    ConfigHash,
    wire::opamp::{
        ConnectionSettingsOffers, Header, Headers, OpAmpConnectionSettings, TelemetryConnectionSettings, TlsCertificate,
    },
};
use prost::Message;

/// The server's addresses as agents see them.
#[derive(Debug)]
pub struct Endpoints {
    /// Host and port, as in a request that comes by this address; the port of the scheme is left out.
    authority: Box<str>,
    /// The port of the scheme: `:443` or `:80`.
    scheme_port: &'static str,
    opamp: Box<str>,
    metrics: Box<str>,
    ca_pem: Option<Arc<[u8]>>,
    carries_tokens: bool,
    /// Whether the server is known to be reached by this address.
    is_proven: AtomicBool,
}

/// Why a public URL gives no endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointsError {
    /// Neither `http://host...` nor `https://host...`.
    #[error("the public URL must start with http:// or https:// and name a host")]
    Url,
}

impl Endpoints {
    /// Derives the endpoints from `server.public_url`; `ca_pem` is the certificate authority of the server, in PEM.
    ///
    /// A token is carried by an offer only where nobody can read it and the agent can go on verifying the server: over
    /// TLS with `ca_pem` (an offer without a certificate makes a supervisor stop verifying), or on loopback.
    ///
    /// # Errors
    /// When the URL has another scheme or no host.
    pub fn new(public_url: &str, ca_pem: Option<Arc<[u8]>>) -> Result<Self, EndpointsError> {
        let url = public_url.trim_end_matches('/');
        let (socket, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => ("wss", rest),
            (_, Some(rest)) => ("ws", rest),
            _ => return Err(EndpointsError::Url),
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let scheme_port = if socket == "wss" { ":443" } else { ":80" };
        let host = match authority.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        if host.is_empty() {
            return Err(EndpointsError::Url);
        }
        let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        Ok(Self {
            authority: authority.strip_suffix(scheme_port).unwrap_or(authority).to_ascii_lowercase().into(),
            scheme_port,
            is_proven: AtomicBool::new(true),
            opamp: format!("{socket}://{rest}/v1/opamp").into(),
            metrics: format!("{url}/v1/metrics").into(),
            carries_tokens: loopback || socket == "wss" && ca_pem.is_some(),
            ca_pem,
        })
    }

    /// Takes the address for one that nobody has come by yet. Released supervisors never go back to the address that
    /// they had: what leads nowhere must not be offered (opamp.md 2.8).
    #[must_use]
    pub fn unproven(self) -> Self {
        Self { is_proven: AtomicBool::new(false), ..self }
    }

    /// The server was reached by its address.
    pub fn prove(&self) {
        self.is_proven.store(true, Ordering::Relaxed);
    }

    /// Host and port to connect to.
    #[must_use]
    pub fn dial_address(&self) -> String {
        let has_port = self.authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        format!("{}{}", self.authority, if has_port { "" } else { self.scheme_port })
    }

    /// Somebody came who looked for this host (the header `Host`).
    pub fn note_host(&self, host: &str) {
        let is_looked_for =
            || host.strip_suffix(self.scheme_port).unwrap_or(host).eq_ignore_ascii_case(&self.authority);
        if !self.is_proven.load(Ordering::Relaxed) && is_looked_for() {
            self.prove();
        }
    }

    /// Whether opamp settings, a collector's token among them, may be offered now.
    #[must_use]
    pub fn carries_tokens(&self) -> bool {
        self.carries_tokens && self.is_proven.load(Ordering::Relaxed)
    }

    /// Where own metrics go.
    #[must_use]
    pub fn metrics(&self) -> &str {
        &self.metrics
    }

    /// The offer of a token: always the complete set, because an agent replaces all it had.
    pub(super) fn opamp_offer(&self, token: &str, heartbeat: Duration) -> ConnectionSettingsOffers {
        let certificate =
            self.ca_pem.as_ref().map(|pem| TlsCertificate { ca_cert: pem.to_vec(), ..Default::default() });
        hashed(ConnectionSettingsOffers {
            opamp: Some(OpAmpConnectionSettings {
                destination_endpoint: self.opamp.to_string(),
                headers: Some(bearer(token)),
                certificate,
                // Never 0: that silences a supervisor for good.
                heartbeat_interval_seconds: heartbeat.as_secs().max(1),
                ..Default::default()
            }),
            ..Default::default()
        })
    }

    /// The offer of a place for own metrics.
    pub(super) fn metrics_offer(&self, token: &str) -> ConnectionSettingsOffers {
        let certificate =
            self.ca_pem.as_ref().map(|pem| TlsCertificate { ca_cert: pem.to_vec(), ..Default::default() });
        hashed(ConnectionSettingsOffers {
            own_metrics: Some(TelemetryConnectionSettings {
                destination_endpoint: self.metrics.to_string(),
                headers: Some(bearer(token)),
                certificate,
                ..Default::default()
            }),
            ..Default::default()
        })
    }
}

/// The hash by which an offer is told from the one before.
pub(super) fn hash_of(offer: &ConnectionSettingsOffers) -> Option<ConfigHash> {
    ConfigHash::from_slice(&offer.hash)
}

fn hashed(mut offer: ConnectionSettingsOffers) -> ConnectionSettingsOffers {
    offer.hash = ConfigHash::of(&offer.encode_to_vec()).as_bytes().to_vec();
    offer
}

fn bearer(token: &str) -> Headers {
    Headers { headers: vec![Header { key: "Authorization".to_owned(), value: format!("Bearer {token}") }] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_follow_the_public_url() {
        let endpoints = Endpoints::new("https://fleet.example.com:8443/base/", Some(Arc::from(&b"pem"[..]))).unwrap();
        assert_eq!(&*endpoints.opamp, "wss://fleet.example.com:8443/base/v1/opamp");
        assert_eq!(endpoints.metrics(), "https://fleet.example.com:8443/base/v1/metrics");
        for bad in ["", "fleet.example.com", "ftp://x", "http://", "https:///x", "http://:80"] {
            assert_eq!(Endpoints::new(bad, None).err(), Some(EndpointsError::Url), "{bad:?}");
        }
    }

    #[test]
    fn tokens_travel_to_an_address_by_which_somebody_came() {
        for (url, host, comes) in [
            ("https://fleet.example.com", "fleet.example.com", true),
            ("https://Fleet.example.com:443/base", "fleet.EXAMPLE.com", true),
            ("https://fleet.example.com", "fleet.example.com:443", true),
            ("https://fleet.example.com:8443", "fleet.example.com:8443", true),
            ("https://fleet.example.com:8443", "fleet.example.com", false),
            ("https://fleet.example.com", "fleet.example.com:80", false),
            ("https://flet.example.com", "fleet.example.com", false),
            ("https://fleet.example.com", "", false),
        ] {
            let endpoints = Endpoints::new(url, Some(Arc::from(&b"pem"[..]))).unwrap().unproven();
            assert!(!endpoints.carries_tokens());
            endpoints.note_host(host);
            assert_eq!(endpoints.carries_tokens(), comes, "{url} {host}");
            endpoints.prove();
            assert!(endpoints.carries_tokens());
        }
    }

    #[test]
    fn tokens_travel_where_nobody_reads_them() {
        let carries =
            |url: &str, ca: bool| Endpoints::new(url, ca.then(|| Arc::from(&b"pem"[..]))).unwrap().carries_tokens();
        assert!(carries("https://fleet.example.com", true));
        assert!(!carries("https://fleet.example.com", false), "an offer without a certificate ends verification");
        assert!(!carries("http://fleet.example.com", true));
        assert!(!carries("http://localhost.example.com", false));
        assert!(carries("http://127.0.0.1:8080", false));
        assert!(carries("http://[::1]:8080", false));
        assert!(carries("http://localhost:8080", false));
    }

    #[test]
    fn address_is_dialled_at_the_port_of_its_scheme_unless_it_names_one() {
        for (url, expected) in [
            ("https://lm.example.org", "lm.example.org:443"),
            ("https://lm.example.org:443", "lm.example.org:443"),
            ("http://lm.example.org/base", "lm.example.org:80"),
            ("https://lm.example.org:8443/", "lm.example.org:8443"),
            ("https://[::1]", "[::1]:443"),
            ("https://[::1]:8443", "[::1]:8443"),
        ] {
            assert_eq!(Endpoints::new(url, None).unwrap().dial_address(), expected, "{url}");
        }
    }

    #[test]
    fn offers_are_complete_and_told_apart_by_hash() {
        let endpoints = Endpoints::new("https://fleet.example.com", Some(Arc::from(&b"pem"[..]))).unwrap();
        let heartbeat = Duration::from_secs(45);
        let offer = endpoints.opamp_offer("lmct_a", heartbeat);
        let opamp = offer.opamp.clone().unwrap();
        assert_eq!(opamp.heartbeat_interval_seconds, 45);
        assert_eq!(opamp.headers.unwrap().headers[0].value, "Bearer lmct_a");
        assert_eq!(opamp.certificate.unwrap().ca_cert, b"pem");
        assert_eq!(opamp.destination_endpoint, "wss://fleet.example.com/v1/opamp");
        assert_eq!(hash_of(&offer), hash_of(&endpoints.opamp_offer("lmct_a", heartbeat)));
        assert_ne!(hash_of(&offer), hash_of(&endpoints.opamp_offer("lmct_b", heartbeat)));
        let never = endpoints.opamp_offer("lmct_a", Duration::ZERO);
        assert_eq!(never.opamp.unwrap().heartbeat_interval_seconds, 1, "0 would be never");
        let metrics = endpoints.metrics_offer("lmct_a");
        assert!(metrics.opamp.is_none() && metrics.own_traces.is_none() && metrics.own_logs.is_none());
        assert_ne!(hash_of(&metrics), hash_of(&offer));
    }
}
