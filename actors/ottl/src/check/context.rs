//! Contexts: what a statement or a condition is asked of.

use std::fmt;

use super::field::Root;

/// What a statement runs on, or a condition is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Each resource.
    Resource,
    /// Each instrumentation scope.
    Scope,
    /// Each log record.
    Log,
    /// Each span.
    Span,
    /// Each event of each span.
    SpanEvent,
    /// Each metric.
    Metric,
    /// Each point of each metric.
    DataPoint,
}

impl Context {
    /// All of them, the nearest to a record first, as `defaultContextInferPriority` has them.
    pub const ALL: [Self; 7] =
        [Self::Log, Self::DataPoint, Self::Metric, Self::SpanEvent, Self::Span, Self::Scope, Self::Resource];

    /// Its name, which is also the first segment of its paths.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Scope => "scope",
            Self::Log => "log",
            Self::Span => "span",
            Self::SpanEvent => "spanevent",
            Self::Metric => "metric",
            Self::DataPoint => "datapoint",
        }
    }

    /// The context of a name; `instrumentation_scope` is the older name of `scope`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "instrumentation_scope" => Some(Self::Scope),
            _ => Self::ALL.into_iter().find(|context| context.name() == name),
        }
    }

    /// What a path may begin with in this context, and what it then speaks of; its own name first.
    pub(crate) const fn roots(self) -> &'static [(&'static str, Root)] {
        const RESOURCE: (&str, Root) = ("resource", Root::Resource);
        const SCOPE: (&str, Root) = ("scope", Root::Scope);
        const OLD_SCOPE: (&str, Root) = ("instrumentation_scope", Root::Scope);
        const COLLECTOR: (&str, Root) = ("otelcol", Root::Collector);
        match self {
            Self::Resource => &[RESOURCE, COLLECTOR],
            Self::Scope => &[SCOPE, OLD_SCOPE, RESOURCE, COLLECTOR],
            Self::Log => &[("log", Root::Log), SCOPE, OLD_SCOPE, RESOURCE, COLLECTOR],
            Self::Span => &[("span", Root::Span), SCOPE, OLD_SCOPE, RESOURCE, COLLECTOR],
            Self::SpanEvent => {
                &[("spanevent", Root::SpanEvent), ("span", Root::Span), SCOPE, OLD_SCOPE, RESOURCE, COLLECTOR]
            }
            Self::Metric => &[("metric", Root::Metric), SCOPE, OLD_SCOPE, RESOURCE, COLLECTOR],
            Self::DataPoint => {
                &[("datapoint", Root::DataPoint), ("metric", Root::Metric), SCOPE, OLD_SCOPE, RESOURCE, COLLECTOR]
            }
        }
    }

    /// What a path without a context speaks of.
    pub(crate) const fn own_root(self) -> Root {
        match self {
            Self::Resource => Root::Resource,
            Self::Scope => Root::Scope,
            Self::Log => Root::Log,
            Self::Span => Root::Span,
            Self::SpanEvent => Root::SpanEvent,
            Self::Metric => Root::Metric,
            Self::DataPoint => Root::DataPoint,
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whose statements and conditions are read, which decides which functions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Functions {
    /// The conditions of the filter processor (and those that guard a group of the transform processor): converters
    /// alone.
    Filter,
    /// The statements of the transform processor.
    Transform,
}

/// How a text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// What it is asked of.
    pub context: Context,
    /// Which functions there are.
    pub functions: Functions,
    /// Whether each path begins with a context (`log.body`), as it must where the configuration names none.
    pub prefixed: bool,
}

impl Dialect {
    /// A condition of the filter processor.
    #[must_use]
    pub const fn filter(context: Context) -> Self {
        Self { context, functions: Functions::Filter, prefixed: false }
    }

    /// A statement of the transform processor.
    #[must_use]
    pub const fn transform(context: Context) -> Self {
        Self { context, functions: Functions::Transform, prefixed: false }
    }

    /// The same where each path must begin with a context.
    #[must_use]
    pub const fn prefixed(self) -> Self {
        Self { prefixed: true, ..self }
    }
}
