//! The pages, and which of them an address shows.

mod add;
mod collector;
mod collectors;
mod destination;
mod destinations;
mod editor;
mod gate;
mod history;
mod import;
mod overview;
mod pipeline;
mod pipelines;
mod revision;

use sycamore::{prelude::*, web::document};
use sycamore_router::{Route, Router};

use crate::{
    app::{App, Visitor},
    components::{bits, loading, shell},
    nav,
};

/// A page.
#[derive(Debug, Clone, PartialEq, Eq, Route)]
pub(crate) enum Place {
    #[to("/")]
    Overview,
    #[to("/setup")]
    Setup,
    #[to("/collectors")]
    Collectors,
    #[to("/collectors/add")]
    AddCollector,
    #[to("/collectors/<id>")]
    Collector { id: String },
    #[to("/pipelines")]
    Pipelines,
    #[to("/pipelines/new")]
    NewPipeline,
    #[to("/pipelines/import")]
    Import,
    #[to("/pipelines/<id>")]
    Pipeline { id: String },
    #[to("/destinations")]
    Destinations,
    #[to("/destinations/new")]
    NewDestination,
    #[to("/destinations/<id>")]
    Destination { id: String },
    #[to("/history")]
    History,
    #[to("/history/<sha>")]
    Revision { sha: String },
    #[not_found]
    Nowhere,
}

/// A link of the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Collectors,
    Pipelines,
    Destinations,
    History,
}

impl Place {
    /// The link of the rail to which a page belongs.
    pub(crate) const fn section(&self) -> Option<Section> {
        Some(match self {
            Self::Overview => Section::Overview,
            Self::Collectors | Self::AddCollector | Self::Collector { .. } => Section::Collectors,
            Self::Pipelines | Self::NewPipeline | Self::Import | Self::Pipeline { .. } => Section::Pipelines,
            Self::Destinations | Self::NewDestination | Self::Destination { .. } => Section::Destinations,
            Self::History | Self::Revision { .. } => Section::History,
            Self::Setup | Self::Nowhere => return None,
        })
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Setup => "Set up",
            Self::Collectors => "Collectors",
            Self::AddCollector => "Add collector",
            Self::Collector { .. } => "Collector",
            Self::Pipelines => "Pipelines",
            Self::NewPipeline => "New pipeline",
            Self::Import => "Import",
            Self::Pipeline { .. } => "Pipeline",
            Self::Destinations => "Destinations",
            Self::NewDestination => "New destination",
            Self::Destination { .. } => "Destination",
            Self::History => "History",
            Self::Revision { .. } => "Revision",
            Self::Nowhere => "Not found",
        }
    }
}

/// Sets the title of the window: what is looked at, then the program.
pub(crate) fn set_title(title: &str) {
    document().set_title(&format!("{title} · LinkMesh"));
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Unreachable,
    Setup,
    SignIn,
    Inside,
}

/// The page that the address asks for, behind sign-in.
pub(crate) fn routed(app: App) -> View {
    view! { Router(integration=nav::Guarded, view=move |place| inside(app, place)) }
}

fn inside(app: App, place: ReadSignal<Place>) -> View {
    let stage = create_selector(move || {
        if place.with(|place| *place == Place::Setup) {
            return Stage::Setup;
        }
        app.visitor.with(|visitor| match visitor {
            Visitor::Unknown => Stage::Waiting,
            Visitor::Nobody => Stage::SignIn,
            Visitor::Unreachable(_) => Stage::Unreachable,
            Visitor::Known(_) => Stage::Inside,
        })
    });
    create_effect(move || set_title(place.with(Place::title)));
    // One node of its own: the router listens for clicks on it.
    view! {
        div(id="root") {
            (match stage.get() {
                Stage::Waiting => view! { div(class="boot", role="status") { span(class="boot-mark") {} p { "Loading LinkMesh" } } },
                Stage::Unreachable => {
                    let error = app.visitor.with_untracked(|visitor| match visitor {
                        Visitor::Unreachable(error) => error.clone(),
                        _ => crate::api::ApiError::Unreachable,
                    });
                    let tasks = loading::Tasks::here();
                    view! { div(class="gate") { (loading::failure(&error, move || tasks.spawn(app.ask_who()))) } }
                }
                Stage::Setup => gate::setup(app),
                Stage::SignIn => gate::sign_in(app),
                Stage::Inside => {
                    let frame = shell::shell(app, place, move || view! { (page(app, place.get_clone())) });
                    view! { (frame) (gate::expired(app)) }
                }
            })
        }
    }
}

fn page(app: App, place: Place) -> View {
    match place {
        Place::Overview => overview::view(app),
        Place::Collectors => collectors::view(app),
        Place::AddCollector => add::view(app),
        Place::Collector { id } => collector::view(app, &id),
        Place::Pipelines => pipelines::view(app),
        Place::NewPipeline => pipeline::create(app),
        Place::Import => import::view(app),
        Place::Pipeline { id } => pipeline::edit(app, &id),
        Place::Destinations => destinations::view(app),
        Place::NewDestination => destination::create(app),
        Place::Destination { id } => destination::edit(app, &id),
        Place::History => history::view(app),
        Place::Revision { sha } => revision::view(app, &sha),
        Place::Setup | Place::Nowhere => {
            let link = view! { a(class="btn", href="/") { "To the overview" } };
            bits::state(
                "empty",
                "info",
                view! { "There is no such page" },
                view! { "The address may be mistyped, or what it named is gone." },
                link,
            )
        }
    }
}
