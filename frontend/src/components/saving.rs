//! Editing a document under version control: what changed, review, save, and what happens when somebody else saved first.

mod conflict;
mod review;

use std::{future::Future, pin::Pin, rc::Rc};

use linkmesh_proto::api::problem::FieldProblem;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use sycamore::prelude::*;

use super::{bits, dialog::dialog, loading::Tasks};
use crate::{
    api::{ApiError, When},
    app::app,
    model::{
        conflict::Part,
        format,
        status::{Label, Tone},
        yaml,
    },
};

/// A document under version control, as it is edited.
pub(crate) trait Document: Clone + PartialEq + Serialize + DeserializeOwned + 'static {
    /// What the API shows of one that is stored: the answer to `GET`, and what a refused save names as current.
    type Shown: Clone + DeserializeOwned + 'static;

    /// The document in it.
    fn of(shown: Self::Shown) -> Self;
}

/// What a save brought.
#[derive(Clone)]
pub(crate) struct Saved<D> {
    /// The document as it is stored.
    pub(crate) document: D,
    /// Its entity tag.
    pub(crate) etag: Option<String>,
    /// Where the document's page is.
    pub(crate) href: String,
    /// The commit, where the answer names it.
    pub(crate) revision: String,
    /// What the person is told.
    pub(crate) said: String,
    /// What deserves a look although it was saved.
    pub(crate) warnings: Vec<FieldProblem>,
}

/// What is said of a save that made a commit.
pub(crate) fn committed(revision: &str, affected: u64) -> String {
    let commit = format::short(&revision);
    match affected {
        0 => format!("Saved as {commit}. No collector gets another config by it."),
        n => {
            format!("Saved as {commit}. {} another config.", format::counted(n, "collector gets", "collectors get"))
        }
    }
}

/// A save that is under way.
pub(crate) type Saving<D> = Pin<Box<dyn Future<Output = Result<Saved<D>, ApiError>>>>;

/// A document that is being edited. `Copy`, so that closures may hold it.
pub(crate) struct Editor<D: 'static> {
    /// As it is edited.
    pub(crate) document: Signal<D>,
    /// As it was loaded or last saved.
    pub(crate) base: Signal<D>,
    /// The version that `base` is; `None` for a document that does not exist yet.
    pub(crate) etag: Signal<Option<String>>,
    /// What stops a save.
    pub(crate) problems: Signal<Vec<FieldProblem>>,
    /// Counts up when the document was changed other than by its form, so that forms are built anew.
    pub(crate) rebuilt: Signal<u32>,
    /// The commit of the last save from here, which the feed will bring too.
    pub(crate) saved_as: Signal<String>,
    reviewing: Signal<bool>,
    busy: Signal<bool>,
    failure: Signal<Option<ApiError>>,
    conflict: Signal<Option<Conflict>>,
    choosing: Signal<bool>,
    /// What somebody else saved while there were changes here.
    theirs: Signal<Option<(D, Option<String>)>>,
    /// Somebody else deleted it.
    gone: Signal<bool>,
    /// Hides what was typed and is secret, wherever the document is shown as text.
    hide: Signal<Hide>,
    tasks: Tasks,
}

/// Takes a document and gives it back without the secrets that were typed into it.
pub(crate) type Hide = Rc<dyn Fn(Value) -> Value>;

/// What was saved meanwhile.
#[derive(Debug, Clone, PartialEq)]
struct Conflict {
    theirs: Map<String, Value>,
    etag: Option<String>,
    parts: Vec<Part>,
}

impl<D> Clone for Editor<D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for Editor<D> {}

/// A document as the object that it is in JSON. By its text, as all documents come and go: without it, the page would hold
/// what reads and writes them twice.
pub(crate) fn object(document: &impl Serialize) -> Map<String, Value> {
    serde_json::to_string(document).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// The document in an object.
fn typed<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_str(&value.to_string()).ok()
}

impl<D: Document> Editor<D> {
    /// Begins to edit a document.
    pub(crate) fn new(document: D, etag: Option<String>, hide: Hide) -> Self {
        Self {
            document: create_signal(document.clone()),
            base: create_signal(document),
            etag: create_signal(etag),
            problems: create_signal(Vec::new()),
            rebuilt: create_signal(0),
            saved_as: create_signal(String::new()),
            reviewing: create_signal(false),
            busy: create_signal(false),
            failure: create_signal(None),
            conflict: create_signal(None),
            choosing: create_signal(false),
            theirs: create_signal(None),
            gone: create_signal(false),
            hide: create_signal(hide),
            tasks: Tasks::here(),
        }
    }

    /// Whether there is anything to save.
    pub(crate) fn dirty(self) -> ReadSignal<bool> {
        create_selector(move || self.document.with(|document| self.base.with(|base| document != base)))
    }

    fn is_dirty_now(self) -> bool {
        self.document.with_untracked(|document| self.base.with_untracked(|base| document != base))
    }

    /// Whether the document does not exist yet.
    pub(crate) fn is_new(self) -> bool {
        self.etag.with(Option::is_none)
    }

    /// Takes the stored document in place of what is here.
    pub(crate) fn load(self, document: D, etag: Option<String>) {
        batch(|| {
            self.base.set(document.clone());
            self.document.set(document);
            self.etag.set(etag);
            self.problems.set(Vec::new());
            self.theirs.set(None);
            self.rebuilt.set(self.rebuilt.get_untracked() + 1);
        });
    }

    /// The document as text, for people to read.
    pub(crate) fn text(self, document: &D) -> String {
        let hide = self.hide.get_clone_untracked();
        yaml::text(&hide(Value::Object(object(document))))
    }

    /// Goes on with what is here as a document that does not exist yet.
    pub(crate) fn begin_anew(self, blank: D) {
        batch(|| {
            self.base.set(blank);
            self.etag.set(None);
            self.theirs.set(None);
            self.gone.set(false);
            self.rebuilt.set(self.rebuilt.get_untracked() + 1);
        });
    }

    /// Takes what the server has now: in place of what is here while nothing was changed, and else only says so.
    pub(crate) fn arrived(self, document: D, etag: Option<String>) {
        self.gone.set(false);
        if self.etag.with_untracked(|known| *known == etag) {
            return;
        }
        if self.is_dirty_now() {
            self.theirs.set(Some((document, etag)));
        } else {
            self.load(document, etag);
        }
    }

    /// Takes in that the document was deleted.
    pub(crate) fn vanished(self) {
        self.gone.set(true);
    }

    /// What others did meanwhile, in a sentence. `what` names the document: `this pipeline`; `anew` makes of it one that
    /// does not exist yet.
    pub(crate) fn meanwhile(self, what: &'static str, anew: Option<Rc<dyn Fn()>>) -> View {
        view! {
            (if self.gone.get() {
                let button: View = match anew.clone() {
                    Some(anew) => view! { button(r#type="button", class="btn small", on:click=move |_| anew()) { "Save as a new one" } },
                    None => View::new(),
                };
                bits::note(Tone::Warn, view! { div(class="wait") { span(class="grow") { "Somebody deleted " (what) ". What is here is kept in this page only." } (button) } })
            } else if self.theirs.with(Option::is_some) {
                bits::note(Tone::Warn, view! { "Somebody else saved " (what) " meanwhile. Nothing of yours is lost: saving shows both versions to choose from." })
            } else {
                View::new()
            })
        }
    }

    /// Whether there are changes, and what can be done with them. `between` stands before the button that saves, which is
    /// there for what needs a save although nothing was changed, too.
    pub(crate) fn actions(
        self,
        between: View,
        needs_save: impl Fn() -> bool + 'static,
        review: impl Fn() + 'static,
    ) -> View {
        let dirty = self.dirty();
        view! {
            (if dirty.get() { bits::tag(Label { word: "Unsaved changes", tone: Tone::Warn }) } else { View::new() })
            (if dirty.get() && !self.is_new() {
                view! { button(r#type="button", class="btn", on:click=move |_| self.drop_changes()) { "Discard" } }
            } else {
                View::new()
            })
            (between)
            button(r#type="button", class="btn go", data-testid="save", disabled=!dirty.get() && !needs_save(), on:click=move |_| review()) { "Review and save" }
        }
    }

    /// Opens the review.
    pub(crate) fn review(self) {
        self.failure.set(None);
        self.reviewing.set(true);
    }

    /// Drops all changes, for what is stored now.
    pub(crate) fn drop_changes(self) {
        let stored = self.theirs.get_clone_untracked();
        let (document, etag) =
            stored.unwrap_or_else(|| (self.base.get_clone_untracked(), self.etag.get_clone_untracked()));
        self.load(document, etag);
    }

    fn save(self, how: &dyn Fn(D, Option<When>) -> Saving<D>, done: Rc<dyn Fn(&Saved<D>, bool)>) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.failure.set(None);
        let was_new = self.etag.with_untracked(Option::is_none);
        let sent = self.document.get_clone_untracked();
        let saving = how(sent.clone(), self.etag.get_clone_untracked().map(When::Matches));
        self.tasks.spawn(async move {
            let result = saving.await;
            self.busy.set(false);
            match result {
                Ok(saved) => {
                    batch(|| {
                        self.saved_as.set(saved.revision.clone());
                        self.base.set(saved.document.clone());
                        // What was typed while the save was under way stays.
                        if self.document.with_untracked(|document| *document == sent) {
                            self.document.set(saved.document.clone());
                            self.rebuilt.set(self.rebuilt.get_untracked() + 1);
                        }
                        self.etag.set(saved.etag.clone());
                        self.problems.set(Vec::new());
                        self.theirs.set(None);
                        self.reviewing.set(false);
                    });
                    done(&saved, was_new);
                }
                Err(error) => self.refused(error),
            }
        });
    }

    fn refused(self, error: ApiError) {
        let fields = error.fields();
        if let ApiError::Problem(problem) = &error
            && problem.status == 412
            && let Some(current) = problem.current.as_ref().and_then(typed::<D::Shown>)
        {
            let theirs = object(&D::of(current));
            let parts = crate::model::conflict::parts(
                &object(&self.base.get_clone_untracked()),
                &object(&self.document.get_clone_untracked()),
                &theirs,
            );
            batch(|| {
                self.conflict.set(Some(Conflict { theirs, etag: problem.current_etag.clone(), parts }));
                self.reviewing.set(false);
                self.choosing.set(true);
            });
            return;
        }
        batch(|| {
            self.problems.set(fields);
            self.failure.set(Some(error));
            // It may have been closed while the save was under way.
            self.reviewing.set(true);
        });
    }

    /// Goes on from what was saved meanwhile, with the chosen parts of what is here.
    fn settle(self) {
        let Some(conflict) = self.conflict.get_clone_untracked() else { return };
        let merged = crate::model::conflict::merge(&conflict.theirs, &conflict.parts);
        let both = (typed::<D>(&Value::Object(conflict.theirs)), typed::<D>(&Value::Object(merged)));
        let (Some(theirs), Some(mine)) = both else { return };
        // The problem names the tag bare; headers carry it in quotes.
        let etag = conflict.etag.map(|tag| if tag.starts_with('"') { tag } else { format!("\"{tag}\"") });
        batch(|| {
            self.base.set(theirs);
            self.document.set(mine);
            self.etag.set(etag);
            self.rebuilt.set(self.rebuilt.get_untracked() + 1);
            self.theirs.set(None);
            self.choosing.set(false);
            self.conflict.set(None);
        });
        if self.is_dirty_now() {
            self.review();
        }
    }

    /// The dialogs of saving. `note` stands in the review; `how` makes the request, `done` is told of success.
    pub(crate) fn dialogs(
        self,
        note: impl Fn() -> View + 'static,
        how: impl Fn(D, Option<When>) -> Saving<D> + 'static,
        done: impl Fn(&Saved<D>, bool) + 'static,
    ) -> View {
        let app = app();
        let how: Rc<dyn Fn(D, Option<When>) -> Saving<D>> = Rc::new(how);
        let done: Rc<dyn Fn(&Saved<D>, bool)> = Rc::new(move |saved, was_new| {
            app.say(saved.said.clone());
            for warning in &saved.warnings {
                app.say(format!("{} ({})", warning.message, warning.field));
            }
            done(saved, was_new);
        });
        let review =
            dialog(self.reviewing, "wide", "Review and save", move || self.review_content(note(), &how, &done));
        let conflict = dialog(self.choosing, "wide", "Somebody else saved first", move || conflict::content(self));
        view! { (review) (conflict) }
    }
}
