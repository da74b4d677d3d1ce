//! Import: what a collector runs by a file of its own, as pipelines and destinations. What it becomes is shown first; nothing
//! is saved before somebody says so, and then by the requests that every save makes.

use std::rc::Rc;

use linkmesh_proto::api::{
    catalogue::CatalogueEntry,
    collector::Runtime,
    list::Page,
    pipeline::{LeftOver, LeftOverKind, NewImport},
};
use serde::de::IgnoredAny;
use serde_json::Value;
use sycamore::prelude::*;

use crate::{
    See as _,
    api::ApiError,
    app::App,
    components::{
        bits, code,
        field::new_id,
        loading::{self, Loader, Tasks, busy_button},
    },
    dom,
    model::{
        format,
        import::{self, Import, Item},
        secrets,
        status::{Label, Tone, runtime_code},
        yaml,
    },
};

/// What became of saving an item.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Open,
    Saving,
    Saved,
    Failed(String),
    /// Not tried, since something that it sends to is not saved.
    Waits(String),
}

/// What was read. `Copy`, so that closures may hold it.
#[derive(Clone, Copy)]
struct Read {
    app: App,
    catalogue: Signal<Rc<Vec<CatalogueEntry>>>,
    items: Signal<Rc<Vec<Item>>>,
    /// For each item.
    outcomes: Signal<Vec<Outcome>>,
    busy: Signal<bool>,
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
    let runtime = create_signal(Runtime::Otelcol);
    let text = create_signal(String::new());
    // What a file put there; what is typed is not put there again.
    let filled = create_signal(String::new());
    let found = create_signal(None::<Rc<Result<Import, ApiError>>>);
    let busy = create_signal(false);
    let tasks = Tasks::here();
    let read = move || {
        let body = NewImport { runtime: runtime.get_untracked(), text: text.get_clone_untracked() };
        busy.set(true);
        tasks.spawn(async move {
            let answer = app.api.post::<Import>("/pipelines/import", &body).await;
            batch(|| {
                busy.set(false);
                found.set(Some(Rc::new(answer.map(|answer| answer.value))));
            });
        });
    };
    let load = move |event: web_sys::Event| {
        let Some((name, content)) = dom::file(&event) else { return };
        if let Some(known) = import::runtime_of(&name) {
            runtime.set(known);
        }
        tasks.spawn(async move {
            match content.await {
                Some(content) => batch(|| {
                    text.set(content.clone());
                    filled.set(content);
                }),
                None => app.say(format!("{name} cannot be read.")),
            }
        });
    };
    let choose = move |event: web_sys::Event| {
        let is_alloy = dom::value(&event) == runtime_code(Runtime::Alloy);
        runtime.set(if is_alloy { Runtime::Alloy } else { Runtime::Otelcol });
    };
    let (runtime_id, file_id, text_id) = (new_id(), new_id(), new_id());
    let (runtime_for, file_for, text_for) = (runtime_id.clone(), file_id.clone(), text_id.clone());
    let button = busy_button("btn", "read-import", "Show what it becomes", *busy, read);
    view! {
        div(class="stack") {
            div(class="card") { div(class="form") {
                div(class="duo") {
                    div(class="field") {
                        label(r#for=runtime_for) { "Runtime" }
                        select(id=runtime_id, prop:value=runtime_code(runtime.get()), on:change=choose) {
                            option(value="otelcol") { "otelcol (YAML)" }
                            option(value="alloy") { "Alloy" }
                        }
                    }
                    div(class="field") {
                        label(r#for=file_for) { "File" span(class="opt") { "or paste it below" } }
                        input(id=file_id, r#type="file", accept=".yaml,.yml,.alloy,.river,.txt", on:change=load)
                    }
                }
                div(class="field") {
                    label(r#for=text_for) { "Configuration" }
                    textarea(id=text_id, class="code", rows="14", prop:value=filled.get_clone(), "spellcheck"="false", on:input=move |event: web_sys::Event| text.set(dom::value(&event))) {}
                }
                div(class="wait") { (button) }
            } }
            (found.see(|found| match found.as_deref() {
                Some(Ok(import)) => shown(app, catalogue, import),
                Some(Err(error)) => {
                    let (title, detail) = (error.title(), error.in_words());
                    bits::note(Tone::Bad, view! { b { (title) } div { (detail) } })
                }
                None => View::new(),
            }))
        }
    }
}

fn shown(app: App, catalogue: Signal<Rc<Vec<CatalogueEntry>>>, found: &Import) -> View {
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
    let items = Rc::new(found.items());
    let read = Read {
        app,
        catalogue,
        outcomes: create_signal(vec![Outcome::Open; items.len()]),
        items: create_signal(Rc::clone(&items)),
        busy: create_signal(false),
        tasks: Tasks::here(),
    };
    let rows: Vec<View> = items
        .iter()
        .enumerate()
        .map(|(index, item)| row(read, index, item, &found.lacking(item).collect::<Vec<_>>()))
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
        let all = busy_button("btn go", "save-import", "Save all", *read.busy, move || {
            save(read, (0..read.items.with_untracked(|items| items.len())).collect());
        });
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

fn row(read: Read, index: usize, item: &Item, lacking: &[&str]) -> View {
    let (name, what) = (item.name().to_owned(), item.what);
    let label = format!("Save {name}");
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
    let path = item.path;
    let id = move || read.items.with(|items| items.get(index).map(|item| item.id.clone()).unwrap_or_default());
    let outcome = create_selector(move || read.outcomes.with(|all| all.get(index).cloned()).unwrap_or(Outcome::Open));
    let said = move || match outcome.get_clone() {
        Outcome::Saved => {
            let href = format!("{path}/{}", id());
            let tag = bits::tag(Label { word: "Saved", tone: Tone::Ok });
            view! { (tag) a(class="btn small", href=href) { "Open" } }
        }
        Outcome::Saving => view! { span(class="sub", role="status") { "Saving …" } },
        _ => {
            let label = label.clone();
            view! { button(r#type="button", class="btn small", aria-label=label, disabled=read.busy.get(), on:click=move |_| {
                save(read, read.items.with_untracked(|items| import::with_needed(items, index)));
            }) { "Save" } }
        }
    };
    let failed = move || match outcome.get_clone() {
        Outcome::Failed(why) => {
            let note = bits::note(Tone::Bad, view! { (why) });
            // Untracked: what is typed is not put there again.
            let (value, field_id) = (untrack(id), new_id());
            let field_for = field_id.clone();
            let typed = move |event: web_sys::Event| {
                let id = dom::value(&event).trim().to_owned();
                read.items.update(|items| {
                    if let Some(item) = Rc::make_mut(items).get_mut(index) {
                        item.id = id;
                    }
                });
            };
            view! {
                div(class="form") {
                    (note)
                    div(class="field") {
                        label(r#for=field_for) { "Id" }
                        input(id=field_id, r#type="text", class="mono", value=value, autocomplete="off", "spellcheck"="false", data-testid="import-id", on:input=typed)
                        small { "What sends to it is given the same. Then save it." }
                    }
                }
            }
        }
        Outcome::Waits(why) => {
            let note = bits::note(Tone::Warn, view! { (why) });
            view! { div(class="form") { (note) } }
        }
        _ => View::new(),
    };
    view! {
        div(data-testid="import-item") {
            div(class="beside") {
                details { summary { b { (name) } span(class="sub grow") { (what) } } (document.see(text)) }
                div(class="wait") { (said()) }
            }
            (without)
            (failed())
        }
    }
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

/// What an item sends to that could not be saved.
fn unsaved(read: Read, index: usize) -> Option<String> {
    let has_failed = |at: &usize| read.outcomes.with_untracked(|all| matches!(all.get(*at), Some(Outcome::Failed(_))));
    read.items.with_untracked(|items| {
        let needed = import::with_needed(items, index).into_iter().find(|at| *at != index && has_failed(at))?;
        Some(items.get(needed)?.name().to_owned())
    })
}

/// Saves these, one after another, but for those that are saved already; each says what became of it.
fn save(read: Read, indexes: Vec<usize>) {
    let set = move |index: usize, outcome: Outcome| {
        read.outcomes.update(|all| {
            if let Some(known) = all.get_mut(index) {
                *known = outcome;
            }
        });
    };
    let is_saved = move |index: usize| read.outcomes.with_untracked(|all| all.get(index) == Some(&Outcome::Saved));
    read.busy.set(true);
    read.tasks.spawn(async move {
        for index in indexes.into_iter().filter(|index| !is_saved(*index)) {
            let item = read.items.with_untracked(|items| Some((items.get(index)?.path, import::to_send(items, index))));
            let Some((path, body)) = item else { continue };
            // Under that id stands something else: nothing may be sent there unasked.
            if let Some(name) = unsaved(read, index) {
                set(index, Outcome::Waits(format!("It sends to {name}, which is not saved.")));
                continue;
            }
            set(index, Outcome::Saving);
            // Of the answer nothing more is needed than that it is one.
            let result = read.app.api.post::<IgnoredAny>(path, &Value::Object(body)).await;
            set(
                index,
                match result {
                    Ok(_) => Outcome::Saved,
                    Err(error) => Outcome::Failed(error.in_words()),
                },
            );
        }
        read.busy.set(false);
    });
}
