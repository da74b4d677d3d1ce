//! Small parts: tags, times, notes, heads of pages.

use linkmesh_proto::{Timestamp, api::collector::CollectorStatus};
use sycamore::{prelude::*, web::document};

use super::icons::icon;
use crate::{
    app::app,
    model::{
        format,
        status::{self, Label, Tone},
    },
};

/// A word of state in its colour.
pub(crate) fn tag(label: Label) -> View {
    let class = format!("tag {}", label.tone.class());
    let word = label.word;
    view! { span(class=class) { (word) } }
}

/// What limits a kind of component, a tag each.
pub(crate) fn limits(words: &[String]) -> View {
    let tags: Vec<View> = words.iter().cloned().map(|word| view! { span(class="tag warn") { (word) } }).collect();
    tags.into()
}

/// A word of state that follows a signal; `id` is its test id.
pub(crate) fn live_tag(id: &'static str, label: impl Fn() -> Label + 'static) -> View {
    let label = create_selector(label);
    view! { span(class=format!("tag {}", label.get().tone.class()), data-testid=id) { (label.get().word) } }
}

/// A coloured dot; a word stands beside it.
pub(crate) fn dot(tone: Tone) -> View {
    let class = format!("dot {}", tone.class());
    view! { i(class=class, aria-hidden="true") {} }
}

/// What a collector said of itself, in its own words; of a long text the first and the last line, the rest on demand.
pub(crate) fn own_words(id: &'static str, text: &str) -> View {
    let all = text.to_owned();
    let Some((first, last)) = format::gist(text) else {
        return view! { div(class="mono", data-testid=id) { (all) } };
    };
    let (first, last) = (first.to_owned(), last.to_owned());
    let count = format::counted(text.lines().count() as u64, "line", "lines");
    view! {
        div(data-testid=id) {
            div(class="mono") { (first) }
            div(class="mono") { b { (last) } }
            details(class="more") { summary { "All of it, " (count) } div(class="mono") { (all) } }
        }
    }
}

/// A message that may hold a report of many lines: its beginning, the rest on demand.
pub(crate) fn clamped(text: &str) -> View {
    match format::gist(text) {
        Some(_) => own_words("long", text),
        None => {
            let text = text.to_owned();
            view! { (text) }
        }
    }
}

/// A sentence, with what stands in backticks as code.
pub(crate) fn prose(text: &str) -> View {
    let parts: Vec<View> = format::prose(text)
        .into_iter()
        .map(|(is_code, part)| {
            let part = part.to_owned();
            if is_code {
                view! { span(class="mono") { (part) } }
            } else {
                view! { (part) }
            }
        })
        .collect();
    parts.into()
}

/// How long ago, with the time in full as title.
pub(crate) fn ago(time: Option<Timestamp>) -> View {
    let Some(time) = time else { return view! { span(class="dim") { "never" } } };
    let now = app().now;
    let title = format::absolute(time);
    view! { time(class="nowrap", title=title) { (format::ago(now.get(), time)) } }
}

/// How long ago something was that changes.
pub(crate) fn live_ago(time: impl Fn() -> Option<Timestamp> + Clone + 'static) -> View {
    let now = app().now;
    let title = time.clone();
    view! {
        time(class="nowrap", title=title().map(format::absolute).unwrap_or_default()) {
            (match time() { Some(time) => format::ago(now.get(), time), None => "never".to_owned() })
        }
    }
}

/// When something that changes was last heard of; of what is there now the feed does not bring the time.
pub(crate) fn live_seen(seen: impl Fn() -> (CollectorStatus, Option<Timestamp>) + Clone + 'static) -> View {
    let is_here = {
        let seen = seen.clone();
        create_selector(move || status::is_here(seen().0))
    };
    view! {
        (if is_here.get() {
            view! { span(class="nowrap") { "now" } }
        } else {
            let seen = seen.clone();
            live_ago(move || seen().1)
        })
    }
}

/// A message in the flow of the page.
pub(crate) fn note(tone: Tone, content: impl Into<View>) -> View {
    let name = match tone {
        Tone::Bad | Tone::Warn => "warn",
        Tone::Ok => "ok",
        Tone::Off | Tone::Busy => "info",
    };
    let class = format!("note {}", tone.class());
    let role = if tone == Tone::Bad { "alert" } else { "note" };
    let content = content.into();
    let sign = icon(name);
    view! { div(class=class, role=role) { (sign) div(class="grow") { (content) } } }
}

/// The head of a page: where it is, its title, a sentence, and its actions.
pub(crate) fn head(
    crumb: Option<(&'static str, &'static str)>,
    title: impl Into<View>,
    sub: impl Into<View>,
    actions: impl Into<View>,
) -> View {
    let crumb: View = match crumb {
        Some((href, name)) => view! { nav(class="crumb", aria-label="Breadcrumb") { a(href=href) { (name) } "/" } },
        None => View::new(),
    };
    let (title, sub, actions) = (title.into(), sub.into(), actions.into());
    view! {
        header(class="bar") {
            div(class="grow") {
                (crumb)
                h1 { (title) }
                div(class="sub") { (sub) }
            }
            div(class="bar-actions") { (actions) }
        }
    }
}

/// A state that fills a page or card: what this is, and one thing to do.
pub(crate) fn state(
    id: &'static str,
    name: &'static str,
    title: impl Into<View>,
    text: impl Into<View>,
    action: impl Into<View>,
) -> View {
    let (title, text, action) = (title.into(), text.into(), action.into());
    let sign = icon(name);
    view! {
        div(class="state", data-testid=id) {
            (sign)
            h2 { (title) }
            p { (text) }
            (action)
        }
    }
}

/// The only row of a table whose filter leaves none.
pub(crate) fn no_row(columns: u8) -> View {
    let columns = columns.to_string();
    view! { tr { td(colspan=columns, class="dim", data-testid="no-row") { "Nothing by that name." } } }
}

/// A switch between views of one thing. Arrow keys move, as in every tab list.
pub(crate) fn tabs<T: Copy + PartialEq + 'static>(
    label: &'static str,
    chosen: Signal<T>,
    all: Vec<(T, &'static str, View)>,
) -> View {
    let buttons: Vec<View> = all
        .into_iter()
        .map(|(value, name, extra)| {
            view! {
                button(
                    r#type="button",
                    role="tab",
                    aria-selected=if chosen.get() == value { "true" } else { "false" },
                    tabindex=if chosen.get() == value { "0" } else { "-1" },
                    on:click=move |event: web_sys::MouseEvent| {
                        chosen.set(value);
                        // Narrow windows show a part of the tabs.
                        if let Some(tab) = event.current_target().and_then(|tab| wasm_bindgen::JsCast::dyn_into::<web_sys::Element>(tab).ok()) {
                            crate::dom::bring_into_sight(&tab);
                        }
                    },
                ) { (name) (extra) }
            }
        })
        .collect();
    let step = |event: web_sys::KeyboardEvent| {
        let next = match event.key().as_str() {
            "ArrowRight" => document().active_element().and_then(|element| element.next_element_sibling()),
            "ArrowLeft" => document().active_element().and_then(|element| element.previous_element_sibling()),
            _ => None,
        };
        if let Some(next) = next {
            crate::dom::focus_element(&next);
            if let Some(next) = wasm_bindgen::JsCast::dyn_ref::<web_sys::HtmlElement>(&next) {
                next.click();
            }
        }
    };
    view! { div(class="tabs", role="tablist", aria-label=label, on:keydown=step) { (buttons) } }
}

/// The sentence for actions that the person may not do.
pub(crate) fn needs(permission: &'static str) -> String {
    format!("Your role lacks {permission}. An administrator can grant it.")
}
