use super::*;
use crate::component::ALL_SIGNALS;

mod changed;

/// What a component renders to.
fn unit(registered: &Registered, settings: &SettingsMap, runtime: Runtime) -> Option<Unit> {
    let filled = schema::with_defaults(registered.schema(), settings);
    let mut signals = registered.component().signals_with(&filled);
    signals.sort_unstable();
    let observed = match registered.role() {
        Role::Source | Role::Destination => signals.clone(),
        Role::Filter | Role::Processor => ALL_SIGNALS.to_vec(),
    };
    let name = "probe".to_owned();
    let mut unit = Unit { runtime, observed, signals, name, kinds: Vec::new(), tree: Tree::Null };
    unit.tree = rendered::rendering(registered, settings, &unit)?;
    unit.kinds = types(&unit.tree);
    Some(unit)
}

/// Every kind but those in the runtime's own language, which are recognised by nothing.
fn components() -> impl Iterator<Item = &'static Registered> {
    catalogue().components().iter().filter(|registered| registered.kind() != "raw")
}

#[test]
fn no_example_needs_more_than_a_component_may_take() {
    for registered in components() {
        for (title, settings) in registered.component().examples() {
            for runtime in [Runtime::Otelcol, Runtime::Alloy] {
                let Some(unit) = unit(registered, settings.as_object().unwrap(), runtime) else { continue };
                let mut budget = Budget { left: Budget::COMPONENT };
                let found = search::search(registered, &unit, &mut budget);
                assert!(found.is_some() && budget.left > 0, "{registered:?} `{title}` {runtime:?}");
            }
        }
    }
}

#[test]
fn what_differs_in_one_value_is_not_recognised() {
    let registered = catalogue().get(Role::Destination, "debug").unwrap();
    let mut unit = unit(registered, &SettingsMap::new(), Runtime::Otelcol).unwrap();
    assert!(recognise(&unit, &[Role::Destination], &mut Budget::of_config()).is_some());
    let config = Tree::map([("verbosity", Tree::text("normal")), ("sampling_initial", Tree::Number(7.into()))]);
    unit.tree = Tree::List(vec![Tree::map([("type", Tree::text("debug")), ("config", config)])]);
    assert!(recognise(&unit, &[Role::Destination], &mut Budget::of_config()).is_none());
}

#[test]
fn a_spent_budget_ends_the_search() {
    let registered = catalogue().get(Role::Destination, "debug").unwrap();
    let unit = unit(registered, &SettingsMap::new(), Runtime::Otelcol).unwrap();
    let mut budget = Budget { left: 0 };
    assert!(budget.is_spent() && recognise(&unit, &[Role::Destination], &mut budget).is_none());
}
