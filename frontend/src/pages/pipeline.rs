//! The pipeline editor: the chain as lanes of cards, the form of the chosen card beside what the pipeline becomes.

mod chain;
mod delivery;
mod dry_run;
mod forms;
mod preview;

use std::rc::Rc;

use linkmesh_proto::api::{
    catalogue::{CatalogueEntry, Role},
    destination::Destination,
    event::Event,
    fleet::FleetSummary,
    list::Page,
    pipeline::{Pipeline, PipelineDocument, PipelineSaved, Preview},
};
use sycamore::prelude::*;

use super::editor::{self, Added, Edited, Frame, Parts, SavedAs, Told, Words};
use crate::{
    api::ApiError,
    app::App,
    components::{
        bits,
        field::Form,
        loading::Loader,
        saving::{Document, Editor},
    },
    live::Item,
    model::{
        chain::{self as model, Chosen},
        delivery as delivery_model, format, kinds,
        status::Tone,
    },
};

impl Document for PipelineDocument {
    type Shown = Pipeline;

    fn of(shown: Pipeline) -> Self {
        shown.document
    }
}

impl Edited for PipelineDocument {
    type Answer = PipelineSaved;

    const WORDS: Words = Words {
        path: "/pipelines",
        plural: "Pipelines",
        new: "New pipeline",
        this: "this pipeline",
        permission: "pipelines:write",
        delete: "Delete this pipeline?",
        deleted: "Deleted. Collectors that ran it get a configuration without it.",
    };

    fn name(&self) -> &str {
        &self.name
    }

    fn added(shown: &Pipeline) -> Added {
        Added {
            id: shown.id.to_string(),
            broken: shown.broken.clone(),
            in_the_clear: shown.in_the_clear.clone(),
            used_by: Vec::new(),
        }
    }

    fn saved(answer: PipelineSaved) -> SavedAs<Self> {
        let PipelineSaved { pipeline, revision, affected, warnings, .. } = answer;
        SavedAs { shown: pipeline, revision, affected, warnings }
    }

    fn told(event: &Event) -> Option<Told> {
        match event {
            Event::PipelineSaved { id, revision, deleted } => {
                Some(Told { id: id.to_string(), revision: *revision, deleted: *deleted })
            }
            _ => None,
        }
    }
}

/// What the parts of the editor share. `Copy`, so that closures may hold it.
#[derive(Clone, Copy)]
struct Ctx {
    app: App,
    frame: Frame<PipelineDocument>,
    editor: Editor<PipelineDocument>,
    catalogue: Signal<Rc<Vec<CatalogueEntry>>>,
    destinations: Loader<Page<Destination>>,
    chosen: Signal<Chosen>,
    preview: Signal<Option<Preview>>,
    /// The collectors that should run what is saved, once they are counted.
    fleet: Signal<Option<FleetSummary>>,
    /// Why there is no preview.
    preview_error: Signal<Option<ApiError>>,
    /// What is tried on sample records.
    trial: dry_run::Trial,
    form: Form,
    may: bool,
}

impl Ctx {
    /// What a kind is in this role: `raw` is one in each.
    fn entry(self, role: Role, kind: &str) -> Option<CatalogueEntry> {
        self.catalogue.with_untracked(|all| all.iter().find(|entry| entry.role == role && entry.kind == kind).cloned())
    }

    fn title_of(self, role: Role, kind: &str) -> String {
        self.entry(role, kind).map_or_else(|| kind.to_owned(), |entry| kinds::title(&entry))
    }

    /// Changes the document other than by a form.
    fn reshape(self, f: impl FnOnce(&mut PipelineDocument) -> Chosen) {
        batch(|| {
            let chosen = self.editor.document.update(f);
            self.chosen.set(chosen);
        });
    }

    /// How many collectors the matchers select, once that is known.
    fn matched(self) -> Option<u64> {
        self.preview.with(|preview| preview.as_ref().map(|preview| preview.collectors.matched))
    }
}

/// The editor of a new pipeline.
pub(super) fn create(app: App) -> View {
    let content = editor::open(app, None, |_| model::blank(), parts);
    view! { div(data-testid="pipeline") { (content) } }
}

/// The editor of a stored pipeline.
pub(super) fn edit(app: App, id: &str) -> View {
    let content = editor::open(app, Some(id), |_| model::blank(), parts);
    view! { div(data-testid="pipeline") { (content) } }
}

fn parts(frame: Frame<PipelineDocument>, catalogue: Rc<Vec<CatalogueEntry>>) -> Parts {
    let app = frame.app;
    let ctx = Ctx {
        app,
        frame,
        editor: frame.editor,
        catalogue: create_signal(catalogue),
        destinations: Loader::new(move || app.api.all::<Destination>("/destinations")),
        chosen: create_signal(Chosen::Pipeline),
        preview: create_signal(None),
        fleet: create_signal(None),
        preview_error: create_signal(None),
        trial: dry_run::Trial::new(),
        form: frame.form,
        may: frame.may,
    };
    preview::follow(ctx);
    app.live.subscribe(move |item| match item {
        Item::Reset => ctx.destinations.reload(),
        Item::Event(event) => {
            if matches!(**event, Event::DestinationSaved { .. }) {
                ctx.destinations.reload_soon(300);
            }
        }
    });
    Parts {
        sub: sub(ctx),
        body: {
            let (delivery, chain) = (delivery::view(ctx), chain::view(ctx));
            let (preview, form) = (preview::view(ctx), forms::card(ctx));
            view! { (delivery) (chain) div(class="cols") { (preview) (form) } }
        },
        kept: *create_signal(None),
        sure: Rc::new(move || {
            // Of what is saved, whatever the matchers are that are being typed.
            let text = delivery_model::without_it(ctx.fleet.with(|fleet| fleet.as_ref().map(|fleet| fleet.total)));
            view! { p { (text) } }
        }),
        note: Rc::new(move || {
            let is_enabled = ctx.editor.document.with(|document| document.enabled);
            let said = ctx.preview.with(|preview| {
                let collectors = &preview.as_ref()?.collectors;
                Some((delivery_model::of_save(is_enabled, collectors), collectors.loses > 0))
            });
            match said {
                Some((text, loses)) => bits::note(if loses { Tone::Warn } else { Tone::Busy }, view! { (text) }),
                None => View::new(),
            }
        }),
    }
}

/// Where it runs, in a sentence.
fn sub(ctx: Ctx) -> View {
    let editor = ctx.editor;
    view! {
        (match ctx.matched() {
            _ if !editor.document.with(|document| document.enabled) => view! { "Disabled: runs nowhere." },
            _ if editor.document.with(|document| document.matchers.is_empty()) => view! { "A draft: without matchers it runs nowhere." },
            _ if editor.problems.with(|problems| problems.iter().any(|problem| problem.field.starts_with("match["))) => view! { "A matcher cannot be read." },
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
    }
}
