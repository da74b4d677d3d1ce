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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use linkmesh_proto::Timestamp;

    use super::*;

    fn taken(permits: &Permits, from_ms: u64, to_ms: u64) -> usize {
        let now = |ms| Now { at: Timestamp::from_millis(0), monotonic: Duration::from_millis(ms) };
        (from_ms..to_ms).filter(|ms| permits.take(now(*ms))).count()
    }

    #[test]
    fn so_many_are_given_in_a_second_and_none_is_saved_up() {
        let permits = Permits::per_second(100);
        let first = taken(&permits, 0, 1000);
        assert!((100..=111).contains(&first), "{first}");
        let second = taken(&permits, 1000, 2000);
        assert!((99..=101).contains(&second), "{second}");
        let after_an_hour = taken(&permits, 3_600_000, 3_601_000);
        assert!((100..=111).contains(&after_an_hour), "{after_an_hour}");
    }

    #[test]
    fn one_a_second_is_the_least() {
        let permits = Permits::per_second(0);
        assert!(taken(&permits, 0, 10) >= 1);
    }
}
