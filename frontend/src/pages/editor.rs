//! The frame of an editor of a document: loading it, what others do to it meanwhile, reviewing, saving and deleting.
//!
//! A kind of document says what is its own ([`Edited`]) and what stands in the frame ([`Parts`]).

use std::rc::Rc;

use linkmesh_proto::{
    PipelineId, Revision,
    api::{catalogue::CatalogueEntry, event::Event, list::Page, problem::FieldProblem},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sycamore::prelude::*;

use crate::{
    api::{Tagged, When},
    app::App,
    components::{
        bits,
        dialog::confirm,
        field::Form,
        loading::{self, Loader, Tasks, insist},
        saving::{Document, Editor, Hide, Saved, Saving, committed, object},
    },
    live::Item,
    model::{filter::encode, format, problems, secrets, status::Tone},
    nav,
};

/// A kind of document that is edited on a page of its own.
pub(super) trait Edited: Document {
    /// The answer to a save.
    type Answer: DeserializeOwned + 'static;

    /// Its words and addresses.
    const WORDS: Words;

    /// The name shown to people.
    fn name(&self) -> &str;
    /// What the API adds to a stored one.
    fn added(shown: &Self::Shown) -> Added;
    /// The parts of the answer to a save.
    fn saved(answer: Self::Answer) -> SavedAs<Self>;
    /// What an event says of a document of this kind.
    fn told(event: &Event) -> Option<Told>;
}

/// Words and addresses of a kind of document.
pub(super) struct Words {
    /// Where the documents are, in the API and in the page.
    pub(super) path: &'static str,
    /// All of them.
    pub(super) plural: &'static str,
    /// One that has no name yet.
    pub(super) new: &'static str,
    /// This one.
    pub(super) this: &'static str,
    /// What saving needs.
    pub(super) permission: &'static str,
    /// The question before it is deleted.
    pub(super) delete: &'static str,
    /// What is said when it was deleted.
    pub(super) deleted: &'static str,
}

/// What the API adds to a stored document.
#[derive(Debug, Clone, Default)]
pub(super) struct Added {
    /// Names it.
    pub(super) id: String,
    /// Why the file in the repository cannot be read.
    pub(super) broken: Option<String>,
    /// Its fields whose secret stands in the clear in the repository.
    pub(super) in_the_clear: Vec<String>,
    /// The pipelines that use it.
    pub(super) used_by: Vec<PipelineId>,
}

/// The parts of the answer to a save.
pub(super) struct SavedAs<D: Document> {
    /// As it is stored.
    pub(super) shown: D::Shown,
    /// The commit.
    pub(super) revision: Revision,
    /// How many collectors get another config.
    pub(super) affected: u64,
    /// What deserves a look although it was saved.
    pub(super) warnings: Vec<FieldProblem>,
}

/// What an event says of a document.
pub(super) struct Told {
    /// Which one.
    pub(super) id: String,
    /// The commit.
    pub(super) revision: Revision,
    /// Whether it is gone.
    pub(super) deleted: bool,
}

/// What an editor has in common with every other. `Copy`, so that closures may hold it.
pub(super) struct Frame<D: 'static> {
    /// The page.
    pub(super) app: App,
    /// The document.
    pub(super) editor: Editor<D>,
    /// Its id, once it is stored.
    pub(super) id: Signal<Option<String>>,
    /// The pipelines that use it.
    pub(super) used_by: Signal<Vec<PipelineId>>,
    /// Whether also what is not there yet is a problem: from the first attempt to save on.
    pub(super) strict: Signal<bool>,
    /// Why the file in the repository cannot be read.
    broken: Signal<Option<String>>,
    /// Fields whose secret stands in the clear in the repository.
    in_the_clear: Signal<Vec<String>>,
    /// Counts the looks at what is stored; the last one counts.
    looks: Signal<u32>,
    /// What the forms share.
    pub(super) form: Form,
    /// Whether the person may save.
    pub(super) may: bool,
    tasks: Tasks,
}

impl<D> Clone for Frame<D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for Frame<D> {}

/// What stands in the frame.
pub(super) struct Parts {
    /// The sentence under the name.
    pub(super) sub: View,
    /// The forms and what belongs to them.
    pub(super) body: View,
    /// Why it cannot be deleted now.
    pub(super) kept: ReadSignal<Option<&'static str>>,
    /// What becomes of it when it is deleted, asked for when that is about to happen.
    pub(super) sure: Rc<dyn Fn() -> View>,
    /// What a save does, for the review of a document without problems.
    pub(super) note: Rc<dyn Fn() -> View>,
}

/// Loads the catalogue and the document, if there is one already, and shows the editor.
pub(super) fn open<D: Edited>(
    app: App,
    id: Option<&str>,
    blank: fn(&[CatalogueEntry]) -> D,
    parts: fn(Frame<D>, Rc<Vec<CatalogueEntry>>) -> Parts,
) -> View {
    let path = id.map(|id| format!("{}/{}", D::WORDS.path, encode(id)));
    let loader = Loader::new(move || {
        let path = path.clone();
        async move {
            let catalogue = app.api.get::<Page<CatalogueEntry>>("/catalogue").await?;
            let stored = match path {
                Some(path) => Some(app.api.get_tagged::<D::Shown>(&path).await?),
                None => None,
            };
            Ok((Rc::new(catalogue.items), stored))
        }
    });
    loader.show(loading::card_skeleton, move |loaded| {
        let (catalogue, stored) = loaded.get_clone_untracked();
        let hide: Hide = {
            let catalogue = Rc::clone(&catalogue);
            Rc::new(move |document| secrets::hide(&catalogue, document))
        };
        let (added, editor) = match stored {
            Some(Tagged { value, etag }) => (Some(D::added(&value)), Editor::new(D::of(value), etag, hide)),
            None => (None, Editor::new(blank(&catalogue), None, hide)),
        };
        frame(app, catalogue, added, editor, blank, parts)
    })
}

/// What is said to who may not save.
pub(super) fn look_only(permission: &'static str) -> View {
    bits::note(Tone::Busy, view! { "You may look, not save. " (bits::needs(permission)) })
}

fn frame<D: Edited>(
    app: App,
    catalogue: Rc<Vec<CatalogueEntry>>,
    added: Option<Added>,
    editor: Editor<D>,
    blank: fn(&[CatalogueEntry]) -> D,
    parts: fn(Frame<D>, Rc<Vec<CatalogueEntry>>) -> Parts,
) -> View {
    let strict = create_signal(added.is_some());
    let wrong = create_memo(move || {
        let is_strict = strict.get();
        editor.problems.with(|all| if is_strict { all.clone() } else { problems::of_what_is_there(all) })
    });
    let may = app.may(D::WORDS.permission);
    let frame = Frame {
        app,
        editor,
        id: create_signal(added.as_ref().map(|added| added.id.clone())),
        used_by: create_signal(added.as_ref().map(|added| added.used_by.clone()).unwrap_or_default()),
        strict,
        in_the_clear: create_signal(added.as_ref().map(|added| added.in_the_clear.clone()).unwrap_or_default()),
        broken: create_signal(added.and_then(|added| added.broken)),
        looks: create_signal(0),
        form: Form { problems: wrong, locked: !may },
        may,
        tasks: Tasks::here(),
    };
    nav::guard(editor.dirty());
    create_effect(move || super::set_title(&frame.name()));
    frame.watch();
    let broken = view! {
        (match frame.broken.get_clone() {
            Some(why) => bits::note(
                Tone::Bad,
                view! { b { "The file in the repository is broken. " } "Shown is its last good version, which stays in force; saving it mends the file." div(class="mono") { (why) } },
            ),
            None => View::new(),
        })
        (match frame.in_the_clear.get_clone() {
            fields if fields.is_empty() => View::new(),
            fields => bits::note(
                Tone::Warn,
                {
                    let (head, text) = secrets::in_the_clear(fields.len(), may);
                    view! { b { (head) " " } (text) div(class="mono") { (fields.join(", ")) } }
                },
            ),
        })
    };
    let anew: Option<Rc<dyn Fn()>> = may.then(|| {
        let blank = blank(&catalogue);
        Rc::new(move || frame.begin_anew(blank.clone())) as Rc<dyn Fn()>
    });
    let read_only = if may { View::new() } else { look_only(D::WORDS.permission) };
    let Parts { sub, body, kept, sure, note } = parts(frame, catalogue);
    let (head, meanwhile, dialogs) =
        (frame.head(sub, kept, sure), editor.meanwhile(D::WORDS.this, anew), frame.dialogs(note));
    view! {
        (head)
        div(class="stack") {
            (broken)
            (read_only)
            (meanwhile)
            (body)
        }
        (dialogs)
    }
}

impl<D: Edited> Frame<D> {
    fn name(self) -> String {
        self.editor.document.with(|document| {
            if document.name().trim().is_empty() { D::WORDS.new.to_owned() } else { document.name().to_owned() }
        })
    }

    /// The document as a body with its id: what a `POST` and the checks of a draft take.
    pub(super) fn draft(self, document: &D) -> Value {
        let mut body = object(document);
        if let Some(id) = self.id.get_clone_untracked() {
            body.insert("id".to_owned(), Value::String(id));
        }
        Value::Object(body)
    }

    /// The line below the name that shows the id.
    pub(super) fn id_line(self) -> View {
        match self.id.get_clone_untracked() {
            Some(id) => view! { small { "Id " span(class="mono") { (id) } ", which never changes." } },
            None => View::new(),
        }
    }

    fn head(self, sub: View, kept: ReadSignal<Option<&'static str>>, sure: Rc<dyn Fn() -> View>) -> View {
        let deleting = create_signal(false);
        let delete = move || {
            let (Some(id), Some(etag)) = (self.id.get_clone_untracked(), self.editor.etag.get_clone_untracked()) else {
                return;
            };
            self.tasks.spawn(async move {
                match self.app.api.delete(&format!("{}/{id}", D::WORDS.path), When::Matches(etag)).await {
                    Ok(()) => {
                        self.app.say(D::WORDS.deleted);
                        nav::unguard();
                        nav::go(D::WORDS.path);
                    }
                    Err(error) => self.app.complain(&error),
                }
            });
        };
        let button = view! {
            (if self.editor.is_new() {
                View::new()
            } else {
                view! { button(r#type="button", class="btn danger", disabled=kept.get().is_some(), title=kept.get().unwrap_or("Delete"), on:click=move |_| deleting.set(true)) { "Delete" } }
            })
        };
        let actions = if self.may {
            // What is broken in the repository or stands there in the clear is mended by a save of what is shown.
            self.editor.actions(
                button,
                move || self.broken.with(Option::is_some) || self.in_the_clear.with(|fields| !fields.is_empty()),
                move || {
                    self.strict.set(true);
                    self.editor.review();
                },
            )
        } else {
            View::new()
        };
        let confirmed = confirm(deleting, D::WORDS.delete, move || sure(), "Delete", delete);
        let head = bits::head(Some((D::WORDS.path, D::WORDS.plural)), view! { (self.name()) }, sub, actions);
        view! { (head) (confirmed) }
    }

    /// Makes a document that does not exist yet of one that somebody deleted.
    fn begin_anew(self, blank: D) {
        batch(|| {
            self.id.set(None);
            self.used_by.set(Vec::new());
            self.broken.set(None);
            self.in_the_clear.set(Vec::new());
            self.editor.begin_anew(blank);
        });
    }

    /// Looks at what the server has now.
    pub(super) fn look(self) {
        let Some(id) = self.id.get_clone_untracked() else { return };
        let turn = self.looks.get_untracked() + 1;
        self.looks.set_silent(turn);
        self.tasks.spawn(async move {
            let path = format!("{}/{}", D::WORDS.path, encode(&id));
            let goes_on = move || self.looks.get_untracked() == turn;
            match insist(|| self.app.api.get_tagged::<D::Shown>(&path), goes_on).await.filter(|_| goes_on()) {
                Some(Ok(answer)) => {
                    let Added { used_by, broken, in_the_clear, .. } = D::added(&answer.value);
                    self.used_by.set(used_by);
                    self.broken.set(broken);
                    self.in_the_clear.set(in_the_clear);
                    self.editor.arrived(D::of(answer.value), answer.etag);
                }
                Some(Err(error)) if error.status() == 404 => self.editor.vanished(),
                // Who may not read it any more is told by the next save.
                _ => {}
            }
        });
    }

    fn watch(self) {
        self.app.live.subscribe(move |item| match item {
            Item::Reset => self.look(),
            Item::Event(event) => {
                let Some(told) = D::told(event) else { return };
                let is_own = self.id.with_untracked(|id| id.as_ref() == Some(&told.id));
                if is_own && told.deleted {
                    self.editor.vanished();
                } else if is_own && self.editor.saved_as.with_untracked(|own| *own != told.revision.to_string()) {
                    self.look();
                }
            }
        });
    }

    fn dialogs(self, note: Rc<dyn Fn() -> View>) -> View {
        let note = move || {
            let errors = self.editor.problems.with(Vec::len);
            if errors == 0 {
                return note();
            }
            let text = format::counted(errors as u64, "problem stops", "problems stop");
            bits::note(Tone::Bad, view! { (text) " this from being saved; the fields say why." })
        };
        let how = move |document: D, when: Option<When>| -> Saving<D> {
            let id = self.id.get_clone_untracked();
            Box::pin(async move {
                let answer: Tagged<D::Answer> = match (when, id) {
                    (Some(when), Some(id)) => {
                        self.app.api.put(&format!("{}/{}", D::WORDS.path, encode(&id)), &document, when).await?
                    }
                    _ => self.app.api.post(D::WORDS.path, &self.draft(&document)).await?,
                };
                let SavedAs { shown, revision, affected, warnings } = D::saved(answer.value);
                let revision = revision.to_string();
                let Added { id, broken, in_the_clear, .. } = D::added(&shown);
                self.broken.set(broken);
                self.in_the_clear.set(in_the_clear);
                let href = format!("{}/{id}", D::WORDS.path);
                let etag = match answer.etag {
                    Some(etag) => Some(etag),
                    None => self.app.api.get_tagged::<D::Shown>(&href).await?.etag,
                };
                Ok(Saved {
                    href,
                    document: D::of(shown),
                    etag,
                    said: committed(&revision, affected),
                    revision,
                    warnings,
                })
            })
        };
        self.editor.dialogs(note, how, move |saved, was_new| {
            if was_new {
                nav::replace(&saved.href);
            }
        })
    }
}
