//! Facts about the running server, as plain atomics. The edge turns them into Prometheus text.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts several.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// The number so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long something took, in buckets fit for 0.5 ms to 10 s.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; Histogram::BOUNDS_S.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    /// Upper bounds of the buckets in seconds; one more bucket holds what is above.
    pub const BOUNDS_S: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

    /// Adds one duration.
    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let place = Self::BOUNDS_S.iter().position(|bound| seconds <= *bound).unwrap_or(Self::BOUNDS_S.len());
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How many durations fell into each bucket (not cumulated; the last is above all bounds), and their sum.
    #[must_use]
    pub fn read(&self) -> ([u64; Self::BOUNDS_S.len() + 1], Duration) {
        let counts = std::array::from_fn(|i| self.buckets.get(i).map_or(0, |b| b.load(Ordering::Relaxed)));
        (counts, Duration::from_micros(self.sum_us.load(Ordering::Relaxed)))
    }
}

/// What is counted of one kind of actor or worker.
#[derive(Debug)]
pub struct ActorCounters {
    /// The kind: `fleet`, `collector`, ... Bounded, so fit for a label.
    pub name: &'static str,
    /// Messages that found a full mailbox or queue.
    pub mailbox_full: Counter,
    /// Rebuilds after a panic or an unasked end.
    pub restarts: Counter,
}

/// All facts of one server. Shared as `Arc<Observe>`.
#[derive(Debug, Default)]
pub struct Observe {
    actors: Mutex<Vec<Arc<ActorCounters>>>,
    /// OpAMP messages from agents.
    pub opamp_received: Counter,
    /// OpAMP messages to agents.
    pub opamp_sent: Counter,
    /// OpAMP messages that could not be decoded.
    pub opamp_malformed: Counter,
    /// Polls answered `not_modified` without waking an actor.
    pub polls_unchanged: Counter,
    /// Polls that got a text.
    pub polls_changed: Counter,
    /// Polls that said something new and got `not_modified`.
    pub polls_reported: Counter,
    /// Polls that were refused.
    pub polls_refused: Counter,
    /// Configs sent to collectors.
    pub pushes_offered: Counter,
    /// Configs that a collector said it applied.
    pub pushes_applied: Counter,
    /// Configs that a collector refused.
    pub pushes_failed: Counter,
    /// Time from a commit to the offer of what follows from it.
    pub push_latency: Histogram,
    /// Time of one batch of commits.
    pub commit_latency: Histogram,
    /// Time of one write to the state store that succeeded, from its entering the queue to its answer. Observed by the
    /// store.
    pub store_write_latency: Histogram,
    /// Events published on the feed.
    pub feed_published: Counter,
    /// Readers of the feed that were dropped for being slow.
    pub feed_dropped: Counter,
    /// Full states asked of agents.
    pub full_states_asked: Counter,
    /// Sessions that were ended because their peer did not read.
    pub sessions_cut: Counter,
}

impl Observe {
    /// The counters of a kind of actor, made at first use.
    #[must_use]
    pub fn actor(&self, name: &'static str) -> Arc<ActorCounters> {
        let mut actors = self.actors.lock();
        if let Some(known) = actors.iter().find(|known| known.name == name) {
            return Arc::clone(known);
        }
        let counters = Arc::new(ActorCounters { name, mailbox_full: Counter::default(), restarts: Counter::default() });
        actors.push(Arc::clone(&counters));
        counters
    }

    /// The counters of every kind of actor, in the order of their first use.
    #[must_use]
    pub fn actors(&self) -> Vec<Arc<ActorCounters>> {
        self.actors.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_micros(500));
        histogram.observe(Duration::from_millis(7));
        histogram.observe(Duration::from_secs(60));
        let (counts, sum) = histogram.read();
        assert_eq!(counts, [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(sum, Duration::from_micros(60_007_500));
    }

    #[test]
    fn counters_of_one_kind_are_shared() {
        let observe = Observe::default();
        observe.actor("fleet").restarts.increment();
        observe.actor("fleet").restarts.increment();
        assert_eq!(observe.actors().iter().map(|a| (a.name, a.restarts.get())).collect::<Vec<_>>(), [("fleet", 2)]);
    }
}
