//! The kinds of telemetry, and how much there is.

use std::fmt;

use super::{LogRecord, Metric, MetricData, Resourced, Span, Telemetry};

/// A kind of telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// Log records.
    Logs,
    /// Metric points.
    Metrics,
    /// Spans.
    Traces,
}

impl Signal {
    /// Its name in the collector's configuration: `logs`, `metrics`, `traces`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Metrics => "metrics",
            Self::Traces => "traces",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl MetricData {
    /// How many points there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Gauge(points) | Self::Sum { points, .. } => points.len(),
            Self::Histogram { points, .. } => points.len(),
            Self::ExponentialHistogram { points, .. } => points.len(),
            Self::Summary(points) => points.len(),
        }
    }
}

impl Telemetry {
    /// Nothing, of a kind.
    #[must_use]
    pub const fn empty(signal: Signal) -> Self {
        match signal {
            Signal::Logs => Self::Logs(Vec::new()),
            Signal::Metrics => Self::Metrics(Vec::new()),
            Signal::Traces => Self::Traces(Vec::new()),
        }
    }

    /// The kind of the records.
    #[must_use]
    pub const fn signal(&self) -> Signal {
        match self {
            Self::Logs(_) => Signal::Logs,
            Self::Metrics(_) => Signal::Metrics,
            Self::Traces(_) => Signal::Traces,
        }
    }

    /// How many log records, data points or spans there are: what the collector's own metrics count
    /// (`otelcol_receiver_accepted_log_records`, `_metric_points`, `_spans` and their like).
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Logs(resources) => sum(resources, |_| 1),
            Self::Metrics(resources) => sum(resources, |metric| metric.data.count()),
            Self::Traces(resources) => sum(resources, |_| 1),
        }
    }

    /// Whether there is nothing at all, not even a resource without records.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        match self {
            Self::Logs(resources) => resources.is_empty(),
            Self::Metrics(resources) => resources.is_empty(),
            Self::Traces(resources) => resources.is_empty(),
        }
    }

    /// Takes out what holds no record: metrics without points, then scopes without records, then resources without scopes,
    /// as processors that drop records do.
    pub fn remove_empty(&mut self) {
        match self {
            Self::Logs(resources) => remove_empty(resources, |_: &LogRecord| true),
            Self::Metrics(resources) => remove_empty(resources, |metric: &Metric| metric.data.count() > 0),
            Self::Traces(resources) => remove_empty(resources, |_: &Span| true),
        }
    }
}

/// Adds up over all records.
fn sum<T>(resources: &[Resourced<T>], count: impl Fn(&T) -> usize) -> usize {
    resources.iter().flat_map(|resource| &resource.scopes).flat_map(|scope| &scope.records).map(count).sum()
}

/// Keeps the records that hold something, and what holds records.
fn remove_empty<T>(resources: &mut Vec<Resourced<T>>, keep: impl Fn(&T) -> bool) {
    resources.retain_mut(|resource| {
        resource.scopes.retain_mut(|scope| {
            scope.records.retain(&keep);
            !scope.records.is_empty()
        });
        !resource.scopes.is_empty()
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{NumberPoint, Scoped};

    fn of<T>(scopes: Vec<Vec<T>>) -> Resourced<T> {
        let scopes = scopes.into_iter().map(|records| Scoped { records, ..scoped() }).collect();
        Resourced { resource: Default::default(), schema_url: String::new(), scopes }
    }

    fn scoped<T>() -> Scoped<T> {
        Scoped { scope: Default::default(), schema_url: String::new(), records: Vec::new() }
    }

    fn gauge(points: usize) -> Metric {
        Metric { data: MetricData::Gauge(vec![NumberPoint::default(); points]), ..Metric::default() }
    }

    #[test]
    fn points_are_counted_and_not_metrics() {
        let metrics = Telemetry::Metrics(vec![of(vec![vec![gauge(2), gauge(0)], vec![gauge(1)]]), of(vec![])]);
        assert_eq!(metrics.count(), 3);
        assert_eq!(metrics.signal(), Signal::Metrics);
        let logs = Telemetry::Logs(vec![of(vec![vec![LogRecord::default(); 2], vec![]])]);
        assert_eq!(logs.count(), 2);
    }

    #[test]
    fn what_holds_no_record_is_taken_out_upwards() {
        let mut metrics = Telemetry::Metrics(vec![
            of(vec![vec![gauge(0), gauge(1)], vec![gauge(0)], vec![]]),
            of(vec![vec![gauge(0)]]),
            of(vec![]),
        ]);
        metrics.remove_empty();
        assert_eq!(metrics, Telemetry::Metrics(vec![of(vec![vec![gauge(1)]])]));

        let mut spans = Telemetry::Traces(vec![of(vec![vec![]])]);
        assert!(!spans.is_empty());
        spans.remove_empty();
        assert_eq!(spans, Telemetry::empty(Signal::Traces));
        assert!(spans.is_empty());
    }
}
