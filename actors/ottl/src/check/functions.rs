//! Which functions there are.
//!
//! Source: `ottlfuncs` of `pkg/ottl` 0.158.0, `functions.go` of its filter and transform processors, and `filterottl`.
//! What collectors of 0.149 lack was found by comparing the two.

mod converters;
mod editors;
mod metrics;

use super::{
    context::{Context, Dialect, Functions},
    signature::Function,
};

/// The functions that a text may call.
pub(crate) fn functions(dialect: Dialect) -> impl Iterator<Item = &'static Function> {
    let own: &[&[Function]] = match (dialect.functions, dialect.context) {
        (Functions::Filter, Context::Span) => &[converters::OF_SPANS],
        (Functions::Filter, Context::Metric) => &[converters::OF_METRICS],
        (Functions::Filter, _) => &[],
        (Functions::Transform, Context::Log) => &[editors::ALL, converters::OF_LOGS],
        (Functions::Transform, Context::Span) => &[editors::ALL, converters::OF_SPANS, editors::OF_SPANS],
        (Functions::Transform, Context::Metric) => &[editors::ALL, metrics::OF_METRICS],
        (Functions::Transform, Context::DataPoint) => &[editors::ALL, metrics::OF_POINTS],
        (Functions::Transform, _) => &[editors::ALL],
    };
    converters::ALL.iter().chain(own.iter().copied().flatten())
}

/// The function of a name that a text may call.
pub(crate) fn function(dialect: Dialect, name: &str) -> Option<&'static Function> {
    functions(dialect).find(|function| function.name == name)
}

/// Every function of any text.
pub(crate) fn every_function() -> impl Iterator<Item = &'static Function> {
    [
        converters::ALL,
        converters::OF_SPANS,
        converters::OF_METRICS,
        converters::OF_LOGS,
        editors::ALL,
        editors::OF_SPANS,
        metrics::OF_METRICS,
        metrics::OF_POINTS,
    ]
    .into_iter()
    .flatten()
}
