//! The two documents, otelcol YAML and Alloy, from one resolved pipeline.
//!
//! Rendering is deterministic: the same snapshot, set of pipelines and target are the same bytes, so that collectors
//! share one text and one hash. No value of a user can change the structure of a text.

use std::{collections::BTreeMap, sync::Arc};

use linkmesh_proto::{ConfigHash, PipelineId, api::collector::Runtime};

pub use self::size::MAX_TEXT;
pub use crate::domain::resolve::RenderError;
use crate::domain::{
    components::Dialect,
    config::ConfigSnapshot,
    resolve::{ResolvedConfig, resolve},
    secret::Sealer,
};

pub mod alloy;
pub mod names;
pub(crate) mod otelcol;
mod size;
#[cfg(test)]
mod tests;
pub mod text;
pub mod yaml;

/// For whom a text is rendered. Collectors of one target with one set of pipelines share a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RenderTarget {
    /// The program.
    pub runtime: Runtime,
    /// The component names that it understands (otelcol).
    pub dialect: Dialect,
    /// Alloy: pipelines whose instance label is not `default` after a leaked loader, with the number of the label (2 is
    /// `r2`). Empty for nearly all collectors.
    pub labels: BTreeMap<PipelineId, u32>,
}

impl RenderTarget {
    /// The target of nearly all collectors of a runtime.
    #[must_use]
    pub const fn plain(runtime: Runtime) -> Self {
        Self { runtime, dialect: Dialect::CLASSIC, labels: BTreeMap::new() }
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
    let resolved = resolve(config, pipelines, sealer)?;
    rendered(&resolved, target)
}

/// Renders what is resolved already.
///
/// # Errors
/// [`RenderError::Unsupported`] when a part cannot run on the target's runtime, [`RenderError::TooLarge`] when the text is
/// larger than [`MAX_TEXT`].
pub fn rendered(resolved: &ResolvedConfig, target: &RenderTarget) -> Result<Rendered, RenderError> {
    let write = |hide| match target.runtime {
        Runtime::Otelcol => otelcol::write(resolved, target.dialect, hide),
        Runtime::Alloy => alloy::document::write(resolved, &target.labels, hide),
    };
    let text: Arc<str> = write(false)?.into();
    let redacted = if resolved.secrets.is_empty() { text.clone() } else { write(true)?.into() };
    Ok(Rendered {
        hash: ConfigHash::of(text.as_bytes()),
        redacted,
        text,
        content_type: match target.runtime {
            Runtime::Otelcol => "text/yaml",
            Runtime::Alloy => "text/plain",
        },
        secrets: resolved.secrets.iter().cloned().collect::<Vec<_>>().into(),
    })
}
