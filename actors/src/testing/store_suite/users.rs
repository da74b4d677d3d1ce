//! People, their sessions, and service accounts.

use linkmesh_proto::Timestamp;

use super::samples::{hash, service_account, service_token, session, user, user_id};
use crate::ports::{ServiceAccountRecord, StateStore, UserRecord};

/// The first administrator is created once, also when many try at the same time.
pub async fn only_the_first_user_is_created_without_asking(store: &impl StateStore) {
    assert_eq!(store.users().await.unwrap(), []);
    let attempts = (1..=10).map(|number| store.create_first_user(user(number)));
    let outcomes = futures_util::future::join_all(attempts).await;
    assert_eq!(outcomes.iter().filter(|outcome| *outcome.as_ref().unwrap()).count(), 1);
    assert_eq!(store.users().await.unwrap().len(), 1);
    assert!(!store.create_first_user(user(11)).await.unwrap());
}

/// Two users cannot share an e-mail address; a user may be written again under its own.
pub async fn email_belongs_to_one_user(store: &impl StateStore) {
    assert!(store.put_user(user(2)).await.unwrap());
    assert!(store.put_user(user(1)).await.unwrap());
    let thief = UserRecord { email: user(1).email, ..user(3) };
    assert!(!store.put_user(thief).await.unwrap());
    assert_eq!(store.user(user_id(3)).await.unwrap(), None);
    let renamed = UserRecord { name: "Ada".into(), ..user(1) };
    assert!(store.put_user(renamed.clone()).await.unwrap());
    assert_eq!(store.users().await.unwrap(), [renamed.clone(), user(2)], "by e-mail address");
    assert_eq!(store.user_by_email(&renamed.email).await.unwrap(), Some(renamed.clone()));
    assert_eq!(store.user(renamed.id).await.unwrap(), Some(renamed));
    assert_eq!(store.user_by_email("nobody@example.com").await.unwrap(), None);
}

/// After a user moved to another address, the old one finds nobody and may be taken.
pub async fn changed_email_is_free_for_another(store: &impl StateStore) {
    store.put_user(user(1)).await.unwrap();
    let moved = UserRecord { email: "moved@example.com".into(), ..user(1) };
    assert!(store.put_user(moved.clone()).await.unwrap());
    assert_eq!(store.user_by_email(&user(1).email).await.unwrap(), None);
    let heir = UserRecord { email: user(1).email, ..user(2) };
    assert!(store.put_user(heir.clone()).await.unwrap());
    assert_eq!(store.user_by_email(&heir.email).await.unwrap(), Some(heir));
    assert_eq!(store.user_by_email(&moved.email).await.unwrap(), Some(moved));
}

/// A session is found until it is deleted or pruned.
pub async fn sessions_end_by_hand_and_by_time(store: &impl StateStore) {
    for number in 1..=4 {
        store.put_session(session(number, 100 * i64::from(number))).await.unwrap();
    }
    assert_eq!(store.session(hash(1)).await.unwrap(), Some(session(1, 100)));
    assert!(store.delete_session(hash(1)).await.unwrap());
    assert!(!store.delete_session(hash(1)).await.unwrap());
    assert_eq!(store.session(hash(1)).await.unwrap(), None);
    assert_eq!(store.prune_sessions(Timestamp::from_millis(300)).await.unwrap(), 1, "one ended before 300");
    assert_eq!(store.session(hash(2)).await.unwrap(), None);
    assert!(store.session(hash(3)).await.unwrap().is_some());
    assert!(store.session(hash(4)).await.unwrap().is_some());
}

/// A refused account leaves no token behind.
pub async fn service_account_has_a_unique_name_and_its_token_finds_it(store: &impl StateStore) {
    assert!(store.create_service_account(service_account(2), service_token(2)).await.unwrap());
    assert!(store.create_service_account(service_account(1), service_token(1)).await.unwrap());
    let double = ServiceAccountRecord { name: service_account(1).name, ..service_account(3) };
    assert!(!store.create_service_account(double, service_token(3)).await.unwrap());
    assert_eq!(store.service_token(hash(3)).await.unwrap(), None);
    assert_eq!(store.service_token(hash(1)).await.unwrap(), Some((service_token(1), service_account(1))));
    assert_eq!(store.service_accounts().await.unwrap(), [service_account(1), service_account(2)], "by name");
}
