//! `k8sattributes`: resources get what the Kubernetes API says of the pod that they come from.
//!
//! Source: `processor/k8sattributesprocessor`.

use linkmesh_ottl::record::Telemetry;

use super::{Stage, Trial};
use crate::render::{
    alloy::{Expr, Statement, attribute, block},
    text::Text,
    yaml::Yaml,
};

/// Asks the API of the cluster that the collector runs in, with the collector's own service account.
///
/// The pod is found by the resource's `k8s.pod.uid` or `k8s.pod.ip`, or by the address that sent the records. These are
/// written, though they are the default, so that both runtimes keep them.
#[derive(Debug, Clone)]
pub struct K8sAttributes {
    /// What is set, by its name.
    pub metadata: Vec<String>,
    /// Labels that are set.
    pub labels: Vec<Extract>,
    /// Annotations that are set.
    pub annotations: Vec<Extract>,
    /// The environment variable that holds the node: only its pods are looked up.
    pub node_variable: Option<String>,
    /// Labels and their values: only pods that have all of them are looked up.
    pub chosen: Vec<(String, String)>,
    /// Whether nothing passes at the start until the pods are known.
    pub waits: bool,
}

/// A label or an annotation that becomes an attribute.
#[derive(Debug, Clone)]
pub struct Extract {
    /// The attribute.
    pub attribute: String,
    /// The key of the label or annotation.
    pub key: String,
    /// Whose it is: `pod`, `namespace`, `node`.
    pub from: String,
}

/// Where a pod is looked for, in order: a source and, of a resource, its attribute.
const ASSOCIATIONS: [(&str, Option<&str>); 3] =
    [("resource_attribute", Some("k8s.pod.uid")), ("resource_attribute", Some("k8s.pod.ip")), ("connection", None)];

impl Extract {
    fn fields(&self) -> [(&'static str, &str); 3] {
        [("tag_name", &self.attribute), ("key", &self.key), ("from", &self.from)]
    }

    fn yaml(&self) -> Yaml {
        Yaml::Map(self.fields().map(|(field, text)| (field.to_owned(), Yaml::text(text))).to_vec())
    }

    fn alloy(&self, name: &str) -> Statement {
        block(name, self.fields().map(|(field, text)| attribute(field, Expr::text(text))).to_vec())
    }
}

impl Stage for K8sAttributes {
    fn otelcol(&self) -> (&'static str, Yaml) {
        let mut extract = vec![("metadata".to_owned(), Yaml::texts(&self.metadata))];
        for (name, extracts) in [("labels", &self.labels), ("annotations", &self.annotations)] {
            if !extracts.is_empty() {
                extract.push((name.to_owned(), Yaml::Seq(extracts.iter().map(Extract::yaml).collect())));
            }
        }
        let associations = ASSOCIATIONS.map(|(from, name)| {
            let mut source = vec![("from".to_owned(), Yaml::word(from))];
            source.extend(name.map(|name| ("name".to_owned(), Yaml::word(name))));
            Yaml::map([("sources", Yaml::Seq(vec![Yaml::Map(source)]))])
        });
        let mut config = vec![
            ("auth_type".to_owned(), Yaml::word("serviceAccount")),
            ("passthrough".to_owned(), Yaml::Bool(false)),
            ("extract".to_owned(), Yaml::Map(extract)),
        ];
        if self.waits {
            config.push(("wait_for_metadata".to_owned(), Yaml::Bool(true)));
        }
        let mut filter = Vec::new();
        filter.extend(self.node_variable.as_deref().map(|name| ("node".to_owned(), Yaml::text(environment(name)))));
        if !self.chosen.is_empty() {
            let labels = self.chosen.iter().map(|(key, value)| {
                let (key, value) = (Yaml::text(key.as_str()), Yaml::text(value.as_str()));
                Yaml::map([("key", key), ("value", value), ("op", Yaml::word("equals"))])
            });
            filter.push(("labels".to_owned(), Yaml::Seq(labels.collect())));
        }
        if !filter.is_empty() {
            config.push(("filter".to_owned(), Yaml::Map(filter)));
        }
        config.push(("pod_association".to_owned(), Yaml::Seq(associations.to_vec())));
        ("k8sattributes", Yaml::Map(config))
    }

    fn alloy(&self) -> (&'static str, Vec<Statement>) {
        let mut extract = vec![attribute("metadata", Expr::texts(&self.metadata))];
        extract.extend(self.labels.iter().map(|label| label.alloy("label")));
        extract.extend(self.annotations.iter().map(|annotation| annotation.alloy("annotation")));
        let mut body =
            vec![attribute("auth_type", Expr::text("serviceAccount")), attribute("passthrough", Expr::token(false))];
        if self.waits {
            body.push(attribute("wait_for_metadata", Expr::token(true)));
        }
        body.push(block("extract", extract));
        let mut filter = Vec::new();
        filter.extend(self.node_variable.as_deref().map(|name| attribute("node", Expr::text(environment(name)))));
        filter.extend(self.chosen.iter().map(|(key, value)| {
            let fields = [("key", key.as_str()), ("value", value.as_str()), ("op", "equals")];
            block("label", fields.map(|(name, text)| attribute(name, Expr::text(text))).to_vec())
        }));
        if !filter.is_empty() {
            body.push(block("filter", filter));
        }
        body.extend(ASSOCIATIONS.map(|(from, name)| {
            let mut source = vec![attribute("from", Expr::text(from))];
            source.extend(name.map(|name| attribute("name", Expr::text(name))));
            block("pod_association", vec![block("source", source)])
        }));
        ("otelcol.processor.k8sattributes", body)
    }

    fn run(&self, _: &mut Telemetry, trial: &mut Trial) {
        trial.note("what Kubernetes knows of a pod is not known here: resources pass as they are");
    }
}

fn environment(name: &str) -> Text {
    Text::Env { prefix: String::new(), name: name.to_owned() }
}
