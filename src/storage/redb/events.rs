//! What happened to collectors.

use std::collections::HashMap;

use async_trait::async_trait;
use linkmesh_actors::ports::{EVENTS_KEPT, EventStore, StoreError};
use linkmesh_proto::{CollectorId, api::collector::CollectorEvent};

use super::{
    RedbStore,
    tables::{Table, key},
    value,
};

#[async_trait]
impl EventStore for RedbStore {
    async fn append_events(&self, events: Vec<(CollectorId, CollectorEvent)>) -> Result<(), StoreError> {
        self.write(move |view, changes| {
            let mut newest: HashMap<CollectorId, u64> = HashMap::new();
            for (id, event) in &events {
                let mut place = newest.get(id).copied();
                if place.is_none() {
                    view.newest(Table::Events, id.as_bytes(), None, 1, |number, _, _| {
                        place = Some(number);
                        Ok(())
                    })?;
                }
                let place = place.unwrap_or(0) + 1;
                newest.insert(*id, place);
                changes.put(Table::Events, &key(&[id.as_bytes(), &place.to_be_bytes()]), event)?;
                // Places have no gaps: each event that comes pushes exactly one out.
                if let Some(gone) = place.checked_sub(EVENTS_KEPT as u64) {
                    changes.delete(Table::Events, &key(&[id.as_bytes(), &gone.to_be_bytes()]));
                }
            }
            Ok(())
        })
        .await
    }

    async fn events(
        &self,
        id: CollectorId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, CollectorEvent)>, StoreError> {
        self.read(move |view| {
            let mut events = Vec::new();
            view.newest(Table::Events, id.as_bytes(), before, limit, |place, key, bytes| {
                events.push((place, value::decode(Table::Events, key, bytes)?));
                Ok(())
            })?;
            Ok(events)
        })
        .await
    }
}
