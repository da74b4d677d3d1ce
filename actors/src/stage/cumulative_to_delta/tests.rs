use linkmesh_ottl::record::{Buckets, Resourced, Scoped};

use super::*;

fn stage(initial_value: InitialValue) -> CumulativeToDelta {
    CumulativeToDelta { names: None, initial_value, max_staleness: "1h".to_owned() }
}

fn sum(name: &str, points: &[(u64, Number)]) -> Metric {
    let point = |(time, value): &(u64, Number)| NumberPoint {
        start_time_unix_nano: 5,
        time_unix_nano: *time,
        value: Some(*value),
        ..NumberPoint::default()
    };
    let points = points.iter().map(point).collect();
    metric(name, MetricData::Sum { points, temporality: CUMULATIVE, is_monotonic: true })
}

fn metric(name: &str, data: MetricData) -> Metric {
    Metric { name: name.to_owned(), data, ..Metric::default() }
}

fn run(stage: &CumulativeToDelta, metrics: Vec<Metric>, now: u64) -> (Vec<Metric>, Vec<String>) {
    let scopes = vec![Scoped { records: metrics, ..Scoped::default() }];
    let mut telemetry = Telemetry::Metrics(vec![Resourced { scopes, ..Resourced::default() }]);
    let mut trial = Trial { now_unix_nano: now, ..Trial::default() };
    stage.run(&mut telemetry, &mut trial);
    let Telemetry::Metrics(groups) = telemetry else { unreachable!("metrics stay metrics") };
    (groups.into_iter().flat_map(|group| group.scopes).flat_map(|scope| scope.records).collect(), trial.notes)
}

/// The points of a sum: start, time and value.
fn points(metric: &Metric) -> Vec<(u64, u64, Number)> {
    let MetricData::Sum { points, temporality: DELTA, .. } = &metric.data else { panic!("{metric:?}") };
    points.iter().map(|p| (p.start_time_unix_nano, p.time_unix_nano, p.value.unwrap())).collect()
}

#[test]
fn points_become_what_was_added_and_a_reset_is_dropped() {
    use Number::{Double, Int};
    let metrics = || {
        vec![
            sum("a", &[(10, Int(3)), (20, Int(5)), (30, Int(1)), (40, Int(4))]),
            sum("a", &[(50, Double(1.5)), (60, Double(2.0)), (65, Double(f64::NAN))]),
            sum("b", &[(70, Int(9))]),
        ]
    };
    let (kept, notes) = run(&stage(InitialValue::Auto), metrics(), 100);
    assert_eq!(kept.len(), 2, "a metric without points left is dropped");
    assert_eq!(points(&kept[0]), [(10, 20, Int(2)), (30, 40, Int(3))]);
    assert_eq!(points(&kept[1])[0], (50, 60, Double(0.5)));
    assert_eq!(points(&kept[1]).len(), 2, "what is no number passes");
    assert_eq!(notes.len(), 1);
    let (kept, notes) = run(&stage(InitialValue::Auto), metrics(), 1);
    assert_eq!(points(&kept[2]), [(5, 70, Int(9))], "counting began after the collector did");
    assert_eq!(notes, [""; 0]);
    let (kept, _) = run(&stage(InitialValue::Keep), metrics(), 100);
    assert_eq!(points(&kept[2]), [(0, 70, Int(9))]);
    let (kept, _) = run(&stage(InitialValue::Drop), metrics(), 1);
    assert_eq!(kept.len(), 2);
}

#[test]
fn others_pass_and_names_choose() {
    let gauge = metric("g", MetricData::Gauge(vec![NumberPoint::default()]));
    let falling = metric("f", MetricData::Sum { points: Vec::new(), temporality: CUMULATIVE, is_monotonic: false });
    let delta = metric("d", MetricData::Sum { points: Vec::new(), temporality: DELTA, is_monotonic: true });
    let others = vec![gauge, falling, delta, metric("e", MetricData::Empty)];
    assert_eq!(run(&stage(InitialValue::Drop), others.clone(), 0).0, others);
    for (is_include, is_regex, name, expected) in [
        (true, false, "a", 1),
        (false, false, "a", 1),
        (true, true, "^[ab]$", 0),
        (false, true, "x", 0),
        (true, true, "(", 2),
    ] {
        let names = Names { is_include, is_regex, names: vec![name.to_owned()] };
        let stage = CumulativeToDelta { names: Some(names), ..stage(InitialValue::Drop) };
        let metrics = vec![sum("a", &[(1, Number::Int(1))]), sum("b", &[(1, Number::Int(1))])];
        assert_eq!(run(&stage, metrics, 0).0.len(), expected, "{is_include} {is_regex} {name}");
    }
}

#[test]
fn histograms_are_taken_from_each_other_bucket_by_bucket() {
    let point = |time, count, counts: &[u64], sum| HistogramPoint {
        time_unix_nano: time,
        count,
        sum,
        bucket_counts: counts.to_vec(),
        explicit_bounds: vec![1.0],
        min: Some(0.0),
        ..HistogramPoint::default()
    };
    let histogram = MetricData::Histogram {
        points: vec![
            point(1, 3, &[1, 2], Some(3.0)),
            point(2, 5, &[2, 3], Some(7.5)),
            point(3, 6, &[1, 5], Some(8.0)),
            point(4, 7, &[3, 4], Some(9.0)),
            point(5, 7, &[7], None),
        ],
        temporality: CUMULATIVE,
    };
    let (kept, _) = run(&stage(InitialValue::Drop), vec![metric("h", histogram)], 0);
    let MetricData::Histogram { points, temporality: DELTA } = &kept[0].data else { panic!("{kept:?}") };
    let found: Vec<_> =
        points.iter().map(|p| (p.start_time_unix_nano, p.count, p.bucket_counts.clone(), p.sum, p.min)).collect();
    // The third has less in a bucket: dropped, and the fourth is taken from the second.
    assert_eq!(found, [(1, 2, vec![1, 1], Some(4.5), None), (2, 2, vec![1, 1], Some(1.5), None)]);
}

#[test]
fn exponential_histograms_may_grow_coarser() {
    let buckets = |offset, counts: &[u64]| Buckets { offset, bucket_counts: counts.to_vec() };
    let point = |time, scale, count, zero_count, zero_threshold, positive| ExponentialHistogramPoint {
        time_unix_nano: time,
        scale,
        count,
        zero_count,
        zero_threshold,
        positive,
        sum: Some(1.0),
        ..ExponentialHistogramPoint::default()
    };
    let data = MetricData::ExponentialHistogram {
        points: vec![
            point(1, 1, 6, 1, 0.0, buckets(-2, &[1, 1, 1, 1, 1])),
            point(2, 0, 9, 1, 0.0, buckets(-1, &[2, 4, 2])),
            point(3, 0, 12, 5, 1.0, buckets(0, &[4, 3])),
            point(4, 1, 20, 5, 1.0, buckets(0, &[9, 9])),
            point(5, 0, 11, 5, 1.0, buckets(0, &[4, 3])),
            point(6, i32::MIN, 13, 5, f64::MAX, buckets(i32::MAX, &[8])),
        ],
        temporality: CUMULATIVE,
    };
    let (kept, _) = run(&stage(InitialValue::Drop), vec![metric("e", data)], 0);
    let MetricData::ExponentialHistogram { points, .. } = &kept[0].data else { panic!("{kept:?}") };
    let found: Vec<_> = points.iter().map(|p| (p.time_unix_nano, p.count, p.zero_count, p.positive.clone())).collect();
    assert_eq!(found[0], (2, 3, 0, buckets(0, &[2, 1])));
    assert_eq!(found[1], (3, 3, 2, buckets(1, &[1])));
    assert_eq!(found.len(), 3, "a finer scale and a lower count are resets: {found:?}");
}
