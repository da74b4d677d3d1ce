//! The one thread that writes: many writes, one transaction, one sync, then all answers.

use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use linkmesh_actors::{ports::StoreError, runtime::Observe};
use redb::Database;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::{
    RedbOptions,
    database::{Closed, Fault, Handle},
    plan::{Changes, View, WriteView},
};

/// A batch takes no more writes in after this long, so that the first of a flood is not held up by the rest.
const GATHER: Duration = Duration::from_millis(2);

/// Whether the store takes writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreHealth {
    /// It does.
    Available,
    /// It does not, for this reason. It tries again by itself.
    Unavailable(String),
}

impl StoreHealth {
    /// Whether the store takes writes.
    #[must_use]
    pub const fn is_available(&self) -> bool {
        matches!(self, Self::Available)
    }
}

/// Counters of the writer. How long writes took is counted beside them, in [`RedbOptions::observe`].
#[derive(Debug, Default)]
pub struct StoreFigures {
    /// Transactions committed.
    pub commits: AtomicU64,
    /// Writes that were answered with success.
    pub writes: AtomicU64,
    /// Transactions that failed.
    pub failures: AtomicU64,
    /// How often the file was opened again.
    pub reopened: AtomicU64,
}

/// One write on its way.
trait Job: Send {
    /// Plans the write. A refusal is kept for the answer, with no changes; only a failing store is an error here.
    fn plan(&mut self, view: &dyn View) -> Result<Changes, Failure>;

    /// Answers. `failure` is why nothing of the batch was stored.
    fn answer(self: Box<Self>, failure: Option<&Failure>, figures: &StoreFigures, observe: &Observe);
}

enum Message {
    Write(Box<dyn Job>),
    Wake,
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// Why a whole batch was not stored.
#[derive(Debug, Clone)]
enum Failure {
    Fault(Fault),
    Closed,
    Panicked,
}

impl<E> From<E> for Failure
where
    Fault: From<E>,
{
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

impl From<Closed> for Failure {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl Failure {
    /// Finds the fault of the store in what a view answered; a record that cannot be read is not one.
    fn of(error: StoreError) -> Result<Self, StoreError> {
        match error {
            StoreError::NoSpace(source) | StoreError::Unavailable(source) => {
                Ok(source.downcast::<Fault>().map_or(Self::Closed, |fault| Self::Fault(*fault)))
            }
            refusal => Err(refusal),
        }
    }

    fn to_error(&self) -> StoreError {
        match self {
            Self::Fault(fault) => fault.clone().into(),
            Self::Closed => Closed.into(),
            Self::Panicked => StoreError::Unavailable("a write of the same transaction panicked".into()),
        }
    }
}

/// The way to the writer.
#[derive(Clone)]
pub(super) struct Sender {
    messages: mpsc::SyncSender<Message>,
    suspected: Arc<AtomicBool>,
}

impl Sender {
    /// Says that a read failed, so that the file may have to be opened again.
    pub(super) fn suspect(&self) {
        if !self.suspected.swap(true, Ordering::AcqRel) {
            // A full queue keeps the writer awake by itself.
            let _ = self.messages.try_send(Message::Wake);
        }
    }
}

/// The queue of the writing thread.
pub(super) struct Writer {
    sender: Option<Sender>,
    room: Arc<Semaphore>,
    admission: Duration,
    health: watch::Receiver<StoreHealth>,
    figures: Arc<StoreFigures>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("health", &*self.health.borrow()).finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread. The sender is for those who read.
    pub(super) fn start(handle: Arc<Handle>, options: &RedbOptions) -> io::Result<(Self, Sender)> {
        // Room for every permit, and for the messages that need none.
        let (messages, receiver) = mpsc::sync_channel(options.queue + 8);
        let (health_sender, health) = watch::channel(StoreHealth::Available);
        let figures = Arc::new(StoreFigures::default());
        let suspected = Arc::new(AtomicBool::new(false));
        let mut state = Loop {
            handle,
            batch: options.batch.max(1),
            retry: options.retry,
            failed: None,
            health: health_sender,
            figures: Arc::clone(&figures),
            observe: Arc::clone(&options.observe),
            suspected: Arc::clone(&suspected),
        };
        let thread = thread::Builder::new().name("store-write".into()).spawn(move || state.run(&receiver))?;
        let sender = Sender { messages, suspected };
        let writer = Self {
            sender: Some(sender.clone()),
            room: Arc::new(Semaphore::new(options.queue)),
            admission: options.admission,
            health,
            figures,
            thread: Some(thread),
        };
        Ok((writer, sender))
    }

    pub(super) fn health(&self) -> watch::Receiver<StoreHealth> {
        self.health.clone()
    }

    pub(super) fn figures(&self) -> Arc<StoreFigures> {
        Arc::clone(&self.figures)
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        plan: impl FnOnce(&dyn View, &mut Changes) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let entered = Instant::now();
        let permit = admit(&self.room, self.admission).await?;
        let (answer, answered) = oneshot::channel();
        let job = Pending { plan: Some(plan), outcome: None, answer, entered, _permit: permit };
        self.send(Message::Write(Box::new(job)))?;
        answered.await.unwrap_or_else(|_| Err(Closed.into()))
    }

    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Message::Close(answer))?;
        answered.await.unwrap_or_else(|_| Err(Closed.into()))
    }

    fn send(&self, message: Message) -> Result<(), StoreError> {
        let sender = self.sender.as_ref().ok_or(Closed)?;
        sender.messages.try_send(message).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::TrySendError::Disconnected(_) => Closed.into(),
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // Ends when the queue is empty. A panic outside a batch was logged by the panic hook.
            let _ = thread.join();
        }
    }
}

/// Waits for room in a queue, for a while.
pub(super) async fn admit(room: &Arc<Semaphore>, wait: Duration) -> Result<OwnedSemaphorePermit, StoreError> {
    if let Ok(permit) = Arc::clone(room).try_acquire_owned() {
        return Ok(permit);
    }
    match tokio::time::timeout(wait, Arc::clone(room).acquire_owned()).await {
        Ok(permit) => permit.map_err(|_| Closed.into()),
        Err(_) => Err(StoreError::Overloaded),
    }
}

struct Pending<T, F> {
    plan: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
    entered: Instant,
    _permit: OwnedSemaphorePermit,
}

impl<T, F> Job for Pending<T, F>
where
    T: Send + 'static,
    F: FnOnce(&dyn View, &mut Changes) -> Result<T, StoreError> + Send + 'static,
{
    fn plan(&mut self, view: &dyn View) -> Result<Changes, Failure> {
        let mut changes = Changes::default();
        if let Some(plan) = self.plan.take() {
            match plan(view, &mut changes) {
                Ok(answer) => self.outcome = Some(Ok(answer)),
                Err(error) => {
                    self.outcome = Some(Err(match Failure::of(error) {
                        Ok(failure) => return Err(failure),
                        Err(refusal) => refusal,
                    }));
                    changes = Changes::default();
                }
            }
        }
        Ok(changes)
    }

    fn answer(self: Box<Self>, failure: Option<&Failure>, figures: &StoreFigures, observe: &Observe) {
        let result = match failure {
            Some(failure) => Err(failure.to_error()),
            None => self.outcome.unwrap_or_else(|| Err(Closed.into())),
        };
        if result.is_ok() {
            figures.writes.fetch_add(1, Ordering::Relaxed);
            observe.store_write_latency.observe(self.entered.elapsed());
        }
        // Whoever asked may be gone; what was written stays written.
        let _ = self.answer.send(result);
    }
}

/// What the thread owns.
struct Loop {
    handle: Arc<Handle>,
    batch: usize,
    retry: Duration,
    /// Why and since when the store takes no writes; the time is that of the last attempt to come back.
    failed: Option<(Failure, Instant)>,
    health: watch::Sender<StoreHealth>,
    figures: Arc<StoreFigures>,
    observe: Arc<Observe>,
    suspected: Arc<AtomicBool>,
}

impl Loop {
    fn run(&mut self, messages: &mpsc::Receiver<Message>) {
        loop {
            let first = match &self.failed {
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some((_, at)) => messages.recv_timeout(self.retry.saturating_sub(at.elapsed())),
            };
            let (jobs, closing) = match first {
                Ok(first) => self.gather(first, messages),
                Err(RecvTimeoutError::Timeout) => (Vec::new(), None),
                Err(RecvTimeoutError::Disconnected) => {
                    if let Err(error) = self.handle.close() {
                        tracing::error!(error = &error as &dyn std::error::Error, "state store not closed cleanly");
                    }
                    return;
                }
            };
            if self.failed.as_ref().is_some_and(|(_, at)| at.elapsed() >= self.retry) {
                self.recover();
            }
            self.store(jobs);
            if self.suspected.swap(false, Ordering::AcqRel) && self.failed.is_none() {
                self.fail(Failure::Closed);
            }
            if let Some(closing) = closing {
                let _ = closing.send(self.handle.close());
                return;
            }
        }
    }

    /// Takes what waits, up to a batch.
    #[expect(clippy::type_complexity, reason = "named by its two parts where it is used")]
    fn gather(
        &self,
        first: Message,
        messages: &mpsc::Receiver<Message>,
    ) -> (Vec<Box<dyn Job>>, Option<oneshot::Sender<Result<(), StoreError>>>) {
        let started = Instant::now();
        let mut jobs = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Write(job) => jobs.push(job),
                Message::Wake => {}
                Message::Close(closing) => return (jobs, Some(closing)),
            }
            let full = jobs.len() >= self.batch || started.elapsed() >= GATHER;
            next = if full { None } else { messages.try_recv().ok() };
        }
        (jobs, None)
    }

    /// Stores a batch in one transaction and answers everybody.
    fn store(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        let failure = match &self.failed {
            Some((failure, _)) => Some(failure.clone()),
            None => {
                let stored =
                    catch_unwind(AssertUnwindSafe(|| self.handle.with(|database| commit(database, &mut jobs))));
                let failure = stored.unwrap_or(Err(Failure::Panicked)).err();
                let count = if failure.is_some() { &self.figures.failures } else { &self.figures.commits };
                count.fetch_add(1, Ordering::Relaxed);
                failure
            }
        };
        for job in jobs {
            job.answer(failure.as_ref(), &self.figures, &self.observe);
        }
        if let Some(failure) = failure
            && self.failed.is_none()
        {
            self.fail(failure);
        }
    }

    /// Takes note of a failure and tries to come back at once: an error that is over already costs one batch only.
    fn fail(&mut self, failure: Failure) {
        let error = failure.to_error();
        tracing::error!(error = &error as &dyn std::error::Error, "state store failed, opening it again");
        self.failed = Some((failure, Instant::now()));
        self.recover();
    }

    /// Opens the file afresh and sees whether it takes a write.
    fn recover(&mut self) {
        self.figures.reopened.fetch_add(1, Ordering::Relaxed);
        let recovered = catch_unwind(AssertUnwindSafe(|| self.handle.recover(probe)));
        let recovered = recovered.unwrap_or_else(|_| Err(Failure::Panicked.to_error()));
        match recovered {
            Ok(()) => {
                self.failed = None;
                self.health.send_replace(StoreHealth::Available);
                tracing::info!("state store takes writes again");
            }
            Err(error) => {
                let reason = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                self.health.send_replace(StoreHealth::Unavailable(format!("{error}: {reason}")));
                let failure = Failure::of(error).unwrap_or(Failure::Closed);
                self.failed = Some((failure, Instant::now()));
            }
        }
    }
}

fn commit(database: &Database, jobs: &mut [Box<dyn Job>]) -> Result<(), Failure> {
    let transaction = database.begin_write()?;
    let mut view = WriteView::new(&transaction)?;
    for job in jobs {
        let changes = job.plan(&view)?;
        view.apply(changes)?;
    }
    drop(view);
    transaction.commit()?;
    Ok(())
}

/// Writes something that changes each time, and forces it to the disk.
fn probe(database: &Database) -> Result<(), StoreError> {
    let write = || -> Result<(), Fault> {
        let transaction = database.begin_write()?;
        let mut view = WriteView::new(&transaction)?;
        let mut changes = Changes::default();
        super::probe::plan(&view, &mut changes);
        view.apply(changes)?;
        drop(view);
        transaction.commit()?;
        Ok(())
    };
    write().map_err(StoreError::from)
}
