//! Alloy: polls, and its start and stop.

use std::sync::Arc;

use linkmesh_proto::{
    api::collector::Runtime,
    wire::collector::{GetConfigRequest, GetConfigResponse, RegisterCollectorRequest, UnregisterCollectorRequest},
};
use tokio::sync::oneshot;

use super::{AdmitError, FleetHandle, PollError, handle::DEADLINE};
use crate::{
    collector::{Work, post, post_if_alive},
    directory::{Fast, Slot},
    remotecfg::{Poll, PollAnswer, is_unchanged},
    runtime::AskError,
    token::TokenHash,
};

/// Who polls, beside its token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PollPeer {
    /// From where, without port.
    pub address: Option<String>,
    /// The header `User-Agent`.
    pub user_agent: Option<String>,
}

impl FleetHandle {
    fn alloy(&self, token: &str) -> Result<Arc<Slot>, PollError> {
        let refused = |error: AdmitError| {
            self.shared.observe.polls_refused.increment();
            PollError::from(error)
        };
        if self.shared.is_stopping() {
            return Err(refused(AdmitError::Busy));
        }
        let known = self.owner(&TokenHash::of(token)).map_err(refused)?;
        if known.slot.runtime() != Runtime::Alloy {
            return Err(refused(AdmitError::WrongKind));
        }
        if known.slot.fast().is_none() {
            self.begin_grace(&known);
        }
        Ok(known.slot)
    }

    /// Answers a poll. A poll that says nothing new is answered from memory: it touches no disk and wakes no actor.
    ///
    /// # Errors
    /// When the peer is turned away, the request names no id, or the answer takes too long.
    pub async fn poll(
        &self,
        token: &str,
        peer: PollPeer,
        request: GetConfigRequest,
    ) -> Result<GetConfigResponse, PollError> {
        let slot = self.alloy(token)?;
        if request.id.is_empty() {
            return Err(PollError::NoId);
        }
        let now = self.shared.now();
        if slot.rhythm.beat(now.monotonic) {
            // Its silence is to be measured by that from now on. Full: it has messages, and looks with each.
            let _ = post_if_alive(&self.shared, &slot, Work::Tick);
        }
        let address = peer.address.unwrap_or_default();
        let desired = slot.desired().map(|desired| desired.hash());
        let is_known = |fast: &Arc<Fast>| fast.desired == desired && is_unchanged(&fast.path, &request, &address);
        if slot.fast().as_ref().is_some_and(is_known) {
            if slot.touch(now.at, None) {
                self.shared.recorder.touch(&slot);
            }
            self.shared.observe.polls_unchanged.increment();
            return Ok(unchanged(request.hash));
        }
        let hash = request.hash.clone();
        let poll = Box::new(Poll { request, address: address.into() });
        let (reply, answered) = oneshot::channel();
        post(&self.shared, &slot, Work::Poll(poll, reply)).map_err(|_| AskError::Full)?;
        match tokio::time::timeout(DEADLINE, answered).await {
            Ok(Ok(PollAnswer::NotModified)) => Ok(unchanged(hash)),
            Ok(Ok(PollAnswer::Content(text))) => Ok(GetConfigResponse {
                content: text.text.to_string(),
                hash: text.hash_text.to_string(),
                not_modified: false,
            }),
            Ok(Err(_)) => Err(AskError::Closed.into()),
            Err(_) => Err(AskError::Deadline.into()),
        }
    }

    /// Alloy starts. Touches memory only and never waits: Alloy ends when this fails.
    ///
    /// # Errors
    /// When the peer is turned away, or the request names no id.
    pub fn alloy_started(
        &self,
        token: &str,
        peer: PollPeer,
        request: RegisterCollectorRequest,
    ) -> Result<(), PollError> {
        let slot = self.alloy(token)?;
        if request.id.is_empty() {
            return Err(PollError::NoId);
        }
        slot.rhythm.restart(self.shared.clock.monotonic());
        let address = peer.address.unwrap_or_default().into();
        // A full mailbox is no reason to end an Alloy: the poll that follows tells the same.
        let _ = post(&self.shared, &slot, Work::AlloyStarted(Box::new(request), address));
        Ok(())
    }

    /// Alloy stops: it is gone, but stays registered.
    ///
    /// # Errors
    /// When the peer is turned away.
    pub fn alloy_stopped(&self, token: &str, request: UnregisterCollectorRequest) -> Result<(), PollError> {
        let slot = self.alloy(token)?;
        drop(request);
        slot.rhythm.stop();
        // Full: its silence tells the same, later.
        let _ = post_if_alive(&self.shared, &slot, Work::AlloyStopped);
        Ok(())
    }
}

fn unchanged(hash: String) -> GetConfigResponse {
    GetConfigResponse { content: String::new(), hash, not_modified: true }
}
