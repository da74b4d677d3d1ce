//! Seeing whether the file takes writes.

use async_trait::async_trait;
use linkmesh_actors::ports::{Probe, StoreError};

use super::{
    RedbStore,
    plan::{Changes, View},
    tables::Table,
};

/// Plans a write of something that changes each time, so that it reaches the disk.
pub(super) fn plan(view: &dyn View, changes: &mut Changes) {
    // A count that cannot be read begins anew: what matters is that it is written.
    let before = view.get(Table::Meta, b"probe").ok().flatten();
    let count = before.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    changes.put_bytes(Table::Meta, b"probe", count.wrapping_add(1).to_be_bytes().to_vec());
}

#[async_trait]
impl Probe for RedbStore {
    async fn probe(&self) -> Result<(), StoreError> {
        self.write(|view, changes| {
            plan(view, changes);
            Ok(())
        })
        .await
    }
}
