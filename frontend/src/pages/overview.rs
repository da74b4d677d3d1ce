//! The fleet at a glance: figures, what needs a look, what changed last.

use linkmesh_proto::api::{
    collector::Collector, event::Event, fleet::FleetSummary, list::Page, revision::RevisionSummary,
};
use sycamore::prelude::*;

use crate::{
    See as _,
    app::App,
    components::{
        bits::{self, dot},
        loading::{self, Loader},
        shell::Fleet,
        spark,
    },
    live::Item,
    model::{
        delivery, format, rates,
        status::{self, Tone},
    },
};

/// The page.
pub(super) fn view(app: App) -> View {
    let Fleet(summary) = use_context::<Fleet>();
    // The counts are kept fresh by the frame; what flows is shown only here.
    app.live.subscribe(move |item| {
        if matches!(item, Item::Event(event) if matches!(**event, Event::Throughput { .. })) {
            summary.reload_soon(3000);
        }
    });
    let content = summary.show(loading::card_skeleton, move |summary| {
        let empty = create_selector(move || summary.with(|summary| summary.total == 0));
        view! { (if empty.get() { first_steps(app) } else { filled(app, summary) }) }
    });
    view! { div(data-testid="overview") { (content) } }
}

fn first_steps(app: App) -> View {
    let steps = view! {
        ol(class="steps") {
            li { div { a(class="link", href="/collectors/add") { b { "Add a collector" } } p(class="sub") { "Pick otelcol or Alloy, paste what the page shows on a host, and see it connect." } } }
            li { div { a(class="link", href="/destinations/new") { b { "Add a destination" } } p(class="sub") { "Where records go: an OTLP endpoint, or the collector's own log to try things." } } }
            li { div { a(class="link", href="/pipelines/new") { b { "Make a pipeline" } } p(class="sub") { "Sources, filters, processors; who runs it; save. Collectors have it within seconds." } } }
        }
    };
    view! {
        (bits::head(None, view! { "Overview" }, view! { "No collector is known yet." }, add_button(app)))
        div(class="card") { div(class="card-body", data-testid="empty") { (steps) } }
    }
}

/// The way to another collector, for who may go it.
pub(super) fn add_button(app: App) -> View {
    if app.may("collectors:write") {
        view! { a(class="btn go", href="/collectors/add") { "Add collector" } }
    } else {
        View::new()
    }
}

fn filled(app: App, summary: ReadSignal<FleetSummary>) -> View {
    let flow = create_selector(move || {
        let now = app.now.get();
        summary.with(|summary| rates::fresh(summary.rates.as_ref(), now))
    });
    let files = create_selector(move || summary.with(|summary| summary.broken_files.clone()));
    let head = bits::head(None, view! { "Overview" }, view! { (summary.with(delivery::of_fleet)) }, add_button(app));
    view! {
        (head)
        (files.see(|files| {
            let notes: Vec<View> = files.iter().map(|file| {
                let (path, error) = (file.path.clone(), file.error.clone());
                bits::note(Tone::Bad, view! { b { (path) " cannot be read" } div { (error) } div(class="sub") { "The last good version stays in force. Mend the file in the repository, or save it from this page." } })
            }).collect();
            if notes.is_empty() { View::new() } else { view! { div(class="stack") { (notes) } br() } }
        }))
        div(class="tiles") {
            (tile("tile-connected", "/collectors?status=connected", Tone::Ok, "Connected", move || summary.with(|s| (s.status.connected, share(s)))))
            (tile("tile-degraded", "/collectors?status=degraded", Tone::Warn, "Degraded", move || summary.with(|s| (s.status.degraded, match s.config_state.failed { 0 => String::new(), n => format!("{} failed to apply", format::count(n)) }))))
            (tile("tile-offline", "/collectors?status=offline", Tone::Off, "Offline", move || summary.with(|s| (s.status.offline, String::new()))))
            (tile("tile-pending", "/collectors?status=pending", Tone::Off, "Never seen", move || summary.with(|s| (s.status.pending, String::new()))))
            (tile("tile-drifted", "/collectors?drift=drifted", Tone::Warn, "Drifted", move || summary.with(|s| (s.drift.drifted, String::new()))))
            div(class="tile", data-testid="tile-flow") {
                span { "In → out, records" }
                (match flow.get() {
                    Some(flow) => {
                        let text = rates::flow(&flow);
                        let change = format::change(flow.in_per_second, flow.out_per_second);
                        view! { strong(class="flow") { (text) } em { (change) } }
                    }
                    None => view! { strong(class="dim") { "—" } em { "no data yet" } },
                })
            }
        }
        div(class="cols") {
            (attention(app))
            div(class="stack") {
                (shares(summary))
                (changes(app))
            }
        }
    }
}

/// How much of the fleet is connected; nothing of no fleet.
pub(super) fn share(summary: &FleetSummary) -> String {
    if summary.total == 0 {
        return String::new();
    }
    format::percent(summary.status.connected as f64, summary.total as f64)
}

/// A figure that leads to what it counts.
pub(super) fn tile(
    id: &'static str,
    href: &'static str,
    tone: Tone,
    name: &'static str,
    figure: impl Fn() -> (u64, String) + Clone + 'static,
) -> View {
    let extra = figure.clone();
    view! {
        a(class="tile", href=href, data-testid=id) {
            span { (dot(tone)) (name) }
            strong { (format::count(figure().0)) }
            em { (extra().1) }
        }
    }
}

fn legend(href: &'static str, tone: Tone, word: &'static str, count: u64) -> View {
    if count == 0 {
        return View::new();
    }
    let count = format::count(count);
    view! { a(href=href) { (dot(tone)) (word) b(class="num") { (count) } } }
}

/// How the fleet is made up.
fn shares(summary: ReadSignal<FleetSummary>) -> View {
    view! {
        section(class="card", aria-label="Configuration of the fleet") {
            div(class="card-head") { h2 { "Configuration" } }
            div(class="card-body") {
                (summary.see(|s| {
                    let c = &s.config_state;
                    let states = spark::split(&[("ok", c.applied), ("acc", c.applying), ("off", c.pending + c.none), ("bad", c.failed)]);
                    let state_words = vec![
                        legend("/collectors?config_state=applied", Tone::Ok, "Applied", c.applied),
                        legend("/collectors?config_state=applying", Tone::Busy, "Applying", c.applying),
                        legend("/collectors?config_state=pending", Tone::Off, "Waiting", c.pending),
                        legend("/collectors?config_state=none", Tone::Off, "Nothing to run", c.none),
                        legend("/collectors?config_state=failed", Tone::Bad, "Failed", c.failed),
                        legend("/collectors?withheld=true", Tone::Warn, "Withheld", s.delivery.withheld),
                    ];
                    let runtimes = spark::split(&[("acc", s.runtime.otelcol), ("off", s.runtime.alloy)]);
                    let runtime_words = vec![
                        legend("/collectors?runtime=otelcol", Tone::Busy, "otelcol", s.runtime.otelcol),
                        legend("/collectors?runtime=alloy", Tone::Off, "Alloy", s.runtime.alloy),
                    ];
                    view! {
                        (states)
                        div(class="legend") { (state_words) }
                        br()
                        (runtimes)
                        div(class="legend") { (runtime_words) }
                    }
                }))
            }
        }
    }
}

/// The collectors that are not well.
fn attention(app: App) -> View {
    let list = Loader::new(move || async move {
        let (mut all, mut has_more): (Vec<Collector>, bool) = (Vec::new(), false);
        for what in ["config_state=failed", "withheld=true", "status=degraded", "drift=drifted", "status=offline"] {
            let page = app.api.get::<Page<Collector>>(&format!("/collectors?{what}&limit=10")).await?;
            has_more |= page.next_cursor.is_some();
            for collector in page.items {
                if !all.iter().any(|known| known.id == collector.id) {
                    all.push(collector);
                }
            }
        }
        has_more |= all.len() > 12;
        all.truncate(12);
        Ok((all, has_more))
    });
    app.live.subscribe(move |item| match item {
        Item::Reset => list.reload(),
        Item::Event(event) => {
            if matches!(**event, Event::CollectorChanged { .. }) {
                list.reload_soon(3000);
            }
        }
    });
    let content = list.show(loading::rows_skeleton, |list| {
        view! {
            (list.see(|(list, has_more)| {
                if list.is_empty() {
                    return bits::state("empty", "ok", view! { "Nothing needs a look" }, view! { "No collector is unwell or away, each could be given its config, none refused it, and none runs something else." }, View::new());
                }
                let rows: Vec<View> = list.iter().map(|collector| {
                    let (href, name) = (format!("/collectors/{}", collector.id), collector.name.clone());
                    let error = collector.error.clone().unwrap_or_default();
                    let title = error.clone();
                    let error = format::last_words(&error).to_owned();
                    let (state, config) = (bits::tag(status::status(collector.status)), bits::tag(status::config(collector)));
                    view! {
                        tr {
                            td { a(class="name", href=href) { (name) } div(class="brief mono dim", title=title) { (error) } }
                            td { (state) }
                            td { (config) }
                        }
                    }
                }).collect();
                let more = if *has_more {
                    view! { div(class="table-foot") { "And more: the figures above lead to all of their kind." } }
                } else {
                    View::new()
                };
                view! { div(class="scroll") { table(on:keydown=|event: web_sys::KeyboardEvent| crate::dom::arrows(&event)) { tbody { (rows) } } } (more) }
            }))
        }
    });
    view! {
        section(class="card", aria-label="Needs a look") {
            div(class="card-head") { h2 { "Needs a look" } }
            (content)
        }
    }
}

/// The newest commits.
fn changes(app: App) -> View {
    let list = Loader::new(move || app.api.get::<Page<RevisionSummary>>("/revisions?limit=6"));
    app.live.subscribe(move |item| match item {
        Item::Reset => list.reload(),
        Item::Event(event) => {
            if matches!(**event, Event::Revision { .. }) {
                list.reload_soon(300);
            }
        }
    });
    let content = list.show(loading::rows_skeleton, |list| {
        view! {
            (list.see(|list| {
                if list.items.is_empty() {
                    return view! { div(class="bones sub") { "Nothing was saved yet." } };
                }
                let rows: Vec<View> = list.items.iter().map(|commit| {
                    let (href, message, author) = (format!("/history/{}", commit.sha), commit.message.clone(), commit.author.clone());
                    let when = bits::ago(Some(commit.at));
                    view! { li { span(class="dim") { (when) } div { a(class="link", href=href) { (message) } div(class="sub") { (author) } } } }
                }).collect();
                view! { ul(class="timeline card-body") { (rows) } }
            }))
        }
    });
    view! {
        section(class="card", aria-label="Last changes") {
            div(class="card-head") { h2(class="grow") { "Last changes" } a(class="btn small", href="/history") { "History" } }
            (content)
        }
    }
}
