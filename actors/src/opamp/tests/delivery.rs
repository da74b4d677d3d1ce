use std::time::Duration;

use linkmesh_proto::{
    InstanceUid,
    api::collector::{CollectorStatus, ConfigState},
    wire::opamp::AgentToServer,
};

use super::support::*;
use crate::opamp::{AgentCapabilities, Credential, Desired, Input, Record, TransportKind};

fn hash_of(config: &Desired) -> Vec<u8> {
    config.hash().as_bytes().to_vec()
}

#[test]
fn first_offer_waits_for_the_collectors_own_health() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    server.open(1);
    server.send(1, agent.full());
    server.pass_s(1);
    // What comes during a start has no components.
    server.send(
        1,
        agent.with_health(linkmesh_proto::wire::opamp::ComponentHealth { healthy: true, ..Default::default() }),
    );
    assert_eq!(server.offered(), Vec::<Vec<u8>>::new());
    let reply = server.send(1, agent.with_health(healthy()));
    let offer = reply.remote_config.unwrap();
    assert_eq!(offer.config_hash, hash_of(&config));
    let file = &offer.config.unwrap().config_map[""];
    assert_eq!((&file.body[..], file.content_type.as_str()), (config.text().as_bytes(), "text/yaml"));
    server.take();
    server.pass_s(59);
    server.send(1, agent.heartbeat());
    assert_eq!(server.offered(), Vec::<Vec<u8>>::new(), "one offer is enough");
}

#[test]
fn first_offer_waits_five_seconds_at_most() {
    let config = desired("a");
    for crash in [false, true] {
        let mut server = Server::new(Some(&config));
        let mut agent = Agent::default();
        server.open(1);
        server.send(1, agent.full());
        if crash {
            server.send(1, agent.with_health(crashed()));
        } else {
            server.pass(Duration::from_millis(4999));
            assert_eq!(server.offered(), Vec::<Vec<u8>>::new());
            server.pass(Duration::from_millis(1));
        }
        assert_eq!(server.offered(), [hash_of(&config)]);
    }
}

#[test]
fn health_in_the_very_first_message_opens_nothing() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    server.open(1);
    server.send(1, AgentToServer { health: Some(healthy()), ..Agent::default().full() });
    assert_eq!(server.offered(), Vec::<Vec<u8>>::new());
}

#[test]
fn http_agent_gets_its_offer_with_the_next_poll() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    server.open_as(1, TransportKind::Http, Credential::Enrolment { issued: None });
    server.send(1, agent.full());
    server.pass_s(30);
    assert_eq!(server.offered(), Vec::<Vec<u8>>::new(), "the server cannot speak first");
    assert_eq!(server.send(1, agent.heartbeat()).remote_config.unwrap().config_hash, hash_of(&config));
}

#[test]
fn saved_config_is_pushed_at_once() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    assert_eq!(server.standing().config_state, ConfigState::None);
    server.take();
    let config = desired("a");
    server.desire(Some(&config));
    assert_eq!(server.standing().config_state, ConfigState::Pending);
    assert_eq!(server.offered(), [hash_of(&config)]);
}

#[test]
fn failed_config_is_never_offered_again_by_itself() {
    let (good, bad) = (desired("good"), desired("bad"));
    let mut server = Server::new(Some(&good));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &good);
    server.desire(Some(&bad));
    let words = "Agent exited unexpectedly\nCollector log tail: port in use";
    server.send(1, agent.with_status(&hash_of(&bad), APPLYING, ""));
    server.send(1, agent.with_status(&hash_of(&bad), FAILED, words));
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.status()), (ConfigState::Failed, CollectorStatus::Degraded));
    assert_eq!(standing.error.as_deref(), Some(words));
    server.take();

    // Neither time, nor a reconnect, nor a restart of either side brings it back.
    server.pass_s(300);
    server.close(1);
    agent.start(&mut server, 2);
    let mut server = server.restarted(Some(&bad));
    server.open(1);
    server.send(1, agent.heartbeat());
    server.pass_s(30);
    let mut fresh = Agent { status: agent.status.clone(), ..Agent::default() };
    server.close(1);
    fresh.start(&mut server, 2);
    // Nor does the rollback, which leaves another hash reported.
    server.send(2, fresh.with_status(&hash_of(&good), APPLIED, ""));
    server.send(2, fresh.heartbeat());
    assert_eq!(server.offered(), Vec::<Vec<u8>>::new());
    assert_eq!(server.standing().error.as_deref(), Some(words));

    server.apply(Input::RetryAsked);
    assert_eq!(server.offered(), [hash_of(&bad)]);
    assert_eq!(server.standing().config_state, ConfigState::Pending);
}

#[test]
fn failed_retry_latches_again_even_in_silence() {
    let config = desired("tab");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.send(1, agent.with_status(&hash_of(&config), FAILED, "yaml"));
    server.apply(Input::RetryAsked);
    server.take();
    // An unchanged status is not sent again.
    for _ in 0..3 {
        server.pass_s(25);
        server.send(1, agent.heartbeat());
    }
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.error.as_deref()), (ConfigState::Failed, Some("yaml")));
}

#[test]
fn retry_of_an_offline_collector_waits_for_it() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.send(1, agent.with_status(&hash_of(&config), FAILED, "no"));
    server.close(1);
    server.apply(Input::RetryAsked);
    let mut server = server.restarted(Some(&config));
    let mut fresh = Agent { status: agent.status.clone(), ..Agent::default() };
    server.open(1);
    server.send(1, fresh.full());
    assert_eq!(server.standing().config_state, ConfigState::Pending, "its old word is not the answer");
    server.send(1, fresh.with_health(healthy()));
    assert_eq!(server.offered(), [hash_of(&config)]);
}

#[test]
fn reconnect_does_not_push_what_is_reported() {
    let config = desired("a");
    for word in [APPLIED, APPLYING, FAILED] {
        let mut server = Server::new(Some(&config));
        let mut agent = Agent { status: status(&hash_of(&config), word, "x"), ..Agent::default() };
        agent.start(&mut server, 1);
        server.pass_s(10);
        assert_eq!(server.offered(), Vec::<Vec<u8>>::new(), "status {word}: the hash decides");
    }
}

#[test]
fn nothing_is_offered_without_the_capability() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent { capabilities: 0x2845, ..Agent::default() };
    agent.start(&mut server, 1);
    server.apply(Input::RestartAsked);
    for _ in 0..6 {
        server.pass_s(30);
        server.send(1, agent.heartbeat());
    }
    assert!(server.sent().iter().all(|message| message.remote_config.is_none() && message.command.is_none()));
    assert!(!server.standing().can_restart);
    // Agents may change their mind.
    agent.capabilities = ALL;
    assert_eq!(server.send(1, agent.heartbeat()).remote_config.map(|offer| offer.config_hash), Some(hash_of(&config)));
}

#[test]
fn agent_without_status_is_offered_once_and_believed_by_what_it_runs() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent { capabilities: 0x2847, ..Agent::default() };
    server.open(1);
    server.send(1, AgentToServer { remote_config_status: None, ..agent.full() });
    server.send(1, agent.with_health(healthy()));
    for _ in 0..10 {
        server.pass_s(30);
        server.send(1, agent.heartbeat());
    }
    assert_eq!(server.offered(), [hash_of(&config)]);
    server.open(2);
    server.close(1);
    server.send(2, agent.heartbeat());
    server.send(2, agent.with_effective(config.text()));
    assert_eq!(server.standing().config_state, ConfigState::Applied);
    server.take();
    server.close(2);
    server.open(3);
    server.send(3, agent.heartbeat());
    assert_eq!(server.offered(), Vec::<Vec<u8>>::new(), "it runs it already");
}

#[test]
fn restart_is_sent_alone_and_once() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &config);
    server.take();
    server.apply(Input::RestartAsked);
    server.send(1, agent.heartbeat());
    let commands: Vec<_> = server.sent().into_iter().filter(|message| message.command.is_some()).collect();
    assert_eq!(commands.len(), 1);
    let bare = linkmesh_proto::wire::opamp::ServerToAgent {
        instance_uid: agent.uid.to_vec(),
        capabilities: 0x27,
        command: commands[0].command,
        ..Default::default()
    };
    assert_eq!(commands[0], bare);
    assert!(!server.state.record().restart_pending);
}

#[test]
fn restart_does_not_follow_on_the_heels_of_an_offer() {
    let config = desired("a");
    let record = Record {
        uid: Some(InstanceUid::from_bytes([1; 16])),
        last_seq: 4,
        capabilities: AgentCapabilities(ALL),
        restart_pending: true,
        ..Record::default()
    };
    let mut server = Server::with_record(record, Some(&config));
    let mut agent = Agent { seq: 5, ..Agent::default() };
    server.open(1);
    assert!(server.send(1, agent.heartbeat()).remote_config.is_some());
    assert!(server.sent().iter().all(|message| message.command.is_none()));
    assert!(server.state.record().restart_pending);
    let commands = |server: &mut Server| server.sent().iter().filter(|message| message.command.is_some()).count();
    let reply = server.send(1, agent.with_status(&hash_of(&config), APPLYING, ""));
    assert!(reply.command.is_none());
    assert_eq!(commands(&mut server), 0, "the collector that starts with the text must not be ended");
    let reply = server.send(1, agent.with_status(&hash_of(&config), APPLIED, ""));
    assert!(reply.command.is_none(), "the answer is an answer");
    assert_eq!(commands(&mut server), 1);
    assert!(!server.state.record().restart_pending);
}

#[test]
fn restart_waits_for_an_offer_no_longer_than_that_for_its_answer() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.send(1, agent.with_status(&hash_of(&config), APPLYING, ""));
    server.take();
    server.apply(Input::RestartAsked);
    server.pass_s(59);
    assert!(server.state.record().restart_pending);
    server.pass_s(1);
    assert!(!server.state.record().restart_pending);
    assert_eq!(server.sent().iter().filter(|message| message.command.is_some()).count(), 1);
}

#[test]
fn offer_waits_for_the_full_state_and_no_longer_than_ten_seconds() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent { seq: 40, ..Agent::default() };
    server.open(1);
    assert_eq!(server.send(1, agent.heartbeat()).flags, 1);
    server.pass(Duration::from_millis(9_999));
    assert_eq!(server.offered(), Vec::<Vec<u8>>::new(), "it might have the text already");
    server.pass(Duration::from_millis(1));
    assert_eq!(server.offered(), [hash_of(&config)], "without waiting for a message");
}

#[test]
fn restart_by_http_waits_for_a_reply_that_says_nothing_else() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    server.open_as(1, TransportKind::Http, Credential::Enrolment { issued: None });
    server.send(1, agent.full());
    server.apply(Input::RestartAsked);
    server.pass_s(5);
    let reply = server.send(1, agent.with_health(healthy()));
    assert!(reply.remote_config.is_some() && reply.command.is_none(), "beside a command the config would be dropped");
    let reply = server.send(1, agent.heartbeat());
    assert!(reply.command.is_none(), "it is at it");
    let reply = server.send(1, agent.with_status(&hash_of(&config), APPLIED, ""));
    assert!(reply.command.is_some() && reply.remote_config.is_none());
    assert!(server.send(1, agent.heartbeat()).command.is_none());
}

#[test]
fn what_is_no_mapping_cannot_be_desired() {
    for bad in ["hello", "- a", "\ta: 1", "a: 1\na: 2", "extensions: {opamp: {}}", ""] {
        assert!(Desired::otelcol(bad.into(), None).is_err(), "{bad:?}");
    }
    assert!(Desired::otelcol("{}".into(), None).is_ok());
}

#[test]
fn process_that_posts_anew_is_offered_what_the_one_before_was() {
    for (uid, wiped) in [([1; 16], true), ([2; 16], true), ([2; 16], false)] {
        let config = desired("a");
        let mut server = Server::new(Some(&config));
        server.open_as(1, TransportKind::Http, Credential::Collector { token: "lmct_t".into() });
        let mut agent = Agent::default();
        server.send(1, agent.full());
        server.send(1, agent.with_health(healthy()));
        agent.run(&mut server, 1, &config);
        assert_eq!(server.standing().config_state, ConfigState::Applied);
        server.pass_s(30);
        server.take();
        // Its host was set up again, within the time that a session of plain HTTP lasts.
        let status = if wiped { status(b"", UNSET, "") } else { agent.status.clone() };
        let mut fresh = Agent { uid, status, ..Agent::default() };
        server.send(1, fresh.full());
        assert_eq!(server.offered(), Vec::<Vec<u8>>::new(), "{uid:?} {wiped}: not in its first reply");
        server.send(1, fresh.with_health(healthy()));
        let expected = if wiped { vec![hash_of(&config)] } else { Vec::new() };
        assert_eq!(server.offered(), expected, "{uid:?} {wiped}");
        if wiped {
            fresh.run(&mut server, 1, &config);
            assert_eq!(server.standing().config_state, ConfigState::Applied, "{uid:?}");
        }
    }
}

#[test]
fn offer_whose_answer_was_taken_back_is_made_again_after_a_while() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &config);
    server.send(1, agent.with_status(&[9; 32], APPLIED, ""));
    server.take();
    server.pass_s(60);
    server.send(1, agent.heartbeat());
    assert_eq!(server.offered(), Vec::<Vec<u8>>::new());
    for _ in 0..3 {
        server.pass_s(30);
        server.send(1, agent.heartbeat());
    }
    assert_eq!(server.offered(), [hash_of(&config)]);
}

#[test]
fn what_will_never_be_confirmed_is_said() {
    let config = desired("a");
    for (capabilities, word) in [(0x1, Some("takes no config")), (0x3, Some("unconfirmed")), (0x7, None), (ALL, None)] {
        let mut server = Server::new(Some(&config));
        let mut agent = Agent { capabilities, ..Agent::default() };
        agent.start(&mut server, 1);
        let notices = server.standing().notices;
        assert_eq!(notices.len(), usize::from(word.is_some()), "{capabilities:#x}: {notices:?}");
        assert!(word.is_none_or(|word| notices[0].contains(word)), "{capabilities:#x}: {notices:?}");
    }
}
