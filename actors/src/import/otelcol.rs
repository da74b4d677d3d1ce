//! What stands in a config of otelcol: its components, and the chains of its `service.pipelines`.
//!
//! A pipeline that is fed by the connector `forward` goes on where the one before it sends to it: the chain of that one
//! branches there. Other connectors make records of others, which is a thing of the collector that runs the config.

use std::collections::BTreeMap;

use linkmesh_proto::api::{
    pipeline::{LeftOver, LeftOverKind, Signal},
    problem::FieldProblem,
};
use serde_json::{Map, Value};

use super::{
    found::{Chain, Config, Found, MAX_COMPONENTS, MAX_WAYS, Out, Written, refused},
    hidden,
    tree::Tree,
};
use crate::{
    component::{ALL_SIGNALS, signal_name},
    domain::{
        components::{ComponentClass, classic_name},
        document::{read::kind_of, strict},
        problem::{Path, Problems},
    },
    render::names::FORWARD,
};

/// Reads a config.
///
/// # Errors
/// Why it is none that a collector would run, by place.
pub(super) fn read(text: &str) -> Result<Config, Vec<FieldProblem>> {
    let value =
        strict::yaml(text).and_then(strict::merged).map_err(|reason| refused("text", "invalid_yaml", reason))?;
    if text.contains("!!binary") {
        return Err(refused("text", "invalid_yaml", "write what is `!!binary` as a text"));
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
    let pipelines = reader.pipelines(&service);
    if !reader.problems.is_empty() {
        return Err(reader.problems.into_vec());
    }
    reader.chains(&pipelines)?;
    reader.config.drop_dead_ends();
    reader.rest_of_root(&root);
    reader.rest_of_service(&service);
    Ok(reader.config)
}

mod numbers;

/// How many pipelines may stand one behind the other.
const MAX_PASSED: usize = 32;

/// A pipeline of the service, by indexes of components.
struct ServicePipeline {
    signal: Signal,
    name: String,
    path: String,
    receivers: Vec<usize>,
    processors: Vec<usize>,
    exporters: Vec<usize>,
}

#[derive(Default)]
struct Reader {
    config: Config,
    /// The components by class and name.
    ids: BTreeMap<(ComponentClass, String), usize>,
    problems: Problems,
    /// How many pipelines were gone through; where ways part and meet again that is far more than there are.
    passed: usize,
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

    /// The pipelines of the service, everything that they name looked up.
    fn pipelines(&mut self, service: &Map<String, Value>) -> Vec<ServicePipeline> {
        let at = Path::root().key("service").key("pipelines");
        let Some(pipelines) = self.mapping(service.get("pipelines"), &at) else {
            if self.problems.is_empty() {
                self.problems.add(at, "missing", "must be given: nothing runs without");
            }
            return Vec::new();
        };
        let mut read = Vec::new();
        for (id, pipeline) in pipelines {
            let at = at.key(id);
            let Some(parts) = self.mapping(Some(pipeline), &at) else {
                self.problems.add(at, "missing", "has no receivers and exporters");
                continue;
            };
            let (signal, name) = id.split_once('/').unwrap_or((id, ""));
            let signal = ALL_SIGNALS.iter().copied().find(|known| signal_name(*known) == signal);
            let receivers =
                self.names(parts, "receivers", &[ComponentClass::Receivers, ComponentClass::Connectors], &at);
            let processors = self.names(parts, "processors", &[ComponentClass::Processors], &at);
            let exporters =
                self.names(parts, "exporters", &[ComponentClass::Exporters, ComponentClass::Connectors], &at);
            let path = at.to_string();
            match signal {
                Some(signal) => {
                    read.push(ServicePipeline {
                        signal,
                        name: name.to_owned(),
                        path,
                        receivers,
                        processors,
                        exporters,
                    });
                }
                None => {
                    for index in receivers.iter().chain(&processors).chain(&exporters) {
                        self.config.of_left_pipelines.push(*index);
                    }
                    let reason = "LinkMesh knows logs, metrics and traces only";
                    self.left(LeftOverKind::Missing, path, id, pipeline, reason);
                }
            }
        }
        read
    }

    /// A list of components in a pipeline.
    fn names(&mut self, pipeline: &Map<String, Value>, key: &str, classes: &[ComponentClass], at: &Path) -> Vec<usize> {
        let at = at.key(key);
        let items = match pipeline.get(key) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.problems.add(at, "wrong_type", format!("must be a list, is {}", kind_of(other)));
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let at = at.index(number);
            let Some(id) = item.as_str() else {
                self.problems.add(at, "wrong_type", format!("must be a text, is {}", kind_of(item)));
                continue;
            };
            let known = classes.iter().find_map(|class| self.ids.get(&(*class, id.to_owned())).copied());
            match known {
                Some(index) if found.contains(&index) => self.problems.add(at, "duplicate", "stands twice"),
                Some(index) => found.push(index),
                None => self.problems.add(at, "unknown_component", format!("nothing is called `{id}` under `{key}`")),
            }
        }
        found
    }

    fn class(&self, index: usize) -> Option<ComponentClass> {
        self.config.found.get(index).map(|found| found.class)
    }

    fn is_forward(&self, index: usize) -> bool {
        self.config.found.get(index).is_some_and(|f| f.class == ComponentClass::Connectors && f.kind == FORWARD)
    }

    fn chains(&mut self, pipelines: &[ServicePipeline]) -> Result<(), Vec<FieldProblem>> {
        let mut ways = 0;
        for pipeline in pipelines {
            let sources: Vec<usize> = pipeline
                .receivers
                .iter()
                .copied()
                .filter(|index| self.class(*index) == Some(ComponentClass::Receivers))
                .collect();
            for connector in pipeline.receivers.iter().copied().filter(|index| !sources.contains(index)) {
                if !self.is_forward(connector) {
                    self.leave_connector(connector);
                    let reason = "begins behind a connector that LinkMesh does not have";
                    self.leave_pipeline(pipeline, reason);
                }
            }
            if sources.is_empty() {
                if pipeline.receivers.is_empty() {
                    self.leave_pipeline(pipeline, "has no receivers");
                }
                continue;
            }
            let mut outs = Vec::new();
            self.outs(pipeline, pipelines, &mut Vec::new(), &mut outs, &mut Vec::new())?;
            if outs.is_empty() {
                let reason = match pipeline.exporters.is_empty() {
                    true => "has no exporters",
                    false => "sends only to connectors that LinkMesh does not have",
                };
                self.leave_pipeline(pipeline, reason);
                continue;
            }
            self.twice(pipeline, &sources, &outs);
            ways += outs.len();
            if ways > MAX_WAYS {
                return Err(refused(&pipeline.path, "too_many", format!("records go more than {MAX_WAYS} ways")));
            }
            self.config.chains.push(Chain {
                path: pipeline.path.clone(),
                signal: pipeline.signal,
                name: pipeline.name.clone(),
                sources,
                steps: pipeline.processors.clone(),
                outs,
            });
        }
        Ok(())
    }

    /// Where the records of a pipeline go, through connectors that pass them on.
    fn outs<'p>(
        &mut self,
        pipeline: &'p ServicePipeline,
        all: &'p [ServicePipeline],
        via: &mut Vec<usize>,
        outs: &mut Vec<Out>,
        passed: &mut Vec<&'p str>,
    ) -> Result<(), Vec<FieldProblem>> {
        if passed.contains(&pipeline.path.as_str()) {
            return Err(refused(&pipeline.path, "loop", "records come back to this pipeline"));
        }
        self.passed += 1;
        if passed.len() > MAX_PASSED || self.passed > 10 * MAX_WAYS || outs.len() > MAX_WAYS {
            return Err(refused(&pipeline.path, "too_many", "records go through too many pipelines"));
        }
        passed.push(&pipeline.path);
        for exporter in &pipeline.exporters {
            if self.class(*exporter) == Some(ComponentClass::Exporters) {
                outs.push(Out { via: via.clone(), to: *exporter });
                continue;
            }
            if !self.is_forward(*exporter) {
                self.leave_connector(*exporter);
                continue;
            }
            self.config.spoken_of.push(*exporter);
            let behind = |next: &&ServicePipeline| next.signal == pipeline.signal && next.receivers.contains(exporter);
            for next in all.iter().filter(behind) {
                let length = via.len();
                via.extend(&next.processors);
                self.outs(next, all, via, outs, passed)?;
                via.truncate(length);
            }
        }
        passed.pop();
        Ok(())
    }

    /// Says where another pipeline does the same with the same records: then they arrive twice, as they do not in LinkMesh.
    fn twice(&mut self, pipeline: &ServicePipeline, sources: &[usize], outs: &[Out]) {
        let same = |chain: &&Chain| {
            chain.signal == pipeline.signal
                && chain.steps == pipeline.processors
                && chain.sources.iter().any(|source| sources.contains(source))
                && chain.outs.iter().any(|out| outs.contains(out))
        };
        let Some(first) = self.config.chains.iter().find(same) else { return };
        let reason = format!("does the same as `{}` with the same records: in LinkMesh they arrive once", first.path);
        self.say_of_pipeline(LeftOverKind::Differs, pipeline, &reason);
    }

    fn leave_connector(&mut self, index: usize) {
        let reason = "a connector makes records out of others or chooses between pipelines, which LinkMesh does not do";
        self.config.leave(index, LeftOverKind::Missing, reason);
    }

    fn leave_pipeline(&mut self, pipeline: &ServicePipeline, reason: &str) {
        let parts = pipeline.receivers.iter().chain(&pipeline.processors).chain(&pipeline.exporters);
        self.config.of_left_pipelines.extend(parts);
        self.say_of_pipeline(LeftOverKind::Missing, pipeline, reason);
    }

    fn say_of_pipeline(&mut self, kind: LeftOverKind, pipeline: &ServicePipeline, reason: &str) {
        let ids = |indexes: &[usize]| -> Value {
            indexes.iter().filter_map(|index| Some(self.config.found.get(*index)?.id.as_str())).collect()
        };
        let value = serde_json::json!({
            "receivers": ids(&pipeline.receivers),
            "processors": ids(&pipeline.processors),
            "exporters": ids(&pipeline.exporters),
        });
        let name = pipeline.path.rsplit('.').next().unwrap_or_default().to_owned();
        self.left(kind, pipeline.path.clone(), &name, &value, reason);
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
                self.left(LeftOverKind::Unused, path, key, value, "is no section of a collector's config");
            }
        }
    }

    fn rest_of_service(&mut self, service: &Map<String, Value>) {
        for (key, value) in service {
            let reason = match key.as_str() {
                // Extensions are spoken of one by one.
                "pipelines" | "extensions" => continue,
                "telemetry" => "how a collector tells of itself is set up where it is installed, not in a pipeline",
                _ => "is a thing of the collector itself and of no pipeline",
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
