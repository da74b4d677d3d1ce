//! What holds for every protocol of collectors: whose body is read, for how long, and from where a request comes.

use std::{io::Write as _, time::Duration};

use reqwest::{Method, header::HeaderValue};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{agent::Agent, alloy::Alloy, server::Server, soon, wait_for};

/// Where collectors post, with the content type that belongs there.
const ROUTES: [(&str, &str, &str); 3] = [
    ("/v1/opamp", "application/x-protobuf", "otelcol"),
    ("/v1/metrics", "application/x-protobuf", "otelcol"),
    ("/collector.v1.CollectorService/GetConfig", "application/proto", "alloy"),
];

/// The head of a POST, as far as it matters here.
fn head(path: &str, kind: &str, token: &str, framing: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: linkmesh\r\nAuthorization: Bearer {token}\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n"
    )
}

/// Everything that comes until the server ends the connection.
async fn to_the_end(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    // A reset ends a connection too.
    drop(soon("the end of the connection", stream.read_to_end(&mut all)).await);
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn nothing_is_read_of_a_peer_whose_token_is_not_known() {
    let server = Server::start().await;
    for (path, kind, _) in ROUTES {
        // Far more than any limit, announced and never sent; and one of unknown length that never ends.
        for framing in ["Content-Length: 900000000", "Transfer-Encoding: chunked"] {
            let mut stream = TcpStream::connect(&server.address).await.unwrap();
            let nobody = format!("lmct_{}", "A".repeat(43));
            stream.write_all(head(path, kind, &nobody, framing).as_bytes()).await.unwrap();
            let answer = to_the_end(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 401 "), "{path} {framing}: {answer}");
            if path.contains("collector.v1") {
                let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
                let body: Value = serde_json::from_str(body).expect("JSON");
                assert_eq!(body["code"], "unauthenticated");
            }
        }
    }
}

#[tokio::test]
async fn body_that_trickles_is_cut() {
    let server = Server::start_with(&[("LINKMESH_HTTP__BODY_TIMEOUT", "300ms")]).await;
    let mut cut = 0;
    for (path, kind, runtime) in ROUTES {
        let (_, token) = server.collector(runtime).await;
        for framing in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
            let stream = TcpStream::connect(&server.address).await.unwrap();
            let (mut reader, mut writer) = stream.into_split();
            writer.write_all(head(path, kind, &token, framing).as_bytes()).await.unwrap();
            let trickle = async {
                let mut pause = tokio::time::interval(Duration::from_millis(20));
                let part: &[u8] = if framing.contains("chunked") { b"1\r\nx\r\n" } else { b"x" };
                while writer.write_all(part).await.is_ok() {
                    pause.tick().await;
                }
            };
            // It goes on as long as it can.
            let (answer, ()) = tokio::join!(to_the_end(&mut reader), soon("the end of the trickle", trickle));
            assert!(answer.starts_with("HTTP/1.1 408 "), "{path} {framing}: {answer}");
            cut += 1;
        }
    }
    let metrics = metrics(&server).await;
    assert!(metrics.contains(&format!("linkmesh_server_bodies_late_total {cut}\n")), "{metrics}");
}

/// Of a few kilobytes that unpack to a message of empty parts, which would take gigabytes.
fn bomb(parts: usize, around: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&around(b"\x0a\x00".repeat(parts))).unwrap();
    packed.finish().unwrap()
}

/// The most memory that the process ever held, in MiB.
fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() >> 10
}

#[tokio::test]
async fn messages_that_unpack_to_far_more_than_was_sent_take_no_more_than_there_is_for_all() {
    let limits = [
        ("LINKMESH_OPAMP__MAX_MESSAGE", "16MiB"),
        ("LINKMESH_REMOTECFG__MAX_BODY", "16MiB"),
        ("LINKMESH_OTLP__MAX_BODY", "16MiB"),
        ("LINKMESH_HTTP__MAX_UNFINISHED", "32MiB"),
    ];
    let server = Server::start_with(&limits).await;
    let before = peak_mib(server.pid());
    let described = |parts: Vec<u8>| {
        let mut message = Vec::new();
        prost::encoding::encode_key(3, prost::encoding::WireType::LengthDelimited, &mut message);
        prost::encoding::encode_varint(parts.len() as u64, &mut message);
        message.extend(parts);
        message
    };
    let (of_opamp, of_others) = (bomb(7 << 20, described), bomb(7 << 20, |parts| parts));
    assert!(of_opamp.len() < 64 << 10);
    for (path, kind, runtime) in ROUTES {
        let (_, token) = server.collector(runtime).await;
        let body = if path == "/v1/opamp" { &of_opamp } else { &of_others };
        let send = || async {
            let request = server.http.post(server.url("http", path)).bearer_auth(&token);
            let request = request.header("content-type", kind).header("content-encoding", "gzip");
            request.body(body.clone()).send().await.unwrap()
        };
        let answers = futures_util::future::join_all((0..16).map(|_| send())).await;
        let of = |status: u16| answers.iter().filter(|answer| answer.status().as_u16() == status).collect::<Vec<_>>();
        let (large, full) = (of(413), of(503));
        assert!(!large.is_empty() && large.len() + full.len() == answers.len(), "{path}: {answers:?}");
        assert!(full.iter().all(|answer| answer.headers().contains_key("retry-after")), "{path}: {full:?}");
    }
    let grown = peak_mib(server.pid()) - before;
    // What is held, what the allocator keeps of it for each thread, and all else that a server does. Decoded, one message
    // would have taken more.
    assert!(grown < 200, "{grown} MiB");
    assert_eq!(server.get("/fleet/summary").await["broken_files"], json!([]));
}

async fn metrics(server: &Server) -> String {
    server.rest(Method::GET, "/metrics", None).await.text().await.expect("text")
}

#[tokio::test]
async fn collectors_behind_a_trusted_proxy_are_told_apart() {
    let server = Server::start_with(&[("LINKMESH_HTTP__TRUSTED_PROXIES", "[\"127.0.0.1\"]")]).await;
    let address = |id: String, address: &'static str| {
        let server = &server;
        async move { server.collector_when(&id, "its address", |c| c["address"] == address).await }
    };
    let (id, token) = server.collector("otelcol").await;
    let mut agent = Agent::dial_from(&server, "/v1/opamp", &token, Some("192.0.2.1")).await.ok().expect("a session");
    agent.tell(agent.first_message()).await;
    address(id, "192.0.2.1").await;

    let (id, token) = server.collector("alloy").await;
    let mut alloy = Alloy::new(&token);
    alloy.headers.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.1, 192.0.2.2"));
    alloy.poll(&server, alloy.request()).await;
    address(id, "192.0.2.2").await;

    // One that fails over and over is slowed down, and nobody else.
    let fail = async |from: &'static str| {
        let refused = Agent::dial_from(&server, "/v1/opamp", "lmct_nobody", Some(from)).await.err();
        refused.expect("no session").status.as_u16()
    };
    wait_for("one address to be slowed down", || async { (fail("192.0.2.3").await == 429).then_some(()) }).await;
    assert_eq!(fail("192.0.2.4").await, 401);
    for path in ["/v1/metrics", "/collector.v1.CollectorService/GetConfig"] {
        for (from, status) in [("192.0.2.3", 429), ("192.0.2.4", 401)] {
            let request = server.http.post(server.url("http", path)).bearer_auth("lmct_nobody");
            let refused = request.header("x-forwarded-for", from).body("x").send().await.unwrap();
            assert_eq!(refused.status().as_u16(), status, "{path} {from}");
        }
    }
}

#[tokio::test]
async fn header_of_a_stranger_is_not_believed() {
    let server = Server::start().await;
    let (id, token) = server.collector("otelcol").await;
    let mut agent = Agent::dial_from(&server, "/v1/opamp", &token, Some("192.0.2.1")).await.ok().expect("a session");
    agent.tell(agent.first_message()).await;
    server.collector_when(&id, "its address", |c| c["address"] == "127.0.0.1").await;
}

#[tokio::test]
async fn enrolment_tokens_that_ended_and_tokens_of_another_kind_open_nothing() {
    let server = Server::start().await;
    let made = async |body: Value| {
        let made = server.ask(Method::POST, "/enrollment-tokens", Some(body)).await;
        made["token"].as_str().expect("a token").to_owned()
    };
    let (ended, alloys) = (made(json!({"ttl_s": 1})).await, made(json!({"runtime": "alloy"})).await);
    wait_for("the token to end", || async { Agent::dial(&server, "/v1/opamp", &ended).await.err() }).await;
    let account = format!("lmsat_{}", "A".repeat(43));
    for (token, status) in [(&ended, 410), (&alloys, 403), (&account, 401)] {
        for path in ["/v1/opamp", "/api/v1/opamp"] {
            let upgrade = Agent::dial(&server, path, token).await.err().expect("no session");
            assert_eq!(upgrade.status.as_u16(), status, "{path}");
            let post = server.http.post(server.url("http", path)).bearer_auth(token);
            let post = post.header("content-type", "application/x-protobuf").body("").send().await.unwrap();
            assert_eq!(post.status().as_u16(), status, "{path}");
        }
    }
    assert_eq!(server.get("/collectors").await["total"], 0);
}

#[tokio::test]
async fn what_becomes_of_sockets_and_polls_is_counted_once() {
    let config = [("LINKMESH_OPAMP__MAX_MESSAGE", "64KiB"), ("LINKMESH_HTTP__WORKERS", "1")];
    let server = Server::start_with(&config).await;
    let (_, token) = server.collector("otelcol").await;
    let mut agent = Agent::connect(&server, &token).await;
    agent.send_raw(vec![0; 80_000]).await;
    assert_eq!(agent.closed().await, Some(1009));
    assert!(Agent::dial(&server, "/v1/opamp", "nonsense").await.is_err());
    let alloy = Alloy::new("nonsense");
    assert_eq!(alloy.call(&server, "", "GetConfig", Vec::new()).await.status().as_u16(), 401);
    let expected = [
        "linkmesh_server_opamp_sockets_total{event=\"opened\"} 1\n",
        "linkmesh_server_opamp_sockets_total{event=\"refused\"} 1\n",
        "linkmesh_server_opamp_sockets_total{event=\"cut\"} 0\n",
        "linkmesh_server_opamp_sockets_total{event=\"too_large\"} 1\n",
        "linkmesh_server_remotecfg_polls_total{result=\"refused\"} 1\n",
    ];
    wait_for("the counts", || async {
        let metrics = metrics(&server).await;
        expected.iter().all(|line| metrics.contains(line)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn heartbeat_of_the_configuration_is_offered() {
    let server = Server::start_with(&[("LINKMESH_OPAMP__HEARTBEAT", "45s")]).await;
    let made = server.ask(Method::POST, "/enrollment-tokens", Some(json!({}))).await;
    let mut agent = Agent::dial(&server, "/v1/opamp", made["token"].as_str().unwrap()).await.ok().expect("a session");
    let told = agent.tell(agent.first_message()).await;
    let offer = told.connection_settings.and_then(|settings| settings.opamp).expect("settings");
    assert_eq!(offer.heartbeat_interval_seconds, 45);
}
