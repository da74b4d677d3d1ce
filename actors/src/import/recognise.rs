//! Which component of the catalogue a part of a config is, and with which settings.
//!
//! No component says how it is read back. It is asked to render itself with other and other settings until the rendering
//! means what was found, under the rules of [`search`]; so that what is recognised is recognised for certain, and a kind
//! that is added to the catalogue is recognised by nothing but its rendering.

use linkmesh_ottl::run::IsOver;
use linkmesh_proto::api::{catalogue::Role, collector::Runtime, pipeline::Signal};
use serde_json::Value;

use nearby::Nearby;

use super::tree::Tree;
use crate::{
    catalog::{Registered, catalogue},
    component::{SettingsMap, schema},
};

mod differ;
mod fit;
mod nearby;
mod rendered;
mod search;
mod sentinel;
mod shape;
#[cfg(test)]
mod tests;

pub(super) use rendered::{STORAGE, extension, of_blocks, of_stage as rendered_stage, sequences, types};

/// What stands in a config for one component of the catalogue: one upstream component or several.
#[derive(Debug)]
pub(super) struct Unit {
    /// The language.
    pub(super) runtime: Runtime,
    /// The signals of the pipelines that it is in.
    pub(super) observed: Vec<Signal>,
    /// Those of them that it handles there.
    pub(super) signals: Vec<Signal>,
    /// The name that its components share.
    pub(super) name: String,
    /// The types of its components.
    pub(super) kinds: Vec<String>,
    /// A list of its components, each `{type, config}`, completed with the defaults of the collector.
    pub(super) tree: Tree,
}

/// A component of the catalogue with the settings under which it renders as was found.
#[derive(Debug, Clone)]
pub(super) struct Recognised {
    /// The component.
    pub(super) registered: &'static Registered,
    /// Its settings, without what is the default anyway.
    pub(super) settings: SettingsMap,
    /// Where it is not quite the same.
    pub(super) but: Option<String>,
}

impl Recognised {
    /// The kinds of telemetry that it handles.
    pub(super) fn signals(&self) -> Vec<Signal> {
        let filled = schema::with_defaults(self.registered.schema(), &self.settings);
        self.registered.component().signals_with(&filled)
    }
}

/// How much more may be tried, in values compared. A text of thousands of components ends here and not in hours.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
    is_over: IsOver,
}

impl Budget {
    /// What a whole config may take: seconds.
    pub(super) const fn of_config(is_over: IsOver) -> Self {
        Self { left: 10_000_000, is_over }
    }

    /// What trying one component may take, off what is left.
    const COMPONENT: u64 = 300_000;

    /// Whether nothing more is tried.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0 || self.is_over.ask()
    }
}

/// The component that renders as this, in one of the roles, or as what is nearest to it.
///
/// # Errors
/// What the likeliest component would do otherwise, if there is one.
pub(super) fn recognise(unit: &Unit, roles: &[Role], budget: &mut Budget) -> Result<Recognised, Option<String>> {
    let why = match exactly(unit, roles, budget) {
        Ok(recognised) => return Ok(recognised),
        Err(why) => why,
    };
    match nearby::nearby(unit, roles) {
        Some(Nearby::Unit(nearby, beside, but)) => {
            let Recognised { registered, mut settings, .. } =
                exactly(&nearby, roles, budget).map_err(|of_nearby| of_nearby.or(why.clone()))?;
            settings.extend(beside);
            if !nearby::is_valid(registered, &settings) {
                return Err(why);
            }
            let settings = schema::in_order(registered.schema(), &settings);
            Ok(Recognised { registered, settings, but: Some(but) })
        }
        Some(Nearby::Component(recognised)) => Ok(recognised),
        None => Err(why),
    }
}

/// The component that renders as this; the one that needs the fewest settings, if several do.
///
/// # Errors
/// As [`recognise`].
fn exactly(unit: &Unit, roles: &[Role], budget: &mut Budget) -> Result<Recognised, Option<String>> {
    let mut best: Option<((usize, usize), Recognised)> = None;
    let mut nearest: Option<((i64, bool), &'static Registered, SettingsMap)> = None;
    for registered in catalogue().components() {
        if !roles.contains(&registered.role()) || !rendered::may_be(registered, unit) {
            continue;
        }
        let mut own = Budget { left: budget.left.min(Budget::COMPONENT), is_over: budget.is_over.clone() };
        let before = own.left;
        let settings = search::search(registered, unit, &mut own);
        budget.left -= before - own.left;
        let settings = match settings {
            Ok(settings) => settings,
            Err(Some((rank, settings))) => {
                let rank = (rank, is_namesake(registered, unit));
                if nearest.as_ref().is_none_or(|(most, ..)| rank > *most) {
                    nearest = Some((rank, registered, settings));
                }
                continue;
            }
            Err(None) => continue,
        };
        let cost = cost(&settings);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, Recognised { registered, settings, but: None }));
        }
    }
    best.map(|(_, recognised)| recognised).ok_or_else(|| {
        let (_, registered, settings) = nearest?;
        let rendered = rendered::rendering(registered, &settings, unit)?;
        differ::differences(registered.kind(), &unit.tree, &rendered)
    })
}

/// Whether a kind is called like the component: of several that come as near, it is the one that was meant.
fn is_namesake(registered: &Registered, unit: &Unit) -> bool {
    let letters = |name: &str| name.replace('_', "");
    let kind = unit.kinds.first().map_or("", String::as_str);
    letters(registered.kind()) == letters(kind.rsplit('.').next().unwrap_or(kind))
}

/// How many values settings hold, and how long they are: what says it in fewer and shorter ones says it better.
fn cost(settings: &SettingsMap) -> (usize, usize) {
    fn of(value: &Value) -> (usize, usize) {
        let sum = |(a, b): (usize, usize), (c, d): (usize, usize)| (a + c, b + d);
        match value {
            // Keys that a person chose say something, too; those of groups are short.
            Value::Object(map) => map.iter().map(|(key, value)| sum((0, key.len()), of(value))).fold((0, 0), sum),
            Value::Array(items) => items.iter().map(of).fold((0, 0), sum),
            Value::String(text) => (1, text.len()),
            _ => (1, 1),
        }
    }
    settings.values().map(of).fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
}
