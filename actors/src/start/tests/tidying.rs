//! What goes by itself, and what a stop keeps.

use std::time::Duration;

use linkmesh_proto::api::{
    collector::{NewCollector, Runtime},
    enrolment::NewEnrollmentToken,
};

use super::support::*;
use crate::{
    fleet::FleetError,
    ports::{CollectorStore, TokenStore},
    testing::by,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn deregistered_collector_is_kept_for_thirty_days_and_then_forgotten_everywhere() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, _) = register(&handles, Runtime::Otelcol, "prod").await;
        handles.fleet.deregister(id, &by("ada")).await.unwrap();
        world.clock.advance(DAY * 29);
        handles.tidy().await.unwrap();
        assert!(handles.fleet.collector(id).is_ok());
        world.clock.advance(DAY);
        handles.tidy().await.unwrap();
        assert!(matches!(handles.fleet.collector(id), Err(FleetError::UnknownCollector(_))));
        assert_eq!(world.store.collector(id).await.unwrap(), None);
        assert_eq!(world.repository.text(&format!("collectors/{id}.yaml")), None);
        assert!(handles.stop().await);
        assert_eq!(world.store.collector(id).await.unwrap(), None, "nothing that waited brings it back");
    });
}

#[test]
fn ended_tokens_go() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, old) = register(&handles, Runtime::Otelcol, "prod").await;
        let new = handles.fleet.rotate_token(id, &by("ada")).await.unwrap();
        let mut agent = Agent::new(1);
        agent.start(&handles, new.reveal()).await;
        let asked = NewEnrollmentToken { ttl_s: Some(60), uses: None, labels: Default::default(), runtime: None };
        handles.fleet.create_enrollment(asked, &by("ada")).await.unwrap();
        grace_begins(&world).await;
        world.clock.advance(DAY * 8);
        handles.tidy().await.unwrap();
        assert_eq!(world.store.load_collector_tokens().await.unwrap().len(), 1);
        assert!(handles.fleet.authenticate(&old).is_err());
        assert_eq!(world.store.load_enrollments().await.unwrap().len(), 1, "it is still said that it ended");
        world.clock.advance(DAY * 23);
        handles.tidy().await.unwrap();
        assert_eq!(world.store.load_enrollments().await.unwrap(), []);
        handles.stop().await;
    });
}

#[test]
fn stop_writes_what_waits() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, token) = register(&handles, Runtime::Otelcol, "prod").await;
        let mut agent = Agent::new(1);
        agent.start(&handles, &token).await;
        let heartbeat = agent.heartbeat();
        agent.ask(heartbeat).await;
        handles.turn_away();
        assert!(handles.fleet.admit(&token, None).is_err(), "nobody new is let in");
        assert!(handles.stop().await);
        let stored = world.store.load_collectors().await.unwrap();
        let (_, presence) = stored.into_iter().find(|(record, _)| record.id == id).unwrap();
        assert_eq!(presence.unwrap().last_sequence, 2, "the heartbeat's number");
        let events = crate::ports::EventStore::events(&*world.store, id, None, 10).await.unwrap();
        assert!(events.iter().any(|(_, event)| event.kind == "created"), "{events:?}");
    });
}

#[test]
fn collector_whose_creation_fails_leaves_nothing() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let new = || NewCollector {
            name: "edge".into(),
            runtime: Runtime::Alloy,
            version: None,
            stability: None,
            labels: Default::default(),
        };
        world.store.fail_writes(true);
        for _ in 0..2 {
            let refused = handles.fleet.register(new(), &by("ada")).await;
            assert!(matches!(refused, Err(FleetError::Store(_))), "{refused:?}");
        }
        assert_eq!(world.repository.len(), 0, "no document comes before what it is of: a crash would leave it behind");
        world.store.fail_writes(false);
        world.repository.fail_commits(true);
        let refused = handles.fleet.register(new(), &by("ada")).await;
        assert!(matches!(refused, Err(FleetError::Save(_))), "{refused:?}");
        assert_eq!(handles.fleet.collectors(&Default::default()).unwrap().total, 0);
        assert_eq!(world.store.load_collectors().await.unwrap(), []);
        assert_eq!(world.store.load_collector_tokens().await.unwrap(), []);
        world.repository.fail_commits(false);

        // A commit that was given up and made all the same is taken back later, and so is one that stays when that fails.
        assert_eq!(handles.shared.unborn.lock().len(), 3);
        let (id, _) = register(&handles, Runtime::Alloy, "prod").await;
        handles.shared.unborn.lock().push(id);
        world.repository.fail_commits(true);
        handles.tidy().await.unwrap();
        assert_eq!(*handles.shared.unborn.lock(), [id]);
        assert_eq!(world.store.load_collectors().await.unwrap().len(), 1, "its document is there");
        world.repository.fail_commits(false);
        handles.tidy().await.unwrap();
        assert!(handles.repository.snapshot().collectors.is_empty());
        assert_eq!(world.store.load_collectors().await.unwrap(), []);
        handles.stop().await;
    });
}
