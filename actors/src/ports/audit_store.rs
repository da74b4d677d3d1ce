//! Who did what.

use async_trait::async_trait;
use linkmesh_proto::{RequestId, Revision, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::StoreError;

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: an e-mail address, or the name of a service account or of a part of the server.
    pub actor: String,
    /// What: `resource:verb`.
    pub action: String,
    /// To what: for example `pipelines/web-logs`.
    pub target: String,
    /// From where, when a request came in.
    pub address: Option<String>,
    /// The request.
    pub request_id: Option<RequestId>,
    /// The commit before it, for what changes the config repository.
    pub before: Option<Revision>,
    /// The commit that it made.
    pub after: Option<Revision>,
}

/// An entry in its place. Each record's hash covers the one before: removing or changing one breaks the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// The place, from 1, without gaps.
    pub sequence: u64,
    /// The hash of the record before; zeros for the first.
    pub previous: [u8; 32],
    /// SHA-256 over `previous`, the place and the entry.
    pub hash: [u8; 32],
    /// The entry.
    pub entry: AuditEntry,
}

impl AuditRecord {
    /// Puts an entry behind `previous` (`None`: it is the first).
    #[must_use]
    pub fn chained(previous: Option<&Self>, entry: AuditEntry) -> Self {
        let sequence = previous.map_or(1, |record| record.sequence + 1);
        let previous = previous.map_or([0; 32], |record| record.hash);
        let hash = Self::hash_of(&previous, sequence, &entry);
        Self { sequence, previous, hash, entry }
    }

    /// Whether the record is what it was when it was chained.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.hash == Self::hash_of(&self.previous, self.sequence, &self.entry)
    }

    /// The fields in a fixed order, each with its length in front, so that no two entries give the same bytes.
    fn hash_of(previous: &[u8; 32], sequence: u64, entry: &AuditEntry) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(previous);
        digest.update(sequence.to_be_bytes());
        digest.update(entry.at.as_millis().to_be_bytes());
        let optional = |text: Option<String>| text.map_or_else(String::new, |text| format!("+{text}"));
        for field in [
            entry.actor.clone(),
            entry.action.clone(),
            entry.target.clone(),
            optional(entry.address.clone()),
            optional(entry.request_id.as_ref().map(|id| id.to_string())),
            optional(entry.before.map(|revision| revision.to_string())),
            optional(entry.after.map(|revision| revision.to_string())),
        ] {
            digest.update((field.len() as u64).to_be_bytes());
            digest.update(field.as_bytes());
        }
        digest.finalize().into()
    }
}

/// The audit log: append-only and hash-chained.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Appends an entry behind the newest and answers its record.
    async fn append_audit(&self, entry: AuditEntry) -> Result<AuditRecord, StoreError>;

    /// Records, newest first, at most `limit`, with a place before `before`.
    async fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditRecord>, StoreError>;

    /// Whether an entry with this commit as its `after` exists: at start, missing rows are rebuilt from commits.
    async fn audit_has_revision(&self, revision: Revision) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(target: &str) -> AuditEntry {
        AuditEntry {
            at: Timestamp::from_millis(1),
            actor: "ada@example.com".into(),
            action: "pipelines:write".into(),
            target: target.into(),
            address: None,
            request_id: None,
            before: None,
            after: None,
        }
    }

    #[test]
    fn a_changed_record_breaks_the_chain() {
        let first = AuditRecord::chained(None, entry("pipelines/a"));
        let second = AuditRecord::chained(Some(&first), entry("pipelines/b"));
        assert!(first.is_intact() && second.is_intact());
        assert_eq!((second.sequence, second.previous), (2, first.hash));

        let mut forged = first.clone();
        forged.entry.target = "pipelines/c".into();
        assert!(!forged.is_intact());
        let mut forged = first;
        forged.entry.address = Some(String::new());
        assert!(!forged.is_intact(), "an empty address is not an absent one");
    }
}
