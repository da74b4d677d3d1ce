//! `filter`: records on which a condition in OTTL holds are dropped.

use linkmesh_ottl::{Condition, Context, Dialect, record::Telemetry, run::filter};
use linkmesh_proto::api::pipeline::Signal;

use super::{Stage, Trial, signal_of};
use crate::{
    component::signal_name,
    render::{
        alloy::{Expr, Statement, attribute, block},
        yaml::Yaml,
    },
};

/// What a condition is asked of: the list of the processor in which it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// Each log record.
    LogRecord,
    /// Each metric as a whole.
    Metric,
    /// Each point of a metric.
    DataPoint,
    /// Each span.
    Span,
    /// Each event of a span.
    SpanEvent,
}

impl Asked {
    /// The single records of a signal.
    #[must_use]
    pub const fn records(signal: Signal) -> Self {
        match signal {
            Signal::Logs => Self::LogRecord,
            Signal::Metrics => Self::DataPoint,
            Signal::Traces => Self::Span,
        }
    }

    /// The same to the language.
    #[must_use]
    pub const fn context(self) -> Context {
        match self {
            Self::LogRecord => Context::Log,
            Self::Metric => Context::Metric,
            Self::DataPoint => Context::DataPoint,
            Self::Span => Context::Span,
            Self::SpanEvent => Context::SpanEvent,
        }
    }

    const fn place(self) -> (Signal, &'static str) {
        match self {
            Self::LogRecord => (Signal::Logs, "log_record"),
            Self::Metric => (Signal::Metrics, "metric"),
            Self::DataPoint => (Signal::Metrics, "datapoint"),
            Self::Span => (Signal::Traces, "span"),
            Self::SpanEvent => (Signal::Traces, "spanevent"),
        }
    }
}

/// Drops what one of its conditions holds on. An error while looking at a record keeps it, on every version of both
/// runtimes: `error_mode` is always written, since its default changed.
#[derive(Debug, Clone)]
pub struct Filter {
    conditions: Vec<(Asked, Vec<String>)>,
}

/// Lists of a section with their conditions.
type Lists<'a> = Vec<(&'static str, &'a Vec<String>)>;

impl Filter {
    /// A filter of these conditions.
    #[must_use]
    pub fn new(conditions: impl IntoIterator<Item = (Asked, Vec<String>)>) -> Self {
        Self { conditions: conditions.into_iter().collect() }
    }

    /// Drops the single records of these signals on which the condition holds.
    #[must_use]
    pub fn records(signals: &[Signal], condition: &str) -> Self {
        Self::new(signals.iter().map(|signal| (Asked::records(*signal), vec![condition.to_owned()])))
    }

    /// The lists by the section in which they stand, in order.
    fn sections(&self) -> Vec<(Signal, Lists<'_>)> {
        let mut sections: Vec<(Signal, Lists<'_>)> = Vec::new();
        for (asked, conditions) in &self.conditions {
            let (signal, list) = asked.place();
            match sections.iter_mut().find(|(known, _)| *known == signal) {
                Some((_, lists)) => lists.push((list, conditions)),
                None => sections.push((signal, vec![(list, conditions)])),
            }
        }
        sections
    }
}

impl Stage for Filter {
    fn otelcol(&self) -> (&'static str, Yaml) {
        let mut config = vec![("error_mode".to_owned(), Yaml::word("ignore"))];
        config.extend(self.sections().into_iter().map(|(signal, lists)| {
            let lists = lists.into_iter().map(|(list, conditions)| (list.to_owned(), Yaml::texts(conditions)));
            (signal_name(signal).to_owned(), Yaml::Map(lists.collect()))
        }));
        ("filter", Yaml::Map(config))
    }

    fn alloy(&self) -> (&'static str, Vec<Statement>) {
        let mut body = vec![attribute("error_mode", Expr::text("ignore"))];
        body.extend(self.sections().into_iter().map(|(signal, lists)| {
            let lists = lists.into_iter().map(|(list, conditions)| attribute(list, Expr::texts(conditions)));
            block(signal_name(signal), lists.collect())
        }));
        ("otelcol.processor.filter", body)
    }

    fn run(&self, telemetry: &mut Telemetry, trial: &mut Trial) {
        let mut conditions = Vec::new();
        for (asked, texts) in self.conditions.iter().filter(|(asked, _)| asked.place().0 == signal_of(telemetry)) {
            let dialect = Dialect::filter(asked.context());
            conditions.extend(trial.readable(texts, |text| Condition::parse(text, dialect)));
        }
        trial.ottl(|run| filter(telemetry, &conditions, run));
    }
}
