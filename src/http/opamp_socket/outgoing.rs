//! The outgoing side of one socket: a short queue with a slot for the newest config, filled from any thread.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, OnceLock, Weak},
    task::{Context, Poll},
};

use futures_util::{Stream, task::AtomicWaker};
use linkmesh_actors::ports::{CloseReason, Transport, TransportFull};
use linkmesh_proto::wire::opamp::ServerToAgent;
use parking_lot::Mutex;
use prost::Message as _;

use super::wakes::Wakes;

/// How many messages wait for a peer that reads slowly. The state machine answers one message with one, so more than a
/// handful means that the peer writes and does not read.
const MAX_QUEUED: usize = 32;

/// What the socket's actor is to do next.
#[derive(Debug)]
pub enum Outgoing {
    /// Write this message.
    Message(Box<ServerToAgent>),
    /// Write a ping.
    Ping,
    /// End the session.
    Close(CloseReason),
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Box<ServerToAgent>>,
    bytes: usize,
    ping: bool,
    close: Option<CloseReason>,
    close_taken: bool,
    ended: bool,
}

/// One session's queue. The collector's actor holds it as its [`Transport`], the socket's actor drains it.
#[derive(Debug)]
pub struct OutgoingQueue {
    queue: Mutex<Queue>,
    waker: AtomicWaker,
    wakes: OnceLock<Weak<Wakes>>,
    max_message: usize,
}

impl OutgoingQueue {
    /// An empty queue for messages of at most `max_message` bytes.
    #[must_use]
    pub fn new(max_message: usize) -> Arc<Self> {
        Arc::new(Self { queue: Mutex::default(), waker: AtomicWaker::new(), wakes: OnceLock::new(), max_message })
    }

    /// No more is taken: the socket is gone.
    pub fn end(&self) {
        let mut queue = self.queue.lock();
        queue.ended = true;
        queue.messages = VecDeque::new();
        queue.bytes = 0;
    }

    /// Why the session is to end, once somebody asked for it.
    #[must_use]
    pub fn close_asked(&self) -> Option<CloseReason> {
        self.queue.lock().close
    }

    /// The task that drains the queue lives on this thread: from now on it has its turn there when another one fills it.
    pub fn settle_here(&self) {
        self.wakes.get_or_init(Wakes::of_this_thread);
    }

    fn wake(&self) {
        // Without one it was woken already, or is about to look for the first time.
        let Some(waker) = self.waker.take() else { return };
        match self.wakes.get().and_then(Weak::upgrade) {
            Some(wakes) => wakes.note(waker),
            None => waker.wake(),
        }
    }

    /// Makes the task that drains the queue run when something is put into it.
    pub fn register(&self, cx: &Context<'_>) {
        self.waker.register(cx.waker());
    }

    fn take(&self) -> Option<Outgoing> {
        let mut queue = self.queue.lock();
        if let Some(reason) = queue.close {
            // What still waits is not worth writing to a session that ends.
            queue.messages = VecDeque::new();
            queue.bytes = 0;
            return (!std::mem::replace(&mut queue.close_taken, true)).then_some(Outgoing::Close(reason));
        }
        if let Some(message) = queue.messages.pop_front() {
            queue.bytes = queue.bytes.saturating_sub(message.encoded_len());
            if queue.messages.is_empty() {
                // Idle sessions are the rule and keep no memory for a queue.
                queue.messages = VecDeque::new();
            }
            return Some(Outgoing::Message(message));
        }
        std::mem::take(&mut queue.ping).then_some(Outgoing::Ping)
    }
}

impl Transport for OutgoingQueue {
    fn send(&self, message: ServerToAgent) -> Result<(), TransportFull> {
        let size = message.encoded_len();
        if size > self.max_message {
            // opamp-spec: a message over the limit must not be sent. The peer could only drop the connection.
            tracing::error!(size, limit = self.max_message, "a message to an agent is over the limit and was not sent");
            return Ok(());
        }
        {
            let mut queue = self.queue.lock();
            if queue.ended || queue.close.is_some() {
                return Err(TransportFull);
            }
            if message.remote_config.is_some() {
                // The desired config is a slot: an offer that was not written yet gives way to the newer one. The rest
                // of its message, an answer that is owed, stays.
                let Queue { messages, bytes, .. } = &mut *queue;
                for waiting in messages.iter_mut().filter(|waiting| waiting.remote_config.is_some()) {
                    let before = waiting.encoded_len();
                    waiting.remote_config = None;
                    *bytes = bytes.saturating_sub(before - waiting.encoded_len());
                }
            }
            if queue.messages.len() >= MAX_QUEUED || queue.bytes + size > self.max_message {
                return Err(TransportFull);
            }
            queue.bytes += size;
            queue.messages.push_back(Box::new(message));
        }
        self.wake();
        Ok(())
    }

    fn ping(&self) {
        self.queue.lock().ping = true;
        self.wake();
    }

    fn close(&self, reason: CloseReason) {
        self.queue.lock().close.get_or_insert(reason);
        self.wake();
    }
}

/// What the socket's actor reads its work from. Pending while `room` says that the peer has not read what was written.
pub struct OutgoingStream<F> {
    queue: Arc<OutgoingQueue>,
    room: F,
}

impl<F: Fn() -> bool> OutgoingStream<F> {
    /// Drains `queue` while `room()`.
    pub fn new(queue: Arc<OutgoingQueue>, room: F) -> Self {
        Self { queue, room }
    }
}

impl<F: Fn() -> bool + Unpin> Stream for OutgoingStream<F> {
    type Item = Outgoing;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Outgoing>> {
        self.queue.register(cx);
        if !(self.room)() && self.queue.close_asked().is_none() {
            return Poll::Pending;
        }
        match self.queue.take() {
            Some(next) => Poll::Ready(Some(next)),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};
    use linkmesh_proto::wire::opamp::AgentRemoteConfig;

    use super::*;

    fn offer(hash: u8) -> ServerToAgent {
        let remote_config = Some(AgentRemoteConfig { config_hash: vec![hash; 32], ..Default::default() });
        ServerToAgent { instance_uid: vec![1; 16], remote_config, ..Default::default() }
    }

    fn drain(queue: &Arc<OutgoingQueue>) -> Vec<Outgoing> {
        let mut stream = OutgoingStream::new(queue.clone(), || true);
        std::iter::from_fn(|| stream.next().now_or_never().flatten()).collect()
    }

    #[test]
    fn newest_config_takes_the_place_of_one_that_waits() {
        let queue = OutgoingQueue::new(1 << 20);
        for hash in [1, 2, 3] {
            queue.send(offer(hash)).unwrap();
        }
        let hashes: Vec<_> = drain(&queue)
            .into_iter()
            .map(|out| match out {
                Outgoing::Message(message) => message.remote_config.map(|config| config.config_hash),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(hashes, [None, None, Some(vec![3; 32])], "each answer is still owed, only one offer is");
    }

    #[test]
    fn queue_is_bounded_in_messages_and_bytes() {
        let queue = OutgoingQueue::new(1 << 20);
        let taken = (0..100).take_while(|_| queue.send(ServerToAgent::default()).is_ok()).count();
        assert_eq!(taken, MAX_QUEUED);

        let queue = OutgoingQueue::new(100);
        let message = ServerToAgent { instance_uid: vec![0; 60], ..Default::default() };
        assert_eq!(queue.send(message.clone()), Ok(()));
        assert_eq!(queue.send(message), Err(TransportFull));
        drain(&queue);
        assert_eq!(queue.send(ServerToAgent { instance_uid: vec![0; 60], ..Default::default() }), Ok(()));
    }

    #[test]
    fn message_over_the_limit_is_never_sent() {
        let queue = OutgoingQueue::new(100);
        let message = ServerToAgent { instance_uid: vec![0; 200], ..Default::default() };
        assert_eq!(queue.send(message), Ok(()));
        assert!(drain(&queue).is_empty());
    }

    #[test]
    fn close_overtakes_what_waits_and_comes_once() {
        let queue = OutgoingQueue::new(1 << 20);
        queue.send(offer(1)).unwrap();
        queue.close(CloseReason::Revoked);
        queue.close(CloseReason::GoingAway);
        assert_eq!(queue.send(offer(2)), Err(TransportFull));
        let all = drain(&queue);
        assert!(matches!(all.as_slice(), [Outgoing::Close(CloseReason::Revoked)]), "{all:?}");
    }
}
