//! The chain: lanes of cards, with the meters between them.

use std::rc::Rc;

use linkmesh_proto::{
    DestinationId,
    api::{catalogue::Role, destination::Destination, pipeline::Step},
};
use sycamore::{prelude::*, web::document};

use super::Ctx;
use crate::{
    See as _,
    components::{
        icons::icon,
        picker::{self, Picker},
    },
    dom,
    model::{
        chain::{self as model, Chosen, Lane},
        format,
        kinds::{self, Choice},
        problems, rates,
        status::signal_name,
    },
};

pub(super) fn view(ctx: Ctx) -> View {
    let about = create_selector(move || {
        ctx.editor.document.with(|document| {
            let signals = document.signals.iter().map(|signal| signal_name(*signal).to_owned()).collect::<Vec<_>>();
            let signals = if signals.is_empty() { "no signals chosen".to_owned() } else { format::list(&signals) };
            format!("{signals} · {}", format::counted(document.matchers.len() as u64, "matcher", "matchers"))
        })
    });
    let own_problems = create_selector(move || {
        ctx.form.problems.with(|problems| {
            problems.iter().filter(|problem| model::place_of(&problem.field) == Chosen::Pipeline).count()
        })
    });
    let [sources, filters, processors] = Lane::ALL.map(|each| lane(ctx, each));
    let (incoming, outgoing, destinations) = (meter(ctx, true), meter(ctx, false), destinations(ctx));
    view! {
        section(class="card", aria-label="Chain") {
            div(class="card-head") {
                span(class="sub grow") { (about.get_clone()) }
                (if own_problems.get() > 0 { view! { span(class="tag bad") { (format::counted(own_problems.get() as u64, "problem", "problems")) } } } else { View::new() })
                button(r#type="button", class="btn small", data-testid="pipeline-settings", aria-pressed=if ctx.chosen.get() == Chosen::Pipeline { "true" } else { "false" }, on:click=move |_| ctx.chosen.set(Chosen::Pipeline)) { "Name, signals and matchers" }
            }
            div(class="chain", on:keydown=arrows) {
                (sources) (incoming) (filters) (processors) (outgoing) (destinations)
            }
        }
    }
}

/// Arrows move between the cards: up and down in a lane, left and right over lanes.
fn arrows(event: web_sys::KeyboardEvent) {
    let Some(active) = document().active_element() else { return };
    if !active.class_list().contains("step") {
        return;
    }
    let target = match event.key().as_str() {
        "ArrowDown" => active.next_element_sibling().filter(|next| next.class_list().contains("step")),
        "ArrowUp" => active.previous_element_sibling().filter(|next| next.class_list().contains("step")),
        key @ ("ArrowLeft" | "ArrowRight") => {
            let mut lane = active.closest(".lane").ok().flatten();
            loop {
                lane = lane.and_then(|lane| {
                    if key == "ArrowRight" { lane.next_element_sibling() } else { lane.previous_element_sibling() }
                });
                match lane.as_ref().map(|lane| lane.query_selector(".step")) {
                    None => break None,
                    Some(Ok(Some(step))) => break Some(step),
                    Some(_) => {}
                }
            }
        }
        _ => return,
    };
    if let Some(target) = target {
        event.prevent_default();
        dom::focus_element(&target);
    }
}

/// What flows at one end, from the collectors' own counters.
fn meter(ctx: Ctx, at_start: bool) -> View {
    let flow = create_selector(move || {
        let now = ctx.app.now.get();
        ctx.fleet.with(|fleet| rates::fresh(fleet.as_ref().and_then(|fleet| fleet.rates.as_ref()), now))
    });
    let word = if at_start { "in" } else { "out" };
    view! {
        div(class="meter") {
            span { (word) }
            (match flow.get() {
                Some(flow) => {
                    let rate = format::rate(if at_start { flow.in_per_second } else { flow.out_per_second });
                    let extra = if at_start { format!("of {}", format::counted(flow.collectors, "collector", "collectors")) } else { format::change(flow.in_per_second, flow.out_per_second) };
                    view! { strong { (rate) } small { (extra) } }
                }
                None => view! { small { "no data" } },
            })
        }
    }
}

fn lane(ctx: Ctx, lane: Lane) -> View {
    let ids = create_selector(move || {
        ctx.editor
            .document
            .with(|document| lane.steps(document).iter().map(|step| step.id.to_string()).collect::<Vec<_>>())
    });
    let id = match lane {
        Lane::Sources => "lane-sources",
        Lane::Filters => "lane-filters",
        Lane::Processors => "lane-processors",
    };
    let none = match lane {
        Lane::Sources => "Where records come from",
        Lane::Filters => "Nothing is dropped",
        Lane::Processors => "Records pass as they are",
    };
    let adder = if ctx.may { adder(ctx, lane) } else { View::new() };
    let title = lane.title();
    view! {
        section(class="lane", data-testid=id, aria-label=title) {
            h3 { (title) }
            (ids.see(|ids| {
                if ids.is_empty() {
                    return view! { div(class="none") { (none) } };
                }
                (0..ids.len()).map(|index| card(ctx, lane, index)).collect::<Vec<View>>().into()
            }))
            (adder)
        }
    }
}

fn card(ctx: Ctx, lane: Lane, index: usize) -> View {
    let step = create_memo(move || ctx.editor.document.with(|document| lane.steps(document).get(index).cloned()));
    let wrong = create_selector(move || {
        ctx.form.problems.with(|problems| problems::count_within(problems, &lane.path(index)) > 0)
    });
    let odd = create_selector(move || {
        ctx.preview.with(|preview| {
            preview.as_ref().is_some_and(|preview| problems::count_within(&preview.warnings, &lane.path(index)) > 0)
        })
    });
    let text = move |f: fn(&Step, &str) -> String| {
        create_selector(move || {
            step.with(|step| {
                step.as_ref().map(|step| f(step, &ctx.title_of(lane.role(), &step.kind))).unwrap_or_default()
            })
        })
    };
    let (name, says) = (text(model::card_name), text(model::describe));
    let passes = create_selector(move || {
        let now = ctx.app.now.get();
        let step = step.get_clone()?;
        // Collectors count in the order of what they run, and not of what is being edited.
        ctx.editor.base.with(|stored| {
            let steps = stored.filters.iter().chain(&stored.processors).map(|step| step.id.as_str());
            let before: Vec<&str> = steps.take_while(|id| *id != step.id.as_str()).collect();
            let before = (lane != Lane::Sources).then_some(&before[..]);
            ctx.fleet.with(|fleet| rates::passed(fleet.as_ref()?, before, step.id.as_str(), now))
        })
    });
    let id = step.with_untracked(|step| step.as_ref().map(|step| step.id.to_string()).unwrap_or_default());
    let io = if lane == Lane::Sources { " io" } else { "" };
    view! {
        button(
            r#type="button",
            class=format!("step{io}{}", if wrong.get() { " wrong" } else if odd.get() { " odd" } else { "" }),
            data-testid="step",
            data-id=id,
            aria-pressed=if ctx.chosen.get() == Chosen::Step(lane, index) { "true" } else { "false" },
            on:click=move |_| ctx.chosen.set(Chosen::Step(lane, index)),
        ) {
            b { (name.get_clone()) }
            small { (says.get_clone()) }
            (passes.get_clone().map_or_else(View::new, |passes| view! { small(class="passes", data-testid="step-rate") { (passes) } }))
            (if wrong.get() || odd.get() {
                let label = if wrong.get() { "Has problems" } else { "Deserves a look" };
                let warn = icon("warn");
                view! { span(class="flag", title=label) { (warn) span(class="sr") { (label) } } }
            } else {
                View::new()
            })
        }
    }
}

/// What was added is filled in next: the menu that had the focus is gone.
fn focus_form() {
    dom::focus(".chain .step[aria-pressed=true]");
    dom::focus(".form-card .form :is(input, select, textarea):not(:disabled)");
}

fn adder(ctx: Ctx, lane: Lane) -> View {
    let id = match lane {
        Lane::Sources => "add-sources",
        Lane::Filters => "add-filters",
        Lane::Processors => "add-processors",
    };
    let word = match lane {
        Lane::Sources => "Add source",
        Lane::Filters => "Add filter",
        Lane::Processors => "Add processor",
    };
    let choices = ctx.catalogue.with_untracked(|all| kinds::choices(all, lane.role()));
    let add = move |kind: &str| {
        let Some(entry) = ctx.entry(lane.role(), kind) else { return };
        ctx.reshape(|document| {
            if document.signals.is_empty() && lane == Lane::Sources {
                document.signals.clone_from(&entry.signals);
                ctx.editor.rebuilt.set(ctx.editor.rebuilt.get_untracked() + 1);
            }
            Chosen::Step(lane, model::add(document, lane, &entry))
        });
        focus_form();
    };
    picker::view(Picker {
        id,
        label: word.to_owned(),
        word: view! { "+ " (word) },
        wrong: None,
        choices: Rc::new(move || choices.clone()),
        choose: Rc::new(add),
        foot: View::new(),
    })
}

fn destinations(ctx: Ctx) -> View {
    let ids = create_selector(move || {
        ctx.editor.document.with(|document| document.destinations.iter().map(|d| d.id().clone()).collect::<Vec<_>>())
    });
    let data = ctx.destinations.data();
    let choices = move || {
        let left = |d: &&Destination| ids.with(|ids| !ids.contains(&d.id));
        let choice = |d: &Destination| Choice {
            key: d.id.to_string(),
            title: d.document.name.clone(),
            text: ctx.title_of(Role::Destination, &d.document.kind),
            tags: ctx.entry(Role::Destination, &d.document.kind).map(|entry| kinds::limits(&entry)).unwrap_or_default(),
        };
        data.see(|page| page.iter().flat_map(|page| &page.items).filter(left).map(choice).collect())
    };
    let add = move |id: &str| {
        let Ok(id) = id.parse() else { return };
        ctx.reshape(|document| {
            model::toggle_destination(document, &id);
            Chosen::Destination(document.destinations.len().saturating_sub(1))
        });
        focus_form();
    };
    let adder = if ctx.may {
        picker::view(Picker {
            id: "add-destinations",
            label: "Add destination".to_owned(),
            word: view! { "+ Add destination" },
            wrong: None,
            choices: Rc::new(choices),
            choose: Rc::new(add),
            foot: view! { a(href="/destinations/new") { "New destination" small { "Configured once, shared by pipelines" } } },
        })
    } else {
        View::new()
    };
    view! {
        section(class="lane last", data-testid="lane-destinations", aria-label="Destinations") {
            h3 { "Destinations" }
            (ids.see(|ids| {
                if ids.is_empty() {
                    return view! { div(class="none") { "Where records go" } };
                }
                ids.iter().cloned().enumerate().map(|(index, id)| destination(ctx, index, id)).collect::<Vec<View>>().into()
            }))
            (adder)
        }
    }
}

fn destination(ctx: Ctx, index: usize, id: DestinationId) -> View {
    let text = id.to_string();
    let data = ctx.destinations.data();
    let known = create_selector(move || {
        data.with(|page| {
            let page = page.as_ref()?;
            let found = page.items.iter().find(|d| d.id == id)?;
            Some((
                found.document.name.clone(),
                format!(
                    "{} · {}",
                    ctx.title_of(Role::Destination, &found.document.kind),
                    model::summary(&found.document.settings)
                ),
            ))
        })
    });
    let wrong = create_selector(move || {
        ctx.form.problems.with(|problems| problems::count_within(problems, &format!("destinations[{index}]")) > 0)
    });
    let condition = create_selector(move || {
        ctx.editor.document.with(|document| format::at_most(model::condition(document, index).trim(), 90))
    });
    let (fallback, data_id) = (text.clone(), text);
    view! {
        button(
            r#type="button",
            class=if wrong.get() { "step io wrong" } else { "step io" },
            data-testid="step",
            data-id=data_id,
            aria-pressed=if ctx.chosen.get() == Chosen::Destination(index) { "true" } else { "false" },
            on:click=move |_| ctx.chosen.set(Chosen::Destination(index)),
        ) {
            b { (known.with(|known| known.as_ref().map_or_else(|| fallback.clone(), |known| known.0.clone()))) }
            small { (known.with(|known| known.as_ref().map(|known| known.1.trim_end_matches(" · ").to_owned()).unwrap_or_default())) }
            (if condition.with(String::is_empty) { View::new() } else { view! { small { "only where " span(class="mono") { (condition.get_clone()) } } } })
        }
    }
}
