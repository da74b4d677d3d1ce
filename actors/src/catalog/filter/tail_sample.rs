//! `tail_sample`: traces go on by how they ended.
//!
//! The spans of a trace are gathered for `decision_wait` from the first one on. Then the trace goes on, with all its spans,
//! when one of these takes it, and is dropped otherwise:
//! * `errors`: a span of it has the status error.
//! * `slower_than`: the time from the first start to the last end of its spans is longer. (Exactly as long is enough up to
//!   version 0.149 of the collector, and not from 0.158 on.)
//! * an entry of `attributes`: a span of it, or a resource that its spans came from, has the attribute `key` with a text
//!   that is one of `values`, or in which one of them is found when they are expressions. Numbers are no texts here.
//! * `percentage`: its id is among the chosen, the same on every collector. With the others, this is the share of the rest.
//!
//! Spans that come later go the way of their trace as long as it is remembered: `traces` of them, the oldest give way, those
//! undecided too, and then their spans are lost. Spans without a trace id are one trace. Schemas of resources and scopes
//! are lost. All spans of a trace have to come to the same collector. Log records and metrics pass as they are.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        form::{attribute_key, duration, flag, form, group, list, number, text},
        read, scalar,
        whole_traces::{self, Waiting},
    },
    stage::{Stage, tail_sampling::Policy},
};

pub(super) const COMPONENT: &dyn Component = &TailSample;

struct TailSample;

#[derive(Deserialize)]
struct Settings {
    errors: bool,
    slower_than: Option<String>,
    attributes: Vec<Attribute>,
    percentage: Option<f64>,
    #[serde(flatten)]
    waiting: Waiting,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    values: Vec<String>,
    regex: bool,
}

/// Milliseconds of a duration; a part of one counts as a whole.
fn milliseconds(duration: &str) -> i64 {
    let nanoseconds = scalar::duration_ns(duration).unwrap_or_default();
    i64::try_from(nanoseconds.div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

impl Settings {
    fn policies(&self) -> Vec<(String, Policy)> {
        let mut policies = Vec::new();
        if self.errors {
            policies.push(("errors".to_owned(), Policy::Errors));
        }
        if let Some(duration) = &self.slower_than {
            policies.push(("slow".to_owned(), Policy::SlowerThan { threshold_ms: milliseconds(duration) }));
        }
        policies.extend((1..).zip(&self.attributes).map(|(number, Attribute { key, values, regex })| {
            let (key, values) = (key.clone(), values.clone());
            let policy = Policy::Attribute { key, values, is_regex: *regex, is_inverted: false };
            (format!("attribute_{number}"), policy)
        }));
        if let Some(percentage) = self.percentage {
            policies.push(("rest".to_owned(), Policy::Percentage(percentage)));
        }
        policies
    }
}

impl Component for TailSample {
    fn title(&self) -> &'static str {
        "Sample traces by outcome"
    }

    fn description(&self) -> &'static str {
        "Gathers the spans of a trace and keeps it if it failed, was slow or has an attribute, and a percentage of the \
         rest. All spans of a trace have to come to the same collector."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Traces]
    }

    fn schema(&self) -> Value {
        let attribute = group(
            "",
            [
                ("key", attribute_key("Attribute").required().example("http.route").help("Of a span or its resource.")),
                (
                    "values",
                    list("Values", text("").most(1024)).required().at_least(1).at_most(100).with("uniqueItems", true),
                ),
                ("regex", flag("Values are expressions").default(false).help("Found anywhere in the attribute.")),
            ],
        );
        form([
            ("errors", flag("Keep errors").default(true).help("Traces with a span whose status is an error.")),
            (
                "slower_than",
                duration("Keep if slower than")
                    .example("500ms")
                    .help("From the first start to the last end of the trace's spans, in whole milliseconds."),
            ),
            (
                "attributes",
                list("Keep by attribute", attribute)
                    .default(json!([]))
                    .at_most(50)
                    .help("Texts only: numbers do not count."),
            ),
            (
                "percentage",
                number("Keep of the rest", 0.01, 100.0)
                    .unit("%")
                    .example(5)
                    .help("The same traces on every collector. None of the rest when not given."),
            ),
            ("decision_wait", whole_traces::decision_wait("10s")),
            ("traces", whole_traces::traces()),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Errors, slow ones, and some", json!({ "errors": true, "slower_than": "500ms", "percentage": 5 })),
            (
                "All of checkout",
                json!({
                    "errors": false,
                    "attributes": [
                        { "key": "service.name", "values": ["checkout", "payment"] },
                        { "key": "http.route", "values": ["^/cart/"], "regex": true },
                    ],
                    "decision_wait": "30s",
                    "traces": 100_000,
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        let at = findings.path().clone();
        settings.waiting.check(findings);
        for (index, attribute) in settings.attributes.iter().enumerate() {
            let at = at.key("attributes").index(index);
            if settings
                .attributes
                .iter()
                .take(index)
                .any(|other| (&other.key, other.regex) == (&attribute.key, attribute.regex))
            {
                findings.errors.add(at.key("key"), "duplicate", "stands twice; put the values together");
            }
            for (index, value) in attribute.values.iter().enumerate() {
                if attribute.regex
                    && let Err(reason) = scalar::regex(value)
                {
                    findings.errors.add(at.key("values").index(index), "invalid_value", reason);
                }
            }
        }
        if settings.policies().is_empty() {
            findings.errors.add(at.key("errors"), "missing", "nothing would be kept");
        }
    }

    fn stages(&self, settings: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let settings: Settings = read(settings)?;
        let policies = settings.policies();
        Ok(vec![settings.waiting.stage(policies)])
    }
}
