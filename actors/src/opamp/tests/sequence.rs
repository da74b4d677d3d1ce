use linkmesh_proto::InstanceUid;
use linkmesh_proto::wire::opamp::{AgentToServer, AvailableComponents, ComponentDetails, ConnectionSettingsRequest};

use super::support::*;
use crate::{
    opamp::{Effect, Input, PersistClass, SessionId},
    ports::Presence,
};

const FULL: u64 = 1;

#[test]
fn first_message_with_everything_is_enough() {
    let mut server = Server::new(None);
    server.open(1);
    let reply = server.send(1, Agent::default().full());
    assert_eq!(reply.flags, 0);
    assert!(server.standing().online);
    assert_eq!(server.state.attributes()["host.name"], "host-1");
}

#[test]
fn a_gap_is_asked_about_once() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.seq += 3;
    assert_eq!(server.send(1, agent.heartbeat()).flags, FULL);
    for _ in 0..5 {
        server.pass_s(10);
        assert_eq!(server.send(1, agent.heartbeat()).flags, 0, "no loop while the answer is on its way");
    }
    server.pass_s(11);
    assert_eq!(server.send(1, agent.heartbeat()).flags, FULL, "after a minute the request was lost");
    assert_eq!(server.send(1, agent.full()).flags, 0);
    server.pass_s(61);
    assert_eq!(server.send(1, agent.heartbeat()).flags, 0);
}

#[test]
fn answer_without_all_fields_ends_the_request() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.seq += 1;
    assert_eq!(server.send(1, agent.heartbeat()).flags, FULL);
    let partial = AgentToServer { agent_description: Some(description("host-1")), ..agent.heartbeat() };
    assert_eq!(server.send(1, partial).flags, 0);
    server.pass_s(100);
    assert_eq!(server.send(1, agent.heartbeat()).flags, 0, "what the agent leaves out is not asked for again");
}

#[test]
fn a_bare_poll_of_an_unknown_agent_is_asked_for_its_state() {
    let mut server = Server::new(None);
    server.open(1);
    let bare = AgentToServer { instance_uid: vec![9; 16], ..Default::default() };
    assert_eq!(server.send(1, bare.clone()).flags, FULL);
    assert_eq!(server.send(1, bare.clone()).flags, 0);
    let mut agent = Agent { uid: [9; 16], seq: 5, ..Agent::default() };
    server.send(1, agent.full());
    assert_eq!(server.send(1, bare).flags, 0, "a bare message has no place in the sequence");
    assert_eq!(server.send(1, agent.heartbeat()).flags, 0);
}

#[test]
fn repeated_number_is_a_retry() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    let message = agent.with_status(&[3; 32], FAILED, "no");
    assert_eq!(server.send(1, message.clone()).flags, 0);
    assert_eq!(server.send(1, message).flags, 0);
    assert_eq!(server.state.record().failed.len(), 1);
    assert_eq!(server.send(1, agent.heartbeat()).flags, 0);
}

#[test]
fn first_number_may_be_any() {
    for first in [0, 1, 5, u64::MAX] {
        let mut server = Server::new(None);
        server.open(1);
        let mut agent = Agent { seq: first, ..Agent::default() };
        let message = AgentToServer { sequence_num: first, ..agent.clone().full_at(first) };
        assert_eq!(server.send(1, message).flags, 0, "{first}");
        agent.seq = first.wrapping_add(1);
        let flags = server.send(1, agent.heartbeat_at(first.wrapping_add(1))).flags;
        assert_eq!(flags, if first == u64::MAX { FULL } else { 0 }, "{first}");
    }
}

impl Agent {
    fn full_at(mut self, seq: u64) -> AgentToServer {
        self.seq = 0;
        AgentToServer { sequence_num: seq, ..self.full() }
    }

    fn heartbeat_at(&mut self, seq: u64) -> AgentToServer {
        self.seq = 0;
        AgentToServer { sequence_num: seq, ..self.heartbeat() }
    }
}

#[test]
fn new_process_starts_from_nothing() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &config);
    assert_eq!(server.standing().healthy, Some(true));
    server.close(1);
    server.open(2);
    let mut fresh = Agent { status: agent.status.clone(), ..Agent::default() };
    assert_eq!(server.send(2, fresh.full()).flags, 0);
    assert_eq!(server.standing().healthy, None, "the old process's health is not the new one's");
    assert_eq!(server.state.record().effective, None);
}

#[test]
fn sequence_survives_a_restart_of_the_server() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &config);
    let before = server.standing();
    let mut server = server.restarted(Some(&config));
    server.open(1);
    let reply = server.send(1, agent.heartbeat());
    assert_eq!(reply.flags, 0);
    server.pass_s(30);
    assert_eq!(server.offered(), Vec::<Vec<u8>>::new(), "it has the config: no second push");
    let after = server.standing();
    assert_eq!((after.config_state, after.drift, after.healthy), (before.config_state, before.drift, before.healthy));
}

#[test]
fn presence_is_newer_than_the_record() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    let record = server.state.record().clone();
    server.pass_s(30);
    server.take();
    server.send(1, agent.heartbeat());
    let effects = server.take();
    assert!(effects.contains(&Effect::Persist(PersistClass::Presence)), "{effects:?}");
    assert!(!effects.contains(&Effect::RowChanged), "a heartbeat is no news");
    let presence = server.state.presence().unwrap();
    assert_eq!(&record.clone().with_presence(presence), server.state.record());
    assert!(!record.was_configured);
    assert!(record.with_presence(Presence { was_configured: true, ..presence }).was_configured, "either knows");
}

#[test]
fn uid_forms_are_refused_or_kept() {
    let mut server = Server::new(None);
    server.open(1);
    for bad in [vec![], vec![0; 16], vec![1; 5], b"not a ulid but 26 letters!".to_vec()] {
        let reply = server.send(1, AgentToServer { instance_uid: bad, ..Default::default() });
        assert!(reply.error_response.is_some());
    }
    let ulid = AgentToServer { instance_uid: b"01ARZ3NDEKTSV4RRFFQ69G5FAV".to_vec(), ..Agent::default().full() };
    assert!(server.send(1, ulid).error_response.is_none());
}

#[test]
fn second_uid_on_a_connection_is_refused() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    let reply = server.send(1, Agent { uid: [2; 16], ..Agent::default() }.full());
    assert!(reply.error_response.is_some());
    assert_eq!(server.send(1, agent.heartbeat()).flags, 0, "the first one goes on undisturbed");
    assert!(server.standing().online);
}

#[test]
fn new_uid_on_a_new_connection_is_a_new_process() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.close(1);
    server.take();
    server.open(2);
    let mut other = Agent { uid: [2; 16], seq: agent.seq, ..Agent::default() };
    assert_eq!(server.send(2, other.heartbeat()).flags, FULL);
    assert!(server.events().contains(&"new_process".to_owned()));
    assert_eq!(server.state.instance_uid().map(|uid| *uid.as_bytes()), Some([2; 16]));
}

#[test]
fn agent_that_asks_gets_a_uid_and_is_asked_for_everything() {
    let mut server = Server::new(None);
    server.open(1);
    let mut agent = Agent::default();
    let reply = server.send(1, AgentToServer { flags: 1, ..agent.full() });
    let new_uid = reply.agent_identification.unwrap().new_instance_uid;
    assert_eq!(new_uid, [0xee; 16]);
    agent.uid = [0xee; 16];
    let bare_description = AgentToServer { agent_description: Some(description("host-1")), ..agent.heartbeat() };
    assert_eq!(server.send(1, bare_description).flags, FULL, "the description comes alone after a change of uid");
    assert_eq!(server.send(1, agent.full()).flags, 0);
    assert_eq!(server.state.instance_uid().map(|uid| *uid.as_bytes()), Some([0xee; 16]));
}

#[test]
fn without_a_permit_the_request_comes_later() {
    let mut server = Server::new(None);
    server.world.permits.set(0);
    server.open(1);
    let mut agent = Agent { seq: 40, ..Agent::default() };
    assert_eq!(server.send(1, agent.heartbeat()).flags, 0);
    server.pass_s(10);
    assert!(server.sent().iter().all(|message| message.flags == 0));
    server.world.permits.set(1);
    server.pass_s(3);
    assert_eq!(server.sent().iter().filter(|message| message.flags == FULL).count(), 1);
    assert_eq!(server.send(1, agent.full()).flags, 0);
}

#[test]
fn description_that_is_too_large_is_left_out_and_told_once() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.take();
    for _ in 0..3 {
        let large = AgentToServer { agent_description: Some(description(&"x".repeat(40_000))), ..agent.heartbeat() };
        assert!(server.send(1, large).error_response.is_none());
    }
    assert_eq!(server.events(), ["description_too_large"]);
    assert_eq!(server.state.attributes()["host.name"], "host-1");
}

#[test]
fn undecodable_data_is_answered_on_an_open_connection() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    let effects = server.apply(Input::Undecodable { session: SessionId(1) });
    let [Effect::Reply(SessionId(1), reply)] = &effects[..1] else { panic!("{effects:?}") };
    assert_eq!(reply.instance_uid, [1; 16]);
    assert!(reply.error_response.is_some());
    assert!(server.standing().online);
}

#[test]
fn certificate_request_is_refused_and_the_rest_taken() {
    let mut server = Server::new(None);
    server.open(1);
    let request = Some(ConnectionSettingsRequest::default());
    let reply = server.send(1, AgentToServer { connection_settings_request: request, ..Agent::default().full() });
    assert!(reply.error_response.is_some());
    assert_eq!(server.state.attributes()["host.name"], "host-1");
}

#[test]
fn components_are_asked_for_once() {
    let mut server = Server::new(None);
    server.world.wanted.borrow_mut().push(vec![5; 32]);
    server.open(1);
    let mut agent = Agent::default();
    let components = |map: &[&str]| {
        let details = map.iter().map(|name| ((*name).to_owned(), ComponentDetails::default())).collect();
        Some(AvailableComponents { hash: vec![5; 32], components: details })
    };
    let first = AgentToServer { available_components: components(&[]), ..agent.full() };
    assert_eq!(server.send(1, first).flags, 2);
    let again = AgentToServer { available_components: components(&[]), ..agent.heartbeat() };
    assert_eq!(server.send(1, again).flags, 0);
    server.take();
    let tree = AgentToServer { available_components: components(&["receivers"]), ..agent.heartbeat() };
    server.send(1, tree);
    let stored = server.take().into_iter().any(|effect| matches!(effect, Effect::StoreComponents { .. }));
    assert!(stored);
    assert_eq!(*server.state.record().components, [5; 32]);
}

#[test]
fn components_that_another_agent_never_told_are_asked_for_with_any_message() {
    let mut server = Server::new(None);
    server.open(1);
    let mut agent = Agent::default();
    let named = |hash: u8| Some(AvailableComponents { hash: vec![hash; 32], ..Default::default() });
    // Another one was asked a moment ago.
    assert_eq!(server.send(1, AgentToServer { available_components: named(5), ..agent.full() }).flags, 0);
    assert_eq!(server.send(1, agent.heartbeat()).flags, 0);
    server.world.wanted.borrow_mut().push(vec![5; 32]);
    assert_eq!(server.send(1, agent.heartbeat()).flags, 2);
    assert_eq!(server.send(1, agent.heartbeat()).flags, 0, "once for each hash and session");
    server.world.wanted.borrow_mut().push(vec![6; 32]);
    let upgraded = AgentToServer { available_components: named(6), ..agent.heartbeat() };
    assert_eq!(server.send(1, upgraded).flags, 2, "another build is another question");
}

#[test]
fn components_of_an_agent_that_cannot_tell_are_not_asked_for() {
    let mut server = Server::new(None);
    server.world.wanted.borrow_mut().push(vec![5; 32]);
    server.open(1);
    let mut agent = Agent { capabilities: ALL & !0x4000, ..Agent::default() };
    let components = Some(AvailableComponents { hash: vec![5; 32], ..Default::default() });
    assert_eq!(server.send(1, AgentToServer { available_components: components, ..agent.full() }).flags, 0);
}

#[test]
fn what_must_be_durable_is_written_before_the_reply() {
    let mut server = Server::new(None);
    server.open(1);
    let mut agent = Agent::default();
    let effects = server.apply(Input::Message { session: SessionId(1), message: Box::new(agent.full()) });
    assert_eq!(effects.first(), Some(&Effect::Persist(PersistClass::Now)));
    server.send(1, agent.with_health(healthy()));
    server.take();
    server.send(1, agent.with_health(healthy()));
    let effects = server.take();
    assert_eq!(effects.first(), Some(&Effect::Persist(PersistClass::Presence)), "only times changed");
}

#[test]
fn uid_that_was_given_stays_until_it_is_used_and_late_messages_of_the_old_one_are_taken() {
    let mut server = Server::new(None);
    server.open(1);
    let mut agent = Agent::default();
    server.send(1, AgentToServer { flags: 1, ..agent.full() });
    server.world.new_uid = InstanceUid::from_bytes([0xdd; 16]);
    let again = server.send(1, AgentToServer { flags: 1, ..agent.heartbeat() });
    assert_eq!(again.agent_identification.unwrap().new_instance_uid, [0xee; 16], "one uid for one question");
    let mut late = agent.clone();
    agent.uid = [0xee; 16];
    server.send(1, agent.full());
    let reply = server.send(1, late.heartbeat());
    assert_eq!(reply.error_response, None, "it was on its way");
    assert_eq!(server.state.instance_uid().map(|uid| *uid.as_bytes()), Some([0xee; 16]));
    assert!(server.send(1, Agent { uid: [3; 16], ..agent }.heartbeat()).error_response.is_some());
}

#[test]
fn process_that_begins_is_one_also_where_its_number_follows_that_of_the_one_before() {
    // The one before died after its first message, or after its second.
    for (before, first) in [(1, 0), (1, 1), (2, 0), (2, 1)] {
        let config = desired("a");
        let mut server = Server::new(Some(&config));
        let mut agent = Agent::default();
        server.open(1);
        server.send(1, AgentToServer { health: Some(healthy()), ..agent.full() });
        if before == 2 {
            server.send(1, agent.with_effective(config.text()));
        }
        server.close(1);
        server.take();
        server.open(2);
        let mut fresh = Agent { seq: first, ..Agent::default() };
        server.send(2, fresh.full());
        assert_eq!(server.offered(), Vec::<Vec<u8>>::new(), "{before} {first}: not in its first reply");
        assert_eq!((server.standing().healthy, &server.state.record().effective), (None, &None), "{before} {first}");
        server.send(2, fresh.with_health(healthy()));
        assert_eq!(server.offered(), [config.hash().as_bytes().to_vec()], "{before} {first}");
    }
}

#[test]
fn connection_that_goes_on_with_a_description_alone_is_asked_for_the_rest() {
    let mut server = Server::new(None);
    let mut agent = Agent { seq: 0, ..Agent::default() };
    server.open(1);
    server.send(1, agent.full());
    server.close(1);
    server.open(2);
    let alone = AgentToServer { agent_description: Some(description("host-2")), ..agent.heartbeat() };
    assert_eq!(server.send(2, alone).flags, FULL);
}
