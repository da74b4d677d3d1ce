//! `resourcedetection`: resources get what the collector's host and cloud say of themselves.
//!
//! Source: `processor/resourcedetectionprocessor`.

use linkmesh_ottl::record::Telemetry;

use super::{Stage, Trial};
use crate::render::{
    alloy::{Expr, Statement, attribute, block},
    yaml::Yaml,
};

/// Asks its detectors once, at the start. Of those, Alloy cannot be asked for `elastic_beanstalk`.
#[derive(Debug, Clone)]
pub struct ResourceDetection {
    /// The detectors, in order: of an attribute that several find, the first one's counts.
    pub detectors: Vec<String>,
    /// How long they are waited for: a duration of Go.
    pub timeout: String,
    /// Whether what is there gives way.
    pub is_override: bool,
    /// Where the detector `system` takes the name of the host from, in order.
    pub hostname_sources: Vec<String>,
    /// What the detector `system` sets beside the name and the operating system.
    pub system_attributes: Vec<String>,
}

impl ResourceDetection {
    fn asks_system(&self) -> bool {
        self.detectors.iter().any(|detector| detector == "system")
    }
}

impl Stage for ResourceDetection {
    fn otelcol(&self) -> (&'static str, Yaml) {
        let mut config = vec![
            ("detectors".to_owned(), Yaml::texts(&self.detectors)),
            ("timeout".to_owned(), Yaml::text(self.timeout.as_str())),
            ("override".to_owned(), Yaml::Bool(self.is_override)),
        ];
        if self.asks_system() {
            let mut system = vec![("hostname_sources".to_owned(), Yaml::texts(&self.hostname_sources))];
            if !self.system_attributes.is_empty() {
                let enabled = |name: &String| (name.clone(), Yaml::map([("enabled", Yaml::Bool(true))]));
                let attributes = self.system_attributes.iter().map(enabled);
                system.push(("resource_attributes".to_owned(), Yaml::Map(attributes.collect())));
            }
            config.push(("system".to_owned(), Yaml::Map(system)));
        }
        ("resourcedetection", Yaml::Map(config))
    }

    fn alloy(&self) -> (&'static str, Vec<Statement>) {
        let mut body = vec![
            attribute("detectors", Expr::texts(&self.detectors)),
            attribute("timeout", Expr::text(self.timeout.as_str())),
            attribute("override", Expr::token(self.is_override)),
        ];
        if self.asks_system() {
            let mut system = vec![attribute("hostname_sources", Expr::texts(&self.hostname_sources))];
            if !self.system_attributes.is_empty() {
                let enabled = |name: &String| block(name, vec![attribute("enabled", Expr::token(true))]);
                system.push(block("resource_attributes", self.system_attributes.iter().map(enabled).collect()));
            }
            body.push(block("system", system));
        }
        ("otelcol.processor.resourcedetection", body)
    }

    fn alloy_lacks(&self) -> Option<&'static str> {
        // Its check lets only `elasticbeanstalk` through, which the processor behind it does not know (1.18).
        let asks = self.detectors.iter().any(|detector| detector == "elastic_beanstalk");
        asks.then_some("Alloy refuses the detector elastic_beanstalk, by each of its names")
    }

    fn run(&self, _: &mut Telemetry, trial: &mut Trial) {
        let of = |detector: &String| match detector.as_str() {
            "env" => "what OTEL_RESOURCE_ATTRIBUTES holds there (env)".to_owned(),
            "system" => {
                let fixed = ["host.name", "os.type"].into_iter();
                let names: Vec<&str> = fixed.chain(self.system_attributes.iter().map(String::as_str)).collect();
                format!("{} (system)", names.join(", "))
            }
            other => format!("what {other} says of it"),
        };
        let unknown: Vec<String> = self.detectors.iter().map(of).collect();
        trial.note(format!(
            "the collector's host is not known here: {}; resources pass as they are",
            unknown.join("; ")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_says_what_it_cannot_know() {
        let stage = ResourceDetection {
            detectors: ["env", "system", "gcp"].map(str::to_owned).into(),
            timeout: "5s".to_owned(),
            is_override: false,
            hostname_sources: vec!["os".to_owned()],
            system_attributes: vec!["host.arch".to_owned()],
        };
        let (mut telemetry, mut trial) = (Telemetry::Logs(Vec::new()), Trial::default());
        stage.run(&mut telemetry, &mut trial);
        assert_eq!(
            trial.notes,
            [
                "the collector's host is not known here: what OTEL_RESOURCE_ATTRIBUTES holds there (env); host.name, os.type, \
                 host.arch (system); what gcp says of it; resources pass as they are"
            ]
        );
    }
}
