//! The live feed: a ring of events with cursors.
//!
//! *Owns* the ring of the last 10,000 events and the readers' queues. The ring holds what changed, not how: a
//! collector's row is read from the directory when a reader gets the event, so that ten thousand places cost little and
//! a reader always sees the newest row.
//!
//! *Mailbox* 8,192: a save that touches thousands of collectors publishes as many events in a burst. Events that do not
//! fit end the epoch: every reader is dropped and begins with a reset, so that none misses one unknowingly.
//!
//! *Senders*: every collector actor, the repository, the meter. *Its death* begins a new epoch; readers come back.

mod handle;
mod ring;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix::{Actor, Context, Handler};
use tokio::sync::mpsc;

pub use handle::{FeedEvent, FeedHandle, FeedItem, Subscription};
use ring::{Place, Ring};

use crate::runtime::{Observe, messages};

/// Messages that may wait.
pub(crate) const MAILBOX: usize = 8_192;
/// Events that a reader may be behind, beside what it was given when it came.
const READER_QUEUE: usize = 1_024;

/// The feed's actor.
pub(crate) struct FeedActor {
    ring: Ring,
    readers: Vec<mpsc::Sender<(Place, FeedItem)>>,
    overflowed: Arc<AtomicBool>,
    observe: Arc<Observe>,
}

impl FeedActor {
    pub(crate) fn new(epoch: u64, overflowed: Arc<AtomicBool>, observe: Arc<Observe>) -> Self {
        Self { ring: Ring::new(epoch), readers: Vec::new(), overflowed, observe }
    }

    /// Begins a new epoch when events were lost.
    fn heed_overflow(&mut self) {
        if self.overflowed.swap(false, Ordering::AcqRel) {
            tracing::warn!("feed overflowed, all readers begin again");
            self.observe.feed_dropped.add(self.readers.len() as u64);
            self.readers.clear();
            self.ring = Ring::new(self.ring.epoch().wrapping_add(1));
        }
    }
}

impl Actor for FeedActor {
    type Context = Context<Self>;
}

pub(crate) struct Publish(pub(crate) FeedItem);
pub(crate) struct Subscribe {
    pub(crate) after: Option<Place>,
}
pub(crate) struct EndAll;
messages! {
    Publish => ();
    Subscribe => mpsc::Receiver<(Place, FeedItem)>;
    EndAll => ();
}

impl Handler<Publish> for FeedActor {
    type Result = ();

    fn handle(&mut self, Publish(item): Publish, _: &mut Self::Context) {
        self.heed_overflow();
        self.observe.feed_published.increment();
        let place = self.ring.push(item.clone());
        self.readers.retain(|reader| match reader.try_send((place, item.clone())) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.observe.feed_dropped.increment();
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        });
    }
}

impl Handler<Subscribe> for FeedActor {
    type Result = actix::MessageResult<Subscribe>;

    fn handle(&mut self, Subscribe { after }: Subscribe, _: &mut Self::Context) -> Self::Result {
        self.heed_overflow();
        let missed = self.ring.behind(after);
        let (reader, queue) = mpsc::channel(missed.len() + READER_QUEUE);
        for event in missed {
            // Invariant: the queue was made large enough for all of them.
            let _ = reader.try_send(event);
        }
        self.readers.push(reader);
        actix::MessageResult(queue)
    }
}

impl Handler<EndAll> for FeedActor {
    type Result = ();

    fn handle(&mut self, _: EndAll, _: &mut Self::Context) {
        self.readers.clear();
    }
}

#[cfg(test)]
mod tests;
