//! `collector.v1` on a real server, as Alloy speaks it.

use linkmesh_proto::wire::collector::{
    GetConfigResponse, RegisterCollectorRequest, RemoteConfigStatuses, UnregisterCollectorRequest,
};
use prost::Message as _;
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::support::{alloy::Alloy, server::Server};

const PREFIXES: [&str; 2] = ["/api/v1/remotecfg", ""];

#[tokio::test]
async fn life_of_an_alloy() {
    let server = Server::start().await;
    let (id, token) = server.collector("alloy").await;
    server.pipeline("web", "info").await;
    let mut alloy = Alloy::new(&token);
    let register = RegisterCollectorRequest { id: "alloy-1".into(), name: "one".into(), ..Default::default() };
    for prefix in PREFIXES {
        let registered = alloy.call(&server, prefix, "RegisterCollector", register.encode_to_vec()).await;
        assert_eq!(registered.status().as_u16(), 200);
        assert_eq!(registered.headers().get(header::CONTENT_TYPE).unwrap(), "application/proto");
        assert!(registered.bytes().await.unwrap().is_empty());
    }
    let first = alloy.poll(&server, alloy.request()).await;
    assert!(!first.content.is_empty() && !first.not_modified && first.hash.len() == 64);
    let loaded = alloy.loaded(RemoteConfigStatuses::Applied.into(), "", Some(&first.content));
    assert!(alloy.poll(&server, loaded).await.not_modified);
    for _ in 0..3 {
        let again = alloy.poll(&server, alloy.request()).await;
        assert_eq!((again.not_modified, again.content.as_str(), &again.hash), (true, "", &first.hash));
    }
    let collector = server.collector_when(&id, "the config to be applied", |c| c["config_state"] == "applied").await;
    assert_eq!(collector["drift"], "in_sync");
    assert_eq!(collector["version"], "1.18.0");

    server.pipeline("web", "error").await;
    let second = alloy.poll(&server, alloy.request()).await;
    assert!(!second.not_modified && second.hash != first.hash);

    let stop = UnregisterCollectorRequest { id: "alloy-1".into() };
    let stopped = alloy.call(&server, "", "UnregisterCollector", stop.encode_to_vec()).await;
    assert_eq!(stopped.status().as_u16(), 200);
    server.collector_when(&id, "the collector to be offline", |c| c["status"] == "offline").await;
}

/// What real Alloys said of documents that they could not load.
const LOAD_ERRORS: [&str; 6] = [
    "34:1: expected }, got EOF",
    "33:1: cannot find the definition of component name \"foo.bar\"; 40:1: cannot find the definition of component name \"x.y\"",
    "26:4: unrecognized attribute name \"nope\"",
    "55:2: Failed to build component: decoding configuration: missing required block \"client\"",
    "51:12: component \"otelcol.exporter.otlphttp.gone.input\" does not exist or is out of scope",
    "32:1: component \"otelcol.exporter.debug\" is at stability level \"experimental\", which is below the minimum allowed \
     stability level \"generally-available\". Use --stability.level command-line flag to enable it",
];

#[tokio::test]
async fn load_failure_is_shown_in_alloys_words_and_what_runs_is_published_again() {
    let server = Server::start().await;
    let (id, token) = server.collector("alloy").await;
    server.pipeline("web", "info").await;
    let mut alloy = Alloy::new(&token);
    let running = alloy.next_text(&server).await;
    alloy.report(&server, RemoteConfigStatuses::Applied, "", Some(&running)).await;
    for (number, error) in LOAD_ERRORS.into_iter().enumerate() {
        server.pipeline(&format!("late-{number}"), "info").await;
        assert_ne!(alloy.next_text(&server).await, running);
        alloy.report(&server, RemoteConfigStatuses::Failed, error, None).await;
        let failed = server.collector_when(&id, "the failure", |c| c["config_state"] == "failed").await;
        assert_eq!((&failed["error"], &failed["status"]), (&json!(error), &json!("degraded")));
        assert_eq!(alloy.next_text(&server).await, running, "what it restored is what it is to have");
        alloy.report(&server, RemoteConfigStatuses::Applied, "", Some(&running)).await;
        assert!(alloy.poll(&server, alloy.request()).await.not_modified, "what it refused is not served again");
        let still = server.get(&format!("/collectors/{id}")).await;
        assert_eq!((&still["config_state"], &still["error"]), (&json!("failed"), &json!(error)));
    }
}

#[tokio::test]
async fn transport_error_is_no_failure_of_the_config() {
    let server = Server::start().await;
    let (id, token) = server.collector("alloy").await;
    server.pipeline("web", "info").await;
    let mut alloy = Alloy::new(&token);
    let text = alloy.next_text(&server).await;
    alloy.report(&server, RemoteConfigStatuses::Applied, "", Some(&text)).await;
    let events = server.events(&id).await;
    for error in
        ["unavailable: 503 Service Unavailable", "deadline_exceeded: context deadline exceeded", "unknown: 502"]
    {
        alloy.report(&server, RemoteConfigStatuses::Failed, error, None).await;
        assert_eq!(server.get(&format!("/collectors/{id}")).await["error"], Value::Null, "{error}");
    }
    assert!(alloy.poll(&server, alloy.request()).await.not_modified);
    alloy.report(&server, RemoteConfigStatuses::Applied, "", None).await;
    let collector = server.collector_when(&id, "the config to be applied", |c| c["config_state"] == "applied").await;
    assert_eq!(collector["drift"], "in_sync");
    let failed = |events: &[String]| events.iter().filter(|kind| kind.contains("failed")).count();
    assert_eq!((failed(&events), failed(&server.events(&id).await)), (0, 0));
}

#[tokio::test]
async fn get_and_json_give_the_same_as_post_and_protobuf() {
    let server = Server::start().await;
    let (_, token) = server.collector("alloy").await;
    server.pipeline("web", "info").await;
    let mut alloy = Alloy::new(&token);
    let expected = alloy.poll(&server, alloy.request()).await;
    let encoded = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        linkmesh_proto::wire::collector::GetConfigRequest { hash: String::new(), ..alloy.request() }.encode_to_vec(),
    );
    for prefix in PREFIXES {
        let path = format!("{prefix}/collector.v1.CollectorService/GetConfig");
        let get = server
            .http
            .get(server.url("http", &format!("{path}?connect=v1&base64=1&encoding=proto&message={encoded}")))
            .bearer_auth(&token);
        let get = get.send().await.unwrap();
        assert_eq!(get.headers().get(header::CONTENT_TYPE).unwrap(), "application/proto");
        assert_eq!(GetConfigResponse::decode(get.bytes().await.unwrap()).unwrap(), expected);

        let post = server.http.post(server.url("http", &path)).bearer_auth(&token).json(&json!({"id": "alloy-1"}));
        let post = post.send().await.unwrap();
        assert_eq!(post.headers().get(header::CONTENT_TYPE).unwrap(), "application/json");
        let body: Value = post.json().await.unwrap();
        assert_eq!(body, json!({"content": expected.content, "hash": expected.hash}));
    }
}

#[tokio::test]
async fn wrong_requests_get_the_errors_of_the_protocol() {
    let server = Server::start_with(&[("LINKMESH_REMOTECFG__MAX_BODY", "4KiB")]).await;
    let (_, token) = server.collector("alloy").await;
    let (_, otelcol) = server.collector("otelcol").await;
    let path = "/collector.v1.CollectorService/GetConfig";
    let send = async |method: Method, path: &str, token: &str, kind: &str, body: Vec<u8>| {
        let request = server.http.request(method, server.url("http", path)).bearer_auth(token);
        let response = request.header(header::CONTENT_TYPE, kind).body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
        let body: Value = if json { response.json().await.unwrap() } else { Value::Null };
        (status, body["code"].as_str().map(str::to_owned))
    };
    let proto = "application/proto";
    let good = Alloy::new(&token).request().encode_to_vec();
    for (method, at, token, kind, body, status, code) in [
        (Method::POST, path, "nonsense", proto, good.clone(), 401, Some("unauthenticated")),
        (Method::POST, path, otelcol.as_str(), proto, good.clone(), 403, Some("permission_denied")),
        (Method::POST, path, token.as_str(), proto, b"\xff\xff".to_vec(), 400, Some("invalid_argument")),
        (Method::POST, path, token.as_str(), proto, Vec::new(), 400, Some("invalid_argument")),
        (Method::POST, path, token.as_str(), "application/json", b"{\"id\":".to_vec(), 400, Some("invalid_argument")),
        (Method::POST, path, token.as_str(), "application/xml", good.clone(), 415, None),
        (Method::POST, path, token.as_str(), proto, vec![0; 5000], 413, Some("resource_exhausted")),
        (Method::PUT, path, token.as_str(), proto, good.clone(), 405, None),
        (
            Method::POST,
            "/collector.v1.CollectorService/Nothing",
            token.as_str(),
            proto,
            good.clone(),
            404,
            Some("unimplemented"),
        ),
    ] {
        let got = send(method.clone(), at, token, kind, body).await;
        assert_eq!((got.0, got.1.as_deref()), (status, code), "{method} {kind}");
    }
}

#[tokio::test]
async fn deregistered_alloy_is_turned_away() {
    let server = Server::start().await;
    let (id, token) = server.collector("alloy").await;
    let mut alloy = Alloy::new(&token);
    alloy.poll(&server, alloy.request()).await;
    assert!(server.rest(Method::DELETE, &format!("/collectors/{id}"), None).await.status().is_success());
    let refused = alloy.call(&server, "", "GetConfig", alloy.request().encode_to_vec()).await;
    assert_eq!(refused.status().as_u16(), 401);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["code"], "unauthenticated");
}
