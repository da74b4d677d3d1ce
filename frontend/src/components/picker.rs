//! A menu of many things to choose from, each with what it does: found by typing, reachable by keyboard.

use std::rc::Rc;

use sycamore::{prelude::*, web::document};
use wasm_bindgen::JsCast as _;

use super::{bits, menus};
use crate::{
    See as _, dom, live_view,
    model::kinds::{self, Choice},
};

/// What a menu is made of.
pub(crate) struct Picker {
    /// The test id of what opens it.
    pub(crate) id: &'static str,
    /// What opens it, for who does not see it.
    pub(crate) label: String,
    /// What stands there.
    pub(crate) word: View,
    /// Whether what was chosen is wrong, where something is.
    pub(crate) wrong: Option<ReadSignal<bool>>,
    /// What there is to choose; followed.
    pub(crate) choices: Rc<dyn Fn() -> Vec<Choice>>,
    /// Is told of what was chosen, by its key.
    pub(crate) choose: Rc<dyn Fn(&str)>,
    /// What stands below the choices whatever is typed.
    pub(crate) foot: View,
}

/// The menu.
pub(crate) fn view(picker: Picker) -> View {
    let Picker { id, label, word, wrong, choices, choose, foot } = picker;
    let typed = create_signal(String::new());
    let field = create_node_ref();
    // What is the same is not built anew: the focus may be in it.
    let shown = create_selector(move || kinds::find(&choices(), &typed.get_clone()));
    let nothing =
        create_selector(move || match (shown.with(Vec::is_empty), typed.with(|typed| typed.trim().is_empty())) {
            (false, _) => "",
            (true, true) => "There is nothing to choose from.",
            (true, false) => "Nothing by that name.",
        });
    let opened = move |_| {
        let Some(field) = field.try_get().and_then(|field| field.dyn_into::<web_sys::HtmlInputElement>().ok()) else {
            return;
        };
        if field.closest("details[open]").is_ok_and(|menu| menu.is_some()) {
            field.set_value("");
            typed.set(String::new());
            // On a small screen the keyboard would cover what there is to choose.
            if !dom::is_narrow() {
                dom::focus_element(&field);
            }
        }
    };
    let one = move |choice: &Choice| {
        let Choice { key, title, text, tags } = choice.clone();
        let (text, tags, choose) = (bits::prose(&text), bits::limits(&tags), Rc::clone(&choose));
        let chosen = move |event: web_sys::MouseEvent| {
            menus::close(&event);
            choose(&key);
        };
        view! { button(r#type="button", on:click=chosen) { span(class="wait") { (title) (tags) } small { (text) } } }
    };
    let found = live_view(move || shown.see(|shown| shown.iter().map(&one).collect::<Vec<View>>().into()));
    view! {
        details(class="add", "name"="adder", on:keydown=key, on:toggle=opened) {
            summary(data-testid=id, aria-label=label, aria-invalid=if wrong.is_some_and(|wrong| wrong.get()) { "true" } else { "false" }) { (word) }
            div(class="add-menu") {
                input(r#ref=field, r#type="text", placeholder="Type to find", aria-label="Find", autocomplete="off", "spellcheck"="false", on:input=move |event: web_sys::Event| typed.set(dom::value(&event)))
                div(class=if nothing.get().is_empty() { "" } else { "none" }, role="status") { (nothing.get()) }
                div("data-rows"="") {
                    (found)
                    (foot)
                }
            }
        }
    }
}

/// Arrows go from the field into the choices, among them, and back; Enter in the field takes the first, but follows no link;
/// typing goes into the field from anywhere.
fn key(event: web_sys::KeyboardEvent) {
    let Some(active) = document().active_element() else { return };
    let Ok(Some(menu)) = active.closest(".add-menu") else { return menus::on_key(event) };
    let find = |part: &str| menu.query_selector(part).ok().flatten();
    let (field, first) = (find("input"), find("[data-rows] > :is(button, a)"));
    let key = event.key();
    let is_in_field = active.tag_name() == "INPUT";
    let is_letter =
        key.chars().count() == 1 && key != " " && !event.ctrl_key() && !event.meta_key() && !event.alt_key();
    match key.as_str() {
        "Escape" => return menus::on_key(event),
        "ArrowDown" if is_in_field => first.iter().for_each(dom::focus_element),
        "Enter" if is_in_field => find("[data-rows] > button")
            .iter()
            .filter_map(|first| first.dyn_ref::<web_sys::HtmlElement>())
            .for_each(web_sys::HtmlElement::click),
        "ArrowUp" if first.as_ref() == Some(&active) => field.iter().for_each(dom::focus_element),
        _ if is_in_field => return,
        // The letter itself lands where the focus is now.
        _ if is_letter => return field.iter().for_each(dom::focus_element),
        _ => return dom::arrows(&event),
    }
    event.prevent_default();
}
