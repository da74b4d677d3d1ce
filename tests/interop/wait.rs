//! Waiting for a condition, with a deadline and with what was seen last.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};

/// Long enough for a busy machine; a test that gets there has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

/// Looks again and again until `look` is content.
///
/// # Panics
/// After [`LIMIT`], with what `look` saw last.
pub(crate) async fn wait_for<T, F, R>(what: &str, mut look: F) -> T
where
    F: FnMut() -> R,
    R: Future<Output = Result<T, String>>,
{
    let end = Instant::now() + LIMIT;
    let mut ticks = interval(Duration::from_millis(50));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match look().await {
            Ok(found) => return found,
            Err(seen) => assert!(Instant::now() < end, "waited in vain for {what}; last seen: {seen}"),
        }
    }
}
