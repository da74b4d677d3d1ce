//! Two people changed one document: what each did, and a document that holds what is chosen of both.

use serde_json::{Map, Value};

/// Whose value is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is being edited here.
    Mine,
    /// What was saved meanwhile.
    Theirs,
}

/// A part of the document that is not the same on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The top-level key.
    pub key: String,
    /// Here.
    pub mine: Option<Value>,
    /// There.
    pub theirs: Option<Value>,
    /// Whether both sides changed it since they parted: then a person has to choose.
    pub both: bool,
    /// What is taken unless told otherwise: the side that changed it, and mine when both did.
    pub side: Side,
}

/// Where two versions of a document differ, given the version from which both began.
#[must_use]
pub fn parts(base: &Map<String, Value>, mine: &Map<String, Value>, theirs: &Map<String, Value>) -> Vec<Part> {
    let mut keys: Vec<&String> = theirs.keys().collect();
    keys.extend(mine.keys().filter(|key| !theirs.contains_key(*key)));
    keys.into_iter()
        .filter(|key| mine.get(*key) != theirs.get(*key))
        .map(|key| {
            let (before, here, there) = (base.get(key), mine.get(key), theirs.get(key));
            let both = here != before && there != before;
            let side = if here == before { Side::Theirs } else { Side::Mine };
            Part { key: key.clone(), mine: here.cloned(), theirs: there.cloned(), both, side }
        })
        .collect()
}

/// The document with, of each differing part, the chosen side.
#[must_use]
pub fn merge(theirs: &Map<String, Value>, parts: &[Part]) -> Map<String, Value> {
    let mut merged = theirs.clone();
    for part in parts.iter().filter(|part| part.side == Side::Mine) {
        match &part.mine {
            Some(value) => merged.insert(part.key.clone(), value.clone()),
            None => merged.shift_remove(&part.key),
        };
    }
    merged
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("{value} is no object") };
        map
    }

    #[test]
    fn changes_to_different_parts_are_both_kept() {
        let base = map(json!({"name": "a", "match": [], "filters": [1]}));
        let mine = map(json!({"name": "b", "match": [], "filters": [1]}));
        let theirs = map(json!({"name": "a", "match": ["x"], "filters": [1]}));
        let parts = parts(&base, &mine, &theirs);
        assert!(parts.iter().all(|part| !part.both));
        assert_eq!(Value::Object(merge(&theirs, &parts)), json!({"name": "b", "match": ["x"], "filters": [1]}));
    }

    #[test]
    fn part_that_both_changed_is_for_a_person_and_mine_until_then() {
        let base = map(json!({"name": "a"}));
        let mine = map(json!({"name": "b"}));
        let theirs = map(json!({"name": "c"}));
        let mut parts = parts(&base, &mine, &theirs);
        assert!(parts[0].both);
        assert_eq!(merge(&theirs, &parts)["name"], "b");
        parts[0].side = Side::Theirs;
        assert_eq!(merge(&theirs, &parts)["name"], "c");
    }

    #[test]
    fn removed_part_stays_removed_when_it_is_chosen() {
        let base = map(json!({"name": "a", "filters": [1]}));
        let mine = map(json!({"name": "a"}));
        let theirs = map(json!({"name": "a", "filters": [1, 2]}));
        let parts = parts(&base, &mine, &theirs);
        assert!(parts[0].both);
        assert_eq!(Value::Object(merge(&theirs, &parts)), json!({"name": "a"}));
    }
}
