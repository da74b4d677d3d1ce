//! Import: what a collector runs by a file of its own, as pipelines and destinations. What it becomes is shown first; nothing
//! is saved before somebody says so, and then by the requests that every save makes.

mod rows;

use std::rc::Rc;

use linkmesh_proto::api::{
    catalogue::CatalogueEntry,
    collector::Runtime,
    list::Page,
    pipeline::{LeftOver, LeftOverKind, NewImport},
};
use sycamore::prelude::*;

use super::editor::look_only;
use crate::{
    api::ApiError,
    app::App,
    components::{
        bits, code,
        field::new_id,
        loading::{self, Loader, Tasks, busy_button},
    },
    dom, live_view,
    model::{
        format,
        import::{self, Import, Item, Sent},
        status::{Label, Tone, runtime_code},
    },
    nav,
};

/// What became of saving an item.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Open,
    Saving,
    Saved,
    /// Why it is not saved, and whether another id would help.
    Failed(String, bool),
}

/// What was read. `Copy`, so that closures may hold it. It lives as long as the page, and so does a save that is under way.
#[derive(Clone, Copy)]
struct Read {
    app: App,
    catalogue: Signal<Rc<Vec<CatalogueEntry>>>,
    items: Signal<Rc<Vec<Item>>>,
    /// For each item.
    outcomes: Signal<Vec<Outcome>>,
    /// What was saved, of this reading and those before it.
    saved: Signal<Vec<Sent>>,
    /// While it is read or saved: neither begins before the other has ended.
    busy: Signal<bool>,
    /// Whether nothing of it can be saved now.
    locked: ReadSignal<bool>,
    may: bool,
    tasks: Tasks,
}

/// The page.
pub(super) fn view(app: App) -> View {
    let head = bits::head(
        Some(("/pipelines", "Pipelines")),
        view! { "Import" },
        view! { "What a collector runs by a file of its own, as pipelines and destinations. Nothing is saved before you say so." },
        View::new(),
    );
    let catalogue = Loader::new(move || app.api.get::<Page<CatalogueEntry>>("/catalogue"));
    let content = catalogue.show(loading::card_skeleton, move |loaded| {
        let catalogue = create_signal(Rc::new(loaded.get_clone_untracked().items));
        content(app, catalogue)
    });
    view! { div(data-testid="import") { (head) (content) } }
}

fn content(app: App, catalogue: Signal<Rc<Vec<CatalogueEntry>>>) -> View {
    let asked = create_signal(NewImport { runtime: Runtime::Otelcol, text: String::new() });
    // What a file put there; what is typed is not put there again.
    let filled = create_signal(String::new());
    // With what it is the answer to.
    let found = create_signal(None::<Rc<(NewImport, Result<Import, ApiError>)>>);
    let (busy, tasks) = (create_signal(false), Tasks::here());
    let is_past = create_selector(move || {
        found.with(|found| found.as_ref().is_some_and(|found| asked.with(|asked| found.0 != *asked)))
    });
    let lacks = ["pipelines:write", "destinations:write"].into_iter().find(|permission| !app.may(permission));
    let read = Read {
        app,
        catalogue,
        items: create_signal(Rc::default()),
        outcomes: create_signal(Vec::new()),
        saved: create_signal(Vec::new()),
        busy,
        locked: create_selector(move || busy.get() || is_past.get()),
        may: lacks.is_none(),
        tasks,
    };
    nav::guard(create_selector(move || {
        read.may && read.outcomes.with(|all| all.iter().any(|outcome| *outcome != Outcome::Saved))
    }));
    let ask = move || {
        let body = asked.get_clone_untracked();
        busy.set(true);
        tasks.spawn(async move {
            let answer = app.api.post::<Import>("/pipelines/import", &body).await.map(|answer| answer.value);
            batch(|| {
                busy.set(false);
                // A session that ended is told by the dialog that opens for it.
                if answer.as_ref().is_err_and(|error| error.status() == 401) {
                    return;
                }
                let mut items = answer.as_ref().map(Import::items).unwrap_or_default();
                let is_saved = import::find_again(&mut items, read.saved.get_clone_untracked());
                let outcome = |is_saved| if is_saved { Outcome::Saved } else { Outcome::Open };
                read.outcomes.set(is_saved.into_iter().map(outcome).collect());
                read.items.set(Rc::new(items));
                found.set(Some(Rc::new((body, answer))));
            });
        });
    };
    let load = move |event: web_sys::Event| {
        let Some((name, content)) = dom::file(&event) else { return };
        if let Some(known) = import::runtime_of(&name) {
            asked.update(|asked| asked.runtime = known);
        }
        tasks.spawn(async move {
            match content.await {
                Some(content) => batch(|| {
                    asked.update(|asked| asked.text.clone_from(&content));
                    filled.set(content);
                }),
                None => app.say(format!("{name} cannot be read.")),
            }
        });
    };
    let choose = move |event: web_sys::Event| {
        let is_alloy = dom::value(&event) == runtime_code(Runtime::Alloy);
        asked.update(|asked| asked.runtime = if is_alloy { Runtime::Alloy } else { Runtime::Otelcol });
    };
    let typed = move |event: web_sys::Event| asked.update(|asked| asked.text = dom::value(&event));
    let (runtime_id, file_id, text_id) = (new_id(), new_id(), new_id());
    let (runtime_for, file_for, text_for) = (runtime_id.clone(), file_id.clone(), text_id.clone());
    let button = busy_button("btn", "read-import", "Show what it becomes", *busy, ask);
    let read_only = lacks.map_or_else(View::new, look_only);
    let past = live_view(move || {
        if is_past.get() {
            bits::note(Tone::Warn, "The text or its runtime was changed since: read it again.")
        } else {
            View::new()
        }
    });
    let found = live_view(move || match found.get_clone().as_deref() {
        Some((_, Ok(import))) => shown(read, import),
        Some((_, Err(error))) => {
            let (title, detail) = (error.title(), error.in_words());
            bits::note(Tone::Bad, view! { b { (title) } div { (detail) } })
        }
        None => View::new(),
    });
    view! {
        div(class="stack") {
            (read_only)
            div(class="card") { div(class="form") {
                div(class="duo") {
                    div(class="field") {
                        label(r#for=runtime_for) { "Runtime" }
                        select(id=runtime_id, prop:value=runtime_code(asked.with(|asked| asked.runtime)), on:change=choose) {
                            option(value="otelcol") { "otelcol (YAML)" }
                            option(value="alloy") { "Alloy" }
                        }
                    }
                    div(class="field") {
                        label(r#for=file_for) { "File" span(class="opt") { "or paste it below" } }
                        // Emptied first, so that the same file can be chosen again.
                        input(id=file_id, r#type="file", accept=".yaml,.yml,.alloy,.river,.txt", on:click=|event: web_sys::MouseEvent| dom::empty(&event), on:change=load)
                    }
                }
                div(class="field") {
                    label(r#for=text_for) { "Configuration" }
                    textarea(id=text_id, class="code", rows="14", prop:value=filled.get_clone(), "spellcheck"="false", on:input=typed) {}
                }
                div(class="wait") { (button) }
            } }
            div(role="status", hidden=!is_past.get(), data-testid="import-past") {
                (past)
            }
            (found)
        }
    }
}

fn shown(read: Read, found: &Import) -> View {
    if !found.errors.is_empty() {
        let errors: Vec<View> = found
            .errors
            .iter()
            .map(|problem| {
                let (field, message) = (problem.field.clone(), bits::prose(&problem.message));
                view! { li { span(class="mono") { (field) } " " (message) } }
            })
            .collect();
        return bits::note(Tone::Bad, view! { ul(data-testid="import-errors") { (errors) } });
    }
    let items = read.items.get_clone_untracked();
    let rows: Vec<View> = items
        .iter()
        .enumerate()
        .map(|(index, item)| rows::row(read, index, item, &found.lacking(item).collect::<Vec<_>>()))
        .collect();
    let left: Vec<View> = found.left_over.iter().map(left_over).collect();
    let count = format::counted(items.len() as u64, "document", "documents");
    let made: View = if rows.is_empty() {
        bits::state(
            "empty",
            "pipelines",
            view! { "Nothing to make of it" },
            if left.is_empty() {
                view! { "The text holds no pipeline that has a source and a destination." }
            } else {
                view! { "None of its pipelines can be taken over. What is in the way stands below." }
            },
            View::new(),
        )
    } else {
        let all = move |_| rows::save(read, (0..read.items.with_untracked(|items| items.len())).collect());
        let all: View = if read.may {
            view! { button(r#type="button", class="btn go", data-testid="save-import", aria-disabled=if read.locked.get() { "true" } else { "false" }, on:click=all) { "Save all" } }
        } else {
            View::new()
        };
        view! {
            section(class="card", aria-label="What it becomes", data-testid="import-items") {
                div(class="card-head") { h2 { "What it becomes" } span(class="sub grow") { (count) ". Pipelines come without matchers, as drafts: they run nowhere until you choose the collectors." } (all) }
                div(class="trial") { (rows) }
            }
        }
    };
    let rest: View = if left.is_empty() {
        View::new()
    } else {
        view! {
            section(class="card", aria-label="Left over", data-testid="left-over") {
                div(class="card-head") { h2 { "Left over" } span(class="sub") { "Not in what is shown above, only as raw text, or not quite the same." } }
                div(class="trial") { (left) }
            }
        }
    };
    view! { (made) (rest) }
}

fn left_over(part: &LeftOver) -> View {
    let (path, reason) = (part.path.clone(), bits::prose(&part.reason));
    let text = code::plain("left-over-text", "The part", &part.text);
    let tag = bits::tag(match part.kind {
        LeftOverKind::Missing => Label { word: "Missing", tone: Tone::Bad },
        LeftOverKind::Raw => Label { word: "Raw", tone: Tone::Warn },
        LeftOverKind::Differs => Label { word: "Differs", tone: Tone::Warn },
        LeftOverKind::Unused => Label { word: "Not needed", tone: Tone::Off },
    });
    view! {
        div {
            details { summary { (tag) b(class="mono") { (path) } span(class="sub grow") { (reason) } } (text) }
        }
    }
}
