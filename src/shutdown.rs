//! Stopping in phases, each with a bound.
//!
//! 1. `readyz` says no, and nothing new is accepted.
//! 2. OpAMP sessions are told to go (1001) and streams end.
//! 3. Requests that run are waited for.
//! 4. Actors write what only memory holds, stores are closed.
//! 5. The process ends.
//!
//! Agents dial again at once after a close, and find a closed port until the next server listens; so sessions are told
//! only when nothing is accepted any more.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGTERM or SIGINT and answers its name.
///
/// # Errors
/// When signals cannot be listened for.
pub async fn signalled() -> std::io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

/// Runs one phase of stopping for at most `bound`. Answers whether it finished.
pub async fn phase(name: &str, bound: Duration, work: impl Future<Output = ()>) -> bool {
    let finished = tokio::time::timeout(bound, work).await.is_ok();
    if finished {
        tracing::debug!(phase = name, "stopping");
    } else {
        tracing::warn!(phase = name, bound_s = bound.as_secs(), "stopping goes on without waiting any longer");
    }
    finished
}
