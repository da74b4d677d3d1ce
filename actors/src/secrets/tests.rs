use linkmesh_proto::wire::{
    collector::{GetConfigRequest, RemoteConfigStatus},
    opamp,
};
use serde_json::json;

use super::*;
use crate::{
    domain::{document::parse_destination, secret::seal_destination},
    mint::Mint as _,
    ports::{CommitAuthor, CommitRequest, PathChange},
    testing::{MemoryRepository, PlainSealer},
    token::{Token, TokenKind},
};

/// A destination with this token, sealed.
fn destination(token: &str, sealer: &PlainSealer) -> DestinationDocument {
    let text = "name: C\nkind: otlp_http\nsettings: {endpoint: \"https://x.example\"}\n";
    let mut document = parse_destination(text).unwrap();
    document.settings.insert("headers".into(), json!({ "x-token": token, "x-tenant": "${env:T}" }));
    seal_destination(&mut document, None, sealer).unwrap();
    document
}

fn config(tokens: &[(&str, &str)], sealer: &PlainSealer) -> ConfigSnapshot {
    tokens.iter().fold(ConfigSnapshot::default(), |config, (id, token)| {
        config.with_destination(id.parse().unwrap(), destination(token, sealer))
    })
}

#[test]
fn secret_is_hidden_while_it_is_in_force_and_after_it_left() {
    let (secrets, sealer) = (Secrets::default(), PlainSealer::default());
    let text = "refused: first-secret, second-secret, third-secret";
    assert_eq!(secrets.hide(text), text, "nothing is known yet");
    secrets.take(&config(&[("a", "first-secret"), ("b", "second-secret")], &sealer), &sealer);
    assert_eq!(secrets.hide(text), "refused: [sealed], [sealed], third-secret");
    // One is rotated, one removed.
    secrets.take(&config(&[("a", "third-secret")], &sealer), &sealer);
    assert_eq!(secrets.hide(text), "refused: [sealed], [sealed], [sealed]");
    assert_eq!(secrets.hide("${env:T} x-token"), "${env:T} x-token", "a reference is no secret");
}

#[test]
fn what_left_is_remembered_up_to_a_bound_newest_first() {
    let (secrets, sealer) = (Secrets::default(), PlainSealer::default());
    for number in 0..REMEMBERED + 2 {
        secrets.take(&config(&[("a", &format!("secret-number-{number:06}"))], &sealer), &sealer);
    }
    assert_eq!(secrets.hide("secret-number-000000"), "secret-number-000000", "the oldest is forgotten");
    assert_eq!(secrets.hide("secret-number-000001"), "[sealed]");
    assert_eq!(secrets.known.lock().left.len(), REMEMBERED);
}

#[test]
fn kept_config_holds_no_secret_and_is_had_again_byte_by_byte() {
    let (secrets, sealer) = (Secrets::default(), PlainSealer::default());
    let token = "to$ken\"with'quotes";
    secrets.take(&config(&[("a", token), ("b", "t1")], &sealer), &sealer);
    // Followed by what could be more of a sealed value, escaped, short and alone, short and not alone.
    let body = Bytes::from(format!("a: {token}abc\nb: \"{}\"\nc: t1\nd: xt1\n", token.replace('"', "\\\"")));
    let hash = ConfigHash::of(&body);
    let kept = secrets.seal(&body, &sealer);
    let text = String::from_utf8(kept.to_vec()).unwrap();
    assert!(!text.contains("to$ken") && !text.contains(": t1"), "{text}");
    assert_eq!(opened(&kept, hash, &sealer), Some(body));
    assert_eq!(secrets.shown(&kept), "a: [sealed]abc\nb: \"[sealed]\"\nc: [sealed]\nd: xt1\n");
    // Even who knows no secret any more shows none.
    assert_eq!(Secrets::default().shown(&kept), secrets.shown(&kept));
    let other = ConfigHash::of(b"another");
    assert_eq!(opened(&kept, other, &sealer), None, "not the text that was reported");
    let plain = Bytes::from_static(b"a: 1\n");
    assert_eq!(secrets.seal(&plain, &sealer), plain);
    assert_eq!(opened(&plain, ConfigHash::of(&plain), &sealer), Some(plain));
}

#[test]
fn only_secrets_of_the_compared_text_are_opened_for_comparing() {
    let (secrets, sealer) = (Secrets::default(), PlainSealer::default());
    secrets.take(&config(&[("a", "old-secret")], &sealer), &sealer);
    secrets.take(&config(&[("a", "new-secret")], &sealer), &sealer);
    let kept = secrets.seal(&Bytes::from_static(b"a: old-secret\nb: new-secret\n"), &sealer);
    let text = comparable(&kept, &["new-secret".to_owned()], &sealer);
    assert!(text.contains("b: new-secret") && !text.contains("old-secret"), "{text}");
}

#[test]
fn errors_and_health_are_looked_over_at_every_depth() {
    let (secrets, sealer) = (Secrets::default(), PlainSealer::default());
    secrets.take(&config(&[("a", "hunter2-secret")], &sealer), &sealer);
    let health = |below: Vec<ComponentHealth>| ComponentHealth {
        last_error: "401: hunter2-secret".into(),
        status: "hunter2-secret".into(),
        component_health_map: below.into_iter().map(|health| ("x".to_owned(), health)).collect(),
        ..Default::default()
    };
    let mut message = AgentToServer {
        health: Some(health(vec![health(vec![health(Vec::new())])])),
        remote_config_status: Some(opamp::RemoteConfigStatus {
            error_message: "bad header hunter2-secret\n<log>hunter2-secret</log>".into(),
            ..Default::default()
        }),
        connection_settings_status: Some(opamp::ConnectionSettingsStatus {
            error_message: "hunter2-secret".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    secrets.hide_in_message(&mut message);
    assert!(!format!("{message:?}").contains("hunter2"), "{message:?}");
    let request = GetConfigRequest {
        remote_config_status: Some(RemoteConfigStatus { status: 3, error_message: "1:1: hunter2-secret".into() }),
        ..Default::default()
    };
    let mut poll = Poll { request, address: "192.0.2.1".into() };
    secrets.hide_in_poll(&mut poll);
    assert_eq!(poll.request.remote_config_status.unwrap().error_message, "1:1: [sealed]");
}

#[test]
fn secrets_that_left_before_the_start_are_read_from_the_newest_commits() {
    let sealer = PlainSealer::default();
    let mut repository = MemoryRepository::default();
    for (number, token) in ["first-secret", "second-secret", "third-secret"].into_iter().enumerate() {
        let head = repository.head().unwrap();
        let content = crate::domain::document::to_yaml(&destination(token, &sealer)).into_bytes();
        let request = CommitRequest {
            changes: vec![("destinations/a.yaml".into(), PathChange::Put(content))],
            author: CommitAuthor { name: "Ada".into(), email: "ada@example.com".into() },
            summary: number.to_string(),
            at: linkmesh_proto::Timestamp::from_millis(1),
            request_id: linkmesh_proto::RequestId::generate(),
            actor: "ada".into(),
        };
        repository.commit(head, &[request]).unwrap();
    }
    assert_eq!(past(&mut repository, &sealer).unwrap(), ["first-secret", "second-secret"]);
}

#[test]
fn tokens_are_hidden_wherever_a_collector_says_them() {
    let (secrets, sealer) = (Secrets::default(), PlainSealer::default());
    let entropy = crate::testing::CountingEntropy::default();
    for kind in [TokenKind::Collector, TokenKind::Enrollment, TokenKind::ServiceAccount] {
        let token = Token::mint(kind, &entropy);
        let token = token.reveal();
        // In an effective config: kept sealed, shown hidden, compared as it is.
        let body = Bytes::from(format!("headers:\n  - name: Authorization\n    value: Bearer {token}\n"));
        let kept = secrets.seal(&body, &sealer);
        assert!(!String::from_utf8_lossy(&kept).contains(token));
        assert_eq!(opened(&kept, ConfigHash::of(&body), &sealer), Some(body.clone()));
        assert_eq!(secrets.shown(&kept), "headers:\n  - name: Authorization\n    value: Bearer [sealed]\n");
        assert_eq!(secrets.shown(&body), secrets.shown(&kept), "also of one that was kept as it came");

        let said = format!("x{token}: no");
        let text = |text: &str| AnyValue { value: Some(Value::StringValue(text.into())) };
        let pair = |value| opamp::KeyValue { key: "k".into(), value: Some(value) };
        let list = AnyValue { value: Some(Value::ArrayValue(opamp::ArrayValue { values: vec![text(&said)] })) };
        let map = opamp::KeyValueList { values: vec![pair(list)] };
        let mut message = AgentToServer {
            agent_description: Some(opamp::AgentDescription {
                identifying_attributes: vec![pair(text(&said))],
                non_identifying_attributes: vec![pair(AnyValue { value: Some(Value::KvlistValue(map)) })],
            }),
            health: Some(ComponentHealth { last_error: said.clone(), ..Default::default() }),
            remote_config_status: Some(opamp::RemoteConfigStatus { error_message: said.clone(), ..Default::default() }),
            ..Default::default()
        };
        secrets.hide_in_message(&mut message);
        let shown = format!("{message:?}");
        assert!(!shown.contains(token), "{shown}");
        assert_eq!(shown.matches("x[sealed]: no").count(), 4, "{shown}");

        let attributes: BTreeMap<String, String> = [("k".to_owned(), said.clone())].into();
        let request = GetConfigRequest {
            id: said.clone(),
            local_attributes: attributes.clone(),
            attributes: attributes.clone(),
            remote_config_status: Some(RemoteConfigStatus { status: 3, error_message: said.clone() }),
            ..Default::default()
        };
        let mut poll = Poll { request, address: "192.0.2.1".into() };
        secrets.hide_in_poll(&mut poll);
        assert_eq!(format!("{poll:?}").matches("x[sealed]: no").count(), 4, "{poll:?}");
        let mut request = RegisterCollectorRequest {
            id: said.clone(),
            name: said.clone(),
            local_attributes: attributes.clone(),
            attributes,
        };
        hide_in_registration(&mut request);
        assert_eq!(format!("{request:?}").matches("x[sealed]: no").count(), 4, "{request:?}");
    }
    for other in ["lmct_", "lmxt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "lmct_AAAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(secrets.hide(other), other);
    }
}

#[test]
fn weak_secret_of_a_destination_stays_in_attributes_which_matchers_go_by() {
    let (secrets, sealer) = (Secrets::default(), PlainSealer::default());
    secrets.take(&config(&[("a", "production")], &sealer), &sealer);
    let mut poll = Poll { request: GetConfigRequest::default(), address: "192.0.2.1".into() };
    poll.request.local_attributes = [("env".to_owned(), "production".to_owned())].into();
    secrets.hide_in_poll(&mut poll);
    assert_eq!(poll.request.local_attributes["env"], "production");
}
