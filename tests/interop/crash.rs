//! The server is killed while saves are under way.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use super::{
    delivery::Scene,
    programs::{CURRENT, pair},
};

/// Saves that are under way when the server dies.
const SAVES: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_during_200_saves_the_server_keeps_every_answered_one_and_pushes_nothing_twice() {
    let Some(pair) = pair(CURRENT) else { return };
    let mut scene = Scene::set(&pair).await;
    scene.apply("before").await;

    // Drafts: they run nowhere, so nothing but the kill touches the collector.
    let mut saves = tokio::task::JoinSet::new();
    let server = std::sync::Arc::new(scene.server);
    for index in 0..SAVES {
        let server = std::sync::Arc::clone(&server);
        saves.spawn(async move {
            let id = format!("draft-{index:03}");
            let document = json!({
                "id": id, "version": 1, "name": format!("Draft {index}"), "enabled": true, "signals": ["logs"], "match": [],
                "sources": [{"id": "otlp", "kind": "otlp", "settings": {"http": {"endpoint": "127.0.0.1:4318"}}}],
                "destinations": ["central"],
            });
            let answer = server.try_send(Method::POST, "/pipelines", None, Some(&document)).await;
            answer.ok().filter(|(status, ..)| status.is_success()).map(|(_, _, body)| (id, body["revision"].clone()))
        });
    }
    // Dies in the middle: a third has been answered, the rest is on its way.
    let mut answered = Vec::new();
    while let Some(save) = saves.join_next().await {
        answered.extend(save.expect("a save"));
        if answered.len() == SAVES / 3 {
            server.kill_now();
        }
    }
    assert!((SAVES / 3..SAVES).contains(&answered.len()), "{} of {SAVES} were answered", answered.len());
    let Ok(server) = std::sync::Arc::try_unwrap(server) else { panic!("a save still holds the server") };
    scene.server = server;
    scene.server.buried();

    // The repository alone, before anything of ours mends it.
    scene.server.git(&["fsck", "--strict", "--no-dangling"]);
    let listed = scene.server.git(&["ls-tree", "--name-only", "main", "pipelines/"]);
    let committed: BTreeSet<&str> = listed.lines().collect();
    for (id, revision) in &answered {
        assert!(committed.contains(format!("pipelines/{id}.yaml").as_str()), "{id} was answered and is not in Git");
        let revision = revision.as_str().expect("a revision");
        scene.server.git(&["merge-base", "--is-ancestor", revision, "main"]);
    }
    for path in &committed {
        let text = scene.server.git(&["show", &format!("main:{path}")]);
        let parsed: Result<serde_norway::Value, _> = serde_norway::from_str(&text);
        assert!(parsed.is_ok_and(|value| value.is_mapping()), "{path} does not parse:\n{text}");
    }

    scene.server.run().await;
    let config = scene.wait_until_reported().await;
    assert_eq!(config["status"]["state"], "applied", "{config:#}");
    scene.server.wait_until_applied(&scene.id).await;
    assert_eq!(scene.server.counted("config_pushes_total", "result=\"offered\"").await, 0.0, "pushed what it had");
    let listed = scene.server.get("/pipelines?limit=1").await;
    assert_eq!(listed["total"].as_u64().map(|total| total as usize), Some(committed.len()));
    scene.supervisor.stop().await;
}
