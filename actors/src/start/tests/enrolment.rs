//! Enrolment tokens, and tokens of collectors.

use std::{sync::Arc, time::Duration};

use linkmesh_proto::api::{
    collector::Runtime,
    enrolment::{Enrol, NewEnrollmentToken},
};

use super::support::*;
use crate::{
    fleet::{AdmitError, EnrolError, IssuedEnrollment, MAX_SESSIONS},
    ports::{CloseReason, RedeemError},
    testing::{FakeTransport, by, wait_for},
};

async fn issue(handles: &crate::Handles) -> IssuedEnrollment {
    let labels = [("site".to_owned(), "fra".to_owned())].into();
    let new = NewEnrollmentToken { ttl_s: None, uses: None, labels, runtime: None };
    handles.fleet.create_enrollment(new, &by("ada")).await.unwrap()
}

#[test]
fn supervisor_redeems_by_its_first_message_and_is_let_in_again_with_the_same_uid() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let issued = issue(&handles).await;
        let token = issued.token.reveal();
        let mut agent = Agent::new(1);
        agent.start(&handles, token).await;
        let page = handles.fleet.collectors(&Default::default()).unwrap();
        assert_eq!(page.total, 1);
        let id = page.items[0].id;
        wait_for("its labels count", || {
            handles.fleet.collector(id).unwrap().0.labels.get("site").is_some_and(|site| site == "fra")
        })
        .await;
        agent.session = None;

        // A supervisor that restarts comes back with the token of its file, long after it ended.
        world.clock.advance(Duration::from_secs(3600));
        agent.dial(&handles, token);
        let full = agent.full();
        let answers = agent.ask(full).await;
        assert_eq!(answers[0].error_response, None);
        assert_eq!(handles.fleet.collectors(&Default::default()).unwrap().total, 1, "it is the collector that it was");

        // Another process with the token: answered with an error on an open socket, refused at its next dial.
        let mut other = Agent::new(2);
        other.dial(&handles, token);
        let full = other.full();
        let answers = other.ask(full).await;
        assert!(answers[0].error_response.is_some());
        let heartbeat = other.heartbeat();
        assert!(other.ask(heartbeat).await[0].error_response.is_some(), "and so on, without closing it");
        assert_eq!(other.transport.closed(), None);
        assert_eq!(handles.fleet.admit(token, Some("192.0.2.7".into())).unwrap_err(), AdmitError::Spent);
        handles.stop().await;
    });
}

#[test]
fn sockets_that_are_not_known_yet_are_bounded_for_each_token() {
    run(async {
        let world = World::default();
        let handles = world.start_with(|settings| settings.max_enrolling = 2).await;
        let new = || NewEnrollmentToken { ttl_s: None, uses: Some(9), labels: Default::default(), runtime: None };
        let issued = handles.fleet.create_enrollment(new(), &by("ada")).await.unwrap();
        let other = handles.fleet.create_enrollment(new(), &by("ada")).await.unwrap();
        let open = |token: &str| {
            let peer = handles.fleet.admit(token, None).unwrap();
            handles.fleet.open_session(peer, Arc::new(FakeTransport::default()))
        };
        let token = issued.token.reveal();
        let waiting = open(token).unwrap();
        assert!(waiting.is_silent());
        let mut agent = Agent::new(1);
        agent.dial(&handles, token);
        assert_eq!(open(token).err(), Some(AdmitError::Busy));
        assert!(open(other.token.reveal()).is_ok(), "another token has places of its own");

        // Who is known waits no more, and who hangs up makes room.
        let full = agent.full();
        agent.ask(full).await;
        assert!(agent.session.as_ref().is_some_and(|session| !session.is_silent()));
        let next = open(token).unwrap();
        assert_eq!(open(token).err(), Some(AdmitError::Busy));
        drop((waiting, next));
        assert!(open(token).is_ok());
        handles.stop().await;
    });
}

#[test]
fn enrolment_token_opens_once_and_nothing_else() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let issued = issue(&handles).await;
        let token = issued.token.reveal();
        let request = || Enrol { runtime: Runtime::Alloy, name: "pod".into(), attributes: Default::default() };
        let enrolled = handles.fleet.enrol(token, request()).await.unwrap();
        assert_eq!(enrolled.labels["site"], "fra");
        assert_eq!(handles.fleet.authenticate(enrolled.token.reveal()), Ok(enrolled.id));
        let again = handles.fleet.enrol(token, request()).await;
        assert!(matches!(again, Err(EnrolError::Redeem(RedeemError::Used))), "{again:?}");
        let unknown = handles.fleet.enrol("lmet_nothing", request()).await;
        assert!(matches!(unknown, Err(EnrolError::Redeem(RedeemError::Unknown))), "{unknown:?}");
        assert_eq!(handles.fleet.authenticate(token), Err(AdmitError::Unknown), "it is no collector's token");
        assert_eq!(handles.fleet.admit(token, None).unwrap_err(), AdmitError::Spent);
        assert_eq!(
            handles.fleet.admit(enrolled.token.reveal(), None).unwrap_err(),
            AdmitError::WrongKind,
            "an Alloy's"
        );
        assert_eq!(handles.fleet.enrollments().await.unwrap(), [], "used up");

        let expired = issue(&handles).await;
        world.clock.advance(Duration::from_secs(901));
        let late = handles.fleet.enrol(expired.token.reveal(), request()).await;
        assert!(matches!(late, Err(EnrolError::Redeem(RedeemError::Expired))), "{late:?}");
        handles.stop().await;
    });
}

#[test]
fn old_token_stays_valid_until_it_is_ended_or_its_grace_is_over() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, old) = register(&handles, Runtime::Otelcol, "prod").await;
        let mut agent = Agent::new(1);
        agent.start(&handles, &old).await;
        let new = handles.fleet.rotate_token(id, &by("ada")).await.unwrap();
        assert_eq!(handles.fleet.authenticate(&old), Ok(id));
        assert_eq!(handles.fleet.authenticate(new.reveal()), Ok(id));
        world.clock.advance(Duration::from_secs(30 * 24 * 3600));
        assert_eq!(handles.fleet.authenticate(&old), Ok(id), "no fresh process has used the new one");

        handles.fleet.end_previous_token(id, &by("ada")).await.unwrap();
        assert_eq!(handles.fleet.authenticate(&old), Err(AdmitError::Unknown));
        assert_eq!(agent.transport.closed(), Some(CloseReason::Revoked), "its session was opened with the old one");

        let newest = handles.fleet.rotate_token(id, &by("ada")).await.unwrap();
        let mut fresh = Agent::new(1);
        fresh.start(&handles, newest.reveal()).await;
        grace_begins(&world).await;
        world.clock.advance(Duration::from_secs(6 * 24 * 3600));
        assert_eq!(handles.fleet.authenticate(new.reveal()), Ok(id));
        world.clock.advance(Duration::from_secs(2 * 24 * 3600));
        assert_eq!(handles.fleet.authenticate(new.reveal()), Err(AdmitError::Unknown));
        assert_eq!(handles.fleet.authenticate(newest.reveal()), Ok(id));
        handles.stop().await;
    });
}

#[test]
fn stranger_does_not_keep_out_who_redeemed_the_token_behind_the_same_address() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let issued = issue(&handles).await;
        let token = issued.token.reveal();
        let mut agent = Agent::new(1);
        agent.start(&handles, token).await;

        let mut stranger = Agent::new(2);
        for _ in 0..3 {
            // While the one that redeemed it is away, a stranger is told again and again ...
            agent.session = None;
            stranger.dial(&handles, token);
            let full = stranger.full();
            assert!(stranger.ask(full).await[0].error_response.is_some());
            // ... and keeps nobody out.
            agent.dial(&handles, token);
            let full = agent.full();
            assert_eq!(agent.ask(full).await[0].error_response, None);
            // When all are inside, who dials is a stranger.
            let address = || Some("192.0.2.7".into());
            assert_eq!(handles.fleet.admit(token, address()).unwrap_err(), AdmitError::Spent);
        }
        world.clock.advance(Duration::from_secs(300));
        assert!(handles.fleet.admit(token, Some("192.0.2.7".into())).is_ok(), "and not for ever");
        handles.stop().await;
    });
}

#[test]
fn enrolled_supervisor_that_was_cut_waits_on_an_open_socket() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let issued = issue(&handles).await;
        let token = issued.token.reveal();
        let mut agent = Agent::new(1);
        agent.start(&handles, token).await;
        agent.session.as_ref().unwrap().hold_off();
        agent.session = None;

        agent.dial(&handles, token);
        let full = agent.full();
        assert!(agent.ask(full).await[0].error_response.is_some());
        assert_eq!(agent.transport.closed(), None);
        world.clock.advance(Duration::from_secs(30));
        let heartbeat = agent.heartbeat();
        assert_eq!(agent.ask(heartbeat).await[0].error_response, None);
        assert_eq!(handles.fleet.collectors(&Default::default()).unwrap().total, 1);
        handles.stop().await;
    });
}

#[test]
fn token_that_ended_or_is_of_another_kind_opens_no_session() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let issued = issue(&handles).await;
        world.clock.advance(Duration::from_secs(901));
        assert_eq!(handles.fleet.admit(issued.token.reveal(), None).unwrap_err(), AdmitError::Spent);
        let new =
            NewEnrollmentToken { ttl_s: None, uses: None, labels: Default::default(), runtime: Some(Runtime::Alloy) };
        let alloys = handles.fleet.create_enrollment(new, &by("ada")).await.unwrap();
        assert_eq!(handles.fleet.admit(alloys.token.reveal(), None).unwrap_err(), AdmitError::WrongKind);
        for token in ["", "lmsat_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "lmet_nothing"] {
            assert_eq!(handles.fleet.admit(token, None).unwrap_err(), AdmitError::Unknown, "{token}");
        }
        handles.stop().await;
    });
}

#[test]
fn supervisor_whose_enrolment_the_store_did_not_take_is_enrolled_when_it_does() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let issued = issue(&handles).await;
        let token = issued.token.reveal();
        world.store.fail_writes(true);
        let (mut socket, mut poster) = (Agent::new(1), Agent::new(2));
        socket.dial(&handles, token);
        let full = socket.full();
        for message in [full, socket.heartbeat()] {
            assert!(socket.ask(message).await[0].error_response.is_some(), "every message has its answer");
        }
        let refused = Agent::post(&handles, token, poster.full()).await;
        assert!(refused.error_response.is_some());
        assert_eq!(handles.fleet.collectors(&Default::default()).unwrap().total, 0);

        // The socket is open still, so that nobody dials.
        world.store.fail_writes(false);
        let full = socket.full();
        assert_eq!(socket.ask(full).await[0].error_response, None);
        assert_eq!(handles.fleet.collectors(&Default::default()).unwrap().total, 1);
        let other = issue(&handles).await;
        world.store.fail_writes(true);
        assert!(Agent::post(&handles, other.token.reveal(), poster.full()).await.error_response.is_some());
        world.store.fail_writes(false);
        assert_eq!(Agent::post(&handles, other.token.reveal(), poster.full()).await.error_response, None);
        handles.stop().await;
    });
}

#[test]
fn token_that_ended_is_told_from_one_that_never_was_also_when_the_janitor_went_round() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (used, expired) = (issue(&handles).await, issue(&handles).await);
        let request = || Enrol { runtime: Runtime::Alloy, name: "pod".into(), attributes: Default::default() };
        handles.fleet.enrol(used.token.reveal(), request()).await.unwrap();
        world.clock.advance(Duration::from_secs(901));
        for _ in 0..30 {
            handles.tidy().await.unwrap();
            for issued in [&used, &expired] {
                let refused = handles.fleet.enrol(issued.token.reveal(), request()).await;
                let is_gone = matches!(refused, Err(EnrolError::Redeem(RedeemError::Used | RedeemError::Expired)));
                assert!(is_gone, "{refused:?}");
                assert_eq!(handles.fleet.admit(issued.token.reveal(), None).unwrap_err(), AdmitError::Spent);
            }
            world.clock.advance(Duration::from_secs(24 * 3600 - 1));
        }
        world.clock.advance(Duration::from_secs(60));
        handles.tidy().await.unwrap();
        let refused = handles.fleet.enrol(expired.token.reveal(), request()).await;
        assert!(matches!(refused, Err(EnrolError::Redeem(RedeemError::Unknown))), "{refused:?}");
        assert_eq!(handles.fleet.admit(used.token.reveal(), None).unwrap_err(), AdmitError::Unknown);
        handles.stop().await;
    });
}

#[test]
fn session_ends_with_the_token_that_it_was_opened_with() {
    run(async {
        let world = World::default();
        // Nobody is to be found silent when the clock goes on by a week.
        let handles = world.start_with(|settings| settings.timing.silence = Duration::from_secs(30 * 24 * 3600)).await;
        let (id, first) = register(&handles, Runtime::Otelcol, "prod").await;
        let (mut one, mut two, mut three) = (Agent::new(1), Agent::new(1), Agent::new(1));
        one.start(&handles, &first).await;
        let late = handles.fleet.admit(&first, None).unwrap();
        let second = handles.fleet.rotate_token(id, &by("ada")).await.unwrap();
        two.dial(&handles, second.reveal());
        assert_eq!(one.transport.closed(), None);
        // A token that is older than the one before ends at once.
        let third = handles.fleet.rotate_token(id, &by("ada")).await.unwrap();
        assert_eq!(one.transport.closed(), Some(CloseReason::Revoked));
        let refused = handles.fleet.open_session(late, Arc::new(FakeTransport::default())).map(drop);
        assert_eq!(refused, Err(AdmitError::Unknown), "it was looked at before");

        three.dial(&handles, third.reveal());
        grace_begins(&world).await;
        world.clock.advance(Duration::from_secs(7 * 24 * 3600));
        assert_eq!(two.transport.closed(), None);
        handles.tidy().await.unwrap();
        assert_eq!(two.transport.closed(), Some(CloseReason::Revoked));
        assert_eq!(handles.fleet.authenticate(third.reveal()), Ok(id));
        handles.stop().await;
    });
}

#[test]
fn collector_has_so_many_sockets_and_no_more() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (_, token) = register(&handles, Runtime::Otelcol, "prod").await;
        let open = || {
            let peer = handles.fleet.admit(&token, None).unwrap();
            handles.fleet.open_session(peer, Arc::new(FakeTransport::default()))
        };
        let mut sessions: Vec<_> = (0..MAX_SESSIONS).map(|_| open().unwrap()).collect();
        assert_eq!(open().map(drop), Err(AdmitError::Busy));
        sessions.pop();
        sessions.push(open().unwrap());
        assert_eq!(open().map(drop), Err(AdmitError::Busy));
        let (_, other) = register(&handles, Runtime::Otelcol, "test").await;
        Agent::new(2).dial(&handles, &other);
        handles.stop().await;
    });
}
