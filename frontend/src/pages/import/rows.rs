//! The rows of what an import becomes: what each is, saving it, and what came of that.

use std::rc::Rc;

use serde::de::IgnoredAny;
use serde_json::Value;
use sycamore::prelude::*;

use super::{Outcome, Read};
use crate::{
    See as _,
    api::ApiError,
    components::{bits, code, field::new_id},
    dom, live_view,
    model::{
        import::{self, Item},
        secrets,
        status::{Label, Tone},
        yaml,
    },
};

pub(super) fn row(read: Read, index: usize, item: &Item, lacking: &[&str]) -> View {
    let (name, what, path) = (item.name().to_owned(), item.what, item.path);
    let (open, label) = (format!("Open {name}"), format!("Save {name}"));
    // Secrets stand in the clear in what is sent, and are hidden in what is shown.
    let document = create_selector(move || read.items.with(|items| import::document(items, index)));
    let text = move |document: &Value| {
        let document = read.catalogue.with_untracked(|catalogue| secrets::hide(catalogue, document.clone()));
        code::text("import-text", "The document", &yaml::text(&document))
    };
    let without: View = if lacking.is_empty() {
        View::new()
    } else {
        let parts = lacking.join(", ");
        let note =
            bits::note(Tone::Warn, view! { "Made without " span(class="mono") { (parts) } ": see what is left over." });
        view! { div(class="form", data-testid="import-without") { (note) } }
    };
    let id = move || read.items.with(|items| items.get(index).map(|item| item.id.clone()).unwrap_or_default());
    let outcome = create_selector(move || read.outcomes.with(|all| all.get(index).cloned()).unwrap_or(Outcome::Open));
    let is_saved = create_selector(move || outcome.with(|outcome| *outcome == Outcome::Saved));
    let is_saving = create_selector(move || outcome.with(|outcome| *outcome == Outcome::Saving));
    let said = move || {
        let (open, label) = (open.clone(), label.clone());
        if is_saved.get() {
            let href = format!("{path}/{}", id());
            let tag = bits::tag(Label { word: "Saved", tone: Tone::Ok });
            // In a tab of its own: what is not saved yet stays here.
            return view! { (tag) a(class="btn small", href=href, aria-label=open, target="_blank", rel="noopener") { "Open" } };
        }
        if !read.may {
            return View::new();
        }
        // It keeps the focus while it cannot be pressed.
        view! {
            button(
                r#type="button",
                class="btn small",
                aria-label=label,
                aria-disabled=if read.locked.get() { "true" } else { "false" },
                aria-busy=if is_saving.get() { "true" } else { "false" },
                on:click=move |_| save(read, read.items.with_untracked(|items| import::with_needed(items, index))),
            ) { (if is_saving.get() { "Saving …" } else { "Save" }) }
        }
    };
    // What went wrong, and the field for another id where one would help.
    let failed = move || {
        let Outcome::Failed(why, is_of_id) = outcome.get_clone() else { return View::new() };
        let field = if is_of_id { id_field(read, index, path) } else { View::new() };
        below(Tone::Bad, why, field)
    };
    let needs = create_selector(move || unsaved(read, index));
    let waits = move || match needs.get_clone() {
        Some(name) => below(Tone::Warn, format!("It sends to {name}, which is not saved."), View::new()),
        None => View::new(),
    };
    let text = live_view(move || document.see(text));
    let (said, failed, waits) = (live_view(said), live_view(failed), live_view(waits));
    view! {
        div(data-testid="import-item") {
            div(class="beside") {
                details { summary { b { (name) } span(class="sub grow") { (what) } } (text) }
                div(class="wait", "data-item"=index.to_string()) { (said) }
            }
            (without)
            (failed)
            (waits)
        }
    }
}

/// What is said below a row.
fn below(tone: Tone, text: String, more: View) -> View {
    let note = bits::note(tone, text);
    view! { div(class="form") { (note) (more) } }
}

fn id_field(read: Read, index: usize, path: &'static str) -> View {
    // Untracked: what is typed is not put there again.
    let value = read.items.with_untracked(|items| items.get(index).map(|item| item.id.clone()).unwrap_or_default());
    let field_id = new_id();
    let field_for = field_id.clone();
    let typed = move |event: web_sys::Event| {
        let id = dom::value(&event).trim().to_owned();
        read.items.update(|items| {
            if let Some(item) = Rc::make_mut(items).get_mut(index) {
                item.id = id;
            }
        });
    };
    let then = if path == import::DESTINATIONS {
        "Pipelines that send to it will use this id. Save again."
    } else {
        "Save again."
    };
    view! {
        div(class="field") {
            label(r#for=field_for) { "Id" }
            input(id=field_id, r#type="text", class="mono", value=value, autocomplete="off", "spellcheck"="false", data-testid="import-id", on:input=typed)
            small { (then) }
        }
    }
}

/// What an item sends to that could not be saved.
fn unsaved(read: Read, index: usize) -> Option<String> {
    let has_failed = |at: &usize| read.outcomes.with(|all| matches!(all.get(*at), Some(Outcome::Failed(..))));
    read.items.with(|items| {
        let needed = import::with_needed(items, index).into_iter().find(|at| *at != index && has_failed(at))?;
        Some(items.get(needed)?.name().to_owned())
    })
}

/// Saves these, one after another, but for those that are saved already; each says what became of it.
pub(super) fn save(read: Read, indexes: Vec<usize>) {
    if read.locked.get_untracked() {
        return;
    }
    read.busy.set(true);
    read.tasks.spawn(async move {
        for index in indexes {
            let is_saved = read.outcomes.with_untracked(|all| all.get(index) == Some(&Outcome::Saved));
            // Under the id of what could not be saved stands something else: nothing may be sent there unasked.
            if is_saved || unsaved(read, index).is_some() {
                continue;
            }
            let sent = read.items.with_untracked(|items| import::to_send(items, index));
            let Some(path) = read.items.with_untracked(|items| Some(items.get(index)?.path)) else { continue };
            let set = move |outcome: Outcome| {
                read.outcomes.update(|all| {
                    if let Some(known) = all.get_mut(index) {
                        *known = outcome;
                    }
                });
            };
            set(Outcome::Saving);
            // Of the answer nothing more is needed than that it is one.
            match read.app.api.post::<IgnoredAny>(path, &sent).await {
                Ok(_) => {
                    read.saved.update(|saved| saved.push((path, sent)));
                    let place = format!("[data-item=\"{index}\"]");
                    let has_focus = dom::is_there(&format!("{place} :focus"));
                    set(Outcome::Saved);
                    if has_focus {
                        dom::focus(&format!("{place} a"));
                    }
                }
                // A session that ended is told by the dialog that opens for it.
                Err(error) if error.status() == 401 => {
                    set(Outcome::Open);
                    break;
                }
                Err(error) => {
                    set(Outcome::Failed(error.in_words(), error.is_of_id()));
                    if error == ApiError::Unreachable {
                        break;
                    }
                }
            }
        }
        read.busy.set(false);
    });
}
