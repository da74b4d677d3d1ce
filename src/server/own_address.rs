//! Whether the address that collectors are told leads anywhere.
//!
//! Released supervisors never go back from an address that they were offered to the one that they had (opamp.md 2.8), so
//! that one with a slip in it is not offered: it has to be one by which a collector came, or to take a connection from here.

use std::time::Duration;

use linkmesh_actors::fleet::FleetHandle;
use tokio::{
    net::TcpStream,
    time::{interval, timeout},
};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long until it is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// Tries the address until it takes a connection.
pub(super) async fn prove(url: String, fleet: FleetHandle) {
    let Some(authority) = authority(&url) else { return };
    let mut is_told = false;
    let mut again = interval(AGAIN);
    loop {
        again.tick().await;
        let error = match timeout(CONNECT, TcpStream::connect(&authority)).await {
            Ok(Ok(_)) => break,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        if !is_told {
            is_told = true;
            tracing::warn!(
                %url, %error,
                "server.public_url takes no connection from here: collectors are offered no address and token of their own \
                 until it does, or one of them comes by it"
            );
        }
    }
    if is_told {
        tracing::info!(%url, "server.public_url takes connections");
    }
    fleet.address_answers();
}

/// Host and port of a URL, the port of its scheme where it names none.
fn authority(url: &str) -> Option<String> {
    let (rest, port) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, 443),
        (_, Some(rest)) => (rest, 80),
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next().filter(|authority| !authority.is_empty())?;
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Some(if has_port { authority.to_owned() } else { format!("{authority}:{port}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_those_of_the_url() {
        for (url, expected) in [
            ("https://lm.example.org", Some("lm.example.org:443")),
            ("http://lm.example.org/base", Some("lm.example.org:80")),
            ("https://lm.example.org:8443/", Some("lm.example.org:8443")),
            ("https://[::1]", Some("[::1]:443")),
            ("https://[::1]:8443", Some("[::1]:8443")),
            ("https://", None),
            ("lm.example.org", None),
        ] {
            assert_eq!(authority(url).as_deref(), expected, "{url}");
        }
    }
}
