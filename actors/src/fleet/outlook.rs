//! What would become of a collector by a change that is not made yet.

use std::sync::Arc;

use linkmesh_proto::{
    CollectorId, PipelineId,
    api::collector::{CollectorPatch, CollectorPreview, NamedPipeline},
};

use super::{
    FleetError, FleetHandle,
    state::{World, attributes_of, would_be_withheld},
};
use crate::domain::{document::DocumentPath, matcher::MatcherSet};

impl FleetHandle {
    /// The pipelines that a collector would gain and lose by a change of its name and labels, and why it could not be
    /// given what they come to. Stores nothing.
    ///
    /// Reads the matchers of every pipeline and renders a text: call it where a thread may be held.
    ///
    /// # Errors
    /// When there is no such collector, it is deregistered, or the change breaks rules.
    pub fn outlook(&self, id: CollectorId, patch: CollectorPatch) -> Result<CollectorPreview, FleetError> {
        let slot = self.registered(id)?;
        let (name, labels) = self.patched(&slot, patch)?;
        let attributes = attributes_of(&slot.record(), &name, &labels);
        let config = self.shared.config.load_full();
        let now = slot.place().pipelines.clone();
        let matches = |matchers: &[String]| MatcherSet::parse(matchers).is_ok_and(|set| set.matches(&attributes));
        let is_run = |id: &PipelineId| now.binary_search(id).is_ok();
        let named = |id: &PipelineId| NamedPipeline {
            id: id.clone(),
            name: config.name_of(&DocumentPath::Pipeline(id.clone())).unwrap_or(id.as_str()).to_owned(),
        };
        let would: Vec<&PipelineId> = config
            .pipelines
            .iter()
            .filter(|(_, stored)| stored.document.enabled && matches(&stored.document.matchers))
            .map(|(id, _)| id)
            .collect();
        let gains: Vec<_> = would.iter().filter(|id| !is_run(id)).map(|id| named(id)).collect();
        let loses: Vec<_> = now.iter().filter(|id| !would.contains(id)).map(named).collect();
        let withheld = if gains.is_empty() && loses.is_empty() {
            None
        } else {
            let world = World {
                config: Arc::clone(&config),
                directory: &self.shared.directory,
                components: &self.shared.components,
                sealer: &*self.shared.sealer,
                now: self.shared.clock.monotonic(),
            };
            would_be_withheld(&slot, would.into_iter().cloned().collect(), &world)
        };
        Ok(CollectorPreview { gains, loses, withheld })
    }
}
