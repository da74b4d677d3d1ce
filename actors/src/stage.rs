//! Processors of the OpenTelemetry Collector that both runtimes have, with the same code behind them.
//!
//! A [`Stage`] is one of them with its settings: what it is called and how it is written in otelcol's YAML, the same for
//! Alloy, and what it does to a record. Filters and processors of the catalogue are made of stages, so that their two
//! renderings cannot drift apart, and a dry run tries what is rendered and not a second description of it.

use linkmesh_ottl::{
    Problem,
    record::Telemetry,
    run::{Budget, Limits, Run, Spent, Surroundings},
};
use linkmesh_proto::api::pipeline::Signal;

use crate::render::{alloy::Statement, yaml::Yaml};

pub mod attributes;
pub mod batch;
pub mod cumulative_to_delta;
pub mod filter;
pub mod k8s_attributes;
pub mod log_dedup;
pub mod probabilistic_sampler;
pub mod resource_detection;
pub mod tail_sampling;
#[cfg(test)]
mod tests;
mod trace_state;
pub mod transform;
mod values;

/// A processor of the collector with its settings.
pub trait Stage: std::fmt::Debug + Send + Sync {
    /// Its type (the classic name) and its settings in an otelcol config.
    fn otelcol(&self) -> (&'static str, Yaml);

    /// Its component and that one's body in an Alloy config, without `output`.
    fn alloy(&self) -> (&'static str, Vec<Statement>);

    /// Why Alloy has no such component, where it has none: then nothing is rendered for it.
    fn alloy_lacks(&self) -> Option<&'static str> {
        None
    }

    /// Does to records what the processor does.
    fn run(&self, telemetry: &mut Telemetry, trial: &mut Trial);
}

/// The kind of some records, as documents call it.
pub const fn signal_of(telemetry: &Telemetry) -> Signal {
    match telemetry {
        Telemetry::Logs(_) => Signal::Logs,
        Telemetry::Metrics(_) => Signal::Metrics,
        Telemetry::Traces(_) => Signal::Traces,
    }
}

/// A dry run under way: what stands in for clock and chance, and what there is to say about it.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// The time that it is, in nanoseconds since 1970.
    pub now_unix_nano: u64,
    /// What chance is drawn from.
    pub seed: u64,
    /// What all stages together may still take.
    pub budget: Budget,
    /// What a person should know of the outcome, once each.
    pub notes: Vec<String>,
}

/// The work of reading a statement or a condition, for each octet of it.
const READING: usize = 16;

impl Trial {
    /// The texts that can be read. What cannot is told, and left out: a collector would not start with it.
    fn readable<'t, T>(&mut self, texts: &'t [String], read: impl Fn(&'t String) -> Result<T, Vec<Problem>>) -> Vec<T> {
        let mut readable = Vec::new();
        for text in texts {
            if !self.spend(text.len() * READING) {
                break;
            }
            match read(text) {
                Ok(parsed) => readable.push(parsed),
                Err(problems) => problems.into_iter().for_each(|problem| self.note(format!("`{text}`: {problem}"))),
            }
        }
        readable
    }

    /// Runs statements or conditions, and tells what failed in them.
    fn ottl(&mut self, act: impl FnOnce(&mut Run)) {
        let surroundings =
            Surroundings { now_unix_nano: i64::try_from(self.now_unix_nano).unwrap_or(i64::MAX), seed: self.seed };
        // Each stage draws for itself.
        self.seed = self.seed.wrapping_add(1);
        let mut run = Run::within(surroundings, Limits::default().errors, std::mem::take(&mut self.budget));
        act(&mut run);
        for ignored in run.errors() {
            self.note(format!("`{}`: {}", ignored.text, ignored.error));
        }
        if run.ignored() > run.errors().len() {
            let ignored = run.ignored();
            self.note(format!("{ignored} failures in all: what failed on a record was skipped there"));
        }
        self.budget = run.into_budget();
        self.note_spent();
    }

    /// Counts work before it is done; whether there is so much. A note says so when there is not.
    fn spend(&mut self, work: usize) -> bool {
        self.budget.spend(work).is_ok() || self.note_spent()
    }

    /// Counts memory that records take from now on, in octets; whether there is so much, as for work.
    fn hold(&mut self, octets: usize) -> bool {
        self.budget.hold(octets).is_ok() || self.note_spent()
    }

    /// Counts anew what records hold, for a stage that makes more of them; whether they may.
    fn weigh(&mut self, telemetry: &Telemetry) -> bool {
        self.budget.weigh(telemetry).is_ok() || self.note_spent()
    }

    /// Says why there is nothing left, if so. Never anything but false.
    fn note_spent(&mut self) -> bool {
        match self.budget.spent() {
            None => {}
            Some(Spent::Work | Spent::Time) => {
                self.note("took too long to be tried on all records: the rest are as they were");
            }
            Some(Spent::Memory) => {
                self.note("would make the records too large to be tried on all of them: the rest are as they were");
            }
        }
        false
    }

    /// Something that a person should know of the outcome.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
