//! What the filters that decide on whole traces share (`tail_sampling`): how long spans are waited for, and how many
//! traces wait at once.

use serde::Deserialize;

use super::{
    Findings,
    form::{Field, duration, integer},
    scalar,
};
use crate::stage::{
    Stage,
    tail_sampling::{Policy, TailSampling},
};

/// The settings that such a filter has beside those of what it decides by.
#[derive(Debug, Deserialize)]
pub struct Waiting {
    decision_wait: String,
    traces: i64,
}

/// The field `decision_wait`.
#[must_use]
pub fn decision_wait(default: &str) -> Field {
    duration("Wait for spans").default(default).help("Longer than traces take, or they are cut in two.")
}

/// The field `traces`.
#[must_use]
pub fn traces() -> Field {
    integer("Traces in memory", 1, 10_000_000)
        .default(50_000)
        .unit("traces")
        .help("When more are under way the oldest are dropped undecided.")
}

impl Waiting {
    /// Whether spans are waited for long enough: upstream decides once a second.
    pub fn check(&self, findings: &mut Findings) {
        if scalar::duration_ns(&self.decision_wait).is_ok_and(|ns| ns < 1_000_000_000) {
            findings.errors.add(findings.path().key("decision_wait"), "out_of_range", "must be at least 1s");
        }
    }

    /// The filter, which lets a trace go on when one of the policies takes it.
    #[must_use]
    pub fn stage(self, policies: Vec<(String, Policy)>) -> Box<dyn Stage> {
        Box::new(TailSampling { decision_wait: self.decision_wait, num_traces: self.traces, policies })
    }
}
