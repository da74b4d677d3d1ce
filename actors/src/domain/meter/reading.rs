//! Picking out of a push what meters need.

use std::hash::{DefaultHasher, Hash, Hasher};

use linkmesh_proto::{
    DestinationId, PipelineId,
    api::pipeline::Signal,
    wire::otlp::{
        ExportMetricsServiceRequest, KeyValue, Metric, NumberDataPoint, any_value, metric::Data,
        number_data_point::Value,
    },
};

use crate::{
    remotecfg::ComponentCount,
    render::names::{self, Component, Place},
};

/// A point without a value: what a Prometheus series ends with. It is not 0.
const NO_RECORDED_VALUE: u32 = 1;
/// Readings taken of one push; two pipelines give about 40.
const MAX_READINGS: usize = 5_000;
/// A million records a second for thirty years.
const LARGEST_COUNT: f64 = 1e15;

/// What a number counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Records that passed a place of a pipeline.
    Passed {
        /// The pipeline.
        pipeline: PipelineId,
        /// `in`, `out`, or the id of a step (what it let pass).
        place: Box<str>,
        /// The kind of the component: a step may consist of several, each of which counts.
        kind: Box<str>,
        /// The kind of telemetry.
        signal: Signal,
    },
    /// Records sent by a destination.
    Sent(DestinationId),
    /// Records that a destination gave up.
    Failed(DestinationId),
    /// Batches in a destination's queues.
    Queue(DestinationId),
    /// Room of a destination's queues.
    QueueCapacity(DestinationId),
}

impl Measure {
    /// Whether the number is a level; otherwise it only grows, until its component is built anew.
    #[must_use]
    pub const fn is_level(&self) -> bool {
        matches!(self, Self::Queue(_) | Self::QueueCapacity(_))
    }
}

/// One number of a push.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What it counts.
    pub measure: Measure,
    /// Names the series: a hash over the metric and all its labels.
    pub series: u64,
    /// The number.
    pub value: f64,
    /// When the counter began, in nanoseconds by the collector's clock; 0 when it does not say (Alloy). Only told apart
    /// from others of the same series, never compared with a time.
    pub began: u64,
}

/// What was picked out of one push.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Readings {
    /// The numbers of meters.
    pub readings: Vec<Reading>,
    /// Alloy: how the components of the remote document are; empty when the push does not say.
    pub components: Vec<ComponentCount>,
}

impl Readings {
    /// Reads a push. What LinkMesh did not render is left out, the exporter of these very metrics among it.
    #[must_use]
    pub fn read(request: &ExportMetricsServiceRequest) -> Self {
        let mut found = Self::default();
        let metrics = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
        for metric in metrics.flat_map(|scope| &scope.metrics) {
            found.metric(metric);
        }
        found
    }

    fn metric(&mut self, metric: &Metric) {
        let points = match &metric.data {
            Some(Data::Gauge(gauge)) => &gauge.data_points,
            Some(Data::Sum(sum)) => &sum.data_points,
            None => return,
        };
        let name = metric.name.strip_suffix("_total").unwrap_or(&metric.name);
        if name == "alloy_component_controller_running_components" {
            self.components.extend(points.iter().filter_map(component_count));
            return;
        }
        let Some(number) = Number::of(name) else { return };
        for point in points {
            if self.readings.len() >= MAX_READINGS {
                return;
            }
            if let Some((measure, value)) = number.measure(point).zip(value(point)) {
                let series = series_of(name, &point.attributes);
                self.readings.push(Reading { measure, series, value, began: point.start_time_unix_nano });
            }
        }
    }
}

/// The metrics that are read.
#[derive(Clone, Copy)]
enum Number {
    Incoming,
    Outgoing,
    Sent,
    Failed,
    Queue,
    QueueCapacity,
}

impl Number {
    fn of(name: &str) -> Option<Self> {
        if let Some(processor) = name.strip_prefix("otelcol_processor_") {
            return match processor {
                "incoming_items" => Some(Self::Incoming),
                "outgoing_items" => Some(Self::Outgoing),
                _ => None,
            };
        }
        let exporter = name.strip_prefix("otelcol_exporter_")?;
        match exporter {
            "queue_size" => return Some(Self::Queue),
            "queue_capacity" => return Some(Self::QueueCapacity),
            _ => {}
        }
        let of_records =
            |prefix: &str| matches!(exporter.strip_prefix(prefix), Some("spans" | "metric_points" | "log_records"));
        if of_records("sent_") {
            Some(Self::Sent)
        } else if of_records("send_failed_") || of_records("enqueue_failed_") {
            Some(Self::Failed)
        } else {
            None
        }
    }

    fn measure(self, point: &NumberDataPoint) -> Option<Measure> {
        let label = |name: &str| text(&point.attributes, name);
        let component = |role: &str| match (label("component_path"), label("component_id")) {
            (Some(path), Some(id)) => names::parse_alloy(path, id),
            _ => names::parse_otelcol(label(role)?),
        };
        match self {
            Self::Incoming | Self::Outgoing => {
                let signal = label("otel.signal").or_else(|| label("otel_signal")).and_then(signal)?;
                let Component { kind, place } = component("processor")?;
                let (pipeline, place) = match (place, self) {
                    // At an end, what comes in is what goes out.
                    (Place::Meter { pipeline, end }, Self::Incoming) => (pipeline, end.as_str().into()),
                    (Place::Step { pipeline, step }, Self::Outgoing) => (pipeline, step.as_str().into()),
                    _ => return None,
                };
                Some(Measure::Passed { pipeline, place, kind: kind.into(), signal })
            }
            Self::Sent | Self::Failed | Self::Queue | Self::QueueCapacity => {
                let Component { place: Place::Destination(destination), .. } = component("exporter")? else {
                    return None;
                };
                Some(match self {
                    Self::Sent => Measure::Sent(destination),
                    Self::Failed => Measure::Failed(destination),
                    Self::Queue => Measure::Queue(destination),
                    _ => Measure::QueueCapacity(destination),
                })
            }
        }
    }
}

fn signal(word: &str) -> Option<Signal> {
    match word {
        "logs" => Some(Signal::Logs),
        "metrics" => Some(Signal::Metrics),
        "traces" => Some(Signal::Traces),
        _ => None,
    }
}

/// The components of the remote document: those of its pipelines, and those at its root.
fn component_count(point: &NumberDataPoint) -> Option<ComponentCount> {
    let label = |name: &str| text(&point.attributes, name);
    let controller = match (label("controller_path")?, label("controller_id").unwrap_or_default()) {
        ("/remotecfg", id) => id,
        ("/", "remotecfg") => "",
        _ => return None,
    };
    let value = value(point)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of components, not below 0")]
    let count = value.max(0.0) as u64;
    Some(ComponentCount { controller: controller.into(), health: label("health_type")?.into(), count })
}

/// The value of a point; `None` for what no count can be. Sums over a fleet stay finite by it.
fn value(point: &NumberDataPoint) -> Option<f64> {
    if point.flags & NO_RECORDED_VALUE != 0 {
        return None;
    }
    let value = match point.value? {
        Value::AsDouble(value) => value,
        #[expect(clippy::cast_precision_loss, reason = "counts of records stay below 2^53")]
        Value::AsInt(value) => value as f64,
    };
    (0.0..=LARGEST_COUNT).contains(&value).then_some(value)
}

fn text<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a str> {
    let pair = attributes.iter().find(|pair| pair.key == name)?;
    match pair.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// Labels come in any order.
fn series_of(name: &str, attributes: &[KeyValue]) -> u64 {
    let one = |pair: &KeyValue| {
        let mut hasher = DefaultHasher::new();
        pair.key.hash(&mut hasher);
        match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(any_value::Value::StringValue(text)) => text.hash(&mut hasher),
            Some(any_value::Value::BoolValue(flag)) => flag.hash(&mut hasher),
            Some(any_value::Value::IntValue(number)) => number.hash(&mut hasher),
            Some(any_value::Value::DoubleValue(number)) => number.to_bits().hash(&mut hasher),
            None => {}
        }
        hasher.finish()
    };
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    attributes.iter().map(one).fold(0_u64, u64::wrapping_add).hash(&mut hasher);
    hasher.finish()
}
