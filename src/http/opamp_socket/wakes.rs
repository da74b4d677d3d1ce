//! Wakes of a thread's sockets, by other threads above all.
//!
//! tokio's `LocalSet` serves a task that another thread woke when none of its own waits, and else every 31st time. While
//! a save goes out, what the first agents say of it keeps the thread busy, and the offers of the others would wait for
//! all of that. So they are noted here: one wake is for everything that was noted, and puts each socket into the
//! thread's own queue, where it has its turn.

use std::{
    cell::RefCell,
    future::poll_fn,
    sync::{Arc, Weak},
    task::{Poll, Waker},
};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

/// The wakes that one thread is yet to see to.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    noted: Mutex<Vec<Waker>>,
    runner: AtomicWaker,
}

thread_local! {
    // The task that sees to them holds them, and nobody else: they are gone when the thread's event loop is.
    static OF_THIS_THREAD: RefCell<Weak<Wakes>> = const { RefCell::new(Weak::new()) };
}

impl Wakes {
    /// Those of this thread, which must run an actix system.
    pub(super) fn of_this_thread() -> Weak<Self> {
        OF_THIS_THREAD.with_borrow_mut(|known| {
            if known.strong_count() == 0 {
                let fresh = Arc::new(Self::default());
                *known = Arc::downgrade(&fresh);
                actix_rt::spawn(fresh.run());
            }
            known.clone()
        })
    }

    /// Wakes a task of the thread, from any thread.
    pub(super) fn note(&self, waker: Waker) {
        let is_first = {
            let mut noted = self.noted.lock();
            noted.push(waker);
            noted.len() == 1
        };
        if is_first {
            self.runner.wake();
        }
    }

    async fn run(self: Arc<Self>) {
        poll_fn::<(), _>(|cx| {
            self.runner.register(cx.waker());
            let noted = std::mem::take(&mut *self.noted.lock());
            for waker in noted {
                waker.wake();
            }
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc, thread};

    use futures_util::StreamExt;
    use linkmesh_actors::ports::Transport;

    use super::super::outgoing::{OutgoingQueue, OutgoingStream};

    #[actix_web::test]
    async fn sockets_filled_by_another_thread_have_their_turn_on_a_busy_one() {
        const SOCKETS: usize = 200;
        let waiting = Rc::new(Cell::new(0));
        let queues: Vec<_> = (0..SOCKETS).map(|_| OutgoingQueue::new(1 << 20)).collect();
        let drained: Vec<_> = queues
            .iter()
            .map(|queue| {
                queue.settle_here();
                let (mut stream, waiting) = (OutgoingStream::new(queue.clone(), || true), waiting.clone());
                actix_rt::spawn(async move {
                    waiting.set(waiting.get() + 1);
                    stream.next().await
                })
            })
            .collect();
        while waiting.get() < SOCKETS {
            tokio::task::yield_now().await;
        }
        let turns = Rc::new(Cell::new(0));
        let counted = turns.clone();
        // Always ready again, as a thread is that thousands of agents speak to.
        let busy = actix_rt::spawn(std::future::poll_fn::<(), _>(move |cx| {
            counted.set(counted.get() + 1);
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        }));

        thread::spawn(move || queues.iter().for_each(|queue| queue.ping())).join().unwrap();
        for outgoing in drained {
            assert!(outgoing.await.unwrap().is_some());
        }
        busy.abort();
        assert!(turns.get() < SOCKETS, "the thread took {} turns of its own meanwhile", turns.get());
    }
}
