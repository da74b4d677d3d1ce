//! The OpAMP part: connect a fleet, weigh it, push saves to it, let it talk.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use serde::Serialize;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use crate::{
    agent::{Agent, Board, Order, locked},
    args::{Args, Profile},
    memory::Memory,
    report::Quantiles,
    rest::pipeline,
    server::Server,
};

/// The label, and the name of the pipeline.
const FLEET: &str = "load";

/// How long a push may take to reach everybody before the run is given up.
const PUSH: Duration = Duration::from_secs(120);

/// What the OpAMP part found.
#[derive(Debug, Serialize)]
pub(crate) struct Agents {
    pub(crate) agents: usize,
    pub(crate) profile: Profile,
    /// What each agent takes from an offer to APPLIED.
    pub(crate) apply_s: u64,
    pub(crate) enrol_s: f64,
    pub(crate) connect_s: f64,
    pub(crate) connect_ms: Quantiles,
    pub(crate) connected: usize,
    pub(crate) failed: usize,
    pub(crate) memory: Weights,
    pub(crate) first_push: Push,
    pub(crate) pushes: Vec<Push>,
    /// Null when none were asked for.
    pub(crate) heartbeats_per_s: Option<f64>,
}

/// Where memory goes, in the order in which it was measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Weights {
    /// A fresh server.
    pub(crate) at_zero: Memory,
    /// All are enrolled, none is connected.
    pub(crate) enrolled: Memory,
    /// All are connected and have reported.
    pub(crate) connected: Memory,
    /// All run a pipeline, and have talked for a while.
    pub(crate) at_work: Memory,
    /// All have hung up.
    pub(crate) hung_up: Memory,
    /// (at work - at zero) / agents.
    pub(crate) bytes_per_collector: u64,
}

/// The delivery of one save.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Push {
    /// What the server used of one core just before, in percent: 5 or less is a server at rest. A fleet that talks
    /// all the time keeps it busy.
    pub(crate) busy_before_percent: u64,
    /// Request sent to its answer.
    pub(crate) answered_ms: f64,
    /// Request sent to the last agent holding the offer.
    pub(crate) last_held_ms: f64,
    /// Request sent to the server's summary saying that all have applied.
    pub(crate) last_applied_ms: f64,
}

/// Runs the whole part.
pub(crate) async fn measure(args: &Args, server: &Server) -> anyhow::Result<Agents> {
    let address: SocketAddr = tokio::net::lookup_host(&server.address).await?.next().context("the server's address")?;
    let mut memory = Weights { at_zero: server.settled_memory().await?, ..Weights::default() };
    let began = Instant::now();
    let tokens = server.rest.enrol("otelcol", FLEET, args.agents).await?;
    let enrol_s = began.elapsed().as_secs_f64();
    memory.enrolled = server.settled_memory().await?;

    let board = Arc::new(Board::new(args.agents)?);
    let (orders, listen) = watch::channel(Order::Steady);
    let connecting = Arc::new(Semaphore::new(args.connecting.get()));
    let mut tasks = JoinSet::new();
    let began = Instant::now();
    for (index, token) in tokens.into_iter().enumerate() {
        let agent = Agent {
            index,
            address,
            token,
            profile: args.profile,
            apply: args.apply(),
            board: Arc::clone(&board),
            orders: listen.clone(),
            connecting: Arc::clone(&connecting),
        };
        tasks.spawn(agent.live());
    }
    drop(listen);
    let all_in =
        |board: &Board| board.connected.load(Ordering::SeqCst) + board.failed.load(Ordering::SeqCst) >= board.agents;
    let limit = Duration::from_secs(60) + Duration::from_millis(20) * u32::try_from(args.agents)?;
    ensure!(board.wait_for(limit, all_in).await, "only {} agents connected", board.connected.load(Ordering::SeqCst));
    let connect_s = began.elapsed().as_secs_f64();
    whole(&board)?;
    memory.connected = server.settled_memory().await?;

    let busy = server.settled_percent().await?;
    board.begin_push();
    let sent = Instant::now();
    server.rest.first_pipeline(FLEET, 0).await?;
    let first_push = delivered(server, &board, busy, sent).await.context("the first pipeline")?;
    let mut pushes = Vec::new();
    for build in 1..=args.pushes {
        let path = format!("/pipelines/{FLEET}");
        let etag = server.rest.etag(&path).await?;
        let busy = server.settled_percent().await?;
        board.begin_push();
        let sent = Instant::now();
        server.rest.put(&path, &etag, &pipeline(FLEET, build as u64)).await?;
        pushes.push(delivered(server, &board, busy, sent).await.with_context(|| format!("push {build}"))?);
    }

    tokio::time::sleep(Duration::from_secs(args.steady_s)).await;
    memory.at_work = server.settled_memory().await?;
    memory.bytes_per_collector = memory.at_work.each_since(memory.at_zero, args.agents).unwrap_or(0);

    let heartbeats_per_s = heartbeats(args, &board, &orders).await?;
    whole(&board)?;
    orders.send(Order::Stop)?;
    let goodbye = async { while tasks.join_next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(60), goodbye).await.context("agents did not end")?;
    memory.hung_up = server.settled_memory().await?;

    let connect_ms = Quantiles::of_micros(&locked(&board.connect_us));
    Ok(Agents {
        agents: args.agents,
        profile: args.profile,
        apply_s: args.apply().as_secs(),
        enrol_s,
        connect_s,
        connect_ms,
        connected: board.connected.load(Ordering::SeqCst),
        failed: board.failed.load(Ordering::SeqCst),
        memory,
        first_push,
        pushes,
        heartbeats_per_s,
    })
}

/// An error when an agent failed.
fn whole(board: &Board) -> anyhow::Result<()> {
    let failed = board.failed.load(Ordering::SeqCst);
    if failed > 0 {
        bail!("{failed} of {} agents failed, the first ones with: {:#?}", board.agents, locked(&board.first_errors));
    }
    Ok(())
}

/// Waits, from the answer of a save on, until all hold the newest config and the server knows that all have applied it.
async fn delivered(server: &Server, board: &Board, busy_before_percent: u64, sent: Instant) -> anyhow::Result<Push> {
    let answered = sent.elapsed();
    let everybody =
        |board: &Board| board.held.load(Ordering::SeqCst) >= board.agents || board.failed.load(Ordering::SeqCst) > 0;
    let in_time = board.wait_for(PUSH, everybody).await;
    whole(board)?;
    let held = board.held.load(Ordering::SeqCst);
    ensure!(in_time, "only {held} of {} agents hold the offer", board.agents);
    ensure!(held == board.agents, "{held} offers for {} agents", board.agents);
    let last_held = board.last_held().context("the time of the last offer")?.duration_since(sent);
    let end = Instant::now() + PUSH;
    loop {
        let summary = server.rest.get("/fleet/summary").await?.body;
        let applied = summary["config_state"]["applied"].as_u64().context("config_state.applied")?;
        if applied >= board.agents as u64 {
            break;
        }
        ensure!(Instant::now() < end, "the server knows of {applied} of {} applied: {summary}", board.agents);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ms = |took: Duration| took.as_secs_f64() * 1e3;
    Ok(Push {
        busy_before_percent,
        answered_ms: ms(answered),
        last_held_ms: ms(last_held),
        last_applied_ms: ms(sent.elapsed()),
    })
}

/// Answered heartbeats a second while nobody waits.
async fn heartbeats(args: &Args, board: &Board, orders: &watch::Sender<Order>) -> anyhow::Result<Option<f64>> {
    if args.heartbeats_s == 0 {
        return Ok(None);
    }
    let answered = |board: &Board| board.answered_heartbeats.load(Ordering::Relaxed);
    let steady = answered(board);
    orders.send(Order::Burst)?;
    // Counting begins when as many answers came as there are agents: by then nearly all of them have heard the order.
    let in_full_swing = |board: &Board| answered(board) - steady >= board.agents as u64;
    ensure!(board.wait_for(Duration::from_secs(60), in_full_swing).await, "heartbeats are not answered");
    let before = answered(board);
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(args.heartbeats_s)).await;
    let rate = (answered(board) - before) as f64 / began.elapsed().as_secs_f64();
    orders.send(Order::Steady)?;
    Ok(Some(rate))
}
