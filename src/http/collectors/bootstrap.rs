//! What to put on a host so that its collector dials in: files and commands, right for the runtime and its version.
//!
//! The token stands in one file of its own that only its reader may open, never in a command: commands end up in shell
//! histories and process lists.

mod alloy;
mod otelcol;
#[cfg(test)]
mod tests;

use linkmesh_actors::domain::text::breaks_line;
use linkmesh_proto::{
    CollectorId,
    api::collector::{Bootstrap, BootstrapFile, BootstrapProgram, Runtime, Stability},
};

use crate::http::Edge;

/// The collector that the host will run.
#[derive(Debug, Clone, Copy)]
pub struct Host<'a> {
    /// The identifier.
    pub id: CollectorId,
    /// The name shown to people; goes into comments only.
    pub name: &'a str,
    /// The program.
    pub runtime: Runtime,
    /// The version that will be installed; the newest form when absent.
    pub version: Option<&'a str>,
    /// Alloy's stability level.
    pub stability: Stability,
    /// The collector's token.
    pub token: &'a str,
}

/// The files and commands for a host.
#[must_use]
pub fn of(edge: &Edge, host: &Host<'_>) -> Bootstrap {
    match host.runtime {
        Runtime::Otelcol => otelcol::bootstrap(edge, host),
        Runtime::Alloy => alloy::bootstrap(edge, host),
    }
}

fn file(path: &str, mode: &str, content: String) -> BootstrapFile {
    BootstrapFile { path: path.to_owned(), mode: mode.to_owned(), content, keep_as: None }
}

/// A file that the host's owner may have written before.
fn shared_file(path: &str, content: String) -> BootstrapFile {
    BootstrapFile { keep_as: Some(format!("{path}.before-linkmesh")), ..file(path, "0644", content) }
}

/// A program of a release; without a version that can be read, where all of its releases are.
fn program(path: &str, name: &str, version: Option<&str>, releases: &str, tag: &str) -> BootstrapProgram {
    let is_release = |version: &&str| {
        let parts: Vec<&str> = version.split('.').collect();
        parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
    };
    let version = version.map(|version| version.trim().trim_start_matches('v'));
    let (name, source) = match version.filter(is_release) {
        Some(version) => (format!("{name} {version}"), format!("{releases}/tag/{tag}v{version}")),
        None => (name.to_owned(), releases.to_owned()),
    };
    BootstrapProgram { path: path.to_owned(), name, source }
}

/// A name as the text of a comment: one line, whatever it holds.
fn comment(name: &str) -> String {
    name.chars().map(|c| if breaks_line(c) { ' ' } else { c }).collect()
}

/// A text in double quotes. YAML, JSON and Alloy read the same escapes.
fn quoted(text: &str) -> String {
    // Invariant: a text always serialises.
    serde_json::to_string(text).unwrap_or_default()
}

/// Minor version of `0.158.0` or `v0.158`; `None` for what is no such version.
fn minor(version: &str) -> Option<u32> {
    let mut parts = version.trim().trim_start_matches('v').split('.');
    match (parts.next()?.parse::<u32>().ok()?, parts.next()?.parse().ok()?) {
        (0, minor) => Some(minor),
        // A 1.x comes after every 0.x.
        (1.., _) => Some(u32::MAX),
    }
}
