//! Records of a request, each with what it stands in.

use super::Run;
use crate::{
    check::Condition,
    eval::{Env, Subject},
    record::{Metric, MetricData, Resourced, Scope, Scoped},
};

/// Whether any of the conditions holds; one that is an error does not.
pub(super) fn any_holds(conditions: &[&Condition], env: &mut Env<'_>) -> bool {
    conditions.iter().any(|condition| {
        if env.run.is_exhausted() {
            return false;
        }
        match env.test(&condition.test) {
            Ok(holds) => holds,
            Err(error) => {
                env.run.ignore(condition.text(), error);
                false
            }
        }
    })
}

/// The scope of records and what it stands in.
pub(super) struct Outer<'a> {
    pub(super) resource: &'a mut crate::record::Resource,
    pub(super) resource_schema: &'a mut String,
    pub(super) scope: Option<(&'a mut Scope, &'a mut String)>,
}

impl Outer<'_> {
    pub(super) fn env<'e>(&'e mut self, record: Subject<'e>, run: &'e mut Run) -> Env<'e> {
        Env {
            resource: self.resource,
            resource_schema: self.resource_schema,
            scope: self.scope.as_mut().map(|(scope, schema)| (&mut **scope, &mut **schema)),
            record,
            new_metrics: Vec::new(),
            cache: crate::record::Attributes::default(),
            run,
        }
    }
}

/// A resource without a scope.
pub(super) fn of_resource<T>(resourced: &mut Resourced<T>) -> Outer<'_> {
    Outer { resource: &mut resourced.resource, resource_schema: &mut resourced.schema_url, scope: None }
}

/// Each scope of a resource with its records.
pub(super) fn each_scope<T>(resourced: &mut Resourced<T>, mut visit: impl FnMut(&mut Outer<'_>, &mut Vec<T>)) {
    let Resourced { resource, schema_url, scopes } = resourced;
    for scoped in scopes {
        in_scope(resource, schema_url, scoped, &mut visit);
    }
}

/// A scope of a resource with its records.
pub(super) fn in_scope<T, R>(
    resource: &mut crate::record::Resource,
    resource_schema: &mut String,
    scoped: &mut Scoped<T>,
    visit: impl FnOnce(&mut Outer<'_>, &mut Vec<T>) -> R,
) -> R {
    let Scoped { scope, schema_url, records } = scoped;
    visit(&mut Outer { resource, resource_schema, scope: Some((scope, schema_url)) }, records)
}

/// How many points a metric has; `None` where it has no type.
pub(super) fn points(metric: &Metric) -> Option<usize> {
    (metric.data != MetricData::Empty).then(|| metric.data.count())
}
