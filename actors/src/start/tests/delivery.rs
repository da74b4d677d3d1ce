//! Configs to supervisors.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};

use linkmesh_proto::{
    api::{
        collector::{CollectorStatus, ConfigState, DriftState, Runtime},
        pipeline::PipelineDocument,
    },
    wire::opamp::{AgentToServer, ServerToAgent},
};

use super::support::*;
use crate::{
    domain::expansion::bombs,
    fleet::{AdmitError, SessionError},
    ports::{CloseReason, Transport, TransportFull},
    repository::Precondition,
    testing::{by, wait_for},
};

#[test]
fn saved_pipeline_reaches_the_collectors_that_it_matches_and_wakes_no_other() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        let (prod, prod_token) = register(&handles, Runtime::Otelcol, "prod").await;
        let (_, test_token) = register(&handles, Runtime::Otelcol, "test").await;
        let (mut a, mut b) = (Agent::new(1), Agent::new(2));
        a.start(&handles, &prod_token).await;
        b.start(&handles, &test_token).await;
        b.transport.take();

        let saved = create(&handles, "web", r#"env="prod""#, 4317).await;
        assert_eq!((saved.affected, saved.changed), (1, true));
        let text = a.apply_offer().await;
        assert!(text.contains("0.0.0.0:4317"), "{text}");
        wait_for("applied", || handles.fleet.collector(prod).unwrap().0.config_state == ConfigState::Applied).await;
        let (row, _) = handles.fleet.collector(prod).unwrap();
        assert_eq!((row.status, row.drift), (CollectorStatus::Connected, DriftState::InSync));
        assert_eq!(row.desired_hash, row.reported_hash);
        assert_eq!(row.pipelines, [id("web")]);
        assert_eq!(row.attributes["host.name"], "host-1");
        assert!(b.transport.is_empty(), "nothing is desired of it");

        let config = handles.fleet.config(prod).await.unwrap();
        let (desired, effective) = (config.desired.unwrap(), config.effective.unwrap());
        assert_eq!(desired.body, effective.body);
        assert_eq!(config.drift.differences, []);
        assert!(handles.fleet.health(prod).await.unwrap().root.unwrap().healthy);
        handles.stop().await;
    });
}

#[test]
fn effective_config_whose_aliases_mean_gigabytes_is_drift_and_hurts_nobody() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        let (prod, token) = register(&handles, Runtime::Otelcol, "prod").await;
        create(&handles, "web", r#"env="prod""#, 4317).await;
        let mut agent = Agent::new(1);
        let (hash, text) = offered(&agent.start(&handles, &token).await).pop().unwrap();
        agent.apply(&hash, &text).await;
        wait_for("applied", || handles.fleet.collector(prod).unwrap().0.config_state == ConfigState::Applied).await;
        for bomb in [bombs::wide(), bombs::deep(), bombs::long()] {
            let running = AgentToServer { effective_config: Some(effective(&bomb)), ..agent.heartbeat() };
            agent.ask(running).await;
            wait_for("drift", || handles.fleet.collector(prod).unwrap().0.drift == DriftState::Drifted).await;
            let config = handles.fleet.config(prod).await.unwrap();
            assert!(config.effective.is_some_and(|effective| effective.body == bomb));
            let back = AgentToServer { effective_config: Some(effective(&text)), ..agent.heartbeat() };
            agent.ask(back).await;
            wait_for("no drift", || handles.fleet.collector(prod).unwrap().0.drift == DriftState::InSync).await;
        }
        handles.stop().await;
    });
}

#[test]
fn restart_of_the_server_pushes_nothing_that_is_there() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        let (prod, token) = register(&handles, Runtime::Otelcol, "prod").await;
        create(&handles, "web", r#"env="prod""#, 4317).await;
        let mut agent = Agent::new(1);
        let first = agent.start(&handles, &token).await;
        let (hash, text) = offered(&first).pop().unwrap();
        agent.apply(&hash, &text).await;
        wait_for("applied", || handles.fleet.collector(prod).unwrap().0.config_state == ConfigState::Applied).await;
        handles.turn_away();
        assert_eq!(agent.transport.closed(), Some(CloseReason::GoingAway));
        agent.session = None;
        assert!(handles.stop().await);

        let handles = world.start().await;
        let (row, _) = handles.fleet.collector(prod).unwrap();
        assert_eq!((row.status, row.config_state), (CollectorStatus::Offline, ConfigState::Applied));
        agent.dial(&handles, &token);
        // After a reconnect a supervisor sends 24 bytes and nothing more.
        let heartbeat = agent.heartbeat();
        let answers = agent.ask(heartbeat).await;
        assert_eq!((offered(&answers), answers[0].flags), (vec![], 0), "its state is known, and it has the text");
        wait_for("connected", || handles.fleet.collector(prod).unwrap().0.status == CollectorStatus::Connected).await;
        assert_eq!(handles.fleet.collector(prod).unwrap().0.config_state, ConfigState::Applied);

        // A change while it was away is offered when it is back.
        create(&handles, "more", r#"env="prod""#, 4319).await;
        let text = agent.apply_offer().await;
        assert!(text.contains("4319"), "{text}");
        handles.stop().await;
    });
}

/// A transport whose first message breaks the actor.
#[derive(Default)]
struct Bomb {
    sent: AtomicUsize,
}

impl Transport for Bomb {
    fn send(&self, _: ServerToAgent) -> Result<(), TransportFull> {
        assert!(self.sent.fetch_add(1, Ordering::SeqCst) > 0, "broken by a test");
        Ok(())
    }

    fn ping(&self) {}

    fn close(&self, _: CloseReason) {}
}

#[test]
fn panicking_collector_actor_is_rebuilt_at_its_next_message_and_counted() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, token) = register(&handles, Runtime::Otelcol, "prod").await;
        let bomb = Arc::new(Bomb::default());
        let peer = handles.fleet.admit(&token, None).unwrap();
        let session = handles.fleet.open_session(peer, bomb.clone()).unwrap();
        let mut agent = Agent::new(1);
        session.receive(agent.full()).unwrap();
        let restarts = || {
            let actors = handles.observe.actors();
            actors.iter().find(|actor| actor.name == "collector").map_or(0, |actor| actor.restarts.get())
        };
        wait_for("the panic is counted", || restarts() == 1).await;
        session.receive(agent.heartbeat()).unwrap();
        wait_for("an answer of the rebuilt actor", || bomb.sent.load(Ordering::SeqCst) == 2).await;
        wait_for("connected", || handles.fleet.collector(id).unwrap().0.status == CollectorStatus::Connected).await;
        assert_eq!(
            handles.fleet.collector(id).unwrap().0.attributes["host.name"],
            "host-1",
            "what was stored is there"
        );
        handles.stop().await;
    });
}

#[test]
fn deregistering_closes_the_session_of_a_peer_that_does_not_read_and_kills_the_token() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, token) = register(&handles, Runtime::Otelcol, "prod").await;
        let mut agent = Agent::new(1);
        agent.start(&handles, &token).await;
        agent.transport.stop_reading();
        handles.fleet.deregister(id, &by("ada")).await.unwrap();
        assert_eq!(agent.transport.closed(), Some(CloseReason::Revoked));
        assert!(matches!(handles.fleet.admit(&token, None), Err(AdmitError::Unknown)));
        let row = handles.fleet.collector(id).unwrap().0;
        assert_eq!(row.status, CollectorStatus::Deregistered);
        assert_eq!(handles.fleet.collectors(&Default::default()).unwrap().total, 0);
        assert!(matches!(handles.fleet.deregister(id, &by("ada")).await, Err(crate::fleet::FleetError::Deregistered)));
        handles.stop().await;

        let handles = world.start().await;
        assert!(handles.fleet.admit(&token, None).is_err(), "dead after a restart too");
        handles.stop().await;
    });
}

#[test]
fn peer_that_does_not_read_is_cut_and_counted() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (_, token) = register(&handles, Runtime::Otelcol, "prod").await;
        let mut agent = Agent::new(1);
        agent.dial(&handles, &token);
        agent.transport.stop_reading();
        let full = agent.full();
        agent.send(full);
        wait_for("it is cut", || agent.transport.closed() == Some(CloseReason::Overloaded)).await;
        assert_eq!(handles.observe.sessions_cut.get(), 1);
        // It dials again within 2 ms: turned away before the upgrade, or the two would go on for ever.
        assert_eq!(handles.fleet.admit(&token, None).unwrap_err(), AdmitError::Busy);
        world.clock.advance(Duration::from_secs(30));
        agent.start(&handles, &token).await;
        handles.stop().await;
    });
}

#[test]
fn nothing_is_answered_before_it_is_durable() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, token) = register(&handles, Runtime::Otelcol, "prod").await;
        world.store.fail_writes(true);
        let mut agent = Agent::new(1);
        agent.dial(&handles, &token);
        let full = agent.full();
        let before = world.store.uses().1;
        agent.send(full);
        wait_for("a write was tried", || world.store.uses().1 > before).await;
        assert!(agent.transport.is_empty(), "the description is not on disk");
        world.store.fail_writes(false);
        wait_for("an answer", || !agent.transport.is_empty()).await;
        let stored = crate::ports::CollectorStore::collector(&*world.store, id).await.unwrap().unwrap();
        assert_eq!(stored.row.reported["host.name"], "host-1");
        handles.stop().await;
    });
}

#[test]
fn operators_labels_move_a_collector_to_other_pipelines() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "web", r#"env="prod""#, 4317).await;
        let (collector, token) = register(&handles, Runtime::Otelcol, "test").await;
        let mut agent = Agent::new(1);
        agent.start(&handles, &token).await;
        let (_, etag) = handles.fleet.collector(collector).unwrap();
        let labels = [("env".to_owned(), "prod".to_owned())];
        let patch = linkmesh_proto::api::collector::CollectorPatch { name: None, labels: Some(labels.into()) };
        let stale = Precondition::Matches(linkmesh_proto::Etag::from_bytes([9; 20]));
        let refused = handles.fleet.patch(collector, patch.clone(), stale, &by("ada")).await;
        assert!(matches!(refused, Err(crate::fleet::FleetError::Stale { etag: current }) if current == etag));
        let fresh = Precondition::Matches(etag);
        let (row, next) = handles.fleet.patch(collector, patch, fresh, &by("ada")).await.unwrap();
        assert_eq!((row.name.as_str(), row.pipelines), ("host-test", vec![id("web")]));
        assert_ne!(next, etag);
        agent.apply_offer().await;
        handles.stop().await;
    });
}

/// A transport that holds up the actor until it is let go.
struct Gate {
    holds: SyncSender<()>,
    lets_go: parking_lot::Mutex<Receiver<()>>,
}

impl Transport for Gate {
    fn send(&self, _: ServerToAgent) -> Result<(), TransportFull> {
        // Only the first time is of interest.
        self.holds.try_send(()).ok();
        self.lets_go.lock().recv().ok();
        Ok(())
    }

    fn ping(&self) {}

    fn close(&self, _: CloseReason) {}
}

#[test]
fn session_of_a_collector_that_is_busy_is_refused_and_not_closed() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, token) = register(&handles, Runtime::Otelcol, "prod").await;
        let ((holds, held), (let_go, lets_go)) = (sync_channel(1), sync_channel(1));
        let peer = handles.fleet.admit(&token, None).unwrap();
        let gate = Arc::new(Gate { holds, lets_go: parking_lot::Mutex::new(lets_go) });
        let session = handles.fleet.open_session(peer, gate).unwrap();
        let mut agent = Agent::new(1);
        session.receive(agent.full()).unwrap();
        wait_for("the actor is held up", || held.try_recv().is_ok()).await;
        let taken = (0..1000).take_while(|_| session.receive(agent.heartbeat()).is_ok()).count();
        assert!(taken < 100, "{taken}");

        let mut second = Agent::new(2);
        let peer = handles.fleet.admit(&token, None).unwrap();
        let refused = handles.fleet.open_session(peer, second.transport.clone()).err();
        assert_eq!(refused, Some(AdmitError::Busy));
        assert_eq!(second.transport.closed(), None);
        drop(let_go);
        wait_for("room", || {
            let peer = handles.fleet.admit(&token, None).unwrap();
            second.session = handles.fleet.open_session(peer, second.transport.clone()).ok();
            second.session.is_some()
        })
        .await;
        assert_eq!(handles.fleet.collector(id).unwrap().0.status, CollectorStatus::Connected);
        handles.stop().await;
    });
}

#[test]
fn messages_that_wait_are_bounded_in_bytes() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, token) = register(&handles, Runtime::Otelcol, "prod").await;
        let mut agent = Agent::new(1);
        agent.start(&handles, &token).await;
        let slot = handles.shared.directory.slot(id).unwrap();
        wait_for("nothing waits", || slot.share(usize::MAX).is_some()).await;
        let waiting = slot.share(64 << 20).unwrap();
        let heartbeat = agent.heartbeat();
        let session = agent.session.as_ref().unwrap();
        assert_eq!(session.receive(heartbeat), Err(SessionError::Full), "one message is taken, however large");
        drop(waiting);
        let _some = slot.share(4 << 20).unwrap();
        let heartbeat = agent.heartbeat();
        agent.ask(heartbeat).await;

        session_is_held_off(&handles, &agent, &token);
        handles.stop().await;
    });
}

fn session_is_held_off(handles: &crate::Handles, agent: &Agent, token: &str) {
    assert!(handles.fleet.admit(token, None).is_ok());
    agent.session.as_ref().unwrap().hold_off();
    assert_eq!(handles.fleet.admit(token, None).unwrap_err(), AdmitError::Busy);
}

#[test]
fn checks_see_who_came_changed_and_left_and_are_gathered_no_more_often() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let names = || handles.fleet.facts().iter().map(|facts| facts.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(), Vec::<String>::new());
        let (id, token) = register(&handles, Runtime::Otelcol, "prod").await;
        assert_eq!(names().len(), 1);
        let before = handles.fleet.facts();
        save_screen(&handles).await;
        create(&handles, "web", r#"env="prod""#, 4317).await;
        let mut agent = Agent::new(1);
        agent.start(&handles, &token).await;
        wait_for("what it reports is seen", || handles.fleet.facts()[0].attributes.len() > before[0].attributes.len())
            .await;
        let gathered = handles.fleet.facts();
        let heartbeat = agent.heartbeat();
        agent.ask(heartbeat).await;
        create(&handles, "other", r#"env="prod""#, 4318).await;
        assert!(Arc::ptr_eq(&gathered, &handles.fleet.facts()), "neither a heartbeat nor a save changes them");
        let (_, etag) = handles.fleet.collector(id).unwrap();
        let patch = linkmesh_proto::api::collector::CollectorPatch { name: Some("web two".into()), labels: None };
        handles.fleet.patch(id, patch, Precondition::Matches(etag), &by("ada")).await.unwrap();
        assert_eq!(names(), ["web two"]);
        handles.fleet.deregister(id, &by("ada")).await.unwrap();
        assert_eq!(names(), Vec::<String>::new());
        handles.stop().await;
    });
}

#[test]
fn text_comes_from_the_commit_that_made_it_whatever_is_committed_since_and_after_a_restart() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        let made = create(&handles, "a", "env=\"prod\"", 4317).await.revision;
        let (collector, _) = register(&handles, Runtime::Otelcol, "prod").await;
        create(&handles, "b", "env=\"test\"", 4318).await;
        for handles in [handles, world.start().await] {
            assert_ne!(handles.repository.snapshot().revision, Some(made));
            assert_eq!(handles.fleet.config(collector).await.unwrap().desired.unwrap().revision, made);
        }
        // What holds for all makes the texts of all.
        let handles = world.start().await;
        let limits = "version: 1\nmemory_limiter: {limit_mib: 99}\n";
        let all = world.repository.commit_by_hand("linkmesh.yaml", Some(limits));
        wait_for("the commit", || handles.repository.snapshot().revision == Some(all)).await;
        for handles in [handles, world.start().await] {
            let text = handles.fleet.config(collector).await.unwrap().desired.unwrap();
            assert!(text.body.contains("limit_mib: 99"), "{}", text.body);
            assert_eq!(text.revision, all);
        }
    });
}

#[test]
fn preview_of_a_change_says_how_many_would_lose_the_pipeline() {
    run(async {
        let handles = World::default().start().await;
        save_screen(&handles).await;
        create(&handles, "a", "env=\"prod\"", 4317).await;
        for env in ["prod", "prod", "test"] {
            register(&handles, Runtime::Otelcol, env).await;
        }
        let collectors = |document| handles.fleet.preview(&id("a"), &document).collectors;
        let same = pipeline("env=\"prod\"", 4317);
        let off = PipelineDocument { enabled: false, ..same.clone() };
        for (document, matched, loses) in [
            (same, 2, 0),
            (off, 2, 2),
            (pipeline("env=\"test\"", 4317), 1, 2),
            (pipeline("env=~\"prod|test\"", 4317), 3, 0),
        ] {
            let told = collectors(document);
            assert_eq!((told.matched, told.loses), (matched, loses));
        }
    });
}
