//! Many clients at once, of which each asks for much: what they hold is bounded, and the others are answered.

use std::{io::Write as _, net::TcpStream, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use linkmesh::http::Edge;
use linkmesh_actors::domain::access::Role;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use super::{
    bodies::metric,
    documents::{destination, pipeline},
    harness::{Answer, Api, Stores},
};
use crate::support::wait_for;

/// How many wait for a turn to have something checked or compared, and how many have one.
const WAITING: usize = 64;
const AT_ONCE: usize = 2;

/// A pipeline of about so many bytes, of which all can be read and nothing is right.
fn filled(bytes: usize) -> Value {
    let settings = json!({"x": "y".repeat(bytes)});
    json!({"name": "P", "signals": ["logs"], "sources": [{"id": "in", "kind": "nosuch", "settings": settings}],
           "destinations": ["a"]})
}

#[track_caller]
fn come_again(answer: &Answer) {
    answer.problem(503, "unavailable");
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
}

async fn wait_for_held(api: &Api, is_it: impl Fn(u64) -> bool) {
    wait_for("what waits to be held", || async {
        let held = metric(api, "unfinished_bytes").await;
        if is_it(held) { Ok(()) } else { Err(held.to_string()) }
    })
    .await;
}

#[actix_web::test]
async fn documents_wait_for_their_turn_as_they_came_and_too_many_are_refused() {
    const BYTES: usize = 10_000;
    let api = Api::start().await;
    let viewer = api.as_role(Role::Viewer).await;
    for path in ["/pipelines/validate", "/pipelines/preview"] {
        let turns = (api.state.checks.turn().await.unwrap(), api.state.checks.turn().await.unwrap());
        let mut waiting: FuturesUnordered<_> = (0..WAITING + 3).map(|_| viewer.post(path, filled(BYTES))).collect();
        // Those of whom there are too many are answered first.
        for _ in 0..3 {
            come_again(&waiting.next().await.unwrap());
        }
        let held = metric(&api, "unfinished_bytes").await;
        let all = (WAITING * BYTES) as u64;
        assert!(held >= all && held < 2 * all, "{held}");
        // Nobody who only looks keeps a save out.
        let created = api.post("/destinations", destination()).await.expect(201);
        let current = api.get("/destinations/central").await;
        api.delete_version("/destinations/central", current.header("etag")).await.expect(204);
        assert!(created["revision"].is_string());
        drop(turns);
        while let Some(answer) = waiting.next().await {
            assert!(!answer.expect(200)["errors"].as_array().unwrap().is_empty());
        }
        wait_for_held(&api, |held| held == 0).await;
    }
}

#[actix_web::test]
async fn who_leaves_a_queue_makes_room_in_it() {
    let api = Api::start().await;
    let viewer = api.as_role(Role::Viewer).await;
    let turns = (api.state.checks.turn().await.unwrap(), api.state.checks.turn().await.unwrap());
    let mut waiting: FuturesUnordered<_> =
        (0..=WAITING).map(|_| viewer.post("/pipelines/validate", filled(10_000))).collect();
    come_again(&waiting.next().await.unwrap());
    drop(waiting);
    wait_for_held(&api, |held| held == 0).await;
    drop(turns);
    viewer.post("/pipelines/validate", filled(10)).await.expect(200);
}

#[actix_web::test]
async fn what_is_read_of_a_save_is_counted_as_it_is() {
    // The largest that may be: three quarters of this but for the part of strangers.
    let api = Api::start_with(Stores::Redb, |edge| edge.max_unfinished = 2 << 20).await;
    // Sixty kilobytes, of which millions are made.
    let settings: Value = (0..6000).map(|n| (format!("{n}"), json!(0))).collect::<serde_json::Map<_, _>>().into();
    let mut many = filled(0);
    many["sources"][0]["settings"] = settings;
    come_again(&api.post("/pipelines", many.clone()).await);
    come_again(&api.put("/pipelines/p", ("if-none-match", "*"), many.clone()).await);
    // It is wrong, and that is all that is said of it.
    assert!(!api.post("/pipelines/validate", many).await.expect(200)["errors"].as_array().unwrap().is_empty());
    api.post("/pipelines", filled(60_000)).await.problem(422, "invalid_document");
    wait_for_held(&api, |held| held == 0).await;
}

#[actix_web::test]
async fn a_few_texts_are_compared_at_once_and_too_many_are_refused() {
    let api = Api::start().await;
    let viewer = api.as_role(Role::Viewer).await;
    let sha = api.post("/destinations", destination()).await.expect(201)["revision"].as_str().unwrap().to_owned();
    let new = json!({"name": "c", "runtime": "otelcol", "labels": {}});
    let created = api.post("/collectors", new).await.expect(201);
    let config = format!("/collectors/{}/config", created["collector"]["id"].as_str().unwrap());
    for path in [format!("/revisions/{sha}/diff"), config] {
        let turns = (api.state.comparisons.turn().await.unwrap(), api.state.comparisons.turn().await.unwrap());
        let mut waiting: FuturesUnordered<_> = (0..WAITING + 3).map(|_| viewer.get(&path)).collect();
        for _ in 0..3 {
            come_again(&waiting.next().await.unwrap());
        }
        drop(turns);
        while let Some(answer) = waiting.next().await {
            answer.expect(200);
        }
    }
    assert_eq!(AT_ONCE, 2, "as many turns as are taken above");
}

/// A pipeline of about 800 kB, most of which a file may have, that sends to `central`.
fn large(id: &str) -> Value {
    let text = format!("filter/x:\n{}", "  # Nothing to see here.\n".repeat(2_400));
    let steps: Vec<_> =
        (0..13).map(|n| json!({"id": format!("s{n}"), "kind": "raw", "settings": {"otelcol": text}})).collect();
    let mut pipeline = pipeline();
    pipeline["id"] = json!(id);
    pipeline["processors"] = json!(steps);
    pipeline
}

async fn with_room_for_large_ones(edge: fn(&mut Edge)) -> Api {
    let api = Api::start_with(Stores::Redb, edge).await;
    let mut central = destination();
    central["id"] = json!("central");
    api.post("/destinations", central).await.expect(201);
    api
}

#[actix_web::test]
async fn list_of_large_documents_is_read_page_by_page() {
    let api = with_room_for_large_ones(|edge| edge.max_body = 2 << 20).await;
    let ids: Vec<_> = (0..7).map(|n| format!("d{n}")).collect();
    for id in &ids {
        api.post("/pipelines", large(id)).await.expect(201);
    }
    let (mut read, mut pages, mut query) = (Vec::new(), 0, String::new());
    loop {
        let answer = api.get(&format!("/pipelines?limit=500{query}")).await;
        assert!(answer.text.len() < 6 << 20, "{}", answer.text.len());
        let page = answer.expect(200);
        assert_eq!(page["total"], 7);
        read.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("&cursor={cursor}");
    }
    assert_eq!((read, pages), (ids, 2));
}

/// Asks for something, and reads nothing of the answer.
fn ask(api: &Api, path: &str, token: &str) -> TcpStream {
    let address: std::net::SocketAddr = api.url.strip_prefix("http://").unwrap().parse().unwrap();
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!("GET /api/v1{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[actix_web::test]
async fn answers_that_nobody_reads_are_counted_and_too_many_are_refused() {
    const MOST: usize = 8 << 20;
    let api = with_room_for_large_ones(|edge| {
        edge.max_body = 2 << 20;
        edge.max_unsent = MOST;
    })
    .await;
    api.post("/pipelines", large("large")).await.expect(201);
    let token = api.service_token(Role::Viewer, None).await;
    let mut unread = Vec::new();
    while metric(&api, "unsent_refused_total").await == 0 {
        assert!(unread.len() < 100, "they hold {}", metric(&api, "unsent_bytes").await);
        unread.push(ask(&api, "/pipelines", &token));
    }
    let held = metric(&api, "unsent_bytes").await;
    assert!(held <= MOST as u64 && held > 3 << 20, "{held}");
    for path in ["/pipelines", "/pipelines/large"] {
        come_again(&api.get(path).await);
    }
    // What is small is answered, and so is who changed something.
    api.get("/pipelines?q=nothing").await.expect(200);
    let etag = api.post("/pipelines", large("other")).await;
    etag.expect(201);
    drop(unread);
    wait_for("what nobody waits for to be gone", || async {
        let held = metric(&api, "unsent_bytes").await;
        if held == 0 { Ok(()) } else { Err(held.to_string()) }
    })
    .await;
    assert_eq!(api.get("/pipelines").await.expect(200)["total"], 2);
}
