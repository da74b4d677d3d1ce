//! The collectors that matchers select, sorted by what checks ask of them.

use std::{cell::OnceCell, collections::BTreeMap, sync::Arc};

use linkmesh_proto::api::collector::Runtime;

use super::{Checks, CollectorFacts, FleetFacts};
use crate::domain::{components::BuildComponents, matcher::MatcherSet, version::Version};

/// What a list of matchers selects.
pub(super) struct Selection<'a> {
    matchers: MatcherSet,
    /// Matchers of attributes that no collector has.
    unknown: Vec<usize>,
    matched: OnceCell<Matched<'a>>,
}

impl<'a> Selection<'a> {
    pub(super) fn new(matchers: MatcherSet, fleet: &FleetFacts<'a>) -> Self {
        let is_known = |name: &str| fleet.collectors.iter().any(|c| c.attributes.contains_key(name));
        let of_all = matchers.matchers().iter().enumerate();
        let unknown = of_all.filter(|(_, matcher)| !is_known(matcher.name())).map(|(index, _)| index).collect();
        Self { matchers, unknown, matched: OnceCell::new() }
    }

    /// The matchers of attributes that no collector has: place and attribute.
    pub(super) fn unknown(&self) -> impl Iterator<Item = (usize, &str)> {
        self.unknown.iter().filter_map(|index| Some((*index, self.matchers.matchers().get(*index)?.name())))
    }

    /// The collectors, of the fleet that it was made for.
    pub(super) fn matched(&self, checks: &Checks<'a>) -> &Matched<'a> {
        let matches = |(_, collector): &(usize, &CollectorFacts)| self.matchers.matches(&*collector.attributes);
        self.matched.get_or_init(|| {
            let collectors = checks.fleet.collectors;
            match self.near(checks) {
                Some(places) => {
                    let near = places.iter().filter_map(|place| Some((*place, collectors.get(*place)?)));
                    Matched::of(near.filter(matches))
                }
                None => Matched::of(collectors.iter().enumerate().filter(matches)),
            }
        })
    }

    /// Collectors that may match, without trying all: those with the rarest of the values that are asked for.
    fn near<'c>(&self, checks: &'c Checks<'a>) -> Option<&'c [usize]> {
        let wanted = self.matchers.matchers().iter().filter_map(|matcher| Some((matcher.name(), matcher.equal_to()?)));
        // An absent attribute is the empty string.
        let wanted = wanted.filter(|(_, value)| !value.is_empty() && checks.is_of_many);
        wanted.map(|(name, value)| checks.having(name, value)).min_by_key(|places| places.len())
    }
}

/// Some collectors of a fleet.
#[derive(Default)]
pub(super) struct Matched<'a> {
    /// All of them.
    pub(super) all: Vec<&'a CollectorFacts>,
    /// Where each of them stands in the fleet.
    pub(super) places: Vec<usize>,
    pub(super) alloys: Vec<&'a CollectorFacts>,
    pub(super) otelcols: Vec<&'a CollectorFacts>,
    /// Those otelcols that said what their build contains, by build: nearly all share one.
    pub(super) builds: Vec<(Arc<BuildComponents>, Vec<&'a CollectorFacts>)>,
    /// Those that reported a version which can be read, by runtime and version: there are few.
    pub(super) versions: Vec<(Runtime, Version, Vec<&'a CollectorFacts>)>,
}

impl<'a> Matched<'a> {
    /// These collectors, each with its place in the fleet.
    pub(super) fn of(collectors: impl Iterator<Item = (usize, &'a CollectorFacts)>) -> Self {
        let mut matched = Self::default();
        let mut builds: BTreeMap<*const BuildComponents, (Arc<BuildComponents>, Vec<&'a CollectorFacts>)> =
            BTreeMap::new();
        let mut versions: BTreeMap<(Runtime, &str), Vec<&CollectorFacts>> = BTreeMap::new();
        for (place, collector) in collectors {
            matched.all.push(collector);
            matched.places.push(place);
            match collector.runtime {
                Runtime::Alloy => matched.alloys.push(collector),
                Runtime::Otelcol => matched.otelcols.push(collector),
            }
            if let (Runtime::Otelcol, Some(build)) = (collector.runtime, &collector.components)
                && !build.is_empty()
            {
                let same = builds.entry(Arc::as_ptr(build)).or_insert_with(|| (Arc::clone(build), Vec::new()));
                same.1.push(collector);
            }
            if let Some(version) = &collector.version {
                versions.entry((collector.runtime, version)).or_default().push(collector);
            }
        }
        matched.builds = builds.into_values().collect();
        let read = |((runtime, reported), collectors)| Some((runtime, Version::read(reported)?, collectors));
        matched.versions = versions.into_iter().filter_map(read).collect();
        matched
    }
}
