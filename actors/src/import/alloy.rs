//! What stands in a config of Alloy: its components, and how records run through those of OpenTelemetry.
//!
//! `declare`s are written out for each of their instances. A chain begins at each reference of a receiver and follows the
//! `output`s as long as there is one way alone. Blocks of Loki and Prometheus belong to the receiver that they feed.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use linkmesh_ottl::run::IsOver;
use linkmesh_proto::api::{
    pipeline::{LeftOver, LeftOverKind, Signal},
    problem::FieldProblem,
};

use super::{
    found::{Chain, Config, Found, MAX_WAYS, Out, Written, refused},
    hidden,
    tree::Tree,
};
use crate::{
    component::{ALL_SIGNALS, signal_name},
    domain::components::ComponentClass,
    render::alloy::{Statement, parse},
};

mod expand;
mod faults;

use expand::{Expanded, Target, attribute_of, expand};

/// How many components may belong to one, or stand one behind the other.
const MAX_TOGETHER: usize = 100;

/// Reads a config.
///
/// # Errors
/// Why it is none that an Alloy would run, by place; also when it is over before what it refers to was found.
pub(super) fn read(text: &str, is_over: &IsOver) -> Result<Config, Vec<FieldProblem>> {
    let (body, places) =
        parse::body_with_places(text).map_err(|error| refused("text", "invalid_alloy", error.to_string()))?;
    faults::check(&body, &places)?;
    let expanded = expand(&body, is_over.clone())?;
    let mut reader =
        Reader { config: Config::default(), expanded, ends: Vec::new(), doubled: RefCell::default(), passed: 0 };
    reader.components();
    reader.belongings();
    reader.given();
    reader.chains()?;
    if reader.expanded.is_spent() {
        return Err(refused("text", "too_many", "references lead to others too often"));
    }
    reader.config.drop_dead_ends();
    reader.ends();
    reader.doubled();
    reader.others();
    Ok(reader.config)
}

struct Reader {
    config: Config,
    expanded: Expanded,
    /// Where records of a signal end without an exporter: at components that send them nowhere.
    ends: Vec<(usize, Signal)>,
    /// Components that send to another more than once.
    doubled: RefCell<BTreeSet<usize>>,
    /// How many components were passed; where ways part and meet again that is far more than there are.
    passed: usize,
}

fn class_of(name: &str) -> ComponentClass {
    let classes = [
        ("otelcol.receiver.", ComponentClass::Receivers),
        ("otelcol.processor.", ComponentClass::Processors),
        ("otelcol.exporter.", ComponentClass::Exporters),
        ("otelcol.connector.", ComponentClass::Connectors),
    ];
    let known = classes.into_iter().find(|(prefix, _)| name.starts_with(prefix));
    known.map_or(ComponentClass::Extensions, |(_, class)| class)
}

impl Reader {
    fn components(&mut self) {
        for node in &self.expanded.nodes {
            let declare = self.expanded.scopes.get(node.scope).map(|scope| scope.path.clone());
            self.config.found.push(Found {
                class: class_of(&node.block.name),
                kind: node.block.name.clone(),
                name: node.block.label.clone().unwrap_or_default(),
                id: node.id(),
                path: self.expanded.path(node),
                declare: declare.filter(|path| !path.is_empty()),
                config: Tree::of_body(&node.block.body),
                with: Vec::new(),
                written: Written::Alloy(node.block.clone()),
            });
        }
    }

    /// What instances are given.
    fn given(&mut self) {
        for (index, scope) in self.expanded.scopes.iter().enumerate().skip(1) {
            let given = self.expanded.given(index).into_iter().map(|target| target.node).collect();
            self.config.given.insert(scope.path.clone(), given);
        }
    }

    fn class(&self, index: usize) -> Option<ComponentClass> {
        self.config.found.get(index).map(|found| found.class)
    }

    /// Joins components with those that they name, and receivers with what feeds them.
    fn belongings(&mut self) {
        let named: Vec<Vec<usize>> = self
            .expanded
            .nodes
            .iter()
            .map(|node| self.expanded.named(node).into_iter().map(|target| target.node).collect())
            .collect();
        let mut naming: Vec<Vec<usize>> = vec![Vec::new(); named.len()];
        for (index, names) in named.iter().enumerate() {
            for name in names {
                if let Some(naming) = naming.get_mut(*name) {
                    naming.push(index);
                }
            }
        }
        let is_other = |index: &usize| self.class(*index) == Some(ComponentClass::Extensions);
        let mut with: Vec<Vec<usize>> = Vec::new();
        for index in 0..named.len() {
            let mut gathered = Vec::new();
            let mut waiting: Vec<usize> = named.get(index).into_iter().flatten().copied().filter(is_other).collect();
            if self.class(index) == Some(ComponentClass::Receivers) {
                waiting.extend(naming.get(index).into_iter().flatten().copied().filter(is_other));
            }
            // What others need too, or feed as well, is gathered only as far as it leads.
            while let Some(next) = waiting.pop() {
                if gathered.contains(&next) || gathered.len() > MAX_TOGETHER {
                    continue;
                }
                gathered.push(next);
                waiting.extend(named.get(next).into_iter().flatten().copied().filter(is_other));
                if self.class(index) == Some(ComponentClass::Receivers) {
                    waiting.extend(naming.get(next).into_iter().flatten().copied().filter(is_other));
                }
            }
            gathered.sort_unstable();
            with.push(gathered);
        }
        for (found, with) in self.config.found.iter_mut().zip(with) {
            found.with = with;
        }
    }

    /// Where a component sends records of a signal; `None` when only Alloy can make that out.
    fn targets(&self, index: usize, signal: Signal) -> Option<Vec<usize>> {
        let node = self.expanded.nodes.get(index)?;
        let output = node.block.body.iter().find_map(|statement| match statement {
            Statement::Block(block) if block.name == "output" => Some(block),
            _ => None,
        });
        let Some(value) = output.and_then(|output| attribute_of(output, signal_name(signal))) else {
            return Some(Vec::new());
        };
        self.expanded.was_doubled();
        let targets: Vec<Target> = self.expanded.targets(value, node.scope)?;
        if self.expanded.was_doubled() {
            self.doubled.borrow_mut().insert(index);
        }
        targets.iter().all(|target| target.export == "input").then_some(())?;
        Some(targets.into_iter().map(|target| target.node).collect())
    }

    fn chains(&mut self) -> Result<(), Vec<FieldProblem>> {
        for signal in ALL_SIGNALS {
            // Chains of this signal by the first component that they run through.
            let mut begun: Vec<(Option<usize>, Chain)> = Vec::new();
            for receiver in 0..self.expanded.nodes.len() {
                if self.class(receiver) != Some(ComponentClass::Receivers) {
                    continue;
                }
                let Some(targets) = self.targets(receiver, *signal) else {
                    self.unclear(receiver);
                    continue;
                };
                self.begin(receiver, &targets, *signal, &mut begun)?;
            }
            self.begin_without_source(*signal, &mut begun)?;
            self.config.chains.extend(begun.into_iter().map(|(_, chain)| chain));
        }
        Ok(())
    }

    fn begin(
        &mut self,
        receiver: usize,
        targets: &[usize],
        signal: Signal,
        begun: &mut Vec<(Option<usize>, Chain)>,
    ) -> Result<(), Vec<FieldProblem>> {
        let (first, direct): (Vec<usize>, Vec<usize>) =
            targets.iter().copied().partition(|target| self.class(*target) == Some(ComponentClass::Processors));
        let beginnings = first.into_iter().map(|first| (Some(first), vec![first]));
        let beginnings = beginnings.chain((!direct.is_empty()).then_some((None, direct)));
        for (first, targets) in beginnings {
            let mut is_known = false;
            for (_, chain) in begun.iter_mut().filter(|(known, _)| first.is_some() && *known == first) {
                chain.sources.push(receiver);
                is_known = true;
            }
            if is_known {
                continue;
            }
            let chains = self.chain(vec![receiver], Vec::new(), targets, signal)?;
            begun.extend(chains.into_iter().map(|chain| (first, chain)));
        }
        Ok(())
    }

    /// The signals that a pipeline of ours carries though no source of this collector brings them.
    fn begin_without_source(
        &mut self,
        signal: Signal,
        begun: &mut Vec<(Option<usize>, Chain)>,
    ) -> Result<(), Vec<FieldProblem>> {
        for limiter in 0..self.config.found.len() {
            let is_ours = self.config.found.get(limiter).is_some_and(super::assemble::is_our_limiter);
            let is_passed = begun.iter().any(|(_, chain)| chain.steps.contains(&limiter));
            if !is_ours || is_passed || self.targets(limiter, signal).is_none_or(|targets| targets.is_empty()) {
                continue;
            }
            let chains = self.chain(Vec::new(), Vec::new(), vec![limiter], signal)?;
            begun.extend(chains.into_iter().map(|chain| (Some(limiter), chain)));
        }
        Ok(())
    }

    /// The chain of sources; several where it parts into pipelines of ours, which are chains of their own.
    fn chain(
        &mut self,
        sources: Vec<usize>,
        mut steps: Vec<usize>,
        mut targets: Vec<usize>,
        signal: Signal,
    ) -> Result<Vec<Chain>, Vec<FieldProblem>> {
        while let [only] = targets.as_slice()
            && self.class(*only) == Some(ComponentClass::Processors)
        {
            let only = *only;
            self.pass(only, &steps)?;
            steps.push(only);
            targets = match self.targets(only, signal) {
                Some(targets) => {
                    self.ends.extend(targets.is_empty().then_some((only, signal)));
                    targets
                }
                None => {
                    self.unclear(only);
                    Vec::new()
                }
            };
        }
        let is_ours = |target: &usize| self.config.found.get(*target).is_some_and(super::assemble::is_our_limiter);
        if targets.len() > 1 && targets.iter().all(is_ours) {
            let mut chains = Vec::new();
            for target in targets {
                chains.extend(self.chain(sources.clone(), steps.clone(), vec![target], signal)?);
            }
            return Ok(chains);
        }
        let first = sources.first().or(steps.first()).and_then(|index| self.config.found.get(*index));
        let name = first.map(Found::called).unwrap_or_default();
        let path = first.map(|found| found.path.clone()).unwrap_or_default();
        let mut outs = Vec::new();
        let mut way = steps.clone();
        self.outs(&targets, signal, &mut way, steps.len(), &mut outs)?;
        Ok(vec![Chain { path, signal, name, sources, steps, outs }])
    }

    /// The ways behind a fork.
    fn outs(
        &mut self,
        targets: &[usize],
        signal: Signal,
        way: &mut Vec<usize>,
        from: usize,
        outs: &mut Vec<Out>,
    ) -> Result<(), Vec<FieldProblem>> {
        for target in targets {
            self.pass(*target, way)?;
            match self.class(*target) {
                Some(ComponentClass::Exporters) => {
                    outs.push(Out { via: way.get(from..).unwrap_or_default().to_vec(), to: *target });
                }
                Some(ComponentClass::Processors) => {
                    let Some(next) = self.targets(*target, signal) else {
                        self.unclear(*target);
                        continue;
                    };
                    self.ends.extend(next.is_empty().then_some((*target, signal)));
                    way.push(*target);
                    self.outs(&next, signal, way, from, outs)?;
                    way.pop();
                }
                _ => {
                    let reason = "makes records out of others or chooses between pipelines, which LinkMesh does not do";
                    self.config.leave(*target, LeftOverKind::Missing, reason);
                }
            }
        }
        Ok(())
    }

    /// Goes on to a component, which must not be one that was passed on this way already.
    fn pass(&mut self, index: usize, way: &[usize]) -> Result<(), Vec<FieldProblem>> {
        let path = || self.config.found.get(index).map(|found| found.path.clone()).unwrap_or_default();
        if way.contains(&index) {
            return Err(refused(&path(), "loop", "records come back to this component"));
        }
        self.passed += 1;
        if self.passed > 10 * MAX_WAYS || way.len() > MAX_TOGETHER {
            return Err(refused(&path(), "too_many", "records go too many ways"));
        }
        Ok(())
    }

    fn unclear(&mut self, index: usize) {
        let reason = "where it sends records to is not there, or an expression that only Alloy can make out";
        self.config.leave(index, LeftOverKind::Missing, reason);
    }

    /// Says of what is taken over where it sends records of a signal nowhere.
    fn ends(&mut self) {
        let ends: BTreeSet<(usize, Signal)> = std::mem::take(&mut self.ends).into_iter().collect();
        let mut signals: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for (index, signal) in ends {
            signals.entry(index).or_default().push(signal_name(signal));
        }
        for (index, signals) in signals {
            if self.config.is_spoken_of(index) {
                let reason = format!("{} that come to it go nowhere from there", signals.join(" and "));
                self.config.leave(index, LeftOverKind::Unused, reason);
            }
        }
    }

    fn doubled(&mut self) {
        for index in self.doubled.take() {
            let reason =
                "names one component more than once, which gets records as often; in LinkMesh they arrive once";
            self.config.leave(index, LeftOverKind::Differs, reason);
        }
    }

    fn others(&mut self) {
        for (path, block) in std::mem::take(&mut self.expanded.others) {
            let text = hidden::block_text(&block);
            let (kind, reason) = (LeftOverKind::Unused, "there is no instance of it".to_owned());
            self.config.left_over.push(LeftOver { kind, path, text, reason, pipelines: Vec::new() });
        }
    }
}
