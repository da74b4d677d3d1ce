//! Lists the folders of the catalogue, so that adding a component is adding a file and nothing else.
//!
//! For each `<role>/<kind>.rs` a module and an entry are written; the file holds `COMPONENT`.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Folder, and the role that its components have.
const ROLES: [(&str, &str); 4] =
    [("source", "Source"), ("filter", "Filter"), ("processor", "Processor"), ("destination", "Destination")];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    for (folder, name) in [("src/catalog", "catalogue.rs"), ("fixtures/catalog", "fixture_catalogue.rs")] {
        fs::write(out.join(name), listing(&root.join(folder))?)?;
    }
    Ok(())
}

/// The modules of a folder, and `components()`, which has them all.
fn listing(folder: &Path) -> Result<String, Box<dyn Error>> {
    let (mut modules, mut entries) = (String::new(), String::new());
    for (role, variant) in ROLES {
        let folder = folder.join(role);
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut kinds = Vec::new();
        if folder.is_dir() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "rs") {
                    kinds.push((path.file_stem().ok_or("a file without a name")?.to_string_lossy().into_owned(), path));
                }
            }
        }
        kinds.sort();
        for (kind, path) in kinds {
            writeln!(modules, "#[path = {path:?}]\nmod {role}_{kind};")?;
            writeln!(entries, "        (Role::{variant}, {kind:?}, {role}_{kind}::COMPONENT),")?;
        }
    }
    let signature = "pub(super) fn components() -> Vec<(Role, &'static str, &'static dyn Component)>";
    Ok(format!("{modules}\n{signature} {{\n    vec![\n{entries}    ]\n}}\n"))
}
