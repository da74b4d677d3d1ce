//! The pipeline editor: the chain as lanes of cards, the form of the chosen card beside what the pipeline becomes.

mod chain;
mod forms;
mod preview;

use std::rc::Rc;

use linkmesh_proto::{
    PipelineId,
    api::{
        catalogue::CatalogueEntry,
        destination::Destination,
        event::Event,
        list::Page,
        pipeline::{NewPipeline, Pipeline, PipelineDocument, PipelineSaved, Preview},
    },
};
use sycamore::prelude::*;

use crate::{
    api::{ApiError, Tagged, When},
    app::App,
    components::{
        bits,
        dialog::confirm,
        field::Form,
        loading::{self, Loader, Tasks},
        saving::{Editor, Saved},
    },
    live::Item,
    model::{
        chain::{self as model, Chosen},
        format,
        status::{Label, Tone},
    },
    nav,
};

/// What the parts of the editor share. `Copy`, so that closures may hold it.
#[derive(Clone, Copy)]
struct Ctx {
    app: App,
    editor: Editor<PipelineDocument>,
    id: Signal<Option<PipelineId>>,
    catalogue: Signal<Rc<Vec<CatalogueEntry>>>,
    destinations: Loader<Page<Destination>>,
    chosen: Signal<Chosen>,
    preview: Signal<Option<Preview>>,
    /// Why there is no preview.
    preview_error: Signal<Option<ApiError>>,
    /// Whether problems are shown: from the first change or attempt to save, not on an empty page.
    strict: Signal<bool>,
    form: Form,
    may: bool,
}

impl Ctx {
    fn entry(self, kind: &str) -> Option<CatalogueEntry> {
        self.catalogue.with_untracked(|catalogue| catalogue.iter().find(|entry| entry.kind == kind).cloned())
    }

    fn title_of(self, kind: &str) -> String {
        self.entry(kind).map_or_else(|| kind.to_owned(), |entry| entry.title)
    }

    /// Changes the document other than by a form.
    fn reshape(self, f: impl FnOnce(&mut PipelineDocument) -> Chosen) {
        batch(|| {
            let chosen = self.editor.document.update(f);
            self.chosen.set(chosen);
        });
    }
}

/// The editor of a new pipeline.
pub(super) fn create(app: App) -> View {
    let catalogue = Loader::new(move || app.api.get::<Page<CatalogueEntry>>("/catalogue"));
    let content = catalogue.show(loading::card_skeleton, move |catalogue| {
        let entries = catalogue.with_untracked(|page| page.items.clone());
        editor(app, entries, None, Tagged { value: model::blank(), etag: None })
    });
    view! { div(data-testid="pipeline") { (content) } }
}

/// The editor of a stored pipeline.
pub(super) fn edit(app: App, id: &str) -> View {
    let path = format!("/pipelines/{}", crate::model::filter::encode(id));
    let loader = Loader::new(move || {
        let path = path.clone();
        async move {
            let catalogue = app.api.get::<Page<CatalogueEntry>>("/catalogue").await?;
            let pipeline = app.api.get_tagged::<Pipeline>(&path).await?;
            Ok((catalogue.items, pipeline))
        }
    });
    let content = loader.show(loading::card_skeleton, move |loaded| {
        let (catalogue, pipeline) = loaded.get_clone_untracked();
        let Tagged { value, etag } = pipeline;
        editor(app, catalogue, Some(value.clone()), Tagged { value: value.document, etag })
    });
    view! { div(data-testid="pipeline") { (content) } }
}

fn editor(
    app: App,
    catalogue: Vec<CatalogueEntry>,
    stored: Option<Pipeline>,
    document: Tagged<PipelineDocument>,
) -> View {
    let editor = Editor::new(document.value, document.etag);
    let strict = create_signal(stored.is_some());
    let problems = create_memo(move || if strict.get() { editor.problems.get_clone() } else { Vec::new() });
    let may = app.may("pipelines:write");
    let ctx = Ctx {
        app,
        editor,
        id: create_signal(stored.as_ref().map(|stored| stored.id.clone())),
        catalogue: create_signal(Rc::new(catalogue)),
        destinations: Loader::new(move || app.api.get::<Page<Destination>>("/destinations?limit=500")),
        chosen: create_signal(Chosen::Pipeline),
        preview: create_signal(None),
        preview_error: create_signal(None),
        strict,
        form: Form { problems, locked: !may },
        may,
    };
    let dirty = editor.dirty();
    nav::guard(dirty);
    create_effect(move || {
        super::set_title(
            &editor.document.with(|document| {
                if document.name.is_empty() { "New pipeline".to_owned() } else { document.name.clone() }
            }),
        );
    });
    preview::follow(ctx);
    let meanwhile = watch_others(ctx, dirty, stored.as_ref().map(|stored| stored.revision.to_string()));
    let broken: View = match stored.as_ref().and_then(|stored| stored.broken.clone()) {
        Some(why) => bits::note(
            Tone::Bad,
            view! { b { "The file in the repository is broken. " } "Shown is its last good version, which stays in force; saving it mends the file." div(class="mono") { (why) } },
        ),
        None => View::new(),
    };
    let read_only: View = if may {
        View::new()
    } else {
        bits::note(Tone::Busy, view! { "You may look, not save. " (bits::needs("pipelines:write")) })
    };
    let body = forms::chosen(ctx);
    view! {
        (head(ctx, dirty))
        div(class="stack") {
            (broken)
            (read_only)
            (meanwhile)
            (chain::view(ctx))
            div(class="cols") {
                (preview::view(ctx))
                div(class="card") { (body) }
            }
        }
        (dialogs(ctx))
    }
}

fn head(ctx: Ctx, dirty: ReadSignal<bool>) -> View {
    let editor = ctx.editor;
    let deleting = create_signal(false);
    let tasks = Tasks::here();
    let delete = move || {
        let (Some(id), Some(etag)) = (ctx.id.get_clone_untracked(), editor.etag.get_clone_untracked()) else { return };
        tasks.spawn(async move {
            match ctx.app.api.delete(&format!("/pipelines/{id}"), When::Matches(etag)).await {
                Ok(()) => {
                    ctx.app.say("Deleted. Collectors that ran it get a configuration without it.");
                    nav::unguard();
                    nav::go("/pipelines");
                }
                Err(error) => ctx.app.complain(&error),
            }
        });
    };
    let review = move |_| {
        ctx.strict.set(true);
        editor.review();
    };
    let sub = view! {
        (match ctx.preview.with(|preview| preview.as_ref().map(|preview| preview.collectors.matched)) {
            _ if !editor.document.with(|document| document.enabled) => view! { "Disabled: runs nowhere." },
            _ if editor.document.with(|document| document.matchers.is_empty()) => view! { "A draft: without matchers it runs nowhere." },
            Some(matched) => {
                let count = format::count(matched);
                let word = if matched == 1 { " collector where " } else { " collectors where " };
                let matchers = editor.document.with(|document| document.matchers.clone());
                let parts: Vec<View> = matchers.into_iter().enumerate().map(|(index, matcher)| {
                    let and = if index > 0 { " and " } else { "" };
                    view! { (and) span(class="mono") { (matcher) } }
                }).collect();
                view! { "Runs on " b { (count) } (word) (parts) }
            }
            None => view! { "Counting collectors" },
        })
    };
    let name = view! { (editor.document.with(|document| if document.name.trim().is_empty() { "New pipeline".to_owned() } else { document.name.clone() })) };
    let actions = view! {
        (if dirty.get() { bits::tag(Label { word: "Unsaved changes", tone: Tone::Warn }) } else { View::new() })
        (if ctx.may {
            view! {
                (if dirty.get() && !editor.is_new() { view! { button(r#type="button", class="btn", on:click=move |_| editor.drop_changes()) { "Discard" } } } else { View::new() })
                (if !editor.is_new() { view! { button(r#type="button", class="btn danger", on:click=move |_| deleting.set(true)) { "Delete" } } } else { View::new() })
                button(r#type="button", class="btn go", data-testid="save", disabled=!dirty.get(), on:click=review) { "Review and save" }
            }
        } else {
            View::new()
        })
    };
    let sure = confirm(
        deleting,
        "Delete this pipeline?",
        move || {
            let matched =
                ctx.preview.with_untracked(|preview| preview.as_ref().map_or(0, |preview| preview.collectors.matched));
            let text = format!(
                "{} it now and will get a configuration without it. History keeps it: it can be restored.",
                format::counted(matched, "collector runs", "collectors run")
            );
            view! { p { (text) } }
        },
        "Delete",
        delete,
    );
    let head = bits::head(Some(("/pipelines", "Pipelines")), name, sub, actions);
    view! { (head) (sure) }
}

/// Says when somebody else saved the pipeline, and takes their version while nothing was changed here.
fn watch_others(ctx: Ctx, dirty: ReadSignal<bool>, known: Option<String>) -> View {
    let theirs = create_signal(false);
    let gone = create_signal(false);
    let known = create_signal(known.unwrap_or_default());
    let tasks = Tasks::here();
    let reload = move || {
        let Some(id) = ctx.id.get_clone_untracked() else { return };
        tasks.spawn(async move {
            let Ok(answer) = ctx.app.api.get_tagged::<Pipeline>(&format!("/pipelines/{id}")).await else { return };
            let revision = answer.value.revision.to_string();
            let is_news = ctx.editor.etag.with_untracked(|etag| *etag != answer.etag);
            known.set(revision);
            if is_news && !dirty.get_untracked() {
                ctx.editor.load(answer.value.document, answer.etag);
                theirs.set(false);
            } else {
                theirs.set(is_news);
            }
        });
    };
    ctx.app.live.subscribe(move |item| match item {
        Item::Reset => {
            ctx.destinations.reload();
            reload();
        }
        Item::Event(event) => match &**event {
            Event::PipelineSaved { id, revision, deleted } if ctx.id.with_untracked(|own| own.as_ref() == Some(id)) => {
                let revision = revision.to_string();
                if *deleted {
                    gone.set(true);
                } else if ctx.editor.saved_as.with_untracked(|own| *own != revision)
                    && known.with_untracked(|known| *known != revision)
                {
                    reload();
                }
            }
            Event::DestinationSaved { .. } => ctx.destinations.reload_soon(300),
            _ => {}
        },
    });
    view! {
        (if gone.get() {
            bits::note(Tone::Warn, view! { "Somebody deleted this pipeline. What is here is kept in this page only." })
        } else if theirs.get() {
            bits::note(Tone::Warn, view! { "Somebody else saved this pipeline meanwhile. Nothing of yours is lost: saving shows both versions to choose from." })
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
        match ctx.preview.with(|preview| preview.as_ref().map(|preview| preview.collectors.matched)) {
            Some(0) => {
                bits::note(Tone::Busy, view! { "No collector matches now. Those that come to match will run it." })
            }
            Some(matched) => {
                let text = format::counted(matched, "collector matches and gets", "collectors match and get");
                bits::note(Tone::Busy, view! { (text) " it at once: otelcol within seconds, Alloy at its next poll." })
            }
            None => View::new(),
        }
    };
    let how = move |document: PipelineDocument,
                    when: Option<When>|
          -> std::pin::Pin<Box<dyn Future<Output = Result<Saved<PipelineDocument>, ApiError>>>> {
        let id = ctx.id.get_clone_untracked();
        Box::pin(async move {
            let answer: Tagged<PipelineSaved> = match (when, id) {
                (Some(when), Some(id)) => app.api.put(&format!("/pipelines/{id}"), &document, when).await?,
                (_, id) => app.api.post("/pipelines", &NewPipeline { id, document }).await?,
            };
            let saved = answer.value;
            let href = format!("/pipelines/{}", saved.pipeline.id);
            let etag = match answer.etag {
                Some(etag) => Some(etag),
                None => app.api.get_tagged::<Pipeline>(&href).await?.etag,
            };
            Ok(Saved {
                document: saved.pipeline.document,
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
