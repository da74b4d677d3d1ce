//! What the catalogue cannot say to the letter: the nearest that it can, and where that differs.

use linkmesh_proto::api::{catalogue::Role, collector::Runtime};
use serde_json::{Number, Value, json};

use super::{Recognised, Unit, rendered, types};
use crate::{
    catalog::{Registered, catalogue},
    component::{Findings, SettingsMap},
    domain::problem::Path,
    import::tree::Tree,
};

/// What is near to a unit.
pub(super) enum Nearby {
    /// A unit that the catalogue may say, what its settings say beside that, and where it differs.
    Unit(Unit, SettingsMap, String),
    /// A component.
    Component(Recognised),
}

/// What is near to a unit, if there is something.
pub(super) fn nearby(unit: &Unit, roles: &[Role]) -> Option<Nearby> {
    let [part] = unit.tree.items() else { return None };
    let (Some(Tree::Text(kind)), Some(config)) = (part.get("type"), part.get("config")) else { return None };
    match kind.as_str() {
        "batch" | "otelcol.processor.batch" => batch(unit, kind, config),
        "filelog" if roles.contains(&Role::Source) => file_log(unit, kind, config),
        "hostmetrics" if roles.contains(&Role::Source) => host_metrics(unit, part),
        "resource" if unit.runtime == Runtime::Otelcol && roles.contains(&Role::Processor) => resource(config),
        _ => None,
    }
}

fn like(unit: &Unit, parts: Vec<Tree>) -> Unit {
    let tree = Tree::List(parts);
    Unit {
        runtime: unit.runtime,
        observed: unit.observed.clone(),
        signals: unit.signals.clone(),
        name: unit.name.clone(),
        kinds: types(&tree),
        tree,
    }
}

/// How records are gathered changes none of them.
fn batch(unit: &Unit, kind: &str, config: &Tree) -> Option<Nearby> {
    let Some(Tree::Number(size)) = config.get("send_batch_size") else { return None };
    let size = size.as_i64()?;
    let largest = size.checked_add(size / 2)?;
    let config = with(config, "send_batch_max_size", Tree::Number(Number::from(largest)));
    let part = Tree::map([("type", Tree::text(kind)), ("config", config)]);
    let but = "`send_batch_max_size` is one and a half of `send_batch_size` in LinkMesh";
    Some(Nearby::Unit(like(unit, vec![part]), SettingsMap::new(), but.to_owned()))
}

/// Files are read from where it stopped, and their records say of which they are; one parser of lines is a format.
fn file_log(unit: &Unit, kind: &str, config: &Tree) -> Option<Nearby> {
    let mut settings = SettingsMap::new();
    let mut but = Vec::new();
    match config.get("operators").map(Tree::items) {
        None => {}
        Some([parser]) => {
            settings = format(parser)?;
            but.push("parses lines by `transform`, which says nothing of one that is not of the format");
        }
        Some(_) => return None,
    }
    if !matches!(config.get("storage"), Some(Tree::Reference(_))) {
        but.push("goes on after a restart where it stopped");
    }
    if config.get("include_file_path") != Some(&Tree::Bool(true)) {
        but.push("adds `log.file.path`");
    }
    let others = config.entries().iter().filter(|(key, _)| key != "operators").cloned().collect();
    let config = with(&Tree::Map(others), "storage", Tree::Reference(rendered::STORAGE.to_owned()));
    let config = with(&config, "include_file_path", Tree::Bool(true));
    let part = Tree::map([("type", Tree::text(kind)), ("config", config)]);
    Some(Nearby::Unit(like(unit, vec![part]), settings, format!("LinkMesh {}", but.join(", "))))
}

/// What a parser of lines is as a format.
fn format(parser: &Tree) -> Option<SettingsMap> {
    let mut settings = SettingsMap::new();
    for (key, value) in parser.entries() {
        let (key, value) = match (key.as_str(), value) {
            ("type", Tree::Text(name)) if name == "json_parser" => ("format", json!("json")),
            ("type", Tree::Text(name)) if name == "regex_parser" => ("format", json!("regex")),
            ("regex", Tree::Text(pattern)) => ("pattern", json!(pattern)),
            ("timestamp", timestamp) => ("timestamp", time(timestamp)?),
            ("id", Tree::Text(_)) => continue,
            ("parse_from", Tree::Text(from)) if from == "body" => continue,
            ("parse_to", Tree::Text(to)) if to == "attributes" => continue,
            _ => return None,
        };
        settings.insert(key.to_owned(), value);
    }
    settings.contains_key("format").then_some(settings)
}

/// The time of a record, from an attribute and as `strptime` has it.
fn time(timestamp: &Tree) -> Option<Value> {
    let text = |name: &str| timestamp.get(name).and_then(Tree::as_text);
    let known = ["parse_from", "layout", "layout_type"];
    let is_known = timestamp.entries().iter().all(|(key, _)| known.contains(&key.as_str()));
    let is_strptime = text("layout_type").is_none_or(|name| name == "strptime");
    let attribute = text("parse_from")?.strip_prefix("attributes.")?;
    // What leads into an attribute is not the name of one.
    let is_name = attribute.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_known && is_strptime && is_name).then(|| json!({ "attribute": attribute, "layout": text("layout") }))
}

/// A receiver for the host alone is not enough for us: its metrics do not say which host it is.
fn host_metrics(unit: &Unit, part: &Tree) -> Option<Nearby> {
    let registered = catalogue().get(Role::Source, "host_metrics")?;
    let rendering = rendered::rendering(registered, &SettingsMap::new(), unit)?;
    let behind = rendering.items().iter().skip(1).cloned();
    let parts = std::iter::once(part.clone()).chain(behind).collect();
    let but = "LinkMesh adds `host.name` and `os.type` where they are missing";
    Some(Nearby::Unit(like(unit, parts), SettingsMap::new(), but.to_owned()))
}

/// Labels are set in OTTL in LinkMesh, as the processor `resource` is not there on Alloy.
fn resource(config: &Tree) -> Option<Nearby> {
    let [(only, actions)] = config.entries() else { return None };
    if only != "attributes" {
        return None;
    }
    let actions: Vec<Value> = actions.items().iter().map(action).collect::<Option<_>>()?;
    let settings = SettingsMap::from_iter([("actions".to_owned(), Value::Array(actions))]);
    let registered = catalogue().get(Role::Processor, "resource")?;
    let but = "is done by `transform` in LinkMesh, where a label without a value counts as absent";
    is_valid(registered, &settings).then_some(Nearby::Component(Recognised {
        registered,
        settings,
        but: Some(but.to_owned()),
    }))
}

/// An action of the processors `resource` and `attributes`, as ours are written.
fn action(action: &Tree) -> Option<Value> {
    let entries = action.entries();
    let text = |name: &str| action.get(name).and_then(Tree::as_text);
    let (verb, key) = (text("action")?, text("key")?);
    // What the collector reads from its environment would be a text of ours.
    let value = || match action.get("value")? {
        value @ (Tree::Text(_) | Tree::Number(_) | Tree::Bool(_)) => value.to_setting(),
        _ => None,
    };
    Some(match (verb, entries.len()) {
        ("upsert", 3) if let Some(from) = text("from_attribute") => {
            json!({ "action": "copy", "key": key, "from": from })
        }
        ("upsert", 3) => json!({ "action": "set", "key": key, "value": value()? }),
        ("insert", 3) => json!({ "action": "default", "key": key, "value": value()? }),
        ("delete", 2) => json!({ "action": "delete", "key": key }),
        _ => return None,
    })
}

pub(super) fn is_valid(registered: &Registered, settings: &SettingsMap) -> bool {
    let mut findings = Findings::new(Path::root());
    registered.check(settings, &mut findings);
    findings.errors.is_empty()
}

fn with(config: &Tree, name: &str, value: Tree) -> Tree {
    let others = config.entries().iter().filter(|(key, _)| key != name).cloned();
    Tree::Map(others.chain([(name.to_owned(), value)]).collect())
}
