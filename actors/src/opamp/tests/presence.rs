use std::time::Duration;

use linkmesh_proto::{api::collector::CollectorStatus, wire::opamp::AgentDisconnect, wire::opamp::AgentToServer};

use super::support::*;
use crate::{
    opamp::{Credential, Effect, Input, SessionId, Timing, TransportKind},
    ports::CloseReason,
};

fn closes(server: &mut Server) -> Vec<(u64, CloseReason)> {
    let closes = server.take().into_iter().filter_map(|effect| match effect {
        Effect::Close(session, reason) => Some((session.0, reason)),
        _ => None,
    });
    closes.collect()
}

#[test]
fn a_socket_is_pinged_and_given_up_when_silent() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.take();
    server.pass_s(60);
    assert!(server.take().contains(&Effect::Ping(SessionId(1))));
    server.apply(Input::Pong { session: SessionId(1) });
    server.pass_s(60);
    assert!(server.standing().online, "the pong is a sign of life");
    server.take();
    server.pass_s(31);
    assert_eq!(closes(&mut server), [(1, CloseReason::Silent)]);
    let standing = server.standing();
    assert_eq!((standing.online, standing.status()), (false, CollectorStatus::Offline));
}

#[test]
fn http_agent_is_gone_after_three_intervals() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    server.open_as(1, TransportKind::Http, Credential::Enrolment { issued: None });
    assert_eq!(server.state.http_session().map(|(session, _)| session), Some(SessionId(1)));
    server.send(1, agent.full());
    for _ in 0..5 {
        server.pass_s(80);
        server.send(1, agent.heartbeat());
        assert!(server.standing().online);
    }
    server.take();
    server.pass_s(90);
    assert!(!server.standing().online);
    assert_eq!(server.state.http_session(), None);
    let effects = server.take();
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Ping(_) | Effect::Close(..) | Effect::Push(..))));
}

#[test]
fn silence_is_as_long_as_the_server_was_told() {
    let timing = Timing { heartbeat: Duration::from_secs(100), silence: Duration::from_secs(30) };
    for (transport, gone_after_s) in [(TransportKind::WebSocket, 30), (TransportKind::Http, 300)] {
        let mut server = Server::new(None);
        server.timing = timing;
        server.open_as(1, transport, Credential::Enrolment { issued: None });
        server.send(1, Agent::default().full());
        server.pass_s(gone_after_s - 1);
        assert!(server.standing().online, "{transport:?}");
        server.pass_s(1);
        assert!(!server.standing().online, "{transport:?}");
    }
}

#[test]
fn silence_of_one_that_posts_is_never_shorter_than_what_agents_do_by_themselves() {
    let mut server = Server::new(None);
    server.timing = Timing { heartbeat: Duration::from_secs(1), silence: Duration::from_secs(3) };
    server.open_as(1, TransportKind::Http, Credential::Enrolment { issued: None });
    server.send(1, Agent::default().full());
    server.pass_s(89);
    assert!(server.standing().online);
    server.pass_s(1);
    assert!(!server.standing().online);
}

#[test]
fn contender_that_says_very_much_is_asked_for_everything() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.open(2);
    server.send(2, agent.with_effective(&"#".repeat(1 << 20)));
    server.take();
    server.pass_s(5);
    assert_eq!(server.sent().iter().filter(|message| message.flags == 1).count(), 1);
}

#[test]
fn goodbye_is_a_state_that_a_message_takes_back() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    let goodbye = AgentToServer { agent_disconnect: Some(AgentDisconnect {}), ..agent.heartbeat() };
    let reply = server.send(1, goodbye);
    assert!(reply.remote_config.is_none() && reply.flags == 0);
    assert!(!server.standing().online);
    server.send(1, agent.heartbeat());
    assert!(server.standing().online);
}

#[test]
fn connection_after_a_goodbye_is_taken_at_once() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.send(1, AgentToServer { agent_disconnect: Some(AgentDisconnect {}), ..agent.heartbeat() });
    // Other settings: the new connection comes 2 ms later, before the old one is seen to be closed.
    server.take();
    server.open(2);
    assert!(!server.take().contains(&Effect::Ping(SessionId(1))));
    server.send(2, agent.heartbeat());
    server.close(1);
    assert!(server.standing().online);
    assert!(server.standing().notices.is_empty());
}

#[test]
fn second_process_keeps_its_socket_and_gets_nothing() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut first = Agent::default();
    first.start(&mut server, 1);
    first.run(&mut server, 1, &config);
    let standing = server.standing();
    server.take();

    server.open(2);
    assert!(server.take().contains(&Effect::Ping(SessionId(1))), "it might be a reconnect");
    let mut second = Agent { uid: [2; 16], ..Agent::default() };
    let acknowledged = server.send(2, second.full());
    assert_eq!((acknowledged.flags, acknowledged.remote_config), (0, None));
    server.apply(Input::Pong { session: SessionId(1) });
    server.pass_s(20);
    server.send(2, second.with_health(healthy()));
    server.send(2, second.with_status(&[9; 32], FAILED, "not mine"));
    assert!(server.offered().is_empty());
    assert_eq!(server.standing().notices, ["two processes use this token"]);
    let now = server.standing();
    assert_eq!((now.config_state, now.reported_hash), (standing.config_state, standing.reported_hash));
    assert!(closes(&mut server).is_empty(), "neither is closed");
    assert_eq!(server.state.instance_uid().map(|uid| *uid.as_bytes()), Some([1; 16]));

    // The first one ends: the second one is the collector now, and has to say everything again.
    server.close(1);
    let asked = server.sent();
    assert_eq!(
        asked.iter().map(|message| (message.instance_uid.clone(), message.flags)).collect::<Vec<_>>(),
        [(vec![2; 16], 1)]
    );
    server.send(2, second.full());
    server.send(2, second.with_health(healthy()));
    assert!(server.standing().notices.is_empty());
    assert_eq!(server.state.instance_uid().map(|uid| *uid.as_bytes()), Some([2; 16]));
}

#[test]
fn reconnect_after_a_network_loss_takes_over_without_losing_a_word() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &config);
    let b = desired("b");
    server.desire(Some(&b));
    server.take();
    // The first connection is dead, but nobody knows.
    server.open(2);
    server.send(2, agent.heartbeat());
    server.send(2, agent.with_status(b.hash().as_bytes(), FAILED, "no"));
    assert_eq!(server.state.record().failed.len(), 0, "not before the ping is decided");
    server.pass_s(5);
    assert_eq!(closes(&mut server), [(1, CloseReason::Silent)]);
    assert_eq!(server.state.record().failed.len(), 1);
    assert!(server.standing().online);
    assert!(server.standing().notices.is_empty());
    let reply = server.send(2, agent.heartbeat());
    assert_eq!(reply.flags, 0, "no message was missed");
}

#[test]
fn talkative_contender_is_asked_for_everything() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.open(2);
    for _ in 0..50 {
        server.send(2, agent.heartbeat());
    }
    server.take();
    server.pass_s(5);
    assert_eq!(server.sent().iter().filter(|message| message.flags == 1).count(), 1);
}

#[test]
fn waiting_connection_speaks_for_one_process_only() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.open(2);
    let mut second = Agent { uid: [2; 16], ..Agent::default() };
    let mut third = Agent { uid: [3; 16], ..Agent::default() };
    assert!(server.send(2, second.full()).error_response.is_none());
    let refused = server.send(2, third.full());
    assert_eq!(refused.instance_uid, vec![3; 16]);
    assert!(refused.error_response.is_some());
    // What it said for itself is taken when its turn comes, what it said for another is not.
    server.close(1);
    assert_eq!(server.state.instance_uid().map(|uid| *uid.as_bytes()), Some([2; 16]));
    assert!(server.send(2, second.heartbeat()).error_response.is_none());
    assert!(server.send(2, third.heartbeat()).error_response.is_some());
}

#[test]
fn closing_the_first_connection_settles_it_at_once() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.open(2);
    server.send(2, agent.heartbeat());
    server.take();
    server.close(1);
    assert!(server.standing().online);
    assert!(!server.events().contains(&"disconnected".to_owned()), "it was never away");
}

#[test]
fn many_sockets_of_one_token_hold_little() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    for session in 2..100 {
        server.open(session);
    }
    server.apply(Input::Pong { session: SessionId(1) });
    assert!(server.standing().online);
    server.pass_s(6);
    assert!(server.standing().online);
    assert_eq!(server.standing().notices.len(), 1);
}

#[test]
fn two_http_processes_are_told_apart_by_uid() {
    let mut server = Server::new(None);
    server.open_as(1, TransportKind::Http, Credential::Enrolment { issued: None });
    let mut old = Agent::default();
    let mut new = Agent { uid: [2; 16], ..Agent::default() };
    server.send(1, old.full());
    // A new process with a new uid is nothing special.
    assert_eq!(server.send(1, new.full()).flags, 0);
    assert!(server.standing().notices.is_empty());
    // The old one comes back: two.
    let reply = server.send(1, old.heartbeat());
    assert_eq!(reply.flags, 0, "and no endless requests for full states");
    assert_eq!(server.standing().notices, ["two processes use this token"]);
    // The new one ends; the other goes on alone.
    for _ in 0..10 {
        server.pass_s(30);
        if server.state.http_session().is_none() {
            server.open_as(2, TransportKind::Http, Credential::Enrolment { issued: None });
        }
        let session = server.state.http_session().unwrap().0.0;
        server.send(session, old.heartbeat());
    }
    assert!(server.standing().online);
    assert!(server.standing().notices.is_empty());
    assert_eq!(server.state.instance_uid().map(|uid| *uid.as_bytes()), Some([1; 16]));
}

#[test]
fn two_http_processes_with_one_uid_are_found_by_their_numbers() {
    let mut server = Server::new(None);
    server.open_as(1, TransportKind::Http, Credential::Enrolment { issued: None });
    let mut one = Agent::default();
    let mut two = Agent { seq: 1_000, ..Agent::default() };
    server.send(1, one.full());
    let mut asked = 0;
    for _ in 0..20 {
        server.pass_s(15);
        for agent in [&mut two, &mut one] {
            if server.send(1, agent.heartbeat()).flags == 1 {
                asked += 1;
                server.send(1, agent.full());
            }
        }
    }
    assert_eq!(server.standing().notices, ["two processes use this token"]);
    assert!((1..=6).contains(&asked), "and then no more full states are asked for: {asked}");
    // One of them ends.
    for _ in 0..12 {
        server.pass_s(30);
        server.send(1, one.heartbeat());
    }
    assert!(server.standing().online);
    assert!(server.standing().notices.is_empty());
    // A message that is lost now and then is no second process.
    for _ in 0..20 {
        server.pass_s(75);
        one.seq += 1;
        server.send(1, one.heartbeat());
    }
    assert!(server.standing().notices.is_empty());
}

#[test]
fn stray_post_beside_a_socket_is_forgotten() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.open_as(2, TransportKind::Http, Credential::Enrolment { issued: None });
    server.send(2, Agent { uid: [2; 16], ..Agent::default() }.full());
    server.apply(Input::Pong { session: SessionId(1) });
    assert_eq!(server.standing().notices.len(), 1);
    for _ in 0..3 {
        server.pass_s(30);
        server.send(1, agent.heartbeat());
    }
    assert!(server.standing().notices.is_empty());
    assert!(server.standing().online && server.state.http_session().is_none());
}

#[test]
fn socket_replaces_http() {
    let mut server = Server::new(None);
    server.open_as(1, TransportKind::Http, Credential::Enrolment { issued: None });
    let mut agent = Agent::default();
    server.send(1, agent.full());
    server.open(2);
    server.send(2, agent.heartbeat());
    assert_eq!(server.state.http_session(), None);
    assert!(server.standing().online);
}

#[test]
fn deregistered_collector_is_closed_for_good() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.open(2);
    server.take();
    server.apply(Input::Deregistered);
    assert_eq!(closes(&mut server), [(1, CloseReason::Revoked), (2, CloseReason::Revoked)]);
    assert!(!server.standing().online);
    // What still comes is answered, and changes nothing.
    let record = server.state.record().clone();
    server.send(1, agent.with_status(&[1; 32], FAILED, "late"));
    assert_eq!(server.state.record(), &record);
}

#[test]
fn stopping_server_says_where_it_goes() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.take();
    let effects = server.apply(Input::ServerStopping);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Event(_))), "a stop is no news of the collector");
    assert_eq!(closes(&mut server), [(1, CloseReason::GoingAway)]);
}

#[test]
fn connections_are_told() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    assert_eq!(server.standing().status(), CollectorStatus::Pending);
    agent.start(&mut server, 1);
    assert_eq!(server.events(), ["connected"]);
    server.close(1);
    assert_eq!(server.events(), ["disconnected"]);
    assert_eq!(server.standing().status(), CollectorStatus::Offline);
}
