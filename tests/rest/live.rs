//! The live feed.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{
    documents::destination,
    harness::{Api, Stores},
};

/// A reader of server-sent events.
struct Reader {
    response: Response,
    text: String,
}

#[derive(Debug)]
struct Received {
    id: String,
    name: String,
    data: Value,
}

impl Reader {
    async fn open(api: &Api, last_event_id: Option<&str>) -> Self {
        let mut request = api.request(Method::GET, "/events");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut reader = Self { response, text: String::new() };
        assert!(reader.block().await.unwrap().starts_with("retry: "), "the greeting says that the stream is open");
        reader
    }

    /// The next block of lines; `None` at the end of the stream.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk()).await.expect("in time");
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }

    /// The next event with this name.
    async fn event(&mut self, name: &str) -> Received {
        loop {
            let block = self.block().await.expect("the stream goes on");
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            if field("event: ").as_deref() == Some(name) {
                let data = serde_json::from_str(&field("data: ").unwrap()).unwrap();
                return Received { id: field("id: ").unwrap(), name: name.to_owned(), data };
            }
        }
    }
}

async fn save(api: &Api, id: &str) {
    let mut document = destination();
    document["id"] = id.into();
    api.post("/destinations", document).await.expect(201);
}

#[actix_web::test]
async fn reader_hears_of_labels_that_change_no_config() {
    let api = Api::start().await;
    let created = api.post("/collectors", json!({"name": "web 1", "runtime": "alloy"})).await;
    let (id, etag) = (created.expect(201)["collector"]["id"].clone(), created.header("etag").to_owned());
    let mut reader = Reader::open(&api, None).await;
    let path = format!("/collectors/{}", id.as_str().unwrap());
    api.patch(&path, &etag, json!({"name": "web one", "labels": {"team": "shop"}})).await.expect(200);
    let heard = reader.event("collector.changed").await.data["collector"].clone();
    assert_eq!((&heard["id"], &heard["name"], &heard["labels"]), (&id, &json!("web one"), &json!({"team": "shop"})));
}

#[actix_web::test]
async fn reader_hears_of_a_save_and_resumes_behind_it() {
    let api = Api::start().await;
    let mut reader = Reader::open(&api, None).await;
    save(&api, "one").await;
    let one = reader.event("destination.saved").await;
    assert_eq!((one.name.as_str(), &one.data["id"]), ("destination.saved", &Value::from("one")));
    assert_eq!(one.data["type"], "destination.saved");
    drop(reader);

    save(&api, "two").await;
    let mut resumed = Reader::open(&api, Some(&one.id)).await;
    assert_eq!(resumed.event("destination.saved").await.data["id"], "two");
}

#[actix_web::test]
async fn cursor_from_before_a_restart_is_told_to_begin_anew() {
    let api = Api::start().await;
    let mut reader = Reader::open(&api, Some("another-boot-17")).await;
    reader.event("reset").await;
}

#[actix_web::test]
async fn stream_ends_when_its_session_is_signed_out() {
    let api = Api::start().await;
    let mut other = api.stranger();
    other.sign_in(super::harness::EMAIL, super::harness::PASSWORD).await.expect(200);
    let mut reader = Reader::open(&api, None).await;
    let mut stays = Reader::open(&other, None).await;
    api.delete("/session").await.expect(204);
    while reader.block().await.is_some() {}
    save(&other, "still-heard").await;
    assert_eq!(stays.event("destination.saved").await.data["id"], "still-heard");
    let answer = api.get("/events").await;
    answer.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn silent_stream_says_that_it_lives() {
    let api = Api::start_with(Stores::Redb, |edge| edge.feed_heartbeat = Duration::from_millis(20)).await;
    let mut reader = Reader::open(&api, None).await;
    for _ in 0..3 {
        assert_eq!(reader.block().await.as_deref(), Some(": still here"));
    }
}

#[actix_web::test]
async fn stream_ends_when_its_session_has_ended_by_time() {
    let api = Api::start_with(Stores::Redb, |edge| edge.feed_recheck = Duration::from_millis(20)).await;
    let mut reader = Reader::open(&api, None).await;
    api.clock.advance(Duration::from_secs(24 * 3600));
    while reader.block().await.is_some() {}
}
