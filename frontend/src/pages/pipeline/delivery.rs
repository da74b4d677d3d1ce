//! What became of the last save: how many collectors should run the pipeline, and how far each of them is with it.

use linkmesh_proto::api::{collector::Collector, event::Event, fleet::FleetSummary, list::Page};
use sycamore::prelude::*;

use super::Ctx;
use crate::{
    See as _,
    components::{
        bits,
        loading::{self, Loader},
        spark,
    },
    dom,
    live::Item,
    model::{delivery, filter::encode, format, status::Tone},
};

/// Collectors that refused it and are shown with their words.
const NAMED: usize = 10;

/// What is shown of the collectors of a pipeline.
#[derive(Clone, PartialEq)]
struct Outcome {
    summary: FleetSummary,
    failed: Page<Collector>,
}

/// The card of a stored pipeline; nothing of one that is not stored yet.
pub(super) fn view(ctx: Ctx) -> View {
    let id = create_selector(move || ctx.frame.id.get_clone());
    create_effect(move || {
        if id.with(Option::is_none) {
            ctx.fleet.set(None);
        }
    });
    view! {
        (match id.get_clone() {
            Some(id) => of(ctx, id),
            None => View::new(),
        })
    }
}

fn of(ctx: Ctx, id: String) -> View {
    let app = ctx.app;
    let query = format!("pipeline={}", encode(&id));
    let loader = {
        let query = query.clone();
        Loader::new(move || {
            let (of_all, of_failed) =
                (format!("/fleet/summary?{query}"), format!("/collectors?{query}&config_state=failed&limit={NAMED}"));
            async move {
                let summary = app.api.get::<FleetSummary>(&of_all).await?;
                let failed = if summary.delivery.failed > 0 {
                    app.api.get::<Page<Collector>>(&of_failed).await?
                } else {
                    Page { items: Vec::new(), next_cursor: None, total: 0 }
                };
                Ok(Outcome { summary, failed })
            }
        })
    };
    create_effect(move || {
        let summary = loader.data().with(|data| data.as_ref().map(|outcome| outcome.summary.clone()));
        if summary.is_some() {
            ctx.fleet.set(summary);
        }
    });
    app.live.subscribe(move |item| match item {
        Item::Reset => loader.reload(),
        Item::Event(event) => match &**event {
            Event::PipelineSaved { id: saved, deleted: false, .. } if saved.as_str() == id => loader.reload_soon(200),
            Event::CollectorChanged { collector } => {
                // One that is no longer selected by it does not name it any more.
                let runs_it = collector.pipelines.iter().any(|pipeline| pipeline.as_str() == id);
                loader.reload_soon(if runs_it { 500 } else { 5000 });
            }
            Event::Throughput { pipeline, .. } if pipeline.as_str() == id => loader.reload_soon(2000),
            _ => {}
        },
    });
    let content = loader.show(loading::rows_skeleton, move |outcome| {
        let counts = create_selector(move || outcome.with(|outcome| outcome.summary.delivery.clone()));
        let failed = create_selector(move || outcome.with(|outcome| outcome.failed.clone()));
        // Who refused it is not well either, and stands below.
        let unwell = create_selector(move || {
            outcome.with(|outcome| outcome.summary.status.degraded.saturating_sub(outcome.summary.delivery.failed))
        });
        let query = query.clone();
        let (more, sick) = (query.clone(), query.clone());
        view! {
            div(class="card-body stack") {
                p(class="sub", role="status", data-testid="outcome-sentence") { (counts.with(delivery::sentence)) }
                (counts.see(|counts| {
                    let parts = delivery::parts(counts);
                    if parts.is_empty() {
                        return View::new();
                    }
                    let bar = spark::split(&parts.iter().map(|part| (part.tone.class(), part.count)).collect::<Vec<_>>());
                    let words: Vec<View> = parts.iter().map(|part| {
                        let (href, tone, word, count) = (format!("/collectors?{query}{}", part.filter), part.tone, part.word, format::count(part.count));
                        view! { a(href=href) { (bits::dot(tone)) b(class="num") { (count) } (word) } }
                    }).collect();
                    view! { div { (bar) div(class="legend") { (words) } } }
                }))
                (if unwell.get() > 0 {
                    let href = format!("/collectors?{sick}&status=degraded");
                    bits::note(Tone::Warn, view! { a(class="link", href=href) { (format::counted(unwell.get(), "collector that runs it is", "collectors that run it are")) " not well." } })
                } else {
                    View::new()
                })
            }
            (failed.see(|failed| refusals(failed, &more)))
        }
    });
    view! {
        section(class="card", aria-label="Delivery", data-testid="outcome") {
            div(class="card-head") { h2 { "Delivery" } }
            (content)
        }
    }
}

/// The collectors that refused it, each in its own words.
fn refusals(failed: &Page<Collector>, query: &str) -> View {
    if failed.items.is_empty() {
        return View::new();
    }
    let rows: Vec<View> = failed
        .items
        .iter()
        .map(|collector| {
            let (href, name, id) =
                (format!("/collectors/{}", collector.id), collector.name.clone(), collector.id.to_string());
            let words = bits::own_words("outcome-error", collector.error.as_deref().unwrap_or("It gave no reason."));
            view! { tr { td { a(class="name", href=href, title=id) { (name) } } td(class="wrap") { (words) } } }
        })
        .collect();
    let left = failed.total.saturating_sub(failed.items.len() as u64);
    let foot: View = if left == 0 {
        View::new()
    } else {
        let (href, text) =
            (format!("/collectors?{query}&config_state=failed"), format!("and {} more", format::count(left)));
        view! { div(class="table-foot") { a(class="link", href=href) { (text) } } }
    };
    view! {
        div(class="scroll") {
            table(on:keydown=|event: web_sys::KeyboardEvent| dom::arrows(&event)) {
                thead { tr { th(scope="col") { "Refused by" } th(scope="col") { "In its own words" } } }
                tbody { (rows) }
            }
        }
        (foot)
    }
}
