//! Dialogs: the browser's own `<dialog>`, which keeps the focus inside, closes on Esc and gives the focus back.

use std::rc::Rc;

use sycamore::prelude::*;
use wasm_bindgen::JsCast as _;

use super::loading::Tasks;
use crate::{
    app::app,
    nav::{self, Leave},
};

/// A dialog that is open while `open` is true. Its content is built anew at each opening.
pub(crate) fn dialog(
    open: Signal<bool>,
    class: &'static str,
    label: &'static str,
    content: impl Fn() -> View + 'static,
) -> View {
    frame(open, class, label, Rc::new(content))
}

/// The same, whatever is in it: the page holds this once and not for each dialog again.
fn frame(open: Signal<bool>, class: &'static str, label: &'static str, content: Rc<dyn Fn() -> View>) -> View {
    let shown = create_selector(move || open.get());
    view! {
        (if shown.get() {
            let node = create_node_ref();
            // Closing, and not only taking it out, gives the focus back to where it was.
            on_cleanup(move || {
                if let Some(dialog) = node.try_get().and_then(|node| node.dyn_into::<web_sys::HtmlDialogElement>().ok()) {
                    dialog.close();
                }
            });
            on_mount(move || {
                if let Some(dialog) = node.try_get().and_then(|node| node.dyn_into::<web_sys::HtmlDialogElement>().ok()) {
                    // Fails only when it is open already.
                    _ = dialog.show_modal();
                }
            });
            let inner = content();
            view! {
                dialog(
                    r#ref=node,
                    class=class,
                    aria-label=label,
                    on:close=move |_| open.set(false),
                    on:click=move |event: web_sys::MouseEvent| {
                        // A click on the dialog itself and not on its content is one on the ground behind it.
                        let on_ground = event.target().zip(event.current_target()).is_some_and(|(a, b)| a == b);
                        if on_ground && class.contains("pal") {
                            open.set(false);
                        }
                    },
                ) { (inner) }
            }
        } else {
            View::new()
        })
    }
}

/// Asks before something that cannot be taken back. `what` is the button's word, `f` is run on yes.
pub(crate) fn confirm(
    open: Signal<bool>,
    title: &'static str,
    text: impl Fn() -> View + 'static,
    what: &'static str,
    f: impl Fn() + 'static,
) -> View {
    confirm_in_words(open, title, Rc::new(move || (text(), what)), Rc::new(f))
}

/// The same, with a word on the button that depends on what is asked.
pub(crate) fn confirm_in_words(
    open: Signal<bool>,
    title: &'static str,
    words: Rc<dyn Fn() -> (View, &'static str)>,
    f: Rc<dyn Fn()>,
) -> View {
    dialog(open, "", title, move || {
        let f = Rc::clone(&f);
        let (text, what) = words();
        view! {
            div(class="dialog-head") { h2 { (title) } }
            div(class="dialog-body") { (text) }
            div(class="dialog-foot") {
                button(r#type="button", class="btn", "autofocus"="", on:click=move |_| open.set(false)) { "Cancel" }
                button(r#type="button", class="btn danger sure", data-testid="confirm", on:click=move |_| {
                    open.set(false);
                    f();
                }) { (what) }
            }
        }
    })
}

/// Asks what becomes of unsaved changes when somebody leaves them.
pub(crate) fn leaving() -> View {
    let app = app();
    let open = create_signal(false);
    create_effect(move || {
        if app.pending.with(Option::is_some) {
            open.set(true);
        }
    });
    create_effect(move || {
        if !open.get() && app.pending.with_untracked(Option::is_some) {
            app.pending.set(None);
        }
    });
    let tasks = Tasks::here();
    let go = move || match app.pending.take() {
        Some(Leave::To(url)) => {
            nav::unguard();
            nav::go(&url);
        }
        Some(Leave::SignOut) => tasks.spawn(app.sign_out()),
        None => {}
    };
    dialog(open, "", "Unsaved changes", move || {
        view! {
            div(class="dialog-head") { h2 { "Leave without saving?" } }
            div(class="dialog-body") { p { "This page has changes that are not saved. Leaving drops them." } }
            div(class="dialog-foot") {
                button(r#type="button", class="btn", "autofocus"="", on:click=move |_| open.set(false)) { "Stay" }
                button(r#type="button", class="btn danger sure", on:click=move |_| {
                    go();
                    open.set(false);
                }) { "Drop the changes" }
            }
        }
    })
}
