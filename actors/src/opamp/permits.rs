//! A rate limit for the whole fleet.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::standing::Now;

/// Lets a number of things happen in a second, with a burst of a tenth of a second's worth, whoever asks.
///
/// One integer, taken by compare-and-swap from any thread (generic cell rate algorithm). After a start the full state
/// of a fleet is asked for at 100 agents a second: each answer is 6 to 10 KB.
#[derive(Debug)]
pub struct Permits {
    interval_us: u64,
    burst_us: u64,
    next_us: AtomicU64,
}

impl Permits {
    /// This many in a second; at least one.
    #[must_use]
    pub fn per_second(count: u32) -> Self {
        let interval_us = 1_000_000 / u64::from(count.max(1));
        Self { interval_us, burst_us: (interval_us * 9).max(100_000), next_us: AtomicU64::new(0) }
    }

    /// Takes one, when there is one.
    pub fn take(&self, now: Now) -> bool {
        let now_us = u64::try_from(now.monotonic.as_micros()).unwrap_or(u64::MAX);
        self.next_us
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |next| {
                let next = next.max(now_us);
                (next - now_us <= self.burst_us).then(|| next.saturating_add(self.interval_us))
            })
            .is_ok()
    }
}
