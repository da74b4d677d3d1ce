//! The command line: what it prints and how it ends.

use std::io::Write as _;
use std::process::Stdio;

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use crate::support::server::{Server, program, run, text};

#[test]
fn exit_codes_tell_usage_from_failure() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("nothing").display().to_string();
    for (arguments, code) in [
        (vec!["version"], 0),
        (vec!["--help"], 0),
        (vec!["completion", "bash"], 0),
        (vec!["check-config"], 0),
        (vec![], 2),
        (vec!["frob"], 2),
        (vec!["serve", "--http", "nonsense"], 2),
        (vec!["check-config", "--config", &missing], 2),
        (vec!["backup", "--data-dir", &missing, "--out", "/dev/null"], 1),
        (vec!["admin", "token", "--data-dir", &missing, "--name", "a", "--role", "emperor"], 2),
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        assert_eq!(output.stderr.is_empty(), code == 0, "{arguments:?}");
    }
}

#[test]
fn data_directory_that_is_not_there_is_named_and_not_made() {
    let folder = TempDir::new().unwrap();
    let mistyped = folder.path().join("dta");
    let path = mistyped.display().to_string();
    let backup = folder.path().join("backup").display().to_string();
    for arguments in [
        &["admin", "token", "--data-dir", &path, "--name", "a", "--role", "admin"][..],
        &["backup", "--data-dir", &path, "--out", &backup],
    ] {
        let output = run(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains(&path) && error.contains("not a LinkMesh data directory"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(output.stdout.is_empty() && std::fs::read_dir(folder.path()).unwrap().count() == 0);
    }
}

#[test]
fn unknown_configuration_key_ends_with_its_name() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("linkmesh.toml");
    std::fs::write(&file, "[opamp]\nmax_mesage = \"1MiB\"\n").unwrap();
    for command in ["check-config", "serve"] {
        let output = program().arg(command).arg("--config").arg(&file).output().unwrap();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2));
        assert!(error.contains("`opamp.max_mesage`") && error.contains("linkmesh.toml"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let output = program().arg("check-config").env("LINKMESH_HTTP__LISTTEN", "x").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("`http.listten`"), "{}", text(&output.stderr));
}

#[test]
fn check_config_prints_a_file_that_it_accepts() {
    let folder = TempDir::new().unwrap();
    let printed = program().arg("check-config").env("LINKMESH_HTTP__LISTEN", "127.0.0.1:9").output().unwrap();
    let shown = text(&printed.stdout);
    assert!(shown.contains("127.0.0.1:9"), "{shown}");
    let file = folder.path().join("linkmesh.toml");
    std::fs::write(&file, &shown).unwrap();
    let again = program().args(["check-config", "--config"]).arg(&file).output().unwrap();
    assert_eq!(text(&again.stdout), shown);
}

#[tokio::test]
async fn administrator_made_offline_takes_the_place_of_the_setup_link() {
    let mut server = Server::prepare(&[]);
    let mut init = program()
        .args(["admin", "init", "--email", "Ada@Example.com", "--password-stdin", "--data-dir"])
        .arg(server.data_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    init.stdin.take().unwrap().write_all(b"correct horse battery staple\n").unwrap();
    assert!(init.wait_with_output().unwrap().status.success());

    server.serve().await;
    assert!(server.ready["setup_url"].is_null());
    let login = json!({"email": "ada@example.com", "password": "correct horse battery staple"});
    assert!(server.rest(Method::POST, "/session", Some(login)).await.status().is_success());

    let held = run(&[
        "admin",
        "token",
        "--data-dir",
        &server.data_dir().display().to_string(),
        "--name",
        "x",
        "--role",
        "viewer",
    ]);
    assert_eq!(held.status.code(), Some(1), "a server runs on the directory");
}

#[tokio::test]
async fn backup_restores_to_a_server_that_knows_everything() {
    let mut server = Server::start().await;
    let (id, _) = server.collector("otelcol").await;
    server.pipeline("web", "info").await;
    assert!(server.signal("-TERM").await.success());
    let file = server.folder().join("backup");
    let backed = program().args(["backup", "--out"]).arg(&file).arg("--data-dir").arg(server.data_dir()).output();
    assert!(backed.unwrap().status.success());
    let restore = |folder: &std::path::Path| {
        program().args(["restore", "--in"]).arg(&file).arg("--data-dir").arg(folder).output().unwrap()
    };
    assert_eq!(restore(&server.data_dir()).status.code(), Some(1), "the directory is not empty");
    std::fs::remove_dir_all(server.data_dir()).unwrap();
    let restored = restore(&server.data_dir());
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    server.serve().await;
    assert_eq!(server.get("/pipelines/web").await["name"], "web");
    assert_eq!(server.get(&format!("/collectors/{id}")).await["id"], id.as_str());
}

#[tokio::test]
async fn rotated_secret_seals_anew_what_the_old_one_sealed() {
    let mut server = Server::start().await;
    let rotate = |server: &Server| {
        program().args(["admin", "rotate-secret", "--data-dir"]).arg(server.data_dir()).output().unwrap()
    };
    assert_eq!(rotate(&server).status.code(), Some(1), "a server runs on the directory");
    let settings = |secret: &str| json!({"endpoint": "https://h", "headers": {"A": secret, "B": "other"}});
    let destination = |secret: &str| json!({"name": "C", "kind": "otlp_http", "settings": settings(secret)});
    let mut first = destination("first");
    first["id"] = json!("central");
    server.post("/destinations", &first).await;
    server.put("/destinations/central", &destination("second")).await;
    let (id, _) = server.collector("otelcol").await;
    let mut pipeline = server.pipeline("web", "info").await["pipeline"].clone();
    pipeline = json!({
        "name": "web", "signals": ["logs"], "match": ["collector.id=~\".+\""], "sources": pipeline["sources"],
        "destinations": ["central"], "description": "only looks sealed: lms1.e4d3fe63.QUFBQUFB",
    });
    server.put("/pipelines/web", &pipeline).await;
    let hash = async |server: &Server| server.get(&format!("/collectors/{id}/config")).await["desired"]["hash"].clone();
    let before = hash(&server).await;
    let file = |server: &Server| server.git(&["show", "main:destinations/central.yaml"]);
    server.commit_by_hand("destinations/central.yaml", &format!("# by hand\n{}", file(&server)));
    let sealed = file(&server);
    assert!(server.signal("-TERM").await.success());

    let rotated = rotate(&server);
    let said = text(&rotated.stdout);
    assert!(rotated.status.success(), "{}", text(&rotated.stderr));
    assert!(said.contains(": 2, in 1 files"), "{said}");
    assert!(said.contains("warning: pipelines/web.yaml: 1 that look"), "{said}");
    let resealed = file(&server);
    assert!(resealed.starts_with("# by hand\n"), "{resealed}");
    let keys = |text: &str| -> Vec<String> {
        text.split("lms1.").skip(1).map(|blob| blob.split('.').next().unwrap().to_owned()).collect()
    };
    assert!(keys(&resealed).len() == 2 && keys(&resealed).iter().all(|key| !keys(&sealed).contains(key)));

    // The collector's text is the same, and what the old key sealed in history still opens.
    server.serve().await;
    assert_eq!(hash(&server).await, before);
    let history = server.get("/revisions").await;
    assert_eq!(history["items"][0]["message"], "secrets: seal with a new server secret");
    let first =
        history["items"].as_array().unwrap().iter().rev().find(|r| r["message"].as_str().unwrap().contains("central"));
    let sha = first.unwrap()["sha"].as_str().unwrap();
    server.post(&format!("/revisions/{sha}/restore"), &json!({"paths": ["destinations/central.yaml"]})).await;
    assert_ne!(hash(&server).await, before, "the first value is in force again");
}
