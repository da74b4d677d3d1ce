//! `ottl`: records are changed by statements in OTTL.
//!
//! The statements are done one after the other on everything of one context: each resource, each scope, each log record,
//! metric, data point, span or event of a span. A statement that fails on one of them (an absent value where one is
//! needed, a wrong type) is skipped for it, and the next is done; nothing is dropped. Statements cannot be mixed: one of
//! another context stands in a step of its own.

use linkmesh_ottl::{Dialect, Statement};
use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        ALL_SIGNALS, Component, Findings, Least, SettingsMap, Unsupported,
        form::{choice, choices, form, list, text},
        read, scalar, signal_name,
    },
    stage::{
        Stage,
        transform::{Context, Group, Transform, records},
    },
};

pub(super) const COMPONENT: &dyn Component = &Ottl;

struct Ottl;

#[derive(Deserialize)]
struct Settings {
    context: Where,
    statements: Vec<String>,
    signals: Vec<Signal>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Where {
    Record,
    Resource,
    Scope,
    Metric,
    SpanEvent,
}

impl Where {
    /// The context for a signal that has it.
    const fn of(self, signal: Signal) -> Option<Context> {
        match (self, signal) {
            (Self::Record, signal) => Some(records(signal)),
            (Self::Resource, _) => Some(Context::Resource),
            (Self::Scope, _) => Some(Context::Scope),
            (Self::Metric, Signal::Metrics) => Some(Context::Metric),
            (Self::SpanEvent, Signal::Traces) => Some(Context::SpanEvent),
            (Self::Metric | Self::SpanEvent, _) => None,
        }
    }
}

impl Component for Ottl {
    fn title(&self) -> &'static str {
        "Statements (OTTL)"
    }

    fn description(&self) -> &'static str {
        "Changes records by statements in the OpenTelemetry Transformation Language. A statement that fails on a record \
         is skipped for it."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn schema(&self) -> Value {
        // What is empty is told of by the reader of statements, beside what is wrong with others.
        let statement = text("").with("minLength", 0).most(8192).check("ottl_statement").widget("code");
        form([
            (
                "context",
                choice("Work on", &["record", "resource", "scope", "metric", "span_event"])
                    .default("record")
                    .help("record: each log record, data point and span. metric: each metric as a whole."),
            ),
            (
                "statements",
                list("Statements", statement.example("set(attributes[\"team\"], \"core\")"))
                    .required()
                    .at_least(1)
                    .at_most(100)
                    .help("Done in order, with paths as of the context: `attributes[\"key\"]`, `body`, `resource.attributes[\"key\"]`."),
            ),
            (
                "signals",
                choices("Only for", &["logs", "metrics", "traces"])
                    .default(json!([]))
                    .help("Kinds of telemetry to work on; all that have the context when empty."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "Severity from a text",
                json!({
                    "statements": [
                        "set(severity_number, SEVERITY_NUMBER_ERROR) where IsMatch(body, \"(?i)\\\\berror\\\\b\") and severity_number == 0",
                        "set(severity_text, \"ERROR\") where severity_number == SEVERITY_NUMBER_ERROR",
                    ],
                    "signals": ["logs"],
                }),
            ),
            (
                "Shorter names",
                json!({ "context": "metric", "statements": ["replace_pattern(name, \"^http\\\\.server\\\\.\", \"http.\")"] }),
            ),
            (
                "Where it runs",
                json!({ "context": "resource", "statements": ["set(attributes[\"k8s.cluster.name\"], \"eu-1\")"] }),
            ),
        ]
    }

    fn signals_with(&self, settings: &SettingsMap) -> Vec<Signal> {
        let Ok(settings) = read::<Settings>(settings) else { return self.signals().to_vec() };
        let asked = if settings.signals.is_empty() { ALL_SIGNALS } else { &settings.signals };
        asked.iter().copied().filter(|signal| settings.context.of(*signal).is_some()).collect()
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        for (index, signal) in settings.signals.iter().enumerate() {
            if settings.context.of(*signal).is_none() {
                let reason = format!("{} have nothing of this context", signal_name(*signal));
                findings.errors.add(findings.path().key("signals").index(index), "invalid_value", reason);
            }
        }
    }

    fn check_for(&self, settings: &SettingsMap, signals: &[Signal], findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        let handled: Vec<Signal> =
            signals.iter().copied().filter(|signal| settings.context.of(*signal).is_some()).collect();
        for (index, text) in settings.statements.iter().enumerate() {
            let path = findings.path().key("statements").index(index);
            if handled.is_empty()
                && let Err(reason) = scalar::ottl_statement(text)
            {
                findings.errors.add(&path, "invalid_value", reason);
            }
            findings.ottl(&path, &handled, |signal| {
                let context = settings.context.of(signal).unwrap_or_else(|| records(signal));
                Statement::parse(text, Dialect::transform(context))
            });
        }
    }

    fn stages(&self, settings: &SettingsMap, signals: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let Settings { context, statements, .. } = read(settings)?;
        let group = |signal: &Signal| {
            Some(Group { signal: *signal, context: context.of(*signal)?, statements: statements.clone() })
        };
        Ok(vec![Box::new(Transform::new(signals.iter().filter_map(group).collect()))])
    }
}
