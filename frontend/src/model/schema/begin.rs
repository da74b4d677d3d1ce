//! What forms begin with.

use linkmesh_proto::api::catalogue::CatalogueEntry;
use serde_json::{Map, Value};

use super::{Field, Kind, blank, fields};

/// A group to begin with when it is switched on: as [`blank`], with examples in the place of texts that must be there.
#[must_use]
pub fn begin(fields: &[Field]) -> Map<String, Value> {
    let value = |field: &Field| match &field.kind {
        Kind::Text { example: Some(example), .. } => Value::from(example.as_str()),
        Kind::Group(inner) => Value::Object(begin(inner)),
        other => first(other),
    };
    fields.iter().filter(|field| field.required).map(|field| (field.key.clone(), value(field))).collect()
}

/// What must be there to begin with: of a list one item, since it is there to hold something.
fn first(kind: &Kind) -> Value {
    match kind {
        Kind::List(item) => Value::Array(vec![blank(&item.kind)]),
        other => blank(other),
    }
}

/// The settings that a new part of a pipeline begins with: where something must be there, that and no more, to be filled
/// in, since nobody else can know it; else those of the first example without its secrets. What nobody looks at is saved as
/// it stands, and would be an example's, so that code is never begun with.
#[must_use]
pub fn starting(entry: &CatalogueEntry) -> Map<String, Value> {
    let fields = fields(&entry.schema);
    let Some(example) = entry.examples.first() else { return Map::new() };
    if has_code(&fields, &example.settings) {
        return to_fill_in(entry);
    }
    if !fields.iter().any(|field| field.required) {
        return without_secrets(&fields, &example.settings);
    }
    let value = |field: &Field| match (&field.kind, example.settings.get(&field.key)) {
        // A choice is never empty: of its words the example's serves better than the first.
        (Kind::Choice(_) | Kind::Several(_) | Kind::Switch, Some(value)) => value.clone(),
        (kind, _) => first(kind),
    };
    fields.iter().filter(|field| field.required).map(|field| (field.key.clone(), value(field))).collect()
}

fn has_code(fields: &[Field], settings: &Map<String, Value>) -> bool {
    fn is_code(kind: &Kind, value: &Value) -> bool {
        match (kind, value) {
            (Kind::Code { .. }, _) => true,
            (Kind::List(item), Value::Array(list)) => list.iter().any(|value| is_code(&item.kind, value)),
            (Kind::Map(entry), Value::Object(map)) => map.values().any(|value| is_code(&entry.kind, value)),
            (Kind::Group(fields), Value::Object(map)) => has_code(fields, map),
            _ => false,
        }
    }
    fields.iter().any(|field| settings.get(&field.key).is_some_and(|value| is_code(&field.kind, value)))
}

fn without_secrets(fields: &[Field], settings: &Map<String, Value>) -> Map<String, Value> {
    fn kept(kind: &Kind, value: &Value) -> Option<Value> {
        match (kind, value) {
            (Kind::Secret, _) => None,
            (Kind::List(item) | Kind::Map(item), _) if matches!(item.kind, Kind::Secret) => None,
            (Kind::List(item), Value::Array(list)) => {
                Some(Value::Array(list.iter().filter_map(|value| kept(&item.kind, value)).collect()))
            }
            (Kind::Group(fields), Value::Object(map)) => Some(Value::Object(without_secrets(fields, map))),
            _ => Some(value.clone()),
        }
    }
    let kept = |key: &String, value: &Value| {
        let field = fields.iter().find(|field| field.key == *key);
        field.map_or_else(|| Some(value.clone()), |field| kept(&field.kind, value))
    };
    settings.iter().filter_map(|(key, value)| Some((key.clone(), kept(key, value)?))).collect()
}

/// The settings that a new destination begins with: what must be there, to be filled in.
#[must_use]
pub fn to_fill_in(entry: &CatalogueEntry) -> Map<String, Value> {
    let fields = fields(&entry.schema);
    fields.iter().filter(|field| field.required).map(|field| (field.key.clone(), first(&field.kind))).collect()
}
