//! Enrolment tokens: made, listed, ended, redeemed.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use linkmesh_proto::{
    CollectorId, InstanceUid, TokenId,
    api::enrolment::{Enrol, EnrollmentToken, NewEnrollmentToken},
};

use super::{
    EnrolError, EnrolledCollector, FleetError, FleetHandle, IssuedEnrollment,
    admin::{check, problem, record},
    tokens::{Purpose, token_record},
};
use crate::{
    by::By,
    directory::Slot,
    domain::document::check_labels,
    mint::Mint as _,
    ports::{CollectorRecord, CollectorTokenRecord, EnrollmentRecord, RedeemError, Redeemed, Redemption},
    secrets::{hide_tokens_in, hide_tokens_in_values},
    token::{Token, TokenHash, TokenKind},
};

/// How long an enrolment token lives when nothing else is asked for.
const DEFAULT_TTL_S: u64 = 15 * 60;
/// The longest life of an enrolment token.
const MAX_TTL_S: u64 = 366 * 24 * 60 * 60;

impl FleetHandle {
    /// Makes an enrolment token.
    ///
    /// # Errors
    /// When the request breaks rules, or the store fails.
    pub async fn create_enrollment(&self, new: NewEnrollmentToken, by: &By) -> Result<IssuedEnrollment, FleetError> {
        let mut problems = check_labels(&new.labels).err().unwrap_or_default();
        let ttl_s = new.ttl_s.unwrap_or(DEFAULT_TTL_S);
        let uses = new.uses.unwrap_or(1);
        if !(1..=MAX_TTL_S).contains(&ttl_s) {
            problems.push(problem("ttl_s", "out_of_range", format!("must be 1 to {MAX_TTL_S} seconds")));
        }
        if uses == 0 {
            problems.push(problem("uses", "out_of_range", "must be 1 or more".to_owned()));
        }
        if !problems.is_empty() {
            return Err(FleetError::Invalid(problems));
        }
        let (this, by) = (self.clone(), by.clone());
        self.detached(async move {
            let shared = &this.shared;
            let token = Token::mint(TokenKind::Enrollment, &*shared.entropy);
            let now = shared.clock.now();
            let record = EnrollmentRecord {
                id: TokenId::generate(),
                hash: token.hash(),
                created_at: now,
                created_by: by.actor().to_owned(),
                expires_at: now.plus(Duration::from_secs(ttl_s)),
                uses,
                used: 0,
                labels: new.labels,
                runtime: new.runtime,
                redeemed_by: Vec::new(),
                deleted: false,
            };
            shared.store.create_enrollment(record.clone()).await?;
            let shown = shown(record.clone());
            shared.enrollments.insert(record);
            Ok(IssuedEnrollment { record: shown, token })
        })
        .await?
    }

    /// The enrolment tokens that have not ended, newest first.
    ///
    /// # Errors
    /// None today: they are in memory. A store that several servers share may fail.
    pub async fn enrollments(&self) -> Result<Vec<EnrollmentToken>, FleetError> {
        Ok(self.shared.enrollments.open(self.shared.clock.now()).into_iter().map(shown).collect())
    }

    /// Ends an enrolment token. Supervisors that redeemed it are still let in with it.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn delete_enrollment(&self, id: TokenId, by: &By) -> Result<(), FleetError> {
        let (this, by) = (self.clone(), by.clone());
        self.detached(async move {
            let shared = &this.shared;
            let record = shared.enrollments.by_id(id).filter(|record| !record.deleted);
            let record = record.ok_or(FleetError::UnknownEnrollment(id))?;
            if !shared.store.delete_enrollment(id).await? {
                return Err(FleetError::UnknownEnrollment(id));
            }
            if record.redeemed_by.is_empty() {
                shared.enrollments.remove(id);
            } else {
                shared.enrollments.insert(EnrollmentRecord { deleted: true, ..record });
            }
            tracing::info!(token = %id, by = by.actor(), "enrolment token ended");
            Ok(())
        })
        .await?
    }

    /// Whether there is such an enrolment token, be it used or ended. From memory.
    #[must_use]
    pub fn knows_enrollment(&self, hash: &TokenHash) -> bool {
        self.shared.enrollments.knows(hash)
    }

    /// Whether there is such an enrolment token and it has not ended. From memory.
    #[must_use]
    pub fn opens_enrollment(&self, hash: &TokenHash) -> bool {
        self.shared.enrollments.is_open(hash, self.shared.clock.now())
    }

    /// Redeems an enrolment token: creates a collector with a token of its own. What cannot be redeemed touches no disk:
    /// a stranger may ask as often as they like.
    ///
    /// # Errors
    /// When the token is unknown, ended, used or for another runtime, or the store fails.
    pub async fn enrol(&self, token: &str, mut request: Enrol) -> Result<EnrolledCollector, EnrolError> {
        hide_tokens_in(&mut request.name);
        hide_tokens_in_values(&mut request.attributes);
        check(&request.name, &BTreeMap::new()).map_err(EnrolError::Invalid)?;
        let now = self.shared.clock.now();
        self.shared.enrollments.redeemable(&TokenHash::of(token), request.runtime, now)?;
        let (this, hash) = (self.clone(), TokenHash::of(token));
        self.detached(async move {
            let id = CollectorId::generate();
            let mut record = record(id, request.name, request.runtime, this.shared.clock.now());
            record.row.reported = request.attributes.into();
            let token = Token::mint(TokenKind::Collector, &*this.shared.entropy);
            let slot = this.redeem(hash, record, Some((&token, Purpose::Shown)), None).await?;
            let record = slot.record();
            Ok(EnrolledCollector {
                id,
                runtime: record.runtime,
                name: record.name.clone(),
                stability: record.stability,
                labels: record.enrolment_labels.clone(),
                token,
            })
        })
        .await?
    }

    /// Redeems an enrolment token for a collector that is to be created. A process that redeemed it before gets the
    /// collector that it was, and no token.
    pub(super) async fn redeem(
        &self,
        hash: TokenHash,
        mut record: CollectorRecord,
        token: Option<(&Token, Purpose)>,
        instance_uid: Option<InstanceUid>,
    ) -> Result<Arc<Slot>, RedeemError> {
        let shared = &self.shared;
        let known = token.map(|(token, purpose)| CollectorTokenRecord {
            offered: purpose == Purpose::Offered,
            ..token_record(token, record.id, shared)
        });
        record.created_by = "enrolment".to_owned();
        let now = shared.clock.now();
        let redemption = Redemption { hash, now, collector: record, token: known.clone(), instance_uid };
        let Redeemed { enrollment, collector, is_new } = shared.store.redeem(redemption).await?;
        let message = format!("enrolled with a token of {}", enrollment.created_by);
        shared.enrollments.insert(enrollment);
        let slot = self.welcome(collector, known.as_ref().filter(|_| is_new)).await;
        if is_new {
            self.note(&slot, "enrolled", message);
        }
        Ok(slot)
    }
}

fn shown(record: EnrollmentRecord) -> EnrollmentToken {
    EnrollmentToken {
        id: record.id,
        created_at: record.created_at,
        created_by: record.created_by,
        expires_at: record.expires_at,
        uses: record.uses,
        used: record.used,
        labels: record.labels,
        runtime: record.runtime,
    }
}
