//! TLS of the server's own: operators, supervisors and Alloys, with a private authority.

use reqwest::Method;
use serde_json::json;

use crate::support::{
    agent::{Agent, CAPABILITIES},
    alloy::Alloy,
    server::Server,
    tls::Authority,
};

#[tokio::test]
async fn operators_and_alloys_speak_https_and_verify_the_server() {
    let server = Server::start_with_tls(Authority::new("ours")).await;
    assert!(server.url("http", "/").starts_with("https://"));
    let setup = server.ready["setup_url"].as_str().expect("a setup link");
    assert!(setup.starts_with(&server.url("http", "/setup?token=")), "{setup}");
    let (id, token) = server.collector("alloy").await;
    server.pipeline("web", "info").await;
    let mut alloy = Alloy::new(&token);
    assert!(!alloy.poll(&server, alloy.request()).await.content.is_empty());
    server.collector_when(&id, "the collector to be connected", |c| c["status"] == "connected").await;

    let stranger = Authority::new("ours").http();
    let refused = stranger.get(server.url("http", "/healthz")).send().await.expect_err("another authority");
    assert!(refused.is_connect(), "{refused:?}");
    let plain = reqwest::Client::new().get(format!("http://{}/healthz", server.address)).send().await;
    assert!(plain.is_err(), "plain HTTP is not answered there");
}

#[tokio::test]
async fn websockets_need_http_1_1_which_is_negotiated_whatever_else_is_offered() {
    let server = Server::start_with_tls(Authority::new("ours")).await;
    let authority = server.authority.as_ref().expect("TLS");
    for offered in [&[&b"http/1.1"[..]][..], &[b"h2", b"http/1.1"], &[]] {
        let stream = authority.connect(&server.address, offered).await.expect("a TLS connection");
        let negotiated = stream.get_ref().1.alpn_protocol();
        assert_eq!(negotiated, (!offered.is_empty()).then_some(&b"http/1.1"[..]), "{offered:?}");
    }
}

#[tokio::test]
async fn enrolled_supervisor_is_offered_its_token_with_the_authority_and_runs_with_it() {
    let server = Server::start_with_tls(Authority::new("ours")).await;
    server.pipeline("web", "info").await;
    let made = server.ask(Method::POST, "/enrollment-tokens", Some(json!({}))).await;
    let enrolment = made["token"].as_str().expect("a token");
    let mut agent = Agent::dial(&server, "/v1/opamp", enrolment).await.ok().expect("the token is good");
    let told = agent.tell(agent.first_message()).await;
    let offer = told.connection_settings.expect("an offer").opamp.expect("of OpAMP settings");
    assert_eq!(offer.destination_endpoint, server.url("ws", "/v1/opamp"));
    assert!(offer.destination_endpoint.starts_with("wss://"));
    let authority = server.authority.as_ref().expect("TLS");
    assert_eq!(String::from_utf8(offer.certificate.expect("a certificate").ca_cert).unwrap(), authority.pem);
    assert_eq!(offer.heartbeat_interval_seconds, 30);
    let headers = offer.headers.expect("headers").headers;
    assert_eq!(headers[0].key, "Authorization");
    let token = headers[0].value.strip_prefix("Bearer ").expect("a bearer");
    assert!(token.starts_with("lmct_"), "its own");

    // It dials again with what it was offered.
    let mut own = Agent::dial(&server, "/v1/opamp", token).await.ok().expect("the offered token is good");
    own.uid = agent.uid;
    drop(agent);
    own.send(own.first_message()).await;
    own.send(own.healthy()).await;
    assert_ne!(CAPABILITIES & 0x40, 0, "it sends own metrics");
    let (mut config, mut metrics) = (None, None);
    while config.is_none() || metrics.is_none() {
        let told = own.hear().await;
        config = config.or(told.remote_config);
        metrics = metrics.or_else(|| told.connection_settings.and_then(|settings| settings.own_metrics));
    }
    assert!(!config.and_then(|offer| offer.config).expect("a config").config_map[""].body.is_empty());
    let metrics = metrics.expect("a place for own metrics");
    assert_eq!(metrics.destination_endpoint, server.url("http", "/v1/metrics"));
    assert_eq!(metrics.certificate.expect("a certificate").ca_cert, authority.pem.as_bytes());
}
