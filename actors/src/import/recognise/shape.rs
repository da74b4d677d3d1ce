//! Fields of settings: where they are, what may stand there, and what stands there to begin with.

use serde_json::{Map, Value};

use super::sentinel::Sentinels;

/// A step on the way to a value of settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seg {
    /// The value of a key.
    Key(String),
    /// An item of a list.
    At(usize),
}

/// A place in settings.
pub(super) type Place = Vec<Seg>;

/// What kind of value a field takes.
#[derive(Debug)]
pub(super) enum Field<'s> {
    /// One of some values.
    Choice(Vec<Value>),
    /// A text, or a value of several types.
    Text,
    /// A number.
    Number,
    /// Fields that belong together.
    Group,
    /// Keys and values.
    Dict(&'s Value),
    /// A list of this.
    List(&'s Value),
}

/// What kind of value a field takes; `None` for a field that takes none.
pub(super) fn field(schema: &Value) -> Option<Field<'_>> {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Some(Field::Choice(values.clone()));
    }
    match schema.get("type") {
        Some(Value::Array(_)) => Some(Field::Text),
        Some(Value::String(name)) => match name.as_str() {
            "string" => Some(Field::Text),
            "boolean" => Some(Field::Choice(vec![Value::Bool(false), Value::Bool(true)])),
            "integer" | "number" => Some(Field::Number),
            "array" => schema.get("items").map(Field::List),
            "object" => match schema.get("additionalProperties").filter(|below| below.is_object()) {
                Some(below) => Some(Field::Dict(below)),
                None => Some(Field::Group),
            },
            _ => None,
        },
        _ => None,
    }
}

/// The fields of a group.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// Whether a field of a group must be given.
pub(super) fn is_required(group: &Value, name: &str) -> bool {
    group.get("required").and_then(Value::as_array).is_some_and(|names| names.iter().any(|known| known == name))
}

/// The schema of what stands at a place.
pub(super) fn schema_at<'s>(schema: &'s Value, place: &[Seg]) -> Option<&'s Value> {
    place.iter().try_fold(schema, |schema, seg| match seg {
        Seg::Key(key) => {
            let named = schema.get("properties").and_then(|properties| properties.get(key));
            named.or_else(|| schema.get("additionalProperties"))
        }
        Seg::At(_) => schema.get("items"),
    })
}

/// What stands at a place.
pub(super) fn at<'v>(settings: &'v Map<String, Value>, place: &[Seg]) -> Option<&'v Value> {
    let (first, rest) = place.split_first()?;
    let Seg::Key(key) = first else { return None };
    rest.iter().try_fold(settings.get(key)?, |value, seg| match seg {
        Seg::Key(key) => value.get(key),
        Seg::At(index) => value.get(index),
    })
}

/// The same settings with another value at a place, or with none.
pub(super) fn with(settings: &Map<String, Value>, place: &[Seg], value: Option<Value>) -> Map<String, Value> {
    let mut changed = Value::Object(settings.clone());
    if let Some((last, way)) = place.split_last() {
        let parent = way.iter().try_fold(&mut changed, |value, seg| match seg {
            Seg::Key(key) => value.get_mut(key),
            Seg::At(index) => value.get_mut(index),
        });
        match (parent, last, value) {
            (Some(Value::Object(map)), Seg::Key(key), Some(value)) => {
                map.insert(key.clone(), value);
            }
            (Some(Value::Object(map)), Seg::Key(key), None) => {
                map.shift_remove(key);
            }
            (Some(Value::Array(items)), Seg::At(index), Some(value)) => {
                if let Some(item) = items.get_mut(*index) {
                    *item = value;
                }
            }
            (Some(Value::Array(items)), Seg::At(index), None) if *index < items.len() => {
                items.remove(*index);
            }
            _ => {}
        }
    }
    match changed {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What stands in a field to begin with. With `all`, also in those of its fields that may be left out: each is one more
/// that can be seen to have no place.
pub(super) fn base(schema: &Value, all: bool, sentinels: &mut Sentinels) -> Value {
    match field(schema) {
        Some(Field::Choice(values)) => {
            schema.get("default").cloned().or_else(|| values.into_iter().next()).unwrap_or_default()
        }
        Some(Field::Text) => sentinels.text(schema),
        Some(Field::Number) => sentinels.number(schema),
        Some(Field::List(item)) => Value::Array(vec![base(item, true, sentinels)]),
        Some(Field::Dict(value)) => {
            let value = base(value, true, sentinels);
            let key = sentinels.text(&Value::Null);
            Value::Object(Map::from_iter([(key.as_str().unwrap_or_default().to_owned(), value)]))
        }
        Some(Field::Group) => Value::Object(group(schema, all, sentinels)),
        None => Value::Null,
    }
}

/// The fields of a group to begin with.
pub(super) fn group(schema: &Value, all: bool, sentinels: &mut Sentinels) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, below) in properties(schema) {
        let is_value = matches!(field(below), Some(Field::Text | Field::Number));
        if is_required(schema, name) || is_value && (all || below.get("default").is_some()) {
            fields.insert(name.clone(), base(below, all, sentinels));
        }
    }
    fields
}

/// The places of fields in settings, and of what stands in them: below `scope`, in the order of the schema.
pub(super) fn places(schema: &Value, settings: &Map<String, Value>, scope: &[Seg]) -> Vec<Place> {
    let mut found = Vec::new();
    let value = if scope.is_empty() { Some(&Value::Null) } else { at(settings, scope) };
    let (Some(below), Some(value)) = (schema_at(schema, scope), value) else { return found };
    if scope.is_empty() {
        group_places(below, settings, &mut Vec::new(), &mut found);
    } else {
        value_places(below, value, &mut scope.to_vec(), &mut found);
    }
    found
}

fn group_places(schema: &Value, map: &Map<String, Value>, place: &mut Place, found: &mut Vec<Place>) {
    for (name, below) in properties(schema) {
        place.push(Seg::Key(name.clone()));
        // Items are made to fit before there are more of them.
        let is_list = matches!(field(below), Some(Field::List(_)));
        if !is_list {
            found.push(place.clone());
        }
        if let Some(value) = map.get(name) {
            value_places(below, value, place, found);
        }
        if is_list {
            found.push(place.clone());
        }
        place.pop();
    }
}

fn value_places(schema: &Value, value: &Value, place: &mut Place, found: &mut Vec<Place>) {
    match (field(schema), value) {
        (Some(Field::Group), Value::Object(map)) => group_places(schema, map, place, found),
        (Some(Field::List(item)), Value::Array(items)) => {
            for (index, value) in items.iter().enumerate() {
                place.push(Seg::At(index));
                value_places(item, value, place, found);
                place.pop();
            }
        }
        _ => {}
    }
}

/// The places of all keys in settings, those of groups before what is in them.
pub(super) fn keys(settings: &Map<String, Value>) -> Vec<Place> {
    fn below(value: &Value, place: &mut Place, found: &mut Vec<Place>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    place.push(Seg::Key(key.clone()));
                    found.push(place.clone());
                    below(value, place, found);
                    place.pop();
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    place.push(Seg::At(index));
                    below(value, place, found);
                    place.pop();
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    below(&Value::Object(settings.clone()), &mut Vec::new(), &mut found);
    found
}
