//! What pipelines and destinations are called, for the places that know only their ids: asked for once somebody needs it,
//! and kept fresh by the feed. Until it is known, and of what is gone, the id stands there.

use linkmesh_proto::{DestinationId, PipelineId, api::event::Event};
use serde::Deserialize;
use sycamore::prelude::*;

use super::loading::{Soon, Tasks};
use crate::{
    api::{Api, ApiError},
    live::{Item, Live},
    model::names::{self, Known},
};

/// The names. `Copy`, so that closures may hold it.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    api: Api,
    /// What is known.
    pub(crate) known: Signal<Known>,
    is_wanted: Signal<bool>,
    /// Whether they could not be asked for: the next who wants them asks again, or the feed when it is back.
    is_missing: Signal<bool>,
    turn: Signal<u32>,
    soon: Soon,
    tasks: Tasks,
}

/// Of a document, what this is about.
#[derive(Clone, Deserialize)]
struct Named {
    id: String,
    name: String,
}

impl Names {
    /// Nothing yet; made once, in the scope of the whole page.
    pub(crate) fn new(api: Api) -> Self {
        Self {
            api,
            known: create_signal(Known::default()),
            is_wanted: create_signal(false),
            is_missing: create_signal(false),
            turn: create_signal(0),
            soon: Soon::here(),
            tasks: Tasks::here(),
        }
    }

    /// Asks for the names, unless somebody did so before.
    pub(crate) fn want(self) {
        if !self.is_wanted.get_untracked() || self.is_missing.get_untracked() {
            self.is_wanted.set_silent(true);
            self.load();
        }
    }

    /// Forgets what the next person may not see.
    pub(crate) fn forget(self) {
        self.turn.set_silent(self.turn.get_untracked() + 1);
        self.is_wanted.set_silent(false);
        self.known.set(Known::default());
    }

    /// Asks again when the feed tells of other names.
    pub(crate) fn follow(self, live: Live) {
        live.subscribe(move |item| {
            let is_other = match item {
                Item::Reset => true,
                Item::Event(event) => matches!(**event, Event::PipelineSaved { .. } | Event::DestinationSaved { .. }),
            };
            if is_other && self.is_wanted.get_untracked() {
                self.soon.ask(500, Box::new(move || self.load()));
            }
        });
    }

    /// The name of a pipeline, followed.
    pub(crate) fn pipeline(self, id: &PipelineId) -> String {
        self.known.with(|known| names::of(&known.pipelines, id.as_str()))
    }

    /// The name of a destination, followed.
    pub(crate) fn destination(self, id: &DestinationId) -> String {
        self.known.with(|known| names::of(&known.destinations, id.as_str()))
    }

    fn load(self) {
        let turn = self.turn.get_untracked() + 1;
        self.turn.set_silent(turn);
        self.tasks.spawn(async move {
            let (pipelines, destinations) = (self.list("/pipelines").await, self.list("/destinations").await);
            if self.turn.get_untracked() != turn {
                return;
            }
            self.is_missing.set_silent(pipelines.is_err() || destinations.is_err());
            self.known.update(|known| {
                known.pipelines = pipelines.unwrap_or_else(|_| std::mem::take(&mut known.pipelines));
                known.destinations = destinations.unwrap_or_else(|_| std::mem::take(&mut known.destinations));
            });
        });
    }

    async fn list(self, path: &str) -> Result<std::collections::BTreeMap<String, String>, ApiError> {
        let page = self.api.all::<Named>(path).await?;
        Ok(page.items.into_iter().map(|Named { id, name }| (id, name)).collect())
    }
}

/// A link to a pipeline by its name.
pub(crate) fn pipeline_link(class: &'static str, id: &PipelineId) -> View {
    let names = crate::app::app().names;
    let (href, title, id) = (format!("/pipelines/{id}"), id.to_string(), id.clone());
    view! { a(class=class, href=href, title=title) { (names.pipeline(&id)) } }
}

/// A link to a destination by its name.
pub(crate) fn destination_link(class: &'static str, id: &DestinationId) -> View {
    let names = crate::app::app().names;
    let (href, title, id) = (format!("/destinations/{id}"), id.to_string(), id.clone());
    view! { a(class=class, href=href, title=title) { (names.destination(&id)) } }
}
