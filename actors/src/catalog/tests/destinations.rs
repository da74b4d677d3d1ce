//! What the destinations' examples look like on both runtimes.

use super::*;

/// The exporter of an example as an otelcol config holds it, extensions in front.
fn otelcol_text(part: &OtelcolPart) -> String {
    let named = |kind: &str, config: &Yaml| Yaml::Map(vec![(format!("{kind}/x"), config.clone())]);
    let mut sections = Vec::new();
    if !part.extensions.is_empty() {
        let extensions = part.extensions.iter().map(|(kind, config)| (format!("{kind}/x"), config.clone()));
        sections.push(("extensions".to_owned(), Yaml::Map(extensions.collect())));
    }
    sections.push(("exporters".to_owned(), named(&part.kind, &part.config)));
    Yaml::Map(sections).write(false)
}

fn alloy_text(part: AlloyPart) -> String {
    alloy::write(&part.blocks.into_iter().map(Statement::Block).collect::<Vec<_>>(), false)
}

#[test]
fn examples_look_like_this() {
    for registered in catalogue().components().iter().filter(|known| known.role() == Role::Destination) {
        let kind = registered.kind();
        if kind == "raw" {
            continue;
        }
        let mut shown = String::new();
        for (title, settings) in registered.component().examples() {
            let (otelcol, alloy) = renderings(registered, settings.as_object().unwrap());
            let otelcol = otelcol.map_or_else(|reason| format!("{reason}\n"), |part| otelcol_text(&part));
            let alloy = alloy.map_or_else(|reason| format!("{reason}\n"), alloy_text);
            shown.push_str(&format!("=== {title}\n--- otelcol\n{otelcol}--- alloy\n{alloy}\n"));
        }
        insta::with_settings!({ snapshot_suffix => kind, omit_expression => true }, {
            insta::assert_snapshot!("destination", shown);
        });
    }
}
