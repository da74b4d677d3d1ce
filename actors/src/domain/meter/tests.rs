use linkmesh_proto::{
    Timestamp,
    api::{collector::Throughput, pipeline::Signal},
    wire::otlp::{
        AnyValue, ExportMetricsServiceRequest, Gauge, KeyValue, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics,
        any_value, metric::Data, number_data_point::Value,
    },
};
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::domain::config::ConfigSnapshot;
use crate::testing::own_metrics::{ALLOY_METRICS, OTELCOL_METRICS, from_json};

/// The captures were made before names were settled.
fn alloy() -> ExportMetricsServiceRequest {
    from_json(ALLOY_METRICS, &|_, key, text| match key {
        "component_id" => text
            .replace("memory_limiter.in", "filter.in")
            .replace("filter.s1", "filter.s_s1")
            .replace("attributes.s2", "attributes.s_s2")
            .replace("otlphttp.out", "otlphttp.dest_central"),
        _ => text.to_owned(),
    })
}

fn otelcol() -> ExportMetricsServiceRequest {
    from_json(OTELCOL_METRICS, &|_, key, text| match key {
        "processor" => text
            .replace("memory_limiter/pl_a", "filter/a.in")
            .replace("filter/pl_a", "filter/a.s1")
            .replace("attributes/pl_a", "attributes/a.s2"),
        "exporter" => text.replace("/pl_", "/dest-"),
        _ => text.to_owned(),
    })
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
}

fn totals(throughput: &Throughput) -> Vec<(String, String, Signal, u64)> {
    let of = |pipeline: &linkmesh_proto::api::collector::PipelineThroughput| {
        let id = pipeline.pipeline.to_string();
        pipeline
            .meters
            .iter()
            .map(|meter| (id.clone(), meter.place.clone(), meter.signal, meter.total))
            .collect::<Vec<_>>()
    };
    throughput.pipelines.iter().flat_map(of).collect()
}

#[test]
fn captures_as_they_are_hold_nothing_of_ours_but_components() {
    let raw = |capture| Readings::read(&from_json(capture, &|_, _, text| text.to_owned()));
    let otelcol = raw(OTELCOL_METRICS);
    assert_eq!((otelcol.readings, otelcol.components), (Vec::new(), Vec::new()));
    let alloy = raw(ALLOY_METRICS);
    let mut components: Vec<_> =
        alloy.components.iter().map(|count| (&*count.controller, &*count.health, count.count)).collect();
    components.sort_unstable();
    assert_eq!(components, [("", "healthy", 2), ("pl_a.default", "healthy", 6), ("pl_b.default", "healthy", 6)]);
    // Its exporter of own metrics is no destination.
    assert!(!alloy.readings.iter().any(|reading| matches!(reading.measure, Measure::Sent(_))));
}

#[test]
fn alloys_capture_gives_the_numbers_that_were_sent() {
    let mut meter = Meter::default();
    assert_eq!(meter.push(time(0), Readings::read(&alloy()).readings), [], "one push is no rate");
    let throughput = meter.throughput(time(5), std::time::Duration::from_secs(3600));
    let expected = |place: &str, signal, total| ("a".to_owned(), place.to_owned(), signal, total);
    assert_eq!(
        totals(&throughput),
        [
            expected("in", Signal::Logs, 30),
            expected("in", Signal::Metrics, 30),
            expected("in", Signal::Traces, 30),
            expected("s1", Signal::Logs, 21),
            expected("s1", Signal::Metrics, 21),
            expected("s1", Signal::Traces, 24),
            expected("s2", Signal::Logs, 21),
            expected("s2", Signal::Metrics, 21),
            expected("s2", Signal::Traces, 24),
        ]
    );
    assert_eq!(throughput.age_s, Some(5.0));
    assert!(throughput.destinations.is_empty(), "an exporter inside of a pipeline is not one of ours");
}

#[test]
fn otelcols_capture_gives_the_numbers_that_were_sent() {
    let mut meter = Meter::default();
    meter.push(time(0), Readings::read(&otelcol()).readings);
    let throughput = meter.throughput(time(0), std::time::Duration::from_secs(3600));
    let of = |place: &str, signal| {
        totals(&throughput).into_iter().find(|(_, p, s, _)| p == place && *s == signal).map(|(.., total)| total)
    };
    assert_eq!(of("in", Signal::Logs), Some(30));
    assert_eq!(of("s1", Signal::Traces), Some(24));
    assert_eq!(of("s2", Signal::Metrics), Some(21));
    let figures: Vec<_> = throughput
        .destinations
        .iter()
        .map(|d| (d.destination.as_str(), d.sent, d.failed, d.queue, d.queue_capacity))
        .collect();
    // dest-a: debug (21 logs, 21 points, 24 spans) and remote write (21 points); dest-b failed with 14 points.
    assert_eq!(figures, [("dest-a", 87, 0, Some(0), Some(400)), ("dest-b", 14, 14, Some(0), Some(10_000))]);
}

/// A counter of the meter at the beginning of pipeline `p`.
fn counter(value: f64, began: u64, flags: u32) -> NumberDataPoint {
    let label = |key: &str, text: &str| KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(text.into())) }),
    };
    NumberDataPoint {
        attributes: vec![label("processor", "filter/p.in"), label("otel.signal", "logs")],
        start_time_unix_nano: began,
        flags,
        value: (flags == 0).then_some(Value::AsDouble(value)),
        ..Default::default()
    }
}

fn push(points: Vec<NumberDataPoint>) -> Vec<Reading> {
    let metric = Metric {
        name: "otelcol_processor_incoming_items".into(),
        data: Some(Data::Gauge(Gauge { data_points: points })),
    };
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics: vec![ScopeMetrics { metrics: vec![metric] }],
            ..Default::default()
        }],
    };
    Readings::read(&request).readings
}

fn rate(rates: &[Rate]) -> Option<f64> {
    assert!(rates.len() <= 1);
    rates.first().map(|rate| rate.per_second)
}

#[test]
fn rates_are_growth_over_time() {
    let mut meter = Meter::default();
    assert_eq!(rate(&meter.push(time(0), push(vec![counter(100.0, 0, 0)]))), None);
    assert_eq!(rate(&meter.push(time(10), push(vec![counter(150.0, 0, 0)]))), Some(5.0));
    assert_eq!(rate(&meter.push(time(20), push(vec![counter(150.0, 0, 0)]))), Some(0.0));
    let throughput = meter.throughput(time(20), std::time::Duration::from_secs(60));
    assert_eq!(throughput.pipelines[0].meters[0].total, 150);
    let points = &throughput.pipelines[0].meters[0].points;
    assert_eq!(points.iter().map(|point| (point.at, point.per_second)).collect::<Vec<_>>(), [(time(20), 2.5)]);
}

#[test]
fn a_counter_that_fell_counts_from_nothing() {
    let mut meter = Meter::default();
    meter.push(time(0), push(vec![counter(1000.0, 0, 0)]));
    // Alloy: every change of a component's arguments sets its counters back, without a word.
    assert_eq!(rate(&meter.push(time(10), push(vec![counter(20.0, 0, 0)]))), Some(2.0));
    // otelcol says when a counter began; it may have grown past its old value since.
    let mut meter = Meter::default();
    meter.push(time(0), push(vec![counter(100.0, 5, 0)]));
    assert_eq!(rate(&meter.push(time(10), push(vec![counter(300.0, 6, 0)]))), Some(30.0));
    assert_eq!(meter.throughput(time(10), WINDOW_S).pipelines[0].meters[0].total, 400);
}

const WINDOW_S: std::time::Duration = std::time::Duration::from_secs(3600);

#[test]
fn a_series_that_appears_was_nothing_before() {
    let mut meter = Meter::default();
    meter.push(time(0), Vec::new());
    assert_eq!(rate(&meter.push(time(10), push(vec![counter(30.0, 0, 0)]))), Some(3.0));
}

#[test]
fn stale_markers_are_no_zeros() {
    let mut meter = Meter::default();
    meter.push(time(0), push(vec![counter(100.0, 0, 0)]));
    assert_eq!(meter.push(time(10), push(vec![counter(0.0, 0, 1)])), []);
    assert_eq!(rate(&meter.push(time(20), push(vec![counter(140.0, 0, 0)]))), Some(2.0));
    assert_eq!(push(vec![counter(f64::NAN, 0, 0), counter(f64::INFINITY, 0, 0)]), []);
    assert_eq!(push(vec![counter(-1.0, 0, 0), counter(-1.7e308, 0, 0), counter(1.7e308, 0, 0)]), []);
}

#[test]
fn parts_of_one_push_are_one_push() {
    let mut meter = Meter::default();
    let at = |millis: i64| Timestamp::from_millis(time(0).as_millis() + millis);
    meter.push(at(0), push(vec![counter(100.0, 0, 0)]));
    assert_eq!(meter.push(at(200), push(vec![counter(100.0, 0, 0)])), [], "no rate over a moment");
    assert_eq!(rate(&meter.push(at(10_200), push(vec![counter(200.0, 0, 0)]))), Some(10.0));
}

#[test]
fn each_series_and_destination_has_an_age_of_its_own() {
    let mut meter = Meter::default();
    meter.push(time(0), Readings::read(&otelcol()).readings);
    meter.push(time(60), push(vec![counter(1.0, 0, 0)]));
    let throughput = meter.throughput(time(65), WINDOW_S);
    assert_eq!(throughput.age_s, Some(5.0), "of the newest push");
    for pipeline in &throughput.pipelines {
        let age_s = if pipeline.pipeline.as_str() == "p" { 5.0 } else { 65.0 };
        assert!(pipeline.meters.iter().all(|meter| meter.age_s == age_s), "{pipeline:?}");
    }
    assert!(throughput.destinations.len() == 2 && throughput.destinations.iter().all(|d| d.age_s == 65.0));
}

#[test]
fn destination_that_takes_no_more_is_told_by_when_it_took_something() {
    let mut meter = Meter::default();
    for second in [0, 60, 120] {
        meter.push(time(second), Readings::read(&otelcol()).readings);
    }
    let throughput = meter.throughput(time(125), WINDOW_S);
    let told: Vec<_> = throughput.destinations.iter().map(|d| (d.sent > 0, d.age_s, d.sent_age_s)).collect();
    assert!(told.contains(&(true, 5.0, Some(125.0))), "{told:?}");
    assert!(told.iter().all(|(is_sent, _, age_s)| *is_sent == age_s.is_some()), "{told:?}");
}

#[test]
fn meters_stand_in_the_order_of_the_pipeline() {
    let mut meter = Meter::default();
    meter.push(time(0), Readings::read(&otelcol()).readings);
    let mut throughput = meter.throughput(time(0), WINDOW_S);
    let mut config = ConfigSnapshot::default();
    let places = |throughput: &Throughput| {
        let mut places: Vec<_> = throughput.pipelines[0].meters.iter().map(|meter| meter.place.clone()).collect();
        places.dedup();
        places
    };
    in_order(&mut throughput, &config);
    assert_eq!(places(&throughput), ["in", "s1", "s2"], "of a pipeline that is gone, by name");
    let text = "name: A\nsignals: [logs]\nsources: [{id: x, kind: otlp}]\ndestinations: [c]\nfilters:\n  - {id: s2, kind: severity}\nprocessors:\n  - {id: s1, kind: batch}\n";
    let document = crate::domain::document::parse_pipeline(text).unwrap();
    config = config.with_pipeline("a".parse().unwrap(), document);
    in_order(&mut throughput, &config);
    assert_eq!(places(&throughput), ["in", "s2", "s1"]);
    let of_a_source = text.replace("id: x", "id: s1").replace("id: s1, kind: batch", "id: s9, kind: batch");
    let document = crate::domain::document::parse_pipeline(&of_a_source).unwrap();
    in_order(&mut throughput, &config.with_pipeline("a".parse().unwrap(), document));
    assert_eq!(places(&throughput), ["s1", "in", "s2"]);
}

#[test]
fn an_hour_is_kept_in_minutes() {
    let mut meter = Meter::default();
    for second in (0..3 * 3600).step_by(15) {
        meter.push(time(second), push(vec![counter(f64::from(i32::try_from(second).unwrap()) * 2.0, 0, 0)]));
    }
    let throughput = meter.throughput(time(3 * 3600), WINDOW_S);
    let points = &throughput.pipelines[0].meters[0].points;
    assert!((59..=61).contains(&points.len()), "{}", points.len());
    assert!(points.iter().all(|point| (point.per_second - 2.0).abs() < 0.01));
    let short = meter.throughput(time(3 * 3600), std::time::Duration::from_secs(300));
    assert!(short.pipelines[0].meters[0].points.len() <= 6);
}

#[test]
fn labels_in_another_order_are_the_same_series() {
    let mut other = counter(1.0, 0, 0);
    other.attributes.reverse();
    assert_eq!(push(vec![counter(1.0, 0, 0)]), push(vec![other]));
}

#[test]
fn what_is_gone_is_forgotten() {
    let mut meter = Meter::default();
    meter.push(time(0), Readings::read(&otelcol()).readings);
    meter.push(time(60), Vec::new());
    assert_eq!(meter.throughput(time(60), WINDOW_S).destinations.len(), 2);
    // The last push of a collector that stops has no queues.
    meter.push(time(200), Vec::new());
    assert!(meter.throughput(time(200), WINDOW_S).destinations.iter().all(|figures| figures.queue.is_none()));
    meter.push(time(4000), Vec::new());
    let throughput = meter.throughput(time(4000), WINDOW_S);
    assert!(throughput.pipelines.is_empty() && throughput.destinations.is_empty());
}

#[test]
fn a_flood_of_series_is_bounded() {
    let mut meter = Meter::default();
    for round in 0..10 {
        let points = (0..2_000).map(|number| {
            let mut point = counter(1.0, 0, 0);
            let text = any_value::Value::StringValue(format!("{round}-{number}"));
            point.attributes.push(KeyValue { key: "x".into(), value: Some(AnyValue { value: Some(text) }) });
            point
        });
        meter.push(time(round), push(points.collect()));
    }
    assert!(meter.throughput(time(10), WINDOW_S).pipelines[0].meters[0].total <= 4_096);
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(data in proptest::collection::vec(any::<u8>(), 0..1024)) {
        if let Ok(request) = ExportMetricsServiceRequest::decode(&data[..]) {
            Meter::default().push(time(0), Readings::read(&request).readings);
        }
    }

    #[test]
    fn totals_never_fall_and_rates_are_never_negative(values in proptest::collection::vec(0.0..1e9_f64, 1..40)) {
        let mut meter = Meter::default();
        let mut total = 0;
        for (second, value) in values.into_iter().enumerate() {
            let rates = meter.push(time(i64::try_from(second).unwrap() * 15), push(vec![counter(value, 0, 0)]));
            prop_assert!(rates.iter().all(|rate| rate.per_second >= 0.0));
            let now = meter.throughput(time(100_000), WINDOW_S).pipelines[0].meters[0].total;
            prop_assert!(now >= total);
            total = now;
        }
    }
}
