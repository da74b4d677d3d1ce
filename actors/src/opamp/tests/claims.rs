//! What an agent claims of texts that were confirmed before, or never offered.

use linkmesh_proto::{
    api::collector::{ConfigState, DriftState},
    wire::opamp::AgentToServer,
};

use super::support::*;
use crate::opamp::{Desired, Input};

fn hash_of(config: &Desired) -> Vec<u8> {
    config.hash().as_bytes().to_vec()
}

#[test]
fn text_that_an_operator_goes_back_to_after_a_crash_is_applied_when_it_runs_again() {
    let (a, b) = (desired("a"), desired("b"));
    let mut server = Server::new(Some(&a));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &a);
    server.desire(Some(&b));
    // Without rollback the collector crash-loops on the new text.
    server.send(1, agent.with_status(&hash_of(&b), APPLYING, ""));
    server.send(1, agent.with_health(crashed()));
    server.send(1, agent.with_status(&hash_of(&b), FAILED, "exit code 1"));
    server.pass_s(3);
    server.take();

    server.desire(Some(&a));
    assert_eq!(server.standing().config_state, ConfigState::Pending, "it does not run yet");
    assert_eq!(server.offered(), [hash_of(&a)]);
    for _ in 0..2 {
        server.pass_s(30);
        server.send(1, agent.heartbeat());
    }
    assert_eq!(server.standing().error.as_deref(), Some("no_answer"));
    // A supervisor says so within milliseconds, whatever the collector does.
    server.send(1, agent.with_status(&hash_of(&a), APPLIED, ""));
    let standing = server.standing();
    assert_eq!(standing.config_state, ConfigState::Applying);
    assert!(standing.error.unwrap().contains("exited unexpectedly"));
    assert!(!server.events().contains(&"config_applied".to_owned()));
    server.send(1, agent.with_health(healthy()));
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.drift), (ConfigState::Applied, DriftState::InSync));
    assert_eq!(server.events().iter().filter(|kind| *kind == "config_applied").count(), 1);
}

#[test]
fn text_that_crashed_after_it_was_confirmed_is_not_applied_by_a_retry_alone() {
    let a = desired("a");
    let mut server = Server::new(Some(&a));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &a);
    server.send(1, agent.with_health(crashed()));
    server.send(1, agent.with_status(&hash_of(&a), FAILED, "exit code 1"));
    assert_eq!(server.standing().config_state, ConfigState::Failed);
    server.take();
    server.apply(Input::RetryAsked);
    assert_eq!(server.offered(), [hash_of(&a)]);
    assert_eq!(server.standing().config_state, ConfigState::Pending);
    server.send(1, agent.with_status(&hash_of(&a), APPLIED, ""));
    assert_eq!(server.standing().config_state, ConfigState::Applying);
    server.send(1, agent.with_health(healthy()));
    assert_eq!(server.standing().config_state, ConfigState::Applied);
}

#[test]
fn applied_of_a_text_that_nobody_offered_confirms_nothing() {
    let (a, b) = (desired("a"), desired("b"));
    let mut server = Server::new(Some(&a));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &a);
    server.desire(Some(&b));
    server.take();
    server.send(1, agent.with_status(&[9; 32], APPLIED, ""));
    assert_eq!(server.state.record().confirmed, Some(a.hash()), "it is a claim, and nothing bears it out");
    assert_eq!(server.standing().config_state, ConfigState::Pending);
    server.send(1, agent.with_effective("receivers: {other: {}}"));
    assert_eq!(server.standing().drift, DriftState::Drifted, "what runs is still compared with what was confirmed");
    // A text of ours that it runs and is well with is another matter, also when another one is wanted by now.
    server.send(1, agent.with_effective(b.text()));
    server.desire(Some(&a));
    server.send(1, agent.with_status(&hash_of(&b), APPLIED, ""));
    assert_eq!(server.state.record().confirmed, Some(b.hash()));
    assert_eq!(server.standing().config_state, ConfigState::Pending);
}

#[test]
fn agent_without_status_is_believed_anew_after_another_offer() {
    let (a, b) = (desired("a"), desired("b"));
    let mut server = Server::new(Some(&a));
    let mut agent = Agent { capabilities: 0x2847, ..Agent::default() };
    server.open(1);
    server.send(1, AgentToServer { remote_config_status: None, ..agent.full() });
    server.send(1, agent.with_health(healthy()));
    server.send(1, agent.with_effective(a.text()));
    assert_eq!(server.standing().config_state, ConfigState::Applied);
    server.desire(Some(&b));
    server.send(1, agent.with_effective("receivers: {other: {}}"));
    server.take();
    server.desire(Some(&a));
    assert_eq!(server.standing().config_state, ConfigState::Pending);
    assert_eq!(server.offered(), [hash_of(&a)]);
    server.send(1, agent.with_effective(a.text()));
    assert_eq!(server.standing().config_state, ConfigState::Applied);
}
