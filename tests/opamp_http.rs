//! OpAMP by plain HTTP, on both paths.

use std::io::{Read as _, Write as _};

use linkmesh_proto::wire::opamp::{AgentToServer, RemoteConfigStatuses, ServerToAgent};
use prost::Message as _;
use reqwest::{RequestBuilder, Response, header};

use crate::support::{agent::Agent, agent::CAPABILITIES, server::Server, wait_for};

const PROTOBUF: &str = "application/x-protobuf";

fn post(server: &Server, path: &str, token: &str) -> RequestBuilder {
    server.http.post(server.url("http", path)).bearer_auth(token).header(header::CONTENT_TYPE, PROTOBUF)
}

fn message(uid: [u8; 16], sequence_num: u64) -> AgentToServer {
    AgentToServer { instance_uid: uid.to_vec(), sequence_num, capabilities: CAPABILITIES, ..Default::default() }
}

async fn answer(response: Response) -> ServerToAgent {
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), PROTOBUF);
    ServerToAgent::decode(response.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn each_post_is_answered_with_the_uid_and_the_capabilities_of_the_server() {
    let server = Server::start().await;
    let (_, token) = server.collector("otelcol").await;
    let uid = [7; 16];
    for (sequence, path) in (0..).zip(["/v1/opamp", "/api/v1/opamp"]) {
        let body = message(uid, sequence).encode_to_vec();
        let told = answer(post(&server, path, &token).body(body).send().await.unwrap()).await;
        assert_eq!(told.instance_uid, uid);
        assert_eq!(told.capabilities & 0x27, 0x27);
        assert!(told.error_response.is_none());
    }
    let parameters = server
        .http
        .post(server.url("http", "/v1/opamp"))
        .bearer_auth(&token)
        .header(header::CONTENT_TYPE, "application/x-protobuf; charset=utf-8")
        .header("opamp-instance-uid", "00000000-0000-0000-0000-000000000000")
        .body(message(uid, 2).encode_to_vec());
    answer(parameters.send().await.unwrap()).await;
}

#[tokio::test]
async fn gzip_is_read_and_written() {
    let server = Server::start().await;
    let (_, token) = server.collector("otelcol").await;
    for id in ["web", "shop", "mail"] {
        server.pipeline(id, "info").await;
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&message([7; 16], 0).encode_to_vec()).unwrap();
    let request = post(&server, "/v1/opamp", &token).header(header::CONTENT_ENCODING, "gzip");
    answer(request.body(packed.finish().unwrap()).send().await.unwrap()).await;

    // reqwest would undo it unseen: by hand, with a client that does not.
    let plain = reqwest::Client::builder().no_gzip().build().unwrap();
    let agent = Agent::dial(&server, "/v1/opamp", &token).await.ok().unwrap();
    let (full, healthy) = (agent.first_message(), agent.healthy());
    let uid = [9; 16];
    let mut sequence = 0;
    let offer = wait_for("an offer", || {
        let parts = if sequence == 0 { full.clone() } else { healthy.clone() };
        let body = AgentToServer { capabilities: CAPABILITIES, ..message(uid, sequence) };
        let body = AgentToServer {
            instance_uid: body.instance_uid,
            sequence_num: body.sequence_num,
            capabilities: CAPABILITIES,
            ..parts
        };
        sequence += 1;
        let request = plain
            .post(server.url("http", "/v1/opamp"))
            .bearer_auth(&token)
            .header(header::CONTENT_TYPE, PROTOBUF)
            .header(header::ACCEPT_ENCODING, "gzip")
            .body(body.encode_to_vec());
        async {
            let response = request.send().await.unwrap();
            let packed = response.headers().get(header::CONTENT_ENCODING).is_some_and(|value| value == "gzip");
            let bytes = response.bytes().await.unwrap();
            let mut text = Vec::new();
            if packed {
                flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap();
            } else {
                text = bytes.to_vec();
            }
            assert_eq!(packed, text.len() >= 1024, "answers that are worth it are compressed: {} bytes", text.len());
            let told = ServerToAgent::decode(&text[..]).unwrap();
            told.remote_config.map(|config| (config, packed))
        }
    })
    .await;
    assert!(offer.1, "the offer is too small to show compression");
    // An APPLIED by plain HTTP counts like any other.
    let applied = Agent::status(&offer.0.config_hash, RemoteConfigStatuses::Applied, "");
    let applied =
        AgentToServer { instance_uid: uid.to_vec(), sequence_num: sequence, capabilities: CAPABILITIES, ..applied };
    let told = answer(post(&server, "/v1/opamp", &token).body(applied.encode_to_vec()).send().await.unwrap()).await;
    assert!(told.remote_config.is_none());
}

#[tokio::test]
async fn bad_bodies_and_heads_are_refused() {
    let server = Server::start_with(&[("LINKMESH_OPAMP__MAX_MESSAGE", "4KiB")]).await;
    let (_, token) = server.collector("otelcol").await;
    let send = |body: Vec<u8>, encoding: &'static str| {
        post(&server, "/v1/opamp", &token).header(header::CONTENT_ENCODING, encoding).body(body).send()
    };
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    bomb.write_all(&vec![0; 100_000]).unwrap();
    for (body, encoding, status) in [
        (b"\xff\xff".to_vec(), "identity", 400),
        (b"no gzip".to_vec(), "gzip", 400),
        (vec![0; 5000], "identity", 413),
        (bomb.finish().unwrap(), "gzip", 413),
        (Vec::new(), "br", 415),
    ] {
        assert_eq!(send(body, encoding).await.unwrap().status().as_u16(), status, "{encoding}");
    }
    let get = server.http.get(server.url("http", "/v1/opamp")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(get.status().as_u16(), 400);
    let json = server.http.post(server.url("http", "/v1/opamp")).bearer_auth(&token);
    let json = json.header(header::CONTENT_TYPE, "application/json").body("{}").send().await.unwrap();
    assert_eq!(json.status().as_u16(), 415);
}

#[tokio::test]
async fn wrong_credentials_change_nothing_and_are_slowed_down() {
    let server = Server::start().await;
    let (id, token) = server.collector("otelcol").await;
    let (_, alloy) = server.collector("alloy").await;
    let body = message([7; 16], 0).encode_to_vec();
    let status = async |token: &str| {
        post(&server, "/v1/opamp", token).body(body.clone()).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("nonsense").await, 401);
    assert_eq!(status("lmct_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await, 401);
    assert_eq!(status("lmet_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await, 401);
    assert_eq!(status(&alloy).await, 403, "the token of a collector of the other runtime");
    let mut slowed = None;
    for _ in 0..100 {
        let refused = post(&server, "/v1/opamp", "nonsense").body(body.clone()).send().await.unwrap();
        if refused.status().as_u16() == 429 {
            slowed = refused.headers().get(header::RETRY_AFTER).cloned();
            break;
        }
    }
    assert!(slowed.is_some(), "many failures from one address are slowed down");
    assert_eq!(server.get(&format!("/collectors/{id}")).await["status"], "pending");
    assert_eq!(status(&token).await, 200, "a good token is not held up by others' failures");
}
