//! Records to test with, the same for the same number; and one of everything, for what must last.

use std::collections::BTreeMap;

use bytes::Bytes;
use linkmesh_proto::{
    CollectorId, ConfigHash, InstanceUid, Revision, Timestamp, TokenId, UserId,
    api::collector::{CollectorEvent, CollectorStatus, ConfigState, DriftState, Runtime, Stability},
};

use crate::{
    ports::{
        AuditEntry, CollectorRecord, CollectorTokenRecord, EffectiveRecord, EnrollmentRecord, Presence, Redemption,
        RowRecord, ServiceAccountRecord, ServiceTokenRecord, SessionRecord, StateStore, UserRecord,
    },
    token::TokenHash,
};

fn id_bytes(number: u32) -> [u8; 16] {
    let mut bytes = [0x5a; 16];
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// The collector id of this number; ids sort as the numbers do.
#[must_use]
pub fn collector_id(number: u32) -> CollectorId {
    CollectorId::from_bytes(id_bytes(number))
}

/// The instance uid of this number.
#[must_use]
pub fn instance_uid(number: u32) -> InstanceUid {
    InstanceUid::from_bytes(id_bytes(number))
}

/// The token id of this number.
#[must_use]
pub fn token_id(number: u32) -> TokenId {
    TokenId::from_bytes(id_bytes(number))
}

/// The user id of this number.
#[must_use]
pub fn user_id(number: u32) -> UserId {
    UserId::from_bytes(id_bytes(number))
}

/// The token hash of this number.
#[must_use]
pub fn hash(number: u32) -> TokenHash {
    TokenHash::of(&format!("token {number}"))
}

/// A collector with something in every field.
#[must_use]
pub fn collector(number: u32) -> CollectorRecord {
    CollectorRecord {
        id: collector_id(number),
        name: format!("collector {number}"),
        runtime: Runtime::Alloy,
        stability: Stability::PublicPreview,
        planned_version: Some("1.9.0".into()),
        enrolment_labels: BTreeMap::from([("env".to_owned(), "prod".to_owned())]),
        created_at: Timestamp::from_millis(1_700_000_000_000 + i64::from(number)),
        created_by: "ada@example.com".into(),
        deregistered_at: None,
        row: RowRecord {
            instance_uid: Some(instance_uid(number).to_string()),
            status: Some(CollectorStatus::Connected),
            status_since: Some(Timestamp::from_millis(3)),
            reported: BTreeMap::from([("host.name".to_owned(), format!("host-{number}"))]).into(),
            version: Some("1.9.1".into()),
            components_hash: Some("aa".into()),
            config_state: Some(ConfigState::Applied),
            desired_hash: Some(ConfigHash::of(b"desired")),
            reported_hash: Some(ConfigHash::of(b"reported")),
            error: Some("none of note".into()),
            drift: Some(DriftState::InSync),
            healthy: Some(true),
            address: Some("192.0.2.1".into()),
            notices: vec!["a notice".into()],
            can_restart: true,
            ever_configured: true,
            labels: BTreeMap::from([("web-logs".parse().expect("a slug"), 2)]),
        },
    }
}

/// A token of a collector.
#[must_use]
pub fn token(collector: u32, number: u32) -> CollectorTokenRecord {
    CollectorTokenRecord {
        hash: hash(collector * 1_000 + number),
        collector: collector_id(collector),
        created_at: Timestamp::from_millis(4),
        previous: false,
        ends_at: None,
        offered: false,
    }
}

/// An enrolment token for one use, by any runtime, that ends at 1,000.
#[must_use]
pub fn enrollment(number: u32) -> EnrollmentRecord {
    EnrollmentRecord {
        id: token_id(number),
        hash: hash(number),
        created_at: Timestamp::from_millis(0),
        created_by: "ada@example.com".into(),
        expires_at: Timestamp::from_millis(1_000),
        uses: 1,
        used: 0,
        labels: BTreeMap::new(),
        runtime: None,
        redeemed_by: vec![],
        deleted: false,
    }
}

/// A redemption of an enrolment token at 500, for a collector without labels.
#[must_use]
pub fn redemption(enrollment: u32, number: u32, instance_uid: Option<InstanceUid>) -> Redemption {
    Redemption {
        hash: hash(enrollment),
        now: Timestamp::from_millis(500),
        collector: CollectorRecord { enrolment_labels: BTreeMap::new(), ..collector(number) },
        token: Some(token(number, 1)),
        instance_uid,
    }
}

/// A user.
#[must_use]
pub fn user(number: u32) -> UserRecord {
    UserRecord {
        id: user_id(number),
        email: format!("user{number}@example.com"),
        name: format!("User {number}"),
        role: "admin".into(),
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into(),
        created_at: Timestamp::from_millis(6),
    }
}

/// A session that ends at `expires_at`.
#[must_use]
pub fn session(number: u32, expires_at: i64) -> SessionRecord {
    SessionRecord {
        hash: hash(number),
        user: user_id(1),
        csrf_token: "csrf".into(),
        created_at: Timestamp::from_millis(7),
        expires_at: Timestamp::from_millis(expires_at),
    }
}

/// A service account.
#[must_use]
pub fn service_account(number: u32) -> ServiceAccountRecord {
    ServiceAccountRecord {
        id: user_id(100 + number),
        name: format!("account {number}"),
        role: "viewer".into(),
        created_at: Timestamp::from_millis(8),
        created_by: "ada@example.com".into(),
    }
}

/// The token of a service account.
#[must_use]
pub fn service_token(number: u32) -> ServiceTokenRecord {
    ServiceTokenRecord {
        id: token_id(100 + number),
        hash: hash(number),
        account: user_id(100 + number),
        created_at: Timestamp::from_millis(9),
        expires_at: Some(Timestamp::from_millis(10)),
    }
}

/// An event.
#[must_use]
pub fn event(number: u32) -> CollectorEvent {
    CollectorEvent {
        at: Timestamp::from_millis(i64::from(number)),
        kind: "connected".into(),
        message: format!("event {number}"),
    }
}

/// An audit entry.
#[must_use]
pub fn audit_entry(number: u32) -> AuditEntry {
    AuditEntry {
        at: Timestamp::from_millis(i64::from(number)),
        actor: "ada@example.com".into(),
        action: "pipelines:write".into(),
        target: format!("pipelines/p{number}"),
        address: Some("192.0.2.1".into()),
        request_id: None,
        before: None,
        after: Some(Revision::from_bytes([u8::try_from(number % 256).unwrap_or(0); 20])),
    }
}

fn presence() -> Presence {
    Presence { last_seen: Timestamp::from_millis(11), last_sequence: 12, was_configured: true }
}

fn effective() -> EffectiveRecord {
    let body = Bytes::from_static(b"receivers: {}\n");
    let received_at = Timestamp::from_millis(13);
    EffectiveRecord { hash: ConfigHash::of(&body), content_type: "text/yaml".into(), body, received_at }
}

/// Puts one of everything into an empty store.
pub async fn fill(store: &impl StateStore) {
    let id = collector_id(1);
    store.put_agents(vec![(id, Bytes::from_static(b"agent"))], vec![collector(1)]).await.unwrap();
    store.put_presence(vec![(id, presence())]).await.unwrap();
    store.put_effective(vec![(id, effective())]).await.unwrap();
    store.put_components("aa", Bytes::from_static(b"tree")).await.unwrap();
    store.append_events((1..=3).map(|number| (id, event(number))).collect()).await.unwrap();
    store.set_collector_tokens(id, vec![token(1, 1)], None).await.unwrap();
    store.create_enrollment(EnrollmentRecord { uses: 2, ..enrollment(1) }).await.unwrap();
    store.redeem(redemption(1, 2, Some(instance_uid(2)))).await.unwrap();
    assert!(store.create_first_user(user(1)).await.unwrap());
    store.put_session(session(1, 14)).await.unwrap();
    assert!(store.create_service_account(service_account(1), service_token(1)).await.unwrap());
    store.append_audit(audit_entry(1)).await.unwrap();
    store.append_audit(audit_entry(2)).await.unwrap();
}

/// Finds what [`fill`] put there, field by field.
pub async fn check(store: &impl StateStore) {
    let id = collector_id(1);
    let mut collectors = store.load_collectors().await.unwrap();
    collectors.sort_by_key(|(record, _)| record.id);
    let redeemed = redemption(1, 2, Some(instance_uid(2)));
    assert_eq!(collectors, [(collector(1), Some(presence())), (redeemed.collector, None)]);
    assert_eq!(store.agent(id).await.unwrap(), Some(Bytes::from_static(b"agent")));
    assert_eq!(store.effective(id).await.unwrap(), Some(effective()));
    assert_eq!(store.components("aa").await.unwrap(), Some(Bytes::from_static(b"tree")));
    let events = store.events(id, None, 10).await.unwrap();
    assert_eq!(events.into_iter().map(|(_, event)| event).collect::<Vec<_>>(), [event(3), event(2), event(1)]);
    let mut tokens = store.load_collector_tokens().await.unwrap();
    tokens.sort_by_key(|token| token.collector);
    assert_eq!(tokens, [token(1, 1), token(2, 1)]);
    let enrolled = vec![(instance_uid(2), collector_id(2))];
    let enrollment = EnrollmentRecord { uses: 2, used: 1, redeemed_by: enrolled, ..enrollment(1) };
    assert_eq!(store.load_enrollments().await.unwrap(), [enrollment]);
    assert_eq!(store.users().await.unwrap(), [user(1)]);
    assert_eq!(store.user_by_email(&user(1).email).await.unwrap(), Some(user(1)));
    assert_eq!(store.session(hash(1)).await.unwrap(), Some(session(1, 14)));
    assert_eq!(store.service_token(hash(1)).await.unwrap(), Some((service_token(1), service_account(1))));
    let audit = store.audit(None, 10).await.unwrap();
    let entries: Vec<_> = audit.iter().map(|record| record.entry.clone()).collect();
    assert_eq!(entries, [audit_entry(2), audit_entry(1)]);
    assert!(audit.iter().all(crate::ports::AuditRecord::is_intact));
    assert!(store.audit_has_revision(Revision::from_bytes([2; 20])).await.unwrap());
}

/// One of everything, written and read.
pub async fn samples_are_read_back_as_they_were_written(store: &impl StateStore) {
    fill(store).await;
    check(store).await;
}
