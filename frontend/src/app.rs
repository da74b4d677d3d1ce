//! The page as a whole: who is signed in, the clock, messages, and which page is shown.

use std::cell::Cell;

use linkmesh_proto::api::session::Session;
use sycamore::{futures::spawn_local_scoped, prelude::*};

use crate::{
    api::{Api, ApiError},
    components::{self, names::Names},
    dom,
    live::Live,
    model::access,
    nav, pages,
};

thread_local! {
    static NEXT_TOAST: Cell<u64> = const { Cell::new(0) };
}

/// Who is there.
#[derive(Debug, Clone, PartialEq)]
pub enum Visitor {
    /// Not known yet.
    Unknown,
    /// Nobody has signed in.
    Nobody,
    /// The server could not be asked.
    Unreachable(ApiError),
    /// A person.
    Known(Box<Session>),
}

/// A short message in the corner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// Tells messages apart.
    pub id: u64,
    /// What it says.
    pub text: String,
    /// Whether something failed.
    pub bad: bool,
}

/// What every part of the page may use. `Copy`, so that closures may hold it.
#[derive(Clone, Copy)]
pub struct App {
    /// The HTTP client.
    pub api: Api,
    /// The feed.
    pub live: Live,
    /// Who is there.
    pub visitor: Signal<Visitor>,
    /// The server's time in milliseconds, moved on each second while the page is seen.
    pub now: Signal<i64>,
    /// What pipelines and destinations are called.
    pub(crate) names: Names,
    /// Messages.
    pub toasts: Signal<Vec<Toast>>,
    /// What unsaved changes hold back.
    pub(crate) pending: Signal<Option<nav::Leave>>,
    /// Whether the command palette is open.
    pub palette: Signal<bool>,
}

/// The page's shared parts.
#[must_use]
pub fn app() -> App {
    use_context::<App>()
}

impl App {
    /// Says something in the corner for some seconds.
    pub(crate) fn say(self, text: impl Into<String>) {
        self.message(text.into(), false);
    }

    /// Says in the corner that something failed.
    pub(crate) fn complain(self, error: &ApiError) {
        self.message(error.in_words(), true);
    }

    fn message(self, text: String, bad: bool) {
        // Never one of a message that is gone: its clock still runs.
        let id = NEXT_TOAST.replace(NEXT_TOAST.get() + 1);
        self.toasts.update(|toasts| {
            toasts.push(Toast { id, text, bad });
            if toasts.len() > 4 {
                toasts.remove(0);
            }
        });
        wasm_bindgen_futures::spawn_local(async move {
            dom::pause(if bad { 12_000 } else { 6_000 }).await;
            self.toasts.update(|toasts| toasts.retain(|toast| toast.id != id));
        });
    }

    /// Whether the person may do something (`pipelines:write`).
    pub(crate) fn may(self, permission: &str) -> bool {
        self.visitor.with(|visitor| match visitor {
            Visitor::Known(session) => access::allows(&session.permissions, permission),
            _ => false,
        })
    }

    /// Takes a session that has just begun.
    pub(crate) fn welcome(self, session: Session) {
        self.api.set_csrf(session.csrf_token.clone());
        self.api.expired.set(false);
        self.know(session);
        self.live.restart();
    }

    fn know(self, session: Session) {
        let is_known = self.visitor.with_untracked(|visitor| match visitor {
            Visitor::Known(known) => known.user == session.user && known.permissions == session.permissions,
            _ => false,
        });
        if !is_known {
            self.visitor.set(Visitor::Known(Box::new(session)));
        }
    }

    /// Asks who is signed in.
    pub(crate) async fn ask_who(self) {
        match self.api.get::<Session>("/session").await {
            Ok(session) => self.welcome(session),
            Err(error) if error.status() == 401 => self.visitor.set(Visitor::Nobody),
            Err(error) => self.visitor.set(Visitor::Unreachable(error)),
        }
    }

    /// Ends the session, whatever is unsaved.
    pub(crate) async fn sign_out(self) {
        if let Err(error) = self.api.delete("/session", crate::api::When::Always).await
            && error.status() != 401
        {
            self.complain(&error);
            return;
        }
        nav::unguard();
        self.api.set_csrf(None);
        self.live.stop();
        self.names.forget();
        self.toasts.set(Vec::new());
        self.visitor.set(Visitor::Nobody);
    }
}

/// The root of the page.
pub(crate) fn root() -> View {
    let api = Api::new();
    let app = App {
        api,
        live: Live::new(api),
        visitor: create_signal(Visitor::Unknown),
        now: create_signal(api.now_ms()),
        names: Names::new(api),
        toasts: create_signal(Vec::new()),
        pending: create_signal(None),
        palette: create_signal(false),
    };
    provide_context(app);
    nav::init(app.pending);
    components::theme::init();
    components::palette::keys(app);
    dom::every(1000, move || {
        if !dom::is_hidden() {
            app.now.set(api.now_ms());
            app.live.watch();
        }
    });
    create_effect(move || {
        if let Some(session) = api.renewed.get_clone() {
            app.know(session);
        }
    });
    components::menus::close_by_clicks();
    app.names.follow(app.live);
    spawn_local_scoped(app.ask_who());
    let (page, toasts) = (pages::routed(app), components::toasts::view(app));
    view! { (page) (toasts) }
}
