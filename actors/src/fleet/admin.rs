//! What operators change: registration, names and labels, restarts and retries. Tokens are beside.

use std::{collections::BTreeMap, sync::Arc};

use linkmesh_proto::{
    CollectorId, Etag, RequestId,
    api::{
        collector::{Collector, CollectorEvent, CollectorPatch, CollectorStatus, NewCollector, Runtime, Stability},
        problem::FieldProblem,
    },
};

use tokio::sync::oneshot;

use super::{FleetError, FleetHandle, Reconcile, RegisteredCollector, handle::DEADLINE, tokens::token_record};
use crate::{
    by::By,
    collector::{Work, post, post_if_alive},
    directory::{KnownToken, Place, Slot},
    domain::{
        document::{CollectorDocument, check_labels},
        text::breaks_line,
    },
    feed::FeedItem,
    janitor::remove_unborn,
    mint::Mint as _,
    ports::{CloseReason, CollectorRecord, CollectorTokenRecord, RowRecord},
    repository::{Edit, Precondition, Save, SaveError},
    runtime::AskError,
    token::{Token, TokenKind},
};

/// The longest version of a collector's program, in characters.
const MAX_VERSION: usize = 64;
/// The longest name of a collector.
const MAX_NAME: usize = 200;

impl FleetHandle {
    /// Creates a collector with a token. It is stored before its name and labels go into the config repository: a crash in
    /// between leaves a collector that the list shows, and not a document of nobody.
    ///
    /// # Errors
    /// When the request breaks rules, or a store fails.
    pub async fn register(&self, new: NewCollector, by: &By) -> Result<RegisteredCollector, FleetError> {
        let mut problems = check(&new.name, &new.labels).err().unwrap_or_default();
        problems.extend(new.version.as_deref().and_then(version_problem));
        if !problems.is_empty() {
            return Err(FleetError::Invalid(problems));
        }
        let (this, by) = (self.clone(), by.clone());
        self.detached(async move {
            let id = CollectorId::generate();
            let shared = &this.shared;
            let mut record = record(id, new.name.clone(), new.runtime, shared.clock.now());
            record.stability = new.stability.unwrap_or_default();
            record.planned_version = new.version;
            by.actor().clone_into(&mut record.created_by);
            let token = Token::mint(TokenKind::Collector, &*shared.entropy);
            let known = token_record(&token, id, shared);
            let stored = shared.store.set_collector_tokens(id, vec![known.clone()], Some(record.clone())).await;
            let created = match stored {
                Ok(()) => {
                    let document = CollectorDocument { version: 1, name: new.name, labels: new.labels };
                    let edit = Edit::Collector(id, document);
                    let save = Save { edit, precondition: Precondition::Absent, by: by.clone() };
                    this.repository.save(save).await.map(drop).map_err(FleetError::Save)
                }
                Err(error) => Err(error.into()),
            };
            if let Err(error) = created {
                // Who asked hears that nothing was stored. Of a failure it may not be known whether anything was.
                this.take_back(id, by.request_id).await;
                return Err(error);
            }
            let slot = this.welcome(record, Some(&known)).await;
            this.note(&slot, "created", format!("created by {}", by.actor()));
            tracing::info!(collector = %id, by = by.actor(), "collector created");
            Ok(RegisteredCollector { collector: slot.row(), etag: this.etag(id), token })
        })
        .await?
    }

    /// Removes what there may be of a collector that does not come into being. The janitor does it once more: a commit that
    /// was given up may still be made, and this may fail, too.
    async fn take_back(&self, id: CollectorId, request_id: RequestId) {
        let by = By::server("registration", request_id);
        if let Err(error) = remove_unborn(&self.shared, &self.repository, id, by).await {
            tracing::warn!(collector = %id, error = &error as &dyn std::error::Error, "collector not taken back yet");
        }
        self.shared.unborn.lock().push(id);
    }

    /// Makes a stored collector known to everybody. When this returns, the fleet knows what it should run: its first
    /// poll gets it.
    pub(super) async fn welcome(&self, record: CollectorRecord, token: Option<&CollectorTokenRecord>) -> Arc<Slot> {
        let name = record.name.as_str().into();
        let slot = Slot::new(record, None);
        slot.set_place(Place { name, ..Place::default() });
        let slot = self.shared.directory.insert(Arc::new(slot));
        if let Some(token) = token {
            self.shared.directory.insert_token(token.hash, KnownToken::new(Arc::clone(&slot), token));
        }
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

    /// The name and the operator's labels that a collector has after a change.
    pub(super) fn patched(
        &self,
        slot: &Slot,
        patch: CollectorPatch,
    ) -> Result<(String, BTreeMap<String, String>), FleetError> {
        let config = self.shared.config.load();
        let stored = config.collectors.get(&slot.id()).map(|stored| &stored.document);
        let name = patch.name.or_else(|| stored.map(|stored| stored.name.clone()));
        let name = name.unwrap_or_else(|| slot.record().name.clone());
        let labels = patch.labels.or_else(|| stored.map(|stored| stored.labels.clone())).unwrap_or_default();
        check(&name, &labels).map_err(FleetError::Invalid)?;
        Ok((name, labels))
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
            let (name, labels) = this.patched(&slot, patch)?;
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
            let record = slot.update_record(|record| {
                record.deregistered_at = Some(now);
                record.row.status_since = Some(now);
            });
            // In the place of an older one that may wait there; the store takes no deregistration back by such a one.
            this.shared.recorder.put_record(record);
            *slot.offered_token.lock() = None;
            for hash in this.shared.directory.tokens_of(id) {
                this.shared.directory.remove_token(&hash);
            }
            slot.set_fast(None);
            slot.rhythm.stop();
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
            tracing::info!(collector = %id, by = by.actor(), "collector deregistered");
            this.shared.note_changed(id);
            this.shared.feed.publish(FeedItem::Collector(id));
            Ok(())
        })
        .await?
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
        let possible = self.order(&slot, Work::Restart).await?;
        if !possible {
            return Err(cannot("restart_not_supported", "the collector does not take restart commands"));
        }
        self.note(&slot, "restart_asked", format!("a restart was asked for by {}", by.actor()));
        Ok(())
    }

    /// Gives an order to a collector's actor. When this returns, what it changed is on disk.
    async fn order(
        &self,
        slot: &Arc<Slot>,
        work: impl FnOnce(oneshot::Sender<bool>) -> Work,
    ) -> Result<bool, FleetError> {
        let (reply, answered) = oneshot::channel();
        post(&self.shared, slot, work(reply)).map_err(|_| AskError::Full)?;
        match tokio::time::timeout(DEADLINE, answered).await {
            Ok(Ok(taken)) => Ok(taken),
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
        self.order(&slot, Work::Retry).await?;
        self.note(&slot, "retry_asked", format!("the config is offered again, asked for by {}", by.actor()));
        Ok(())
    }
}

/// A collector that never came.
pub(crate) fn record(
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

pub(super) fn check(name: &str, labels: &BTreeMap<String, String>) -> Result<(), Vec<FieldProblem>> {
    let mut problems = check_labels(labels).err().unwrap_or_default();
    if name.trim().is_empty() || name.chars().count() > MAX_NAME || name.chars().any(breaks_line) {
        let message = format!("must be 1 to {MAX_NAME} characters without control characters and line breaks");
        problems.insert(0, problem("name", "invalid_value", message));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// It stands in files that are put on a host, and in a list.
fn version_problem(version: &str) -> Option<FieldProblem> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || ".-+_~:".contains(c);
    if version.starts_with(|c: char| c.is_ascii_digit() || c == 'v')
        && version.len() <= MAX_VERSION
        && version.chars().all(is_good)
    {
        return None;
    }
    let message = format!("must be a version such as 0.158.0, of at most {MAX_VERSION} characters");
    Some(problem("version", "invalid_value", message))
}

pub(super) fn problem(field: &str, code: &str, message: String) -> FieldProblem {
    FieldProblem { field: field.to_owned(), code: code.to_owned(), message }
}

fn cannot(code: &'static str, reason: &'static str) -> FleetError {
    FleetError::Cannot { code, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_wherever_it_stands() {
        for good in ["web-1", "web 1", "Wörk\u{a0}1", &"x".repeat(MAX_NAME)] {
            assert_eq!(check(good, &BTreeMap::new()), Ok(()), "{good:?}");
        }
        for bad in
            ["", " ", "a\nb", "a\rb", "a\u{85}b", "a\u{2028}b", "a\u{2029}b", "\u{1b}[2J", &"x".repeat(MAX_NAME + 1)]
        {
            let problems = check(bad, &BTreeMap::new()).unwrap_err();
            assert_eq!((problems.len(), problems[0].field.as_str()), (1, "name"), "{bad:?}");
        }
    }

    #[test]
    fn a_version_fits_into_a_file_and_a_list() {
        for good in ["0.158.0", "v1.12.0", "1.18.0-devel+g12ab", "0.149.0-rc.1"] {
            assert_eq!(version_problem(good), None, "{good}");
        }
        for bad in ["", "banana", "1.0\nexec", "1 0", "0.158.0\u{202e}", &"1".repeat(65)] {
            assert_eq!(version_problem(bad).unwrap().field, "version", "{bad}");
        }
    }
}
