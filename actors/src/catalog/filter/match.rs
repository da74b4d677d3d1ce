//! `match`: records are kept or dropped by what stands in their fields.
//!
//! Each condition looks at one field: the body of a log record, an attribute of the record, an attribute of its resource,
//! or the name of a span or metric. The field is read as text: a number or a truth value as it is written, a mapping or a
//! list as its JSON, octets in hexadecimal. Then:
//! * `equals`: the text is the value.
//! * `contains`, `starts_with`: the value stands somewhere in the text, or at its beginning.
//! * `regex`: the expression is found somewhere in the text; `^` and `$` tie it to the ends.
//! * `exists`: the field is there and has a value; for a name, it is not empty.
//!
//! Case counts. On a record without the field no condition holds; `negate` turns each answer round, so that a negated
//! condition holds there. `combine` says whether all conditions have to hold or one is enough. `drop` drops the records on
//! which they hold, `keep` those on which they do not; a record that cannot be looked at (an error) goes on in both cases.
//!
//! Log records, data points and spans are looked at; of a metric, each point, and one without points left is dropped. A
//! condition on the body is for logs, one on the name for metrics and traces: other kinds of telemetry pass as they are.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        form::{attribute_key, choice, choices, flag, form, group, list, text},
        ottl_text::{at_key, quoted, regex_of},
        read, scalar, signal_name,
    },
    stage::{
        Stage,
        filter::{Asked, Filter},
    },
};

#[path = "match/recognise.rs"]
mod recognise;

pub(super) const COMPONENT: &dyn Component = &Match;

struct Match;

#[derive(Deserialize)]
struct Settings {
    conditions: Vec<Condition>,
    combine: Combine,
    action: Action,
    signals: Vec<Signal>,
}

#[derive(Deserialize)]
struct Condition {
    field: Field,
    key: Option<String>,
    test: Test,
    value: Option<String>,
    negate: bool,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Field {
    Body,
    Attribute,
    Resource,
    Name,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Test {
    Equals,
    Contains,
    StartsWith,
    Regex,
    Exists,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Combine {
    All,
    Any,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Action {
    Keep,
    Drop,
}

impl Field {
    const fn is_of(self, signal: Signal) -> bool {
        match self {
            Self::Attribute | Self::Resource => true,
            Self::Body => matches!(signal, Signal::Logs),
            Self::Name => matches!(signal, Signal::Metrics | Signal::Traces),
        }
    }
}

impl Condition {
    /// Its text in OTTL, for the records of a signal.
    fn ottl(&self, signal: Signal) -> String {
        let key = self.key.as_deref().unwrap_or_default();
        let value = self.value.as_deref().unwrap_or_default();
        let path = match (self.field, signal) {
            (Field::Body, _) => "body".to_owned(),
            (Field::Attribute, _) => at_key("attributes", key),
            (Field::Resource, _) => at_key("resource.attributes", key),
            (Field::Name, Signal::Metrics) => "metric.name".to_owned(),
            (Field::Name, _) => "name".to_owned(),
        };
        let found = |pattern: &str| format!("IsMatch({path}, {})", quoted(pattern));
        let holds = match self.test {
            Test::Exists if self.field == Field::Name => format!("{path} != \"\""),
            Test::Exists => format!("{path} != nil"),
            Test::Equals => format!("String({path}) == {}", quoted(value)),
            Test::Contains => found(&regex_of(value)),
            Test::StartsWith => found(&format!("^{}", regex_of(value))),
            Test::Regex => found(value),
        };
        if self.negate { format!("not ({holds})") } else { holds }
    }
}

impl Settings {
    /// The conditions under which the records of a signal are dropped: any one of them is enough.
    fn drops(&self, signal: Signal) -> Vec<String> {
        let conditions: Vec<String> = self.conditions.iter().map(|condition| condition.ottl(signal)).collect();
        match (self.action, self.combine) {
            (Action::Drop, Combine::Any) => conditions,
            (Action::Drop, Combine::All) => vec![conditions.join(" and ")],
            (Action::Keep, Combine::All) => vec![format!("not ({})", conditions.join(" and "))],
            (Action::Keep, Combine::Any) => vec![format!("not ({})", conditions.join(" or "))],
        }
    }

    fn handles(&self, signal: Signal) -> bool {
        (self.signals.is_empty() || self.signals.contains(&signal))
            && self.conditions.iter().all(|condition| condition.field.is_of(signal))
    }
}

impl Component for Match {
    fn title(&self) -> &'static str {
        "Match"
    }

    fn description(&self) -> &'static str {
        "Keeps or drops records by their body, attributes, resource or name."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn schema(&self) -> Value {
        let condition = group(
            "",
            [
                (
                    "field",
                    choice("Look at", &["body", "attribute", "resource", "name"])
                        .default("body")
                        .help("body is of log records, name of spans and metrics, resource of what records come from."),
                ),
                ("key", attribute_key("Key").example("http.route").help("For attribute and resource.")),
                (
                    "test",
                    choice("Test", &["equals", "contains", "starts_with", "regex", "exists"])
                        .default("contains")
                        .help("Numbers and truth values are looked at as text. regex is found anywhere in the text."),
                ),
                (
                    "value",
                    text("Text").most(4096).example("GET /healthz").help("For all tests but exists. Case counts."),
                ),
                (
                    "negate",
                    flag("Not")
                        .default(false)
                        .help("The condition holds where the test fails, also where the field is absent."),
                ),
            ],
        );
        form([
            ("conditions", list("Conditions", condition).required().at_least(1).at_most(50)),
            (
                "combine",
                choice("Have to hold", &["all", "any"])
                    .default("all")
                    .help("All of the conditions, or any one of them."),
            ),
            (
                "action",
                choice("Where they hold", &["keep", "drop"])
                    .required()
                    .help("keep: only those records go on. drop: they end here."),
            ),
            (
                "signals",
                choices("Only for", &["logs", "metrics", "traces"])
                    .default(json!([]))
                    .help("Kinds of telemetry to look at; all that have the fields when empty."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "No health checks",
                json!({ "conditions": [{ "field": "body", "test": "contains", "value": "GET /healthz" }], "action": "drop" }),
            ),
            (
                "One environment only",
                json!({
                    "conditions": [{ "field": "resource", "key": "deployment.environment", "test": "equals", "value": "prod" }],
                    "action": "keep",
                }),
            ),
            (
                "No internal spans and metrics",
                json!({
                    "conditions": [
                        { "field": "name", "test": "starts_with", "value": "internal." },
                        { "field": "attribute", "key": "http.route", "test": "regex", "value": "^/(health|ready)z?$" },
                        { "field": "attribute", "key": "tenant", "test": "exists", "negate": true },
                    ],
                    "combine": "any",
                    "action": "drop",
                }),
            ),
        ]
    }

    fn signals_with(&self, settings: &SettingsMap) -> Vec<Signal> {
        let Ok(settings) = read::<Settings>(settings) else { return self.signals().to_vec() };
        self.signals().iter().copied().filter(|signal| settings.handles(*signal)).collect()
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        let mut seen: Option<Field> = None;
        for (index, condition) in settings.conditions.iter().enumerate() {
            let at = findings.path().key("conditions").index(index);
            let keyed = matches!(condition.field, Field::Attribute | Field::Resource);
            findings.needed_only_if(&at, "key", keyed, condition.key.is_some());
            findings.needed_only_if(&at, "value", condition.test != Test::Exists, condition.value.is_some());
            if condition.test == Test::Regex
                && let Some(Err(reason)) = condition.value.as_deref().map(scalar::regex)
            {
                findings.errors.add(at.key("value"), "invalid_value", reason);
            }
            match (condition.field, seen) {
                (Field::Body, Some(Field::Name)) | (Field::Name, Some(Field::Body)) => {
                    let reason = "no record has both a body and a name; make it two filters";
                    findings.errors.add(at.key("field"), "invalid_value", reason);
                }
                (field @ (Field::Body | Field::Name), None) => seen = Some(field),
                _ => {}
            }
        }
        for (index, signal) in settings.signals.iter().enumerate() {
            if seen.is_some_and(|field| !field.is_of(*signal)) {
                let reason = format!("{} have not the field that a condition looks at", signal_name(*signal));
                findings.errors.add(findings.path().key("signals").index(index), "invalid_value", reason);
            }
        }
    }

    fn recognise(&self, found: &Value) -> Option<Vec<SettingsMap>> {
        Some(recognise::settings(found).into_iter().collect())
    }

    fn stages(&self, settings: &SettingsMap, signals: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let settings: Settings = read(settings)?;
        let handled = signals.iter().filter(|signal| settings.handles(**signal));
        let conditions = handled.map(|signal| (Asked::records(*signal), settings.drops(*signal)));
        Ok(vec![Box::new(Filter::new(conditions))])
    }
}
