//! Both versions of a document beside each other, part by part, to choose from.

use serde_json::Value;
use sycamore::prelude::*;

use super::{Document, Editor};
use crate::{
    components::{bits, code},
    model::{
        conflict::{Part, Side},
        schema,
        status::{Label, Tone},
        yaml,
    },
};

pub(super) fn content<D: Document>(editor: Editor<D>) -> View {
    let parts = editor
        .conflict
        .with_untracked(|conflict| conflict.as_ref().map(|conflict| conflict.parts.clone()).unwrap_or_default());
    let both = parts.iter().filter(|part| part.both).count();
    let intro = match both {
        0 => "You changed different parts: both are kept unless you choose otherwise.",
        1 => "Both of you changed one part: choose whose stays. Nothing is saved yet.",
        _ => "Both of you changed some parts: choose whose stay. Nothing is saved yet.",
    };
    let parts: Vec<View> = parts.into_iter().enumerate().map(|(index, part)| one(editor, index, part)).collect();
    let unlike = !parts.is_empty();
    view! {
        div(class="dialog-head") { h2 { "Somebody else saved this first" } }
        div(class="dialog-body", data-testid="conflict") {
            (bits::note(Tone::Warn, view! { (if unlike { intro } else { "Both of you saved the same: nothing is left to choose." }) }))
            (parts)
        }
        div(class="dialog-foot") {
            button(r#type="button", class="btn", on:click=move |_| editor.choosing.set(false)) { "Back to editing" }
            button(r#type="button", class="btn go", data-testid="conflict-continue", on:click=move |_| editor.settle()) { "Continue with this" }
        }
    }
}

/// A part as text. What is secret is known by its place in the whole, of which a destination's kind is a part.
fn shown<D: Document>(editor: Editor<D>, key: &str, value: &Value) -> String {
    let mut whole = super::object(&editor.document.get_clone_untracked());
    whole.insert(key.to_owned(), value.clone());
    let hide = editor.hide.get_clone_untracked();
    hide(Value::Object(whole)).get(key).map_or_else(String::new, yaml::text)
}

fn one<D: Document>(editor: Editor<D>, index: usize, part: Part) -> View {
    let group = format!("conflict-{index}");
    let tag = if part.both { bits::tag(Label { word: "both changed", tone: Tone::Warn }) } else { View::new() };
    let title = schema::title(if part.key == "match" { "matchers" } else { &part.key });
    let side = |side: Side, word: &'static str, value: Option<&Value>| {
        let name = group.clone();
        let text = value.map_or_else(|| "not there".to_owned(), |value| shown(editor, &part.key, value));
        let choose = move |_| {
            editor.conflict.update_silent(|conflict| {
                if let Some(part) = conflict.as_mut().and_then(|conflict| conflict.parts.get_mut(index)) {
                    part.side = side;
                }
            });
        };
        let id = super::super::field::new_id();
        let label_for = id.clone();
        let checked = part.side == side;
        view! {
            div {
                div(class="pair-head") { label(class="check", r#for=label_for) { input(id=id, r#type="radio", name=name, prop:checked=checked, on:change=choose) (word) } }
                (code::plain("conflict-side", word, &text))
            }
        }
    };
    let mine = side(Side::Mine, "Mine", part.mine.as_ref());
    let theirs = side(Side::Theirs, "Theirs", part.theirs.as_ref());
    view! {
        div(class="file") {
            div(class="file-head") { b { (title) } (tag) }
            div(class="pair") { (mine) (theirs) }
        }
    }
}
