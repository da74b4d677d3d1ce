//! What chains are by their names: those that a rendering of LinkMesh consists of, and the rest.

use linkmesh_proto::{DestinationId, PipelineId, Slug, api::pipeline::Signal};

use crate::{
    domain::components::ComponentClass,
    import::{
        found::{Chain, Config, Found, Out, Written},
        tree::Tree,
    },
    render::names::{self, End, Place},
};

/// The chain of a pipeline of ours, what is always around its parts taken off.
#[derive(Debug)]
pub(super) struct Ours<'c> {
    /// The pipeline.
    pub(super) pipeline: PipelineId,
    /// The limiter of memory.
    pub(super) limiter: usize,
    /// Processors of the source alone.
    pub(super) of_source: &'c [usize],
    /// Processors of the steps.
    pub(super) steps: &'c [usize],
    /// Ways behind the last meter.
    pub(super) outs: Vec<Out>,
}

/// What a component stands for by its name, if LinkMesh named it.
pub(super) fn place(found: &Found) -> Option<Place> {
    match &found.written {
        Written::Otelcol(_) if found.class == ComponentClass::Receivers => names::parse_otelcol_receiver(&found.id),
        Written::Otelcol(_) => names::parse_otelcol(without_number(&found.id)),
        Written::Alloy(_) => {
            let module = found.declare.as_ref().map_or_else(String::new, |declare| format!("/{declare}"));
            let (kind, label) = found.id.rsplit_once('.')?;
            names::parse_alloy(&format!("/remotecfg{module}"), &format!("{kind}.{}", without_part(label)))
        }
    }
    .map(|component| component.place)
}

/// `filter/shop.names` of `filter/shop.names.1`.
fn without_number(id: &str) -> &str {
    match id.rsplit_once('.') {
        Some((step, number)) if step.contains('.') && number.bytes().all(|b| b.is_ascii_digit()) => step,
        _ => id,
    }
}

/// `s_names` of `b1_s_names`.
fn without_part(label: &str) -> &str {
    let rest = label.strip_prefix('b').and_then(|rest| rest.split_once('_'));
    match rest {
        Some((number, step)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => step,
        _ => label,
    }
}

/// The name by which a component of ours was rendered: without the number of a part.
pub(super) fn site(found: &Found) -> String {
    match &found.written {
        Written::Otelcol(_) => {
            let id = without_number(&found.id);
            id.split_once('/').map_or(id, |(_, name)| name).to_owned()
        }
        Written::Alloy(_) => without_part(&found.name).to_owned(),
    }
}

/// The step that a component belongs to.
pub(super) fn step(found: &Found) -> Option<Slug> {
    match place(found)? {
        Place::Step { step, .. } => Some(step),
        _ => None,
    }
}

/// The id of a destination that LinkMesh named.
pub(super) fn our_destination(config: &Config, index: usize) -> Option<DestinationId> {
    let is_ours =
        config.chains.iter().any(|chain| ours(config, chain).is_some() && chain.outs.iter().any(|out| out.to == index));
    match place(config.found.get(index)?)? {
        Place::Destination(id) if is_ours => Some(id),
        _ => None,
    }
}

/// Whether a component is a meter of ours: a filter without conditions.
fn is_meter(found: &Found, wanted: End) -> Option<PipelineId> {
    let Some(Place::Meter { pipeline, end }) = place(found) else { return None };
    let only_mode =
        |(key, value): &(String, Tree)| key == "error_mode" && value.as_text() == Some("ignore") || key == "output{}";
    (end == wanted && found.config.entries().iter().all(only_mode)).then_some(pipeline)
}

/// Whether a component is the limiter of memory.
pub(super) fn is_limiter(found: &Found) -> bool {
    matches!(found.kind.as_str(), "memory_limiter" | "otelcol.processor.memory_limiter")
}

/// A chain as one of a pipeline of ours.
pub(super) fn ours<'c>(config: &Config, chain: &'c Chain) -> Option<Ours<'c>> {
    let found = |index: &usize| config.found.get(*index);
    let limiter = chain.steps.iter().position(|index| found(index).is_some_and(is_limiter))?;
    let first = chain.steps.iter().position(|index| found(index).is_some_and(|f| is_meter(f, End::In).is_some()))?;
    let pipeline = is_meter(found(chain.steps.get(first)?)?, End::In)?;
    let last = chain
        .steps
        .iter()
        .position(|index| found(index).is_some_and(|found| is_meter(found, End::Out).as_ref() == Some(&pipeline)))?;
    // otelcol limits in front of what a source does, Alloy behind it.
    let of_source = match limiter {
        0 => chain.steps.get(1..first)?,
        limiter if limiter + 1 == first => chain.steps.get(..limiter)?,
        _ => return None,
    };
    let steps = chain.steps.get(first + 1..last)?;
    // Where there is one way alone, what stands on it follows without a fork.
    let behind = chain.steps.get(last + 1..)?;
    let outs = chain.outs.iter().map(|out| Out { via: [behind, &out.via].concat(), to: out.to }).collect();
    if steps.iter().chain(of_source).any(|index| found(index).is_some_and(is_limiter)) {
        return None;
    }
    let named = |index: &usize| {
        found(index).and_then(place).is_some_and(|p| matches!(p, Place::Step { pipeline: of, .. } if of == pipeline))
    };
    // On Alloy the processors of a source that pipelines share are shared, too.
    let shared = |index: &usize| matches!(found(index).and_then(place), Some(Place::Bound(_)));
    (steps.iter().all(named) && of_source.iter().all(|index| named(index) || shared(index))).then_some(())?;
    let limiter = *chain.steps.get(limiter)?;
    Some(Ours { pipeline, limiter, of_source, steps, outs })
}

/// The signals whose records reach an exporter.
pub(super) fn reaching(config: &Config, exporter: usize) -> Vec<Signal> {
    signals(config, |chain| chain.outs.iter().any(|out| out.to == exporter))
}

/// The signals whose records come from a receiver.
pub(super) fn coming_from(config: &Config, receiver: usize) -> Vec<Signal> {
    signals(config, |chain| chain.sources.contains(&receiver))
}

fn signals(config: &Config, is_meant: impl Fn(&Chain) -> bool) -> Vec<Signal> {
    let mut signals: Vec<Signal> =
        config.chains.iter().filter(|chain| is_meant(chain)).map(|chain| chain.signal).collect();
    signals.sort_unstable();
    signals.dedup();
    signals
}

/// The signals of the pipelines of ours that a component is in; those of its chains if it is in others.
pub(super) fn around(config: &Config, index: usize) -> Vec<Signal> {
    let is_in = |chain: &Chain| chain.sources.contains(&index) || chain.outs.iter().any(|out| out.to == index);
    let pipelines: Vec<PipelineId> = config
        .chains
        .iter()
        .filter(|chain| is_in(chain))
        .filter_map(|chain| Some(ours(config, chain)?.pipeline))
        .collect();
    signals(config, |chain| is_in(chain) || ours(config, chain).is_some_and(|ours| pipelines.contains(&ours.pipeline)))
}
