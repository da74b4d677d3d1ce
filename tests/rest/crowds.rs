//! Many clients at once, of which each asks for much: what they hold is bounded, and the others are answered.

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use linkmesh_actors::domain::access::Role;
use serde_json::{Value, json};

use super::{
    bodies::metric,
    documents::destination,
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
