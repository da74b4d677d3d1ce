//! `cumulative_to_delta`: sums and histograms that count from a start become what was added since the last point.
//!
//! Monotonic sums, histograms and exponential histograms that are cumulative are changed, those that `which` and `names`
//! choose; gauges, summaries, sums that may fall and what is delta already pass as they are. Of each series (the same
//! resource, scope, name, unit, attributes, type of value, and start of counting) a point becomes the difference to the
//! point before, and its start the time of that one. Least and greatest of a histogram are taken away.
//!
//! * The first point of a series: with `auto` it is dropped, unless its counting began after the collector did; `keep`
//!   lets it through with its whole value and without a start; `drop` drops it.
//! * A point below the one before (a reset) is dropped. So is one of a histogram whose ranges changed.
//! * A point without a value is dropped; one of a sum that is not a number passes unchanged.
//! * A series that is silent for longer than `max_staleness` begins anew.
//!
//! A metric of which no point is left is dropped. All points of a series have to come to the same collector, in order.

use linkmesh_proto::api::{collector::Stability, pipeline::Signal};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        form::{choice, duration, form},
        metric_names::{self, MetricNames},
        read,
    },
    stage::{
        Stage,
        cumulative_to_delta::{self, InitialValue, Names},
    },
};

pub(super) const COMPONENT: &dyn Component = &CumulativeToDelta;

struct CumulativeToDelta;

#[derive(Deserialize)]
struct Settings {
    which: Which,
    #[serde(flatten)]
    chosen: MetricNames,
    initial_value: Initial,
    max_staleness: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Which {
    Only,
    Except,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Initial {
    Auto,
    Keep,
    Drop,
}

impl Settings {
    fn names(&self) -> Option<Names> {
        (!self.chosen.is_empty()).then(|| Names {
            is_include: self.which == Which::Only,
            is_regex: self.chosen.is_regex(),
            names: self.chosen.texts(),
        })
    }
}

impl Component for CumulativeToDelta {
    fn title(&self) -> &'static str {
        "Cumulative to delta"
    }

    fn description(&self) -> &'static str {
        "Turns counters and histograms that count from a start into what was added since the last point, for \
         destinations that want that."
    }

    fn least(&self) -> Least {
        // Exponential histograms: otelcol 0.141, and so Alloy 1.13.
        Least::since(141, 13)
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Metrics]
    }

    fn alloy_stability(&self) -> Stability {
        Stability::PublicPreview
    }

    fn schema(&self) -> Value {
        form([
            (
                "which",
                choice("Metrics", &["only", "except"])
                    .default("only")
                    .help("Those with one of the names, or all others."),
            ),
            ("match_by", metric_names::match_by()),
            (
                "names",
                metric_names::names("http.server.requests").help("Case counts. Without any, all metrics are changed."),
            ),
            (
                "initial_value",
                choice("First point of a series", &["auto", "keep", "drop"]).default("auto").help(
                    "auto: goes on only if counting began after the collector did. keep: goes on with its whole value.",
                ),
            ),
            (
                "max_staleness",
                duration("Forget series after")
                    .default("1h")
                    .help("A series that is silent for longer begins anew; 0s for never."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("All", json!({ "initial_value": "auto" })),
            (
                "Requests only",
                json!({ "match_by": "prefix", "names": ["http.server.", "rpc.server."], "initial_value": "drop" }),
            ),
            (
                "All but the host's",
                json!({ "which": "except", "match_by": "regex", "names": ["^(system|process)\\."] }),
            ),
            ("Two by name", json!({ "names": ["requests", "errors"], "max_staleness": "10m" })),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        settings.chosen.check(findings);
    }

    fn stages(&self, settings: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let settings: Settings = read(settings)?;
        let initial_value = match settings.initial_value {
            Initial::Auto => InitialValue::Auto,
            Initial::Keep => InitialValue::Keep,
            Initial::Drop => InitialValue::Drop,
        };
        let names = settings.names();
        Ok(vec![Box::new(cumulative_to_delta::CumulativeToDelta {
            names,
            initial_value,
            max_staleness: settings.max_staleness,
        })])
    }
}
