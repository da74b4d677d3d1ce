//! What is wrong with a document, found in the same way for a save, a check and a preview: its rules, and whether it can
//! be made ready to be stored.

use linkmesh_proto::{
    DestinationId, PipelineId,
    api::{destination::DestinationDocument, pipeline::PipelineDocument, pipeline::Validation, problem::FieldProblem},
};

use crate::domain::{
    config::ConfigSnapshot,
    secret::{Sealer, seal_destination, seal_pipeline},
    validate::{CollectorFacts, FleetFacts, validate_destination, validate_pipeline},
};

/// What a document is checked against.
#[derive(Clone, Copy)]
pub(crate) struct Against<'a> {
    pub(crate) config: &'a ConfigSnapshot,
    pub(crate) facts: &'a [CollectorFacts],
    pub(crate) sealer: &'a dyn Sealer,
}

/// A pipeline as it would be stored, and what is wrong with it.
pub(crate) fn pipeline(
    id: &PipelineId,
    document: &PipelineDocument,
    against: Against<'_>,
) -> (PipelineDocument, Validation) {
    let facts = FleetFacts { collectors: against.facts };
    let validation = validate_pipeline(id, document, against.config, &facts);
    let stored = against.config.pipelines.get(id).map(|stored| &stored.document);
    let mut sealed = document.clone();
    let outcome = seal_pipeline(&mut sealed, stored, against.sealer);
    (sealed, with_sealing(validation, outcome))
}

/// A destination as it would be stored, and what is wrong with it.
pub(crate) fn destination(
    id: &DestinationId,
    document: &DestinationDocument,
    against: Against<'_>,
) -> (DestinationDocument, Validation) {
    let facts = FleetFacts { collectors: against.facts };
    let validation = validate_destination(id, document, against.config, &facts);
    let stored = against.config.destinations.get(id).map(|stored| &stored.document);
    let mut sealed = document.clone();
    let outcome = seal_destination(&mut sealed, stored, against.sealer);
    (sealed, with_sealing(validation, outcome))
}

fn with_sealing(mut validation: Validation, sealed: Result<(), Vec<FieldProblem>>) -> Validation {
    for problem in sealed.err().into_iter().flatten() {
        if !validation.errors.contains(&problem) {
            validation.errors.push(problem);
        }
    }
    validation
}
