//! What flows through pipelines over all collectors that run them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use linkmesh_proto::{
    CollectorId, PipelineId, Timestamp,
    api::{fleet::Rates, pipeline::Signal},
};

/// A rate that is older says nothing of now: two missed pushes of a supervisor, which pushes every minute.
const FRESH: Duration = Duration::from_secs(150);

/// The rates at both ends of a pipeline that one push showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ends {
    /// When the collector pushed.
    pub at: Timestamp,
    /// Records a second that came in.
    pub in_per_second: f64,
    /// Records a second that went out.
    pub out_per_second: f64,
}

/// The newest rates of each collector's pipelines.
#[derive(Debug, Default)]
pub struct FleetRates {
    newest: HashMap<CollectorId, BTreeMap<(PipelineId, Signal), Flow>>,
    /// The ids of steps, each once for all collectors.
    steps: HashSet<Arc<str>>,
}

/// What one push showed of a pipeline.
#[derive(Debug)]
struct Flow {
    ends: Ends,
    /// What each step let pass, in records a second.
    steps: Box<[(Arc<str>, f32)]>,
}

/// Sums of rates, as they were when they were made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sums {
    all: Option<Rates>,
    pipelines: BTreeMap<PipelineId, OfPipeline>,
}

#[derive(Debug, Clone, PartialEq)]
struct OfPipeline {
    rates: Rates,
    steps: BTreeMap<Arc<str>, f64>,
}

impl FleetRates {
    /// Takes what a push showed: the rates at both ends, and what steps that the pipeline has let pass.
    pub fn take<'s>(
        &mut self,
        collector: CollectorId,
        pipeline: PipelineId,
        signal: Signal,
        ends: Ends,
        steps: impl IntoIterator<Item = (&'s str, f64)>,
    ) {
        #[expect(clippy::cast_possible_truncation, reason = "rates are shown with three digits")]
        let steps = steps.into_iter().map(|(step, rate)| (self.step(step), rate as f32)).collect();
        self.newest.entry(collector).or_default().insert((pipeline, signal), Flow { ends, steps });
    }

    fn step(&mut self, id: &str) -> Arc<str> {
        if let Some(known) = self.steps.get(id) {
            return Arc::clone(known);
        }
        let id: Arc<str> = id.into();
        self.steps.insert(Arc::clone(&id));
        id
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.newest.is_empty()
    }

    /// Forgets those of collectors that are not there.
    pub fn keep(&mut self, is_there: impl Fn(CollectorId) -> bool) {
        self.newest.retain(|collector, _| is_there(*collector));
    }

    /// The sums now. What is too old is forgotten.
    pub fn sums(&mut self, now: Timestamp) -> Sums {
        self.newest.retain(|_, pipelines| {
            pipelines.retain(|_, flow| now.since(flow.ends.at) < FRESH);
            !pipelines.is_empty()
        });
        self.steps.retain(|id| Arc::strong_count(id) > 1);
        let mut sums = Sums::default();
        for pipelines in self.newest.values() {
            let mut previous = None;
            for ((pipeline, _), Flow { ends, steps }) in pipelines {
                // The signals of a pipeline stand beside each other.
                let is_first = previous.replace(pipeline) != Some(pipeline);
                let sum = match sums.pipelines.get_mut(pipeline) {
                    Some(sum) => {
                        add(&mut sum.rates, *ends, u64::from(is_first));
                        sum
                    }
                    None => {
                        let sum = OfPipeline { rates: alone(*ends), steps: BTreeMap::new() };
                        sums.pipelines.entry(pipeline.clone()).or_insert(sum)
                    }
                };
                for (step, rate) in steps {
                    match sum.steps.get_mut(step) {
                        Some(sum) => *sum += f64::from(*rate),
                        None => drop(sum.steps.insert(Arc::clone(step), f64::from(*rate))),
                    }
                }
            }
            for (index, Flow { ends, .. }) in pipelines.values().enumerate() {
                match &mut sums.all {
                    Some(sum) => add(sum, *ends, u64::from(index == 0)),
                    None => sums.all = Some(alone(*ends)),
                }
            }
        }
        sums
    }
}

impl Sums {
    /// What flows through a pipeline, or through all of them; `None` when nothing that was told is of now.
    #[must_use]
    pub fn of(&self, pipeline: Option<&PipelineId>, now: Timestamp) -> Option<Rates> {
        let rates = match pipeline {
            Some(pipeline) => self.pipelines.get(pipeline).map(|found| found.rates),
            None => self.all,
        };
        rates.filter(|rates| now.since(rates.at) < FRESH)
    }

    /// What a step of a pipeline lets pass now, in records a second; `None` when nothing that was told is of now.
    #[must_use]
    pub fn of_step(&self, pipeline: &PipelineId, step: &str, now: Timestamp) -> Option<f64> {
        let found = self.pipelines.get(pipeline).filter(|found| now.since(found.rates.at) < FRESH)?;
        found.steps.get(step).copied()
    }
}

fn alone(Ends { at, in_per_second, out_per_second }: Ends) -> Rates {
    Rates { in_per_second, out_per_second, collectors: 1, at }
}

fn add(sum: &mut Rates, ends: Ends, collectors: u64) {
    sum.in_per_second += ends.in_per_second;
    sum.out_per_second += ends.out_per_second;
    sum.collectors += collectors;
    sum.at = sum.at.max(ends.at);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(id: &str) -> PipelineId {
        id.parse().unwrap()
    }

    fn ends(seconds: i64, in_per_second: f64, out_per_second: f64) -> Ends {
        Ends { at: Timestamp::from_millis(seconds * 1000), in_per_second, out_per_second }
    }

    fn rates(in_per_second: f64, out_per_second: f64, collectors: u64, seconds: i64) -> Option<Rates> {
        Some(Rates { in_per_second, out_per_second, collectors, at: Timestamp::from_millis(seconds * 1000) })
    }

    #[test]
    fn newest_rates_of_each_collector_are_summed_and_each_collector_counts_once() {
        let collector = |byte| CollectorId::from_bytes([byte; 16]);
        let (web, db) = (pipeline("web"), pipeline("db"));
        let mut fleet = FleetRates::default();
        fleet.take(collector(1), web.clone(), Signal::Logs, ends(10, 5.0, 4.0), [("loud", 4.5), ("gone", 1.0)]);
        fleet.take(collector(1), web.clone(), Signal::Logs, ends(20, 10.0, 8.0), [("loud", 8.5), ("mark", 8.0)]);
        fleet.take(collector(1), web.clone(), Signal::Traces, ends(20, 1.0, 1.0), [("mark", 1.0)]);
        fleet.take(collector(2), web.clone(), Signal::Logs, ends(22, 2.0, 1.0), [("loud", 1.0)]);
        fleet.take(collector(2), db.clone(), Signal::Metrics, ends(21, 7.0, 7.0), []);
        let now = Timestamp::from_millis(23_000);
        let sums = fleet.sums(now);
        assert_eq!(sums.of(Some(&web), now), rates(13.0, 10.0, 2, 22));
        assert_eq!(sums.of(Some(&db), now), rates(7.0, 7.0, 1, 21));
        assert_eq!(sums.of(None, now), rates(20.0, 17.0, 2, 22));
        assert_eq!(sums.of(Some(&pipeline("other")), now), None);
        let step = |sums: &Sums, step| sums.of_step(&web, step, now);
        assert_eq!((step(&sums, "loud"), step(&sums, "mark")), (Some(9.5), Some(9.0)));
        assert_eq!((step(&sums, "gone"), sums.of_step(&db, "loud", now)), (None, None), "the newest push counts");
        assert_eq!(fleet.steps.len(), 2, "and what no push names any more is forgotten");
        fleet.keep(|id| id != collector(2));
        let sums = fleet.sums(now);
        assert_eq!(sums.of(Some(&db), now), None, "nobody who runs it is there");
        assert_eq!(sums.of(None, now), rates(11.0, 9.0, 1, 20));
        assert_eq!(step(&sums, "loud"), Some(8.5));
    }

    #[test]
    fn what_was_told_long_ago_is_no_rate_of_now() {
        let web = pipeline("web");
        let mut fleet = FleetRates::default();
        fleet.take(CollectorId::from_bytes([1; 16]), web.clone(), Signal::Logs, ends(0, 5.0, 4.0), []);
        fleet.take(CollectorId::from_bytes([2; 16]), web.clone(), Signal::Logs, ends(100, 2.0, 1.0), [("loud", 1.0)]);
        let (then, later) = (Timestamp::from_millis(150_000), Timestamp::from_millis(250_000));
        let sums = fleet.sums(then);
        assert_eq!(sums.of(Some(&web), then), rates(2.0, 1.0, 1, 100), "one of the two is too old");
        assert_eq!(sums.of_step(&web, "loud", then), Some(1.0));
        assert_eq!(sums.of(Some(&web), later), None, "sums that nobody made anew");
        assert_eq!(sums.of_step(&web, "loud", later), None);
        assert_eq!(fleet.sums(later), Sums::default());
        assert!(fleet.newest.is_empty());
    }
}
