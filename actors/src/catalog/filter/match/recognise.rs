//! Conditions of OTTL read back to what they were made of.

use linkmesh_ottl::syntax::{
    self,
    tree::{Call, Comparison, Condition, Key, Path, ValueKind},
};
use serde_json::{Map, Value, json};

use crate::component::{SettingsMap, ottl_text::regex_of};

/// The settings that may have made the conditions in a filter's settings: those of its first list.
pub(super) fn settings(found: &Value) -> Option<SettingsMap> {
    let texts = first_list(found)?;
    let conditions: Option<Vec<Condition>> = texts.iter().map(|text| syntax::condition(text).ok()).collect();
    let conditions = conditions?;
    let (action, combine, conditions) = match conditions.as_slice() {
        [Condition::Not(inner)] => match inner.as_ref() {
            Condition::And(all) => ("keep", "all", all.as_slice()),
            Condition::Or(any) => ("keep", "any", any.as_slice()),
            one => ("keep", "all", std::slice::from_ref(one)),
        },
        [Condition::And(all)] => ("drop", "all", all.as_slice()),
        any => ("drop", "any", any),
    };
    let conditions: Option<Vec<Value>> = conditions.iter().map(condition).collect();
    let settings = json!({ "conditions": conditions?, "combine": combine, "action": action });
    settings.as_object().cloned()
}

/// The first list of texts in settings.
fn first_list(found: &Value) -> Option<Vec<&str>> {
    match found {
        Value::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            texts.filter(|texts| !texts.is_empty()).or_else(|| items.iter().find_map(first_list))
        }
        Value::Object(map) => map.values().find_map(first_list),
        _ => None,
    }
}

fn condition(condition: &Condition) -> Option<Value> {
    let (holds, negate) = match condition {
        Condition::Not(inner) => (inner.as_ref(), true),
        holds => (holds, false),
    };
    let (path, test, value) = match holds {
        Condition::Converter(call) => {
            let [path, pattern] = arguments(call, "IsMatch")?;
            let (ValueKind::Path(path), ValueKind::Text(pattern)) = (path, pattern) else { return None };
            let (test, value) = search(pattern);
            (path, test, Some(value))
        }
        Condition::Compare { left, by, right } => match (&left.kind, by, &right.kind) {
            (ValueKind::Path(path), Comparison::NotEqual, ValueKind::Nil) => (path, "exists", None),
            (ValueKind::Path(path), Comparison::NotEqual, ValueKind::Text(text)) if text.is_empty() => {
                (path, "exists", None)
            }
            (ValueKind::Call(call), Comparison::Equal, ValueKind::Text(text)) => {
                let [ValueKind::Path(path)] = arguments(call, "String")? else { return None };
                (path, "equals", Some(text.clone()))
            }
            _ => return None,
        },
        _ => return None,
    };
    let mut fields = field(path)?;
    fields.insert("test".to_owned(), test.into());
    fields.extend(value.map(|value| ("value".to_owned(), value.into())));
    fields.insert("negate".to_owned(), negate.into());
    Some(Value::Object(fields))
}

/// The arguments of a call of a converter.
fn arguments<'c, const N: usize>(call: &'c Call, name: &str) -> Option<[&'c ValueKind; N]> {
    let is_plain = call.name == name && call.keys.is_empty() && call.arguments.iter().all(|given| given.name.is_none());
    let values: Vec<&ValueKind> = call.arguments.iter().map(|given| &given.value.kind).collect();
    values.try_into().ok().filter(|_| is_plain)
}

/// What an expression looks for: a text anywhere, a text at the beginning, or itself.
fn search(pattern: &str) -> (&'static str, String) {
    let plain = |pattern: &str| {
        let mut text = String::with_capacity(pattern.len());
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            text.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        (regex_of(&text) == pattern && !text.is_empty()).then_some(text)
    };
    let beginning = || pattern.strip_prefix('^').and_then(plain).map(|text| ("starts_with", text));
    let anywhere = plain(pattern).map(|text| ("contains", text));
    anywhere.or_else(beginning).unwrap_or_else(|| ("regex", pattern.to_owned()))
}

/// Where a path leads: the field, and its key if it has one.
fn field(path: &Path) -> Option<Map<String, Value>> {
    let names: Vec<&str> = path.segments.iter().map(|segment| segment.name.as_str()).collect();
    let (last, way) = path.segments.split_last()?;
    way.iter().all(|segment| segment.keys.is_empty()).then_some(())?;
    let (field, key) = match (names.as_slice(), last.keys.as_slice()) {
        (["body"], []) => ("body", None),
        (["name"] | ["metric", "name"], []) => ("name", None),
        (["attributes"], [Key::Text(key)]) => ("attribute", Some(key)),
        (["resource", "attributes"], [Key::Text(key)]) => ("resource", Some(key)),
        _ => return None,
    };
    let mut fields = Map::from_iter([("field".to_owned(), Value::from(field))]);
    fields.extend(key.map(|key| ("key".to_owned(), Value::from(key.as_str()))));
    Some(fields)
}
