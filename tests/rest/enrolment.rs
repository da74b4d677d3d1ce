//! Enrolment tokens and what they open.

use std::{sync::Arc, time::Duration};

use linkmesh_actors::testing::MemoryStore;
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{Answer, Api, Stores};

async fn token(api: &Api, body: Value) -> (String, String) {
    let created = api.post("/enrollment-tokens", body).await.expect(201);
    let text = |name: &str| created[name].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}

async fn enrol(api: &Api, token: &str, name: &str) -> Answer {
    let body = json!({"runtime": "alloy", "name": name, "attributes": {"host.name": name}});
    api.with_bearer(token).post("/enrol", body).await
}

#[actix_web::test]
async fn token_is_redeemed_once() {
    let api = Api::start().await;
    let (_, token) = token(&api, json!({"labels": {"env": "prod"}, "runtime": "alloy"})).await;
    let enrolled = enrol(&api, &token, "web 1").await.expect(201);
    assert!(enrolled["token"].as_str().unwrap().starts_with("lmct_"));
    assert_eq!(enrolled["bootstrap"]["files"][0]["mode"], "0600");
    let id = enrolled["collector_id"].as_str().unwrap();
    let collector = api.get(&format!("/collectors/{id}")).await.expect(200);
    assert_eq!((&collector["name"], &collector["labels"]["env"]), (&json!("web 1"), &json!("prod")));
    enrol(&api, &token, "web 2").await.problem(410, "gone");
    assert_eq!(api.get("/collectors").await.expect(200)["total"], 1);
}

#[actix_web::test]
async fn labels_of_enrolment_stay_out_of_the_operators_document() {
    let api = Api::start().await;
    let (_, token) = token(&api, json!({"labels": {"env": "prod", "site": "fra"}})).await;
    let enrolled = enrol(&api, &token, "web 1").await.expect(201);
    let path = format!("/collectors/{}", enrolled["collector_id"].as_str().unwrap());
    let read = api.get(&path).await;
    let (shown, mut etag) = (read.expect(200), read.header("etag").to_owned());
    assert_eq!(shown["labels"], json!({"env": "prod", "site": "fra"}));
    assert_eq!(shown["operator_labels"], json!({}));

    let by_enrolment = json!({"env": "prod", "site": "fra"});
    let overridden = json!({"env": "test", "site": "fra"});
    for (patch, operator_labels, labels) in [
        (json!({"name": "web one"}), json!({}), &by_enrolment),
        (json!({"labels": {"env": "test"}}), json!({"env": "test"}), &overridden),
        (json!({"labels": {}}), json!({}), &by_enrolment),
    ] {
        let answer = api.patch(&path, &etag, patch).await;
        let saved = answer.expect(200);
        answer.header("etag").clone_into(&mut etag);
        assert_eq!((&saved["operator_labels"], &saved["labels"]), (&operator_labels, labels));
        assert_eq!(saved["name"], "web one");
        assert_eq!(saved["attributes"]["env"], labels["env"]);
    }
}

#[actix_web::test]
async fn lost_answer_of_an_enrolment_can_be_asked_for_again() {
    let api = Api::start().await;
    let (_, token) = token(&api, json!({})).await;
    let host = api.with_bearer(&token);
    let ask = || host.request(Method::POST, "/enrol").header("idempotency-key", "host-1");
    let body = json!({"runtime": "otelcol", "name": "web 1"});
    let first = host.send(ask().json(&body)).await.expect(201);
    assert_eq!(host.send(ask().json(&body)).await.expect(201), first);
}

#[actix_web::test]
async fn multi_use_token_has_a_limit() {
    let api = Api::start().await;
    let (id, token) = token(&api, json!({"uses": 2})).await;
    enrol(&api, &token, "a").await.expect(201);
    let list = api.get("/enrollment-tokens").await;
    let row = &list.expect(200)["items"][0];
    assert_eq!((&row["id"], &row["uses"], &row["used"]), (&json!(id), &json!(2), &json!(1)));
    assert!(!list.text.contains("lmet_"), "a list never shows a token");
    enrol(&api, &token, "b").await.expect(201);
    enrol(&api, &token, "c").await.problem(410, "gone");
    assert_eq!(api.get("/enrollment-tokens").await.expect(200)["total"], 0);
}

#[actix_web::test]
async fn token_ends_with_time_by_hand_and_for_the_other_runtime() {
    let api = Api::start().await;
    let (_, short) = token(&api, json!({"ttl_s": 60})).await;
    let (id, deleted) = token(&api, json!({})).await;
    let (_, other) = token(&api, json!({"runtime": "otelcol", "ttl_s": 3600})).await;
    api.delete(&format!("/enrollment-tokens/{id}")).await.expect(204);
    // It was never used, so nothing is kept of it: as if it had never been.
    enrol(&api, &deleted, "a").await.problem(401, "unauthenticated");
    enrol(&api, &other, "a").await.problem(403, "forbidden");
    api.clock.advance(Duration::from_secs(60));
    enrol(&api, &short, "a").await.problem(410, "gone");
    assert_eq!(api.get("/collectors").await.expect(200)["total"], 0);
}

#[actix_web::test]
async fn unknown_token_and_token_of_another_kind_are_refused() {
    let api = Api::start().await;
    enrol(&api, &format!("lmet_{}", "A".repeat(43)), "a").await.problem(401, "unauthenticated");
    let collector = api.post("/collectors", json!({"name": "a", "runtime": "alloy"})).await.expect(201);
    enrol(&api, collector["token"].as_str().unwrap(), "b").await.problem(401, "unauthenticated");
    let (_, enrolment) = token(&api, json!({})).await;
    api.with_bearer(&enrolment).get("/collectors").await.problem(401, "unauthenticated");
    let id = "00000000-0000-0000-0000-000000000000";
    api.delete(&format!("/enrollment-tokens/{id}")).await.problem(404, "not_found");
    for body in [json!({"ttl_s": 0}), json!({"uses": 0}), json!({"labels": {"collector.id": "x"}})] {
        api.post("/enrollment-tokens", body).await.problem(422, "invalid_document");
    }
}

#[actix_web::test]
async fn stranger_writes_nothing_and_is_slowed_down_and_nobody_else_is() {
    let store = Arc::new(MemoryStore::default());
    let api = Api::start_with(Stores::Memory(Arc::clone(&store)), |_| {}).await;
    let (_, used) = token(&api, json!({})).await;
    let (_, good) = token(&api, json!({})).await;
    enrol(&api, &used, "a").await.expect(201);
    // A write would fail, and say so.
    store.fail_writes(true);
    enrol(&api, &used, "b").await.problem(410, "gone");
    for n in 1..20 {
        enrol(&api, &format!("lmet_{n:043}"), "b").await.problem(401, "unauthenticated");
    }
    for token in [&used, &format!("lmet_{}", "A".repeat(43))] {
        let slowed = enrol(&api, token, "b").await;
        slowed.problem(429, "too_many_requests");
        assert_eq!(slowed.header("retry-after"), "2");
    }
    store.fail_writes(false);
    enrol(&api, &good, "c").await.expect(201);
    api.clock.advance(Duration::from_secs(2));
    enrol(&api, &used, "b").await.problem(410, "gone");
}
