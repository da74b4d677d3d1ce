//! Moving between pages: links, the back button, and the guard that keeps unsaved changes.

use std::cell::RefCell;

use sycamore::prelude::*;
use sycamore::web::window;
use sycamore_router::{Integration, navigate_no_history};
use wasm_bindgen::{JsCast as _, JsValue};

use crate::dom;

thread_local! {
    static STATE: RefCell<State> = const { RefCell::new(State { guard: None, here: String::new(), pending: None }) };
}

struct State {
    guard: Option<Signal<bool>>,
    here: String,
    pending: Option<Signal<Option<Leave>>>,
}

/// A way to leave a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leave {
    /// To another address of this page.
    To(String),
    /// By signing out.
    SignOut,
}

/// Tells where to put what is not done because of unsaved changes.
pub(crate) fn init(pending: Signal<Option<Leave>>) {
    STATE.with_borrow_mut(|state| {
        state.pending = Some(pending);
        state.here = here();
    });
    dom::on_window("beforeunload", |event| {
        if is_guarded() {
            event.prevent_default();
        }
    });
}

/// Guards the current page for as long as its scope lives: while the signal is true, leaving asks first.
pub(crate) fn guard(dirty: ReadSignal<bool>) {
    let flag = create_signal(false);
    create_effect(move || flag.set(dirty.get()));
    STATE.with_borrow_mut(|state| state.guard = Some(flag));
    on_cleanup(move || STATE.with_borrow_mut(|state| state.guard = state.guard.filter(|guard| *guard != flag)));
}

fn is_guarded() -> bool {
    STATE.with_borrow(|state| state.guard.is_some_and(|guard| guard.is_alive() && guard.get_untracked()))
}

/// Takes the guard away, to leave after all.
pub(crate) fn unguard() {
    STATE.with_borrow_mut(|state| state.guard = None);
}

fn here() -> String {
    let location = window().location();
    format!("{}{}", location.pathname().unwrap_or_default(), location.search().unwrap_or_default())
}

/// Whether unsaved changes hold this back; then the person is asked.
pub(crate) fn is_held(leave: Leave) -> bool {
    let is_guarded = is_guarded();
    if is_guarded && let Some(pending) = STATE.with_borrow(|state| state.pending) {
        pending.set(Some(leave));
    }
    is_guarded
}

/// Goes to an address of this page, unless the guard holds it back.
pub(crate) fn go(url: &str) {
    if !is_held(Leave::To(url.to_owned())) {
        push(url, false);
        show(url);
    }
}

/// Goes to an address in place of this one, without a guard: after the page itself has moved, as when a new document got
/// its name.
pub(crate) fn replace(url: &str) {
    unguard();
    push(url, true);
    show(url);
}

/// Writes the page's state into the address, so that it can be shared and come back to.
pub(crate) fn set_query(query: &str) {
    let path = window().location().pathname().unwrap_or_default();
    let url = if query.is_empty() { path } else { format!("{path}?{query}") };
    push(&url, true);
}

fn push(url: &str, in_place: bool) {
    let Ok(history) = window().history() else { return };
    _ = if in_place {
        history.replace_state_with_url(&JsValue::UNDEFINED, "", Some(url))
    } else {
        history.push_state_with_url(&JsValue::UNDEFINED, "", Some(url))
    };
    STATE.with_borrow_mut(|state| url.clone_into(&mut state.here));
}

fn show(url: &str) {
    navigate_no_history(url.split(['?', '#']).next().unwrap_or(url));
    dom::focus("#main");
}

/// The browser's history, behind the guard.
pub(crate) struct Guarded;

impl Integration for Guarded {
    fn current_pathname(&self) -> String {
        window().location().pathname().unwrap_or_default()
    }

    fn on_popstate(&self, mut f: Box<dyn FnMut()>) {
        dom::on_window("popstate", move |_| {
            let target = here();
            let before = STATE.with_borrow(|state| state.here.clone());
            if is_guarded() {
                // The browser has moved already: put the address back and ask.
                push(&before, false);
                is_held(Leave::To(target));
                return;
            }
            let path = |url: &str| url.split('?').next().unwrap_or_default().to_owned();
            STATE.with_borrow_mut(|state| target.clone_into(&mut state.here));
            if path(&before) == path(&target) { show(&target) } else { f() }
        });
    }

    fn click_handler(&self) -> Box<dyn Fn(web_sys::MouseEvent)> {
        Box::new(|event| {
            let Some(target) = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()) else {
                return;
            };
            let Ok(Some(link)) = target.closest("a[href]") else { return };
            let Ok(link) = link.dyn_into::<web_sys::HtmlAnchorElement>() else { return };
            let special =
                event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key() || event.button() != 0;
            let elsewhere = window().location().origin().ok() != Some(link.origin());
            if special
                || elsewhere
                || link.rel() == "external"
                || !link.target().is_empty()
                || link.has_attribute("download")
            {
                return;
            }
            event.prevent_default();
            go(&format!("{}{}", link.pathname(), link.search()));
        })
    }
}
