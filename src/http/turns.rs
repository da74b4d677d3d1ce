//! Whose turn it is to have something large looked through: documents, sample records, configs, differences.
//!
//! Each keeps a core busy and may hold much memory, so that few go on at once. Others wait, with no more than the octets
//! that they sent, and not too many of them; who hangs up, or is told that it took too long, leaves the queue, and what
//! goes on for it ends.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::web;
use linkmesh_ottl::run::IsOver;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, ErrorCode, Result};

/// How many go on at once.
const AT_ONCE: usize = 2;
/// When to come again who finds too many waiting.
const RETRY: Duration = Duration::from_secs(2);

/// The places for one kind of work, so that who waits for one does not wait for another.
#[derive(Debug)]
pub struct Turns {
    /// Of those who are here at all.
    queue: Arc<Semaphore>,
    /// Of those whose turn it is.
    turns: Arc<Semaphore>,
    /// What is said to those who find no place.
    refusal: &'static str,
}

/// A turn, given back when it is dropped.
#[derive(Debug)]
pub struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

/// Says that nobody waits for the work any more, when it is dropped.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Turns {
    /// For so many who wait besides those whose turn it is.
    #[must_use]
    pub(super) fn new(waiting: usize, refusal: &'static str) -> Self {
        Self { queue: Arc::new(Semaphore::new(AT_ONCE + waiting)), turns: Arc::new(Semaphore::new(AT_ONCE)), refusal }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`] when too many wait already.
    pub async fn turn(&self) -> Result<Turn> {
        let place = Arc::clone(&self.queue)
            .try_acquire_owned()
            .map_err(|_| Error::new(ErrorCode::Unavailable, self.refusal).with_retry_after(RETRY))?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(Error::internal)?;
        Ok(Turn { _turn: turn, _place: place })
    }

    /// Does work when its turn has come: see [`Turn::run`].
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`] when too many wait already, and whatever the work ends with.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        time: Duration,
        work: impl FnOnce(IsOver) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.turn().await?.run(time, work).await
    }
}

impl Turn {
    /// Does work on a thread that may be held. It is told when it is over: when this time is up, or this future is dropped.
    ///
    /// # Errors
    /// Whatever the work ends with.
    pub(super) async fn run<T: Send + 'static>(
        self,
        time: Duration,
        work: impl FnOnce(IsOver) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let gone = Arc::new(AtomicBool::new(false));
        let waiting = Waiting(Arc::clone(&gone));
        let done = web::block(move || {
            let begun = Instant::now();
            let is_over = IsOver::new(move || gone.load(Ordering::Relaxed) || begun.elapsed() > time);
            // Who hung up before there was a thread for it has nothing done.
            let done = if is_over.ask() { Err(Error::internal("nobody waits for it")) } else { work(is_over) };
            drop(self);
            done
        });
        let done = done.await.map_err(Error::internal)?;
        drop(waiting);
        done
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::http::budget::Budget;

    const LONG: Duration = Duration::from_secs(3600);

    const WAITING: usize = 16;

    fn turns() -> Turns {
        Turns::new(WAITING, "of this test")
    }

    /// Work that ends when it is over, and not before.
    fn until_over(is_over: &IsOver) -> Result<()> {
        while !is_over.ask() {
            thread::yield_now();
        }
        Ok(())
    }

    #[actix_web::test]
    async fn who_finds_too_many_waiting_is_told_when_to_come_again_and_who_leaves_makes_room() {
        let places = turns();
        let others = Arc::clone(&places.turns).acquire_many_owned(2).await.unwrap();
        let budget = Budget::new(1 << 20);
        let mut waiting: Vec<_> = (0..AT_ONCE + WAITING)
            .map(|_| {
                let mut held = budget.share();
                held.resize(1000).unwrap();
                Box::pin(places.run(LONG, move |_| {
                    drop(held);
                    Ok(())
                }))
            })
            .collect();
        assert!(waiting.iter_mut().all(|one| one.now_or_never().is_none()));
        assert_eq!(budget.held(), 1000 * (AT_ONCE + WAITING), "what waits is held");
        let refused = places.run(LONG, |_| Ok(())).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Unavailable);
        waiting.pop();
        let mut next = Box::pin(places.run(LONG, |_| Ok(7)));
        assert!((&mut next).now_or_never().is_none(), "it waits in the place of who left");
        drop(waiting);
        assert_eq!(budget.held(), 0);
        drop(others);
        assert_eq!(next.await.unwrap(), 7);
    }

    #[actix_web::test]
    async fn work_ends_when_nobody_waits_for_it_and_frees_its_place() {
        let places = turns();
        for _ in 0..3 {
            let mut both: Vec<_> =
                (0..AT_ONCE).map(|_| Box::pin(places.run(LONG, |is_over| until_over(&is_over)))).collect();
            assert!(both.iter_mut().all(|one| one.now_or_never().is_none()));
            assert_eq!(places.turns.available_permits(), 0);
            drop(both);
            assert_eq!(places.run(LONG, |_| Ok(7)).await.unwrap(), 7);
        }
        let brief = turns();
        for _ in 0..2 * AT_ONCE {
            // Before it begins, or when it asks: an answer either way, and a place for the next.
            let _ = brief.run(Duration::ZERO, |is_over| until_over(&is_over)).await;
        }
    }

    #[actix_web::test]
    async fn work_that_panics_frees_its_place() {
        let places = turns();
        for _ in 0..2 * AT_ONCE {
            let failed = places.run(LONG, |_| -> Result<()> { panic!("of this test") }).await.unwrap_err();
            assert_eq!(failed.code(), ErrorCode::Internal);
        }
        assert_eq!(places.queue.available_permits(), AT_ONCE + WAITING);
    }
}
