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

/// How long anything may take that is waited for. Generous: on a busy machine a test is to be slow, not red.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until `probe` gives a value, and fails the test when it never does.
pub(crate) async fn wait_for<T, F>(what: &str, mut probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Fails the test when `work` takes too long.
pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
