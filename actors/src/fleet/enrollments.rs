//! Enrolment tokens in memory, so that a peer is judged before its upgrade without touching a disk.

use std::{sync::Arc, time::Duration};

use dashmap::DashMap;
use linkmesh_proto::{CollectorId, InstanceUid, Timestamp, TokenId, api::collector::Runtime};

use super::AdmitError;
use crate::{ports::EnrollmentRecord, token::TokenHash};

/// How long an address is refused with a token that was turned down for it.
const REFUSE_FOR: Duration = Duration::from_secs(300);
/// Refusals that are remembered; beyond it the old ones go.
const MAX_REFUSED: usize = 10_000;

/// How many processes can redeem tokens at once; others wait for their turn.
const TURNS: usize = 64;

/// Enrolment tokens in memory.
pub(crate) struct Enrollments {
    by_hash: DashMap<TokenHash, EnrollmentRecord>,
    refused: DashMap<(TokenHash, Arc<str>), Duration>,
    turns: [tokio::sync::Mutex<()>; TURNS],
}

impl Default for Enrollments {
    fn default() -> Self {
        let turns = std::array::from_fn(|_| tokio::sync::Mutex::default());
        Self { by_hash: DashMap::default(), refused: DashMap::default(), turns }
    }
}

impl Enrollments {
    /// Keeps a token as it was just stored. Of two that were redeemed at once the later may be told first.
    pub(crate) fn insert(&self, record: EnrollmentRecord) {
        let mut known = self.by_hash.entry(record.hash).or_insert_with(|| record.clone());
        let deleted = known.deleted || record.deleted;
        if record.used >= known.used {
            *known = record;
        }
        known.deleted = deleted;
    }

    /// Waits until nobody else enrols as this process: a client that gave up on its first message sends it again while
    /// that is still being worked on.
    pub(crate) async fn turn(&self, uid: InstanceUid) -> tokio::sync::MutexGuard<'_, ()> {
        let [.., last] = *uid.as_bytes();
        // Invariant: a remainder is below the divisor.
        self.turns[usize::from(last) % TURNS].lock().await
    }

    pub(crate) fn remove(&self, id: TokenId) {
        self.by_hash.retain(|_, record| record.id != id);
    }

    pub(crate) fn by_id(&self, id: TokenId) -> Option<EnrollmentRecord> {
        self.by_hash.iter().find(|record| record.id == id).map(|record| record.clone())
    }

    /// Tokens that can still be redeemed, newest first.
    pub(crate) fn open(&self, now: Timestamp) -> Vec<EnrollmentRecord> {
        let mut open: Vec<_> =
            self.by_hash.iter().filter(|record| is_open(record, now)).map(|record| record.clone()).collect();
        open.sort_unstable_by_key(|record| std::cmp::Reverse((record.created_at, record.id)));
        open
    }

    /// Whether a supervisor may come in with this token; which process it is, only its first message tells.
    pub(crate) fn admit(
        &self,
        hash: &TokenHash,
        address: Option<&Arc<str>>,
        at: Timestamp,
        now: Duration,
    ) -> Result<(), AdmitError> {
        let record = self.by_hash.get(hash).ok_or(AdmitError::Unknown)?;
        if record.runtime.is_some_and(|runtime| runtime != Runtime::Otelcol) {
            return Err(AdmitError::WrongKind);
        }
        if !is_open(&record, at) {
            let key = address.map(|address| (*hash, Arc::clone(address)));
            let turned_down = key.is_some_and(|key| self.refused.get(&key).is_some_and(|until| now < *until));
            if record.redeemed_by.is_empty() || turned_down {
                return Err(AdmitError::Spent);
            }
        }
        Ok(())
    }

    /// The collector that this process became when it redeemed the token before.
    pub(crate) fn redeemed(&self, hash: &TokenHash, uid: InstanceUid) -> Option<CollectorId> {
        let record = self.by_hash.get(hash)?;
        record.redeemed_by.iter().find(|(by, _)| *by == uid).map(|(_, collector)| *collector)
    }

    /// Remembers that a token was turned down for an address: the next upgrade is refused.
    pub(crate) fn refuse(&self, hash: TokenHash, address: Option<&Arc<str>>, now: Duration) {
        let Some(address) = address else { return };
        if self.refused.len() >= MAX_REFUSED {
            self.refused.retain(|_, until| now < *until);
        }
        self.refused.insert((hash, Arc::clone(address)), now + REFUSE_FOR);
    }
}

fn is_open(record: &EnrollmentRecord, now: Timestamp) -> bool {
    !record.deleted && now < record.expires_at && record.used < record.uses
}
