//! The same cases, run by a real Alloy.

use std::process::Command;

use super::{
    super::{
        alloy::running::Running,
        programs::{CURRENT, alloy, pair},
    },
    Collector, Subject, all_out, as_foretold,
    cases::{Case, RESOURCE, cases},
    feed, prepare, sinks,
};
use crate::support::server::Server;

/// Addresses beside those of the collectors.
const ALLOY: Subject = Subject {
    runtime: "alloy",
    version: "1.18.0",
    network: 1,
    part: |id| format!("declare \"pl_{}\"", id.replace('-', "_")),
};

/// What Alloy has no component for.
const LACKING: &str = "dedup";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alloy_does_what_a_dry_run_foretells() {
    let (Some(program), Some(writer)) = (alloy(), pair(CURRENT)) else { return };
    let server = Server::start().await;
    let cases: Vec<Case> =
        cases().into_iter().filter(|case| case.parts.iter().all(|(_, kind, _)| *kind != LACKING)).collect();
    assert!(cases.len() > 40, "{}", cases.len());
    let (trials, config) = prepare(&server, &ALLOY, cases).await;
    let mut sink = Collector::start(&writer, server.folder(), "sink", &sinks(&trials));
    let mut command = Command::new(&program);
    command.env("OTEL_RESOURCE_ATTRIBUTES", RESOURCE);
    let mut running = Running::start(command, server.folder(), &config, []).await;
    for trial in trials.iter().filter(|trial| trial.case.file.is_none()) {
        feed(trial, || running.log()).await;
    }
    all_out(&trials).await;
    running.stop().await;
    sink.stop().await;
    as_foretold(&trials, &running.log());
    println!("{} cases", trials.len());
}
