//! One message of an agent: sequence numbers, what it says, and the one reply.

use std::time::Duration;

use linkmesh_proto::{
    ConfigHash, InstanceUid,
    wire::opamp::{
        AgentIdentification, AgentToServer, AvailableComponents, ComponentHealth, ConnectionSettingsStatus,
        ServerToAgent,
    },
};
use prost::Message;

use super::{
    admission::bad_request,
    capability::{AgentCapabilities, SERVER_CAPABILITIES},
    delivery::ANSWER,
    effect::Effect,
    input::{Context, SessionId},
    record::{OfferedSettings, ReportedStatus, SettingsStatus},
    session::Rival,
    state::{AgentState, Output},
    uid::{normalise_uid, uid_bytes},
};
use crate::domain::{
    health::{HealthTree, cut},
    standing::{Now, PersistClass},
};

/// `ServerToAgent.flags`: report everything.
pub(super) const REPORT_FULL_STATE: u64 = 1;
/// `ServerToAgent.flags`: report the tree of components.
const REPORT_COMPONENTS: u64 = 2;
/// `AgentToServer.flags`: the agent wants a uid of the server.
const REQUEST_INSTANCE_UID: u64 = 1;
/// A full state that was asked for and did not come within this time may be asked for again.
const FULL_STATE_ANSWER: Duration = Duration::from_secs(60);
/// Largest description that is kept; fixtures have 240 bytes.
const MAX_DESCRIPTION: usize = 32 << 10;
/// Length to which an agent's error texts are cut; a supervisor adds up to a megabyte of log when told to.
pub(super) const MAX_ERROR: usize = 8 << 10;

const OTHER_UID: &str = "this connection speaks for another instance_uid";

/// What came of reading the uid of a message.
enum Speaker {
    Known {
        /// The uid that it goes by now.
        uid: InstanceUid,
        /// Nothing was heard of it by this connection before.
        is_first: bool,
    },
    Refused(Box<ServerToAgent>),
    /// A second process that posts with the same token: acknowledged, no more.
    Rival,
}

/// When a message is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Now,
    /// After it was kept for a while and others came: what it calls for is decided when all of them are taken.
    Held,
}

impl AgentState {
    pub(super) fn message(
        &mut self,
        now: Now,
        id: SessionId,
        message: AgentToServer,
        context: &Context<'_>,
        out: &mut Output,
    ) {
        let raw_uid = message.instance_uid.clone();
        let reply = self.reply_to(now, id, message, context, Moment::Now, out);
        let reply = reply.unwrap_or_else(|| acknowledgement(raw_uid));
        out.effects.push(Effect::Reply(id, Box::new(reply)));
        self.send_command_if_due(id, out);
    }

    /// Takes what a contender said before its connection became the agent's own; it has had its replies.
    pub(super) fn merge_held(
        &mut self,
        now: Now,
        id: SessionId,
        message: AgentToServer,
        context: &Context<'_>,
        out: &mut Output,
    ) {
        let raw_uid = message.instance_uid.clone();
        if let Some(reply) = self.reply_to(now, id, message, context, Moment::Held, out)
            && reply.error_response.is_none()
            && reply != acknowledgement(raw_uid)
        {
            out.effects.push(Effect::Push(id, Box::new(reply)));
        }
    }

    /// The reply; `None` is a bare acknowledgement.
    fn reply_to(
        &mut self,
        now: Now,
        id: SessionId,
        message: AgentToServer,
        context: &Context<'_>,
        moment: Moment,
        out: &mut Output,
    ) -> Option<ServerToAgent> {
        let clock = self.clock;
        let session = self.sessions.iter_mut().find(|session| session.id == id)?;
        let before = session.heard_at;
        session.heard_at = clock;
        session.pinged_at = None;
        let uid = match normalise_uid(&message.instance_uid) {
            Ok(uid) => uid,
            Err(error) => return Some(bad_request(&message.instance_uid, &error.to_string())),
        };
        if !session.is_primary() {
            // Bound to its first uid like any other connection: what it says before its turn is that of one process.
            if session.is_socket() && session.uid.is_some_and(|known| known != uid) {
                return Some(bad_request(&message.instance_uid, OTHER_UID));
            }
            session.uid = Some(uid);
            session.raw_uid = message.instance_uid.as_slice().into();
            session.hold(message);
            return None;
        }
        let (uid, is_first) = match self.speaker(id, uid, &message.instance_uid) {
            Speaker::Known { uid, is_first } => (uid, is_first),
            Speaker::Rival => {
                // Only what the agent itself says keeps it alive.
                self.sessions
                    .iter_mut()
                    .filter(|session| session.id == id)
                    .for_each(|session| session.heard_at = before);
                return None;
            }
            Speaker::Refused(reply) => return Some(*reply),
        };
        self.primary_is_alive();
        self.record.last_seen = Some(now.at);
        out.persist(PersistClass::Presence);
        Some(self.take(now, (uid, is_first, moment), message, context, out))
    }

    /// Checks the uid against those that this connection spoke for.
    fn speaker(&mut self, id: SessionId, uid: InstanceUid, raw: &[u8]) -> Speaker {
        let clock = self.clock;
        let Some(session) = self.sessions.iter_mut().find(|session| session.id == id) else {
            return Speaker::Known { uid, is_first: false };
        };
        let is_first = session.started_at.is_none();
        match session.uid {
            None => {}
            Some(known) if known == uid => {}
            // Sent before it took the uid that it was given.
            Some(known) if session.former_uid == Some(uid) => {
                return Speaker::Known { uid: known, is_first: false };
            }
            Some(known) if session.assigned == Some(uid) => {
                session.assigned = None;
                session.former_uid = Some(known);
                self.record.uid = Some(uid);
                self.full.moved_uid = true;
                self.full.needed = true;
            }
            Some(_) if session.is_socket() => {
                return Speaker::Refused(Box::new(bad_request(raw, OTHER_UID)));
            }
            // By HTTP a new uid is a new process, unless the old one comes back: then there are two.
            Some(known) => match &mut session.rival {
                Some(rival) if rival.uid == uid => {
                    rival.heard_at = Some(clock);
                    return Speaker::Rival;
                }
                rival => *rival = Some(Rival { uid: known, heard_at: None }),
            },
        }
        session.started_at.get_or_insert(clock);
        session.uid = Some(uid);
        session.raw_uid = raw.into();
        Speaker::Known { uid, is_first }
    }

    /// Takes a message of the agent's own connection.
    fn take(
        &mut self,
        now: Now,
        (uid, is_first, moment): (InstanceUid, bool, Moment),
        message: AgentToServer,
        context: &Context<'_>,
        out: &mut Output,
    ) -> ServerToAgent {
        let mut reply = acknowledgement(message.instance_uid.clone());
        let known = self.record.uid == Some(uid);
        if !known {
            self.new_process(now, uid, out);
        }
        let restarts = if is_bare(&message) {
            self.full.needed |= !known;
            false
        } else {
            self.sequence(now, (known, is_first), &message, out)
        };
        let begins = is_first || !known || restarts;
        if let Some(session) = self.primary_mut() {
            session.said_goodbye = message.agent_disconnect.is_some();
        }
        let wants_uid = message.flags & REQUEST_INSTANCE_UID != 0;
        let wants_certificate = message.connection_settings_request.is_some();
        let has_description = message.agent_description.is_some();
        let is_snapshot = has_description
            && (message.remote_config_status.is_some()
                || !self.capabilities().has(AgentCapabilities::REPORTS_REMOTE_CONFIG));
        let goodbye = message.agent_disconnect.is_some();
        self.merge(now, message, begins, out);
        self.ask_components(context, &mut reply);
        if self.full.requested_at.is_some() && has_description {
            self.full.requested_at = None;
            self.full.needed = false;
        } else if is_snapshot && !self.full.moved_uid {
            self.full.needed = false;
        }
        if wants_certificate {
            return bad_request(&reply.instance_uid, "certificate requests are not supported");
        }
        if goodbye {
            return reply;
        }
        if moment == Moment::Now && self.ask_full_state(now, context) {
            reply.flags |= REPORT_FULL_STATE;
        }
        if wants_uid {
            // The same one until it is used: the agent may ask again before it has the answer.
            let given = self.primary().and_then(|session| session.assigned);
            let new_uid = given.unwrap_or_else(|| context.surroundings.new_instance_uid());
            if let Some(session) = self.primary_mut() {
                session.assigned = Some(new_uid);
            }
            reply.agent_identification = Some(AgentIdentification { new_instance_uid: uid_bytes(new_uid) });
        }
        self.settle();
        if moment == Moment::Now {
            self.add_offers(now, context, &mut reply, out);
        }
        reply
    }

    /// The same collector in another process, with nothing of the old one.
    fn new_process(&mut self, now: Now, uid: InstanceUid, out: &mut Output) {
        if self.record.uid.is_some() {
            out.event("new_process", format!("another process with this token: instance {uid}"));
        }
        self.record.uid = Some(uid);
        self.record.offered_settings = None;
        self.forget_reports();
        self.begin_session_anew(now);
        self.full.requested_at = None;
        out.persist(PersistClass::Now);
        out.row_changed = true;
    }

    fn begin_session_anew(&mut self, now: Now) {
        let clock = self.clock;
        // Released supervisors keep what they were offered in memory only, and take it with a new client, whose numbers
        // begin anew as those of a new process do.
        let is_taken_now = |offered: &OfferedSettings| now.at < offered.at.plus(ANSWER);
        self.record.offered_opamp = self.record.offered_opamp.filter(is_taken_now);
        self.primary_mut().into_iter().for_each(|session| session.begin_anew(clock));
    }

    fn forget_reports(&mut self) {
        self.record.health = None;
        self.record.effective = None;
        self.record.oversized = None;
        self.record.status = None;
        self.record.settings_status = None;
        self.record.components = Box::default();
        self.unmatched.clear();
        self.health = super::state::HealthView::default();
    }

    /// Sequence numbers: a gap means that something was missed. Says whether a process begins.
    fn sequence(
        &mut self,
        now: Now,
        (known, is_first): (bool, bool),
        message: &AgentToServer,
        out: &mut Output,
    ) -> bool {
        let last = self.record.last_seq;
        let is_repeated = known && message.sequence_num == last;
        let is_next = known && Some(message.sequence_num) == last.checked_add(1);
        let gap = !is_repeated && !is_next;
        let clock = self.clock;
        // By a new connection also where the number follows that of a process which died young: who goes on leaves out
        // what is known.
        let restarts = known && (gap || is_first) && message.sequence_num <= 1 && message.agent_description.is_some();
        if restarts {
            self.forget_reports();
            self.begin_session_anew(now);
        } else if known && gap && !is_first {
            self.primary_mut().into_iter().for_each(|session| session.note_gap(clock));
        }
        // Of two that take turns neither missed anything.
        let is_missed = (gap || restarts) && !self.primary().is_some_and(|session| session.is_doubled(clock));
        // A process that goes on where it was has long reported: its session needs no waiting.
        if is_first
            && !gap
            && !restarts
            && let Some(session) = self.primary_mut()
        {
            session.gate_open = true;
        }
        self.full.needed |= is_missed;
        self.record.last_seq = message.sequence_num;
        if message.capabilities != 0 && message.capabilities != self.record.capabilities.0 {
            self.record.capabilities = AgentCapabilities(message.capabilities);
            out.persist(PersistClass::Now);
            out.row_changed = true;
        }
        restarts
    }

    /// Whether the full state is to be asked for now: once a gap, and when the fleet has a permit left.
    pub(super) fn ask_full_state(&mut self, now: Now, context: &Context<'_>) -> bool {
        if self.full.requested_at.is_some_and(|at| self.clock.saturating_sub(at) >= FULL_STATE_ANSWER) {
            self.full.requested_at = None;
        }
        if !self.full.needed || self.full.requested_at.is_some() {
            return false;
        }
        if !context.surroundings.full_state_permit(now) {
            // Spread by uid, so that a fleet that was refused does not ask again at once.
            let spread = self.record.uid.map_or(0, |uid| u64::from(uid.as_bytes()[15]));
            self.full.retry_at = Some(self.clock + Duration::from_millis(1000 + spread * 4));
            return false;
        }
        self.full.requested_at = Some(self.clock);
        self.full.retry_at = None;
        self.full.moved_uid = false;
        true
    }

    /// Takes what is present; what is absent stays as it was.
    fn merge(&mut self, now: Now, message: AgentToServer, begins: bool, out: &mut Output) {
        if let Some(description) = message.agent_description {
            let packed: Box<[u8]> = description.encode_to_vec().into();
            let length = packed.len();
            if length > MAX_DESCRIPTION {
                // Told once, not with every full state.
                if self.oversized.replace(length) != Some(length) {
                    let message = format!("a description of {length} bytes was left out: {MAX_DESCRIPTION} are taken");
                    out.event("description_too_large", message);
                }
            } else if packed != self.record.description {
                self.record.description = packed;
                out.persist(PersistClass::Now);
                out.attributes_changed = true;
                out.row_changed = true;
            }
        }
        if let Some(health) = &message.health {
            self.take_health(now, health, begins, out);
        }
        if let Some(config) = message.effective_config {
            self.take_effective(now, config, out);
        }
        if let Some(status) = &message.remote_config_status {
            self.take_status(now, status, out);
        }
        if let Some(status) = &message.connection_settings_status {
            self.take_settings_status(status, out);
        }
        if let Some(components) = message.available_components {
            self.take_components(components, out);
        }
    }

    fn take_health(&mut self, now: Now, health: &ComponentHealth, begins: bool, out: &mut Output) {
        let tree = HealthTree::from_opamp(health);
        // `{}` says that the collector was not started yet, or that the supervisor has just taken other settings.
        if tree.is_empty() {
            return;
        }
        let crashed = health.last_error.contains("exited unexpectedly");
        if !begins
            && (tree.has_components() || crashed)
            && let Some(session) = self.primary_mut()
        {
            session.gate_open = true;
        }
        if tree.healthy() {
            self.health.dip_since = None;
            self.health.shown = Some(true);
        } else if self.health.shown != Some(false) {
            self.health.dip_since.get_or_insert(self.clock);
        }
        let is_news = self.record.health.as_ref().is_none_or(|known| !known.says_the_same_as(&tree));
        if is_news {
            out.persist(PersistClass::Soon);
            out.row_changed = true;
        }
        self.record.health = Some(tree);
        self.record.health_at = Some(now.at);
    }

    fn take_settings_status(&mut self, status: &ConnectionSettingsStatus, out: &mut Output) {
        let reported = SettingsStatus {
            hash: ConfigHash::from_slice(&status.last_connection_settings_hash),
            status: ReportedStatus::from_wire(status.status),
        };
        if self.record.settings_status.as_ref() == Some(&reported) {
            return;
        }
        if reported.status == ReportedStatus::Failed {
            out.event("settings_failed", cut(&status.error_message, MAX_ERROR));
        }
        self.record.settings_status = Some(reported);
        out.persist(PersistClass::Now);
    }

    fn take_components(&mut self, components: AvailableComponents, out: &mut Output) {
        let hash: Box<[u8]> = components.hash.as_slice().into();
        if hash.is_empty() || hash.len() > 64 {
            return;
        }
        if self.record.components != hash {
            self.record.components = hash.clone();
            // Once for each hash and session.
            self.primary_mut().into_iter().for_each(|session| session.asked_components = false);
            out.persist(PersistClass::Soon);
            out.row_changed = true;
        }
        if !components.components.is_empty() {
            out.effects.push(Effect::StoreComponents { hash, components: Box::new(components) });
        }
    }

    /// Asks for the tree whenever it is unknown: the agent that was asked before this one may have left without a word.
    fn ask_components(&mut self, context: &Context<'_>, reply: &mut ServerToAgent) {
        let can = self.capabilities().has(AgentCapabilities::REPORTS_COMPONENTS);
        let was_asked = self.primary().is_none_or(|session| session.asked_components);
        let hash = &self.record.components;
        if can && !was_asked && !hash.is_empty() && context.surroundings.wants_components(hash) {
            self.primary_mut().into_iter().for_each(|session| session.asked_components = true);
            reply.flags |= REPORT_COMPONENTS;
        }
    }

    pub(super) const fn capabilities(&self) -> AgentCapabilities {
        self.record.capabilities
    }
}

fn acknowledgement(raw_uid: Vec<u8>) -> ServerToAgent {
    ServerToAgent { instance_uid: raw_uid, capabilities: SERVER_CAPABILITIES, ..Default::default() }
}

/// A poll or heartbeat with nothing but the uid.
fn is_bare(message: &AgentToServer) -> bool {
    *message == AgentToServer { instance_uid: message.instance_uid.clone(), ..Default::default() }
}
