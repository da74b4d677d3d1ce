//! The page in a real browser, from the setup link to a collector that runs what was saved. The walk is a Playwright
//! script; screenshots of every page in both themes are left in `target/ui/`.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::interop::{
    process::Server,
    programs::{CURRENT, browser, node, pair, root},
    records::{ERROR, free_port, send},
    sink::Sink,
    supervisor::Supervisor,
};

/// Where screenshots are left.
fn pictures() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("ui")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_gets_from_the_setup_link_to_a_collector_in_sync() {
    let Some(scripts) = node() else { return };
    let Some(browser) = browser() else { return };
    let Some(pair) = pair(CURRENT) else { return };
    let server = Server::start().await;
    let sink = Sink::start();
    let ports = [free_port(), free_port()];
    let pictures = pictures();
    std::fs::create_dir_all(&pictures).expect("a folder for screenshots");
    let task = json!({
        "setupUrl": server.setup_url.as_deref().expect("a setup link: there is no administrator yet"),
        "browser": browser,
        "pictures": pictures,
        "version": CURRENT,
        "sink": sink.endpoint(),
        "ports": ports,
    });
    let mut script = Command::new("node")
        .arg("ui.mjs")
        .arg(task.to_string())
        .current_dir(scripts)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    // The script says on its output, a line each, what the operator would do elsewhere.
    let lines = BufReader::new(script.stdout.take().expect("its output"));
    let (said, mut hear) = tokio::sync::mpsc::channel::<Value>(16);
    let reader = tokio::task::spawn_blocking(move || {
        for line in lines.lines() {
            let line = line.expect("UTF-8");
            let Ok(event) = serde_json::from_str(&line) else {
                println!("{line}");
                continue;
            };
            if said.blocking_send(event).is_err() {
                break;
            }
        }
    });
    let mut supervisor = None;
    while let Some(event) = hear.recv().await {
        match event["do"].as_str() {
            // The bootstrap was pasted on the host.
            Some("install") => supervisor = Some(Supervisor::start(&pair, &server, "host-1", &event["bootstrap"])),
            // The collector is in sync on the page: so it takes records, and they arrive changed.
            Some("records") => {
                let port = u16::try_from(event["port"].as_u64().expect("a port")).expect("a port");
                send(port, &[(ERROR, "seen through the page")]).await;
                let record = sink.wait_for_record("seen through the page").await;
                assert_eq!(record.attribute(event["key"].as_str().expect("a key")), event["value"].as_str());
            }
            _ => panic!("the script asks for {event}"),
        }
    }
    reader.await.expect("its lines");
    let status = script.wait().expect("its end");
    assert!(status.success(), "the walk through the page ended early; look at the last picture in target/ui");
    let authors = server.git(&["log", "--format=%an <%ae>: %s", "main"]);
    assert!(authors.contains("ada@example.com"), "commits are the operator's own:\n{authors}");
    supervisor.expect("the page asked for an installation").stop().await;
}
