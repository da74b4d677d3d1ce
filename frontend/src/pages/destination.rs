//! The editor of a destination.

mod form;

use std::{collections::BTreeMap, rc::Rc};

use linkmesh_proto::{
    PipelineId,
    api::{
        catalogue::{CatalogueEntry, Role},
        destination::{Destination, DestinationDocument, DestinationSaved},
        event::Event,
        pipeline::Validation,
        problem::FieldProblem,
    },
};
use serde_json::{Map, Value};
use sycamore::prelude::*;

use super::editor::{self, Added, Edited, Frame, Parts, SavedAs, Told, Words};
use crate::{
    See as _,
    app::App,
    components::{
        bits,
        field::Form,
        loading::Tasks,
        names::pipeline_link,
        saving::{Document, Editor},
    },
    dom,
    live::Item,
    model::{format, status::Tone},
};

impl Document for DestinationDocument {
    type Shown = Destination;

    fn of(shown: Destination) -> Self {
        shown.document
    }
}

impl Edited for DestinationDocument {
    type Answer = DestinationSaved;

    const WORDS: Words = Words {
        path: "/destinations",
        plural: "Destinations",
        new: "New destination",
        this: "this destination",
        permission: "destinations:write",
        delete: "Delete this destination?",
        deleted: "Deleted.",
    };

    fn name(&self) -> &str {
        &self.name
    }

    fn added(shown: &Destination) -> Added {
        Added {
            id: shown.id.to_string(),
            broken: shown.broken.clone(),
            in_the_clear: shown.in_the_clear.clone(),
            used_by: shown.used_by.clone(),
        }
    }

    fn saved(answer: DestinationSaved) -> SavedAs<Self> {
        let DestinationSaved { destination, revision, affected, warnings, .. } = answer;
        SavedAs { shown: destination, revision, affected, warnings }
    }

    fn told(event: &Event) -> Option<Told> {
        match event {
            Event::DestinationSaved { id, revision, deleted } => {
                Some(Told { id: id.to_string(), revision: *revision, deleted: *deleted })
            }
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
struct Ctx {
    frame: Frame<DestinationDocument>,
    editor: Editor<DestinationDocument>,
    /// The kinds of destinations.
    catalogue: Signal<Rc<Vec<CatalogueEntry>>>,
    warnings: Signal<Vec<String>>,
    /// Settings of kinds that were left for another one, should they be chosen again.
    left: Signal<BTreeMap<String, Map<String, Value>>>,
    form: Form,
}

/// The editor of a new destination.
pub(super) fn create(app: App) -> View {
    let content = editor::open(app, None, blank, parts);
    view! { div(data-testid="destination") { (content) } }
}

/// The editor of a stored destination.
pub(super) fn edit(app: App, id: &str) -> View {
    let content = editor::open(app, Some(id), blank, parts);
    view! { div(data-testid="destination") { (content) } }
}

fn kinds(catalogue: &[CatalogueEntry]) -> impl Iterator<Item = &CatalogueEntry> {
    catalogue.iter().filter(|entry| entry.role == Role::Destination)
}

/// Of no kind yet: that is chosen first.
fn blank(_: &[CatalogueEntry]) -> DestinationDocument {
    DestinationDocument {
        version: 1,
        name: String::new(),
        description: String::new(),
        kind: String::new(),
        settings: Map::new(),
    }
}

/// What is wrong with a document without a kind. The server would say more of a kind that nobody has chosen.
fn without_kind(name: &str) -> Vec<FieldProblem> {
    let missing = |field: &str, message: &str| FieldProblem {
        field: field.to_owned(),
        code: "missing".to_owned(),
        message: message.to_owned(),
    };
    let mut problems = vec![missing("kind", "must be chosen")];
    if name.is_empty() {
        problems.push(missing("name", "must be given"));
    }
    problems
}

fn parts(frame: Frame<DestinationDocument>, catalogue: Rc<Vec<CatalogueEntry>>) -> Parts {
    let editor = frame.editor;
    let ctx = Ctx {
        frame,
        editor,
        catalogue: create_signal(Rc::new(kinds(&catalogue).cloned().collect())),
        warnings: create_signal(Vec::new()),
        left: create_signal(BTreeMap::new()),
        form: frame.form,
    };
    check(ctx);
    // Who uses it changes with pipelines.
    frame.app.live.subscribe(move |item| {
        if matches!(item, Item::Event(event) if matches!(**event, Event::PipelineSaved { .. })) {
            frame.look();
        }
    });
    let shape = create_selector(move || (editor.document.with(|document| document.kind.clone()), editor.rebuilt.get()));
    Parts {
        sub: view! { (editor.document.with(|document| document.description.clone())) },
        body: {
            let users = users(frame.app, *frame.used_by);
            view! { div(class="cols") { div(class="card") { (shape.see(|_| form::form(ctx))) } (users) } }
        },
        kept: create_selector(move || {
            frame.used_by.with(|used| (!used.is_empty()).then_some("Pipelines send to it; take it out of them first"))
        }),
        sure: Rc::new(
            || view! { p { "No pipeline sends to it. History keeps it: it can be restored, though a sealed secret may have to be typed again." } },
        ),
        note: Rc::new(move || {
            let used = frame.used_by.with(Vec::len) as u64;
            if used == 0 {
                return View::new();
            }
            let text = format::counted(used, "pipeline sends", "pipelines send");
            bits::note(Tone::Busy, view! { (text) " to it; the collectors that run them get the change at once." })
        }),
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
        if document.kind.is_empty() {
            return batch(|| {
                ctx.editor.problems.set(without_kind(&document.name));
                ctx.warnings.set(Vec::new());
            });
        }
        tasks.spawn(async move {
            dom::pause(400).await;
            if turn.get_untracked() != now {
                return;
            }
            let body = ctx.frame.draft(&document);
            let result = ctx.frame.app.api.post::<Validation>("/destinations/validate", &body).await;
            if turn.get_untracked() != now {
                return;
            }
            match result {
                Ok(answer) => batch(|| {
                    ctx.editor.problems.set(answer.value.errors);
                    ctx.warnings.set(answer.value.warnings.into_iter().map(|warning| warning.message).collect());
                }),
                Err(error) => batch(|| {
                    ctx.editor.problems.set(error.fields());
                    // A session that ended is told by the dialog that opens for it.
                    let unchecked = error.fields().is_empty() && error.status() != 401;
                    ctx.warnings.set(if unchecked {
                        vec![format!("Not checked. {}", error.in_words())]
                    } else {
                        Vec::new()
                    });
                }),
            }
        });
    });
}

fn users(app: App, used_by: ReadSignal<Vec<PipelineId>>) -> View {
    app.names.want();
    view! {
        section(class="card", aria-label="Used by") {
            div(class="card-head") { h2 { "Used by" } }
            (used_by.see(|used| {
                if used.is_empty() {
                    return view! { div(class="card-body sub") { "No pipeline sends to it." } };
                }
                let rows: Vec<View> = used.iter().map(|id| {
                    let link = pipeline_link("name", id);
                    view! { tr { td { (link) } } }
                }).collect();
                view! { table(on:keydown=|event: web_sys::KeyboardEvent| dom::arrows(&event)) { tbody { (rows) } } }
            }))
        }
    }
}
