//! Collectors that leave: by a panic of their actor, by silence, for good.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use linkmesh_proto::{
    CollectorId,
    api::collector::{CollectorStatus, ConfigState, Runtime},
    wire::{
        opamp::{AgentToServer, RemoteConfigStatus, ServerToAgent},
        otlp::ExportMetricsServiceRequest,
    },
};

use super::support::*;
use crate::{
    Handles,
    fleet::{AgentSession, FleetError},
    ports::{CloseReason, Transport, TransportFull},
    testing::{
        by,
        own_metrics::{OTELCOL_METRICS, from_json},
        wait_for,
    },
};

/// A transport that breaks the actor that sends by it.
#[derive(Default)]
struct Bomb {
    sent: AtomicUsize,
}

impl Transport for Bomb {
    fn send(&self, _: ServerToAgent) -> Result<(), TransportFull> {
        self.sent.fetch_add(1, Ordering::SeqCst);
        panic!("broken by a test");
    }

    fn ping(&self) {}

    fn close(&self, _: CloseReason) {}
}

fn status(handles: &Handles, id: CollectorId) -> CollectorStatus {
    handles.fleet.collector(id).unwrap().0.status
}

/// A session whose actor panicked when it had shown the collector as connected.
async fn broken_session(handles: &Handles) -> (CollectorId, AgentSession) {
    let (id, token) = register(handles, Runtime::Otelcol, "prod").await;
    let peer = handles.fleet.admit(&token, None).unwrap();
    let session = handles.fleet.open_session(peer, Arc::new(Bomb::default())).unwrap();
    session.receive(Agent::new(1).full()).unwrap();
    let slot = handles.shared.directory.slot(id).unwrap();
    wait_for("the panic", || {
        let actors = handles.observe.actors();
        let counted = actors.iter().any(|actor| actor.name == "collector" && actor.restarts.get() == 1);
        counted && slot.mailbox.lock().addr.is_none()
    })
    .await;
    assert_eq!(status(handles, id), CollectorStatus::Connected);
    (id, session)
}

#[test]
fn session_that_ends_after_a_panic_takes_its_collector_offline() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, session) = broken_session(&handles).await;
        drop(session);
        wait_for("offline", || status(&handles, id) == CollectorStatus::Offline).await;
        assert!(handles.stop().await);
        let events = events(&world, id).await;
        assert_eq!(events.iter().filter(|kind| *kind == "disconnected").count(), 1, "{events:?}");
        assert_eq!(status(&world.start().await, id), CollectorStatus::Offline);
    });
}

#[test]
fn rates_of_a_collector_go_with_it() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "a", "env=\"prod\"", 4317).await;
        for (number, is_deregistered) in [(1, false), (2, true)] {
            let (id, token) = register(&handles, Runtime::Otelcol, "prod").await;
            let mut agent = Agent::new(number);
            agent.start(&handles, &token).await;
            for _ in 0..2 {
                handles.meter.push(id, own_metrics_of_a()).unwrap();
                // It is taken before this is answered.
                handles.meter.throughput(id, Duration::from_secs(60)).await.unwrap();
                world.clock.advance(Duration::from_secs(10));
            }
            wait_for("rates", || handles.meter.rates(Some(&self::id("a"))).is_some()).await;
            if is_deregistered {
                handles.fleet.deregister(id, &by("ada")).await.unwrap();
            } else {
                agent.session = None;
                wait_for("offline", || status(&handles, id) == CollectorStatus::Offline).await;
            }
            wait_for("no rates", || handles.meter.rates(None).is_none()).await;
        }
    });
}

/// A push of an otelcol that runs pipeline `a`.
fn own_metrics_of_a() -> ExportMetricsServiceRequest {
    from_json(OTELCOL_METRICS, &|_, label, text| match label {
        "processor" => text.replace("memory_limiter/pl_a", "filter/a.in").replace("attributes/pl_a", "filter/a.out"),
        _ => text.to_owned(),
    })
}

#[test]
fn collector_that_vanished_with_its_actor_is_found_by_the_janitor_once() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, session) = broken_session(&handles).await;
        // Nobody says that it is gone.
        handles.shared.directory.slot(id).unwrap().connections.lock().clear();
        for _ in 0..3 {
            world.clock.advance(Duration::from_secs(61));
            handles.tidy().await.unwrap();
            wait_for("offline", || status(&handles, id) == CollectorStatus::Offline).await;
        }
        drop(session);
        assert!(handles.stop().await);
        let events = events(&world, id).await;
        assert_eq!(events.iter().filter(|kind| *kind == "disconnected").count(), 1, "{events:?}");
    });
}

/// Refuses the offer among these messages.
async fn refuse(agent: &mut Agent, told: &[ServerToAgent]) {
    let (hash, _) = offered(told).pop().unwrap();
    let word = RemoteConfigStatus { last_remote_config_hash: hash, status: 3, error_message: "no".into() };
    let message = AgentToServer { remote_config_status: Some(word), ..agent.heartbeat() };
    agent.ask(message).await;
}

/// A collector whose config failed.
async fn failed(handles: &Handles) -> (CollectorId, Agent) {
    save_screen(handles).await;
    create(handles, "web", r#"env="prod""#, 4317).await;
    let (id, token) = register(handles, Runtime::Otelcol, "prod").await;
    let mut agent = Agent::new(1);
    let first = agent.start(handles, &token).await;
    refuse(&mut agent, &first).await;
    wait_for("failed", || handles.fleet.collector(id).unwrap().0.config_state == ConfigState::Failed).await;
    (id, agent)
}

#[test]
fn orders_of_an_operator_are_answered_when_they_are_on_disk_and_told_once() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, mut agent) = failed(&handles).await;
        let by = by("ada");
        for order in ["retry_asked", "restart_asked"] {
            agent.transport.take();
            world.store.fail_writes(true);
            let before = world.store.uses().1;
            let asked = Box::pin(async {
                match order {
                    "retry_asked" => handles.fleet.retry(id, &by).await,
                    _ => handles.fleet.restart(id, &by).await,
                }
            });
            let tried = Box::pin(wait_for("two tries to write", || world.store.uses().1 >= before + 2));
            let futures_util::future::Either::Right((_, asked)) = futures_util::future::select(asked, tried).await
            else {
                panic!("answered before it was durable");
            };
            assert!(agent.transport.is_empty(), "nor done");
            world.store.fail_writes(false);
            asked.await.unwrap();
            wait_for("it is done", || !agent.transport.is_empty()).await;
            if order == "retry_asked" {
                // A restart would wait for the answer.
                let told = agent.transport.take();
                refuse(&mut agent, &told).await;
            }
        }
        assert!(handles.stop().await);
        let events = events(&world, id).await;
        for order in ["retry_asked", "restart_asked"] {
            assert_eq!(events.iter().filter(|kind| *kind == order).count(), 1, "{events:?}");
        }
    });
}

#[test]
fn deregistered_collector_is_not_given_a_token_by_who_came_late() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, _) = register(&handles, Runtime::Otelcol, "prod").await;
        let slot = handles.shared.directory.slot(id).unwrap();
        let turn = slot.administration.lock().await;
        let by = by("ada");
        // Both wait for their turn; the collector is registered when they ask.
        let both =
            Box::pin(async { tokio::join!(handles.fleet.deregister(id, &by), handles.fleet.rotate_token(id, &by)) });
        let futures_util::future::Either::Right((_, both)) =
            futures_util::future::select(both, Box::pin(tokio::task::yield_now())).await
        else {
            panic!("nobody waits");
        };
        drop(turn);
        let (deregistered, rotated) = both.await;
        deregistered.unwrap();
        // Whichever was first: no token is left.
        assert!(matches!(rotated, Ok(_) | Err(FleetError::Deregistered)));
        let tokens = crate::ports::TokenStore::load_collector_tokens(&*world.store).await.unwrap();
        assert_eq!(tokens, []);
        handles.stop().await;
    });
}
