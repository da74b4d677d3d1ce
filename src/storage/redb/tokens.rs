//! Tokens of collectors and of enrolment.

use std::collections::BTreeSet;

use async_trait::async_trait;
use linkmesh_actors::{
    ports::{
        CollectorRecord, CollectorTokenRecord, EnrollmentRecord, RedeemError, Redeemed, Redemption, StoreError,
        TokenStore,
    },
    token::TokenHash,
};
use linkmesh_proto::{CollectorId, Timestamp, TokenId};

use super::{
    RedbStore,
    plan::{Changes, View},
    tables::{Table, key},
    value,
};

#[async_trait]
impl TokenStore for RedbStore {
    async fn load_collector_tokens(&self) -> Result<Vec<CollectorTokenRecord>, StoreError> {
        self.read(|view| view.records(Table::CollectorTokens)).await
    }

    async fn set_collector_tokens(
        &self,
        id: CollectorId,
        tokens: Vec<CollectorTokenRecord>,
        record: Option<CollectorRecord>,
    ) -> Result<(), StoreError> {
        self.write(move |view, changes| {
            remove_all(view, changes, id)?;
            tokens.iter().try_for_each(|token| put(changes, id, token))?;
            record.iter().try_for_each(|record| changes.put(Table::Collectors, record.id.as_bytes(), record))
        })
        .await
    }

    async fn load_enrollments(&self) -> Result<Vec<EnrollmentRecord>, StoreError> {
        self.read(|view| view.records(Table::Enrollments)).await
    }

    async fn create_enrollment(&self, record: EnrollmentRecord) -> Result<(), StoreError> {
        self.write(move |_, changes| {
            changes.put_bytes(Table::EnrollmentByHash, record.hash.as_bytes(), record.id.as_bytes().to_vec());
            changes.put(Table::Enrollments, record.id.as_bytes(), &record)
        })
        .await
    }

    async fn delete_enrollment(&self, id: TokenId) -> Result<bool, StoreError> {
        self.write(move |view, changes| {
            let Some(mut record) = view.record::<EnrollmentRecord>(Table::Enrollments, id.as_bytes())? else {
                return Ok(false);
            };
            if record.redeemed_by.is_empty() {
                remove_enrollment(changes, &record);
            } else {
                record.deleted = true;
                changes.put(Table::Enrollments, id.as_bytes(), &record)?;
            }
            Ok(true)
        })
        .await
    }

    async fn redeem(&self, redemption: Redemption) -> Result<Redeemed, RedeemError> {
        self.write(move |view, changes| match redeem(view, redemption) {
            Ok((redeemed, token)) => {
                if redeemed.is_new {
                    let Redeemed { enrollment, collector, .. } = &redeemed;
                    changes.put(Table::Enrollments, enrollment.id.as_bytes(), enrollment)?;
                    changes.put(Table::Collectors, collector.id.as_bytes(), collector)?;
                    token.iter().try_for_each(|token| put(changes, collector.id, token))?;
                }
                Ok(Ok(redeemed))
            }
            Err(RedeemError::Store(error)) => Err(error),
            Err(refused) => Ok(Err(refused)),
        })
        .await?
    }

    async fn prune_enrollments(&self, ended_before: Timestamp) -> Result<Vec<TokenId>, StoreError> {
        self.write(move |view, changes| {
            let mut removed = Vec::new();
            for record in view.records::<EnrollmentRecord>(Table::Enrollments)? {
                if record.expires_at < ended_before && !opens_for_somebody(view, &record)? {
                    remove_enrollment(changes, &record);
                    removed.push(record.id);
                }
            }
            Ok(removed)
        })
        .await
    }
}

/// Removes all tokens of a collector.
pub(super) fn remove_all(view: &dyn View, changes: &mut Changes, id: CollectorId) -> Result<(), StoreError> {
    for reference in view.keys_below(Table::TokensOfCollector, id.as_bytes())? {
        let hash = reference.strip_prefix(id.as_bytes()).unwrap_or_default();
        changes.delete(Table::CollectorTokens, hash);
        changes.delete(Table::TokensOfCollector, &reference);
    }
    Ok(())
}

fn put(changes: &mut Changes, id: CollectorId, token: &CollectorTokenRecord) -> Result<(), StoreError> {
    changes.put_bytes(Table::TokensOfCollector, &key(&[id.as_bytes(), token.hash.as_bytes()]), Vec::new());
    changes.put(Table::CollectorTokens, token.hash.as_bytes(), token)
}

fn remove_enrollment(changes: &mut Changes, record: &EnrollmentRecord) {
    changes.delete(Table::EnrollmentByHash, record.hash.as_bytes());
    changes.delete(Table::Enrollments, record.id.as_bytes());
}

/// Whether a registered collector comes back with this enrolment token.
fn opens_for_somebody(view: &dyn View, record: &EnrollmentRecord) -> Result<bool, StoreError> {
    let ids: BTreeSet<CollectorId> = record.redeemed_by.iter().map(|(_, id)| *id).collect();
    for id in ids {
        let collector = view.record::<CollectorRecord>(Table::Collectors, id.as_bytes())?;
        if collector.is_some_and(|collector| collector.deregistered_at.is_none()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn enrollment_by_hash(view: &dyn View, hash: TokenHash) -> Result<Option<EnrollmentRecord>, StoreError> {
    let Some(id) = view.get(Table::EnrollmentByHash, hash.as_bytes())? else { return Ok(None) };
    let record = view.record(Table::Enrollments, &id)?;
    record.map(Some).ok_or_else(|| value::malformed(Table::EnrollmentByHash, hash.as_bytes()))
}

fn redeem(view: &dyn View, redemption: Redemption) -> Result<(Redeemed, Option<CollectorTokenRecord>), RedeemError> {
    let Redemption { hash, now, mut collector, token, instance_uid } = redemption;
    let mut enrollment = enrollment_by_hash(view, hash)?.ok_or(RedeemError::Unknown)?;
    if enrollment.runtime.is_some_and(|runtime| runtime != collector.runtime) {
        return Err(RedeemError::WrongRuntime);
    }
    if let Some((_, id)) = enrollment.redeemed_by.iter().find(|(by, _)| Some(*by) == instance_uid)
        && let Some(collector) = view.record::<CollectorRecord>(Table::Collectors, id.as_bytes())?
    {
        return Ok((Redeemed { enrollment, collector, is_new: false }, None));
    }
    if enrollment.used >= enrollment.uses {
        return Err(RedeemError::Used);
    }
    if enrollment.deleted || enrollment.expires_at <= now {
        return Err(RedeemError::Expired);
    }
    enrollment.used += 1;
    enrollment.redeemed_by.retain(|(by, _)| Some(*by) != instance_uid);
    enrollment.redeemed_by.extend(instance_uid.map(|uid| (uid, collector.id)));
    for (name, label) in &enrollment.labels {
        collector.enrolment_labels.entry(name.clone()).or_insert_with(|| label.clone());
    }
    Ok((Redeemed { enrollment, collector, is_new: true }, token))
}
