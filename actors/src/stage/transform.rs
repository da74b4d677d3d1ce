//! `transform`: records are changed by statements in OTTL.

pub use linkmesh_ottl::Context;
use linkmesh_ottl::{
    Dialect, Statement,
    record::Telemetry,
    run::{Statements, transform},
};
use linkmesh_proto::api::pipeline::Signal;

use super::{Stage, Trial, signal_of};
use crate::{
    component::signal_name,
    render::{
        alloy::{Expr, Statement as AlloyStatement, attribute, block},
        yaml::Yaml,
    },
};

/// What the single records of a signal are to statements and conditions.
#[must_use]
pub const fn records(signal: Signal) -> Context {
    match signal {
        Signal::Logs => Context::Log,
        Signal::Metrics => Context::DataPoint,
        Signal::Traces => Context::Span,
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
        Self::each(signals, records, statements)
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

    fn alloy(&self) -> (&'static str, Vec<AlloyStatement>) {
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
        let of_signal = self.groups.iter().filter(|group| signal_of(telemetry) == group.signal);
        let groups = of_signal.map(|group| {
            let read = |text: &String| Statement::parse(text, Dialect::transform(group.context));
            Statements {
                context: group.context,
                conditions: Vec::new(),
                statements: trial.readable(&group.statements, read),
            }
        });
        let groups: Vec<Statements> = groups.collect();
        trial.ottl(|run| transform(telemetry, &groups, run));
    }
}
