//! The live feed: one connection for all tabs of a browser.
//!
//! A browser has six HTTP/1.1 connections to a host, so that tabs share one. The tab that holds the Web Lock
//! `linkmesh-feed` reads `GET /api/v1/events` and tells the others by a `BroadcastChannel`; a tab that goes out of sight
//! gives the lock away. Where the browser has no locks (plain HTTP off loopback) each visible tab reads for itself.
//!
//! The stream is read by `fetch` rather than `EventSource`: it can resume with `Last-Event-ID` after another tab's
//! reading, sees the server's keep-alive comments, so that silence is known for what it is, and sees a 401.

mod lead;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use linkmesh_proto::api::event::Event;
use serde::{Deserialize, Serialize};
use sycamore::{prelude::*, reactive::NodeHandle};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};

use crate::{api::Api, dom};

/// How the feed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedState {
    /// Not open yet.
    Connecting,
    /// Open.
    Live,
    /// Lost, or silent for too long; tried again.
    Stale,
    /// The account may not read it.
    Forbidden,
}

/// What subscribers get.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Something changed.
    Event(Box<Event>),
    /// Events may have been missed: load again what is shown.
    Reset,
}

/// Silence after which the connection is taken for dead. Servers send a comment at least every 15 seconds.
const SILENCE_MS: i64 = 40_000;

/// The feed of this tab. `Copy`, so that closures may hold it.
#[derive(Clone, Copy)]
pub struct Live {
    inner: Signal<Rc<Inner>>,
    /// How it is.
    pub state: Signal<FeedState>,
    /// When the server was last heard, by this machine's clock in milliseconds.
    pub heard_at: Signal<i64>,
}

struct Inner {
    api: Api,
    /// What comes from the network or another tab arrives outside the reactive system and is taken in here.
    scope: NodeHandle,
    cursor: RefCell<Option<String>>,
    subscribers: RefCell<BTreeMap<u64, (NodeHandle, Rc<dyn Fn(&Item)>)>>,
    next: Cell<u64>,
    channel: Option<web_sys::BroadcastChannel>,
    /// Counts up with every start and stop, so that what belongs to an earlier one ends itself.
    turn: Cell<u64>,
    running: Cell<bool>,
    /// Aborts the stream, or the wait for the lock.
    abort: RefCell<Option<web_sys::AbortController>>,
    /// Gives the lock away.
    resign: RefCell<Option<js_sys::Function>>,
    /// What is shown may be older than what is heard: it is loaded again once the feed is heard and the tab is seen.
    missed: Cell<bool>,
    /// Whether the feed was heard since what is shown was loaded first.
    heard: Cell<bool>,
    /// Whether tabs share a connection; not where the browser has no locks.
    shared: Cell<bool>,
}

/// What the reading tab tells the others.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Told {
    /// A tab has come and wants to know whether somebody reads.
    Hello,
    /// The stream is open; it goes on after this cursor.
    Open { after: Option<String> },
    /// The server is alive.
    Alive,
    /// The stream ended and is tried again.
    Lost,
    /// An event.
    Event { id: Option<String>, data: String },
}

impl Live {
    /// A feed that is not started; made once, in the scope of the whole page.
    pub(crate) fn new(api: Api) -> Self {
        let channel =
            if cfg!(target_arch = "wasm32") { web_sys::BroadcastChannel::new("linkmesh-feed").ok() } else { None };
        let live = Self {
            inner: create_signal(Rc::new(Inner {
                api,
                scope: use_current_scope(),
                cursor: RefCell::new(None),
                subscribers: RefCell::new(BTreeMap::new()),
                next: Cell::new(0),
                channel: channel.clone(),
                turn: Cell::new(0),
                running: Cell::new(false),
                abort: RefCell::new(None),
                resign: RefCell::new(None),
                missed: Cell::new(false),
                heard: Cell::new(false),
                shared: Cell::new(false),
            })),
            state: create_signal(FeedState::Connecting),
            heard_at: create_signal(dom::now_ms()),
        };
        if let Some(channel) = channel {
            let hear = Closure::<dyn FnMut(web_sys::MessageEvent)>::new(move |message: web_sys::MessageEvent| {
                let told = message.data().as_string().and_then(|text| serde_json::from_str(&text).ok());
                if let Some(told) = told.filter(|_| live.inner().shared.get()) {
                    live.hear(told);
                }
            });
            channel.set_onmessage(Some(hear.as_ref().unchecked_ref()));
            hear.forget();
        }
        dom::on_document("visibilitychange", move |_| if dom::is_hidden() { live.leave() } else { live.join() });
        live
    }

    fn inner(self) -> Rc<Inner> {
        self.inner.get_clone_untracked()
    }

    /// Calls a function with everything that happens, for as long as the current scope lives.
    pub(crate) fn subscribe(self, f: impl Fn(&Item) + 'static) {
        let inner = self.inner();
        let key = inner.next.replace(inner.next.get() + 1);
        inner.subscribers.borrow_mut().insert(key, (use_current_scope(), Rc::new(f)));
        on_cleanup(move || {
            inner.subscribers.borrow_mut().remove(&key);
        });
    }

    /// Begins, once somebody is signed in.
    pub(crate) fn start(self) {
        let inner = self.inner();
        if inner.running.replace(true) {
            return;
        }
        if dom::is_hidden() {
            // What is loaded now is old by the time it is seen.
            inner.missed.set(true);
        } else {
            self.join();
        }
    }

    /// Ends, when nobody is signed in any more and nothing is shown.
    pub(crate) fn stop(self) {
        self.inner().heard.set(false);
        self.inner().missed.set(false);
        self.end();
    }

    /// Begins anew, for a session over what an earlier one left on the page.
    pub(crate) fn restart(self) {
        self.end();
        self.start();
    }

    fn end(self) {
        self.inner().running.set(false);
        self.leave();
        *self.inner().cursor.borrow_mut() = None;
        self.state.set(FeedState::Connecting);
    }

    /// Takes a stream that has said nothing for too long for dead. Called by the page's clock.
    pub(crate) fn watch(self) {
        let silent = dom::now_ms() - self.heard_at.get_untracked() > SILENCE_MS;
        if silent && self.state.get_untracked() == FeedState::Live && !dom::is_hidden() {
            self.state.set(FeedState::Stale);
            self.leave();
            self.join();
        }
    }

    fn join(self) {
        let inner = self.inner();
        if !inner.running.get() {
            return;
        }
        if self.state.get_untracked() == FeedState::Live {
            // As of before; nobody is heard yet.
            self.state.set(FeedState::Connecting);
        }
        lead::campaign(self);
    }

    fn leave(self) {
        let inner = self.inner();
        inner.turn.set(inner.turn.get() + 1);
        if let Some(abort) = inner.abort.borrow_mut().take() {
            abort.abort();
        }
        self.resign();
    }

    /// Lets another tab read.
    fn resign(self) {
        if let Some(resign) = self.inner().resign.borrow_mut().take() {
            // Resolving a promise twice does nothing.
            _ = resign.call0(&JsValue::UNDEFINED);
        }
    }

    fn tell(self, told: &Told) {
        if !self.inner().shared.get() {
            return;
        }
        if let (Some(channel), Ok(text)) = (&self.inner().channel, serde_json::to_string(told)) {
            _ = channel.post_message(&JsValue::from_str(&text));
        }
    }

    /// Takes what the reading tab says, which may be this one.
    fn hear(self, told: Told) {
        self.inner().scope.run_in(|| self.take(told));
    }

    fn take(self, told: Told) {
        let inner = self.inner();
        if !inner.running.get() {
            return;
        }
        match told {
            Told::Hello => {
                if inner.resign.borrow().is_some() && self.state.get_untracked() == FeedState::Live {
                    self.tell(&Told::Alive);
                }
            }
            Told::Open { after } => {
                let goes_on = after.is_some() && *inner.cursor.borrow() == after;
                // Without a cursor the server begins with what happens now. Only what was loaded a moment ago, as a page
                // is when it first opens the feed, is sure to be of before that and not older.
                let is_first = !inner.heard.get() && self.state.get_untracked() == FeedState::Connecting;
                *inner.cursor.borrow_mut() = after;
                if inner.api.expired.get_untracked() {
                    // Tabs share the cookie: somebody signed in again in another one.
                    inner.api.expired.set(false);
                }
                self.alive(!goes_on && !is_first);
            }
            Told::Alive => self.alive(false),
            Told::Lost => self.state.set(FeedState::Stale),
            Told::Event { id, data } => {
                if id.is_some() {
                    *inner.cursor.borrow_mut() = id;
                }
                self.alive(false);
                match serde_json::from_str::<Event>(&data) {
                    Ok(Event::Reset {}) => self.reset(),
                    Ok(event) => self.give(&Item::Event(Box::new(event))),
                    // Of a newer server; what it is about is seen at the next load.
                    Err(_) => {}
                }
            }
        }
    }

    /// The feed is heard, perhaps after a gap.
    fn alive(self, gap: bool) {
        let inner = self.inner();
        inner.heard.set(true);
        self.heard_at.set(dom::now_ms());
        if self.state.get_untracked() != FeedState::Live {
            self.state.set(FeedState::Live);
        }
        if inner.missed.replace(false) || gap {
            self.reset();
        }
    }

    /// Loads again what is shown; out of sight only once it is seen again.
    fn reset(self) {
        if dom::is_hidden() {
            self.inner().missed.set(true);
        } else {
            self.give(&Item::Reset);
        }
    }

    fn give(self, item: &Item) {
        let all: Vec<(u64, NodeHandle, Rc<dyn Fn(&Item)>)> =
            self.inner().subscribers.borrow().iter().map(|(key, (scope, f))| (*key, *scope, Rc::clone(f))).collect();
        batch(|| {
            for (key, scope, f) in all {
                // One subscriber may have ended another's scope.
                if self.inner().subscribers.borrow().contains_key(&key) {
                    scope.run_in(|| f(item));
                }
            }
        });
    }
}
