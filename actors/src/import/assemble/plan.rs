//! Which chains are one pipeline, and what their parts are.

use std::collections::BTreeMap;

use linkmesh_proto::{
    PipelineId, Slug,
    api::{catalogue::Role, collector::Runtime, pipeline::Signal},
};

use super::{
    Assembly, lanes, order,
    parts::{Part, concerned},
};
use crate::{
    component::signal_name,
    import::{
        found::{Chain, Out},
        recognise::sequences,
    },
};

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

/// Components under one id, as far as the text says which belong together.
type Named = (Option<Slug>, Vec<usize>);

/// What happens to the records of one signal in a pipeline.
#[derive(Debug, Clone)]
struct Lane {
    signal: Signal,
    /// The limiter of memory, if LinkMesh named the parts.
    limiter: Option<usize>,
    sources: Vec<Named>,
    steps: Vec<Named>,
    outs: Vec<Out>,
}

/// Lanes that may be one pipeline, each of another signal.
#[derive(Debug, Clone)]
struct Group {
    id: Option<PipelineId>,
    /// Whether LinkMesh named its parts.
    is_ours: bool,
    names: Vec<String>,
    lanes: Vec<Lane>,
}

/// The pipelines that chains make up.
pub(super) fn plans(assembly: &mut Assembly) -> Vec<Plan> {
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
            None => {
                // Together they would carry more than they do in the text.
                plans.extend(group.apart().iter().filter_map(|group| plan(assembly, group)));
            }
        }
    }
    plans
}

impl Group {
    fn add(&mut self, lane: Lane) {
        match self.lanes.iter_mut().find(|known| known.signal == lane.signal && known.steps == lane.steps) {
            Some(known) => {
                for source in lane.sources {
                    if !known.sources.contains(&source) {
                        known.sources.push(source);
                    }
                }
                for out in lane.outs {
                    if !known.outs.contains(&out) {
                        known.outs.push(out);
                    }
                }
            }
            None => self.lanes.push(lane),
        }
    }

    /// The name that its id is made of.
    fn name(&self) -> String {
        let signals = self.signals();
        let named: Vec<&String> = self.names.iter().filter(|name| !name.is_empty()).collect();
        match named.first() {
            Some(name) => (*name).clone(),
            None => signals.iter().map(|signal| signal_name(*signal)).collect::<Vec<_>>().join("-"),
        }
    }

    /// The instance of a `declare` of ours that it is.
    fn declare(&self, assembly: &Assembly) -> Option<String> {
        let of = |index: &usize| assembly.config.found.get(*index)?.declare.clone();
        let index = self.lanes.iter().find_map(|lane| lane.limiter)?;
        self.is_ours.then(|| of(&index)).flatten()
    }

    fn signals(&self) -> Vec<Signal> {
        let mut signals: Vec<Signal> = self.lanes.iter().map(|lane| lane.signal).collect();
        signals.sort_unstable();
        signals.dedup();
        signals
    }

    /// Each lane by itself.
    fn apart(&self) -> Vec<Self> {
        let alone = |lane: &Lane| {
            let name = match self.names.iter().find(|name| !name.is_empty()) {
                Some(name) => format!("{name}-{}", signal_name(lane.signal)),
                None => signal_name(lane.signal).to_owned(),
            };
            Self { id: None, is_ours: self.is_ours, names: vec![name], lanes: vec![lane.clone()] }
        };
        self.lanes.iter().map(alone).collect()
    }
}

/// A chain of a pipeline of ours as a lane of it.
fn our_lane(assembly: &Assembly, chain: &Chain) -> Option<(PipelineId, Lane)> {
    let config = &assembly.config;
    let ours = lanes::ours(config, chain)?;
    let is_known = |out: &Out| out.via.is_empty() || assembly.condition(out, &[chain.signal]).is_some();
    ours.outs.iter().all(is_known).then_some(())?;
    let source = |index: &usize| {
        // A source that several pipelines share has its step's name only on the processors that each has for itself.
        let id = std::iter::once(index).chain(ours.of_source).find_map(|part| lanes::step(config.found.get(*part)?));
        (id, std::iter::once(*index).chain(ours.of_source.iter().copied()).collect())
    };
    let mut steps: Vec<Named> = Vec::new();
    for index in ours.steps {
        let id = config.found.get(*index).and_then(lanes::step);
        match steps.last_mut() {
            Some((known, components)) if *known == id => components.push(*index),
            _ => steps.push((id, vec![*index])),
        }
    }
    let sources = chain.sources.iter().map(source).collect();
    let lane = Lane { signal: chain.signal, limiter: Some(ours.limiter), sources, steps, outs: ours.outs };
    Some((ours.pipeline, lane))
}

/// Other chains: those with the same processors and exporters in one group.
fn other_groups(assembly: &mut Assembly, chains: &[&Chain]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for chain in chains {
        // Ways that are no condition are chains of their own.
        let mut ways: BTreeMap<Vec<usize>, Vec<Out>> = BTreeMap::new();
        for out in &chain.outs {
            let is_condition = !out.via.is_empty() && assembly.condition(out, &[chain.signal]).is_some();
            let (via, out) = if is_condition {
                (Vec::new(), out.clone())
            } else {
                (out.via.clone(), Out { via: Vec::new(), to: out.to })
            };
            ways.entry(via).or_default().push(out);
        }
        if ways.is_empty() {
            ways.insert(Vec::new(), Vec::new());
        }
        for (via, outs) in ways {
            let steps = chain.steps.iter().chain(&via).copied();
            let is_limiter = |index: &usize| assembly.config.found.get(*index).is_some_and(lanes::is_limiter);
            let steps: Vec<Named> = steps.filter(|index| !is_limiter(index)).map(|index| (None, vec![index])).collect();
            let sources = chain.sources.iter().map(|index| (None, vec![*index])).collect();
            let lane = Lane { signal: chain.signal, limiter: None, sources, steps, outs };
            let same = |group: &&mut Group| {
                group.lanes.first().is_some_and(|known| known.steps == lane.steps && known.outs == lane.outs)
            };
            match groups.iter_mut().find(same) {
                Some(group) => {
                    group.names.push(chain.name.clone());
                    group.add(lane);
                }
                None => {
                    let names = vec![chain.name.clone()];
                    groups.push(Group { id: None, is_ours: false, names, lanes: vec![lane] });
                }
            }
        }
    }
    groups
}

/// The pipeline that a group is; `None` when it would carry more or less than its lanes do.
fn plan(assembly: &mut Assembly, group: &Group) -> Option<Plan> {
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
fn destinations(assembly: &Assembly, group: &Group, lanes: &[Lane]) -> Option<Vec<To>> {
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
fn carries(assembly: &mut Assembly, plan: &Plan, lanes: &[Lane]) -> bool {
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
fn own_processors(assembly: &mut Assembly, lanes: &mut [Lane]) {
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

fn sources(assembly: &mut Assembly, lanes: &[Lane]) -> Vec<Part> {
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
    }
    parts
}

const STEPS: &[Role] = &[Role::Filter, Role::Processor];

/// The steps of a pipeline of ours, in an order that is that of each signal.
fn our_steps(assembly: &mut Assembly, lanes: &[Lane], signals: &[Signal]) -> Option<Vec<Part>> {
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
fn other_steps(assembly: &mut Assembly, lanes: &[Lane], signals: &[Signal]) -> Vec<Part> {
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
fn together(assembly: &mut Assembly, components: &[usize], signals: &[Signal]) -> Option<Part> {
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
fn alone(assembly: &mut Assembly, index: usize, signals: &[Signal]) -> Vec<Part> {
    let Some(found) = assembly.config.found.get(index) else { return Vec::new() };
    let passing = concerned(found, signals).unwrap_or_else(|| signals.to_vec());
    if passing.is_empty() {
        assembly.config.leave(index, "does nothing to the records that run through it");
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
