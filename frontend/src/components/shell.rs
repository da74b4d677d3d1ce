//! The frame: the rail with its links, the feed's state, who is signed in.

use linkmesh_proto::api::{event::Event, fleet::FleetSummary};
use sycamore::prelude::*;

use super::{
    bits::dot,
    dialog,
    icons::{brand, icon},
    loading::{Loader, Tasks},
    palette, theme,
};
use crate::{
    app::{App, Visitor},
    live::{FeedState, Item},
    model::{format, status::Tone},
    nav::{self, Leave},
    pages::{Place, Section},
};

/// Counts of the fleet, shared by the rail and the pages, and kept fresh by the feed.
#[derive(Clone, Copy)]
pub(crate) struct Fleet(pub(crate) Loader<FleetSummary>);

/// The frame around a page.
pub(crate) fn shell(app: App, place: ReadSignal<Place>, content: impl Fn() -> View + 'static) -> View {
    let summary = Loader::new(move || app.api.get::<FleetSummary>("/fleet/summary"));
    provide_context(Fleet(summary));
    app.live.subscribe(move |item| match item {
        Item::Reset => summary.reload(),
        Item::Event(event) => {
            if matches!(**event, Event::CollectorChanged { .. } | Event::ConfigState { .. } | Event::Revision { .. }) {
                summary.reload_soon(1500);
            }
        }
    });
    let open = create_signal(false);
    create_effect(move || {
        place.track();
        open.set(false);
    });
    let section = create_selector(move || place.get_clone().section());
    let link = move |target: Section, href: &'static str, name: &'static str, image: &'static str, extra: View| {
        view! {
            a(class="rail-link", href=href, aria-current=(section.get() == Some(target)).then_some("page")) { (icon(image)) (name) (extra) }
        }
    };
    let data = summary.data();
    let total = view! {
        (match data.with(|data| data.as_ref().map(|data| (data.total, data.config_state.failed))) {
            Some((_, failed)) if failed > 0 => view! { b(class="bad") { (format::count(failed)) " failed" } },
            Some((total, _)) => view! { b { (format::count(total)) } },
            None => View::new(),
        })
    };
    let body = content();
    let overview = link(Section::Overview, "/", "Overview", "overview", View::new());
    let collectors = link(Section::Collectors, "/collectors", "Collectors", "collectors", total);
    let pipelines = link(Section::Pipelines, "/pipelines", "Pipelines", "pipelines", View::new());
    let destinations = link(Section::Destinations, "/destinations", "Destinations", "destinations", View::new());
    let history = link(Section::History, "/history", "History", "history", View::new());
    let links = view! {
        div(class="rail-group") { "Fleet" }
        (overview)
        (collectors)
        div(class="rail-group") { "Telemetry" }
        (pipelines)
        (destinations)
        div(class="rail-group") { "Change" }
        (history)
    };
    let (brand, menu, foot) = (brand(), icon("menu"), foot(app));
    let (palette, leaving) = (palette::view(app), dialog::leaving());
    view! {
        a(class="skip", href="#main", rel="external") { "Skip to content" }
        div(class="shell") {
            nav(class=if open.get() { "rail open" } else { "rail" }, aria-label="Main", data-testid="rail") {
                div(class="rail-top") {
                    (brand)
                    button(r#type="button", class="btn icon small bare rail-menu", aria-label="Menu", aria-expanded=if open.get() { "true" } else { "false" }, on:click=move |_| open.set(!open.get_untracked())) { (menu) }
                }
                div(class="rail-links") { (links) }
                (foot)
            }
            main(class="main", id="main", tabindex="-1") { (body) }
        }
        (palette)
        (leaving)
    }
}

fn foot(app: App) -> View {
    let tasks = Tasks::here();
    let feed = create_selector(move || app.live.state.get());
    let who = create_selector(move || {
        app.visitor.with(|visitor| match visitor {
            Visitor::Known(session) => {
                (session.user.name.clone(), format!("{} · {}", session.user.email, session.user.role))
            }
            _ => Default::default(),
        })
    });
    let sign_out = move |_| {
        if !nav::is_held(Leave::SignOut) {
            tasks.spawn(app.sign_out());
        }
    };
    let (theme, leave) = (theme::switch(), icon("leave"));
    view! {
        div(class="rail-foot") {
            div(class="rail-row feed", data-testid="feed-state") {
                (match feed.get() {
                    FeedState::Live => dot(Tone::Ok),
                    FeedState::Connecting => dot(Tone::Off),
                    FeedState::Stale => dot(Tone::Bad),
                    FeedState::Forbidden => dot(Tone::Off),
                })
                span(class="grow", role="status") {
                    (match feed.get() {
                        FeedState::Live => "Live".to_owned(),
                        FeedState::Connecting => "Connecting".to_owned(),
                        FeedState::Forbidden => "Not live: your role may not follow events".to_owned(),
                        FeedState::Stale => {
                            app.now.track();
                            let age = (crate::dom::now_ms() - app.live.heard_at.get_untracked()) / 1000;
                            format!("Not live; as of {} ago", format::span(age))
                        }
                    })
                }
                button(r#type="button", class="kbd", aria-label="Command palette", title="Command palette", on:click=move |_| app.palette.set(true)) { "Ctrl K" }
            }
            div(class="rail-row") {
                span(class="grow who", title=who.with(|who| who.1.clone())) { (who.with(|who| who.0.clone())) }
                (theme)
                button(r#type="button", class="btn icon small bare", data-testid="sign-out", aria-label="Sign out", title="Sign out", on:click=sign_out) { (leave) }
            }
        }
    }
}
