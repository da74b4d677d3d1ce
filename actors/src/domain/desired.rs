//! The text that a collector should run, shared by all collectors that should run the same.

use std::sync::{Arc, OnceLock};

use linkmesh_proto::{ConfigHash, Revision};

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
        let hash = ConfigHash::of(text.as_bytes());
        Ok(Self { hash, text, content_type: YAML, revision, committed: OnceLock::from(committed) })
    }

    /// A text for Alloy.
    #[must_use]
    pub fn alloy(text: Arc<str>, revision: Option<Revision>) -> Self {
        let hash = ConfigHash::of(text.as_bytes());
        Self { hash, text, content_type: ALLOY, revision, committed: OnceLock::new() }
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

    /// The parsed otelcol text, for comparing with what runs; `None` for Alloy, which is compared byte by byte.
    #[must_use]
    pub fn committed(&self) -> Option<&Committed> {
        self.committed.get()
    }
}
