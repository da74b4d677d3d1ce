//! The live feed: a ring of events with cursors.
//!
//! The ring holds what changed, not how: a collector's row is read from the directory when a reader gets the event, so
//! that ten thousand places cost little and a slow reader sees the newest row.

mod handle;

pub use handle::{FeedEvent, FeedHandle, FeedItem, Subscription};
