//! The form of a destination: its name and kind, and the fields of the kind.

use sycamore::prelude::*;

use super::Ctx;
use crate::{
    See as _,
    components::{
        bits,
        field::{self, fixed, new_id, problem},
    },
    dom,
    model::{schema, status::Tone},
};

pub(super) fn form(ctx: Ctx) -> View {
    let document = ctx.editor.document.get_clone_untracked();
    let locked = ctx.form.locked;
    let entry = ctx.catalogue.with_untracked(|all| all.iter().find(|entry| entry.kind == document.kind).cloned());
    let mut kinds: Vec<View> = Vec::new();
    if entry.is_none() && !document.kind.is_empty() {
        let (value, word) = (document.kind.clone(), format!("{} (unknown)", document.kind));
        kinds.push(view! { option(value=value) { (word) } });
    }
    kinds.extend(untrack(|| {
        ctx.catalogue.see(|all| {
            all.iter()
                .map(|entry| {
                    let (value, title) = (entry.kind.clone(), entry.title.clone());
                    view! { option(value=value) { (title) } }
                })
                .collect::<Vec<View>>()
        })
    }));
    let description = entry.as_ref().map(|entry| bits::prose(&entry.description)).unwrap_or_default();
    let fields = entry.as_ref().map(|entry| schema::fields(&entry.schema)).unwrap_or_default();
    let settings = field::group(ctx.form, &fixed("settings"), &fields, document.settings.clone(), move |settings| {
        ctx.editor.document.update(|document| document.settings = settings);
    });
    let set_kind = move |event: web_sys::Event| {
        let kind = dom::value(&event);
        let fresh =
            ctx.catalogue.with_untracked(|all| all.iter().find(|entry| entry.kind == kind).map(schema::to_fill_in));
        let before = ctx.left.update_silent(|left| left.remove(&kind));
        ctx.editor.document.update(|document| {
            let old = std::mem::replace(&mut document.kind, kind);
            let typed = std::mem::replace(&mut document.settings, before.or(fresh).unwrap_or_default());
            ctx.left.update_silent(|left| left.insert(old, typed));
        });
    };
    let (name_id, text_id, kind_id) = (new_id(), new_id(), new_id());
    let (name_for, text_for, kind_for) = (name_id.clone(), text_id.clone(), kind_id.clone());
    let (name, about, kind) = (document.name, document.description, document.kind);
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
                (ctx.frame.id_line())
                (problem(ctx.form, fixed("name"), true))
                (problem(ctx.form, fixed("id"), true))
            }
            div(class="field") {
                label(r#for=text_for) { "Description" span(class="opt") { "optional" } }
                input(id=text_id, r#type="text", value=about, disabled=locked, on:input=move |event: web_sys::Event| {
                    let text = dom::value(&event);
                    ctx.editor.document.update(|document| document.description = text);
                })
            }
            div(class="field") {
                label(r#for=kind_for) { "Kind" }
                select(id=kind_id, prop:value=kind, disabled=locked, on:change=set_kind) { (kinds) }
                small { (description) }
                (problem(ctx.form, fixed("kind"), true))
            }
            (problem(ctx.form, fixed("settings"), false))
            (problem(ctx.form, fixed(""), false))
            (settings)
        }
    }
}
