//! Records that come back: a destination that points at a source of the same collector.

use std::collections::{BTreeSet, VecDeque};

use linkmesh_proto::{PipelineId, api::catalogue::Role};

use super::{Checks, CollectorFacts, Part, on_fleet::names};
use crate::{
    catalog::catalogue,
    component::{Bind, Findings, Target},
    domain::{config::ConfigSnapshot, matcher::AttributeLookup, problem::Path, resolve::one_address},
};

/// Whether a destination of this address is the collector's own host.
fn is_own(target: &Target, collector: &CollectorFacts) -> bool {
    let host = target.host.as_str();
    let named = |name: &str| collector.attributes.attribute(name).is_some_and(|own| own.eq_ignore_ascii_case(host));
    is_loopback(host) || one_address(host).is_none() || named("host.name")
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether what is sent to the collector's own host arrives at a source that listens there.
fn arrives(target: &Target, bind: &Bind) -> bool {
    let hears = match (one_address(&bind.host), one_address(&target.host)) {
        (None, _) => true,
        (Some(one), Some(other)) if is_loopback(&target.host) => one == other,
        (Some(_), _) => !is_loopback(&bind.host),
    };
    bind.protocol == "tcp" && bind.port == target.port && hears
}

/// Checks the destinations of a pipeline: an error where its records would come back to it, a warning where they go to
/// another pipeline of the same collector.
pub(super) fn check<'a>(
    checks: &Checks<'a>,
    id: &PipelineId,
    (steps, destinations): (&[Part<'_>], &[Part<'_>]),
    matched: &[&'a CollectorFacts],
    findings: &mut Findings,
) {
    let own: Vec<Bind> = steps
        .iter()
        .filter(|part| part.role == Role::Source)
        .flat_map(|part| part.registered.component().binds(&part.settings))
        .collect();
    for part in destinations {
        for target in part.registered.component().targets(&part.settings) {
            // Nearly every destination is passed over by a look at its port.
            let listens = own.iter().any(|bind| bind.port == target.port);
            if !listens && checks.claims().at_port(target.port).next().is_none() {
                continue;
            }
            let there: Vec<_> = matched.iter().copied().filter(|collector| is_own(&target, collector)).collect();
            if there.is_empty() {
                continue;
            }
            if own.iter().any(|bind| arrives(&target, bind)) {
                let message = format!("sends to {target}, where this pipeline listens itself, on {}", names(there));
                findings.errors.add(part.at.clone(), "loop", message);
                continue;
            }
            let mut walk = Walk { checks, id, own: &own, seen: BTreeSet::new() };
            for (next, there) in walk.receivers(&target, &there) {
                let on = names(there.iter().copied());
                match walk.way_back(&next, there) {
                    Some(way) => {
                        let way = way.iter().map(PipelineId::as_str).collect::<Vec<_>>().join(", then ");
                        let message = format!("records come back by {way}, on {on}");
                        findings.errors.add(part.at.clone(), "loop", message);
                    }
                    None => {
                        let message = format!("sends to the pipeline {next} of the same collector, on {on}");
                        findings.warnings.add(part.at.clone(), "same_collector", message);
                    }
                }
            }
        }
    }
}

struct Walk<'c, 'a> {
    checks: &'c Checks<'a>,
    id: &'c PipelineId,
    own: &'c [Bind],
    seen: BTreeSet<PipelineId>,
}

impl<'a> Walk<'_, 'a> {
    /// The other pipelines that hear what is sent there, each with the collectors on which it does.
    fn receivers(
        &self,
        target: &Target,
        collectors: &[&'a CollectorFacts],
    ) -> Vec<(PipelineId, Vec<&'a CollectorFacts>)> {
        let mut receivers: Vec<(PipelineId, Vec<&CollectorFacts>)> = Vec::new();
        for (pipelines, binds, matchers) in self.checks.claims().at_port(target.port) {
            if !binds.iter().any(|bind| arrives(target, bind)) {
                continue;
            }
            let Some(matchers) = matchers else { continue };
            let runs =
                |collector: &&CollectorFacts| matchers.matches(&*collector.attributes) && is_own(target, collector);
            let there: Vec<_> = collectors.iter().copied().filter(runs).collect();
            if there.is_empty() {
                continue;
            }
            let others = pipelines.iter().filter(|pipeline| ***pipeline != *self.id);
            receivers.extend(others.map(|pipeline| ((*pipeline).clone(), there.clone())));
        }
        receivers
    }

    /// The pipelines by which records come back, the first of them `from`.
    fn way_back(&mut self, from: &PipelineId, collectors: Vec<&'a CollectorFacts>) -> Option<Vec<PipelineId>> {
        let mut waiting = VecDeque::from([(vec![from.clone()], collectors)]);
        self.seen.clear();
        while let Some((way, collectors)) = waiting.pop_front() {
            let Some(last) = way.last().filter(|last| self.seen.insert((*last).clone())) else { continue };
            for target in targets_of(self.checks.config, last) {
                if self.own.iter().any(|bind| arrives(&target, bind)) && collectors.iter().any(|c| is_own(&target, c)) {
                    return Some(way);
                }
                for (next, there) in self.receivers(&target, &collectors) {
                    waiting.push_back((way.iter().cloned().chain([next]).collect(), there));
                }
            }
        }
        None
    }
}

/// Where a stored pipeline sends to.
fn targets_of(config: &ConfigSnapshot, pipeline: &PipelineId) -> Vec<Target> {
    let Some(pipeline) = config.pipelines.get(pipeline) else { return Vec::new() };
    let destinations = pipeline.document.destinations.iter().filter_map(|d| config.destinations.get(d.id()));
    let targets = destinations.filter_map(|destination| {
        let registered = catalogue().get(Role::Destination, &destination.document.kind)?;
        Some(registered.component().targets(&destination.document.settings))
    });
    targets.flatten().collect()
}

/// Checks a destination for every pipeline that sends to it, in a repository that has it.
pub(super) fn check_users<'a>(
    checks: &Checks<'a>,
    users: impl Iterator<Item = &'a PipelineId>,
    part: &Part<'_>,
    findings: &mut Findings,
) {
    let place = Path::root().key("settings");
    let is_heard = |target: &Target| checks.claims().at_port(target.port).next().is_some();
    if !part.registered.component().targets(&part.settings).iter().any(is_heard) {
        return;
    }
    for user in users {
        let Some(pipeline) = checks.config.pipelines.get(user).filter(|pipeline| pipeline.document.enabled) else {
            continue;
        };
        let Ok(selection) = &*checks.select(&pipeline.document.matchers) else { continue };
        let steps = super::check_steps(&pipeline.document, &mut Findings::new(Path::root()));
        let mut found = Findings::new(Path::root());
        check(checks, user, (&steps, std::slice::from_ref(part)), &selection.matched(checks).all, &mut found);
        for (list, problems) in [(&mut findings.errors, found.errors), (&mut findings.warnings, found.warnings)] {
            for problem in problems.into_vec() {
                list.add(&place, &problem.code, format!("the pipeline {user}: {}", problem.message));
            }
        }
    }
}
