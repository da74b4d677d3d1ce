//! Whether the text of a document would be larger than any that is rendered. A save that lets it through would leave every
//! collector that it matches with what it has.

use std::sync::Arc;

use linkmesh_proto::{
    DestinationId, PipelineId,
    api::{
        collector::Runtime,
        destination::DestinationDocument,
        pipeline::{DestinationRef, PipelineDocument},
        problem::FieldProblem,
    },
};

use crate::{
    component::ALL_SIGNALS,
    domain::{
        config::{ConfigSnapshot, Versioned},
        secret::Sealer,
    },
    render::{RenderError, RenderTarget, render},
};

/// What is wrong with a pipeline that alone, with its destinations, makes too large a text.
pub(super) fn of_pipeline(
    id: &PipelineId,
    document: &PipelineDocument,
    config: &ConfigSnapshot,
    sealer: &dyn Sealer,
) -> Option<FieldProblem> {
    let mut alone = ConfigSnapshot { settings: config.settings.clone(), ..ConfigSnapshot::default() };
    for to in &document.destinations {
        if let Some(destination) = config.destinations.get(to.id()) {
            alone.destinations.insert(to.id().clone(), Arc::clone(destination));
        }
    }
    alone.pipelines.insert(id.clone(), Arc::new(Versioned::unsaved(document.clone())));
    problem(&format!("the pipeline {id}"), id, &alone, sealer)
}

/// What is wrong with a destination that no pipeline could send to.
pub(super) fn of_destination(
    id: &DestinationId,
    document: &DestinationDocument,
    config: &ConfigSnapshot,
    sealer: &dyn Sealer,
) -> Option<FieldProblem> {
    let mut alone = ConfigSnapshot { settings: config.settings.clone(), ..ConfigSnapshot::default() };
    alone.destinations.insert(id.clone(), Arc::new(Versioned::unsaved(document.clone())));
    let only: PipelineId = "only".parse().ok()?;
    let pipeline = PipelineDocument {
        version: 1,
        name: String::new(),
        description: String::new(),
        enabled: true,
        signals: ALL_SIGNALS.to_vec(),
        matchers: Vec::new(),
        sources: Vec::new(),
        filters: Vec::new(),
        processors: Vec::new(),
        destinations: vec![DestinationRef::Id(id.clone())],
    };
    alone.pipelines.insert(only.clone(), Arc::new(Versioned::unsaved(pipeline)));
    problem(&format!("the destination {id}"), &only, &alone, sealer)
}

fn problem(what: &str, id: &PipelineId, config: &ConfigSnapshot, sealer: &dyn Sealer) -> Option<FieldProblem> {
    [(Runtime::Otelcol, "otelcol"), (Runtime::Alloy, "Alloy")].into_iter().find_map(|(runtime, name)| {
        // What else is wrong was said where it stands.
        let Err(error @ RenderError::TooLarge { .. }) =
            render(config, std::slice::from_ref(id), &RenderTarget::plain(runtime), sealer)
        else {
            return None;
        };
        let message = format!("{what} cannot be rendered for {name}: {error}");
        Some(FieldProblem { field: String::new(), code: "too_large".to_owned(), message })
    })
}
