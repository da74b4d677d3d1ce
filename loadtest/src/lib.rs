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

use std::{
    pin::{Pin, pin},
    time::Duration,
};

use anyhow::Context as _;
use tokio::time::Instant;

pub use crate::args::Args;
use crate::{args::Phase, report::Report, server::Server};

/// Runs what was asked for, prints the table and writes the figures. Every phase in order: the fleet before the pollers,
/// so that memory is measured on a fresh server. It ends early when `interrupted` does.
///
/// # Errors
/// When the server does not start or does not live through it, when something in the fleet fails, and when it is
/// interrupted or takes too long.
pub async fn run(args: &Args, interrupted: impl Future<Output = ()>) -> anyhow::Result<()> {
    let mut interrupted = pin!(interrupted);
    let end = Instant::now() + Duration::from_secs(args.deadline_s);
    let server = in_time(end, interrupted.as_mut(), Server::start(args)).await?;
    let mut report = Report::new();
    let outcome = in_time(end, interrupted, phases(args, &server, &mut report)).await;
    // What was measured before a failure is worth seeing too.
    report.print(args)?;
    let alive = server.still_runs();
    server.stop().await;
    outcome?;
    alive
}

/// An error when the work is not done by then, or the operator has seen enough.
async fn in_time<T>(
    end: Instant,
    interrupted: Pin<&mut impl Future<Output = ()>>,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        done = tokio::time::timeout_at(end, work) => done.context("the deadline passed (--deadline-s)")?,
        () = interrupted => anyhow::bail!("interrupted"),
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
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn work_that_never_ends_is_given_up_at_the_deadline() {
        let given_up = in_time(Instant::now(), pin!(pending()), pending::<anyhow::Result<()>>()).await;
        assert!(given_up.is_err_and(|error| error.to_string().contains("--deadline-s")));
        let later = Instant::now() + Duration::from_secs(600);
        assert_eq!(in_time(later, pin!(pending()), async { Ok(7) }).await.ok(), Some(7));
        let stopped = in_time(later, pin!(ready(())), pending::<anyhow::Result<()>>()).await;
        assert!(stopped.is_err_and(|error| error.to_string().contains("interrupted")));
    }
}
