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
}
