//! One OpAMP WebSocket as an actor.
//!
//! **Owns** the state of one connection: what is being read, what waits to be written, when the peer was last heard.
//! Everything about the agent lives in its collector's actor, behind [`Agent`].
//!
//! **Mailbox**: unused. What comes in is a stream of whole messages ([`frames`]), which are handed on at once;
//! what goes out is a short queue with a slot for the newest config ([`outgoing`]), which any thread may fill.
//!
//! **Death**: the session ends and the agent dials again. A panic in it is caught by the runtime and closes this one
//! connection.
//!
//! This is the one place that names `actix-web-actors`. The actor runs in [`pump`] and not as the body of a response;
//! there is said why.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use actix::{Actor, ActorContext, ActorFutureExt as _, AsyncContext, StreamHandler, WrapFuture as _};
use actix_codec::{AsyncRead, AsyncWrite};
use actix_http::ws::{CloseCode, CloseReason as CloseFrame};
use actix_web_actors::ws::{self, WebsocketContext};
use bytes::Bytes;
use linkmesh_actors::{
    fleet::{AgentSession, SessionError},
    opamp::{decode_frame, encode_frame},
    ports::{CloseReason, Transport as _},
};
use linkmesh_proto::wire::opamp::AgentToServer;
use tokio::time::Instant;

use super::{budget::Share, off_worker, parts};

pub mod frames;
pub mod outgoing;
pub mod pump;
mod wakes;

use frames::{Arrival, Frames, Inlet, Unreadable};
use outgoing::{Outgoing, OutgoingQueue, OutgoingStream};
use pump::{Backlog, Pump};

/// How long a peer may take to answer our close frame.
const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// What a socket speaks to: one session of one agent. Dropped when the session is over.
pub trait Agent: Unpin + 'static {
    /// Hands over a message. What it is answered with comes through the session's queue.
    ///
    /// # Errors
    /// When too many of the peer's messages wait already.
    fn receive(&self, message: AgentToServer) -> Result<(), SessionError>;

    /// A message came that cannot be read. It is answered with an error response.
    ///
    /// # Errors
    /// When too many of the peer's messages wait already.
    fn receive_undecodable(&self) -> Result<(), SessionError>;

    /// A pong came.
    fn pong(&self);

    /// Whether nothing came of a peer that has yet to say who it is.
    fn is_silent(&self) -> bool;

    /// The peer is about to be cut for what it does. It would dial again at once: its next dial is to be refused.
    fn hold_off(&self);
}

impl Agent for AgentSession {
    fn receive(&self, message: AgentToServer) -> Result<(), SessionError> {
        Self::receive(self, message)
    }
    fn receive_undecodable(&self) -> Result<(), SessionError> {
        Self::receive_undecodable(self)
    }
    fn pong(&self) {
        Self::pong(self);
    }
    fn is_silent(&self) -> bool {
        Self::is_silent(self)
    }
    fn hold_off(&self) {
        Self::hold_off(self);
    }
}

/// The numbers that rule a socket.
#[derive(Debug, Clone, Copy)]
pub struct SocketLimits {
    /// The largest message in either direction.
    pub max_message: usize,
    /// A peer that was silent for this long is pinged.
    pub ping_interval: Duration,
    /// A peer that was silent for this long is gone.
    pub silence: Duration,
    /// A peer that left what was written unread for this long is cut.
    pub write_timeout: Duration,
    /// A peer that has not brought a message to its end after this long is cut, and one that has yet to say who it is.
    pub message_time: Duration,
}

/// Why a session ended, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// The peer closed or went away.
    Peer,
    /// The server asked for it.
    Server(CloseReason),
    /// The peer sent more than it may.
    TooLarge,
    /// The peer sent what is no WebSocket frame.
    Protocol,
}

/// Runs one session until it ends. `early` is what the peer sent along with the upgrade request; a message that is not
/// whole holds `share`.
pub async fn run<T, A>(
    io: T,
    early: Bytes,
    agent: A,
    queue: Arc<OutgoingQueue>,
    limits: SocketLimits,
    share: Share,
) -> SessionEnd
where
    T: AsyncRead + AsyncWrite + Unpin,
    A: Agent,
{
    let inlet = Rc::new(RefCell::new(Inlet::default()));
    inlet.borrow_mut().push(&early);
    drop(early);
    let backlog = Rc::new(Backlog::default());
    let end = Rc::new(std::cell::Cell::new(SessionEnd::Peer));
    let socket = OpampSocket {
        agent,
        inlet: inlet.clone(),
        queue: queue.clone(),
        backlog: backlog.clone(),
        limits,
        share: Some(share),
        begun: Instant::now(),
        last_ping: Instant::now(),
        closing: None,
        end: end.clone(),
    };
    // The builder's own stream stays empty: `started` adds one that does not keep its buffers.
    let actor = WebsocketContext::create(socket, futures_util::stream::pending());
    queue.settle_here();
    let pumped = Pump::new(io, actor, inlet, queue.clone(), backlog).await;
    match (pumped, queue.close_asked()) {
        (Err(_), Some(reason)) => SessionEnd::Server(reason),
        _ => end.get(),
    }
}

struct OpampSocket<A> {
    agent: A,
    inlet: Rc<RefCell<Inlet>>,
    queue: Arc<OutgoingQueue>,
    backlog: Rc<Backlog>,
    limits: SocketLimits,
    /// Until the actor starts.
    share: Option<Share>,
    begun: Instant,
    last_ping: Instant,
    closing: Option<Instant>,
    end: Rc<std::cell::Cell<SessionEnd>>,
}

type Context<A> = WebsocketContext<OpampSocket<A>>;

impl<A: Agent> Actor for OpampSocket<A> {
    type Context = Context<A>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Invariant: an actor starts once.
        let Some(share) = self.share.take() else { return ctx.stop() };
        ctx.add_stream(Frames::new(self.inlet.clone(), self.limits.max_message, share));
        let backlog = self.backlog.clone();
        ctx.add_stream(OutgoingStream::new(self.queue.clone(), move || backlog.has_room()));
        self.watch(ctx);
    }
}

impl<A: Agent> OpampSocket<A> {
    /// Looks after the peer again and again: pings it, and ends the session when it is gone.
    fn watch(&self, ctx: &mut Context<A>) {
        let SocketLimits { ping_interval, write_timeout, message_time, .. } = self.limits;
        ctx.run_later(ping_interval.min(write_timeout).min(message_time) / 2, |this, ctx| {
            let (last_heard, unfinished_since) = {
                let inlet = this.inlet.borrow();
                (inlet.last_read(), inlet.unfinished_since())
            };
            let is_late = this.begun.elapsed() > this.limits.message_time && this.agent.is_silent();
            if last_heard.elapsed() > this.limits.silence || is_late {
                this.queue.close(CloseReason::Silent);
            } else if this.backlog.stuck_for() > this.limits.write_timeout
                || unfinished_since.is_some_and(|since| since.elapsed() > this.limits.message_time)
            {
                this.cut();
            } else if last_heard.max(this.last_ping).elapsed() >= this.limits.ping_interval / 2 {
                this.last_ping = Instant::now();
                ctx.ping(b"");
            }
            this.watch(ctx);
        });
    }

    fn close(&mut self, code: CloseCode, end: SessionEnd, ctx: &mut Context<A>) {
        if self.closing.is_some() {
            return;
        }
        self.closing = Some(Instant::now());
        self.end.set(end);
        ctx.close(Some(CloseFrame { code, description: None }));
        // The peer's answer comes as a close frame; one that never answers is not waited for.
        ctx.run_later(CLOSE_GRACE, |_, ctx| ctx.stop());
    }

    fn message(&self, bytes: Bytes, ctx: &mut Context<A>) {
        if bytes.len() <= off_worker::DONE_HERE {
            return self.take(decoded(bytes));
        }
        // Nothing of this peer is looked at until this is done, so that its messages keep their order.
        let decoding = off_worker::run(move || decoded(bytes)).into_actor(self);
        ctx.wait(decoding.map(|decoded, this, _| {
            this.take(decoded.unwrap_or_else(|| Err("what decoded it died".to_owned())));
        }));
    }

    fn take(&self, decoded: Result<AgentToServer, String>) {
        let taken = match decoded {
            Ok(message) => self.agent.receive(message),
            Err(error) => {
                tracing::debug!(error, "an agent sent a message that cannot be read");
                self.agent.receive_undecodable()
            }
        };
        self.cut_unless(taken);
    }

    /// A peer that sends faster than it is handled is told to come back later.
    fn cut_unless(&self, taken: Result<(), SessionError>) {
        if taken.is_err() {
            self.cut();
        }
    }

    fn cut(&self) {
        self.agent.hold_off();
        self.queue.close(CloseReason::Overloaded);
    }
}

impl<A: Agent> StreamHandler<Result<Arrival, Unreadable>> for OpampSocket<A> {
    fn handle(&mut self, arrival: Result<Arrival, Unreadable>, ctx: &mut Self::Context) {
        if self.closing.is_some() && !matches!(arrival, Ok(Arrival::Close(_)) | Err(_)) {
            return;
        }
        match arrival {
            Ok(Arrival::Message(bytes)) => self.message(bytes, ctx),
            Ok(Arrival::Text) => self.cut_unless(self.agent.receive_undecodable()),
            // One that reads nothing needs no pongs, which would pile up here.
            Ok(Arrival::Ping(_)) if !self.backlog.has_room() => {}
            Ok(Arrival::Ping(bytes)) => ctx.pong(&bytes),
            Ok(Arrival::Pong) => self.agent.pong(),
            Ok(Arrival::Close(reason)) => {
                if self.closing.is_none() {
                    ctx.close(reason);
                }
                ctx.stop();
            }
            Err(Unreadable::TooLarge) => self.close(CloseCode::Size, SessionEnd::TooLarge, ctx),
            Err(Unreadable::Exhausted) => self.cut(),
            Err(Unreadable::Protocol(error)) => {
                tracing::debug!(%error, "an agent sent what is no websocket frame");
                self.close(CloseCode::Protocol, SessionEnd::Protocol, ctx);
            }
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        // After what could not be read, the close frame is on its way and its grace runs.
        if self.closing.is_none() {
            ctx.stop();
        }
    }
}

impl<A: Agent> StreamHandler<Outgoing> for OpampSocket<A> {
    fn handle(&mut self, outgoing: Outgoing, ctx: &mut Self::Context) {
        match outgoing {
            Outgoing::Message(message) => ctx.binary(encode_frame(&message)),
            Outgoing::Ping => ctx.ping(b""),
            Outgoing::Close(reason) => self.close(close_code(reason), SessionEnd::Server(reason), ctx),
        }
    }
}

/// The builder's own stream, which never yields.
impl<A: Agent> StreamHandler<Result<ws::Message, ws::ProtocolError>> for OpampSocket<A> {
    fn handle(&mut self, _: Result<ws::Message, ws::ProtocolError>, _: &mut Self::Context) {}
}

fn decoded(bytes: Bytes) -> Result<AgentToServer, String> {
    let without_header = bytes.strip_prefix(&[0]).unwrap_or(&bytes);
    parts::check_protobuf(without_header, parts::OF_AGENT).map_err(|error| error.to_string())?;
    decode_frame(bytes).map_err(|error| error.to_string())
}

fn close_code(reason: CloseReason) -> CloseCode {
    match reason {
        CloseReason::Revoked => CloseCode::Policy,
        CloseReason::GoingAway | CloseReason::Silent => CloseCode::Away,
        CloseReason::Overloaded => CloseCode::Again,
    }
}

#[cfg(test)]
mod tests;
