//! The server is killed while saves are under way.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    delivery::Scene,
    programs::{CURRENT, pair},
};

/// Saves that are under way at any moment, until the server dies.
const SAVES: usize = 200;
/// Answers after which it dies.
const ANSWERS: usize = 66;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_during_200_saves_the_server_keeps_every_answered_one_and_pushes_nothing_twice() {
    let Some(pair) = pair(CURRENT) else { return };
    let mut scene = Scene::set(&pair).await;
    scene.apply("before").await;

    // Drafts: they run nowhere, so nothing but the kill touches the collector. Each of those who save goes on until there
    // is no answer, so that the kill meets all of them in the middle of a save.
    let server = Arc::new(scene.server);
    let answers = Arc::new(AtomicUsize::new(0));
    let mut savers = tokio::task::JoinSet::new();
    for saver in 0..SAVES {
        let (server, answers) = (Arc::clone(&server), Arc::clone(&answers));
        savers.spawn(async move {
            let mut answered: Vec<(String, String)> = Vec::new();
            loop {
                let id = format!("draft-{saver:03}-{}", answered.len());
                let document = json!({
                    "id": id, "version": 1, "name": format!("Draft {saver}"), "enabled": true, "signals": ["logs"], "match": [],
                    "sources": [{"id": "otlp", "kind": "otlp", "settings": {"http": {"endpoint": "127.0.0.1:4318"}}}],
                    "destinations": ["central"],
                });
                let Ok(answer) = server.try_rest(Method::POST, "/pipelines", Some(document)).await else { break };
                let status = answer.status();
                let Ok(body) = answer.json::<Value>().await else { break };
                assert!(status.is_success(), "{status} {body:#}");
                answered.push((id, body["revision"].as_str().expect("a revision").to_owned()));
                if answers.fetch_add(1, Ordering::SeqCst) + 1 == ANSWERS {
                    server.send_kill();
                }
            }
            answered
        });
    }
    let answered: Vec<(String, String)> = savers.join_all().await.into_iter().flatten().collect();
    assert!(answered.len() >= ANSWERS, "{} were answered", answered.len());
    scene.server = Arc::into_inner(server).expect("nobody saves any more");
    scene.server.ended().await;

    // The repository alone, before anything of ours mends it.
    scene.server.git(&["fsck", "--strict", "--no-dangling"]);
    let listed = scene.server.git(&["ls-tree", "--name-only", "main", "pipelines/"]);
    let committed: BTreeSet<&str> = listed.lines().collect();
    for (id, revision) in &answered {
        assert!(committed.contains(format!("pipelines/{id}.yaml").as_str()), "{id} was answered and is not in Git");
        scene.server.git(&["merge-base", "--is-ancestor", revision, "main"]);
    }
    for path in &committed {
        let text = scene.server.git(&["show", &format!("main:{path}")]);
        let parsed: Result<serde_norway::Value, _> = serde_norway::from_str(&text);
        assert!(parsed.is_ok_and(|value| value.is_mapping()), "{path} does not parse:\n{text}");
    }

    scene.server.serve().await;
    let config = scene.wait_until_reported().await;
    assert_eq!(config["status"]["state"], "applied", "{config:#}");
    scene.server.wait_until_applied(&scene.id).await;
    let listed = scene.server.get("/pipelines?limit=1").await;
    assert_eq!(listed["total"].as_u64().map(|total| total as usize), Some(committed.len()));
    scene.save_and_follow("after").await;
    assert_eq!(scene.offers().await, 1.0, "pushed what it had");
    scene.supervisor.stop().await;
}
