//! Small editors: labels as names and values, and matchers as lines.

use std::collections::BTreeMap;

use sycamore::prelude::*;

use super::{
    field::{Form, Path, fixed, is_wrong, many::named_twice, problem},
    icons::icon,
};
use crate::dom;

/// Labels: rows of a name and a value. `change` gets those with a name.
pub(crate) fn labels(first: &BTreeMap<String, String>, change: impl Fn(BTreeMap<String, String>) + 'static) -> View {
    let rows = create_signal(
        first.iter().enumerate().map(|(key, (name, value))| (key, name.clone(), value.clone())).collect::<Vec<_>>(),
    );
    let order = create_signal((0..first.len()).collect::<Vec<usize>>());
    let renamed = create_signal(());
    let change = std::rc::Rc::new(change);
    let give = std::rc::Rc::new(move || {
        let all = rows.with_untracked(|rows| {
            rows.iter()
                .filter(|(_, name, _)| !name.trim().is_empty())
                .map(|(_, name, value)| (name.trim().to_owned(), value.clone()))
                .collect()
        });
        change(all);
    });
    let add = move |_| {
        let key = rows.with_untracked(|rows| rows.iter().map(|(key, _, _)| key + 1).max().unwrap_or(0));
        rows.update_silent(|rows| rows.push((key, String::new(), String::new())));
        order.update(|order| order.push(key));
        dom::focus_last("[aria-label=\"Label name\"]");
    };
    let one = move |key: usize| {
        let (name, value) = rows.with_untracked(|rows| {
            rows.iter()
                .find(|row| row.0 == key)
                .map(|(_, name, value)| (name.clone(), value.clone()))
                .unwrap_or_default()
        });
        let set = {
            let give = std::rc::Rc::clone(&give);
            move |at_name: bool, text: String| {
                rows.update_silent(|rows| {
                    if let Some(row) = rows.iter_mut().find(|row| row.0 == key) {
                        if at_name { row.1 = text } else { row.2 = text }
                    }
                });
                if at_name {
                    renamed.set(());
                }
                give();
            }
        };
        let (set_name, set_value) = (set.clone(), set);
        let twice = create_selector(move || {
            order.track();
            renamed.track();
            rows.with_untracked(|rows| {
                let name = rows.iter().find(|row| row.0 == key).map(|row| row.1.trim()).unwrap_or_default();
                !name.is_empty() && rows.iter().any(|row| row.0 != key && row.1.trim() == name)
            })
        });
        let remove = {
            let give = std::rc::Rc::clone(&give);
            move |_| {
                rows.update_silent(|rows| rows.retain(|row| row.0 != key));
                give();
                order.update(|order| order.retain(|known| *known != key));
            }
        };
        let sign = icon("x");
        view! {
            div {
                div(class="line") {
                    input(class="key", r#type="text", value=name, placeholder="env", aria-label="Label name", "spellcheck"="false", on:input=move |event: web_sys::Event| set_name(true, dom::value(&event)))
                    input(r#type="text", value=value, placeholder="prod", aria-label="Label value", "spellcheck"="false", on:input=move |event: web_sys::Event| set_value(false, dom::value(&event)))
                    button(r#type="button", class="btn icon bare", aria-label="Remove label", title="Remove", on:click=remove) { (sign) }
                }
                (if twice.get() { named_twice() } else { View::new() })
            }
        }
    };
    let sign = icon("plus");
    view! {
        Keyed(list=order, view=one, key=|key| *key)
        div { button(r#type="button", class="btn small", on:click=add) { (sign) "Add label" } }
    }
}

/// Matchers: one a line, each with what is wrong with it.
pub(crate) fn matchers(form: Form, first: &[String], change: impl Fn(Vec<String>) + 'static) -> View {
    let rows = create_signal(first.iter().cloned().enumerate().collect::<Vec<_>>());
    let order = create_signal((0..first.len()).collect::<Vec<usize>>());
    let change = std::rc::Rc::new(change);
    let give = std::rc::Rc::new(move || {
        change(rows.with_untracked(|rows| {
            rows.iter().map(|(_, text)| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
        }));
    });
    let locked = form.locked;
    let add = move |text: &str| {
        let key = rows.with_untracked(|rows| rows.iter().map(|(key, _)| key + 1).max().unwrap_or(0));
        rows.update_silent(|rows| rows.push((key, text.to_owned())));
        order.update(|order| order.push(key));
        dom::focus_last("[aria-label=Matcher]");
    };
    let all = {
        let give = std::rc::Rc::clone(&give);
        move |_| {
            add("collector.id=~\".+\"");
            give();
        }
    };
    let one = move |key: usize| {
        let text = rows
            .with_untracked(|rows| rows.iter().find(|row| row.0 == key).map(|row| row.1.clone()).unwrap_or_default());
        let set = {
            let give = std::rc::Rc::clone(&give);
            move |event: web_sys::Event| {
                let text = dom::value(&event);
                rows.update_silent(|rows| {
                    if let Some(row) = rows.iter_mut().find(|row| row.0 == key) {
                        row.1 = text;
                    }
                });
                give();
            }
        };
        let remove = {
            let give = std::rc::Rc::clone(&give);
            move |_| {
                rows.update_silent(|rows| rows.retain(|row| row.0 != key));
                give();
                order.update(|order| order.retain(|known| *known != key));
            }
        };
        // Problems name the place among the matchers that were sent, which leaves out empty ones.
        let place = move || {
            order.track();
            rows.with_untracked(|rows| {
                rows.iter().filter(|row| !row.1.trim().is_empty()).position(|row| row.0 == key).unwrap_or(usize::MAX)
            })
        };
        let path: Path = std::rc::Rc::new(move || format!("match[{}]", place()));
        let bad = is_wrong(form, &path);
        let wrong = problem(form, path, true);
        let sign = icon("x");
        view! {
            div {
                div(class="line") {
                    input(class="code", r#type="text", value=text, placeholder="host.name=~\"web-.*\"", aria-label="Matcher", "spellcheck"="false", aria-invalid=if bad.get() { "true" } else { "false" }, disabled=locked, on:input=set)
                    button(r#type="button", class="btn icon bare", aria-label="Remove matcher", title="Remove", disabled=locked, on:click=remove) { (sign) }
                }
                (wrong)
            }
        }
    };
    let (at_all, sign) = (problem(form, fixed("match"), false), icon("plus"));
    view! {
        Keyed(list=order, view=one, key=|key| *key)
        (at_all)
        div(class="line") {
            button(r#type="button", class="btn small", disabled=locked, on:click=move |_| add("")) { (sign) "Add matcher" }
            (if order.with(Vec::is_empty) {
                let all = all.clone();
                view! { button(r#type="button", class="btn small", disabled=locked, on:click=all) { "Every collector" } }
            } else {
                View::new()
            })
        }
    }
}
