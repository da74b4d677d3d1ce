//! Forms made from a component's schema: one control for each kind of value, labelled, with its help and its problems.
//!
//! A control keeps what is being typed to itself and gives whole values upwards, so that typing never rebuilds the form.

pub(crate) mod many;
mod one;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use linkmesh_proto::api::problem::FieldProblem;
use serde_json::{Map, Value};
use sycamore::prelude::*;

use super::bits;
use crate::model::{
    problems,
    schema::{Field, Kind},
};

/// What all fields of a form share.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    /// What is wrong with the document.
    pub(crate) problems: ReadSignal<Vec<FieldProblem>>,
    /// Whether nothing may be changed.
    pub(crate) locked: bool,
}

/// The path of a field now; items of lists move.
pub(crate) type Path = Rc<dyn Fn() -> String>;

/// Takes the new value of a field; `None` when it is left out.
pub(crate) type Change = Rc<dyn Fn(Option<Value>)>;

/// A path that stays.
pub(crate) fn fixed(path: impl Into<String>) -> Path {
    let path = path.into();
    Rc::new(move || path.clone())
}

fn below(path: &Path, key: &str) -> Path {
    let (path, key) = (Rc::clone(path), key.to_owned());
    Rc::new(move || problems::below(&path(), &key))
}

thread_local! {
    static NEXT_ID: Cell<u32> = const { Cell::new(0) };
}

/// An id for an element, to tie labels to fields.
pub(crate) fn new_id() -> String {
    format!("f{}", NEXT_ID.replace(NEXT_ID.get() + 1))
}

/// The fields of a group. `change` gets the group with every change; keys that the schema does not know are kept.
pub(crate) fn group(
    form: Form,
    path: &Path,
    fields: &[Field],
    value: Map<String, Value>,
    change: impl Fn(Map<String, Value>) + 'static,
) -> View {
    let value = Rc::new(RefCell::new(value));
    let change = Rc::new(change);
    let views: Vec<View> = fields
        .iter()
        .map(|field| {
            let before = value.borrow().get(&field.key).cloned();
            let (value, change, key) = (Rc::clone(&value), Rc::clone(&change), field.key.clone());
            let set: Change = Rc::new(move |new| {
                match new {
                    Some(new) => value.borrow_mut().insert(key.clone(), new),
                    None => value.borrow_mut().shift_remove(&key),
                };
                let whole = value.borrow().clone();
                change(whole);
            });
            labelled(form, field, below(path, &field.key), before, set)
        })
        .collect();
    views.into()
}

/// A field with its label, help and problems.
fn labelled(form: Form, field: &Field, path: Path, value: Option<Value>, change: Change) -> View {
    let id = new_id();
    let title = field.title.clone();
    let optional = if field.required { "" } else { "optional" };
    let below_it = remarks(form, field, Rc::clone(&path), !field.kind.has_places());
    if let Kind::Switch = field.kind {
        let control = control(form, field, path, value, change, &id);
        return view! { div(class="field") { label(class="check", r#for=id) { (control) (title) } (below_it) } };
    }
    if let (Kind::Group(_), false) = (&field.kind, field.required) {
        return one::optional_group(form, field, path, value, change, below_it);
    }
    let control = control(form, field, path, value, change, &id);
    if field.kind.has_places() || matches!(field.kind, Kind::Several(_)) {
        let label_id = new_id();
        let labelled_by = label_id.clone();
        return view! {
            div(class="field", role="group", aria-labelledby=labelled_by) {
                span(class="label", id=label_id) { (title) span(class="opt") { (optional) } }
                (control)
                (below_it)
            }
        };
    }
    view! {
        div(class="field") {
            label(r#for=id) { (title) span(class="opt") { (optional) } }
            (control)
            (below_it)
        }
    }
}

/// Help and problems, below a control. With `deep`, problems inside the value are shown here too.
fn remarks(form: Form, field: &Field, path: Path, deep: bool) -> View {
    let more = match &field.kind {
        Kind::Number { range, unit, .. } => match (range, unit) {
            (Some(range), Some(unit)) => Some(format!("{range} {unit}.")),
            (one, other) => one.as_ref().or(other.as_ref()).map(|words| format!("{words}.")),
        },
        Kind::Scalar => Some("`5` is a number, `\"5\"` a text.".to_owned()),
        // There is no field in which it would stand.
        Kind::List(_) | Kind::Map(_) | Kind::Code { is_line: false, .. } => {
            field.default_words().map(|words| format!("Default: {words}."))
        }
        _ => None,
    };
    let mut help = field.help.clone();
    if let Some(more) = more {
        let gap = if help.is_empty() { "" } else { " " };
        help = format!("{help}{gap}{more}");
    }
    let help: View = if help.is_empty() {
        View::new()
    } else {
        let help = bits::prose(&help);
        view! { small { (help) } }
    };
    let wrong = problem(form, path, deep);
    view! { (help) (wrong) }
}

/// What is wrong at a place, as a line.
pub(crate) fn problem(form: Form, path: Path, deep: bool) -> View {
    let text = create_selector(move || {
        form.problems
            .with(|problems| if deep { problems::within(problems, &path()) } else { problems::at(problems, &path()) })
    });
    view! {
        (match text.get_clone() {
            Some(text) => {
                let text = bits::prose(&text);
                view! { small(class="wrong", role="alert", data-testid="problem") { (text) } }
            }
            None => View::new(),
        })
    }
}

/// Whether a place has problems, for `aria-invalid`.
pub(crate) fn is_wrong(form: Form, path: &Path) -> ReadSignal<bool> {
    let path = Rc::clone(path);
    create_selector(move || form.problems.with(|problems| problems::count_within(problems, &path()) > 0))
}

/// The control alone.
fn control(form: Form, field: &Field, path: Path, value: Option<Value>, change: Change, id: &str) -> View {
    match &field.kind {
        Kind::Text { .. } | Kind::Code { .. } => one::text(form, field, &path, value, change, id),
        Kind::Scalar => one::scalar(form, field, &path, value, change, id),
        Kind::Number { integer, .. } => one::number(form, field, &path, value, change, id, *integer),
        Kind::Switch => one::switch(form, field, value, change, id),
        Kind::Choice(options) => one::choice(form, field, &path, value, change, id, options),
        Kind::Secret => one::secret(form, field, &path, value, change, id),
        Kind::Json => one::json(form, field, &path, value, change, id),
        Kind::Several(options) => many::several(form, field, value, change, options),
        Kind::List(item) => many::list(form, field, path, value, change, item),
        Kind::Map(entry) => many::map(form, field, path, value, change, entry),
        Kind::Group(fields) => {
            let object = match value {
                Some(Value::Object(object)) => object,
                _ => Map::new(),
            };
            let inner = group(form, &path, fields, object, move |object| change(Some(Value::Object(object))));
            view! { div(class="nest") { (inner) } }
        }
    }
}
