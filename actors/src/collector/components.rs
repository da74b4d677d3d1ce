//! The builds of the fleet: one tree of available components for each hash, shared.

use std::{sync::Arc, time::Duration};

use dashmap::{DashMap, Entry};
use linkmesh_proto::wire::opamp::AvailableComponents;
use prost::Message;

use crate::domain::components::{BuildComponents, ComponentClass};

/// So long an answer is waited for before another agent with the same hash is asked.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Builds that are kept. A fleet has a handful; who makes hashes up gets no further than this.
const MAX_BUILDS: usize = 512;
/// Largest tree that is taken, in its encoded form: the whole of contrib has about 40 KB.
const MAX_TREE: usize = 256 << 10;

enum Known {
    Build(Arc<BuildComponents>),
    AskedAt(Duration),
}

/// What became of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is new.
    Now,
    /// There was one with this hash already: the first one stays, so that no agent can change what others are sent.
    Before,
    /// It is too large, or there are too many.
    Not,
}

/// The builds of the fleet, by the agents' hash of them.
#[derive(Default)]
pub(crate) struct ComponentRegistry {
    builds: DashMap<Box<[u8]>, Known>,
}

impl ComponentRegistry {
    /// Whether an agent with this hash should be asked for its tree now. Notes that it is. Cheap for a known one: it is
    /// asked with each message of each agent.
    pub(crate) fn wants(&self, hash: &[u8], now: Duration) -> bool {
        let is_due = |known: &Known| match known {
            Known::AskedAt(at) => now.saturating_sub(*at) >= ASK_AGAIN_AFTER,
            Known::Build(_) => false,
        };
        if self.builds.get(hash).is_some_and(|known| !is_due(&known)) {
            return false;
        }
        self.make_room(now);
        let is_full = self.builds.len() >= MAX_BUILDS;
        match self.builds.entry(hash.into()) {
            Entry::Vacant(_) if is_full => false,
            Entry::Vacant(vacant) => {
                vacant.insert(Known::AskedAt(now));
                true
            }
            Entry::Occupied(mut occupied) => {
                let is_due = is_due(occupied.get());
                if is_due {
                    occupied.insert(Known::AskedAt(now));
                }
                is_due
            }
        }
    }

    /// Forgets hashes whose trees were asked for and never came, when there are too many.
    fn make_room(&self, now: Duration) {
        if self.builds.len() >= MAX_BUILDS {
            self.builds.retain(|_, known| match known {
                Known::AskedAt(at) => now.saturating_sub(*at) < ASK_AGAIN_AFTER,
                Known::Build(_) => true,
            });
        }
    }

    /// Keeps a build; of two with one hash the first.
    pub(crate) fn insert(&self, hash: &[u8], tree: &AvailableComponents) -> Kept {
        if tree.encoded_len() > MAX_TREE {
            return Kept::Not;
        }
        let is_full = self.builds.len() >= MAX_BUILDS;
        match self.builds.entry(hash.into()) {
            Entry::Vacant(_) if is_full => Kept::Not,
            Entry::Vacant(vacant) => {
                vacant.insert(Known::Build(Arc::new(build(tree))));
                Kept::Now
            }
            Entry::Occupied(occupied) if matches!(occupied.get(), Known::Build(_)) => Kept::Before,
            Entry::Occupied(mut occupied) => {
                occupied.insert(Known::Build(Arc::new(build(tree))));
                Kept::Now
            }
        }
    }

    /// Keeps a build as it was stored; `false` when it cannot be read.
    pub(crate) fn insert_stored(&self, hash: &[u8], stored: &[u8]) -> bool {
        AvailableComponents::decode(stored).is_ok_and(|tree| self.insert(hash, &tree) != Kept::Not)
    }

    /// The build with this hash (in hexadecimal), when it is known.
    pub(crate) fn by_hex(&self, hash: &str) -> Option<Arc<BuildComponents>> {
        let hash = hex::decode(hash).ok()?;
        match self.builds.get(hash.as_slice()).as_deref() {
            Some(Known::Build(build)) => Some(Arc::clone(build)),
            Some(Known::AskedAt(_)) | None => None,
        }
    }
}

fn build(tree: &AvailableComponents) -> BuildComponents {
    let mut build = BuildComponents::default();
    for (section, details) in &tree.components {
        let Some(class) = ComponentClass::from_section(section) else { continue };
        for kind in details.sub_component_map.keys() {
            build.insert(class, kind);
        }
    }
    build
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::wire::opamp::ComponentDetails;

    use super::*;

    #[test]
    fn one_agent_is_asked_for_a_build_and_another_after_a_minute() {
        let registry = ComponentRegistry::default();
        let at = Duration::from_secs;
        assert!(registry.wants(b"x", at(0)));
        assert!(!registry.wants(b"x", at(1)));
        assert!(registry.wants(b"y", at(1)));
        assert!(registry.wants(b"x", at(61)));
        assert_eq!(registry.insert(b"x", &tree("otlp")), Kept::Now);
        assert!(!registry.wants(b"x", at(600)));
    }

    fn tree(receiver: &str) -> AvailableComponents {
        let details = ComponentDetails {
            sub_component_map: [(receiver.to_owned(), ComponentDetails::default())].into(),
            ..Default::default()
        };
        AvailableComponents { components: [("receivers".to_owned(), details)].into(), ..Default::default() }
    }

    #[test]
    fn first_tree_of_a_hash_stays() {
        let registry = ComponentRegistry::default();
        assert_eq!(registry.insert(b"x", &tree("otlp")), Kept::Now);
        assert_eq!(registry.insert(b"x", &tree("made_up")), Kept::Before);
        let build = registry.by_hex(&hex::encode(b"x")).unwrap();
        assert!(build.has(ComponentClass::Receivers, "otlp") && !build.has(ComponentClass::Receivers, "made_up"));
    }

    #[test]
    fn who_makes_up_hashes_and_trees_gets_so_far_and_no_further() {
        let registry = ComponentRegistry::default();
        let at = Duration::from_secs;
        assert_eq!(registry.insert(b"large", &tree(&"x".repeat(MAX_TREE))), Kept::Not);
        registry.insert(b"good", &tree("otlp"));
        let hashes = || (0_u32..10_000).map(u32::to_be_bytes);
        assert_eq!(hashes().filter(|hash| registry.wants(hash, at(1))).count(), MAX_BUILDS - 1);
        assert_eq!(registry.insert(b"late", &tree("otlp")), Kept::Not);
        // What was asked for and never came makes room.
        assert!(registry.wants(b"late", at(61)));
        assert_eq!(registry.insert(b"late", &tree("otlp")), Kept::Now);
        assert!(registry.by_hex(&hex::encode(b"good")).is_some());
        assert!(registry.builds.len() <= MAX_BUILDS);
    }
}
