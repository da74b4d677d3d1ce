//! The threads that actors live on.

use std::sync::atomic::{AtomicUsize, Ordering};

use actix_rt::{Arbiter, ArbiterHandle};

/// A fixed set of arbiters, each a thread with its own event loop: one for each core, and one for the singletons.
///
/// An actor stays on the arbiter that it was started on, and its messages are handled there one after the other.
#[derive(Debug)]
pub struct Pool {
    hub: ArbiterHandle,
    arbiters: Vec<ArbiterHandle>,
    next: AtomicUsize,
}

impl Pool {
    /// Starts this many arbiters; at least one. Must be called within an actix system.
    #[must_use]
    pub fn start(threads: usize) -> Self {
        let arbiters = (0..threads.max(1)).map(|_| Arbiter::new().handle()).collect();
        Self { hub: Arbiter::new().handle(), arbiters, next: AtomicUsize::new(0) }
    }

    /// The thread of the singletons, apart from the collectors', so that a burst of messages does not delay a save.
    #[must_use]
    pub fn hub(&self) -> &ArbiterHandle {
        &self.hub
    }

    /// An arbiter for a collector, each in turn.
    #[must_use]
    pub fn next(&self) -> ArbiterHandle {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        // Invariant: there is at least one arbiter, so the index is in range.
        self.arbiters[turn % self.arbiters.len()].clone()
    }

    /// Ends every arbiter after what it is doing now.
    pub fn stop(&self) {
        for arbiter in self.arbiters.iter().chain([&self.hub]) {
            arbiter.stop();
        }
    }
}
