//! The repository's actor.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle, WrapFuture};
use linkmesh_proto::{PipelineId, Revision, api::event::Event};
use tokio::sync::oneshot;

use super::{
    SaveError, Saved,
    batch::{self, Change, Judge, Judged, ReadySave},
    handle::RepositoryWorker,
    load::follow,
    request::Edit,
};
use crate::{
    domain::{config::ConfigSnapshot, document::DocumentPath},
    feed::FeedItem,
    fleet::{TakeRevision, Touched},
    ports::{CommitInfo, CommitRequest, Committed, PathChange, RepositoryError},
    runtime::{AskError, WorkerError, messages},
    shared::Shared,
};

/// Saves that may wait in the mailbox.
pub(crate) const MAILBOX: usize = 256;
/// Saves that may wait behind the batch that is on its way. The next is refused: while the disk stalls nothing is gained
/// by keeping more of them.
const MAX_WAITING: usize = 256;
/// Changes that are committed together at most.
const MAX_BATCH: usize = 128;
/// How long a batch may take on the worker's thread.
const COMMIT_DEADLINE: Duration = Duration::from_secs(30);
/// How long the fleet may take to see what follows from a revision.
const FLEET_DEADLINE: Duration = Duration::from_secs(5);
/// How often a batch is judged again because somebody committed by hand meanwhile.
const MAX_ATTEMPTS: usize = 5;
/// Maintenance is worth its while after this many batches: each leaves a pack behind.
const MAINTAIN_AFTER: usize = 64;
/// It begins once no batch was committed for so long: merging packs takes a core, which saves need more.
const REST: Duration = Duration::from_secs(2);
/// After this many batches it no longer waits for that: a look-up costs a glance at each pack.
const MAINTAIN_ANYWAY: usize = 512;
/// A few batches are not left for longer than this.
const MAINTAIN_EVERY: Duration = Duration::from_secs(600);
/// How often a merge of packs that goes on beside the saves is looked at.
const PACKING_LOOK: Duration = Duration::from_secs(1);

pub(super) type Reply = oneshot::Sender<Result<Saved, SaveError>>;

/// The repository's actor.
pub(crate) struct RepositoryActor {
    shared: Arc<Shared>,
    worker: RepositoryWorker,
    waiting: Vec<(Change, Reply)>,
    is_busy: bool,
    batches_since_maintenance: usize,
    /// Maintenance that begins unless another batch comes first.
    at_rest: Option<SpawnHandle>,
    /// The repository's thread was asked to pack and has not answered.
    is_packing: bool,
}

/// A batch on its way.
struct Batch {
    changes: Vec<(Change, Reply)>,
    judged: Vec<Judged>,
    requests: Vec<CommitRequest>,
    base: Arc<ConfigSnapshot>,
    attempt: usize,
    begun: Duration,
}

impl RepositoryActor {
    pub(crate) fn new(shared: Arc<Shared>, worker: RepositoryWorker) -> Self {
        Self {
            shared,
            worker,
            waiting: Vec::new(),
            is_busy: false,
            batches_since_maintenance: 0,
            at_rest: None,
            is_packing: false,
        }
    }

    /// Takes the next batch, when none is on its way.
    fn next_batch(&mut self, ctx: &mut Context<Self>) {
        if self.is_busy {
            return;
        }
        // Who gave up was told that it is not known: of what was not begun it is better not done.
        self.waiting.retain(|(_, reply)| !reply.is_closed());
        if self.waiting.is_empty() {
            return;
        }
        self.is_busy = true;
        let rest = self.waiting.split_off(self.waiting.len().min(MAX_BATCH));
        let changes = std::mem::replace(&mut self.waiting, rest);
        let begun = self.shared.clock.monotonic();
        self.commit(changes, 1, begun, ctx);
    }

    /// Judges a batch and has it committed.
    fn commit(&mut self, changes: Vec<(Change, Reply)>, attempt: usize, begun: Duration, ctx: &mut Context<Self>) {
        let base = self.shared.config.load_full();
        let facts = self.shared.facts();
        let judge = Judge { facts: &facts, sealer: &*self.shared.sealer, now: self.shared.clock.now() };
        let (changes, replies): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
        let (judged, requests) = batch::judge(&changes, &base, &judge);
        let batch =
            Batch { changes: changes.into_iter().zip(replies).collect(), judged, requests, base, attempt, begun };
        if batch.requests.is_empty() {
            self.finish(batch, Ok(Vec::new()), ctx);
            return;
        }
        let worker = self.worker.clone();
        let (base, requests) = (batch.base.revision, batch.requests.clone());
        let committed =
            async move { worker.call(COMMIT_DEADLINE, move |repository| repository.commit(base, &requests)).await };
        ctx.spawn(committed.into_actor(self).map(move |result, actor, ctx| match result {
            Ok(Err(RepositoryError::Moved { head })) => actor.judge_again(batch, head, ctx),
            result => actor.finish(batch, flatten(result), ctx),
        }));
    }

    /// Somebody committed by hand: takes that over and judges the batch against it.
    fn judge_again(&mut self, batch: Batch, head: Option<Revision>, ctx: &mut Context<Self>) {
        if batch.attempt >= MAX_ATTEMPTS {
            self.finish(batch, Err(RepositoryError::Moved { head }.into()), ctx);
            return;
        }
        let followed = self.follow(head);
        ctx.spawn(followed.into_actor(self).map(move |result, actor, ctx| match result {
            Ok(()) => actor.commit(batch.changes, batch.attempt + 1, batch.begun, ctx),
            Err(error) => actor.finish(batch, Err(error), ctx),
        }));
    }

    /// Takes over what was committed by hand, up to `head`.
    fn follow(&self, head: Option<Revision>) -> impl Future<Output = Result<(), SaveError>> + use<> {
        let (worker, shared) = (self.worker.clone(), Arc::clone(&self.shared));
        async move {
            let base = shared.config.load_full();
            let Some(head) = head else {
                // The branch is gone: nothing is in force but what was, until it is back.
                return Err(RepositoryError::Moved { head: None }.into());
            };
            let known = base.revision;
            let followed = worker.call(COMMIT_DEADLINE, move |repository| {
                let next = follow(&mut **repository, &base, head)?;
                let info = repository.commit_info(head)?;
                Ok::<_, RepositoryError>((next, info))
            });
            let (next, info) = followed.await??;
            tracing::info!(from = ?known, to = %head, "a commit was made by hand");
            let base = shared.config.load_full();
            shared.secrets.take(&next, &*shared.sealer);
            shared.config.store(Arc::new(next));
            announce_by_hand(&shared, &base, info.as_ref());
            take_revision(&shared).await;
            Ok(())
        }
    }

    /// Puts a committed batch in force, tells everybody, and answers.
    fn finish(&mut self, batch: Batch, result: Result<Vec<Committed>, SaveError>, ctx: &mut Context<Self>) {
        let commits = match result {
            Ok(commits) => commits,
            Err(error) => {
                if !matches!(error, SaveError::Repository(RepositoryError::Moved { .. })) {
                    self.shared.commits_fail.store(true, Ordering::Release);
                }
                self.refuse(batch, &error);
                self.is_busy = false;
                self.next_batch(ctx);
                return;
            }
        };
        if !commits.is_empty() {
            self.shared.commits_fail.store(false, Ordering::Release);
            let elapsed = self.shared.clock.monotonic().saturating_sub(batch.begun);
            self.shared.observe.commit_latency.observe(elapsed);
            let next = batch::committed(&batch.base, &batch.requests, &commits);
            self.shared.secrets.take(&next, &*self.shared.sealer);
            self.shared.config.store(Arc::new(next));
            self.batches_since_maintenance += usize::from(commits.iter().any(|commit| commit.changed));
        }
        let shared = Arc::clone(&self.shared);
        let anything = commits.iter().any(|commit| commit.changed);
        let touched = async move { if anything { take_revision(&shared).await } else { Vec::new() } };
        ctx.spawn(touched.into_actor(self).map(move |touched, actor, ctx| {
            announce(&actor.shared, &batch.requests, &commits);
            answer(&actor.shared.config.load(), batch, &commits, &touched);
            actor.is_busy = false;
            actor.maintain_when_due(ctx);
            actor.next_batch(ctx);
        }));
    }

    /// Answers a batch that was not committed. Each change gets the error; who was refused anyway hears why.
    fn refuse(&self, batch: Batch, error: &SaveError) {
        tracing::error!(error = error as &dyn std::error::Error, changes = batch.changes.len(), "nothing committed");
        for ((_, reply), judged) in batch.changes.into_iter().zip(batch.judged) {
            let answer = match judged {
                Judged::Refused(refused) => refused,
                Judged::Accepted { .. } | Judged::Overtaken(_) => again(error),
            };
            // Who asked may have left.
            let _ = reply.send(Err(answer));
        }
    }

    fn look_again(&mut self, ctx: &mut Context<Self>) {
        ctx.run_later(self.shared.settings.repository_poll, Self::look_again);
        self.look(ctx);
    }

    /// Looks for commits made by hand.
    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.is_busy {
            // The commit on its way compares and swaps.
            return;
        }
        self.is_busy = true;
        let worker = self.worker.clone();
        let head = async move { worker.call(COMMIT_DEADLINE, |repository| repository.head()).await };
        ctx.spawn(
            head.into_actor(self)
                .then(|head, actor, _| {
                    let known = actor.shared.config.load().revision;
                    let moved = match flatten(head) {
                        Ok(Some(head)) if Some(head) != known => Some(actor.follow(Some(head))),
                        Ok(_) | Err(SaveError::Worker(WorkerError::Stopped)) => None,
                        Err(error) => {
                            tracing::error!(
                                error = &error as &dyn std::error::Error,
                                "the config repository cannot be read"
                            );
                            None
                        }
                    };
                    async move {
                        if let Some(moved) = moved
                            && let Err(error) = moved.await
                        {
                            tracing::error!(
                                error = &error as &dyn std::error::Error,
                                "a commit made by hand is not taken over"
                            );
                        }
                    }
                    .into_actor(actor)
                })
                .map(|(), actor, ctx| {
                    actor.is_busy = false;
                    actor.next_batch(ctx);
                }),
        );
    }

    /// Sees to it, after each batch, that packs do not become too many.
    fn maintain_when_due(&mut self, ctx: &mut Context<Self>) {
        if let Some(waiting) = self.at_rest.take() {
            ctx.cancel_future(waiting);
        }
        if self.batches_since_maintenance >= MAINTAIN_ANYWAY {
            self.maintain(ctx);
        } else if self.batches_since_maintenance >= MAINTAIN_AFTER {
            self.at_rest = Some(ctx.run_later(REST, Self::maintain));
        }
    }

    /// Has the repository packed, between batches. Looks again while that goes on, so that what the new pack replaces
    /// is gone soon after.
    fn maintain(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.is_packing, true) {
            return;
        }
        self.batches_since_maintenance = 0;
        let worker = self.worker.clone();
        let maintained = async move { worker.call(COMMIT_DEADLINE, |repository| repository.maintain()).await };
        ctx.spawn(maintained.into_actor(self).map(|result, actor, ctx| {
            actor.is_packing = false;
            match flatten(result) {
                Ok(report) if report.packed => {
                    tracing::info!(
                        packs_before = report.packs_before,
                        packs_after = report.packs_after,
                        "repository packed"
                    );
                }
                Ok(report) if report.packing => {
                    ctx.run_later(PACKING_LOOK, Self::maintain);
                }
                Ok(_) | Err(SaveError::Worker(WorkerError::Stopped)) => {}
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "repository not packed"),
            }
        }));
    }

    fn maintain_again(&mut self, ctx: &mut Context<Self>) {
        if self.batches_since_maintenance > 0 {
            self.maintain(ctx);
        }
        ctx.run_later(MAINTAIN_EVERY, Self::maintain_again);
    }
}

/// Has the fleet take a revision over.
async fn take_revision(shared: &Shared) -> Vec<Touched> {
    let Some(fleet) = shared.fleet.get() else { return Vec::new() };
    match fleet.ask(TakeRevision, FLEET_DEADLINE).await {
        Ok(touched) => touched,
        Err(error) => {
            // It looks again by itself; only the count in the answer is lost.
            tracing::warn!(%error, "the fleet has not taken over a revision yet");
            Vec::new()
        }
    }
}

fn flatten<T>(result: Result<Result<T, RepositoryError>, WorkerError>) -> Result<T, SaveError> {
    Ok(result??)
}

/// The same failure for each change of a batch: causes cannot be cloned, and were logged.
fn again(error: &SaveError) -> SaveError {
    let cause = |error: &dyn std::error::Error| error.source().map_or_else(|| error.to_string(), ToString::to_string);
    match error {
        SaveError::Repository(RepositoryError::Moved { head }) => RepositoryError::Moved { head: *head }.into(),
        SaveError::Repository(error @ RepositoryError::NoSpace(_)) => {
            RepositoryError::NoSpace(cause(error).into()).into()
        }
        SaveError::Worker(error) => (*error).into(),
        error => RepositoryError::Unavailable(cause(error).into()).into(),
    }
}

fn announce(shared: &Shared, requests: &[CommitRequest], commits: &[Committed]) {
    for (request, commit) in requests.iter().zip(commits).filter(|(_, commit)| commit.changed) {
        for (path, change) in &request.changes {
            announce_path(shared, path, commit.revision, *change == PathChange::Delete);
        }
        publish(
            shared,
            Event::Revision {
                revision: commit.revision,
                message: request.summary.clone(),
                author: request.author.name.clone(),
            },
        );
    }
}

fn announce_path(shared: &Shared, path: &str, revision: Revision, deleted: bool) {
    match path.parse() {
        Ok(DocumentPath::Pipeline(id)) => publish(shared, Event::PipelineSaved { id, revision, deleted }),
        Ok(DocumentPath::Destination(id)) => publish(shared, Event::DestinationSaved { id, revision, deleted }),
        Ok(DocumentPath::Group(_) | DocumentPath::Collector(_) | DocumentPath::Settings) | Err(_) => {}
    }
}

fn announce_by_hand(shared: &Shared, before: &ConfigSnapshot, info: Option<&CommitInfo>) {
    let Some(info) = info else { return };
    let now = shared.config.load();
    let gone = |path: &str| match path.parse() {
        Ok(DocumentPath::Pipeline(id)) => before.pipelines.contains_key(&id) && !now.pipelines.contains_key(&id),
        Ok(DocumentPath::Destination(id)) => {
            before.destinations.contains_key(&id) && !now.destinations.contains_key(&id)
        }
        _ => false,
    };
    for path in &info.paths {
        announce_path(shared, path, info.revision, gone(path));
    }
    publish(
        shared,
        Event::Revision { revision: info.revision, message: info.summary.clone(), author: info.author.name.clone() },
    );
}

fn publish(shared: &Shared, event: Event) {
    shared.feed.publish(FeedItem::Event(Arc::new(event)));
}

/// Answers a batch that is in force.
fn answer(config: &ConfigSnapshot, batch: Batch, commits: &[Committed], touched: &[Touched]) {
    let mut by_pipeline: HashMap<&PipelineId, u64> = HashMap::new();
    for touched in touched {
        let mut pipelines: Vec<&PipelineId> = touched.pipelines.iter().collect();
        pipelines.sort_unstable();
        pipelines.dedup();
        for pipeline in pipelines {
            *by_pipeline.entry(pipeline).or_default() += 1;
        }
    }
    for ((change, reply), judged) in batch.changes.into_iter().zip(batch.judged) {
        let answer = match judged {
            Judged::Refused(error) => Err(error),
            Judged::Overtaken(path) => {
                let (current, etag) =
                    batch::stored(config, &path).map_or((None, None), |(document, etag)| (document, Some(etag)));
                Err(SaveError::Stale { current, etag })
            }
            Judged::Accepted { request, warnings } => match commits.get(request) {
                Some(commit) => Ok(batch::saved(commit, warnings, affected(config, &change, touched, &by_pipeline))),
                // Invariant: the port answers one commit for each request.
                None => Err(RepositoryError::Unavailable("a commit is missing in the answer".into()).into()),
            },
        };
        // Who asked may have left.
        let _ = reply.send(answer);
    }
}

/// How many collectors get another config by this change. In a batch, a collector that two changes touch counts for
/// both.
fn affected(
    config: &ConfigSnapshot,
    change: &Change,
    touched: &[Touched],
    by_pipeline: &HashMap<&PipelineId, u64>,
) -> u64 {
    let run_any = |pipelines: &[PipelineId]| {
        touched.iter().filter(|t| t.pipelines.iter().any(|pipeline| pipelines.contains(pipeline))).count() as u64
    };
    match change {
        Change::Restore { .. } => touched.len() as u64,
        Change::Save(ReadySave(save, _)) => match &save.edit {
            Edit::Pipeline(id, _) | Edit::Delete(DocumentPath::Pipeline(id)) => {
                by_pipeline.get(id).copied().unwrap_or_default()
            }
            Edit::Destination(id, _) => run_any(&config.users_of(id)),
            Edit::Collector(id, _) | Edit::Delete(DocumentPath::Collector(id)) => {
                touched.iter().filter(|touched| touched.slot.id() == *id).count() as u64
            }
            Edit::Group(..) | Edit::Delete(_) => 0,
        },
    }
}

impl Actor for RepositoryActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_later(self.shared.settings.repository_poll, Self::look_again);
        ctx.run_later(MAINTAIN_EVERY, Self::maintain_again);
    }
}

/// A change to be made, and who is told what came of it.
pub(super) struct Commit(pub(super) Change, pub(super) Reply);
messages! {
    Commit => ();
}

impl Handler<Commit> for RepositoryActor {
    type Result = ();

    fn handle(&mut self, Commit(change, reply): Commit, ctx: &mut Self::Context) {
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.retain(|(_, reply)| !reply.is_closed());
        }
        if self.waiting.len() >= MAX_WAITING {
            self.shared.observe.actor("repository").mailbox_full.increment();
            // Who asked may have left.
            let _ = reply.send(Err(AskError::Full.into()));
        } else {
            self.waiting.push((change, reply));
            self.next_batch(ctx);
        }
    }
}
