//! Alloy polls.

use linkmesh_proto::{
    api::collector::{ConfigState, Runtime},
    wire::collector::{
        AgentConfigFile, AgentConfigMap, EffectiveConfig, GetConfigRequest, GetConfigResponse, RemoteConfigStatus,
    },
};

use super::support::*;
use crate::{
    Handles,
    fleet::{AdmitError, AlloyPeer, PollError},
    testing::{by, wait_for},
};

fn peer(handles: &Handles, token: &str) -> Result<AlloyPeer, AdmitError> {
    handles.fleet.admit_alloy(token, Some("192.0.2.9".into()))
}

async fn poll(handles: &Handles, token: &str, hash: &str) -> GetConfigResponse {
    let request = GetConfigRequest { id: "alloy-1".into(), hash: hash.into(), ..Default::default() };
    handles.fleet.poll(&peer(handles, token).unwrap(), request).await.unwrap()
}

/// Tells that a text was loaded.
async fn report(handles: &Handles, token: &str, hash: &str, text: &str) {
    let file = AgentConfigFile { body: text.to_owned().into(), content_type: "text/plain".into() };
    let request = GetConfigRequest {
        id: "alloy-1".into(),
        hash: hash.into(),
        remote_config_status: Some(RemoteConfigStatus { status: 1, error_message: String::new() }),
        effective_config: Some(EffectiveConfig {
            config_map: Some(AgentConfigMap { config_map: [(String::new(), file)].into() }),
        }),
        ..Default::default()
    };
    handles.fleet.poll(&peer(handles, token).unwrap(), request).await.unwrap();
}

#[test]
fn unchanged_poll_touches_no_disk_and_wakes_no_actor() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "web", r#"env="prod""#, 4317).await;
        let (collector, token) = register(&handles, Runtime::Alloy, "prod").await;
        let first = poll(&handles, &token, "").await;
        assert!(first.content.contains("4317"), "{first:?}");
        assert_eq!(first.hash, linkmesh_proto::ConfigHash::of(first.content.as_bytes()).to_string());
        report(&handles, &token, &first.hash, &first.content).await;
        wait_for("applied", || handles.fleet.collector(collector).unwrap().0.config_state == ConfigState::Applied)
            .await;

        let (reads, unchanged) = (world.store.uses().0, handles.observe.polls_unchanged.get());
        for _ in 0..100 {
            let answer = poll(&handles, &token, &first.hash).await;
            assert!(answer.not_modified && answer.content.is_empty());
        }
        assert_eq!(handles.observe.polls_unchanged.get(), unchanged + 100);
        assert_eq!(world.store.uses().0, reads);

        let from = crate::repository::Precondition::Matches(etag(&handles, "web"));
        save(&handles, "web", pipeline(r#"env="prod""#, 4321), from).await.unwrap();
        let next = poll(&handles, &token, &first.hash).await;
        assert!(next.content.contains("4321"), "{next:?}");
        handles.stop().await;
    });
}

#[test]
fn poll_with_a_dead_or_foreign_token_is_refused() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        let (_, supervisor) = register(&handles, Runtime::Otelcol, "prod").await;
        assert_eq!(peer(&handles, "lmct_nothing").unwrap_err(), AdmitError::Unknown);
        assert_eq!(peer(&handles, &supervisor).unwrap_err(), AdmitError::WrongKind);
        let (id, token) = register(&handles, Runtime::Alloy, "prod").await;
        let admitted = peer(&handles, &token).unwrap();
        let nameless = handles.fleet.poll(&admitted, GetConfigRequest::default()).await;
        assert!(matches!(nameless, Err(PollError::NoId)));
        // Its request was still on its way.
        handles.fleet.deregister(id, &by("ada")).await.unwrap();
        let request = GetConfigRequest { id: "x".into(), ..Default::default() };
        let late = handles.fleet.poll(&admitted, request).await;
        assert!(matches!(late, Err(PollError::Admit(AdmitError::Unknown))));
        handles.stop().await;
    });
}
