//! Who did what: append-only and hash-chained.

use async_trait::async_trait;
use linkmesh_actors::ports::{AuditEntry, AuditRecord, AuditStore, StoreError};
use linkmesh_proto::Revision;

use super::{RedbStore, tables::Table, value};

#[async_trait]
impl AuditStore for RedbStore {
    async fn append_audit(&self, entry: AuditEntry) -> Result<AuditRecord, StoreError> {
        self.write(move |view, changes| {
            let mut newest: Option<AuditRecord> = None;
            view.newest(Table::Audit, &[], None, 1, |_, key, bytes| {
                newest = Some(value::decode(Table::Audit, key, bytes)?);
                Ok(())
            })?;
            let record = AuditRecord::chained(newest.as_ref(), entry);
            let place = record.sequence.to_be_bytes();
            if let Some(revision) = &record.entry.after {
                changes.put_bytes(Table::AuditByRevision, revision.as_bytes(), place.to_vec());
            }
            changes.put(Table::Audit, &place, &record)?;
            Ok(record)
        })
        .await
    }

    async fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditRecord>, StoreError> {
        self.read(move |view| {
            let mut records = Vec::new();
            view.newest(Table::Audit, &[], before, limit, |_, key, bytes| {
                records.push(value::decode(Table::Audit, key, bytes)?);
                Ok(())
            })?;
            Ok(records)
        })
        .await
    }

    async fn audit_has_revision(&self, revision: Revision) -> Result<bool, StoreError> {
        self.read(move |view| view.contains(Table::AuditByRevision, revision.as_bytes())).await
    }
}
