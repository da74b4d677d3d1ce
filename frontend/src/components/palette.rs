//! The command palette: everything by its name, from the keyboard.

use linkmesh_proto::api::{collector::Collector, list::Page};
use sycamore::{futures::spawn_local_scoped, prelude::*, web::document};

use super::{dialog::dialog, icons::icon};
use crate::{
    app::App,
    dom,
    model::{filter, status},
    nav,
};

/// Something to go to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: String,
    sub: String,
    href: String,
    icon: &'static str,
}

/// Places that are always there, those to make something for who may.
fn fixed(app: App) -> Vec<Entry> {
    [
        ("Overview", "/", "overview", ""),
        ("Collectors", "/collectors", "collectors", ""),
        ("Add collector", "/collectors/add", "plus", "collectors:write"),
        ("Collectors that failed to apply", "/collectors?config_state=failed", "collectors", ""),
        ("Collectors that drifted", "/collectors?drift=drifted", "collectors", ""),
        ("Collectors that are offline", "/collectors?status=offline", "collectors", ""),
        ("Pipelines", "/pipelines", "pipelines", ""),
        ("New pipeline", "/pipelines/new", "plus", "pipelines:write"),
        ("Import pipelines", "/pipelines/import", "plus", "pipelines:write"),
        ("Destinations", "/destinations", "destinations", ""),
        ("New destination", "/destinations/new", "plus", "destinations:write"),
        ("History", "/history", "history", ""),
    ]
    .into_iter()
    .filter(|(.., permission)| permission.is_empty() || app.may(permission))
    .map(|(name, href, icon, _)| Entry { name: name.to_owned(), sub: String::new(), href: href.to_owned(), icon })
    .collect()
}

/// The keys of the whole page: Ctrl or Cmd with K opens the palette, `/` goes to the filter.
pub(crate) fn keys(app: App) {
    dom::on_document("keydown", move |event| {
        let Some(event) = wasm_bindgen::JsCast::dyn_ref::<web_sys::KeyboardEvent>(&event) else { return };
        if (event.ctrl_key() || event.meta_key()) && event.key().eq_ignore_ascii_case("k") {
            event.prevent_default();
            app.palette.set(!app.palette.get_untracked());
        } else if event.key() == "/" && !dom::is_typing() && !app.palette.get_untracked() {
            event.prevent_default();
            dom::focus("[data-testid=filter]");
        }
    });
}

/// The palette.
pub(crate) fn view(app: App) -> View {
    dialog(app.palette, "pal", "Command palette", move || content(app))
}

fn option_id(index: usize) -> String {
    format!("palette-{index}")
}

/// How far the search for collectors is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looking {
    Going,
    Done,
    Failed,
}

fn content(app: App) -> View {
    let typed = create_signal(String::new());
    let found = create_signal(Vec::<Entry>::new());
    let chosen = create_signal(0_usize);
    let looking = create_signal(Looking::Done);
    app.names.want();
    let named = create_memo(move || {
        app.names.known.with(|known| {
            let entry = |(id, name): (&String, &String), sub: &str, path: &str, icon| Entry {
                name: name.clone(),
                sub: sub.to_owned(),
                href: format!("{path}/{id}"),
                icon,
            };
            let pipelines = known.pipelines.iter().map(|p| entry(p, "pipeline", "/pipelines", "pipelines"));
            let destinations =
                known.destinations.iter().map(|d| entry(d, "destination", "/destinations", "destinations"));
            pipelines.chain(destinations).collect::<Vec<_>>()
        })
    });
    let turn = create_signal(0_u32);
    create_effect(move || {
        let text = typed.get_clone();
        let now = turn.get_untracked() + 1;
        turn.set_silent(now);
        if text.trim().is_empty() {
            found.set(Vec::new());
            looking.set(Looking::Done);
            return;
        }
        looking.set(Looking::Going);
        spawn_local_scoped(async move {
            dom::pause(150).await;
            let path = format!("/collectors?limit=8&q={}", filter::encode(text.trim()));
            if turn.get_untracked() != now {
                return;
            }
            let result = app.api.get::<Page<Collector>>(&path).await;
            if turn.get_untracked() != now {
                return;
            }
            looking.set(if result.is_ok() { Looking::Done } else { Looking::Failed });
            if let Ok(page) = result {
                found.set(
                    page.items
                        .into_iter()
                        .map(|c| Entry {
                            sub: format!(
                                "{} · {}",
                                status::program(c.runtime, c.version.as_deref()),
                                status::status(c.status).word
                            ),
                            name: c.name,
                            href: format!("/collectors/{}", c.id),
                            icon: "collectors",
                        })
                        .collect(),
                );
            }
        });
    });
    let shown = create_memo(move || {
        let text = typed.get_clone().trim().to_lowercase();
        let mut all: Vec<Entry> = fixed(app)
            .into_iter()
            .chain(named.get_clone())
            .filter(|entry| text.is_empty() || entry.name.to_lowercase().contains(&text))
            .take(30)
            .collect();
        all.extend(found.get_clone());
        all
    });
    create_effect(move || {
        typed.track();
        chosen.set(0);
    });
    // What is chosen is in sight, and named to who does not see it.
    create_effect(move || {
        if let Some(option) = document().get_element_by_id(&option_id(chosen.get())) {
            dom::bring_into_sight(&option);
        }
    });
    let go = move |index: usize| {
        if let Some(entry) = shown.with_untracked(|shown| shown.get(index).cloned()) {
            app.palette.set(false);
            nav::go(&entry.href);
        }
    };
    let key = move |event: web_sys::KeyboardEvent| {
        let last = shown.with_untracked(Vec::len).saturating_sub(1);
        match event.key().as_str() {
            "ArrowDown" => chosen.set((chosen.get_untracked() + 1).min(last)),
            "ArrowUp" => chosen.set(chosen.get_untracked().saturating_sub(1)),
            "Enter" => go(chosen.get_untracked()),
            _ => return,
        }
        event.prevent_default();
    };
    view! {
        div(data-testid="palette") {
            input(
                r#type="text",
                "autofocus"="",
                placeholder="Go to a page, collector, pipeline or destination",
                aria-label="Go to",
                role="combobox",
                aria-expanded="true",
                aria-controls="palette-list",
                aria-activedescendant=if shown.with(Vec::is_empty) { String::new() } else { option_id(chosen.get()) },
                autocomplete="off",
                on:input=move |event: web_sys::Event| typed.set(dom::value(&event)),
                on:keydown=key,
            )
            ul(id="palette-list", role="listbox") {
                Indexed(
                    list=create_memo(move || shown.get_clone().into_iter().enumerate().collect::<Vec<_>>()),
                    view=move |(index, entry): (usize, Entry)| {
                        let Entry { name, sub, icon: image, .. } = entry;
                        let id = option_id(index);
                        view! {
                            li(id=id, role="option", aria-selected=if chosen.get() == index { "true" } else { "false" }, on:click=move |_| go(index)) {
                                (icon(image))
                                span { (name) }
                                span(class="sub") { (sub) }
                            }
                        }
                    },
                )
            }
            (if shown.with(Vec::is_empty) || looking.get() == Looking::Failed {
                let word = match looking.get() {
                    Looking::Going => "Looking …",
                    Looking::Done => "Nothing by that name.",
                    Looking::Failed => "Collectors could not be looked for: the server did not answer as it should.",
                };
                view! { div(class="bones sub", role="status") { (word) } }
            } else {
                View::new()
            })
        }
    }
}
