//! Plays a fleet on loopback against a LinkMesh server and prints what that cost: connecting, memory, pushing a save,
//! heartbeats, polls, durable saves.
//!
//! Nothing here knows the server's code: it speaks OpAMP, `remotecfg` and REST as the real programs do, with a
//! deterministic profile, and it stops by itself.

mod agent;
mod args;
mod disk;
mod fleet;
mod memory;
mod poller;
mod pollers;
mod profile;
mod report;
mod rest;
mod saves;
mod server;

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use clap::Parser;
use tokio::time::Instant;

use crate::{
    args::{Args, Phase},
    report::Report,
    server::Server,
};

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().worker_threads(args.threads.get()).enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return fail(&error.into()),
        };
    let outcome = runtime.block_on(run(&args));
    runtime.shutdown_timeout(Duration::from_secs(2));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    report::complain(error);
    ExitCode::FAILURE
}

/// Every phase in order: the fleet before the pollers, so that memory is measured on a fresh server.
async fn run(args: &Args) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_secs(args.deadline_s);
    let server = in_time(end, Server::start(args)).await?;
    let mut report = Report::new();
    let outcome = in_time(end, phases(args, &server, &mut report)).await;
    // What was measured before a failure is worth seeing too.
    report.print(args)?;
    let alive = server.still_runs();
    server.stop().await;
    outcome?;
    alive
}

/// An error when the work is not done by then, or the operator has seen enough.
async fn in_time<T>(end: Instant, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::select! {
        done = tokio::time::timeout_at(end, work) => done.context("the deadline passed (--deadline-s)")?,
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
    }
}

async fn phases(args: &Args, server: &Server, report: &mut Report) -> anyhow::Result<()> {
    if args.runs(Phase::Agents) && args.agents > 0 {
        report.agents = Some(fleet::measure(args, server).await.context("agents")?);
    }
    if args.runs(Phase::Polls) && args.pollers > 0 {
        report.polls = Some(pollers::measure(args, server).await.context("pollers")?);
    }
    if args.runs(Phase::Saves) && args.saves > 0 {
        report.saves = Some(saves::measure(args, server).await.context("saves")?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_never_ends_is_given_up_at_the_deadline() {
        let given_up = in_time(Instant::now(), std::future::pending::<anyhow::Result<()>>()).await;
        assert!(given_up.is_err_and(|error| error.to_string().contains("--deadline-s")));
        let later = Instant::now() + Duration::from_secs(600);
        assert_eq!(in_time(later, async { Ok(7) }).await.ok(), Some(7));
    }
}
