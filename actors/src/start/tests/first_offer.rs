//! The first config that a supervisor is offered: that it was given one is known from then on, whatever comes between.

use linkmesh_proto::{CollectorId, api::collector::Runtime, wire::opamp::AgentToServer};

use super::support::*;
use crate::{
    Handles,
    ports::{CollectorStore as _, Presence},
    testing::wait_for,
};

#[test]
fn pipeline_that_was_deleted_while_its_first_offer_waited_for_the_disk_does_not_run_on() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "web", r#"env="prod""#, 4317).await;
        let (collector, token) = register(&handles, Runtime::Otelcol, "prod").await;
        world.store.fail_writes(true);
        let mut agent = Agent::new(1);
        told_all(&mut agent, &handles, &token);
        // Answered by its actor behind both.
        handles.fleet.config(collector).await.unwrap();
        assert!(agent.transport.is_empty(), "nothing is said before it is on disk");

        deleted_and_written(&world, &handles, &agent, collector).await;
        handles.stop().await;
    });
}

#[test]
fn pipeline_that_was_deleted_while_a_connected_collector_waited_for_its_first_offer_does_not_run_on() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        let (collector, token) = register(&handles, Runtime::Otelcol, "prod").await;
        let mut agent = Agent::new(1);
        agent.start(&handles, &token).await;
        world.store.fail_writes(true);
        create(&handles, "web", r#"env="prod""#, 4317).await;
        // Answered by its actor behind the news.
        handles.fleet.config(collector).await.unwrap();
        assert!(agent.transport.is_empty(), "that it is given one is not on disk");
        deleted_and_written(&world, &handles, &agent, collector).await;
        handles.stop().await;
    });
}

/// Deletes the pipeline, lets the disk go on, and sees the empty document follow the offer.
async fn deleted_and_written(world: &World, handles: &Handles, agent: &Agent, collector: CollectorId) {
    delete(handles, "web").await;
    assert_eq!(handles.fleet.collector(collector).unwrap().0.pipelines, []);
    world.store.fail_writes(false);
    let mut texts = Vec::new();
    wait_for("an empty document", || {
        texts.extend(offered(&agent.transport.take()).into_iter().map(|(_, text)| text));
        texts.last().is_some_and(|text| !text.contains("4317"))
    })
    .await;
    assert!(texts[0].contains("4317"), "the offer was on its way: {texts:?}");
}

/// Dials and tells everything, and leaves what comes back.
fn told_all(agent: &mut Agent, handles: &Handles, token: &str) {
    agent.dial(handles, token);
    let full = agent.full();
    agent.send(full);
    let well = AgentToServer { health: Some(healthy()), ..agent.heartbeat() };
    agent.send(well);
}

#[test]
fn that_a_config_was_given_is_on_disk_before_it_is_sent_and_outlives_a_state_that_is_not() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        let (collector, token) = register(&handles, Runtime::Otelcol, "prod").await;
        let mut agent = Agent::new(1);
        agent.start(&handles, &token).await;
        assert!(handles.stop().await);
        let store = &world.store;
        let state = store.agent(collector).await.unwrap().unwrap();
        let record = store.collector(collector).await.unwrap().unwrap();
        assert!(!record.row.ever_configured, "nothing was there to run");

        let handles = world.start().await;
        create(&handles, "web", r#"env="prod""#, 4317).await;
        told_all(&mut agent, &handles, &token);
        agent.offers().await;
        let mut loaded = store.load_collectors().await.unwrap();
        assert!(loaded.pop().unwrap().1.unwrap().was_configured, "before it was sent");
        assert!(handles.stop().await);

        // The server was killed before the state was written, and the pipeline went before the collector was back.
        store.put_agents(vec![(collector, state)], vec![record]).await.unwrap();
        let handles = world.start().await;
        delete(&handles, "web").await;
        told_all(&mut agent, &handles, &token);
        let (_, text) = agent.offers().await.pop().unwrap();
        assert!(!text.contains("4317") && text.contains("nop"), "{text}");
        handles.stop().await;
    });
}

#[test]
fn actor_that_begins_with_nothing_to_run_claims_the_empty_document_for_who_was_given_a_config() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "web", r#"env="prod""#, 4317).await;
        let (collector, token) = register(&handles, Runtime::Otelcol, "prod").await;
        let mut agent = Agent::new(1);
        told_all(&mut agent, &handles, &token);
        agent.offers().await;
        assert!(handles.stop().await);

        // Only the state of its protocol knows.
        let (mut record, presence) = world.store.load_collectors().await.unwrap().pop().unwrap();
        record.row.ever_configured = false;
        world.store.put_collectors(vec![record]).await.unwrap();
        let presence = Presence { was_configured: false, ..presence.unwrap() };
        world.store.put_presence(vec![(collector, presence)]).await.unwrap();
        let handles = world.start().await;
        delete(&handles, "web").await;
        told_all(&mut agent, &handles, &token);
        let (_, text) = agent.offers().await.pop().unwrap();
        assert!(text.contains("nop"), "{text}");
        handles.stop().await;
    });
}
