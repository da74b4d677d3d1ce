//! The list of pipelines.

use linkmesh_proto::api::{event::Event, list::Page, pipeline::Pipeline};
use sycamore::prelude::*;

use crate::{
    See as _,
    app::App,
    components::{
        bits,
        icons::icon,
        loading::{self, Loader},
    },
    dom,
    live::Item,
    model::{
        format, rates,
        status::{Label, Tone, signal_name},
    },
};

/// The page.
pub(super) fn view(app: App) -> View {
    let list = Loader::new(move || app.api.all::<Pipeline>("/pipelines"));
    app.live.subscribe(move |item| match item {
        Item::Reset => list.reload(),
        Item::Event(event) => match **event {
            Event::PipelineSaved { .. } => list.reload_soon(200),
            // Labels and newcomers change what matches, pushes what flows.
            Event::CollectorChanged { .. } | Event::Throughput { .. } => list.reload_soon(5000),
            _ => {}
        },
    });
    app.names.want();
    let text = create_signal(String::new());
    let may = app.may("pipelines:write");
    let action = move || {
        if may {
            view! { a(class="btn", href="/pipelines/import") { "Import" } a(class="btn go", href="/pipelines/new") { "New pipeline" } }
        } else {
            View::new()
        }
    };
    let data = list.data();
    let head = bits::head(
        None,
        view! { "Pipelines" },
        view! {
            (data.with(|data| data.as_ref().map_or_else(String::new, |page| {
                let running = page.items.iter().filter(|p| p.document.enabled && p.matched > 0).count() as u64;
                format!("{}; {} on at least one collector.", format::counted(page.total, "pipeline", "pipelines"), format::counted(running, "runs", "run"))
            })))
        },
        action(),
    );
    let content = list.show(loading::rows_skeleton, move |page| {
        let empty = create_selector(move || page.with(|page| page.items.is_empty()));
        view! {
            (if empty.get() {
                bits::state("empty", "pipelines", view! { "No pipelines yet" }, view! { "A pipeline takes records from sources through filters and processors to destinations, on every collector that its matchers select." }, action())
            } else {
                table(app, page, text)
            })
        }
    });
    view! { div(data-testid="pipelines") { (head) div(class="card") { (content) } } }
}

fn table(app: App, page: ReadSignal<Page<Pipeline>>, text: Signal<String>) -> View {
    let shown = create_memo(move || {
        let text = text.get_clone().trim().to_lowercase();
        page.with(|page| {
            page.items
                .iter()
                .filter(|p| {
                    text.is_empty() || p.document.name.to_lowercase().contains(&text) || p.id.as_str().contains(&text)
                })
                .cloned()
                .collect::<Vec<_>>()
        })
    });
    view! {
        div(class="filter", role="search") {
            input(class="plain", r#type="text", data-testid="filter", placeholder="Type a name", aria-label="Filter pipelines", on:input=move |event: web_sys::Event| text.set(dom::value(&event)))
            span(class="kbd fold", aria-hidden="true") { "/" }
        }
        div(class="scroll") {
            table(on:keydown=|event: web_sys::KeyboardEvent| dom::arrows(&event)) {
                thead { tr { th { "Name" } th { "Runs on" } th(class="fold") { "Signals" } th(class="fold") { "Destinations" } th { "In → out" } th(class="fold") { "Last change" } } }
                tbody { (shown.see(|shown| if shown.is_empty() { bits::no_row(6) } else { shown.iter().map(|pipeline| row(app, pipeline)).collect::<Vec<View>>().into() })) }
            }
        }
    }
}

fn row(app: App, pipeline: &Pipeline) -> View {
    let (id, href, name) =
        (pipeline.id.to_string(), format!("/pipelines/{}", pipeline.id), pipeline.document.name.clone());
    let signals = format::list(
        &pipeline.document.signals.iter().map(|signal| signal_name(*signal).to_owned()).collect::<Vec<_>>(),
    );
    let destinations: Vec<_> = pipeline.document.destinations.iter().map(|d| d.id().clone()).collect();
    let destination_ids = destinations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let runs: View = if !pipeline.document.enabled {
        bits::tag(Label { word: "Disabled", tone: Tone::Off })
    } else if pipeline.document.matchers.is_empty() {
        bits::tag(Label { word: "Draft", tone: Tone::Off })
    } else {
        let text = format::counted(pipeline.matched, "collector", "collectors");
        let who = format!("/collectors?pipeline={id}");
        view! { a(class="link num", href=who) { (text) } }
    };
    let broken: View = match &pipeline.broken {
        Some(why) => {
            let why = why.clone();
            view! { span(title=why) { " " (icon("warn")) } }
        }
        None => View::new(),
    };
    let when = bits::ago(Some(pipeline.updated_at));
    let by = pipeline.updated_by.clone();
    let told = pipeline.rates;
    let flow = create_selector(move || rates::fresh(told.as_ref(), app.now.get()));
    view! {
        tr(data-testid="pipeline-row", data-id=id) {
            td { a(class="name", href=href) { (name) } (broken) }
            td { (runs) }
            td(class="dim fold") { (signals) }
            td(class="dim clip fold", title=destination_ids) {
                (destinations.iter().map(|id| app.names.destination(id)).collect::<Vec<_>>().join(", "))
            }
            td(class="num") {
                (match flow.get() {
                    Some(flow) => rates::flow(&flow),
                    None => format::NO_DATA.to_owned(),
                })
            }
            td(class="dim fold") { (when) " by " (by) }
        }
    }
}
