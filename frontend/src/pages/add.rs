//! Adding a collector: what it is, what to put on the host, and waiting until it is there.

use std::collections::BTreeMap;

use linkmesh_proto::{
    api::{
        collector::{Collector, CollectorCreated, CollectorStatus, NewCollector, Runtime, Stability},
        event::Event,
    },
    install,
};
use sycamore::prelude::*;

use crate::{
    api::ApiError,
    app::App,
    components::{
        bits, code,
        field::new_id,
        loading::{Loader, Tasks, copy_button},
        pairs,
    },
    dom,
    live::Item,
    model::status::{self, Tone, stability_name},
};

/// The page.
pub(super) fn view(app: App) -> View {
    let made = create_signal(None::<CollectorCreated>);
    let is_made = create_selector(move || made.with(Option::is_some));
    view! {
        div(data-testid="add-collector") {
            (if !app.may("collectors:write") {
                bits::state("no-permission", "lock", view! { "You may not add collectors" }, view! { (bits::needs("collectors:write")) }, View::new())
            } else if is_made.get() {
                match made.get_clone_untracked() {
                    Some(made) => install_page(app, &made),
                    None => View::new(),
                }
            } else {
                form(app, made)
            })
        }
    }
}

fn pick<T: Copy + PartialEq + 'static>(
    name: &'static str,
    label: &'static str,
    chosen: Signal<T>,
    options: Vec<(T, &'static str, &'static str)>,
) -> View {
    let all: Vec<View> = options
        .into_iter()
        .map(|(value, title, text)| {
            let id = new_id();
            let label_for = id.clone();
            let on = chosen.get_untracked() == value;
            view! {
                label(r#for=label_for) {
                    input(id=id, r#type="radio", name=name, prop:checked=on, on:change=move |_| chosen.set(value))
                    span { b { (title) } span(class="sub") { (text) } }
                }
            }
        })
        .collect();
    view! { div(class="pick", role="radiogroup", aria-label=label) { (all) } }
}

fn form(app: App, made: Signal<Option<CollectorCreated>>) -> View {
    let runtime = create_signal(Runtime::Otelcol);
    let stability = create_signal(Stability::GenerallyAvailable);
    let (name, version) = (create_signal(String::new()), create_signal(String::new()));
    let labels = create_signal(BTreeMap::new());
    let (busy, error) = (create_signal(false), create_signal(None::<ApiError>));
    let tasks = Tasks::here();
    let is_alloy = create_selector(move || runtime.get() == Runtime::Alloy);
    let done = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if busy.replace(true) {
            return;
        }
        error.set(None);
        let version = version.get_clone_untracked().trim().to_owned();
        let body = NewCollector {
            name: name.get_clone_untracked().trim().to_owned(),
            runtime: runtime.get_untracked(),
            version: (!version.is_empty()).then_some(version),
            stability: (runtime.get_untracked() == Runtime::Alloy).then(|| stability.get_untracked()),
            labels: labels.get_clone_untracked(),
        };
        tasks.spawn(async move {
            let result = app.api.post::<CollectorCreated>("/collectors", &body).await;
            busy.set(false);
            match result {
                Ok(answer) => made.set(Some(answer.value)),
                Err(refused) => error.set(Some(refused)),
            }
        });
    };
    let head = bits::head(
        Some(("/collectors", "Collectors")),
        view! { "Add collector" },
        view! { "Say what will run on the host; the next step shows what to paste there." },
        View::new(),
    );
    let (name_id, version_id) = (new_id(), new_id());
    let (name_for, version_for) = (name_id.clone(), version_id.clone());
    view! {
        (head)
        form(class="card", on:submit=done) {
            div(class="field") {
                span(class="label") { "Runtime" }
                (pick("runtime", "Runtime", runtime, vec![
                    (Runtime::Otelcol, "otelcol", "OpenTelemetry Collector under opampsupervisor; gets changes at once over OpAMP."),
                    (Runtime::Alloy, "Alloy", "Grafana Alloy; asks for its configuration by remotecfg, every 15 seconds."),
                ]))
            }
            div(class="cols even") {
                div(class="field") {
                    label(r#for=name_for) { "Name" }
                    input(id=name_id, r#type="text", required=true, placeholder="web-01.fra", autocomplete="off", on:input=move |event: web_sys::Event| name.set(dom::value(&event)))
                    small { "How people call it; it can be changed later." }
                }
                div(class="field") {
                    label(r#for=version_for) { "Version" span(class="opt") { "optional" } }
                    input(id=version_id, r#type="text", placeholder=if is_alloy.get() { "1.18.0" } else { "0.158.0" }, autocomplete="off", on:input=move |event: web_sys::Event| version.set(dom::value(&event)))
                    small { "What is or will be installed, so that the files fit it." }
                }
            }
            (if is_alloy.get() {
                view! {
                    div(class="field") {
                        span(class="label") { "Stability level" }
                        (pick("stability", "Stability level", stability, vec![
                            (Stability::GenerallyAvailable, "generally-available", "Stable components only."),
                            (Stability::PublicPreview, "public-preview", "Also file logs and others in preview."),
                            (Stability::Experimental, "experimental", "Everything, the debug destination included."),
                        ]))
                        small { "Alloy refuses a whole configuration for one component above its level. It stands in the command that starts Alloy." }
                    }
                }
            } else {
                View::new()
            })
            div(class="field") {
                span(class="label") { "Labels" span(class="opt") { "optional" } }
                (pairs::labels(&BTreeMap::new(), move |new| labels.set(new)))
                small { "Matchers of pipelines select by them, for example env = prod." }
            }
            (match error.get_clone() {
                Some(error) => {
                    let (title, detail) = (error.title(), error.detail_beside_fields());
                    let fields: Vec<View> = error.fields().into_iter().map(|problem| {
                        let text = format!("{}: {}", problem.field, problem.message);
                        view! { div { (text) } }
                    }).collect();
                    bits::note(Tone::Bad, view! { b { (title) } div { (detail) } (fields) })
                }
                None => View::new(),
            })
            div { button(r#type="submit", class="btn go", disabled=busy.get()) { (if busy.get() { "Working …" } else { "Continue" }) } }
        }
    }
}

fn install_page(app: App, made: &CollectorCreated) -> View {
    let name = made.collector.name.clone();
    let sub = format!(
        "{} · run this as root on its host.",
        status::program(made.collector.runtime, made.collector.version.as_deref())
    );
    let level = (made.collector.runtime == Runtime::Alloy).then(|| stability_name(made.collector.stability));
    let level: View = match level {
        Some(level) => view! { p(class="sub") { "Stability level: " span(class="mono") { (level) } "." } },
        None => View::new(),
    };
    let script = install::script(&made.bootstrap);
    let programs: Vec<View> = made
        .bootstrap
        .programs
        .iter()
        .map(|program| {
            let (path, name, source) = (program.path.clone(), program.name.clone(), program.source.clone());
            view! { dt { (name) } dd { "as " span(class="mono") { (path) } br() span(class="mono") { (source) } } }
        })
        .collect();
    let files: Vec<View> = made
        .bootstrap
        .files
        .iter()
        .map(|file| {
            let (path, mode, content) = (file.path.clone(), file.mode.clone(), file.content.clone());
            let text = code::plain("bootstrap-content", "File", &file.content);
            let copy = copy_button("the file", move || content.clone());
            view! {
                div(class="file", data-testid="bootstrap-file") {
                    div(class="file-head") { span(class="mono grow") { (path) } span(class="dim mono") { (mode) } (copy) }
                    (text)
                }
            }
        })
        .collect();
    let commands = made.bootstrap.commands.join("\n");
    let commands_text = code::plain("bootstrap-content", "Commands", &commands);
    let copy_commands = copy_button("the commands", move || commands.clone());
    let script_text = code::plain("bootstrap-script", "Script", &script);
    let copy_script = copy_button("the script", move || script.clone());
    let head =
        bits::head(Some(("/collectors", "Collectors")), view! { "Install " (name) }, view! { (sub) }, View::new());
    let waiting = waiting(app, &made.collector);
    let once = bits::note(
        Tone::Warn,
        view! { "The token in these files is shown this once. Should it get lost, issue a new one on the collector's page." },
    );
    view! {
        (head)
        div(class="stack") {
            (waiting)
            (once)
            (level)
            section(class="card", aria-label="Programs", data-testid="bootstrap-programs") {
                div(class="card-head") { h2 { "Needed on the host" } }
                div(class="card-body stack") {
                    p(class="sub") { "The script configures and starts these programs; it does not bring them. Install them first, from what their makers publish." }
                    dl(class="facts") { (programs) }
                }
            }
            div(class="card") {
                div(class="card-head") { h2(class="grow") { "Paste this into a root shell" } (copy_script) }
                (script_text)
            }
            details(class="card") {
                summary(class="card-head") { h2 { "The same, file by file" } }
                div(class="card-body stack") {
                    (files)
                    div(class="file", data-testid="bootstrap-commands") {
                        div(class="file-head") { span(class="grow") { "Commands, after the files" } (copy_commands) }
                        (commands_text)
                    }
                }
            }
        }
    }
}

/// Waits until the collector is there, by the feed and, should that be down, by asking.
fn waiting(app: App, collector: &Collector) -> View {
    let path = format!("/collectors/{}", collector.id);
    let id = collector.id;
    let href = path.clone();
    let loader = Loader::new(move || {
        let path = path.clone();
        async move { app.api.get::<Collector>(&path).await }
    });
    app.live.subscribe(move |item| match item {
        Item::Reset => loader.reload(),
        Item::Event(event) => {
            if let Event::CollectorChanged { collector } = &**event
                && collector.id == id
            {
                loader.update(|known| *known = (**collector).clone());
            }
        }
    });
    let here = create_selector(move || {
        loader.data().with(|data| {
            data.as_ref()
                .is_some_and(|c| c.status != CollectorStatus::Pending && c.status != CollectorStatus::Deregistered)
        })
    });
    let tasks = Tasks::here();
    tasks.spawn(async move {
        while !here.get_untracked() {
            dom::pause(5000).await;
            loader.reload();
        }
    });
    let data = loader.data();
    view! {
        (if here.get() {
            let href = href.clone();
            bits::note(Tone::Ok, view! {
                div(class="wait", data-testid="arrived") {
                    b { "It is here." }
                    (bits::live_tag("status", move || data.with(|data| data.as_ref().map_or(status::status(CollectorStatus::Pending), |c| status::status(c.status)))))
                    (bits::live_tag("config-state", move || data.with(|data| data.as_ref().map_or(status::config_state(linkmesh_proto::api::collector::ConfigState::None), status::config))))
                    span(class="grow") {}
                    a(class="btn go", href=href) { "Open the collector" }
                }
            })
        } else {
            view! {
                div(class="note", role="status") {
                    div(class="wait", data-testid="waiting") { i(class="pulse", aria-hidden="true") {} span { b { "Waiting for it to connect." } " This page will tell; you may also leave it." } }
                }
            }
        })
    }
}
