//! Alloy: polls, and its start and stop.

use std::sync::Arc;

use linkmesh_proto::{
    api::collector::Runtime,
    wire::collector::{GetConfigRequest, GetConfigResponse, RegisterCollectorRequest, UnregisterCollectorRequest},
};
use prost::Message as _;
use tokio::sync::oneshot;

use super::{AdmitError, FleetHandle, PollError, handle::DEADLINE};
use crate::{
    collector::{Work, post, post_if_alive, share},
    directory::{Fast, Slot},
    remotecfg::{Poll, PollAnswer, is_unchanged},
    runtime::AskError,
    token::TokenHash,
};

/// An Alloy whose token was looked up. Made by [`FleetHandle::admit_alloy`].
#[derive(Debug, Clone)]
pub struct AlloyPeer {
    slot: Arc<Slot>,
    address: String,
}

impl AlloyPeer {
    /// Its collector, unless it was deregistered since: its request may have taken long to arrive.
    fn slot(&self) -> Result<&Arc<Slot>, AdmitError> {
        if self.slot.is_deregistered() { Err(AdmitError::Unknown) } else { Ok(&self.slot) }
    }
}

impl FleetHandle {
    /// Looks at the token of an Alloy, before anything is read of its request. `address` is where it calls from,
    /// without port.
    ///
    /// # Errors
    /// When it is to be turned away.
    pub fn admit_alloy(&self, token: &str, address: Option<String>) -> Result<AlloyPeer, AdmitError> {
        if self.shared.is_stopping() {
            return Err(AdmitError::Busy);
        }
        let known = self.owner(&TokenHash::of(token))?;
        if known.slot.runtime() != Runtime::Alloy {
            return Err(AdmitError::WrongKind);
        }
        // With each call, not with the first of a process alone: an Alloy may read its token's file anew at any time.
        self.begin_grace(&known);
        Ok(AlloyPeer { slot: known.slot, address: address.unwrap_or_default() })
    }

    /// Answers a poll. A poll that says nothing new is answered from memory: it touches no disk and wakes no actor.
    ///
    /// # Errors
    /// When the collector is gone, the request names no id, or the answer takes too long.
    pub async fn poll(&self, peer: &AlloyPeer, request: GetConfigRequest) -> Result<GetConfigResponse, PollError> {
        let slot = peer.slot()?;
        if request.id.is_empty() {
            return Err(PollError::NoId);
        }
        let now = self.shared.now();
        if slot.rhythm.beat(now.monotonic) {
            // Its silence is to be measured by that from now on. Full: it has messages, and looks with each.
            let _ = post_if_alive(&self.shared, slot, Work::Tick);
        }
        let address = peer.address.as_str();
        let desired = slot.desired().map(|desired| desired.hash());
        let is_known = |fast: &Arc<Fast>| fast.desired == desired && is_unchanged(&fast.path, &request, address);
        if slot.fast().as_ref().is_some_and(is_known) {
            if slot.touch(now.at, None) {
                self.shared.recorder.touch(slot);
            }
            self.shared.observe.polls_unchanged.increment();
            return Ok(unchanged(request.hash));
        }
        let hash = request.hash.clone();
        let share = share(&self.shared, slot, request.encoded_len()).map_err(|_| AskError::Full)?;
        let poll = Box::new(Poll { request, address: address.into() });
        let (reply, answered) = oneshot::channel();
        post(&self.shared, slot, Work::Poll(poll, share, reply)).map_err(|_| AskError::Full)?;
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
    /// When the collector is gone, or the request names no id.
    pub fn alloy_started(&self, peer: &AlloyPeer, request: RegisterCollectorRequest) -> Result<(), PollError> {
        let slot = peer.slot()?;
        if request.id.is_empty() {
            return Err(PollError::NoId);
        }
        slot.rhythm.restart(self.shared.clock.monotonic());
        let address = peer.address.as_str().into();
        // A full mailbox is no reason to end an Alloy: the poll that follows tells the same.
        if let Ok(share) = share(&self.shared, slot, request.encoded_len()) {
            let _ = post(&self.shared, slot, Work::AlloyStarted(Box::new(request), address, share));
        }
        Ok(())
    }

    /// Alloy stops: it is gone, but stays registered.
    ///
    /// # Errors
    /// When the collector is gone.
    pub fn alloy_stopped(&self, peer: &AlloyPeer, _: &UnregisterCollectorRequest) -> Result<(), PollError> {
        let slot = peer.slot()?;
        slot.rhythm.stop();
        // Full: its silence tells the same, later.
        let _ = post_if_alive(&self.shared, slot, Work::AlloyStopped);
        Ok(())
    }
}

fn unchanged(hash: String) -> GetConfigResponse {
    GetConfigResponse { content: String::new(), hash, not_modified: true }
}
