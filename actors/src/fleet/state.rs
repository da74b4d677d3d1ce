//! Matching and rendering, without actors.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use linkmesh_proto::{CollectorId, PipelineId, api::collector::Runtime};

mod groups;
mod having;

pub(super) use groups::would_be_withheld;
use groups::{Group, TextKey, text_key};
use having::Having;

use super::diff::Diff;
use crate::{
    collector::ComponentRegistry,
    directory::{Directory, Place, Slot, Text},
    domain::{
        attributes::{Identity, merge},
        config::ConfigSnapshot,
        matcher::{Attributes, MatcherSet},
        secret::Sealer,
    },
    ports::CollectorRecord,
};

/// What the fleet looks at.
pub(crate) struct World<'a> {
    pub(crate) config: Arc<ConfigSnapshot>,
    pub(crate) directory: &'a Directory,
    pub(crate) components: &'a ComponentRegistry,
    pub(crate) sealer: &'a dyn Sealer,
    pub(crate) now: Duration,
}

/// A collector that another text is desired of.
#[derive(Debug)]
pub(crate) struct Touched {
    pub(crate) slot: Arc<Slot>,
    /// Pipelines that it ran or runs now.
    pub(crate) pipelines: Arc<[PipelineId]>,
}

/// What looking at the world brought.
#[derive(Debug)]
pub(crate) struct Look {
    /// The collectors of which another text is desired.
    pub(crate) touched: Vec<Touched>,
    /// The collectors whose name or labels another revision changed.
    pub(crate) relabelled: Vec<CollectorId>,
}

struct Member {
    slot: Arc<Slot>,
    pipelines: Arc<[PipelineId]>,
    /// `None`: nothing is desired of it.
    key: Option<TextKey>,
}

/// A pipeline's matchers, and by which attribute it can be found.
struct Rule {
    texts: Vec<String>,
    enabled: bool,
    matchers: MatcherSet,
}

impl Rule {
    /// An attribute and the value that every collector has which it selects.
    fn asked_for(&self) -> Option<(&str, &str)> {
        // A matcher for the empty value also selects who lacks the attribute, and cannot be found by it.
        self.matchers.matchers().iter().find_map(|matcher| {
            matcher.equal_to().filter(|value| !value.is_empty()).map(|value| (matcher.name(), value))
        })
    }
}

/// Which collector runs which pipelines, and the texts.
#[derive(Default)]
pub(crate) struct FleetState {
    config: Arc<ConfigSnapshot>,
    rules: BTreeMap<PipelineId, Rule>,
    index: RuleIndex,
    having: Having,
    members: HashMap<CollectorId, Member>,
    groups: HashMap<TextKey, Group>,
    /// Collectors of which a problem came or went since it was last asked.
    unsettled: Vec<CollectorId>,
}

impl FleetState {
    /// Brings every collector's place up to the world as it is: what changed between the revisions, and these
    /// collectors. Asked again, it changes nothing.
    pub(crate) fn reconcile(&mut self, world: &World<'_>, mut changed: HashSet<CollectorId>) -> Look {
        let diff = Diff::between(&self.config, &world.config);
        self.config = Arc::clone(&world.config);
        changed.extend(diff.collectors.iter().copied());
        let rematch = self.take_rules(&diff);

        let mut moved: HashMap<CollectorId, Arc<[PipelineId]>> = HashMap::new();
        for id in self.affected(&rematch).into_iter().filter(|id| !changed.contains(id)) {
            let Some(member) = self.members.get(&id) else { continue };
            moved.extend(self.flipped(member, &rematch).map(|pipelines| (id, pipelines)));
        }
        for id in changed {
            match world.directory.slot(id).filter(|slot| !slot.is_deregistered()) {
                Some(slot) => {
                    let attributes = self.refresh_facts(&slot);
                    moved.insert(id, self.matching(&attributes));
                    self.members.entry(id).or_insert_with(|| Member { slot, pipelines: Arc::default(), key: None });
                }
                None => self.remove(id),
            }
        }
        // Who stays where it is may have told another build.
        let mut again = Vec::new();
        let mut before: HashMap<CollectorId, Arc<[PipelineId]>> = HashMap::new();
        for (id, pipelines) in moved {
            match self.regroup(id, pipelines, world) {
                Some(old) => drop(before.insert(id, old)),
                None => again.push(id),
            }
        }

        for (key, group) in &mut self.groups {
            if diff.everything || key.pipelines.iter().any(|pipeline| diff.texts.contains(pipeline)) {
                group.is_rendered = false;
            }
        }
        Look { touched: self.deliver(world, &before, again), relabelled: diff.collectors }
    }

    /// The collectors of which a problem came or went, whether they have another text or not.
    pub(crate) fn take_unsettled(&mut self) -> Vec<CollectorId> {
        std::mem::take(&mut self.unsettled)
    }

    /// How many collectors run each pipeline.
    pub(crate) fn counts(&self) -> BTreeMap<PipelineId, u64> {
        let mut counts = BTreeMap::new();
        for (key, group) in &self.groups {
            for pipeline in key.pipelines.iter() {
                *counts.entry(pipeline.clone()).or_default() += group.members.len() as u64;
            }
        }
        counts
    }

    /// Takes over matchers that changed; answers the pipelines that have to be matched again.
    fn take_rules(&mut self, diff: &Diff) -> Vec<PipelineId> {
        let mut rematch = Vec::new();
        for id in &diff.pipelines {
            let new = self.config.pipelines.get(id).map(|pipeline| &pipeline.document);
            let same = match (self.rules.get(id), new) {
                (Some(rule), Some(new)) => rule.texts == new.matchers && rule.enabled == new.enabled,
                (None, None) => true,
                _ => false,
            };
            if same {
                continue;
            }
            rematch.push(id.clone());
            match new {
                None => drop(self.rules.remove(id)),
                Some(new) => {
                    // What a hand-made commit brought in and cannot be read matches nothing.
                    let matchers = MatcherSet::parse(&new.matchers).unwrap_or_default();
                    let rule = Rule { texts: new.matchers.clone(), enabled: new.enabled, matchers };
                    self.rules.insert(id.clone(), rule);
                }
            }
        }
        if !rematch.is_empty() {
            self.index = RuleIndex::new(&self.rules);
            let members = &self.members;
            let all = || members.iter().map(|(id, member)| (*id, member.slot.place().attributes.clone())).collect();
            self.having.account_for(self.index.by_value.keys(), all);
        }
        rematch
    }

    /// The collectors that may select other pipelines now that these have other rules: those that run one of them, and
    /// those with the value that its rule asks for. All of them where it asks for none.
    fn affected(&self, rematch: &[PipelineId]) -> HashSet<CollectorId> {
        let mut affected = HashSet::new();
        for id in rematch {
            if let Some(rule) = self.rules.get(id).filter(|rule| rule.enabled) {
                match rule.asked_for().and_then(|(name, value)| self.having.collectors(name, value)) {
                    Some(collectors) => affected.extend(collectors),
                    None => return self.members.keys().copied().collect(),
                }
            }
        }
        let running = self.groups.iter().filter(|(key, _)| rematch.iter().any(|id| key.pipelines.contains(id)));
        affected.extend(running.flat_map(|(_, group)| &group.members));
        affected
    }

    /// The pipelines of a collector after these rules changed; `None` when they are the same.
    fn flipped(&self, member: &Member, rematch: &[PipelineId]) -> Option<Arc<[PipelineId]>> {
        let place = member.slot.place();
        let differs =
            |id: &&PipelineId| self.matches(id, &place.attributes) != member.pipelines.binary_search(id).is_ok();
        rematch.iter().any(|id| differs(&id)).then(|| self.matching(&place.attributes))
    }

    fn matches(&self, id: &PipelineId, attributes: &Attributes) -> bool {
        self.rules.get(id).is_some_and(|rule| rule.enabled && rule.matchers.matches(attributes))
    }

    /// The pipelines that these attributes select, in the order of their ids.
    fn matching(&self, attributes: &Attributes) -> Arc<[PipelineId]> {
        let mut found: Vec<PipelineId> =
            self.index.candidates(attributes).filter(|id| self.matches(id, attributes)).cloned().collect();
        found.sort_unstable();
        found.into()
    }

    /// Merges what matchers see of a collector, and its name, into its place.
    fn refresh_facts(&mut self, slot: &Slot) -> Arc<Attributes> {
        let record = slot.record();
        let document = self.config.collectors.get(&slot.id()).map(|collector| &collector.document);
        let nothing = BTreeMap::new();
        let operator = document.map_or(&nothing, |document| &document.labels);
        let name = document.map_or(record.name.as_str(), |document| document.name.as_str());
        let attributes = Arc::new(attributes_of(&record, name, operator));
        let operator_labels = Arc::new(operator.clone());
        let labels = if record.enrolment_labels.is_empty() {
            Arc::clone(&operator_labels)
        } else {
            let mut labels = record.enrolment_labels.clone();
            labels.extend(operator.iter().map(|(key, value)| (key.clone(), value.clone())));
            Arc::new(labels)
        };
        let mut place = Place::clone(&slot.place());
        let before = self.members.contains_key(&slot.id()).then(|| Arc::clone(&place.attributes));
        self.having.replace(slot.id(), before.as_deref(), Some(&attributes));
        place.name = name.into();
        place.attributes = Arc::clone(&attributes);
        place.labels = labels;
        place.operator_labels = operator_labels;
        slot.set_place(place);
        attributes
    }

    /// Moves a collector to the group of this set of pipelines; answers the set before. `None` when it stays where it
    /// is.
    fn regroup(
        &mut self,
        id: CollectorId,
        pipelines: Arc<[PipelineId]>,
        world: &World<'_>,
    ) -> Option<Arc<[PipelineId]>> {
        let member = self.members.get_mut(&id)?;
        let key = text_key(&member.slot, Arc::clone(&pipelines), world.components);
        // After a restart of the fleet a place may still hold what is not desired any more.
        let is_stale = key.is_none() && member.slot.place().text.is_some();
        if key == member.key && pipelines == member.pipelines && !is_stale {
            return None;
        }
        if let Some(old) = member.key.take()
            && let Some(group) = self.groups.get_mut(&old)
        {
            group.members.remove(&id);
            if group.members.is_empty() && Some(&old) != key.as_ref() {
                self.groups.remove(&old);
            }
        }
        if let Some(key) = &key {
            self.groups.entry(key.clone()).or_default().members.insert(id);
        }
        member.key = key;
        Some(std::mem::replace(&mut member.pipelines, pipelines))
    }

    fn remove(&mut self, id: CollectorId) {
        let Some(Member { slot, key, .. }) = self.members.remove(&id) else { return };
        self.having.replace(id, Some(&slot.place().attributes), None);
        if let Some(key) = key
            && let Some(group) = self.groups.get_mut(&key)
        {
            group.members.remove(&id);
            if group.members.is_empty() {
                self.groups.remove(&key);
            }
        }
    }

    /// Renders what is not rendered and puts the texts into the places. `moved` are collectors whose set of pipelines
    /// changed, with the set before.
    /// `again` are collectors that are to be looked at although they stay with their text.
    fn deliver(
        &mut self,
        world: &World<'_>,
        moved: &HashMap<CollectorId, Arc<[PipelineId]>>,
        again: Vec<CollectorId>,
    ) -> Vec<Touched> {
        let mut ids: HashSet<CollectorId> = moved.keys().copied().chain(again).collect();
        for (key, group) in &mut self.groups {
            if !group.is_rendered && group.render(key, world) {
                ids.extend(&group.members);
            }
        }
        let mut touched = Vec::new();
        for id in ids {
            let Some(member) = self.members.get(&id) else { continue };
            let group = member.key.as_ref().and_then(|key| self.groups.get(key));
            let pipelines = match moved.get(&id) {
                Some(before) => before.iter().chain(member.pipelines.iter()).cloned().collect(),
                None => Arc::clone(&member.pipelines),
            };
            let placed = member.place(group, world);
            if placed.is_other_problem {
                self.unsettled.push(id);
            }
            if placed.is_other_text {
                touched.push(Touched { slot: Arc::clone(&member.slot), pipelines });
            }
        }
        touched
    }
}

/// What matchers see of a collector that has this name and these labels of the operator.
pub(super) fn attributes_of(record: &CollectorRecord, name: &str, operator: &BTreeMap<String, String>) -> Attributes {
    let reported = &record.row.reported;
    let os = match record.runtime {
        Runtime::Otelcol => reported.get("os.type"),
        Runtime::Alloy => reported.get("collector.os"),
    };
    let identity = Identity {
        id: record.id,
        name,
        runtime: record.runtime,
        version: record.row.version.as_deref(),
        os: os.map(String::as_str),
    };
    merge(reported, &record.enrolment_labels, operator, &identity)
}

/// What became different about a collector's place.
struct Placed {
    is_other_text: bool,
    is_other_problem: bool,
}

impl Member {
    /// Puts text and pipelines into the collector's place.
    fn place(&self, group: Option<&Group>, world: &World<'_>) -> Placed {
        let before = self.slot.place();
        let problem = group.and_then(|group| group.problem_of(&self.slot, world.components));
        // What cannot be rendered, or would be refused as a whole, leaves what the collector has.
        let text = match (group, &problem) {
            (None, _) => None,
            (Some(_), Some(_)) => before.text.clone(),
            (Some(group), None) => group.text.clone(),
        };
        let hash = |text: &Option<Arc<Text>>| text.as_ref().map(|text| text.desired.hash());
        let is_other_text = hash(&text) != hash(&before.text);
        let is_other_problem = problem != before.problem;
        self.slot.set_place(Place {
            pipelines: Arc::clone(&self.pipelines),
            text,
            problem,
            changed_at: if is_other_text { world.now } else { before.changed_at },
            ..Place::clone(&before)
        });
        Placed { is_other_text, is_other_problem }
    }
}

/// Finds the pipelines that may select a collector without trying all: most have a matcher `name="value"`.
#[derive(Default)]
struct RuleIndex {
    by_value: HashMap<String, HashMap<String, Vec<PipelineId>>>,
    others: Vec<PipelineId>,
}

impl RuleIndex {
    fn new(rules: &BTreeMap<PipelineId, Rule>) -> Self {
        let mut index = Self::default();
        for (id, rule) in rules.iter().filter(|(_, rule)| rule.enabled) {
            match rule.asked_for() {
                Some((name, value)) => {
                    let values = index.by_value.entry(name.to_owned()).or_default();
                    values.entry(value.to_owned()).or_default().push(id.clone());
                }
                None => index.others.push(id.clone()),
            }
        }
        index
    }

    fn candidates<'a>(&'a self, attributes: &'a Attributes) -> impl Iterator<Item = &'a PipelineId> {
        let by_value = self.by_value.iter().filter_map(|(name, values)| values.get(attributes.get(name)?)).flatten();
        by_value.chain(&self.others)
    }
}

#[cfg(test)]
mod tests;
