//! The programs that are not ours. Under `CI=true` a missing one is a failure; by hand it is a skip that is counted and
//! says what to install.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use linkmesh_actors::testing::{note_skip, skip};

/// A supervisor and the collector that it runs.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) version: &'static str,
    pub(crate) supervisor: PathBuf,
    pub(crate) collector: PathBuf,
}

/// The version that LinkMesh is built for.
pub(crate) const CURRENT: &str = "0.158.0";

/// The oldest version that it is held to.
pub(crate) const OLDER: &str = "0.149.0";

/// The pair of a version; `None` is a skip.
pub(crate) fn pair(version: &'static str) -> Option<Pair> {
    let output =
        Command::new(root().join("tests/interop/kit/build.sh")).arg("--where").output().expect("the kit's script");
    let places = String::from_utf8(output.stdout).expect("paths");
    let place = |program: &str| {
        let name = format!("{program}-{version} ");
        places.lines().find_map(|line| line.strip_prefix(&name)).map(PathBuf::from).expect("a place for each program")
    };
    let pair = Pair { version, supervisor: place("supervisor"), collector: place("collector") };
    if pair.supervisor.is_file() && pair.collector.is_file() {
        return Some(pair);
    }
    skip(&format!("real collectors {version}"), "make kit");
    None
}

/// Node.js with the clients of `tests/node`; `None` is a skip.
pub(crate) fn node() -> Option<PathBuf> {
    let scripts = root().join("tests/node");
    let runs = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    if runs && scripts.join("node_modules/@connectrpc/connect-node").is_dir() {
        return Some(scripts);
    }
    skip("clients of Node.js", "nodejs, npm, then make node");
    None
}

/// Says which test runs in a network of its own.
const ALONE: &str = "INTEROP_ALONE";

/// Runs the calling test once more in a network of its own, where every port is free: `true` is that run, `false` means
/// that it is over, or a skip. `test` is the test's whole name.
pub(crate) fn alone(test: &str) -> bool {
    if std::env::var(ALONE).as_deref() == Ok(test) {
        return true;
    }
    // Who is not root becomes it in a user namespace.
    let ways: [&[&str]; 2] = [&["--net"], &["--net", "--map-root-user"]];
    let works = |way: &&&[&str]| {
        let up = Command::new("unshare").args(**way).args(["ip", "link", "set", "lo", "up"]).output();
        up.is_ok_and(|output| output.status.success())
    };
    let Some(way) = ways.iter().find(works) else {
        skip("collectors in a network of their own", "util-linux, iproute2, and leave to make namespaces");
        return false;
    };
    let output = Command::new("unshare")
        .args(*way)
        .args(["sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, test)
        .output()
        .expect("the test runs");
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{test} failed in a network of its own");
    false
}

/// A browser that can be driven; `None` is a skip.
pub(crate) fn browser() -> Option<PathBuf> {
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(|name| {
        std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
    });
    if found.is_none() {
        skip("the page in a browser", "chromium");
    }
    found
}

/// An Alloy that somebody named; there is none to be had from a package registry, so its absence is no failure.
pub(crate) fn alloy() -> Option<PathBuf> {
    let named = named_alloy();
    if named.is_none() {
        note_skip("a real Alloy (LINKMESH_ALLOY=/path/to/alloy)");
    }
    named
}

/// The same for what is checked besides, which is no skip.
pub(crate) fn named_alloy() -> Option<PathBuf> {
    std::env::var_os("LINKMESH_ALLOY").map(PathBuf::from)
}

/// The checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
