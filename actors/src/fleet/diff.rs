//! What differs between two revisions, for the fleet.

use std::{collections::BTreeSet, sync::Arc};

use linkmesh_proto::{CollectorId, PipelineId};

use crate::domain::config::{Change, ConfigSnapshot, Documents, Versioned};

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

/// Keys of documents that came, went or read differently.
fn changed<K: Ord + Clone, D: PartialEq>(old: &Documents<K, D>, new: &Documents<K, D>) -> Vec<K> {
    let reads_same = |id: &K, now: &Arc<Versioned<D>>| old.get(id).is_some_and(|before| before == now);
    let changes = new.changes_since(old).filter(|(id, change)| match change {
        Change::Put(now) => !reads_same(id, now),
        Change::Removed => true,
    });
    changes.map(|(id, _)| id.clone()).collect()
}
