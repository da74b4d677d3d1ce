//! Blocking work on named threads with bounded queues: redb, libgit2, password hashing.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

use super::{ActorCounters, supervise::panic_message};

/// Why a worker did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    /// Too much waits already; it was counted.
    #[error("the worker's queue is full")]
    Full,
    /// The deadline passed. The work goes on and its result is dropped.
    #[error("no answer within the deadline")]
    Deadline,
    /// The work panicked; the worker's state was rebuilt.
    #[error("the work panicked")]
    Panicked,
    /// What the worker owns cannot be built at the moment.
    #[error("what the worker owns cannot be opened")]
    NotBuilt,
    /// The worker was stopped.
    #[error("the worker was stopped")]
    Stopped,
}

impl WorkerError {
    /// A stable code for problem documents and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Full => "overloaded",
            Self::Deadline => "deadline_exceeded",
            Self::Panicked => "internal",
            Self::NotBuilt | Self::Stopped => "unavailable",
        }
    }
}

type Job<T> = Box<dyn FnOnce(Result<&mut T, WorkerError>) + Send>;

enum Order<T> {
    Work(Job<T>),
    Stop(oneshot::Sender<()>),
}

/// A thread that owns a value which may only be used there and which blocks. Cloning shares the thread.
///
/// Work is done in the order in which it was given. After a panic the value is dropped and built again. The thread
/// ends when the last clone is gone.
pub struct Worker<T> {
    orders: SyncSender<Order<T>>,
    counters: Arc<ActorCounters>,
}

impl<T> Clone for Worker<T> {
    fn clone(&self) -> Self {
        Self { orders: self.orders.clone(), counters: Arc::clone(&self.counters) }
    }
}

impl<T> std::fmt::Debug for Worker<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Worker").field(&self.counters.name).finish()
    }
}

impl<T: 'static> Worker<T> {
    /// Starts the thread and builds its value there. `capacity` pieces of work may wait.
    ///
    /// # Errors
    /// When the thread cannot be started. A failure of `build` is logged, met with [`WorkerError::NotBuilt`], and
    /// tried again with the next piece of work.
    pub fn spawn<E: std::fmt::Display>(
        counters: Arc<ActorCounters>,
        capacity: usize,
        mut build: impl FnMut() -> Result<T, E> + Send + 'static,
    ) -> std::io::Result<Self> {
        let (orders, queue) = sync_channel(capacity);
        let on_thread = Arc::clone(&counters);
        thread::Builder::new().name(counters.name.to_owned()).spawn(move || {
            let mut value = None;
            let mut stopped = None;
            while let Ok(order) = queue.recv() {
                let work = match order {
                    Order::Work(work) => work,
                    Order::Stop(done) => {
                        stopped = Some(done);
                        break;
                    }
                };
                // Unwind safety: after a panic the value is dropped and built again.
                let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
                    if value.is_none() {
                        match build() {
                            Ok(built) => value = Some(built),
                            Err(error) => {
                                tracing::error!(worker = on_thread.name, %error, "worker cannot open its value");
                            }
                        }
                    }
                    work(value.as_mut().ok_or(WorkerError::NotBuilt));
                }));
                if let Err(panic) = outcome {
                    tracing::error!(worker = on_thread.name, panic = %panic_message(&*panic), "worker panicked");
                    on_thread.restarts.increment();
                    value = None;
                }
            }
            // In this order: who hears of the stop finds nothing open, and can give no more work.
            drop(value);
            for late in queue.try_iter() {
                if let Order::Work(work) = late {
                    work(Err(WorkerError::Stopped));
                }
            }
            drop(queue);
            if let Some(done) = stopped {
                // Nobody may be waiting any more.
                let _ = done.send(());
            }
        })?;
        Ok(Self { orders, counters })
    }

    /// Has `work` done on the thread and waits for its result, at most for `deadline`.
    ///
    /// # Errors
    /// See [`WorkerError`].
    pub async fn call<R: Send + 'static>(
        &self,
        deadline: Duration,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, WorkerError> {
        let (answer, answered) = oneshot::channel();
        let job: Job<T> = Box::new(move |value| {
            // Who gave up waiting does not want it done any more.
            if !answer.is_closed() {
                let _ = answer.send(value.map(work));
            }
        });
        self.give(Order::Work(job))?;
        match tokio::time::timeout(deadline, answered).await {
            Ok(Ok(result)) => result,
            // The sender was dropped while unwinding.
            Ok(Err(_)) => Err(WorkerError::Panicked),
            Err(_) => Err(WorkerError::Deadline),
        }
    }

    /// Ends the thread after what was given before, and waits until its value is dropped.
    ///
    /// # Errors
    /// [`WorkerError::Full`] or [`WorkerError::Stopped`]; [`WorkerError::Deadline`] when it takes longer.
    pub async fn stop(&self, deadline: Duration) -> Result<(), WorkerError> {
        let (done, stopped) = oneshot::channel();
        self.give(Order::Stop(done))?;
        match tokio::time::timeout(deadline, stopped).await {
            Ok(_) => Ok(()),
            Err(_) => Err(WorkerError::Deadline),
        }
    }

    fn give(&self, order: Order<T>) -> Result<(), WorkerError> {
        self.orders.try_send(order).map_err(|error| match error {
            TrySendError::Full(_) => {
                self.counters.mailbox_full.increment();
                WorkerError::Full
            }
            TrySendError::Disconnected(_) => WorkerError::Stopped,
        })
    }
}

/// A thread that is given commands and takes all that wait at once: group commit.
///
/// While one batch is being written the next gathers, so the batches grow with the load and a lone command never waits.
#[derive(Debug)]
pub struct BatchWorker<C> {
    commands: SyncSender<C>,
    counters: Arc<ActorCounters>,
}

impl<C> Clone for BatchWorker<C> {
    fn clone(&self) -> Self {
        Self { commands: self.commands.clone(), counters: Arc::clone(&self.counters) }
    }
}

impl<C: Send + 'static> BatchWorker<C> {
    /// Starts the thread. `handler` is built there and gets batches of 1 to `max_batch` commands; when it panics it is
    /// built again, and the batch is lost (its callers see their reply channels dropped).
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn spawn<H: FnMut(Vec<C>)>(
        counters: Arc<ActorCounters>,
        capacity: usize,
        max_batch: usize,
        mut build: impl FnMut() -> H + Send + 'static,
    ) -> std::io::Result<Self> {
        let (commands, queue) = sync_channel(capacity);
        let on_thread = Arc::clone(&counters);
        thread::Builder::new().name(counters.name.to_owned()).spawn(move || {
            let mut handler = None;
            while let Some(batch) = next_batch(&queue, max_batch) {
                // Unwind safety: after a panic the handler is dropped and built again.
                let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
                    handler.get_or_insert_with(&mut build)(batch);
                }));
                if let Err(panic) = outcome {
                    tracing::error!(worker = on_thread.name, panic = %panic_message(&*panic), "worker panicked");
                    on_thread.restarts.increment();
                    handler = None;
                }
            }
        })?;
        Ok(Self { commands, counters })
    }

    /// Gives a command to the thread without waiting for anything.
    ///
    /// # Errors
    /// [`WorkerError::Full`] (counted) or [`WorkerError::Stopped`].
    pub fn give(&self, command: C) -> Result<(), WorkerError> {
        self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => {
                self.counters.mailbox_full.increment();
                WorkerError::Full
            }
            TrySendError::Disconnected(_) => WorkerError::Stopped,
        })
    }
}

/// Waits for a command and takes what waits behind it.
fn next_batch<C>(queue: &Receiver<C>, max_batch: usize) -> Option<Vec<C>> {
    let first = queue.recv().ok()?;
    let mut batch = vec![first];
    while batch.len() < max_batch
        && let Ok(command) = queue.try_recv()
    {
        batch.push(command);
    }
    Some(batch)
}

#[cfg(test)]
mod tests;
