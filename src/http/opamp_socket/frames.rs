//! From bytes to whole messages: frames decoded, continuations joined, nothing kept between messages.
//!
//! `actix-web-actors` would do the decoding, but keeps a buffer as large as the largest frame for the life of the
//! connection, and checks a frame's size only when all of it has arrived. Here the buffer is given back after every
//! message, and a frame that announces too much is refused by its header.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_http::ws::{CloseReason, Codec, Frame, Item, ProtocolError};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::time::Instant;
use tokio_util::codec::Decoder as _;

use crate::http::budget::Share;

/// What came in.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A whole binary message, its fragments joined.
    Message(Bytes),
    /// A text message. OpAMP has none.
    Text,
    /// A ping to be answered with the same bytes.
    Ping(Bytes),
    /// A pong.
    Pong,
    /// The peer closes, or answers our close.
    Close(Option<CloseReason>),
}

/// Why nothing more can be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A frame or a joined message is over the limit.
    #[error("a message is over the limit")]
    TooLarge,
    /// The bytes are no WebSocket frames.
    #[error("bytes that are no WebSocket frame")]
    Protocol(#[source] ProtocolError),
    /// There is no memory for the rest of the message.
    #[error("unfinished messages hold too much")]
    Exhausted,
}

/// What was read from the socket and not yet taken, shared by the task that reads and the stream that decodes. Both run
/// on one thread.
#[derive(Debug)]
pub struct Inlet {
    bytes: BytesMut,
    /// Everything was taken of what came, and the next message is not whole.
    hungry: bool,
    /// Nobody takes anything any more.
    closed: bool,
    ended: bool,
    last_read: Instant,
    /// Since when a message is there in part.
    unfinished_since: Option<Instant>,
    waker: Option<Waker>,
}

impl Default for Inlet {
    fn default() -> Self {
        Self {
            bytes: BytesMut::new(),
            hungry: true,
            closed: false,
            ended: false,
            last_read: Instant::now(),
            unfinished_since: None,
            waker: None,
        }
    }
}

impl Inlet {
    /// Adds what was read. Dropped when nothing can be read any more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.last_read = Instant::now();
        if self.closed {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        self.hungry = false;
        self.wake();
    }

    /// Whether more is to be read: a peer that sends many small frames is read no faster than they are handled.
    #[must_use]
    pub fn wants_more(&self) -> bool {
        self.hungry || self.closed
    }

    fn close(&mut self) {
        self.closed = true;
        self.unfinished_since = None;
        self.bytes = BytesMut::new();
    }

    /// The peer will send nothing more.
    pub fn end(&mut self) {
        self.ended = true;
        self.wake();
    }

    /// When the peer last sent anything, be it a part of a message.
    #[must_use]
    pub fn last_read(&self) -> Instant {
        self.last_read
    }

    /// Since when a message is there in part, if one is.
    #[must_use]
    pub fn unfinished_since(&self) -> Option<Instant> {
        self.unfinished_since
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// The stream of whole messages.
pub struct Frames {
    inlet: Rc<RefCell<Inlet>>,
    codec: Codec,
    joined: Option<Joined>,
    max: usize,
    /// What the message that is not whole holds.
    share: Share,
    failed: bool,
}

struct Joined {
    bytes: BytesMut,
    text: bool,
}

impl Frames {
    /// Decodes what goes into `inlet`, with messages of at most `max` bytes that hold `share` until they are whole.
    #[must_use]
    pub fn new(inlet: Rc<RefCell<Inlet>>, max: usize, share: Share) -> Self {
        Self { inlet, codec: Codec::new().max_size(max), joined: None, max, share, failed: false }
    }

    /// Takes note of what is there of a message that is not whole.
    fn wait(&mut self, inlet: &mut Inlet) -> Result<(), Unreadable> {
        let held = inlet.bytes.len() + self.joined.as_ref().map_or(0, |joined| joined.bytes.len());
        if held == 0 && self.joined.is_none() {
            inlet.unfinished_since = None;
        } else {
            inlet.unfinished_since.get_or_insert_with(Instant::now);
        }
        self.share.resize(held).map_err(|_| Unreadable::Exhausted)
    }

    fn next_arrival(&mut self, inlet: &mut Inlet) -> Result<Option<Arrival>, Unreadable> {
        loop {
            if announced_len(&inlet.bytes).is_some_and(|len| len > self.max as u64) {
                return Err(Unreadable::TooLarge);
            }
            let frame = self.codec.decode(&mut inlet.bytes).map_err(|error| match error {
                ProtocolError::Overflow => Unreadable::TooLarge,
                other => Unreadable::Protocol(other),
            })?;
            let Some(frame) = frame else { return Ok(None) };
            if inlet.bytes.is_empty() {
                inlet.bytes = BytesMut::new();
            }
            match frame {
                Frame::Binary(bytes) => return Ok(Some(Arrival::Message(bytes))),
                Frame::Text(_) => return Ok(Some(Arrival::Text)),
                Frame::Ping(bytes) => return Ok(Some(Arrival::Ping(bytes))),
                Frame::Pong(_) => return Ok(Some(Arrival::Pong)),
                Frame::Close(reason) => return Ok(Some(Arrival::Close(reason))),
                Frame::Continuation(Item::FirstBinary(part)) => self.begin(&part, false),
                Frame::Continuation(Item::FirstText(part)) => self.begin(&part, true),
                Frame::Continuation(Item::Continue(part)) => self.join(&part)?,
                Frame::Continuation(Item::Last(part)) => {
                    self.join(&part)?;
                    if let Some(whole) = self.joined.take() {
                        let arrival = if whole.text { Arrival::Text } else { Arrival::Message(whole.bytes.freeze()) };
                        return Ok(Some(arrival));
                    }
                }
            }
        }
    }

    fn begin(&mut self, part: &[u8], text: bool) {
        self.joined = Some(Joined { bytes: BytesMut::from(part), text });
    }

    fn join(&mut self, part: &[u8]) -> Result<(), Unreadable> {
        // Invariant: the codec refuses a continuation that nothing began.
        let Some(joined) = &mut self.joined else { return Ok(()) };
        if joined.bytes.len() + part.len() > self.max {
            return Err(Unreadable::TooLarge);
        }
        if !joined.text {
            joined.bytes.extend_from_slice(part);
        }
        Ok(())
    }
}

/// The payload length in a frame's header, as soon as the header is there (RFC 6455, 5.2).
fn announced_len(bytes: &[u8]) -> Option<u64> {
    let short = bytes.get(1)? & 0x7f;
    match short {
        126 => Some(u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => Some(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => Some(u64::from(short)),
    }
}

impl Stream for Frames {
    type Item = Result<Arrival, Unreadable>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.failed {
            return Poll::Ready(None);
        }
        let shared = this.inlet.clone();
        let mut inlet = shared.borrow_mut();
        let arrival = match this.next_arrival(&mut inlet) {
            Ok(None) if !inlet.ended => this.wait(&mut inlet).map(|()| None),
            other => other,
        };
        match arrival {
            Ok(Some(arrival)) => {
                if matches!(arrival, Arrival::Message(_) | Arrival::Text) {
                    inlet.unfinished_since = None;
                }
                Poll::Ready(Some(Ok(arrival)))
            }
            Ok(None) if inlet.ended => Poll::Ready(None),
            Ok(None) => {
                inlet.hungry = true;
                inlet.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Err(error) => {
                this.failed = true;
                inlet.close();
                this.joined = None;
                // What holds nothing has room.
                let _ = this.share.resize(0);
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_http::ws::Message;
    use futures_util::{FutureExt, StreamExt};
    use tokio_util::codec::Encoder as _;

    use super::*;
    use crate::http::budget::Budget;

    fn encode(messages: Vec<Message>) -> BytesMut {
        let mut codec = Codec::new().client_mode();
        let mut bytes = BytesMut::new();
        for message in messages {
            codec.encode(message, &mut bytes).unwrap();
        }
        bytes
    }

    fn feed(max: usize, chunks: &[&[u8]]) -> (Vec<Result<Arrival, Unreadable>>, Rc<RefCell<Inlet>>) {
        let inlet = Rc::new(RefCell::new(Inlet::default()));
        let mut frames = Frames::new(inlet.clone(), max, Budget::new(1 << 20).share());
        let mut arrivals = Vec::new();
        for chunk in chunks {
            inlet.borrow_mut().push(chunk);
            while let Some(Some(arrival)) = frames.next().now_or_never() {
                arrivals.push(arrival);
            }
        }
        (arrivals, inlet)
    }

    fn fragments(total: usize, part: usize) -> BytesMut {
        let body = vec![7; total];
        let mut parts: Vec<_> = body.chunks(part).map(Bytes::copy_from_slice).collect();
        let last = parts.pop().unwrap();
        let mut items = vec![Item::FirstBinary(parts.remove(0))];
        items.extend(parts.into_iter().map(Item::Continue));
        items.push(Item::Last(last));
        encode(items.into_iter().map(Message::Continuation).collect())
    }

    #[test]
    fn fragments_are_joined_whatever_the_reads_look_like() {
        let bytes = fragments(20_000, 4096);
        for read in [1, 7, 4096, bytes.len()] {
            let (arrivals, inlet) = feed(1 << 20, &bytes.chunks(read).collect::<Vec<_>>());
            assert!(matches!(arrivals.as_slice(), [Ok(Arrival::Message(whole))] if whole.len() == 20_000));
            assert_eq!(inlet.borrow().bytes.capacity(), 0, "an idle connection keeps no buffer");
        }
    }

    #[test]
    fn control_frames_come_through_between_fragments() {
        let bytes = encode(vec![
            Message::Continuation(Item::FirstBinary(Bytes::from_static(b"a"))),
            Message::Ping(Bytes::from_static(b"p")),
            Message::Continuation(Item::Last(Bytes::from_static(b"b"))),
            Message::Text("t".into()),
            Message::Close(None),
        ]);
        let (arrivals, _) = feed(100, &[&bytes]);
        let arrivals: Vec<_> = arrivals.into_iter().map(Result::unwrap).collect();
        let expected = [
            Arrival::Ping(Bytes::from_static(b"p")),
            Arrival::Message(Bytes::from_static(b"ab")),
            Arrival::Text,
            Arrival::Close(None),
        ];
        assert_eq!(arrivals, expected);
    }

    #[test]
    fn too_much_is_refused_as_soon_as_it_is_announced() {
        let whole = encode(vec![Message::Binary(Bytes::from(vec![0; 2000]))]);
        for bytes in [&whole[..8], &fragments(2000, 300)[..]] {
            let (arrivals, inlet) = feed(1000, &[bytes]);
            assert!(matches!(arrivals.as_slice(), [Err(Unreadable::TooLarge)]), "{arrivals:?}");
            assert_eq!(inlet.borrow().bytes.capacity(), 0);
        }
    }

    #[test]
    fn nothing_is_kept_of_what_comes_after_something_unreadable() {
        let (arrivals, inlet) = feed(1000, &[b"\x82\x01a", &[0; 4096], &[0; 4096]]);
        assert!(matches!(arrivals.as_slice(), [Err(Unreadable::Protocol(_))]), "{arrivals:?}");
        assert_eq!(inlet.borrow().bytes.capacity(), 0);
        assert!(inlet.borrow().wants_more(), "the peer is read on, so that it sees the close frame");
    }

    #[test]
    fn more_is_wanted_only_when_everything_was_taken() {
        let bytes = encode(vec![Message::Pong(Bytes::new()), Message::Pong(Bytes::new())]);
        let inlet = Rc::new(RefCell::new(Inlet::default()));
        let mut frames = Frames::new(inlet.clone(), 1000, Budget::new(0).share());
        assert!(inlet.borrow().wants_more());
        inlet.borrow_mut().push(&bytes);
        for _ in 0..2 {
            assert!(!inlet.borrow().wants_more());
            assert!(matches!(frames.next().now_or_never(), Some(Some(Ok(Arrival::Pong)))));
        }
        assert!(frames.next().now_or_never().is_none());
        assert!(inlet.borrow().wants_more());
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for bytes in [&b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"\x82\x01a", b"\x80\x80\0\0\0\0"] {
            let (arrivals, _) = feed(1000, &[bytes]);
            assert!(matches!(arrivals.as_slice(), [Err(_)]), "{bytes:?}: {arrivals:?}");
        }
    }

    #[test]
    fn messages_that_are_not_whole_hold_no_more_than_there_is_for_all() {
        let budget = Budget::new(600_000);
        let bytes = fragments(200_000, 4096);
        let (most, rest) = bytes.split_at(bytes.len() - 100);
        let peer = || {
            let inlet = Rc::new(RefCell::new(Inlet::default()));
            (Frames::new(inlet.clone(), 1 << 20, budget.share()), inlet)
        };
        let (mut one, inlet) = peer();
        let (mut other, others) = peer();
        inlet.borrow_mut().push(most);
        assert!(one.next().now_or_never().is_none());
        assert!(inlet.borrow().unfinished_since().is_some());
        others.borrow_mut().push(most);
        assert!(other.next().now_or_never().is_none());
        let (mut third, thirds) = peer();
        thirds.borrow_mut().push(most);
        assert!(matches!(third.next().now_or_never(), Some(Some(Err(Unreadable::Exhausted)))));
        assert_eq!(thirds.borrow().bytes.capacity(), 0);

        inlet.borrow_mut().push(rest);
        assert!(matches!(one.next().now_or_never(), Some(Some(Ok(Arrival::Message(_))))));
        assert!(one.next().now_or_never().is_none());
        assert!(inlet.borrow().unfinished_since().is_none());
        let (mut fourth, fourths) = peer();
        fourths.borrow_mut().push(most);
        assert!(fourth.next().now_or_never().is_none(), "there is room again");
    }

    #[test]
    fn small_messages_count_while_they_are_not_whole() {
        let budget = Budget::new(100_000);
        let bytes = fragments(1000, 300);
        let (most, rest) = bytes.split_at(bytes.len() - 10);
        let peers = (0..).map(|_| {
            let inlet = Rc::new(RefCell::new(Inlet::default()));
            let mut frames = Frames::new(inlet.clone(), 1 << 20, budget.share());
            inlet.borrow_mut().push(most);
            let arrival = frames.next().now_or_never();
            (frames, inlet, arrival)
        });
        let mut waiting: Vec<_> = peers.take_while(|(.., arrival)| arrival.is_none()).collect();
        assert!((90..=101).contains(&waiting.len()), "{}", waiting.len());
        for (frames, inlet, _) in &mut waiting {
            inlet.borrow_mut().push(rest);
            assert!(matches!(frames.next().now_or_never(), Some(Some(Ok(Arrival::Message(_))))));
            assert!(frames.next().now_or_never().is_none());
        }
        assert_eq!(budget.held(), 0, "what is whole holds nothing");
    }
}
