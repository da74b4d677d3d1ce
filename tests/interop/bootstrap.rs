//! What the page prints for a host, used as it is printed.

use std::os::unix::fs::PermissionsExt as _;

use super::{
    delivery::Scene,
    programs::{CURRENT, OLDER, alone, pair},
};
use crate::{
    alloy_syntax::{layout, parse},
    support::server::Server,
};

/// A supervisor that is started with the printed files by the printed command connects, and ends by the printed signal.
async fn connects_as_printed(version: &'static str) {
    let Some(pair) = pair(version) else { return };
    let test = if version == CURRENT {
        "interop::bootstrap::the_printed_files_start_a_supervisor_that_connects"
    } else {
        "interop::bootstrap::the_printed_files_start_an_older_supervisor_that_connects"
    };
    if !alone(test) {
        return;
    }
    let mut scene = Scene::set_as_printed(&pair).await;
    let token = std::fs::metadata(scene.supervisor.file("etc/opampsupervisor/token.env")).expect("the token's file");
    assert_eq!(token.permissions().mode() & 0o777, 0o600);
    let collector = scene.server.collector_when(&scene.id, "health", |collector| collector["healthy"] == true).await;
    assert_eq!(collector["version"], version);
    assert_eq!(collector["config_state"], "none", "{collector:#}");
    scene.supervisor.stop().await;
    scene.server.collector_when(&scene.id, "absence", |collector| collector["status"] == "offline").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_files_start_a_supervisor_that_connects() {
    connects_as_printed(CURRENT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_files_start_an_older_supervisor_that_connects() {
    connects_as_printed(OLDER).await;
}

#[tokio::test]
async fn an_independent_reader_accepts_the_printed_config_of_an_alloy() {
    let server = Server::start().await;
    let added = server.add_collector("a \"name\" // of */ many { signs", "alloy", "1.18.0").await;
    let files = added["bootstrap"]["files"].as_array().expect("files");
    let config = files.iter().find(|file| file["path"] == "/etc/alloy/config.alloy").expect("config.alloy");
    let text = config["content"].as_str().expect("a text");
    let body = parse(text).unwrap_or_else(|refusal| panic!("{refusal}\n{text}"));
    assert_eq!(body.len(), 8, "a block for each part of polling and pushing:\n{text}");
    assert_eq!(layout(text), Vec::<String>::new(), "{text}");
}
