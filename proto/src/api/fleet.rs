//! The fleet at a glance.

use super::documents;
use crate::{Revision, Timestamp};

documents! {
    /// The answer to `GET /fleet/summary`. Counts of collectors, of all or of those that should run one pipeline;
    /// deregistered ones stand only in `status.deregistered`.
    pub struct FleetSummary {
        /// All but the deregistered.
        pub total: u64,
        /// By status.
        pub status: StatusCounts,
        /// By program.
        pub runtime: RuntimeCounts,
        /// By state of the config.
        pub config_state: ConfigStateCounts,
        /// By what became of what is committed: each collector stands in one of these.
        #[serde(default)]
        pub delivery: DeliveryCounts,
        /// By drift.
        pub drift: DriftCounts,
        /// What flows through them now; `null` while none tells of it.
        #[serde(default)]
        pub rates: Option<Rates>,
        /// What the steps of the pipeline that was asked for let pass now, in its order; a step of which no collector tells is
        /// missing.
        #[serde(default)]
        pub steps: Vec<StepRate>,
        /// The newest commit of the config repository; `null` before the first.
        pub revision: Option<Revision>,
        /// Files of the repository that could not be read; their last good version is in force.
        pub broken_files: Vec<BrokenFile>,
    }

    /// Counts by status.
    #[derive(Default, Eq)]
    pub struct StatusCounts {
        /// Never seen.
        pub pending: u64,
        /// There and well.
        pub connected: u64,
        /// There and not well.
        pub degraded: u64,
        /// Not there.
        pub offline: u64,
        /// Deregistered in the last 30 days.
        pub deregistered: u64,
    }

    /// Counts by program.
    #[derive(Default, Eq)]
    pub struct RuntimeCounts {
        /// Alloy.
        pub alloy: u64,
        /// otelcol.
        pub otelcol: u64,
    }

    /// Counts by state of the config.
    #[derive(Default, Eq)]
    pub struct ConfigStateCounts {
        /// Nothing to run.
        pub none: u64,
        /// Not delivered or not answered.
        pub pending: u64,
        /// At it.
        pub applying: u64,
        /// Runs it.
        pub applied: u64,
        /// Refused it.
        pub failed: u64,
    }

    /// Counts by what became of the config that is committed now.
    #[derive(Default, Eq)]
    pub struct DeliveryCounts {
        /// Have nothing to run.
        pub nothing: u64,
        /// Are there and have not answered yet.
        pub waiting: u64,
        /// Are not there, and get it when they come back.
        pub away: u64,
        /// Run it, or ran it when they were last heard.
        pub applied: u64,
        /// Refused it.
        pub failed: u64,
        /// Cannot be given it and keep what they have; `error` of the collector says why.
        pub withheld: u64,
    }

    /// Counts by drift.
    #[derive(Default, Eq)]
    pub struct DriftCounts {
        /// Runs what was committed.
        pub in_sync: u64,
        /// Runs something else.
        pub drifted: u64,
        /// Does not report.
        pub unknown: u64,
    }

    /// What flows now, summed over the newest push of each collector; of a push older than 150 seconds nothing is said.
    #[derive(Copy)]
    pub struct Rates {
        /// Records a second that came in.
        pub in_per_second: f64,
        /// Records a second that went out.
        pub out_per_second: f64,
        /// How many collectors told of it.
        pub collectors: u64,
        /// When the newest of those pushes came.
        pub at: Timestamp,
    }

    /// What one step of a pipeline lets pass now, summed as [`Rates`] are.
    pub struct StepRate {
        /// The id of the step.
        pub step: String,
        /// Records a second that it let pass.
        pub per_second: f64,
    }

    /// A file of the config repository that could not be read.
    pub struct BrokenFile {
        /// Its path in the repository.
        pub path: String,
        /// What is wrong with it.
        pub error: String,
        /// The commit that broke it.
        pub revision: Revision,
    }
}
