//! Other values of one field: words, what is marked, longer and shorter lists.

use serde_json::{Map, Value};

use super::{Search, State};
use crate::import::recognise::shape::{self, Field, Seg, base, field};

/// How long a list of words may be for one more to be tried at every place of it.
pub(super) const MOST_PLACES: usize = 6;
/// How many choices of an item are tried with one another and not one by one.
const MOST_PRODUCT: usize = 32;
/// How many combinations of the choices of all settings are looked at.
const MOST_CHOSEN: usize = 250;
/// How many of the combinations of an item's choices are gone into further.
const MOST_GROWN: usize = 3;

impl Search<'_> {
    /// A better value of a field.
    pub(super) fn better_at(&mut self, state: &State, place: &[Seg]) -> Option<State> {
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
            let is_better = tried.fit.score > state.fit.score && tried.fit.rank() >= state.fit.rank();
            if is_better && best.as_ref().is_none_or(|best| tried.fit.rank() > best.fit.rank()) {
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
        tried.sort_by_key(|tried| std::cmp::Reverse(tried.fit.rank()));
        let mut best: Option<State> = None;
        for tried in tried.into_iter().take(MOST_GROWN) {
            let tried = self.descend(tried, &inner, 3);
            let is_more = tried.is_more_than(&state.fit);
            if is_more && best.as_ref().is_none_or(|best| tried.fit.rank() > best.fit.rank()) {
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
            let before = from.fit.clone();
            let grown = self.state(shape::with(&from.settings, place, Some(Value::Object(map))));
            match grown.filter(|grown| grown.is_more_than(&before)) {
                Some(grown) => best = Some(grown),
                None => return best,
            }
        }
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

/// The settings with other choices: all combinations if those are few, and every two of them in any case.
pub(super) fn chosen_together(schema: &Value, settings: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let whole = Value::Object(settings.clone());
    let mut chosen: Vec<Map<String, Value>> = Vec::new();
    let mut add = |settings: Map<String, Value>| {
        if chosen.len() < MOST_CHOSEN && !chosen.contains(&settings) {
            chosen.push(settings);
        }
    };
    for variant in variants(schema, whole) {
        if let Value::Object(variant) = variant {
            add(variant);
        }
    }
    let fields: Vec<(&String, Vec<Value>)> =
        shape::properties(schema).filter_map(|(name, below)| Some((name, choices(below)?))).collect();
    for (index, (one, values)) in fields.iter().enumerate() {
        for (other, others) in fields.iter().skip(index + 1) {
            for value in values {
                for beside in others {
                    let mut settings = settings.clone();
                    settings.insert((*one).clone(), value.clone());
                    settings.insert((*other).clone(), beside.clone());
                    add(settings);
                }
            }
        }
    }
    chosen
}

fn choices(schema: &Value) -> Option<Vec<Value>> {
    match field(schema)? {
        Field::Choice(values) => Some(values),
        _ => None,
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
