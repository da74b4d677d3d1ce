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
    let folder = PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim());
    let pair = Pair {
        version,
        supervisor: folder.join(format!("opampsupervisor-{version}")),
        collector: folder.join(format!("otelcol-{version}")),
    };
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
    let named = std::env::var_os("LINKMESH_ALLOY").map(PathBuf::from);
    if named.is_none() {
        note_skip("a real Alloy (LINKMESH_ALLOY=/path/to/alloy)");
    }
    named
}

/// The checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
