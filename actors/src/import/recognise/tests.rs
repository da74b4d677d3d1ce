use linkmesh_proto::api::catalogue::Role;

use super::*;
use crate::component::ALL_SIGNALS;

/// A unit that a component renders to.
fn rendered_unit(registered: &Registered, settings: &SettingsMap, runtime: Runtime) -> Option<Unit> {
    let filled = schema::with_defaults(registered.schema(), settings);
    let signals = registered.component().signals_with(&filled);
    let mut unit = Unit {
        runtime,
        observed: if registered.role() == Role::Source { signals.clone() } else { ALL_SIGNALS.to_vec() },
        signals,
        name: "probe".to_owned(),
        kinds: Vec::new(),
        tree: Tree::Null,
    };
    if registered.role() == Role::Destination {
        unit.observed = unit.signals.clone();
    }
    unit.tree = rendered::rendering(registered, settings, &unit)?;
    unit.kinds = types(&unit.tree);
    Some(unit)
}

#[test]
fn every_example_is_recognised() {
    for registered in catalogue().components().iter().filter(|registered| registered.kind() != "raw") {
        for (title, settings) in registered.component().examples() {
            let settings = settings.as_object().unwrap();
            for runtime in [Runtime::Otelcol, Runtime::Alloy] {
                let Some(unit) = rendered_unit(registered, settings, runtime) else { continue };
                let mut budget = Budget::of_config();
                let begun = std::time::Instant::now();
                let found = recognise(&unit, &[registered.role()], &mut budget);
                let spent = Budget::of_config().left - budget.left;
                eprintln!(
                    "{registered:?} {title} {runtime:?}: {spent} {:?} -> {:?}",
                    begun.elapsed(),
                    found.as_ref().map(|f| (f.registered.kind(), serde_json::to_string(&f.settings).unwrap()))
                );
            }
        }
    }
}
