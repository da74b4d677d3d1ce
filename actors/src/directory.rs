//! Who is there: the collectors in memory, readable from any thread without waking an actor.
//!
//! The directory is a concurrent index, not an actor: lists, polls, token checks and the page's rows read it while
//! actors write it. Each collector has one [`Slot`] for as long as it is known.

mod listing;
mod slot;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use dashmap::DashMap;
use linkmesh_proto::{CollectorId, Timestamp};

pub(crate) use listing::{Listing, parse_matchers};
pub(crate) use slot::{Connection, Fast, Mailbox, Share};
pub use slot::{Place, Slot, Text};

use crate::{ports::CollectorTokenRecord, token::TokenHash};

/// A collector's token, as it is looked up.
#[derive(Debug, Clone)]
pub struct KnownToken {
    /// Whose it is.
    pub slot: Arc<Slot>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// Replaced by a newer one.
    pub previous: bool,
    /// When it ends.
    pub ends_at: Option<Timestamp>,
    /// Issued to be offered to a supervisor that dialled with an enrolment token.
    pub offered: bool,
}

impl KnownToken {
    /// A token as it is stored.
    pub(crate) fn new(slot: Arc<Slot>, record: &CollectorTokenRecord) -> Self {
        let CollectorTokenRecord { created_at, previous, ends_at, offered, .. } = *record;
        Self { slot, created_at, previous, ends_at, offered }
    }

    /// What is stored of it.
    pub(crate) fn record(&self, hash: TokenHash) -> CollectorTokenRecord {
        let Self { slot, created_at, previous, ends_at, offered } = self;
        CollectorTokenRecord {
            hash,
            collector: slot.id(),
            created_at: *created_at,
            previous: *previous,
            ends_at: *ends_at,
            offered: *offered,
        }
    }
}

/// Who is there.
#[derive(Debug, Default)]
pub struct Directory {
    slots: DashMap<CollectorId, Arc<Slot>>,
    tokens: DashMap<TokenHash, KnownToken>,
    by_collector: DashMap<CollectorId, Vec<TokenHash>>,
    /// Counts changes to what checks of documents look at, of all collectors.
    facts_changed: Arc<AtomicU64>,
}

impl Directory {
    /// The collector with this id, deregistered ones included.
    #[must_use]
    pub fn slot(&self, id: CollectorId) -> Option<Arc<Slot>> {
        self.slots.get(&id).map(|slot| Arc::clone(&slot))
    }

    /// Whose token this is. `None` when nobody's, or when it has ended.
    #[must_use]
    pub fn by_token(&self, hash: &TokenHash, now: Timestamp) -> Option<KnownToken> {
        let known = self.tokens.get(hash)?;
        known.ends_at.is_none_or(|ends_at| now < ends_at).then(|| known.clone())
    }

    /// Adds a collector, or answers the one that is there.
    pub fn insert(&self, slot: Arc<Slot>) -> Arc<Slot> {
        // A slot is in one directory, once.
        let _ = slot.facts_changed.set(Arc::clone(&self.facts_changed));
        let kept = Arc::clone(&self.slots.entry(slot.id()).or_insert(slot));
        self.note_facts_changed();
        kept
    }

    /// Takes note that what checks of documents look at has changed: to be called when it has.
    pub(crate) fn note_facts_changed(&self) {
        self.facts_changed.fetch_add(1, Ordering::AcqRel);
    }

    /// How often that has changed.
    pub(crate) fn facts_version(&self) -> u64 {
        self.facts_changed.load(Ordering::Acquire)
    }

    /// Forgets a collector and its tokens.
    pub fn remove(&self, id: CollectorId) {
        self.slots.remove(&id);
        self.note_facts_changed();
        for hash in self.tokens_of(id) {
            self.remove_token(&hash);
        }
    }

    /// Makes a token known.
    pub fn insert_token(&self, hash: TokenHash, known: KnownToken) {
        let id = known.slot.id();
        self.tokens.insert(hash, known);
        let mut hashes = self.by_collector.entry(id).or_default();
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }

    /// Makes a token unknown: nobody gets in with it from here on.
    pub fn remove_token(&self, hash: &TokenHash) {
        let Some((_, known)) = self.tokens.remove(hash) else { return };
        let id = known.slot.id();
        if let Some(mut hashes) = self.by_collector.get_mut(&id) {
            hashes.retain(|kept| kept != hash);
        }
        self.by_collector.remove_if(&id, |_, hashes| hashes.is_empty());
    }

    /// The tokens of a collector.
    #[must_use]
    pub fn tokens_with(&self, id: CollectorId) -> Vec<(TokenHash, KnownToken)> {
        let hashes = self.by_collector.get(&id).map(|hashes| hashes.clone()).unwrap_or_default();
        hashes.into_iter().filter_map(|hash| Some((hash, self.tokens.get(&hash)?.clone()))).collect()
    }

    /// The hashes of a collector's tokens.
    #[must_use]
    pub fn tokens_of(&self, id: CollectorId) -> Vec<TokenHash> {
        self.by_collector.get(&id).map(|hashes| hashes.clone()).unwrap_or_default()
    }

    /// Whether a collector has no token beside one, as nearly all have. Cheap: asked with each poll.
    pub(crate) fn has_one_token(&self, id: CollectorId) -> bool {
        self.by_collector.get(&id).is_none_or(|hashes| hashes.len() < 2)
    }

    /// Every collector, in no order. Cheap: clones references.
    #[must_use]
    pub fn slots(&self) -> Vec<Arc<Slot>> {
        self.slots.iter().map(|entry| Arc::clone(entry.value())).collect()
    }

    /// Collectors by id, for walks that must not hold all of them.
    pub fn for_each(&self, mut visit: impl FnMut(&Arc<Slot>)) {
        for entry in &self.slots {
            visit(entry.value());
        }
    }

    /// How many collectors are known, deregistered ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no collector is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}
