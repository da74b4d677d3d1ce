//! Enrolment tokens in memory, so that a peer is judged before its upgrade without touching a disk.

use std::{collections::HashMap, sync::Arc, time::Duration};

use dashmap::DashMap;
use linkmesh_proto::{CollectorId, InstanceUid, Timestamp, TokenId, api::collector::Runtime};
use parking_lot::Mutex;

use super::AdmitError;
use crate::{
    domain::standing::Now,
    ports::{EnrollmentRecord, RedeemError},
    token::TokenHash,
};

/// How long an address is refused with a token that was turned down for it.
const REFUSE_FOR: Duration = Duration::from_secs(300);
/// Refusals that are remembered. Beyond it strangers keep an idle socket, which hurts nobody.
const MAX_REFUSED: usize = 10_000;

/// How many processes can redeem tokens at once; others wait for their turn.
const TURNS: usize = 64;

/// Enrolment tokens in memory.
pub(crate) struct Enrollments {
    by_hash: DashMap<TokenHash, EnrollmentRecord>,
    /// Until when a token is refused from an address.
    refused: Mutex<HashMap<(TokenHash, Arc<str>), Duration>>,
    turns: [tokio::sync::Mutex<()>; TURNS],
    /// How many sockets have come with a token and are not known yet.
    waiting: Arc<Mutex<HashMap<TokenHash, usize>>>,
}

/// The place of a socket whose process is not known yet. Given back when dropped.
pub(crate) struct Waiting {
    all: Arc<Mutex<HashMap<TokenHash, usize>>>,
    hash: TokenHash,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        if let Some(count) = all.get_mut(&self.hash) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.hash);
            }
        }
    }
}

impl Default for Enrollments {
    fn default() -> Self {
        let turns = std::array::from_fn(|_| tokio::sync::Mutex::default());
        Self { by_hash: DashMap::default(), refused: Mutex::default(), turns, waiting: Arc::default() }
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

    /// A place for a socket that came with this token; `None` when `most` of them wait already. Without a bound one token
    /// could take the places of all.
    pub(crate) fn wait(&self, hash: TokenHash, most: usize) -> Option<Waiting> {
        let mut all = self.waiting.lock();
        let count = all.entry(hash).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Waiting { all: Arc::clone(&self.waiting), hash })
    }

    pub(crate) fn remove(&self, id: TokenId) {
        self.by_hash.retain(|_, record| record.id != id);
    }

    pub(crate) fn by_id(&self, id: TokenId) -> Option<EnrollmentRecord> {
        self.by_hash.iter().find(|record| record.id == id).map(|record| record.clone())
    }

    pub(crate) fn knows(&self, hash: &TokenHash) -> bool {
        self.by_hash.contains_key(hash)
    }

    pub(crate) fn is_open(&self, hash: &TokenHash, now: Timestamp) -> bool {
        self.by_hash.get(hash).is_some_and(|record| is_open(&record, now))
    }

    /// Whether the store, which has the last word, may let this token be redeemed.
    pub(crate) fn redeemable(&self, hash: &TokenHash, by: Runtime, now: Timestamp) -> Result<(), RedeemError> {
        let record = self.by_hash.get(hash).ok_or(RedeemError::Unknown)?;
        if record.runtime.is_some_and(|runtime| runtime != by) {
            return Err(RedeemError::WrongRuntime);
        }
        if record.used >= record.uses {
            return Err(RedeemError::Used);
        }
        if is_open(&record, now) { Ok(()) } else { Err(RedeemError::Expired) }
    }

    /// Tokens that can still be redeemed, newest first.
    pub(crate) fn open(&self, now: Timestamp) -> Vec<EnrollmentRecord> {
        let mut open: Vec<_> =
            self.by_hash.iter().filter(|record| is_open(record, now)).map(|record| record.clone()).collect();
        open.sort_unstable_by_key(|record| std::cmp::Reverse((record.created_at, record.id)));
        open
    }

    /// Whether a supervisor may come in with this token; which process it is, only its first message tells.
    ///
    /// A token that was turned down for an address is refused from there only while everybody who redeemed it `is_inside`:
    /// else it may be one of them who comes back, and many hosts share an address.
    pub(crate) fn admit(
        &self,
        hash: &TokenHash,
        address: Option<&Arc<str>>,
        now: Now,
        is_inside: impl Fn(CollectorId) -> bool,
    ) -> Result<(), AdmitError> {
        let record = self.by_hash.get(hash).ok_or(AdmitError::Unknown)?;
        if record.runtime.is_some_and(|runtime| runtime != Runtime::Otelcol) {
            return Err(AdmitError::WrongKind);
        }
        if is_open(&record, now.at) {
            return Ok(());
        }
        let is_refused = address.is_some_and(|address| self.is_refused(*hash, address, now.monotonic));
        // Of nobody everybody is inside: a token that ended before it was redeemed opens nothing.
        let may_come_back = !record.redeemed_by.is_empty() && !is_refused
            || record.redeemed_by.iter().any(|(_, collector)| !is_inside(*collector));
        if may_come_back { Ok(()) } else { Err(AdmitError::Spent) }
    }

    /// The collector that this process became when it redeemed the token before.
    pub(crate) fn redeemed(&self, hash: &TokenHash, uid: InstanceUid) -> Option<CollectorId> {
        let record = self.by_hash.get(hash)?;
        record.redeemed_by.iter().find(|(by, _)| *by == uid).map(|(_, collector)| *collector)
    }

    /// Remembers that a token was turned down for an address.
    pub(crate) fn refuse(&self, hash: TokenHash, address: Option<&Arc<str>>, now: Duration) {
        let Some(address) = address else { return };
        let mut refused = self.refused.lock();
        if refused.len() >= MAX_REFUSED {
            refused.retain(|_, until| now < *until);
        }
        if refused.len() < MAX_REFUSED {
            refused.insert((hash, Arc::clone(address)), now + REFUSE_FOR);
        }
    }

    fn is_refused(&self, hash: TokenHash, address: &Arc<str>, now: Duration) -> bool {
        self.refused.lock().get(&(hash, Arc::clone(address))).is_some_and(|until| now < *until)
    }
}

fn is_open(record: &EnrollmentRecord, now: Timestamp) -> bool {
    !record.deleted && now < record.expires_at && record.used < record.uses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_bounded_and_room_comes_back_with_time() {
        let enrollments = Enrollments::default();
        let hash = TokenHash::of("lmet_spent");
        let address = |number: usize| Arc::<str>::from(format!("2001:db8::{number:x}"));
        let start = Duration::from_secs(1000);
        for number in 0..MAX_REFUSED * 2 {
            enrollments.refuse(hash, Some(&address(number)), start);
        }
        assert_eq!(enrollments.refused.lock().len(), MAX_REFUSED);
        assert!(enrollments.is_refused(hash, &address(0), start));

        let later = start + REFUSE_FOR;
        enrollments.refuse(hash, Some(&address(MAX_REFUSED * 2)), later);
        assert_eq!(enrollments.refused.lock().len(), 1, "what has ended makes room");
        assert!(!enrollments.is_refused(hash, &address(0), later));
    }
}
