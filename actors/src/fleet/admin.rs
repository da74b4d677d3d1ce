//! What operators change: registration, tokens, enrolment tokens.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use linkmesh_proto::{
    CollectorId, Etag, TokenId,
    api::{
        collector::{Collector, CollectorEvent, CollectorPatch, CollectorStatus, NewCollector, Runtime, Stability},
        enrolment::{Enrol, EnrollmentToken, NewEnrollmentToken},
        problem::FieldProblem,
    },
};

use super::{
    EnrolError, EnrolledCollector, FleetError, FleetHandle, IssuedEnrollment, Reconcile, RegisteredCollector,
    handle::DEADLINE,
};
use crate::{
    by::By,
    collector::{Work, post, post_if_alive},
    directory::{KnownToken, Place, Slot},
    domain::document::{CollectorDocument, check_labels},
    feed::FeedItem,
    ports::{CloseReason, CollectorRecord, CollectorTokenRecord, EnrollmentRecord, RedeemError, Redemption, RowRecord},
    repository::{Edit, Precondition, Save, SaveError},
    runtime::AskError,
    shared::Shared,
    token::{Token, TokenHash, TokenKind},
};

/// How long an enrolment token lives when nothing else is asked for.
const DEFAULT_TTL_S: u64 = 15 * 60;
/// The longest life of an enrolment token.
const MAX_TTL_S: u64 = 366 * 24 * 60 * 60;
/// The longest name of a collector.
const MAX_NAME: usize = 200;

impl FleetHandle {
    /// Creates a collector with a token. Its name and labels go into the config repository first.
    ///
    /// # Errors
    /// When the request breaks rules, or a store fails.
    pub async fn register(&self, new: NewCollector, by: &By) -> Result<RegisteredCollector, FleetError> {
        check(&new.name, &new.labels).map_err(FleetError::Invalid)?;
        let (this, by) = (self.clone(), by.clone());
        self.detached(async move {
            let id = CollectorId::generate();
            let document = CollectorDocument { version: 1, name: new.name.clone(), labels: new.labels };
            let save = Save { edit: Edit::Collector(id, document), precondition: Precondition::Absent, by: by.clone() };
            this.repository.save(save).await.map_err(FleetError::Save)?;

            let shared = &this.shared;
            let mut record = record(id, new.name, new.runtime, shared.clock.now());
            record.stability = new.stability.unwrap_or_default();
            record.planned_version = new.version;
            by.actor().clone_into(&mut record.created_by);
            let token = Token::mint(TokenKind::Collector, &*shared.entropy);
            let known = token_record(&token, id, shared);
            shared.store.set_collector_tokens(id, vec![known], Some(record.clone())).await?;
            let slot = this.welcome(record, token.hash()).await;
            this.note(&slot, "created", format!("created by {}", by.actor()));
            Ok(RegisteredCollector { collector: slot.row(), etag: this.etag(id), token })
        })
        .await?
    }

    /// Makes a stored collector known to everybody. When this returns, the fleet knows what it should run: its first
    /// poll gets it.
    pub(super) async fn welcome(&self, record: CollectorRecord, token: TokenHash) -> Arc<Slot> {
        let name = record.name.as_str().into();
        let slot = Slot::new(record, None);
        slot.set_place(Place { name, ..Place::default() });
        let slot = self.shared.directory.insert(Arc::new(slot));
        let created_at = self.shared.clock.now();
        let known = KnownToken { slot: Arc::clone(&slot), created_at, previous: false, ends_at: None };
        self.shared.directory.insert_token(token, known);
        self.shared.note_changed(slot.id());
        if let Some(fleet) = self.shared.fleet.get()
            && let Err(error) = fleet.ask(Reconcile, DEADLINE).await
        {
            // It looks by itself, later.
            tracing::warn!(%error, collector = %slot.id(), "the fleet has not placed a new collector yet");
        }
        slot
    }

    pub(super) fn note(&self, slot: &Slot, kind: &str, message: String) {
        let event = CollectorEvent { at: self.shared.clock.now(), kind: kind.to_owned(), message };
        self.shared.recorder.put_event(slot.id(), event);
    }

    /// Changes name and labels of the operator, in the config repository.
    ///
    /// # Errors
    /// When the precondition does not hold, the request breaks rules, or the repository fails.
    pub async fn patch(
        &self,
        id: CollectorId,
        patch: CollectorPatch,
        precondition: Precondition,
        by: &By,
    ) -> Result<(Collector, Etag), FleetError> {
        let slot = self.registered(id)?;
        let (this, by) = (self.clone(), by.clone());
        self.detached(async move {
            let config = this.shared.config.load_full();
            let stored = config.collectors.get(&id).map(|stored| &stored.document);
            let name = patch.name.or_else(|| stored.map(|stored| stored.name.clone()));
            let name = name.unwrap_or_else(|| slot.record().name.clone());
            let labels = patch.labels.or_else(|| stored.map(|stored| stored.labels.clone())).unwrap_or_default();
            check(&name, &labels).map_err(FleetError::Invalid)?;
            let edit = Edit::Collector(id, CollectorDocument { version: 1, name, labels });
            match this.repository.save(Save { edit, precondition, by }).await {
                Ok(_) => Ok((slot.row(), this.etag(id))),
                Err(SaveError::Stale { etag, .. }) => {
                    Err(FleetError::Stale { etag: etag.unwrap_or(Etag::from_bytes([0; 20])) })
                }
                Err(SaveError::Invalid { errors, .. }) => Err(FleetError::Invalid(errors)),
                Err(error) => Err(FleetError::Save(error)),
            }
        })
        .await?
    }

    /// Ends a collector: its tokens are dead when this returns, and its session closed. It is kept for 30 days.
    ///
    /// # Errors
    /// When there is none, it was deregistered before, or the store fails.
    pub async fn deregister(&self, id: CollectorId, by: &By) -> Result<(), FleetError> {
        let slot = self.registered(id)?;
        let (this, by) = (self.clone(), by.clone());
        self.detached(async move {
            let _one_at_a_time = slot.administration.lock().await;
            if slot.is_deregistered() {
                return Err(FleetError::Deregistered);
            }
            let now = this.shared.clock.now();
            let mut record = CollectorRecord::clone(&slot.record());
            record.deregistered_at = Some(now);
            record.row.status_since = Some(now);
            this.shared.store.set_collector_tokens(id, Vec::new(), Some(record)).await?;
            slot.update_record(|record| {
                record.deregistered_at = Some(now);
                record.row.status_since = Some(now);
            });
            for hash in this.shared.directory.tokens_of(id) {
                this.shared.directory.remove_token(&hash);
            }
            slot.set_fast(None);
            // Here and not by the actor alone: the socket is closed even when the actor is stuck or its peer does not
            // read.
            // The lock is gone before sockets are closed: their end takes it.
            let connections = std::mem::take(&mut *slot.connections.lock());
            for connection in connections {
                connection.transport.close(CloseReason::Revoked);
            }
            // A full mailbox changes nothing: sessions and tokens are gone already.
            let _ = post_if_alive(&this.shared, &slot, Work::Deregistered);
            this.note(&slot, "deregistered", format!("deregistered by {}", by.actor()));
            this.shared.note_changed(id);
            this.shared.feed.publish(FeedItem::Collector(id));
            Ok(())
        })
        .await?
    }

    /// Issues a new token. The one before stays valid until [`Self::end_previous_token`], or until 7 days after a fresh
    /// process first used the new one; one older still ends at once.
    ///
    /// # Errors
    /// When there is no such collector, or the store fails.
    pub async fn rotate_token(&self, id: CollectorId, by: &By) -> Result<Token, FleetError> {
        let slot = self.registered(id)?;
        let (this, by) = (self.clone(), by.clone());
        self.detached(async move {
            let token = this.issue(&slot).await?;
            this.note(&slot, "token_issued", format!("a new token was issued by {}", by.actor()));
            Ok(token)
        })
        .await?
    }

    /// Issues a new token beside the newest that there is.
    pub(super) async fn issue(&self, slot: &Arc<Slot>) -> Result<Token, FleetError> {
        let _one_at_a_time = slot.administration.lock().await;
        let (shared, id) = (&self.shared, slot.id());
        let token = Token::mint(TokenKind::Collector, &*shared.entropy);
        let current = shared.directory.tokens_with(id).into_iter().find(|(_, known)| !known.previous);
        let mut records = vec![token_record(&token, id, shared)];
        records.extend(current.as_ref().map(|(hash, known)| CollectorTokenRecord {
            hash: *hash,
            collector: id,
            created_at: known.created_at,
            previous: true,
            ends_at: None,
        }));
        shared.store.set_collector_tokens(id, records, None).await?;
        for hash in shared.directory.tokens_of(id) {
            shared.directory.remove_token(&hash);
        }
        if let Some((hash, known)) = current {
            shared.directory.insert_token(hash, KnownToken { previous: true, ..known });
        }
        let created_at = shared.clock.now();
        let known = KnownToken { slot: Arc::clone(slot), created_at, previous: false, ends_at: None };
        shared.directory.insert_token(token.hash(), known);
        Ok(token)
    }

    /// Ends the token before the newest. A session that was opened with it is closed. Does nothing when there is none.
    ///
    /// # Errors
    /// When there is no such collector, or the store fails.
    pub async fn end_previous_token(&self, id: CollectorId, by: &By) -> Result<(), FleetError> {
        let slot = self.registered(id)?;
        let (this, by) = (self.clone(), by.clone());
        self.detached(async move {
            let _one_at_a_time = slot.administration.lock().await;
            let shared = &this.shared;
            let (previous, current): (Vec<_>, Vec<_>) =
                shared.directory.tokens_with(id).into_iter().partition(|(_, known)| known.previous);
            if previous.is_empty() {
                return Ok(());
            }
            let records = current.iter().map(|(hash, known)| CollectorTokenRecord {
                hash: *hash,
                collector: id,
                created_at: known.created_at,
                previous: false,
                ends_at: None,
            });
            shared.store.set_collector_tokens(id, records.collect(), None).await?;
            for (hash, _) in &previous {
                shared.directory.remove_token(hash);
            }
            let dead: Vec<TokenHash> = previous.into_iter().map(|(hash, _)| hash).collect();
            let closed: Vec<_> = slot.connections.lock().extract_if(.., |c| dead.contains(&c.token)).collect();
            for connection in closed {
                connection.transport.close(CloseReason::Revoked);
                // Full: the actor finds the session gone when it next sends.
                let _ = post_if_alive(shared, &slot, Work::Disconnected(connection.id));
            }
            this.note(&slot, "token_ended", format!("the previous token was ended by {}", by.actor()));
            Ok(())
        })
        .await?
    }

    /// Notes that the newest token is in use by a fresh session: the one before gets an end.
    pub(super) fn begin_grace(&self, slot: &Arc<Slot>) {
        let id = slot.id();
        let unended = |(_, known): &(TokenHash, KnownToken)| known.previous && known.ends_at.is_none();
        if !self.shared.directory.tokens_with(id).iter().any(unended) {
            return;
        }
        let (this, slot) = (self.clone(), Arc::clone(slot));
        self.shared.pool.hub().spawn(async move {
            let _one_at_a_time = slot.administration.lock().await;
            let shared = &this.shared;
            let ends_at = shared.clock.now().plus(shared.settings.previous_token_grace);
            let tokens = shared.directory.tokens_with(id);
            let records = tokens.iter().map(|(hash, known)| CollectorTokenRecord {
                hash: *hash,
                collector: id,
                created_at: known.created_at,
                previous: known.previous,
                ends_at: if known.previous { Some(known.ends_at.unwrap_or(ends_at)) } else { None },
            });
            match shared.store.set_collector_tokens(id, records.collect(), None).await {
                Ok(()) => {
                    for (hash, known) in tokens.into_iter().filter(|(_, known)| known.previous) {
                        let ends_at = Some(known.ends_at.unwrap_or(ends_at));
                        shared.directory.insert_token(hash, KnownToken { ends_at, ..known });
                    }
                }
                // The next session tries again.
                Err(error) => tracing::warn!(collector = %id, code = error.code(), "end of a token not stored"),
            }
        });
    }

    /// Asks the collector to restart.
    ///
    /// # Errors
    /// When it cannot be asked to, or is not connected.
    pub async fn restart(&self, id: CollectorId, by: &By) -> Result<(), FleetError> {
        let slot = self.registered(id)?;
        if slot.runtime() == Runtime::Alloy {
            return Err(cannot("restart_not_supported", "Alloy takes no restart command"));
        }
        if !slot.is_online() {
            return Err(cannot("not_connected", "the collector is not connected"));
        }
        let (reply, answered) = tokio::sync::oneshot::channel();
        post(&self.shared, &slot, Work::Restart(reply)).map_err(|_| AskError::Full)?;
        match tokio::time::timeout(DEADLINE, answered).await {
            Ok(Ok(true)) => {
                self.note(&slot, "restart_asked", format!("a restart was asked for by {}", by.actor()));
                Ok(())
            }
            Ok(Ok(false)) => Err(cannot("restart_not_supported", "the collector does not take restart commands")),
            Ok(Err(_)) => Err(AskError::Closed.into()),
            Err(_) => Err(AskError::Deadline.into()),
        }
    }

    /// Lifts the latch of a config that failed: it is offered once more.
    ///
    /// # Errors
    /// When its config did not fail.
    pub async fn retry(&self, id: CollectorId, by: &By) -> Result<(), FleetError> {
        let slot = self.registered(id)?;
        if slot.config_state() != linkmesh_proto::api::collector::ConfigState::Failed {
            return Err(cannot("not_failed", "the collector's config has not failed"));
        }
        post(&self.shared, &slot, Work::Retry).map_err(|_| AskError::Full)?;
        self.note(&slot, "retry_asked", format!("the config is offered again, asked for by {}", by.actor()));
        Ok(())
    }

    /// Makes an enrolment token.
    ///
    /// # Errors
    /// When the request breaks rules, or the store fails.
    pub async fn create_enrollment(&self, new: NewEnrollmentToken, by: &By) -> Result<IssuedEnrollment, FleetError> {
        let mut problems = check_labels(&new.labels).err().unwrap_or_default();
        let ttl_s = new.ttl_s.unwrap_or(DEFAULT_TTL_S);
        let uses = new.uses.unwrap_or(1);
        if !(1..=MAX_TTL_S).contains(&ttl_s) {
            problems.push(problem("ttl_s", "out_of_range", format!("must be 1 to {MAX_TTL_S} seconds")));
        }
        if uses == 0 {
            problems.push(problem("uses", "out_of_range", "must be 1 or more".to_owned()));
        }
        if !problems.is_empty() {
            return Err(FleetError::Invalid(problems));
        }
        let (this, by) = (self.clone(), by.clone());
        self.detached(async move {
            let shared = &this.shared;
            let token = Token::mint(TokenKind::Enrollment, &*shared.entropy);
            let now = shared.clock.now();
            let record = EnrollmentRecord {
                id: TokenId::generate(),
                hash: token.hash(),
                created_at: now,
                created_by: by.actor().to_owned(),
                expires_at: now.plus(Duration::from_secs(ttl_s)),
                uses,
                used: 0,
                labels: new.labels,
                runtime: new.runtime,
                redeemed_by: Vec::new(),
                deleted: false,
            };
            shared.store.create_enrollment(record.clone()).await?;
            let shown = shown(record.clone());
            shared.enrollments.insert(record);
            Ok(IssuedEnrollment { record: shown, token })
        })
        .await?
    }

    /// The enrolment tokens that have not ended, newest first.
    ///
    /// # Errors
    /// None today: they are in memory. A store that several servers share may fail.
    pub async fn enrollments(&self) -> Result<Vec<EnrollmentToken>, FleetError> {
        Ok(self.shared.enrollments.open(self.shared.clock.now()).into_iter().map(shown).collect())
    }

    /// Ends an enrolment token. Supervisors that redeemed it are still let in with it.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn delete_enrollment(&self, id: TokenId, by: &By) -> Result<(), FleetError> {
        let (this, by) = (self.clone(), by.clone());
        self.detached(async move {
            let shared = &this.shared;
            let record = shared.enrollments.by_id(id).filter(|record| !record.deleted);
            let record = record.ok_or(FleetError::UnknownEnrollment(id))?;
            if !shared.store.delete_enrollment(id).await? {
                return Err(FleetError::UnknownEnrollment(id));
            }
            if record.redeemed_by.is_empty() {
                shared.enrollments.remove(id);
            } else {
                shared.enrollments.insert(EnrollmentRecord { deleted: true, ..record });
            }
            tracing::info!(token = %id, by = by.actor(), "enrolment token ended");
            Ok(())
        })
        .await?
    }

    /// Redeems an enrolment token: creates a collector with a token of its own.
    ///
    /// # Errors
    /// When the token is unknown, ended, used or for another runtime, or the store fails.
    pub async fn enrol(&self, token: &str, request: Enrol) -> Result<EnrolledCollector, EnrolError> {
        check(&request.name, &BTreeMap::new()).map_err(EnrolError::Invalid)?;
        let (this, hash) = (self.clone(), TokenHash::of(token));
        self.detached(async move {
            let id = CollectorId::generate();
            let mut record = record(id, request.name, request.runtime, this.shared.clock.now());
            record.row.reported = request.attributes.into();
            let (slot, token) = this.redeem(hash, record, None).await?;
            let record = slot.record();
            Ok(EnrolledCollector {
                id,
                runtime: record.runtime,
                name: record.name.clone(),
                stability: record.stability,
                labels: record.enrolment_labels.clone(),
                token,
            })
        })
        .await?
    }

    /// Redeems an enrolment token for a collector that is to be created.
    pub(super) async fn redeem(
        &self,
        hash: TokenHash,
        mut record: CollectorRecord,
        instance_uid: Option<linkmesh_proto::InstanceUid>,
    ) -> Result<(Arc<Slot>, Token), RedeemError> {
        let shared = &self.shared;
        let token = Token::mint(TokenKind::Collector, &*shared.entropy);
        let known = token_record(&token, record.id, shared);
        record.created_by = "enrolment".to_owned();
        let redemption = Redemption { hash, now: shared.clock.now(), collector: record, token: known, instance_uid };
        let (enrollment, record) = shared.store.redeem(redemption).await?;
        let message = format!("enrolled with a token of {}", enrollment.created_by);
        shared.enrollments.insert(enrollment);
        let slot = self.welcome(record, token.hash()).await;
        self.note(&slot, "enrolled", message);
        Ok((slot, token))
    }
}

/// A collector that never came.
pub(super) fn record(
    id: CollectorId,
    name: String,
    runtime: Runtime,
    created_at: linkmesh_proto::Timestamp,
) -> CollectorRecord {
    CollectorRecord {
        id,
        name,
        runtime,
        stability: Stability::default(),
        planned_version: None,
        enrolment_labels: BTreeMap::new(),
        created_at,
        created_by: String::new(),
        deregistered_at: None,
        row: RowRecord { status: Some(CollectorStatus::Pending), status_since: Some(created_at), ..Default::default() },
    }
}

fn token_record(token: &Token, collector: CollectorId, shared: &Shared) -> CollectorTokenRecord {
    let created_at = shared.clock.now();
    CollectorTokenRecord { hash: token.hash(), collector, created_at, previous: false, ends_at: None }
}

fn shown(record: EnrollmentRecord) -> EnrollmentToken {
    EnrollmentToken {
        id: record.id,
        created_at: record.created_at,
        created_by: record.created_by,
        expires_at: record.expires_at,
        uses: record.uses,
        used: record.used,
        labels: record.labels,
        runtime: record.runtime,
    }
}

fn check(name: &str, labels: &BTreeMap<String, String>) -> Result<(), Vec<FieldProblem>> {
    let mut problems = check_labels(labels).err().unwrap_or_default();
    if name.trim().is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let message = format!("must be 1 to {MAX_NAME} characters without control characters");
        problems.insert(0, problem("name", "invalid_value", message));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn problem(field: &str, code: &str, message: String) -> FieldProblem {
    FieldProblem { field: field.to_owned(), code: code.to_owned(), message }
}

fn cannot(code: &'static str, reason: &'static str) -> FleetError {
    FleetError::Cannot { code, reason }
}
