//! What an actor does after an input was applied.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use linkmesh_proto::{ConfigHash, PipelineId, api::collector::CollectorEvent};

use super::fast::FastPath;
use crate::domain::{
    desired::Published,
    standing::{Common, PersistClass},
};

/// The answer to a `GetConfig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollAnswer {
    /// It has it: `not_modified`, with the hash that it sent and no content.
    NotModified,
    /// Load this.
    Content(Arc<Published>),
}

/// Something to be done, in the order of the list.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// The one answer to the poll just applied.
    Answer(PollAnswer),
    /// Put this where polls are answered from. Told only when it changed.
    Publish(FastPath),
    /// Write [`super::AlloyState::record`].
    Persist(PersistClass),
    /// Keep what the collector says it runs. Secrets may be in it: never log it.
    StoreEffective {
        /// SHA-256 of `body`.
        hash: ConfigHash,
        /// The text.
        body: Bytes,
        /// As reported.
        content_type: String,
    },
    /// Fetch what `StoreEffective` kept and answer with [`super::Input::EffectiveLoaded`].
    LoadEffective,
    /// Render this collector's text again with these instance labels (`RenderTarget::labels`) and tell it by
    /// [`super::Input::DesiredChanged`]: a failed load made the old labels unusable until the process restarts.
    Relabel(BTreeMap<PipelineId, u32>),
    /// Append to the collector's events.
    Event(CollectorEvent),
    /// [`super::AlloyState::standing`] changed: publish the row.
    RowChanged,
    /// The attributes that the collector reports changed: match pipelines again.
    AttributesChanged,
    /// Apply [`super::Input::Tick`] at or soon after this moment of the monotonic clock. One timer suffices: arm it to
    /// the earliest moment asked for.
    WakeAt(Duration),
}

impl From<Common> for Effect {
    fn from(common: Common) -> Self {
        match common {
            Common::Persist(class) => Self::Persist(class),
            Common::Event(event) => Self::Event(event),
            Common::AttributesChanged => Self::AttributesChanged,
            Common::RowChanged => Self::RowChanged,
            Common::WakeAt(at) => Self::WakeAt(at),
        }
    }
}
