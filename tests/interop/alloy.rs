//! A real Alloy, where `LINKMESH_ALLOY` names one: it validates every document of these tests, it loads what it is served,
//! and its records arrive changed.

mod host;
mod loads;
mod pods;
pub(super) mod running;
mod settings;

pub(crate) use self::loads::IDLE_ON_LINUX;

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use linkmesh_proto::install::script;
use serde_json::{Value, json};

use super::{
    connect::pipeline,
    programs::{alloy, named_alloy, root},
    records::{DEBUG, ERROR, free_port, send},
    sink::Sink,
    supervisor::Supervisor,
};
use crate::{
    alloy_syntax::{self, Level},
    support::{
        server::{Server, tail},
        wait_for,
    },
};

/// Demands of the independent reader, and of a real Alloy where there is one, that a document is loaded at this level and
/// is laid out as `alloy fmt` does it.
pub(super) fn demand(text: &str, level: Level) {
    alloy_syntax::demand(text, level);
    let Some(program) = named_alloy() else { return };
    if let Err(words) = validate(&program, text, level) {
        panic!("alloy validate: {words}\n{text}");
    }
    is_formatted(&program, text);
}

/// What `alloy validate` says of a document.
fn validate(program: &Path, text: &str, level: Level) -> Result<(), String> {
    let file = tempfile::NamedTempFile::with_suffix(".alloy").expect("a file");
    fs::write(&file, text).expect("a file");
    let level = format!("--stability.level={}", level.word());
    let arguments = ["validate", &level, "--feature.community-components.enabled"];
    let output = Command::new(program).args(arguments).arg(file.path()).output().expect("alloy runs");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Demands that `alloy fmt` leaves a document as it is.
fn is_formatted(program: &Path, text: &str) {
    let file = tempfile::NamedTempFile::with_suffix(".alloy").expect("a file");
    fs::write(&file, text).expect("a file");
    let output = Command::new(program).arg("fmt").arg(file.path()).output().expect("alloy runs");
    assert!(output.status.success(), "alloy fmt: {}\n{text}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), text, "alloy fmt would change it");
}

/// The text of a reviewed snapshot.
fn reviewed(path: &Path) -> String {
    let snapshot = fs::read_to_string(path).expect("a snapshot");
    let (_, text) = snapshot.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")).expect("a head");
    text.to_owned()
}

#[test]
fn every_reviewed_document_is_one_that_an_alloy_loads_as_it_is_laid_out() {
    let entries = fs::read_dir(root().join("actors/src/render/snapshots")).expect("snapshots");
    let mut read = 0;
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("_alloy.snap")) {
            println!("{}", path.display());
            let text = reviewed(&path);
            if path.to_string_lossy().contains("raw") {
                // It holds what no catalogue knows, as a user may write it: the layout is ours.
                assert_eq!(alloy_syntax::layout(&text), Vec::<String>::new(), "{text}");
                named_alloy().iter().for_each(|program| is_formatted(program, &text));
            } else {
                demand(&text, Level::Experimental);
            }
            read += 1;
        }
    }
    assert!(read >= 4, "{read} snapshots");
}

#[tokio::test]
async fn a_real_alloy_accepts_the_printed_config() {
    let Some(program) = alloy() else { return };
    let server = Server::start().await;
    let added = server.add_collector("a \"name\" // of */ many { signs", "alloy", "1.18.0").await;
    let files = added["bootstrap"]["files"].as_array().expect("files");
    let config = files.iter().find(|file| file["path"] == "/etc/alloy/config.alloy").expect("config.alloy");
    let text = config["content"].as_str().expect("a text");
    assert_eq!(validate(&program, text, Level::GenerallyAvailable), Ok(()), "{text}");
    is_formatted(&program, text);
}

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

fn start(program: &Path, server: &Server, bootstrap: &Value) -> Alloy {
    let host = Supervisor::host(server, "alloy-host");
    host.bring_program("/usr/bin/alloy", program);
    let printed = script(&serde_json::from_value(bootstrap.clone()).expect("a bootstrap"));
    let done = host.paste(&printed);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let config = host.place("/etc/alloy/config.alloy");
    let text = fs::read_to_string(&config).expect("config.alloy").replace("\"15s\"", "\"10s\"");
    fs::write(&config, text).expect("config.alloy");
    let folder = server.folder().join("alloy");
    fs::create_dir_all(&folder).expect("a folder");
    let log = folder.join("alloy.log");
    let output = fs::File::create(&log).expect("a log file");
    let child = Command::new(program)
        .args(["run", "--stability.level=generally-available"])
        // Its cluster module wants to know the port before: 0 is refused.
        .arg(format!("--server.http.listen-addr=127.0.0.1:{}", free_port()))
        .arg(format!("--storage.path={}", folder.join("data").display()))
        .arg(config)
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
    let collector = server
        .collector_when(&id, "config applied and in sync", |collector| {
            collector["config_state"] == "applied" && collector["drift"] == "in_sync"
        })
        .await;
    let attributes = &collector["attributes"];
    assert!(attributes["host.name"].is_string() && attributes["os.type"] == "linux", "{attributes:#}");
    // What runs is read from disk, where it comes with the next flush.
    let config = wait_for("what runs", || async {
        let config = server.get(&format!("/collectors/{id}/config")).await;
        (!config["effective"]["body"].is_null()).then_some(config)
    })
    .await;
    let text = config["desired"]["body"].as_str().expect("a text");
    assert_eq!(config["effective"]["body"], text);
    demand(text, Level::GenerallyAvailable);
    send(port, &[(DEBUG, "noise"), (ERROR, "loud")]).await;
    assert_eq!(sink.wait_for_record("loud").await.attribute("mark"), Some("a \"quoted\" $value"));
    assert!(sink.records().iter().all(|record| record.body() != "noise"), "the filter dropped nothing");
    let tenants = sink.tenants();
    assert!(!tenants.is_empty() && tenants.iter().all(|tenant| tenant == "shop"), "{tenants:?}");
}
