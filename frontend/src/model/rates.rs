//! Rates of pipelines over many collectors, from the newest figures that the feed brought of each.

use std::collections::BTreeMap;

use linkmesh_proto::{CollectorId, PipelineId, Timestamp, api::pipeline::Signal};

/// Figures older than this are no longer counted: two missed pushes of the slowest runtime.
const FRESH_MS: i64 = 150_000;

/// What flows in and out.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Flow {
    /// Records a second that came in.
    pub input: f64,
    /// Records a second that went out.
    pub output: f64,
    /// How many collectors said so.
    pub collectors: usize,
}

/// The newest figures of each collector's pipelines.
#[derive(Debug, Clone, Default)]
pub struct Rates {
    newest: BTreeMap<(PipelineId, CollectorId, Signal), (Timestamp, f64, f64)>,
}

impl Rates {
    /// Takes a figure; an older one than is known changes nothing.
    pub fn take(&mut self, place: (PipelineId, CollectorId, Signal), at: Timestamp, input: f64, output: f64) {
        let known = self.newest.entry(place).or_insert((at, input, output));
        if known.0 <= at {
            *known = (at, input, output);
        }
    }

    /// What flows through a pipeline, or through all; `None` when nothing fresh is known.
    #[must_use]
    pub fn flow(&self, now_ms: i64, pipeline: Option<&PipelineId>) -> Option<Flow> {
        let mut flow = Flow::default();
        let mut collectors = std::collections::BTreeSet::new();
        for ((id, collector, _), (at, input, output)) in &self.newest {
            if pipeline.is_none_or(|wanted| wanted == id) && now_ms - at.as_millis() < FRESH_MS {
                flow.input += input;
                flow.output += output;
                collectors.insert(*collector);
            }
        }
        flow.collectors = collectors.len();
        (flow.collectors > 0).then_some(flow)
    }

    /// Forgets what is no longer fresh.
    pub fn forget_old(&mut self, now_ms: i64) {
        self.newest.retain(|_, (at, _, _)| now_ms - at.as_millis() < FRESH_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_fresh_figures_of_each_collector_are_summed() {
        let pipeline = |id: &str| id.parse::<PipelineId>().unwrap();
        let collector = |byte| CollectorId::from_bytes([byte; 16]);
        let at = Timestamp::from_millis;
        let mut rates = Rates::default();
        rates.take((pipeline("web"), collector(1), Signal::Logs), at(10_000), 5.0, 4.0);
        rates.take((pipeline("web"), collector(1), Signal::Logs), at(20_000), 10.0, 8.0);
        rates.take((pipeline("web"), collector(1), Signal::Logs), at(15_000), 99.0, 99.0);
        rates.take((pipeline("web"), collector(2), Signal::Logs), at(20_000), 2.0, 1.0);
        rates.take((pipeline("db"), collector(2), Signal::Metrics), at(20_000), 7.0, 7.0);
        let web = pipeline("web");
        assert_eq!(rates.flow(21_000, Some(&web)), Some(Flow { input: 12.0, output: 9.0, collectors: 2 }));
        assert_eq!(rates.flow(21_000, None), Some(Flow { input: 19.0, output: 16.0, collectors: 2 }));
        assert_eq!(rates.flow(200_000, None), None);
        assert_eq!(Rates::default().flow(0, None), None);
    }
}
