//! What is wrong with a request, in the one form of every error.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::harness::{Api, Stores};

#[actix_web::test]
async fn what_is_not_there_is_a_problem_too() {
    let api = Api::start().await;
    api.get("/nowhere").await.problem(404, "not_found");
    api.get("").await.problem(404, "not_found");
    api.get("/pipelines/none").await.problem(404, "not_found");
    api.get("/collectors/00000000-0000-0000-0000-000000000000").await.problem(404, "not_found");
    api.get(&format!("/revisions/{}", "0".repeat(40))).await.problem(404, "not_found");
    let answer = api.delete("/pipelines").await;
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "GET, POST");
}

#[actix_web::test]
async fn identifier_that_cannot_be_one_is_refused_with_the_rule() {
    let api = Api::start().await;
    for path in ["/pipelines/No_Slug", "/collectors/7", "/revisions/HEAD", "/destinations/-a"] {
        let problem = api.get(path).await.problem(400, "malformed_request");
        assert!(problem["detail"].as_str().unwrap().contains("is not a valid"), "{problem}");
    }
}

#[actix_web::test]
async fn body_that_is_no_json_is_refused_with_line_and_column() {
    let api = Api::start().await;
    let send = |content_type: &'static str, body: &'static str| {
        api.send(api.request(Method::POST, "/collectors").header("content-type", content_type).body(body))
    };
    let problem = send("application/json", "{\"name\": \"a\",\n oops}").await.problem(400, "malformed_request");
    assert!(problem["detail"].as_str().unwrap().contains("line 2, column 2"), "{problem}");
    send("application/json", "").await.problem(400, "malformed_request");
    send("text/plain", "{}").await.problem(415, "unsupported_media_type");
    send("application/x-www-form-urlencoded", "name=a").await.problem(415, "unsupported_media_type");
}

#[actix_web::test]
async fn body_over_the_limit_is_refused() {
    let api = Api::start().await;
    let body = json!({"name": "x".repeat(70_000), "runtime": "alloy"});
    api.post("/collectors", body.clone()).await.problem(413, "too_large");
    let keyed = api.request(Method::POST, "/collectors").header("idempotency-key", "k").json(&body);
    api.send(keyed).await.problem(413, "too_large");
}

#[actix_web::test]
async fn wrong_fields_are_named() {
    let api = Api::start().await;
    let places = |body: Value| async { api.post("/collectors", body).await.places(422, "invalid_document") };
    let one = |field: &str, code: &str| vec![(field.to_owned(), code.to_owned())];
    assert_eq!(places(json!({"name": "a", "runtime": "alloy", "colour": 1})).await, one("colour", "unknown_field"));
    assert_eq!(places(json!({"name": "a"})).await, one("runtime", "missing_field"));
    assert_eq!(places(json!({"name": "a", "runtime": "vector"})).await, one("runtime", "unknown_value"));
    assert_eq!(places(json!({"name": 1, "runtime": "alloy"})).await, one("name", "invalid_type"));
    let labels = json!({"name": "a", "runtime": "alloy", "labels": {"env": 1}});
    assert_eq!(places(labels).await, one("labels.env", "invalid_type"));
}

#[actix_web::test]
async fn query_parameters_are_checked() {
    let api = Api::start().await;
    for query in [
        "colour=red",
        "limit=0",
        "limit=501",
        "limit=x",
        "limit=1&limit=2",
        "sort=colour",
        "runtime=vector",
        "status=gone",
        "cursor=zzz",
        "match=env",
        "match=env%3D~%22(%22",
    ] {
        api.get(&format!("/collectors?{query}")).await.problem(400, "invalid_query");
    }
    api.get("/collectors?match=env%3D%22prod%22&match=a%21%3D%22b%22&limit=500").await.expect(200);
}

#[actix_web::test]
async fn request_id_of_the_client_is_kept_when_it_can_be() {
    let api = Api::start().await;
    let with = |id: &'static str| api.send(api.request(Method::GET, "/nowhere").header("x-request-id", id));
    assert_eq!(with("proxy-7f.A").await.problem(404, "not_found")["request_id"], "proxy-7f.A");
    let other = with("a b").await;
    other.problem(404, "not_found");
    assert_ne!(other.header("x-request-id"), "a b");
}

#[actix_web::test]
async fn answers_are_those_of_a_cautious_server() {
    let api = Api::start().await;
    for path in ["/session", "/nowhere"] {
        let answer = api.get(path).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    }
}

/// Sends the head of a request and a body that never ends, a byte now and then; answers all that comes until the server
/// ends the connection.
async fn trickle(api: &Api, head: &str) -> String {
    let stream = TcpStream::connect(api.url.strip_prefix("http://").unwrap()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let host = "HTTP/1.1\r\nHost: linkmesh\r\nContent-Type: application/json\r\n";
    let head = head.replacen("HTTP/1.1\r\n", host, 1);
    writer.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await.unwrap();
    let sending = async {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        while writer.write_all(b"1\r\n \r\n").await.is_ok() {
            pause.tick().await;
        }
    };
    let mut answer = Vec::new();
    // A reset ends a connection too.
    let both = async { tokio::join!(reader.read_to_end(&mut answer), sending) };
    drop(tokio::time::timeout(Duration::from_secs(20), both).await.expect("the server ends the connection"));
    String::from_utf8_lossy(&answer).into_owned()
}

#[actix_web::test]
async fn body_that_trickles_is_cut() {
    let api = Api::start_with(Stores::Redb, |edge| edge.body_timeout = Duration::from_millis(300)).await;
    let enrolment = api.post("/enrollment-tokens", json!({})).await.expect(201);
    let bearer = format!("Authorization: Bearer {}\r\n", enrolment["token"].as_str().unwrap());
    for (path, headers) in [("session", ""), ("setup", ""), ("enrol", &bearer)] {
        let answer = trickle(&api, &format!("POST /api/v1/{path} HTTP/1.1\r\n{headers}")).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("body_late"), "{path}: {answer}");
    }
    let metrics = api.get("/metrics").await.text;
    assert!(metrics.contains("linkmesh_server_bodies_late_total 3\n"), "{metrics}");
}

#[actix_web::test]
async fn refused_request_cannot_go_on_sending() {
    // Far more than the test waits: it is the refusal that ends the connection.
    let api = Api::start_with(Stores::Redb, |edge| edge.body_timeout = Duration::from_secs(600)).await;
    let stranger = format!("Authorization: Bearer lmet_{}\r\n", "A".repeat(43));
    for (line, headers, status) in [
        ("POST /api/v1/collectors", "", 401),
        ("PUT /api/v1/pipelines/a", "", 401),
        ("POST /api/v1/enrol", stranger.as_str(), 401),
        ("POST /api/v1/nowhere", "", 404),
        ("POST /api/v1/openapi.json", "", 405),
        ("GET /api/v1/openapi.json", "", 200),
    ] {
        let answer = trickle(&api, &format!("{line} HTTP/1.1\r\n{headers}")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {answer}");
    }
}
