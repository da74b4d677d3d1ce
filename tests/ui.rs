//! The page in a real browser, from the setup link to a collector that runs what was saved, and through what may go wrong
//! after that. The walk is a Playwright script; screenshots of every page and state, by day, at night and on a small
//! screen, are left in `target/ui/`.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    interop::{
        programs::{CURRENT, Pair, alone, browser, node, pair, root},
        records::{DEBUG, ERROR, INFO, send},
        sink::Sink,
        supervisor::{Supervisor, sooner},
    },
    support::server::Server,
};

/// Where screenshots are left.
fn pictures() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("ui")
}

/// The running script.
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the script asks for: the world around the page.
struct World<'a> {
    pair: &'a Pair,
    // Ends before the server, whose folder holds its files.
    supervisor: Option<Supervisor>,
    server: Server,
    sink: &'a Sink,
    sent: u32,
}

impl World<'_> {
    async fn perform(&mut self, event: &Value) {
        let text = |key: &str| event[key].as_str().unwrap_or_else(|| panic!("no {key} in {event}"));
        match text("do") {
            // What the page put on the clipboard was pasted on the host. Its collector has 8888 for itself, and pushes its own metrics.
            "install" => {
                let mut supervisor = Supervisor::install_by(self.pair, &self.server, "host-1", text("script"));
                supervisor.configure(|text| sooner(&text));
                supervisor.run();
                self.supervisor = Some(supervisor);
            }
            // The collector is in sync on the page: so it takes records, and they arrive changed.
            "records" => {
                self.sent += 1;
                let last = format!("seen through the page {}", self.sent);
                let port = u16::try_from(event["port"].as_u64().expect("a port")).expect("a port");
                send(port, &[(DEBUG, "noise"), (INFO, "kept"), (ERROR, &last)]).await;
                assert_eq!(self.sink.wait_for_record(&last).await.attribute(text("key")), Some(text("value")));
            }
            // A local file that wins over the remote config, as a hand on the host would leave it.
            "drift" => {
                let local = self.supervisor().file("local.yaml");
                let change = json!({"actions": [{"key": text("key"), "value": "by-hand", "action": "upsert"}]});
                std::fs::write(&local, json!({"processors": {text("processor"): change}}).to_string()).expect("a file");
                self.supervisor().stop().await;
                let files = format!(
                    "\nagent:\n  config_files: [$OWN_TELEMETRY_CONFIG, $OPAMP_EXTENSION_CONFIG, $REMOTE_CONFIG, \"{}\"]\n",
                    local.display()
                );
                self.supervisor().configure(|text| text.replace("\nagent:\n", &files));
                self.supervisor().run();
            }
            "commit-by-hand" => self.server.commit_by_hand(text("path"), text("text")),
            "stop-server" => assert!(self.server.signal("-TERM").await.success()),
            "start-server" => self.server.serve().await,
            "leave" => self.supervisor().stop().await,
            "return" => {
                let is_local = |line: &&str| line.contains("config_files:");
                self.supervisor().configure(|text| {
                    text.lines().filter(|line| !is_local(line)).map(|line| format!("{line}\n")).collect()
                });
                self.supervisor().run();
            }
            _ => panic!("the script asks for {event}"),
        }
    }

    fn supervisor(&mut self) -> &mut Supervisor {
        self.supervisor.as_mut().expect("the page asked for an installation")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_gets_from_the_setup_link_to_a_collector_in_sync_and_through_what_goes_wrong() {
    let Some(scripts) = node() else { return };
    let Some(browser) = browser() else { return };
    let Some(pair) = pair(CURRENT) else { return };
    if !alone("ui::an_operator_gets_from_the_setup_link_to_a_collector_in_sync_and_through_what_goes_wrong") {
        return;
    }
    let server = Server::start().await;
    let sink = Sink::start();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let pictures = pictures();
    std::fs::create_dir_all(&pictures).expect("a folder for screenshots");
    let task = json!({
        "setupUrl": server.ready["setup_url"].as_str().expect("a setup link: there is no administrator yet"),
        "browser": browser,
        "pictures": pictures,
        "version": CURRENT,
        "sink": sink.endpoint(),
        "taken": taken.local_addr().expect("its address").port(),
    });
    let script = Command::new("node")
        .arg("ui.mjs")
        .arg(task.to_string())
        .current_dir(scripts)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut script = Script(script);
    let mut answers = script.0.stdin.take().expect("its input");
    // The script says on its output, a line each, what the operator or the host would do elsewhere.
    let lines = BufReader::new(script.0.stdout.take().expect("its output"));
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
    let mut world = World { pair: &pair, supervisor: None, server, sink: &sink, sent: 0 };
    while let Some(event) = hear.recv().await {
        world.perform(&event).await;
        writeln!(answers, "done").expect("the script listens");
    }
    reader.await.expect("its lines");
    let status = script.0.wait().expect("its end");
    assert!(status.success(), "the walk through the page ended early; look at the last picture in target/ui");
    let authors = world.server.git(&["log", "--format=%an <%ae>: %s", "main"]);
    let others: Vec<&str> = authors.lines().filter(|line| !line.contains("ada@example.com")).collect();
    let [by_hand, begin] = others[..] else { panic!("the other commits are the operator's own:\n{authors}") };
    assert_eq!(by_hand, "Grace <grace@example.com>: by hand");
    assert!(begin.ends_with(": linkmesh.yaml: create") && authors.ends_with(&format!("{begin}\n")), "{authors}");
    world.supervisor().stop().await;
}
