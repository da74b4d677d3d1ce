//! The list of destinations.

use linkmesh_proto::api::{catalogue::CatalogueEntry, destination::Destination, event::Event, list::Page};
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
    model::{chain, format, kinds},
};

/// The page.
pub(super) fn view(app: App) -> View {
    let list = Loader::new(move || async move {
        let catalogue = app.api.get::<Page<CatalogueEntry>>("/catalogue").await?;
        let page = app.api.all::<Destination>("/destinations").await?;
        Ok((catalogue.items, page))
    });
    app.live.subscribe(move |item| match item {
        Item::Reset => list.reload(),
        Item::Event(event) => {
            if matches!(**event, Event::DestinationSaved { .. } | Event::PipelineSaved { .. }) {
                list.reload_soon(200);
            }
        }
    });
    app.names.want();
    let may = app.may("destinations:write");
    let action = move || {
        if may {
            view! { a(class="btn go", href="/destinations/new") { "New destination" } }
        } else {
            View::new()
        }
    };
    let data = list.data();
    let head = bits::head(
        None,
        view! { "Destinations" },
        view! { (data.with(|data| data.as_ref().map_or_else(String::new, |(_, page)| format!("{}, each configured once and shared by pipelines.", format::counted(page.total, "destination", "destinations"))))) },
        action(),
    );
    let content = list.show(loading::rows_skeleton, move |loaded| {
        let empty = create_selector(move || loaded.with(|(_, page)| page.items.is_empty()));
        view! {
            (if empty.get() {
                bits::state("empty", "destinations", view! { "No destinations yet" }, view! { "A destination owns an endpoint, its credentials and its retries. Pipelines send to it by its name." }, action())
            } else {
                table(app, loaded)
            })
        }
    });
    view! { div(data-testid="destinations") { (head) div(class="card") { (content) } } }
}

fn table(app: App, loaded: ReadSignal<(Vec<CatalogueEntry>, Page<Destination>)>) -> View {
    let text = create_signal(String::new());
    let rows = move || {
        let text = text.get_clone().trim().to_lowercase();
        loaded.see(|(catalogue, page)| {
            page.items
                .iter()
                .filter(|d| {
                    text.is_empty() || d.document.name.to_lowercase().contains(&text) || d.id.as_str().contains(&text)
                })
                .map(|d| row(app, catalogue, d))
                .collect::<Vec<View>>()
        })
    };
    let rows = move || {
        let rows = rows();
        if rows.is_empty() { bits::no_row(5) } else { rows.into() }
    };
    view! {
        div(class="filter", role="search") {
            input(class="plain", r#type="text", data-testid="filter", placeholder="Type a name", aria-label="Filter destinations", on:input=move |event: web_sys::Event| text.set(dom::value(&event)))
            span(class="kbd fold", aria-hidden="true") { "/" }
        }
        div(class="scroll") {
            table(on:keydown=|event: web_sys::KeyboardEvent| dom::arrows(&event)) {
                thead { tr { th { "Name" } th { "Kind" } th(class="fold") { "Settings" } th { "Used by" } th(class="fold") { "Last change" } } }
                tbody { (rows()) }
            }
        }
    }
}

fn row(app: App, catalogue: &[CatalogueEntry], destination: &Destination) -> View {
    let (id, href, name) =
        (destination.id.to_string(), format!("/destinations/{}", destination.id), destination.document.name.clone());
    let kind = catalogue
        .iter()
        .find(|entry| entry.kind == destination.document.kind)
        .map_or_else(|| destination.document.kind.clone(), kinds::title);
    let settings = chain::summary(&destination.document.settings);
    let used = match destination.used_by.len() {
        0 => "no pipeline".to_owned(),
        n => format::counted(n as u64, "pipeline", "pipelines"),
    };
    let users = destination.used_by.clone();
    let broken: View = match &destination.broken {
        Some(why) => {
            let why = why.clone();
            view! { span(title=why) { " " (icon("warn")) } }
        }
        None => View::new(),
    };
    let (when, by) = (bits::ago(Some(destination.updated_at)), destination.updated_by.clone());
    view! {
        tr(data-testid="destination-row", data-id=id) {
            td { a(class="name", href=href) { (name) } (broken) }
            td { (kind) }
            td(class="dim clip mono fold") { (settings) }
            td(title=users.iter().map(|id| app.names.pipeline(id)).collect::<Vec<_>>().join(", ")) { (used) }
            td(class="dim fold") { (when) " by " (by) }
        }
    }
}
