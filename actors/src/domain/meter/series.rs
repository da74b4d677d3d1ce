//! Rates of one collector.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use linkmesh_proto::{
    DestinationId, PipelineId, Timestamp,
    api::{
        collector::{DestinationThroughput, MeterSeries, PipelineThroughput, RatePoint, Throughput},
        pipeline::Signal,
    },
};

use super::reading::{Measure, Reading};

/// How far back rates are kept.
const WINDOW: Duration = Duration::from_secs(60 * 60);
/// Rates of this time are one point.
const RESOLUTION: Duration = Duration::from_secs(60);
/// Pushes closer together than this are parts of one.
const ONE_PUSH: Duration = Duration::from_secs(1);
/// A level that was not told for this long is none any more; supervisors push every minute.
const STALE: Duration = Duration::from_secs(150);
/// A series that was not heard of for this long is forgotten: its component is gone.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);
/// Series kept of one collector.
const MAX_SERIES: usize = 4_096;

/// What one collector counts. Memory only: after a restart of the server rates begin with the second push.
#[derive(Debug, Default)]
pub struct Meter {
    series: HashMap<u64, Series>,
    places: BTreeMap<Place, History>,
    destinations: BTreeMap<DestinationId, Figures>,
    /// The newest push, and the one before it.
    pushed_at: Option<Timestamp>,
    pushed_before: Option<Timestamp>,
}

/// A rate that a push showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// The pipeline.
    pub pipeline: PipelineId,
    /// `in`, `out`, or the id of a step.
    pub place: Box<str>,
    /// The kind of telemetry.
    pub signal: Signal,
    /// Records a second since the push before.
    pub per_second: f64,
}

#[derive(Debug)]
struct Series {
    value: f64,
    began: u64,
    at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    pipeline: PipelineId,
    place: Box<str>,
    signal: Signal,
    kind: Box<str>,
}

/// Rates of one place in pieces of a minute.
#[derive(Debug, Default)]
struct History {
    total: f64,
    points: VecDeque<Point>,
    /// The rate that the newest push showed.
    newest: f64,
    heard_at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Point {
    at: Timestamp,
    records: f32,
    seconds: f32,
}

#[derive(Debug, Default)]
struct Figures {
    sent: f64,
    failed: f64,
    queue: BTreeMap<u64, (f64, Timestamp)>,
    capacity: BTreeMap<u64, (f64, Timestamp)>,
    heard_at: Timestamp,
    /// When a push last told of more sent than before.
    sent_at: Option<Timestamp>,
}

/// What a series grew by.
struct Growth {
    records: f64,
    /// Over which time; `None` when that is not known.
    over: Option<Duration>,
}

impl Meter {
    /// Takes a push and answers the rates that it shows, steps included.
    pub fn push(&mut self, now: Timestamp, readings: Vec<Reading>) -> Vec<Rate> {
        if self.pushed_at.is_none_or(|at| now.since(at) >= ONE_PUSH) {
            self.pushed_before = self.pushed_at;
            self.pushed_at = Some(now);
            self.forget(now);
        }
        let mut grown: BTreeMap<Place, (f64, f64, Duration)> = BTreeMap::new();
        for reading in readings {
            let Reading { measure, series, value, began } = reading;
            if measure.is_level() {
                self.level(now, measure, series, value);
                continue;
            }
            let Some(growth) = self.grow(now, series, value, began) else { continue };
            match measure {
                Measure::Passed { pipeline, place, kind, signal } => {
                    let place = Place { pipeline, place, signal, kind };
                    let entry = grown.entry(place).or_default();
                    entry.0 += growth.records;
                    if let Some(over) = growth.over {
                        entry.1 += growth.records;
                        entry.2 = entry.2.max(over);
                    }
                }
                Measure::Sent(destination) => {
                    let figures = self.figures(now, destination);
                    figures.sent += growth.records;
                    if growth.records > 0.0 {
                        figures.sent_at = Some(now);
                    }
                }
                Measure::Failed(destination) => self.figures(now, destination).failed += growth.records,
                Measure::Queue(_) | Measure::QueueCapacity(_) => {}
            }
        }
        let mut rates = Vec::new();
        for (place, (total, records, over)) in grown {
            let history = self.places.entry(place.clone()).or_default();
            history.total += total;
            history.heard_at = now;
            if over >= ONE_PUSH {
                history.add(now, records, over);
                let Place { pipeline, place, signal, .. } = place;
                rates.push(Rate { pipeline, place, signal, per_second: history.newest });
            }
        }
        rates
    }

    /// What one series grew by; it is remembered.
    fn grow(&mut self, now: Timestamp, series: u64, value: f64, began: u64) -> Option<Growth> {
        if let Some(known) = self.series.get_mut(&series) {
            // Fallen, or begun anew: everything since then is growth.
            let restarted = value < known.value || known.began != 0 && began > known.began;
            let records = if restarted { value } else { value - known.value };
            let over = now.since(known.at);
            *known = Series { value, began, at: now };
            return Some(Growth { records, over: Some(over) });
        }
        if self.series.len() >= MAX_SERIES {
            return None;
        }
        self.series.insert(series, Series { value, began, at: now });
        // A series appears with its first event: before, it was 0.
        Some(Growth { records: value, over: self.pushed_before.map(|before| now.since(before)) })
    }

    fn figures(&mut self, now: Timestamp, destination: DestinationId) -> &mut Figures {
        let figures = self.destinations.entry(destination).or_default();
        figures.heard_at = now;
        figures
    }

    fn level(&mut self, now: Timestamp, measure: Measure, series: u64, value: f64) {
        let (destination, is_queue) = match measure {
            Measure::Queue(destination) => (destination, true),
            Measure::QueueCapacity(destination) => (destination, false),
            Measure::Passed { .. } | Measure::Sent(_) | Measure::Failed(_) => return,
        };
        let figures = self.figures(now, destination);
        let levels = if is_queue { &mut figures.queue } else { &mut figures.capacity };
        if levels.len() < 16 || levels.contains_key(&series) {
            levels.insert(series, (value, now));
        }
    }

    /// Drops what was not heard of for long.
    fn forget(&mut self, now: Timestamp) {
        self.series.retain(|_, series| now.since(series.at) < FORGOTTEN);
        for history in self.places.values_mut() {
            while history.points.front().is_some_and(|point| now.since(point.at) > WINDOW) {
                history.points.pop_front();
            }
        }
        self.places.retain(|_, history| now.since(history.heard_at) < WINDOW);
        for figures in self.destinations.values_mut() {
            for levels in [&mut figures.queue, &mut figures.capacity] {
                levels.retain(|_, (_, at)| now.since(*at) < STALE);
            }
        }
        self.destinations.retain(|_, figures| now.since(figures.heard_at) < WINDOW);
    }

    /// Rates of the last `window`, an hour at most, each with the age of the last push that told of it. By name; see
    /// [`in_order`](super::in_order).
    #[must_use]
    pub fn throughput(&self, now: Timestamp, window: Duration) -> Throughput {
        let mut pipelines: BTreeMap<&PipelineId, Vec<MeterSeries>> = BTreeMap::new();
        let mut previous: Option<(&Place, f64)> = None;
        for (place, history) in &self.places {
            let meters = pipelines.entry(&place.pipeline).or_default();
            // A step of several components lets pass what all of them let pass.
            let same = previous.filter(|(other, _)| {
                (&other.pipeline, &other.place, other.signal) == (&place.pipeline, &place.place, place.signal)
            });
            match same {
                Some((_, total)) if total <= history.total => continue,
                Some(_) => drop(meters.pop()),
                None => {}
            }
            previous = Some((place, history.total));
            meters.push(MeterSeries {
                place: place.place.to_string(),
                signal: place.signal,
                total: count(history.total),
                points: history.points(now, window),
                age_s: now.since(history.heard_at).as_secs_f64(),
            });
        }
        let pipelines =
            pipelines.into_iter().map(|(pipeline, meters)| PipelineThroughput { pipeline: pipeline.clone(), meters });
        let sum = |levels: &BTreeMap<u64, (f64, Timestamp)>| {
            (!levels.is_empty()).then(|| count(levels.values().map(|(level, _)| level).sum()))
        };
        let destinations = self.destinations.iter().map(|(destination, figures)| DestinationThroughput {
            destination: destination.clone(),
            sent: count(figures.sent),
            failed: count(figures.failed),
            queue: sum(&figures.queue),
            queue_capacity: sum(&figures.capacity),
            age_s: now.since(figures.heard_at).as_secs_f64(),
            sent_age_s: figures.sent_at.map(|at| now.since(at).as_secs_f64()),
        });
        Throughput {
            pipelines: pipelines.collect(),
            destinations: destinations.collect(),
            age_s: self.pushed_at.map(|at| now.since(at).as_secs_f64()),
        }
    }

    /// When the newest push came.
    #[must_use]
    pub const fn pushed_at(&self) -> Option<Timestamp> {
        self.pushed_at
    }
}

impl History {
    fn add(&mut self, now: Timestamp, records: f64, over: Duration) {
        let seconds = over.as_secs_f64();
        self.newest = records / seconds;
        #[expect(clippy::cast_possible_truncation, reason = "rates are shown with three digits")]
        let point = Point { at: now, records: records as f32, seconds: seconds as f32 };
        match self.points.back_mut() {
            // Time in a point is what its parts took: an idle hour between two pushes is one long part.
            Some(last) if f64::from(last.seconds) + seconds <= RESOLUTION.as_secs_f64() => {
                last.at = now;
                last.records += point.records;
                last.seconds += point.seconds;
            }
            _ => self.points.push_back(point),
        }
    }

    fn points(&self, now: Timestamp, window: Duration) -> Vec<RatePoint> {
        let window = window.min(WINDOW);
        let recent = self.points.iter().filter(|point| now.since(point.at) <= window);
        recent
            .map(|point| RatePoint { at: point.at, per_second: f64::from(point.records) / f64::from(point.seconds) })
            .collect()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counters, not below 0")]
fn count(number: f64) -> u64 {
    number.max(0.0).round() as u64
}
