//! `docs/components.md`: the table of the catalogue, made from the catalogue and held to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use linkmesh_actors::{
    catalog::{Registered, catalogue},
    component::{AlloySite, OtelcolSite, Outputs, signal_name},
    domain::{resolve::unopened, stability},
};
use linkmesh_proto::api::{
    catalogue::Role,
    collector::{Runtime, Stability},
};

use crate::{
    house::root,
    interop::{alloy::IDLE_ON_LINUX, catalogue::ON_WINDOWS, meaning},
};

const HEAD: &str = "\
# Components

Every kind of the catalogue, with what it becomes on each runtime and how that was proven. Made from the catalogue by
`UPDATE_DOCS=1 cargo test --test integration -- components_table`; a test holds it to the code.

The least version of a runtime takes what is rendered for it whatever the settings (some settings need more, which validation
says when a matched collector reports less). For otelcol it is the release in which the newest of the fields and functions
appeared, by the changelogs of the collector and of contrib; 0.149 and 0.158 are the versions that are tried here. For Alloy it
is the first release whose sources have all of it.

How a kind was proven:

* **records**: a real collector ran it, and what came out was, record by record, what the dry run had foretold
  (`tests/interop/meaning`).
* **validate** and versions: `otelcol validate` of those builds accepts every example (`tests/interop/catalogue.rs`). Where a
  build has a component of another version than its own, since that alone could be had, it is named. Where no version stands,
  no build here has it; its text was checked against the upstream documentation.
* **fields** and versions: the same of what starts on Windows alone; these collectors read its fields and get no further.
* **grammar**: an independent reader of Alloy's language, with the components as Alloy's sources define them, accepts every
  example (`tests/alloy_syntax`).
* **runs on Alloy**: a real one (1.18-dev, by `LINKMESH_ALLOY`) builds every component of every example, for all its signals
  and for each alone, and of every setting on top of them; each says that it is healthy. What is `loaded by Alloy` does
  nothing on Linux (`tests/interop/alloy`). Of kinds with **records**, it does what was foretold.
";

/// What the collectors of the kit have, by version: modules of component types, and the version of each.
fn kit() -> BTreeMap<String, BTreeMap<String, String>> {
    let folder = root().join("tests/interop/kit");
    let mut kit = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the kit").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(version) = name.strip_prefix("collector-") else { continue };
        let manifest = fs::read_to_string(entry.path().join("ocb.yaml")).expect("a manifest");
        let module = |line: &str| {
            let (path, version) = line.trim().strip_prefix("- gomod: ")?.split_once(' ')?;
            Some((path.rsplit('/').next()?.to_owned(), version.trim_start_matches('v').to_owned()))
        };
        kit.insert(version.to_owned(), manifest.lines().filter_map(module).collect());
    }
    assert_eq!(kit.len(), 2);
    kit
}

/// The module that holds a component type of otelcol.
fn module(class: &str, kind: &str) -> String {
    let kind = kind.replace('_', "");
    match class {
        "extensions" if kind == "filestorage" => kind,
        class => format!("{kind}{}", class.trim_end_matches('s')),
    }
}

/// What the examples of a kind become.
#[derive(Default)]
struct Made {
    otelcol: BTreeSet<String>,
    modules: BTreeSet<String>,
    alloy: BTreeSet<String>,
    level: Option<(Stability, Stability)>,
}

fn made(registered: &Registered) -> Made {
    let (component, mut made) = (registered.component(), Made::default());
    for (_, example) in component.examples() {
        let settings = unopened(registered, example.as_object().expect("a mapping"));
        let signals = component.signals_with(&settings);
        if let Ok(part) = component.otelcol(&settings, &OtelcolSite { name: "x", signals: &signals }) {
            for (class, kind) in part.types(registered.role()) {
                made.modules.insert(module(class.as_str(), &kind));
                made.otelcol.insert(kind);
            }
        }
        let outputs = Outputs(signals.iter().map(|signal| (*signal, Vec::new())).collect());
        if let Ok(part) = component.alloy(&settings, &AlloySite { label: "x", outputs: &outputs }) {
            let (level, _) = part.stability();
            let (low, high) = made.level.unwrap_or((level, level));
            made.level = Some((low.min(level), high.max(level)));
            made.alloy.extend(part.blocks.iter().map(|block| block.name.clone()));
        }
    }
    made
}

const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Source => "source",
        Role::Filter => "filter",
        Role::Processor => "processor",
        Role::Destination => "destination",
    }
}

fn listed(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The version of a build that has all of these, and which of them are of another one.
fn of_build(version: &str, has: &BTreeMap<String, String>, modules: &BTreeSet<String>) -> Option<String> {
    let mut others = Vec::new();
    for module in modules {
        let of = has.get(module)?;
        // Modules of the collector's own libraries are counted from 1.
        if of != version && of.starts_with("0.") {
            others.push(format!("`{module}` {of}"));
        }
    }
    Some(if others.is_empty() { version.to_owned() } else { format!("{version} with {}", others.join(", ")) })
}

fn row(
    registered: &Registered,
    kit: &BTreeMap<String, BTreeMap<String, String>>,
    proven: &BTreeSet<(Role, &str)>,
) -> String {
    let component = registered.component();
    let made = made(registered);
    let runs = |runtime| component.runtimes().contains(&runtime);
    let signals: Vec<&str> = component.signals().iter().map(|signal| signal_name(*signal)).collect();
    let mut proof = Vec::new();
    if proven.contains(&(registered.role(), registered.kind())) {
        proof.push("records".to_owned());
    }
    if runs(Runtime::Otelcol) {
        let versions: Vec<String> =
            kit.iter().rev().filter_map(|(version, has)| of_build(version, has, &made.modules)).collect();
        proof.push(if versions.is_empty() {
            "documentation".to_owned()
        } else {
            let name = format!("{} {}", role_word(registered.role()), registered.kind());
            let how = if ON_WINDOWS.contains(&name.as_str()) { "fields" } else { "validate" };
            format!("{how} {}", versions.join(", "))
        });
    }
    if runs(Runtime::Alloy) {
        proof.push("grammar".to_owned());
        let is_idle = (registered.role(), registered.kind()) == (Role::Source, IDLE_ON_LINUX);
        proof.push(if is_idle { "loaded by Alloy" } else { "runs on Alloy" }.to_owned());
    }
    let since = |runtime| component.least().on(runtime).map(|version| format!("{version}+: ")).unwrap_or_default();
    let shown = |runtime, names| if runs(runtime) { since(runtime) + &listed(names) } else { "no".to_owned() };
    let (otelcol, alloy) = (shown(Runtime::Otelcol, &made.otelcol), shown(Runtime::Alloy, &made.alloy));
    let level = match made.level {
        Some((low, high)) if low != high => format!("; {} to {}", stability::flag(low), stability::flag(high)),
        Some((Stability::GenerallyAvailable, _)) | None => String::new(),
        Some((level, _)) => format!("; {}", stability::flag(level)),
    };
    format!(
        "| {} (`{}`) | {} | {otelcol} | {alloy}{level} | {} |\n",
        component.title(),
        registered.kind(),
        signals.join(", "),
        proof.join("; ")
    )
}

fn table() -> String {
    let (kit, proven) = (kit(), meaning::proven());
    let mut text = HEAD.to_owned();
    for (role, title) in [
        (Role::Source, "Sources"),
        (Role::Filter, "Filters"),
        (Role::Processor, "Processors"),
        (Role::Destination, "Destinations"),
    ] {
        let _ = write!(
            text,
            "\n## {title}\n\n| component | signals | otelcol | Alloy | proven by |\n|---|---|---|---|---|\n"
        );
        for registered in catalogue().components().iter().filter(|known| known.role() == role && known.kind() != "raw")
        {
            text.push_str(&row(registered, &kit, &proven));
        }
    }
    text
}

#[test]
fn table_of_components_is_that_of_the_catalogue() {
    let (path, made) = (root().join("docs/components.md"), table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(root().join("docs")).expect("a folder");
        fs::write(&path, &made).expect("a file");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "docs/components.md is not up to date: UPDATE_DOCS=1 cargo test --test integration -- components_table"
    );
}
