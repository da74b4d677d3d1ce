//! Reads: short snapshots on threads of their own, so that no thread that serves sockets waits for a disk.

use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use linkmesh_actors::ports::StoreError;
use parking_lot::Mutex;
use redb::ReadableDatabase as _;
use tokio::sync::{Semaphore, oneshot};

use super::{
    RedbOptions,
    database::{Closed, Fault, Handle},
    plan::{ReadView, View},
    writer::{Sender, admit},
};

/// Two: enough that one long read (a list of events) does not hold up the short ones (a session).
const THREADS: usize = 2;

type Job = Box<dyn FnOnce(&Handle, &Sender) + Send>;

/// The threads that read.
pub(super) struct Readers {
    jobs: Option<mpsc::SyncSender<Job>>,
    room: Arc<Semaphore>,
    admission: Duration,
    threads: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}

impl Readers {
    pub(super) fn start(handle: &Arc<Handle>, writer: &Sender, options: &RedbOptions) -> io::Result<Self> {
        let (sender, receiver) = mpsc::sync_channel::<Job>(options.queue);
        let receiver = Arc::new(Mutex::new(receiver));
        let threads = (0..THREADS).map(|number| {
            let (handle, writer, receiver) = (Arc::clone(handle), writer.clone(), Arc::clone(&receiver));
            thread::Builder::new().name(format!("store-read-{number}")).spawn(move || {
                loop {
                    // The guard is gone before the job runs; only one thread at a time waits for the next.
                    let job = receiver.lock().recv();
                    let Ok(job) = job else { return };
                    if catch_unwind(AssertUnwindSafe(|| job(&handle, &writer))).is_err() {
                        tracing::error!("a read of the state store panicked");
                        writer.suspect();
                    }
                }
            })
        });
        let threads = threads.collect::<io::Result<_>>()?;
        let room = Arc::new(Semaphore::new(options.queue));
        Ok(Self { jobs: Some(sender), room, admission: options.admission, threads })
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = admit(&self.room, self.admission).await?;
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |handle, writer| {
            let result = handle.with(|database| {
                let transaction = database.begin_read().map_err(Fault::from)?;
                read(&ReadView::new(transaction))
            });
            if matches!(result, Err(StoreError::Unavailable(_) | StoreError::NoSpace(_))) {
                writer.suspect();
            }
            drop(permit);
            // Whoever asked may be gone; a read changes nothing.
            let _ = answer.send(result);
        });
        // There is room for as many jobs as there are permits.
        self.jobs.as_ref().and_then(|jobs| jobs.try_send(job).ok()).ok_or(Closed)?;
        answered.await.unwrap_or_else(|_| Err(Closed.into()))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A read that panicked was caught and logged; there is nothing more to hear.
            let _ = thread.join();
        }
    }
}
