//! Starts servers and speaks to them as their clients do.

pub(crate) mod agent;
pub(crate) mod alloy;
pub(crate) mod disk;
pub(crate) mod server;
pub(crate) mod tls;

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// How long anything may take that is waited for. Generous: on a busy machine a test is to be slow, not red. A peer whose
/// goodbye was lost is gone after 90 s of silence.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);

/// What a look at something saw: `Some` or `Ok` when it is as it should be, else what was there, for the message of the
/// test that waits in vain.
pub(crate) trait Seen {
    type Found;
    fn seen(self) -> Result<Self::Found, String>;
}

impl<T> Seen for Option<T> {
    type Found = T;

    fn seen(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing".to_owned())
    }
}

impl<T> Seen for Result<T, String> {
    type Found = T;

    fn seen(self) -> Self {
        self
    }
}

/// Looks again and again until what is seen is as it should be, and fails the test when it never is.
pub(crate) async fn wait_for<S, F>(what: &str, mut look: impl FnMut() -> F) -> S::Found
where
    S: Seen,
    F: Future<Output = S>,
{
    let deadline = Instant::now() + PATIENCE;
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match look().await.seen() {
            Ok(found) => return found,
            Err(seen) => assert!(Instant::now() < deadline, "waited in vain for {what}; last seen: {seen}"),
        }
    }
}

/// Fails the test when `work` takes too long.
pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
