//! Who listens where: whether the sources of a pipeline want addresses that others bind differently where both run.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeSet, HashMap, HashSet},
    rc::Rc,
};

use linkmesh_proto::{PipelineId, api::catalogue::Role};

use super::{
    Checks, Matched, Part,
    loops::{Ear, Goal},
    on_fleet::names,
};
use crate::{
    catalog::{Registered, catalogue},
    component::{Bind, Findings, SettingsMap},
    domain::{
        config::ConfigSnapshot,
        matcher::MatcherSet,
        problem::Path,
        resolve::{collision, unopened},
    },
};

/// What the enabled pipelines of a repository listen on.
pub(super) struct Claims<'a> {
    list: Vec<Claim<'a>>,
    /// Their places in the list. Nearly every pipeline is passed over by a look at its ports.
    by_port: HashMap<u16, Vec<usize>>,
    /// The places of those that read files.
    of_files: Vec<usize>,
    /// By port, for each collector the claims that hold there; a collector by its place in the fleet. Made when many
    /// pipelines are checked, of ports that are not all claimed with the same settings.
    by_collector: RefCell<HashMap<u16, Rc<ByCollector>>>,
}

type ByCollector = HashMap<usize, Vec<usize>>;

/// A source that listens, of all pipelines that have it with the same settings for the same collectors.
struct Claim<'a> {
    registered: &'static Registered,
    stated: &'a SettingsMap,
    matchers: &'a [String],
    binds: Vec<Bind>,
    /// All that records can come to it by: the same addresses, and the files that it reads.
    ears: Vec<Ear>,
    /// In the order of their ids.
    pipelines: Vec<&'a PipelineId>,
    settings: OnceCell<SettingsMap>,
    parsed: OnceCell<Option<MatcherSet>>,
}

impl<'a> Claims<'a> {
    pub(super) fn of(config: &'a ConfigSnapshot) -> Self {
        let mut list: Vec<Claim<'a>> = Vec::new();
        let mut known: HashMap<(&str, &SettingsMap, &[String]), usize> = HashMap::new();
        for (id, pipeline) in config.pipelines.iter().filter(|(_, pipeline)| pipeline.document.enabled) {
            let matchers = pipeline.document.matchers.as_slice();
            for source in &pipeline.document.sources {
                let Some(registered) = catalogue().get(Role::Source, &source.kind) else { continue };
                let place = *known.entry((&source.kind, &source.settings, matchers)).or_insert(list.len());
                if place == list.len() {
                    let component = registered.component();
                    list.push(Claim {
                        registered,
                        stated: &source.settings,
                        matchers,
                        binds: component.binds(&source.settings),
                        ears: Ear::of(component, &source.settings),
                        pipelines: Vec::new(),
                        settings: OnceCell::new(),
                        parsed: OnceCell::new(),
                    });
                }
                if let Some(claim) = list.get_mut(place) {
                    claim.pipelines.push(id);
                }
            }
        }
        let mut by_port: HashMap<u16, Vec<usize>> = HashMap::new();
        for (place, claim) in list.iter().enumerate() {
            for port in claim.binds.iter().map(|bind| bind.port).collect::<BTreeSet<_>>() {
                by_port.entry(port).or_default().push(place);
            }
        }
        let of_files =
            (0..).zip(&list).filter(|(_, claim)| claim.ears.iter().any(Ear::is_files)).map(|(place, _)| place);
        let of_files = of_files.collect();
        Self { list, by_port, of_files, by_collector: RefCell::default() }
    }

    /// What hears what is sent to a goal, should that be on the same collector: pipelines, and who runs them (`None` where a
    /// commit by hand broke that).
    pub(super) fn hearing(&self, goal: &Goal) -> impl Iterator<Item = (&[&'a PipelineId], Option<&MatcherSet>)> {
        let places = match goal {
            Goal::Address(target) => self.by_port.get(&target.port),
            Goal::Files(_) => Some(&self.of_files),
        };
        let near = places.into_iter().flatten().filter_map(|place| self.list.get(*place));
        near.filter(|claim| claim.ears.iter().any(|ear| ear.hears(goal))).map(|c| (&*c.pipelines, c.matchers()))
    }

    /// The claims that may meet one of `binds` on one of these collectors, by their places.
    fn near(&self, checks: &Checks<'a>, binds: &[Bind], matched: &Matched<'a>) -> BTreeSet<usize> {
        let mut near = BTreeSet::new();
        for port in binds.iter().map(|bind| bind.port).collect::<BTreeSet<_>>() {
            let Some(claims) = self.by_port.get(&port) else { continue };
            if !checks.is_of_many {
                near.extend(claims);
            } else if self.is_contested(claims) {
                let there = self.by_collector(checks, port, claims);
                near.extend(matched.places.iter().filter_map(|place| there.get(place)).flatten());
            }
        }
        near
    }

    /// How many there are, and of how many it was asked who runs them: what comparing a pipeline with others costs.
    #[cfg(test)]
    pub(super) fn asked(&self) -> (usize, usize) {
        (self.list.len(), self.list.iter().filter(|claim| claim.parsed.get().is_some()).count())
    }

    /// Whether not all want the same.
    fn is_contested(&self, claims: &[usize]) -> bool {
        let mut claims = claims.iter().filter_map(|place| self.list.get(*place));
        let first = claims.next();
        claims.any(|claim| first.is_some_and(|first| !first.wants(claim.kind(), claim.stated)))
    }

    fn by_collector(&self, checks: &Checks<'a>, port: u16, claims: &[usize]) -> Rc<ByCollector> {
        if let Some(known) = self.by_collector.borrow().get(&port) {
            return Rc::clone(known);
        }
        let mut there = ByCollector::new();
        for place in claims {
            let Some(claim) = self.list.get(*place) else { continue };
            if let Ok(selection) = &*checks.select(claim.matchers) {
                for collector in &selection.matched(checks).places {
                    there.entry(*collector).or_default().push(*place);
                }
            }
        }
        let there = Rc::new(there);
        self.by_collector.borrow_mut().insert(port, Rc::clone(&there));
        there
    }
}

impl Claim<'_> {
    fn kind(&self) -> &str {
        self.registered.kind()
    }

    fn wants(&self, kind: &str, stated: &SettingsMap) -> bool {
        self.kind() == kind && self.stated == stated
    }

    /// Whether it is the same receiver as this source.
    fn is_same(&self, part: &Part<'_>) -> bool {
        let kind = part.registered.kind();
        let settings = || self.settings.get_or_init(|| unopened(self.registered, self.stated));
        self.wants(kind, part.stated) || self.kind() == kind && *settings() == part.settings
    }

    /// `None` when a commit by hand broke them: then it runs nowhere.
    fn matchers(&self) -> Option<&MatcherSet> {
        self.parsed.get_or_init(|| MatcherSet::parse(self.matchers).ok()).as_ref()
    }
}

/// Checks the sources of a pipeline, among themselves and against those of others.
pub(super) fn check<'a>(
    checks: &Checks<'a>,
    id: &PipelineId,
    steps: &[Part<'_>],
    matched: &Matched<'a>,
    findings: &mut Findings,
) {
    let sources: Vec<(&Part<'_>, Vec<Bind>)> = steps
        .iter()
        .filter(|part| part.role == Role::Source)
        .map(|part| (part, part.registered.component().binds(&part.settings)))
        .filter(|(_, binds)| !binds.is_empty())
        .collect();
    for (index, (part, binds)) in sources.iter().enumerate() {
        let same =
            |other: &Part<'_>| other.registered.kind() == part.registered.kind() && other.settings == part.settings;
        for (earlier, others) in sources.iter().take(index).filter(|(earlier, _)| !same(earlier)) {
            if let Some(address) = collision(binds, others) {
                let message = format!("{} listens on {address} already, with other settings", earlier.at);
                findings.errors.add(colliding_field(part, binds, others), "port_conflict", message);
            }
        }
        warn_of_own_ports(part, binds, matched, findings);
    }
    if sources.is_empty() || matched.all.is_empty() {
        return;
    }
    let claims = checks.claims();
    for (part, binds) in &sources {
        for claim in claims.near(checks, binds, matched).into_iter().filter_map(|place| claims.list.get(place)) {
            check_claim(id, (part, binds), claim, matched, findings);
            if findings.errors.is_full() {
                return;
            }
        }
    }
}

fn check_claim(
    id: &PipelineId,
    (part, binds): (&Part<'_>, &[Bind]),
    claim: &Claim<'_>,
    matched: &Matched<'_>,
    findings: &mut Findings,
) {
    let mut others = claim.pipelines.iter().filter(|other| **other != id).peekable();
    if others.peek().is_none() || claim.is_same(part) {
        return;
    }
    let Some(address) = collision(binds, &claim.binds) else { return };
    let Some(matchers) = claim.matchers() else { return };
    let both: Vec<_> = matched.all.iter().copied().filter(|c| matchers.matches(&*c.attributes)).collect();
    if both.is_empty() {
        return;
    }
    let both = names(both);
    // A pipeline may listen there twice: once said is enough.
    let mut named = HashSet::new();
    for other in others.filter(|other| named.insert(**other)) {
        let message =
            format!("pipelines {id} and {other} would both listen on {address}, with different settings, on {both}");
        findings.errors.add(colliding_field(part, binds, &claim.binds), "port_conflict", message);
    }
}

/// The field of the first of `binds` that collides with `others`.
fn colliding_field(part: &Part<'_>, binds: &[Bind], others: &[Bind]) -> Path {
    let bind = binds.iter().find(|bind| collision(std::slice::from_ref(bind), others).is_some());
    part.field(bind.map_or("", |bind| bind.field))
}

/// Ports that the runtimes use themselves, unless told otherwise on the host.
fn warn_of_own_ports(part: &Part<'_>, binds: &[Bind], matched: &Matched<'_>, findings: &mut Findings) {
    let own = [(&matched.alloys, 12345, "Alloy's own page"), (&matched.otelcols, 8888, "otelcol's own metrics")];
    for (theirs, port, use_) in own {
        let Some(bind) = binds.iter().find(|bind| bind.port == port) else { continue };
        if !theirs.is_empty() {
            let message = format!("{port} is the port of {use_}, unless the host's own configuration moved it");
            findings.warnings.add(part.field(bind.field), "own_port", message);
        }
    }
}
