//! Who dials: tokens are looked at before anything else is read of a peer.

use std::sync::Arc;

use linkmesh_proto::{
    CollectorId,
    api::collector::Runtime,
    wire::opamp::{AgentToServer, ServerToAgent},
};
use prost::Message as _;
use tokio::sync::oneshot;

use super::{AdmitError, AgentSession, ExchangeError, FleetHandle, handle::DEADLINE};
use crate::{
    collector::{Work, post, share},
    directory::Slot,
    opamp::{Admission, Admitted, Credential},
    ports::Transport,
    runtime::AskError,
    token::{TokenHash, TokenKind},
};

/// Who dialled: a token that was looked up, and an address. Made by [`FleetHandle::admit`].
#[derive(Debug, Clone)]
pub struct Peer {
    pub(super) kind: PeerKind,
    pub(super) address: Option<Arc<str>>,
}

#[derive(Debug, Clone)]
pub(super) enum PeerKind {
    /// It showed a collector's own token.
    Collector { slot: Arc<Slot>, token: Arc<str>, hash: TokenHash, previous: bool },
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
            let (slot, previous) = self.owner(&hash)?;
            if slot.runtime() != Runtime::Otelcol {
                return Err(AdmitError::WrongKind);
            }
            if slot.is_held_off(now.monotonic) {
                return Err(AdmitError::Busy);
            }
            PeerKind::Collector { slot, token: token.into(), hash, previous }
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

    /// Whose token this is, and whether it was replaced.
    pub(super) fn owner(&self, hash: &TokenHash) -> Result<(Arc<Slot>, bool), AdmitError> {
        let known = self.shared.directory.by_token(hash, self.shared.clock.now()).ok_or(AdmitError::Unknown)?;
        if known.slot.is_deregistered() {
            return Err(AdmitError::Unknown);
        }
        Ok((known.slot, known.previous))
    }

    /// Whose token this is: for own metrics, which take nothing but a collector's own token.
    ///
    /// # Errors
    /// When the token is not a collector's, or dead.
    pub fn authenticate(&self, token: &str) -> Result<CollectorId, AdmitError> {
        let (slot, _) = self.owner(&TokenHash::of(token))?;
        Ok(slot.id())
    }

    /// Opens the session of an admitted peer over a WebSocket. It ends when the returned value is dropped.
    ///
    /// # Errors
    /// When its collector cannot take a session now, or was deregistered a moment ago: refuse the upgrade.
    pub fn open_session(&self, peer: Peer, transport: Arc<dyn Transport>) -> Result<AgentSession, AdmitError> {
        AgentSession::open(self.clone(), peer, transport)
    }

    /// One message of an admitted peer by plain HTTP, and its answer. `None` is a body that is no message.
    ///
    /// # Errors
    /// When the peer is turned away, or the answer takes too long.
    pub async fn exchange(&self, peer: Peer, message: Option<AgentToServer>) -> Result<ServerToAgent, ExchangeError> {
        let (slot, credential) = match peer.kind {
            PeerKind::Collector { slot, token, previous, .. } => {
                // Its body may have taken long to arrive.
                if slot.is_deregistered() {
                    return Err(AdmitError::Unknown.into());
                }
                if !previous {
                    self.begin_grace(&slot);
                }
                (slot, Credential::Collector { token })
            }
            PeerKind::Enrolling { hash } => {
                let Some(message) = &message else {
                    return Ok(Admission::refuse(&AgentToServer::default(), "the message cannot be read"));
                };
                match self.enrol_agent(hash, message.clone(), peer.address.clone()).await? {
                    Ok((slot, credential)) => (slot, credential),
                    Err(answer) => return Ok(*answer),
                }
            }
        };
        let (reply, answered) = oneshot::channel();
        let message = match message {
            Some(message) => {
                let share = share(&self.shared, &slot, message.encoded_len()).map_err(|_| AskError::Full)?;
                Some((Box::new(message), share))
            }
            None => None,
        };
        let work = Work::Exchange { credential, address: peer.address, message, reply };
        post(&self.shared, &slot, work).map_err(|_| AskError::Full)?;
        match tokio::time::timeout(DEADLINE, answered).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(AskError::Closed.into()),
            Err(_) => Err(AskError::Deadline.into()),
        }
    }

    /// Redeems an enrolment token for the process that sent this message. A process that redeemed it before is the
    /// collector that it was: supervisors forget offered settings at a restart. The inner error is the answer to give.
    pub(super) async fn enrol_agent(
        &self,
        hash: TokenHash,
        message: AgentToServer,
        address: Option<Arc<str>>,
    ) -> Result<Result<(Arc<Slot>, Credential), Box<ServerToAgent>>, AskError> {
        let (uid, attributes) = match Admission::read(&message) {
            Admitted::Redeem { uid, attributes } => (uid, attributes),
            Admitted::Refused(answer) => return Ok(Err(answer)),
        };
        let this = self.clone();
        self.detached(async move {
            let refuse = |reason: &str| Err(Box::new(Admission::refuse(&message, reason)));
            let shared = &this.shared;
            let before = shared.enrollments.redeemed(&hash, uid).and_then(|id| shared.directory.slot(id));
            if let Some(slot) = before {
                if slot.is_deregistered() {
                    shared.enrollments.refuse(hash, address.as_ref(), shared.clock.monotonic());
                    return refuse("the collector was deregistered");
                }
                // The token that it was given is forgotten there, and only its hash is known here.
                return match this.offers_tokens() {
                    true => match this.issue(&slot).await {
                        Ok(token) => Ok((slot, Credential::Enrolment { issued: Some(token.reveal().into()) })),
                        Err(error) => {
                            tracing::error!(error = &error as &dyn std::error::Error, "no token issued");
                            Ok((slot, Credential::Enrolment { issued: None }))
                        }
                    },
                    false => Ok((slot, Credential::Enrolment { issued: None })),
                };
            }
            let name = attributes.get("host.name").or_else(|| attributes.get("service.name")).cloned();
            let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| uid.to_string());
            let now = shared.clock.now();
            let mut record = super::admin::record(CollectorId::generate(), name, Runtime::Otelcol, now);
            record.row.reported = attributes;
            match this.redeem(hash, record, Some(uid)).await {
                Ok((slot, token)) => {
                    let issued = this.offers_tokens().then(|| token.reveal().into());
                    Ok((slot, Credential::Enrolment { issued }))
                }
                Err(crate::ports::RedeemError::Store(error)) => {
                    tracing::error!(code = error.code(), error = &error as &dyn std::error::Error, "not enrolled");
                    refuse("the server cannot enrol at the moment")
                }
                Err(error) => {
                    shared.enrollments.refuse(hash, address.as_ref(), shared.clock.monotonic());
                    refuse(&error.to_string())
                }
            }
        })
        .await
    }

    fn offers_tokens(&self) -> bool {
        self.shared.endpoints.as_ref().is_some_and(crate::opamp::Endpoints::carries_tokens)
    }
}
