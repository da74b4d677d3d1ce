//! What was found in a text: its components, and how records run through them. The same for both languages.

use std::collections::BTreeMap;

use linkmesh_proto::{
    PipelineId,
    api::{
        pipeline::{LeftOver, LeftOverKind, Signal},
        problem::FieldProblem,
    },
};
use serde_json::Value;

use super::{hidden, tree::Tree};
use crate::{
    domain::{components::ComponentClass, problem::Problems},
    render::{alloy::Block, names::RESERVED_STEPS},
};

/// More components than this are of no text that a person wrote.
pub(super) const MAX_COMPONENTS: usize = 1000;

/// More ways of records than this are of no such text either.
pub(super) const MAX_WAYS: usize = 1000;

/// A component as its text stands in the config.
#[derive(Debug, Clone)]
pub(super) enum Written {
    /// The settings of a component of otelcol.
    Otelcol(Value),
    /// A block of Alloy.
    Alloy(Block),
}

/// A component of the config.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Its section.
    pub(super) class: ComponentClass,
    /// Its type: the classic name for otelcol, the name of the block for Alloy.
    pub(super) kind: String,
    /// What tells it from others of the type: what follows the `/`, or the label. Empty for none.
    pub(super) name: String,
    /// By what others of the config refer to it.
    pub(super) id: String,
    /// Where it stands, for a person.
    pub(super) path: String,
    /// The pipeline that it belongs to if the text is a rendering of LinkMesh, by the `declare` that it stands in.
    pub(super) declare: Option<String>,
    /// Its settings; without defaults.
    pub(super) config: Tree,
    /// What it cannot be without: extensions of otelcol that it names, blocks of Alloy that feed it or that it names.
    pub(super) with: Vec<usize>,
    /// Its text.
    pub(super) written: Written,
}

impl Found {
    /// As it goes into a list of what was left over.
    pub(super) fn left_over(&self, kind: LeftOverKind, reason: impl Into<String>) -> LeftOver {
        let (path, text) = (self.path.clone(), hidden::text(self));
        LeftOver { kind, path, text, reason: reason.into(), pipelines: Vec::new() }
    }

    /// What a slug of its name is made of.
    pub(super) fn called(&self) -> String {
        let kind = self.kind.rsplit('.').next().unwrap_or(&self.kind);
        if self.name.is_empty() || self.name == "default" {
            kind.to_owned()
        } else if self.name.starts_with(|c: char| c.is_ascii_digit()) || RESERVED_STEPS.contains(&self.name.as_str()) {
            // `otlp/4317`: a port alone names nothing, and no step may be called as the meters are.
            format!("{kind}-{}", self.name)
        } else {
            self.name.clone()
        }
    }
}

/// Where records of a chain go: through processors of this way alone, to an exporter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Out {
    /// The processors.
    pub(super) via: Vec<usize>,
    /// The exporter.
    pub(super) to: usize,
}

/// What happens to the records of one signal: from sources through processors to exporters.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    /// Where it stands, for a person.
    pub(super) path: String,
    /// The signal.
    pub(super) signal: Signal,
    /// A name for it; may be empty.
    pub(super) name: String,
    /// The receivers.
    pub(super) sources: Vec<usize>,
    /// The processors, in order.
    pub(super) steps: Vec<usize>,
    /// The ways behind them.
    pub(super) outs: Vec<Out>,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// The components.
    pub(super) found: Vec<Found>,
    /// The chains.
    pub(super) chains: Vec<Chain>,
    /// The exporters that an instance of a `declare` is given, in order, by where the instance stands.
    pub(super) given: BTreeMap<String, Vec<usize>>,
    /// What has no place in pipelines and destinations.
    pub(super) left_over: Vec<LeftOver>,
    /// The components of pipelines that are left over whole.
    pub(super) of_left_pipelines: Vec<usize>,
    /// The extensions of otelcol that no collector starts with this config.
    pub(super) not_started: Vec<usize>,
    /// Which components were spoken of otherwise than by a chain: what is left over, and what only joins chains.
    pub(super) spoken_of: Vec<usize>,
}

impl Config {
    /// Leaves chains out that lead nowhere: what they lead to was left over, or nothing is there.
    pub(super) fn drop_dead_ends(&mut self) {
        let (chains, dead): (Vec<Chain>, Vec<Chain>) =
            std::mem::take(&mut self.chains).into_iter().partition(|chain| !chain.outs.is_empty());
        self.chains = chains;
        self.of_left_pipelines.extend(dead.into_iter().flat_map(|chain| chain.sources.into_iter().chain(chain.steps)));
    }

    /// Whether a component is in a chain, or was spoken of otherwise.
    pub(super) fn is_spoken_of(&self, index: usize) -> bool {
        self.spoken_of.contains(&index)
            || self.chains.iter().any(|chain| {
                let of_outs = chain.outs.iter().flat_map(|out| out.via.iter().chain([&out.to]));
                chain.sources.iter().chain(&chain.steps).chain(of_outs).any(|known| *known == index)
            })
    }

    /// A component that was found is left over.
    pub(super) fn leave(&mut self, index: usize, kind: LeftOverKind, reason: impl Into<String>) {
        let Some(found) = self.found.get(index) else { return };
        let left = found.left_over(kind, reason);
        self.spoken_of.push(index);
        match self.left_over.iter_mut().find(|known| known.path == left.path) {
            // What is worst of it is said.
            Some(known) if left.kind < known.kind => *known = LeftOver { pipelines: known.pipelines.clone(), ..left },
            Some(_) => {}
            None => self.left_over.push(left),
        }
    }

    /// A component is missing from a pipeline.
    pub(super) fn miss(&mut self, index: usize, pipeline: &PipelineId, reason: impl Into<String>) {
        self.leave(index, LeftOverKind::Missing, reason);
        let path = self.found.get(index).map(|found| &found.path);
        if let Some(left) = self.left_over.iter_mut().find(|left| Some(&left.path) == path)
            && !left.pipelines.contains(pipeline)
        {
            left.pipelines.push(pipeline.clone());
        }
    }
}

/// Ends the reading of a text with one problem.
pub(super) fn refused(field: &str, code: &str, message: impl Into<String>) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.add(field, code, message);
    problems.into_vec()
}
