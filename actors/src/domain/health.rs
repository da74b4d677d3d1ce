//! Health trees: what a collector says of its components, packed for keeping in memory by the ten thousand.

use std::collections::BTreeMap;

use linkmesh_proto::{Timestamp, api::collector::ComponentHealth, wire::opamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::bytes;

/// Status words that need no text in the packed form; index 0 is "none given".
const WORDS: [&str; 9] = [
    "",
    "StatusOK",
    "StatusStarting",
    "StatusRecoverableError",
    "StatusPermanentError",
    "StatusFatalError",
    "StatusStopping",
    "StatusStopped",
    "StatusNone",
];
const HEALTHY: u8 = 1;
const HAS_TIME: u8 = 2;
const HAS_ERROR: u8 = 4;
/// The index of the status word starts at this bit; `WORDS.len()` there means that the word follows as text.
const WORD_SHIFT: u8 = 3;

/// Nesting that is kept; collectors use three levels.
const MAX_DEPTH: usize = 8;
/// Size beyond which no more components are added.
const MAX_PACKED: usize = 64 << 10;
/// Length to which an error text is cut.
const MAX_ERROR: usize = 4 << 10;

/// A health tree, packed into one allocation: about 35 bytes a component.
///
/// Preorder; each node is flags, number of children, name, then word, time and error where the flags say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthTree(Box<[u8]>);

impl Serialize for HealthTree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        bytes::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for HealthTree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bytes::deserialize(deserializer).map(Self)
    }
}

impl HealthTree {
    /// Packs what an OpAMP agent reports. Unknown status words are kept; what is nested too deep or exceeds 64 KiB is
    /// left out.
    #[must_use]
    pub fn from_opamp(health: &opamp::ComponentHealth) -> Self {
        let mut packed = Vec::with_capacity(64);
        pack(&mut packed, "", health, 0);
        Self(packed.into_boxed_slice())
    }

    /// Builds the tree of an Alloy from the counts of its metric `alloy_component_controller_running_components`:
    /// controller (a pipeline's instance, or empty for the document itself), health word, components in it.
    ///
    /// Alloy reports a document as applied and healthy although, for example, a port could not be bound; components
    /// that are `exited`, `unhealthy` or `unknown` are the only sign.
    #[must_use]
    pub fn from_alloy<'a>(counts: impl IntoIterator<Item = (&'a str, &'a str, u64)>, at: Timestamp) -> Self {
        let mut controllers: BTreeMap<&str, (Vec<String>, bool)> = BTreeMap::new();
        for (controller, word, count) in counts {
            let (problems, _) = controllers.entry(controller).or_default();
            if count > 0 && matches!(word, "exited" | "unhealthy" | "unknown") {
                problems.push(format!("{count} {word}"));
            }
        }
        let time = u64::try_from(at.as_millis()).unwrap_or(0).saturating_mul(1_000_000);
        let node = |problems: &[String]| opamp::ComponentHealth {
            healthy: problems.is_empty(),
            status: if problems.is_empty() { "healthy" } else { "unhealthy" }.to_owned(),
            last_error: if problems.is_empty() {
                String::new()
            } else {
                format!("components: {}", problems.join(", "))
            },
            status_time_unix_nano: time,
            ..Default::default()
        };
        let own = controllers.remove("").unwrap_or_default().0;
        let mut root = node(&own);
        for (controller, (problems, _)) in controllers {
            let child = node(&problems);
            if !child.healthy && root.healthy {
                root.healthy = false;
                root.status = child.status.clone();
                root.last_error = format!("{controller}: {}", child.last_error);
            }
            root.component_health_map.insert(controller.to_owned(), child);
        }
        Self::from_opamp(&root)
    }

    /// Whether the whole is well, by the collector's own word.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.0.first().is_some_and(|flags| flags & HEALTHY != 0)
    }

    /// Whether it names components. Messages during a start and after a crash do not.
    #[must_use]
    pub fn has_components(&self) -> bool {
        Reader(&self.0).node().is_some_and(|node| node.children > 0)
    }

    /// Whether it says nothing at all: the collector was not started yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        Reader(&self.0)
            .node()
            .is_none_or(|node| node.flags & (HEALTHY | HAS_ERROR) == 0 && node.status.is_empty() && node.children == 0)
    }

    /// The root's error text; when it has none, that of the first component that is not well, with its name.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let mut reader = Reader(&self.0);
        let root = reader.node()?;
        if let Some(error) = root.error {
            return Some(error.to_owned());
        }
        while let Some(node) = reader.node() {
            // Pipelines repeat what is wrong below them without saying what: prefer a node with a text.
            if node.flags & HEALTHY == 0
                && let Some(error) = node.error
            {
                return Some(format!("{}: {error}", node.name));
            }
        }
        None
    }

    /// Whether the other tree says the same, however much its times moved.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let (mut left, mut right) = (Reader(&self.0), Reader(&other.0));
        loop {
            match (left.node(), right.node()) {
                (None, None) => return true,
                (Some(a), Some(b)) if a.without_time() == b.without_time() => {}
                _ => return false,
            }
        }
    }

    /// The tree as the API shows it.
    #[must_use]
    pub fn to_api(&self) -> ComponentHealth {
        let mut reader = Reader(&self.0);
        reader.tree(0).map(|(_, health)| health).unwrap_or(ComponentHealth {
            healthy: false,
            status: String::new(),
            last_error: None,
            status_time: None,
            components: BTreeMap::new(),
        })
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn packed_len(&self) -> usize {
        self.0.len()
    }
}

fn pack(packed: &mut Vec<u8>, name: &str, health: &opamp::ComponentHealth, depth: usize) {
    let word = WORDS.iter().position(|word| *word == health.status).unwrap_or(WORDS.len());
    let error = cut(&health.last_error, MAX_ERROR);
    let mut flags = u8::try_from(word).unwrap_or(0) << WORD_SHIFT;
    flags |= if health.healthy { HEALTHY } else { 0 };
    flags |= if health.status_time_unix_nano > 0 { HAS_TIME } else { 0 };
    flags |= if error.is_empty() { 0 } else { HAS_ERROR };
    let children =
        if depth + 1 < MAX_DEPTH && packed.len() < MAX_PACKED { health.component_health_map.len() } else { 0 };
    packed.push(flags);
    // Filled below: children are left out when there is no more room.
    let children_at = packed.len();
    packed.extend([0, 0]);
    pack_text(packed, cut(name, 255));
    if word == WORDS.len() {
        pack_text(packed, cut(&health.status, 255));
    }
    if health.status_time_unix_nano > 0 {
        let millis = i64::try_from(health.status_time_unix_nano / 1_000_000).unwrap_or(i64::MAX);
        packed.extend(millis.to_le_bytes());
    }
    if !error.is_empty() {
        pack_text(packed, error);
    }
    let mut kept: u16 = 0;
    for (name, child) in health.component_health_map.iter().take(children) {
        if packed.len() >= MAX_PACKED || kept == u16::MAX {
            break;
        }
        pack(packed, name, child, depth + 1);
        kept += 1;
    }
    if let Some(place) = packed.get_mut(children_at..children_at + 2) {
        place.copy_from_slice(&kept.to_le_bytes());
    }
}

fn pack_text(packed: &mut Vec<u8>, text: &str) {
    // Texts are cut to less than 64 KiB before.
    let length = u16::try_from(text.len()).unwrap_or(0);
    packed.extend(length.to_le_bytes());
    packed.extend(text.as_bytes().iter().take(usize::from(length)));
}

/// The text cut to so many bytes, between characters.
pub(crate) fn cut(text: &str, length: usize) -> &str {
    text.get(..text.floor_char_boundary(length)).unwrap_or_default()
}

struct Reader<'a>(&'a [u8]);

#[derive(Clone, Copy, PartialEq)]
struct Node<'a> {
    flags: u8,
    children: u16,
    name: &'a str,
    status: &'a str,
    time: Option<i64>,
    error: Option<&'a str>,
}

impl Node<'_> {
    const fn without_time(mut self) -> Self {
        self.time = None;
        self.flags &= !HAS_TIME;
        self
    }
}

impl<'a> Reader<'a> {
    fn node(&mut self) -> Option<Node<'a>> {
        let [flags] = self.take::<1>()?;
        let children = u16::from_le_bytes(self.take()?);
        let name = self.text()?;
        let status = match WORDS.get(usize::from(flags >> WORD_SHIFT)) {
            Some(word) => word,
            None => self.text()?,
        };
        let time = if flags & HAS_TIME != 0 { Some(i64::from_le_bytes(self.take()?)) } else { None };
        let error = if flags & HAS_ERROR != 0 { Some(self.text()?) } else { None };
        Some(Node { flags, children, name, status, time, error })
    }

    fn tree(&mut self, depth: usize) -> Option<(String, ComponentHealth)> {
        let node = self.node()?;
        let mut components = BTreeMap::new();
        if depth < MAX_DEPTH {
            for _ in 0..node.children {
                components.extend([self.tree(depth + 1)?]);
            }
        }
        let health = ComponentHealth {
            healthy: node.flags & HEALTHY != 0,
            status: node.status.to_owned(),
            last_error: node.error.map(str::to_owned),
            status_time: node.time.map(Timestamp::from_millis),
            components,
        };
        Some((node.name.to_owned(), health))
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::from(u16::from_le_bytes(self.take()?));
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn component(healthy: bool, status: &str, error: &str, time: u64) -> opamp::ComponentHealth {
        opamp::ComponentHealth {
            healthy,
            status: status.into(),
            last_error: error.into(),
            status_time_unix_nano: time,
            ..Default::default()
        }
    }

    fn sample(time: u64) -> opamp::ComponentHealth {
        let mut pipeline = component(false, "StatusRecoverableError", "", time);
        pipeline
            .component_health_map
            .insert("exporter:otlphttp/central".into(), component(false, "StatusRecoverableError", "refused", time));
        pipeline.component_health_map.insert("receiver:otlp".into(), component(true, "StatusOK", "", time));
        let mut root = component(true, "StatusShiny", "", time);
        root.component_health_map.insert("pipeline:logs".into(), pipeline);
        root
    }

    #[test]
    fn tree_is_shown_as_it_was_reported() {
        let api = HealthTree::from_opamp(&sample(1_500_000_000)).to_api();
        insta::assert_json_snapshot!(api, @r#"
        {
          "healthy": true,
          "status": "StatusShiny",
          "status_time": "1970-01-01T00:00:01.500Z",
          "components": {
            "pipeline:logs": {
              "healthy": false,
              "status": "StatusRecoverableError",
              "status_time": "1970-01-01T00:00:01.500Z",
              "components": {
                "exporter:otlphttp/central": {
                  "healthy": false,
                  "status": "StatusRecoverableError",
                  "last_error": "refused",
                  "status_time": "1970-01-01T00:00:01.500Z"
                },
                "receiver:otlp": {
                  "healthy": true,
                  "status": "StatusOK",
                  "status_time": "1970-01-01T00:00:01.500Z"
                }
              }
            }
          }
        }
        "#);
    }

    #[test]
    fn error_is_the_roots_or_that_of_the_component_that_has_one() {
        let tree = HealthTree::from_opamp(&sample(1));
        assert_eq!(tree.error().as_deref(), Some("exporter:otlphttp/central: refused"));
        let crashed = component(false, "", "Agent process PID=1 exited unexpectedly", 0);
        assert_eq!(
            HealthTree::from_opamp(&crashed).error().as_deref(),
            Some("Agent process PID=1 exited unexpectedly")
        );
        assert_eq!(HealthTree::from_opamp(&component(true, "StatusOK", "", 0)).error(), None);
    }

    #[test]
    fn moved_times_are_no_news() {
        let tree = HealthTree::from_opamp(&sample(1_000_000));
        assert!(tree.says_the_same_as(&HealthTree::from_opamp(&sample(9_000_000_000))));
        assert!(tree.says_the_same_as(&HealthTree::from_opamp(&sample(0))));
        let mut other = sample(1);
        other.status = "StatusOK".into();
        assert!(!tree.says_the_same_as(&HealthTree::from_opamp(&other)));
        other = sample(1);
        other.component_health_map.clear();
        assert!(!tree.says_the_same_as(&HealthTree::from_opamp(&other)));
    }

    #[test]
    fn empty_health_means_not_started() {
        assert!(HealthTree::from_opamp(&opamp::ComponentHealth::default()).is_empty());
        assert!(!HealthTree::from_opamp(&component(true, "", "", 0)).is_empty());
        assert!(!HealthTree::from_opamp(&component(false, "", "Supervisor is shutdown", 0)).is_empty());
    }

    #[test]
    fn alloy_is_unwell_when_a_component_exited() {
        let at = Timestamp::from_millis(5);
        let well = [("", "healthy", 4), ("", "exited", 0), ("pl_a.default", "healthy", 3)];
        assert!(HealthTree::from_alloy(well, at).healthy());
        let ill = [("", "healthy", 4), ("pl_a.default", "healthy", 3), ("pl_b.default", "exited", 2)];
        let tree = HealthTree::from_alloy(ill, at);
        assert!(!tree.healthy());
        assert_eq!(tree.error().as_deref(), Some("pl_b.default: components: 2 exited"));
        assert!(tree.to_api().components["pl_a.default"].healthy);
    }

    #[test]
    fn hostile_trees_stay_small() {
        let mut deep = component(true, "StatusOK", &"e".repeat(100_000), 0);
        for _ in 0..50 {
            let mut outer = component(true, "StatusOK", "", 0);
            outer.component_health_map.insert("c".into(), deep);
            deep = outer;
        }
        assert!(HealthTree::from_opamp(&deep).packed_len() < 1000);
        let mut wide = component(true, "StatusOK", "", 0);
        for number in 0..5_000 {
            wide.component_health_map.insert(format!("{number:0>300}"), component(false, "x", &"e".repeat(9_000), 1));
        }
        let tree = HealthTree::from_opamp(&wide);
        assert!(tree.packed_len() < MAX_PACKED + 6_000);
        assert!(!tree.to_api().components.is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let tree = HealthTree(data.into_boxed_slice());
            let _ = (tree.to_api(), tree.error(), tree.has_components(), tree.says_the_same_as(&tree), tree.is_empty());
        }
    }
}
