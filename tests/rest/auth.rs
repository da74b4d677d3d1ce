//! Setup, sessions, tokens, throttling.

use std::time::Duration;

use linkmesh_actors::domain::access::Role;
use reqwest::Method;
use serde_json::json;

use super::harness::{Api, EMAIL, PASSWORD, Stores};

#[actix_web::test]
async fn setup_link_creates_the_first_administrator_once() {
    let mut api = Api::fresh().await;
    api.get("/session").await.problem(401, "unauthenticated");

    let setup = |token: &str, password: &str| json!({"setup_token": token, "email": EMAIL, "name": "Ada Lovelace", "password": password});
    api.post("/setup", setup("wrong", PASSWORD)).await.problem(403, "wrong_setup_token");
    let weak = api.post("/setup", setup(&api.setup_token, "short")).await;
    assert_eq!(weak.places(422, "invalid_document"), [("password".into(), "invalid_value".into())]);

    let created = api.set_up().await;
    let session = created.expect(201);
    assert_eq!(session["user"]["email"], EMAIL);
    assert_eq!(session["user"]["role"], "admin");
    assert!(session["permissions"].as_array().unwrap().contains(&json!("pipelines:write")));
    let cookie = created.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains("Secure"), "a browser would drop it on plain HTTP: {cookie}");

    api.set_up().await.problem(410, "gone");
    assert_eq!(api.get("/session").await.expect(200)["user"], session["user"]);
    assert_eq!(api.sign_in(" ADA@example.com ", PASSWORD).await.expect(200)["user"], session["user"]);
}

#[actix_web::test]
async fn setup_link_ends_after_an_hour() {
    let api = Api::fresh().await;
    api.clock.advance(Duration::from_secs(3600));
    api.set_up().await.problem(403, "wrong_setup_token");
}

#[actix_web::test]
async fn write_by_cookie_needs_the_csrf_token_and_a_read_does_not() {
    let api = Api::start().await;
    let url = format!("{}/api/v1/session", api.url);
    let mut forged = api.stranger();
    forged.sign_in(EMAIL, PASSWORD).await.expect(200);
    let without = |token: Option<&'static str>| {
        let request = forged.request(Method::DELETE, "/session").build().unwrap();
        let mut request = reqwest::Request::new(Method::DELETE, request.url().clone());
        if let Some(token) = token {
            request.headers_mut().insert("x-csrf-token", token.parse().unwrap());
        }
        request
    };
    assert_eq!(without(None).url().as_str(), url);
    for token in [None, Some(""), Some("guess")] {
        let answer = forged.execute(without(token)).await;
        answer.problem(403, "csrf_required");
    }
    forged.get("/session").await.expect(200);
}

#[actix_web::test]
async fn session_ends_by_sign_out_and_after_a_day() {
    let mut api = Api::start().await;
    let answer = api.delete("/session").await;
    answer.expect(204);
    assert!(answer.header("set-cookie").contains("Max-Age=0"), "{}", answer.header("set-cookie"));
    api.get("/session").await.problem(401, "unauthenticated");

    api.sign_in(EMAIL, PASSWORD).await.expect(200);
    api.clock.advance(Duration::from_secs(24 * 3600 - 1));
    api.get("/session").await.expect(200);
    api.clock.advance(Duration::from_secs(1));
    api.get("/session").await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn stranger_learns_nothing_and_is_slowed_down() {
    let api = Api::start().await;
    let mut stranger = api.stranger();
    let unknown = stranger.sign_in("eve@example.com", "twelve letters").await.problem(401, "unauthenticated");
    let wrong = stranger.sign_in(EMAIL, "twelve letters").await.problem(401, "unauthenticated");
    assert_eq!(unknown["detail"], wrong["detail"]);

    for _ in 1..5 {
        stranger.sign_in(EMAIL, "twelve letters").await.problem(401, "unauthenticated");
    }
    let slowed = stranger.sign_in(EMAIL, PASSWORD).await;
    slowed.problem(429, "too_many_requests");
    let wait: u64 = slowed.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    api.get("/session").await.expect(200);
    api.clock.advance(Duration::from_secs(wait));
    stranger.sign_in(EMAIL, PASSWORD).await.expect(200);
}

#[actix_web::test]
async fn one_address_cannot_try_many_accounts() {
    let api = Api::start().await;
    let mut stranger = api.stranger();
    let mut refused = 0;
    for n in 0..25 {
        let answer = stranger.sign_in(&format!("user{n}@example.com"), "twelve letters").await;
        refused += u32::from(answer.status == 429);
    }
    assert_eq!(refused, 5);
}

#[actix_web::test]
async fn guessers_keep_an_owner_out_of_no_place_that_is_known() {
    let api = Api::start_with(Stores::Redb, |edge| edge.trusted_proxies = vec![[127, 0, 0, 1].into()]).await;
    let sign_in = async |address: &str, password: &str| {
        let request = api.stranger().request(Method::POST, "/session").header("x-forwarded-for", address);
        api.send(request.json(&json!({"email": EMAIL, "password": password}))).await.status
    };
    // One guesser who never rests.
    assert_eq!(sign_in("192.0.2.1", PASSWORD).await, 200);
    for n in 0..7 {
        assert_eq!(sign_in("203.0.113.1", "twelve letters").await, if n < 5 { 401 } else { 429 });
    }
    for address in ["192.0.2.1", "192.0.2.2"] {
        assert_eq!(sign_in(address, PASSWORD).await, 200, "{address}");
    }
    // Many of them, who take all that the account has.
    let mut guesses = 5;
    for guesser in 2..=30 {
        for _ in 0..5 {
            guesses += u32::from(sign_in(&format!("203.0.113.{guesser}"), "twelve letters").await == 401);
        }
    }
    assert_eq!(guesses, 100);
    assert_eq!(sign_in("192.0.2.3", PASSWORD).await, 429, "a place that nobody signed in from");
    assert_eq!(sign_in("192.0.2.1", PASSWORD).await, 200, "where the owner signed in from");
    api.clock.advance(Duration::from_secs(5));
    assert_eq!(sign_in("192.0.2.3", PASSWORD).await, 200, "it comes back with time");
}

#[actix_web::test]
async fn service_account_acts_by_token_until_it_ends() {
    let api = Api::start().await;
    let robot = api.with_bearer(&api.service_token(Role::Viewer, Some(Duration::from_secs(60))).await);
    let session = robot.get("/session").await.expect(200);
    assert_eq!(session["user"]["role"], "viewer");
    assert_eq!(session["csrf_token"], json!(null));
    robot.delete("/session").await.problem(409, "conflict");
    api.clock.advance(Duration::from_secs(60));
    robot.get("/session").await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn token_of_another_kind_opens_nothing_even_beside_a_good_cookie() {
    let api = Api::start().await;
    let random = "A".repeat(43);
    for token in [format!("lmct_{random}"), format!("lmet_{random}"), format!("lmsat_{random}"), "x".into()] {
        api.with_bearer(&token).get("/fleet/summary").await.problem(401, "unauthenticated");
        let beside = api.send(api.request(Method::GET, "/session").bearer_auth(&token)).await;
        beside.problem(401, "unauthenticated");
    }
}

#[actix_web::test]
async fn sign_ins_and_sign_outs_are_in_the_audit_log() {
    let mut api = Api::start().await;
    api.delete("/session").await.expect(204);
    api.sign_in(EMAIL, PASSWORD).await.expect(200);
    let records = api.store.audit(None, 10).await.unwrap();
    let actions: Vec<_> = records.iter().rev().map(|record| record.entry.action.as_str()).collect();
    assert_eq!(actions, ["setup:write", "session:delete", "session:create"]);
    assert!(records.iter().all(|record| record.is_intact() && record.entry.actor == EMAIL));
    assert!(records.iter().all(|record| record.entry.address.as_deref() == Some("127.0.0.1")));
}

#[actix_web::test]
async fn cookie_is_secure_where_browsers_come_over_tls() {
    let api = Api::fresh_with(Stores::Redb, |edge| edge.cookies_secure = true).await;
    let created = api.set_up().await;
    assert!(created.header("set-cookie").contains("Secure"), "{}", created.header("set-cookie"));
}

#[actix_web::test]
async fn address_is_believed_of_the_proxy_only() {
    async fn address(edge: fn(&mut linkmesh::http::Edge)) -> Option<String> {
        let api = Api::start_with(Stores::Redb, edge).await;
        let request = api.request(Method::DELETE, "/session").header("x-forwarded-for", "192.0.2.9, 198.51.100.7");
        api.send(request).await.expect(204);
        api.store.audit(None, 1).await.unwrap()[0].entry.address.clone()
    }
    assert_eq!(address(|_| {}).await.as_deref(), Some("127.0.0.1"));
    let behind = address(|edge| edge.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    assert_eq!(behind.as_deref(), Some("198.51.100.7"), "what stands before it, the client may have made up");
}
