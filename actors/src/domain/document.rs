//! The files of the config repository: which file holds what, and YAML to documents and back.
//!
//! Reading is strict: what is unknown, doubled or of another type is a problem that names the place, and all problems
//! are found at once. Writing is canonical: the same document is always the same text, keys in a fixed order, so that
//! a save changes only the lines that it means to change.

use std::{collections::BTreeMap, fmt, str::FromStr};

use linkmesh_proto::{
    CollectorId, DestinationId, GroupId, PipelineId,
    api::{destination::DestinationDocument, pipeline::PipelineDocument, problem::FieldProblem},
};
use serde::Serialize;
use serde_json::Value;

use super::problem::{Problems, problem};

pub(crate) mod emit;
pub(crate) mod numbers;
pub(crate) mod read;
pub(crate) mod strict;
#[cfg(test)]
mod tests;

pub(crate) use emit::double_quoted;
pub use read::{
    Draft, read_destination, read_draft_destination, read_draft_pipeline, read_new_destination, read_new_pipeline,
    read_pipeline,
};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// The version of the repository's layout and of the documents that this program writes.
pub const LAYOUT_VERSION: u32 = 1;

/// A file of the config repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentPath {
    /// `pipelines/<id>.yaml`
    Pipeline(PipelineId),
    /// `destinations/<id>.yaml`
    Destination(DestinationId),
    /// `groups/<id>.yaml`
    Group(GroupId),
    /// `collectors/<id>.yaml`
    Collector(CollectorId),
    /// `linkmesh.yaml`
    Settings,
}

/// The path of a file that holds no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the path of a document")]
pub struct UnknownPath(pub String);

impl DocumentPath {
    /// The folders that documents stand in, right below; the settings stand at the top.
    pub const FOLDERS: [&str; 4] = ["pipelines", "destinations", "groups", "collectors"];
}

impl FromStr for DocumentPath {
    type Err = UnknownPath;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownPath(path.chars().take(200).collect());
        if path == "linkmesh.yaml" {
            return Ok(Self::Settings);
        }
        let (folder, file) = path.split_once('/').ok_or_else(unknown)?;
        let id = file.strip_suffix(".yaml").ok_or_else(unknown)?;
        let parsed = match folder {
            "pipelines" => id.parse().map(Self::Pipeline).ok(),
            "destinations" => id.parse().map(Self::Destination).ok(),
            "groups" => id.parse().map(Self::Group).ok(),
            // Only the canonical spelling of a UUID, or one collector could have two files.
            "collectors" => id.parse().ok().filter(|c: &CollectorId| c.to_string() == id).map(Self::Collector),
            _ => None,
        };
        parsed.ok_or_else(unknown)
    }
}

impl fmt::Display for DocumentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipeline(id) => write!(f, "pipelines/{id}.yaml"),
            Self::Destination(id) => write!(f, "destinations/{id}.yaml"),
            Self::Group(id) => write!(f, "groups/{id}.yaml"),
            Self::Collector(id) => write!(f, "collectors/{id}.yaml"),
            Self::Settings => f.write_str("linkmesh.yaml"),
        }
    }
}

/// `collectors/<id>.yaml`: what the operator says of a collector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CollectorDocument {
    /// Version of this format; 1.
    pub version: u32,
    /// The name shown to people.
    pub name: String,
    /// Labels of the operator.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// `groups/<id>.yaml`: a named list of matchers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupDocument {
    /// Version of this format; 1.
    pub version: u32,
    /// The name shown to people.
    pub name: String,
    /// What the group is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Matchers, all of which must hold; an empty list matches nothing.
    #[serde(rename = "match")]
    pub matchers: Vec<String>,
}

/// `linkmesh.yaml`: the layout's version, and what holds for every rendered config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Version of the layout; 1.
    pub version: u32,
    /// The limiter that stands in front of every pipeline.
    pub memory_limiter: MemoryLimiter,
    /// Where an otelcol keeps its place in log files; must be writable for it. (Alloy has a place of its own.)
    pub otelcol_state_directory: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: LAYOUT_VERSION,
            memory_limiter: MemoryLimiter::default(),
            otelcol_state_directory: "/var/lib/otelcol".to_owned(),
        }
    }
}

/// The memory limiter of every rendered config: one a collector on otelcol, one a pipeline on Alloy, same numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemoryLimiter {
    /// Heap above which the collector refuses records, in MiB.
    pub limit_mib: u32,
    /// How far below the limit it begins, in percent of the limit.
    pub spike_limit_percent: u32,
    /// How often it looks, in seconds; at least 5, since a collector reports its health at each look.
    pub check_interval_s: u32,
}

impl Default for MemoryLimiter {
    fn default() -> Self {
        Self { limit_mib: 512, spike_limit_percent: 20, check_interval_s: 5 }
    }
}

/// The canonical YAML of a document, with a newline at its end.
#[must_use]
pub fn to_yaml(document: &impl Serialize) -> String {
    // Documents hold maps with text keys, lists, texts, numbers and booleans: all of that is JSON.
    let value = serde_json::to_value(document).unwrap_or(Value::Null);
    emit::document(&value)
}

/// The text of a pipeline's file, read back: nothing is committed that is not read as what was meant.
///
/// # Errors
/// What is wrong with the text; it may be larger than any file that is read.
pub fn write_pipeline(document: &PipelineDocument) -> Result<String, Vec<FieldProblem>> {
    write(document, parse_pipeline)
}

/// The text of a destination's file, read back.
///
/// # Errors
/// As [`write_pipeline`].
pub fn write_destination(document: &DestinationDocument) -> Result<String, Vec<FieldProblem>> {
    write(document, parse_destination)
}

/// The text of a group's file, read back.
///
/// # Errors
/// As [`write_pipeline`].
pub fn write_group(document: &GroupDocument) -> Result<String, Vec<FieldProblem>> {
    write(document, parse_group)
}

/// The text of a collector's file, read back.
///
/// # Errors
/// As [`write_pipeline`].
pub fn write_collector(document: &CollectorDocument) -> Result<String, Vec<FieldProblem>> {
    write(document, parse_collector)
}

fn write<T: Serialize + PartialEq>(
    document: &T,
    parse: impl FnOnce(&str) -> Result<T, Vec<FieldProblem>>,
) -> Result<String, Vec<FieldProblem>> {
    let value = serde_json::to_value(document).unwrap_or(Value::Null);
    let text = emit::document_within(&value, MAX_BYTES).map_err(too_large)?;
    if parse(&text)? == *document {
        Ok(text)
    } else {
        Err(vec![problem("", "not_kept", "its file would be read back as something else")])
    }
}

fn too_large(bytes: usize) -> Vec<FieldProblem> {
    let message = format!("the file has {bytes} bytes, and none of more than {MAX_BYTES} is read");
    vec![problem("", "too_large", message)]
}

/// Whether a file is read as the document that its path names.
///
/// # Errors
/// Every problem of its text, with its place.
pub fn readable(path: &DocumentPath, text: &str) -> Result<(), Vec<FieldProblem>> {
    match path {
        DocumentPath::Pipeline(_) => parse_pipeline(text).map(drop),
        DocumentPath::Destination(_) => parse_destination(text).map(drop),
        DocumentPath::Group(_) => parse_group(text).map(drop),
        DocumentPath::Collector(_) => parse_collector(text).map(drop),
        DocumentPath::Settings => parse_settings(text).map(drop),
    }
}

fn parse<T>(text: &str, read: impl FnOnce(&Value) -> Result<T, Vec<FieldProblem>>) -> Result<T, Vec<FieldProblem>> {
    if text.len() > MAX_BYTES {
        return Err(too_large(text.len()));
    }
    let value = strict::yaml(text).map_err(|message| vec![problem("", "invalid_yaml", message)])?;
    read(&value)
}

/// Reads `pipelines/<id>.yaml`.
///
/// # Errors
/// Every problem of the text's shape, with its place. Settings are checked by `validate`, not here.
pub fn parse_pipeline(text: &str) -> Result<PipelineDocument, Vec<FieldProblem>> {
    parse(text, read_pipeline)
}

/// Reads `destinations/<id>.yaml`.
///
/// # Errors
/// Every problem of the text's shape, with its place. Settings are checked by `validate`, not here.
pub fn parse_destination(text: &str) -> Result<DestinationDocument, Vec<FieldProblem>> {
    parse(text, read_destination)
}

/// Reads `groups/<id>.yaml`.
///
/// # Errors
/// Every problem of the text, with its place.
pub fn parse_group(text: &str) -> Result<GroupDocument, Vec<FieldProblem>> {
    parse(text, read::read_group)
}

/// Reads `collectors/<id>.yaml`.
///
/// # Errors
/// Every problem of the text, with its place.
pub fn parse_collector(text: &str) -> Result<CollectorDocument, Vec<FieldProblem>> {
    parse(text, read::read_collector)
}

/// Reads `linkmesh.yaml`.
///
/// # Errors
/// Every problem of the text, with its place; `newer_version` when it was written by a newer LinkMesh.
pub fn parse_settings(text: &str) -> Result<Settings, Vec<FieldProblem>> {
    parse(text, read::read_settings)
}

/// Checks labels as an operator or an enrolment token gives them.
///
/// # Errors
/// Every label that breaks a rule, below `labels`.
pub fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), Vec<FieldProblem>> {
    let mut problems = Problems::default();
    read::check_labels(labels, &super::problem::Path::root().key("labels"), &mut problems);
    problems.or(())
}
