//! One agent.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use linkmesh_proto::{ConfigHash, InstanceUid};

use super::{
    capability::AgentCapabilities,
    description,
    effect::Effect,
    input::{Context, Credential, Input, SessionId, Timing},
    record::{FailedConfig, Record},
    session::Session,
};
use crate::{
    domain::{
        desired::Desired,
        health::HealthTree,
        standing::{self, Now, PersistClass, Standing, Words},
    },
    ports::{CloseReason, Presence},
};

/// One agent: its record, its connections, and what is under way.
#[derive(Debug)]
pub struct AgentState {
    pub(super) record: Record,
    pub(super) desired: Option<Arc<Desired>>,
    /// The text of `record.confirmed`, when it is at hand.
    pub(super) confirmed: Option<Arc<Desired>>,
    pub(super) sessions: Vec<Session>,
    pub(super) full: FullState,
    pub(super) health: HealthView,
    /// Texts that are known not to be what the newest effective config says.
    pub(super) unmatched: Vec<ConfigHash>,
    pub(super) effective_asked: bool,
    pub(super) cure: Option<Cure>,
    /// The size of a description that was left out.
    pub(super) oversized: Option<usize>,
    /// The refusal that an operator's retry lifted.
    pub(super) retried: Option<FailedConfig>,
    pub(super) clock: Duration,
    /// As the newest input found it: it is asked for without one, too.
    pub(super) timing: Timing,
    armed: Option<Duration>,
}

/// The request for a full state: one for each gap in the sequence numbers.
#[derive(Debug, Default)]
pub(super) struct FullState {
    pub(super) needed: bool,
    pub(super) requested_at: Option<Duration>,
    /// No permit was left: try again then.
    pub(super) retry_at: Option<Duration>,
    /// The agent has a new uid by our word, and its next description comes alone.
    pub(super) moved_uid: bool,
}

/// Health with short dips smoothed: a restart of the collector reports several unhealthy states within 100 ms.
#[derive(Debug, Default)]
pub(super) struct HealthView {
    pub(super) dip_since: Option<Duration>,
    pub(super) shown: Option<bool>,
}

/// A text that was reported as applied, while the collector says that it runs something else, or does not say what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cure {
    pub(super) hash: ConfigHash,
    pub(super) since: Duration,
    /// Waited long enough, and nothing helped.
    pub(super) given_up: bool,
}

/// Effects in the making.
pub(super) type Output = standing::Output<Effect>;

impl AgentState {
    /// An agent as it was stored; `Record::default()` for one that never came.
    #[must_use]
    pub fn new(record: Record, desired: Option<Arc<Desired>>) -> Self {
        let confirmed = desired.clone().filter(|desired| Some(desired.hash()) == record.confirmed);
        let health = HealthView { dip_since: None, shown: record.health.as_ref().map(HealthTree::healthy) };
        Self {
            record,
            desired,
            confirmed,
            sessions: Vec::new(),
            full: FullState::default(),
            health,
            unmatched: Vec::new(),
            effective_asked: false,
            cure: None,
            oversized: None,
            retried: None,
            clock: Duration::ZERO,
            timing: Timing::default(),
            armed: None,
        }
    }

    /// Applies what happened. The effects are to be performed in order.
    pub fn apply(&mut self, now: Now, input: Input, context: &Context<'_>) -> Vec<Effect> {
        self.clock = self.clock.max(now.monotonic);
        self.timing = context.timing;
        let mut out = Output::default();
        let before = self.standing();
        self.open_gate();
        match input {
            Input::SessionOpened { session, transport, credential } => {
                self.open(session, transport, credential, &mut out);
            }
            Input::Message { session, message } => self.message(now, session, *message, context, &mut out),
            Input::Undecodable { session } => self.undecodable(session, &mut out),
            Input::Pong { session } => self.heard(now, session, &mut out),
            Input::SessionClosed { session } => self.closed(now, session, context, &mut out),
            Input::DesiredChanged { desired } => self.desired_changed(desired, &mut out),
            Input::EffectiveLoaded { body } => self.effective_loaded(body.as_ref(), &mut out),
            Input::RestartAsked => self.restart_asked(&mut out),
            Input::RetryAsked => self.retry_asked(&mut out),
            Input::Deregistered => {
                self.close_all(CloseReason::Revoked, &mut out);
                out.row_changed = true;
                return out.finish(now.at, None, None);
            }
            Input::ServerStopping => {
                self.close_all(CloseReason::GoingAway, &mut out);
                out.persist(PersistClass::Soon);
                return out.finish(now.at, None, None);
            }
            // The timer is spent, even when it came a little early.
            Input::Tick => self.armed = None,
        }
        self.presence_due(now, context, &mut out);
        self.health_due(&mut out);
        self.delivery_due(now, context, &mut out);
        self.announce(&before, &mut out);
        let wake_at = self.rearm();
        out.finish(now.at, None, wake_at)
    }

    /// What is to be stored.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// The part of the record that every message changes; `None` before the first message.
    #[must_use]
    pub fn presence(&self) -> Option<Presence> {
        let Record { last_seen, last_seq: last_sequence, was_configured, .. } = self.record;
        last_seen.map(|last_seen| Presence { last_seen, last_sequence, was_configured })
    }

    /// The HTTP session that is open, if any, with what its newest POST showed: the next POST of this collector belongs
    /// to it.
    #[must_use]
    pub fn http_session(&self) -> Option<(SessionId, &Credential)> {
        self.sessions.iter().find(|session| !session.is_socket()).map(|session| (session.id, &session.credential))
    }

    /// The uid of the newest process.
    #[must_use]
    pub const fn instance_uid(&self) -> Option<InstanceUid> {
        self.record.uid
    }

    /// What the agent reports of itself.
    #[must_use]
    pub fn attributes(&self) -> BTreeMap<String, String> {
        description::packed_attributes(&self.record.description)
    }

    /// Whether it was ever offered a config. Then it is given the document without pipelines instead of nothing.
    #[must_use]
    pub const fn was_configured(&self) -> bool {
        self.record.was_configured
    }

    /// Whether a restart can be asked for now.
    #[must_use]
    pub fn can_restart(&self) -> bool {
        self.is_online() && self.record.capabilities.has(AgentCapabilities::ACCEPTS_RESTART)
    }

    /// What the collector should run.
    #[must_use]
    pub const fn desired(&self) -> Option<&Arc<Desired>> {
        self.desired.as_ref()
    }

    /// How the collector stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let (config_state, config_error) = self.config_view();
        let healthy = self.health.shown;
        let health_error = || {
            let ill = healthy == Some(false);
            self.record.health.as_ref().filter(|_| ill).and_then(HealthTree::error)
        };
        Standing {
            online: self.is_online(),
            last_seen: self.record.last_seen,
            healthy,
            config_state,
            reported_hash: self.record.status.as_ref().and_then(|status| status.hash),
            error: config_error.or_else(health_error),
            drift: self.record.drift.0,
            notices: self.notices(),
            can_restart: self.can_restart(),
        }
    }

    fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        let is_rivalled = |session: &Session| session.has_rival(self.clock, self.timing.gone_after(session.transport));
        let rival = self.primary().is_some_and(is_rivalled);
        if rival || self.has_duplicate() {
            notices.push("two processes use this token".to_owned());
        }
        if self.failed_but_runs() {
            notices.push("the config was reported as failed, but the collector runs it and is healthy".to_owned());
        }
        notices.extend(self.incapable().map(str::to_owned));
        notices
    }

    /// Why a config that the collector should run will never count as applied, by what it says that it can do.
    fn incapable(&self) -> Option<&'static str> {
        let capabilities = self.record.capabilities;
        self.desired.as_ref().filter(|_| self.record.uid.is_some())?;
        if !capabilities.has(AgentCapabilities::ACCEPTS_REMOTE_CONFIG) {
            return Some("the collector takes no config from here: it does not accept remote configuration");
        }
        let says = [AgentCapabilities::REPORTS_REMOTE_CONFIG, AgentCapabilities::REPORTS_EFFECTIVE_CONFIG];
        (!says.into_iter().any(|bit| capabilities.has(bit)))
            .then_some("unconfirmed: the collector takes the config and reports nothing of what becomes of it")
    }

    /// Says what became different by this input.
    fn announce(&self, before: &Standing, out: &mut Output) {
        let words = Words {
            connected: "the collector connected",
            desired: self.desired.as_ref().map(|desired| desired.hash()),
            health: self.record.health.as_ref(),
        };
        self.standing().tell_since(before, &words, out);
    }

    /// The moment to wake at, when it is earlier than what was asked for.
    fn rearm(&mut self) -> Option<Duration> {
        let deadline = self.deadline()?;
        let is_armed = self.armed.is_some_and(|armed| armed > self.clock && armed <= deadline);
        if is_armed {
            return None;
        }
        self.armed = Some(deadline);
        Some(deadline)
    }
}
