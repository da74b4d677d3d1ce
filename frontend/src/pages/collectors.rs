//! The list of collectors: filtered by matchers and states, ordered, live.

mod list;

use linkmesh_proto::{
    CollectorId, PipelineId,
    api::{
        collector::{Collector, CollectorStatus},
        event::Event,
    },
};
use sycamore::prelude::*;

use self::list::List;
use super::overview::{add_button, share, tile};
use crate::{
    See as _,
    app::App,
    components::{bits, icons::icon, loading, shell::Fleet},
    dom,
    live::Item,
    model::{
        filter::Filter,
        format, names,
        status::{self, Tone},
    },
    nav,
};

/// The page.
pub(super) fn view(app: App) -> View {
    let list = List::new();
    list.load(app, false);
    app.names.want();
    app.live.subscribe(move |item| match item {
        Item::Reset => list.load(app, false),
        Item::Event(event) => {
            if let Event::CollectorChanged { collector } = &**event {
                let shown = list.order.with_untracked(|order| order.contains(&collector.id));
                if shown {
                    list.set_row((**collector).clone());
                }
                // Whether it belongs into the list, and where, is for the server to say.
                if !shown || list.filter.with_untracked(Filter::is_narrow) {
                    list.load_soon(app, 2500);
                } else if collector.status == CollectorStatus::Deregistered {
                    // Only who asks for those sees them.
                    list.load_soon(app, 300);
                }
            }
        }
    });
    let head = bits::head(
        None,
        view! { "Collectors" },
        view! {
            (match list.total.get() {
                _ if list.error.with(Option::is_some) => String::new(),
                None => "Loading".to_owned(),
                Some(total) if list.filter.with(Filter::is_narrow) => format!("{} this filter.", format::counted(total, "collector matches", "collectors match")),
                Some(total) => format!("{} known to this server.", format::counted(total, "collector is", "collectors are")),
            })
        },
        add_button(app),
    );
    view! {
        div(data-testid="collectors") {
            (head)
            (tiles())
            div(class="card") {
                (filter_bar(app, list))
                (content(app, list))
            }
        }
    }
}

fn tiles() -> View {
    let Fleet(summary) = use_context::<Fleet>();
    let data = summary.data();
    let figure = move |f: fn(&linkmesh_proto::api::fleet::FleetSummary) -> (u64, String)| {
        move || data.with(|data| data.as_ref().map(f).unwrap_or_default())
    };
    let known = create_selector(move || data.with(Option::is_some));
    view! {
        (if known.get() {
            view! {
                div(class="tiles") {
                    (tile("tile-connected", "/collectors?status=connected", Tone::Ok, "Connected", figure(|s| (s.status.connected, share(s)))))
                    (tile("tile-degraded", "/collectors?status=degraded", Tone::Warn, "Degraded", figure(|s| (s.status.degraded, String::new()))))
                    (tile("tile-offline", "/collectors?status=offline", Tone::Off, "Offline", figure(|s| (s.status.offline, String::new()))))
                    (tile("tile-failed", "/collectors?config_state=failed", Tone::Bad, "Failed to apply", figure(|s| (s.config_state.failed, String::new()))))
                    (tile("tile-drifted", "/collectors?drift=drifted", Tone::Warn, "Drifted", figure(|s| (s.drift.drifted, String::new()))))
                }
            }
        } else {
            View::new()
        })
    }
}

fn choice(
    app: App,
    list: List,
    label: &'static str,
    options: &'static [(&'static str, &'static str)],
    get: fn(&Filter) -> &String,
    set: fn(&mut Filter, String),
) -> View {
    let all: Vec<View> = options
        .iter()
        .map(|(value, name)| {
            let (value, name) = (*value, *name);
            view! { option(value=value) { (name) } }
        })
        .collect();
    view! {
        select(aria-label=label, prop:value=list.filter.with(|filter| get(filter).clone()), on:change=move |event: web_sys::Event| list.refine(app, |filter| set(filter, dom::value(&event)))) { (all) }
    }
}

/// What narrows the list by a link from elsewhere, and can be taken off.
fn narrowing(
    app: App,
    list: List,
    get: fn(&Filter) -> &String,
    words: fn(App, &str) -> String,
    clear: fn(&mut Filter),
) -> View {
    let value = create_selector(move || list.filter.with(|filter| get(filter).clone()));
    view! {
        (if value.with(String::is_empty) {
            View::new()
        } else {
            view! { button(r#type="button", class="chip", title=value.get_clone(), on:click=move |_| list.refine(app, clear)) { (value.see(|value| words(app, value))) } }
        })
    }
}

fn filter_bar(app: App, list: List) -> View {
    let typed = create_signal(list.filter.with_untracked(|filter| filter.text.clone()));
    let matchers = create_memo(move || list.filter.with(|filter| filter.matchers.clone()));
    let turn = create_signal(0_u32);
    // A text narrows while it is typed; a matcher becomes a chip with Enter.
    let on_input = move |event: web_sys::Event| {
        typed.set(dom::value(&event));
        let now = turn.get_untracked() + 1;
        turn.set_silent(now);
        list.tasks.spawn(async move {
            dom::pause(250).await;
            let text = typed.get_clone_untracked();
            if turn.get_untracked() == now
                && !text.contains(['=', '!', '"'])
                && list.filter.with_untracked(|filter| filter.text != text.trim())
            {
                list.refine(app, |filter| text.trim().clone_into(&mut filter.text));
            }
        });
    };
    let on_key = move |event: web_sys::KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            event.prevent_default();
            let text = typed.get_clone_untracked();
            list.refine(app, |filter| {
                filter.take(&text);
            });
            typed.set(list.filter.with_untracked(|filter| filter.text.clone()));
        }
        "Escape" => {
            typed.set(String::new());
            if list.filter.with_untracked(|filter| !filter.text.is_empty()) {
                list.refine(app, |filter| filter.text.clear());
            }
        }
        "Backspace"
            if typed.with_untracked(String::is_empty)
                && list.filter.with_untracked(|filter| !filter.matchers.is_empty()) =>
        {
            list.refine(app, |filter| {
                filter.matchers.pop();
            });
        }
        _ => {}
    };
    let chip = move |matcher: String| {
        let (text, label, gone) = (matcher.clone(), format!("Remove matcher {matcher}"), matcher);
        view! {
            button(r#type="button", class="chip", aria-label=label, on:click=move |_| list.refine(app, |filter| filter.matchers.retain(|matcher| *matcher != gone))) { (text) " ×" }
        }
    };
    view! {
        div(class="filter", role="search") {
            Keyed(list=matchers, view=chip, key=|matcher| matcher.clone())
            input(class="plain", r#type="text", data-testid="filter", placeholder="Type a name, or a matcher such as env=\"prod\" and Enter", aria-label="Filter collectors", "spellcheck"="false", prop:value=typed.get_clone(), on:input=on_input, on:keydown=on_key)
            span(class="kbd fold", aria-hidden="true") { "/" }
            (choice(app, list, "Status", &[("", "Any status"), ("connected", "Connected"), ("degraded", "Degraded"), ("offline", "Offline"), ("pending", "Never seen"), ("deregistered", "Deregistered")], |f| &f.status, |f, v| f.status = v))
            (choice(app, list, "Runtime", &[("", "Any runtime"), ("otelcol", "otelcol"), ("alloy", "Alloy")], |f| &f.runtime, |f, v| f.runtime = v))
            (choice(app, list, "Config", &[("", "Any config"), ("applied", "Applied"), ("applying", "Applying"), ("pending", "Waiting"), ("failed", "Failed"), ("none", "Nothing to run")], |f| &f.config_state, |f, v| f.config_state = v))
            (narrowing(app, list, |f| &f.pipeline, |app, id| app.names.known.with(|known| format!("runs: {} ×", names::of(&known.pipelines, id))), |f| f.pipeline.clear()))
            (narrowing(app, list, |f| &f.drift, |_, drift| format!("drift: {drift} ×"), |f| f.drift.clear()))
            (narrowing(app, list, |f| &f.withheld, |_, _| "withheld ×".to_owned(), |f| f.withheld.clear()))
        }
    }
}

fn content(app: App, list: List) -> View {
    #[derive(Clone, Copy, PartialEq)]
    enum Shown {
        Loading,
        Error,
        NoneAtAll,
        NoneMatch,
        Rows,
    }
    let shown = create_selector(move || {
        if list.error.with(Option::is_some) {
            Shown::Error
        } else if list.total.get().is_none() {
            Shown::Loading
        } else if !list.order.with(Vec::is_empty) {
            Shown::Rows
        } else if list.filter.with(Filter::is_narrow) {
            Shown::NoneMatch
        } else {
            Shown::NoneAtAll
        }
    });
    view! {
        (match shown.get() {
            Shown::Loading => loading::rows_skeleton(),
            Shown::Error => view! {
                (match list.error.get_clone() {
                    Some(error) => loading::failure(&error, move || list.load(app, false)),
                    None => View::new(),
                })
            },
            Shown::NoneAtAll => bits::state(
                "empty", "collectors", view! { "No collectors yet" },
                view! { "A collector is Grafana Alloy or otelcol under opampsupervisor on one of your hosts. Adding one takes a paste." },
                add_button(app),
            ),
            Shown::NoneMatch => bits::state(
                "empty", "collectors", view! { "No collector matches" },
                view! { "All matchers hold at once; an absent attribute is the empty text." },
                view! { button(r#type="button", class="btn", on:click=move |_| list.refine(app, |filter| *filter = Filter { sort: filter.sort.clone(), ..Filter::default() })) { "Clear the filter" } },
            ),
            Shown::Rows => table(app, list),
        })
    }
}

fn column(app: App, list: List, name: &'static str, key: &'static str, class: &'static str) -> View {
    view! {
        th(class=class, scope="col", aria-sort=list.filter.with(|filter| filter.order_of(key))) {
            button(r#type="button", on:click=move |_| list.refine(app, |filter| filter.order_by(key))) {
                (name)
                (match list.filter.with(|filter| filter.order_of(key)) { Some("ascending") => "↑", Some(_) => "↓", None => "" })
            }
        }
    }
}

fn table(app: App, list: List) -> View {
    let row = move |id: CollectorId| match list.rows.with_untracked(|rows| rows.get(&id).copied()) {
        Some(row) => self::row(app, row),
        None => View::new(),
    };
    let [name, runtime, status, config, seen] = [
        ("Name", "name", ""),
        ("Runtime", "runtime", "fold"),
        ("Status", "status", ""),
        ("Config", "config_state", ""),
        ("Last seen", "last_seen", "fold"),
    ]
    .map(|(word, key, class)| column(app, list, word, key, class));
    view! {
        div(class="scroll") {
            table(on:keydown=|event: web_sys::KeyboardEvent| dom::arrows(&event)) {
                thead { tr {
                    (name) (runtime) (status) (config)
                    th(class="fold", scope="col") { "Pipelines" }
                    (seen)
                } }
                tbody { Keyed(list=list.order, view=row, key=|id| *id) }
            }
        }
        div(class="table-foot") {
            span(class="grow") { (format!("{} of {}", format::count(list.order.with(Vec::len) as u64), format::count(list.total.get().unwrap_or(0)))) }
            (if list.next.with(Option::is_some) {
                view! { button(r#type="button", class="btn small", disabled=list.busy.get(), on:click=move |_| list.load(app, true)) { "Show more" } }
            } else {
                View::new()
            })
        }
    }
}

fn row(app: App, row: Signal<Collector>) -> View {
    let id = row.with_untracked(|row| row.id.to_string());
    let (href, target) = (format!("/collectors/{id}"), format!("/collectors/{id}"));
    view! {
        tr(class="rowlink", data-testid="collector-row", data-id=id, on:click=move |event: web_sys::MouseEvent| {
            // A click on the link itself is the router's.
            let on_link = event.target().and_then(|target| wasm_bindgen::JsCast::dyn_into::<web_sys::Element>(target).ok()).is_some_and(|element| element.closest("a").ok().flatten().is_some());
            if !on_link {
                nav::go(&target);
            }
        }) {
            td { a(class="name", href=href) { (row.with(|row| row.name.clone())) } }
            td(class="dim fold") { (row.with(|row| status::program(row.runtime, row.version.as_deref()))) }
            td { (bits::live_tag("status", move || row.with(|row| status::status(row.status)))) }
            td {
                (bits::live_tag("config-state", move || row.with(status::config)))
                (match row.with(|row| row.error.clone().filter(|error| error != "no_answer")) {
                    Some(error) => {
                        let title = error.clone();
                        let short = format::at_most(format::last_words(&error), 48);
                        view! { " " span(class="dim mono fold", title=title) { (short) } }
                    }
                    None => View::new(),
                })
                (if row.with(|row| !row.notices.is_empty()) { view! { " " span(title=row.with(|row| row.notices.join(" "))) { (icon("warn")) } } } else { View::new() })
            }
            td(class="clip dim fold", title=row.with(|row| joined(row, ToString::to_string))) {
                (row.with(|row| if row.pipelines.is_empty() { "none".to_owned() } else { joined(row, |id| app.names.pipeline(id)) }))
            }
            td(class="dim fold") { (bits::live_seen(move || row.with(|row| (row.status, row.last_seen)))) }
        }
    }
}

fn joined(row: &Collector, name: impl Fn(&PipelineId) -> String) -> String {
    row.pipelines.iter().map(name).collect::<Vec<_>>().join(", ")
}
