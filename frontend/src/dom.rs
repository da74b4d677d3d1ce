//! The few things that are asked of the browser directly.

use sycamore::{
    reactive::use_current_scope,
    web::{document, window},
};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

/// Writes panics to the console and tells the person that the page stopped: WebAssembly cannot go on after one.
pub(crate) fn hook_panics() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        let document = document();
        if let (Some(body), Ok(note)) = (document.body(), document.create_element("div")) {
            note.set_class_name("toasts");
            note.set_inner_html(
                "<div class='toast bad' role='alert'><span class='grow'>The page met an error of its own and stopped. \
                 Nothing on the server was touched.</span><a class='btn small' href=''>Load again</a></div>",
            );
            // Nothing more can be done if even this fails.
            _ = body.append_child(&note);
        }
    }));
}

/// The element with this id, or the body.
pub(crate) fn element(id: &str) -> web_sys::Node {
    let document = document();
    match document.get_element_by_id(id) {
        Some(element) => element.into(),
        None => document.body().map_or_else(|| document.into(), Into::into),
    }
}

/// Empties an element.
pub(crate) fn clear(id: &str) {
    if let Some(element) = document().get_element_by_id(id) {
        element.set_inner_html("");
    }
}

/// Milliseconds since the epoch by this machine's clock.
pub(crate) fn now_ms() -> i64 {
    if cfg!(target_arch = "wasm32") {
        // Whole milliseconds far below 2^53.
        js_sys::Date::now() as i64
    } else {
        0
    }
}

/// Waits.
pub(crate) async fn pause(ms: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        // A browser without timers does not exist; the promise would then never resolve.
        _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
    });
    _ = JsFuture::from(promise).await;
}

/// Calls a function again and again in the current scope, for as long as the page lives.
pub(crate) fn every(ms: i32, mut f: impl FnMut() + 'static) {
    let scope = use_current_scope();
    let closure = Closure::<dyn FnMut()>::new(move || scope.run_in(&mut f));
    _ = window().set_interval_with_callback_and_timeout_and_arguments_0(closure.as_ref().unchecked_ref(), ms);
    closure.forget();
}

/// Listens on the window in the current scope, for as long as the page lives.
pub(crate) fn on_window(event: &str, mut f: impl FnMut(web_sys::Event) + 'static) {
    let scope = use_current_scope();
    let closure = Closure::<dyn FnMut(web_sys::Event)>::new(move |event| scope.run_in(|| f(event)));
    _ = window().add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
    closure.forget();
}

/// Listens on the document in the current scope, for as long as the page lives.
pub(crate) fn on_document(event: &str, mut f: impl FnMut(web_sys::Event) + 'static) {
    let scope = use_current_scope();
    let closure = Closure::<dyn FnMut(web_sys::Event)>::new(move |event| scope.run_in(|| f(event)));
    _ = document().add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
    closure.forget();
}

/// Whether the tab is out of sight.
pub(crate) fn is_hidden() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Hidden
}

/// The value of a field after an event on it.
pub(crate) fn value(event: &web_sys::Event) -> String {
    let Some(target) = event.current_target() else { return String::new() };
    js_sys::Reflect::get(&target, &JsValue::from_str("value"))
        .ok()
        .and_then(|value| value.as_string())
        .unwrap_or_default()
}

/// Whether a checkbox is on after an event on it.
pub(crate) fn checked(event: &web_sys::Event) -> bool {
    let Some(target) = event.current_target() else { return false };
    js_sys::Reflect::get(&target, &JsValue::from_str("checked")).ok().and_then(|value| value.as_bool()).unwrap_or(false)
}

/// The file that was chosen in a field, by its name, and its text; `None` when none was. The text is missing when the file
/// cannot be read.
pub(crate) fn file(event: &web_sys::Event) -> Option<(String, impl Future<Output = Option<String>> + use<>)> {
    let field = event.current_target()?.dyn_into::<web_sys::HtmlInputElement>().ok()?;
    let file = field.files()?.get(0)?;
    Some((file.name(), async move { JsFuture::from(file.text()).await.ok()?.as_string() }))
}

/// Empties the field of an event.
pub(crate) fn empty(event: &web_sys::Event) {
    if let Some(target) = event.current_target() {
        // Setting this property of a field to nothing cannot fail.
        _ = js_sys::Reflect::set(&target, &"value".into(), &"".into());
    }
}

/// Whether there is such an element.
pub(crate) fn is_there(selector: &str) -> bool {
    document().query_selector(selector).is_ok_and(|element| element.is_some())
}

/// Gives an element the focus, when it is there.
pub(crate) fn focus(selector: &str) {
    if let Ok(Some(element)) = document().query_selector(selector) {
        focus_element(&element);
    }
}

/// Gives the last of these elements the focus: the row that was just added to a list.
pub(crate) fn focus_last(selector: &str) {
    if let Ok(all) = document().query_selector_all(selector)
        && let Some(element) = all.length().checked_sub(1).and_then(|last| all.get(last)?.dyn_into().ok())
    {
        focus_element(&element);
    }
}

/// Gives an element the focus.
pub(crate) fn focus_element(element: &web_sys::Element) {
    if let Some(element) = element.dyn_ref::<web_sys::HtmlElement>() {
        _ = element.focus();
    }
}

/// Whether the focus is where typing goes into a field.
pub(crate) fn is_typing() -> bool {
    let Some(element) = document().active_element() else { return false };
    let editable = element.dyn_ref::<web_sys::HtmlElement>().is_some_and(web_sys::HtmlElement::is_content_editable);
    editable || ["INPUT", "TEXTAREA", "SELECT"].contains(&element.tag_name().as_str())
}

/// Reads what was kept in this browser.
pub(crate) fn stored(key: &str) -> Option<String> {
    window().local_storage().ok().flatten()?.get_item(key).ok().flatten()
}

/// Keeps something in this browser; where that is forbidden the page works without.
pub(crate) fn store(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        _ = storage.set_item(key, value);
    }
}

/// Puts a text on the clipboard; `false` when the browser refuses (it does without TLS, except on loopback).
pub(crate) async fn copy(text: &str) -> bool {
    let clipboard = js_sys::Reflect::get(&window().navigator(), &JsValue::from_str("clipboard")).unwrap_or_default();
    if clipboard.is_undefined() {
        return false;
    }
    JsFuture::from(window().navigator().clipboard().write_text(text)).await.is_ok()
}

/// The parameters of the address, in order.
pub(crate) fn query_pairs() -> Vec<(String, String)> {
    let Ok(search) = window().location().search() else { return Vec::new() };
    let Ok(parameters) = web_sys::UrlSearchParams::new_with_str(&search) else { return Vec::new() };
    let mut pairs = Vec::new();
    for entry in parameters.entries().into_iter().flatten() {
        let entry = js_sys::Array::from(&entry);
        if let (Some(key), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string()) {
            pairs.push((key, value));
        }
    }
    pairs
}

/// Scrolls within an element so that the first of these parts is seen, with a few lines above it.
pub(crate) fn reveal(frame: &web_sys::Element, part: &str) {
    if let Ok(Some(part)) = frame.query_selector(part) {
        let below = part.get_bounding_client_rect().top() - frame.get_bounding_client_rect().top();
        // Pixels of a page are far from the limits of either type.
        #[expect(clippy::cast_possible_truncation, reason = "a place in a page fits")]
        frame.set_scroll_top((frame.scroll_top() + below as i32 - 100).max(0));
    }
}

/// Does something with each of these parts of an element.
pub(crate) fn each(of: &web_sys::Element, parts: &str, mut with: impl FnMut(&web_sys::Element)) {
    let Ok(parts) = of.query_selector_all(parts) else {
        return;
    };
    for part in (0..parts.length()).filter_map(|index| parts.get(index)?.dyn_into::<web_sys::Element>().ok()) {
        with(&part);
    }
}

/// Sets a property of the style of one element; an attribute would be against the page's content security policy.
pub(crate) fn set_style(element: &web_sys::HtmlElement, property: &str, value: &str) {
    // Fails for none that the sheet can name.
    _ = element.style().set_property(property, value);
}

/// Whether all stands in one column, the lanes of a chain too; the style sheet has the same width.
pub(crate) fn is_narrow() -> bool {
    window().match_media("(max-width: 1100px)").ok().flatten().is_some_and(|query| query.matches())
}

/// Scrolls so that an element begins at the top, when it is there.
pub(crate) fn bring_to_top(selector: &str) {
    if let Ok(Some(element)) = document().query_selector(selector) {
        element.scroll_into_view();
    }
}

/// Scrolls what scrolls around an element so far that all of it is seen, and no further.
pub(crate) fn bring_into_sight(element: &web_sys::Element) {
    let options = js_sys::Object::new();
    // Setting a property of a plain object cannot fail.
    _ = js_sys::Reflect::set(&options, &"block".into(), &"nearest".into());
    let scroll = js_sys::Reflect::get(element, &"scrollIntoView".into()).unwrap_or_default();
    if let Some(scroll) = scroll.dyn_ref::<js_sys::Function>() {
        _ = scroll.call1(element, &options);
    }
}

/// Moves the focus between the rows of a table or list: arrows, Home and End.
pub(crate) fn arrows(event: &web_sys::KeyboardEvent) {
    let key = event.key();
    if !["ArrowDown", "ArrowUp", "Home", "End"].contains(&key.as_str()) {
        return;
    }
    let Some(active) = document().active_element() else { return };
    let Ok(Some(row)) = active.closest("tbody tr, [data-rows] > *") else { return };
    let Some(parent) = row.parent_element() else { return };
    let next = match key.as_str() {
        "ArrowDown" => row.next_element_sibling(),
        "ArrowUp" => row.previous_element_sibling(),
        "Home" => parent.first_element_child(),
        _ => parent.last_element_child(),
    };
    let target = next.and_then(|row| {
        if row.matches("a,button").unwrap_or(false) { Some(row) } else { row.query_selector("a,button").ok().flatten() }
    });
    if let Some(target) = target {
        event.prevent_default();
        focus_element(&target);
    }
}
