//! What messages that have not come to their end may hold of memory, all peers together.
//!
//! Each message has a limit of its own, and there may be tens of thousands of peers: without this their product would
//! be the limit of the server. All that waits is counted. A message that comes whole in one read, as nearly all do, never
//! waits.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use linkmesh_actors::runtime::Counter;

/// So long a message is small.
const SMALL: usize = 64 << 10;

/// How much there is to hold unless somebody says otherwise.
pub const DEFAULT_MAX_UNFINISHED: usize = 256 << 20;

/// How much there is to hold. A quarter is for small messages alone: a few large ones leave heartbeats and polls a way.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    held: AtomicUsize,
    /// Messages that found no room.
    pub refused: Counter,
}

/// The peers hold so much already that this one must come back later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unfinished messages hold all the memory that there is for them")]
pub struct Exhausted;

impl Budget {
    /// Of so many bytes.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, held: AtomicUsize::new(0), refused: Counter::default() })
    }

    /// What one message holds: nothing yet.
    #[must_use]
    pub fn share(self: &Arc<Self>) -> Share {
        Share { budget: Arc::clone(self), held: 0 }
    }

    /// What is held now, in bytes.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn most_for(&self, bytes: usize) -> usize {
        if bytes > SMALL { self.most - self.most / 4 } else { self.most }
    }
}

/// What one message holds. Given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    held: usize,
}

impl Share {
    /// The message is so long by now.
    ///
    /// # Errors
    /// [`Exhausted`] when there is not so much; the share stays as it was.
    pub fn resize(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let budget = &self.budget;
        if bytes > self.held {
            let more = bytes - self.held;
            // Taken first and looked at then: of two that take the last at once, one gets it at most.
            let before = budget.held.fetch_add(more, Ordering::Relaxed);
            if before.saturating_add(more) > budget.most_for(bytes) {
                budget.held.fetch_sub(more, Ordering::Relaxed);
                budget.refused.increment();
                return Err(Exhausted);
            }
        } else if bytes < self.held {
            budget.held.fetch_sub(self.held - bytes, Ordering::Relaxed);
        }
        self.held = bytes;
        Ok(())
    }
}

impl Share {
    /// It is so long by now, whether there is room for it or not: of what cannot be refused any more.
    pub fn hold(&mut self, bytes: usize) {
        let held = &self.budget.held;
        held.fetch_add(bytes, Ordering::Relaxed);
        held.fetch_sub(self.held, Ordering::Relaxed);
        self.held = bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.held > 0 {
            self.budget.held.fetch_sub(self.held, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_shared_and_comes_back() {
        let budget = Budget::new(1000);
        let (mut one, mut other) = (budget.share(), budget.share());
        assert_eq!(one.resize(700), Ok(()));
        assert_eq!(other.resize(301), Err(Exhausted));
        assert_eq!((budget.held(), budget.refused.get()), (700, 1));
        assert_eq!(other.resize(300), Ok(()));
        assert_eq!(one.resize(100), Ok(()), "it may shrink");
        assert_eq!(other.resize(900), Ok(()));
        drop(one);
        assert_eq!(other.resize(1000), Ok(()));
        drop(other);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn large_messages_leave_room_for_small_ones() {
        let budget = Budget::new(4 << 20);
        let (mut large, mut small) = (budget.share(), budget.share());
        assert_eq!(large.resize((3 << 20) + 1), Err(Exhausted));
        assert_eq!(large.resize(3 << 20), Ok(()));
        assert_eq!(small.resize(SMALL), Ok(()));
        assert_eq!(small.resize(SMALL + 1), Err(Exhausted), "it is small no more");
        let mut more: Vec<_> = (0..15).map(|_| budget.share()).collect();
        assert!(more.iter_mut().all(|share| share.resize(SMALL).is_ok()));
        assert_eq!(budget.share().resize(1), Err(Exhausted), "a million small ones are as much as a large one");
    }
}
