//! Records that come back: a destination that points at a source of the same collector, by an address that the source
//! listens on or a file that it reads.

use std::collections::{BTreeSet, VecDeque};

use linkmesh_proto::{PipelineId, api::catalogue::Role};

use super::{Checks, CollectorFacts, Examined, Part, on_fleet::names};
use crate::{
    catalog::catalogue,
    component::{Bind, Component, Findings, SettingsMap, Target, scalar::files::Files},
    domain::{config::ConfigSnapshot, matcher::AttributeLookup, problem::Path, resolve::one_address},
};

/// Where a destination sends to.
pub(super) enum Goal {
    Address(Target),
    /// A file, and what rotation makes of it.
    Files(Vec<String>),
}

impl Goal {
    fn all(component: &dyn Component, settings: &SettingsMap) -> Vec<Self> {
        let mut goals: Vec<Self> = component.targets(settings).into_iter().map(Self::Address).collect();
        let files = component.writes(settings);
        if !files.is_empty() {
            goals.push(Self::Files(files));
        }
        goals
    }

    /// What a destination does that sends there.
    fn sends(&self) -> String {
        match self {
            Self::Address(target) => format!("sends to {target}"),
            Self::Files(files) => format!("writes {}", files.first().map_or("", String::as_str)),
        }
    }
}

/// What records come to a source by.
pub(super) enum Ear {
    Bind(Bind),
    Files(Files),
}

impl Ear {
    pub(super) fn of(component: &dyn Component, settings: &SettingsMap) -> Vec<Self> {
        let binds = component.binds(settings).into_iter().map(Self::Bind);
        binds.chain(component.reads(settings).map(Self::Files)).collect()
    }

    pub(super) const fn is_files(&self) -> bool {
        matches!(self, Self::Files(_))
    }

    /// Whether what is sent there arrives here, if it is the same collector.
    pub(super) fn hears(&self, goal: &Goal) -> bool {
        match (self, goal) {
            (Self::Bind(bind), Goal::Address(target)) => arrives(target, bind),
            (Self::Files(read), Goal::Files(written)) => written.iter().any(|file| read.hold(file)),
            _ => false,
        }
    }
}

/// Whether a destination of this goal is the collector's own host.
fn is_own(goal: &Goal, collector: &CollectorFacts) -> bool {
    let Goal::Address(target) = goal else { return true };
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
    let own: Vec<Ear> = steps
        .iter()
        .filter(|part| part.role == Role::Source)
        .flat_map(|part| Ear::of(part.registered.component(), &part.settings))
        .collect();
    for part in destinations {
        for goal in Goal::all(part.registered.component(), &part.settings) {
            // Nearly every destination is passed over by a look at its port.
            let comes_back = own.iter().any(|ear| ear.hears(&goal));
            if !comes_back && checks.claims().hearing(&goal).next().is_none() {
                continue;
            }
            let there: Vec<_> = matched.iter().copied().filter(|collector| is_own(&goal, collector)).collect();
            if there.is_empty() {
                continue;
            }
            if comes_back {
                let how = match goal {
                    Goal::Address(_) => "where this pipeline listens itself",
                    Goal::Files(_) => "which this pipeline reads itself",
                };
                let message = format!("{}, {how}, on {}", goal.sends(), names(there));
                findings.errors.add(part.at.clone(), "loop", message);
                continue;
            }
            let mut walk = Walk { checks, id, own: &own, seen: BTreeSet::new() };
            for (next, there) in walk.receivers(&goal, &there) {
                let on = names(there.iter().copied());
                match walk.way_back(&next, there) {
                    Some(way) => {
                        let way = way.iter().map(PipelineId::as_str).collect::<Vec<_>>().join(", then ");
                        let message = format!("records come back by {way}, on {on}");
                        findings.errors.add(part.at.clone(), "loop", message);
                    }
                    None => {
                        let message = match goal {
                            Goal::Address(_) => format!("sends to the pipeline {next} of the same collector, on {on}"),
                            Goal::Files(_) => {
                                format!(
                                    "{}, which the pipeline {next} of the same collector reads, on {on}",
                                    goal.sends()
                                )
                            }
                        };
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
    own: &'c [Ear],
    seen: BTreeSet<PipelineId>,
}

impl<'a> Walk<'_, 'a> {
    /// The other pipelines that hear what is sent there, each with the collectors on which it does.
    fn receivers(&self, goal: &Goal, collectors: &[&'a CollectorFacts]) -> Vec<(PipelineId, Vec<&'a CollectorFacts>)> {
        let mut receivers: Vec<(PipelineId, Vec<&CollectorFacts>)> = Vec::new();
        for (pipelines, matchers) in self.checks.claims().hearing(goal) {
            let Some(matchers) = matchers else { continue };
            let runs =
                |collector: &&CollectorFacts| matchers.matches(&*collector.attributes) && is_own(goal, collector);
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
            for goal in goals_of(self.checks.config, last) {
                if self.own.iter().any(|ear| ear.hears(&goal)) && collectors.iter().any(|c| is_own(&goal, c)) {
                    return Some(way);
                }
                for (next, there) in self.receivers(&goal, &collectors) {
                    waiting.push_back((way.iter().cloned().chain([next]).collect(), there));
                }
            }
        }
        None
    }
}

/// Where a stored pipeline sends to.
fn goals_of(config: &ConfigSnapshot, pipeline: &PipelineId) -> Vec<Goal> {
    let Some(pipeline) = config.pipelines.get(pipeline) else { return Vec::new() };
    let destinations = pipeline.document.destinations.iter().filter_map(|d| config.destinations.get(d.id()));
    let goals = destinations.filter_map(|destination| {
        let registered = catalogue().get(Role::Destination, &destination.document.kind)?;
        Some(Goal::all(registered.component(), &destination.document.settings))
    });
    goals.flatten().collect()
}

/// Checks a destination for every pipeline that sends to it, in a repository that has it.
pub(super) fn check_users<'a>(
    checks: &Checks<'a>,
    users: impl Iterator<Item = &'a PipelineId>,
    part: &Part<'_>,
    findings: &mut Findings,
) {
    let place = Path::root().key("settings");
    let is_heard = |goal: &Goal| checks.claims().hearing(goal).next().is_some();
    if !Goal::all(part.registered.component(), &part.settings).iter().any(is_heard) {
        return;
    }
    for user in users {
        let Some(pipeline) = checks.config.pipelines.get(user).filter(|pipeline| pipeline.document.enabled) else {
            continue;
        };
        let Ok(selection) = &*checks.select(&pipeline.document.matchers) else { continue };
        let examined = pipeline.examined(Examined::of);
        let steps = examined.parts(&pipeline.document, &mut Findings::new(Path::root()));
        let mut found = Findings::new(Path::root());
        check(checks, user, (&steps, std::slice::from_ref(part)), &selection.matched(checks).all, &mut found);
        for (list, problems) in [(&mut findings.errors, found.errors), (&mut findings.warnings, found.warnings)] {
            for problem in problems.into_vec() {
                list.add(&place, &problem.code, format!("the pipeline {user}: {}", problem.message));
            }
        }
    }
}
