//! What goes through a pipeline, by the collector's own count.

use serde_json::{Value, json};

use super::{
    delivery::Scene,
    programs::{CURRENT, alone, pair},
    records::{DEBUG, ERROR, INFO, send},
};
use crate::support::wait_for;

/// What a meter of the pipeline counted: `in`, `out`, or the id of a step.
fn total(throughput: &Value, place: &str) -> Option<u64> {
    let pipelines = throughput["pipelines"].as_array()?;
    let shop = pipelines.iter().find(|pipeline| pipeline["pipeline"] == "shop")?;
    let meter = shop["meters"].as_array()?.iter().find(|meter| meter["place"] == place && meter["signal"] == "logs")?;
    meter["total"].as_u64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_metrics_that_were_offered_show_what_goes_in_and_out() {
    let Some(pair) = pair(CURRENT) else { return };
    if !alone("interop::own_metrics::own_metrics_that_were_offered_show_what_goes_in_and_out") {
        return;
    }
    let mut scene = Scene::set_as_printed(&pair).await;
    let mut pipeline = scene.pipeline(scene.port, "counted");
    pipeline["id"] = json!("shop");
    pipeline["signals"] = json!(["logs"]);
    pipeline["sources"].as_array_mut().expect("sources").truncate(1);
    scene.server.post("/pipelines", &pipeline).await;
    scene.server.wait_until_applied(&scene.id).await;
    let config = scene.config().await;
    let running = config["effective"]["body"].as_str().expect("an effective config");
    assert!(running.contains(&scene.server.url("http", "/v1/metrics")), "the offer was not taken:\n{running}");

    let counted = async |entered: u64, left: u64| {
        wait_for("the collector's own count", || async {
            let throughput = scene.server.get(&format!("/collectors/{}/throughput", scene.id)).await;
            let done = total(&throughput, "in") == Some(entered) && total(&throughput, "out") == Some(left);
            if done { Ok(throughput) } else { Err(format!("{throughput:#}")) }
        })
        .await
    };
    // A collector pushes every minute, and when it stops: a restart is as good as the minute.
    send(scene.port, &[(DEBUG, "noise"), (DEBUG, "more noise"), (INFO, "one"), (ERROR, "two"), (ERROR, "three")]).await;
    scene.sink.wait_for_record("three").await;
    let before = scene.supervisor.collector().expect("a collector");
    scene.server.post(&format!("/collectors/{}/restart", scene.id), &json!({})).await;
    let first = counted(5, 3).await;
    assert_eq!(total(&first, "no-debug"), Some(3), "a step counts what it lets through: {first:#}");
    assert_eq!(first["destinations"][0]["destination"], "central", "{first:#}");
    assert_eq!(first["destinations"][0]["sent"], 3, "{first:#}");
    assert!(first["age_s"].is_number(), "{first:#}");

    // The new process counts from 0, and what it counts is added.
    wait_for("another process", || std::future::ready(scene.supervisor.collector().filter(|now| *now != before))).await;
    send(scene.port, &[(ERROR, "four"), (ERROR, "five")]).await;
    scene.sink.wait_for_record("five").await;
    // Pushes within a second are taken for one, of which there is no rate.
    wait_for("a moment between the pushes", || async {
        let throughput = scene.server.get(&format!("/collectors/{}/throughput", scene.id)).await;
        (throughput["age_s"].as_f64() > Some(1.5)).then_some(())
    })
    .await;
    scene.supervisor.stop().await;
    let second = counted(7, 5).await;
    let meters = second["pipelines"][0]["meters"].as_array().expect("meters");
    for meter in meters.iter().filter(|meter| meter["place"] == "in" || meter["place"] == "out") {
        let rates = meter["points"].as_array().expect("points");
        assert!(rates.iter().any(|point| point["per_second"].as_f64() > Some(0.0)), "no rate: {meter:#}");
    }
}
