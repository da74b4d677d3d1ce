//! Actors that come back: built by a factory, watched, rebuilt when they die.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::{
    Actor, Addr, Context, Handler, Message,
    dev::{
        ToEnvelope,
        channel::{AddressReceiver, channel},
    },
};
use actix_rt::ArbiterHandle;
use arc_swap::ArcSwap;
use futures_util::FutureExt;
use tokio::time::Instant;

use super::{ActorCounters, AskError, ask};

/// How an actor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It stopped by itself, or nobody holds its address any more.
    Stopped,
    /// It panicked, with this message.
    Panicked(String),
}

/// Called with the name of a singleton that keeps dying. The binary ends the process here.
pub type GiveUp = Arc<dyn Fn(&'static str) + Send + Sync>;

/// More restarts than this within [`RESTART_WINDOW`] and a singleton is given up.
const MAX_RESTARTS: usize = 5;
const RESTART_WINDOW: Duration = Duration::from_secs(60);

/// Starts an actor on an arbiter and reports how it ends. Its mailbox takes `mailbox` messages, and one more for every
/// clone of the address.
///
/// The actor is built on the arbiter, so it need not be `Send`. A panic in `build`, in a handler or in a future of the
/// actor ends the actor, not the thread, and `on_exit` is told.
pub fn launch<A>(
    arbiter: &ArbiterHandle,
    mailbox: usize,
    build: impl FnOnce() -> A + Send + 'static,
    on_exit: impl FnOnce(Exit) + Send + 'static,
) -> Addr<A>
where
    A: Actor<Context = Context<A>>,
{
    let (sender, receiver) = channel(mailbox);
    arbiter.spawn_fn(move || {
        actix_rt::spawn(async move { on_exit(run(receiver, build).await) });
    });
    Addr::new(sender)
}

/// Runs one actor to its end.
async fn run<A>(receiver: AddressReceiver<A>, build: impl FnOnce() -> A) -> Exit
where
    A: Actor<Context = Context<A>>,
{
    let life = async { Context::with_receiver(receiver).into_future(build()).await };
    // Unwind safety: whatever the actor had in hand is dropped with it; the next one is built afresh.
    match AssertUnwindSafe(life).catch_unwind().await {
        Ok(()) => Exit::Stopped,
        Err(panic) => Exit::Panicked(panic_message(&*panic)),
    }
}

/// The text of a panic, as far as it has one.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without text").to_owned()
}

/// Why a message was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TellError {
    /// The mailbox is full; it was counted.
    #[error("the mailbox is full")]
    Full,
    /// The actor is gone or just being restarted.
    #[error("the receiver is gone or just being restarted")]
    Closed,
}

/// The address of a supervised singleton: always of the actor that lives now.
pub struct Supervised<A: Actor> {
    inner: Arc<Inner<A>>,
}

struct Inner<A: Actor> {
    addr: ArcSwap<Addr<A>>,
    counters: Arc<ActorCounters>,
    stopping: AtomicBool,
}

impl<A: Actor> Clone for Supervised<A> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<A: Actor> std::fmt::Debug for Supervised<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Supervised").field(&self.inner.counters.name).finish()
    }
}

impl<A: Actor> Supervised<A> {
    /// Sends a message and waits for the answer.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn ask<M>(&self, message: M, deadline: Duration) -> Result<M::Result, AskError>
    where
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        let addr = self.inner.addr.load_full();
        ask(&addr, message, deadline).await
    }

    /// Sends a message without waiting.
    ///
    /// # Errors
    /// When the mailbox is full (counted) or the actor is gone.
    pub fn tell<M>(&self, message: M) -> Result<(), TellError>
    where
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        self.inner.addr.load().try_send(message).map_err(|error| match error {
            actix::dev::SendError::Full(_) => {
                self.inner.counters.mailbox_full.increment();
                TellError::Full
            }
            actix::dev::SendError::Closed(_) => TellError::Closed,
        })
    }

    /// From now on an end of the actor is wanted: it is not rebuilt.
    pub fn expect_stop(&self) {
        self.inner.stopping.store(true, Ordering::Release);
    }
}

/// Starts a singleton and keeps it alive: whenever it ends, it is rebuilt by `factory` and counted. What it held is
/// lost, its mailbox too; those who waited for an answer get [`AskError::Closed`].
///
/// After more than five restarts in a minute, `give_up` is called and the actor stays dead: a server without one of its
/// singletons is no server.
pub fn supervise<A>(
    arbiter: &ArbiterHandle,
    mailbox: usize,
    counters: Arc<ActorCounters>,
    give_up: GiveUp,
    factory: impl Fn() -> A + Send + 'static,
) -> Supervised<A>
where
    A: Actor<Context = Context<A>>,
{
    let (sender, receiver) = channel(mailbox);
    let addr = ArcSwap::from_pointee(Addr::new(sender));
    let inner = Arc::new(Inner { addr, counters, stopping: AtomicBool::new(false) });
    let watched = Arc::clone(&inner);
    arbiter.spawn_fn(move || {
        actix_rt::spawn(watch(watched, receiver, mailbox, give_up, factory));
    });
    Supervised { inner }
}

/// The life of a singleton: one actor after the other.
async fn watch<A>(
    watched: Arc<Inner<A>>,
    mut receiver: AddressReceiver<A>,
    mailbox: usize,
    give_up: GiveUp,
    factory: impl Fn() -> A,
) where
    A: Actor<Context = Context<A>>,
{
    let name = watched.counters.name;
    let mut restarts: Vec<Instant> = Vec::new();
    loop {
        let exit = run(receiver, &factory).await;
        if watched.stopping.load(Ordering::Acquire) {
            return;
        }
        match &exit {
            Exit::Panicked(message) => tracing::error!(actor = name, panic = %message, "actor panicked"),
            Exit::Stopped => tracing::error!(actor = name, "actor ended unasked"),
        }
        watched.counters.restarts.increment();
        let now = Instant::now();
        restarts.retain(|at| now.duration_since(*at) < RESTART_WINDOW);
        restarts.push(now);
        if restarts.len() > MAX_RESTARTS {
            tracing::error!(actor = name, restarts = restarts.len(), "actor keeps dying and is given up");
            give_up(name);
            return;
        }
        let (sender, next) = channel(mailbox);
        watched.addr.store(Arc::new(Addr::new(sender)));
        receiver = next;
    }
}

#[cfg(test)]
mod tests;
