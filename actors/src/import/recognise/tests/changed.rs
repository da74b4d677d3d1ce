//! Settings that no example has.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value};

use super::*;
use crate::{
    component::{Findings, schema},
    domain::problem::Path,
};

/// How many changes of the examples of each kind are tried on each runtime.
const CHANGES: usize = 8;

/// Texts for fields that take any, with what has a meaning in one of the languages.
const TEXTS: &[&str] = &["a b", "x\"y", "1.5", "$1", "a\\b", "ü", "a.b*c", "a|b", "or and not (", "${x}", "%s", "[a]"];

struct Dice(TestRunner);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        (0..most.max(1)).new_tree(&mut self.0).unwrap().current()
    }

    fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }
}

/// Another value of a field.
fn other(schema: &Value, value: &Value, dice: &mut Dice) -> Value {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        return choices[dice.below(choices.len())].clone();
    }
    match value {
        Value::Bool(_) => Value::Bool(dice.one_in(2)),
        Value::Number(number) if number.is_u64() => Value::from(number.as_u64().unwrap() + dice.below(5) as u64),
        Value::String(text) if schema.get("x-check").is_none() && schema.get("x-secret").is_none() => {
            let number = dice.below(TEXTS.len() + 1);
            TEXTS.get(number).copied().unwrap_or(text).into()
        }
        Value::Array(items) => Value::Array(other_items(schema, items, dice)),
        Value::Object(map) => Value::Object(changed(schema, map, dice)),
        other => other.clone(),
    }
}

fn other_items(schema: &Value, items: &[Value], dice: &mut Dice) -> Vec<Value> {
    let below = schema.get("items").unwrap_or(&Value::Null);
    let mut items: Vec<Value> =
        items.iter().map(|item| if dice.one_in(2) { other(below, item, dice) } else { item.clone() }).collect();
    match dice.below(4) {
        0 => items.reverse(),
        1 if items.len() > 1 => {
            items.remove(dice.below(items.len()));
        }
        2 if !items.is_empty() => {
            let again = items[dice.below(items.len())].clone();
            let at = dice.below(items.len() + 1);
            items.insert(at, other(below, &again, dice));
        }
        _ => {}
    }
    items
}

/// Settings with some values changed and some more given.
fn changed(schema: &Value, map: &Map<String, Value>, dice: &mut Dice) -> Map<String, Value> {
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let mut changed = Map::new();
    for (key, value) in map {
        let below = properties.get(key).or_else(|| schema.get("additionalProperties")).unwrap_or(&Value::Null);
        let value = if dice.one_in(3) { other(below, value, dice) } else { value.clone() };
        changed.insert(key.clone(), value);
    }
    for (key, below) in properties {
        let examples = below.get("examples").and_then(|examples| examples.get(0));
        let Some(value) = below.get("default").or(examples) else { continue };
        if !changed.contains_key(key) && dice.one_in(6) {
            changed.insert(key.clone(), other(below, value, dice));
        }
    }
    changed
}

#[test]
fn changed_examples_are_recognised() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut dice = Dice(TestRunner::new_with_rng(Config::default(), rng));
    let mut tried = 0;
    for registered in components() {
        for runtime in [Runtime::Otelcol, Runtime::Alloy] {
            for _ in 0..CHANGES {
                let examples = registered.component().examples();
                let (_, settings) = &examples[dice.below(examples.len())];
                let settings = changed(registered.schema(), settings.as_object().unwrap(), &mut dice);
                let mut findings = Findings::new(Path::root());
                registered.check_before_save(&settings, &mut findings);
                let unit = unit(registered, &settings, runtime).filter(|unit| !unit.signals.is_empty());
                let Some(unit) = unit.filter(|_| findings.errors.is_empty()) else { continue };
                let filled = schema::with_defaults(registered.schema(), &settings);
                registered.component().check_for(&filled, &unit.signals, &mut findings);
                if !findings.errors.is_empty() {
                    continue;
                }
                let mut budget = Budget { left: Budget::COMPONENT, is_over: IsOver::NEVER };
                let found = search::search(registered, &unit, &mut budget);
                assert!(found.is_ok(), "{registered:?} {runtime:?} {}", serde_json::to_string(&settings).unwrap());
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried}");
}
