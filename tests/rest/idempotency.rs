//! `Idempotency-Key`: a lost answer can be asked for again.

use std::time::Duration;

use linkmesh_actors::domain::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{Answer, Api, EMAIL, PASSWORD, Stores};

async fn create(api: &Api, key: &str, name: &str) -> Answer {
    let request = api.request(Method::POST, "/collectors").header("idempotency-key", key);
    api.send(request.json(&json!({"name": name, "runtime": "alloy"}))).await
}

async fn collectors(api: &Api) -> Value {
    api.get("/collectors").await.expect(200)["total"].clone()
}

#[actix_web::test]
async fn repeated_post_is_carried_out_once_and_answered_twice() {
    let api = Api::start().await;
    let first = create(&api, "k1", "web 1").await;
    let again = create(&api, "k1", "web 1").await;
    assert_eq!(first.expect(201), again.expect(201), "the token too, or the client could never learn it");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.header("etag"), again.header("etag"));
    assert_eq!(collectors(&api).await, 1);

    create(&api, "k1", "web 2").await.problem(422, "idempotency_mismatch");
    create(&api, "k2", "web 1").await.expect(201);
    assert_eq!(collectors(&api).await, 2);
}

#[actix_web::test]
async fn one_clients_key_is_not_anothers() {
    let api = Api::start().await;
    create(&api, "k1", "web 1").await.expect(201);
    let other = api.as_role(Role::Operator).await;
    create(&other, "k1", "web 2").await.expect(201);
    assert_eq!(collectors(&api).await, 2);
}

#[actix_web::test]
async fn refused_request_does_not_use_its_key_up() {
    let api = Api::start().await;
    create(&api, "k1", "").await.problem(422, "invalid_document");
    create(&api, "k1", "web 1").await.expect(201);
}

#[actix_web::test]
async fn signing_in_again_with_the_same_key_answers_a_session_of_its_own() {
    let api = Api::start().await;
    let sign_in = async || {
        let client = api.stranger();
        let request = client.request(Method::POST, "/session").header("idempotency-key", "k1");
        client.send(request.json(&json!({"email": EMAIL, "password": PASSWORD}))).await
    };
    let (first, second) = (sign_in().await, sign_in().await);
    first.expect(200);
    second.expect(200);
    assert_ne!(first.header("set-cookie"), second.header("set-cookie"));
    assert!(!second.headers.contains_key("idempotency-replayed"));
    // Set-up is over for whoever asks again.
    let body = json!({"setup_token": api.setup_token, "email": EMAIL, "name": "Ada", "password": PASSWORD});
    for _ in 0..2 {
        let request = api.request(Method::POST, "/setup").header("idempotency-key", "k2");
        api.send(request.json(&body)).await.problem(410, "gone");
    }
}

/// Asks again until the request is no longer being carried out.
async fn outcome(api: &Api, key: &str, name: &str) -> Answer {
    let asking = async {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        loop {
            pause.tick().await;
            let answer = create(api, key, name).await;
            if answer.status != 409 {
                return answer;
            }
            answer.problem(409, "conflict");
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asking).await.expect("in time")
}

/// The request was carried out once, has its row in the audit log, and this is its answer.
async fn is_the_first_ones(api: &Api, answer: Answer) {
    let created = answer.expect(201);
    assert_eq!(answer.header("idempotency-replayed"), "true");
    assert!(created["token"].as_str().unwrap().starts_with("lmct_"), "the token that nobody saw yet");
    assert_eq!(collectors(api).await, 1);
    let target = format!("collectors/{}", created["collector"]["id"].as_str().unwrap());
    let rows = api.store.audit(None, 10).await.unwrap();
    let rows: Vec<_> = rows.iter().filter(|row| row.entry.action == "collectors:create").collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].entry.target, target);
}

#[actix_web::test]
async fn answer_that_came_too_late_can_be_asked_for_again() {
    let api = Api::start_with(Stores::Redb, |edge| edge.answer_within = Duration::from_millis(200)).await;
    api.repository.stall_commits(true);
    create(&api, "k1", "web 1").await.problem(504, "deadline_exceeded");
    create(&api, "k1", "web 1").await.problem(409, "conflict");
    api.repository.stall_commits(false);
    is_the_first_ones(&api, outcome(&api, "k1", "web 1").await).await;
}

#[actix_web::test]
async fn answer_of_a_client_that_left_can_be_asked_for_again() {
    let api = Api::start().await;
    api.repository.stall_commits(true);
    let request = api.request(Method::POST, "/collectors").header("idempotency-key", "k1");
    let request = request.json(&json!({"name": "web 1", "runtime": "alloy"})).timeout(Duration::from_millis(300));
    assert!(request.send().await.unwrap_err().is_timeout());
    api.repository.stall_commits(false);
    is_the_first_ones(&api, outcome(&api, "k1", "web 1").await).await;
}
