//! What happened to collectors.

use async_trait::async_trait;
use linkmesh_proto::{CollectorId, api::collector::CollectorEvent};

use super::StoreError;

/// How many events are kept for one collector; older ones go.
pub const EVENTS_KEPT: usize = 200;

/// The newest events of each collector.
#[async_trait]
pub trait EventStore: Send + Sync + 'static {
    /// Appends events in the order given.
    async fn append_events(&self, events: Vec<(CollectorId, CollectorEvent)>) -> Result<(), StoreError>;

    /// Events of one collector, newest first, at most `limit`, older than `before`. Each with its place, to go on from.
    async fn events(
        &self,
        id: CollectorId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, CollectorEvent)>, StoreError>;
}
