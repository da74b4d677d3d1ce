//! What a save changes, looked at before it is made, and why it was refused.

use std::rc::Rc;

use linkmesh_proto::api::problem::FieldProblem;
use sycamore::prelude::*;

use super::{Document, Editor, Saved, Saving};
use crate::{
    api::When,
    components::{bits, code, loading::busy_button},
    model::status::Tone,
};

impl<D: Document> Editor<D> {
    pub(super) fn review_content(
        self,
        note: View,
        how: &Rc<dyn Fn(D, Option<When>) -> Saving<D>>,
        done: &Rc<dyn Fn(&Saved<D>, bool)>,
    ) -> View {
        let new = self.text(&self.document.get_clone_untracked());
        let old = if self.etag.with_untracked(Option::is_none) {
            String::new()
        } else {
            self.text(&self.base.get_clone_untracked())
        };
        let (how, done) = (Rc::clone(how), Rc::clone(done));
        let save =
            busy_button("btn go", "save-confirm", "Save", *self.busy, move || self.save(&*how, Rc::clone(&done)));
        let heading = if old.is_empty() { "A new document" } else { "Changes to the document" };
        let changes = code::changes("Changes to the document", &old, &new);
        view! {
            div(class="dialog-head") { h2 { "Review and save" } }
            div(class="dialog-body", data-testid="review") {
                (note)
                (match self.failure.get_clone() {
                    Some(error) => {
                        let (title, detail) = (error.title(), error.detail_beside_fields());
                        let fields: Vec<View> = error.fields().into_iter().map(|problem| {
                            let FieldProblem { field, message, .. } = problem;
                            view! { li { span(class="mono") { (field) } " " (message) } }
                        }).collect();
                        bits::note(Tone::Bad, view! { b { "Not saved: " (title) } div { (detail) } ul(data-testid="problems") { (fields) } div(class="sub") { "Your changes are kept in this page." } })
                    }
                    None => View::new(),
                })
                div(class="file") {
                    div(class="file-head") { (heading) }
                    (changes)
                }
            }
            div(class="dialog-foot") {
                button(r#type="button", class="btn", on:click=move |_| self.reviewing.set(false)) { "Back to editing" }
                (save)
            }
        }
    }
}
