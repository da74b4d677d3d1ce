//! The oldest pair that LinkMesh is held to.

use super::{
    delivery::Scene,
    programs::{OLDER, pair},
    records::{DEBUG, ERROR, send},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_older_pair_connects_and_applies() {
    let Some(pair) = pair(OLDER) else { return };
    let mut scene = Scene::set(&pair).await;
    let applied = scene.apply("older").await;
    assert_eq!(applied["version"], OLDER);
    send(scene.port, &[(DEBUG, "noise"), (ERROR, "loud")]).await;
    assert_eq!(scene.sink.wait_for_record("loud").await.attribute("mark"), Some("older"));
    assert!(scene.sink.records().iter().all(|record| record.body() != "noise"), "the filter dropped nothing");
    scene.sink.wait_for_metrics().await;
    scene.save(scene.port, "newer").await;
    scene.server.wait_until_applied(&scene.id).await;
    scene.supervisor.stop().await;
    scene.server.collector_when(&scene.id, "absence", |collector| collector["status"] == "offline").await;
    token_is_nowhere(&mut scene).await;
}

/// This pair reports the headers of the settings that it was offered, its token among them, in clear (opamp.md 2.7).
async fn token_is_nowhere(scene: &mut Scene) {
    let token = scene.supervisor.token();
    assert_eq!((token.len(), &token[..5]), (48, "lmct_"));
    for place in ["", "/config", "/health", "/events?limit=500", "/throughput"] {
        let answer = scene.server.get(&format!("/collectors/{}{place}", scene.id)).await;
        assert!(!answer.to_string().contains(&token), "{place}: {answer:#}");
    }
    let config = scene.config().await;
    let running = config["effective"]["body"].as_str().expect("an effective config");
    assert!(running.contains("Bearer [sealed]"), "it reported no token: this test sees nothing:\n{running}");
    // What waited is written at the stop. Pages that were given back keep what they held.
    assert!(scene.server.signal("-TERM").await.success());
    let store = std::fs::read(scene.server.data_dir().join("state.redb")).expect("the store");
    let holds = |text: &str| store.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(holds(&scene.id) || holds("attributes/shop.mark"), "the store can be searched");
    assert!(!holds(&token), "the token is in the store");
}
