//! One collector: how it is, what it should run beside what it runs, what happened, and what can be done.

mod about;
mod actions;
mod config;
mod health;

use linkmesh_proto::api::{
    collector::{Collector, CollectorEvent, Throughput},
    event::Event,
    list::Page,
};
use sycamore::prelude::*;

use crate::{
    See as _,
    app::App,
    components::{
        bits,
        loading::{self, Loader},
        names::{destination_link, pipeline_link},
        spark,
    },
    live::Item,
    model::{
        format, rates,
        status::{self, Label, Tone, signal_name},
    },
};

/// The parts of a collector that are loaded apart from it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Config,
    Health,
    Throughput,
    Events,
    About,
}

/// The page.
pub(super) fn view(app: App, id: &str) -> View {
    app.names.want();
    let path = format!("/collectors/{}", crate::model::filter::encode(id));
    let loader = {
        let path = path.clone();
        Loader::new(move || {
            let path = path.clone();
            async move { app.api.get_tagged::<Collector>(&path).await }
        })
    };
    let id = id.to_owned();
    app.live.subscribe(move |item| match item {
        Item::Reset => loader.reload(),
        Item::Event(event) => match &**event {
            Event::CollectorChanged { collector } if collector.id.to_string() == id => {
                loader.update(|known| known.value = (**collector).clone());
            }
            Event::ConfigState { collector_id, .. } if collector_id.to_string() == id => loader.reload_soon(800),
            _ => {}
        },
    });
    let content = loader.show(loading::card_skeleton, move |tagged| {
        let collector = create_memo(move || tagged.with(|tagged| tagged.value.clone()));
        create_effect(move || super::set_title(&collector.with(|collector| collector.name.clone())));
        page(app, &path, collector, loader)
    });
    view! { div(data-testid="collector") { (content) } }
}

fn page(app: App, path: &str, collector: ReadSignal<Collector>, loader: Loader<crate::api::Tagged<Collector>>) -> View {
    let head = bits::head(
        Some(("/collectors", "Collectors")),
        view! { (collector.with(|c| c.name.clone())) },
        view! {
            (collector.with(|c| status::program(c.runtime, c.version.as_deref())))
            (collector.with(|c| c.address.as_ref().map(|address| format!(" · {address}")).unwrap_or_default()))
            " · last seen "
            (bits::live_seen(move || collector.with(|c| (c.status, c.last_seen))))
        },
        actions::buttons(app, path, collector),
    );
    let tab = create_signal(Tab::Config);
    let tabs = bits::tabs(
        "Parts of the collector",
        tab,
        vec![
            (Tab::Config, "Configuration", View::new()),
            (Tab::Health, "Health", View::new()),
            (Tab::Throughput, "Throughput", View::new()),
            (Tab::Events, "Events", View::new()),
            (Tab::About, "Attributes and labels", View::new()),
        ],
    );
    let path = path.to_owned();
    let about = about::About::new(app, &path, collector, loader);
    let dialogs = about.dialogs(&path, loader);
    let shown = create_selector(move || tab.get());
    view! {
        (head)
        (notes(collector))
        div(class="tiles") {
            div(class="tile") { span { "Status" } (bits::live_tag("status", move || collector.with(|c| status::status(c.status)))) em { "since " (bits::live_ago(move || collector.with(|c| Some(c.status_since)))) } }
            div(class="tile") { span { "Configuration" } (bits::live_tag("config-state", move || collector.with(status::config))) em(class="mono") { (collector.with(|c| c.desired_hash.as_ref().map(format::short).unwrap_or_default())) } }
            div(class="tile") { span { "Health, in its own word" } (bits::live_tag("healthy", move || collector.with(|c| status::health(c.status, c.healthy)))) }
            div(class="tile") { span { "Pipelines" } (pipelines(collector)) }
        }
        div(class="card") {
            (tabs)
            (match shown.get() {
                Tab::Config => config::view(app, &path, collector),
                Tab::Health => health::view(app, &path, collector),
                Tab::Throughput => throughput(app, &path, collector),
                Tab::Events => events(app, &path, collector),
                Tab::About => about.view(),
            })
        }
        (dialogs)
    }
}

/// What an operator should know before anything else.
fn notes(collector: ReadSignal<Collector>) -> View {
    let said = create_selector(move || {
        collector.with(|c| {
            let mut notes: Vec<(bool, String)> = c.notices.iter().map(|notice| (false, notice.clone())).collect();
            match &c.error {
                Some(error) if error == "no_answer" => {
                    notes.push((false, "The configuration was delivered and the collector has not answered for a minute.".to_owned()));
                }
                Some(error) if c.withheld => {
                    notes.insert(0, (false, format!("Its configuration is withheld: {}.", error.trim_end_matches('.'))));
                }
                Some(error) => notes.insert(0, (true, error.clone())),
                None => {}
            }
            if c.status == linkmesh_proto::api::collector::CollectorStatus::Deregistered {
                notes.push((false, "Deregistered: its token is dead. It runs its last configuration until it is stopped on its host, and leaves this list after 30 days.".to_owned()));
            }
            notes
        })
    });
    view! {
        (said.see(|said| {
            let notes: Vec<View> = said.iter().cloned().map(|(is_error, text)| if is_error {
                bits::note(Tone::Bad, bits::own_words("config-error", &text))
            } else {
                bits::note(Tone::Warn, view! { (text) })
            }).collect();
            if notes.is_empty() { View::new() } else { view! { div(class="stack") { (notes) } br() } }
        }))
    }
}

fn pipelines(collector: ReadSignal<Collector>) -> View {
    let ids = create_selector(move || collector.with(|c| c.pipelines.clone()));
    view! {
        (ids.see(|ids| {
            if ids.is_empty() {
                return view! { span(class="sub") { "none matches" } };
            }
            let links: Vec<View> = ids.iter().enumerate().map(|(index, id)| {
                let comma = if index > 0 { ", " } else { "" };
                let link = pipeline_link("link", id);
                view! { (comma) (link) }
            }).collect();
            view! { div(class="sub") { (links) } }
        }))
    }
}

fn throughput(app: App, path: &str, collector: ReadSignal<Collector>) -> View {
    let path = format!("{path}/throughput?window=1h");
    let loader = Loader::new(move || {
        let path = path.clone();
        async move { app.api.get::<Throughput>(&path).await }
    });
    app.live.subscribe(move |item| match item {
        Item::Reset => loader.reload(),
        Item::Event(event) => {
            if let Event::Throughput { collector_id, .. } = &**event
                && collector.with_untracked(|c| c.id == *collector_id)
            {
                loader.reload_soon(2000);
            }
        }
    });
    // Of one that tells no more there is no event, and what it told grows old.
    loader.keep_fresh(30_000);
    let content = loader.show(loading::rows_skeleton, |data| view! { (data.see(series)) });
    view! { div(data-testid="throughput") { (content) } }
}

fn series(data: &Throughput) -> View {
    if data.pipelines.is_empty() && data.destinations.is_empty() {
        return bits::state(
            "empty",
            "info",
            view! { "No data yet" },
            view! { "Collectors push their own counters: Alloy every 15 seconds, a supervised otelcol every 60. The first rates need two pushes." },
            View::new(),
        );
    }
    let age = data
        .age_s
        .map_or_else(|| "no push yet".to_owned(), |age| format!("newest push {} ago", format::span(age as i64)));
    let rows: Vec<View> = data
        .pipelines
        .iter()
        .flat_map(|pipeline| pipeline.meters.iter().map(move |meter| (pipeline, meter)))
        .map(|(pipeline, meter)| {
            let (link, id) = (pipeline_link("name", &pipeline.pipeline), &pipeline.pipeline);
            let place = match meter.place.as_str() {
                "in" => "in".to_owned(),
                "out" => "out".to_owned(),
                step => format!("after {step}"),
            };
            let values: Vec<f64> = meter.points.iter().map(|point| point.per_second).collect();
            let now = rates::newest(meter).map_or_else(|| format::NO_DATA.to_owned(), format::rate);
            let total = format::count(meter.total);
            let signal = signal_name(meter.signal);
            let line = spark::spark(&values, "spark", format!("{id} {place} {signal}: now {now}"));
            view! { tr { td { (link) } td { (place) } td(class="dim") { (signal) } td(class="fold") { (line) } td(class="n") { (now) } td(class="n fold") { (total) } } }
        })
        .collect();
    let destinations: Vec<View> = data
        .destinations
        .iter()
        .map(|d| {
            let link = destination_link("name", &d.destination);
            let (sent, failed) = (format::count(d.sent), format::count(d.failed));
            let class = if d.failed > 0 { "n bad" } else { "n" };
            let state = if rates::is_stuck(d) { bits::tag(Label { word: "Not delivering", tone: Tone::Bad }) } else { View::new() };
            let queue = match (d.queue, d.queue_capacity) {
                (Some(queue), Some(room)) => format!("{} of {}", format::count(queue), format::count(room)),
                (Some(queue), None) => format::count(queue),
                _ => format::NO_DATA.to_owned(),
            };
            view! { tr { td { (link) " " (state) } td(class="n") { (sent) } td(class=class) { (failed) } td(class="n fold") { (queue) } } }
        })
        .collect();
    let sent: View = if destinations.is_empty() {
        View::new()
    } else {
        view! {
            div(class="scroll") {
                table {
                    thead { tr { th { "Destination" } th(class="n") { "Records sent" } th(class="n") { "Given up" } th(class="n fold") { "Batches queued" } } }
                    tbody { (destinations) }
                }
            }
        }
    };
    view! {
        div(class="filter") { span(class="sub grow") { "Records a second over the last hour; " (age) "." } }
        div(class="scroll") {
            table {
                thead { tr { th { "Pipeline" } th { "Place" } th { "Signal" } th(class="fold") { "Last hour" } th(class="n") { "Now" } th(class="n fold") { "Total seen" } } }
                tbody { (rows) }
            }
        }
        (sent)
    }
}

fn events(app: App, path: &str, collector: ReadSignal<Collector>) -> View {
    let path = format!("{path}/events?limit=100");
    let loader = Loader::new(move || {
        let path = path.clone();
        async move { app.api.get::<Page<CollectorEvent>>(&path).await }
    });
    app.live.subscribe(move |item| {
        if *item == Item::Reset {
            loader.reload();
        }
    });
    // Not all that happens changes the row.
    loader.keep_fresh(10_000);
    // Something happened whenever the row changed.
    let mark = create_selector(move || {
        collector.with(|c| (c.status, c.config_state, c.drift, c.desired_hash, c.reported_hash))
    });
    let mut first = true;
    create_effect(move || {
        mark.track();
        if !std::mem::take(&mut first) {
            loader.reload_soon(300);
        }
    });
    let content = loader.show(loading::rows_skeleton, |page| {
        view! {
            (page.see(|page| {
                if page.items.is_empty() {
                    return bits::state("empty", "history", view! { "Nothing happened yet" }, view! { "Connections, deliveries and changes of health are listed here." }, View::new());
                }
                let rows: Vec<View> = page.items.iter().map(|event| {
                    let (when, dot, message) = (bits::ago(Some(event.at)), bits::dot(status::event_tone(&event.kind)), bits::clamped(&event.message));
                    let kind = event.kind.replace('_', " ");
                    view! { li { span(class="dim") { (when) } div(class="wait event") { (dot) div(class="grow") { (message) } span(class="dim fold") { (kind) } } } }
                }).collect();
                view! { ul(class="timeline card-body") { (rows) } }
            }))
        }
    });
    view! { div(data-testid="events") { (content) } }
}
