//! The builds of the fleet: one tree of available components for each hash, shared.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use dashmap::{DashMap, Entry as Slot};
use linkmesh_proto::wire::opamp::{AvailableComponents, ComponentDetails, any_value};
use parking_lot::Mutex;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::domain::components::{BuildComponents, ComponentClass};

/// So long an answer is waited for before another agent with the same hash is asked.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Builds that are kept. A fleet has a handful; who makes hashes up gets no further than this.
const MAX_BUILDS: usize = 512;
/// Largest tree that is taken, in its encoded form: the whole of contrib has about 40 KB.
const MAX_TREE: usize = 256 << 10;

/// How long after a look at the fleet that found all builds in use the next one follows.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(10);

enum Known {
    Build(Arc<BuildComponents>),
    /// The tree does not come to its hash: an agent may have made it up, or hash in its own way. When another was asked.
    Claim(Arc<BuildComponents>, Duration),
    AskedAt(Duration),
}

impl Known {
    /// Whether another agent is to be asked.
    fn is_due(&self, now: Duration) -> bool {
        match self {
            Self::AskedAt(at) | Self::Claim(_, at) => now.saturating_sub(*at) >= ASK_AGAIN_AFTER,
            Self::Build(_) => false,
        }
    }

    /// The tree, whether or not it comes to its hash.
    const fn build(&self) -> Option<&Arc<BuildComponents>> {
        match self {
            Self::Build(build) | Self::Claim(build, _) => Some(build),
            Self::AskedAt(_) => None,
        }
    }

    /// The tree, when it comes to its hash.
    const fn proven(&self) -> Option<&Arc<BuildComponents>> {
        match self {
            Self::Build(build) => Some(build),
            Self::Claim(..) | Self::AskedAt(_) => None,
        }
    }
}

struct Entry {
    known: Known,
    /// When it was last of use, in the registry's own count.
    used: AtomicU64,
}

/// What may go, as of the last look at the fleet.
#[derive(Default)]
struct Spare {
    /// Hashes that no collector named, and when each had been of use, least recently first.
    hashes: VecDeque<(u64, Box<[u8]>)>,
    /// When all were found to be in use.
    none_at: Option<Duration>,
}

/// What became of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is new.
    Now,
    /// There was one with this hash already, which stays: the one that comes to its hash, and of those that do not the
    /// first, so that no agent can change what others are sent.
    Before,
    /// It is too large, or there are too many.
    Not,
}

/// The builds of the fleet, by the agents' hash of them.
#[derive(Default)]
pub(crate) struct ComponentRegistry {
    builds: DashMap<Box<[u8]>, Entry>,
    uses: AtomicU64,
    spare: Mutex<Spare>,
}

impl ComponentRegistry {
    /// Whether an agent with this hash should be asked for its tree now. Notes that it is. Cheap for a known one: it is
    /// asked with each message of each agent.
    pub(crate) fn wants(&self, hash: &[u8], now: Duration) -> bool {
        if let Some(entry) = self.builds.get(hash) {
            self.touch(&entry);
            if !entry.known.is_due(now) {
                return false;
            }
        }
        let is_full = self.is_full();
        match self.builds.entry(hash.into()) {
            Slot::Vacant(_) if is_full => false,
            Slot::Vacant(vacant) => {
                vacant.insert(self.entry(Known::AskedAt(now)));
                true
            }
            Slot::Occupied(mut occupied) => {
                let is_due = occupied.get().known.is_due(now);
                if is_due {
                    let asked = match &occupied.get().known {
                        Known::Claim(build, _) => Known::Claim(Arc::clone(build), now),
                        Known::Build(_) | Known::AskedAt(_) => Known::AskedAt(now),
                    };
                    occupied.insert(self.entry(asked));
                }
                is_due
            }
        }
    }

    /// Makes room for a build that is not known yet, when there is none: of those that no collector names goes the one
    /// that was of no use for longest. Answers its hash (in hexadecimal) when its tree was known. `named` is asked
    /// seldom: it looks at the whole fleet.
    pub(crate) fn make_room(
        &self,
        hash: &[u8],
        now: Duration,
        named: impl FnOnce() -> HashSet<String>,
    ) -> Option<String> {
        if self.builds.contains_key(hash) || !self.is_full() {
            return None;
        }
        let mut spare = self.spare.lock();
        if spare.hashes.is_empty() {
            if spare.none_at.is_some_and(|at| now.saturating_sub(at) < LOOK_AGAIN_AFTER) {
                return None;
            }
            let named = named();
            let unnamed = self.builds.iter().filter(|entry| !named.contains(&hex::encode(entry.key())));
            let mut hashes: Vec<_> =
                unnamed.map(|entry| (entry.used.load(Ordering::Relaxed), entry.key().clone())).collect();
            hashes.sort_unstable();
            spare.none_at = hashes.is_empty().then_some(now);
            spare.hashes = hashes.into();
        }
        while let Some((used, hash)) = spare.hashes.pop_front() {
            // One that was of use since may be named since.
            let removed = self.builds.remove_if(&hash, |_, entry| entry.used.load(Ordering::Relaxed) == used);
            if let Some((hash, entry)) = removed {
                return entry.known.build().map(|_| hex::encode(hash));
            }
        }
        None
    }

    /// Keeps a build; of two with one hash the one whose tree comes to it, or the first.
    pub(crate) fn insert(&self, hash: &[u8], tree: &AvailableComponents) -> Kept {
        if tree.encoded_len() > MAX_TREE {
            return Kept::Not;
        }
        let build = Arc::new(build(tree));
        // After a claim, whoever comes next is asked at once.
        let is_proven = *hash == hash_of(tree);
        let known = if is_proven { Known::Build(build) } else { Known::Claim(build, Duration::ZERO) };
        let is_full = self.is_full();
        match self.builds.entry(hash.into()) {
            Slot::Vacant(_) if is_full => Kept::Not,
            Slot::Vacant(vacant) => {
                vacant.insert(self.entry(known));
                Kept::Now
            }
            Slot::Occupied(mut occupied) => match (&occupied.get().known, &known) {
                (Known::Build(_), _) | (Known::Claim(..), Known::Claim(..)) => Kept::Before,
                (Known::AskedAt(_), _) | (Known::Claim(..), _) => {
                    occupied.insert(self.entry(known));
                    Kept::Now
                }
            },
        }
    }

    /// Keeps a build as it was stored; `false` when it cannot be read.
    pub(crate) fn insert_stored(&self, hash: &[u8], stored: &[u8]) -> bool {
        AvailableComponents::decode(stored).is_ok_and(|tree| self.insert(hash, &tree) != Kept::Not)
    }

    /// The build with this hash (in hexadecimal) as an agent told it. Good enough to choose names by, since a collector
    /// may hash in its own way; to keep a config from others takes [`Self::proven`].
    pub(crate) fn told(&self, hash: &str) -> Option<Arc<BuildComponents>> {
        self.look_up(hash, Known::build)
    }

    /// The build with this hash (in hexadecimal), when its tree comes to the hash.
    pub(crate) fn proven(&self, hash: &str) -> Option<Arc<BuildComponents>> {
        self.look_up(hash, Known::proven)
    }

    fn look_up(
        &self,
        hash: &str,
        read: impl FnOnce(&Known) -> Option<&Arc<BuildComponents>>,
    ) -> Option<Arc<BuildComponents>> {
        let hash = hex::decode(hash).ok()?;
        let entry = self.builds.get(hash.as_slice())?;
        self.touch(&entry);
        read(&entry.known).map(Arc::clone)
    }

    fn is_full(&self) -> bool {
        self.builds.len() >= MAX_BUILDS
    }

    fn entry(&self, known: Known) -> Entry {
        Entry { known, used: AtomicU64::new(self.next_use()) }
    }

    fn touch(&self, entry: &Entry) {
        entry.used.store(self.next_use(), Ordering::Relaxed);
    }

    fn next_use(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }
}

/// The hash that a collector's opamp extension gives its tree (`generateAvailableComponentsHash`, 0.149 to 0.158): by it a
/// tree is known for that of its hash, whoever sent it.
pub(crate) fn hash_of(tree: &AvailableComponents) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (section, word) in [
        ("receivers", "receiver:"),
        ("processors", "processor:"),
        ("exporters", "exporter:"),
        ("extensions", "extension:"),
        ("connectors", "connector:"),
    ] {
        hash.update(word);
        for (kind, details) in tree.components.get(section).iter().flat_map(|details| &details.sub_component_map) {
            for part in [kind, "=", module_of(details), ";"] {
                hash.update(part);
            }
        }
    }
    hash.finalize().into()
}

fn module_of(details: &ComponentDetails) -> &str {
    let module = details.metadata.iter().find(|pair| pair.key == "code.namespace");
    match module.and_then(|pair| pair.value.as_ref()?.value.as_ref()) {
        Some(any_value::Value::StringValue(module)) => module,
        _ => "",
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
        let hash = hash_of(&tree("otlp"));
        assert!(registry.wants(&hash, at(61)));
        assert_eq!(registry.insert(&hash, &tree("otlp")), Kept::Now);
        assert!(!registry.wants(&hash, at(600)));
    }

    fn tree(receiver: &str) -> AvailableComponents {
        let details = ComponentDetails {
            sub_component_map: [(receiver.to_owned(), ComponentDetails::default())].into(),
            ..Default::default()
        };
        AvailableComponents { components: [("receivers".to_owned(), details)].into(), ..Default::default() }
    }

    #[test]
    fn tree_that_comes_to_its_hash_takes_the_place_of_one_that_was_made_up() {
        let registry = ComponentRegistry::default();
        let at = Duration::from_secs;
        let hash = hash_of(&tree("otlp"));
        let (told, proven) = (|| registry.told(&hex::encode(hash)).unwrap(), || registry.proven(&hex::encode(hash)));
        assert_eq!(registry.insert(&hash, &tree("made_up")), Kept::Now);
        assert_eq!(proven(), None);
        // Others are asked, one a minute, and what they say counts.
        assert!(registry.wants(&hash, at(100)) && !registry.wants(&hash, at(101)) && registry.wants(&hash, at(160)));
        assert!(told().has(ComponentClass::Receivers, "made_up"), "it stays until there is another");
        assert_eq!(registry.insert(&hash, &tree("otlp")), Kept::Now);
        assert_eq!(registry.insert(&hash, &tree("made_up")), Kept::Before);
        assert!(told().has(ComponentClass::Receivers, "otlp") && !registry.wants(&hash, at(999)));
        assert_eq!(proven(), Some(told()));
    }

    #[test]
    fn first_tree_of_a_hash_stays() {
        let registry = ComponentRegistry::default();
        assert_eq!(registry.insert(b"x", &tree("otlp")), Kept::Now);
        assert_eq!(registry.insert(b"x", &tree("made_up")), Kept::Before);
        let build = registry.told(&hex::encode(b"x")).unwrap();
        assert!(build.has(ComponentClass::Receivers, "otlp") && !build.has(ComponentClass::Receivers, "made_up"));
    }

    #[test]
    fn who_makes_up_hashes_and_trees_takes_no_place_from_the_fleet_nor_from_newcomers() {
        let registry = ComponentRegistry::default();
        let at = Duration::from_secs;
        let named = || HashSet::from([hex::encode(b"good")]);
        assert_eq!(registry.insert(b"large", &tree(&"x".repeat(MAX_TREE))), Kept::Not);
        registry.insert(b"good", &tree("otlp"));
        let mut gone = Vec::new();
        for number in 0_u32..2_000 {
            let hash = number.to_be_bytes();
            gone.extend(registry.make_room(&hash, at(1), named));
            assert!(registry.wants(&hash, at(1)), "{number}");
            // Every other one is told.
            if number % 2 == 0 {
                assert_eq!(registry.insert(&hash, &tree("otlp")), Kept::Now);
            }
            assert!(registry.builds.len() <= MAX_BUILDS);
        }
        assert_eq!(gone.first(), Some(&hex::encode(0_u32.to_be_bytes())), "the oldest goes first");
        let told = registry.builds.iter().filter(|entry| entry.known.build().is_some()).count();
        assert_eq!(gone.len() + told, 1_000 + 1, "who asks hears of each tree that went");
        assert!(registry.told(&hex::encode(b"good")).is_some(), "a collector names it");
        assert!(registry.told(&hex::encode(1_998_u32.to_be_bytes())).is_some(), "the newest are there");
    }

    #[test]
    fn build_of_use_since_the_look_at_the_fleet_stays() {
        let registry = full();
        let nobody = HashSet::new;
        // The look at the fleet happens here; the first goes.
        registry.make_room(b"a", Duration::ZERO, nobody);
        assert!(registry.wants(b"a", Duration::ZERO));
        // The second is wanted by somebody now.
        let second = 1_u32.to_be_bytes();
        assert!(!registry.wants(&second, Duration::ZERO));
        registry.make_room(b"b", Duration::ZERO, || panic!("no second look"));
        assert!(registry.builds.contains_key(second.as_slice()));
        assert!(!registry.builds.contains_key(2_u32.to_be_bytes().as_slice()));
    }

    #[test]
    fn fleet_that_names_all_builds_is_not_looked_at_with_each_message() {
        let registry = full();
        let all: HashSet<String> = registry.builds.iter().map(|entry| hex::encode(entry.key())).collect();
        let at = Duration::from_secs;
        assert_eq!(registry.make_room(b"a", at(1), || all.clone()), None);
        assert!(!registry.wants(b"a", at(1)));
        assert_eq!(registry.make_room(b"a", at(10), || panic!("a look at the fleet")), None);
        registry.make_room(b"a", at(11), HashSet::new);
        assert!(registry.wants(b"a", at(11)));
    }

    fn full() -> ComponentRegistry {
        let registry = ComponentRegistry::default();
        for (number, _) in (0_u32..).zip(0..MAX_BUILDS) {
            assert!(registry.wants(&number.to_be_bytes(), Duration::ZERO));
        }
        registry
    }
}
