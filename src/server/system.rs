//! The system's clock and randomness, behind the ports of the rules.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use linkmesh_actors::ports::{Clock, Entropy};
use linkmesh_proto::Timestamp;

/// The machine's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is no clock; the epoch is as good as any wrong time.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            // Going on would mean tokens that can be guessed. On a system that runs this never happens.
            tracing::error!(%error, "the operating system gives no random bytes");
            std::process::abort();
        }
    }
}
