//! What every actor is built from: [`ask`] with a deadline, [`supervise`] by factory, blocking workers, counters.
//!
//! actix's own tools are not enough (each point was measured): its `Supervisor` does not survive a panic, `do_send`
//! ignores the mailbox's capacity, a mailbox's capacity is per sender, and `SyncArbiter` has an unbounded queue and
//! loses a thread to every panic. Types of actix stay behind the handles of this crate.

mod ask;
mod blocking;
mod observe;
mod pool;
mod supervise;

/// Says what each message is answered with.
macro_rules! messages {
    ($($message:ty => $answer:ty;)*) => {
        $(impl actix::Message for $message {
            type Result = $answer;
        })*
    };
}
pub(crate) use messages;

pub use ask::{AskError, ask};
pub use blocking::{BatchWorker, Worker, WorkerError};
pub use observe::{ActorCounters, Counter, Histogram, Observe};
pub use pool::Pool;
pub(crate) use supervise::panic_message;
pub use supervise::{Exit, GiveUp, Supervised, TellError, launch, supervise};
