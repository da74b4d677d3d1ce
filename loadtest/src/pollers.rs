//! The `remotecfg` part: Alloys that poll and hear that nothing changed.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::Context;
use futures_util::{StreamExt, stream};
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::{
    args::Args,
    memory::Memory,
    poller::Poller,
    report::{LONGEST_US, Quantiles},
    server::Server,
};

/// The label, and the name of the pipeline.
const FLEET: &str = "polls";

/// What the `remotecfg` part found.
#[derive(Debug, Serialize)]
pub(crate) struct Polls {
    pub(crate) pollers: usize,
    pub(crate) depth: usize,
    pub(crate) start_s: f64,
    pub(crate) polls: u64,
    pub(crate) polls_per_s: f64,
    pub(crate) poll_ms: Quantiles,
    pub(crate) memory: Memory,
}

/// Runs the whole part.
pub(crate) async fn measure(args: &Args, server: &Server) -> anyhow::Result<Polls> {
    let address: SocketAddr = tokio::net::lookup_host(&server.address).await?.next().context("the server's address")?;
    let tokens = server.rest.enrol("alloy", FLEET, args.pollers).await?;
    server.rest.first_pipeline(FLEET, 0).await?;
    let began = Instant::now();
    let pollers: Vec<Poller> = stream::iter(tokens.into_iter().enumerate())
        .map(|(index, token)| async move {
            Poller::start(address, &token, index, args.poll_depth.get())
                .await
                .with_context(|| format!("poller {index}"))
        })
        .buffer_unordered(64)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect::<anyhow::Result<_>>()?;
    let start_s = began.elapsed().as_secs_f64();

    let mut tasks = JoinSet::new();
    let began = Instant::now();
    let until = began + Duration::from_secs(args.polls_s);
    for mut poller in pollers {
        tasks.spawn(async move {
            let mut polls = 0;
            let mut took = Histogram::<u64>::new_with_bounds(1, LONGEST_US, 3)?;
            loop {
                let asked = Instant::now();
                if asked >= until {
                    return anyhow::Ok((polls, took));
                }
                polls += poller.poll().await? as u64;
                took.saturating_record(u64::try_from(asked.elapsed().as_micros())?);
            }
        });
    }
    let mut polls = 0;
    let mut took = Histogram::<u64>::new_with_bounds(1, LONGEST_US, 3)?;
    while let Some(done) = tasks.join_next().await {
        let (some, histogram) = done?.context("a poll failed")?;
        polls += some;
        took.add(histogram)?;
    }
    let polls_per_s = polls as f64 / began.elapsed().as_secs_f64();
    Ok(Polls {
        pollers: args.pollers,
        depth: args.poll_depth.get(),
        start_s,
        polls,
        polls_per_s,
        poll_ms: Quantiles::of_micros(&took),
        memory: server.memory()?,
    })
}
