//! The fleet's actor.

use std::{collections::HashSet, sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler, MessageResult};

use super::state::{FleetState, Look, Touched, World};
use crate::{
    collector::{Work, post_if_alive},
    feed::FeedItem,
    runtime::messages,
    shared::Shared,
};

/// Messages that may wait; they carry nothing.
pub(crate) const MAILBOX: usize = 64;
/// How often the fleet looks again without being asked.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The fleet's actor.
pub(crate) struct FleetActor {
    shared: Arc<Shared>,
    state: FleetState,
}

impl FleetActor {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, state: FleetState::default() }
    }

    /// Looks at what changed, and tells the collectors of which another text is desired.
    fn look(&mut self, also: HashSet<linkmesh_proto::CollectorId>) -> Vec<Touched> {
        let mut changed = std::mem::take(&mut *self.shared.changed.lock());
        let noted: Vec<_> = changed.iter().copied().collect();
        changed.extend(also);
        let world = World {
            config: self.shared.config.load_full(),
            directory: &self.shared.directory,
            components: &self.shared.components,
            sealer: &*self.shared.sealer,
            now: self.shared.clock.monotonic(),
        };
        let Look { touched, relabelled } = self.state.reconcile(&world, changed);
        self.shared.pipeline_counts.store(Arc::new(self.state.counts()));
        for touched in &touched {
            if post_if_alive(&self.shared, &touched.slot, Work::PlaceChanged).is_err() {
                // It has messages to handle, and looks at its place after each.
                tracing::debug!(collector = %touched.slot.id(), "mailbox full, the text is taken with the next message");
            }
        }
        let touched_ids = touched.iter().map(|touched| touched.slot.id());
        let shown: HashSet<_> =
            noted.into_iter().chain(relabelled).chain(touched_ids).chain(self.state.take_unsettled()).collect();
        for id in shown {
            self.shared.feed.publish(FeedItem::Collector(id));
        }
        touched
    }

    fn look_again(&mut self, ctx: &mut Context<Self>) {
        self.look(HashSet::new());
        ctx.run_later(LOOK_EVERY, Self::look_again);
    }
}

impl Actor for FleetActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let mut everyone = HashSet::new();
        self.shared.directory.for_each(|slot| {
            everyone.insert(slot.id());
        });
        self.look(everyone);
        ctx.run_later(LOOK_EVERY, Self::look_again);
    }
}

/// Collectors were noted as changed.
pub(crate) struct Reconcile;
/// A revision is in force; answered with the collectors of which another text is desired now.
pub(crate) struct TakeRevision;
messages! {
    Reconcile => ();
    TakeRevision => Vec<Touched>;
}

impl Handler<Reconcile> for FleetActor {
    type Result = ();

    fn handle(&mut self, _: Reconcile, _: &mut Self::Context) {
        self.look(HashSet::new());
    }
}

impl Handler<TakeRevision> for FleetActor {
    type Result = MessageResult<TakeRevision>;

    fn handle(&mut self, _: TakeRevision, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.look(HashSet::new()))
    }
}
