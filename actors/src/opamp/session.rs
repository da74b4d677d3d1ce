//! One connection of an agent.

use std::time::Duration;

use linkmesh_proto::{ConfigHash, InstanceUid, wire::opamp::AgentToServer};
use prost::Message;

use super::{
    delivery::ANSWER,
    input::{Credential, SessionId, TransportKind},
};

/// How long a peer may take to answer a ping that decides between two connections.
pub(super) const PING_ANSWER: Duration = Duration::from_secs(5);
/// How long the first offer of a session waits at most for the collector's own health.
pub(super) const GATE: Duration = Duration::from_secs(5);
/// So many gaps in the sequence numbers of a poller within this time are no accident: two processes with one uid take
/// turns. Plain HTTP shows no connections by which to tell them apart.
const MANY_GAPS: u8 = 6;
const GAPS_WITHIN: Duration = Duration::from_secs(300);
/// Messages of a second connection that are kept until the first one answered its ping.
const MAX_HELD: usize = 8;
/// Bytes of them; a first message has 3 to 10 KB.
const MAX_HELD_BYTES: usize = 1 << 20;

/// What a connection means to the agent.
#[derive(Debug)]
pub(super) enum Role {
    /// The connection of this agent.
    Primary,
    /// Came while another one seemed alive, which was pinged. A reconnect after a network loss looks just like a second
    /// process.
    Contender {
        since: Duration,
        /// What it said meanwhile; `None` when that was too much to keep.
        held: Option<Vec<AgentToServer>>,
    },
    /// A second process with the same token. It keeps its socket, because a closed one is dialled again at once, and
    /// gets no offers.
    Duplicate,
}

/// The newest config offered by a session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offered {
    pub(super) hash: ConfigHash,
    pub(super) at: Duration,
    /// How often it was offered by this session.
    pub(super) times: u8,
    /// Whether a status for it came.
    pub(super) answered: bool,
    /// Whether its time for an answer has passed.
    pub(super) overdue: bool,
}

/// Another process that posts with the same token. Plain HTTP has no connections that could tell them apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rival {
    pub(super) uid: InstanceUid,
    /// When it was heard again after the agent had moved on to another uid.
    pub(super) heard_at: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) transport: TransportKind,
    pub(super) credential: Credential,
    pub(super) role: Role,
    /// The uid of its messages; `None` before the first.
    pub(super) uid: Option<InstanceUid>,
    /// The same as the agent writes it, to be echoed.
    pub(super) raw_uid: Box<[u8]>,
    /// A uid that the agent asked for and was given, until it uses it.
    pub(super) assigned: Option<InstanceUid>,
    /// The uid before that: what was sent under it may come late.
    pub(super) former_uid: Option<InstanceUid>,
    pub(super) rival: Option<Rival>,
    /// HTTP: gaps in the sequence numbers, and since when they are counted.
    gaps: (u8, Duration),
    /// HTTP: until when two processes with one uid are taken for certain.
    pub(super) doubled_until: Option<Duration>,
    /// When anything was last heard.
    pub(super) heard_at: Duration,
    /// When it was pinged because nothing was heard.
    pub(super) pinged_at: Option<Duration>,
    /// When its first message came.
    pub(super) started_at: Option<Duration>,
    /// Whether offers may be made: those of the very first reply can get lost and are reported as applied.
    pub(super) gate_open: bool,
    /// The agent said goodbye; a later message takes it back.
    pub(super) said_goodbye: bool,
    pub(super) offered: Option<Offered>,
    pub(super) token_offered_at: Option<Duration>,
    pub(super) metrics_offered_at: Option<Duration>,
    pub(super) asked_components: bool,
}

impl Session {
    pub(super) fn new(
        id: SessionId,
        transport: TransportKind,
        credential: Credential,
        role: Role,
        now: Duration,
    ) -> Self {
        Self {
            id,
            transport,
            credential,
            role,
            uid: None,
            raw_uid: Box::default(),
            assigned: None,
            former_uid: None,
            rival: None,
            gaps: (0, now),
            doubled_until: None,
            heard_at: now,
            pinged_at: None,
            started_at: None,
            gate_open: false,
            said_goodbye: false,
            offered: None,
            token_offered_at: None,
            metrics_offered_at: None,
            asked_components: false,
        }
    }

    pub(super) const fn is_primary(&self) -> bool {
        matches!(self.role, Role::Primary)
    }

    pub(super) const fn is_socket(&self) -> bool {
        matches!(self.transport, TransportKind::WebSocket)
    }

    /// Another process speaks by this session from now on: what the one before was offered and asked it never saw, and it
    /// has to get through its own start.
    pub(super) fn begin_anew(&mut self, now: Duration) {
        self.started_at = Some(now);
        self.gate_open = false;
        self.offered = None;
        self.metrics_offered_at = None;
        self.asked_components = false;
        // A supervisor that takes an offered token begins its numbers anew, too, and is not to do so for ever.
        self.token_offered_at = self.token_offered_at.filter(|at| now.saturating_sub(*at) < ANSWER);
    }

    /// Keeps a message of a contender; gives up when that is too much.
    pub(super) fn hold(&mut self, message: AgentToServer) {
        if let Role::Contender { held, .. } = &mut self.role
            && let Some(messages) = held
        {
            let bytes: usize = messages.iter().chain([&message]).map(Message::encoded_len).sum();
            if messages.len() < MAX_HELD && bytes <= MAX_HELD_BYTES {
                messages.push(message);
            } else {
                *held = None;
            }
        }
    }

    /// Whether offers may be made now. After the offer of a token the agent dials again, and what follows would be lost.
    pub(super) fn takes_offers(&self, now: Duration) -> bool {
        self.gate_open
            && !self.said_goodbye
            && self.started_at.is_some()
            && self.token_offered_at.is_none_or(|at| now.saturating_sub(at) >= GATE)
    }

    /// Whether two processes post with one token: the other was heard within this time.
    pub(super) fn has_rival(&self, now: Duration, within: Duration) -> bool {
        let heard = self.rival.and_then(|rival| rival.heard_at);
        heard.is_some_and(|at| now.saturating_sub(at) < within) || self.is_doubled(now)
    }

    /// Whether two processes post with one uid.
    pub(super) fn is_doubled(&self, now: Duration) -> bool {
        self.doubled_until.is_some_and(|until| now < until)
    }

    /// Counts a gap in the sequence numbers that no start of a process explains.
    pub(super) fn note_gap(&mut self, now: Duration) {
        if self.is_socket() {
            return;
        }
        let (count, since) = match self.gaps {
            (_, since) if now.saturating_sub(since) >= GAPS_WITHIN => (0, now),
            counted => counted,
        };
        self.gaps = (count.saturating_add(1), since);
        if self.gaps.0 >= MANY_GAPS {
            self.doubled_until = Some(now + GAPS_WITHIN);
        }
    }
}
