//! Throughput from the collectors' own metrics.
//!
//! *Owns* the series of every collector that pushes, an hour of them, and puts sums over all of them where anybody can
//! read them. *Mailbox* 1,024 pushes; when it is full, the push
//! is refused and the collector pushes again. *Senders*: the edge, which has read of a push what meters need. *Its
//! death* loses an hour of rates, which begin again with the next push.

mod handle;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use actix::{Actor, AsyncContext, Context, Handler, MessageResult};
use linkmesh_proto::{
    CollectorId, PipelineId, Timestamp,
    api::{collector::Throughput, event::Event, pipeline::Signal},
};

pub use handle::MeterHandle;

use crate::{
    domain::meter::{Ends, FleetRates, Meter, Rate, Reading, in_order, steps},
    feed::FeedItem,
    runtime::messages,
    shared::Shared,
};

/// Pushes that may wait.
pub(crate) const MAILBOX: usize = 1_024;
/// A collector that has not pushed for so long has nothing left to show.
const FORGET_AFTER: Duration = Duration::from_secs(2 * 60 * 60);
const TIDY_EVERY: Duration = Duration::from_secs(300);
/// Pushes of this time are summed together: a sum goes over all collectors. While there are rates, it is made anew.
const SUM_AFTER: Duration = Duration::from_secs(1);

/// The meter's actor.
pub(crate) struct MeterActor {
    shared: Arc<Shared>,
    meters: HashMap<CollectorId, Meter>,
    rates: FleetRates,
    /// Whether sums are about to be made.
    is_sum_due: bool,
}

impl MeterActor {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, meters: HashMap::new(), rates: FleetRates::default(), is_sum_due: false }
    }

    fn sum(&mut self, ctx: &mut Context<Self>) {
        self.is_sum_due = false;
        // What a collector told last is no rate of now when it left.
        self.rates.keep(|id| self.shared.directory.slot(id).is_some_and(|slot| !slot.is_gone()));
        self.shared.rates.store(Arc::new(self.rates.sums(self.shared.clock.now())));
        // Nobody says here who leaves: it is looked for while there is something to forget.
        if !self.rates.is_empty() {
            self.sum_later(ctx);
        }
    }

    fn sum_later(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.is_sum_due, true) {
            ctx.run_later(SUM_AFTER, Self::sum);
        }
    }

    fn tidy(&mut self, ctx: &mut Context<Self>) {
        let now = self.shared.clock.now();
        self.meters.retain(|_, meter| meter.pushed_at().is_some_and(|at| now.since(at) < FORGET_AFTER));
        ctx.run_later(TIDY_EVERY, Self::tidy);
    }
}

impl Actor for MeterActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_later(TIDY_EVERY, Self::tidy);
    }
}

pub(crate) struct Push {
    pub(crate) collector: CollectorId,
    pub(crate) readings: Vec<Reading>,
}
pub(crate) struct Read {
    pub(crate) collector: CollectorId,
    pub(crate) window: Duration,
}
messages! {
    Push => ();
    Read => Throughput;
}

impl Handler<Push> for MeterActor {
    type Result = ();

    fn handle(&mut self, Push { collector, readings }: Push, ctx: &mut Self::Context) {
        let now = self.shared.clock.now();
        let rates = self.meters.entry(collector).or_default().push(now, readings);
        // What it says of others is its own affair: neither sums nor the page of anybody hear of it.
        let place = self.shared.directory.slot(collector).map(|slot| slot.place());
        let runs = place.as_ref().map_or(&[][..], |place| &place.pipelines);
        let config = self.shared.config.load();
        for event in events(collector, now, &rates, runs) {
            if let Event::Throughput { pipeline, signal, at, in_per_second, out_per_second, .. } = &event {
                let ends = Ends { at: *at, in_per_second: *in_per_second, out_per_second: *out_per_second };
                let known = steps(pipeline, &config);
                let of_steps = passed(&rates, pipeline, *signal).into_iter().filter(|(step, _)| known.contains(step));
                self.rates.take(collector, pipeline.clone(), *signal, ends, of_steps.filter(|(step, _)| *step != "in"));
            }
            self.sum_later(ctx);
            self.shared.feed.publish(FeedItem::Event(Arc::new(event)));
        }
    }
}

impl Handler<Read> for MeterActor {
    type Result = MessageResult<Read>;

    fn handle(&mut self, Read { collector, window }: Read, _: &mut Self::Context) -> Self::Result {
        let nothing = || Throughput { pipelines: Vec::new(), destinations: Vec::new(), age_s: None };
        let now = self.shared.clock.now();
        let mut throughput = self.meters.get(&collector).map_or_else(nothing, |meter| meter.throughput(now, window));
        in_order(&mut throughput, &self.shared.config.load());
        MessageResult(throughput)
    }
}

/// What each place of a pipeline let pass. A step of several components lets pass what all of them let pass.
fn passed<'r>(rates: &'r [Rate], pipeline: &PipelineId, signal: Signal) -> BTreeMap<&'r str, f64> {
    let mut passed = BTreeMap::new();
    for rate in rates.iter().filter(|rate| rate.pipeline == *pipeline && rate.signal == signal) {
        let least = passed.entry(&*rate.place).or_insert(rate.per_second);
        *least = rate.per_second.min(*least);
    }
    passed
}

/// One event for each pipeline and kind of telemetry that has both ends. `runs` are the pipelines that the collector
/// should run, in the order of their ids.
fn events(collector_id: CollectorId, at: Timestamp, rates: &[Rate], runs: &[PipelineId]) -> Vec<Event> {
    let mut ends: BTreeMap<(&PipelineId, Signal), [Option<f64>; 2]> = BTreeMap::new();
    for rate in rates.iter().filter(|rate| runs.binary_search(&rate.pipeline).is_ok()) {
        let end = match &*rate.place {
            "in" => 0,
            "out" => 1,
            _ => continue,
        };
        // Invariant: the index is 0 or 1.
        ends.entry((&rate.pipeline, rate.signal)).or_default()[end] = Some(rate.per_second);
    }
    let event = |((pipeline, signal), ends): ((&PipelineId, Signal), [Option<f64>; 2])| match ends {
        [Some(in_per_second), Some(out_per_second)] => Some(Event::Throughput {
            collector_id,
            pipeline: pipeline.clone(),
            signal,
            at,
            in_per_second,
            out_per_second,
        }),
        _ => None,
    };
    ends.into_iter().filter_map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipeline_with_both_ends_is_told_once() {
        let rate = |pipeline: &str, place: &str, per_second| Rate {
            pipeline: pipeline.parse().unwrap(),
            place: place.into(),
            signal: Signal::Logs,
            per_second,
        };
        let id = CollectorId::from_bytes([1; 16]);
        let rates = [
            rate("a", "in", 5.0),
            rate("a", "step", 4.0),
            rate("b", "in", 1.0),
            rate("a", "out", 3.0),
            rate("c", "in", 2.0),
            rate("c", "out", 2.0),
        ];
        let at = Timestamp::from_millis(1);
        // It should not run `c`.
        let told = events(id, at, &rates, &["a", "b"].map(|id| id.parse().unwrap()));
        assert!(matches!(&told[..], [Event::Throughput { in_per_second: 5.0, out_per_second: 3.0, .. }]), "{told:?}");
    }

    #[test]
    fn step_of_several_components_lets_pass_what_all_of_them_do() {
        let rate = |place: &str, signal, per_second| Rate {
            pipeline: "a".parse().unwrap(),
            place: place.into(),
            signal,
            per_second,
        };
        let rates = [
            rate("in", Signal::Logs, 5.0),
            rate("step", Signal::Logs, 4.0),
            rate("step", Signal::Logs, 3.0),
            rate("step", Signal::Logs, 3.5),
            rate("step", Signal::Traces, 1.0),
        ];
        let of = |pipeline: &str, signal| passed(&rates, &pipeline.parse().unwrap(), signal);
        assert_eq!(of("a", Signal::Logs), [("in", 5.0), ("step", 3.0)].into());
        assert_eq!(of("a", Signal::Traces), [("step", 1.0)].into());
        assert_eq!(of("b", Signal::Logs), BTreeMap::new());
    }
}
