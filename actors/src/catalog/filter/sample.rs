//! `sample`: a percentage of traces and log records goes on, chosen by a hash.
//!
//! A trace is chosen by its id, so that all its spans go on or none, on every collector with the same percentage and
//! seed; whoever is chosen at a low percentage is chosen at a higher one too. A log record of a trace goes with that
//! trace. For one without a trace `logs_without_trace` says: `keep`, all go on; `attribute`, the attribute `attribute`
//! stands in for the id (any value, as text), and a record that lacks it, or has an empty one, goes on; `random`, each
//! is drawn by itself, so that the percentage is right and the choice differs from collector to collector.
//!
//! Percentages are met in steps of 100/16384 (0.0061), downwards.
//!
//! What goes on says with what probability it was chosen: a span in its `tracestate` (`ot=rv:..;th:..`), a log record in
//! the attributes `sampling.randomness` and `sampling.threshold`. What cannot be decided goes on: a span without a trace
//! id, one with a malformed `tracestate`, and what says already that it was sampled, so that a second step of this kind
//! drops nothing more. A span with the attribute `sampling.priority` goes on when that is above 0, and is dropped when it
//! is 0. Metrics pass as they are.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        form::{attribute_key, choice, choices, form, integer, number},
        ottl_text::{at_key, quoted},
        read,
    },
    stage::{
        Stage,
        attributes::{Action, Attributes, Verb},
        probabilistic_sampler::ProbabilisticSampler,
        transform::Transform,
    },
};

pub(super) const COMPONENT: &dyn Component = &Sample;

struct Sample;

#[derive(Deserialize)]
struct Settings {
    percentage: f64,
    seed: u32,
    logs_without_trace: Without,
    attribute: Option<String>,
    signals: Vec<Signal>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Without {
    Keep,
    Attribute,
    Random,
}

/// Where the draw of a log record without a trace stands while it passes.
const DRAW: &str = "linkmesh.draw";

impl Component for Sample {
    fn title(&self) -> &'static str {
        "Sample"
    }

    fn description(&self) -> &'static str {
        "Keeps a percentage of traces and log records. The same traces are kept on every collector with the same seed."
    }

    fn least(&self) -> Least {
        // `mode`: otelcol 0.103, Alloy 1.3.
        Least::since(103, 3)
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs, Signal::Traces]
    }

    fn schema(&self) -> Value {
        form([
            (
                "percentage",
                number("Keep", 0.01, 100.0)
                    .required()
                    .unit("%")
                    .example(10)
                    .help("Of traces, and of log records. Met in steps of 0.0061, downwards."),
            ),
            (
                "seed",
                integer("Seed", 0, 4_294_967_295).default(22).help(
                    "Collectors with the same seed keep the same traces; another layer with another percentage needs another one.",
                ),
            ),
            (
                "logs_without_trace",
                choice("Log records without a trace", &["keep", "attribute", "random"])
                    .default("keep")
                    .help("keep: all go on. attribute: by the value of an attribute. random: each is drawn by itself."),
            ),
            (
                "attribute",
                attribute_key("By attribute").example("log.record.uid").help("For attribute. Log records that lack it go on."),
            ),
            (
                "signals",
                choices("Only for", &["logs", "traces"])
                    .default(json!([]))
                    .help("Kinds of telemetry to sample; both when empty."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("One trace of ten", json!({ "percentage": 10, "signals": ["traces"] })),
            (
                "A quarter of the log records",
                json!({ "percentage": 25, "logs_without_trace": "random", "signals": ["logs"] }),
            ),
            (
                "By the request",
                json!({ "percentage": 2.5, "seed": 7, "logs_without_trace": "attribute", "attribute": "request.id" }),
            ),
        ]
    }

    fn signals_with(&self, settings: &SettingsMap) -> Vec<Signal> {
        match read::<Settings>(settings) {
            Ok(settings) if !settings.signals.is_empty() => settings.signals,
            _ => self.signals().to_vec(),
        }
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        let at = findings.path().clone();
        let by_attribute = settings.logs_without_trace == Without::Attribute;
        findings.needed_only_if(&at, "attribute", by_attribute, settings.attribute.is_some());
    }

    fn stages(&self, settings: &SettingsMap, signals: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let settings: Settings = read(settings)?;
        let drawn = settings.logs_without_trace == Without::Random && signals.contains(&Signal::Logs);
        let sampler = ProbabilisticSampler {
            percentage: settings.percentage,
            seed: settings.seed,
            from_attribute: if drawn { Some(DRAW.to_owned()) } else { settings.attribute },
        };
        if !drawn {
            return Ok(vec![Box::new(sampler)]);
        }
        let no_trace = quoted(&"0".repeat(32));
        let draw = format!("set({}, UUID()) where trace_id.string == {no_trace}", at_key("attributes", DRAW));
        Ok(vec![
            Box::new(Transform::records(&[Signal::Logs], &[draw])),
            Box::new(sampler),
            Box::new(Attributes(vec![Action { key: DRAW.to_owned(), verb: Verb::Delete }])),
        ])
    }
}
