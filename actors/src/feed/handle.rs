//! Publishing and reading.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use linkmesh_proto::{CollectorId, Cursor, api::event::Event};
use tokio::sync::mpsc;

use super::{EndAll, FeedActor, Publish, Subscribe, ring::Place};
use crate::{
    directory::Directory,
    runtime::{AskError, Supervised, TellError},
};

const DEADLINE: Duration = Duration::from_secs(5);

/// What goes onto the feed.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedItem {
    /// A collector's row changed. Its readers get the row as it is when they read.
    Collector(CollectorId),
    /// Anything else, as it is.
    Event(Arc<Event>),
}

/// An event in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedEvent {
    /// The place; `Last-Event-ID` goes on behind it.
    pub cursor: Cursor,
    /// The event.
    pub event: Event,
}

/// Publishes and reads the feed. Cheap to clone.
#[derive(Clone)]
pub struct FeedHandle {
    actor: Supervised<FeedActor>,
    overflowed: Arc<AtomicBool>,
    directory: Arc<Directory>,
}

impl FeedHandle {
    pub(crate) fn new(actor: Supervised<FeedActor>, overflowed: Arc<AtomicBool>, directory: Arc<Directory>) -> Self {
        Self { actor, overflowed, directory }
    }

    /// Publishes without waiting. When the feed cannot keep up, its readers are told to begin again.
    pub fn publish(&self, item: FeedItem) {
        match self.actor.tell(Publish(item)) {
            // Closed: the rebuilt actor begins a new epoch anyway.
            Ok(()) | Err(TellError::Closed) => {}
            Err(TellError::Full) => self.overflowed.store(true, Ordering::Release),
        }
    }

    /// Reads on behind `after`, or from now. A cursor that is too old, or from before a restart, begins with
    /// [`Event::Reset`].
    ///
    /// # Errors
    /// When the feed does not answer.
    pub async fn subscribe(&self, after: Option<&Cursor>) -> Result<Subscription, AskError> {
        // A cursor that is none of ours is as good as one that is too old.
        let after = after.map(|cursor| cursor.0.parse().unwrap_or(Place { epoch: 0, number: 0 }));
        let queue = self.actor.ask(Subscribe { after }, DEADLINE).await?;
        Ok(Subscription { queue, directory: Arc::clone(&self.directory) })
    }

    /// Ends every subscription: the server stops, or what readers may see changed.
    pub fn end_all(&self) {
        // Full or gone: the readers end with the process.
        let _ = self.actor.tell(EndAll);
    }
}

/// One reader's place on the feed.
#[derive(Debug)]
pub struct Subscription {
    queue: mpsc::Receiver<(Place, FeedItem)>,
    directory: Arc<Directory>,
}

impl Subscription {
    /// Waits for the next event. `None`: the reader was too slow and is dropped (it may subscribe again with its last
    /// cursor), or the server stops.
    pub async fn next(&mut self) -> Option<FeedEvent> {
        loop {
            let (place, item) = self.queue.recv().await?;
            let event = match item {
                FeedItem::Event(event) => Event::clone(&event),
                FeedItem::Collector(id) => match self.directory.slot(id) {
                    Some(slot) => Event::CollectorChanged { collector: Box::new(slot.row()) },
                    // Forgotten meanwhile: there is no row to show.
                    None => continue,
                },
            };
            return Some(FeedEvent { cursor: place.into(), event });
        }
    }
}
