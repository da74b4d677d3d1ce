//! Records changed by statements.

use super::{
    Run,
    visit::{Outer, any_holds, each_scope, of_resource, points},
};
use crate::{
    check::{Condition, Context, Statement},
    eval::{Env, Subject},
    record::{Held as _, Metric, Resourced, Telemetry},
};

/// More metrics than these are not made of one request: statements that make metrics run on those too.
const MAX_NEW_METRICS: usize = 1_000;

/// Statements that run one after another on each record of one context.
#[derive(Debug)]
pub struct Statements {
    /// What they run on.
    pub context: Context,
    /// They run where any of these holds, or always when there are none; of the same context.
    pub conditions: Vec<Condition>,
    /// The statements, of the same context.
    pub statements: Vec<Statement>,
}

impl Statements {
    fn run(&self, mut env: Env<'_>) -> Vec<Metric> {
        let conditions: Vec<&Condition> = self.conditions.iter().collect();
        if !conditions.is_empty() && !any_holds(&conditions, &mut env) {
            return env.new_metrics;
        }
        for statement in &self.statements {
            if env.run.is_exhausted() {
                break;
            }
            let result = env.test(&statement.test).and_then(|holds| match holds {
                true => env.call(&statement.call).map(|_| ()),
                false => Ok(()),
            });
            if let Err(error) = result {
                env.run.ignore(statement.text(), error);
            }
        }
        env.run.budget().release(env.cache.held());
        env.new_metrics
    }

    /// Runs on each resource, on each scope, or by `on_records` on what is in each scope.
    fn run_on<T>(
        &self,
        all: &mut [Resourced<T>],
        run: &mut Run,
        mut on_records: impl FnMut(&mut Outer<'_>, &mut Vec<T>, &mut Run),
    ) {
        for resourced in all {
            if self.context == Context::Resource {
                self.run(of_resource(resourced).env(Subject::Surroundings, run));
                continue;
            }
            each_scope(resourced, |outer, records| match self.context {
                Context::Scope => {
                    self.run(outer.env(Subject::Surroundings, run));
                }
                _ => on_records(outer, records, run),
            });
        }
    }
}

/// Runs groups of statements, each over all records of its context before the next.
///
/// A statement that cannot be worked out changes nothing, and those behind it run. What statements of a group put into
/// the cache is there for those behind them, on the same record. Groups of contexts that the signal does not have are
/// passed over.
pub fn transform(telemetry: &mut Telemetry, groups: &[Statements], run: &mut Run) {
    if run.budget().weigh(telemetry).is_err() {
        return;
    }
    for group in groups {
        match telemetry {
            Telemetry::Logs(all) => group.run_on(all, run, |outer, logs, run| {
                if group.context == Context::Log {
                    for log in logs {
                        group.run(outer.env(Subject::Log(log), run));
                    }
                }
            }),
            Telemetry::Traces(all) => group.run_on(all, run, |outer, spans, run| {
                for span in spans {
                    match group.context {
                        Context::Span => {
                            group.run(outer.env(Subject::Span(span), run));
                        }
                        Context::SpanEvent => {
                            let mut index = 0;
                            while index < span.events.len() {
                                group.run(outer.env(Subject::Event { span, index }, run));
                                index += 1;
                            }
                        }
                        _ => {}
                    }
                }
            }),
            Telemetry::Metrics(all) => {
                group.run_on(all, run, |outer, metrics, run| transform_metrics(group, outer, metrics, run));
            }
        }
    }
}

fn transform_metrics(group: &Statements, outer: &mut Outer<'_>, metrics: &mut Vec<Metric>, run: &mut Run) {
    let most = metrics.len() + MAX_NEW_METRICS;
    let mut index = 0;
    match group.context {
        // New metrics stand behind the others, and are come to in their turn.
        Context::Metric => {
            while let Some(metric) = metrics.get_mut(index) {
                let new = group.run(outer.env(Subject::Metric(metric), run));
                metrics.extend(new);
                metrics.truncate(most);
                index += 1;
            }
        }
        Context::DataPoint => {
            while let Some(metric) = metrics.get_mut(index) {
                let mut new = Vec::new();
                let mut point = 0;
                while point < points(metric).unwrap_or_default() {
                    new.extend(group.run(outer.env(Subject::Point { metric, index: point }, run)));
                    point += 1;
                }
                metrics.extend(new);
                metrics.truncate(most);
                index += 1;
            }
        }
        _ => {}
    }
}
