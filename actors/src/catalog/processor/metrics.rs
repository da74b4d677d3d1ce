//! `metrics`: metrics are kept or dropped by their name, and renamed.
//!
//! First the names of `names` are looked for, as `match_by` says: the whole name, its beginning, or an expression that is
//! found anywhere in it. `keep` drops every metric of which none of them is true, `drop` every one of which any is. Then
//! each metric that is left and has the name `from` of an entry of `rename` gets the name `to` of the first such entry.
//! Case counts. Points, unit and description stay as they are, and metrics that then have the same name are not put
//! together.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        form::{choice, form, group, list, text},
        metric_names::{self, MetricNames},
        ottl_text::quoted,
        read,
    },
    stage::{
        Stage,
        filter::{Asked, Filter},
        transform::{Context, Group, Transform},
    },
};

pub(super) const COMPONENT: &dyn Component = &Metrics;

struct Metrics;

#[derive(Deserialize)]
struct Settings {
    action: Action,
    #[serde(flatten)]
    chosen: MetricNames,
    rename: Vec<Rename>,
}

#[derive(Deserialize)]
struct Rename {
    from: String,
    to: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Action {
    Keep,
    Drop,
}

impl Settings {
    /// The conditions under which a metric is dropped: any one of them is enough.
    fn drops(&self) -> Vec<String> {
        let condition = |text: &String| {
            let text = quoted(text);
            if self.chosen.is_regex() { format!("IsMatch(name, {text})") } else { format!("name == {text}") }
        };
        let conditions: Vec<String> = self.chosen.texts().iter().map(condition).collect();
        match self.action {
            Action::Drop => conditions,
            Action::Keep => vec![format!("not ({})", conditions.join(" or "))],
        }
    }

    /// A name that was changed is marked, so that a later entry does not change it again.
    fn renames(&self) -> Vec<String> {
        let one_only = self.rename.len() == 1;
        let rename = |Rename { from, to }: &Rename| {
            let (from, to) = (quoted(from), quoted(to));
            if one_only {
                return vec![format!("set(name, {to}) where name == {from}")];
            }
            vec![format!("set(cache[\"name\"], {to}) where name == {from} and cache[\"name\"] == nil")]
        };
        let mut statements: Vec<String> = self.rename.iter().flat_map(rename).collect();
        if !one_only && !statements.is_empty() {
            statements.push("set(name, cache[\"name\"]) where cache[\"name\"] != nil".to_owned());
        }
        statements
    }
}

impl Component for Metrics {
    fn title(&self) -> &'static str {
        "Metrics by name"
    }

    fn description(&self) -> &'static str {
        "Keeps or drops metrics by their name, and renames them."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Metrics]
    }

    fn schema(&self) -> Value {
        let name = |title: &str| text(title).most(255).check("attribute_key");
        let rename = group("", [("from", name("From").required()), ("to", name("To").required())]);
        form([
            (
                "action",
                choice("What is named", &["keep", "drop"])
                    .default("drop")
                    .help("keep: only those metrics go on. drop: they end here."),
            ),
            ("match_by", metric_names::match_by()),
            ("names", metric_names::names("process.runtime.").help("Case counts. Without any, all metrics go on.")),
            (
                "rename",
                list("Rename", rename)
                    .default(json!([]))
                    .help("By the whole name, each metric once. Comes after the above."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "No runtime internals",
                json!({ "action": "drop", "match_by": "prefix", "names": ["process.runtime.", "jvm.buffer."] }),
            ),
            (
                "Only what the boards show",
                json!({
                    "action": "keep", "match_by": "regex", "names": ["^http\\.", "^system\\.(cpu|memory)\\."],
                    "rename": [
                        { "from": "http.server.duration", "to": "http.server.request.duration" },
                        { "from": "http.client.duration", "to": "http.client.request.duration" },
                    ],
                }),
            ),
            ("One new name", json!({ "rename": [{ "from": "reqs", "to": "requests" }] })),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        let at = findings.path().clone();
        if settings.chosen.is_empty() && settings.rename.is_empty() {
            findings.errors.add(at.key("names"), "missing", "give names to keep or drop, or to change");
        } else if settings.chosen.is_empty() && settings.action == Action::Keep {
            findings.errors.add(at.key("names"), "missing", "nothing would be kept");
        }
        settings.chosen.check(findings);
        for (index, rename) in settings.rename.iter().enumerate() {
            let at = at.key("rename").index(index);
            if rename.from == rename.to {
                findings.errors.add(at.key("to"), "invalid_value", "is the same name");
            }
            if settings.rename.iter().take(index).any(|earlier| earlier.from == rename.from) {
                findings.errors.add(at.key("from"), "duplicate", "is renamed already");
            }
        }
    }

    fn stages(&self, settings: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut stages: Vec<Box<dyn Stage>> = Vec::new();
        if !settings.chosen.is_empty() {
            stages.push(Box::new(Filter::new([(Asked::Metric, settings.drops())])));
        }
        let statements = settings.renames();
        if !statements.is_empty() {
            let group = Group { signal: Signal::Metrics, context: Context::Metric, statements };
            stages.push(Box::new(Transform::new(vec![group])));
        }
        Ok(stages)
    }
}
