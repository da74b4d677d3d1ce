//! Light and dark: the system's choice until a person chooses.

use sycamore::{
    prelude::*,
    web::{document, window},
};
use wasm_bindgen::{JsCast as _, closure::Closure};

use super::icons::icon;
use crate::dom;

const KEY: &str = "linkmesh.theme";

fn set(theme: &str) {
    if let Some(root) = document().document_element() {
        // The attribute's name is a constant and valid.
        _ = root.set_attribute("data-theme", theme);
    }
}

/// Follows the system while nothing was chosen. The first setting is made before anything is drawn, by `theme.js`.
pub(crate) fn init() {
    let Ok(Some(query)) = window().match_media("(prefers-color-scheme: dark)") else { return };
    let follow = Closure::<dyn FnMut(web_sys::Event)>::new({
        let query = query.clone();
        move |_| {
            if dom::stored(KEY).is_none() {
                set(if query.matches() { "dark" } else { "light" });
            }
        }
    });
    _ = query.add_event_listener_with_callback("change", follow.as_ref().unchecked_ref());
    follow.forget();
}

/// The switch.
pub(crate) fn switch() -> View {
    let is_dark =
        || document().document_element().and_then(|root| root.get_attribute("data-theme")).as_deref() == Some("dark");
    let dark = create_signal(is_dark());
    let toggle = move |_| {
        let now = !is_dark();
        dark.set(now);
        let theme = if now { "dark" } else { "light" };
        dom::store(KEY, theme);
        set(theme);
    };
    view! {
        button(
            r#type="button",
            class="btn icon small bare",
            data-testid="theme-switch",
            aria-label=if dark.get() { "Light colours" } else { "Dark colours" },
            title=if dark.get() { "Light colours" } else { "Dark colours" },
            on:click=toggle,
        ) { (if dark.get() { icon("sun") } else { icon("moon") }) }
    }
}
