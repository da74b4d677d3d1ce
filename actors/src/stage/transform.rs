//! `transform`: records are changed by statements in OTTL.

use linkmesh_ottl::record::Telemetry;
use linkmesh_proto::api::pipeline::Signal;

use super::{Stage, Trial};
use crate::{
    component::signal_name,
    render::{
        alloy::{Expr, Statement, attribute, block},
        yaml::Yaml,
    },
};

/// What statements work on, one after the other: the `context` of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// Each resource.
    Resource,
    /// Each scope.
    Scope,
    /// Each log record.
    Log,
    /// Each metric.
    Metric,
    /// Each point of a metric.
    DataPoint,
    /// Each span.
    Span,
    /// Each event of a span.
    SpanEvent,
}

impl Context {
    /// The single records of a signal.
    #[must_use]
    pub const fn records(signal: Signal) -> Self {
        match signal {
            Signal::Logs => Self::Log,
            Signal::Metrics => Self::DataPoint,
            Signal::Traces => Self::Span,
        }
    }

    /// The name in both languages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Scope => "scope",
            Self::Log => "log",
            Self::Metric => "metric",
            Self::DataPoint => "datapoint",
            Self::Span => "span",
            Self::SpanEvent => "spanevent",
        }
    }
}

/// Statements that work on one context.
#[derive(Debug, Clone)]
pub struct Group {
    /// The kind of telemetry.
    pub signal: Signal,
    /// What they work on.
    pub context: Context,
    /// The statements, in order.
    pub statements: Vec<String>,
}

/// Runs its groups in order. An error in a statement skips that statement for that record: `error_mode` is always
/// written, since its default changed.
#[derive(Debug, Clone)]
pub struct Transform {
    groups: Vec<Group>,
}

impl Transform {
    /// These groups.
    #[must_use]
    pub const fn new(groups: Vec<Group>) -> Self {
        Self { groups }
    }

    /// The same statements on the single records of each signal.
    #[must_use]
    pub fn records(signals: &[Signal], statements: &[String]) -> Self {
        Self::each(signals, Context::records, statements)
    }

    /// The same statements on the resources of each signal.
    #[must_use]
    pub fn resources(signals: &[Signal], statements: &[String]) -> Self {
        Self::each(signals, |_| Context::Resource, statements)
    }

    fn each(signals: &[Signal], context: impl Fn(Signal) -> Context, statements: &[String]) -> Self {
        let group =
            |signal: &Signal| Group { signal: *signal, context: context(*signal), statements: statements.to_vec() };
        Self { groups: signals.iter().map(group).collect() }
    }

    /// The groups by signal, in order.
    fn sections(&self) -> Vec<(String, Vec<&Group>)> {
        let mut sections: Vec<(String, Vec<&Group>)> = Vec::new();
        for group in &self.groups {
            let singular = signal_name(group.signal).trim_end_matches('s');
            let name = format!("{singular}_statements");
            match sections.iter_mut().find(|(known, _)| *known == name) {
                Some((_, groups)) => groups.push(group),
                None => sections.push((name, vec![group])),
            }
        }
        sections
    }
}

impl Stage for Transform {
    fn otelcol(&self) -> (&'static str, Yaml) {
        let mut config = vec![("error_mode".to_owned(), Yaml::word("ignore"))];
        let group = |group: &Group| {
            Yaml::map([("context", Yaml::word(group.context.name())), ("statements", Yaml::texts(&group.statements))])
        };
        config.extend(
            self.sections()
                .into_iter()
                .map(|(name, groups)| (name, Yaml::Seq(groups.into_iter().map(group).collect()))),
        );
        ("transform", Yaml::Map(config))
    }

    fn alloy(&self) -> (&'static str, Vec<Statement>) {
        let mut body = vec![attribute("error_mode", Expr::text("ignore"))];
        for (name, groups) in self.sections() {
            body.extend(groups.into_iter().map(|group| {
                let context = attribute("context", Expr::text(group.context.name()));
                block(&name, vec![context, attribute("statements", Expr::texts(&group.statements))])
            }));
        }
        ("otelcol.processor.transform", body)
    }

    fn run(&self, telemetry: &mut Telemetry, trial: &mut Trial) {
        let _ = (telemetry, trial);
    }
}
