//! The load harness against a real server, with a fleet so small that it is no load: what `make load` measures is there,
//! and is what it says.

use clap::Parser as _;
use linkmesh_loadtest::Args;
use serde_json::Value;
use tempfile::TempDir;

/// What must be a figure above zero.
#[track_caller]
fn positive(report: &Value, pointer: &str) {
    let figure = report.pointer(pointer).and_then(Value::as_f64);
    assert!(figure.is_some_and(|figure| figure > 0.0), "{pointer} is {figure:?} in {report:#}");
}

#[tokio::test]
async fn small_fleet_is_connected_served_and_measured() {
    let folder = TempDir::new().unwrap();
    let json = folder.path().join("report.json");
    let options = [
        "--agents=20",
        "--pushes=1",
        "--steady-s=0",
        "--heartbeats-s=1",
        "--pollers=5",
        "--polls-s=1",
        "--pipelines=4",
        "--saves=3",
        "--look-ms=100",
        "--deadline-s=120",
    ];
    let files = [env!("CARGO_BIN_EXE_linkmesh").as_ref(), "--json".as_ref(), json.as_os_str()];
    let arguments = ["linkmesh-loadtest", "--server"].map(AsRef::as_ref).into_iter().chain(files);
    let args = Args::try_parse_from(arguments.chain(options.map(AsRef::as_ref))).unwrap();

    linkmesh_loadtest::run(&args, std::future::pending()).await.unwrap();

    let report: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert_eq!(report["version"], 1);
    let agents = &report["agents"];
    assert_eq!((&agents["agents"], &agents["connected"], &agents["failed"]), (&20.into(), &20.into(), &0.into()));
    assert_eq!(agents["pushes"].as_array().map(Vec::len), Some(1), "{agents:#}");
    for figure in ["enrol_s", "connect_s", "connect_ms/p50", "memory/at_zero/rss_bytes", "memory/hung_up/rss_bytes"] {
        positive(agents, &format!("/{figure}"));
    }
    // A push is measured when every agent holds it and the server knows that every one has applied it.
    for push in ["first_push", "pushes/0"] {
        for figure in ["answered_ms", "last_held_ms", "last_applied_ms"] {
            positive(agents, &format!("/{push}/{figure}"));
        }
    }
    positive(agents, "/heartbeats_per_s");
    let polls = &report["polls"];
    assert_eq!((&polls["pollers"], &polls["depth"]), (&5.into(), &1.into()));
    assert!(polls["polls"].as_u64().is_some_and(|polls| polls >= 5), "{polls:#}");
    positive(polls, "/polls_per_s");
    positive(polls, "/poll_ms/p50");
    let saves = &report["saves"];
    assert_eq!((&saves["pipelines"], &saves["saves"]), (&4.into(), &3.into()));
    positive(saves, "/alone_ms/p50");
    positive(saves, "/at_once_per_s");
}
