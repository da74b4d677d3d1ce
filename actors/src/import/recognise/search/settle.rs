//! From settings that fit to those that are given back: values put in, what makes no difference left out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Search, State, decode};
use crate::{
    component::{Findings, SettingsMap, schema},
    domain::problem::Path,
    import::recognise::{
        fit::Seen,
        shape::{self, Field, field, places},
    },
};

/// The setting by which a component handles some signals only.
const SIGNALS: &str = "signals";

impl Search<'_> {
    /// Settings with what was found in the place of marked values.
    pub(super) fn filled(&mut self, state: &State) -> SettingsMap {
        let mut seen: BTreeMap<u32, Vec<Seen>> = BTreeMap::new();
        for (hole, value) in &state.fit.holes {
            seen.entry(*hole).or_default().push(value.clone());
        }
        let options: BTreeMap<u32, Vec<Value>> =
            seen.into_iter().map(|(hole, seen)| (hole, decode::values(&seen))).collect();
        let most = options.values().map(Vec::len).max().unwrap_or_default();
        let pick = |number: usize| -> BTreeMap<u32, Value> {
            let value =
                |(hole, values): (&u32, &Vec<Value>)| Some((*hole, values.get(number).or(values.last())?.clone()));
            options.iter().filter_map(value).collect()
        };
        // Mostly all texts come out in one way.
        let mut best: Option<(i64, BTreeMap<u32, Value>)> = None;
        for number in 0..most {
            let picked = pick(number);
            let filled = decode::put_in(&state.settings, &picked, &self.sentinels);
            let Some(fit) = self.fit(&filled) else { continue };
            if fit.is_complete {
                return filled;
            }
            if best.as_ref().is_none_or(|(score, _)| fit.score > *score) {
                best = Some((fit.score, picked));
            }
        }
        let Some((mut score, mut picked)) = best else {
            return decode::put_in(&state.settings, &BTreeMap::new(), &self.sentinels);
        };
        for (hole, values) in options.iter().filter(|(_, values)| values.len() > 1) {
            for value in values {
                let mut other = picked.clone();
                other.insert(*hole, value.clone());
                let filled = decode::put_in(&state.settings, &other, &self.sentinels);
                if let Some(fit) = self.fit(&filled).filter(|fit| fit.score > score) {
                    score = fit.score;
                    picked = other;
                }
            }
        }
        decode::put_in(&state.settings, &picked, &self.sentinels)
    }

    /// How many faults settings have that render as was found; `None` when they do not.
    fn faults(&mut self, settings: &SettingsMap) -> Option<usize> {
        self.fit(settings).filter(|fit| fit.is_complete && fit.holes.is_empty())?;
        let mut findings = Findings::new(Path::root());
        self.registered.check_before_save(settings, &mut findings);
        if findings.errors.is_empty() {
            let filled = schema::with_defaults(self.schema(), settings);
            self.registered.component().check_for(&filled, &self.unit.signals, &mut findings);
        }
        let is_same = self.handles_what_was_seen(settings);
        Some(findings.errors.into_vec().len() + usize::from(!is_same))
    }

    fn handles_what_was_seen(&self, settings: &SettingsMap) -> bool {
        let handled = self.registered.component().signals_with(&schema::with_defaults(self.schema(), settings));
        self.unit.observed.iter().filter(|signal| handled.contains(signal)).eq(&self.unit.signals)
    }

    /// The settings without what makes no difference; `None` when they are not valid, do not render as was found or do
    /// not handle the signals that were seen.
    pub(super) fn verified(&mut self, mut settings: SettingsMap) -> Option<SettingsMap> {
        // For which signals something is does not show in how it is rendered.
        let can_say = self.schema().get("properties").is_some_and(|fields| fields.get(SIGNALS).is_some());
        if can_say && !self.handles_what_was_seen(&settings) {
            settings.insert(SIGNALS.to_owned(), json!(self.unit.signals));
        }
        let mut faults = self.faults(&settings)?;
        let mut kept = Vec::new();
        loop {
            let next = shape::keys(&settings).into_iter().find(|place| !kept.contains(place));
            let Some(place) = next else { break };
            let without = shape::with(&settings, &place, None);
            match self.faults(&without).filter(|left| *left <= faults) {
                Some(left) => {
                    faults = left;
                    settings = without;
                }
                None => kept.push(place),
            }
        }
        (faults == 0).then(|| self.ordered(settings))
    }

    /// The settings with lists of words in the order of the schema, where their order makes no difference.
    fn ordered(&mut self, mut settings: SettingsMap) -> SettingsMap {
        for place in places(self.schema(), &settings, &[]) {
            let words = shape::schema_at(self.schema(), &place).and_then(field);
            let Some(Field::List(item)) = words else { continue };
            let (Some(Field::Choice(order)), Some(Value::Array(items))) = (field(item), shape::at(&settings, &place))
            else {
                continue;
            };
            let mut sorted = items.clone();
            sorted.sort_by_key(|value| order.iter().position(|known| known == value));
            if sorted != *items {
                let other = shape::with(&settings, &place, Some(Value::Array(sorted)));
                if self.faults(&other) == Some(0) {
                    settings = other;
                }
            }
        }
        settings
    }
}
