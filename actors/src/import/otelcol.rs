//! What stands in a config of otelcol: its components, and the chains of its `service.pipelines`.
//!
//! A pipeline that is fed by the connector `forward` goes on where the one before it sends to it: the chain of that one
//! branches there. Other connectors make records of others, which is a thing of the collector that runs the config.

use std::collections::{BTreeMap, BTreeSet};

use linkmesh_proto::api::{
    pipeline::{LeftOver, LeftOverKind},
    problem::FieldProblem,
};
use serde_json::{Map, Value};

use super::{
    found::{Config, Found, MAX_COMPONENTS, Written, refused},
    hidden,
    tree::Tree,
};
use crate::domain::{
    components::{ComponentClass, classic_name},
    document::{numbers, read::kind_of, strict},
    expansion::{self, Piece},
    problem::{Path, Problems},
};

/// Reads a config.
///
/// # Errors
/// Why it is none that a collector would run, by place.
pub(super) fn read(text: &str) -> Result<Config, Vec<FieldProblem>> {
    let value =
        strict::yaml(text).and_then(strict::merged).map_err(|reason| refused("text", "invalid_yaml", reason))?;
    let other_tag = expansion::pieces(text).find_map(|piece| match piece {
        Piece::Tag(tag) if !TAGS.contains(&tag) => Some(tag),
        _ => None,
    });
    if let Some(tag) = other_tag {
        return Err(refused("text", "invalid_yaml", format!("write what is `{tag}` without a tag, as a text")));
    }
    let value = numbers::as_go_reads(value, text).map_err(|reason| refused("text", "ambiguous", reason))?;
    let Value::Object(root) = value else {
        let reason = format!("must be a mapping of receivers, exporters and service, is {}", kind_of(&value));
        return Err(refused("text", "wrong_type", reason));
    };
    let mut reader = Reader::default();
    reader.sections(&root);
    reader.extensions();
    let service = reader.mapping(root.get("service"), &Path::root().key("service")).cloned().unwrap_or_default();
    let started = reader.started(&service);
    let pipelines = reader.pipelines(&service);
    if !reader.problems.is_empty() {
        return Err(reader.problems.into_vec());
    }
    reader.not_started(&started);
    reader.chains(&pipelines)?;
    reader.config.drop_dead_ends();
    reader.rest_of_root(&root);
    reader.rest_of_service(&service);
    Ok(reader.config)
}

mod pipelines;
mod ways;

/// Tags under which the collector's reader and ours read the same. Others ours passes over, so that `!!binary` would stay the
/// letters that it is written in.
const TAGS: &[&str] = &[
    "!!str",
    "!!int",
    "!!float",
    "!!bool",
    "!!null",
    "!!seq",
    "!!map",
    "!!merge",
    "!<tag:yaml.org,2002:str>",
    "!<tag:yaml.org,2002:int>",
    "!<tag:yaml.org,2002:float>",
    "!<tag:yaml.org,2002:bool>",
    "!<tag:yaml.org,2002:null>",
    "!<tag:yaml.org,2002:seq>",
    "!<tag:yaml.org,2002:map>",
];

#[derive(Default)]
struct Reader {
    config: Config,
    /// The components by class and name.
    ids: BTreeMap<(ComponentClass, String), usize>,
    problems: Problems,
    /// How many pipelines were gone through; where ways part and meet again that is far more than there are.
    passed: usize,
    /// The pipelines that records of a receiver come to.
    reached: BTreeSet<String>,
    /// Those of them behind which there is no exporter.
    dead: BTreeSet<String>,
}

impl Reader {
    fn mapping<'v>(&mut self, value: Option<&'v Value>, at: &Path) -> Option<&'v Map<String, Value>> {
        match value? {
            Value::Object(map) => Some(map),
            Value::Null => None,
            other => {
                self.problems.add(at, "wrong_type", format!("must be a mapping, is {}", kind_of(other)));
                None
            }
        }
    }

    /// The components of all sections.
    fn sections(&mut self, root: &Map<String, Value>) {
        let extensions: Vec<String> = match root.get(ComponentClass::Extensions.as_str()) {
            Some(Value::Object(map)) => map.keys().cloned().collect(),
            _ => Vec::new(),
        };
        for class in ComponentClass::ALL {
            let at = Path::root().key(class.as_str());
            let Some(section) = self.mapping(root.get(class.as_str()), &at) else { continue };
            if self.config.found.len() + section.len() > MAX_COMPONENTS {
                self.problems.add(at, "too_many", format!("at most {MAX_COMPONENTS} components"));
                return;
            }
            for (id, settings) in section {
                if !matches!(settings, Value::Object(_) | Value::Null) {
                    let message = format!("must be a mapping, is {}", kind_of(settings));
                    self.problems.add(at.key(id), "wrong_type", message);
                    continue;
                }
                let (kind, name) = id.split_once('/').unwrap_or((id, ""));
                if kind.is_empty() || name.is_empty() && id.contains('/') {
                    self.problems.add(at.key(id), "invalid_id", "must be a type, or a type, `/` and a name");
                    continue;
                }
                let config = match settings {
                    Value::Null => Tree::Map(Vec::new()),
                    settings => Tree::of_otelcol(settings),
                };
                self.ids.insert((class, id.clone()), self.config.found.len());
                self.config.found.push(Found {
                    class,
                    kind: classic_name(class, kind).to_owned(),
                    name: name.to_owned(),
                    id: id.clone(),
                    path: at.key(id).to_string(),
                    declare: None,
                    config: referring(config, &extensions),
                    with: Vec::new(),
                    written: Written::Otelcol(settings.clone()),
                });
            }
        }
    }

    /// Joins components with the extensions that they name.
    fn extensions(&mut self) {
        let of = |config: &Tree, ids: &BTreeMap<(ComponentClass, String), usize>| -> Vec<usize> {
            let mut names = Vec::new();
            config.references(&mut names);
            let known = |name: &str| ids.get(&(ComponentClass::Extensions, name.to_owned())).copied();
            let mut with: Vec<usize> = names.into_iter().filter_map(known).collect();
            with.sort_unstable();
            with.dedup();
            with
        };
        for found in &mut self.config.found {
            found.with = of(&found.config, &self.ids);
        }
    }

    /// The extensions that the service does not start: those that it does not list.
    fn not_started(&mut self, started: &[usize]) {
        let of_service = |(_, found): &(usize, &Found)| found.class == ComponentClass::Extensions;
        let extensions = self.config.found.iter().enumerate().filter(of_service).map(|(index, _)| index);
        self.config.not_started = extensions.filter(|index| !started.contains(index)).collect();
    }

    fn left(&mut self, kind: LeftOverKind, path: String, key: &str, value: &Value, reason: &str) {
        let (text, reason) = (hidden::yaml(key, value), reason.to_owned());
        self.config.left_over.push(LeftOver { kind, path, text, reason, pipelines: Vec::new() });
    }

    fn rest_of_root(&mut self, root: &Map<String, Value>) {
        for (key, value) in root {
            let is_known = key == "service" || ComponentClass::from_section(key).is_some();
            if !is_known {
                let path = Path::root().key(key).to_string();
                self.left(
                    LeftOverKind::Unused,
                    path,
                    key,
                    value,
                    "is no section of a collector's config, and no collector takes it",
                );
            }
        }
    }

    fn rest_of_service(&mut self, service: &Map<String, Value>) {
        for (key, value) in service {
            let reason = match key.as_str() {
                // Extensions are spoken of one by one.
                "pipelines" | "extensions" => continue,
                "telemetry" => "how a collector tells of itself is set up where it is installed, not in a pipeline",
                _ => "is nothing that a collector knows there, and none takes it",
            };
            let path = Path::root().key("service").key(key).to_string();
            self.left(LeftOverKind::Unused, path, key, value, reason);
        }
    }
}

/// The settings with what names an extension of the config as a reference.
fn referring(tree: Tree, extensions: &[String]) -> Tree {
    match tree {
        Tree::Text(text) if extensions.contains(&text) => Tree::Reference(text),
        Tree::List(items) => Tree::List(items.into_iter().map(|item| referring(item, extensions)).collect()),
        Tree::Map(entries) => {
            Tree::Map(entries.into_iter().map(|(key, value)| (key, referring(value, extensions))).collect())
        }
        other => other,
    }
}
