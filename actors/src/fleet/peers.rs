//! Who dials: tokens are looked at before anything else is read of a peer.

use std::{collections::BTreeMap, sync::Arc};

use linkmesh_proto::{
    CollectorId, InstanceUid,
    api::collector::Runtime,
    wire::opamp::{AgentToServer, ServerToAgent},
};
use prost::Message as _;
use tokio::sync::oneshot;

use super::{AdmitError, AgentSession, ExchangeError, FleetError, FleetHandle, handle::DEADLINE, tokens::Purpose};
use crate::{
    collector::{Work, post, share},
    directory::{KnownToken, Slot},
    mint::Mint as _,
    opamp::{Admission, Admitted, AgentCapabilities, Credential},
    ports::{RedeemError, Transport},
    runtime::AskError,
    token::{Token, TokenHash, TokenKind},
};

/// What a peer is told whose token may be good.
pub(super) const CANNOT_ENROL: &str = "the server cannot enrol at the moment";

/// Who dialled: a token that was looked up, and an address. Made by [`FleetHandle::admit`].
#[derive(Debug, Clone)]
pub struct Peer {
    pub(super) kind: PeerKind,
    pub(super) address: Option<Arc<str>>,
}

#[derive(Debug, Clone)]
pub(super) enum PeerKind {
    /// It showed a collector's own token.
    Collector { known: KnownToken, token: Arc<str>, hash: TokenHash },
    /// It showed an enrolment token; which process it is, its first message tells.
    Enrolling { hash: TokenHash },
}

impl FleetHandle {
    /// Looks at the token of a peer that wants an OpAMP session: a collector's own, or one for enrolment. From memory;
    /// before the upgrade, so that nobody is let in to be thrown out.
    ///
    /// # Errors
    /// When the peer is to be turned away.
    pub fn admit(&self, token: &str, address: Option<String>) -> Result<Peer, AdmitError> {
        if self.shared.is_stopping() {
            return Err(AdmitError::Busy);
        }
        let address: Option<Arc<str>> = address.map(Arc::from);
        let hash = TokenHash::of(token);
        let now = self.shared.now();
        let kind = if token.starts_with(TokenKind::Collector.prefix()) {
            let known = self.owner(&hash)?;
            if known.slot.runtime() != Runtime::Otelcol {
                return Err(AdmitError::WrongKind);
            }
            if known.slot.is_held_off(now.monotonic) {
                return Err(AdmitError::Busy);
            }
            PeerKind::Collector { known, token: token.into(), hash }
        } else if token.starts_with(TokenKind::Enrollment.prefix()) {
            self.shared.enrollments.admit(&hash, address.as_ref(), now, |id| self.is_inside(id))?;
            PeerKind::Enrolling { hash }
        } else {
            return Err(AdmitError::Unknown);
        };
        Ok(Peer { kind, address })
    }

    /// Whether a collector has an open socket, or will never have one again. One that posts has none between two posts.
    fn is_inside(&self, id: CollectorId) -> bool {
        let slot = self.shared.directory.slot(id);
        slot.is_none_or(|slot| slot.is_deregistered() || !slot.connections.lock().is_empty())
    }

    /// Whose token this is.
    pub(super) fn owner(&self, hash: &TokenHash) -> Result<KnownToken, AdmitError> {
        let known = self.shared.directory.by_token(hash, self.shared.clock.now()).ok_or(AdmitError::Unknown)?;
        if known.slot.is_deregistered() {
            return Err(AdmitError::Unknown);
        }
        Ok(known)
    }

    /// Whose token this is: for own metrics, which take nothing but a collector's own token.
    ///
    /// # Errors
    /// When the token is not a collector's, or dead.
    pub fn authenticate(&self, token: &str) -> Result<CollectorId, AdmitError> {
        Ok(self.owner(&TokenHash::of(token))?.slot.id())
    }

    /// Opens the session of an admitted peer over a WebSocket. It ends when the returned value is dropped.
    ///
    /// # Errors
    /// When its collector cannot take a session now, or was deregistered a moment ago: refuse the upgrade.
    pub fn open_session(&self, peer: Peer, transport: Arc<dyn Transport>) -> Result<AgentSession, AdmitError> {
        AgentSession::open(self.clone(), peer, transport)
    }

    /// One message of an admitted peer by plain HTTP, and its answer.
    ///
    /// # Errors
    /// When the peer is turned away, or the answer takes too long.
    pub async fn exchange(&self, peer: Peer, message: AgentToServer) -> Result<ServerToAgent, ExchangeError> {
        let (slot, credential) = match peer.kind {
            PeerKind::Collector { known, token, .. } => {
                // Its body may have taken long to arrive.
                if known.slot.is_deregistered() {
                    return Err(AdmitError::Unknown.into());
                }
                self.begin_grace(&known);
                (known.slot, Credential::Collector { token })
            }
            PeerKind::Enrolling { hash } => {
                match self.enrol_agent(hash, message.clone(), peer.address.clone()).await {
                    Ok(Ok((slot, credential))) => (slot, credential),
                    Ok(Err(answer)) => return Ok(*answer),
                    Err(FleetError::Unavailable(error)) => return Err(error.into()),
                    // Its next post is judged again.
                    Err(_) => return Ok(Admission::refuse(&message, CANNOT_ENROL)),
                }
            }
        };
        let (reply, answered) = oneshot::channel();
        let share = share(&self.shared, &slot, message.encoded_len()).map_err(|_| AskError::Full)?;
        let work = Work::Exchange { credential, address: peer.address, message: Box::new(message), share, reply };
        post(&self.shared, &slot, work).map_err(|_| AskError::Full)?;
        match tokio::time::timeout(DEADLINE, answered).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(AskError::Closed.into()),
            Err(_) => Err(AskError::Deadline.into()),
        }
    }

    /// Redeems an enrolment token for the process that sent this message. A process that redeemed it before is the
    /// collector that it was: supervisors forget offered settings at a restart. The inner error is the answer to give to
    /// a process that the token is not for; the outer one says nothing of that, and its next message is to be judged.
    pub(super) async fn enrol_agent(
        &self,
        hash: TokenHash,
        mut message: AgentToServer,
        address: Option<Arc<str>>,
    ) -> Result<Result<(Arc<Slot>, Credential), Box<ServerToAgent>>, FleetError> {
        self.shared.secrets.hide_in_message(&mut message);
        let (uid, attributes) = match Admission::read(&message) {
            Admitted::Redeem { uid, attributes } => (uid, attributes),
            Admitted::Refused(answer) => return Ok(Err(answer)),
        };
        let this = self.clone();
        self.detached_for(DEADLINE, async move {
            let refuse = |reason: &str| Ok(Err(Box::new(Admission::refuse(&message, reason))));
            let shared = &this.shared;
            let turn_away = || shared.enrollments.refuse(hash, address.as_ref(), shared.clock.monotonic());
            let capabilities = AgentCapabilities(message.capabilities);
            let _turn = shared.enrollments.turn(uid).await;
            let before = shared.enrollments.redeemed(&hash, uid).and_then(|id| shared.directory.slot(id));
            let slot = match before {
                Some(slot) => slot,
                None => match this.redeem_as(hash, uid, attributes, capabilities).await {
                    Ok(slot) => slot,
                    Err(RedeemError::Store(error)) => {
                        tracing::error!(code = error.code(), error = &error as &dyn std::error::Error, "not enrolled");
                        return Err(error.into());
                    }
                    Err(error) => {
                        turn_away();
                        return refuse(&error.to_string());
                    }
                },
            };
            if slot.is_deregistered() {
                turn_away();
                return refuse("the collector was deregistered");
            }
            let issued = this.token_to_offer(&slot, capabilities).await;
            Ok(Ok((slot, Credential::Enrolment { issued })))
        })
        .await?
    }

    /// Creates the collector that this process is, with a token where it can take one.
    async fn redeem_as(
        &self,
        hash: TokenHash,
        uid: InstanceUid,
        attributes: BTreeMap<String, String>,
        capabilities: AgentCapabilities,
    ) -> Result<Arc<Slot>, RedeemError> {
        let shared = &self.shared;
        let name = attributes.get("host.name").or_else(|| attributes.get("service.name")).cloned();
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| uid.to_string());
        let mut record = super::admin::record(CollectorId::generate(), name, Runtime::Otelcol, shared.clock.now());
        record.row.reported = attributes.into();
        // Either kind of offer carries one.
        let takes_one = [AgentCapabilities::ACCEPTS_OPAMP_SETTINGS, AgentCapabilities::REPORTS_OWN_METRICS]
            .into_iter()
            .any(|bit| capabilities.has(bit));
        let token = (takes_one && self.offers_tokens()).then(|| Token::mint(TokenKind::Collector, &*shared.entropy));
        let issued = token.as_ref().map(|token| (token, Purpose::Offered));
        let slot = self.redeem(hash, record, issued, Some(uid)).await?;
        // Of a process that redeemed before it is nobody's.
        if let Some(token) = token.filter(|token| self.is_newest(&slot, token.reveal())) {
            *slot.offered_token.lock() = Some(token.reveal().into());
        }
        Ok(slot)
    }

    /// The token to offer to a process that dialled with an enrolment token: the one that was issued for that, for as
    /// long as it is good. Another is issued only to a process that will take it, and not while another session lives:
    /// a supervisor that dials again after a network loss comes with the token that it has.
    async fn token_to_offer(&self, slot: &Arc<Slot>, capabilities: AgentCapabilities) -> Option<Arc<str>> {
        if !self.offers_tokens() {
            return None;
        }
        let known = slot.offered_token.lock().clone();
        if let Some(known) = known.filter(|token| self.is_newest(slot, token)) {
            return Some(known);
        }
        if !capabilities.has(AgentCapabilities::ACCEPTS_OPAMP_SETTINGS) || !slot.connections.lock().is_empty() {
            return None;
        }
        match self.issue(slot, Purpose::Offered).await {
            Ok(token) => {
                let text: Arc<str> = token.reveal().into();
                *slot.offered_token.lock() = Some(Arc::clone(&text));
                Some(text)
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "no token issued");
                None
            }
        }
    }

    /// Whether a token of this collector is good and was not replaced.
    fn is_newest(&self, slot: &Slot, token: &str) -> bool {
        let known = self.shared.directory.by_token(&TokenHash::of(token), self.shared.clock.now());
        known.is_some_and(|known| known.slot.id() == slot.id() && !known.previous)
    }

    fn offers_tokens(&self) -> bool {
        self.shared.endpoints.as_ref().is_some_and(crate::opamp::Endpoints::carries_tokens)
    }
}
