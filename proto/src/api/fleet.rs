//! The fleet at a glance.

use super::documents;
use crate::Revision;

documents! {
    /// The answer to `GET /fleet/summary`. Counts of collectors; deregistered ones stand only in `status.deregistered`.
    pub struct FleetSummary {
        /// All but the deregistered.
        pub total: u64,
        /// By status.
        pub status: StatusCounts,
        /// By program.
        pub runtime: RuntimeCounts,
        /// By state of the config.
        pub config_state: ConfigStateCounts,
        /// By drift.
        pub drift: DriftCounts,
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
