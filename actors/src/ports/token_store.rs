//! Tokens of collectors. Only hashes are stored.

use std::collections::BTreeMap;

use async_trait::async_trait;
use linkmesh_proto::{CollectorId, InstanceUid, Timestamp, TokenId, api::collector::Runtime};
use serde::{Deserialize, Serialize};

use super::{CollectorRecord, StoreError};
use crate::token::TokenHash;

/// A token by which one collector proves who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectorTokenRecord {
    /// SHA-256 of the token.
    pub hash: TokenHash,
    /// Whose it is.
    pub collector: CollectorId,
    /// When it was issued.
    pub created_at: Timestamp,
    /// Replaced by a newer one; valid until it is ended by hand or `ends_at` passes.
    pub previous: bool,
    /// When it ends; set once a fresh process used the newer token.
    pub ends_at: Option<Timestamp>,
    /// Issued by the server to be offered to a supervisor that dialled with an enrolment token. Such tokens replace one
    /// another and never one that an operator knows.
    #[serde(default)]
    pub offered: bool,
}

/// A token that opens enrolment and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentRecord {
    /// Names the token without showing it.
    pub id: TokenId,
    /// SHA-256 of the token.
    pub hash: TokenHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How often it may be redeemed.
    pub uses: u32,
    /// How often it was.
    pub used: u32,
    /// Labels that every collector gets which redeems it.
    pub labels: BTreeMap<String, String>,
    /// The only runtime that may redeem it.
    pub runtime: Option<Runtime>,
    /// Supervisors that redeemed it over OpAMP. They forget offered settings at a restart and come back with this
    /// token; the same uid is let in again for as long as its collector is registered (opamp.md 2.8).
    pub redeemed_by: Vec<(InstanceUid, CollectorId)>,
    /// Deleted by an operator: opens nothing new, but keeps the door open for those in `redeemed_by`.
    pub deleted: bool,
}

/// What a redemption brings into being.
#[derive(Debug, Clone)]
pub struct Redemption {
    /// The enrolment token.
    pub hash: TokenHash,
    /// Now, to see whether it ended.
    pub now: Timestamp,
    /// The collector to create. The store adds the enrolment token's labels to it (they lose against its own).
    pub collector: CollectorRecord,
    /// The token to issue to it; `None` for a supervisor that cannot take one.
    pub token: Option<CollectorTokenRecord>,
    /// The uid by which a supervisor redeems over OpAMP; absent for `POST /enrol`.
    pub instance_uid: Option<InstanceUid>,
}

/// What a redemption came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Redeemed {
    /// The enrolment token as it is now.
    pub enrollment: EnrollmentRecord,
    /// The collector as it is stored.
    pub collector: CollectorRecord,
    /// Whether this redemption created it. Otherwise the same process redeemed the token before, and nothing was
    /// written.
    pub is_new: bool,
}

/// Why an enrolment token was not redeemed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// There is no such token.
    #[error("the enrolment token is unknown")]
    Unknown,
    /// It ended, or an operator deleted it.
    #[error("the enrolment token has expired")]
    Expired,
    /// It was redeemed as often as it may be.
    #[error("the enrolment token was used already")]
    Used,
    /// It is for the other runtime.
    #[error("the enrolment token is for another runtime")]
    WrongRuntime,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Tokens of collectors and of enrolment.
#[async_trait]
pub trait TokenStore: Send + Sync + 'static {
    /// All collectors' tokens. Read once, at start.
    async fn load_collector_tokens(&self) -> Result<Vec<CollectorTokenRecord>, StoreError>;

    /// Replaces all tokens of one collector by these, and writes the record (when given) in the same transaction. An
    /// empty list ends them all.
    async fn set_collector_tokens(
        &self,
        id: CollectorId,
        tokens: Vec<CollectorTokenRecord>,
        record: Option<CollectorRecord>,
    ) -> Result<(), StoreError>;

    /// All enrolment tokens, ended ones included.
    async fn load_enrollments(&self) -> Result<Vec<EnrollmentRecord>, StoreError>;

    /// Adds an enrolment token.
    async fn create_enrollment(&self, record: EnrollmentRecord) -> Result<(), StoreError>;

    /// Marks an enrolment token as deleted; removes it when nobody redeemed it. `false` when there is none.
    async fn delete_enrollment(&self, id: TokenId) -> Result<bool, StoreError>;

    /// Counts one use and creates the collector and its token, in one transaction: of two that redeem a single-use token
    /// at once, one gets [`RedeemError::Used`].
    ///
    /// A process that redeemed the token before, by its instance uid, gets the collector that it was (deregistered or
    /// not) for as long as that is stored, even when the token has ended: nothing is counted or written.
    async fn redeem(&self, redemption: Redemption) -> Result<Redeemed, RedeemError>;

    /// Removes enrolment tokens that ended before `ended_before` and that no registered collector comes back with.
    /// Answers their ids.
    async fn prune_enrollments(&self, ended_before: Timestamp) -> Result<Vec<TokenId>, StoreError>;
}
