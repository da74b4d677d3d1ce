//! Which chains are one pipeline, and what their parts are.

use linkmesh_proto::{
    PipelineId,
    api::{
        catalogue::Role,
        collector::Runtime,
        pipeline::{LeftOverKind, Signal},
    },
};

use super::{
    Assembly, lanes, order,
    parts::{Part, concerned},
};
use crate::import::{found::Out, recognise::sequences};

mod group;

use group::{Group, Lane, other_groups, our_lane};

/// A pipeline to be.
#[derive(Debug)]
pub(super) struct Plan {
    /// Its id, if the text says it.
    pub(super) id: Option<PipelineId>,
    /// What its id is made of otherwise.
    pub(super) name: String,
    /// Its signals, in order.
    pub(super) signals: Vec<Signal>,
    /// Its sources.
    pub(super) sources: Vec<Part>,
    /// Its filters and processors, in order.
    pub(super) steps: Vec<Part>,
    /// Its destinations.
    pub(super) outs: Vec<To>,
}

/// A destination of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct To {
    /// The exporter.
    pub(super) to: usize,
    /// The condition on what goes there.
    pub(super) when: Option<String>,
}

/// The pipelines that chains make up.
pub(super) fn plans(assembly: &mut Assembly<'_>) -> Vec<Plan> {
    let chains = assembly.config.chains.clone();
    let mut groups: Vec<Group> = Vec::new();
    let mut others = Vec::new();
    for chain in &chains {
        match our_lane(assembly, chain) {
            Some((id, lane)) => match groups.iter_mut().find(|group| group.id.as_ref() == Some(&id)) {
                Some(group) => group.add(lane),
                None => {
                    groups.push(Group { names: vec![id.to_string()], id: Some(id), is_ours: true, lanes: vec![lane] });
                }
            },
            None => others.push(chain),
        }
    }
    groups.extend(other_groups(assembly, &others));
    let mut plans = Vec::new();
    for group in groups {
        match plan(assembly, &group) {
            Some(plan) => plans.push(plan),
            // Together they would carry more than they do in the text.
            None => plans.extend(group.apart().iter().flat_map(|lane| match plan(assembly, lane) {
                Some(plan) => vec![plan],
                // One destination stands at the end of two ways.
                None => lane.one_way_each().iter().filter_map(|way| plan(assembly, way)).collect(),
            })),
        }
    }
    plans
}

/// The pipeline that a group is; `None` when it would carry more or less than its lanes do.
fn plan(assembly: &mut Assembly<'_>, group: &Group) -> Option<Plan> {
    let signals = group.signals();
    let mut lanes = group.lanes.clone();
    own_processors(assembly, &mut lanes);
    let sources = sources(assembly, &lanes);
    let steps =
        if group.is_ours { our_steps(assembly, &lanes, &signals)? } else { other_steps(assembly, &lanes, &signals) };
    let outs = destinations(assembly, group, &lanes)?;
    let plan = Plan { id: group.id.clone(), name: group.name(), signals, sources, steps, outs };
    (plan.signals.len() == 1 || carries(assembly, &plan, &lanes)).then_some(plan)
}

/// Where the records of a group go; `None` when that is not the same for all signals that go there.
fn destinations(assembly: &Assembly<'_>, group: &Group, lanes: &[Lane]) -> Option<Vec<To>> {
    let mut outs: Vec<To> = Vec::new();
    for out in lanes.iter().flat_map(|lane| &lane.outs) {
        let takers: Vec<Signal> = lanes.iter().filter(|lane| lane.outs.contains(out)).map(|lane| lane.signal).collect();
        let when = if out.via.is_empty() { None } else { Some(assembly.condition(out, &takers)?) };
        let to = To { to: out.to, when };
        match outs.iter().find(|known| known.to == to.to) {
            Some(known) if *known != to => return None,
            Some(_) => {}
            None => outs.push(to),
        }
    }
    let mut order = written_order(lanes, &outs);
    if let Some(given) = group.declare(assembly).and_then(|declare| assembly.config.given.get(&declare)) {
        order.clone_from(given);
    }
    outs.sort_by_key(|out| order.iter().position(|to| *to == out.to));
    Some(outs)
}

/// An order of destinations that is that of each signal. Those on a condition stand in the text where the first of them
/// is, in an order of their own.
fn written_order(lanes: &[Lane], outs: &[To]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    let may_be_next = |to: usize, order: &[usize]| {
        lanes.iter().all(|lane| {
            let Some(at) = lane.outs.iter().position(|out| out.to == to) else { return true };
            let is_placed = |out: &Out| order.contains(&out.to);
            let is_conditional = |out: &Out| !out.via.is_empty();
            let before = lane.outs.iter().take(at);
            if lane.outs.get(at).is_some_and(is_conditional) {
                let direct = before.filter(|out| !is_conditional(out)).all(is_placed);
                return direct || lane.outs.iter().any(|out| is_conditional(out) && is_placed(out));
            }
            let mut conditional = before.clone().filter(|out| is_conditional(out)).peekable();
            before.filter(|out| !is_conditional(out)).all(is_placed)
                && (conditional.peek().is_none() || conditional.any(is_placed))
        })
    };
    while order.len() < outs.len() {
        let left = || outs.iter().map(|out| out.to).filter(|to| !order.contains(to));
        let next = left().find(|to| may_be_next(*to, &order)).or_else(|| left().next());
        let Some(next) = next else { break };
        order.push(next);
    }
    order
}

/// Whether in the pipeline every signal comes from the sources and goes to the destinations of its lane.
fn carries(assembly: &mut Assembly<'_>, plan: &Plan, lanes: &[Lane]) -> bool {
    lanes.iter().all(|lane| {
        let comes = plan.sources.iter().all(|source| {
            let is_there = lane.sources.iter().any(|(_, components)| *components == source.components);
            source.handles(lane.signal) == is_there
        });
        let goes = plan.outs.iter().all(|to| {
            let is_there = lane.outs.iter().any(|out| out.to == to.to);
            // One that is left over goes nowhere anyway.
            assembly.destination(to.to).is_none_or(|known| known.signals.contains(&lane.signal) == is_there)
        });
        comes && goes
    })
}

/// Where all records of other texts come from one source, the first processors may be a part of what that is here.
fn own_processors(assembly: &mut Assembly<'_>, lanes: &mut [Lane]) {
    let [lane] = lanes else { return };
    let [(None, receiver)] = lane.sources.as_slice() else { return };
    let signals = [lane.signal];
    for number in (1..=lane.steps.len().min(3)).rev() {
        let own = lane.steps.iter().take(number).flat_map(|(_, components)| components.iter().copied());
        let components: Vec<usize> = receiver.iter().copied().chain(own).collect();
        if assembly.recognised(&components, &[Role::Source], &signals, &signals).is_some() {
            lane.sources = vec![(None, components)];
            lane.steps.drain(..number);
            return;
        }
    }
}

fn sources(assembly: &mut Assembly<'_>, lanes: &[Lane]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (id, components) in lanes.iter().flat_map(|lane| &lane.sources) {
        if parts.iter().any(|part| part.components == *components) {
            continue;
        }
        // One that several pipelines share is the same in each, whatever they take of it.
        let Some(receiver) = components.first() else { continue };
        let signals = lanes::coming_from(&assembly.config, *receiver);
        let around = lanes::around(&assembly.config, *receiver);
        let recognised = assembly
            .recognised(components, &[Role::Source], &around, &signals)
            .or_else(|| assembly.recognised(components, &[Role::Source], &signals, &signals));
        parts.push(Part { id: id.clone(), components: components.clone(), signals, recognised });
    }
    if assembly.runtime == Runtime::Alloy {
        parts.sort_by(|a, b| a.components.cmp(&b.components));
        return parts;
    }
    // What comes to one signal only may stand between what comes to all.
    let of_lane = |lane: &Lane| lane.sources.iter().map(|(_, components)| components.clone()).collect();
    let lists: Vec<Vec<Vec<usize>>> = lanes.iter().map(of_lane).collect();
    if let Some(order) = order::merged(&lists, Vec::clone) {
        parts.sort_by_key(|part| order.iter().position(|components| *components == part.components));
    }
    parts
}

const STEPS: &[Role] = &[Role::Filter, Role::Processor];

/// The steps of a pipeline of ours, in an order that is that of each signal.
fn our_steps(assembly: &mut Assembly<'_>, lanes: &[Lane], signals: &[Signal]) -> Option<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    for (id, components) in lanes.iter().flat_map(|lane| &lane.steps) {
        if parts.iter().any(|part| part.components == *components) {
            continue;
        }
        let passed = |signal: &Signal| {
            lanes.iter().any(|lane| lane.signal == *signal && lane.steps.iter().any(|(_, known)| known == components))
        };
        let passing: Vec<Signal> = signals.iter().copied().filter(passed).collect();
        let recognised = assembly.recognised(components, STEPS, signals, &passing);
        parts.push(Part { id: id.clone(), components: components.clone(), signals: passing, recognised });
    }
    let lists: Vec<Vec<Vec<usize>>> =
        lanes.iter().map(|lane| lane.steps.iter().map(|(_, components)| components.clone()).collect()).collect();
    // Alloy's text has its blocks in order; of otelcol's only the order of each signal is known.
    let order = order::merged(&lists, |components| {
        let role = parts
            .iter()
            .find(|part| part.components == *components)
            .and_then(|part| part.recognised.as_ref().map(|known| known.registered.role()));
        let is_sorted = components.first().is_some_and(|index| assembly.is_otelcol(*index));
        (is_sorted && role == Some(Role::Processor), components.clone())
    })?;
    order.iter().map(|components| parts.iter().find(|part| part.components == *components).cloned()).collect()
}

/// The steps of another pipeline: the same for all its signals.
fn other_steps(assembly: &mut Assembly<'_>, lanes: &[Lane], signals: &[Signal]) -> Vec<Part> {
    let components: Vec<usize> =
        lanes.first().map(|lane| lane.steps.iter().flat_map(|(_, c)| c.iter().copied()).collect()).unwrap_or_default();
    let mut parts = Vec::new();
    let mut rest = components.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if let Some(part) = together(assembly, rest, signals) {
            rest = rest.get(part.components.len()..).unwrap_or_default();
            parts.push(part);
            continue;
        }
        parts.extend(alone(assembly, *first, signals));
        rest = after;
    }
    parts
}

/// The first components as one step, if several are.
fn together(assembly: &mut Assembly<'_>, components: &[usize], signals: &[Signal]) -> Option<Part> {
    for kinds in sequences(assembly.runtime) {
        let Some(window) = components.get(..kinds.len()) else { continue };
        let mut there: Vec<&str> =
            window.iter().filter_map(|index| Some(assembly.config.found.get(*index)?.kind.as_str())).collect();
        if !window.first().is_some_and(|index| assembly.is_otelcol(*index)) {
            there.sort_unstable();
        }
        if there != *kinds {
            continue;
        }
        if let Some(known) = assembly.recognised(window, STEPS, signals, signals) {
            let components = window.to_vec();
            return Some(Part { id: None, components, signals: signals.to_vec(), recognised: Some(known) });
        }
    }
    None
}

/// One component as a step; as one a signal, where it does different things to them.
fn alone(assembly: &mut Assembly<'_>, index: usize, signals: &[Signal]) -> Vec<Part> {
    let Some(found) = assembly.config.found.get(index) else { return Vec::new() };
    let passing = concerned(found, signals).unwrap_or_else(|| signals.to_vec());
    if passing.is_empty() {
        let reason = "does nothing to the records that run through it";
        assembly.config.leave(index, LeftOverKind::Unused, reason);
        return Vec::new();
    }
    let part = |signals: &[Signal], recognised| Part {
        id: None,
        components: vec![index],
        signals: signals.to_vec(),
        recognised,
    };
    let recognised = assembly.recognised(&[index], STEPS, signals, &passing);
    if recognised.is_some() || passing.len() == 1 {
        return vec![part(&passing, recognised)];
    }
    let each: Option<Vec<Part>> = passing
        .iter()
        .map(|signal| {
            let one = [*signal];
            let known = assembly.recognised(&[index], STEPS, signals, &one)?;
            Some(part(&one, Some(known)))
        })
        .collect();
    each.unwrap_or_else(|| vec![part(&passing, None)])
}
