//! A LinkMesh server as its own process, and its REST interface as a service account.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output, Stdio},
};

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Child;

use super::{PATIENCE, soon, tls::Authority, wait_for};

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

/// What an `Output` wrote, for messages of failed assertions.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
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

    /// Starts the process and waits until it is ready.
    pub(crate) async fn serve(&mut self) {
        let ready = self.folder.path().join("ready.json");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_file()).expect("a log file");
        let mut command = program();
        command
            .args(["serve", "--http", &self.address, "--grpc", "127.0.0.1:0", "--data-dir"])
            .arg(self.data_dir())
            .arg("--ready-file")
            .arg(&ready)
            .envs(self.config.iter().map(|(key, value)| (*key, value.as_str())))
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log);
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("linkmesh starts");
        let pid = child.id().expect("a process");
        self.ready = wait_for("the ready file", || {
            let ended = child.try_wait().expect("a status");
            assert!(ended.is_none(), "the server ended: {ended:?}\n{}", self.log());
            let facts = std::fs::read(&ready).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
            std::future::ready(facts.filter(|facts| facts["pid"] == pid))
        })
        .await;
        self.child = Some(child);
        self.address = self.ready["http"].as_str().expect("an address").to_owned();
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.data.clone()
    }

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
        self.child.as_ref().and_then(Child::id).expect("a running server")
    }

    /// Ends the process as a power cut would.
    pub(crate) async fn kill(&mut self) {
        self.child.take().expect("a running server").kill().await.expect("it dies");
    }

    /// Sends a signal and waits for the end.
    pub(crate) async fn signal(&mut self, signal: &str) -> ExitStatus {
        let sent = Command::new("kill").args([signal, &self.pid().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        let mut child = self.child.take().expect("a running server");
        soon("the server to end", child.wait()).await.expect("its end")
    }

    /// The URL of a path, with another scheme for WebSockets; the secure one of the two when the server speaks TLS.
    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        let secure = if self.authority.is_some() { "s" } else { "" };
        format!("{scheme}{secure}://{}{path}", self.address)
    }

    /// A request to the REST interface.
    pub(crate) async fn rest(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let mut request =
            self.http.request(method, self.url("http", &format!("/api/v1{path}"))).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.expect("an answer")
    }

    /// A request that must succeed, and its answer.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let response = self.rest(method.clone(), path, body).await;
        let (status, body) = (response.status(), response.text().await.expect("a body"));
        assert!(status.is_success(), "{method} {path}: {status} {body}\n{}", self.log());
        if body.is_empty() { Value::Null } else { serde_json::from_str(&body).expect("JSON") }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None).await
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
        let known = self.rest(Method::GET, &path, None).await;
        let Some(etag) = known.headers().get("etag").cloned() else {
            document["id"] = json!(id);
            return self.ask(Method::POST, "/pipelines", Some(document)).await;
        };
        let url = self.url("http", &format!("/api/v1{path}"));
        let saved = self.http.put(url).bearer_auth(&self.token).header("if-match", etag).json(&document).send().await;
        let saved = saved.expect("an answer");
        let (status, body) = (saved.status(), saved.text().await.expect("a body"));
        assert!(status.is_success(), "{status} {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// Waits until a collector, as REST shows it, fulfils a condition.
    pub(crate) async fn collector_when(&self, id: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, || async {
            let collector = self.get(&format!("/collectors/{id}")).await;
            is(&collector).then_some(collector)
        })
        .await
    }
}
