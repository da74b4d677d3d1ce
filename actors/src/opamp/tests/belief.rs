use std::time::Duration;

use linkmesh_proto::{
    ConfigHash,
    api::collector::{CollectorStatus, ConfigState, DriftState},
    wire::opamp::AgentToServer,
};

use super::support::*;
use crate::opamp::{Desired, Effect, Input};

fn hash_of(config: &Desired) -> Vec<u8> {
    config.hash().as_bytes().to_vec()
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
fn effective_config_is_found_under_whatever_name_it_has() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &config);
    let mut both = effective("");
    let files = &mut both.config_map.as_mut().unwrap().config_map;
    files.insert("raw".to_owned(), effective("a: 1").config_map.unwrap().config_map.remove("").unwrap());
    let message = AgentToServer { effective_config: Some(both), ..agent.heartbeat() };
    server.send(1, message);
    assert_eq!(server.standing().drift, DriftState::Drifted, "an empty file beside it hides nothing");
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
fn effective_config_that_is_too_large_is_told_once_and_not_kept() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &config);
    server.take();
    let large = format!("{}# {}", config.text(), "x".repeat(4 << 20));
    for _ in 0..3 {
        server.send(1, agent.with_effective(&large));
    }
    let effects = server.take();
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::StoreEffective { .. })));
    let told = |effect: &&Effect| matches!(effect, Effect::Event(event) if event.kind == "effective_config_too_large");
    assert_eq!(effects.iter().filter(told).count(), 1);
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.drift), (ConfigState::Applied, DriftState::Unknown));
    assert_eq!(server.state.record().oversized, Some(large.len() as u64));

    // The next text is believed as of one that does not say what it runs.
    let next = desired("b");
    server.desire(Some(&next));
    server.send(1, agent.with_status(&hash_of(&next), APPLIED, ""));
    assert_eq!(server.standing().config_state, ConfigState::Applying);
    server.pass_s(11);
    assert_eq!((server.standing().config_state, server.standing().drift), (ConfigState::Applied, DriftState::Unknown));

    server.send(1, agent.with_effective(next.text()));
    assert_eq!(server.standing().drift, DriftState::InSync);
    assert_eq!(server.state.record().oversized, None);
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

#[test]
fn what_was_under_way_when_session_or_server_ended_has_a_minute_and_no_longer() {
    for is_restarted in [false, true] {
        let config = desired("a");
        let mut server = Server::new(Some(&config));
        let mut agent = Agent::default();
        agent.start(&mut server, 1);
        server.send(1, agent.with_status(&hash_of(&config), APPLYING, ""));
        server.close(1);
        server.take();
        if is_restarted {
            server = server.restarted(Some(&config));
        }
        server.open(2);
        server.send(2, agent.heartbeat());
        assert_eq!((server.standing().config_state, server.standing().error), (ConfigState::Applying, None));
        for _ in 0..3 {
            server.pass_s(30);
            server.send(2, agent.heartbeat());
        }
        let standing = server.standing();
        assert_eq!((standing.config_state, standing.error.as_deref()), (ConfigState::Applying, Some("no_answer")));
        assert_eq!(server.offered(), Vec::<Vec<u8>>::new(), "it has it");
    }
}

#[test]
fn collector_that_says_applied_and_goes_on_with_the_text_before_is_drifted() {
    let (a, b) = (desired("a"), desired("b"));
    let mut server = Server::new(Some(&a));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &a);
    server.desire(Some(&b));
    server.send(1, agent.with_status(&hash_of(&b), APPLIED, ""));
    server.send(1, agent.with_effective(&format!("{}# still\n", a.text())));
    assert_eq!(server.standing().drift, DriftState::InSync, "it has just been told");
    for _ in 0..4 {
        server.pass_s(30);
        server.send(1, agent.heartbeat());
    }
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.drift), (ConfigState::Applying, DriftState::Drifted));
}

#[test]
fn config_that_was_not_up_in_time_says_what_that_means() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.send(1, agent.with_status(&hash_of(&config), FAILED, "Config apply timeout exceeded"));
    let error = server.standing().error.unwrap();
    assert!(error.starts_with("Config apply timeout exceeded: the old collector took longer to stop"), "{error}");
    assert!(error.contains("`agent.config_apply_timeout`"), "{error}");
    // Said again it is the same, and no news.
    server.take();
    server.send(1, agent.with_status(&hash_of(&config), FAILED, "Config apply timeout exceeded"));
    assert_eq!(server.standing().error.as_deref(), Some(&*error));
    assert!(server.events().is_empty());
}
