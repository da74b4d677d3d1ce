//! What the catalogue cannot say to the letter: the nearest that it can, and where that differs.

use linkmesh_proto::api::{catalogue::Role, collector::Runtime, pipeline::Signal};
use serde_json::{Number, Value, json};

use super::{Recognised, Unit, rendered, types};
use crate::{
    catalog::{Registered, catalogue},
    component::{Findings, SettingsMap, schema},
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
        "otlp" if roles.contains(&Role::Destination) => grpc(unit, kind, config),
        "filter" if unit.runtime == Runtime::Otelcol && roles.contains(&Role::Filter) => filter(unit, kind, config),
        "prometheus" if roles.contains(&Role::Source) => prometheus(unit, kind, config),
        "probabilistic_sampler" if roles.contains(&Role::Filter) && unit.signals == [Signal::Traces] => sampler(config),
        "tail_sampling" if roles.contains(&Role::Filter) => tail_sampling(config),
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

fn one(unit: &Unit, kind: &str, config: Tree, but: &str) -> Nearby {
    let part = Tree::map([("type", Tree::text(kind)), ("config", config)]);
    Nearby::Unit(like(unit, vec![part]), SettingsMap::new(), but.to_owned())
}

fn component(role: Role, kind: &str, settings: Value, but: &str) -> Option<Nearby> {
    let registered = catalogue().get(role, kind)?;
    let Value::Object(settings) = settings else { return None };
    let but = Some(but.to_owned());
    is_valid(registered, &settings).then_some(Nearby::Component(Recognised { registered, settings, but }))
}

/// An endpoint of gRPC with a scheme, which says only whether there is TLS.
fn grpc(unit: &Unit, kind: &str, config: &Tree) -> Option<Nearby> {
    let endpoint = config.get("endpoint")?.as_text()?;
    let (scheme, address) = endpoint.split_once("://")?;
    let is_plain = match scheme {
        "http" => true,
        "https" => false,
        _ => return None,
    };
    let tls = config.get("tls").cloned().unwrap_or(Tree::Map(Vec::new()));
    let tls = if is_plain { with(&tls, "insecure", Tree::Bool(true)) } else { tls };
    let config = with(&with(config, "endpoint", Tree::text(address)), "tls", tls);
    Some(one(unit, kind, config, "the scheme of the endpoint is said by `plaintext` in LinkMesh"))
}

/// Records on which one of several conditions holds are dropped, as those on which all of them in one hold.
fn filter(unit: &Unit, kind: &str, config: &Tree) -> Option<Nearby> {
    let mut entries = config.entries().iter().filter(|(key, _)| key != "error_mode");
    let (Some((section, lists)), None) = (entries.next(), entries.next()) else { return None };
    let [(list, conditions)] = lists.entries() else { return None };
    let conditions: Vec<String> =
        conditions.items().iter().map(|item| Some(format!("({})", item.as_text()?))).collect::<Option<_>>()?;
    if conditions.len() < 2 {
        return None;
    }
    let joined = Tree::List(vec![Tree::text(conditions.join(" or "))]);
    let config = with(config, section, Tree::map([(list, joined)]));
    Some(one(unit, kind, config, "its conditions are one in LinkMesh: a record on which one fails is kept"))
}

/// What a scrape does by itself.
fn prometheus(unit: &Unit, kind: &str, config: &Tree) -> Option<Nearby> {
    let [(only, inner)] = config.entries() else { return None };
    let [(jobs, list)] = inner.entries() else { return None };
    let [job] = list.items() else { return None };
    if only != "config" || jobs != "scrape_configs" {
        return None;
    }
    let usual = [
        ("scrape_interval", "1m"),
        ("scrape_timeout", "10s"),
        ("metrics_path", "/metrics"),
        ("scheme", "http"),
        ("metric_name_validation_scheme", "legacy"),
    ];
    let job = usual.into_iter().fold(job.clone(), |job, (key, value)| match job.get(key) {
        Some(_) => job,
        None => with(&job, key, Tree::text(value)),
    });
    let config = Tree::map([("config", Tree::map([("scrape_configs", Tree::List(vec![job]))]))]);
    let but = "names of metrics that are none of Prometheus' classic form are changed in LinkMesh, as Alloy does";
    Some(one(unit, kind, config, but))
}

/// Which traces are drawn is chance; how many is not.
fn sampler(config: &Tree) -> Option<Nearby> {
    let [(only, Tree::Number(percentage))] = config.entries() else { return None };
    if only != "sampling_percentage" {
        return None;
    }
    let but = "draws by a seed in LinkMesh, and keeps traces that it cannot draw for";
    component(Role::Filter, "sample", json!({ "percentage": percentage, "signals": ["traces"] }), but)
}

/// A trace goes on if one policy lets it, whatever the policies are called and in which order they stand.
fn tail_sampling(config: &Tree) -> Option<Nearby> {
    let mut settings = SettingsMap::new();
    settings.insert("errors".to_owned(), json!(false));
    let mut attributes = Vec::new();
    for (key, value) in config.entries() {
        match (key.as_str(), value) {
            ("decision_wait", Tree::Text(wait)) => settings.insert("decision_wait".to_owned(), json!(wait)),
            ("num_traces", Tree::Number(traces)) => settings.insert("traces".to_owned(), json!(traces)),
            ("policies", Tree::List(policies)) => {
                for policy in policies {
                    let (setting, value) = policy_of(policy)?;
                    if setting == "attributes" {
                        attributes.push(value);
                    } else if settings.insert(setting.to_owned(), value).is_some_and(|before| before != json!(false)) {
                        return None;
                    }
                }
                None
            }
            _ => return None,
        };
    }
    if !attributes.is_empty() {
        settings.insert("attributes".to_owned(), Value::Array(attributes));
    }
    let schema = catalogue().get(Role::Filter, "tail_sample")?.schema();
    let settings = Value::Object(schema::in_order(schema, &settings));
    component(Role::Filter, "tail_sample", settings, "its policies are called otherwise in LinkMesh, as meters show")
}

/// The setting that says what a policy says.
fn policy_of(policy: &Tree) -> Option<(&'static str, Value)> {
    let kind = policy.get("type")?.as_text()?;
    let is_known = |key: &str| ["name", "type", kind].contains(&key);
    if !policy.entries().iter().all(|(key, _)| is_known(key)) {
        return None;
    }
    let entries = policy.get(kind)?.entries();
    match (kind, entries) {
        ("status_code", [(key, Tree::List(codes))]) if key == "status_codes" && *codes == [Tree::text("ERROR")] => {
            Some(("errors", json!(true)))
        }
        ("latency", [(key, Tree::Number(threshold))]) if key == "threshold_ms" => {
            Some(("slower_than", json!(format!("{threshold}ms"))))
        }
        ("probabilistic", [(key, Tree::Number(percentage))]) if key == "sampling_percentage" => {
            Some(("percentage", json!(percentage)))
        }
        ("string_attribute", [(first, Tree::Text(key)), (second, Tree::List(values))])
            if first == "key" && second == "values" =>
        {
            let values: Vec<&str> = values.iter().map(Tree::as_text).collect::<Option<_>>()?;
            Some(("attributes", json!({ "key": key, "values": values })))
        }
        _ => None,
    }
}

/// How records are gathered changes none of them.
fn batch(unit: &Unit, kind: &str, config: &Tree) -> Option<Nearby> {
    let Some(Tree::Number(size)) = config.get("send_batch_size") else { return None };
    let size = size.as_i64()?;
    let largest = size.checked_add(size / 2)?;
    let config = with(config, "send_batch_max_size", Tree::Number(Number::from(largest)));
    Some(one(unit, kind, config, "`send_batch_max_size` is one and a half of `send_batch_size` in LinkMesh"))
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
    let but = "is done by `transform` in LinkMesh, where a label without a value counts as absent";
    component(Role::Processor, "resource", json!({ "actions": actions }), but)
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
