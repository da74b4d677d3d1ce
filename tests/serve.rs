//! `linkmesh serve` as a process: ready file, one server a directory, stopping.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::support::{
    agent::Agent,
    server::{Server, program, text},
    soon, wait_for,
};

#[tokio::test]
async fn ready_file_names_what_was_bound_and_is_for_its_owner_only() {
    let server = Server::start().await;
    let ready = &server.ready;
    assert_eq!(ready["pid"], server.pid());
    assert_eq!(ready["grpc"], Value::Null);
    let setup = ready["setup_url"].as_str().expect("a setup link");
    assert!(setup.starts_with(&server.url("http", "/setup?token=")), "{setup}");
    let mode = std::fs::metadata(server.folder().join("ready.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let log = server.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("/setup?token=")).collect();
    assert_eq!(lines.len(), 1, "one line has the setup link: {log}");
}

#[tokio::test]
async fn second_server_on_the_same_directory_stops_with_a_clear_error() {
    let server = Server::start().await;
    let second = program()
        .args(["serve", "--http", "127.0.0.1:0", "--data-dir"])
        .arg(server.data_dir())
        .output()
        .expect("linkmesh runs");
    assert_eq!(second.status.code(), Some(1));
    let error = text(&second.stderr);
    assert!(error.contains(&server.data_dir().display().to_string()), "{error}");
    assert!(error.contains(&server.pid().to_string()), "names who holds it: {error}");
    server.get("/fleet/summary").await;
}

#[tokio::test]
async fn directory_of_a_newer_version_is_refused() {
    let server = Server::prepare(&[]);
    std::fs::write(server.data_dir().join("VERSION"), "999\n").unwrap();
    let refused =
        program().args(["serve", "--http", "127.0.0.1:0", "--data-dir"]).arg(server.data_dir()).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("999"), "{}", text(&refused.stderr));
}

#[tokio::test]
async fn address_in_use_is_an_error_that_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let server = Server::prepare(&[]);
    let refused = program().args(["serve", "--http", &address, "--data-dir"]).arg(server.data_dir()).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains(&address), "{}", text(&refused.stderr));
}

#[tokio::test]
async fn signals_end_sessions_with_going_away_and_the_process_with_success() {
    for signal in ["-TERM", "-INT"] {
        let mut server = Server::start().await;
        let (id, token) = server.collector("otelcol").await;
        let mut agent = Agent::connect(&server, &token).await;
        server.collector_when(&id, "the collector to be connected", |c| c["status"] == "connected").await;
        let (status, code) = tokio::join!(server.signal(signal), agent.closed());
        assert_eq!(code, Some(1001), "{signal}");
        assert!(status.success(), "{signal}: {status}\n{}", server.log());
    }
}

#[tokio::test]
async fn stopping_does_not_wait_for_an_agent_that_does_not_answer() {
    let mut server = Server::start_with(&[("LINKMESH_SERVER__SHUTDOWN_TIMEOUT", "1s")]).await;
    let (_, token) = server.collector("otelcol").await;
    let _silent = Agent::connect(&server, &token).await;
    assert!(server.signal("-TERM").await.success());
}

#[tokio::test]
async fn killed_server_comes_back_with_everything_and_pushes_nothing_twice() {
    let mut server = Server::start().await;
    let (id, token) = server.collector("otelcol").await;
    let saved = server.pipeline("web", "info").await;
    let mut agent = Agent::connect(&server, &token).await;
    agent.send(agent.healthy()).await;
    let (hash, config) = agent.offered().await;
    agent.apply(&hash, &config).await;
    server.collector_when(&id, "the config to be applied", |c| c["config_state"] == "applied").await;

    server.kill().await;
    server.serve().await;
    let pipeline = server.get("/pipelines/web").await;
    assert_eq!(pipeline["revision"], saved["pipeline"]["revision"]);
    // The same process of the agent: it says only that it is there.
    let mut back = Agent::dial(&server, "/v1/opamp", &token).await.ok().expect("the token is known");
    (back.uid, back.sequence) = (agent.uid, agent.sequence);
    let answer = back.tell(Default::default()).await;
    assert!(answer.remote_config.is_none(), "nothing new is offered");
    let collector = server.collector_when(&id, "the collector to be connected", |c| c["status"] == "connected").await;
    assert_eq!((&collector["config_state"], &collector["drift"]), (&"applied".into(), &"in_sync".into()));

    server.pipeline("web", "error").await;
    let (newer, _) = back.offered().await;
    assert_ne!(newer, hash);
}

#[tokio::test]
async fn readiness_and_liveness_need_no_credentials() {
    let server = Server::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = server.http.get(server.url("http", path)).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
    }
}

#[tokio::test]
async fn log_holds_no_token() {
    let server = Server::start_with(&[("LINKMESH_LOG__FILTER", "trace")]).await;
    let (_, token) = server.collector("otelcol").await;
    let mut agent = Agent::connect(&server, &token).await;
    agent.tell(agent.healthy()).await;
    let wrong = "lmct_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert!(Agent::dial(&server, "/v1/opamp", wrong).await.is_err());
    wait_for("the log to tell of it", || async { server.log().contains("turned away").then_some(()) }).await;
    let log = server.log();
    // The one line on standard output that is meant to hold a secret.
    let log: Vec<_> = log.lines().filter(|line| !line.starts_with("LinkMesh has no administrator")).collect();
    for secret in [&token[5..], &wrong[5..], "lmsat_"] {
        let leak = log.iter().find(|line| line.contains(secret));
        assert!(leak.is_none(), "{leak:?}");
    }
    soon("the end", agent.send_frame(tokio_tungstenite::tungstenite::Message::Close(None))).await;
}
