//! Every committed leaf is tied to what a collector reports: when either of the two changes, or the reported one is gone,
//! there is a difference at its path.

use std::collections::BTreeSet;

use linkmesh_actors::domain::drift::Committed;
use serde_norway::Value;

/// A committed leaf whose change nobody sees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Blind {
    /// `committed`, `changed` or `removed`.
    pub(super) after: &'static str,
    pub(super) path: String,
    pub(super) value: String,
}

/// A step of a path: a key, or the number of an item.
type Place = Vec<Value>;

/// The places of all leaves, or of all that stands anywhere below.
fn places(value: &Value, inner: bool) -> Vec<Place> {
    fn walk(value: &Value, inner: bool, place: &mut Place, out: &mut Vec<Place>) {
        let children: Vec<(Value, &Value)> = match value {
            Value::Mapping(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Value::Sequence(list) => list.iter().enumerate().map(|(at, value)| (Value::from(at), value)).collect(),
            _ => Vec::new(),
        };
        if !place.is_empty() && (inner || children.is_empty()) {
            out.push(place.clone());
        }
        for (step, child) in children {
            place.push(step);
            walk(child, inner, place, out);
            place.pop();
        }
    }
    let mut out = Vec::new();
    walk(value, inner, &mut Vec::new(), &mut out);
    out
}

fn at<'a>(root: &'a mut Value, place: &[Value]) -> &'a mut Value {
    place.iter().fold(root, |value, step| match value {
        Value::Mapping(map) => map.get_mut(step).expect("a key"),
        Value::Sequence(list) => &mut list[usize::try_from(step.as_u64().expect("a number")).expect("a number")],
        other => panic!("nothing below {other:?}"),
    })
}

fn removed(root: &Value, place: &[Value]) -> Value {
    let mut root = root.clone();
    let (step, holder) = place.split_last().expect("a step");
    match at(&mut root, holder) {
        Value::Mapping(map) => {
            map.remove(step).expect("a key");
        }
        Value::Sequence(list) => {
            list.remove(usize::try_from(step.as_u64().expect("a number")).expect("a number"));
        }
        other => panic!("nothing below {other:?}"),
    }
    root
}

fn changed(root: &Value, place: &[Value]) -> Value {
    let mut root = root.clone();
    let leaf = at(&mut root, place);
    *leaf = match &*leaf {
        Value::Bool(value) => Value::Bool(!value),
        Value::Number(number) => Value::from(number.as_f64().expect("a number") + 1.0),
        // Another duration or size, where it is one.
        Value::String(text) if text.starts_with(|c: char| c.is_ascii_digit()) => Value::from(format!("1{text}")),
        Value::String(text) => Value::from(format!("{text}-other")),
        _ => Value::from("other"),
    };
    root
}

/// A place as differences spell it.
fn spelt(place: &[Value]) -> String {
    place.iter().fold(String::new(), |path, step| match step {
        Value::Number(number) => format!("{path}[{number}]"),
        other if path.is_empty() => other.as_str().expect("a key").to_owned(),
        other => format!("{path}.{}", other.as_str().expect("a key")),
    })
}

/// Whether a difference at `path` is one of `leaf`: at it, or at what holds it.
fn tells(path: &str, leaf: &str) -> bool {
    leaf.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The committed leaves whose change is not seen; both texts are of one component, or of the service.
pub(super) fn blind(committed: &Value, report: &Value) -> BTreeSet<Blind> {
    let parsed = |value: Value| Committed::try_from(value).expect("a mapping");
    let paths = |committed: Value, report: Value| -> BTreeSet<String> {
        parsed(committed).differences_in(&parsed(report)).into_iter().map(|difference| difference.path).collect()
    };
    let seen = |report: Value| paths(committed.clone(), report);
    let changes: BTreeSet<String> =
        places(report, false).iter().flat_map(|place| seen(changed(report, place))).collect();
    let removals: BTreeSet<String> = places(report, true)
        .iter()
        .filter(|place| place.len() > 2)
        .flat_map(|place| seen(removed(report, place)))
        .collect();
    let mut blind = BTreeSet::new();
    for place in places(committed, false) {
        let path = spelt(&place);
        let mut leaf = committed.clone();
        let value = serde_json::to_string(at(&mut leaf, &place)).expect("JSON");
        let mut say = |after, is_seen: bool| {
            if !is_seen {
                blind.insert(Blind { after, path: path.clone(), value: value.clone() });
            }
        };
        let own = paths(changed(committed, &place), report.clone());
        say("committed", own.iter().any(|found| tells(found, &path)));
        say("changed", changes.iter().any(|found| tells(found, &path)));
        say("removed", removals.iter().any(|found| tells(found, &path)));
    }
    blind
}
