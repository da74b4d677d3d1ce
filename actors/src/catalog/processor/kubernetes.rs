//! `kubernetes`: what records come from is told by what Kubernetes knows of its pod.
//!
//! The pod is found by the resource's `k8s.pod.uid`, else by its `k8s.pod.ip`, else by the address from which the records
//! came to the collector. Then the resource gets the attributes named in `metadata` (which are there: a pod that no
//! deployment made has no deployment name; those of a container need `k8s.container.name` or `container.id` in the
//! resource), and one for each entry of `labels` and `annotations` whose key the pod, namespace or node has. An attribute
//! that is there already and not empty stays. A resource whose pod is not found stays as it is, but that one which names a
//! namespace or node (`k8s.namespace.name`, `k8s.node.name`) gets the labels and annotations of that. No record is dropped
//! or changed.
//!
//! The collector asks the API with its own service account, which has to be allowed to get, list and watch pods,
//! namespaces, nodes and replica sets. Outside a cluster it does not start.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        form::{Field, attribute_key, choice, choices, form, group, list, text},
        read,
    },
    stage::{
        Stage,
        k8s_attributes::{Extract, K8sAttributes},
    },
};

pub(super) const COMPONENT: &dyn Component = &Kubernetes;

struct Kubernetes;

#[derive(Deserialize)]
struct Settings {
    metadata: Vec<String>,
    labels: Vec<Entry>,
    annotations: Vec<Entry>,
    node_variable: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    key: String,
    from: String,
    attribute: Option<String>,
}

/// What every version of both runtimes knows.
const METADATA: &[&str] = &[
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.pod.start_time",
    "k8s.deployment.name",
    "k8s.replicaset.name",
    "k8s.replicaset.uid",
    "k8s.statefulset.name",
    "k8s.statefulset.uid",
    "k8s.daemonset.name",
    "k8s.daemonset.uid",
    "k8s.job.name",
    "k8s.job.uid",
    "k8s.cronjob.name",
    "k8s.node.name",
    "k8s.node.uid",
    "k8s.cluster.uid",
    "k8s.container.name",
    "container.id",
    "container.image.name",
    "container.image.tag",
];

impl Entry {
    fn extract(self, what: &str) -> Extract {
        let Self { key, from, attribute } = self;
        Extract { attribute: attribute.unwrap_or_else(|| format!("k8s.{from}.{what}.{key}")), key, from }
    }
}

fn entries(title: &str, example: &str) -> Field {
    let entry = group(
        "",
        [
            ("key", text("Key").most(317).required().example(example)),
            ("from", choice("Of the", &["pod", "namespace", "node"]).default("pod")),
            (
                "attribute",
                attribute_key("As attribute").help("k8s.<whose>.labels.<key>, or .annotations., when not given."),
            ),
        ],
    );
    list(title, entry).default(json!([])).at_most(100)
}

impl Component for Kubernetes {
    fn title(&self) -> &'static str {
        "Kubernetes metadata"
    }

    fn description(&self) -> &'static str {
        "Adds what Kubernetes knows of the pod to what records come from: its names, labels and annotations. The \
         collector has to run in the cluster, with a service account that may read pods, namespaces and nodes."
    }

    fn least(&self) -> Least {
        // otelcol: `k8s.node.uid` (0.97) is the newest, see below.
        Least::BASE
    }

    fn least_with(&self, settings: &SettingsMap) -> Least {
        let wanted = settings.get("metadata").and_then(Value::as_array);
        let since = wanted.into_iter().flatten().map(|name| match name.as_str() {
            Some("k8s.node.uid") => (97, 1),
            Some("k8s.cluster.uid") => (83, 0),
            _ => (74, 0),
        });
        since.max().map_or(self.least(), |(otelcol, alloy)| Least::since(otelcol, alloy))
    }

    fn schema(&self) -> Value {
        let usual = json!([
            "k8s.namespace.name",
            "k8s.pod.name",
            "k8s.pod.uid",
            "k8s.deployment.name",
            "k8s.node.name",
            "k8s.container.name"
        ]);
        form([
            (
                "metadata",
                choices("Add", METADATA).default(usual).help("Names and ids of the pod and of what it belongs to."),
            ),
            ("labels", entries("Labels", "app.kubernetes.io/name")),
            ("annotations", entries("Annotations", "example.com/owner")),
            (
                "node_variable",
                text("Node from variable").most(128).example("K8S_NODE_NAME").help(
                    "For a collector on every node: the environment variable with the node's name (fieldRef \
                     spec.nodeName). Only pods of that node are looked up, which saves memory.",
                ),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("The usual", json!({})),
            (
                "Labels, on every node",
                json!({
                    "metadata": ["k8s.namespace.name", "k8s.pod.name"],
                    "labels": [
                        { "key": "app.kubernetes.io/name", "attribute": "service.name" },
                        { "key": "team", "from": "namespace" },
                    ],
                    "annotations": [{ "key": "example.com/owner" }],
                    "node_variable": "K8S_NODE_NAME",
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        let at = findings.path().clone();
        if settings.metadata.is_empty() && settings.labels.is_empty() && settings.annotations.is_empty() {
            findings.errors.add(at.key("metadata"), "missing", "choose what to add");
        }
        if let Some(name) = &settings.node_variable {
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !plain || name.starts_with(|first: char| first.is_ascii_digit()) {
                findings.errors.add(at.key("node_variable"), "invalid_value", "is not the name of a variable");
            }
        }
        let extracts = |entries: Vec<Entry>, what| entries.into_iter().map(move |entry| entry.extract(what).attribute);
        let labels = extracts(settings.labels, "labels").enumerate().map(|(index, name)| ("labels", index, name));
        let annotations = extracts(settings.annotations, "annotations").enumerate();
        let annotations = annotations.map(|(index, name)| ("annotations", index, name));
        let mut seen: Vec<String> = Vec::new();
        for (field, index, name) in labels.chain(annotations) {
            if seen.contains(&name) {
                findings.errors.add(at.key(field).index(index), "duplicate", format!("`{name}` is set already"));
            }
            seen.push(name);
        }
    }

    fn stages(&self, settings: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let Settings { metadata, labels, annotations, node_variable } = read(settings)?;
        let labels = labels.into_iter().map(|entry| entry.extract("labels")).collect();
        let annotations = annotations.into_iter().map(|entry| entry.extract("annotations")).collect();
        Ok(vec![Box::new(K8sAttributes {
            metadata,
            labels,
            annotations,
            node_variable,
            chosen: Vec::new(),
            waits: false,
        })])
    }
}
