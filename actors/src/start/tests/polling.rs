//! Alloy polls.

use std::time::Duration;

use linkmesh_proto::{
    CollectorId,
    api::collector::{CollectorPatch, CollectorStatus, ConfigState, NewCollector, Runtime},
    wire::collector::{
        AgentConfigFile, AgentConfigMap, EffectiveConfig, GetConfigRequest, GetConfigResponse,
        RegisterCollectorRequest, RemoteConfigStatus, UnregisterCollectorRequest,
    },
};

use super::support::*;
use crate::{
    Handles,
    collector::{Work, post, post_if_alive},
    fleet::{AdmitError, AlloyPeer, PollError},
    ports::{CollectorStore, TokenStore},
    testing::{by, wait_for},
};

fn peer(handles: &Handles, token: &str) -> Result<AlloyPeer, AdmitError> {
    handles.fleet.admit_alloy(token, Some("192.0.2.9".into()))
}

async fn poll(handles: &Handles, token: &str, hash: &str) -> GetConfigResponse {
    let request = GetConfigRequest { id: "alloy-1".into(), hash: hash.into(), ..Default::default() };
    handles.fleet.poll(&peer(handles, token).unwrap(), request).await.unwrap()
}

/// What a collector's actor makes of the time that passed.
async fn look(handles: &Handles, id: CollectorId) -> CollectorStatus {
    let slot = handles.shared.directory.slot(id).unwrap();
    post_if_alive(&handles.shared, &slot, Work::Tick).unwrap();
    // Answered by the actor, when there is one, behind that.
    handles.fleet.config(id).await.unwrap();
    handles.fleet.collector(id).unwrap().0.status
}

/// Tells that a text was not loaded.
async fn refuse(handles: &Handles, token: &str, hash: &str, error: &str) {
    let request = GetConfigRequest {
        id: "alloy-1".into(),
        hash: hash.into(),
        remote_config_status: Some(RemoteConfigStatus { status: 3, error_message: error.into() }),
        ..Default::default()
    };
    handles.fleet.poll(&peer(handles, token).unwrap(), request).await.unwrap();
}

/// Tells that a text was loaded.
async fn report(handles: &Handles, token: &str, hash: &str, text: &str) {
    let file = AgentConfigFile { body: text.to_owned().into(), content_type: "text/plain".into() };
    let request = GetConfigRequest {
        id: "alloy-1".into(),
        hash: hash.into(),
        remote_config_status: Some(RemoteConfigStatus { status: 1, error_message: String::new() }),
        effective_config: Some(EffectiveConfig {
            config_map: Some(AgentConfigMap { config_map: [(String::new(), file)].into() }),
        }),
        ..Default::default()
    };
    handles.fleet.poll(&peer(handles, token).unwrap(), request).await.unwrap();
}

#[test]
fn unchanged_poll_touches_no_disk_and_wakes_no_actor() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "web", r#"env="prod""#, 4317).await;
        let (collector, token) = register(&handles, Runtime::Alloy, "prod").await;
        let first = poll(&handles, &token, "").await;
        assert!(first.content.contains("4317"), "{first:?}");
        assert_eq!(first.hash, linkmesh_proto::ConfigHash::of(first.content.as_bytes()).to_string());
        report(&handles, &token, &first.hash, &first.content).await;
        wait_for("applied", || handles.fleet.collector(collector).unwrap().0.config_state == ConfigState::Applied)
            .await;

        let (reads, unchanged) = (world.store.uses().0, handles.observe.polls_unchanged.get());
        for _ in 0..100 {
            let answer = poll(&handles, &token, &first.hash).await;
            assert!(answer.not_modified && answer.content.is_empty());
        }
        assert_eq!(handles.observe.polls_unchanged.get(), unchanged + 100);
        assert_eq!(world.store.uses().0, reads);

        let from = crate::repository::Precondition::Matches(etag(&handles, "web"));
        save(&handles, "web", pipeline(r#"env="prod""#, 4321), from).await.unwrap();
        let next = poll(&handles, &token, &first.hash).await;
        assert!(next.content.contains("4321"), "{next:?}");
        handles.stop().await;
    });
}

/// A server with one Alloy that runs its config.
async fn running(world: &World) -> (Handles, CollectorId, String, String) {
    let handles = world.start().await;
    save_screen(&handles).await;
    create(&handles, "web", r#"env="prod""#, 4317).await;
    let (id, token) = register(&handles, Runtime::Alloy, "prod").await;
    let first = poll(&handles, &token, "").await;
    report(&handles, &token, &first.hash, &first.content).await;
    wait_for("applied", || handles.fleet.collector(id).unwrap().0.config_state == ConfigState::Applied).await;
    (handles, id, token, first.hash)
}

#[test]
fn alloy_that_polls_often_is_missed_soon_and_one_that_polls_seldom_is_not() {
    run(async {
        for (every_s, gone_after_s) in [(15, 45), (300, 900)] {
            let world = World::default();
            let (handles, id, token, hash) = running(&world).await;
            let every = Duration::from_secs(every_s);
            for _ in 0..2 {
                world.clock.advance(every);
                look(&handles, id).await;
                poll(&handles, &token, &hash).await;
            }
            let unchanged = handles.observe.polls_unchanged.get();
            for _ in 0..10 {
                world.clock.advance(every);
                assert_eq!(look(&handles, id).await, CollectorStatus::Connected, "every {every_s} s");
                assert!(poll(&handles, &token, &hash).await.not_modified);
            }
            assert!(handles.observe.polls_unchanged.get() >= unchanged + 9, "by polls that wake nobody");
            assert!(handles.stop().await);
            let told = events(&world, id).await;
            let gone = told.iter().filter(|kind| *kind == "disconnected").count();
            assert_eq!(gone, usize::from(every_s > 60), "once, before its rhythm was known: {told:?}");

            // What was learnt survives a restart of the server.
            let handles = world.start().await;
            poll(&handles, &token, &hash).await;
            wait_for("connected", || handles.fleet.collector(id).unwrap().0.status == CollectorStatus::Connected).await;
            world.clock.advance(Duration::from_secs(gone_after_s - 1));
            assert_eq!(look(&handles, id).await, CollectorStatus::Connected);
            world.clock.advance(Duration::from_secs(1));
            look(&handles, id).await;
            wait_for("offline", || handles.fleet.collector(id).unwrap().0.status == CollectorStatus::Offline).await;
            handles.stop().await;
        }
    });
}

#[test]
fn alloy_that_said_goodbye_is_gone_until_it_polls_again() {
    run(async {
        let world = World::default();
        let (handles, id, token, hash) = running(&world).await;
        let goodbye = UnregisterCollectorRequest { id: "alloy-1".into() };
        handles.fleet.alloy_stopped(&peer(&handles, &token).unwrap(), &goodbye).unwrap();
        let offline = || handles.fleet.collector(id).unwrap().0.status == CollectorStatus::Offline;
        wait_for("offline", offline).await;
        // What wakes its actor is no sign of life.
        let slot = handles.shared.directory.slot(id).unwrap();
        post(&handles.shared, &slot, Work::Tick).unwrap();
        handles.fleet.config(id).await.unwrap();
        assert!(offline());
        poll(&handles, &token, &hash).await;
        wait_for("connected", || !offline()).await;
        handles.stop().await;
    });
}

#[test]
fn deregistered_alloy_stays_so_whatever_was_still_to_be_written() {
    run(async {
        let world = World::default();
        let (handles, id, token, _) = running(&world).await;
        handles.fleet.deregister(id, &by("ada")).await.unwrap();
        let stored = world.store.collector(id).await.unwrap().unwrap();
        assert!(stored.deregistered_at.is_some(), "durable before the answer");
        assert!(handles.stop().await);
        let handles = world.start().await;
        assert_eq!(handles.fleet.collector(id).unwrap().0.status, CollectorStatus::Deregistered);
        assert_eq!(peer(&handles, &token).unwrap_err(), AdmitError::Unknown);
        handles.stop().await;
    });
}

#[test]
fn alloy_that_would_refuse_everything_is_given_nothing_new_and_says_why() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        // It sends to a component at the level of experiments, and nobody is there yet to object.
        save_screen(&handles).await;
        create(&handles, "web", r#"env="prod""#, 4317).await;
        let new = NewCollector {
            name: "edge".into(),
            runtime: Runtime::Alloy,
            version: None,
            stability: None,
            labels: [("env".to_owned(), "test".to_owned())].into(),
        };
        let registered = handles.fleet.register(new, &by("ada")).await.unwrap();
        let (id, token) = (registered.collector.id, registered.token.reveal());
        assert_eq!((registered.collector.error, registered.collector.withheld), (None, false));
        let labels = Some([("env".to_owned(), "prod".to_owned())].into());
        let patch = CollectorPatch { name: None, labels };
        let told = handles.fleet.outlook(id, patch.clone()).unwrap();
        assert_eq!(told.gains.len(), 1);
        let any = crate::repository::Precondition::Any;
        let (row, _) = handles.fleet.patch(id, patch, any, &by("ada")).await.unwrap();
        assert!(row.withheld);
        let error = row.error.unwrap();
        assert_eq!(told.withheld.as_ref(), Some(&error), "it was said before the change was made");
        assert!(error.contains("pipeline web") && error.contains("otelcol.exporter.debug"), "{error}");
        let config = handles.fleet.config(id).await.unwrap();
        assert_eq!(config.status.error, Some(error));
        assert!(config.desired.unwrap().body.contains("no pipeline"), "what it should run is what it had");
        assert!(poll(&handles, token, "").await.content.contains("no pipeline"));
        handles.stop().await;
    });
}

#[test]
fn pipeline_whose_loader_leaked_is_served_under_another_label() {
    run(async {
        let world = World::default();
        let (handles, id, token, hash) = running(&world).await;
        create(&handles, "more", r#"env="prod""#, 4318).await;
        let next = poll(&handles, &token, &hash).await;
        assert!(next.content.contains("pl_more \"default\""), "{}", next.content);
        let error = "2:1: Failed to build component: a loader exists already exists for \"remotecfg/pl_more.default\"";
        refuse(&handles, &token, &next.hash, error).await;
        let slot = handles.shared.directory.slot(id).unwrap();
        wait_for("another text", || slot.desired().is_some_and(|desired| desired.text().contains("\"r2\""))).await;
        let relabelled = poll(&handles, &token, &next.hash).await;
        let text = &relabelled.content;
        assert!(text.contains("pl_more \"r2\"") && text.contains("pl_more.r2.logs"), "{text}");
        assert!(text.contains("pl_web \"default\"") && !text.contains("pl_more.default"), "{text}");
        report(&handles, &token, &relabelled.hash, text).await;
        wait_for("applied", || handles.fleet.collector(id).unwrap().0.config_state == ConfigState::Applied).await;
        assert!(handles.stop().await);

        // The label stays after a restart of the server: nothing is served again.
        let handles = world.start().await;
        assert!(poll(&handles, &token, &relabelled.hash).await.not_modified);
        assert_eq!(handles.fleet.collector(id).unwrap().0.config_state, ConfigState::Applied);
        handles.stop().await;
    });
}

#[test]
fn poll_with_a_dead_or_foreign_token_is_refused() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (_, supervisor) = register(&handles, Runtime::Otelcol, "prod").await;
        assert_eq!(peer(&handles, "lmct_nothing").unwrap_err(), AdmitError::Unknown);
        assert_eq!(peer(&handles, &supervisor).unwrap_err(), AdmitError::WrongKind);
        let (id, token) = register(&handles, Runtime::Alloy, "prod").await;
        let admitted = peer(&handles, &token).unwrap();
        let nameless = handles.fleet.poll(&admitted, GetConfigRequest::default()).await;
        assert!(matches!(nameless, Err(PollError::NoId)));
        // Its request was still on its way.
        handles.fleet.deregister(id, &by("ada")).await.unwrap();
        let request = GetConfigRequest { id: "x".into(), ..Default::default() };
        let late = handles.fleet.poll(&admitted, request).await;
        assert!(matches!(late, Err(PollError::Admit(AdmitError::Unknown))));
        handles.stop().await;
    });
}

#[test]
fn replaced_token_of_an_alloy_gets_an_end_when_the_new_one_is_used_whatever_it_says() {
    run(async {
        for starts in [false, true] {
            let world = World::default();
            let (handles, id, old, hash) = running(&world).await;
            poll(&handles, &old, &hash).await;
            let new = handles.fleet.rotate_token(id, &by("ada")).await.unwrap();
            poll(&handles, &old, &hash).await;
            let ends = world.store.load_collector_tokens().await.unwrap().into_iter().filter_map(|token| token.ends_at);
            assert_eq!(ends.count(), 0, "nobody uses the new one");
            // Its file was read anew by the process that runs, or by one that was started while it counts as there.
            if starts {
                let request = RegisterCollectorRequest { id: "alloy-1".into(), ..Default::default() };
                handles.fleet.alloy_started(&peer(&handles, new.reveal()).unwrap(), request).unwrap();
            } else {
                let unchanged = handles.observe.polls_unchanged.get();
                poll(&handles, new.reveal(), &hash).await;
                assert_eq!(handles.observe.polls_unchanged.get(), unchanged + 1, "a poll that says nothing new");
            }
            grace_begins(&world).await;
            world.clock.advance(Duration::from_secs(7 * 24 * 3600));
            assert_eq!(peer(&handles, &old).unwrap_err(), AdmitError::Unknown);
            assert!(peer(&handles, new.reveal()).is_ok());
            handles.stop().await;
        }
    });
}
