//! Tokens of their own for supervisors that dialled with an enrolment token: issued once, and good for as long as they
//! are offered.

use linkmesh_proto::{
    CollectorId,
    api::enrolment::NewEnrollmentToken,
    wire::opamp::{AgentToServer, ServerToAgent},
};

use super::support::*;
use crate::{Handles, ports::TokenStore, testing::by};

/// Takes what a supervisor takes, but no connection settings: many clients cannot.
const NO_SETTINGS: u64 = 0x7DE7 & !0x4000 & !0x100;

async fn enrolment(handles: &Handles, uses: Option<u32>) -> String {
    let new = NewEnrollmentToken { ttl_s: None, uses, labels: Default::default(), runtime: None };
    handles.fleet.create_enrollment(new, &by("ada")).await.unwrap().token.reveal().to_owned()
}

fn only(handles: &Handles) -> CollectorId {
    let page = handles.fleet.collectors(&crate::fleet::CollectorQuery { limit: 10, ..Default::default() }).unwrap();
    assert_eq!(page.total, 1);
    page.items[0].id
}

async fn tokens(world: &World) -> Vec<crate::token::TokenHash> {
    let mut hashes: Vec<_> =
        world.store.load_collector_tokens().await.unwrap().into_iter().map(|token| token.hash).collect();
    hashes.sort();
    hashes
}

fn metrics_offers(messages: &[ServerToAgent]) -> usize {
    let offer = |message: &&ServerToAgent| {
        message.connection_settings.as_ref().is_some_and(|settings| settings.own_metrics.is_some())
    };
    messages.iter().filter(offer).count()
}

#[test]
fn poller_that_takes_no_settings_has_one_token_and_costs_operators_none() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let token = enrolment(&handles, None).await;
        let mut agent = Agent::with(NO_SETTINGS);
        assert_eq!(offered_token(&Agent::post(&handles, &token, agent.full()).await), None);
        let id = only(&handles);
        let issued = tokens(&world).await;
        let known_to_an_operator = handles.fleet.rotate_token(id, &by("ada")).await.unwrap();
        let before = tokens(&world).await;
        for _ in 0..5 {
            Agent::post(&handles, &token, agent.heartbeat()).await;
        }
        assert_eq!((issued.len(), tokens(&world).await), (1, before.clone()));
        assert!(handles.stop().await);

        let handles = world.start().await;
        for _ in 0..5 {
            Agent::post(&handles, &token, agent.heartbeat()).await;
        }
        assert_eq!(tokens(&world).await, before);
        assert_eq!(handles.fleet.authenticate(known_to_an_operator.reveal()), Ok(id));
        assert_eq!(only(&handles), id);
        handles.stop().await;
    });
}

#[test]
fn token_offered_over_http_stays_good_whatever_else_is_posted() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let token = enrolment(&handles, None).await;
        let mut agent = Agent::new(1);
        let own = offered_token(&Agent::post(&handles, &token, agent.full()).await).unwrap();
        let id = only(&handles);
        // Its answer may be late or lost: it goes on with what it has.
        for _ in 0..5 {
            Agent::post(&handles, &token, agent.heartbeat()).await;
        }
        assert_eq!(handles.fleet.authenticate(&own), Ok(id));
        assert_eq!(tokens(&world).await.len(), 1);
        // Supervisors forget it at a restart, and are given the same again.
        let goodbye = AgentToServer { agent_disconnect: Some(Default::default()), ..agent.heartbeat() };
        Agent::post(&handles, &own, goodbye).await;
        world.clock.advance(std::time::Duration::from_secs(100));
        let mut restarted = Agent::new(1);
        let again = Agent::post(&handles, &token, restarted.full()).await;
        assert!(again.error_response.is_none());
        assert_eq!((tokens(&world).await.len(), handles.fleet.authenticate(&own)), (1, Ok(id)));
        handles.stop().await;
    });
}

#[test]
fn first_post_that_is_sent_twice_enrols_one_collector() {
    run(async {
        for uses in [None, Some(9)] {
            let world = World::default();
            let handles = world.start().await;
            let token = enrolment(&handles, uses).await;
            let full = Agent::new(1).full();
            // A client that waits a second for its answer sends the same again meanwhile.
            let posts = (0..4).map(|_| Agent::post(&handles, &token, full.clone()));
            let answers = futures_util::future::join_all(posts).await;
            assert!(answers.iter().all(|answer| answer.error_response.is_none()), "{answers:?}");
            only(&handles);
            assert_eq!(tokens(&world).await.len(), 1);
            let used = world.store.load_enrollments().await.unwrap()[0].used;
            assert_eq!(used, 1);
            assert!(handles.fleet.admit(&token, Some("192.0.2.7".into())).is_ok(), "nobody is locked out");
            handles.stop().await;
        }
    });
}

#[test]
fn supervisor_that_dials_again_is_offered_the_same_token_and_no_other_settings() {
    run(async {
        for capabilities in [Agent::new(1).capabilities, NO_SETTINGS] {
            let world = World::default();
            let handles = world.start().await;
            let token = enrolment(&handles, None).await;
            let mut agent = Agent::with(capabilities);
            agent.dial(&handles, &token);
            let full = agent.full();
            let first = agent.ask(full).await;
            let own = offered_token(&first[0]);
            assert_eq!(own.is_some(), capabilities & 0x100 != 0);
            world.clock.advance(std::time::Duration::from_secs(6));
            let health = AgentToServer { health: Some(healthy()), ..agent.heartbeat() };
            assert_eq!(metrics_offers(&agent.ask(health).await), 1);
            let id = only(&handles);
            let issued = tokens(&world).await;
            assert_eq!(issued.len(), 1);
            let known_to_an_operator = handles.fleet.rotate_token(id, &by("ada")).await.unwrap();
            handles.fleet.end_previous_token(id, &by("ada")).await.unwrap();
            // What was offered has ended: another is issued, once, beside what the operator knows.
            let mut seen = Vec::new();
            for _ in 0..4 {
                agent.session = None;
                agent.dial(&handles, &token);
                let heartbeat = agent.heartbeat();
                let answers = agent.ask(heartbeat).await;
                seen.extend(offered_token(&answers[0]));
                assert_eq!(metrics_offers(&answers), 0);
            }
            seen.dedup();
            assert_eq!(seen.len(), usize::from(capabilities & 0x100 != 0));
            assert_eq!(tokens(&world).await.len(), 1 + seen.len());
            assert_eq!(handles.fleet.authenticate(known_to_an_operator.reveal()), Ok(id));
            handles.stop().await;
        }
    });
}

#[test]
fn newer_credential_of_a_poller_is_what_its_metrics_are_offered_with() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, old) = register(&handles, linkmesh_proto::api::collector::Runtime::Otelcol, "prod").await;
        let mut agent = Agent::new(1);
        Agent::post(&handles, &old, agent.full()).await;
        world.clock.advance(std::time::Duration::from_secs(6));
        let bearer = |message: &ServerToAgent| {
            let metrics = message.connection_settings.as_ref()?.own_metrics.as_ref()?;
            Some(metrics.headers.as_ref()?.headers[0].value.clone())
        };
        let first = Agent::post(&handles, &old, agent.heartbeat()).await;
        assert_eq!(bearer(&first), Some(format!("Bearer {old}")));
        let new = handles.fleet.rotate_token(id, &by("ada")).await.unwrap();
        assert_eq!(bearer(&Agent::post(&handles, &old, agent.heartbeat()).await), None);
        let told = Agent::post(&handles, new.reveal(), agent.heartbeat()).await;
        assert_eq!(bearer(&told), Some(format!("Bearer {}", new.reveal())));
        handles.stop().await;
    });
}
