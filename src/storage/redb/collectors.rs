//! Collectors, the state of their protocols, and what they reported.

use std::{
    collections::HashMap,
    ops::{Bound, ControlFlow},
};

use async_trait::async_trait;
use bytes::Bytes;
use linkmesh_actors::ports::{CollectorRecord, CollectorStore, EffectiveRecord, Presence, StoreError};
use linkmesh_proto::{CollectorId, ConfigHash, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    RedbStore,
    plan::{Changes, Order},
    tables::Table,
    tokens, value,
};

/// What stands in front of a reported config's text.
#[derive(Serialize, Deserialize)]
struct EffectiveHead {
    hash: ConfigHash,
    content_type: String,
    received_at: Timestamp,
}

#[async_trait]
impl CollectorStore for RedbStore {
    async fn load_collectors(&self) -> Result<Vec<(CollectorRecord, Option<Presence>)>, StoreError> {
        self.read(|view| {
            let mut presence: HashMap<Vec<u8>, Presence> = HashMap::new();
            let all = (Bound::Unbounded, Bound::Unbounded);
            view.scan(Table::Presence, all, Order::Ascending, &mut |key, bytes| {
                presence.insert(key.to_vec(), value::decode(Table::Presence, key, bytes)?);
                Ok(ControlFlow::Continue(()))
            })?;
            let mut collectors = Vec::new();
            view.scan(Table::Collectors, all, Order::Ascending, &mut |key, bytes| {
                collectors.push((value::decode(Table::Collectors, key, bytes)?, presence.remove(key)));
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(collectors)
        })
        .await
    }

    async fn collector(&self, id: CollectorId) -> Result<Option<CollectorRecord>, StoreError> {
        self.read(move |view| view.record(Table::Collectors, id.as_bytes())).await
    }

    async fn put_collectors(&self, records: Vec<CollectorRecord>) -> Result<(), StoreError> {
        self.write(move |_, changes| put_records(changes, &records)).await
    }

    async fn agent(&self, id: CollectorId) -> Result<Option<Bytes>, StoreError> {
        self.read(move |view| Ok(view.get(Table::Agents, id.as_bytes())?.map(Bytes::from))).await
    }

    async fn put_agents(
        &self,
        agents: Vec<(CollectorId, Bytes)>,
        records: Vec<CollectorRecord>,
    ) -> Result<(), StoreError> {
        self.write(move |view, changes| {
            for (id, state) in &agents {
                changes.put_bytes(Table::Agents, id.as_bytes(), state.to_vec());
            }
            for mut record in records {
                if record.deregistered_at.is_none() {
                    let stored = view.record::<CollectorRecord>(Table::Collectors, record.id.as_bytes())?;
                    record.deregistered_at = stored.and_then(|stored| stored.deregistered_at);
                }
                changes.put(Table::Collectors, record.id.as_bytes(), &record)?;
            }
            Ok(())
        })
        .await
    }

    async fn put_presence(&self, presence: Vec<(CollectorId, Presence)>) -> Result<(), StoreError> {
        self.write(move |_, changes| {
            presence.iter().try_for_each(|(id, seen)| changes.put(Table::Presence, id.as_bytes(), seen))
        })
        .await
    }

    async fn effective(&self, id: CollectorId) -> Result<Option<EffectiveRecord>, StoreError> {
        self.read(move |view| {
            let Some(bytes) = view.get(Table::Effective, id.as_bytes())? else { return Ok(None) };
            let (head, body) = value::decode_with_body(Table::Effective, id.as_bytes(), &bytes)?;
            let EffectiveHead { hash, content_type, received_at } = head;
            Ok(Some(EffectiveRecord { hash, content_type, body, received_at }))
        })
        .await
    }

    async fn put_effective(&self, configs: Vec<(CollectorId, EffectiveRecord)>) -> Result<(), StoreError> {
        self.write(move |_, changes| {
            for (id, EffectiveRecord { hash, content_type, body, received_at }) in configs {
                let head = EffectiveHead { hash, content_type, received_at };
                let bytes = value::encode_with_body(Table::Effective, &head, &body)?;
                changes.put_bytes(Table::Effective, id.as_bytes(), bytes);
            }
            Ok(())
        })
        .await
    }

    async fn components(&self, hash: &str) -> Result<Option<Bytes>, StoreError> {
        let hash = hash.to_owned();
        self.read(move |view| Ok(view.get(Table::Components, hash.as_bytes())?.map(Bytes::from))).await
    }

    async fn put_components(&self, hash: &str, tree: Bytes) -> Result<(), StoreError> {
        let hash = hash.to_owned();
        self.write(move |view, changes| {
            if !view.contains(Table::Components, hash.as_bytes())? {
                changes.put_bytes(Table::Components, hash.as_bytes(), tree.to_vec());
            }
            Ok(())
        })
        .await
    }

    async fn remove_components(&self, hashes: Vec<String>) -> Result<(), StoreError> {
        self.write(move |_, changes| {
            hashes.iter().for_each(|hash| changes.delete(Table::Components, hash.as_bytes()));
            Ok(())
        })
        .await
    }

    async fn remove_collectors(&self, ids: Vec<CollectorId>) -> Result<(), StoreError> {
        self.write(move |view, changes| {
            for id in ids {
                for table in [Table::Collectors, Table::Agents, Table::Presence, Table::Effective] {
                    changes.delete(table, id.as_bytes());
                }
                for key in view.keys_below(Table::Events, id.as_bytes())? {
                    changes.delete(Table::Events, &key);
                }
                tokens::remove_all(view, changes, id)?;
            }
            Ok(())
        })
        .await
    }
}

fn put_records(changes: &mut Changes, records: &[CollectorRecord]) -> Result<(), StoreError> {
    records.iter().try_for_each(|record| changes.put(Table::Collectors, record.id.as_bytes(), record))
}
