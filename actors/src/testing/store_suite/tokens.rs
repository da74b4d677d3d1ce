//! Tokens of collectors and of enrolment.

use std::collections::BTreeMap;

use linkmesh_proto::{Timestamp, TokenId, api::collector::Runtime};

use super::samples::{collector, collector_id, enrollment, instance_uid, redemption, token, token_id};
use crate::ports::{CollectorTokenRecord, EnrollmentRecord, RedeemError, StateStore};

async fn tokens(store: &impl StateStore) -> Vec<CollectorTokenRecord> {
    let mut tokens = store.load_collector_tokens().await.unwrap();
    tokens.sort_by_key(|token| token.hash);
    tokens
}

async fn enrollment_of(store: &impl StateStore, id: TokenId) -> Option<EnrollmentRecord> {
    store.load_enrollments().await.unwrap().into_iter().find(|record| record.id == id)
}

fn sorted(mut tokens: Vec<CollectorTokenRecord>) -> Vec<CollectorTokenRecord> {
    tokens.sort_by_key(|token| token.hash);
    tokens
}

/// A set of tokens replaces the one before, for that collector only.
pub async fn tokens_of_a_collector_are_replaced_together(store: &impl StateStore) {
    let record = collector(1);
    store.set_collector_tokens(record.id, vec![token(1, 1)], Some(record.clone())).await.unwrap();
    assert_eq!(store.collector(record.id).await.unwrap(), Some(record.clone()));
    store.set_collector_tokens(collector_id(2), vec![token(2, 1)], None).await.unwrap();

    let old = CollectorTokenRecord { previous: true, ends_at: Some(Timestamp::from_millis(9)), ..token(1, 1) };
    store.set_collector_tokens(record.id, vec![token(1, 2), old.clone()], None).await.unwrap();
    assert_eq!(tokens(store).await, sorted(vec![token(1, 2), old, token(2, 1)]));
    store.set_collector_tokens(record.id, vec![], None).await.unwrap();
    assert_eq!(tokens(store).await, [token(2, 1)]);
}

/// The first redemption creates collector and token; the second is refused.
pub async fn enrolment_is_redeemed_once(store: &impl StateStore) {
    store.create_enrollment(enrollment(1)).await.unwrap();
    let uid = instance_uid(1);
    let first = redemption(1, 1, Some(uid));
    let redeemed = store.redeem(first.clone()).await.unwrap();
    assert!(redeemed.is_new);
    let enrolled = redeemed.enrollment;
    assert_eq!((enrolled.used, enrolled.redeemed_by), (1, vec![(uid, first.collector.id)]));
    assert_eq!(store.collector(redeemed.collector.id).await.unwrap(), Some(redeemed.collector));
    assert_eq!(store.load_collector_tokens().await.unwrap(), Vec::from_iter(first.token));
    assert!(matches!(store.redeem(redemption(1, 2, None)).await, Err(RedeemError::Used)));
}

/// The same process redeems a token once, however often it asks: a client that gave up on the first answer asks again.
/// Nothing is written for it, not even when the token has ended since.
pub async fn process_that_redeems_again_is_the_collector_that_it_was(store: &impl StateStore) {
    store.create_enrollment(EnrollmentRecord { uses: 3, ..enrollment(1) }).await.unwrap();
    let uid = Some(instance_uid(1));
    let attempts = (1..=5).map(|number| store.redeem(redemption(1, number, uid)));
    let outcomes: Vec<_> =
        futures_util::future::join_all(attempts).await.into_iter().map(|outcome| outcome.unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|redeemed| redeemed.is_new).count(), 1);
    let first = outcomes[0].collector.clone();
    assert!(outcomes.iter().all(|redeemed| redeemed.collector == first && redeemed.enrollment.used == 1));
    assert_eq!(store.load_collectors().await.unwrap(), [(first.clone(), None)]);
    assert_eq!(store.load_collector_tokens().await.unwrap().len(), 1);

    let before = store.load_enrollments().await.unwrap();
    let mut late = redemption(1, 6, uid);
    late.now = enrollment(1).expires_at;
    let again = store.redeem(late).await.unwrap();
    assert_eq!((again.is_new, &again.collector), (false, &first));
    assert_eq!(store.load_enrollments().await.unwrap(), before);
    // A collector that was forgotten is nobody any more.
    store.remove_collectors(vec![first.id]).await.unwrap();
    let anew = store.redeem(redemption(1, 7, uid)).await.unwrap();
    assert_eq!((anew.is_new, anew.enrollment.used), (true, 2));
    assert_eq!(anew.enrollment.redeemed_by, [(instance_uid(1), collector_id(7))]);
}

/// A supervisor that cannot take a token of its own is given none.
pub async fn redemption_without_a_token_creates_the_collector_alone(store: &impl StateStore) {
    store.create_enrollment(enrollment(1)).await.unwrap();
    store.redeem(crate::ports::Redemption { token: None, ..redemption(1, 1, Some(instance_uid(1))) }).await.unwrap();
    assert_eq!(store.load_collectors().await.unwrap().len(), 1);
    assert_eq!(store.load_collector_tokens().await.unwrap(), []);
}

/// A token for several uses opens so often and leaves a mark only of those who came by OpAMP.
pub async fn enrolment_is_redeemed_as_often_as_it_may_be(store: &impl StateStore) {
    store.create_enrollment(EnrollmentRecord { uses: 3, ..enrollment(1) }).await.unwrap();
    for number in 1..=3 {
        let uid = (number != 2).then(|| instance_uid(number));
        store.redeem(redemption(1, number, uid)).await.unwrap();
    }
    assert!(matches!(store.redeem(redemption(1, 4, None)).await, Err(RedeemError::Used)));
    let record = enrollment_of(store, token_id(1)).await.unwrap();
    assert_eq!(record.used, 3);
    assert_eq!(record.redeemed_by, [(instance_uid(1), collector_id(1)), (instance_uid(3), collector_id(3))]);
    assert_eq!(store.load_collectors().await.unwrap().len(), 3);
}

/// Labels of the enrolment token are added where the collector has none of that name.
pub async fn redemption_gives_labels_that_lose_against_the_collectors_own(store: &impl StateStore) {
    let labels = [("env", "prod"), ("site", "fra")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    store.create_enrollment(EnrollmentRecord { labels: labels.into(), ..enrollment(1) }).await.unwrap();
    let mut asked = redemption(1, 1, None);
    asked.collector.enrolment_labels = BTreeMap::from([("env".to_owned(), "test".to_owned())]);
    let created = store.redeem(asked).await.unwrap().collector;
    let expected = [("env", "test"), ("site", "fra")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(created.enrolment_labels, BTreeMap::from(expected));
    assert_eq!(store.collector(created.id).await.unwrap(), Some(created));
}

/// Each reason has its error, and nothing is left behind.
pub async fn refused_redemption_writes_nothing(store: &impl StateStore) {
    store.create_enrollment(EnrollmentRecord { runtime: Some(Runtime::Alloy), ..enrollment(1) }).await.unwrap();
    store.create_enrollment(enrollment(2)).await.unwrap();
    let before = store.load_enrollments().await.unwrap();

    assert!(matches!(store.redeem(redemption(9, 1, None)).await, Err(RedeemError::Unknown)));
    let mut wrong = redemption(1, 1, None);
    wrong.collector.runtime = Runtime::Otelcol;
    assert!(matches!(store.redeem(wrong).await, Err(RedeemError::WrongRuntime)));
    let mut late = redemption(2, 1, None);
    late.now = enrollment(2).expires_at;
    assert!(matches!(store.redeem(late).await, Err(RedeemError::Expired)));

    assert_eq!(store.load_enrollments().await.unwrap(), before);
    assert_eq!(store.load_collectors().await.unwrap(), []);
    assert_eq!(store.load_collector_tokens().await.unwrap(), []);
}

/// Of many who redeem a single-use token at the same time, one gets in.
pub async fn two_who_redeem_at_once_do_not_both_get_in(store: &impl StateStore) {
    store.create_enrollment(enrollment(1)).await.unwrap();
    let attempts = (1..=20).map(|number| store.redeem(redemption(1, number, None)));
    let outcomes = futures_util::future::join_all(attempts).await;
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(RedeemError::Used))).count();
    assert_eq!((outcomes.iter().filter(|outcome| outcome.is_ok()).count(), refused), (1, 19));
    assert_eq!(store.load_collectors().await.unwrap().len(), 1);
    assert_eq!(store.load_collector_tokens().await.unwrap().len(), 1);
}

/// Deleting ends an unused token for good, and closes a used one to newcomers only.
pub async fn deleted_enrolment_is_kept_while_somebody_came_in_by_it(store: &impl StateStore) {
    store.create_enrollment(enrollment(1)).await.unwrap();
    store.create_enrollment(EnrollmentRecord { uses: 5, ..enrollment(2) }).await.unwrap();
    store.redeem(redemption(2, 1, Some(instance_uid(1)))).await.unwrap();
    assert!(store.delete_enrollment(token_id(1)).await.unwrap());
    assert!(store.delete_enrollment(token_id(2)).await.unwrap());
    assert!(!store.delete_enrollment(token_id(3)).await.unwrap());
    assert_eq!(enrollment_of(store, token_id(1)).await, None);
    assert!(matches!(store.redeem(redemption(1, 2, None)).await, Err(RedeemError::Unknown)));
    let kept = enrollment_of(store, token_id(2)).await.unwrap();
    assert!(kept.deleted && kept.redeemed_by == [(instance_uid(1), collector_id(1))]);
    assert!(matches!(store.redeem(redemption(2, 3, None)).await, Err(RedeemError::Expired)));
}

/// Ended tokens go, except where a registered collector still has nothing else to come back with.
pub async fn ended_enrolments_are_pruned_unless_a_collector_comes_back_with_them(store: &impl StateStore) {
    for number in 1..=4 {
        store.create_enrollment(enrollment(number)).await.unwrap();
    }
    store
        .create_enrollment(EnrollmentRecord { expires_at: Timestamp::from_millis(9_000), ..enrollment(5) })
        .await
        .unwrap();
    store.redeem(redemption(1, 1, Some(instance_uid(1)))).await.unwrap();
    store.redeem(redemption(2, 2, Some(instance_uid(2)))).await.unwrap();
    store.redeem(redemption(3, 3, None)).await.unwrap();
    let mut gone = store.collector(collector_id(2)).await.unwrap().unwrap();
    gone.deregistered_at = Some(Timestamp::from_millis(600));
    store.put_collectors(vec![gone]).await.unwrap();

    assert_eq!(store.prune_enrollments(enrollment(1).expires_at).await.unwrap(), []);
    let mut pruned = store.prune_enrollments(Timestamp::from_millis(5_000)).await.unwrap();
    pruned.sort();
    assert_eq!(pruned, [token_id(2), token_id(3), token_id(4)]);
    let mut left: Vec<_> = store.load_enrollments().await.unwrap().into_iter().map(|record| record.id).collect();
    left.sort();
    assert_eq!(left, [token_id(1), token_id(5)]);
    assert!(matches!(store.redeem(redemption(4, 6, None)).await, Err(RedeemError::Unknown)));
}
