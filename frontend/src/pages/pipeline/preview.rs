//! What the pipeline becomes: both texts beside each other, the changes, and who gets it.

use linkmesh_proto::api::pipeline::Preview;
use sycamore::prelude::*;

use super::{Ctx, dry_run};
use crate::{
    See as _,
    components::{
        bits, code,
        loading::{self, Soon, Tasks, copy_button},
    },
    dom,
    live::Item,
    model::{
        format,
        status::{Tone, program, runtime_name},
    },
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Texts,
    Changes,
    Collectors,
    Trial,
}

/// Asks for a preview whenever the document has changed and typing has paused.
pub(super) fn follow(ctx: Ctx) {
    let tasks = Tasks::here();
    let turn = create_signal(0_u32);
    let again = create_signal(());
    let mut first = true;
    create_effect(move || {
        again.track();
        let document = ctx.editor.document.get_clone();
        let wait = if std::mem::take(&mut first) { 0 } else { 350 };
        let now = turn.get_untracked() + 1;
        turn.set_silent(now);
        // Of an empty page there is nothing to say.
        if ctx.frame.id.with_untracked(Option::is_none) && ctx.editor.base.with_untracked(|blank| *blank == document) {
            ctx.editor.problems.set(Vec::new());
            ctx.preview.set(None);
            return;
        }
        tasks.spawn(async move {
            dom::pause(wait).await;
            if turn.get_untracked() != now {
                return;
            }
            let body = ctx.frame.draft(&document);
            let result = ctx.app.api.post::<Preview>("/pipelines/preview", &body).await;
            if turn.get_untracked() != now {
                return;
            }
            batch(|| match result {
                Ok(answer) => {
                    ctx.preview_error.set(None);
                    ctx.editor.problems.set(answer.value.errors.clone());
                    ctx.preview.set(Some(answer.value));
                }
                Err(error) => {
                    let fields = error.fields();
                    if !fields.is_empty() {
                        ctx.editor.problems.set(fields);
                    }
                    // A session that ended is told by the dialog that opens for it.
                    if error.status() != 401 {
                        ctx.preview_error.set(Some(error));
                    }
                }
            });
        });
    });
    // Who matches changes with the fleet, what is valid with destinations.
    let soon = Soon::here();
    ctx.app.live.subscribe(move |item| {
        use linkmesh_proto::api::event::Event;
        match item {
            Item::Reset => again.set(()),
            Item::Event(event) => match **event {
                Event::DestinationSaved { .. } => again.set(()),
                // A fleet that comes back all at once asks for one preview and not for thousands.
                Event::CollectorChanged { .. } => soon.ask(2500, Box::new(move || again.set(()))),
                _ => {}
            },
        }
    });
}

pub(super) fn view(ctx: Ctx) -> View {
    let tab = create_signal(Tab::Texts);
    let matched = view! {
        (match ctx.preview.with(|preview| preview.as_ref().map(|preview| preview.collectors.matched)) {
            Some(matched) => view! { span(class="count", data-testid="matched") { (format::count(matched)) } },
            None => View::new(),
        })
    };
    let tabs = bits::tabs(
        "What the pipeline becomes",
        tab,
        vec![
            (Tab::Texts, "Preview", View::new()),
            (Tab::Changes, "Changes", View::new()),
            (Tab::Collectors, "Collectors", matched),
            (Tab::Trial, "Try it", View::new()),
        ],
    );
    let shown = create_selector(move || tab.get());
    view! {
        section(class="card", aria-label="What the pipeline becomes") {
            (tabs)
            (match shown.get() {
                Tab::Texts => texts(ctx),
                Tab::Changes => changes(ctx),
                Tab::Collectors => collectors(ctx),
                Tab::Trial => dry_run::view(ctx),
            })
        }
    }
}

fn texts(ctx: Ctx) -> View {
    let known = create_selector(move || ctx.preview.with(Option::is_some));
    let empty = create_selector(move || {
        ctx.editor.document.with(|document| document.sources.is_empty() && document.destinations.is_empty())
    });
    let general = create_selector(move || {
        ctx.preview_error.with(|error| {
            error.as_ref().filter(|error| error.fields().is_empty()).map(|error| (error.title(), error.detail()))
        })
    });
    let problems = create_selector(move || {
        ctx.form
            .problems
            .with(|problems| problems.iter().map(|p| (p.field.clone(), p.message.clone())).collect::<Vec<_>>())
    });
    let warnings = create_selector(move || {
        ctx.preview.with(|preview| {
            preview
                .as_ref()
                .map(|p| p.warnings.iter().map(|w| (w.field.clone(), w.message.clone())).collect::<Vec<_>>())
                .unwrap_or_default()
        })
    });
    view! {
        (match general.get_clone() {
            Some((title, detail)) => {
                let note = bits::note(Tone::Bad, view! { b { (title) } div { (detail) } });
                view! { div(class="card-body") { (note) } }
            }
            None => View::new(),
        })
        (problems.see(|problems| list(ctx, problems, Tone::Bad)))
        (warnings.see(|warnings| list(ctx, warnings, Tone::Warn)))
        (if empty.get() {
            bits::state("empty", "pipelines", view! { "Nothing to run yet" }, view! { "With a source and a destination, the configuration of both runtimes shows up here while you build it." }, View::new())
        } else if known.get() {
            view! { div(class="pair") { (text(ctx, true)) (text(ctx, false)) } }
        } else if general.with(Option::is_some) {
            // What went wrong stands above; nothing is on its way.
            View::new()
        } else {
            loading::rows_skeleton()
        })
    }
}

/// What is wrong, each with the way to the card that has it.
pub(super) fn list(ctx: Ctx, items: &[(String, String)], tone: Tone) -> View {
    if items.is_empty() {
        return View::new();
    }
    let items: Vec<View> = items.iter().take(8).cloned().map(|(field, message)| {
        let target = crate::model::chain::place_of(&field);
        let field = if field.is_empty() { "pipeline".to_owned() } else { field };
        let message = bits::prose(&message);
        view! { li { button(r#type="button", class="btn small bare mono", on:click=move |_| ctx.chosen.set(target)) { (field) } " " (message) } }
    }).collect();
    let note = bits::note(tone, view! { ul { (items) } });
    view! { div(class="card-body") { (note) } }
}

fn text(ctx: Ctx, is_otelcol: bool) -> View {
    let body = create_selector(move || {
        ctx.preview.with(|preview| {
            preview
                .as_ref()
                .and_then(|preview| if is_otelcol { preview.otelcol.clone() } else { preview.alloy.clone() })
        })
    });
    let (id, label) = if is_otelcol { ("preview-otelcol", "otelcol") } else { ("preview-alloy", "Alloy") };
    view! {
        div {
            div(class="pair-head") {
                b(class="grow") { (label) }
                (if body.with(Option::is_some) { copy_button("the text", move || body.get_clone_untracked().unwrap_or_default()) } else { View::new() })
            }
            (match body.get_clone() {
                Some(body) => code::text(id, label, &body),
                None => bits::state("empty", "info", view! { "Not for this runtime" }, view! { "A part of the pipeline cannot run there, or a problem stands in the way." }, View::new()),
            })
        }
    }
}

fn changes(ctx: Ctx) -> View {
    view! {
        ({
            let old = if ctx.editor.is_new() { String::new() } else { ctx.editor.base.see(|base| ctx.editor.text(base)) };
            let new = ctx.editor.document.see(|document| ctx.editor.text(document));
            if old == new {
                bits::state("empty", "ok", view! { "No changes" }, view! { "What is here is what is stored." }, View::new())
            } else {
                code::changes("Changes since the last save", &old, &new)
            }
        })
    }
}

/// Nobody is counted: of a page that is empty still, or since that went wrong, or yet.
fn uncounted(ctx: Ctx) -> View {
    let is_empty = create_selector(move || {
        ctx.editor.is_new() && !ctx.editor.document.with(|now| ctx.editor.base.with(|blank| now != blank))
    });
    view! {
        (match ctx.preview_error.get_clone() {
            Some(error) => {
                let (title, detail) = (error.title(), error.detail());
                bits::state("empty", "warn", view! { (title) }, view! { (detail) }, View::new())
            }
            None if is_empty.get() => bits::state("empty", "collectors", view! { "No matchers yet" }, view! { "With matchers, the collectors that they select show up here." }, View::new()),
            None => loading::rows_skeleton(),
        })
    }
}

fn collectors(ctx: Ctx) -> View {
    view! {
        (ctx.preview.see(|preview| {
            let Some(preview) = preview else { return uncounted(ctx) };
            if preview.collectors.items.is_empty() {
                return bits::state("empty", "collectors", view! { "No collector matches" }, view! { "All matchers must hold. Collectors that come to match later get the pipeline then." }, View::new());
            }
            let rows: Vec<View> = preview.collectors.items.iter().map(|collector| {
                let (href, name, runtime) = (format!("/collectors/{}", collector.id), collector.name.clone(), program(collector.runtime, None));
                view! { tr { td { a(class="name", href=href) { (name) } } td(class="dim") { (runtime) } } }
            }).collect();
            let more = preview.collectors.matched.saturating_sub(preview.collectors.items.len() as u64);
            let of = |runtime| preview.collectors.items.iter().filter(|c| c.runtime == runtime).count() as u64;
            let foot = if more > 0 {
                format!("and {} more", format::count(more))
            } else {
                use linkmesh_proto::api::collector::Runtime::{Alloy, Otelcol};
                format!("{} {}, {} {}", format::count(of(Otelcol)), runtime_name(Otelcol), format::count(of(Alloy)), runtime_name(Alloy))
            };
            view! {
                div(class="scroll") { table(on:keydown=|event: web_sys::KeyboardEvent| dom::arrows(&event)) { tbody { (rows) } } }
                div(class="table-foot") { (foot) }
            }
        }))
    }
}
