//! Under which address others reach this server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::config::Config;

/// What links, files for hosts, and offers to collectors name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// Configured, or the only address that there is: it is offered to collectors.
    Known(String),
    /// Nobody said it and it may be wrong: it stands in what people read, and is not offered to collectors.
    Guessed(String),
}

impl Reach {
    pub(super) fn of(config: &Config, listens_on: SocketAddr) -> Self {
        if let Some(url) = &config.server.public_url {
            return Self::Known(url.clone());
        }
        let mut address = listens_on;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        let scheme = if config.http.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{address}");
        if listens_on.ip().is_loopback() { Self::Known(url) } else { Self::Guessed(url) }
    }

    pub(super) fn url(&self) -> &str {
        match self {
            Self::Known(url) | Self::Guessed(url) => url,
        }
    }

    /// What may be offered to collectors.
    pub(super) fn known(&self) -> Option<&str> {
        match self {
            Self::Known(url) => Some(url),
            Self::Guessed(_) => None,
        }
    }

    /// What whoever starts the server should hear.
    pub(super) fn warning(&self) -> Option<String> {
        match self {
            Self::Known(_) => None,
            Self::Guessed(url) => Some(format!(
                "server.public_url is not set: the setup link and the files and commands for hosts name {url}, which \
                 other hosts may not reach, and collectors are offered no connection settings; set \
                 LINKMESH_SERVER__PUBLIC_URL to the address that they use"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_that_nobody_named_is_a_guess_and_warned_of() {
        let named = Some("https://linkmesh.example.org");
        for (public_url, listens_on, url, guessed) in [
            (None, "127.0.0.1:8080", "http://127.0.0.1:8080", false),
            (None, "[::1]:8080", "http://[::1]:8080", false),
            (None, "0.0.0.0:8080", "http://127.0.0.1:8080", true),
            (None, "[::]:8080", "http://[::1]:8080", true),
            (None, "192.0.2.7:8080", "http://192.0.2.7:8080", true),
            (named, "0.0.0.0:8080", "https://linkmesh.example.org", false),
        ] {
            let mut config = Config::default();
            config.server.public_url = public_url.map(str::to_owned);
            let reach = Reach::of(&config, listens_on.parse().expect("an address"));
            assert_eq!(reach.url(), url, "{listens_on}");
            assert_eq!(reach.known().is_none(), guessed, "{listens_on}");
            let warned = reach.warning().is_some_and(|words| {
                words.contains(&format!("name {url},")) && words.contains("LINKMESH_SERVER__PUBLIC_URL")
            });
            assert_eq!(warned, guessed, "{listens_on}");
        }
    }
}
