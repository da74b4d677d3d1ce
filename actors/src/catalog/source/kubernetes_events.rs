//! `kubernetes_events`: what the cluster tells of its objects.
//!
//! **The record.** One for each event, and again when it is counted on.
//! * *Body*: the message.
//! * *Attributes*: `k8s.event.reason`, `k8s.event.action`, `k8s.event.count`; what an event has not is absent.
//! * *Resource*: `k8s.namespace.name`, `k8s.object.kind`, `k8s.object.name`, `k8s.object.api_version`,
//!   `k8s.object.resource_version`, and `k8s.node.name` where the event comes from a node.
//! * *Severity*: `Normal` is 9, `Warning` is 13; the text is that word. *Time*: when it last happened.
//!
//! otelcol also gives `k8s.event.name`, `k8s.event.uid`, `k8s.event.start_time`, `k8s.object.uid` and
//! `k8s.object.fieldpath`, which Alloy's source does not pass on: left as they are rather than taken from one for the sake
//! of the other.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, bridge, form, read,
};
use crate::render::{
    alloy::{Block, Expr, attribute},
    yaml::Yaml,
};

pub(super) const COMPONENT: &dyn Component = &Events;

struct Events;

#[derive(Deserialize)]
struct Settings {
    namespaces: Vec<String>,
}

/// Attributes of the resource, and the members of the event as Alloy writes it.
const OBJECT: [(&str, &str); 5] = [
    ("k8s.object.kind", "kind"),
    ("k8s.object.name", "name"),
    ("k8s.object.api_version", "objectAPIversion"),
    ("k8s.object.resource_version", "objectRV"),
    ("k8s.node.name", "sourcehost"),
];

/// From the attributes and the JSON of Alloy's source.
fn of_alloy() -> Vec<String> {
    let mut statements = vec![
        r#"merge_maps(cache, ParseJSON(body), "upsert")"#.to_owned(),
        r#"set(resource.attributes["k8s.namespace.name"], attributes["namespace"]) where attributes["namespace"] != """#
            .to_owned(),
    ];
    statements.extend(OBJECT.iter().map(|(attribute, member)| {
        format!(r#"set(resource.attributes["{attribute}"], cache["{member}"]) where cache["{member}"] != nil"#)
    }));
    statements.extend(
        [
            r#"keep_keys(attributes, [])"#,
            r#"set(attributes["k8s.event.reason"], cache["reason"]) where cache["reason"] != nil"#,
            r#"set(attributes["k8s.event.action"], cache["action"]) where cache["action"] != nil"#,
            r#"set(attributes["k8s.event.count"], Int(cache["count"])) where cache["count"] != nil"#,
            r#"set(severity_text, cache["type"]) where cache["type"] == "Normal" or cache["type"] == "Warning""#,
            r#"set(severity_number, SEVERITY_NUMBER_INFO) where cache["type"] == "Normal""#,
            r#"set(severity_number, SEVERITY_NUMBER_WARN) where cache["type"] == "Warning""#,
            r#"set(body, cache["msg"]) where cache["msg"] != nil"#,
        ]
        .map(str::to_owned),
    );
    statements
}

/// From the record of otelcol's receiver: the namespace is in the resource in newer versions only, and what an event has
/// not is an empty text.
fn of_otelcol() -> Vec<String> {
    let namespace = r#"attributes["k8s.namespace.name"]"#;
    let mut statements = vec![
        format!(r#"set(resource.{namespace}, {namespace}) where {namespace} != nil"#),
        r#"delete_key(attributes, "k8s.namespace.name")"#.to_owned(),
    ];
    let object = OBJECT.iter().map(|(attribute, _)| ("resource.attributes", *attribute));
    let object =
        object.chain([("resource.attributes", "k8s.namespace.name"), ("resource.attributes", "k8s.object.fieldpath")]);
    let event = ["k8s.event.reason", "k8s.event.action"].map(|attribute| ("attributes", attribute));
    statements.extend(
        object.chain(event).map(|(map, key)| format!(r#"delete_key({map}, "{key}") where {map}["{key}"] == """#)),
    );
    statements
}

impl Component for Events {
    fn title(&self) -> &'static str {
        "Kubernetes events"
    }

    fn description(&self) -> &'static str {
        "Watches the events of a cluster: pods that are scheduled, killed, restarted. Run it on one collector of the \
         cluster, with the right to list and watch events: a second one has them all again."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs]
    }

    fn schema(&self) -> Value {
        form::form([(
            "namespaces",
            form::list("Namespaces", form::text("").most(63).check("kubernetes_name"))
                .default(json!([]))
                .with("uniqueItems", true)
                .example(json!(["shop"]))
                .help("All when it is empty."),
        )])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![("The whole cluster", json!({})), ("Two namespaces", json!({ "namespaces": ["shop", "shop-test"] }))]
    }

    fn differs(&self) -> Option<&'static str> {
        Some("Alloy has neither the name and id of an event, nor its beginning, nor the id of its object")
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut config = vec![("auth_type".to_owned(), Yaml::word("serviceAccount"))];
        if !settings.namespaces.is_empty() {
            config.push(("namespaces".to_owned(), Yaml::texts(&settings.namespaces)));
        }
        Ok(OtelcolPart::new("k8s_events", Yaml::Map(config)).then(&bridge::on_logs(of_otelcol())))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let behind = bridge::of_loki(&bridge::on_logs(of_alloy()), site);
        let forward = behind.first().map(|block| Expr::token(block.reference("receiver")));
        let mut body = vec![
            attribute("forward_to", Expr::Array(forward.into_iter().collect())),
            attribute("log_format", Expr::text("json")),
        ];
        if !settings.namespaces.is_empty() {
            body.push(attribute("namespaces", Expr::texts(&settings.namespaces)));
        }
        let mut blocks = vec![Block::labelled("loki.source.kubernetes_events", site.label, body)];
        blocks.extend(behind);
        Ok(AlloyPart::source(blocks))
    }
}
