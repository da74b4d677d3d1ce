//! The history of the config repository.

use linkmesh_proto::{
    Cursor,
    api::{event::Event, list::Page, revision::RevisionSummary},
};
use sycamore::prelude::*;

use crate::{
    app::App,
    components::{
        bits,
        loading::{self, Loader, Tasks},
    },
    dom,
    live::Item,
    model::{filter::encode, format, names},
};

/// The page.
pub(super) fn view(app: App) -> View {
    let list = Loader::new(move || app.api.get::<Page<RevisionSummary>>("/revisions?limit=50"));
    let more = create_signal(Vec::<RevisionSummary>::new());
    let next = create_signal(None::<Option<Cursor>>);
    let tasks = Tasks::here();
    app.live.subscribe(move |item| match item {
        Item::Reset => list.reload(),
        Item::Event(event) => {
            if matches!(**event, Event::Revision { .. }) {
                list.reload_soon(200);
            }
        }
    });
    let head = bits::head(
        None,
        view! { "History" },
        view! { "Every save is a commit of the config repository: who, what, when. Any of them can be brought back." },
        View::new(),
    );
    let content = list.show(loading::rows_skeleton, move |page| {
        let after = create_memo(move || next.get_clone().unwrap_or_else(|| page.with(|page| page.next_cursor.clone())));
        let load = move |_| {
            let Some(cursor) = after.get_clone_untracked() else { return };
            tasks.spawn(async move {
                match app.api.get::<Page<RevisionSummary>>(&format!("/revisions?limit=50&cursor={}", encode(&cursor.0))).await {
                    Ok(page) => batch(|| {
                        more.update(|more| more.extend(page.items));
                        next.set(Some(page.next_cursor));
                    }),
                    Err(error) => app.complain(&error),
                }
            });
        };
        let all = create_memo(move || {
            let mut all = page.with(|page| page.items.clone());
            for commit in more.get_clone() {
                if !all.iter().any(|known| known.sha == commit.sha) {
                    all.push(commit);
                }
            }
            all
        });
        let empty = create_selector(move || all.with(Vec::is_empty));
        view! {
            (if empty.get() {
                bits::state("empty", "history", view! { "Nothing was saved yet" }, view! { "Saved pipelines, destinations and labels show up here." }, View::new())
            } else {
                view! {
                    div(class="scroll") {
                        table(on:keydown=|event: web_sys::KeyboardEvent| dom::arrows(&event)) {
                            thead { tr { th { "Change" } th(class="fold") { "Files" } th(class="fold") { "By" } th { "When" } th(class="fold") { "Commit" } } }
                            tbody { Keyed(list=all, view=row, key=|commit| commit.sha) }
                        }
                    }
                }
            })
            (if after.with(Option::is_some) {
                view! { div(class="table-foot") { button(r#type="button", class="btn small", on:click=load) { "Show older" } } }
            } else {
                View::new()
            })
        }
    });
    view! { div(data-testid="history") { (head) div(class="card") { (content) } } }
}

fn row(commit: RevisionSummary) -> View {
    let (id, href) = (commit.sha.to_string(), format!("/history/{}", commit.sha));
    let short = format::short(&commit.sha);
    let (files, paths) = (names::files(&commit), commit.paths.join(", "));
    let when = bits::ago(Some(commit.at));
    let (message, author) = (commit.message, commit.author);
    view! {
        tr(data-testid="revision-row", data-id=id) {
            td(class="clip") { a(class="name", href=href) { (message) } }
            td(class="dim fold clip", title=paths) { (files) }
            td(class="clip fold") { (author) }
            td(class="dim") { (when) }
            td(class="mono dim fold") { (short) }
        }
    }
}
