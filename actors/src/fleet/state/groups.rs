//! Collectors that share a text, and the text.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use linkmesh_proto::{CollectorId, PipelineId, Revision, api::collector::Runtime};

use super::World;
use crate::{
    collector::ComponentRegistry,
    directory::{Slot, Text},
    domain::{
        components::ComponentClass, config::ConfigSnapshot, desired::Desired, drift::Committed, resolve::resolve,
        stability,
    },
    render::{
        RenderError, RenderTarget,
        alloy::document::{StabilityNeed, stability_need},
        rendered,
    },
    runtime::panic_message,
};

/// What all collectors have in common that share a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TextKey {
    pub(super) target: RenderTarget,
    pub(super) pipelines: Arc<[PipelineId]>,
}

/// Collectors that share a text.
#[derive(Default)]
pub(super) struct Group {
    pub(super) members: HashSet<CollectorId>,
    pub(super) text: Option<Arc<Text>>,
    needs: Needs,
    problem: Option<Arc<str>>,
    pub(super) is_rendered: bool,
}

/// What a collector must have or allow to take a text.
#[derive(Default)]
struct Needs {
    /// The level of stability of an Alloy.
    stability: Option<StabilityNeed>,
    /// The component types in the build of an otelcol.
    types: Vec<(ComponentClass, Box<str>)>,
}

impl Group {
    /// Renders the text; `true` when text or problem are others than before.
    pub(super) fn render(&mut self, key: &TextKey, world: &World<'_>) -> bool {
        self.is_rendered = true;
        match text(key, world) {
            Ok((new, needs)) => {
                self.needs = needs;
                let same = self.text.as_ref().is_some_and(|old| old.desired.hash() == new.desired.hash());
                let had_problem = self.problem.take().is_some();
                if !same {
                    self.text = Some(Arc::new(new));
                }
                !same || had_problem
            }
            Err(problem) => {
                tracing::warn!(runtime = ?key.target.runtime, %problem, "a config cannot be rendered");
                let is_other = self.problem.as_deref() != Some(&problem);
                self.problem = Some(problem.into());
                is_other
            }
        }
    }

    /// Why this collector cannot be given the text.
    pub(super) fn problem_of(&self, slot: &Slot, components: &ComponentRegistry) -> Option<Arc<str>> {
        self.problem.clone().or_else(|| refusal(&self.needs, slot, components).map(Into::into))
    }
}

/// Why this collector would refuse a text with these needs.
fn refusal(needs: &Needs, slot: &Slot, components: &ComponentRegistry) -> Option<String> {
    let record = slot.record();
    if let Some(StabilityNeed { level, component, pipeline }) =
        needs.stability.as_ref().filter(|need| record.stability < need.level)
    {
        let (needed, level) = (stability::flag(*level), stability::flag(record.stability));
        return Some(format!(
            "pipeline {pipeline} needs --stability.level={needed} for {component}, this Alloy runs at {level} and would \
             refuse everything: it keeps the configuration that it has"
        ));
    }
    // What a build does not have stops the collector at its start; of one that does not say nothing is concluded.
    let build = components.proven(record.row.components_hash.as_ref()?).filter(|build| !build.is_empty())?;
    let lacking: Vec<String> = needs
        .types
        .iter()
        .filter(|(class, kind)| !build.has(*class, kind))
        .map(|(class, kind)| format!("{}/{kind}", class.as_str()))
        .collect();
    (!lacking.is_empty()).then(|| {
        format!(
            "the build of this collector lacks {}: it would not start, and keeps the configuration that it has",
            lacking.join(", ")
        )
    })
}

/// Why this collector could not be given what these pipelines come to.
pub(in crate::fleet) fn would_be_withheld(
    slot: &Slot,
    pipelines: Arc<[PipelineId]>,
    world: &World<'_>,
) -> Option<String> {
    match text(&text_key(slot, pipelines, world.components)?, world) {
        Ok((_, needs)) => refusal(&needs, slot, world.components),
        Err(problem) => Some(problem),
    }
}

/// The text and what it takes to run it, or why there is none.
fn text(key: &TextKey, world: &World<'_>) -> Result<(Text, Needs), String> {
    // What was saved is rendered again at every start, by an actor without which the server ends: one pipeline that a
    // component cannot cope with would keep it from starting ever again. Unwind safety: all that is made here is dropped.
    catch_unwind(AssertUnwindSafe(|| rendered_text(key, world))).unwrap_or_else(|panic| {
        Err(format!("a fault of LinkMesh: rendering it ended with \"{}\"", panic_message(&*panic)))
    })
}

fn rendered_text(key: &TextKey, world: &World<'_>) -> Result<(Text, Needs), String> {
    let in_words = |error: RenderError| error.to_string();
    let resolved = resolve(&world.config, &key.pipelines, world.sealer).map_err(in_words)?;
    let rendered = rendered(&resolved, &key.target).map_err(in_words)?;
    let revision = newest(&world.config, &key.pipelines).or(world.config.revision);
    let mut needs = Needs::default();
    let desired = match key.target.runtime {
        Runtime::Otelcol => {
            let desired = Desired::otelcol(rendered.text, revision).map_err(|error| error.to_string())?;
            needs.types = desired.committed().map(Committed::component_types).unwrap_or_default();
            desired
        }
        Runtime::Alloy => {
            needs.stability = stability_need(&resolved).map_err(in_words)?;
            Desired::alloy(rendered.text, revision)
        }
    };
    let text = Text { desired: Arc::new(desired), redacted: rendered.redacted, secrets: rendered.secrets };
    Ok((text, needs))
}

/// The newest commit that touched one of these pipelines, what they send to, or what holds for all: where their text comes
/// from, whatever else was committed since.
fn newest(config: &ConfigSnapshot, pipelines: &[PipelineId]) -> Option<Revision> {
    let pipelines = pipelines.iter().filter_map(|id| config.pipelines.get(id));
    let commits = pipelines.flat_map(|pipeline| {
        let destinations = pipeline.document.destinations.iter().filter_map(|to| config.destinations.get(to.id()));
        let destinations = destinations.map(|destination| (destination.updated_at, destination.revision));
        destinations.chain([(pipeline.updated_at, pipeline.revision)])
    });
    let (at, revision) = commits.max_by_key(|(at, _)| *at)?;
    Some(config.settings_from.filter(|(settings_at, _)| *settings_at > at).map_or(revision, |(_, settings)| settings))
}

/// Which text a collector shares. A supervisor that never got a config is left alone while nothing matches it.
pub(super) fn text_key(slot: &Slot, pipelines: Arc<[PipelineId]>, components: &ComponentRegistry) -> Option<TextKey> {
    let record = slot.record();
    if pipelines.is_empty() && record.runtime == Runtime::Otelcol && !record.row.ever_configured {
        return None;
    }
    let mut target = RenderTarget::plain(record.runtime);
    if let Some(build) = record.row.components_hash.as_ref().and_then(|hash| components.told(hash)) {
        target.dialect = build.dialect();
    }
    target.labels = record
        .row
        .labels
        .iter()
        .filter(|(pipeline, _)| pipelines.binary_search(pipeline).is_ok())
        .map(|(pipeline, label)| (pipeline.clone(), *label))
        .collect();
    Some(TextKey { target, pipelines })
}
