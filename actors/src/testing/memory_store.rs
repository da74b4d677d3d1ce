//! A state store in memory.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use linkmesh_proto::{CollectorId, Revision, Timestamp, TokenId, UserId, api::collector::CollectorEvent};
use parking_lot::Mutex;

use crate::{
    ports::{
        AuditEntry, AuditRecord, AuditStore, CollectorRecord, CollectorStore, CollectorTokenRecord, EVENTS_KEPT,
        EffectiveRecord, EnrollmentRecord, EventStore, Presence, Probe, RedeemError, Redeemed, Redemption,
        ServiceAccountRecord, ServiceTokenRecord, SessionRecord, StoreError, TokenStore, UserRecord, UserStore,
    },
    token::TokenHash,
};

#[derive(Debug, Default)]
struct Tables {
    collectors: BTreeMap<CollectorId, CollectorRecord>,
    agents: BTreeMap<CollectorId, Bytes>,
    presence: BTreeMap<CollectorId, Presence>,
    effective: BTreeMap<CollectorId, EffectiveRecord>,
    components: BTreeMap<String, Bytes>,
    tokens: BTreeMap<TokenHash, CollectorTokenRecord>,
    enrollments: BTreeMap<TokenHash, EnrollmentRecord>,
    users: BTreeMap<UserId, UserRecord>,
    sessions: BTreeMap<TokenHash, SessionRecord>,
    accounts: BTreeMap<UserId, ServiceAccountRecord>,
    service_tokens: BTreeMap<TokenHash, ServiceTokenRecord>,
    events: BTreeMap<CollectorId, VecDeque<(u64, CollectorEvent)>>,
    next_event: u64,
    audit: Vec<AuditRecord>,
}

/// A state store in memory. It can be told to fail, and counts how it is used.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
    fails: AtomicBool,
    reads: AtomicUsize,
    writes: AtomicUsize,
}

impl MemoryStore {
    /// From now on every write fails for want of room, or works again.
    pub fn fail_writes(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// How often it was read and written so far.
    pub fn uses(&self) -> (usize, usize) {
        (self.reads.load(Ordering::SeqCst), self.writes.load(Ordering::SeqCst))
    }

    fn read<T>(&self, read: impl FnOnce(&Tables) -> T) -> T {
        self.reads.fetch_add(1, Ordering::SeqCst);
        read(&self.tables.lock())
    }

    fn write<T>(&self, write: impl FnOnce(&mut Tables) -> T) -> Result<T, StoreError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreError::NoSpace("told to fail".into()));
        }
        Ok(write(&mut self.tables.lock()))
    }
}

#[async_trait]
impl CollectorStore for MemoryStore {
    async fn load_collectors(&self) -> Result<Vec<(CollectorRecord, Option<Presence>)>, StoreError> {
        let with_presence =
            |tables: &Tables, record: &CollectorRecord| (record.clone(), tables.presence.get(&record.id).copied());
        Ok(self.read(|tables| tables.collectors.values().map(|record| with_presence(tables, record)).collect()))
    }

    async fn collector(&self, id: CollectorId) -> Result<Option<CollectorRecord>, StoreError> {
        Ok(self.read(|tables| tables.collectors.get(&id).cloned()))
    }

    async fn put_collectors(&self, records: Vec<CollectorRecord>) -> Result<(), StoreError> {
        self.write(|tables| tables.collectors.extend(records.into_iter().map(|record| (record.id, record))))
    }

    async fn agent(&self, id: CollectorId) -> Result<Option<Bytes>, StoreError> {
        Ok(self.read(|tables| tables.agents.get(&id).cloned()))
    }

    async fn put_agents(
        &self,
        agents: Vec<(CollectorId, Bytes)>,
        records: Vec<CollectorRecord>,
    ) -> Result<(), StoreError> {
        self.write(|tables| {
            tables.agents.extend(agents);
            for mut record in records {
                let stored = tables.collectors.get(&record.id).and_then(|stored| stored.deregistered_at);
                record.deregistered_at = record.deregistered_at.or(stored);
                tables.collectors.insert(record.id, record);
            }
        })
    }

    async fn put_presence(&self, presence: Vec<(CollectorId, Presence)>) -> Result<(), StoreError> {
        self.write(|tables| tables.presence.extend(presence))
    }

    async fn effective(&self, id: CollectorId) -> Result<Option<EffectiveRecord>, StoreError> {
        Ok(self.read(|tables| tables.effective.get(&id).cloned()))
    }

    async fn put_effective(&self, configs: Vec<(CollectorId, EffectiveRecord)>) -> Result<(), StoreError> {
        self.write(|tables| tables.effective.extend(configs))
    }

    async fn components(&self, hash: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.read(|tables| tables.components.get(hash).cloned()))
    }

    async fn put_components(&self, hash: &str, tree: Bytes) -> Result<(), StoreError> {
        self.write(|tables| {
            tables.components.entry(hash.to_owned()).or_insert(tree);
        })
    }

    async fn remove_components(&self, hashes: Vec<String>) -> Result<(), StoreError> {
        self.write(|tables| tables.components.retain(|hash, _| !hashes.contains(hash)))
    }

    async fn remove_collectors(&self, ids: Vec<CollectorId>) -> Result<(), StoreError> {
        self.write(|tables| {
            let ids: BTreeSet<CollectorId> = ids.into_iter().collect();
            tables.collectors.retain(|id, _| !ids.contains(id));
            tables.agents.retain(|id, _| !ids.contains(id));
            tables.presence.retain(|id, _| !ids.contains(id));
            tables.effective.retain(|id, _| !ids.contains(id));
            tables.events.retain(|id, _| !ids.contains(id));
            tables.tokens.retain(|_, token| !ids.contains(&token.collector));
        })
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn load_collector_tokens(&self) -> Result<Vec<CollectorTokenRecord>, StoreError> {
        Ok(self.read(|tables| tables.tokens.values().cloned().collect()))
    }

    async fn set_collector_tokens(
        &self,
        id: CollectorId,
        tokens: Vec<CollectorTokenRecord>,
        record: Option<CollectorRecord>,
    ) -> Result<(), StoreError> {
        self.write(|tables| {
            tables.tokens.retain(|_, token| token.collector != id);
            tables.tokens.extend(tokens.into_iter().map(|token| (token.hash, token)));
            tables.collectors.extend(record.map(|record| (record.id, record)));
        })
    }

    async fn load_enrollments(&self) -> Result<Vec<EnrollmentRecord>, StoreError> {
        Ok(self.read(|tables| tables.enrollments.values().cloned().collect()))
    }

    async fn create_enrollment(&self, record: EnrollmentRecord) -> Result<(), StoreError> {
        self.write(|tables| drop(tables.enrollments.insert(record.hash, record)))
    }

    async fn delete_enrollment(&self, id: TokenId) -> Result<bool, StoreError> {
        self.write(|tables| {
            let Some(record) = tables.enrollments.values_mut().find(|record| record.id == id) else { return false };
            if record.redeemed_by.is_empty() {
                let hash = record.hash;
                tables.enrollments.remove(&hash);
            } else {
                record.deleted = true;
            }
            true
        })
    }

    async fn redeem(&self, redemption: Redemption) -> Result<Redeemed, RedeemError> {
        self.write(|tables| {
            let record = tables.enrollments.get_mut(&redemption.hash).ok_or(RedeemError::Unknown)?;
            let uid = redemption.instance_uid;
            if record.runtime.is_some_and(|runtime| runtime != redemption.collector.runtime) {
                return Err(RedeemError::WrongRuntime);
            }
            let before = record.redeemed_by.iter().find(|(by, _)| Some(*by) == uid);
            if let Some(collector) = before.and_then(|(_, id)| tables.collectors.get(id)) {
                return Ok(Redeemed { enrollment: record.clone(), collector: collector.clone(), is_new: false });
            }
            if record.deleted || redemption.now >= record.expires_at {
                return Err(RedeemError::Expired);
            }
            if record.used >= record.uses {
                return Err(RedeemError::Used);
            }
            let mut collector = redemption.collector;
            record.used += 1;
            record.redeemed_by.retain(|(by, _)| Some(*by) != uid);
            record.redeemed_by.extend(uid.map(|uid| (uid, collector.id)));
            let mut labels = record.labels.clone();
            labels.extend(std::mem::take(&mut collector.enrolment_labels));
            collector.enrolment_labels = labels;
            let enrollment = record.clone();
            tables.collectors.insert(collector.id, collector.clone());
            tables.tokens.extend(redemption.token.map(|token| (token.hash, token)));
            Ok(Redeemed { enrollment, collector, is_new: true })
        })?
    }

    async fn prune_enrollments(&self, ended_before: Timestamp) -> Result<Vec<TokenId>, StoreError> {
        self.write(|tables| {
            let registered: BTreeSet<CollectorId> = tables
                .collectors
                .values()
                .filter(|record| record.deregistered_at.is_none())
                .map(|record| record.id)
                .collect();
            let mut pruned = Vec::new();
            tables.enrollments.retain(|_, record| {
                let ended = record.expires_at < ended_before;
                let comes_back = record.redeemed_by.iter().any(|(_, collector)| registered.contains(collector));
                if ended && !comes_back {
                    pruned.push(record.id);
                }
                !ended || comes_back
            });
            pruned
        })
    }
}

#[async_trait]
impl UserStore for MemoryStore {
    async fn create_first_user(&self, user: UserRecord) -> Result<bool, StoreError> {
        self.write(|tables| {
            let first = tables.users.is_empty();
            if first {
                tables.users.insert(user.id, user);
            }
            first
        })
    }

    async fn put_user(&self, user: UserRecord) -> Result<bool, StoreError> {
        self.write(|tables| {
            let free = !tables.users.values().any(|other| other.id != user.id && other.email == user.email);
            if free {
                tables.users.insert(user.id, user);
            }
            free
        })
    }

    async fn users(&self) -> Result<Vec<UserRecord>, StoreError> {
        let mut users: Vec<UserRecord> = self.read(|tables| tables.users.values().cloned().collect());
        users.sort_by(|a, b| a.email.cmp(&b.email));
        Ok(users)
    }

    async fn user(&self, id: UserId) -> Result<Option<UserRecord>, StoreError> {
        Ok(self.read(|tables| tables.users.get(&id).cloned()))
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<UserRecord>, StoreError> {
        Ok(self.read(|tables| tables.users.values().find(|user| user.email == email).cloned()))
    }

    async fn put_session(&self, session: SessionRecord) -> Result<(), StoreError> {
        self.write(|tables| drop(tables.sessions.insert(session.hash, session)))
    }

    async fn session(&self, hash: TokenHash) -> Result<Option<SessionRecord>, StoreError> {
        Ok(self.read(|tables| tables.sessions.get(&hash).cloned()))
    }

    async fn delete_session(&self, hash: TokenHash) -> Result<bool, StoreError> {
        self.write(|tables| tables.sessions.remove(&hash).is_some())
    }

    async fn prune_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.write(|tables| {
            let before = tables.sessions.len();
            tables.sessions.retain(|_, session| session.expires_at >= now);
            (before - tables.sessions.len()) as u64
        })
    }

    async fn create_service_account(
        &self,
        account: ServiceAccountRecord,
        token: ServiceTokenRecord,
    ) -> Result<bool, StoreError> {
        self.write(|tables| {
            let free = !tables.accounts.values().any(|other| other.name == account.name);
            if free {
                tables.accounts.insert(account.id, account);
                tables.service_tokens.insert(token.hash, token);
            }
            free
        })
    }

    async fn service_accounts(&self) -> Result<Vec<ServiceAccountRecord>, StoreError> {
        let mut accounts: Vec<ServiceAccountRecord> = self.read(|tables| tables.accounts.values().cloned().collect());
        accounts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(accounts)
    }

    async fn service_token(
        &self,
        hash: TokenHash,
    ) -> Result<Option<(ServiceTokenRecord, ServiceAccountRecord)>, StoreError> {
        Ok(self.read(|tables| {
            let token = tables.service_tokens.get(&hash)?;
            Some((token.clone(), tables.accounts.get(&token.account)?.clone()))
        }))
    }
}

#[async_trait]
impl EventStore for MemoryStore {
    async fn append_events(&self, events: Vec<(CollectorId, CollectorEvent)>) -> Result<(), StoreError> {
        self.write(|tables| {
            for (id, event) in events {
                tables.next_event += 1;
                let place = tables.next_event;
                let kept = tables.events.entry(id).or_default();
                kept.push_back((place, event));
                if kept.len() > EVENTS_KEPT {
                    kept.pop_front();
                }
            }
        })
    }

    async fn events(
        &self,
        id: CollectorId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, CollectorEvent)>, StoreError> {
        Ok(self.read(|tables| {
            let events = tables.events.get(&id).into_iter().flatten().rev();
            events.filter(|(place, _)| before.is_none_or(|before| *place < before)).take(limit).cloned().collect()
        }))
    }
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn append_audit(&self, entry: AuditEntry) -> Result<AuditRecord, StoreError> {
        self.write(|tables| {
            let record = AuditRecord::chained(tables.audit.last(), entry);
            tables.audit.push(record.clone());
            record
        })
    }

    async fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditRecord>, StoreError> {
        Ok(self.read(|tables| {
            let records = tables.audit.iter().rev();
            records.filter(|record| before.is_none_or(|before| record.sequence < before)).take(limit).cloned().collect()
        }))
    }

    async fn audit_has_revision(&self, revision: Revision) -> Result<bool, StoreError> {
        Ok(self.read(|tables| tables.audit.iter().any(|record| record.entry.after == Some(revision))))
    }
}

#[async_trait]
impl Probe for MemoryStore {
    async fn probe(&self) -> Result<(), StoreError> {
        self.write(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::store_conformance_tests!(async { MemoryStore::default() });
}
