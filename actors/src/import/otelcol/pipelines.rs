//! The pipelines of the service as they stand there, and the extensions that it starts.
//!
//! What a collector refuses of them is refused here: what a word means that it does not know cannot be told, and a
//! pipeline without what was meant by it would do something else.

use std::collections::BTreeSet;

use linkmesh_proto::api::pipeline::{LeftOverKind, Signal};
use serde_json::{Map, Value};

use super::Reader;
use crate::{
    component::{ALL_SIGNALS, signal_name},
    domain::{
        components::ComponentClass,
        document::read::kind_of,
        problem::{Path, suggestion},
    },
};

/// A pipeline of the service, by indexes of components.
pub(super) struct ServicePipeline {
    pub(super) signal: Signal,
    /// As it is called there: `logs/shop`.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) path: String,
    pub(super) receivers: Vec<usize>,
    pub(super) processors: Vec<usize>,
    pub(super) exporters: Vec<usize>,
}

/// What a pipeline may say.
const KEYS: [&str; 3] = ["receivers", "processors", "exporters"];

impl Reader {
    /// The extensions that the service starts, looked up.
    pub(super) fn started(&mut self, service: &Map<String, Value>) -> Vec<usize> {
        self.names(service, "extensions", &[ComponentClass::Extensions], &Path::root().key("service"))
    }

    /// The pipelines of the service, everything that they name looked up.
    pub(super) fn pipelines(&mut self, service: &Map<String, Value>) -> Vec<ServicePipeline> {
        let at = Path::root().key("service").key("pipelines");
        let pipelines = self.mapping(service.get("pipelines"), &at).filter(|pipelines| !pipelines.is_empty());
        let Some(pipelines) = pipelines else {
            if self.problems.is_empty() {
                self.problems.add(at, "missing", "must be given: nothing runs without");
            }
            return Vec::new();
        };
        let mut read = Vec::new();
        let mut ids = BTreeSet::new();
        for (id, pipeline) in pipelines {
            let at = at.key(id);
            let Some(parts) = self.mapping(Some(pipeline), &at) else {
                self.problems.add(at, "missing", "has no receivers and exporters");
                continue;
            };
            for key in parts.keys().filter(|key| !KEYS.contains(&key.as_str())) {
                let mut message = format!("a collector knows only {} of a pipeline", KEYS.join(", "));
                if let Some(near) = suggestion(key, KEYS) {
                    message.push_str(&format!("; did you mean `{near}`?"));
                }
                self.problems.add(at.key(key), "unknown_field", message);
            }
            let receivers =
                self.names(parts, "receivers", &[ComponentClass::Receivers, ComponentClass::Connectors], &at);
            let processors = self.names(parts, "processors", &[ComponentClass::Processors], &at);
            let exporters =
                self.names(parts, "exporters", &[ComponentClass::Exporters, ComponentClass::Connectors], &at);
            let path = at.to_string();
            // The collector takes blanks off.
            let (signal, name) =
                id.split_once('/').map_or((id.trim(), None), |(s, name)| (s.trim(), Some(name.trim())));
            if name == Some("") {
                self.problems.add(&at, "invalid_id", "nothing stands behind the `/`");
                continue;
            }
            let name = name.unwrap_or_default();
            match ALL_SIGNALS.iter().copied().find(|known| signal_name(*known) == signal) {
                Some(signal) if !ids.insert((signal, name)) => {
                    self.problems.add(at, "duplicate", "stands twice, but for blanks");
                }
                Some(signal) => {
                    let (id, name) = (id.clone(), name.to_owned());
                    read.push(ServicePipeline { signal, id, name, path, receivers, processors, exporters });
                }
                None if signal == "profiles" => {
                    self.config.of_left_pipelines.extend(receivers.into_iter().chain(processors).chain(exporters));
                    let reason = "LinkMesh knows logs, metrics and traces only";
                    self.left(LeftOverKind::Missing, path, id, pipeline, reason);
                }
                None => {
                    let message = format!("must begin with logs, metrics, traces or profiles, begins with `{signal}`");
                    self.problems.add(at, "invalid_id", message);
                }
            }
        }
        read
    }

    /// A list of components by their names.
    fn names(&mut self, of: &Map<String, Value>, key: &str, classes: &[ComponentClass], at: &Path) -> Vec<usize> {
        let at = at.key(key);
        let items = match of.get(key) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.problems.add(at, "wrong_type", format!("must be a list, is {}", kind_of(other)));
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        let mut twice: Vec<&str> = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let at = at.index(number);
            let Some(id) = item.as_str() else {
                self.problems.add(at, "wrong_type", format!("must be a text, is {}", kind_of(item)));
                continue;
            };
            let known = classes.iter().find_map(|class| self.ids.get(&(*class, id.to_owned())).copied());
            match known {
                Some(index) if found.contains(&index) && classes.contains(&ComponentClass::Processors) => {
                    self.problems.add(at, "duplicate", "stands twice");
                }
                Some(index) if found.contains(&index) && !twice.contains(&id) => twice.push(id),
                Some(index) if found.contains(&index) => {}
                Some(index) => found.push(index),
                None => self.problems.add(at, "unknown_component", format!("nothing is called `{id}` under `{key}`")),
            }
        }
        if !twice.is_empty() {
            let reason = "stands there more than once, which a collector takes for once";
            self.left(LeftOverKind::Unused, at.to_string(), key, &twice.into(), reason);
        }
        found
    }
}
