//! Moves bytes between one TCP (or TLS) stream and the socket's actor.
//!
//! After the upgrade the connection leaves the HTTP dispatcher, and with it two buffers that only ever grow. What is left
//! for an idle agent is this task: it reads through one buffer a thread, keeps what it could not write, and nothing
//! else. It also polls the actor while the peer does not read, so that pings, deadlines and a revoked token still have
//! their effect then; as the body of a response (`actix-web-actors`' own way) the actor would stand still.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    io,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_codec::{AsyncRead, AsyncWrite, ReadBuf};
use bytes::{Buf, Bytes};
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep};

use super::{frames::Inlet, outgoing::OutgoingQueue};

/// How much is read at once. One buffer a thread, not one a connection.
const READ_CHUNK: usize = 16 * 1024;

/// How many turns are taken at once, of [`READ_CHUNK`] each.
const TURNS: usize = 4;

/// How long the thread then has for all others.
///
/// A task that woke itself would run again, up to sixty times, before the thread looks at any other socket. A timer ends
/// only when it has looked.
const REST: Duration = Duration::from_millis(1);

/// How long a peer may take to read what was still unwritten when its session was over.
const LINGER: Duration = Duration::from_secs(2);

/// How much may wait to be written before nothing more is taken from the queue.
const WRITE_ROOM: usize = 64 * 1024;

thread_local! {
    static CHUNK: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_CHUNK].into_boxed_slice());
}

/// How much waits to be written, and since when nothing moved. Shared by the pump and the actor, on one thread.
#[derive(Debug, Default)]
pub struct Backlog {
    bytes: Cell<usize>,
    since: Cell<Option<Instant>>,
}

impl Backlog {
    /// Whether the peer reads well enough to be written more.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.bytes.get() < WRITE_ROOM
    }

    /// How long the peer has not read any of what waits.
    #[must_use]
    pub fn stuck_for(&self) -> Duration {
        self.since.get().map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn grew(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes);
        if self.since.get().is_none() {
            self.since.set(Some(Instant::now()));
        }
    }

    fn shrank(&self, bytes: usize) {
        let left = self.bytes.get().saturating_sub(bytes);
        self.bytes.set(left);
        self.since.set((left > 0).then(Instant::now));
    }
}

/// The task of one socket.
pub struct Pump<T, S> {
    io: T,
    stage: Stage<S>,
    inlet: Rc<RefCell<Inlet>>,
    queue: Arc<OutgoingQueue>,
    backlog: Rc<Backlog>,
    unwritten: Bytes,
    reads: bool,
    rest: Option<Pin<Box<Sleep>>>,
}

enum Stage<S> {
    /// The session is open.
    Open(Pin<Box<S>>),
    /// The actor is gone, and with it all of its deadlines: this one is what ends a peer that does not read the rest.
    Over(Pin<Box<Sleep>>),
}

impl<T, S, E> Pump<T, S>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Stream<Item = Result<Bytes, E>>,
{
    /// Joins a stream and the output of a socket's actor.
    pub fn new(io: T, actor: S, inlet: Rc<RefCell<Inlet>>, queue: Arc<OutgoingQueue>, backlog: Rc<Backlog>) -> Self {
        let stage = Stage::Open(Box::pin(actor));
        Self { io, stage, inlet, queue, backlog, unwritten: Bytes::new(), reads: true, rest: None }
    }

    /// Reads once, when the actor has taken what was read before. Ready when something was read or the peer ended.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.reads || !self.inlet.borrow().wants_more() {
            return Poll::Pending;
        }
        CHUNK.with_borrow_mut(|chunk| {
            let mut buffer = ReadBuf::new(chunk);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
            let read = buffer.filled();
            if read.is_empty() {
                self.reads = false;
                self.inlet.borrow_mut().end();
            } else {
                self.inlet.borrow_mut().push(read);
            }
            Poll::Ready(Ok(()))
        })
    }

    /// Writes what waits. Ready when nothing waits any more.
    fn write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unwritten.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.unwritten))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unwritten.advance(written);
            self.backlog.shrank(written);
        }
        self.unwritten = Bytes::new();
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn keep_unwritten(&mut self, bytes: Bytes) {
        self.backlog.grew(bytes.len());
        self.unwritten = if self.unwritten.is_empty() {
            bytes
        } else {
            let mut joined = bytes::BytesMut::from(self.unwritten.as_ref());
            joined.extend_from_slice(&bytes);
            joined.freeze()
        };
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut moved = false;
        let flushed = match self.write(cx) {
            Poll::Ready(result) => {
                result?;
                true
            }
            Poll::Pending => false,
        };
        if let Poll::Ready(result) = self.read(cx) {
            result?;
            moved = true;
        }
        let was_fed = !self.inlet.borrow().wants_more();
        let polled = match &mut self.stage {
            Stage::Open(actor) => actor.as_mut().poll_next(cx),
            Stage::Over(linger) => {
                if flushed && let Poll::Ready(shut) = Pin::new(&mut self.io).poll_shutdown(cx) {
                    return Poll::Ready(shut.map(|()| true));
                }
                if self.queue.close_asked().is_some() {
                    return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
                }
                ready!(linger.as_mut().poll(cx));
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        };
        match polled {
            Poll::Ready(Some(Ok(bytes))) => {
                self.keep_unwritten(bytes);
                moved = true;
            }
            Poll::Ready(Some(Err(_)) | None) => {
                self.stage = Stage::Over(Box::pin(sleep(LINGER)));
                self.reads = false;
                moved = true;
            }
            Poll::Pending => {}
        }
        // What was taken meanwhile made room to read.
        moved |= was_fed && self.inlet.borrow().wants_more();
        if self.queue.close_asked().is_some() && self.write(cx).is_pending() {
            // The peer does not read, so that it would never see a close frame: the session ends here and now.
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if moved { Poll::Ready(Ok(false)) } else { Poll::Pending }
    }
}

impl<T, S, E> Future for Pump<T, S>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Stream<Item = Result<Bytes, E>>,
{
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.queue.register(cx);
        loop {
            if let Some(rest) = &mut this.rest {
                ready!(rest.as_mut().poll(cx));
                this.rest = None;
            }
            for _ in 0..TURNS {
                if ready!(this.turn(cx))? {
                    return Poll::Ready(Ok(()));
                }
            }
            this.rest = Some(Box::pin(sleep(REST)));
        }
    }
}

impl<T, S> Drop for Pump<T, S> {
    fn drop(&mut self) {
        self.queue.end();
    }
}
