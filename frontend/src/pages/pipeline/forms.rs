//! The form of the chosen card.

use std::rc::Rc;

use linkmesh_proto::api::{catalogue::Role, pipeline::Signal as Telemetry};
use serde_json::Value;
use sycamore::prelude::*;

use super::Ctx;
use crate::{
    See as _,
    components::{
        bits,
        field::{self, fixed, new_id, problem},
        icons::icon,
        pairs,
    },
    dom,
    model::{
        chain::{self as model, Chosen, Lane},
        kinds,
        schema::{self, Field, Kind},
        status::{Tone, signal_name},
    },
};

/// The card of the form. Where it stands below the whole chain, it comes into sight when something is chosen.
pub(super) fn card(ctx: Ctx) -> View {
    let form = chosen(ctx);
    let mut first = true;
    create_effect(move || {
        ctx.chosen.track();
        if !std::mem::take(&mut first) && dom::is_narrow() {
            dom::bring_to_top(".form-card");
        }
    });
    view! { div(class="card form-card") { (form) } }
}

/// The form that belongs to what is chosen. It is built anew when another card is chosen, and not while it is typed into.
fn chosen(ctx: Ctx) -> View {
    let what = create_selector(move || {
        let chosen = ctx.chosen.get();
        // The step's id, so that the form follows its card when cards move.
        let id = match chosen {
            Chosen::Step(lane, index) => {
                ctx.editor.document.with(|document| lane.steps(document).get(index).map(|step| step.id.to_string()))
            }
            Chosen::Destination(index) => {
                ctx.editor.document.with(|document| document.destinations.get(index).map(|d| d.id().to_string()))
            }
            Chosen::Pipeline => None,
        };
        (chosen, id, ctx.editor.rebuilt.get())
    });
    view! {
        (match what.get_clone() {
            (Chosen::Step(lane, index), Some(_), _) => step(ctx, lane, index),
            (Chosen::Destination(index), Some(id), _) => destination(ctx, index, &id),
            _ => pipeline(ctx),
        })
    }
}

fn pipeline(ctx: Ctx) -> View {
    let document = ctx.editor.document.get_clone_untracked();
    let locked = ctx.form.locked;
    let touch = move |f: &dyn Fn(&mut linkmesh_proto::api::pipeline::PipelineDocument)| {
        ctx.editor.document.update(|document| f(document));
    };
    let (name_id, text_id, on_id) = (new_id(), new_id(), new_id());
    let (name_for, text_for, on_for) = (name_id.clone(), text_id.clone(), on_id.clone());
    let signals: Vec<View> = [Telemetry::Logs, Telemetry::Metrics, Telemetry::Traces]
        .into_iter()
        .map(|signal| {
            let on = document.signals.contains(&signal);
            let toggle = move |event: web_sys::Event| {
                let on = dom::checked(&event);
                touch(&|document| {
                    document.signals.retain(|known| *known != signal);
                    if on {
                        document.signals.push(signal);
                        document.signals.sort();
                    }
                });
            };
            view! { label(class="check") { input(r#type="checkbox", prop:checked=on, disabled=locked, on:change=toggle) (signal_name(signal)) } }
        })
        .collect();
    let matchers = pairs::matchers(ctx.form, &document.matchers, move |matchers| {
        touch(&|document| document.matchers.clone_from(&matchers));
    });
    let (name, description, enabled) = (document.name, document.description, document.enabled);
    let id_line = ctx.frame.id_line();
    let [at_name, at_id, at_description, at_signals] =
        ["name", "id", "description", "signals"].map(|path| problem(ctx.form, fixed(path), true));
    let [at_sources, at_destinations, at_all] =
        ["sources", "destinations", ""].map(|path| problem(ctx.form, fixed(path), false));
    view! {
        div(class="card-head") { h2 { "Pipeline" } }
        div(class="form", data-testid="pipeline-form") {
            div(class="field") {
                label(r#for=name_for) { "Name" }
                input(id=name_id, r#type="text", value=name, placeholder="Web logs", disabled=locked, on:input=move |event: web_sys::Event| {
                    let text = dom::value(&event);
                    touch(&|document| document.name.clone_from(&text));
                })
                (id_line) (at_name) (at_id)
            }
            div(class="field") {
                label(r#for=text_for) { "Description" span(class="opt") { "optional" } }
                input(id=text_id, r#type="text", value=description, disabled=locked, on:input=move |event: web_sys::Event| {
                    let text = dom::value(&event);
                    touch(&|document| document.description.clone_from(&text));
                })
                (at_description)
            }
            div(class="field", role="group", aria-label="Signals") {
                span(class="label") { "Signals" }
                div(class="checks") { (signals) }
                (at_signals)
            }
            div(class="field", role="group", aria-label="Matchers") {
                span(class="label") { "Matchers" }
                (matchers)
                small { "All must hold. Without matchers the pipeline is a draft and runs nowhere." }
            }
            div(class="field") {
                label(class="check", r#for=on_for) {
                    input(id=on_id, r#type="checkbox", prop:checked=enabled, disabled=locked, on:change=move |event: web_sys::Event| {
                        let on = dom::checked(&event);
                        touch(&|document| document.enabled = on);
                    })
                    "Enabled"
                }
                small { "A disabled pipeline is kept and runs nowhere." }
            }
            (at_sources) (at_destinations) (at_all)
        }
    }
}

fn step(ctx: Ctx, lane: Lane, index: usize) -> View {
    let Some(step) = ctx.editor.document.with_untracked(|document| lane.steps(document).get(index).cloned()) else {
        return View::new();
    };
    let entry = ctx.entry(lane.role(), &step.kind);
    let title = entry.as_ref().map_or_else(|| step.kind.clone(), kinds::title);
    let limits = entry.as_ref().map(|entry| bits::limits(&kinds::limits(entry))).unwrap_or_default();
    let locked = ctx.form.locked;
    let fields = match &entry {
        Some(entry) => schema::fields(&entry.schema),
        None => Vec::new(),
    };
    let path = fixed(lane.path(index));
    let settings_path = fixed(format!("{}.settings", lane.path(index)));
    let set_settings = move |settings| {
        ctx.editor.document.update(|document| {
            if let Some(step) = lane.steps_mut(document).get_mut(index) {
                step.settings = settings;
            }
        });
    };
    let inner: View = if entry.is_some() {
        let empty = fields.is_empty();
        let group = field::group(ctx.form, &settings_path, &fields, step.settings.clone(), set_settings);
        if empty {
            view! { p(class="sub") { "This kind has no settings." } }
        } else {
            group
        }
    } else {
        // A kind that this page does not know is edited as it is stored.
        let whole = Field {
            key: "settings".to_owned(),
            title: "Settings".to_owned(),
            help: format!("The catalogue has no {}.", step.kind),
            required: true,
            default: None,
            kind: Kind::Json,
        };
        let wrapped = serde_json::Map::from_iter([("settings".to_owned(), Value::Object(step.settings.clone()))]);
        field::group(ctx.form, &path, &[whole], wrapped, move |wrapped| {
            if let Some(Value::Object(settings)) = wrapped.get("settings") {
                set_settings(settings.clone());
            }
        })
    };
    let description: View = match &entry {
        Some(entry) => {
            let text = bits::prose(&kinds::about(entry));
            view! { p(class="sub") { (text) } }
        }
        None => View::new(),
    };
    let warnings = create_selector(move || {
        ctx.preview.with(|preview| {
            preview.as_ref().and_then(|preview| crate::model::problems::within(&preview.warnings, &lane.path(index)))
        })
    });
    let (name_id, id_text, name) = (new_id(), step.id.to_string(), step.name.unwrap_or_default());
    let name_for = name_id.clone();
    let hint = title.clone();
    let set_name = move |event: web_sys::Event| {
        let text = dom::value(&event);
        ctx.editor.document.update(|document| {
            if let Some(step) = lane.steps_mut(document).get_mut(index) {
                step.name = (!text.trim().is_empty()).then(|| text.trim().to_owned());
            }
        });
    };
    // The form is built anew with each of these; the focus stays with who works by keyboard.
    let shift = move |down: bool| {
        ctx.reshape(|document| Chosen::Step(lane, model::shift(document, lane, index, down)));
        dom::focus(if down { "[data-move=down]" } else { "[data-move=up]" });
    };
    let remove = move |_| {
        ctx.reshape(|document| model::remove(document, lane, index));
        focus_chosen();
    };
    let actions: View = if locked {
        View::new()
    } else {
        let (up, down) = (icon("up"), icon("down"));
        view! {
            button(r#type="button", class="btn icon small", aria-label="Move up", title="Move up", "data-move"="up", on:click=move |_| shift(false)) { (up) }
            button(r#type="button", class="btn icon small", aria-label="Move down", title="Move down", "data-move"="down", on:click=move |_| shift(true)) { (down) }
            button(r#type="button", class="btn small danger", on:click=remove) { "Remove" }
        }
    };
    let deep = problem(ctx.form, Rc::clone(&path), false);
    let loose = problem(ctx.form, settings_path, false);
    let at_kind = problem(ctx.form, fixed(format!("{}.kind", lane.path(index))), true);
    let at_id = problem(ctx.form, fixed(format!("{}.id", lane.path(index))), true);
    view! {
        div(class="card-head") {
            h2(class="grow") { (title) }
            (limits)
            (actions)
        }
        div(class="form", data-testid="step-form") {
            (description)
            (match warnings.get_clone() { Some(text) => bits::note(Tone::Warn, view! { (text) }), None => View::new() })
            (deep) (at_kind) (at_id) (loose)
            (inner)
            div(class="field") {
                label(r#for=name_for) { "Name on the card" span(class="opt") { "optional" } }
                input(id=name_id, r#type="text", value=name, placeholder=hint, disabled=locked, on:input=set_name)
                small { "Id " span(class="mono") { (id_text) } ", which stands in the names of rendered components." }
            }
        }
    }
}

/// Gives the focus to what is chosen in the chain: a card, or the pipeline itself.
fn focus_chosen() {
    dom::focus("[data-testid=pipeline-settings]");
    dom::focus(".chain .step[aria-pressed=true]");
}

fn destination(ctx: Ctx, index: usize, id: &str) -> View {
    let key = id.to_owned();
    let name = id.to_owned();
    let href = format!("/destinations/{id}");
    let data = ctx.destinations.data();
    let found = create_memo(move || {
        data.with(|page| page.as_ref().and_then(|page| page.items.iter().find(|d| d.id.as_str() == key)).cloned())
    });
    let path = format!("destinations[{index}]");
    let wrong = problem(ctx.form, fixed(path.as_str()), false);
    let wrong_id = problem(ctx.form, fixed(format!("{path}.id")), true);
    let condition = condition(ctx, index, &fixed(path));
    let remove = move |_| {
        ctx.reshape(|document| {
            if index < document.destinations.len() {
                document.destinations.remove(index);
            }
            Chosen::Pipeline
        });
        focus_chosen();
    };
    let actions: View = if ctx.may {
        view! { button(r#type="button", class="btn small danger", on:click=remove) { "Remove" } }
    } else {
        View::new()
    };
    let limits = move || {
        let kind = found.with(|found| found.as_ref().map(|found| found.document.kind.clone()))?;
        Some(bits::limits(&kinds::limits(&ctx.entry(Role::Destination, &kind)?)))
    };
    view! {
        div(class="card-head") {
            h2(class="grow") { (found.with(|found| found.as_ref().map_or_else(|| name.clone(), |found| found.document.name.clone()))) }
            (limits().unwrap_or_default())
            (actions)
        }
        div(class="form", data-testid="step-form") {
            (wrong) (wrong_id)
            (condition)
            (found.see(|found| match found {
                Some(found) => {
                    let (description, kind) = (found.document.description.clone(), ctx.title_of(Role::Destination, &found.document.kind));
                    let settings = crate::model::yaml::text(&Value::Object(found.document.settings.clone()));
                    let used = crate::model::format::counted(found.used_by.len() as u64, "pipeline uses", "pipelines use");
                    let href = href.clone();
                    let settings = crate::components::code::plain("destination-settings", "Settings", &settings);
                    view! {
                        p(class="sub") { (kind) ". " (description) }
                        div(class="file") { (settings) }
                        p(class="sub") { (used) " it; it is edited on a page of its own." }
                        div { a(class="btn", href=href) { "Edit the destination" } }
                    }
                }
                None => bits::note(Tone::Warn, view! { "There is no destination by this id." }),
            }))
        }
    }
}

/// What of the pipeline goes to a destination.
fn condition(ctx: Ctx, index: usize, path: &field::Path) -> View {
    const KEY: &str = "when";
    let field = Field {
        key: KEY.to_owned(),
        title: "Only records where".to_owned(),
        help: "A condition in OTTL, asked of each log record, data point or span. Empty: everything goes there."
            .to_owned(),
        required: false,
        default: None,
        kind: Kind::Code { is_line: false, example: Some("severity_number >= SEVERITY_NUMBER_ERROR".to_owned()) },
    };
    let when = ctx.editor.document.with_untracked(|document| model::condition(document, index).to_owned());
    let value = serde_json::Map::from_iter([(KEY.to_owned(), Value::String(when))]);
    field::group(ctx.form, path, &[field], value, move |value| {
        let when = value.get(KEY).and_then(Value::as_str).unwrap_or_default();
        ctx.editor.document.update(|document| model::set_condition(document, index, when));
    })
}
