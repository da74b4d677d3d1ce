//! The editor of a destination.

mod form;

use std::rc::Rc;

use linkmesh_proto::{
    DestinationId,
    api::{
        catalogue::{CatalogueEntry, Role},
        destination::{Destination, DestinationDocument, DestinationSaved, NewDestination},
        event::Event,
        list::Page,
        pipeline::Validation,
    },
};
use sycamore::prelude::*;

use crate::{
    See as _,
    api::{ApiError, Tagged, When},
    app::App,
    components::{
        bits,
        dialog::confirm,
        field::Form,
        loading::{self, Loader, Tasks},
        saving::{Editor, Saved},
    },
    dom,
    live::Item,
    model::{
        format,
        status::{Label, Tone},
    },
    nav,
};

#[derive(Clone, Copy)]
struct Ctx {
    app: App,
    editor: Editor<DestinationDocument>,
    id: Signal<Option<DestinationId>>,
    used_by: Signal<Vec<String>>,
    catalogue: Signal<Rc<Vec<CatalogueEntry>>>,
    warnings: Signal<Vec<String>>,
    strict: Signal<bool>,
    form: Form,
    may: bool,
}

/// The editor of a new destination.
pub(super) fn create(app: App) -> View {
    let catalogue = Loader::new(move || app.api.get::<Page<CatalogueEntry>>("/catalogue"));
    let content = catalogue.show(loading::card_skeleton, move |catalogue| {
        let entries: Vec<CatalogueEntry> = catalogue.with_untracked(|page| {
            page.items.iter().filter(|entry| entry.role == Role::Destination).cloned().collect()
        });
        let first = entries.first();
        let document = DestinationDocument {
            version: 1,
            name: String::new(),
            description: String::new(),
            kind: first.map(|entry| entry.kind.clone()).unwrap_or_default(),
            settings: first
                .and_then(|entry| entry.examples.first())
                .map(|example| example.settings.clone())
                .unwrap_or_default(),
        };
        page(app, entries, None, Tagged { value: document, etag: None })
    });
    view! { div(data-testid="destination") { (content) } }
}

/// The editor of a stored destination.
pub(super) fn edit(app: App, id: &str) -> View {
    let path = format!("/destinations/{}", crate::model::filter::encode(id));
    let loader = Loader::new(move || {
        let path = path.clone();
        async move {
            let catalogue = app.api.get::<Page<CatalogueEntry>>("/catalogue").await?;
            let destination = app.api.get_tagged::<Destination>(&path).await?;
            Ok((catalogue.items, destination))
        }
    });
    let content = loader.show(loading::card_skeleton, move |loaded| {
        let (catalogue, Tagged { value, etag }) = loaded.get_clone_untracked();
        let entries = catalogue.into_iter().filter(|entry| entry.role == Role::Destination).collect();
        page(app, entries, Some(value.clone()), Tagged { value: value.document, etag })
    });
    view! { div(data-testid="destination") { (content) } }
}

fn page(
    app: App,
    catalogue: Vec<CatalogueEntry>,
    stored: Option<Destination>,
    document: Tagged<DestinationDocument>,
) -> View {
    let editor = Editor::new(document.value, document.etag);
    let strict = create_signal(stored.is_some());
    let problems = create_memo(move || if strict.get() { editor.problems.get_clone() } else { Vec::new() });
    let may = app.may("destinations:write");
    let ctx = Ctx {
        app,
        editor,
        id: create_signal(stored.as_ref().map(|stored| stored.id.clone())),
        used_by: create_signal(
            stored.as_ref().map(|stored| stored.used_by.iter().map(ToString::to_string).collect()).unwrap_or_default(),
        ),
        catalogue: create_signal(Rc::new(catalogue)),
        warnings: create_signal(Vec::new()),
        strict,
        form: Form { problems, locked: !may },
        may,
    };
    let dirty = editor.dirty();
    nav::guard(dirty);
    create_effect(move || {
        super::set_title(&editor.document.with(|document| {
            if document.name.is_empty() { "New destination".to_owned() } else { document.name.clone() }
        }));
    });
    check(ctx);
    let meanwhile = watch_others(ctx, dirty);
    let broken: View = match stored.and_then(|stored| stored.broken) {
        Some(why) => bits::note(
            Tone::Bad,
            view! { b { "The file in the repository is broken. " } "Shown is its last good version, which stays in force; saving it mends the file." div(class="mono") { (why) } },
        ),
        None => View::new(),
    };
    let read_only: View = if may {
        View::new()
    } else {
        bits::note(Tone::Busy, view! { "You may look, not save. " (bits::needs("destinations:write")) })
    };
    let shape = create_selector(move || (editor.document.with(|document| document.kind.clone()), editor.rebuilt.get()));
    view! {
        (head(ctx, dirty))
        div(class="stack") {
            (broken)
            (read_only)
            (meanwhile)
            div(class="cols") {
                div(class="card") { (shape.see(|_| form::form(ctx))) }
                (users(ctx))
            }
        }
        (dialogs(ctx))
    }
}

/// Asks the server what is wrong whenever typing has paused.
fn check(ctx: Ctx) {
    let tasks = Tasks::here();
    let turn = create_signal(0_u32);
    create_effect(move || {
        let document = ctx.editor.document.get_clone();
        let now = turn.get_untracked() + 1;
        turn.set_silent(now);
        tasks.spawn(async move {
            dom::pause(400).await;
            if turn.get_untracked() != now {
                return;
            }
            let body = NewDestination { id: ctx.id.get_clone_untracked(), document };
            let result = ctx.app.api.post::<Validation>("/destinations/validate", &body).await;
            if turn.get_untracked() != now {
                return;
            }
            match result {
                Ok(answer) => batch(|| {
                    ctx.editor.problems.set(answer.value.errors);
                    ctx.warnings.set(answer.value.warnings.into_iter().map(|warning| warning.message).collect());
                }),
                Err(error) => ctx.editor.problems.set(error.fields()),
            }
        });
    });
}

fn head(ctx: Ctx, dirty: ReadSignal<bool>) -> View {
    let editor = ctx.editor;
    let deleting = create_signal(false);
    let tasks = Tasks::here();
    let delete = move || {
        let (Some(id), Some(etag)) = (ctx.id.get_clone_untracked(), editor.etag.get_clone_untracked()) else { return };
        tasks.spawn(async move {
            match ctx.app.api.delete(&format!("/destinations/{id}"), When::Matches(etag)).await {
                Ok(()) => {
                    ctx.app.say("Deleted.");
                    nav::unguard();
                    nav::go("/destinations");
                }
                Err(error) => ctx.app.complain(&error),
            }
        });
    };
    let review = move |_| {
        ctx.strict.set(true);
        editor.review();
    };
    let actions = view! {
        (if dirty.get() { bits::tag(Label { word: "Unsaved changes", tone: Tone::Warn }) } else { View::new() })
        (if ctx.may {
            view! {
                (if dirty.get() && !editor.is_new() { view! { button(r#type="button", class="btn", on:click=move |_| editor.drop_changes()) { "Discard" } } } else { View::new() })
                (if !editor.is_new() {
                    let used = ctx.used_by.with(|used| !used.is_empty());
                    view! { button(r#type="button", class="btn danger", disabled=used, title=if used { "Pipelines send to it; take it out of them first" } else { "Delete" }, on:click=move |_| deleting.set(true)) { "Delete" } }
                } else {
                    View::new()
                })
                button(r#type="button", class="btn go", data-testid="save", disabled=!dirty.get() && !editor.is_new(), on:click=review) { "Review and save" }
            }
        } else {
            View::new()
        })
    };
    let name = view! { (editor.document.with(|document| if document.name.trim().is_empty() { "New destination".to_owned() } else { document.name.clone() })) };
    let sub = view! { (editor.document.with(|document| document.description.clone())) };
    let head = bits::head(Some(("/destinations", "Destinations")), name, sub, actions);
    let sure = confirm(
        deleting,
        "Delete this destination?",
        || view! { p { "No pipeline sends to it. History keeps it: it can be restored, though a sealed secret may have to be typed again." } },
        "Delete",
        delete,
    );
    view! { (head) (sure) }
}

fn users(ctx: Ctx) -> View {
    view! {
        section(class="card", aria-label="Used by") {
            div(class="card-head") { h2 { "Used by" } }
            (ctx.used_by.see(|used| {
                if used.is_empty() {
                    return view! { div(class="card-body sub") { "No pipeline sends to it." } };
                }
                let rows: Vec<View> = used.iter().map(|id| {
                    let (href, name) = (format!("/pipelines/{id}"), id.clone());
                    view! { tr { td { a(class="name", href=href) { (name) } } } }
                }).collect();
                view! { table(on:keydown=|event: web_sys::KeyboardEvent| dom::arrows(&event)) { tbody { (rows) } } }
            }))
        }
    }
}

/// Takes what somebody else saved while nothing was changed here, and says so otherwise.
fn watch_others(ctx: Ctx, dirty: ReadSignal<bool>) -> View {
    let theirs = create_signal(false);
    let tasks = Tasks::here();
    let reload = move || {
        let Some(id) = ctx.id.get_clone_untracked() else { return };
        tasks.spawn(async move {
            let Ok(answer) = ctx.app.api.get_tagged::<Destination>(&format!("/destinations/{id}")).await else {
                return;
            };
            ctx.used_by.set(answer.value.used_by.iter().map(ToString::to_string).collect());
            if ctx.editor.etag.with_untracked(|etag| *etag == answer.etag) {
                return;
            }
            if dirty.get_untracked() {
                theirs.set(true);
            } else {
                ctx.editor.load(answer.value.document, answer.etag);
            }
        });
    };
    ctx.app.live.subscribe(move |item| match item {
        Item::Reset => reload(),
        Item::Event(event) => match &**event {
            Event::DestinationSaved { id, revision, .. }
                if ctx.id.with_untracked(|own| own.as_ref() == Some(id))
                    && ctx.editor.saved_as.with_untracked(|own| *own != revision.to_string()) =>
            {
                reload();
            }
            Event::PipelineSaved { .. } => reload(),
            _ => {}
        },
    });
    view! {
        (if theirs.get() {
            bits::note(Tone::Warn, view! { "Somebody else saved this destination meanwhile. Nothing of yours is lost: saving shows both versions to choose from." })
        } else {
            View::new()
        })
    }
}

fn dialogs(ctx: Ctx) -> View {
    let app = ctx.app;
    let note = move || {
        let errors = ctx.editor.problems.with(Vec::len);
        if errors > 0 {
            let text = format::counted(errors as u64, "problem stops", "problems stop");
            return bits::note(Tone::Bad, view! { (text) " this from being saved. They stand at their fields." });
        }
        let used = ctx.used_by.with(Vec::len) as u64;
        if used == 0 {
            return View::new();
        }
        let text = format::counted(used, "pipeline sends", "pipelines send");
        bits::note(Tone::Busy, view! { (text) " to it; the collectors that run them get the change at once." })
    };
    let how = move |document: DestinationDocument,
                    when: Option<When>|
          -> std::pin::Pin<Box<dyn Future<Output = Result<Saved<DestinationDocument>, ApiError>>>> {
        let id = ctx.id.get_clone_untracked();
        Box::pin(async move {
            let answer: Tagged<DestinationSaved> = match (when, id) {
                (Some(when), Some(id)) => app.api.put(&format!("/destinations/{id}"), &document, when).await?,
                (_, id) => app.api.post("/destinations", &NewDestination { id, document }).await?,
            };
            let saved = answer.value;
            let href = format!("/destinations/{}", saved.destination.id);
            let etag = match answer.etag {
                Some(etag) => Some(etag),
                None => app.api.get_tagged::<Destination>(&href).await?.etag,
            };
            Ok(Saved {
                document: saved.destination.document,
                etag,
                href,
                revision: saved.revision.to_string(),
                affected: saved.affected,
                warnings: saved.warnings,
            })
        })
    };
    ctx.editor.dialogs(note, how, move |saved, was_new| {
        if was_new {
            nav::replace(&saved.href);
        }
    })
}
