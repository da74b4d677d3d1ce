//! Controls for one value.

use std::rc::Rc;

use serde_json::{Map, Value};
use sycamore::prelude::*;

use super::{Change, Form, Path, group, is_wrong};
use crate::{
    dom,
    model::{
        schema::{self, Field, Kind},
        secrets, yaml,
    },
};

fn as_text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A text is left out when it is empty and need not be there.
fn from_text(text: String, required: bool) -> Option<Value> {
    (required || !text.is_empty()).then_some(Value::String(text))
}

/// A text in one line or in several; what holds several of them is never squeezed into one.
pub(super) fn text(form: Form, field: &Field, path: &Path, value: Option<Value>, change: Change, id: &str) -> View {
    let (required, wrong, id, value, locked) =
        (field.required, is_wrong(form, path), id.to_owned(), as_text(value.as_ref()), form.locked);
    let (label, hint) = (field.title.clone(), field.hint());
    if value.contains('\n') || matches!(field.kind, Kind::Code { is_line: false, .. }) {
        let rows = value.lines().count().clamp(3, 16).to_string();
        return view! {
            textarea(
                id=id,
                class="code",
                rows=rows,
                prop:value=value,
                placeholder=hint,
                aria-label=label,
                aria-invalid=if wrong.get() { "true" } else { "false" },
                "spellcheck"="false",
                disabled=locked,
                on:input=move |event: web_sys::Event| change(from_text(dom::value(&event), required)),
            ) {}
        };
    }
    let class = if matches!(field.kind, Kind::Code { .. }) { "code" } else { "" };
    view! {
        input(
            id=id,
            r#type="text",
            class=class,
            value=value,
            placeholder=hint,
            aria-label=label,
            aria-invalid=if wrong.get() { "true" } else { "false" },
            "spellcheck"="false",
            autocomplete="off",
            disabled=locked,
            on:input=move |event: web_sys::Event| change(from_text(dom::value(&event), required)),
        )
    }
}

/// A text, a number or a truth value, as it is written.
pub(super) fn scalar(form: Form, field: &Field, path: &Path, value: Option<Value>, change: Change, id: &str) -> View {
    let shown = value.map(|value| Value::from(schema::scalar_text(&value)));
    let typed: Change = Rc::new(move |value| {
        change(value.map(|value| value.as_str().map_or(Value::Null, schema::scalar)));
    });
    text(form, field, path, shown, typed, id)
}

pub(super) fn number(
    form: Form,
    field: &Field,
    path: &Path,
    value: Option<Value>,
    change: Change,
    id: &str,
    integer: bool,
) -> View {
    let (required, wrong, id, locked) = (field.required, is_wrong(form, path), id.to_owned(), form.locked);
    let (value, label, hint) = (as_text(value.as_ref()), field.title.clone(), field.hint());
    view! {
        input(
            id=id,
            r#type="text",
            inputmode=if integer { "numeric" } else { "decimal" },
            value=value,
            placeholder=hint,
            aria-label=label,
            aria-invalid=if wrong.get() { "true" } else { "false" },
            autocomplete="off",
            disabled=locked,
            on:input=move |event: web_sys::Event| {
                let text = dom::value(&event);
                let trimmed = text.trim();
                // What is no number goes to the server as it is, which says what is wrong with it.
                let number = if integer { trimmed.parse::<i64>().ok().map(Value::from) } else { trimmed.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from) };
                change(match number {
                    Some(number) => Some(number),
                    None => from_text(trimmed.to_owned(), required),
                });
            },
        )
    }
}

pub(super) fn switch(form: Form, field: &Field, value: Option<Value>, change: Change, id: &str) -> View {
    let on = value.as_ref().and_then(Value::as_bool).unwrap_or(field.default == Some(Value::Bool(true)));
    let (id, label, locked) = (id.to_owned(), field.title.clone(), form.locked);
    view! {
        input(id=id, r#type="checkbox", aria-label=label, prop:checked=on, disabled=locked, on:change=move |event: web_sys::Event| change(Some(Value::Bool(dom::checked(&event)))))
    }
}

pub(super) fn choice(
    form: Form,
    field: &Field,
    path: &Path,
    value: Option<Value>,
    change: Change,
    id: &str,
    options: &[(String, String)],
) -> View {
    let (wrong, id, locked) = (is_wrong(form, path), id.to_owned(), form.locked);
    let (chosen, label) = (as_text(value.as_ref()), field.title.clone());
    let mut all: Vec<View> = Vec::new();
    if !field.required || chosen.is_empty() {
        let word = field.default_words().map_or_else(|| "not set".to_owned(), |default| format!("default ({default})"));
        all.push(view! { option(value="") { (word) } });
    }
    if !chosen.is_empty() && !options.iter().any(|(value, _)| *value == chosen) {
        // A value that the catalogue does not offer is shown, so that it is not changed by being looked at.
        let (value, word) = (chosen.clone(), format!("{chosen} (unknown)"));
        all.push(view! { option(value=value) { (word) } });
    }
    all.extend(options.iter().map(|(value, title)| {
        let (value, title) = (value.clone(), title.clone());
        view! { option(value=value) { (title) } }
    }));
    view! {
        select(
            id=id,
            prop:value=chosen,
            aria-label=label,
            aria-invalid=if wrong.get() { "true" } else { "false" },
            disabled=locked,
            on:change=move |event: web_sys::Event| {
                let value = dom::value(&event);
                change((!value.is_empty()).then_some(Value::String(value)));
            },
        ) { (all) }
    }
}

/// A secret: a reference to the host's environment is shown, a value is hidden while typed, and a sealed one can only be
/// replaced.
pub(super) fn secret(form: Form, field: &Field, path: &Path, value: Option<Value>, change: Change, id: &str) -> View {
    let sealed_before = value.as_ref().and_then(|value| value.get("sealed")).and_then(Value::as_bool) == Some(true);
    let sealed = create_signal(sealed_before);
    let (kept, label) = (value.clone(), field.title.clone());
    let (required, wrong, id, locked) = (field.required, is_wrong(form, path), id.to_owned(), form.locked);
    let text = create_signal(if sealed_before { String::new() } else { as_text(value.as_ref()) });
    view! {
        (if sealed.get() {
            let change = Rc::clone(&change);
            let sign = super::super::icons::icon("lock");
            view! {
                div(class="sealed") {
                    (sign)
                    span(class="grow") { "Sealed" }
                    button(r#type="button", class="btn small", disabled=locked, on:click=move |_| {
                        change(from_text(String::new(), required));
                        sealed.set(false);
                    }) { "Replace" }
                }
            }
        } else {
            let change = Rc::clone(&change);
            let back = Rc::clone(&change);
            let kept = kept.clone();
            let (id, label) = (id.clone(), label.clone());
            let shown = text.get_clone_untracked();
            let keep: View = if sealed_before {
                view! { button(r#type="button", class="btn small", on:click=move |_| {
                    back(kept.clone());
                    sealed.set(true);
                }) { "Keep the old" } }
            } else {
                View::new()
            };
            view! {
                div(class="line") {
                    input(
                        id=id,
                        r#type=if text.with(|text| text.is_empty() || "${env:".starts_with(text.as_str()) || text.starts_with("${env:") || secrets::is_reference(text)) { "text" } else { "password" },
                        value=shown,
                        placeholder="${env:NAME}, or a value to seal",
                        aria-label=label,
                        aria-invalid=if wrong.get() { "true" } else { "false" },
                        autocomplete="new-password",
                        "spellcheck"="false",
                        disabled=locked,
                        on:input=move |event: web_sys::Event| {
                            let value = dom::value(&event);
                            change(from_text(value.clone(), required));
                            text.set(value);
                        },
                    )
                    (keep)
                }
            }
        })
    }
}

/// What no form can draw: JSON, taken once it is whole.
pub(super) fn json(form: Form, field: &Field, path: &Path, value: Option<Value>, change: Change, id: &str) -> View {
    let (required, wrong, id, locked) = (field.required, is_wrong(form, path), id.to_owned(), form.locked);
    let label = field.title.clone();
    let text = value
        .as_ref()
        .map(|value| serde_json::to_string_pretty(value).unwrap_or_else(|_| yaml::text(value)))
        .unwrap_or_default();
    let broken = create_signal(false);
    view! {
        textarea(
            id=id,
            class="code",
            prop:value=text,
            placeholder="JSON",
            aria-label=label,
            aria-invalid=if wrong.get() || broken.get() { "true" } else { "false" },
            "spellcheck"="false",
            disabled=locked,
            on:input=move |event: web_sys::Event| {
                let text = dom::value(&event);
                match serde_json::from_str::<Value>(&text) {
                    Ok(value) => {
                        broken.set(false);
                        change(Some(value));
                    }
                    Err(_) if text.trim().is_empty() && !required => {
                        broken.set(false);
                        change(None);
                    }
                    Err(_) => broken.set(true),
                }
            },
        ) {}
        (if broken.get() { view! { small(class="wrong") { "This is not JSON yet; the last whole value holds." } } } else { View::new() })
    }
}

/// A group that need not be there: a switch, and its fields while it is on.
pub(super) fn optional_group(
    form: Form,
    field: &Field,
    path: Path,
    value: Option<Value>,
    change: Change,
    remarks: View,
) -> View {
    let Kind::Group(fields) = field.kind.clone() else { return View::new() };
    let on = create_signal(value.is_some());
    let kept = create_signal(match value {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    });
    let first = fields.clone();
    let title = field.title.clone();
    let id = super::new_id();
    let input_id = id.clone();
    let locked = form.locked;
    let toggled = Rc::clone(&change);
    let toggle = move |event: web_sys::Event| {
        let now = dom::checked(&event);
        if now {
            if kept.with_untracked(Map::is_empty) {
                kept.set_silent(schema::begin(&first));
            }
            toggled(Some(Value::Object(kept.get_clone_untracked())));
        } else {
            toggled(None);
        }
        on.set(now);
    };
    let shown = create_selector(move || on.get());
    view! {
        div(class="field") {
            label(class="check", r#for=id) {
                input(id=input_id, r#type="checkbox", prop:checked=on.get_untracked(), disabled=locked, on:change=toggle)
                (title)
            }
            (remarks)
            (if shown.get() {
                let change = Rc::clone(&change);
                let inner = group(form, &path, &fields, kept.get_clone_untracked(), move |object| {
                    kept.set_silent(object.clone());
                    change(Some(Value::Object(object)));
                });
                view! { div(class="nest") { (inner) } }
            } else {
                View::new()
            })
        }
    }
}
