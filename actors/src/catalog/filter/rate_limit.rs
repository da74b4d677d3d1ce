//! `rate_limit`: traces go on as long as their spans are within a rate.
//!
//! The spans of a trace are gathered for `decision_wait` from the first one on; then it goes on whole, or is dropped whole.
//! A limit is a bucket that holds spans for two seconds of its rate and is filled at that rate; a trace that has no more
//! spans than are in it takes them out and goes on. So a trace of more spans than that never does.
//!
//! A trace belongs to an entry of `limits` when a span of it, or a resource that its spans came from, has the attribute
//! `key` with that text. It goes on when the bucket of one of its entries lets it. All traces that belong to none share
//! the limit `spans_per_second`. Spans without a trace id are one trace.
//!
//! **For traces only.** The component behind it (`tail_sampling`) takes nothing else, and there is no other of either
//! runtime that limits a rate and leaves records as they are: Alloy's `stage.limit` sends log records through Loki's form,
//! in which they lose their scope, their severity and the types of their values, and otelcol has none. Log records and
//! metrics pass as they are.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        form::{attribute_key, form, group, integer, list, text},
        read,
        whole_traces::{self, Waiting},
    },
    stage::{Stage, tail_sampling::Policy},
};

pub(super) const COMPONENT: &dyn Component = &RateLimit;

struct RateLimit;

#[derive(Deserialize)]
struct Settings {
    spans_per_second: i64,
    key: String,
    limits: Vec<Limit>,
    #[serde(flatten)]
    waiting: Waiting,
}

#[derive(Deserialize)]
struct Limit {
    value: String,
    spans_per_second: i64,
}

impl Settings {
    fn policies(&self) -> Vec<(String, Policy)> {
        let named = |values: Vec<String>, is_inverted| {
            let policy = Policy::Attribute { key: self.key.clone(), values, is_regex: false, is_inverted };
            ("who".to_owned(), policy)
        };
        let rate = |rate: i64| ("rate".to_owned(), Policy::SpansPerSecond(rate));
        let mut policies: Vec<(String, Policy)> = (1..)
            .zip(&self.limits)
            .map(|(number, limit)| {
                let both = vec![named(vec![limit.value.clone()], false), rate(limit.spans_per_second)];
                (format!("limit_{number}"), Policy::And(both))
            })
            .collect();
        let rest = if self.limits.is_empty() {
            Policy::SpansPerSecond(self.spans_per_second)
        } else {
            let all = self.limits.iter().map(|limit| limit.value.clone()).collect();
            Policy::And(vec![named(all, true), rate(self.spans_per_second)])
        };
        policies.push(("rest".to_owned(), rest));
        policies
    }
}

impl Component for RateLimit {
    fn title(&self) -> &'static str {
        "Rate limit of traces"
    }

    fn description(&self) -> &'static str {
        "Lets so many spans a second through, as whole traces: in all, and for listed services."
    }

    fn least(&self) -> Least {
        // The bucket: otelcol 0.153, and so Alloy 1.18. Older ones count anew each second of the clock; from 0.104 to
        // 0.115 the limit for the rest also drops what has a limit of its own.
        Least::since(153, 18)
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Traces]
    }

    fn schema(&self) -> Value {
        let rate = || integer("Spans a second", 1, 10_000_000).required().unit("spans/s").example(1000);
        let limit = group(
            "",
            [
                ("value", text("Value").most(1024).required().example("checkout")),
                ("spans_per_second", rate().help("A trace with more than twice as many spans never goes on.")),
            ],
        );
        form([
            (
                "spans_per_second",
                rate()
                    .help("For all traces together, but those that have a limit of their own. Twice as many at once."),
            ),
            (
                "key",
                attribute_key("Own limits by")
                    .default("service.name")
                    .help("An attribute of spans or of what they come from."),
            ),
            (
                "limits",
                list("Own limits", limit)
                    .default(json!([]))
                    .at_most(100)
                    .help("A trace over several of them goes on if one lets it."),
            ),
            ("decision_wait", whole_traces::decision_wait("5s")),
            ("traces", whole_traces::traces()),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("All together", json!({ "spans_per_second": 5000 })),
            (
                "By service",
                json!({
                    "spans_per_second": 1000,
                    "key": "service.name",
                    "limits": [
                        { "value": "checkout", "spans_per_second": 2000 },
                        { "value": "batch-import", "spans_per_second": 50 },
                    ],
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        let at = findings.path().clone();
        settings.waiting.check(findings);
        for (index, limit) in settings.limits.iter().enumerate() {
            if settings.limits.iter().take(index).any(|earlier| earlier.value == limit.value) {
                findings.errors.add(at.key("limits").index(index).key("value"), "duplicate", "has a limit already");
            }
        }
    }

    fn stages(&self, settings: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let settings: Settings = read(settings)?;
        let policies = settings.policies();
        Ok(vec![settings.waiting.stage(policies)])
    }
}
