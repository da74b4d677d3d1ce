//! Files stay short enough to be read, and lie where one looks for them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::root;

/// The longest that a hand-written file may be.
const LINES: usize = 600;

/// Endings of what nobody writes by hand: locks of packages, pictures, what is packed.
const NOT_WRITTEN: [&str; 6] = ["lock", "sum", "json", "png", "gz", "snap"];

/// Folders that hold what tools, tests' captures or builds leave.
const NOT_OURS: [&str; 10] =
    ["target", "dist", "data", "node_modules", "fixtures", "snapshots", "seeds", "corpus", "artifacts", ".git"];

/// Whether a file is written by hand: a program without an ending is, and one in a language that comes later.
fn is_hand_written(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    !NOT_WRITTEN.contains(&extension.as_ref()) && !path.ends_with("CHANGELOG.md")
}

#[test]
fn programs_without_an_ending_count_as_hand_written() {
    let found: Vec<PathBuf> = files().into_iter().filter(|path| is_hand_written(path)).collect();
    for name in [".dev/setup", "Makefile", "src/repository/tests/fault.c", "tests/house/files.rs"] {
        assert!(found.contains(&root().join(name)), "{name}");
    }
    assert!(!is_hand_written(Path::new("Cargo.lock")));
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type().expect("a file type");
        if kind.is_dir() {
            if !NOT_OURS.contains(&name.as_ref()) && !name.starts_with("target") {
                walk(&entry.path(), found);
            }
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}

fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&root(), &mut found);
    assert!(found.len() > 40, "the checkout was walked");
    found
}

#[test]
fn no_hand_written_file_is_over_600_lines() {
    let mut long = Vec::new();
    for path in files() {
        if !is_hand_written(&path) {
            continue;
        }
        // What is no text was not written by a hand either.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let lines = text.lines().count();
        if lines > LINES {
            long.push(format!("{} ({lines})", path.display()));
        }
    }
    assert!(long.is_empty(), "over {LINES} lines: {long:?}");
}

#[test]
fn modules_are_files_beside_their_folders() {
    let misplaced: Vec<PathBuf> = files().into_iter().filter(|path| path.ends_with("mod.rs")).collect();
    assert!(misplaced.is_empty(), "foo.rs + foo/, never mod.rs: {misplaced:?}");
}

#[test]
fn top_level_holds_what_was_agreed() {
    let agreed = [
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "actors",
        "proto",
        "frontend",
        "tests",
        "loadtest",
        "README.md",
        "Makefile",
        "CHANGELOG.md",
        "LICENSE",
        "rust-toolchain.toml",
        "build.rs",
        "docs",
        "target",
        "dist",
        "data",
    ];
    for entry in fs::read_dir(root()).expect("the checkout") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(name.starts_with('.') || agreed.contains(&name.as_str()), "{name} at the top level");
    }
}

/// Where looking again after a while is the purpose: helpers of the tests, programs that wait for others, and a deadline
/// that is polled.
const MAY_SLEEP: [&str; 4] =
    ["actors/src/testing/world.rs", "loadtest/src/fleet.rs", "loadtest/src/server.rs", "src/http/opamp_socket/pump.rs"];

/// Whether a line of Rust names `sleep` itself, however it was imported; comments and longer names do not count.
fn sleeps(line: &str) -> bool {
    // Spelt in halves, so that this file does not hold what it looks for.
    let word = concat!("sle", "ep");
    let code = line.split("//").next().unwrap_or_default();
    let part = |letter: Option<char>| letter.is_some_and(|letter| letter == '_' || letter.is_alphanumeric());
    code.match_indices(word)
        .any(|(at, _)| !part(code[..at].chars().next_back()) && !part(code[at + word.len()..].chars().next()))
}

#[test]
fn a_sleep_is_found_however_it_is_called() {
    for (line, found) in [
        ("use std::{thread::SLEEP, time::Duration};", true),
        ("    SLEEP(Duration::from_secs(1)).await;", true),
        ("pauses.map(tokio::time::SLEEP)", true),
        ("SLEEP_until(next) => {}", false),
        ("let may_SLEEP = true; // never SLEEP(1)", false),
    ] {
        assert_eq!(sleeps(&line.replace("SLEEP", concat!("sle", "ep"))), found, "{line}");
    }
}

#[test]
fn no_test_sleeps_or_is_ignored() {
    let ignored = concat!("#[", "ignore");
    let (mut found, mut looked_at) = (Vec::new(), 0);
    for path in files() {
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        looked_at += 1;
        let source = fs::read_to_string(&path).expect("UTF-8");
        let name = path.strip_prefix(root()).expect("below the checkout").display().to_string();
        for (index, line) in source.lines().enumerate() {
            if line.contains(ignored) || sleeps(line) && !MAY_SLEEP.contains(&name.as_str()) {
                found.push(format!("{name}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    assert!(looked_at > 200, "the checkout was walked: {looked_at}");
    assert!(found.is_empty(), "wait for a condition instead: {found:?}");
}
