//! Dependencies run one way: `tests, loadtest -> src -> actors -> proto <- frontend`.

use std::collections::{BTreeMap, BTreeSet};

use super::{array, metadata, root, text};

/// The arrows that exist, for what is linked into programs and for their build scripts.
const ARROWS: [(&str, &[&str]); 7] = [
    ("linkmesh-proto", &[]),
    ("linkmesh-ottl", &[]),
    ("linkmesh-actors", &["linkmesh-ottl", "linkmesh-proto"]),
    ("linkmesh", &["linkmesh-actors", "linkmesh-ottl", "linkmesh-proto"]),
    ("linkmesh-frontend", &["linkmesh-proto"]),
    ("linkmesh-frontend-bundle", &[]),
    ("linkmesh-loadtest", &["linkmesh", "linkmesh-proto"]),
];

/// What the rules and their actors never name.
const NOT_IN_ACTORS: [&str; 9] =
    ["actix-web", "actix-web-actors", "actix-http", "redb", "mongodb", "git2", "tonic", "reqwest", "rustls"];

/// What a browser has no use for.
const NOT_IN_THE_PAGE: [&str; 7] = ["tokio", "regex", "prost", "chrono", "actix", "reqwest", "rustls"];

/// Dependencies by crate of the workspace; `dev` says whether those of tests alone are wanted.
fn dependencies(dev: bool) -> BTreeMap<String, BTreeSet<String>> {
    let members: BTreeSet<&str> =
        array(metadata(), "workspace_members").iter().filter_map(serde_json::Value::as_str).collect();
    array(metadata(), "packages")
        .iter()
        .filter(|package| members.contains(text(package, "id")))
        .map(|package| {
            let linked = array(package, "dependencies")
                .iter()
                .filter(|dependency| (text(dependency, "kind") == "dev") == dev)
                .map(|dependency| text(dependency, "name").to_owned())
                .collect();
            (text(package, "name").to_owned(), linked)
        })
        .collect()
}

#[test]
fn crates_know_only_those_below_them() {
    let linked = dependencies(false);
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    assert_eq!(linked.keys().map(String::as_str).collect::<BTreeSet<_>>(), known, "a crate without a place");
    for (name, allowed) in ARROWS {
        let ours: Vec<&str> = linked[name].iter().map(String::as_str).filter(|other| known.contains(other)).collect();
        for other in ours {
            assert!(allowed.contains(&other), "{name} -> {other} is no arrow of the house");
        }
    }
}

#[test]
fn readme_shows_every_place_and_the_arrows() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let (_, map) = readme.split_once("## Map of the house\n").expect("the map");
    let map = map.split("\n## ").next().expect("a part");
    // The first column names places; those after the first lie beside it.
    let mut places = BTreeSet::new();
    for row in map.lines().filter_map(|line| line.strip_prefix("| `")) {
        let mut folder = None;
        for name in row.split(" | ").next().unwrap_or_default().split(", ") {
            let name = name.trim_matches('`').trim_end_matches('/');
            let path = folder.map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"));
            folder = folder.or(name.rsplit_once('/').map(|(folder, _)| folder));
            assert!(root().join(&path).is_dir(), "the map shows {path}, which is not there");
            places.insert(path);
        }
    }
    let members: Vec<&str> = ARROWS.iter().map(|(name, _)| name.trim_start_matches("linkmesh-")).collect();
    for place in ["src", "tests"].into_iter().chain(members.iter().copied().filter(|name| root().join(name).is_dir())) {
        assert!(places.contains(place), "the map lacks {place}: {places:?}");
    }
    assert!(places.len() > 8, "{places:?}");
    assert!(map.contains("`tests, loadtest -> src -> actors -> proto <- frontend`"), "{map}");
}

#[test]
fn tests_of_lower_crates_do_not_reach_up() {
    let height = |name: &str| match name {
        "linkmesh-proto" | "linkmesh-ottl" => 0,
        "linkmesh-actors" => 1,
        _ => 2,
    };
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    for (name, others) in dependencies(true) {
        for other in others.iter().filter(|other| known.contains(other.as_str())) {
            assert!(height(other) <= height(&name), "{name} reaches up to {other} in its tests");
        }
    }
}

#[test]
fn rules_name_no_server_store_or_network() {
    let linked = &dependencies(false)["linkmesh-actors"];
    for name in NOT_IN_ACTORS {
        assert!(!linked.contains(name), "linkmesh-actors names {name}");
    }
}

#[test]
fn page_names_nothing_that_a_browser_has_no_use_for() {
    // What lies deeper is held by the size budget of the bundle: features are united over the workspace in this graph.
    let linked = &dependencies(false)["linkmesh-frontend"];
    for name in NOT_IN_THE_PAGE {
        assert!(!linked.contains(name), "the page names {name}");
    }
}

#[test]
fn wasm_bindgen_and_its_tool_are_pinned_to_one_version() {
    let manifest: toml::Table =
        toml::from_str(&std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest")).expect("TOML");
    let version =
        |name: &str| manifest["workspace"]["dependencies"][name]["version"].as_str().expect("a version").to_owned();
    assert!(version("wasm-bindgen").starts_with('='), "not pinned exactly");
    assert_eq!(version("wasm-bindgen"), version("wasm-bindgen-cli-support"));
}

#[test]
fn toolchain_is_pinned_to_a_full_version() {
    let text = std::fs::read_to_string(root().join("rust-toolchain.toml")).expect("rust-toolchain.toml");
    let table: toml::Table = toml::from_str(&text).expect("TOML");
    let channel = table["toolchain"]["channel"].as_str().expect("a channel");
    assert_eq!(channel.split('.').count(), 3, "`{channel}` is not answered by installed toolchains");
}
