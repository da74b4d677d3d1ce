//! The builds of the fleet: one tree of available components for each hash, shared.

use std::{sync::Arc, time::Duration};

use dashmap::{DashMap, Entry};
use linkmesh_proto::wire::opamp::AvailableComponents;
use prost::Message;

use crate::domain::components::{BuildComponents, ComponentClass};

/// So long an answer is waited for before another agent with the same hash is asked.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);

enum Known {
    Build(Arc<BuildComponents>),
    AskedAt(Duration),
}

/// The builds of the fleet, by the agents' hash of them.
#[derive(Default)]
pub(crate) struct ComponentRegistry {
    builds: DashMap<Box<[u8]>, Known>,
}

impl ComponentRegistry {
    /// Whether an agent with this hash should be asked for its tree now. Notes that it is.
    pub(crate) fn wants(&self, hash: &[u8], now: Duration) -> bool {
        match self.builds.entry(hash.into()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Known::AskedAt(now));
                true
            }
            Entry::Occupied(mut occupied) => match *occupied.get() {
                Known::AskedAt(at) if now.saturating_sub(at) >= ASK_AGAIN_AFTER => {
                    occupied.insert(Known::AskedAt(now));
                    true
                }
                Known::AskedAt(_) | Known::Build(_) => false,
            },
        }
    }

    /// Keeps a build.
    pub(crate) fn insert(&self, hash: &[u8], tree: &AvailableComponents) {
        self.builds.insert(hash.into(), Known::Build(Arc::new(build(tree))));
    }

    /// Keeps a build as it was stored; `false` when it cannot be read.
    pub(crate) fn insert_stored(&self, hash: &[u8], stored: &[u8]) -> bool {
        AvailableComponents::decode(stored).is_ok_and(|tree| {
            self.insert(hash, &tree);
            true
        })
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
    use super::*;

    #[test]
    fn one_agent_is_asked_for_a_build_and_another_after_a_minute() {
        let registry = ComponentRegistry::default();
        let at = Duration::from_secs;
        assert!(registry.wants(b"x", at(0)));
        assert!(!registry.wants(b"x", at(1)));
        assert!(registry.wants(b"y", at(1)));
        assert!(registry.wants(b"x", at(61)));
        registry.insert(b"x", &AvailableComponents::default());
        assert!(!registry.wants(b"x", at(600)));
    }
}
