//! Periodic tidying: expired tokens and sessions, deregistered collectors past their retention.
//!
//! *Owns* nothing: each round looks at what there is, and a round that is missed is made up by the next. *Mailbox* 8.
//! *Senders*: tests. *Its death* costs a round.

use std::{sync::Arc, time::Duration};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, ResponseActFuture, WrapFuture};
use linkmesh_proto::{CollectorId, RequestId, Timestamp};

use crate::{
    by::By,
    collector::{Work, post},
    domain::document::DocumentPath,
    fleet::{FleetError, end_known_tokens},
    mint::Mint as _,
    ports::StoreError,
    repository::{Edit, Precondition, RepositoryHandle, Save, SaveError},
    runtime::messages,
    shared::Shared,
};

pub(crate) const MAILBOX: usize = 8;
/// How often the janitor goes round.
const EVERY: Duration = Duration::from_secs(60);
/// How long an enrolment token is kept when it has ended: who still shows it hears that it was good once, and not that
/// there is no such token.
const ENROLLMENT_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// A collector that counts as there and was not heard for so long is looked at; its state machine decides.
const SILENT_AFTER: Duration = Duration::from_secs(60);

/// The janitor.
pub(crate) struct JanitorActor {
    shared: Arc<Shared>,
    repository: RepositoryHandle,
}

impl JanitorActor {
    pub(crate) fn new(shared: Arc<Shared>, repository: RepositoryHandle) -> Self {
        Self { shared, repository }
    }

    fn again(&mut self, ctx: &mut Context<Self>) {
        let round = round(Arc::clone(&self.shared), self.repository.clone());
        ctx.spawn(round.into_actor(self).map(|result, _, ctx| {
            if let Err(error) = result {
                tracing::warn!(code = error.code(), error = &error as &dyn std::error::Error, "tidying failed");
            }
            // Armed when the round is over, so that rounds never pile up.
            ctx.run_later(EVERY, Self::again);
        }));
    }
}

impl Actor for JanitorActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_later(EVERY, Self::again);
    }
}

/// Goes round now.
pub(crate) struct Tidy;
messages! { Tidy => Result<(), StoreError>; }

impl Handler<Tidy> for JanitorActor {
    type Result = ResponseActFuture<Self, Result<(), StoreError>>;

    fn handle(&mut self, _: Tidy, _: &mut Self::Context) -> Self::Result {
        Box::pin(round(Arc::clone(&self.shared), self.repository.clone()).into_actor(self))
    }
}

async fn round(shared: Arc<Shared>, repository: RepositoryHandle) -> Result<(), StoreError> {
    let now = shared.clock.now();
    wake_silent(&shared, now);
    remove_all_unborn(&shared, &repository).await;
    end_tokens(&shared).await?;
    let ended_before = Timestamp::from_millis(now.as_millis().saturating_sub(ENROLLMENT_KEPT_MS));
    for id in shared.store.prune_enrollments(ended_before).await? {
        shared.enrollments.remove(id);
    }
    shared.store.prune_sessions(now).await?;
    forget_deregistered(&shared, &repository).await
}

/// Collectors that count as there and have no actor, for instance after a panic: nothing else would notice their silence.
fn wake_silent(shared: &Arc<Shared>, now: Timestamp) {
    for slot in shared.directory.slots() {
        let is_silent = slot.last_seen().is_none_or(|seen| now.since(seen) >= SILENT_AFTER);
        if slot.is_online() && is_silent && slot.mailbox.lock().addr.is_none() {
            // Any message builds the actor, which judges the silence. Full: it is alive after all.
            let _ = post(shared, &slot, Work::Tick);
        }
    }
}

/// Ends tokens whose time has come, and the sessions that were opened with them.
async fn end_tokens(shared: &Shared) -> Result<(), StoreError> {
    let now = shared.clock.now();
    for slot in shared.directory.slots() {
        let ended = |slot: CollectorId| {
            shared
                .directory
                .tokens_with(slot)
                .into_iter()
                .partition::<Vec<_>, _>(|(_, known)| known.ends_at.is_some_and(|ends_at| ends_at <= now))
        };
        if ended(slot.id()).0.is_empty() {
            continue;
        }
        let _one_at_a_time = slot.administration.lock().await;
        let (ended, valid) = ended(slot.id());
        let records = valid.iter().map(|(hash, known)| known.record(*hash));
        shared.store.set_collector_tokens(slot.id(), records.collect(), None).await?;
        end_known_tokens(shared, &slot, &ended);
    }
    Ok(())
}

/// Removes what there may be of a collector that did not come into being: its document first, so that none is left
/// without a collector.
pub(crate) async fn remove_unborn(
    shared: &Shared,
    repository: &RepositoryHandle,
    id: CollectorId,
    by: By,
) -> Result<(), FleetError> {
    remove_document(repository, id, by).await.map_err(FleetError::Save)?;
    Ok(shared.store.remove_collectors(vec![id]).await?)
}

async fn remove_all_unborn(shared: &Shared, repository: &RepositoryHandle) {
    let unborn = std::mem::take(&mut *shared.unborn.lock());
    for id in unborn {
        if let Err(error) = remove_unborn(shared, repository, id, by_janitor()).await {
            tracing::warn!(collector = %id, error = &error as &dyn std::error::Error, "collector not taken back yet");
            shared.unborn.lock().push(id);
        }
    }
}

fn by_janitor() -> By {
    By::server("janitor", RequestId::generate())
}

/// Removes what the config repository says of a collector, if it says anything.
async fn remove_document(repository: &RepositoryHandle, id: CollectorId, by: By) -> Result<(), SaveError> {
    let edit = Edit::Delete(DocumentPath::Collector(id));
    match repository.save(Save { edit, precondition: Precondition::Any, by }).await {
        Ok(_) | Err(SaveError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Forgets collectors that were deregistered long ago, their documents included.
async fn forget_deregistered(shared: &Arc<Shared>, repository: &RepositoryHandle) -> Result<(), StoreError> {
    let now = shared.clock.now();
    let mut old = Vec::new();
    shared.directory.for_each(|slot| {
        let since = slot.record().deregistered_at;
        if since.is_some_and(|since| now.since(since) >= shared.settings.deregistered_retention) {
            old.push(slot.id());
        }
    });
    if old.is_empty() {
        return Ok(());
    }
    for id in &old {
        // It goes with the next round.
        if let Err(error) = remove_document(repository, *id, by_janitor()).await {
            tracing::warn!(collector = %id, error = &error as &dyn std::error::Error, "document not removed");
            return Ok(());
        }
    }
    shared.recorder.forget(&old);
    shared.store.remove_collectors(old.clone()).await?;
    for id in &old {
        shared.directory.remove(*id);
        shared.note_changed(*id);
    }
    tracing::info!(collectors = old.len(), "deregistered collectors forgotten");
    Ok(())
}
