//! The rows of the list: loaded in pages, changed by the feed one by one.

use std::collections::BTreeMap;

use linkmesh_proto::{
    CollectorId, Cursor,
    api::{collector::Collector, list::Page},
};
use sycamore::prelude::*;

use crate::{
    api::ApiError,
    app::App,
    components::loading::{Soon, Tasks, insist},
    dom,
    model::filter::{Filter, encode},
    nav,
};

/// Rows loaded at once.
const PAGE: usize = 100;

/// What is known of the list.
#[derive(Clone, Copy)]
pub(super) struct List {
    pub(super) filter: Signal<Filter>,
    pub(super) order: Signal<Vec<CollectorId>>,
    /// One signal a row, so that a change touches its row only.
    pub(super) rows: Signal<BTreeMap<CollectorId, Signal<Collector>>>,
    pub(super) total: Signal<Option<u64>>,
    pub(super) next: Signal<Option<Cursor>>,
    pub(super) error: Signal<Option<ApiError>>,
    pub(super) busy: Signal<bool>,
    turn: Signal<u32>,
    soon: Soon,
    pub(super) tasks: Tasks,
}

impl List {
    pub(super) fn new() -> Self {
        Self {
            filter: create_signal(Filter::from_pairs(dom::query_pairs())),
            order: create_signal(Vec::new()),
            rows: create_signal(BTreeMap::new()),
            total: create_signal(None),
            next: create_signal(None),
            error: create_signal(None),
            busy: create_signal(false),
            turn: create_signal(0),
            soon: Soon::here(),
            tasks: Tasks::here(),
        }
    }

    /// Loads the first rows, or those after the last. What is shown stays, and is asked for until there is an answer.
    pub(super) fn load(self, app: App, more: bool) {
        let is_shown = !self.order.with_untracked(Vec::is_empty);
        self.ask(app, more, is_shown && !more);
    }

    fn ask(self, app: App, more: bool, insists: bool) {
        let turn = self.turn.get_untracked() + 1;
        self.turn.set_silent(turn);
        self.busy.set(true);
        let cursor = self.next.get_clone_untracked().filter(|_| more);
        let query = match (self.filter.with_untracked(Filter::query), cursor) {
            (query, None) => query,
            (query, Some(cursor)) if query.is_empty() => format!("cursor={}", encode(&cursor.0)),
            (query, Some(cursor)) => format!("{query}&cursor={}", encode(&cursor.0)),
        };
        let path = if query.is_empty() { "/collectors".to_owned() } else { format!("/collectors?{query}") };
        // As many as are shown, so that loading again does not fold the list.
        let shown = self.order.with_untracked(Vec::len);
        let rows = if more { PAGE } else { shown.max(PAGE) };
        self.tasks.spawn(async move {
            let goes_on = move || self.turn.get_untracked() == turn;
            let ask = || app.api.first::<Collector>(&path, rows);
            let result = if insists { insist(ask, goes_on).await } else { Some(ask().await) };
            let Some(result) = result.filter(|_| goes_on()) else { return };
            self.busy.set(false);
            match result {
                Ok(page) => self.take(page, more),
                Err(error) if error.status() == 401 => {}
                // The rows that are there stay.
                Err(error) if more => app.complain(&error),
                Err(error) => self.error.set(Some(error)),
            }
        });
    }

    pub(super) fn load_soon(self, app: App, ms: i32) {
        self.soon.ask(ms, Box::new(move || self.load(app, false)));
    }

    fn take(self, page: Page<Collector>, more: bool) {
        batch(|| {
            let mut order = if more { self.order.get_clone_untracked() } else { Vec::new() };
            for collector in page.items {
                if !order.contains(&collector.id) {
                    order.push(collector.id);
                }
                self.set_row(collector);
            }
            self.error.set(None);
            self.total.set(Some(page.total));
            self.next.set(page.next_cursor);
            if self.order.with_untracked(|before| *before != order) {
                self.order.set(order);
            }
        });
    }

    /// Changes or adds a row.
    pub(super) fn set_row(self, collector: Collector) {
        let known = self.rows.with_untracked(|rows| rows.get(&collector.id).copied());
        match known {
            Some(row) => {
                if row.with_untracked(|row| *row != collector) {
                    row.set(collector);
                }
            }
            None => {
                let id = collector.id;
                self.tasks.within(|| {
                    let row = create_signal(collector);
                    self.rows.update_silent(|rows| rows.insert(id, row));
                });
            }
        }
    }

    /// Changes what is asked for.
    pub(super) fn refine(self, app: App, f: impl FnOnce(&mut Filter)) {
        self.filter.update(f);
        nav::set_query(&self.filter.with_untracked(Filter::query));
        // Rows of another filter are no answer to this one.
        self.ask(app, false, false);
    }
}
