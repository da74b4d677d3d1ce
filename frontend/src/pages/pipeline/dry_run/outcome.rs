//! What a dry run did: a row for each step with what it changed, then what reaches each destination.

use linkmesh_proto::{
    DestinationId,
    api::{catalogue::Role, pipeline::DryRunDestination, problem::FieldProblem},
};
use sycamore::prelude::*;

use super::super::{Ctx, preview};
use crate::{
    See as _,
    components::{bits, code, loading::copy_button},
    live_view,
    model::{
        chain::{self as model, Lane},
        dry_run::{self, Effect, Tried},
        format, records,
        status::Tone,
    },
};

/// What became of the records, and whether that is still so.
pub(super) fn view(ctx: Ctx) -> View {
    let trial = ctx.trial;
    let past = create_selector(move || {
        let tried = trial.tried.get_clone()?;
        ctx.editor.document.with(|document| trial.input.with(|input| tried.is_past(document, input)))
    });
    let failure = move || match trial.failure.get_clone() {
        Some(error) => {
            let (title, detail) = (error.title(), error.detail());
            bits::note(Tone::Bad, view! { b { (title) } div { (detail) } })
        }
        None => View::new(),
    };
    // Empty meanwhile, so that the same outcome is told again.
    let is_quiet = create_selector(move || trial.busy.get() || trial.failure.with(Option::is_some));
    let note = move || match (is_quiet.get(), past.get()) {
        (true, _) => View::new(),
        (_, Some(why)) => bits::note(Tone::Warn, view! { (why) }),
        (_, None) => {
            let said = trial.tried.see(|tried| tried.as_ref()?.sentence(|id| name_of(ctx, id))).unwrap_or_default();
            view! { span(class="sr") { (said) } }
        }
    };
    let tried = move || match trial.tried.get_clone() {
        Some(tried) => shown(ctx, &tried),
        None => View::new(),
    };
    let (failure, note, tried) = (live_view(failure), live_view(note), live_view(tried));
    view! {
        div(class="said-of") { (failure) }
        div(class="said-of", role="status", data-testid="tried-note") { (note) }
        (tried)
    }
}

/// What a destination is called.
fn name_of(ctx: Ctx, id: &DestinationId) -> String {
    let name = ctx.destinations.data().with_untracked(|page| {
        let found = page.as_ref()?.items.iter().find(|known| known.id == *id)?;
        Some(found.document.name.clone())
    });
    name.unwrap_or_else(|| id.to_string())
}

fn shown(ctx: Ctx, tried: &Tried) -> View {
    let errors = faults(ctx, &tried.outcome.errors);
    let steps: Vec<View> = tried.effects().into_iter().map(|effect| step(ctx, effect)).collect();
    let is_only = tried.outcome.destinations.len() == 1;
    let incoming = tried.outcome.steps.first().map(|step| step.incoming);
    let ends: Vec<View> = tried
        .outcome
        .destinations
        .iter()
        .enumerate()
        .map(|(index, end)| destination(ctx, tried, index, end, is_only))
        .collect();
    let none: View = match (steps.is_empty(), ends.is_empty()) {
        (true, false) => view! { p(class="card-body sub") { "No step stands between: records pass as they are." } },
        _ => View::new(),
    };
    let head: View = match incoming {
        Some(incoming) => {
            let text = format::counted(incoming, "record", "records");
            view! { div(class="pair-head") { b(class="grow") { "Step by step" } span(class="num") { (text) } } }
        }
        None => View::new(),
    };
    let foot: View = if ends.is_empty() {
        View::new()
    } else {
        view! { div(class="pair-head") { b(class="grow") { "What reaches each destination" } } (ends) }
    };
    view! { div(class="trial", data-testid="tried") { (errors) (head) (none) (steps) (foot) } }
}

/// What stopped it. What is of the request is mended in the form above, all else at its card.
fn faults(ctx: Ctx, errors: &[FieldProblem]) -> View {
    let (cards, own): (Vec<&FieldProblem>, Vec<&FieldProblem>) =
        errors.iter().partition(|problem| !dry_run::is_own(problem));
    let own: Vec<View> = own
        .into_iter()
        .map(|FieldProblem { field, message, .. }| {
            let (field, message) = (field.clone(), bits::prose(message));
            view! { li { span(class="mono") { (field) } " " (message) } }
        })
        .collect();
    let own: View = if own.is_empty() {
        View::new()
    } else {
        let note = bits::note(Tone::Bad, view! { ul { (own) } });
        view! { div(class="card-body") { (note) } }
    };
    let cards: Vec<_> = cards.iter().map(|problem| (problem.field.clone(), problem.message.clone())).collect();
    let cards = preview::list(ctx, &cards, Tone::Bad);
    view! { (own) (cards) }
}

fn step(ctx: Ctx, effect: Effect) -> View {
    let loss = effect.loss();
    let Effect { step, kind, incoming, out, notes, lines } = effect;
    let role = step.as_ref().map_or(Role::Processor, |(lane, ..)| lane.role());
    let title = ctx.title_of(role, &kind);
    let name = step.as_ref().map_or_else(|| title.clone(), |(.., step)| model::card_name(step, &title));
    let lane = step.as_ref().map_or("", |(lane, ..)| match lane {
        Lane::Sources => "source",
        Lane::Filters => "filter",
        Lane::Processors => "processor",
    });
    let about = if name == title { lane.to_owned() } else { format!("{title}, {lane}") };
    let (is_open, says, content): (_, _, View) = match lines.as_deref() {
        None => (
            false,
            "not compared",
            view! { p(class="card-body sub") { "Not compared: this page cannot read the records before it." } },
        ),
        Some([]) => (
            false,
            if loss.is_empty() { "unchanged" } else { "" },
            view! { p(class="card-body sub") { "Nothing is changed by it." } },
        ),
        Some(lines) => (true, "", code::lines("The difference to the step before", lines)),
    };
    let tag: View = if loss.is_empty() {
        View::new()
    } else {
        view! { span(class="tag warn") { (loss) } }
    };
    row(
        "tried-step",
        (name, about),
        counts(incoming, out),
        view! { (tag) span(class="dim") { (says) } },
        &notes,
        is_open,
        content,
    )
}

fn counts(incoming: u64, out: u64) -> String {
    format!("{} → {}", format::count(incoming), format::count(out))
}

fn destination(ctx: Ctx, tried: &Tried, index: usize, end: &DryRunDestination, is_open: bool) -> View {
    let when = model::condition(&tried.document, index);
    let about = if when.is_empty() { String::new() } else { format!("only where {}", format::at_most(when, 90)) };
    let lines = dry_run::lines(&end.records);
    let all = end.records.clone();
    let content: View = if end.out == 0 {
        view! { p(class="card-body sub") { "No record gets there." } }
    } else {
        let (copy, lines) =
            (copy_button("the records", move || records::json(&all)), code::lines("What gets there", &lines));
        view! { div(class="card-body") { (copy) } (lines) }
    };
    let name = name_of(ctx, &end.id);
    let count = format::counted(end.out, "record", "records");
    row("tried-destination", (name, about), count, View::new(), &end.notes, is_open, content)
}

/// A part of the way: what it is and what it did in a line, the rest on demand. Notes are never hidden.
fn row(
    id: &'static str,
    (name, about): (String, String),
    count: String,
    tag: View,
    notes: &[String],
    is_open: bool,
    content: View,
) -> View {
    let notes: Vec<View> = notes
        .iter()
        .map(|note| {
            let note = bits::prose(note);
            view! { li { (note) } }
        })
        .collect();
    let notes: View = if notes.is_empty() {
        View::new()
    } else {
        let note = bits::note(Tone::Busy, view! { ul { (notes) } });
        view! { div(class="card-body") { (note) } }
    };
    view! {
        div(data-testid=id) {
            details(open=is_open) {
                summary { b { (name) } span(class="sub grow") { (about) } (tag) span(class="num") { (count) } }
                (content)
            }
            (notes)
        }
    }
}
