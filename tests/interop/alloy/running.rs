//! An Alloy that runs a file of ours, without a server that it polls.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::super::records::free_port;
use crate::support::{server::tail, wait_for};

/// What a component says of itself, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::interop) struct Health {
    /// `healthy`, `unhealthy`, `exited`, or `unknown` as long as it does not run.
    pub(in crate::interop) state: String,
    pub(in crate::interop) message: String,
}

/// A process that is fed by a file.
pub(in crate::interop) struct Running {
    child: Child,
    log: PathBuf,
    config: PathBuf,
    address: String,
    http: reqwest::Client,
}

impl Running {
    /// Starts one on a document, and waits until it has loaded it. The command names the program and what it runs in.
    pub(in crate::interop) async fn start<'a>(
        mut command: Command,
        folder: &Path,
        text: &str,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let (config, log) = (folder.join("tried.alloy"), folder.join("alloy.log"));
        fs::write(&config, text).expect("a file");
        let output = fs::OpenOptions::new().create(true).append(true).open(&log).expect("a log");
        let address = format!("127.0.0.1:{}", free_port());
        let child = command
            .args(["run", "--stability.level=experimental", "--feature.community-components.enabled"])
            .args(["--disable-reporting", &format!("--server.http.listen-addr={address}")])
            .arg(format!("--storage.path={}", folder.join("alloy-data").display()))
            .arg(&config)
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a handle"))
            .stderr(output)
            .spawn()
            .expect("alloy runs");
        let mut running = Self { child, log, config, address, http: reqwest::Client::new() };
        wait_for("an Alloy that is ready", || {
            if let Some(status) = running.child.try_wait().expect("a child") {
                panic!("alloy ended with {status}: {}\n{text}", running.log());
            }
            let asked = running.http.get(running.url("/-/ready")).send();
            async move {
                let answer = asked.await.and_then(reqwest::Response::error_for_status);
                answer.map(drop).map_err(|error| error.to_string())
            }
        })
        .await;
        running
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(in crate::interop) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What it logged after this many bytes, and how many there are now.
    pub(in crate::interop) fn log_after(&self, start: u64) -> (String, u64) {
        let mut file = fs::File::open(&self.log).expect("a log");
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(start)).expect("a place");
        let read = file.read_to_end(&mut text).expect("a log");
        (String::from_utf8_lossy(&text).into_owned(), start + read as u64)
    }

    /// Gives it another document: what it says against it.
    pub(in crate::interop) async fn load(&self, text: &str) -> Result<(), String> {
        fs::write(&self.config, text).expect("a file");
        let answer =
            self.http.post(self.url("/-/reload")).send().await.map_err(|error| format!("{error}: {}", self.log()))?;
        let done = answer.status().is_success();
        let said = answer.text().await.expect("a text");
        if done { Ok(()) } else { Err(said) }
    }

    /// The components of a module; the root's name is empty.
    async fn components(&self, module: &str) -> Vec<Value> {
        let path = if module.is_empty() { "/components".to_owned() } else { format!("/modules/{module}/components") };
        let answer = self.http.get(self.url(&format!("/api/v0/web{path}"))).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("a list")
    }

    /// What each component says of itself once all were started; those in a `declare` stand behind its instance.
    pub(in crate::interop) async fn health(&self) -> BTreeMap<String, Health> {
        wait_for("components that were started", || async {
            let (mut found, mut modules) = (BTreeMap::new(), vec![String::new()]);
            while let Some(module) = modules.pop() {
                for component in self.components(&module).await {
                    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                    let health = &component["health"];
                    let name = format!(
                        "{}/{}",
                        component["moduleID"].as_str().unwrap_or_default(),
                        text(&component["localID"])
                    );
                    found.insert(name, Health { state: text(&health["state"]), message: text(&health["message"]) });
                    modules.extend(component["createdModuleIDs"].as_array().into_iter().flatten().map(text));
                }
            }
            if found.values().all(|health| health.state != "unknown") { Ok(found) } else { Err(format!("{found:#?}")) }
        })
        .await
    }

    /// Ends it as a service manager does: it sends on what it has.
    pub(in crate::interop) async fn stop(&mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        wait_for("alloy to end", || {
            let ended = self.child.try_wait().expect("a child");
            std::future::ready(ended.map(drop).ok_or_else(|| "it runs".to_owned()))
        })
        .await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            tail("alloy", &self.log);
        }
    }
}
