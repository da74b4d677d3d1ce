//! The live feed (`GET /events`): ids and the changed row, never config bodies.

use super::{collector::Collector, documents, pipeline::Signal};
use crate::{CollectorId, ConfigHash, DestinationId, PipelineId, Revision, Timestamp};

documents! {
    /// Something that changed. The server-sent event's name is the `type` of this document.
    #[serde(tag = "type")]
    pub enum Event {
        /// A collector's row changed.
        #[serde(rename = "collector.changed")]
        CollectorChanged {
            /// The row as it is now.
            collector: Box<Collector>,
        },
        /// A collector got further with a config.
        #[serde(rename = "config.state")]
        ConfigState {
            /// The collector.
            collector_id: CollectorId,
            /// The hash that this is about.
            hash: Option<ConfigHash>,
            /// How far it is.
            state: super::collector::ConfigState,
            /// The collector's error text.
            error: Option<String>,
        },
        /// A pipeline was saved or deleted.
        #[serde(rename = "pipeline.saved")]
        PipelineSaved {
            /// The pipeline.
            id: PipelineId,
            /// The commit.
            revision: Revision,
            /// Whether it is gone.
            deleted: bool,
        },
        /// A destination was saved or deleted.
        #[serde(rename = "destination.saved")]
        DestinationSaved {
            /// The destination.
            id: DestinationId,
            /// The commit.
            revision: Revision,
            /// Whether it is gone.
            deleted: bool,
        },
        /// The config repository has a new commit.
        #[serde(rename = "revision")]
        Revision {
            /// The commit.
            revision: Revision,
            /// Its first line.
            message: String,
            /// Who made it.
            author: String,
        },
        /// New rates of a collector's pipeline.
        #[serde(rename = "throughput")]
        Throughput {
            /// The collector.
            collector_id: CollectorId,
            /// The pipeline.
            pipeline: PipelineId,
            /// The kind of telemetry.
            signal: Signal,
            /// When the collector pushed.
            at: Timestamp,
            /// Records a second that came in.
            in_per_second: f64,
            /// Records a second that went out.
            out_per_second: f64,
        },
        /// The cursor is too old or from before a restart: load everything again.
        #[serde(rename = "reset")]
        Reset {},
    }
}

impl Event {
    /// The name of the server-sent event.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CollectorChanged { .. } => "collector.changed",
            Self::ConfigState { .. } => "config.state",
            Self::PipelineSaved { .. } => "pipeline.saved",
            Self::DestinationSaved { .. } => "destination.saved",
            Self::Revision { .. } => "revision",
            Self::Throughput { .. } => "throughput",
            Self::Reset {} => "reset",
        }
    }
}
