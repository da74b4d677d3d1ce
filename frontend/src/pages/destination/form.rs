//! The form of a destination: its name and kind, and the fields of the kind.

use std::rc::Rc;

use linkmesh_proto::api::catalogue::Role;
use sycamore::prelude::*;

use super::Ctx;
use crate::{
    See as _,
    components::{
        bits,
        field::{self, fixed, is_wrong, new_id, problem},
        picker::{self, Picker},
    },
    dom,
    model::{kinds, schema, status::Tone},
};

pub(super) fn form(ctx: Ctx) -> View {
    let document = ctx.editor.document.get_clone_untracked();
    let locked = ctx.form.locked;
    let entry = ctx.catalogue.with_untracked(|all| all.iter().find(|entry| entry.kind == document.kind).cloned());
    let description = entry.as_ref().map(|entry| bits::prose(&kinds::about(entry))).unwrap_or_default();
    let fields = entry.as_ref().map(|entry| schema::fields(&entry.schema)).unwrap_or_default();
    let settings = field::group(ctx.form, &fixed("settings"), &fields, document.settings.clone(), move |settings| {
        ctx.editor.document.update(|document| document.settings = settings);
    });
    let set_kind = move |kind: &str| {
        if ctx.editor.document.with_untracked(|document| document.kind == kind) {
            return dom::focus("[data-testid=kind]");
        }
        let fresh =
            ctx.catalogue.with_untracked(|all| all.iter().find(|entry| entry.kind == kind).map(schema::to_fill_in));
        let before = ctx.left.update_silent(|left| left.remove(kind));
        ctx.editor.document.update(|document| {
            let old = std::mem::replace(&mut document.kind, kind.to_owned());
            let typed = std::mem::replace(&mut document.settings, before.or(fresh).unwrap_or_default());
            if !old.is_empty() {
                ctx.left.update_silent(|left| left.insert(old, typed));
            }
        });
        dom::focus("[data-testid=kind]");
    };
    let title = match &entry {
        Some(entry) => kinds::title(entry),
        None if document.kind.is_empty() => "Choose a kind".to_owned(),
        None => format!("{} (unknown)", document.kind),
    };
    let choices = ctx.catalogue.with_untracked(|all| kinds::choices(all, Role::Destination));
    let limits = entry.as_ref().map(|entry| bits::limits(&kinds::limits(entry))).unwrap_or_default();
    let kind: View = if locked {
        view! { p { (title) } }
    } else {
        picker::view(Picker {
            id: "kind",
            label: format!("Kind: {title}"),
            word: view! { (title) },
            wrong: Some(is_wrong(ctx.form, &fixed("kind"))),
            choices: Rc::new(move || choices.clone()),
            choose: Rc::new(set_kind),
            foot: View::new(),
        })
    };
    let (name_id, text_id) = (new_id(), new_id());
    let (name_for, text_for) = (name_id.clone(), text_id.clone());
    let (name, about) = (document.name, document.description);
    let id_line = ctx.frame.id_line();
    let [at_name, at_id, at_kind] = ["name", "id", "kind"].map(|path| problem(ctx.form, fixed(path), true));
    let [at_settings, at_all] = ["settings", ""].map(|path| problem(ctx.form, fixed(path), false));
    view! {
        div(class="form", data-testid="step-form") {
            (ctx.warnings.see(|warnings| {
                let text = warnings.join(" ");
                if text.is_empty() { View::new() } else { bits::note(Tone::Warn, view! { (text) }) }
            }))
            div(class="field") {
                label(r#for=name_for) { "Name" }
                input(id=name_id, r#type="text", value=name, placeholder="Central", disabled=locked, on:input=move |event: web_sys::Event| {
                    let text = dom::value(&event);
                    ctx.editor.document.update(|document| document.name = text);
                })
                (id_line) (at_name) (at_id)
            }
            div(class="field") {
                label(r#for=text_for) { "Description" span(class="opt") { "optional" } }
                input(id=text_id, r#type="text", value=about, disabled=locked, on:input=move |event: web_sys::Event| {
                    let text = dom::value(&event);
                    ctx.editor.document.update(|document| document.description = text);
                })
            }
            div(class="field") {
                span(class="label") { "Kind" (limits) }
                (kind)
                small { (description) }
                (at_kind)
            }
            (at_settings) (at_all)
            (settings)
        }
    }
}
