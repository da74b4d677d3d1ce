//! Where a request comes from, when proxies stand between: one rule for operators and collectors.

use std::net::{IpAddr, SocketAddr};

use actix_http::header::{HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address. `X-Forwarded-For` is believed of the configured `proxies` only: the last address in it that is
/// no such proxy is the client; what stands before it, the client wrote itself. Where a proxy wrote something else than
/// an address, nothing before it is believed either, and the proxy's own address is what is known.
#[must_use]
pub fn client_address(peer: Option<SocketAddr>, headers: &HeaderMap, proxies: &[IpAddr]) -> Option<IpAddr> {
    let peer = peer?.ip().to_canonical();
    if !proxies.contains(&peer) {
        return Some(peer);
    }
    let hops: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .flat_map(|hops| hops.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .collect();
    let client = hops.into_iter().rev().map(hop).find(|hop| hop.is_none_or(|hop| !proxies.contains(&hop)));
    Some(client.flatten().unwrap_or(peer))
}

/// The address of one hop; some proxies add a port.
fn hop(text: &str) -> Option<IpAddr> {
    let address = text.parse().ok().or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_http::header::HeaderValue;

    use super::*;

    fn seen(peer: &str, forwarded: &[&str], proxies: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for hops in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(hops).unwrap());
        }
        let proxies: Vec<IpAddr> = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        client_address(Some(peer.parse().unwrap()), &headers, &proxies).unwrap().to_string()
    }

    #[test]
    fn header_is_believed_of_proxies_only() {
        let proxy = ["10.0.0.1", "10.0.0.2"];
        for (peer, forwarded, address) in [
            ("192.0.2.1:7", &["198.51.100.7"][..], "192.0.2.1"),
            ("10.0.0.1:7", &[], "10.0.0.1"),
            ("10.0.0.1:7", &["198.51.100.7"], "198.51.100.7"),
            ("[::ffff:10.0.0.1]:7", &["::ffff:198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1:7", &["192.0.2.9, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1:7", &["192.0.2.9", "198.51.100.7 , 10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1:7", &["198.51.100.7:4711"], "198.51.100.7"),
            ("10.0.0.1:7", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("10.0.0.1:7", &["10.0.0.2"], "10.0.0.1"),
            ("10.0.0.1:7", &["192.0.2.9, unknown"], "10.0.0.1"),
            ("10.0.0.1:7", &["192.0.2.9, "], "10.0.0.1"),
        ] {
            assert_eq!(seen(peer, forwarded, &proxy), address, "{peer} {forwarded:?}");
        }
        assert_eq!(client_address(None, &HeaderMap::new(), &[]), None);
    }
}
