//! Records dropped by conditions.

use super::{
    Run,
    visit::{Outer, any_holds, in_scope, of_resource, points},
};
use crate::{
    check::{Condition, Context},
    eval::Subject,
    record::{LogRecord, Metric, MetricData, Resourced, Span, Telemetry},
};

/// Drops the records on which any of the conditions holds.
///
/// Conditions of each context are asked of what it is: a resource on which one holds goes with all that is in it, and so
/// on down to the events of spans and the points of metrics. What has nothing left goes too: scopes and resources
/// always, metrics where conditions of points are given; a span stays without its events. A condition that cannot be
/// worked out counts as one that does not hold. Conditions of contexts that the signal does not have are passed over.
pub fn filter(telemetry: &mut Telemetry, conditions: &[Condition], run: &mut Run) {
    let of = |context| conditions.iter().filter(|condition| condition.context() == context).collect::<Vec<_>>();
    let (resources, scopes) = (of(Context::Resource), of(Context::Scope));
    match telemetry {
        Telemetry::Logs(resourced) => {
            let logs = of(Context::Log);
            filter_records(resourced, &resources, &scopes, !logs.is_empty(), run, |outer, log: &mut LogRecord, run| {
                !any_holds(&logs, &mut outer.env(Subject::Log(log), run))
            });
        }
        Telemetry::Traces(resourced) => {
            let (spans, events) = (of(Context::Span), of(Context::SpanEvent));
            let asked = !spans.is_empty() || !events.is_empty();
            filter_records(resourced, &resources, &scopes, asked, run, |outer, span: &mut Span, run| {
                if any_holds(&spans, &mut outer.env(Subject::Span(span), run)) {
                    return false;
                }
                if !events.is_empty() {
                    drop_events(outer, span, &events, run);
                }
                true
            });
        }
        Telemetry::Metrics(resourced) => {
            let (metrics, of_points) = (of(Context::Metric), of(Context::DataPoint));
            let asked = !metrics.is_empty() || !of_points.is_empty();
            filter_records(resourced, &resources, &scopes, asked, run, |outer, metric: &mut Metric, run| {
                if any_holds(&metrics, &mut outer.env(Subject::Metric(metric), run)) {
                    return false;
                }
                of_points.is_empty() || drop_points(outer, metric, &of_points, run)
            });
        }
    }
}

/// Drops what conditions of resources, of scopes and `keep` say, and what has nothing left.
fn filter_records<T>(
    all: &mut Vec<Resourced<T>>,
    of_resources: &[&Condition],
    of_scopes: &[&Condition],
    of_records: bool,
    run: &mut Run,
    mut keep: impl FnMut(&mut Outer<'_>, &mut T, &mut Run) -> bool,
) {
    if of_resources.is_empty() && of_scopes.is_empty() && !of_records {
        return;
    }
    all.retain_mut(|resourced| {
        if any_holds(of_resources, &mut of_resource(resourced).env(Subject::Surroundings, run)) {
            return false;
        }
        if of_scopes.is_empty() && !of_records {
            return !resourced.scopes.is_empty();
        }
        let Resourced { resource, schema_url, scopes } = resourced;
        scopes.retain_mut(|scoped| {
            in_scope(resource, schema_url, scoped, |outer, records| {
                if any_holds(of_scopes, &mut outer.env(Subject::Surroundings, run)) {
                    return false;
                }
                if of_records {
                    records.retain_mut(|record| keep(outer, record, run));
                }
                !records.is_empty()
            })
        });
        !scopes.is_empty()
    });
}

/// Drops events; those behind one that is dropped keep asking by the number that they had.
fn drop_events(outer: &mut Outer<'_>, span: &mut Span, conditions: &[&Condition], run: &mut Run) {
    let drops: Vec<bool> = (0..span.events.len())
        .map(|index| any_holds(conditions, &mut outer.env(Subject::Event { span, index }, run)))
        .collect();
    let mut drops = drops.into_iter();
    span.events.retain(|_| !drops.next().unwrap_or_default());
}

/// Drops points; tells whether the metric stays.
fn drop_points(outer: &mut Outer<'_>, metric: &mut Metric, conditions: &[&Condition], run: &mut Run) -> bool {
    let Some(count) = points(metric) else { return true };
    let drops: Vec<bool> =
        (0..count).map(|index| any_holds(conditions, &mut outer.env(Subject::Point { metric, index }, run))).collect();
    let mut drops = drops.into_iter();
    let mut keep = || !drops.next().unwrap_or_default();
    match &mut metric.data {
        MetricData::Empty => {}
        MetricData::Gauge(points) | MetricData::Sum { points, .. } => points.retain(|_| keep()),
        MetricData::Histogram { points, .. } => points.retain(|_| keep()),
        MetricData::ExponentialHistogram { points, .. } => points.retain(|_| keep()),
        MetricData::Summary(points) => points.retain(|_| keep()),
    }
    points(metric) != Some(0)
}
