//! `detect`: what records come from is told by the host and cloud that the collector runs on.
//!
//! Once, at its start, the collector asks the detectors, for at most `timeout`. What they find is set as attributes of
//! every resource: of one that several find, the first detector's counts. With `override` it takes the place of what the
//! resource says itself; without, only what is absent is set. A detector that finds nothing (another cloud, no answer)
//! adds nothing; but `eks` asks the cluster that it runs in already when it is made, and outside of one the collector refuses
//! its config. No record is dropped or changed.
//!
//! * `env`: what stands in the variable `OTEL_RESOURCE_ATTRIBUTES`.
//! * `system`: `host.name` (by `hostname_sources`, the first that answers), `os.type`, and what `system_attributes` names.
//! * The others: provider, account, region and zone, and what the service calls the host, container or cluster.
//!
//! It is the collector's host: of records that came from elsewhere over the network, `override` would say a wrong host.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        form::{choices, duration, flag, form},
        read, scalar,
    },
    stage::{Stage, resource_detection::ResourceDetection},
};

pub(super) const COMPONENT: &dyn Component = &Detect;

struct Detect;

#[derive(Deserialize)]
struct Settings {
    detectors: Vec<String>,
    r#override: bool,
    hostname_sources: Vec<String>,
    system_attributes: Vec<String>,
    timeout: String,
}

/// What every version of otelcol knows, and what needs no settings of its own that differ from Alloy's. Alloy knows all but
/// `elastic_beanstalk`, see [`ResourceDetection`].
const DETECTORS: &[&str] =
    &["env", "system", "docker", "ec2", "ecs", "eks", "elastic_beanstalk", "lambda", "gcp", "azure", "aks", "heroku"];

impl Component for Detect {
    fn title(&self) -> &'static str {
        "Host and cloud"
    }

    fn description(&self) -> &'static str {
        "Adds the name of the host, its operating system and its place in the cloud to what records come from. It is \
         the host that the collector runs on."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn least_with(&self, settings: &SettingsMap) -> Least {
        let wanted = settings.get("system_attributes").and_then(Value::as_array);
        // Attributes that can be chosen (0.81), and those of the system.
        let since = wanted.into_iter().flatten().map(|name| match name.as_str() {
            Some("host.ip" | "host.mac") => 91,
            Some("os.description") => 83,
            Some("host.arch" | "host.id") => 82,
            _ => 81,
        });
        since.max().map_or(self.least(), |minor| Least::since(minor, 0))
    }

    fn schema(&self) -> Value {
        form([
            (
                "detectors",
                choices("Ask", DETECTORS)
                    .default(json!(["env", "system"]))
                    .at_least(1)
                    .help(
                        "In this order; the first that knows an attribute sets it. env: OTEL_RESOURCE_ATTRIBUTES. eks: only \
                         in a cluster, elsewhere the collector does not start.",
                    ),
            ),
            (
                "override",
                flag("Replace what is there").default(false).help("What records say of their own host gives way."),
            ),
            (
                "hostname_sources",
                choices("Host name from", &["os", "dns", "cname", "lookup"])
                    .default(json!(["os"]))
                    .at_least(1)
                    .help("For system; the first that answers."),
            ),
            (
                "system_attributes",
                choices("Also of the system", &["host.arch", "host.id", "host.ip", "host.mac", "os.description"])
                    .default(json!([]))
                    .help("For system, beside host.name and os.type."),
            ),
            ("timeout", duration("Wait at most").default("5s").help("At the start, for all detectors together.")),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("The host", json!({ "detectors": ["env", "system"] })),
            (
                "A host in Amazon's cloud",
                json!({
                    "detectors": ["ec2", "system"], "override": true, "hostname_sources": ["dns", "os"],
                    "system_attributes": ["host.arch", "host.id"], "timeout": "10s",
                }),
            ),
            ("The cloud alone", json!({ "detectors": ["gcp", "azure"] })),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        if scalar::duration_ns(&settings.timeout).is_ok_and(|ns| ns == 0) {
            findings.errors.add(findings.path().key("timeout"), "out_of_range", "must be longer than 0");
        }
        if !settings.system_attributes.is_empty() && !settings.detectors.iter().any(|name| name == "system") {
            let at = findings.path().key("system_attributes");
            findings.errors.add(at, "not_allowed", "needs the detector `system`");
        }
    }

    fn stages(&self, settings: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let settings: Settings = read(settings)?;
        Ok(vec![Box::new(ResourceDetection {
            detectors: settings.detectors,
            timeout: settings.timeout,
            is_override: settings.r#override,
            hostname_sources: settings.hostname_sources,
            system_attributes: settings.system_attributes,
        })])
    }
}
