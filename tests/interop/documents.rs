//! Documents that no single pipeline makes: parts that are shared, none at all, steps on the way to another one. Each is
//! given to what reads it.

use linkmesh_proto::wire::collector::RemoteConfigStatuses;
use serde_json::{Value, json};

use super::{
    alloy::demand,
    catalogue::validate,
    programs::{CURRENT, OLDER, pair},
};
use crate::{
    alloy_syntax::Level,
    support::{agent::Agent, alloy::Alloy, server::Server},
};

/// A pipeline of every collector, with the receiver and the destination of all others.
fn pipeline(id: &str, minimum: &str) -> Value {
    json!({
        "id": id, "name": id, "signals": ["logs", "traces"], "match": ["collector.id=~\".+\""],
        "sources": [{"id": "otlp", "kind": "otlp", "settings": {"http": {"endpoint": "127.0.0.1:14318"}}}],
        "filters": [{"id": "loud", "kind": "severity", "settings": {"minimum": minimum}}],
        "processors": [{"id": "pack", "kind": "batch", "settings": {}}],
        "destinations": ["central"],
    })
}

async fn server() -> Server {
    let server = Server::start().await;
    let central = json!({"id": "central", "name": "Central", "kind": "otlp_http",
        "settings": {"endpoint": "http://127.0.0.1:4318"}});
    server.post("/destinations", &central).await;
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn otelcol_accepts_shared_parts_and_the_document_without_pipelines() {
    let (Some(current), Some(older)) = (pair(CURRENT), pair(OLDER)) else { return };
    let server = server().await;
    let (_, token) = server.collector("otelcol").await;
    for (id, minimum) in [("web", "info"), ("shop", "warn")] {
        server.post("/pipelines", &pipeline(id, minimum)).await;
    }
    let mut agent = Agent::connect(&server, &token).await;
    agent.send(agent.healthy()).await;
    let (hash, shared) = agent.offered().await;
    for part in ["127.0.0.1:14318", "http://127.0.0.1:4318"] {
        assert_eq!(shared.matches(part).count(), 1, "{part} belongs to both pipelines:\n{shared}");
    }
    agent.apply(&hash, &shared).await;
    // One after the other: what the last of them ran is a document of its own.
    server.delete("/pipelines/web").await;
    let (hash, single) = agent.offered().await;
    agent.apply(&hash, &single).await;
    server.delete("/pipelines/shop").await;
    let (_, nothing) = agent.offered().await;
    assert!(nothing.contains("nop") && !nothing.contains("otlp"), "{nothing}");

    let file = server.folder().join("document.yaml");
    for (name, text) in [("two pipelines", &shared), ("one of them", &single), ("none", &nothing)] {
        std::fs::write(&file, text).expect("a file");
        for pair in [&current, &older] {
            if let Err(words) = validate(&pair.collector, &file) {
                panic!("otelcol {}, {name}:\n{words}\n{text}", pair.version);
            }
        }
    }
}

/// What an Alloy is served next, read by the independent reader; `load` says whether it can load it.
async fn next(alloy: &mut Alloy, server: &Server, load: Result<(), &str>) -> String {
    let text = alloy.next_text(server).await;
    demand(&text, Level::GenerallyAvailable);
    match load {
        Ok(()) => alloy.report(server, RemoteConfigStatuses::Applied, "", Some(&text)).await,
        Err(error) => alloy.report(server, RemoteConfigStatuses::Failed, error, None).await,
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_independent_reader_accepts_every_document_on_an_alloys_way() {
    let server = server().await;
    let added = server.add_collector("alloy-1", "alloy", "1.18.0").await;
    let text = |key: &str| added["collector"][key].as_str().expect("a text").to_owned();
    let config = format!("/collectors/{}/config", text("id"));
    let mut alloy = Alloy::new(added["token"].as_str().expect("a token"));

    let nothing = next(&mut alloy, &server, Ok(())).await;
    assert!(nothing.lines().all(|line| line.starts_with("//")), "nothing to run is a comment:\n{nothing}");

    for (id, minimum) in [("web", "info"), ("shop", "warn")] {
        server.post("/pipelines", &pipeline(id, minimum)).await;
    }
    let shared = next(&mut alloy, &server, Ok(())).await;
    assert_eq!(shared.matches("127.0.0.1:14318").count(), 1, "both pipelines have one receiver:\n{shared}");
    assert_eq!(shared.matches("http://127.0.0.1:4318").count(), 1, "and one destination:\n{shared}");

    // A load that fails may leave its loader behind: then the instance is to have another label.
    server.post("/pipelines", &pipeline("late", "error")).await;
    let error = "Failed to build component: a loader exists already exists for \"remotecfg/pl_late.default\"";
    let refused = next(&mut alloy, &server, Err(error)).await;
    assert!(refused.contains("pl_late \"default\""), "{refused}");
    let mut relabelled = next(&mut alloy, &server, Ok(())).await;
    if !relabelled.contains("pl_late") {
        // It came before the new text was rendered, and is served what it runs first.
        assert_eq!(relabelled, shared);
        relabelled = next(&mut alloy, &server, Ok(())).await;
    }
    assert!(relabelled.contains("pl_late \"r2\""), "{relabelled}");

    // One goes and another comes: what is new is tried beside all that runs.
    server.delete("/pipelines/late").await;
    server.post("/pipelines", &pipeline("newest", "info")).await;
    let between = alloy.next_text(&server).await;
    demand(&between, Level::GenerallyAvailable);
    let desired = server.get(&config).await["desired"].clone();
    assert!(between.contains("pl_late \"r2\"") && between.contains("pl_newest \"default\""), "{between}");
    assert_ne!(desired["hash"], alloy.hash.as_str());
    assert_eq!(desired["published_hash"], alloy.hash.as_str(), "{desired:#}");
    alloy.report(&server, RemoteConfigStatuses::Applied, "", Some(&between)).await;
    let last = next(&mut alloy, &server, Ok(())).await;
    assert!(!last.contains("pl_late") && last.contains("pl_newest \"default\""), "{last}");
    assert_eq!(desired["body"], last.as_str());
}
