//! Pushing and reading.

use std::{sync::Arc, time::Duration};

use linkmesh_proto::{
    CollectorId, PipelineId,
    api::{collector::Throughput, fleet::Rates},
    wire::otlp::ExportMetricsServiceRequest,
};

use super::{MeterActor, Push, Read};
use crate::{
    collector::{Work, post_if_alive},
    domain::meter::Readings,
    runtime::{AskError, Supervised, TellError},
    shared::Shared,
};

const DEADLINE: Duration = Duration::from_secs(5);

/// Takes own metrics and answers rates. Cheap to clone.
#[derive(Clone)]
pub struct MeterHandle {
    shared: Arc<Shared>,
    actor: Supervised<MeterActor>,
}

impl MeterHandle {
    pub(crate) fn new(shared: Arc<Shared>, actor: Supervised<MeterActor>) -> Self {
        Self { shared, actor }
    }

    /// Takes a push of a collector, without waiting. What meters need is read here, on the caller's thread.
    ///
    /// # Errors
    /// When too many pushes wait: answer 503, the collector pushes again.
    pub fn push(&self, id: CollectorId, metrics: ExportMetricsServiceRequest) -> Result<(), TellError> {
        let Readings { readings, components } = Readings::read(&metrics);
        drop(metrics);
        if !components.is_empty()
            && let Some(slot) = self.shared.directory.slot(id)
        {
            // An Alloy whose mailbox is full tells its components again in 15 seconds.
            let _ = post_if_alive(&self.shared, &slot, Work::Components(components));
        }
        if readings.is_empty() {
            return Ok(());
        }
        self.actor.tell(Push { collector: id, readings })
    }

    /// What flows through a pipeline now, or through all of them, over all collectors; `None` while none tells of it.
    /// Reads memory; a push is in it within a second or two.
    #[must_use]
    pub fn rates(&self, pipeline: Option<&PipelineId>) -> Option<Rates> {
        self.shared.rates.load().of(pipeline, self.shared.clock.now())
    }

    /// Rates of the last `window`, at most an hour.
    ///
    /// # Errors
    /// When the meter does not answer.
    pub async fn throughput(&self, id: CollectorId, window: Duration) -> Result<Throughput, AskError> {
        self.actor.ask(Read { collector: id, window }, DEADLINE).await
    }
}
