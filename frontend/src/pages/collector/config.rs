//! What a collector should run beside what it says that it runs, with the differences marked.

use linkmesh_proto::api::{
    collector::{Collector, CollectorConfig, ConfigState, DriftState, Runtime},
    event::Event,
};
use sycamore::prelude::*;

use crate::{
    See as _,
    app::App,
    components::{
        bits, code,
        loading::{self, Loader, copy_button},
    },
    live::Item,
    model::{
        beside, format,
        status::{self, Tone},
    },
};

pub(super) fn view(app: App, path: &str, collector: ReadSignal<Collector>) -> View {
    let path = format!("{path}/config");
    let loader = Loader::new(move || {
        let path = path.clone();
        async move { app.api.get::<CollectorConfig>(&path).await }
    });
    app.live.subscribe(move |item| match item {
        Item::Reset => loader.reload(),
        Item::Event(event) => {
            if let Event::ConfigState { collector_id, .. } = &**event
                && collector.with_untracked(|c| c.id == *collector_id)
            {
                loader.reload_soon(500);
            }
        }
    });
    let mark = create_selector(move || {
        collector.with(|c| (c.config_state, c.drift, c.desired_hash, c.reported_hash, c.withheld))
    });
    let mut first = true;
    create_effect(move || {
        mark.track();
        if !std::mem::take(&mut first) {
            loader.reload_soon(500);
        }
    });
    let runtime = collector.with_untracked(|c| c.runtime);
    loader.show(loading::rows_skeleton, move |config| {
        let config = create_selector(move || config.get_clone());
        let withheld = create_selector(move || collector.with(|c| c.withheld));
        view! { (config.see(move |config| shown(config, collector, runtime, withheld.get()))) }
    })
}

/// The states are the live ones: the texts are fetched a moment after they change.
fn shown(config: &CollectorConfig, collector: ReadSignal<Collector>, runtime: Runtime, withheld: bool) -> View {
    let state = bits::live_tag("delivery", move || collector.with(|c| status::config_state(c.config_state)));
    let drift = bits::live_tag("drift", move || collector.with(|c| status::drift_beside(c.config_state, c.drift)));
    let at = config.status.at.map_or_else(View::new, |at| {
        let at = bits::ago(Some(at));
        view! { span(class="sub") { "said " (at) } }
    });
    let (differences, texts) = (differences(config), texts(config, runtime, withheld));
    view! {
        div(class="said") {
            span(class="wait") { span(class="sub") { "Last delivery" } (state) (at) }
            span(class="wait") { span(class="sub") { "Drift" } (drift) }
        }
        (differences)
        (texts)
    }
}

fn differences(config: &CollectorConfig) -> View {
    if config.drift.differences.is_empty() {
        return View::new();
    }
    let count = config.drift.differences.len() as u64;
    let rows: Vec<View> = config
        .drift
        .differences
        .iter()
        .map(|difference| {
            let path = difference.path.clone();
            let desired = difference.desired.clone().unwrap_or_else(|| "not there".to_owned());
            let effective = difference.effective.clone().unwrap_or_else(|| "not there".to_owned());
            view! { tr { td(class="wrap mono") { (path) } td(class="wrap mono") { (desired) } td(class="wrap mono") { (effective) } } }
        })
        .collect();
    let title = format::counted(count, "difference", "differences");
    view! {
        div(class="scroll", data-testid="differences") {
            table {
                thead { tr { th { (title) } th { "Committed" } th { "Running" } } }
                tbody { (rows) }
            }
        }
    }
}

fn texts(config: &CollectorConfig, runtime: Runtime, withheld: bool) -> View {
    let Some(desired) = &config.desired else {
        let effective = config.effective.as_ref().map_or_else(View::new, |effective| {
            let text = code::text("effective", "What it runs", &effective.body);
            view! { div(class="pair-head") { b { "What it runs" } } (text) }
        });
        let (icon, title, text) = if withheld {
            ("warn", "Withheld", "Pipelines select this collector, and it cannot be given them. It is left as it is.")
        } else {
            ("pipelines", "Nothing to run", "No pipeline's matchers select this collector. It is left as it is.")
        };
        let link = view! { a(class="btn", href="/pipelines") { "Pipelines" } };
        let empty = bits::state("empty", icon, title, text, link);
        return view! { (empty) (effective) };
    };
    let (hash, full) = (format::short(&desired.hash), desired.hash.to_string());
    let (commit, href) = (format::short(&desired.revision), format!("/history/{}", desired.revision));
    let body = desired.body.clone();
    let copy = copy_button("what it should run", move || body.clone());
    let redacted: View = if desired.redacted {
        view! { span(class="tag off") { "secrets hidden" } }
    } else {
        View::new()
    };
    let older: View = if withheld {
        let note =
            bits::note(Tone::Warn, "What is committed now is withheld. This is the last that it could be given.");
        view! { div(class="card-body") { (note) } }
    } else {
        View::new()
    };
    let step: View = match &desired.published_hash {
        Some(published) if *published != desired.hash => {
            let published = format::short(published);
            let note = bits::note(
                Tone::Busy,
                view! { "Additions are delivered before removals: the collector is being served " span(class="mono") { (published) } " first." },
            );
            view! { div(class="card-body") { (note) } }
        }
        _ => View::new(),
    };
    let effective_head: View = match &config.effective {
        Some(effective) => {
            let (received, body) = (bits::ago(Some(effective.received_at)), effective.body.clone());
            let copy = copy_button("what it runs", move || body.clone());
            view! { b { "What it runs" } span(class="sub grow") { "reported " (received) } (copy) }
        }
        None => view! { b { "What it runs" } },
    };
    let drifted = match (config.drift.state, config.status.state) {
        (DriftState::Drifted, _) if config.drift.differences.is_empty() => {
            "It runs something other than what was applied last, and that text is no longer available. "
        }
        (DriftState::Drifted, ConfigState::Applied | ConfigState::None) => "Marked lines differ. ",
        (DriftState::Drifted, _) => "Marked lines differ from what was applied last. ",
        _ => "",
    };
    let sorted = match (&config.effective, runtime) {
        (Some(_), Runtime::Otelcol) => {
            "Keys stand in order on both sides; defaults that the collector adds have nothing beside them."
        }
        _ => "",
    };
    let desired_head = view! {
        b { "What it should run" }
        span(class="mono dim", title=full) { (hash) }
        span(class="sub grow") { "from " a(class="link mono", href=href) { (commit) } }
        (redacted)
        (copy)
    };
    let both = match &config.effective {
        Some(effective) => {
            let rows = match runtime {
                Runtime::Alloy => beside::lines(&desired.body, &effective.body),
                Runtime::Otelcol => {
                    let places = config.drift.differences.iter().map(|difference| &*difference.path);
                    beside::yaml(&desired.body, &effective.body, places)
                }
            };
            code::beside(&rows, (desired_head, effective_head))
        }
        None => {
            let text = code::text("desired", "What it should run", &desired.body);
            let waiting = bits::state(
                "empty",
                "info",
                view! { "Not reported" },
                view! { "The collector has not said what it runs." },
                View::new(),
            );
            view! {
                div(class="pair") {
                    div { div(class="pair-head") { (desired_head) } (text) }
                    div { div(class="pair-head") { (effective_head) } (waiting) }
                }
            }
        }
    };
    view! {
        (older)
        (step)
        (both)
        (if drifted.is_empty() && sorted.is_empty() { View::new() } else { view! { div(class="table-foot") { (drifted) (sorted) } } })
    }
}
