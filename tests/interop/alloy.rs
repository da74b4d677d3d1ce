//! A real Alloy, where `LINKMESH_ALLOY` names one: it loads what it is served, and its records arrive changed.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use super::{
    connect::pipeline,
    programs::alloy,
    records::{DEBUG, ERROR, free_port, send},
    sink::Sink,
};
use crate::support::server::{Server, tail};

/// A running Alloy with the files of its bootstrap.
struct Alloy {
    child: Child,
    log: std::path::PathBuf,
}

impl Drop for Alloy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            tail("alloy", &self.log);
        }
    }
}

fn start(program: &std::path::Path, server: &Server, bootstrap: &Value) -> Alloy {
    let folder = server.folder().join("alloy");
    fs::create_dir_all(&folder).expect("a folder");
    let files = bootstrap["files"].as_array().expect("files");
    let places: Vec<(String, String)> = files
        .iter()
        .map(|file| {
            let path = file["path"].as_str().expect("a path").to_owned();
            let here = folder.join(path.rsplit('/').next().expect("a name"));
            (path, here.to_str().expect("UTF-8").to_owned())
        })
        .collect();
    for (file, (_, here)) in files.iter().zip(&places) {
        let mut content = file["content"].as_str().expect("content").replace("\"15s\"", "\"10s\"");
        for (path, here) in &places {
            content = content.replace(path, here);
        }
        fs::write(here, content).expect("a file");
    }
    let log = folder.join("alloy.log");
    let output = fs::File::create(&log).expect("a log file");
    let child = Command::new(program)
        .args(["run", "--stability.level=generally-available", "--server.http.listen-addr=127.0.0.1:0"])
        .arg(format!("--storage.path={}", folder.join("data").display()))
        .arg(folder.join("config.alloy"))
        .env("TENANT", "shop")
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a handle"))
        .stderr(output)
        .spawn()
        .expect("alloy runs");
    Alloy { child, log }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alloy_loads_the_pipeline_and_its_records_arrive_changed() {
    let Some(program) = alloy() else { return };
    let server = Server::start().await;
    let sink = Sink::start();
    let port = free_port();
    let central = json!({"id": "central", "name": "Central", "kind": "otlp_http",
        "settings": {"endpoint": sink.endpoint(), "headers": {"X-Tenant": "${env:TENANT}"}}});
    server.post("/destinations", &central).await;
    server.post("/pipelines", &pipeline(port)).await;
    let added = server.add_collector("alloy-1", "alloy", "1.18.0").await;
    let id = added["collector"]["id"].as_str().expect("an id").to_owned();
    let _alloy = start(&program, &server, &added["bootstrap"]);
    server
        .collector_when(&id, "config applied and in sync", |collector| {
            collector["config_state"] == "applied" && collector["drift"] == "in_sync"
        })
        .await;
    let config = server.get(&format!("/collectors/{id}/config")).await;
    let text = config["desired"]["body"].as_str().expect("a text");
    assert_eq!(config["effective"]["body"], text);
    let file = server.folder().join("rendered.alloy");
    fs::write(&file, text).expect("a file");
    for command in ["validate", "fmt"] {
        let output = Command::new(&program).arg(command).arg(&file).output().expect("alloy runs");
        assert!(output.status.success(), "alloy {command}: {}", String::from_utf8_lossy(&output.stderr));
        if command == "fmt" {
            assert_eq!(String::from_utf8_lossy(&output.stdout), text, "alloy fmt would change it");
        }
    }
    send(port, &[(DEBUG, "noise"), (ERROR, "loud")]).await;
    assert_eq!(sink.wait_for_record("loud").await.attribute("mark"), Some("a \"quoted\" $value"));
    assert!(sink.records().iter().all(|record| record.body() != "noise"), "the filter dropped nothing");
    let tenants = sink.tenants();
    assert!(!tenants.is_empty() && tenants.iter().all(|tenant| tenant == "shop"), "{tenants:?}");
}
