//! Controls for many values: lists, maps, sets of words.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use serde_json::{Map, Value};
use sycamore::prelude::*;

use super::{Change, Form, Path, control, new_id, problem};
use crate::{
    components::icons::icon,
    dom,
    model::{
        problems,
        schema::{self, Field},
    },
};

/// Any of a few words, as checkboxes, kept in the schema's order.
pub(super) fn several(
    form: Form,
    field: &Field,
    value: Option<Value>,
    change: Change,
    options: &[(String, String)],
) -> View {
    // What holds when nothing is said is what is shown.
    let chosen: Vec<String> = value
        .as_ref()
        .or(field.default.as_ref())
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    let chosen = Rc::new(RefCell::new(chosen));
    let order: Rc<Vec<String>> = Rc::new(options.iter().map(|(value, _)| value.clone()).collect());
    let locked = form.locked;
    let boxes: Vec<View> = options
        .iter()
        .map(|(value, title)| {
            let on = chosen.borrow().contains(value);
            let (chosen, order, change, value, title) = (Rc::clone(&chosen), Rc::clone(&order), Rc::clone(&change), value.clone(), title.clone());
            let toggle = move |event: web_sys::Event| {
                let mut words = chosen.borrow_mut();
                words.retain(|word| *word != value);
                if dom::checked(&event) {
                    words.push(value.clone());
                }
                words.sort_by_key(|word| order.iter().position(|known| known == word).unwrap_or(usize::MAX));
                let list = words.iter().map(|word| Value::from(word.as_str())).collect();
                drop(words);
                change(Some(Value::Array(list)));
            };
            view! { label(class="check") { input(r#type="checkbox", prop:checked=on, disabled=locked, on:change=toggle) (title) } }
        })
        .collect();
    view! { div(class="checks") { (boxes) } }
}

/// Values in order; each can be changed, moved out, and new ones added.
pub(super) fn list(form: Form, field: &Field, path: Path, value: Option<Value>, change: Change, item: &Field) -> View {
    let first = match value {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    let rows = Rows::new(first.into_iter().map(|value| (String::new(), value)).collect());
    let required = field.required;
    let give = {
        let rows = rows.clone();
        Rc::new(move || {
            let list: Vec<Value> = rows.values().into_iter().map(|(_, value)| value).collect();
            change((required || !list.is_empty()).then_some(Value::Array(list)));
        })
    };
    let item = item.clone();
    let has_places = item.kind.has_places();
    let title = field.title.clone();
    let locked = form.locked;
    let added = {
        let (rows, give, kind) = (rows.clone(), Rc::clone(&give), item.kind.clone());
        move || {
            rows.add(String::new(), schema::blank(&kind));
            give();
        }
    };
    let order = rows.order;
    let one = move |key: u64| {
        let heading = title.clone();
        let place: Path = {
            let (rows, path) = (rows.clone(), Rc::clone(&path));
            Rc::new(move || problems::item(&path(), rows.place(key)))
        };
        let set: Change = {
            let (rows, give) = (rows.clone(), Rc::clone(&give));
            Rc::new(move |value| {
                rows.set(key, value.unwrap_or(Value::Null));
                give();
            })
        };
        let remove = {
            let (rows, give) = (rows.clone(), Rc::clone(&give));
            move || {
                rows.remove(key);
                give();
            }
        };
        let value = rows.get(key);
        let mut named = item.clone();
        named.title = format!("{title} {}", rows.place(key) + 1);
        let inner = control(form, &named, Rc::clone(&place), Some(value), set, &new_id());
        let wrong = problem(form, place, !has_places);
        let button = remover(locked, Box::new(remove));
        if has_places {
            view! { div(class="item") { div(class="item-head") { span(class="grow") { (heading) } (button) } (inner) (wrong) } }
        } else {
            view! { div { div(class="line") { (inner) (button) } (wrong) } }
        }
    };
    let add = adder(locked, Box::new(added));
    view! {
        Keyed(list=order, view=one, key=|key| *key)
        (add)
    }
}

/// Values by name.
pub(super) fn map(form: Form, field: &Field, path: Path, value: Option<Value>, change: Change, entry: &Field) -> View {
    let first = match value {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    let rows = Rows::new(first.into_iter().collect());
    let required = field.required;
    let give = {
        let rows = rows.clone();
        Rc::new(move || {
            let map: Map<String, Value> = rows.values().into_iter().filter(|(name, _)| !name.is_empty()).collect();
            change((required || !map.is_empty()).then_some(Value::Object(map)));
        })
    };
    let entry = entry.clone();
    let locked = form.locked;
    let added = {
        let (rows, kind) = (rows.clone(), entry.kind.clone());
        move || rows.add(String::new(), schema::blank(&kind))
    };
    let order = rows.order;
    let one = move |key: u64| {
        let place: Path = {
            let (rows, path) = (rows.clone(), Rc::clone(&path));
            Rc::new(move || problems::below(&path(), &rows.name(key)))
        };
        let set: Change = {
            let (rows, give) = (rows.clone(), Rc::clone(&give));
            Rc::new(move |value| {
                rows.set(key, value.unwrap_or_else(|| Value::from("")));
                give();
            })
        };
        let rename = {
            let (rows, give) = (rows.clone(), Rc::clone(&give));
            move |event: web_sys::Event| {
                rows.rename(key, dom::value(&event));
                give();
            }
        };
        let remove = {
            let (rows, give) = (rows.clone(), Rc::clone(&give));
            move || {
                rows.remove(key);
                give();
            }
        };
        let twice = {
            let rows = rows.clone();
            create_selector(move || rows.is_twice(key))
        };
        let name = rows.name(key);
        let mut named = entry.clone();
        named.title = "Value".to_owned();
        let inner = control(form, &named, Rc::clone(&place), Some(rows.get(key)), set, &new_id());
        let has_places = named.kind.has_places();
        let wrong = problem(form, place, !has_places);
        // What has fields of its own stands below its name.
        let button = remover(locked, Box::new(remove));
        let (beside, below): (View, View) =
            if has_places { (View::new(), inner) } else { (view! { div(class="grow") { (inner) } }, View::new()) };
        view! {
            div(class=if has_places { "item" } else { "" }) {
                div(class="line") {
                    input(class="key", r#type="text", value=name, placeholder="name", aria-label="Name", "spellcheck"="false", disabled=locked, on:input=rename)
                    (beside)
                    (button)
                }
                (below)
                (if twice.get() { named_twice() } else { View::new() })
                (wrong)
            }
        }
    };
    let add = adder(locked, Box::new(added));
    view! {
        Keyed(list=order, view=one, key=|key| *key)
        (add)
    }
}

/// The button that takes a row out.
fn remover(locked: bool, f: Box<dyn Fn()>) -> View {
    let sign = icon("x");
    view! { button(r#type="button", class="btn icon bare", aria-label="Remove", title="Remove", disabled=locked, on:click=move |_| f()) { (sign) } }
}

/// The button that adds a row.
fn adder(locked: bool, f: Box<dyn Fn()>) -> View {
    let sign = icon("plus");
    view! { div { button(r#type="button", class="btn small", disabled=locked, on:click=move |_| f()) { (sign) "Add" } } }
}

/// Of values by name, two cannot have the same one.
pub(crate) fn named_twice() -> View {
    view! { small(class="wrong", role="alert") { "Another row has this name: only the last of them is kept." } }
}

/// Rows with keys of their own, so that removing one does not rebuild the others.
#[derive(Clone)]
struct Rows {
    order: Signal<Vec<u64>>,
    renamed: Signal<()>,
    rows: Rc<RefCell<BTreeMap<u64, (String, Value)>>>,
}

impl Rows {
    fn new(first: Vec<(String, Value)>) -> Self {
        let rows: BTreeMap<u64, (String, Value)> = (0_u64..).zip(first).collect();
        Self {
            order: create_signal(rows.keys().copied().collect()),
            renamed: create_signal(()),
            rows: Rc::new(RefCell::new(rows)),
        }
    }

    fn add(&self, name: String, value: Value) {
        let key = self.rows.borrow().last_key_value().map_or(0, |(key, _)| key + 1);
        self.rows.borrow_mut().insert(key, (name, value));
        self.order.update(|order| order.push(key));
    }

    fn remove(&self, key: u64) {
        self.rows.borrow_mut().remove(&key);
        self.order.update(|order| order.retain(|known| *known != key));
    }

    fn set(&self, key: u64, value: Value) {
        if let Some(row) = self.rows.borrow_mut().get_mut(&key) {
            row.1 = value;
        }
    }

    fn rename(&self, key: u64, name: String) {
        if let Some(row) = self.rows.borrow_mut().get_mut(&key) {
            row.0 = name;
        }
        self.renamed.set(());
    }

    /// Whether another row has the same name; follows the names.
    fn is_twice(&self, key: u64) -> bool {
        self.order.track();
        self.renamed.track();
        let rows = self.rows.borrow();
        let name = rows.get(&key).map(|(name, _)| name.as_str()).unwrap_or_default();
        !name.is_empty() && rows.iter().any(|(other, (theirs, _))| *other != key && theirs == name)
    }

    fn get(&self, key: u64) -> Value {
        self.rows.borrow().get(&key).map_or(Value::Null, |(_, value)| value.clone())
    }

    fn name(&self, key: u64) -> String {
        self.rows.borrow().get(&key).map(|(name, _)| name.clone()).unwrap_or_default()
    }

    /// The place in the order now; follows the order.
    fn place(&self, key: u64) -> usize {
        self.order.with(|order| order.iter().position(|known| *known == key).unwrap_or(0))
    }

    fn values(&self) -> Vec<(String, Value)> {
        let rows = self.rows.borrow();
        self.order.with_untracked(|order| order.iter().filter_map(|key| rows.get(key).cloned()).collect())
    }
}
