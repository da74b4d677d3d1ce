//! Sample records through a pipeline, in memory: what each step lets through and makes of them.
//!
//! What runs are the stages that are rendered for the collectors, so that a dry run and a collector do the same. A step
//! that is not made of stages (`raw`) cannot be tried: records pass it as they are, and it says so.

use std::io;

use linkmesh_ottl::{
    record::Telemetry,
    run::{Budget, IsOver, Limits, Spent},
};
use linkmesh_proto::{
    Slug,
    api::{
        catalogue::Role,
        collector::Runtime,
        pipeline::{DryRun, DryRunDestination, DryRunStep, PipelineDocument, Signal, Step},
    },
};
use serde_json::Value;

use super::{
    prepare,
    problem::{Path, Problems},
    resolve::{ResolvedDestination, unopened},
};
use crate::{
    catalog::{Registered, catalogue},
    component::{AlloySite, Findings, OtelcolSite, Outputs, Unsupported, signal_name},
    stage::{Stage, Trial, signal_of},
};

/// The most that an answer may hold, in octets: records are shown after each step.
const MAX_ANSWER: usize = 8 << 20;
/// The most memory that the records of an answer may take, in octets: `{}` is two octets and takes many more.
const MAX_SHOWN: usize = 64 << 20;
/// What each value of the answer takes, in octets or so.
const OF_A_VALUE: usize = 72;

/// What to try.
#[derive(Debug)]
pub struct Sample {
    /// The records.
    pub records: Telemetry,
    /// The source that they come from: what stands behind its receiver is a step, too. `None` begins behind all sources.
    pub source: Option<Slug>,
    /// The runtime that is to be able to run it; `None` asks of none.
    pub runtime: Option<Runtime>,
    /// The time that it is, in nanoseconds since 1970.
    pub now_unix_nano: u64,
    /// What chance is drawn from.
    pub seed: u64,
}

/// Tries a pipeline, until `is_over`: it is asked all the time. Steps and conditions of destinations share what work and
/// memory there is for one.
#[must_use]
pub fn dry_run(document: &PipelineDocument, sample: Sample, is_over: IsOver) -> DryRun {
    let signal = signal_of(&sample.records);
    let mut run = Run {
        signal,
        runtime: sample.runtime,
        records: sample.records,
        trial: Trial {
            now_unix_nano: sample.now_unix_nano,
            seed: sample.seed,
            budget: Budget::new(Limits::default(), is_over),
            notes: Vec::new(),
        },
        left: MAX_ANSWER,
        room: MAX_SHOWN,
        problems: Problems::default(),
        answer: DryRun { steps: Vec::new(), destinations: Vec::new(), errors: Vec::new() },
    };
    run.pipeline(document, sample.source.as_ref());
    DryRun { errors: run.problems.into_vec(), ..run.answer }
}

struct Run {
    signal: Signal,
    runtime: Option<Runtime>,
    records: Telemetry,
    trial: Trial,
    /// What the answer may yet have, and what it may yet take of memory.
    left: usize,
    room: usize,
    problems: Problems,
    answer: DryRun,
}

/// What a step does with the records of a dry run.
enum Doing {
    Stages(Vec<Box<dyn Stage>>),
    /// Nothing, and why.
    Nothing(String),
}

impl Run {
    fn pipeline<'d>(&mut self, document: &'d PipelineDocument, source: Option<&Slug>) {
        let signal = signal_name(self.signal);
        if !document.signals.contains(&self.signal) {
            self.problems.add("records", "wrong_signal", format!("are {signal}, which the pipeline does not carry"));
            return;
        }
        let from = source.map(|source| document.sources.iter().position(|step| step.id == *source));
        let from = match from {
            Some(None) => return self.problems.add("source", "unknown_source", "is not a source of the pipeline"),
            Some(Some(index)) => document.sources.get(index).map(|step| (index, step)),
            None => None,
        };
        let lists =
            [(Role::Filter, "filters", &document.filters), (Role::Processor, "processors", &document.processors)];
        let in_list = |(role, name, steps): (_, _, &'d Vec<Step>)| {
            steps.iter().enumerate().map(move |(index, step)| (role, name, index, step))
        };
        let behind = from.into_iter().map(|(index, step)| (Role::Source, "sources", index, step));
        let steps = behind.chain(lists.into_iter().flat_map(in_list));
        for (role, name, index, step) in steps {
            let at = Path::root().key(name).index(index);
            if !self.step(role, &at, step) {
                return;
            }
        }
        let mut findings = Findings::new(Path::root());
        prepare::check_conditions(document, &[self.signal], &mut findings);
        if !findings.errors.is_empty() {
            return self.problems.extend(findings.errors.into_vec());
        }
        for (index, destination) in document.destinations.iter().enumerate() {
            let at = Path::root().key("destinations").index(index);
            let resolved = ResolvedDestination {
                id: destination.id().clone(),
                signals: vec![self.signal],
                when: destination.when().map(str::to_owned),
            };
            if self.is_spent(&at, "destination") {
                return;
            }
            let chosen = resolved.filter().map(|filter| {
                let mut records = self.records.clone();
                filter.run(&mut records, &mut self.trial);
                records
            });
            let records = chosen.as_ref().unwrap_or(&self.records);
            let out = records.count() as u64;
            let shown = show(records, &mut self.left, &mut self.room, &mut self.trial);
            let Some(shown) = self.or_too_large(&at, shown) else { return };
            self.answer.destinations.push(DryRunDestination {
                id: resolved.id,
                out,
                records: shown,
                notes: std::mem::take(&mut self.trial.notes),
            });
        }
    }

    /// Runs one step; whether the next may follow.
    fn step(&mut self, role: Role, at: &Path, step: &Step) -> bool {
        let Some(registered) = catalogue().get(role, &step.kind) else {
            self.problems.add(at.key("kind"), "unknown_kind", format!("there is no kind `{}` here", step.kind));
            return false;
        };
        let mut findings = Findings::new(at.key("settings"));
        registered.check(&step.settings, &mut findings);
        if findings.errors.is_empty() {
            let settings = unopened(registered, &step.settings);
            let able = registered.component().signals_with(&settings).contains(&self.signal);
            let signals: &[Signal] = if able { &[self.signal] } else { &[] };
            registered.component().check_for(&settings, signals, &mut findings);
        }
        if !findings.errors.is_empty() {
            self.problems.extend(findings.errors.into_vec());
            return false;
        }
        if self.is_spent(at, "step") {
            return false;
        }
        let doing = match self.doing(registered, step) {
            Ok(doing) => doing,
            Err(Unsupported { field, reason }) => {
                let field = if field.is_empty() { at.key("kind") } else { at.key("settings").key(field) };
                self.problems.add(field, "unsupported", reason);
                return false;
            }
        };
        let incoming = self.records.count() as u64;
        match doing {
            Doing::Stages(stages) => {
                for stage in stages {
                    stage.run(&mut self.records, &mut self.trial);
                    if self.trial.budget.is_over() || self.trial.budget.spent().is_some() {
                        break;
                    }
                }
            }
            Doing::Nothing(why) => self.trial.note(why),
        }
        let shown = show(&self.records, &mut self.left, &mut self.room, &mut self.trial);
        let Some(records) = self.or_too_large(at, shown) else { return false };
        self.answer.steps.push(DryRunStep {
            id: step.id.clone(),
            kind: step.kind.clone(),
            incoming,
            out: self.records.count() as u64,
            records,
            notes: std::mem::take(&mut self.trial.notes),
        });
        true
    }

    fn doing(&self, registered: &Registered, step: &Step) -> Result<Doing, Unsupported> {
        let (component, settings) = (registered.component(), unopened(registered, &step.settings));
        if !component.signals_with(&settings).contains(&self.signal) {
            return Ok(Doing::Nothing(format!("does not handle {}: they pass as they are", signal_name(self.signal))));
        }
        let signals = [self.signal];
        match self.runtime {
            Some(Runtime::Otelcol) => {
                component.otelcol(&settings, &OtelcolSite { name: "trial", signals: &signals })?;
            }
            Some(Runtime::Alloy) => {
                let outputs = Outputs(vec![(self.signal, Vec::new())]);
                component.alloy(&settings, &AlloySite { label: "trial", outputs: &outputs })?;
            }
            None => {}
        }
        Ok(match component.stages(&settings, &signals) {
            Ok(stages) => Doing::Stages(stages),
            Err(_) if registered.role() == Role::Source => Doing::Nothing(
                "what this source does to a record itself is not tried: give records as it makes them".to_owned(),
            ),
            Err(_) => Doing::Nothing("cannot be tried here: records pass as they are".to_owned()),
        })
    }

    /// Whether nothing may be done any more, which is said then.
    fn is_spent(&mut self, at: &Path, before: &str) -> bool {
        let budget = &mut self.trial.budget;
        let message = match (budget.is_over(), budget.spent()) {
            (false, None) => return false,
            (true, _) | (_, Some(Spent::Time)) => "the time for a dry run was up",
            (_, Some(Spent::Work)) => "all the work that a dry run may do had been done",
            (_, Some(Spent::Memory)) => "the records had become as large as those of a dry run may be",
        };
        self.problems.add(at, "too_slow", format!("{message} before this {before}"));
        true
    }

    /// What is shown, or the problem that there is no room for it.
    fn or_too_large(&mut self, at: &Path, shown: Option<Value>) -> Option<Value> {
        if shown.is_none() {
            self.problems.add(at, "too_large", "the records of all steps are too many to show; try fewer");
        }
        shown
    }
}

/// The records as JSON, as far as there is room for them in the answer.
fn show(records: &Telemetry, left: &mut usize, room: &mut usize, trial: &mut Trial) -> Option<Value> {
    let mut text = Bounded { text: Vec::new(), left };
    serde_json::to_writer(&mut text, records).ok()?;
    let text = text.text;
    let values = text.iter().filter(|octet| matches!(octet, b'{' | b'[' | b',' | b':')).count();
    *room = room.checked_sub(text.len() + values * OF_A_VALUE)?;
    Some(serde_json::from_slice(&text).unwrap_or_else(|_| {
        // What reads the answer would refuse it, as this does.
        trial.note("values stand so deep in values that the records are not shown");
        Value::Null
    }))
}

/// A text of a bounded length.
struct Bounded<'l> {
    text: Vec<u8>,
    left: &'l mut usize,
}

impl io::Write for Bounded<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        *self.left = self.left.checked_sub(octets.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        self.text.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
