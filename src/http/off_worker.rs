//! Work that would take a worker too long: each serves thousands of connections, and looks at none of them meanwhile.

use std::{num::NonZero, sync::LazyLock, thread::available_parallelism};

use actix_web::web;
use tokio::sync::Semaphore;

/// What a collector sent is decoded where it was read up to so many bytes: of whatever parts, less than two milliseconds'
/// work. Heartbeats and polls are far smaller.
pub(super) const DONE_HERE: usize = 8 << 10;

/// So much is done at once as there are cores for; the rest waits in the order in which it came, and takes no thread. With
/// a thread for each, workers would have to share the cores with hundreds of them.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get)));

/// Does it on a thread for such work; `None` when that panicked.
pub(super) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let place = PLACES.acquire().await.ok()?;
    web::block(move || {
        let done = work();
        drop(place);
        done
    })
    .await
    .ok()
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, future::join_all};

    use super::*;

    #[actix_web::test]
    async fn work_that_panics_is_none_and_gives_its_place_back() {
        for _ in 0..64 {
            assert_eq!(run(|| -> u8 { panic!("of this test") }).await, None);
        }
        assert_eq!(run(|| 7).await, Some(7));
    }

    #[actix_web::test]
    async fn what_finds_no_place_waits_and_is_done() {
        let places = PLACES.acquire_many(u32::try_from(PLACES.available_permits()).unwrap()).await.unwrap();
        let mut waiting: Vec<_> = (0..100).map(|n| Box::pin(run(move || n))).collect();
        assert!(waiting.iter_mut().all(|work| work.now_or_never().is_none()));
        drop(places);
        assert_eq!(join_all(waiting).await, (0..100).map(Some).collect::<Vec<_>>());
    }
}
