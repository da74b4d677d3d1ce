//! Trying the pipeline on sample records: what each step does to them, and what reaches each destination. The server runs
//! it; nothing is stored and no collector is asked.

mod outcome;

use std::rc::Rc;

use linkmesh_proto::api::{
    catalogue::Role,
    collector::Runtime,
    pipeline::{DryRun, NewDryRun},
};
use serde_json::Value;
use sycamore::prelude::*;

use super::Ctx;
use crate::{
    See as _,
    api::ApiError,
    components::{
        field::new_id,
        loading::{Tasks, busy_button},
    },
    dom,
    model::{
        chain as model,
        dry_run::{self, Input, Tried},
        problems, samples,
        status::runtime_code,
    },
};

/// What is tried, and what became of it; kept while other tabs are looked at.
#[derive(Clone, Copy)]
pub(super) struct Trial {
    input: Signal<Input>,
    /// Whether the records or their source were chosen by hand: then they do not follow the pipeline any more.
    is_own: Signal<bool>,
    /// Whether the runtime was: then it does not follow the collectors that match.
    is_own_runtime: Signal<bool>,
    tried: Signal<Option<Rc<Tried>>>,
    failure: Signal<Option<ApiError>>,
    busy: Signal<bool>,
    tasks: Tasks,
}

impl Trial {
    /// Nothing tried yet.
    pub(super) fn new() -> Self {
        Self {
            input: create_signal(Input::default()),
            is_own: create_signal(false),
            is_own_runtime: create_signal(false),
            tried: create_signal(None),
            failure: create_signal(None),
            busy: create_signal(false),
            tasks: Tasks::here(),
        }
    }
}

fn run(ctx: Ctx) {
    let trial = ctx.trial;
    if trial.busy.get_untracked() {
        return;
    }
    let (document, input) = (ctx.editor.document.get_clone_untracked(), trial.input.get_clone_untracked());
    let body = NewDryRun {
        pipeline: ctx.frame.draft(&document),
        records: Value::String(input.text.clone()),
        runtime: input.runtime,
        source: input.source.parse().ok(),
        // What is no number is marked in its field.
        seed: input.seed.trim().parse().unwrap_or_default(),
    };
    trial.busy.set(true);
    trial.tasks.spawn(async move {
        let result = ctx.app.api.post::<DryRun>("/pipelines/dry-run", &body).await;
        batch(|| {
            trial.busy.set(false);
            match result {
                Ok(answer) => {
                    trial.failure.set(None);
                    trial.tried.set(Some(Rc::new(Tried { document, input, outcome: answer.value })));
                }
                // A session that ended is told by the dialog that opens for it.
                Err(error) if error.status() == 401 => {}
                Err(error) => trial.failure.set(Some(error)),
            }
        });
    });
}

pub(super) fn view(ctx: Ctx) -> View {
    let key = move |event: web_sys::KeyboardEvent| {
        if (event.ctrl_key() || event.meta_key()) && event.key() == "Enter" {
            event.prevent_default();
            run(ctx);
        }
    };
    let (form, outcome) = (form(ctx), outcome::view(ctx));
    view! { div(data-testid="dry-run", on:keydown=key) { (form) (outcome) } }
}

/// The examples and the sources to choose from; `fill` puts an example into the field of the records.
fn choices(ctx: Ctx, fill: impl Fn() + Copy + 'static) -> View {
    let trial = ctx.trial;
    let document = ctx.editor.document.get_clone_untracked();
    let offered: Rc<Vec<_>> = Rc::new(samples::of(&document).collect());
    let known = Rc::clone(&offered);
    let chosen = create_selector(move || {
        let at = trial.input.with(|input| known.iter().position(|sample| sample.text() == input.text));
        at.map_or_else(String::new, |index| index.to_string())
    });
    let mut examples = vec![view! { option(value="") { "Own records" } }];
    examples.extend(offered.iter().enumerate().map(|(index, sample)| {
        let (value, title) = (index.to_string(), sample.title);
        view! { option(value=value) { (title) } }
    }));
    let take = move |event: web_sys::Event| {
        trial.is_own.set(true);
        if let Some(sample) = dom::value(&event).parse().ok().and_then(|index: usize| offered.get(index)) {
            trial.input.update(|input| input.text = sample.text());
            fill();
        }
    };
    let mut sources = vec![view! { option(value="") { "None in particular" } }];
    sources.extend(document.sources.iter().map(|step| {
        let (value, name) = (step.id.to_string(), model::card_name(step, &ctx.title_of(Role::Source, &step.kind)));
        view! { option(value=value) { (name) } }
    }));
    let from = move |event: web_sys::Event| {
        trial.is_own.set(true);
        trial.input.update(|input| input.source = dom::value(&event));
    };
    let (example_id, source_id) = (new_id(), new_id());
    let (example_for, source_for) = (example_id.clone(), source_id.clone());
    view! {
        div(class="duo") {
            div(class="field") {
                label(r#for=example_for) { "Example" }
                select(id=example_id, prop:value=chosen.get_clone(), on:change=take) { (examples) }
            }
            div(class="field") {
                label(r#for=source_for) { "Source" }
                select(id=source_id, prop:value=trial.input.with(|input| input.source.clone()), on:change=from) { (sources) }
            }
        }
    }
}

fn form(ctx: Ctx) -> View {
    let trial = ctx.trial;
    // What an example put there; what is typed is not put there again.
    let filled = create_signal(String::new());
    let fill = move || filled.set(trial.input.with_untracked(|input| input.text.clone()));
    let shape = create_selector(move || {
        ctx.editor.document.with(|document| {
            let sources = document.sources.iter().map(|step| (step.id.clone(), step.kind.clone(), step.name.clone()));
            (document.signals.clone(), sources.collect::<Vec<_>>())
        })
    });
    create_effect(move || {
        shape.track();
        trial.input.update(|input| {
            ctx.editor.document.with_untracked(|document| input.follow(document, trial.is_own.get_untracked()));
        });
        fill();
    });
    create_effect(move || {
        let of = ctx.preview.with(|preview| dry_run::runtime_of(&preview.as_ref()?.collectors));
        if !trial.is_own_runtime.get_untracked() {
            trial.input.update(|input| input.runtime = of);
        }
    });
    let choices = move || choices(ctx, fill);
    let seed = trial.input.with_untracked(|input| input.seed.clone());
    let wrong = create_selector(move || {
        trial.tried.with(|tried| {
            tried.as_ref().is_some_and(|tried| problems::count_within(&tried.outcome.errors, "records") > 0)
        })
    });
    let is_no_seed = create_selector(move || {
        trial.input.with(|input| !input.seed.trim().is_empty() && input.seed.trim().parse::<u64>().is_err())
    });
    let (text_id, seed_id, runtime_id) = (new_id(), new_id(), new_id());
    let (text_for, seed_for, runtime_for) = (text_id.clone(), seed_id.clone(), runtime_id.clone());
    let on_runtime = move |event: web_sys::Event| {
        let chosen = dom::value(&event);
        trial.is_own_runtime.set(true);
        let known = [Runtime::Otelcol, Runtime::Alloy].into_iter().find(|runtime| runtime_code(*runtime) == chosen);
        trial.input.update(|input| input.runtime = known);
    };
    let button = busy_button("btn", "try-it", "Try it", *trial.busy, move || run(ctx));
    view! {
        div(class="form") {
            (shape.see(|_| choices()))
            div(class="field") {
                label(r#for=runtime_for) { "Runtime" }
                select(id=runtime_id, prop:value=trial.input.with(|input| input.runtime.map_or("", runtime_code)), on:change=on_runtime) {
                    option(value="") { "Either" }
                    option(value="otelcol") { "otelcol" }
                    option(value="alloy") { "Alloy" }
                }
                small { "Steps that this runtime cannot run are reported. Preset to the runtime of the matching collectors; Either if they differ." }
            }
            div(class="field") {
                label(r#for=text_for) { "Records" span(class="opt") { "OTLP JSON" } }
                textarea(
                    id=text_id,
                    class="code",
                    rows="10",
                    prop:value=filled.get_clone(),
                    aria-invalid=if wrong.get() { "true" } else { "false" },
                    "spellcheck"="false",
                    on:input=move |event: web_sys::Event| {
                        trial.is_own.set(true);
                        trial.input.update(|input| input.text = dom::value(&event));
                    },
                ) {}
                small { "They are tried on the server as a collector would take them: nothing is stored or sent on." }
            }
            details(class="more") {
                summary { "More" }
                div(class="field") {
                    label(r#for=seed_for) { "Seed" span(class="opt") { "optional" } }
                    input(
                        id=seed_id,
                        r#type="text",
                        inputmode="numeric",
                        value=seed,
                        placeholder="0",
                        autocomplete="off",
                        aria-invalid=if is_no_seed.get() { "true" } else { "false" },
                        on:input=move |event: web_sys::Event| trial.input.update(|input| input.seed = dom::value(&event)),
                    )
                    small { "Samplers draw their chance from it: the same seed lets the same records through." }
                    small(class="wrong", role="alert", hidden=!is_no_seed.get()) { "must be a whole number; tried with 0" }
                }
            }
            div(class="wait") {
                (button)
                span(class="kbd", aria-hidden="true") { "Ctrl Enter" }
            }
        }
    }
}
