//! Finding the settings under which a component renders as was found.
//!
//! Texts and numbers are marked: where a marked value comes out in the rendering, there stands the value in what was
//! found. What is left to choose are words of enumerations, what is given at all, and how long lists are. That is chosen
//! one field after the other, always so that more of the rendering is found and less of it is not; lists grow item by
//! item. Then the values are put in, the rendering is made once more and must mean exactly what was found.

use serde_json::Value;

use super::{
    Budget, Unit,
    fit::{Fit, fit},
    rendered::{by_type, rendering, types},
    sentinel::Sentinels,
    shape::{self, Place, Seg, places},
};
use crate::{
    catalog::Registered,
    component::{SettingsMap, schema},
    import::tree::Tree,
};

mod change;
mod decode;
mod settle;

use change::{MOST_PLACES, chosen_together};

/// The score of what cannot be rendered.
const WORST: i64 = -1_000_000;
/// How often all fields are gone through.
const ROUNDS: usize = 4;
/// How many changes of several fields together are gone into further.
const MOST_MOVED: usize = 12;
/// How many settings that fit are looked at in the end.
const MOST_FITTING: usize = 8;

/// The settings under which a component renders as was found, without what is the default anyway.
///
/// # Errors
/// Those under which it comes nearest, and how near that is, if it was searched for.
pub(super) fn search(
    registered: &'static Registered,
    unit: &Unit,
    budget: &mut Budget,
) -> Result<SettingsMap, Option<(i64, SettingsMap)>> {
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
        let best = verified.min_by_key(super::cost).ok_or(None)?;
        return Ok(schema::in_order(registered.schema(), &best));
    }
    let begin = shape::group(registered.schema(), false, &mut search.sentinels);
    let begin = search.state(begin).ok_or(None)?;
    let state = search.settled(begin);
    let mut fitting = std::mem::take(&mut search.fitting);
    fitting.sort_by_key(|state| std::cmp::Reverse(state.fit.score));
    fitting.truncate(MOST_FITTING);
    let mut verified: Vec<SettingsMap> = Vec::new();
    for candidate in &fitting {
        let filled = search.filled(candidate);
        verified.extend(search.verified(filled));
    }
    let mut nearest = None;
    if verified.is_empty() {
        // What depends on values, such as a number made of another, is seen only with them.
        search.has_values = true;
        let filled = search.filled(&state);
        let state = search.state(filled).ok_or(None)?;
        let state = search.settled(state);
        let filled = search.filled(&state);
        nearest = Some((state.fit.rank(), filled.clone()));
        verified.extend(search.verified(filled));
    }
    let best = verified.into_iter().min_by_key(super::cost).ok_or(nearest)?;
    Ok(schema::in_order(registered.schema(), &best))
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
        let mut chosen: Vec<State> = Vec::new();
        for settings in chosen_together(self.schema(), &state.settings) {
            chosen.extend(self.state(settings));
        }
        chosen.sort_by_key(|state| std::cmp::Reverse(state.fit.score));
        let mut moves: Vec<(State, Option<Place>)> =
            chosen.into_iter().take(MOST_MOVED).map(|state| (state, None)).collect();
        // What fits an item a little may be a whole one of another list, which comes in as soon as this one is away.
        for place in places(self.schema(), &state.settings, &[]) {
            let items = shape::at(&state.settings, &place).and_then(Value::as_array).map_or(0, Vec::len);
            for index in (0..items).take_while(|_| items <= MOST_PLACES) {
                let item = [place.as_slice(), &[Seg::At(index)]].concat();
                let shorter = self.state(shape::with(&state.settings, &item, None));
                moves.extend(shorter.map(|shorter| (shorter, Some(place.clone()))));
            }
        }
        let mut best: Option<State> = None;
        for (tried, left_alone) in moves {
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
}
