//! `linkmesh serve` as a process: ready file, one server a directory, stopping.

use std::{os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use linkmesh_proto::wire::opamp::AgentToServer;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    agent::Agent,
    disk::{SmallDisk, fault_library},
    server::{Server, git, program, text},
    soon, wait_for,
};

#[tokio::test]
async fn ready_file_names_what_was_bound_and_is_for_its_owner_only() {
    let server = Server::start().await;
    let ready = &server.ready;
    assert_eq!(ready["pid"], server.pid());
    assert_eq!(ready["grpc"], Value::Null);
    let told = server.log().lines().filter(|line| line.contains("nothing listens at the address of --grpc")).count();
    assert_eq!(told, 1, "{}", server.log());
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
async fn directory_that_lost_a_part_is_refused_and_nothing_is_taken_from_the_fleet() {
    let mut server = Server::start().await;
    server.pipeline("web", "info").await;
    assert!(server.signal("-TERM").await.success());
    let kept = server.folder().join("kept");
    for (part, word) in
        [("config.git", "no config.git"), ("secret.key", "no secret.key"), ("state.redb", "no state.redb")]
    {
        let path = server.data_dir().join(part);
        std::fs::rename(&path, &kept).unwrap();
        let refused =
            program().args(["serve", "--http", "127.0.0.1:0", "--data-dir"]).arg(server.data_dir()).output().unwrap();
        let error = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{part}: {error}");
        assert!(error.contains(word) && error.contains(part), "{error}");
        std::fs::rename(&kept, &path).unwrap();
    }
    server.serve().await;
    assert_eq!(server.get("/pipelines/web").await["id"], "web");
}

#[tokio::test]
async fn repository_that_is_older_than_the_saves_is_told_and_one_without_a_branch_refused() {
    let mut server = Server::start().await;
    server.pipeline("web", "info").await;
    let repository = server.data_dir().join("config.git");
    let older = server.git(&["rev-parse", "main"]);
    let newest = server.pipeline("web", "warn").await;
    assert!(server.signal("-TERM").await.success());
    assert!(!server.log().contains("was put back from an older copy"), "{}", server.log());

    server.git(&["update-ref", "refs/heads/main", older.trim()]);
    server.serve().await;
    let log = server.log();
    let told = log.lines().find(|line| line.contains("was put back from an older copy")).expect(&log);
    assert!(told.contains(newest["revision"].as_str().unwrap()), "{told}");
    assert_eq!(server.get("/pipelines/web").await["filters"][0]["settings"]["minimum"], "info");
    assert!(server.signal("-TERM").await.success());

    server.git(&["update-ref", "-d", "refs/heads/main"]);
    assert!(repository.join("HEAD").exists());
    let refused =
        program().args(["serve", "--http", "127.0.0.1:0", "--data-dir"]).arg(server.data_dir()).output().unwrap();
    let error = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{error}");
    assert!(error.contains("is empty, but") && error.contains("put config.git back"), "{error}");
}

#[tokio::test]
async fn what_becomes_of_collectors_stands_in_the_log() {
    let server = Server::start().await;
    let (id, _) = server.collector("alloy").await;
    server.delete(&format!("/collectors/{id}")).await;
    let log = server.log();
    for what in ["collector created", "collector deregistered"] {
        let line = log.lines().find(|line| line.contains(what)).expect(&log);
        assert!(line.contains(&id), "{line}");
    }
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
    let told = std::time::Instant::now();
    assert!(server.signal("-TERM").await.success());
    // A second for its answer and a few for the rest; the machine may be busy.
    assert!(told.elapsed() < Duration::from_secs(20), "{:?}\n{}", told.elapsed(), server.log());
    assert!(server.log().contains("agents did not answer the close"), "{}", server.log());
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
    // Shown is what memory holds; answers come, in their order, when it is on disk. This one is told from the others: it
    // is a refusal.
    let refused = AgentToServer { connection_settings_request: Some(Default::default()), ..Default::default() };
    agent.send(refused).await;
    while agent.hear().await.error_response.is_none() {}

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

#[tokio::test]
async fn secret_that_was_pushed_in_the_clear_is_told_by_its_field_and_never_shown() {
    let mut server = Server::start().await;
    server.pipeline("web", "info").await;
    let text = "version: 1\nname: B\nkind: otlp_http\nsettings: {endpoint: 'https://b.example', bearer_token: hunter2-in-git}\n";
    server.commit_by_hand("destinations/b.yaml", text);
    let shown = wait_for("the destination", || async {
        let answer = server.rest(Method::GET, "/destinations/b", None).await;
        if answer.status() == 200 { answer.text().await.ok() } else { None }
    })
    .await;
    let told: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(told["in_the_clear"], json!(["settings.bearer_token"]), "{told}");
    assert_eq!(told["settings"]["bearer_token"], json!({"sealed": true}));
    // It is told again when the server starts.
    let lines = |server: &Server| {
        let log = server.log();
        assert!(!log.contains("hunter2") && !shown.contains("hunter2"), "{log}");
        let of_it = |line: &&str| line.contains("in the clear") && line.contains("settings.bearer_token");
        log.lines().filter(of_it).filter(|line| line.contains("destinations/b.yaml")).count()
    };
    assert_eq!(lines(&server), 1, "{}", server.log());
    assert!(server.signal("-TERM").await.success());
    server.serve().await;
    let before = lines(&server);
    assert!(before >= 1, "{}", server.log());

    server.put("/destinations/b", &told).await;
    assert_eq!(server.get("/destinations/b").await["in_the_clear"], Value::Null);
    assert!(!server.git(&["show", "main:destinations/b.yaml"]).contains("hunter2"));
}

#[tokio::test]
async fn file_broken_by_hand_keeps_its_last_good_version_while_the_server_is_up_and_when_it_starts() {
    let mut server = Server::start().await;
    server.pipeline("web", "info").await;
    server.pipeline("other", "info").await;
    let good = server.get("/pipelines/web").await;
    for (name, broken) in [("up", "name: [broken by hand while it is up"), ("down", "name: {broken by hand")] {
        if name == "down" {
            assert!(server.signal("-TERM").await.success());
            server.commit_by_hand("pipelines/web.yaml", broken);
            server.serve().await;
        } else {
            server.commit_by_hand("pipelines/web.yaml", broken);
        }
        let summary = wait_for("the broken file", || async {
            let summary = server.get("/fleet/summary").await;
            (summary["broken_files"] != json!([])).then_some(summary)
        })
        .await;
        assert_eq!(summary["broken_files"][0]["path"], "pipelines/web.yaml", "{name}: {summary}");
        assert_eq!(summary["broken_files"].as_array().unwrap().len(), 1);
        let log = server.log();
        assert!(log.contains("pipelines/web.yaml") && log.contains("broken"), "{name}: {log}");

        // The last good version is in force, and says that its file is broken; the other file is as it was.
        let shown = server.rest(Method::GET, "/pipelines/web", None).await;
        let etag = shown.headers()["etag"].to_str().unwrap().to_owned();
        let shown: Value = shown.json().await.unwrap();
        assert_eq!((&shown["filters"], &shown["name"]), (&good["filters"], &good["name"]), "{name}");
        assert!(shown["broken"].as_str().is_some_and(|reason| !reason.is_empty()), "{name}: {shown}");
        assert_eq!(server.get("/pipelines/other").await["broken"], Value::Null);

        // A save over it needs the version of the broken text, which is the one that `GET` answers.
        let blob = git(&server.data_dir().join("config.git"), &["rev-parse", "main:pipelines/web.yaml"]);
        assert_eq!(etag, format!("\"{}\"", blob.trim()), "{name}");
        let mut mended = good.clone();
        mended["description"] = json!(format!("mended, broken while it was {name}"));
        let put = async |etag: &str| {
            let url = server.url("http", "/api/v1/pipelines/web");
            let request = server.http.put(url).bearer_auth(server.token()).header("if-match", etag);
            request.json(&mended).send().await.unwrap()
        };
        let last_good = git(&server.data_dir().join("config.git"), &["rev-parse", "main~1:pipelines/web.yaml"]);
        let stale = put(&format!("\"{}\"", last_good.trim())).await;
        assert_eq!(stale.status(), 412, "{name}");
        let problem: Value = stale.json().await.unwrap();
        assert_eq!(problem["current_etag"], etag, "{problem}");
        assert_eq!(put(&etag).await.status(), 200, "{name}");
        assert_eq!(server.get("/fleet/summary").await["broken_files"], json!([]));
        assert_eq!(server.get("/pipelines/web").await["broken"], Value::Null);
    }
}

/// What `/readyz` answers now.
async fn readiness(server: &Server) -> (u16, String) {
    let answer = server.http.get(server.url("http", "/readyz")).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn full_disk_is_a_problem_that_readiness_shows_and_that_ends_with_it() {
    let Some(disk) = SmallDisk::mount(24 << 10) else { return };
    let mut server = Server::prepare_on(disk.path().join("data"));
    server.serve().await;
    server.pipeline("web", "info").await;
    let before = server.get("/pipelines/web").await;
    assert_eq!(readiness(&server).await.0, 200);

    disk.fill();
    let destination = json!({"id": "late", "name": "x".repeat(100), "kind": "debug", "settings": {}});
    for _ in 0..3 {
        let refused = server.rest(Method::POST, "/destinations", Some(destination.clone())).await;
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["code"], "storage_unavailable", "{problem}");
    }
    wait_for("the server not to be ready", || async { (readiness(&server).await.0 == 503).then_some(()) }).await;
    assert_eq!(server.get("/pipelines/web").await, before, "what is there is read");
    let repository = server.data_dir().join("config.git");
    let said = git(&repository, &["fsck", "--full", "--strict"]);
    assert!(said.lines().all(|line| line.starts_with("notice")), "{said}");

    disk.empty();
    // By itself, before anybody saves.
    let ready = wait_for("the server to be ready", || async {
        let (status, text) = readiness(&server).await;
        (status == 200).then_some(text)
    })
    .await;
    assert_eq!(ready, "ready\n");
    server.ask(Method::POST, "/destinations", Some(destination)).await;
    assert_eq!(readiness(&server).await.0, 200);
    assert!(server.signal("-TERM").await.success());
    let said = git(&repository, &["fsck", "--full", "--strict"]);
    assert!(said.lines().all(|line| line.starts_with("notice")), "{said}");
}

#[tokio::test]
async fn disk_that_does_not_sync_is_a_problem_that_readiness_shows_and_that_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (library, dying) = (fault_library(folder.path()), folder.path().join("dying"));
    let path = |path: &Path| path.display().to_string();
    let (preload, sign) = (path(&library), path(&dying));
    let mut server = Server::start_with(&[("LD_PRELOAD", &preload), ("FAULT_WHILE", &sign)]).await;
    server.pipeline("web", "info").await;
    let repository = server.data_dir().join("config.git");
    let (head, before) = (git(&repository, &["rev-parse", "main"]), server.get("/pipelines/web").await);
    assert_eq!(readiness(&server).await.0, 200);

    std::fs::write(&dying, "").unwrap();
    let destination = json!({"id": "late", "name": "Late", "kind": "debug", "settings": {}});
    for _ in 0..3 {
        let refused = server.rest(Method::POST, "/destinations", Some(destination.clone())).await;
        assert_eq!(refused.status(), 503);
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["code"], "storage_unavailable", "{problem}");
    }
    wait_for("the server not to be ready", || async { (readiness(&server).await.0 == 503).then_some(()) }).await;
    assert_eq!(git(&repository, &["rev-parse", "main"]), head);

    std::fs::remove_file(&dying).unwrap();
    wait_for("the server to be ready", || async { (readiness(&server).await.0 == 200).then_some(()) }).await;
    assert_eq!(server.rest(Method::GET, "/destinations/late", None).await.status(), 404);
    assert_eq!(server.get("/pipelines/web").await, before);
    server.ask(Method::POST, "/destinations", Some(destination)).await;
    assert!(server.signal("-TERM").await.success());
    let said = git(&repository, &["fsck", "--full", "--strict"]);
    assert!(said.lines().all(|line| line.starts_with("notice")), "{said}");
}
