//! What messages that have not come to their end may hold of memory, all peers together.
//!
//! Each message has a limit of its own, and there may be tens of thousands of peers: without this their product would
//! be the limit of the server.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Of each message so much is free: the small ones that nearly all are cost no counting.
const FREE: usize = 64 << 10;

/// How much there is to hold unless somebody says otherwise.
pub const DEFAULT_MAX_UNFINISHED: usize = 256 << 20;

/// How much there is to hold.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    held: AtomicUsize,
}

/// The peers hold so much already that this one must come back later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unfinished messages hold all the memory that there is for them")]
pub struct Exhausted;

impl Budget {
    /// Of so many bytes.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, held: AtomicUsize::new(0) })
    }

    /// What one message holds: nothing yet.
    #[must_use]
    pub fn share(self: &Arc<Self>) -> Share {
        Share { budget: Arc::clone(self), held: 0 }
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
        let needed = bytes.saturating_sub(FREE);
        if needed > self.held {
            let more = needed - self.held;
            // Taken first and looked at then: of two that take the last at once, one gets it at most.
            let before = self.budget.held.fetch_add(more, Ordering::Relaxed);
            if before.saturating_add(more) > self.budget.most {
                self.budget.held.fetch_sub(more, Ordering::Relaxed);
                return Err(Exhausted);
            }
        } else if needed < self.held {
            self.budget.held.fetch_sub(self.held - needed, Ordering::Relaxed);
        }
        self.held = needed;
        Ok(())
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
        assert_eq!(one.resize(FREE), Ok(()));
        assert_eq!(budget.held.load(Ordering::Relaxed), 0, "small messages are free");
        assert_eq!(one.resize(FREE + 700), Ok(()));
        assert_eq!(other.resize(FREE + 301), Err(Exhausted));
        assert_eq!(other.resize(FREE + 300), Ok(()));
        assert_eq!(one.resize(FREE + 100), Ok(()), "it may shrink");
        assert_eq!(other.resize(FREE + 900), Ok(()));
        drop(one);
        assert_eq!(other.resize(FREE + 1000), Ok(()));
        drop(other);
        assert_eq!(budget.held.load(Ordering::Relaxed), 0);
    }
}
