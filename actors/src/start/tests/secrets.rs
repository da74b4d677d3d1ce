//! A secret that was changed is still what a collector runs that is away, refuses the new one, or has not polled.

use linkmesh_proto::{
    CollectorId, DestinationId,
    api::{
        collector::{ConfigState, DriftState, Runtime},
        event::Event,
    },
    wire::{
        collector::{
            AgentConfigFile, AgentConfigMap, EffectiveConfig, GetConfigRequest, GetConfigResponse, RemoteConfigStatus,
        },
        opamp,
    },
};
use serde_json::json;

use super::support::*;
use crate::{
    Handles,
    domain::{
        document::parse_destination,
        secret::{clear_in_destination, mask_destination},
    },
    ports::CollectorStore as _,
    repository::{Edit, Precondition, Save},
    testing::{by, wait_for},
};

const OLD: &str = "old-secret-hunter2";
const NEW: &str = "new-secret-hunter3";

/// Saves the destination of these tests with this token in a header.
async fn put_destination(handles: &Handles, token: &str) {
    let text = "name: S\nkind: otlp_http\nsettings: {endpoint: \"https://x.example\"}\n";
    let mut document = parse_destination(text).unwrap();
    document.settings.insert("headers".into(), json!({ "x-token": token }));
    let screen: DestinationId = "screen".parse().unwrap();
    let edit = Edit::Destination(screen, document);
    handles.repository.save(Save { edit, precondition: Precondition::Any, by: by("ada") }).await.unwrap();
}

async fn poll(
    handles: &Handles,
    token: &str,
    hash: &str,
    status: Option<(i32, &str)>,
    runs: Option<&str>,
) -> GetConfigResponse {
    let file = |text: &str| AgentConfigFile { body: text.to_owned().into(), content_type: "text/plain".into() };
    let request = GetConfigRequest {
        id: "alloy-1".into(),
        hash: hash.into(),
        remote_config_status: status
            .map(|(status, error)| RemoteConfigStatus { status, error_message: error.to_owned() }),
        effective_config: runs.map(|text| EffectiveConfig {
            config_map: Some(AgentConfigMap { config_map: [(String::new(), file(text))].into() }),
        }),
        ..Default::default()
    };
    let peer = handles.fleet.admit_alloy(token, Some("192.0.2.9".into())).unwrap();
    handles.fleet.poll(&peer, request).await.unwrap()
}

/// Everything that the API shows of a collector, as one text.
async fn all_that_is_shown(handles: &Handles, id: CollectorId) -> String {
    let config = handles.fleet.config(id).await.unwrap();
    let health = handles.fleet.health(id).await.unwrap();
    let events = handles.fleet.events(id, None, 500).await.unwrap();
    let row = handles.fleet.collector(id).unwrap().0;
    let value = json!({"config": config, "health": health, "events": events, "row": row});
    serde_json::to_string(&value).unwrap()
}

#[test]
fn old_secret_of_an_alloy_is_never_shown_nor_kept() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        put_destination(&handles, OLD).await;
        create(&handles, "web", r#"env="prod""#, 4317).await;
        let (id, token) = register(&handles, Runtime::Alloy, "prod").await;
        let first = poll(&handles, &token, "", None, None).await;
        assert!(first.content.contains(OLD), "the collector itself gets it");
        poll(&handles, &token, &first.hash, Some((1, "")), Some(&first.content)).await;
        let state = |state| handles.fleet.collector(id).unwrap().0.config_state == state;
        wait_for("applied", || state(ConfigState::Applied)).await;
        assert!(!all_that_is_shown(&handles, id).await.contains(OLD));

        // Changed, and the collector does not poll.
        put_destination(&handles, NEW).await;
        let shown = all_that_is_shown(&handles, id).await;
        assert!(!shown.contains(OLD) && !shown.contains(NEW), "{shown}");
        let effective = handles.fleet.config(id).await.unwrap().effective.unwrap();
        assert_eq!(effective.hash.to_string(), first.hash, "the hash is that of what it really runs");
        assert!(effective.body.contains("[sealed]"), "{}", effective.body);

        // It refuses the new text, and its error cites both.
        let mut feed = handles.feed.subscribe(None).await.unwrap();
        let second = poll(&handles, &token, &first.hash, None, None).await;
        assert!(second.content.contains(NEW), "{second:?}");
        let error = format!("7:9: cannot replace {OLD} by {NEW}");
        poll(&handles, &token, &second.hash, Some((3, &error)), Some(&first.content)).await;
        wait_for("failed", || state(ConfigState::Failed)).await;
        let shown = all_that_is_shown(&handles, id).await;
        assert!(shown.contains("7:9: cannot replace [sealed] by [sealed]"), "{shown}");
        assert!(!shown.contains(OLD) && !shown.contains(NEW), "{shown}");
        let mut told = 0;
        while told < 2 {
            let event = feed.next().await.unwrap().event;
            let text = serde_json::to_string(&event).unwrap();
            assert!(!text.contains(OLD) && !text.contains(NEW), "{text}");
            told += match event {
                Event::ConfigState { error: Some(_), .. } => 1,
                Event::CollectorChanged { collector } if collector.error.is_some() => 1,
                _ => 0,
            };
        }
        assert!(handles.stop().await);
        let kept = world.store.effective(id).await.unwrap().unwrap();
        let agent = world.store.agent(id).await.unwrap().unwrap();
        for bytes in [&kept.body, &agent] {
            let text = String::from_utf8_lossy(bytes);
            assert!(!text.contains(OLD) && !text.contains(NEW), "{text}");
        }

        // A server that starts knows of both.
        let handles = world.start().await;
        let shown = all_that_is_shown(&handles, id).await;
        assert!(!shown.contains(OLD) && !shown.contains(NEW), "{shown}");
        // And serves, from what it kept, the text that still runs, while the new one is refused.
        let back = poll(&handles, &token, &second.hash, Some((3, &error)), None).await;
        assert!(!format!("{back:?}").contains("[sealed]") && !format!("{back:?}").contains("lms1."), "{back:?}");
        poll(&handles, &token, &second.hash, Some((3, &format!("8:1: {OLD} {NEW}"))), None).await;
        let shown = all_that_is_shown(&handles, id).await;
        assert!(!shown.contains(OLD) && !shown.contains(NEW), "{shown}");
        handles.stop().await;
    });
}

#[test]
fn old_secret_of_a_supervisor_is_never_shown_and_its_change_is_drift() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        put_destination(&handles, OLD).await;
        let (id, token) = register(&handles, Runtime::Otelcol, "prod").await;
        create(&handles, "web", r#"env="prod""#, 4317).await;
        let mut agent = Agent::new(1);
        let first = agent.start(&handles, &token).await;
        let (hash, old_text) = offered(&first).pop().unwrap();
        assert!(old_text.contains(OLD));
        // A collector that hides nothing.
        agent.apply(&hash, &old_text).await;
        let state = |state| handles.fleet.collector(id).unwrap().0.config_state == state;
        wait_for("applied", || state(ConfigState::Applied)).await;
        assert_eq!(handles.fleet.collector(id).unwrap().0.drift, DriftState::InSync, "compared as it is");
        put_destination(&handles, NEW).await;
        let (hash, new_text) = agent.offers().await.pop().unwrap();
        let shown = all_that_is_shown(&handles, id).await;
        assert!(!shown.contains(OLD) && !shown.contains(NEW), "{shown}");

        // It refuses the new text, with the log of its collector behind it; the health cites the secret too.
        let failed = opamp::RemoteConfigStatus {
            last_remote_config_hash: hash.clone(),
            status: 3,
            error_message: format!("exited unexpectedly\n... header {NEW} instead of {OLD}"),
        };
        let health = opamp::ComponentHealth { last_error: format!("401 for {OLD}"), ..healthy() };
        let health = opamp::ComponentHealth { healthy: false, ..health };
        let message =
            opamp::AgentToServer { remote_config_status: Some(failed), health: Some(health), ..agent.heartbeat() };
        agent.ask(message).await;
        wait_for("failed", || state(ConfigState::Failed)).await;
        let shown = all_that_is_shown(&handles, id).await;
        assert!(shown.contains("header [sealed] instead of [sealed]") && shown.contains("401 for [sealed]"), "{shown}");
        assert!(!shown.contains(OLD) && !shown.contains(NEW), "{shown}");

        // It says later that it runs the new text, and runs it with the old secret.
        handles.fleet.retry(id, &by("ada")).await.unwrap();
        let well = opamp::AgentToServer { health: Some(healthy()), ..agent.heartbeat() };
        agent.ask(well).await;
        agent.apply(&hash, &new_text).await;
        wait_for("applied", || state(ConfigState::Applied)).await;
        let message = opamp::AgentToServer { effective_config: Some(effective(&old_text)), ..agent.heartbeat() };
        agent.ask(message).await;
        let drifted = || handles.fleet.collector(id).unwrap().0.drift == DriftState::Drifted;
        wait_for("drift", drifted).await;
        let drift = handles.fleet.config(id).await.unwrap().drift;
        assert_eq!(drift.differences.len(), 1, "{drift:?}");
        let difference = &drift.differences[0];
        assert!(difference.path.ends_with("headers.x-token"), "{difference:?}");
        assert_eq!(
            (difference.desired.as_deref(), difference.effective.as_deref()),
            (Some("[sealed]"), Some("[sealed]"))
        );

        // It runs it with a secret that somebody put in by hand, whom nobody here knows.
        let theirs = "their-own-secret-hunter4";
        let message = opamp::AgentToServer {
            effective_config: Some(effective(&old_text.replace(OLD, theirs))),
            ..agent.heartbeat()
        };
        agent.ask(message).await;
        let config = handles.fleet.config(id).await.unwrap();
        assert_eq!(config.drift.differences[0].effective.as_deref(), Some("[sealed]"), "{config:?}");
        let shown = all_that_is_shown(&handles, id).await;
        assert!(shown.contains("x-token") && !shown.contains(theirs), "{shown}");

        // It refuses the next text: what runs is compared with the one before it, which is not the desired one any more.
        put_destination(&handles, "third-secret-hunter5").await;
        let (hash, _) = agent.offers().await.pop().unwrap();
        let failed = opamp::RemoteConfigStatus { last_remote_config_hash: hash, status: 3, ..Default::default() };
        let message = opamp::AgentToServer { remote_config_status: Some(failed), ..agent.heartbeat() };
        agent.ask(message).await;
        wait_for("failed", || state(ConfigState::Failed)).await;
        let drift = handles.fleet.config(id).await.unwrap().drift;
        assert_eq!((drift.state, drift.differences.len()), (DriftState::Drifted, 1), "{drift:?}");
        assert!(drift.differences[0].path.ends_with("headers.x-token"), "{drift:?}");
        let shown = all_that_is_shown(&handles, id).await;
        assert!(!shown.contains(theirs) && !shown.contains("hunter"), "{shown}");
        handles.stop().await;
    });
}

#[test]
fn token_that_a_supervisor_reports_among_its_settings_is_never_shown_nor_kept() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (id, token) = register(&handles, Runtime::Otelcol, "prod").await;
        let mut agent = Agent::new(1);
        let answers = agent.start(&handles, &token).await;
        let settings = answers.iter().find_map(|answer| answer.connection_settings.as_ref()).unwrap();
        assert!(settings.own_metrics.is_some(), "it has its token from the server");
        // opamp.md 2.7: what was offered for own metrics stands in the merged config.
        let merged = format!("service: {{telemetry: {{headers: [{{name: Authorization, value: 'Bearer {token}'}}]}}}}");
        let health = opamp::ComponentHealth { last_error: format!("401 for {token}"), ..healthy() };
        let mut message = opamp::AgentToServer { effective_config: Some(effective(&merged)), ..agent.full() };
        message.health = Some(health);
        let host = |value: &str| opamp::KeyValue {
            key: "host.name".into(),
            value: Some(opamp::AnyValue { value: Some(opamp::any_value::Value::StringValue(value.into())) }),
        };
        message.agent_description.as_mut().unwrap().non_identifying_attributes = vec![host(&token)];
        agent.ask(message).await;
        let is_there = async || handles.fleet.config(id).await.unwrap().effective.is_some();
        assert!(is_there().await);
        let shown = all_that_is_shown(&handles, id).await;
        assert!(shown.contains("Bearer [sealed]") && shown.contains("401 for [sealed]"), "{shown}");
        assert!(!shown.contains(&token), "{shown}");
        assert_eq!(handles.fleet.collector(id).unwrap().0.attributes["host.name"], "[sealed]");
        assert!(handles.stop().await);
        let kept = world.store.effective(id).await.unwrap().unwrap();
        let agent = world.store.agent(id).await.unwrap().unwrap();
        let row = serde_json::to_vec(&world.store.collector(id).await.unwrap().unwrap()).unwrap();
        for bytes in [&kept.body[..], &agent, &row] {
            let text = String::from_utf8_lossy(bytes);
            assert!(!text.contains(&token), "{text}");
        }
        assert_eq!(kept.hash, linkmesh_proto::ConfigHash::of(merged.as_bytes()), "the hash is that of what runs");
    });
}

#[test]
fn secret_that_a_commit_by_hand_holds_in_the_clear_is_hidden_in_differences() {
    const PLAIN: &str = "hunter2-in-the-clear";
    run(async {
        let world = World::default();
        let text = format!(
            "name: Backend\nkind: otlp_http\nsettings:\n  endpoint: https://x.example\n  headers:\n    x-token: {PLAIN}\n"
        );
        let by_hand = world.repository.commit_by_hand("destinations/backend.yaml", Some(&text));
        let handles = world.start().await;
        let backend = "backend".parse().unwrap();
        let stored = handles.repository.snapshot().destinations[&backend].clone();
        let edit = Edit::Destination(backend, stored.document.clone());
        let save = Save { edit, precondition: Precondition::Matches(stored.etag), by: by("ada") };
        let sealed = handles.repository.save(save).await.unwrap().revision;
        // Broken: the secret may be anywhere.
        let broken = world.repository.commit_by_hand("destinations/backend.yaml", Some(&format!("{text}oops: [")));
        wait_for("taken over", || handles.repository.snapshot().revision == Some(broken)).await;
        let patch = async |handles: &Handles, revision| {
            let shown = handles.repository.diff(None, revision).await.unwrap().shown();
            assert_eq!(shown.files.len(), 1);
            shown.files[0].patch.clone()
        };
        for (revision, line) in [
            (by_hand, "+    x-token: [sealed]"),
            (sealed, "-    x-token: [sealed]"),
            (broken, "+[hidden: this is not read as a document"),
        ] {
            let patch = patch(&handles, revision).await;
            assert!(patch.contains(line) && !patch.contains(PLAIN), "{patch}");
        }
        handles.stop().await;
        // It is in no document any more, and no blob of history holds it.
        world.repository.commit_by_hand("destinations/backend.yaml", None);
        let handles = world.start().await;
        let patch = patch(&handles, by_hand).await;
        assert!(!patch.contains(PLAIN), "{patch}");
        handles.stop().await;
    });
}

#[test]
fn secret_that_was_committed_in_the_clear_is_named_and_sealed_by_the_next_save() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        put_destination(&handles, NEW).await;
        let screen: DestinationId = "screen".parse().unwrap();
        let clear = || clear_in_destination(&handles.repository.snapshot().destinations[&screen].document);
        assert_eq!(clear(), [""; 0], "what a save sealed");
        let text = format!(
            "version: 1\nname: S\nkind: otlp_http\nsettings:\n  endpoint: https://x.example\n  bearer_token: {OLD}\n  \
             headers: {{x-token: '${{env:T}}', x-key: {OLD}}}\n"
        );
        let head = world.repository.commit_by_hand("destinations/screen.yaml", Some(&text));
        wait_for("taken over", || handles.repository.snapshot().revision == Some(head)).await;
        assert_eq!(clear(), ["settings.bearer_token", "settings.headers.x-key"]);

        // What is shown, saved as it is.
        let shown = mask_destination(&handles.repository.snapshot().destinations[&screen].document);
        assert!(!serde_json::to_string(&shown).unwrap().contains(OLD));
        let edit = Edit::Destination(screen.clone(), shown);
        handles.repository.save(Save { edit, precondition: Precondition::Any, by: by("ada") }).await.unwrap();
        assert_eq!(clear(), [""; 0]);
        handles.stop().await;
    });
}
