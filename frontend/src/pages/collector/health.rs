//! The tree of components with what each says of itself.

use linkmesh_proto::api::collector::{Collector, CollectorHealth, ComponentHealth};
use sycamore::prelude::*;

use crate::{
    See as _,
    app::App,
    components::{
        bits,
        loading::{self, Loader},
    },
    live::Item,
    model::status::Tone,
};

pub(super) fn view(app: App, path: &str, collector: ReadSignal<Collector>) -> View {
    let path = format!("{path}/health");
    let loader = Loader::new(move || {
        let path = path.clone();
        async move { app.api.get::<CollectorHealth>(&path).await }
    });
    app.live.subscribe(move |item| {
        if *item == Item::Reset {
            loader.reload();
        }
    });
    // The feed tells of what changes the verdict; of single components, and of how new the report is, it does not.
    loader.keep_fresh(10_000);
    let mark = create_selector(move || collector.with(|c| (c.healthy, c.status, c.reported_hash, c.error.clone())));
    let mut first = true;
    create_effect(move || {
        mark.track();
        if !std::mem::take(&mut first) {
            loader.reload_soon(300);
        }
    });
    let content = loader.show(loading::rows_skeleton, |health| {
        // Only times change with most reports: the tree is drawn again when something else did.
        let root = create_selector(move || health.with(|health| health.root.clone()));
        view! {
            div(class="filter") { span(class="sub") { "Reported " (bits::live_ago(move || health.with(|health| health.received_at))) } }
            (root.see(|root| match root {
                None => bits::state("empty", "info", view! { "No word on health yet" }, view! { "The collector has not reported a health tree." }, View::new()),
                Some(root) => {
                    let tree = node("collector", root, 0);
                    view! { div(class="health card-body", data-testid="health-tree") { (tree) } }
                }
            }))
        }
    });
    view! { (content) }
}

fn node(name: &str, health: &ComponentHealth, depth: usize) -> View {
    let name = name.to_owned();
    let dot = bits::dot(if health.healthy { Tone::Ok } else { Tone::Bad });
    let word = match (health.status.trim_start_matches("Status"), health.healthy) {
        ("" | "OK", true) => "OK".to_owned(),
        ("", false) => "not healthy".to_owned(),
        (word, _) => word.to_owned(),
    };
    let why: View = match &health.last_error {
        Some(error) if !error.is_empty() => {
            let words = bits::own_words("health-error", error);
            view! { div(class="why") { (words) } }
        }
        _ => View::new(),
    };
    let line = view! { (dot) span(class="mono") { (name) } span(class="dim") { (word) } (why) };
    if health.components.is_empty() {
        return view! { div(class="leaf") { (line) } };
    }
    let below: Vec<View> = health
        .components
        .iter()
        .map(|(name, health)| {
            let below = node(name, health, depth + 1);
            view! { li { (below) } }
        })
        .collect();
    // Well parts deep down stay folded, so that what is broken is in sight.
    let open = depth < 2 || !all_well(health);
    view! { details(open=open) { summary { (line) } ul { (below) } } }
}

fn all_well(health: &ComponentHealth) -> bool {
    health.healthy && health.components.values().all(all_well)
}
