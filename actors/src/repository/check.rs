//! What is wrong with a document, found in the same way for a save, a check and a preview: its rules, and whether it can
//! be made ready to be stored.

use std::sync::Arc;

use linkmesh_proto::{
    DestinationId, PipelineId,
    api::{destination::DestinationDocument, pipeline::PipelineDocument, pipeline::Validation, problem::FieldProblem},
};

use crate::domain::{
    config::{ConfigSnapshot, Versioned},
    document::{write_destination, write_pipeline},
    secret::{Sealer, seal_destination, seal_pipeline},
    validate::{CollectorFacts, Examined, FleetFacts, validate_examined_destination, validate_examined_pipeline},
};

mod size;

/// What a document is checked against.
#[derive(Clone, Copy)]
pub(crate) struct Against<'a> {
    pub(crate) config: &'a ConfigSnapshot,
    pub(crate) facts: &'a [CollectorFacts],
    pub(crate) sealer: &'a dyn Sealer,
}

/// A document that was checked.
pub(crate) struct Checked<T> {
    /// As it would be stored.
    pub(crate) document: T,
    /// Its file, or why that would not be read.
    pub(crate) text: Result<String, Vec<FieldProblem>>,
    /// What is wrong with it.
    pub(crate) validation: Validation,
}

impl<T> Checked<T> {
    /// The document with what is to be said of it while it may be unfinished. Its shape was looked at when it came: of
    /// its file, only what concerns all of it is new.
    pub(crate) fn draft(self) -> (T, Validation) {
        let Self { document, text, mut validation } = self;
        let unreadable = text.err().into_iter().flatten();
        validation.errors.extend(unreadable.filter(|problem| problem.field.is_empty()));
        (document, validation)
    }
}

/// What was made of a document before its turn came: all that takes long.
#[derive(Debug, Clone)]
pub(super) struct Ready<T> {
    examined: Examined,
    /// That its text would be too large.
    too_large: Option<FieldProblem>,
    written: Written<T>,
}

/// A document's file, as it would be stored in the place of another.
#[derive(Debug, Clone)]
struct Written<T> {
    /// Which it was sealed against.
    stored: Option<Arc<Versioned<T>>>,
    document: T,
    sealed: Result<(), Vec<FieldProblem>>,
    text: Result<String, Vec<FieldProblem>>,
}

impl<T: Clone> Ready<T> {
    /// What was written, unless something else is stored by now.
    fn written(&self, stored: Option<&Arc<Versioned<T>>>) -> Option<Written<T>> {
        let is_same = match (&self.written.stored, stored) {
            (Some(then), Some(now)) => Arc::ptr_eq(then, now),
            (None, None) => true,
            _ => false,
        };
        is_same.then(|| self.written.clone())
    }
}

/// A pipeline, ready to be checked.
pub(super) fn ready_pipeline(
    id: &PipelineId,
    document: &PipelineDocument,
    config: &ConfigSnapshot,
    sealer: &dyn Sealer,
) -> Ready<PipelineDocument> {
    let written = written_pipeline(document, config.pipelines.get(id), sealer);
    let too_large = size::of_pipeline(id, &written.document, config, sealer);
    Ready { examined: Examined::of(document), too_large, written }
}

/// A destination, ready to be checked.
pub(super) fn ready_destination(
    id: &DestinationId,
    document: &DestinationDocument,
    config: &ConfigSnapshot,
    sealer: &dyn Sealer,
) -> Ready<DestinationDocument> {
    let written = written_destination(document, config.destinations.get(id), sealer);
    let too_large = size::of_destination(id, &written.document, config, sealer);
    Ready { examined: Examined::of_destination(document), too_large, written }
}

fn written_pipeline(
    document: &PipelineDocument,
    stored: Option<&Arc<Versioned<PipelineDocument>>>,
    sealer: &dyn Sealer,
) -> Written<PipelineDocument> {
    let mut document = document.clone();
    let sealed = seal_pipeline(&mut document, stored.map(|stored| &stored.document), sealer);
    Written { stored: stored.cloned(), text: write_pipeline(&document), document, sealed }
}

fn written_destination(
    document: &DestinationDocument,
    stored: Option<&Arc<Versioned<DestinationDocument>>>,
    sealer: &dyn Sealer,
) -> Written<DestinationDocument> {
    let mut document = document.clone();
    let sealed = seal_destination(&mut document, stored.map(|stored| &stored.document), sealer);
    Written { stored: stored.cloned(), text: write_destination(&document), document, sealed }
}

/// A pipeline as it would be stored, and what is wrong with it.
pub(crate) fn pipeline(
    id: &PipelineId,
    document: &PipelineDocument,
    against: Against<'_>,
) -> Checked<PipelineDocument> {
    ready_pipeline_checked(id, document, &ready_pipeline(id, document, against.config, against.sealer), against)
}

/// The same of one that was made ready before.
pub(super) fn ready_pipeline_checked(
    id: &PipelineId,
    document: &PipelineDocument,
    ready: &Ready<PipelineDocument>,
    against: Against<'_>,
) -> Checked<PipelineDocument> {
    let facts = FleetFacts { collectors: against.facts };
    let validation = validate_examined_pipeline(id, document, &ready.examined, against.config, &facts);
    let stored = against.config.pipelines.get(id);
    let written = ready.written(stored).unwrap_or_else(|| written_pipeline(document, stored, against.sealer));
    checked(written, validation, ready.too_large.clone())
}

/// A destination as it would be stored, and what is wrong with it.
pub(crate) fn destination(
    id: &DestinationId,
    document: &DestinationDocument,
    against: Against<'_>,
) -> Checked<DestinationDocument> {
    ready_destination_checked(id, document, &ready_destination(id, document, against.config, against.sealer), against)
}

/// The same of one that was made ready before.
pub(super) fn ready_destination_checked(
    id: &DestinationId,
    document: &DestinationDocument,
    ready: &Ready<DestinationDocument>,
    against: Against<'_>,
) -> Checked<DestinationDocument> {
    let facts = FleetFacts { collectors: against.facts };
    let validation = validate_examined_destination(id, document, &ready.examined, against.config, &facts);
    let stored = against.config.destinations.get(id);
    let written = ready.written(stored).unwrap_or_else(|| written_destination(document, stored, against.sealer));
    checked(written, validation, ready.too_large.clone())
}

fn checked<T>(
    Written { document, sealed, text, .. }: Written<T>,
    mut validation: Validation,
    too_large: Option<FieldProblem>,
) -> Checked<T> {
    validation.errors.extend(too_large);
    for problem in sealed.err().into_iter().flatten() {
        if !validation.errors.contains(&problem) {
            validation.errors.push(problem);
        }
    }
    Checked { document, text, validation }
}
