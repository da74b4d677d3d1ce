//! `Idempotency-Key`: a lost answer can be asked for again.

use linkmesh_actors::domain::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{Answer, Api, EMAIL, PASSWORD};

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
