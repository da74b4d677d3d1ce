//! A LinkMesh server as its own process, and its REST interface as a service account.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
};

use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{PATIENCE, tls::Authority, wait_for};

/// The program under test.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linkmesh"));
    command.env_remove("LINKMESH_CONFIG").stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("linkmesh runs")
}

/// Runs `git` as a person would, and answers what it says.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")])
        .envs([("GIT_AUTHOR_NAME", "Grace"), ("GIT_AUTHOR_EMAIL", "grace@example.com")])
        .envs([("GIT_COMMITTER_NAME", "Grace"), ("GIT_COMMITTER_EMAIL", "grace@example.com")])
        .output()
        .expect("git runs");
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "git {arguments:?}: {said}");
    said
}

/// What an `Output` wrote, for messages of failed assertions.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Prints the end of a log, for whoever looks at a failed test.
pub(crate) fn tail(name: &str, path: &Path) {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(60);
    println!("--- end of the log of {name}:\n{}", lines[from..].join("\n"));
}

/// A server process on a data directory of its own.
pub(crate) struct Server {
    folder: TempDir,
    data: PathBuf,
    child: Option<Child>,
    config: Vec<(&'static str, String)>,
    token: String,
    /// Who signed the server's certificate, when it speaks TLS.
    pub(crate) authority: Option<Authority>,
    /// `host:port`, kept over restarts.
    pub(crate) address: String,
    /// The ready file's content.
    pub(crate) ready: Value,
    pub(crate) http: reqwest::Client,
}

impl Server {
    /// Starts a server with the defaults.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with configuration from environment variables.
    pub(crate) async fn start_with(config: &[(&'static str, &str)]) -> Self {
        let mut server = Self::prepare(config);
        server.serve().await;
        server
    }

    /// Starts a server that speaks TLS, with a certificate of this authority.
    pub(crate) async fn start_with_tls(authority: Authority) -> Self {
        let mut server = Self::prepare(&[]);
        server.config.extend(authority.equip(server.folder.path()));
        server.http = authority.http();
        server.authority = Some(authority);
        server.serve().await;
        server
    }

    /// A data directory with a service account that may do everything, and no server yet.
    pub(crate) fn prepare(config: &[(&'static str, &str)]) -> Self {
        let folder = TempDir::with_prefix("linkmesh-test-").expect("a temporary folder");
        let data = folder.path().join("data");
        Self::prepare_at(folder, data, config)
    }

    /// The same with the data directory elsewhere.
    pub(crate) fn prepare_on(data: PathBuf) -> Self {
        Self::prepare_at(TempDir::with_prefix("linkmesh-test-").expect("a temporary folder"), data, &[])
    }

    fn prepare_at(folder: TempDir, data: PathBuf, config: &[(&'static str, &str)]) -> Self {
        std::fs::create_dir_all(&data).expect("a folder");
        let path = data.display().to_string();
        let made = run(&["admin", "token", "--data-dir", &path, "--name", "tests", "--role", "admin"]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        Self {
            folder,
            data,
            child: None,
            config: config.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
            token: text(&made.stdout).trim().to_owned(),
            authority: None,
            address: "127.0.0.1:0".to_owned(),
            ready: Value::Null,
            http: reqwest::Client::builder().timeout(PATIENCE).build().expect("a client"),
        }
    }

    /// Starts the process, on the address that it had before if there was one, and waits until it is ready.
    pub(crate) async fn serve(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let ready = self.folder.path().join("ready.json");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_file()).expect("a log file");
        let child = program()
            .args(["serve", "--http", &self.address, "--grpc", "127.0.0.1:0", "--data-dir"])
            .arg(self.data_dir())
            .arg("--ready-file")
            .arg(&ready)
            .envs(self.config.iter().map(|(key, value)| (*key, value.as_str())))
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("linkmesh starts");
        let pid = child.id();
        let child = self.child.insert(child);
        self.ready = wait_for("the ready file", || {
            let ended = child.try_wait().expect("a status");
            assert!(ended.is_none(), "the server ended: {ended:?}");
            let facts = std::fs::read(&ready).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
            std::future::ready(facts.filter(|facts| facts["pid"] == pid))
        })
        .await;
        self.address = self.ready["http"].as_str().expect("an address").to_owned();
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.data.clone()
    }

    /// The folder that holds the data directory, for what a test needs on disk.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The token of the service account that may do everything.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// Everything that the server printed so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().map(Child::id).expect("a running server")
    }

    /// Ends the process as a power cut would.
    pub(crate) async fn kill(&mut self) {
        self.send_kill();
        self.ended().await;
    }

    /// Sends SIGKILL while others still speak to the server; [`Self::ended`] has to follow.
    pub(crate) fn send_kill(&self) {
        self.send_signal("-KILL");
    }

    /// Sends a signal and waits for the end.
    pub(crate) async fn signal(&mut self, signal: &str) -> ExitStatus {
        self.send_signal(signal);
        self.ended().await
    }

    fn send_signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.pid().to_string()]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for the end of a server that was told to end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("a server");
        wait_for("the server to end", || std::future::ready(child.try_wait().expect("a status"))).await
    }

    /// The URL of a path, with another scheme for WebSockets; over TLS where the server speaks it.
    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        let secure = if self.authority.is_some() { "s" } else { "" };
        format!("{scheme}{secure}://{}{path}", self.address)
    }

    /// Commits a file by hand, as a person does who has a clone.
    pub(crate) fn commit_by_hand(&self, path: &str, content: &str) {
        let folder = tempfile::tempdir().unwrap();
        let repository = self.data_dir().join("config.git").display().to_string();
        git(folder.path(), &["clone", "-q", &repository, "clone"]);
        let clone = folder.path().join("clone");
        std::fs::write(clone.join(path), content).unwrap();
        git(&clone, &["add", "-A"]);
        git(&clone, &["commit", "-q", "-m", "by hand"]);
        git(&clone, &["push", "-q", "origin", "HEAD:main"]);
    }

    /// Runs git on the config repository and returns what it printed.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.data_dir().join("config.git"))
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// A request to the REST interface; an error is a connection that broke.
    pub(crate) async fn try_rest(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::Result<Response> {
        let mut request =
            self.http.request(method, self.url("http", &format!("/api/v1{path}"))).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await
    }

    /// A request to the REST interface.
    pub(crate) async fn rest(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        self.try_rest(method, path, body).await.expect("an answer")
    }

    /// A request that must succeed, and its answer: a document, or a text where it is none.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let response = self.rest(method.clone(), path, body).await;
        let (status, body) = (response.status(), response.text().await.expect("a body"));
        assert!(status.is_success(), "{method} {path}: {status} {body}");
        if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap_or(Value::String(body)) }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        self.ask(Method::POST, path, Some(body.clone())).await
    }

    /// Saves over what is there now.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Value {
        self.over_what_is_there(Method::PUT, path, Some(body)).await
    }

    /// Deletes what is there now.
    pub(crate) async fn delete(&self, path: &str) -> Value {
        self.over_what_is_there(Method::DELETE, path, None).await
    }

    async fn over_what_is_there(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let known = self.rest(Method::GET, path, None).await;
        let etag = known.headers().get(header::ETAG).expect("an ETag").clone();
        let mut request = self.http.request(method.clone(), self.url("http", &format!("/api/v1{path}")));
        request = request.bearer_auth(&self.token).header(header::IF_MATCH, etag);
        if let Some(body) = body {
            request = request.json(body);
        }
        let saved = request.send().await.expect("an answer");
        let (status, body) = (saved.status(), saved.text().await.expect("a body"));
        assert!(status.is_success(), "{method} {path}: {status} {body}");
        if body.is_empty() { Value::Null } else { serde_json::from_str(&body).expect("JSON") }
    }

    /// Adds a collector with a label `host` and returns the whole answer: `collector`, `token`, `bootstrap`.
    pub(crate) async fn add_collector(&self, name: &str, runtime: &str, version: &str) -> Value {
        let body = json!({"name": name, "runtime": runtime, "version": version, "labels": {"host": name}});
        self.post("/collectors", &body).await
    }

    /// Registers a collector; answers its id and token.
    pub(crate) async fn collector(&self, runtime: &str) -> (String, String) {
        let mut body = json!({"name": format!("a {runtime}"), "runtime": runtime, "labels": {"env": "test"}});
        if runtime == "alloy" {
            // `debug`, which the pipelines of these tests send to, is experimental in Alloy's eyes.
            body["stability"] = json!("experimental");
        }
        let made = self.ask(Method::POST, "/collectors", Some(body)).await;
        let field = |value: &Value| value.as_str().expect("a text").to_owned();
        (field(&made["collector"]["id"]), field(&made["token"]))
    }

    /// Saves a pipeline that every collector runs: OTLP in, `debug` out, with this severity filter.
    pub(crate) async fn pipeline(&self, id: &str, minimum: &str) -> Value {
        let destination = json!({"name": "Debug", "kind": "debug", "settings": {}, "id": "debug"});
        let made = self.rest(Method::POST, "/destinations", Some(destination)).await;
        assert!(matches!(made.status(), StatusCode::CREATED | StatusCode::CONFLICT), "{}", made.status());
        let mut document = json!({
            "name": id, "signals": ["logs"], "match": ["collector.id=~\".+\""],
            "sources": [{"id": "otlp", "kind": "otlp", "settings": {"grpc": {"endpoint": "127.0.0.1:4317"}}}],
            "filters": [{"id": "loud", "kind": "severity", "settings": {"minimum": minimum}}],
            "destinations": ["debug"],
        });
        let path = format!("/pipelines/{id}");
        if self.rest(Method::GET, &path, None).await.status() == StatusCode::NOT_FOUND {
            document["id"] = json!(id);
            return self.post("/pipelines", &document).await;
        }
        self.put(&path, &document).await
    }

    /// Waits until a collector, as REST shows it, fulfils a condition.
    pub(crate) async fn collector_when(&self, id: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, || async {
            let collector = self.get(&format!("/collectors/{id}")).await;
            if is(&collector) { Ok(collector) } else { Err(format!("{collector:#}")) }
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

    /// Kinds of what happened to a collector, oldest first.
    pub(crate) async fn events(&self, id: &str) -> Vec<String> {
        let page = self.get(&format!("/collectors/{id}/events?limit=500")).await;
        let items = page["items"].as_array().expect("events");
        items.iter().rev().map(|event| event["kind"].as_str().expect("a kind").to_owned()).collect()
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
            tail("the server", &self.log_file());
        }
    }
}
