use std::time::Duration;

use linkmesh_proto::{
    ConfigHash,
    api::collector::{CollectorStatus, ConfigState, DriftState},
    wire::opamp::AgentToServer,
};

use super::support::*;
use crate::opamp::{Desired, Effect, Input, TransportKind};

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
    server.open_as(1, TransportKind::Http, crate::opamp::Credential::Enrolment { issued: None });
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
fn applied_is_believed_with_effective_config_and_health() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    let hash = hash_of(&config);
    server.send(1, agent.with_status(&hash, APPLYING, ""));
    assert_eq!(server.standing().config_state, ConfigState::Applying);
    server.send(1, agent.with_status(&hash, APPLIED, ""));
    assert_eq!(server.standing().config_state, ConfigState::Applying, "it did not say what it runs");
    server.send(1, agent.with_health(crashed()));
    server.send(1, agent.with_effective(config.text()));
    let standing = server.standing();
    assert_eq!(standing.config_state, ConfigState::Applying, "it is not healthy");
    assert!(standing.error.unwrap().contains("exited unexpectedly"));
    server.take();
    server.send(1, agent.with_health(healthy()));
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.drift), (ConfigState::Applied, DriftState::InSync));
    assert_eq!(standing.reported_hash, Some(config.hash()));
    assert!(server.events().contains(&"config_applied".to_owned()));
}

#[test]
fn empty_effective_config_means_not_known() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &config);
    server.take();
    server.send(1, agent.with_effective(""));
    assert_eq!(server.standing().drift, DriftState::InSync);
    assert!(!server.take().iter().any(|effect| matches!(effect, Effect::StoreEffective { .. })));
}

#[test]
fn effective_config_is_stored_once() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    let mut stored = 0;
    for _ in 0..3 {
        server.send(1, agent.with_effective("a: 1"));
        stored += server.take().iter().filter(|effect| matches!(effect, Effect::StoreEffective { .. })).count();
    }
    assert_eq!(stored, 1);
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
fn rollback_is_failed_with_the_old_config_in_sync() {
    let (a, b) = (desired("a"), desired("b"));
    let mut server = Server::new(Some(&a));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &a);
    server.desire(Some(&b));
    server.take();
    server.send(1, agent.with_status(&hash_of(&b), APPLYING, ""));
    server.send(1, agent.with_status(&hash_of(&b), FAILED, "no"));
    server.send(1, agent.with_health(healthy()));
    server.send(1, agent.with_status(&hash_of(&a), APPLIED, ""));
    server.send(1, agent.with_effective(&format!("{}\n# rolled back\n", a.text())));
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.drift), (ConfigState::Failed, DriftState::InSync));
    let events = server.events();
    assert!(events.contains(&"config_failed".to_owned()) && events.contains(&"config_rolled_back".to_owned()));
    // A new text is another matter.
    let c = desired("c");
    server.desire(Some(&c));
    assert_eq!(server.offered(), [hash_of(&c)]);
    agent.run(&mut server, 1, &c);
    assert_eq!(server.standing().config_state, ConfigState::Applied);
    // And the bad one stays bad.
    server.take();
    server.desire(Some(&b));
    assert_eq!(server.offered(), Vec::<Vec<u8>>::new());
    assert_eq!(server.standing().config_state, ConfigState::Failed);
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
fn no_answer_for_a_minute_is_shown_and_asked_again_later() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    assert_eq!(server.offered().len(), 1);
    for _ in 0..2 {
        server.pass_s(30);
        server.send(1, agent.heartbeat());
    }
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.error.as_deref()), (ConfigState::Pending, Some("no_answer")));
    assert!(server.events().contains(&"config_no_answer".to_owned()));
    let mut offers = 0;
    for _ in 0..40 {
        server.pass_s(30);
        server.send(1, agent.heartbeat());
        offers += server.offered().len();
    }
    assert_eq!(offers, 2, "every two minutes, three times in all");
    server.send(1, agent.with_status(&hash_of(&config), APPLYING, ""));
    assert_eq!(server.standing().config_state, ConfigState::Applying);
}

#[test]
fn newer_offer_supersedes() {
    let (a, b) = (desired("a"), desired("b"));
    let mut server = Server::new(Some(&a));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.send(1, agent.with_status(&hash_of(&a), APPLYING, ""));
    server.take();
    server.desire(Some(&b));
    assert_eq!(server.offered(), [hash_of(&b)]);
    agent.run(&mut server, 1, &b);
    assert_eq!(server.standing().config_state, ConfigState::Applied);
    // An old word about the old text changes nothing, but is not what we want.
    server.take();
    server.send(1, agent.with_status(&hash_of(&a), APPLIED, ""));
    assert_eq!(server.standing().config_state, ConfigState::Pending);
}

#[test]
fn applied_of_an_old_hash_at_connect_gets_the_new_one() {
    let (a, b) = (desired("a"), desired("b"));
    let mut server = Server::new(Some(&b));
    let mut agent = Agent { status: status(&hash_of(&a), APPLIED, ""), ..Agent::default() };
    agent.start(&mut server, 1);
    assert_eq!(server.offered(), [hash_of(&b)]);
    server.send(1, agent.with_status(b"short", FAILED, "not ours"));
    assert_eq!(server.standing().config_state, ConfigState::Pending, "a hash that is not ours says nothing of ours");
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
fn agent_that_cannot_say_what_it_runs_is_believed() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent { capabilities: ALL & !0x4, ..Agent::default() };
    server.open(1);
    server.send(1, AgentToServer { effective_config: None, ..agent.full() });
    server.send(1, agent.with_health(healthy()));
    server.send(1, agent.with_status(&hash_of(&config), APPLIED, ""));
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.drift), (ConfigState::Applied, DriftState::Unknown));
}

#[test]
fn agent_that_never_says_what_it_runs_is_believed_after_a_while() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.send(1, agent.with_status(&hash_of(&config), APPLIED, ""));
    assert_eq!(server.standing().config_state, ConfigState::Applying);
    server.pass_s(11);
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.drift), (ConfigState::Applied, DriftState::Unknown));
    assert!(!server.sent().iter().any(|message| message.command.is_some()));
}

#[test]
fn lost_config_is_cured_by_one_restart_and_else_shown() {
    for cured in [true, false] {
        let (a, b) = (desired("a"), desired("b"));
        let mut server = Server::new(Some(&a));
        let mut agent = Agent::default();
        agent.start(&mut server, 1);
        agent.run(&mut server, 1, &a);
        server.desire(Some(&b));
        // Lost in the start of the supervisor: reported as applied, the old config runs.
        server.send(1, agent.with_status(&hash_of(&b), APPLIED, ""));
        server.send(1, agent.with_effective(&format!("{}# again\n", a.text())));
        server.take();
        server.pass_s(11);
        let commands = server.sent().into_iter().filter(|message| message.command.is_some());
        assert_eq!(commands.count(), 1);
        assert_eq!(server.standing().config_state, ConfigState::Applying);
        if cured {
            server.send(1, agent.with_effective(b.text()));
            assert_eq!(server.standing().config_state, ConfigState::Applied);
            assert_eq!(server.standing().drift, DriftState::InSync);
        } else {
            server.pass_s(29);
            server.send(1, agent.heartbeat());
            server.pass_s(60);
            let standing = server.standing();
            assert_eq!(standing.config_state, ConfigState::Applying);
            assert!(standing.error.unwrap().contains("runs another one"));
            assert!(!server.sent().iter().any(|message| message.command.is_some()), "one restart is enough");
        }
    }
}

#[test]
fn comment_under_a_new_hash_needs_no_new_effective_config() {
    let a = desired("a");
    let b = std::sync::Arc::new(Desired::otelcol(format!("# newer\n{}", a.text()).into(), None).unwrap());
    let mut server = Server::new(Some(&a));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &a);
    server.desire(Some(&b));
    server.send(1, agent.with_status(&hash_of(&b), APPLIED, ""));
    assert_eq!(server.standing().config_state, ConfigState::Applied);
}

#[test]
fn effective_config_of_before_is_fetched_when_it_decides() {
    let (a, b) = (desired("a"), desired("b"));
    let mut server = Server::new(Some(&a));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &a);
    let body = agent.running.clone();
    // The desired text changed while the server was away, and the agent ran it already.
    let mut server = server.restarted(Some(&b));
    server.open(1);
    server.send(1, agent.heartbeat());
    server.take();
    server.send(1, agent.with_status(&hash_of(&b), APPLIED, ""));
    server.pass_s(1);
    assert_eq!(server.take().iter().filter(|effect| **effect == Effect::LoadEffective).count(), 1);
    server.apply(Input::EffectiveLoaded { body: Some(body.into()) });
    assert_eq!(server.standing().config_state, ConfigState::Applying, "the old config still runs");
    server.apply(Input::EffectiveLoaded { body: Some("stale".into()) });
    server.send(1, agent.with_effective(b.text()));
    assert_eq!(server.standing().config_state, ConfigState::Applied);
}

#[test]
fn drift_is_found_and_gone() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &config);
    server.take();
    server.send(1, agent.with_effective(&config.text().replace("300s", "301s")));
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.drift), (ConfigState::Applied, DriftState::Drifted));
    server.send(1, agent.with_effective(&config.text().replace("300s", "5m0s")));
    assert_eq!(server.standing().drift, DriftState::InSync);
    let events = server.events();
    assert_eq!(
        events.iter().filter(|kind| kind.starts_with("drift")).collect::<Vec<_>>(),
        ["drift_found", "drift_gone"]
    );
}

#[test]
fn drift_is_judged_by_what_was_confirmed_while_the_next_is_pending() {
    let (a, b) = (desired("a"), desired("b"));
    let mut server = Server::new(Some(&a));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &a);
    server.desire(Some(&b));
    assert_eq!(server.standing().drift, DriftState::InSync);
    server.send(1, agent.with_status(&hash_of(&b), APPLYING, ""));
    server.send(1, agent.with_effective(b.text()));
    assert_eq!(server.standing().drift, DriftState::InSync, "it got ahead of its own word");
    server.send(1, agent.with_effective("receivers: {other: {}}"));
    assert_eq!(server.standing().drift, DriftState::Drifted);
}

#[test]
fn failed_config_that_runs_after_all_is_pointed_out() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.send(1, agent.with_health(crashed()));
    server.send(1, agent.with_status(&hash_of(&config), FAILED, "port in use"));
    assert!(server.standing().notices.is_empty());
    server.send(1, agent.with_effective(config.text()));
    server.send(1, agent.with_health(healthy()));
    let standing = server.standing();
    assert_eq!(standing.config_state, ConfigState::Failed);
    assert_eq!(standing.notices.len(), 1);
    assert_eq!(standing.drift, DriftState::InSync);
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
fn restart_by_http_waits_for_a_reply_that_says_nothing_else() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    server.open_as(1, TransportKind::Http, crate::opamp::Credential::Enrolment { issued: None });
    server.send(1, agent.full());
    server.apply(Input::RestartAsked);
    server.pass_s(5);
    let reply = server.send(1, agent.with_health(healthy()));
    assert!(reply.remote_config.is_some() && reply.command.is_none(), "beside a command the config would be dropped");
    let reply = server.send(1, agent.heartbeat());
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
fn short_dips_of_health_are_smoothed() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    assert_eq!(server.standing().healthy, Some(true));
    server.take();
    server.send(1, agent.with_health(crashed()));
    server.pass(Duration::from_millis(100));
    server.send(1, agent.with_health(healthy()));
    server.pass_s(10);
    assert!(!server.events().iter().any(|kind| kind.contains("healthy")));
    server.send(1, agent.with_health(crashed()));
    server.pass_s(3);
    assert_eq!(server.standing().healthy, Some(false));
    assert_eq!(server.standing().status(), CollectorStatus::Degraded);
    server.send(1, agent.with_health(healthy()));
    assert_eq!(server.events(), ["unhealthy", "healthy"]);
    // After a change of settings the supervisor says `{}` for minutes.
    server.send(1, agent.with_health(linkmesh_proto::wire::opamp::ComponentHealth::default()));
    server.pass_s(10);
    assert_eq!(server.standing().healthy, Some(true));
}

#[test]
fn many_refused_texts_are_bounded() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    for number in 0..100_u8 {
        server.send(1, agent.with_status(&[number; 32], FAILED, &"x".repeat(20_000)));
    }
    let record = server.state.record();
    assert_eq!(record.failed.len(), 16);
    assert_eq!(record.failed.last().map(|failed| failed.hash), Some(ConfigHash::from_bytes([99; 32])));
    assert!(record.failed.iter().all(|failed| failed.error.len() <= 8 << 10));
}
