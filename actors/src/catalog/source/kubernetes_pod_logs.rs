//! `kubernetes_pod_logs`: what containers of pods write, from the files of the node that the collector runs on.
//!
//! **The record.** One for each line that a container wrote; lines that the runtime cut are joined.
//! * *Body*: the line, without the newline at its end.
//! * *Attributes*: `log.iostream` (`stdout`, `stderr`), `log.file.name`, `log.file.path`, and of containerd and CRI-O
//!   `logtag`.
//! * *Resource*: `k8s.namespace.name`, `k8s.pod.name`, `k8s.pod.uid`, `k8s.container.name`,
//!   `k8s.container.restart_count`; for each label that pods are chosen by, `k8s.pod.label.<key>`.
//! * *Time*: when the runtime took the line, of its first part. *Severity*: unset.
//!
//! **Why so.** Alloy could also follow logs through the API server, which is a load on that and puts other times on joined
//! lines; so both runtimes read `/var/log/pods` by the filelog receiver and its container operator. Namespaces, pods and
//! containers stand in the paths. Labels do not: they are asked of the API server for the pods that have them, and records
//! of others are dropped; both runtimes have the two processors for that, and wait at the start until they know the pods.

use std::collections::BTreeMap;

use linkmesh_proto::api::{collector::Stability, pipeline::Signal};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, bridge, form,
    ottl_text::{at_key, quoted},
    read,
};
use crate::render::{
    alloy::{Block, Expr, attribute},
    names,
    yaml::Yaml,
};
use crate::stage::{
    Stage,
    filter::{Asked, Filter},
    k8s_attributes::{Extract, K8sAttributes},
    transform::{Context, Group, Transform},
};

pub(super) const COMPONENT: &dyn Component = &PodLogs;

struct PodLogs;

#[derive(Deserialize)]
struct Settings {
    namespaces: Vec<String>,
    labels: BTreeMap<String, String>,
    exclude_namespaces: Vec<String>,
    exclude_pods: Vec<String>,
    exclude_containers: Vec<String>,
    start_at: String,
}

impl Settings {
    /// Folders are `<namespace>_<pod>_<uid>`, and none of the three has an underscore in it.
    fn include(&self) -> Vec<String> {
        if self.namespaces.is_empty() {
            return vec!["/var/log/pods/*/*/*.log".to_owned()];
        }
        self.namespaces.iter().map(|namespace| format!("/var/log/pods/{namespace}_*_*/*/*.log")).collect()
    }

    fn exclude(&self) -> Vec<String> {
        let namespaces = self.exclude_namespaces.iter().map(|name| format!("/var/log/pods/{name}_*_*/*/*.log"));
        let pods = self.exclude_pods.iter().map(|name| format!("/var/log/pods/*_{name}_*/*/*.log"));
        let containers = self.exclude_containers.iter().map(|name| format!("/var/log/pods/*/{name}/*.log"));
        namespaces.chain(pods).chain(containers).collect()
    }

    fn stages(&self) -> Vec<Box<dyn Stage>> {
        let mut stages: Vec<Box<dyn Stage>> = Vec::new();
        if !self.labels.is_empty() {
            let attribute = |key: &str| format!("k8s.pod.label.{key}");
            let extract =
                |key: &String| Extract { attribute: attribute(key), key: key.clone(), from: "pod".to_owned() };
            // Few pods to know of, and none of their lines passes before they are known. What the path says already is all
            // the metadata that is asked for: none would be the processor's own long list.
            stages.push(Box::new(K8sAttributes {
                metadata: vec!["k8s.pod.uid".to_owned()],
                labels: self.labels.keys().map(extract).collect(),
                annotations: Vec::new(),
                node_variable: None,
                chosen: self.labels.clone().into_iter().collect(),
                waits: true,
            }));
            let other = self
                .labels
                .iter()
                .map(|(key, value)| format!("{} != {}", at_key("resource.attributes", &attribute(key)), quoted(value)));
            stages.push(Box::new(Filter::new([(Asked::LogRecord, other.collect())])));
        }
        // Docker keeps the newline, the others do not.
        let statements = vec![r#"replace_pattern(body, "\\n$", "")"#.to_owned()];
        stages.push(Box::new(Transform::new(vec![Group { signal: Signal::Logs, context: Context::Log, statements }])));
        stages
    }
}

impl Component for PodLogs {
    fn title(&self) -> &'static str {
        "Kubernetes pod logs"
    }

    fn description(&self) -> &'static str {
        "Reads the logs of the pods on the collector's own node: run it on every node, with /var/log/pods of the node \
         mounted. Choosing by labels needs the right to list and watch pods."
    }

    fn least(&self) -> Least {
        // The position on disk: otelcol 0.110, Alloy 1.9.
        Least::since(110, 9)
    }

    fn least_with(&self, settings: &SettingsMap) -> Least {
        // `wait_for_metadata` of the processor that labels need (0.114).
        let has_labels = settings.get("labels").and_then(Value::as_object).is_some_and(|labels| !labels.is_empty());
        if has_labels { Least::since(114, 9) } else { self.least() }
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs]
    }

    fn alloy_stability(&self) -> Stability {
        Stability::PublicPreview
    }

    fn schema(&self) -> Value {
        let names =
            |title: &str| form::list(title, form::text("").most(253).check("kubernetes_pattern")).default(json!([]));
        form::form([
            (
                "namespaces",
                names("Namespaces")
                    .example(json!(["shop", "team-*"]))
                    .help("All when it is empty. * stands for any part of a name."),
            ),
            (
                "labels",
                form::map(
                    "Labels of pods",
                    form::text("").most(317).check("label_key"),
                    form::text("").most(63).check("label_value"),
                )
                .default(json!({}))
                .example(json!({ "app.kubernetes.io/part-of": "shop" }))
                .help("Only pods that have all of these; all pods when it is empty."),
            ),
            ("exclude_namespaces", names("Except namespaces").example(json!(["kube-system"]))),
            ("exclude_pods", names("Except pods").help("Leave out the collector's own, lest it reads what it writes.")),
            ("exclude_containers", names("Except containers").example(json!(["istio-proxy"]))),
            (
                "start_at",
                form::choice("Begin at", &["end", "beginning"])
                    .default("end")
                    .help("Where to begin in files that are there when the collector first sees them."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("All but the system's", json!({ "exclude_namespaces": ["kube-system"], "exclude_pods": ["linkmesh-*"] })),
            (
                "Some namespaces, without sidecars",
                json!({ "namespaces": ["shop", "team-*"], "exclude_containers": ["istio-proxy"], "start_at": "beginning" }),
            ),
            ("Pods with a label", json!({ "labels": { "app.kubernetes.io/part-of": "shop", "tier": "web" } })),
        ]
    }

    fn alloy_not_on(&self) -> &'static [&'static str] {
        &["windows", "darwin"]
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut config = vec![("include".to_owned(), Yaml::texts(&settings.include()))];
        let exclude = settings.exclude();
        if !exclude.is_empty() {
            config.push(("exclude".to_owned(), Yaml::texts(&exclude)));
        }
        config.push(("start_at".to_owned(), Yaml::text(settings.start_at.as_str())));
        config.push(("include_file_path".to_owned(), Yaml::Bool(true)));
        let operator = Yaml::map([("type", Yaml::word("container")), ("on_error", Yaml::word("send_quiet"))]);
        config.push(("operators".to_owned(), Yaml::Seq(vec![operator])));
        config.push(("storage".to_owned(), Yaml::word(names::STORAGE)));
        let mut part = OtelcolPart::new("filelog", Yaml::Map(config)).then(&settings.stages());
        part.storage = true;
        Ok(part)
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let storage = Block::labelled("otelcol.storage.file", site.label, Vec::new());
        let mut body = vec![attribute("include", Expr::texts(&settings.include()))];
        let exclude = settings.exclude();
        if !exclude.is_empty() {
            body.push(attribute("exclude", Expr::texts(&exclude)));
        }
        let operator = Expr::Object(vec![
            ("type".to_owned(), Expr::text("container")),
            ("on_error".to_owned(), Expr::text("send_quiet")),
        ]);
        body.extend([
            attribute("start_at", Expr::text(settings.start_at.as_str())),
            attribute("include_file_path", Expr::token(true)),
            attribute("operators", Expr::Array(vec![operator])),
            attribute("storage", Expr::token(storage.reference("handler"))),
        ]);
        let mut part = bridge::source("otelcol.receiver.filelog", site, &settings.stages(), body);
        part.blocks.insert(0, storage);
        Ok(part)
    }
}
