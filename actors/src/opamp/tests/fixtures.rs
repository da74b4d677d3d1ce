//! Bytes of a real supervisor, replayed.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use linkmesh_proto::{
    api::collector::{ConfigState, DriftState},
    wire::opamp::AgentToServer,
};
use proptest::prelude::*;
use prost::Message as _;

use super::support::*;
use crate::opamp::{Desired, Effect, decode_frame, decode_message};

const FIRST: &str = include_str!("../../../../tests/fixtures/opamp-first-message-0.158.txt");
const HEALTH: &str = include_str!("../../../../tests/fixtures/opamp-health-0.158.txt");
const STATUS: &str = include_str!("../../../../tests/fixtures/opamp-failed-status-0.158.txt");
const DESIRED: &str = include_str!("../../../../tests/fixtures/otelcol-0.158.0-desired.yaml");
const EFFECTIVE: &str = include_str!("../../../../tests/fixtures/otelcol-0.158.0-effective.yaml");

/// The messages of a capture: title and bytes.
fn messages(capture: &str) -> Vec<(String, Bytes)> {
    let mut found = Vec::new();
    for section in capture.split("\n## ").skip(1) {
        let title = section.lines().next().unwrap_or_default().to_owned();
        let count = section.lines().find_map(|line| line.strip_prefix("bytes: ")?.split(' ').next()?.parse().ok());
        let base64: String = section
            .lines()
            .skip_while(|line| *line != "base64:")
            .skip(1)
            .take_while(|line| *line != "decoded:")
            .collect();
        let bytes = BASE64_STANDARD.decode(base64).unwrap();
        assert_eq!(Some(bytes.len()), count, "{title}");
        found.push((title, bytes.into()));
    }
    assert!(!found.is_empty());
    found
}

/// A message as it comes by a socket.
fn framed(message: &[u8]) -> Bytes {
    std::iter::once(0).chain(message.iter().copied()).collect()
}

fn decoded(capture: &str) -> Vec<(String, AgentToServer)> {
    messages(capture)
        .into_iter()
        .map(|(title, bytes)| {
            let message = decode_message(bytes.clone()).unwrap();
            assert_eq!(decode_frame(framed(&bytes)).unwrap(), message);
            assert_eq!(decode_frame(bytes).unwrap(), message, "without a header it is the same message");
            (title, message)
        })
        .collect()
}

/// The bytes of every message of the captures.
fn captured_bytes() -> Vec<Bytes> {
    [FIRST, HEALTH, STATUS].into_iter().flat_map(messages).map(|(_, bytes)| bytes).collect()
}

proptest! {
    #[test]
    fn damaged_messages_are_decoded_or_refused(
        which in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..8), 0..4),
    ) {
        let captured = captured_bytes();
        let whole = framed(&captured[which.index(captured.len())]);
        let mut data = whole.to_vec();
        data.truncate(cut.index(data.len()) + 1);
        for (place, bit) in flips {
            let place = place.index(data.len());
            data[place] ^= 1 << bit;
        }
        // What is taken for a message is one: it is the same after it was written and read again.
        if let Ok(message) = decode_frame(data.into()) {
            let again = decode_message(message.encode_to_vec().into()).unwrap();
            prop_assert_eq!(format!("{message:?}"), format!("{again:?}"));
        }
    }

    #[test]
    fn message_cut_within_a_field_is_refused(which in any::<prop::sample::Index>(), cut in 1usize..16) {
        let captured = captured_bytes();
        let whole = framed(&captured[which.index(captured.len())]);
        // The uid is the first field of every message: its tag, its length, 16 bytes.
        prop_assert!(decode_frame(whole.slice(..=cut)).is_err());
    }
}

#[test]
fn first_messages_are_taken() {
    let mut server = Server::new(None);
    server.open(1);
    let messages = decoded(FIRST);
    assert!(messages.len() >= 3);
    let hash = messages[0].1.available_components.clone().unwrap().hash;
    server.world.wanted.borrow_mut().push(hash);
    let mut flags = Vec::new();
    for (_, message) in messages {
        flags.push(server.send(1, message).flags);
    }
    assert_eq!(flags[0], 2, "the first message has everything but the tree of components");
    assert!(flags[1..].iter().all(|flags| *flags == 0), "{flags:?}");
    assert_eq!(server.state.attributes()["service.version"], "0.158.0");
    assert_eq!(server.state.attributes()["env"], "test");
    let effects = server.take();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::StoreComponents { components, .. }
        if components.components["exporters"].sub_component_map.contains_key("otlphttp"))));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::StoreEffective { .. })));
    let standing = server.standing();
    assert_eq!((standing.online, standing.healthy, standing.can_restart), (true, Some(true), true));
    assert_eq!((standing.config_state, standing.drift), (ConfigState::None, DriftState::Unknown));
}

#[test]
fn health_messages_are_taken() {
    let mut server = Server::new(None);
    let mut health = Vec::new();
    for (title, message) in decoded(HEALTH) {
        // The captures are of different moments: each is the newest word of a process.
        let mut first = Agent { uid: message.instance_uid.clone().try_into().unwrap(), ..Agent::default() };
        first.seq = message.sequence_num - 1;
        let mut server = Server::new(None);
        server.open(1);
        server.send(1, first.full());
        assert_eq!(server.send(1, message.clone()).flags, 0, "{title}");
        server.pass_s(3);
        health.push((server.standing().healthy, server.standing().error));
        server.close(1);
    }
    assert_eq!(health[0], (Some(true), None));
    let ill: Vec<_> = health.iter().filter(|(healthy, _)| *healthy == Some(false)).collect();
    assert!(!ill.is_empty());
    assert!(
        ill.iter().any(|(_, error)| error.as_ref().is_some_and(|error| error.contains("exited unexpectedly"))),
        "{ill:?}"
    );

    // The tree with three pipelines, as an operator sees it.
    server.open(1);
    let (_, message) = decoded(HEALTH).remove(0);
    server.send(1, message);
    let tree = server.state.record().health.clone().unwrap();
    let api = tree.to_api();
    assert_eq!(api.components["pipeline:logs"].components["exporter:otlphttp/backend"].status, "StatusOK");
    assert!(tree.packed_len() < 1100, "{} bytes packed", tree.packed_len());
}

#[test]
fn statuses_are_taken_in_the_collectors_own_words() {
    let mut words = Vec::new();
    for (title, message) in decoded(STATUS) {
        let mut server = Server::new(None);
        let mut agent = Agent {
            uid: message.instance_uid.clone().try_into().unwrap(),
            seq: message.sequence_num - 1,
            ..Agent::default()
        };
        server.open(1);
        server.send(1, agent.full());
        server.take();
        assert_eq!(server.send(1, message).flags, 0, "{title}");
        let status = server.state.record().status.clone().unwrap();
        assert_eq!(status.hash, None, "{title}: the captures name texts by words");
        words.push(status.error);
    }
    assert!(words.iter().any(|error| error.contains("references processor \"nosuch\" which is not configured")));
    assert!(words.iter().any(|error| error.contains("found character that cannot start any token")));
    assert!(words.iter().any(|error| error.is_empty()), "the rollback");
}

#[test]
fn captured_failure_of_our_text_is_latched_and_rolled_back() {
    let (a, b) = (desired("a"), desired("b"));
    let captured = |title: &str| {
        decoded(STATUS).into_iter().find(|(known, _)| known.contains(title)).unwrap().1.remote_config_status.unwrap()
    };
    let failed = captured("collector_crash_log_snippet_kib");
    let applied = captured("automatic_config_rollback");
    let mut server = Server::new(Some(&a));
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &a);
    server.desire(Some(&b));
    server.take();
    server.send(1, agent.with_status(b.hash().as_bytes(), failed.status, &failed.error_message));
    server.send(1, agent.with_status(a.hash().as_bytes(), applied.status, &applied.error_message));
    let standing = server.standing();
    assert_eq!(standing.config_state, ConfigState::Failed);
    assert_eq!(standing.error, Some(failed.error_message));
    assert!(server.offered().is_empty());
}

fn captured_agent() -> (Server, Arc<Desired>) {
    let config = Arc::new(Desired::otelcol(DESIRED.into(), None).unwrap());
    let mut server = Server::new(Some(&config));
    server.open(1);
    let first = decoded(FIRST).remove(0).1;
    let mut agent = Agent { uid: first.instance_uid.clone().try_into().unwrap(), seq: 1, ..Agent::default() };
    server.send(1, first);
    let tree = decoded(HEALTH).remove(0).1.health.unwrap();
    server.send(1, agent.with_health(tree));
    server.send(1, agent.with_effective(EFFECTIVE));
    server.send(1, agent.with_status(config.hash().as_bytes(), APPLIED, ""));
    (server, config)
}

#[test]
fn captured_config_is_applied_and_in_sync() {
    let (server, _) = captured_agent();
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.drift), (ConfigState::Applied, DriftState::InSync));
    assert_eq!(standing.healthy, Some(true));
}

/// What one connected agent costs here: `size_of` its state and what hangs on it.
#[test]
fn a_captured_agent_is_small() {
    let (server, _) = captured_agent();
    let record = server.state.record();
    let inline = size_of_val(&server.state);
    let session = size_of::<crate::opamp::session::Session>();
    let heap = record.description.len()
        + record.health.as_ref().map_or(0, crate::domain::health::HealthTree::packed_len)
        + record.components.len()
        + record.status.as_ref().map_or(0, |status| status.error.len())
        + server.state.sessions.capacity() * session
        + server.state.sessions.iter().map(|session| session.raw_uid.len()).sum::<usize>();
    println!(
        "agent state: {inline} bytes inline, {session} a session, {heap} on the heap; stored: {}",
        serde_json::to_vec(record).unwrap().len()
    );
    assert!(inline + heap < 4096, "{inline} + {heap}");
}
