//! A LinkMesh server as its own process, and its REST interface.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::wait::wait_for;

/// A server process on its own data directory.
pub(crate) struct Server {
    folder: TempDir,
    child: Option<Child>,
    /// `host:port`; kept over restarts.
    pub(crate) address: String,
    /// The setup link, while there is one.
    pub(crate) setup_url: Option<String>,
    token: String,
    http: reqwest::Client,
}

impl Server {
    /// Starts a server on a fresh directory, with a service account that may do everything.
    pub(crate) async fn start() -> Self {
        let folder = TempDir::with_prefix("linkmesh-interop-").expect("a temporary folder");
        let output = Command::new(program())
            .args(["admin", "token", "--name", "tests", "--role", "admin", "--data-dir"])
            .arg(folder.path().join("data"))
            .output()
            .expect("linkmesh runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8(output.stdout).expect("a token").trim().to_owned();
        let mut server = Self {
            folder,
            child: None,
            address: "127.0.0.1:0".to_owned(),
            setup_url: None,
            token,
            http: reqwest::Client::new(),
        };
        server.run().await;
        server
    }

    /// Starts the process, on the address that it had before if there was one, and waits until it is ready.
    pub(crate) async fn run(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let ready = self.folder.path().join("ready.json");
        let _ = std::fs::remove_file(&ready);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log()).expect("a log file");
        let child = Command::new(program())
            .args(["serve", "--http", &self.address, "--grpc", "127.0.0.1:0", "--data-dir"])
            .arg(self.folder.path().join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("linkmesh runs");
        self.child = Some(child);
        let facts: Value = wait_for("the server to be ready", || async {
            let text = std::fs::read(&ready).map_err(|error| error.to_string())?;
            serde_json::from_slice(&text).map_err(|error| error.to_string())
        })
        .await;
        self.address = facts["http"].as_str().expect("an address").to_owned();
        self.setup_url = facts["setup_url"].as_str().map(str::to_owned);
    }

    /// Ends the process as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.kill_now();
        self.buried();
    }

    /// Sends SIGKILL while others still speak to the server; [`Self::buried`] has to follow.
    pub(crate) fn kill_now(&self) {
        let process = self.child.as_ref().expect("a running server").id().to_string();
        assert!(Command::new("kill").args(["-KILL", &process]).status().expect("kill runs").success());
    }

    /// Waits for the end of a server that was killed.
    pub(crate) fn buried(&mut self) {
        self.child.take().expect("a server").wait().expect("its end");
    }

    /// The config repository.
    pub(crate) fn repository(&self) -> PathBuf {
        self.folder.path().join("data/config.git")
    }

    /// A folder beside the data directory, for what a test needs on disk.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// Runs git on the config repository and returns what it printed.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.repository())
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a request under `/api/v1`; an error is a connection that broke.
    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        precondition: Option<&str>,
        body: Option<&Value>,
    ) -> reqwest::Result<(StatusCode, Option<String>, Value)> {
        let mut request = self.http.request(method, self.url(&format!("/api/v1{path}"))).bearer_auth(&self.token);
        if let Some(etag) = precondition {
            request = request.header(header::IF_MATCH, etag);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        let etag = response.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok((status, etag, body))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        precondition: Option<&str>,
        body: Option<&Value>,
    ) -> (Option<String>, Value) {
        let (status, etag, answer) = self.try_send(method.clone(), path, precondition, body).await.expect("an answer");
        assert!(status.is_success(), "{method} {path}: {status} {answer:#}");
        (etag, answer)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.send(Method::GET, path, None, None).await.1
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        self.send(Method::POST, path, None, Some(body)).await.1
    }

    /// Saves over what is there now.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Value {
        let etag = self.send(Method::GET, path, None, None).await.0.expect("an ETag");
        self.send(Method::PUT, path, Some(&etag), Some(body)).await.1
    }

    /// Adds a collector and returns the whole answer: `collector`, `token`, `bootstrap`.
    pub(crate) async fn add_collector(&self, name: &str, runtime: &str, version: &str) -> Value {
        let body = json!({"name": name, "runtime": runtime, "version": version, "labels": {"host": name}});
        self.post("/collectors", &body).await
    }

    /// Waits until a collector is as `look` wants it; `look` says in words what it misses.
    pub(crate) async fn wait_for_collector(&self, id: &str, what: &str, look: impl Fn(&Value) -> bool) -> Value {
        wait_for(&format!("{what} of the collector"), || async {
            let collector = self.get(&format!("/collectors/{id}")).await;
            if look(&collector) { Ok(collector) } else { Err(format!("{collector:#}")) }
        })
        .await
    }

    /// Waits until a collector runs exactly what it should.
    pub(crate) async fn wait_until_applied(&self, id: &str) -> Value {
        wait_for("config applied, in sync, healthy", || async {
            let collector = self.get(&format!("/collectors/{id}")).await;
            let done = collector["config_state"] == "applied"
                && collector["drift"] == "in_sync"
                && collector["healthy"] == true
                && collector["desired_hash"].is_string()
                && collector["desired_hash"] == collector["reported_hash"];
            if done {
                return Ok(collector);
            }
            let config = self.get(&format!("/collectors/{id}/config")).await;
            Err(format!("{collector:#}\n{:#}\n{:#}", config["status"], config["drift"]))
        })
        .await
    }

    /// What this process has counted under one label of a metric, for example `result="offered"`.
    pub(crate) async fn counted(&self, metric: &str, label: &str) -> f64 {
        let text = self.get("/metrics").await;
        let text = text.as_str().expect("Prometheus text");
        let series = format!("linkmesh_server_{metric}{{{label}}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&series));
        line.and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("no {series}in\n{text}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            tail("server", &self.log());
        }
    }
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_linkmesh")
}

/// Prints the end of a log, for whoever looks at a failed test.
pub(crate) fn tail(name: &str, path: &Path) {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(60);
    println!("--- end of the log of {name}:\n{}", lines[from..].join("\n"));
}
