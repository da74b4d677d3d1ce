//! What filters and processors are made of: their two texts, and what they do to records.

use linkmesh_proto::api::{catalogue::Role, collector::Runtime};

use crate::{
    catalog::{Registered, catalogue},
    component::{AlloySite, OtelcolSite, Outputs},
    domain::resolve::unopened,
    render::{
        alloy::{self, Statement},
        yaml::Yaml,
    },
};

/// Both texts of every example of a kind.
fn renderings(registered: &Registered) -> String {
    let component = registered.component();
    let mut text = String::new();
    for (title, settings) in component.examples() {
        let settings = unopened(registered, settings.as_object().unwrap());
        let signals = component.signals_with(&settings);
        let otelcol = component.otelcol(&settings, &OtelcolSite { name: "shop.step", signals: &signals });
        let otelcol = match otelcol {
            Ok(part) => {
                let all = std::iter::once((part.kind, part.config)).chain(part.processors);
                Yaml::Map(all.map(|(kind, config)| (format!("{kind}/shop.step"), config)).collect()).write(false)
            }
            Err(unsupported) => format!("unsupported: {unsupported}\n"),
        };
        let outputs = Outputs(signals.iter().map(|signal| (*signal, vec!["next.input".to_owned()])).collect());
        let alloy = match component.alloy(&settings, &AlloySite { label: "s_step", outputs: &outputs }) {
            Ok(part) => alloy::write(&part.blocks.into_iter().map(Statement::Block).collect::<Vec<_>>(), false),
            Err(unsupported) => format!("unsupported: {unsupported}\n"),
        };
        text.push_str(&format!("## {title}\n\n{otelcol}\n{alloy}\n"));
    }
    text
}

#[test]
fn examples_are_rendered_as_reviewed() {
    for registered in catalogue().components() {
        let role = match registered.role() {
            Role::Filter => "filter",
            Role::Processor => "processor",
            Role::Source | Role::Destination => continue,
        };
        if registered.kind() != "raw" {
            insta::assert_snapshot!(format!("{role}_{}", registered.kind()), renderings(registered));
        }
    }
}


#[test]
fn no_two_stages_of_a_step_are_of_one_type() {
    for registered in catalogue().components() {
        let component = registered.component();
        if !matches!(registered.role(), Role::Filter | Role::Processor) || registered.kind() == "raw" {
            continue;
        }
        assert!(component.runtimes().contains(&Runtime::Otelcol));
        for (title, settings) in component.examples() {
            let settings = unopened(registered, settings.as_object().unwrap());
            let stages = component.stages(&settings, &component.signals_with(&settings)).unwrap();
            let mut types: Vec<&str> = stages.iter().map(|stage| stage.otelcol().0).collect();
            types.sort_unstable();
            types.dedup();
            assert_eq!(types.len(), stages.len(), "{registered:?}: {title}");
        }
    }
}
