//! The Alloy document: destinations and sources that bind an address at the root, each pipeline a `declare` of its own
//! with one instance, joined by arguments and exports.

use std::collections::BTreeMap;

use linkmesh_proto::{
    DestinationId, PipelineId,
    api::{
        collector::{Runtime, Stability},
        pipeline::Signal,
    },
};

use super::{Block, Expr, Statement, attribute, write_within};
use crate::{
    component::{AlloyPart, AlloySite, Outputs, signal_name},
    domain::{
        document::MemoryLimiter,
        resolve::{Resolved, ResolvedConfig, ResolvedPipeline},
    },
    render::{
        RenderError,
        names::{self, End},
        otelcol::unsupported_error,
        size::{MAX_TEXT, too_large},
    },
    stage::Stage as _,
};

/// What a document begins with, for a person who finds it on a host.
const HEADER: &str = "// Rendered by LinkMesh. Edit the pipelines there: changes made here are overwritten.\n";

/// The document of a collector without pipelines: Alloy ignores an empty one and runs on with the last.
const IDLE: &str = "// Rendered by LinkMesh: no pipeline for this collector.\n";

/// Renders the blocks of one part, or says why that is not possible.
pub(crate) fn part(part: &Resolved, label: &str, outputs: &Outputs) -> Result<AlloyPart, RenderError> {
    part.registered
        .component()
        .alloy(&part.settings, &AlloySite { label, outputs })
        .map_err(|unsupported| unsupported_error(part, Runtime::Alloy, &unsupported))
}

/// Writes the document; `hide` puts `[sealed]` in the place of secrets.
pub(in crate::render) fn write(
    config: &ResolvedConfig,
    labels: &BTreeMap<PipelineId, u32>,
    hide: bool,
) -> Result<String, RenderError> {
    if config.pipelines.is_empty() {
        return Ok(IDLE.to_owned());
    }
    let instance = |id: &PipelineId| names::alloy_instance(labels.get(id).copied());
    let mut root = Vec::new();
    let mut inputs: BTreeMap<&DestinationId, String> = BTreeMap::new();
    for (id, destination) in &config.destinations {
        let part = part(destination, &names::alloy_destination(id), &Outputs::default())?;
        root.extend(part.blocks.into_iter().map(Statement::Block));
        inputs.extend(part.input.map(|input| (id, input)));
    }
    for source in config.sources.values() {
        let mut outputs: BTreeMap<Signal, Vec<String>> = BTreeMap::new();
        for (user, signals) in &source.users {
            for signal in signals {
                let export = format!("{}.{}.{}", names::alloy_pipeline(user), instance(user), signal_name(*signal));
                outputs.entry(*signal).or_default().push(export);
            }
        }
        let part = part(&source.part, &names::alloy_bound(&source.name), &Outputs(outputs.into_iter().collect()))?;
        root.extend(part.blocks.into_iter().map(Statement::Block));
    }
    for pipeline in &config.pipelines {
        let name = names::alloy_pipeline(&pipeline.id);
        root.push(Statement::Block(Block::labelled("declare", name.clone(), declare(config, pipeline)?)));
        let arguments = pipeline
            .destinations
            .iter()
            .filter_map(|d| Some(attribute(&names::alloy_destination(&d.id), Expr::token(inputs.get(&d.id)?))));
        root.push(Statement::Block(Block::labelled(&name, instance(&pipeline.id), arguments.collect())));
    }
    let text = write_within(&root, hide, MAX_TEXT).ok_or_else(|| too_large(config))?;
    Ok(format!("{HEADER}\n{text}"))
}

/// A component for which an Alloy has to run at a stability level above generally available. Below it, Alloy refuses the
/// whole document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StabilityNeed {
    pub(crate) level: Stability,
    pub(crate) component: String,
    pub(crate) pipeline: PipelineId,
}

/// The part of a config that needs the highest level; `None` when every Alloy takes it.
pub(crate) fn stability_need(config: &ResolvedConfig) -> Result<Option<StabilityNeed>, RenderError> {
    let mut highest: Option<StabilityNeed> = None;
    let mut look = |resolved: &Resolved, signals: &[Signal], pipeline: &PipelineId| {
        let outputs = Outputs(signals.iter().map(|signal| (*signal, Vec::new())).collect());
        let part = part(resolved, "check", &outputs)?;
        let (level, block) = part.stability();
        if level > highest.as_ref().map_or(Stability::GenerallyAvailable, |need| need.level) {
            let component = block.unwrap_or_default().to_owned();
            highest = Some(StabilityNeed { level, component, pipeline: pipeline.clone() });
        }
        Ok(())
    };
    for source in config.sources.values() {
        source.users.iter().try_for_each(|(user, signals)| look(&source.part, signals, user))?;
    }
    for pipeline in &config.pipelines {
        for step in pipeline.sources.iter().chain(&pipeline.steps) {
            look(&step.part, &step.signals, &pipeline.id)?;
        }
        for taker in &pipeline.destinations {
            if let Some(destination) = config.destinations.get(&taker.id) {
                look(destination, &taker.signals, &pipeline.id)?;
            }
        }
    }
    Ok(highest)
}

fn declare(config: &ResolvedConfig, pipeline: &ResolvedPipeline) -> Result<Vec<Statement>, RenderError> {
    let mut body: Vec<Block> = Vec::new();
    for destination in &pipeline.destinations {
        body.push(Block::labelled("argument", names::alloy_destination(&destination.id), Vec::new()));
    }
    let to_all = |reference: &str| {
        Outputs(pipeline.signals.iter().map(|signal| (*signal, vec![reference.to_owned()])).collect())
    };
    // From the end to the front, since each component names the next.
    let mut chain: Vec<Block> = Vec::new();
    let mut next = branches(pipeline, &mut chain);
    let out = meter(End::Out, &next);
    next = to_all(&out.reference("input"));
    chain.push(out);
    for step in pipeline.steps.iter().rev() {
        let outputs = Outputs(next.0.iter().filter(|(signal, _)| step.signals.contains(signal)).cloned().collect());
        let part = part(&step.part, &names::alloy_step(&step.id), &outputs)?;
        for (_, references) in next.0.iter_mut().filter(|(signal, _)| step.signals.contains(signal)) {
            *references = part.input.iter().cloned().collect();
        }
        chain.extend(part.blocks.into_iter().rev());
    }
    let first = meter(End::In, &next);
    next = to_all(&first.reference("input"));
    chain.push(first);
    let limiter = limiter(&config.memory_limiter, &next);
    let input = limiter.reference("input");
    chain.push(limiter);

    for signal in exported(config, pipeline) {
        let value = attribute("value", Expr::token(&input));
        body.push(Block::labelled("export", signal_name(signal), vec![value]));
    }
    for source in &pipeline.sources {
        let outputs = Outputs(source.signals.iter().map(|signal| (*signal, vec![input.clone()])).collect());
        body.extend(part(&source.part, &names::alloy_step(&source.id), &outputs)?.blocks);
    }
    body.extend(chain.into_iter().rev());
    Ok(body.into_iter().map(Statement::Block).collect())
}

/// What stands behind a pipeline's last meter: its destinations, and what lets a part through to some of them.
fn branches(pipeline: &ResolvedPipeline, chain: &mut Vec<Block>) -> Outputs {
    let mut inputs = BTreeMap::new();
    for destination in &pipeline.destinations {
        let mut input = format!("argument.{}.value", names::alloy_destination(&destination.id));
        if let Some(filter) = destination.filter() {
            let (name, mut body) = filter.alloy();
            let outputs = destination.signals.iter().map(|signal| (*signal, vec![input.clone()]));
            body.push(Outputs(outputs.collect()).block());
            let block = Block::labelled(name, names::alloy_branch(&destination.id), body);
            input = block.reference("input");
            chain.push(block);
        }
        inputs.insert(&destination.id, input);
    }
    chain.reverse();
    let behind = |signal| pipeline.takers(signal).filter_map(|taker| inputs.get(&taker.id).cloned()).collect();
    Outputs(pipeline.signals.iter().map(|signal| (*signal, behind(*signal))).collect())
}

/// The signals that the pipeline takes from sources outside of it.
fn exported(config: &ResolvedConfig, pipeline: &ResolvedPipeline) -> Vec<Signal> {
    let taken = |signal: &Signal| {
        config
            .sources
            .values()
            .flat_map(|source| &source.users)
            .any(|(user, signals)| *user == pipeline.id && signals.contains(signal))
    };
    pipeline.signals.iter().copied().filter(taken).collect()
}

/// A filter without conditions: it drops nothing and only counts.
fn meter(end: End, outputs: &Outputs) -> Block {
    let body = vec![attribute("error_mode", Expr::text("ignore")), outputs.block()];
    Block::labelled("otelcol.processor.filter", end.as_str(), body)
}

fn limiter(limiter: &MemoryLimiter, outputs: &Outputs) -> Block {
    let spike = u64::from(limiter.limit_mib) * u64::from(limiter.spike_limit_percent) / 100;
    let body = vec![
        attribute("check_interval", Expr::text(format!("{}s", limiter.check_interval_s))),
        attribute("limit", Expr::text(format!("{}MiB", limiter.limit_mib))),
        attribute("spike_limit", Expr::text(format!("{spike}MiB"))),
        outputs.block(),
    ];
    Block::labelled("otelcol.processor.memory_limiter", names::ALLOY_LIMITER, body)
}
