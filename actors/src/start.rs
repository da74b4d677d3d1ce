//! Everything that runs, started in one place.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::{Actor, AsyncContext, Context, WrapFuture};
use arc_swap::ArcSwap;

use linkmesh_proto::{Revision, api::collector::CollectorStatus};

use crate::{
    collector::{ComponentRegistry, Recorder, Work, post_if_alive},
    directory::{Directory, KnownToken, Place, Slot},
    domain::{config::ConfigSnapshot, secret::Sealer},
    feed::{FeedActor, FeedHandle},
    fleet::{Enrollments, FleetActor, FleetHandle},
    janitor::{JanitorActor, Tidy},
    meter::{MeterActor, MeterHandle},
    opamp::{Endpoints, EndpointsError, Permits, Timing},
    ports::{AuditRecord, Clock, ConfigRepository, Entropy, RepositoryError, StateStore, StoreError},
    repository::{RepositoryActor, RepositoryHandle, load, rebuild_from},
    runtime::{AskError, GiveUp, Observe, Pool, Supervised, Worker, WorkerError, supervise},
    secrets::{self, Secrets},
    shared::Shared,
};

/// Opens the config repository on its worker thread; called again after a panic there.
pub type OpenRepository = Box<dyn FnMut() -> Result<Box<dyn ConfigRepository>, RepositoryError> + Send>;

/// What the actors need of the binary.
pub struct Deps {
    /// The state store.
    pub store: Arc<dyn StateStore>,
    /// Opens the config repository.
    pub repository: OpenRepository,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Seals and opens secrets.
    pub sealer: Arc<dyn Sealer>,
    /// Counters; share it with what the binary counts itself.
    pub observe: Arc<Observe>,
    /// Limits and addresses.
    pub settings: Settings,
    /// Called when a singleton keeps dying: end the process.
    pub give_up: GiveUp,
}

/// Limits and addresses.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server's address as collectors see it, without a slash at its end; `None` when none is known: then no
    /// connection settings are offered.
    pub public_url: Option<String>,
    /// Whether somebody may have mistyped that address: then it is offered once it is known to lead here
    /// ([`FleetHandle::note_host`], [`FleetHandle::address_answers`]).
    pub public_url_needs_proof: bool,
    /// The CA certificate (PEM) that collectors should trust the server by; offered beside its address.
    pub ca_pem: Option<String>,
    /// How often OpAMP agents are to be heard, and when one is gone.
    pub timing: Timing,
    /// Threads for collector actors; the number of cores.
    pub threads: usize,
    /// How many agents are asked for their full state in a second.
    pub full_states_per_second: u32,
    /// How many sockets may have come with one enrolment token and not be known yet.
    pub max_enrolling: usize,
    /// How long a rotated token stays valid after a fresh process first used the newer one.
    pub previous_token_grace: Duration,
    /// How long a deregistered collector is kept.
    pub deregistered_retention: Duration,
    /// How often the branch is looked at for commits made by hand.
    pub repository_poll: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            public_url: None,
            public_url_needs_proof: false,
            ca_pem: None,
            timing: Timing::default(),
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            full_states_per_second: 100,
            max_enrolling: 1_000,
            previous_token_grace: DAY * 7,
            deregistered_retention: DAY * 30,
            repository_poll: Duration::from_secs(5),
        }
    }
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state store cannot be read.
    #[error("the state store cannot be read")]
    Store(#[from] StoreError),
    /// The config repository cannot be opened.
    #[error("the config repository cannot be opened")]
    Repository(#[from] RepositoryError),
    /// Saves were made, and the repository has none of them.
    #[error(
        "the config repository is empty, but {saves} saves were made on this data directory; put config.git back from a \
         backup, or begin with an empty data directory"
    )]
    RepositoryLost {
        /// How many of the newest records of what was done name a commit.
        saves: usize,
    },
    /// A thread cannot be started.
    #[error("a thread cannot be started")]
    Thread(#[from] std::io::Error),
    /// The repository's thread does not answer.
    #[error("the config repository's thread does not answer")]
    Worker(#[from] WorkerError),
    /// An actor does not answer.
    #[error("an actor does not answer")]
    Actor(#[from] AskError),
    /// The public URL is not one.
    #[error("the public URL cannot be used")]
    PublicUrl(#[from] EndpointsError),
}

/// Why a round of the janitor did not end.
#[derive(Debug, thiserror::Error)]
pub enum TidyError {
    /// The janitor does not answer.
    #[error(transparent)]
    Unavailable(#[from] AskError),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The running actors, as the edge sees them. Cheap to clone.
#[derive(Clone)]
pub struct Handles {
    /// Collectors.
    pub fleet: FleetHandle,
    /// The config repository.
    pub repository: RepositoryHandle,
    /// The live feed.
    pub feed: FeedHandle,
    /// Throughput.
    pub meter: MeterHandle,
    /// Counters.
    pub observe: Arc<Observe>,
    janitor: Supervised<JanitorActor>,
    shared: Arc<Shared>,
    worker: Worker<Box<dyn ConfigRepository>>,
    singletons: Arc<[Box<dyn Fn() + Send + Sync>]>,
}

/// How long the repository may take to be opened and read.
const OPEN_DEADLINE: Duration = Duration::from_secs(300);
/// How long a stop waits for the repository's thread.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// Work that may wait for the repository's thread.
const REPOSITORY_QUEUE: usize = 256;

/// Starts everything: reads the stores, starts the actors, answers when the fleet knows what each collector should run.
/// Must be called within an actix system.
///
/// # Errors
/// When a store cannot be read, or a thread cannot be started.
pub async fn start(deps: Deps) -> Result<Handles, StartError> {
    let Deps { store, repository, clock, entropy, sealer, observe, settings, give_up } = deps;
    let worker = Worker::spawn(observe.actor("repository_worker"), REPOSITORY_QUEUE, repository)?;
    let config = worker.call(OPEN_DEADLINE, |repository| load(&mut **repository)).await??;
    check_saves(&*store, &worker, config.revision).await?;
    let secrets = known_secrets(&config, &worker, &sealer).await?;
    let config = Arc::new(ArcSwap::from_pointee(config));

    let directory = Arc::new(Directory::default());
    let pool = Pool::start(settings.threads);
    let feed = start_feed(&pool, &observe, &give_up, &directory, &*entropy);
    let endpoints = settings
        .public_url
        .as_deref()
        .map(|url| Endpoints::new(url, settings.ca_pem.as_ref().map(|pem| pem.as_bytes().into())))
        .transpose()?
        .map(|endpoints| if settings.public_url_needs_proof { endpoints.unproven() } else { endpoints });
    let shared = Arc::new(Shared {
        recorder: Arc::new(Recorder::new(Arc::clone(&store))),
        permits: Permits::per_second(settings.full_states_per_second),
        collector_counters: observe.actor("collector"),
        components: ComponentRegistry::default(),
        enrollments: Enrollments::default(),
        pipeline_counts: ArcSwap::default(),
        rates: ArcSwap::default(),
        commits_fail: Arc::default(),
        stopping: AtomicBool::new(false),
        sessions: AtomicU64::new(0),
        unborn: parking_lot::Mutex::default(),
        facts: parking_lot::Mutex::default(),
        changed: parking_lot::Mutex::default(),
        fleet: std::sync::OnceLock::new(),
        feed: feed.clone(),
        observe: Arc::clone(&observe),
        directory,
        store,
        clock,
        entropy,
        sealer,
        secrets,
        settings,
        endpoints,
        pool,
        config,
    });
    load_collectors(&shared).await?;
    rebuild_from(&*shared.store, &worker).await;

    let recorder = start_recorder(&shared, &give_up);
    let for_fleet = Arc::clone(&shared);
    let fleet =
        supervise(shared.pool.hub(), crate::fleet::MAILBOX, observe.actor("fleet"), give_up.clone(), move || {
            FleetActor::new(Arc::clone(&for_fleet))
        });
    // Nobody else sets it.
    let _ = shared.fleet.set(fleet.clone());
    let (for_repository, its_worker) = (Arc::clone(&shared), worker.clone());
    let actor = supervise(
        shared.pool.hub(),
        crate::repository::MAILBOX,
        observe.actor("repository"),
        give_up.clone(),
        move || RepositoryActor::new(Arc::clone(&for_repository), its_worker.clone()),
    );
    let repository = RepositoryHandle::new(Arc::clone(&shared), actor.clone(), worker.clone());
    let meter_give_up = give_up.clone();
    let (for_janitor, its_repository) = (Arc::clone(&shared), repository.clone());
    let janitor = supervise(shared.pool.hub(), crate::janitor::MAILBOX, observe.actor("janitor"), give_up, move || {
        JanitorActor::new(Arc::clone(&for_janitor), its_repository.clone())
    });
    let for_meter = Arc::clone(&shared);
    let meter = supervise(shared.pool.hub(), crate::meter::MAILBOX, observe.actor("meter"), meter_give_up, move || {
        MeterActor::new(Arc::clone(&for_meter))
    });
    fleet.ask(crate::fleet::TakeRevision, OPEN_DEADLINE).await?;
    Ok(Handles {
        fleet: FleetHandle::new(Arc::clone(&shared), repository.clone()),
        repository,
        feed,
        meter: MeterHandle::new(Arc::clone(&shared), meter.clone()),
        observe,
        worker,
        janitor: janitor.clone(),
        singletons: Arc::new([
            stopper(&recorder),
            stopper(&fleet),
            stopper(&actor),
            stopper(&janitor),
            stopper(&meter),
        ]),
        shared,
    })
}

/// Looks whether the repository holds what was saved, by the audit log. One that holds nothing is refused: to go on would
/// take the configuration from the whole fleet. One that lacks the newest save may have been put back or moved back by a
/// person who wants it so.
async fn check_saves(
    store: &dyn StateStore,
    worker: &Worker<Box<dyn ConfigRepository>>,
    head: Option<Revision>,
) -> Result<(), StartError> {
    /// Others than saves have rows, too.
    const LOOK_BACK: usize = 1_000;
    let made = |record: AuditRecord| record.entry.after.map(|revision| (revision, record.entry.at));
    let saves: Vec<_> = store.audit(None, LOOK_BACK).await?.into_iter().filter_map(made).collect();
    let Some((newest, at)) = saves.first().copied() else { return Ok(()) };
    if head.is_none() {
        return Err(StartError::RepositoryLost { saves: saves.len() });
    }
    if worker.call(OPEN_DEADLINE, move |repository| repository.commit_info(newest)).await??.is_none() {
        tracing::warn!(
            save = %newest,
            saved_at = %at,
            "the config repository does not have the newest save: it was put back from an older copy, or its branch was \
             moved back; what was saved since is not in force"
        );
    }
    Ok(())
}

/// The secrets that collectors may know: those in force, and those that the newest commits took out.
async fn known_secrets(
    config: &ConfigSnapshot,
    worker: &Worker<Box<dyn ConfigRepository>>,
    sealer: &Arc<dyn Sealer>,
) -> Result<Secrets, StartError> {
    let opener = Arc::clone(sealer);
    let past = worker.call(OPEN_DEADLINE, move |repository| secrets::past(&mut **repository, &*opener)).await??;
    let known = Secrets::default();
    known.remember(past);
    known.take(config, &**sealer);
    Ok(known)
}

fn stopper<A: Actor>(actor: &Supervised<A>) -> Box<dyn Fn() + Send + Sync>
where
    Supervised<A>: Send + Sync,
{
    let actor = actor.clone();
    Box::new(move || actor.expect_stop())
}

fn start_feed(
    pool: &Pool,
    observe: &Arc<Observe>,
    give_up: &GiveUp,
    directory: &Arc<Directory>,
    entropy: &dyn Entropy,
) -> FeedHandle {
    // A random epoch: a cursor of an earlier run never fits by chance.
    let mut epoch = [0; 8];
    entropy.fill(&mut epoch);
    let epoch = Arc::new(AtomicU64::new(u64::from_be_bytes(epoch)));
    let overflowed = Arc::new(AtomicBool::new(false));
    let (for_actor, observed) = (Arc::clone(&overflowed), Arc::clone(observe));
    let actor = supervise(pool.hub(), crate::feed::MAILBOX, observe.actor("feed"), give_up.clone(), move || {
        let epoch = epoch.fetch_add(1, Ordering::Relaxed);
        FeedActor::new(epoch, Arc::clone(&for_actor), Arc::clone(&observed))
    });
    FeedHandle::new(actor, overflowed, Arc::clone(directory))
}

/// Reads who is known, who may enrol, and which builds there are.
async fn load_collectors(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let mut builds = std::collections::BTreeSet::new();
    for (mut record, presence) in shared.store.load_collectors().await? {
        // Nobody is connected to a server that just started.
        if let Some(status @ (CollectorStatus::Connected | CollectorStatus::Degraded)) = &mut record.row.status {
            *status = CollectorStatus::Offline;
            record.row.status_since = Some(shared.clock.now());
        }
        builds.extend(record.row.components_hash.clone());
        let name = record.name.as_str().into();
        let slot = Slot::new(record, presence);
        slot.set_place(Place { name, ..Place::default() });
        shared.directory.insert(Arc::new(slot));
    }
    for token in shared.store.load_collector_tokens().await? {
        if let Some(slot) = shared.directory.slot(token.collector) {
            shared.directory.insert_token(token.hash, KnownToken::new(slot, &token));
        }
    }
    for enrollment in shared.store.load_enrollments().await? {
        shared.enrollments.insert(enrollment);
    }
    for hash in builds {
        if let (Some(tree), Ok(key)) = (shared.store.components(&hash).await?, hex::decode(&hash))
            && !shared.components.insert_stored(&key, &tree)
        {
            tracing::warn!(hash, "a stored tree of components cannot be read; agents are asked for it again");
        }
    }
    Ok(())
}

/// The actor that runs the recorder, so that it is watched and comes back like any other.
struct RecorderActor {
    recorder: Arc<Recorder>,
}

impl Actor for RecorderActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(Arc::clone(&self.recorder).run().into_actor(self));
    }
}

fn start_recorder(shared: &Arc<Shared>, give_up: &GiveUp) -> Supervised<RecorderActor> {
    let recorder = Arc::clone(&shared.recorder);
    let counters = shared.observe.actor("recorder");
    supervise(shared.pool.hub(), 1, counters, give_up.clone(), move || RecorderActor {
        recorder: Arc::clone(&recorder),
    })
}

impl Handles {
    /// Has the janitor go round now instead of within the next minute.
    ///
    /// # Errors
    /// When the janitor does not answer, or a store fails; what is left goes with the next round.
    pub async fn tidy(&self) -> Result<(), TidyError> {
        Ok(self.janitor.ask(Tidy, STOP_DEADLINE).await??)
    }

    /// Turns new sessions away and tells the open ones that the server goes: they come back to the next one. First
    /// part of a graceful stop; the edge stops listening beside it.
    pub fn turn_away(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.feed.end_all();
        for slot in self.shared.directory.slots() {
            let connections = std::mem::take(&mut *slot.connections.lock());
            for connection in connections {
                connection.transport.close(crate::ports::CloseReason::GoingAway);
            }
            // Full: what it still does is flushed at the end, and its sessions are told already.
            let _ = post_if_alive(&self.shared, &slot, Work::Stop);
        }
    }

    /// Writes everything that waits and ends the actors. Last part of a graceful stop. `false`: the store did not take
    /// everything; collectors tell it again.
    pub async fn stop(&self) -> bool {
        self.shared.stopping.store(true, Ordering::Release);
        for stop in self.singletons.iter() {
            stop();
        }
        let flushed = self.shared.recorder.flush().await;
        if let Err(error) = self.worker.stop(STOP_DEADLINE).await {
            tracing::warn!(%error, "the config repository's thread did not end in time");
        }
        self.shared.pool.stop();
        flushed
    }
}

#[cfg(test)]
mod tests;
