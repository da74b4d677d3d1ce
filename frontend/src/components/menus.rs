//! Menus made of `<details>`: a click elsewhere, Esc, and a choice close them.

use sycamore::web::document;
use wasm_bindgen::JsCast as _;

use crate::dom;

/// Closes the menu in which something happened.
pub(crate) fn close(event: &web_sys::Event) {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    if let Some(menu) = target.and_then(|target| target.closest("details").ok().flatten()) {
        shut(&menu);
    }
}

/// Esc closes the menu, and the focus goes back to what opened it.
pub(crate) fn on_key(event: web_sys::KeyboardEvent) {
    if event.key() != "Escape" {
        return;
    }
    event.stop_propagation();
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    if let Some(menu) = target.and_then(|target| target.closest("details").ok().flatten()) {
        shut(&menu);
        if let Ok(Some(summary)) = menu.query_selector("summary") {
            dom::focus_element(&summary);
        }
    }
}

/// Closes open menus on a click elsewhere, for as long as the page lives.
pub(crate) fn close_by_clicks() {
    dom::on_document("click", |event| {
        let Ok(Some(menu)) = document().query_selector("details.add[open]") else { return };
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        if !menu.contains(target.as_ref()) {
            shut(&menu);
        }
    });
}

fn shut(menu: &web_sys::Element) {
    // The attribute's name is a constant and valid.
    _ = menu.remove_attribute("open");
}
