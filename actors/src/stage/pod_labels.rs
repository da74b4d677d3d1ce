//! `k8sattributes`, with labels of pods and nothing else: records of pods that have them get them as attributes of their
//! resource.

use std::collections::BTreeMap;

use linkmesh_ottl::record::Telemetry;

use super::{Stage, Trial};
use crate::render::{
    alloy::{Expr, Statement, attribute, block},
    yaml::Yaml,
};

/// Looks pods up by `k8s.pod.uid` in the resource. Only pods with all the labels are known, which keeps small what the API
/// server has to tell; it waits at the start until they are. The list of metadata is written, since an empty one is a long
/// one by default.
#[derive(Debug, Clone)]
pub struct PodLabels {
    labels: BTreeMap<String, String>,
}

/// What a record is a pod's by.
const UID: &str = "k8s.pod.uid";

impl PodLabels {
    /// Of pods with these labels.
    #[must_use]
    pub const fn new(labels: BTreeMap<String, String>) -> Self {
        Self { labels }
    }

    /// The attribute of the resource that a label becomes.
    #[must_use]
    pub fn attribute(key: &str) -> String {
        format!("k8s.pod.label.{key}")
    }
}

impl Stage for PodLabels {
    fn otelcol(&self) -> (&'static str, Yaml) {
        let text = |text: &str| Yaml::text(text);
        let extracted = self.labels.keys().map(|key| {
            Yaml::map([("tag_name", text(&Self::attribute(key))), ("key", text(key)), ("from", Yaml::word("pod"))])
        });
        let wanted = self
            .labels
            .iter()
            .map(|(key, value)| Yaml::map([("key", text(key)), ("value", text(value)), ("op", Yaml::word("equals"))]));
        let source = Yaml::map([("from", Yaml::word("resource_attribute")), ("name", Yaml::word(UID))]);
        let config = Yaml::map([
            ("auth_type", Yaml::word("serviceAccount")),
            ("wait_for_metadata", Yaml::Bool(true)),
            (
                "extract",
                Yaml::map([("metadata", Yaml::Seq(vec![Yaml::word(UID)])), ("labels", Yaml::Seq(extracted.collect()))]),
            ),
            ("filter", Yaml::map([("labels", Yaml::Seq(wanted.collect()))])),
            ("pod_association", Yaml::Seq(vec![Yaml::map([("sources", Yaml::Seq(vec![source]))])])),
        ]);
        ("k8sattributes", config)
    }

    fn alloy(&self) -> (&'static str, Vec<Statement>) {
        let text = |name: &str, value: &str| attribute(name, Expr::text(value));
        let mut extract = vec![attribute("metadata", Expr::Array(vec![Expr::text(UID)]))];
        extract.extend(self.labels.keys().map(|key| {
            block("label", vec![text("tag_name", &Self::attribute(key)), text("key", key), text("from", "pod")])
        }));
        let wanted = self
            .labels
            .iter()
            .map(|(key, value)| block("label", vec![text("key", key), text("value", value), text("op", "equals")]));
        let source = block("source", vec![text("from", "resource_attribute"), text("name", UID)]);
        let body = vec![
            text("auth_type", "serviceAccount"),
            attribute("wait_for_metadata", Expr::token(true)),
            block("extract", extract),
            block("filter", wanted.collect()),
            block("pod_association", vec![source]),
        ];
        ("otelcol.processor.k8sattributes", body)
    }

    fn run(&self, _: &mut Telemetry, trial: &mut Trial) {
        trial.note("labels of pods are known to the cluster only: a record has those that the sample gives it");
    }
}
