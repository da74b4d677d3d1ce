//! Publishing and reading.

use std::sync::Arc;

use linkmesh_proto::{CollectorId, Cursor, api::event::Event};

use crate::runtime::AskError;

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
    _private: (),
}

impl FeedHandle {
    /// Publishes without waiting.
    pub fn publish(&self, item: FeedItem) {
        drop(item);
    }

    /// Reads on behind `after`, or from now. A cursor that is too old, or from before a restart, begins with
    /// [`Event::Reset`].
    ///
    /// # Errors
    /// When the feed does not answer.
    pub async fn subscribe(&self, after: Option<&Cursor>) -> Result<Subscription, AskError> {
        let _ = after;
        Err(AskError::Closed)
    }
}

/// One reader's place on the feed.
pub struct Subscription {
    _private: (),
}

impl Subscription {
    /// Waits for the next event. `None`: the reader was too slow and is dropped (it may subscribe again with its last
    /// cursor), or the server stops.
    pub async fn next(&mut self) -> Option<FeedEvent> {
        None
    }
}
