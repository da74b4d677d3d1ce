//! What differs between two revisions, for the fleet.

use std::{collections::BTreeSet, sync::Arc};

use linkmesh_proto::{CollectorId, PipelineId};

use crate::domain::config::ConfigSnapshot;

/// What differs. Documents that did not change are shared by both snapshots, so that looking is cheap.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Diff {
    /// Pipelines that came, went or changed.
    pub(super) pipelines: BTreeSet<PipelineId>,
    /// Pipelines whose text may differ: those above, and those that send to a destination that changed.
    pub(super) texts: BTreeSet<PipelineId>,
    /// Collectors whose name or labels changed.
    pub(super) collectors: Vec<CollectorId>,
    /// Something changed that stands in every text.
    pub(super) everything: bool,
}

impl Diff {
    pub(super) fn between(old: &ConfigSnapshot, new: &ConfigSnapshot) -> Self {
        if std::ptr::eq(old, new) {
            return Self::default();
        }
        let pipelines: BTreeSet<PipelineId> = changed(&old.pipelines, &new.pipelines).into_iter().collect();
        let mut texts = pipelines.clone();
        for destination in changed(&old.destinations, &new.destinations) {
            texts.extend(new.users_of(&destination));
        }
        Self {
            pipelines,
            texts,
            collectors: changed(&old.collectors, &new.collectors),
            everything: old.settings != new.settings,
        }
    }
}

/// Keys whose values are not the same, by a walk along both maps.
fn changed<K: Ord + Clone, V: PartialEq>(
    old: &std::collections::BTreeMap<K, Arc<V>>,
    new: &std::collections::BTreeMap<K, Arc<V>>,
) -> Vec<K> {
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let differs = new
        .iter()
        .filter(|(key, value)| old.get(*key).is_none_or(|before| !Arc::ptr_eq(before, value) && before != *value));
    gone.chain(differs.map(|(key, _)| key)).cloned().collect()
}
