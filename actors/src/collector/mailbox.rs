//! The way to a collector's actor, which is built when it is needed.

use std::sync::Arc;

use actix::{Addr, dev::SendError};
use bytes::Bytes;
use linkmesh_proto::wire::{
    collector::RegisterCollectorRequest,
    opamp::{AgentToServer, ServerToAgent},
};
use tokio::sync::oneshot;

use super::actor::{CollectorActor, Deliver};
use crate::{
    directory::{Mailbox, Share, Slot},
    opamp::{Credential, SessionId},
    remotecfg::{ComponentCount, Poll, PollAnswer},
    runtime::{Exit, TellError, launch},
    shared::Shared,
};

/// Messages that may wait for one collector.
const CAPACITY: usize = 64;

/// What an actor knows of its collector.
#[derive(Debug)]
pub(crate) struct Described {
    /// The newest state, as it is stored.
    pub(crate) state: Bytes,
    /// The last text that was confirmed, while it is at hand.
    pub(crate) confirmed: Option<Arc<str>>,
}

/// Something for a collector's actor to do. What peers sent comes with its [`Share`] of the bytes that may wait.
pub(crate) enum Work {
    /// A session was opened; it stands in the slot.
    Connected(SessionId),
    /// A session ended; it is gone from the slot.
    Disconnected(SessionId),
    /// A message came by a WebSocket session.
    Message(SessionId, Box<AgentToServer>, Share),
    /// A frame came that is no message.
    Undecodable(SessionId),
    /// A pong came.
    Pong(SessionId),
    /// A message came by plain HTTP.
    Exchange {
        credential: Credential,
        address: Option<Arc<str>>,
        message: Box<AgentToServer>,
        share: Share,
        reply: oneshot::Sender<ServerToAgent>,
    },
    /// A poll came that may say something new.
    Poll(Box<Poll>, Share, oneshot::Sender<PollAnswer>),
    /// An Alloy started.
    AlloyStarted(Box<RegisterCollectorRequest>, Box<str>, Share),
    /// An Alloy stopped.
    AlloyStopped,
    /// The slot holds another text, or other facts.
    PlaceChanged,
    /// Time passed: look at what is due.
    Tick,
    /// An operator asks for a restart; whether that is possible is the answer, given when the wish is on disk.
    Restart(oneshot::Sender<bool>),
    /// An operator lifts the failed latch; answered when that is on disk.
    Retry(oneshot::Sender<bool>),
    /// An Alloy's own metrics told how its components are.
    Components(Vec<ComponentCount>),
    /// The newest state is wanted, as it is stored.
    Describe(oneshot::Sender<Described>),
    /// The collector was deregistered.
    Deregistered,
    /// The server stops.
    Stop,
}

/// Takes room for a peer's message of so many bytes.
///
/// # Errors
/// When too many bytes wait already (counted).
pub(crate) fn share(shared: &Shared, slot: &Arc<Slot>, bytes: usize) -> Result<Share, TellError> {
    slot.share(bytes).ok_or_else(|| {
        shared.collector_counters.mailbox_full.increment();
        TellError::Full
    })
}

/// Sends work to a collector's actor; builds the actor when there is none.
///
/// # Errors
/// When 64 messages wait already (counted).
pub(crate) fn post(shared: &Arc<Shared>, slot: &Arc<Slot>, work: Work) -> Result<(), TellError> {
    let mut mailbox = slot.mailbox.lock();
    let addr = match mailbox.addr.take().filter(Addr::connected) {
        Some(addr) => addr,
        None => build(shared, slot, &mut mailbox),
    };
    let sent = match addr.try_send(Deliver(work)) {
        // It died between the look and the message.
        Err(SendError::Closed(deliver)) => {
            let next = build(shared, slot, &mut mailbox);
            let sent = next.try_send(deliver);
            mailbox.addr = Some(next);
            sent
        }
        sent => {
            mailbox.addr = Some(addr);
            sent
        }
    };
    count(shared, &mut mailbox, &sent)
}

/// Sends work to a collector's actor when there is one. What the slot holds is read by an actor when it is built, so
/// that one that does not exist misses nothing.
pub(crate) fn post_if_alive(shared: &Shared, slot: &Slot, work: Work) -> Result<(), TellError> {
    let mut mailbox = slot.mailbox.lock();
    let Some(sent) = mailbox.addr.as_ref().map(|addr| addr.try_send(Deliver(work))) else { return Ok(()) };
    match count(shared, &mut mailbox, &sent) {
        Err(TellError::Closed) => Ok(()),
        counted => counted,
    }
}

fn count(shared: &Shared, mailbox: &mut Mailbox, sent: &Result<(), SendError<Deliver>>) -> Result<(), TellError> {
    match sent {
        Ok(()) => {
            mailbox.queued += 1;
            Ok(())
        }
        Err(SendError::Full(_)) => {
            shared.collector_counters.mailbox_full.increment();
            Err(TellError::Full)
        }
        Err(SendError::Closed(_)) => Err(TellError::Closed),
    }
}

fn build(shared: &Arc<Shared>, slot: &Arc<Slot>, mailbox: &mut Mailbox) -> Addr<CollectorActor> {
    mailbox.generation += 1;
    mailbox.queued = 0;
    let generation = mailbox.generation;
    let (for_actor, for_exit) = ((Arc::clone(shared), Arc::clone(slot)), (Arc::clone(shared), Arc::clone(slot)));
    launch(
        &shared.pool.next(),
        CAPACITY,
        move || CollectorActor::new(for_actor.0, for_actor.1, generation),
        move |exit| {
            let (shared, slot) = for_exit;
            if let Exit::Panicked(message) = exit {
                shared.collector_counters.restarts.increment();
                tracing::error!(actor = "collector", collector = %slot.id(), panic = %message, "actor panicked");
            }
            forget(&slot, generation);
        },
    )
}

/// Forgets an actor that ended, unless another one took its place: what that one published is not published again.
fn forget(slot: &Slot, generation: u64) {
    let mut mailbox = slot.mailbox.lock();
    if mailbox.generation == generation {
        mailbox.addr = None;
        mailbox.queued = 0;
        slot.set_fast(None);
    }
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::{CollectorId, Timestamp, api::collector::Runtime};

    use super::*;
    use crate::{directory::Fast, fleet::record, mint::Mint as _, remotecfg::FastPath};

    #[test]
    fn late_end_of_an_actor_takes_nothing_from_the_next() {
        let record = record(CollectorId::generate(), "host".into(), Runtime::Alloy, Timestamp::from_millis(1));
        let slot = Slot::new(record, None);
        slot.mailbox.lock().generation = 2;
        slot.mailbox.lock().queued = 1;
        slot.set_fast(Some(Fast { path: FastPath::default(), desired: None }));
        forget(&slot, 1);
        assert!(slot.fast().is_some());
        assert_eq!(slot.mailbox.lock().queued, 1);
        forget(&slot, 2);
        assert!(slot.fast().is_none());
        assert_eq!(slot.mailbox.lock().queued, 0);
    }
}
