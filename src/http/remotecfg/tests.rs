//! The protocol's edge cases, as the real connect-go handler answered them (remotecfg.md 1.5).

use actix_web::{body::to_bytes, http::StatusCode, test::TestRequest};
use linkmesh_proto::wire::collector::{EffectiveConfig, RemoteConfigStatus};
use prost::Message as _;

use super::{connect::Codable, *};
use crate::http::budget::{Budget, Share};

const LIMIT: usize = 1 << 20;

/// What a body may hold while it is unpacked.
fn share() -> Share {
    Budget::new(2 * LIMIT).share()
}

fn post() -> TestRequest {
    TestRequest::post().insert_header(("content-type", "application/proto"))
}

fn poll() -> GetConfigRequest {
    GetConfigRequest {
        id: "c1".into(),
        local_attributes: [("env".to_owned(), "prod".to_owned())].into(),
        remote_config_status: Some(RemoteConfigStatus::default()),
        ..Default::default()
    }
}

fn status_of(refusal: Refusal) -> StatusCode {
    refusal.into_response().status()
}

async fn error_of(refusal: Refusal) -> (u16, serde_json::Value) {
    let response = refusal.into_response();
    assert_eq!(response.headers().get("content-type").unwrap(), "application/json");
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap())
}

#[actix_web::test]
async fn bytes_of_a_real_alloy_are_read() {
    let body = b"\x0a\x02c1\x22\x0b\x0a\x03env\x12\x04prod\x2a\x00";
    let call = Call::of_post(&post().insert_header(("connect-protocol-version", "1")).to_http_request()).unwrap();
    assert_eq!(call.decode::<GetConfigRequest>(Bytes::from_static(body), LIMIT, share()).unwrap(), poll());
}

#[actix_web::test]
async fn get_of_older_alloys_is_read() {
    let message = "CgJjMSILCgNlbnYSBHByb2QqAA";
    for uri in [
        format!("/x?connect=v1&base64=1&encoding=proto&message={message}"),
        format!("/x?message={message}==&what=ever&encoding=proto&base64=1"),
        "/x?encoding=json&connect=v1&message=%7B%22id%22%3A%22c1%22%2C%22localAttributes%22%3A%7B%22env%22%3A%22prod%22%7D%2C%22remoteConfigStatus%22%3A%7B%7D%7D".to_owned(),
    ] {
        let (call, body) = Call::of_get(&TestRequest::get().uri(&uri).to_http_request(), LIMIT).unwrap();
        assert_eq!(call.decode::<GetConfigRequest>(body, LIMIT, share()).unwrap(), poll(), "{uri}");
        let answer = call.answer(GetConfigResponse::default(), |body| body.into());
        assert_eq!(answer.headers().get("vary").unwrap(), "Accept-Encoding");
    }
    let packed = connect::gzip(&poll().encode_to_vec());
    let packed = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE, packed);
    let uri = format!("/x?connect=v1&base64=1&encoding=proto&compression=gzip&message={packed}");
    let (call, body) = Call::of_get(&TestRequest::get().uri(&uri).to_http_request(), LIMIT).unwrap();
    assert_eq!(call.decode::<GetConfigRequest>(body, LIMIT, share()).unwrap(), poll());
}

#[actix_web::test]
async fn get_that_lacks_something_is_refused() {
    for (query, message) in [
        ("encoding=proto&connect=v1", "missing message parameter"),
        ("message=CgJjMQ&base64=1&connect=v1", "missing encoding parameter"),
        ("encoding=proto&message=CgJjMQ&connect=v2", "connect parameter must be \"v1\": got \"v2\""),
        ("encoding=proto&message=%25&base64=1", "message parameter is not base64"),
    ] {
        let request = TestRequest::get().uri(&format!("/x?{query}")).to_http_request();
        let (status, body) = error_of(Call::of_get(&request, LIMIT).unwrap_err()).await;
        assert_eq!((status, body["code"].as_str()), (400, Some("invalid_argument")), "{query}");
        assert_eq!(body["message"], message);
    }
}

#[actix_web::test]
async fn heads_that_are_refused() {
    for kind in ["application/xml", "application/x-protobuf", "application/proto; charset=utf-8", ""] {
        let request = TestRequest::post().insert_header(("content-type", kind)).to_http_request();
        let response = Call::of_post(&request).unwrap_err().into_response();
        assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
        assert!(response.headers().contains_key("accept-post"));
        assert!(to_bytes(response.into_body()).await.unwrap().is_empty());
    }
    for (name, value, status, code) in [
        ("connect-protocol-version", "2", 400, "invalid_argument"),
        ("connect-timeout-ms", "abc", 400, "invalid_argument"),
        ("connect-timeout-ms", "12345678901", 400, "invalid_argument"),
        ("content-encoding", "br", 501, "unimplemented"),
    ] {
        let request = post().insert_header((name, value)).to_http_request();
        let (got, body) = error_of(Call::of_post(&request).unwrap_err()).await;
        assert_eq!((got, body["code"].as_str()), (status, Some(code)), "{name}: {value}");
    }
    for good in ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"] {
        let request = TestRequest::post().insert_header(("content-type", good)).to_http_request();
        assert_eq!(Call::of_post(&request).unwrap().codec(), Codec::Json, "{good}");
    }
}

#[actix_web::test]
async fn methods_and_procedures() {
    let refused = |procedure, method: Method| connect::check_method(procedure, &method).unwrap_err();
    let allow = |refusal: Refusal| {
        let response = refusal.into_response();
        (response.status().as_u16(), response.headers().get("allow").unwrap().to_str().unwrap().to_owned())
    };
    assert_eq!(allow(refused("GetConfig", Method::PUT)), (405, "GET, POST".to_owned()));
    assert_eq!(allow(refused("RegisterCollector", Method::GET)), (405, "POST".to_owned()));
    assert_eq!(status_of(refused("getConfig", Method::POST)), StatusCode::NOT_FOUND);
    assert!(connect::check_method("GetConfig", &Method::GET).is_ok());
    assert!(connect::check_method("UnregisterCollector", &Method::POST).is_ok());
}

#[actix_web::test]
async fn bodies_that_are_refused() {
    let proto = Call::of_post(&post().to_http_request()).unwrap();
    let json = TestRequest::post().insert_header(("content-type", "application/json")).to_http_request();
    let json = Call::of_post(&json).unwrap();
    let gzip = Call::of_post(&post().insert_header(("content-encoding", "gzip")).to_http_request()).unwrap();
    let bomb = connect::gzip(&vec![0; LIMIT + 1]);
    for (call, body, status, code) in [
        (proto, Bytes::from_static(b"\xff\xff"), 400, "invalid_argument"),
        (json, Bytes::from_static(b"{\"id\":"), 400, "invalid_argument"),
        (json, Bytes::from_static(b"[\"c1\"]"), 400, "invalid_argument"),
        (gzip, Bytes::from_static(b"no gzip"), 400, "invalid_argument"),
        (gzip, bomb, 413, "resource_exhausted"),
    ] {
        let (got, body) = error_of(call.decode::<GetConfigRequest>(body, LIMIT, share()).unwrap_err()).await;
        assert_eq!((got, body["code"].as_str()), (status, Some(code)));
    }
    // An empty body is an empty message, compressed or not.
    for call in [proto, gzip] {
        assert_eq!(call.decode::<GetConfigRequest>(Bytes::new(), LIMIT, share()).unwrap(), GetConfigRequest::default());
    }
}

#[actix_web::test]
async fn answers_have_the_exact_content_type_and_large_ones_are_compressed_once() {
    let compressed = Compressed::default();
    for (content_type, accept, size, encoding) in [
        ("application/proto", "gzip", 10, None),
        ("application/proto", "gzip", 10_000, Some("gzip")),
        ("application/proto", "gzip,br", 10_000, Some("gzip")),
        ("application/json", "gzip;q=0.5", 10_000, Some("gzip")),
        ("application/proto", "gzip;q=0", 10_000, None),
        ("application/proto", "br", 10_000, None),
    ] {
        let request = TestRequest::post()
            .insert_header(("content-type", content_type))
            .insert_header(("accept-encoding", accept))
            .to_http_request();
        let answer =
            GetConfigResponse { content: "x".repeat(size), hash: format!("hash of {size}"), not_modified: false };
        let response = compressed.answer(Call::of_post(&request).unwrap(), answer.clone());
        assert_eq!(response.headers().get("content-type").unwrap(), content_type);
        let got = response.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(got.as_deref(), encoding, "{accept}");
        let body = to_bytes(response.into_body()).await.unwrap();
        let reader = match (content_type, encoding) {
            ("application/json", _) => "application/json",
            _ => "application/proto",
        };
        let mut back = TestRequest::post().insert_header(("content-type", reader));
        if encoding.is_some() {
            back = back.insert_header(("content-encoding", "gzip"));
        }
        let read: GetConfigResponse =
            Call::of_post(&back.to_http_request()).unwrap().decode(body, LIMIT, share()).unwrap();
        assert_eq!(read, answer);
    }
    assert_eq!(compressed.0.lock().len(), 2, "one for each codec");
}

#[test]
fn every_message_survives_json() {
    fn there_and_back<M: Codable + PartialEq + Clone + std::fmt::Debug>(message: &M) {
        let json = serde_json::to_string(&M::Json::from(message.clone())).unwrap();
        let back: M = serde_json::from_str::<M::Json>(&json).unwrap().into();
        assert_eq!(&back, message, "{json}");
    }
    there_and_back(&poll());
    there_and_back(&GetConfigRequest { effective_config: Some(EffectiveConfig::default()), ..poll() });
    there_and_back(&RegisterCollectorRequest { id: "a".into(), name: "b".into(), ..Default::default() });
    there_and_back(&UnregisterCollectorRequest { id: "a".into() });
    there_and_back(&RegisterCollectorResponse {});
    there_and_back(&UnregisterCollectorResponse {});
}
