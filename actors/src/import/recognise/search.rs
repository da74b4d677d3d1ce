//! Finding the settings under which a component renders as was found.
//!
//! Texts and numbers are marked: where a marked value comes out in the rendering, there stands the value in what was
//! found. What is left to choose are words of enumerations, what is given at all, and how long lists are. That is chosen
//! one field after the other, always so that more of the rendering is found and less of it is not; lists grow item by
//! item. Then the values are put in, the rendering is made once more and must mean exactly what was found.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Budget, Unit,
    fit::{Fit, Seen, fit},
    rendered::{by_type, rendering, types},
    sentinel::Sentinels,
    shape::{self, Field, Place, Seg, base, field, places},
};
use crate::{
    catalog::Registered,
    component::{Findings, SettingsMap, schema},
    domain::problem::Path,
    import::tree::Tree,
};

mod decode;

/// The score of what cannot be rendered.
const WORST: i64 = -1_000_000;
/// How often all fields are gone through.
const ROUNDS: usize = 4;
/// How many choices of an item are tried with one another and not one by one.
const MOST_PRODUCT: usize = 32;
/// How long a list of words may be for one more to be tried at every place of it.
const MOST_PLACES: usize = 6;
/// How many of the combinations of an item's choices are gone into further.
const MOST_GROWN: usize = 3;
/// How many settings that fit are looked at in the end.
const MOST_FITTING: usize = 8;

/// The settings under which a component renders as was found, without what is the default anyway.
pub(super) fn search(registered: &'static Registered, unit: &Unit, budget: &mut Budget) -> Option<SettingsMap> {
    let mut search = Search {
        registered,
        unit,
        found: by_type(unit.tree.clone()),
        budget,
        sentinels: Sentinels::default(),
        fitting: Vec::new(),
        has_values: false,
    };
    if let Some(known) = registered.component().recognise(&unit.tree.to_json()) {
        let verified = known.into_iter().filter_map(|settings| search.verified(settings));
        let best = verified.min_by_key(super::cost)?;
        return Some(schema::in_order(registered.schema(), &best));
    }
    let begin = shape::group(registered.schema(), false, &mut search.sentinels);
    let begin = search.state(begin)?;
    let state = search.settled(begin);
    let mut fitting = std::mem::take(&mut search.fitting);
    fitting.sort_by_key(|state| std::cmp::Reverse(state.fit.score));
    fitting.truncate(MOST_FITTING);
    let mut verified: Vec<SettingsMap> = Vec::new();
    for candidate in &fitting {
        let filled = search.filled(candidate);
        verified.extend(search.verified(filled));
    }
    if verified.is_empty() {
        // What depends on values, such as a number made of another, is seen only with them.
        search.has_values = true;
        let filled = search.filled(&state);
        let state = search.state(filled)?;
        let state = search.settled(state);
        let filled = search.filled(&state);
        verified.extend(search.verified(filled));
    }
    let best = verified.into_iter().min_by_key(super::cost)?;
    Some(schema::in_order(registered.schema(), &best))
}

/// Settings and how their rendering fits.
#[derive(Debug)]
struct State {
    settings: SettingsMap,
    fit: Fit,
}

impl State {
    /// Whether more settings fit better. What only looks a little like what was found stands in the way of the right one
    /// if it is a value of its own; where it makes a text longer it may be a part of it.
    fn is_more_than(&self, before: &Fit) -> bool {
        self.fit.score > before.score && (self.fit.full > before.full || self.fit.size <= before.size)
    }
}

struct Search<'a> {
    registered: &'static Registered,
    unit: &'a Unit,
    /// What was found, components by their type.
    found: Tree,
    budget: &'a mut Budget,
    sentinels: Sentinels,
    /// Settings that fit, but for what stands in marked places.
    fitting: Vec<State>,
    /// Whether values were put in already.
    has_values: bool,
}

impl Search<'_> {
    fn schema(&self) -> &'static Value {
        self.registered.schema()
    }

    /// How settings fit; `None` when nothing more is to be tried. What cannot be rendered fits worse than anything.
    fn fit(&mut self, settings: &SettingsMap) -> Option<Fit> {
        if self.budget.is_spent() {
            return None;
        }
        // A rendering takes about as long as some values take to be compared.
        let mut work = 20;
        let fit = match rendering(self.registered, settings, self.unit) {
            Some(rendered) => {
                let is_same = types(&rendered) == self.unit.kinds;
                let rendered = by_type(rendered);
                let mut fit = fit(&self.found, &rendered, &self.sentinels, &mut work);
                fit.is_complete &= is_same;
                fit.size = rendered.size();
                fit
            }
            None => Fit { score: WORST, ..Fit::default() },
        };
        self.budget.left = self.budget.left.saturating_sub(work);
        Some(fit)
    }

    fn state(&mut self, settings: SettingsMap) -> Option<State> {
        let fit = self.fit(&settings)?;
        if fit.is_complete && self.fitting.len() < 4 * MOST_FITTING {
            let known = self.fitting.iter().any(|state| state.settings == settings);
            if !known {
                self.fitting.push(State { settings: settings.clone(), fit: fit.clone() });
            }
        }
        Some(State { settings, fit })
    }

    /// The best that going through all fields leads to, also where only two of them together make it better.
    fn settled(&mut self, state: State) -> State {
        let mut state = self.descend(state, &[], ROUNDS);
        for _ in 0..ROUNDS {
            if state.fit.is_complete {
                break;
            }
            match self.moved(&state) {
                Some(moved) => state = self.descend(moved, &[], ROUNDS),
                None => break,
            }
        }
        state
    }

    /// Choices, or an item taken away, and other fields changed together, where that is better.
    fn moved(&mut self, state: &State) -> Option<State> {
        let whole = Value::Object(state.settings.clone());
        let mut moves: Vec<(SettingsMap, Option<Place>)> = Vec::new();
        for variant in variants(self.schema(), whole) {
            match variant {
                Value::Object(settings) if settings != state.settings => moves.push((settings, None)),
                _ => {}
            }
        }
        // What fits an item a little may be a whole one of another list, which comes in as soon as this one is away.
        for place in places(self.schema(), &state.settings, &[]) {
            let items = shape::at(&state.settings, &place).and_then(Value::as_array).map_or(0, Vec::len);
            for index in (0..items).take_while(|_| items <= MOST_PLACES) {
                let item = [place.as_slice(), &[Seg::At(index)]].concat();
                moves.push((shape::with(&state.settings, &item, None), Some(place.clone())));
            }
        }
        let mut best: Option<State> = None;
        for (settings, left_alone) in moves {
            let Some(tried) = self.state(settings) else { continue };
            let moved = self.gone_through(tried, &[], left_alone.as_deref()).0;
            let least = best.as_ref().map_or(state.fit.score, |best| best.fit.score);
            if moved.fit.score > least {
                let is_complete = moved.fit.is_complete;
                best = Some(moved);
                if is_complete {
                    break;
                }
            }
        }
        best
    }

    /// Goes through the fields below `scope` as long as that makes it better.
    fn descend(&mut self, mut state: State, scope: &[Seg], rounds: usize) -> State {
        for _ in 0..rounds {
            let (better, is_better) = self.gone_through(state, scope, None);
            state = better;
            if !is_better {
                break;
            }
        }
        state
    }

    /// Goes through the fields below `scope` once, but for one; and whether that made it better.
    fn gone_through(&mut self, mut state: State, scope: &[Seg], left_alone: Option<&[Seg]>) -> (State, bool) {
        let mut is_better = false;
        for place in places(self.schema(), &state.settings, scope) {
            if left_alone.is_some_and(|left| place.starts_with(left)) {
                continue;
            }
            if let Some(better) = self.better_at(&state, &place) {
                state = better;
                is_better = true;
            }
        }
        (state, is_better)
    }

    /// A better value of a field.
    fn better_at(&mut self, state: &State, place: &[Seg]) -> Option<State> {
        let schema = shape::schema_at(self.schema(), place)?;
        let current = shape::at(&state.settings, place);
        let may_be_absent = match place.split_last() {
            Some((Seg::Key(name), way)) => {
                !shape::schema_at(self.schema(), way).is_some_and(|group| shape::is_required(group, name))
            }
            _ => false,
        };
        let absent = (current.is_some() && may_be_absent).then_some(None);
        match field(schema)? {
            Field::Choice(values) => {
                let others: Vec<Value> = values.into_iter().filter(|value| Some(value) != current).collect();
                let again = self.chosen_again(state, place, &others);
                let options = others.into_iter().map(Some).chain(absent).collect();
                let best = self.best(state, place, options);
                match (best, again) {
                    (Some(best), Some(again)) if again.fit.score > best.fit.score => Some(again),
                    (best, again) => best.or(again),
                }
            }
            Field::Text | Field::Number => {
                let marked = current.is_none().then(|| Some(base(schema, true, &mut self.sentinels)));
                let usual = usual(schema).iter().filter(|_| current.is_some() && self.has_values);
                let known = usual.chain(words(schema)).map(|text| Some(Value::from(*text)));
                let options = marked.into_iter().chain(absent).chain(known).collect();
                let was_absent = current.is_none();
                self.best(state, place, options).filter(|best| !was_absent || best.is_more_than(&state.fit))
            }
            Field::Group if current.is_some() => self.best(state, place, absent.into_iter().collect()),
            Field::Group => self.grown(state, place, schema, None),
            Field::List(item) => self.better_list(state, place, item),
            Field::Dict(_) => self.better_dict(state, place, schema),
        }
    }

    /// Another choice with the texts beside it marked anew: what they are depends on it. Only where values were put in,
    /// as before that they are marked anyway.
    fn chosen_again(&mut self, state: &State, place: &[Seg], others: &[Value]) -> Option<State> {
        let (Seg::Key(_), way) = place.split_last()? else { return None };
        if !self.has_values {
            return None;
        }
        let group = shape::schema_at(self.schema(), way)?;
        let mut marked = state.settings.clone();
        for (name, below) in shape::properties(group) {
            let beside = [way, &[Seg::Key(name.clone())]].concat();
            let is_value = matches!(field(below), Some(Field::Text | Field::Number));
            if is_value && shape::at(&marked, &beside).is_some() {
                marked = shape::with(&marked, &beside, Some(base(below, true, &mut self.sentinels)));
            }
        }
        let mut best: Option<State> = None;
        for value in others {
            let tried = self.state(shape::with(&marked, place, Some(value.clone())));
            // Several may fit as long as it is open what the texts are.
            let Some(tried) = tried.filter(|tried| tried.fit.score > state.fit.score) else { continue };
            let filled = self.filled(&tried);
            let Some(tried) = self.state(filled) else { continue };
            let least = best.as_ref().map_or(state.fit.score, |best| best.fit.score);
            if tried.fit.score > least {
                best = Some(tried);
            }
        }
        best
    }

    /// The best of some values of a field, when it is better than what is there.
    fn best(&mut self, state: &State, place: &[Seg], values: Vec<Option<Value>>) -> Option<State> {
        let mut best: Option<State> = None;
        for value in values {
            let Some(tried) = self.state(shape::with(&state.settings, place, value)) else { continue };
            let least = best.as_ref().map_or(state.fit.score, |best| best.fit.score);
            if tried.fit.score > least {
                best = Some(tried);
            }
        }
        best
    }

    /// The same with one more value at `place`, or in the list there: a group or an item, its own fields chosen as well as
    /// can be.
    fn grown(
        &mut self,
        state: &State,
        place: &[Seg],
        schema: &Value,
        list: Option<(&[Value], usize)>,
    ) -> Option<State> {
        let first = base(schema, list.is_some(), &mut self.sentinels);
        let mut inner = place.to_vec();
        inner.extend(list.map(|(_, at)| Seg::At(at)));
        let mut tried: Vec<State> = Vec::new();
        for variant in variants(schema, first) {
            let value = match list {
                Some((items, at)) => {
                    let mut items = items.to_vec();
                    items.insert(at, variant);
                    Value::Array(items)
                }
                None => variant,
            };
            tried.extend(self.state(shape::with(&state.settings, place, Some(value))));
        }
        // The first of those that fit equally well: what is the default comes first.
        tried.sort_by_key(|tried| std::cmp::Reverse(tried.fit.score));
        let mut best: Option<State> = None;
        for tried in tried.into_iter().take(MOST_GROWN) {
            let tried = self.descend(tried, &inner, 3);
            if best.as_ref().is_none_or(|best| tried.fit.score > best.fit.score) {
                best = Some(tried);
            }
        }
        best.filter(|best| best.is_more_than(&state.fit))
    }

    fn better_list(&mut self, state: &State, place: &[Seg], item: &Value) -> Option<State> {
        let items = |state: &State| match shape::at(&state.settings, place) {
            Some(Value::Array(items)) => items.clone(),
            _ => Vec::new(),
        };
        let mut best: Option<State> = None;
        // Items that are words are tried also from none on: which there are by default says nothing.
        let is_choice = matches!(field(item), Some(Field::Choice(_)));
        if is_choice && shape::at(&state.settings, place).is_none() {
            let empty = self.state(shape::with(&state.settings, place, Some(Value::Array(Vec::new()))));
            let grown = empty.map(|empty| self.longer(empty, place, item, &items));
            best = grown.filter(|grown| grown.fit.score > state.fit.score);
        }
        if best.is_none() {
            let same = State { settings: state.settings.clone(), fit: state.fit.clone() };
            let grown = self.longer(same, place, item, &items);
            best = (grown.fit.score > state.fit.score).then_some(grown);
        }
        if best.is_none() {
            let items = items(state);
            let without = (0..items.len()).rev().take(if is_choice { items.len() } else { 1 });
            let shorter = without.map(|index| {
                let mut items = items.clone();
                items.remove(index);
                Some(Value::Array(items))
            });
            best = self.best(state, place, shorter.collect());
        }
        best
    }

    /// The list grown as long as that makes it better.
    fn longer(&mut self, mut state: State, place: &[Seg], item: &Value, items: &dyn Fn(&State) -> Vec<Value>) -> State {
        loop {
            let here = items(&state);
            let grown = match field(item) {
                Some(Field::Choice(values)) => {
                    let others = values.into_iter().filter(|value| !here.contains(value));
                    // In long lists of words the first fit is the right one; in short ones another may have come first.
                    let first = if here.len() > MOST_PLACES { here.len() } else { 0 };
                    let longer = others.flat_map(|value| {
                        let here = &here;
                        (first..=here.len()).rev().map(move |at| {
                            let mut longer = here.clone();
                            longer.insert(at, value.clone());
                            Some(Value::Array(longer))
                        })
                    });
                    let before = state.fit.clone();
                    self.best(&state, place, longer.collect()).filter(|longer| longer.is_more_than(&before))
                }
                _ => self.longer_by_one(&state, place, item, &here),
            };
            match grown {
                Some(grown) => state = grown,
                None => return state,
            }
        }
    }

    fn longer_by_one(&mut self, state: &State, place: &[Seg], item: &Value, here: &[Value]) -> Option<State> {
        if let Some(grown) = self.grown(state, place, item, Some((here, here.len()))) {
            return Some(grown);
        }
        if state.fit.is_complete {
            return None;
        }
        // Some are written in another way as soon as there are two.
        if here.len() < 2 {
            let two = [here, &[base(item, true, &mut self.sentinels)]].concat();
            if let Some(grown) = self.grown(state, place, item, Some((&two, two.len()))) {
                return Some(grown);
            }
        }
        // What fitted best further on may have come first.
        let places = if here.len() > MOST_PLACES { 0 } else { here.len() };
        (0..places).rev().find_map(|at| self.grown(state, place, item, Some((here, at))))
    }

    fn better_dict(&mut self, state: &State, place: &[Seg], schema: &Value) -> Option<State> {
        let mut best: Option<State> = None;
        loop {
            let from = best.as_ref().unwrap_or(state);
            let mut map = match shape::at(&from.settings, place) {
                Some(Value::Object(map)) => map.clone(),
                _ => Map::new(),
            };
            if let Value::Object(more) = base(schema, true, &mut self.sentinels) {
                map.extend(more);
            }
            let before = Fit { holes: Vec::new(), ..from.fit.clone() };
            let grown = self.state(shape::with(&from.settings, place, Some(Value::Object(map))));
            match grown.filter(|grown| grown.is_more_than(&before)) {
                Some(grown) => best = Some(grown),
                None => return best,
            }
        }
    }

    /// Settings with what was found in the place of marked values.
    fn filled(&mut self, state: &State) -> SettingsMap {
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
        let handled = self.registered.component().signals_with(&schema::with_defaults(self.schema(), settings));
        let is_same = self.unit.observed.iter().filter(|signal| handled.contains(signal)).eq(&self.unit.signals);
        Some(findings.errors.into_vec().len() + usize::from(!is_same))
    }

    /// The settings without what makes no difference; `None` when they are not valid, do not render as was found or do
    /// not handle the signals that were seen.
    fn verified(&mut self, mut settings: SettingsMap) -> Option<SettingsMap> {
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

/// Values that people mostly give, of a field whose value does not come out as it is.
fn usual(schema: &Value) -> &'static [&'static str] {
    match schema.get("x-check").and_then(Value::as_str) {
        Some("duration") => &[
            "0s", "100ms", "200ms", "500ms", "1s", "2s", "5s", "10s", "15s", "20s", "30s", "1m", "2m", "3m", "5m",
            "10m", "15m", "20m", "30m", "45m", "1h", "2h", "3h", "4h", "6h", "8h", "12h", "24h", "48h", "72h", "168h",
        ],
        _ => &[],
    }
}

/// Words that mean something else than a text does in the same field.
fn words(schema: &Value) -> &'static [&'static str] {
    match schema.get("x-check").and_then(Value::as_str) {
        Some("time_layout") => &["epoch_s", "epoch_ms", "epoch_us", "epoch_ns"],
        _ => &[],
    }
}

/// A group with its choices in every combination, if those are few.
fn variants(schema: &Value, first: Value) -> Vec<Value> {
    let mut variants = vec![first];
    if !matches!(field(schema), Some(Field::Group)) {
        return variants;
    }
    for (name, below) in shape::properties(schema) {
        let values: Vec<Value> = match field(below) {
            Some(Field::Choice(values)) => values,
            Some(Field::Text) if !words(below).is_empty() => {
                let first = variants.first().and_then(|first| first.get(name)).cloned();
                first.into_iter().chain(words(below).iter().map(|word| Value::from(*word))).collect()
            }
            _ => continue,
        };
        if variants.len() * values.len() > MOST_PRODUCT {
            continue;
        }
        let with = |variant: &Value, value: Value| {
            let mut variant = variant.clone();
            if let Value::Object(map) = &mut variant {
                map.insert(name.clone(), value);
            }
            variant
        };
        variants =
            variants.iter().flat_map(|variant| values.iter().map(|value| with(variant, value.clone()))).collect();
    }
    variants
}
