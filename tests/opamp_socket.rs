//! OpAMP over a WebSocket, on a real server: frames, limits, credentials.

use linkmesh_proto::wire::opamp::{AgentToServer, ServerErrorResponseType, any_value};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{
        CloseFrame,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

use crate::support::{
    agent::{Agent, frame},
    server::Server,
    soon, wait_for,
};

async fn agent(config: &[(&'static str, &str)]) -> (Server, String, Agent) {
    let server = Server::start_with(config).await;
    let (id, token) = server.collector("otelcol").await;
    let agent = Agent::connect(&server, &token).await;
    (server, id, agent)
}

#[tokio::test]
async fn both_paths_open_a_session_and_other_paths_do_not() {
    let server = Server::start().await;
    let (_, token) = server.collector("otelcol").await;
    for path in ["/v1/opamp", "/api/v1/opamp"] {
        let mut agent = Agent::dial(&server, path, &token).await.ok().expect(path);
        let told = agent.tell(agent.first_message()).await;
        assert_eq!(told.instance_uid, agent.uid);
        assert_eq!(told.capabilities & 0x27, 0x27);
    }
    let elsewhere = Agent::dial(&server, "/v1/elsewhere", &token).await.err().expect("nothing there");
    assert_eq!(elsewhere.status, 404);
}

#[tokio::test]
async fn peers_without_a_good_token_are_turned_away_before_the_upgrade() {
    let server = Server::start().await;
    let (_, alloy) = server.collector("alloy").await;
    for (token, status) in
        [("", 401), ("nonsense", 401), ("lmct_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 401), (alloy.as_str(), 403)]
    {
        let refused = Agent::dial(&server, "/v1/opamp", token).await.err().expect("no session");
        assert_eq!(refused.status.as_u16(), status, "{token}");
        assert!(!refused.body.is_empty(), "the reason reaches the supervisor's log");
        assert_eq!(refused.headers.contains_key("www-authenticate"), status == 401);
    }
}

#[tokio::test]
async fn one_socket_more_than_allowed_is_told_to_come_back() {
    let (server, _, agent) = agent(&[("LINKMESH_OPAMP__MAX_CONNECTIONS", "1")]).await;
    let (_, token) = server.collector("otelcol").await;
    let refused = Agent::dial(&server, "/v1/opamp", &token).await.err().expect("no room");
    assert_eq!(refused.status, 503);
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(wait >= 30, "opamp-spec recommends it: {wait}");
    drop(agent);
    wait_for("the room to be free again", || async { Agent::dial(&server, "/v1/opamp", &token).await.ok() }).await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_the_session_goes_on() {
    let (_server, _, mut agent) = agent(&[]).await;
    let healthy = agent.healthy();
    let mut wrong_header = frame(&agent.stamped(healthy.clone()));
    wrong_header[0] = 1;
    for bad in [
        Message::Text("hello".into()),
        Message::Binary(vec![0, 0xff, 0xff].into()),
        Message::Binary(wrong_header.into()),
    ] {
        agent.send_frame(bad.clone()).await;
        let told = agent.hear().await;
        let error = told.error_response.unwrap_or_else(|| panic!("{bad:?} was not refused"));
        assert_eq!(error.r#type(), ServerErrorResponseType::BadRequest);
        assert_eq!(told.instance_uid, agent.uid, "the session's agent is known");
        assert_eq!(told.capabilities, 0, "nothing stands beside an error");
    }
    assert!(agent.tell(healthy).await.error_response.is_none());
}

#[tokio::test]
async fn messages_come_with_and_without_header_whole_and_in_pieces() {
    let (_server, _, mut agent) = agent(&[]).await;
    let big = Agent::effective(&vec![b'#'; 200_000]);
    let big = agent.stamped(big);
    let bytes = frame(&big);
    let pieces: Vec<_> = bytes.chunks(4096).collect();
    for (index, piece) in pieces.iter().enumerate() {
        let opcode = if index == 0 { Data::Binary } else { Data::Continue };
        let part = Frame::message(piece.to_vec(), OpCode::Data(opcode), index + 1 == pieces.len());
        agent.send_frame(Message::Frame(part)).await;
    }
    assert!(agent.hear().await.error_response.is_none());

    let healthy = agent.healthy();
    let without_header = frame(&agent.stamped(healthy))[1..].to_vec();
    agent.send_raw(without_header).await;
    assert!(agent.hear().await.error_response.is_none());
}

#[tokio::test]
async fn message_over_the_limit_closes_with_1009() {
    for pieces in [1, 3] {
        let (server, id, mut agent) = agent(&[("LINKMESH_OPAMP__MAX_MESSAGE", "64KiB")]).await;
        let bytes = vec![0; 80_000];
        for (index, part) in bytes.chunks(bytes.len().div_ceil(pieces)).enumerate() {
            let opcode = if index == 0 { Data::Binary } else { Data::Continue };
            let last = index + 1 == pieces;
            agent.send_frame(Message::Frame(Frame::message(part.to_vec(), OpCode::Data(opcode), last))).await;
        }
        assert_eq!(agent.closed().await, Some(1009));
        server.collector_when(&id, "the collector to be offline", |c| c["status"] == "offline").await;
    }
}

#[tokio::test]
async fn pings_are_answered_and_a_close_is_echoed() {
    let (server, id, mut agent) = agent(&[]).await;
    agent.send_frame(Message::Ping(b"hello".as_slice().into())).await;
    assert_eq!(agent.frame().await.unwrap().unwrap(), Message::Pong(b"hello".as_slice().into()));
    let bye = AgentToServer { agent_disconnect: Some(Default::default()), ..Default::default() };
    agent.tell(bye).await;
    agent.send_frame(Message::Close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }))).await;
    assert_eq!(agent.closed().await, Some(1000));
    server.collector_when(&id, "the collector to be offline", |c| c["status"] == "offline").await;
}

#[tokio::test]
async fn peer_that_says_nothing_is_pinged_and_at_last_offline() {
    let config = [("LINKMESH_OPAMP__PING_INTERVAL", "200ms"), ("LINKMESH_OPAMP__SILENCE", "1s")];
    let (server, id, mut agent) = agent(&config).await;
    assert!(matches!(agent.frame().await, Some(Ok(Message::Ping(_)))));
    // From here on nothing is read, so that no pong goes out.
    server.collector_when(&id, "the collector to be offline", |c| c["status"] == "offline").await;
}

#[tokio::test]
async fn deregistering_closes_at_once_and_the_token_is_dead() {
    let server = Server::start().await;
    for reads in [true, false] {
        let (id, token) = server.collector("otelcol").await;
        let mut agent = Agent::connect(&server, &token).await;
        let gone = server.rest(Method::DELETE, &format!("/collectors/{id}"), None).await;
        assert_eq!(gone.status(), StatusCode::NO_CONTENT);
        if reads {
            assert_eq!(agent.closed().await, Some(1008));
        }
        // The other one has read nothing up to here, and is told when it does.
        wait_for("the socket to be closed", || async {
            let open = server.counted("connections", "kind=\"opamp\"").await;
            if open == 0.0 { Ok(()) } else { Err(format!("{open} are open")) }
        })
        .await;
        if !reads {
            assert_eq!(agent.closed().await, Some(1008));
        }
        let refused = Agent::dial(&server, "/v1/opamp", &token).await.err().expect("the token is dead");
        assert_eq!(refused.status, 401);
    }
}

#[tokio::test]
async fn two_sockets_with_one_uid_both_live_and_one_is_told_of() {
    let (server, id, mut first) = agent(&[]).await;
    let token = server.ask(Method::POST, &format!("/collectors/{id}/token"), None).await;
    let token = token["token"].as_str().expect("a token");
    let mut second = Agent::dial(&server, "/v1/opamp", token).await.ok().expect("the token is good");
    second.uid = first.uid;
    let full = second.first_message();
    second.tell(full).await;
    let healthy = first.healthy();
    for agent in [&mut first, &mut second] {
        assert!(agent.tell(healthy.clone()).await.error_response.is_none(), "neither socket is closed");
    }
    let is_told = |c: &serde_json::Value| c["notices"] == json!(["two processes use this token"]);
    server.collector_when(&id, "the notice", is_told).await;

    // What is saved is offered to the first, which is the collector, and to nobody else.
    server.pipeline("web", "info").await;
    let (hash, text) = first.offered().await;
    first.apply(&hash, &text).await;
    server.collector_when(&id, "the config to be applied", |c| c["config_state"] == "applied").await;
    for _ in 0..3 {
        let told = second.tell(healthy.clone()).await;
        assert!(told.remote_config.is_none() && told.connection_settings.is_none() && told.flags == 0, "{told:?}");
    }
    drop(second);
    server.collector_when(&id, "the notice to go", |c| c["notices"] == serde_json::Value::Null).await;
}

#[tokio::test]
async fn gaps_in_the_sequence_ask_for_the_full_state_once() {
    let (_server, _, mut agent) = agent(&[]).await;
    agent.sequence += 5;
    assert_eq!(agent.tell(Default::default()).await.flags & 1, 1, "a gap");
    assert_eq!(agent.tell(Default::default()).await.flags & 1, 0, "asked once");
    let full = agent.first_message();
    assert_eq!(agent.tell(full).await.flags & 1, 0);
    agent.sequence -= 1;
    let repeated = agent.tell(Default::default()).await;
    assert_eq!((repeated.flags & 1, repeated.error_response.is_none()), (0, true), "a repetition is answered");
}

#[tokio::test]
async fn enrolment_token_opens_once_and_lets_its_supervisor_back_in() {
    let server = Server::start().await;
    let made = server.ask(Method::POST, "/enrollment-tokens", Some(json!({"labels": {"zone": "a"}}))).await;
    let token = made["token"].as_str().expect("a token").to_owned();
    let mut first = Agent::connect(&server, &token).await;
    let listed = wait_for("the collector to be there", || async {
        let list = server.get("/collectors").await;
        (list["total"] == 1).then_some(list)
    })
    .await;
    assert_eq!(listed["items"][0]["attributes"]["zone"], "a");

    soon("the first to go", first.send_frame(Message::Close(None))).await;
    first.closed().await;
    let mut back = Agent::dial(&server, "/v1/opamp", &token).await.ok().expect("it redeemed the token");
    back.uid = first.uid;
    let full = back.first_message();
    assert!(back.tell(full).await.error_response.is_none());

    // Another uid with the used token: only its first message can show it. The socket stays open, and idle.
    let mut other = Agent::dial(&server, "/v1/opamp", &token).await.ok().expect("the socket opens");
    let full = other.first_message();
    assert!(other.tell(full).await.error_response.is_some());
    let refused = Agent::dial(&server, "/v1/opamp", &token).await.err().expect("turned away by now");
    assert_eq!(refused.status, 410);
    assert_eq!(server.get("/collectors").await["total"], 1);
}

#[tokio::test]
async fn version_that_is_reported_is_too_old_for_what_needs_a_newer_one() {
    let (server, id, mut agent) = agent(&[]).await;
    let s3 = json!({
        "id": "archive", "name": "Archive", "kind": "s3",
        "settings": {"bucket": "logs", "region": "eu-central-1"},
    });
    server.ask(Method::POST, "/destinations", Some(s3)).await;
    let pipeline = json!({
        "name": "x", "signals": ["logs"], "match": [format!("collector.id=\"{id}\"")],
        "sources": [{"id": "in", "kind": "otlp", "settings": {"grpc": {"endpoint": "127.0.0.1:4317"}}}],
        "destinations": ["archive"],
    });
    let warned = async || {
        let answer = server.ask(Method::POST, "/pipelines/validate", Some(pipeline.clone())).await;
        assert_eq!(answer["errors"], json!([]));
        let warnings = answer["warnings"].as_array().expect("a list").clone();
        warnings.into_iter().filter(|w| w["code"] == "older_version").collect::<Vec<_>>()
    };
    server.collector_when(&id, "the version to be known", |c| c["version"] == "0.158.0").await;
    assert_eq!(warned().await, [json!(null); 0]);
    let mut older = agent.first_message();
    let description = older.agent_description.as_mut().expect("a description");
    for attribute in &mut description.identifying_attributes {
        if attribute.key == "service.version" {
            attribute.value.as_mut().expect("a value").value =
                Some(any_value::Value::StringValue("0.149.0".to_owned()));
        }
    }
    agent.tell(older).await;
    let collector = server.collector_when(&id, "the older version", |c| c["version"] == "0.149.0").await;
    let found = warned().await;
    let message = found.first().expect("a warning")["message"].as_str().expect("a text");
    let name = collector["name"].as_str().expect("a name");
    assert!(message.contains("`s3` needs otelcol 0.151 or newer") && message.ends_with(name), "{message}");
}
