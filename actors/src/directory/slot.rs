//! One collector's place in the directory.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix::Addr;
use arc_swap::{ArcSwap, ArcSwapOption};
use linkmesh_proto::{
    CollectorId, ConfigHash, PipelineId, Timestamp,
    api::collector::{CollectorStatus, Runtime},
};
use parking_lot::Mutex;

use crate::{
    collector::CollectorActor,
    domain::{desired::Desired, matcher::Attributes},
    opamp::{Credential, SessionId, TransportKind},
    ports::{CollectorRecord, Presence, Transport},
    remotecfg::{FastPath, Rhythm},
    token::TokenHash,
};

/// A rendered text with what is needed to show it. One for all collectors that should run the same.
#[derive(Debug)]
pub struct Text {
    /// The text and its hash.
    pub desired: Arc<Desired>,
    /// The text for people, secrets hidden.
    pub redacted: Arc<str>,
    /// The secrets in the text, to hide them in what collectors report.
    pub secrets: Arc<[String]>,
}

/// What the fleet decided about a collector. Replaced as a whole; only the newest matters.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The name shown to people.
    pub name: Arc<str>,
    /// What matchers see.
    pub attributes: Arc<Attributes>,
    /// Labels by enrolment and by the operator.
    pub labels: Arc<BTreeMap<String, String>>,
    /// Labels by the operator alone; the same map as `labels` while enrolment gave none.
    pub operator_labels: Arc<BTreeMap<String, String>>,
    /// The pipelines that it should run.
    pub pipelines: Arc<[PipelineId]>,
    /// What it should run; `None`: nothing, and it was never given anything as far as the fleet knew when it looked.
    pub text: Option<Arc<Text>>,
    /// Why its text could not be rendered; it keeps the one before.
    pub problem: Option<Arc<str>>,
    /// When `text` last changed, on the monotonic clock.
    pub changed_at: Duration,
}

/// One connection of an OpAMP agent. Kept by the slot and not by the actor, so that an actor that is rebuilt after a
/// panic finds its sessions again.
pub(crate) struct Connection {
    pub(crate) id: SessionId,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) kind: TransportKind,
    pub(crate) credential: Credential,
    pub(crate) token: TokenHash,
    pub(crate) address: Option<Arc<str>>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The way to a collector's actor, while it lives.
#[derive(Default)]
pub(crate) struct Mailbox {
    /// Its address. The only one, so that the mailbox's capacity is what it says.
    pub(crate) addr: Option<Addr<CollectorActor>>,
    /// Messages sent and not yet begun. The actor retires only at 0, under this lock, so that none is lost.
    pub(crate) queued: u32,
    /// Counts actors, so that a dead one's exit does not remove the next one's address.
    pub(crate) generation: u64,
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("alive", &self.addr.is_some()).field("queued", &self.queued).finish()
    }
}

/// What polls of an Alloy are answered from.
#[derive(Debug)]
pub(crate) struct Fast {
    pub(crate) path: FastPath,
    /// What was desired when it was published. When that is another text now, the actor answers.
    pub(crate) desired: Option<ConfigHash>,
}

const NEVER: i64 = i64::MIN;

/// How long a collector's next session is refused after one was cut. Released supervisors dial again at once when an
/// accepted socket is closed, and with a growing pause when the upgrade is refused (opamp.md 2.10).
const HELD_OFF: Duration = Duration::from_secs(30);
/// Bytes of messages that may wait for a collector's actor.
const MAX_WAITING_BYTES: usize = 8 << 20;

/// Bytes of a message on its way to a collector's actor. They count until this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    slot: Arc<Slot>,
    bytes: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.slot.waiting_bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// One collector's place in the directory. Every field can be read from any thread.
#[derive(Debug)]
pub struct Slot {
    id: CollectorId,
    record: ArcSwap<CollectorRecord>,
    place: ArcSwap<Place>,
    last_seen: AtomicI64,
    last_sequence: AtomicU64,
    was_configured: AtomicBool,
    presence_is_dirty: AtomicBool,
    /// Alloy: what polls are answered from. `None`: ask the actor.
    fast: ArcSwapOption<Fast>,
    /// Alloy: when it polled, whoever answered.
    pub(crate) rhythm: Rhythm,
    /// The moment, in milliseconds of the monotonic clock, until which no session is let in.
    held_off_until: AtomicU64,
    /// Bytes of the messages on their way to the actor.
    waiting_bytes: AtomicUsize,
    pub(crate) mailbox: Mutex<Mailbox>,
    pub(crate) connections: Mutex<Vec<Arc<Connection>>>,
    /// The token that was last issued to be offered. Supervisors forget it when they restart and some never take it: it
    /// is offered again for as long as it is good, instead of another one each time.
    pub(crate) offered_token: Mutex<Option<Arc<str>>>,
    /// Held while tokens or registration change, one change at a time.
    pub(crate) administration: tokio::sync::Mutex<()>,
    /// The directory's count of changes to what checks of documents look at.
    pub(super) facts_changed: OnceLock<Arc<AtomicU64>>,
}

impl Slot {
    /// A collector as it was stored.
    #[must_use]
    pub fn new(mut record: CollectorRecord, presence: Option<Presence>) -> Self {
        // Either may have been written last.
        record.row.ever_configured |= presence.is_some_and(|presence| presence.was_configured);
        Self {
            id: record.id,
            place: ArcSwap::default(),
            last_seen: AtomicI64::new(presence.map_or(NEVER, |presence| presence.last_seen.as_millis())),
            last_sequence: AtomicU64::new(presence.map_or(0, |presence| presence.last_sequence)),
            was_configured: AtomicBool::new(record.row.ever_configured),
            presence_is_dirty: AtomicBool::new(false),
            fast: ArcSwapOption::empty(),
            rhythm: Rhythm::default(),
            held_off_until: AtomicU64::new(0),
            waiting_bytes: AtomicUsize::new(0),
            mailbox: Mutex::default(),
            connections: Mutex::default(),
            offered_token: Mutex::default(),
            administration: tokio::sync::Mutex::default(),
            facts_changed: OnceLock::new(),
            record: ArcSwap::from_pointee(record),
        }
    }

    fn note_facts_changed(&self) {
        if let Some(count) = self.facts_changed.get() {
            count.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Names the collector.
    #[must_use]
    pub const fn id(&self) -> CollectorId {
        self.id
    }

    /// What is stored of it.
    #[must_use]
    pub fn record(&self) -> Arc<CollectorRecord> {
        self.record.load_full()
    }

    /// The program.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        self.record.load().runtime
    }

    /// Whether it was deregistered.
    #[must_use]
    pub fn is_deregistered(&self) -> bool {
        self.record.load().deregistered_at.is_some()
    }

    /// Whether it is there now.
    #[must_use]
    pub fn is_online(&self) -> bool {
        matches!(self.record.load().row.status, Some(CollectorStatus::Connected | CollectorStatus::Degraded))
    }

    /// Whether it was there and left.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.is_deregistered() || self.record.load().row.status == Some(CollectorStatus::Offline)
    }

    /// Changes the record in memory; answers the new one. Storing it is the caller's business.
    pub(crate) fn update_record(&self, mut change: impl FnMut(&mut CollectorRecord)) -> Arc<CollectorRecord> {
        let old = self.record.rcu(|old| {
            let mut next = CollectorRecord::clone(old);
            change(&mut next);
            next
        });
        let new = self.record.load_full();
        let facts = |record: &CollectorRecord| (record.runtime, record.stability, record.deregistered_at.is_some());
        if facts(&old) != facts(&new)
            || old.row.version != new.row.version
            || old.row.components_hash != new.row.components_hash
        {
            self.note_facts_changed();
        }
        new
    }

    /// What the fleet decided about it.
    #[must_use]
    pub fn place(&self) -> Arc<Place> {
        self.place.load_full()
    }

    pub(crate) fn set_place(&self, place: Place) {
        let place = Arc::new(place);
        let old = self.place.swap(Arc::clone(&place));
        let is_same = old.name == place.name
            && (Arc::ptr_eq(&old.attributes, &place.attributes) || old.attributes == place.attributes);
        if !is_same {
            self.note_facts_changed();
        }
    }

    /// What it should run.
    #[must_use]
    pub fn desired(&self) -> Option<Arc<Desired>> {
        self.place.load().text.as_ref().map(|text| Arc::clone(&text.desired))
    }

    /// When anything was last heard of it.
    #[must_use]
    pub fn last_seen(&self) -> Option<Timestamp> {
        match self.last_seen.load(Ordering::Relaxed) {
            NEVER => None,
            millis => Some(Timestamp::from_millis(millis)),
        }
    }

    /// Its presence, as it is stored; `None` before anything was heard.
    #[must_use]
    pub fn presence(&self) -> Option<Presence> {
        let last_sequence = self.last_sequence.load(Ordering::Relaxed);
        let was_configured = self.was_configured.load(Ordering::Relaxed);
        self.last_seen().map(|last_seen| Presence { last_seen, last_sequence, was_configured })
    }

    /// Notes that something was heard now. `true`: the first time since it was last flushed.
    pub(crate) fn touch(&self, at: Timestamp, sequence: Option<u64>) -> bool {
        self.last_seen.fetch_max(at.as_millis(), Ordering::Relaxed);
        if let Some(sequence) = sequence {
            self.last_sequence.store(sequence, Ordering::Relaxed);
        }
        !self.presence_is_dirty.swap(true, Ordering::AcqRel)
    }

    /// Notes that it is given a config: its presence says so from now on.
    pub(crate) fn note_configured(&self) {
        self.was_configured.store(true, Ordering::Relaxed);
    }

    /// Its presence as of the moment that it is given a config. The number of its last message is left out: what that said
    /// need not be on disk. After a crash its next message is one after a gap, and it is asked for everything.
    pub(crate) fn mark(&self) -> Option<Presence> {
        self.presence().map(|presence| Presence { last_sequence: 0, ..presence })
    }

    /// Takes the presence to be flushed.
    pub(crate) fn take_presence(&self) -> Option<Presence> {
        self.presence_is_dirty.store(false, Ordering::Release);
        self.presence()
    }

    /// Refuses new sessions for a while. To be called before a session is cut, whose peer would be back within
    /// milliseconds.
    pub(crate) fn hold_off(&self, now: Duration) {
        let until = u64::try_from((now + HELD_OFF).as_millis()).unwrap_or(u64::MAX);
        self.held_off_until.fetch_max(until, Ordering::AcqRel);
    }

    /// Whether new sessions are refused.
    pub(crate) fn is_held_off(&self, now: Duration) -> bool {
        now.as_millis() < u128::from(self.held_off_until.load(Ordering::Acquire))
    }

    /// Takes room for a message that is to wait for the actor; `None` when too much waits. One message alone always has
    /// room, however large.
    pub(crate) fn share(self: &Arc<Self>, bytes: usize) -> Option<Share> {
        let room = |waiting: usize| {
            let next = waiting.saturating_add(bytes);
            (waiting == 0 || next <= MAX_WAITING_BYTES).then_some(next)
        };
        self.waiting_bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, room).ok()?;
        Some(Share { slot: Arc::clone(self), bytes })
    }

    pub(crate) fn fast(&self) -> arc_swap::Guard<Option<Arc<Fast>>> {
        self.fast.load()
    }

    pub(crate) fn set_fast(&self, fast: Option<Fast>) {
        self.fast.store(fast.map(Arc::new));
    }
}
