//! Chains that may be one pipeline.

use std::collections::BTreeMap;

use linkmesh_proto::{PipelineId, Slug, api::pipeline::Signal};

use crate::{
    component::signal_name,
    import::{
        assemble::{Assembly, lanes},
        found::{Chain, Out},
    },
};

/// Components under one id, as far as the text says which belong together.
pub(super) type Named = (Option<Slug>, Vec<usize>);

/// What happens to the records of one signal in a pipeline.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    /// The signal.
    pub(super) signal: Signal,
    /// The limiter of memory, if LinkMesh named the parts.
    pub(super) limiter: Option<usize>,
    /// Its sources.
    pub(super) sources: Vec<Named>,
    /// Its steps, in order.
    pub(super) steps: Vec<Named>,
    /// The ways behind them.
    pub(super) outs: Vec<Out>,
}

/// Lanes that may be one pipeline, each of another signal.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The id, if the text says it.
    pub(super) id: Option<PipelineId>,
    /// Whether LinkMesh named its parts.
    pub(super) is_ours: bool,
    /// Names for it, some of them empty.
    pub(super) names: Vec<String>,
    /// What happens in it.
    pub(super) lanes: Vec<Lane>,
}

impl Group {
    /// Adds what happens to records of a signal.
    pub(super) fn add(&mut self, lane: Lane) {
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
    pub(super) fn name(&self) -> String {
        let signals = self.signals();
        let named: Vec<&String> = self.names.iter().filter(|name| !name.is_empty()).collect();
        match named.first() {
            Some(name) => (*name).clone(),
            None => signals.iter().map(|signal| signal_name(*signal)).collect::<Vec<_>>().join("-"),
        }
    }

    /// The instance of a `declare` of ours that it is.
    pub(super) fn declare(&self, assembly: &Assembly<'_>) -> Option<String> {
        let of = |index: &usize| assembly.config.found.get(*index)?.declare.clone();
        let index = self.lanes.iter().find_map(|lane| lane.limiter)?;
        self.is_ours.then(|| of(&index)).flatten()
    }

    /// The signals, in order.
    pub(super) fn signals(&self) -> Vec<Signal> {
        let mut signals: Vec<Signal> = self.lanes.iter().map(|lane| lane.signal).collect();
        signals.sort_unstable();
        signals.dedup();
        signals
    }

    /// Each lane by itself.
    pub(super) fn apart(&self) -> Vec<Self> {
        let alone = |lane: &Lane| {
            let name = match self.names.iter().find(|name| !name.is_empty()) {
                Some(name) => format!("{name}-{}", signal_name(lane.signal)),
                None => signal_name(lane.signal).to_owned(),
            };
            Self { id: None, is_ours: self.is_ours, names: vec![name], lanes: vec![lane.clone()] }
        };
        self.lanes.iter().map(alone).collect()
    }

    /// Each way of each lane by itself.
    pub(super) fn one_way_each(&self) -> Vec<Self> {
        let way = |lane: &Lane, out: &Out| Self {
            lanes: vec![Lane { outs: vec![out.clone()], ..lane.clone() }],
            id: None,
            ..self.clone()
        };
        self.lanes.iter().flat_map(|lane| lane.outs.iter().map(move |out| way(lane, out))).collect()
    }
}

/// A chain of a pipeline of ours as a lane of it.
pub(super) fn our_lane(assembly: &Assembly<'_>, chain: &Chain) -> Option<(PipelineId, Lane)> {
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
pub(super) fn other_groups(assembly: &mut Assembly<'_>, chains: &[&Chain]) -> Vec<Group> {
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
