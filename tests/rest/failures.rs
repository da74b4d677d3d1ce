//! Stores that refuse and files that somebody broke by hand.

use std::sync::Arc;

use linkmesh_actors::testing::MemoryStore;
use serde_json::{Value, json};

use super::{
    documents::{destination, pipeline},
    harness::{Answer, Api, Stores},
};

async fn ready(api: &Api) -> (u16, String) {
    let answer = reqwest::get(format!("{}/readyz", api.url)).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn create(api: &Api, id: &str) -> Answer {
    let mut document = destination();
    document["id"] = json!(id);
    api.post("/destinations", document).await
}

#[actix_web::test]
async fn save_that_the_stores_do_not_take_is_an_error_and_nothing_is_half_written() {
    let api = Api::start().await;
    let before = create(&api, "before").await.expect(201)["revision"].clone();
    api.repository.fail_commits(true);
    create(&api, "lost").await.problem(503, "storage_unavailable");
    api.post("/collectors", json!({"name": "lost", "runtime": "alloy"})).await.problem(503, "storage_unavailable");
    api.get("/destinations/lost").await.problem(404, "not_found");
    assert_eq!(api.get("/collectors").await.expect(200)["total"], 0);
    assert_eq!(api.get("/revisions").await.expect(200)["items"][0]["sha"], before);
    assert_eq!(api.repository.text("destinations/lost.yaml"), None);

    api.repository.fail_commits(false);
    create(&api, "lost").await.expect(201);
}

#[actix_web::test]
async fn server_is_not_ready_while_its_store_fails_and_ready_when_it_works_again() {
    let store = Arc::new(MemoryStore::default());
    let api = Api::start_with(Stores::Memory(Arc::clone(&store)), |_| {}).await;
    assert_eq!(ready(&api).await, (200, "ready\n".to_owned()));
    store.fail_writes(true);
    api.clock.advance(std::time::Duration::from_secs(3));
    assert_eq!(ready(&api).await, (503, "the state store does not work\n".to_owned()));
    api.post("/enrollment-tokens", json!({})).await.problem(503, "storage_unavailable");
    store.fail_writes(false);
    api.clock.advance(std::time::Duration::from_secs(3));
    assert_eq!(ready(&api).await, (200, "ready\n".to_owned()));
    assert_eq!(api.get("/enrollment-tokens").await.expect(200)["total"], 0);
}

#[actix_web::test]
async fn file_broken_by_hand_is_shown_as_such_and_mended_by_a_save() {
    let api = Api::start().await;
    create(&api, "central").await.expect(201);
    let good = api.post("/pipelines", pipeline()).await;
    let (shown, etag) = (good.expect(201)["pipeline"].clone(), good.header("etag").to_owned());
    api.repository.commit_by_hand("pipelines/web-logs.yaml", Some("version: 1\nname: [oops"));

    let summary = api.eventually("/fleet/summary", |summary| summary["broken_files"] != json!([])).await;
    assert_eq!(summary["broken_files"][0]["path"], "pipelines/web-logs.yaml");
    let broken = api.get("/pipelines/web-logs").await;
    let (mut document, broken_etag) = (broken.expect(200), broken.header("etag").to_owned());
    assert!(document["broken"].is_string(), "{document}");
    assert_eq!(document["sources"], shown["sources"], "the last good version is in force");

    let stale = api.put("/pipelines/web-logs", ("if-match", &etag), pipeline()).await.problem(412, "stale_revision");
    assert_eq!(stale["current_etag"], broken_etag);
    document["description"] = json!("mended");
    let saved = api.put("/pipelines/web-logs", ("if-match", &broken_etag), document).await.expect(200);
    assert_eq!((&saved["pipeline"]["broken"], &saved["pipeline"]["description"]), (&Value::Null, &json!("mended")));
    assert_eq!(api.get("/fleet/summary").await.expect(200)["broken_files"], json!([]));
}
