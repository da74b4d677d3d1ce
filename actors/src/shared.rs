//! What the fleet's actors share: the directory, the stores, the clock, the counters.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use linkmesh_proto::{CollectorId, InstanceUid, PipelineId};
use parking_lot::Mutex;

use crate::{
    collector::{ComponentRegistry, Recorder},
    directory::Directory,
    domain::{config::ConfigSnapshot, meter::Sums, secret::Sealer, standing::Now, validate::CollectorFacts},
    feed::FeedHandle,
    fleet::{Enrollments, FleetActor, Reconcile},
    mint::Mint as _,
    opamp::{Context, Endpoints, Permits, SessionId, Surroundings},
    ports::{Clock, Entropy, StateStore},
    runtime::{ActorCounters, Observe, Pool, Supervised, TellError},
    secrets::Secrets,
    start::Settings,
};

/// What the fleet's actors share.
pub(crate) struct Shared {
    pub(crate) directory: Arc<Directory>,
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) sealer: Arc<dyn Sealer>,
    /// What must not be seen in what collectors say.
    pub(crate) secrets: Secrets,
    pub(crate) observe: Arc<Observe>,
    pub(crate) settings: Settings,
    pub(crate) endpoints: Option<Endpoints>,
    pub(crate) permits: Permits,
    pub(crate) components: ComponentRegistry,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) feed: FeedHandle,
    pub(crate) pool: Pool,
    /// The config repository as it is in force.
    pub(crate) config: Arc<ArcSwap<ConfigSnapshot>>,
    pub(crate) enrollments: Enrollments,
    /// How many collectors run each pipeline.
    pub(crate) pipeline_counts: ArcSwap<BTreeMap<PipelineId, u64>>,
    /// What flows through pipelines.
    pub(crate) rates: ArcSwap<Sums>,
    /// The last commit failed, and nothing showed since that the next would not.
    pub(crate) commits_fail: Arc<AtomicBool>,
    pub(crate) collector_counters: Arc<ActorCounters>,
    pub(crate) stopping: AtomicBool,
    pub(crate) sessions: AtomicU64,
    /// Collectors whose creation failed; what there may be of them is still to be removed.
    pub(crate) unborn: Mutex<Vec<CollectorId>>,
    /// Collectors whose attributes changed since the fleet last looked.
    pub(crate) changed: Mutex<HashSet<CollectorId>>,
    pub(crate) fleet: OnceLock<Supervised<FleetActor>>,
    /// The newest facts, and the version that they are of.
    pub(crate) facts: Mutex<Option<(u64, Arc<Vec<CollectorFacts>>)>>,
}

impl Shared {
    /// Both clocks.
    pub(crate) fn now(&self) -> Now {
        Now { at: self.clock.now(), monotonic: self.clock.monotonic() }
    }

    /// What an OpAMP state machine may ask.
    pub(crate) fn context(&self) -> Context<'_> {
        Context { endpoints: self.endpoints.as_ref(), timing: self.settings.timing, surroundings: self }
    }

    /// A new session's name.
    pub(crate) fn next_session(&self) -> SessionId {
        SessionId(self.sessions.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Has the fleet look at a collector again. Nothing is lost when its mailbox is full: the note stays, and the fleet
    /// looks at all notes at its next message.
    pub(crate) fn note_changed(&self, id: CollectorId) {
        let first = {
            let mut changed = self.changed.lock();
            let first = changed.is_empty();
            changed.insert(id);
            first
        };
        if first && let Some(fleet) = self.fleet.get() {
            // Full: it has messages and will look. Closed: it looks at everything when it is rebuilt.
            let (Ok(()) | Err(TellError::Full | TellError::Closed)) = fleet.tell(Reconcile);
        }
    }
}

impl Surroundings for Shared {
    fn full_state_permit(&self, now: Now) -> bool {
        let granted = self.permits.take(now);
        if granted {
            self.observe.full_states_asked.increment();
        }
        granted
    }

    fn wants_components(&self, hash: &[u8]) -> bool {
        self.make_room_for_build(hash);
        self.components.wants(hash, self.clock.monotonic())
    }

    fn new_instance_uid(&self) -> InstanceUid {
        InstanceUid::generate()
    }
}

impl Shared {
    /// Has room made for a build that is not known yet, in the store too.
    pub(crate) fn make_room_for_build(&self, hash: &[u8]) {
        let Some(gone) = self.components.make_room(hash, self.clock.monotonic(), || self.named_builds()) else {
            return;
        };
        let store = Arc::clone(&self.store);
        self.pool.hub().spawn(async move {
            if let Err(error) = store.remove_components(vec![gone]).await {
                // It stays there unused.
                tracing::warn!(code = error.code(), "available components not removed");
            }
        });
    }

    /// The builds that registered collectors name.
    fn named_builds(&self) -> HashSet<String> {
        let mut named = HashSet::new();
        self.directory.for_each(|slot| {
            let record = slot.record();
            if let Some(hash) = record.row.components_hash.as_ref().filter(|_| record.deregistered_at.is_none())
                && !named.contains(hash)
            {
                named.insert(hash.clone());
            }
        });
        named
    }

    /// What checks of documents need to know of every registered collector. Gathered anew only when it has changed: a walk
    /// over ten thousand collectors takes longer than a save.
    pub(crate) fn facts(&self) -> Arc<Vec<CollectorFacts>> {
        // Before the walk: what changes meanwhile is seen by the next.
        let version = self.directory.facts_version();
        if let Some((_, facts)) = self.facts.lock().as_ref().filter(|(seen, _)| *seen == version) {
            return Arc::clone(facts);
        }
        let facts = Arc::new(self.gather_facts());
        *self.facts.lock() = Some((version, Arc::clone(&facts)));
        facts
    }

    fn gather_facts(&self) -> Vec<CollectorFacts> {
        let mut facts = Vec::with_capacity(self.directory.len());
        self.directory.for_each(|slot| {
            let (record, place) = (slot.record(), slot.place());
            if record.deregistered_at.is_none() {
                facts.push(CollectorFacts {
                    id: slot.id(),
                    name: Arc::clone(&place.name),
                    runtime: record.runtime,
                    stability: record.stability,
                    version: record.row.version.as_deref().map(Arc::from),
                    attributes: Arc::clone(&place.attributes),
                    components: record.row.components_hash.as_ref().and_then(|hash| self.components.proven(hash)),
                });
            }
        });
        facts
    }
}
