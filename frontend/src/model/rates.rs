//! Rates as they are shown: only while they are of now.

use linkmesh_proto::api::{
    collector::{DestinationThroughput, MeterSeries},
    fleet::{FleetSummary, Rates},
};

use super::format;

/// What was told longer ago says nothing of now: two missed pushes of the slowest runtime.
const FRESH_MS: i64 = 150_000;

/// Rates that are still of now by the server's clock.
#[must_use]
pub fn fresh(rates: Option<&Rates>, now_ms: i64) -> Option<Rates> {
    rates.copied().filter(|rates| now_ms - rates.at.as_millis() < FRESH_MS)
}

/// What comes in and what goes out: `48.2k → 31.7k/s`.
#[must_use]
pub fn flow(rates: &Rates) -> String {
    format!("{} → {}", format::compact(rates.in_per_second), format::rate(rates.out_per_second))
}

/// What a step lets pass now, and how much that is of what came to it: `3.2k/s pass · −30 %`. `before` are the filters and
/// processors before it, in order; `None` for a source, which has nothing before it.
#[must_use]
pub fn passed(fleet: &FleetSummary, before: Option<&[&str]>, step: &str, now_ms: i64) -> Option<String> {
    let rates = fresh(fleet.rates.as_ref(), now_ms)?;
    let of = |step: &str| fleet.steps.iter().find(|known| known.step == step).map(|known| known.per_second);
    let own = of(step)?;
    let came = before.map(|before| before.iter().rev().find_map(|step| of(step)).unwrap_or(rates.in_per_second));
    let change = came.map(|came| format::change(came, own)).filter(|change| change.contains(['−', '+']));
    Some(match change {
        Some(change) => format!("{} pass · {change}", format::rate(own)),
        None => format!("{} pass", format::rate(own)),
    })
}

/// The newest rate at a place of a pipeline on one collector; `None` when it is not of now.
#[must_use]
pub fn newest(meter: &MeterSeries) -> Option<f64> {
    let is_fresh = meter.age_s * 1000.0 < FRESH_MS as f64;
    meter.points.last().filter(|_| is_fresh).map(|point| point.per_second)
}

/// Whether a destination takes nothing of a collector that has something for it: batches wait and none of them was taken
/// over two pushes, or all that was tried was given up.
#[must_use]
pub fn is_stuck(figures: &DestinationThroughput) -> bool {
    let waits = figures.queue.is_some_and(|batches| batches > 0);
    let is_taken = figures.sent_age_s.is_some_and(|age| age * 1000.0 < FRESH_MS as f64);
    waits && !is_taken || figures.failed > 0 && figures.sent == 0
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::{
        Timestamp,
        api::{collector::RatePoint, fleet::StepRate, pipeline::Signal},
    };

    use super::*;

    #[test]
    fn step_is_compared_with_the_nearest_place_before_it_that_tells() {
        let rate = |step: &str, per_second| StepRate { step: step.to_owned(), per_second };
        let at = Timestamp::from_millis(1_000_000);
        let rates = Rates { in_per_second: 5000.0, out_per_second: 3000.0, collectors: 1, at };
        let mut fleet = crate::model::sample::fleet();
        fleet.rates = Some(rates);
        fleet.steps = vec![rate("files", 5000.0), rate("loud", 4000.0), rate("mark", 4000.0), rate("some", 3000.0)];
        let passed = |before: Option<&[&str]>, step| passed(&fleet, before, step, 1_000_001);
        assert_eq!(passed(None, "files").as_deref(), Some("5.0k/s pass"));
        assert_eq!(passed(Some(&[]), "loud").as_deref(), Some("4.0k/s pass · −20 %"));
        assert_eq!(passed(Some(&["loud"]), "mark").as_deref(), Some("4.0k/s pass"));
        assert_eq!(passed(Some(&["loud", "mark", "batch"]), "some").as_deref(), Some("3.0k/s pass · −25 %"));
        assert_eq!(passed(Some(&["loud", "mark"]), "batch"), None, "it does not count");
        assert_eq!(super::passed(&fleet, None, "loud", 1_150_000), None, "that was long ago");
    }

    #[test]
    fn rates_are_shown_until_they_are_old() {
        let at = Timestamp::from_millis(1_000_000);
        let rates = Rates { in_per_second: 48_200.0, out_per_second: 31_700.0, collectors: 2, at };
        assert_eq!(fresh(Some(&rates), 1_149_999), Some(rates));
        assert_eq!(fresh(Some(&rates), 1_150_000), None);
        assert_eq!(fresh(None, 0), None);
        assert_eq!(flow(&rates), "48.2k → 31.7k/s");
    }

    #[test]
    fn destination_that_takes_nothing_is_told_from_one_that_is_slow_or_idle() {
        let figures = |sent, failed, queue, sent_age_s| DestinationThroughput {
            destination: "central".parse().unwrap(),
            sent,
            failed,
            queue,
            queue_capacity: None,
            age_s: 1.0,
            sent_age_s,
        };
        for (figures, stuck) in [
            (figures(9, 0, Some(3), Some(20.0)), false),
            (figures(9, 0, Some(0), Some(900.0)), false),
            (figures(9, 2, None, Some(900.0)), false),
            (figures(9, 0, Some(3), Some(151.0)), true),
            (figures(0, 0, Some(3), None), true),
            (figures(0, 2, None, None), true),
        ] {
            assert_eq!(is_stuck(&figures), stuck, "{figures:?}");
        }
    }

    #[test]
    fn collector_that_tells_no_more_has_no_rate_of_now() {
        let point = |per_second| RatePoint { at: Timestamp::from_millis(0), per_second };
        let mut meter = MeterSeries {
            place: "in".to_owned(),
            signal: Signal::Logs,
            total: 9,
            points: vec![point(3.0), point(5.0)],
            age_s: 20.0,
        };
        assert_eq!(newest(&meter), Some(5.0));
        meter.age_s = 151.0;
        assert_eq!(newest(&meter), None);
        meter.points.clear();
        meter.age_s = 1.0;
        assert_eq!(newest(&meter), None);
    }
}
