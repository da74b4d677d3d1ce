//! One Alloy.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use linkmesh_proto::{ConfigHash, PipelineId, Timestamp};

use super::{effect::Effect, fast::FastPath, input::Input, record::AlloyRecord, rhythm::Pulse};
use crate::domain::{
    desired::{Desired, Published},
    health::HealthTree,
    standing::{self, Now, PersistClass, Standing, Words},
};

/// Time between polls when nothing else is known: Alloy's default.
const DEFAULT_POLL: Duration = Duration::from_secs(60);
/// How much later than expected a poll may come and still be in time.
const LATE: Duration = Duration::from_secs(10);

/// One Alloy: its record, and what is published for it.
#[derive(Debug)]
pub struct AlloyState {
    pub(super) record: AlloyRecord,
    pub(super) desired: Option<Arc<Desired>>,
    /// The way to the desired text.
    pub(super) way: Way,
    /// The text of `record.confirmed`, when it is at hand.
    pub(super) running: Option<Arc<Published>>,
    /// What was served last.
    pub(super) served: Option<Arc<Published>>,
    pub(super) identity: Identity,
    pub(super) is_there: bool,
    pub(super) heard_at: Duration,
    /// The rhythm of its polls, as it was when the newest input came.
    pub(super) pulse: Pulse,
    /// When the published text was first served and not yet received.
    pub(super) served_at: Option<Duration>,
    pub(super) overdue: bool,
    /// The store was asked for the running text.
    pub(super) load_asked: bool,
    /// The last transport error, so that it is told once.
    pub(super) transport_error: Box<str>,
    /// The digest of the newest poll.
    pub(super) digest: Option<u64>,
    pub(super) clock: Duration,
    told: FastPath,
    armed: Option<Duration>,
}

/// What is published, one text after the other.
#[derive(Debug, Default)]
pub(super) enum Way {
    /// Nothing is to be served.
    #[default]
    None,
    /// The running text has to be known first; what was published stays.
    Unknown(Option<Arc<Published>>),
    /// The texts still to go, the first of them published.
    Known { texts: Arc<[Arc<Published>]>, at: usize },
    /// The desired text was refused: the one before stays published, so that a fresh process gets it.
    Back(Arc<Published>),
}

/// Who polls. Two processes with one token take turns.
#[derive(Debug, Default)]
pub(super) struct Identity {
    pub(super) now: Option<u64>,
    pub(super) before: Option<(u64, Duration)>,
    pub(super) doubled_until: Option<Duration>,
}

/// Effects in the making.
pub(super) type Output = standing::Output<Effect>;

impl AlloyState {
    /// An Alloy as it was stored; `AlloyRecord::default()` for one that never came. Apply one [`Input::Tick`] after
    /// making it, so that what it publishes is known before the first poll.
    #[must_use]
    pub fn new(record: AlloyRecord, desired: Option<Arc<Desired>>) -> Self {
        let mut state = Self {
            record,
            desired,
            way: Way::None,
            running: None,
            served: None,
            identity: Identity::default(),
            is_there: false,
            heard_at: Duration::ZERO,
            pulse: Pulse::default(),
            served_at: None,
            overdue: false,
            load_asked: false,
            transport_error: Box::default(),
            digest: None,
            clock: Duration::ZERO,
            told: FastPath::default(),
            armed: None,
        };
        state.find_way();
        state
    }

    /// Applies what happened. The effects are to be performed in order. `pulse` tells of all polls, those included that
    /// were answered from the fast path: each input is an opportunity to hear of them.
    pub fn apply(&mut self, now: Now, pulse: Pulse, input: Input) -> Vec<Effect> {
        self.clock = self.clock.max(now.monotonic);
        let mut out = Output::default();
        let before = self.standing();
        self.feel(pulse, &mut out);
        match input {
            Input::Registered { request, address } => self.registered(now, &request, &address, &mut out),
            Input::Polled(poll) => self.polled(now, *poll, &mut out),
            Input::Unregistered => {
                self.is_there = false;
                out.persist(PersistClass::Presence);
            }
            Input::Deregistered => {
                self.is_there = false;
                out.row_changed = true;
                return out.finish(now.at, None, None);
            }
            Input::DesiredChanged { desired } => self.desired_changed(desired, &mut out),
            Input::EffectiveLoaded { body } => self.effective_loaded(body.as_deref()),
            Input::ComponentsMeasured { counts } => {
                let counts = counts.iter().map(|count| (&*count.controller, &*count.health, count.count));
                self.measured(HealthTree::from_alloy(counts, now.at), now.at, &mut out);
            }
            Input::RetryAsked => self.retry_asked(&mut out),
            // The timer is spent, even when it came a little early.
            Input::Tick => self.armed = None,
        }
        self.load_if_unknown(&mut out);
        self.due();
        self.announce(&before, &mut out);
        let publish = self.publish();
        let wake_at = self.rearm();
        out.finish(now.at, publish.map(Effect::Publish), wake_at)
    }

    /// What is to be stored.
    #[must_use]
    pub const fn record(&self) -> &AlloyRecord {
        &self.record
    }

    /// What the collector reports of itself.
    #[must_use]
    pub fn attributes(&self) -> BTreeMap<String, String> {
        self.record.attributes.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    /// Whether it was ever given a config. Then it is given the document without pipelines instead of nothing.
    #[must_use]
    pub const fn was_configured(&self) -> bool {
        self.record.was_configured
    }

    /// The instance labels with which its texts are rendered; empty for nearly all.
    #[must_use]
    pub const fn labels(&self) -> &BTreeMap<PipelineId, u32> {
        &self.record.labels
    }

    /// What it is served now; another hash than the desired one on the way there.
    #[must_use]
    pub fn published(&self) -> Option<ConfigHash> {
        self.way.current().map(|published| published.hash)
    }

    /// How the collector stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let (config_state, config_error) = self.config_view();
        let healthy = self.record.health.as_ref().map(HealthTree::healthy);
        let doubled = self.identity.doubled_until.is_some_and(|until| until > self.clock);
        Standing {
            online: self.is_there,
            last_seen: self.record.last_seen,
            healthy,
            config_state,
            reported_hash: self.record.received,
            error: config_error.or_else(|| self.record.health.as_ref().filter(|tree| !tree.healthy())?.error()),
            drift: self.record.drift.0,
            notices: if doubled { vec!["two processes use this token".to_owned()] } else { Vec::new() },
            can_restart: false,
        }
    }

    /// A sign of life.
    pub(super) fn heard(&mut self, now: Now, out: &mut Output) {
        self.heard_at = self.clock;
        self.is_there = true;
        self.record.last_seen = Some(now.at);
        out.persist(PersistClass::Presence);
    }

    /// Takes what is known of its polls.
    fn feel(&mut self, pulse: Pulse, out: &mut Output) {
        self.pulse = pulse;
        // What was not heard by an input was answered from the fast path, which noted the time.
        if let Some(at) = pulse.heard_at.filter(|at| *at > self.heard_at) {
            self.heard_at = at;
            self.is_there = true;
        }
        let learnt = pulse.poll.and_then(|poll| u32::try_from(poll.as_millis()).ok());
        if learnt.is_some() && learnt != self.record.poll_ms {
            self.record.poll_ms = learnt;
            out.persist(PersistClass::Soon);
        }
    }

    /// The time between its polls. A single longer one counts until the next poll: nobody is taken for gone twice
    /// because it polls seldom, nor long waited for because it was away once.
    fn poll(&self) -> Duration {
        self.learnt().max(self.pulse.gap.unwrap_or_default())
    }

    fn learnt(&self) -> Duration {
        self.record.poll_ms.map_or(DEFAULT_POLL, |millis| Duration::from_millis(millis.into()))
    }

    /// How long a silence means that it is gone.
    pub(super) fn patience(&self) -> Duration {
        self.poll() * 3
    }

    fn measured(&mut self, tree: HealthTree, at: Timestamp, out: &mut Output) {
        if self.record.health.as_ref().is_none_or(|known| !known.says_the_same_as(&tree)) {
            out.persist(PersistClass::Soon);
            out.row_changed = true;
        }
        self.record.health = Some(tree);
        self.record.health_at = Some(at);
    }

    /// Whether the newest poll can be answered from the fast path next time: nothing is waited for.
    fn is_settled(&self) -> bool {
        let Some(published) = self.way.current() else { return false };
        let failed = self.desired.as_ref().is_some_and(|desired| self.failure(desired.hash()).is_some());
        let confirmed = self.record.confirmed == Some(published.hash) && !self.may_run_other(published.hash);
        self.record.received == Some(published.hash) && (confirmed || failed && !matches!(self.way, Way::Back(_)))
    }

    fn publish(&mut self) -> Option<FastPath> {
        let path = FastPath { published: self.way.current().cloned(), seen: self.digest.filter(|_| self.is_settled()) };
        if path == self.told {
            return None;
        }
        self.told = path.clone();
        Some(path)
    }

    /// Says what became different by this input.
    fn announce(&self, before: &Standing, out: &mut Output) {
        let words = Words {
            connected: "the collector polls",
            desired: self.desired.as_ref().map(|desired| desired.hash()),
            health: self.record.health.as_ref(),
        };
        self.standing().tell_since(before, &words, out);
    }

    /// What is due by the clock.
    fn due(&mut self) {
        if self.is_there && self.clock.saturating_sub(self.heard_at) >= self.patience() {
            self.is_there = false;
        }
        if self.answer_due().is_some_and(|at| at <= self.clock) {
            self.overdue = true;
            self.served_at = None;
        }
    }

    /// What is served as the response to a report is not read, so that an answer may take one poll more.
    fn answer_due(&self) -> Option<Duration> {
        self.served_at.map(|at| at + super::delivery::ANSWER.max(self.poll() + LATE))
    }

    fn rearm(&mut self) -> Option<Duration> {
        // Polls may have shown since that a long time between two of them was an exception.
        let presence = self.is_there.then(|| match self.heard_at + self.learnt() * 3 {
            soon if soon > self.clock => soon,
            _ => self.heard_at + self.patience(),
        });
        let answer = self.answer_due();
        let doubled = self.identity.doubled_until;
        let deadline = [presence, answer, doubled].into_iter().flatten().filter(|at| *at > self.clock).min()?;
        if self.armed.is_some_and(|armed| armed > self.clock && armed <= deadline) {
            return None;
        }
        self.armed = Some(deadline);
        Some(deadline)
    }
}

impl Way {
    /// What is published.
    pub(super) fn current(&self) -> Option<&Arc<Published>> {
        match self {
            Self::None => None,
            Self::Unknown(published) => published.as_ref(),
            Self::Known { texts, at } => texts.get(*at),
            Self::Back(published) => Some(published),
        }
    }

    /// The text at the end of the way.
    pub(super) fn last(&self) -> Option<&Arc<Published>> {
        match self {
            Self::Known { texts, .. } => texts.last(),
            _ => None,
        }
    }
}
