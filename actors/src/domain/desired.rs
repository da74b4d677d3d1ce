//! The text that a collector should run, shared by all collectors that should run the same.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use linkmesh_proto::{ConfigHash, Revision};
use parking_lot::Mutex;

use super::drift::{Committed, DriftError};

/// Content type of otelcol texts.
pub const YAML: &str = "text/yaml";
/// Content type of Alloy texts.
pub const ALLOY: &str = "text/plain";

/// One rendered text with its hash. Rendered once for each distinct set of pipelines and shared by reference
/// (`Arc<Desired>`): a fleet of 100,000 in ten groups holds ten of these.
///
/// The type is a promise: an otelcol text in it is a YAML mapping. A supervisor that is offered anything else stores it
/// before it parses it, and exits at every later start; no server can cure that (`reference` of OpAMP, 3.6).
#[derive(Debug)]
pub struct Desired {
    hash: ConfigHash,
    text: Arc<str>,
    content_type: &'static str,
    revision: Option<Revision>,
    committed: OnceLock<Committed>,
    published: OnceLock<Arc<Published>>,
    /// Ways to this text from others, by the hash of the text at their start.
    ways: Mutex<BTreeMap<ConfigHash, Arc<[Arc<Published>]>>>,
}

/// A text as Alloys are served it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// SHA-256 of the text, as it stands in requests and answers: 64 hexadecimal digits.
    pub hash_text: Box<str>,
    /// SHA-256 of the text.
    pub hash: ConfigHash,
    /// FNV-1 of the text, 32 bits: two texts of one value are one text to an Alloy.
    pub fnv: u32,
    /// The text, shared.
    pub text: Arc<str>,
}

impl Published {
    /// A text with its hashes.
    #[must_use]
    pub fn new(text: Arc<str>) -> Self {
        let hash = ConfigHash::of(text.as_bytes());
        Self { hash_text: hash.to_string().into(), hash, fnv: fnv1(text.as_bytes()), text }
    }
}

/// FNV-1, 32 bits: what Alloy tells texts apart by. (Not FNV-1a.)
fn fnv1(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash: u32, byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(*byte))
}

/// Why a text must not be offered.
#[derive(Debug, thiserror::Error)]
pub enum DesiredError {
    /// It is not YAML, or has a key twice.
    #[error("the text is not YAML")]
    NotYaml(#[source] DriftError),
    /// It is a list or a scalar.
    #[error("the text is YAML, but not a mapping")]
    NotAMapping,
    /// It configures the extension that connects collector and supervisor, and would overwrite the supervisor's own.
    #[error("the text configures `extensions.opamp`, which belongs to the supervisor")]
    OpampExtension,
}

impl Desired {
    /// A text for otelcol.
    ///
    /// # Errors
    /// When the text would harm the supervisor: see [`DesiredError`].
    pub fn otelcol(text: Arc<str>, revision: Option<Revision>) -> Result<Self, DesiredError> {
        let committed = Committed::parse(&text).map_err(|error| match error {
            DriftError::NotAMapping => DesiredError::NotAMapping,
            other @ DriftError::NotYaml(_) => DesiredError::NotYaml(other),
        })?;
        if committed.has_opamp_extension() {
            return Err(DesiredError::OpampExtension);
        }
        Ok(Self { content_type: YAML, committed: OnceLock::from(committed), ..Self::alloy(text, revision) })
    }

    /// A text for Alloy.
    #[must_use]
    pub fn alloy(text: Arc<str>, revision: Option<Revision>) -> Self {
        let hash = ConfigHash::of(text.as_bytes());
        Self {
            hash,
            text,
            content_type: ALLOY,
            revision,
            committed: OnceLock::new(),
            published: OnceLock::new(),
            ways: Mutex::default(),
        }
    }

    /// SHA-256 of the exact text.
    #[must_use]
    pub const fn hash(&self) -> ConfigHash {
        self.hash
    }

    /// The text.
    #[must_use]
    pub const fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// `text/yaml` or `text/plain`.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// The commit from which it was rendered.
    #[must_use]
    pub const fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// The text as Alloys are served it.
    #[must_use]
    pub fn published(&self) -> &Arc<Published> {
        self.published.get_or_init(|| Arc::new(Published::new(self.text.clone())))
    }

    /// The texts to publish one after the other to get from a running text to this one; the last one is this. Found
    /// once for all the collectors that go the same way.
    pub(crate) fn way_from(
        &self,
        running: ConfigHash,
        find: impl FnOnce() -> Vec<Arc<Published>>,
    ) -> Arc<[Arc<Published>]> {
        self.ways.lock().entry(running).or_insert_with(|| find().into()).clone()
    }

    /// The parsed otelcol text, for comparing with what runs; `None` for Alloy, which is compared byte by byte.
    #[must_use]
    pub fn committed(&self) -> Option<&Committed> {
        self.committed.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv_is_the_one_that_alloy_uses() {
        // Alloy shows these eight digits in its metric `remotecfg_hash`; the first is that of an empty text.
        assert_eq!(fnv1(b""), 0x811c_9dc5);
        assert_eq!(fnv1(b"a"), 0x050c_5d7e);
        assert_eq!(fnv1(b"foobar"), 0x31f0_b262);
    }
}
