//! `docker`: what containers of Docker write, by its API.
//!
//! **The record.** One for each line that a container wrote; empty lines are none.
//! * *Body*: the line. *Attributes*: `log.iostream` (`stdout`, `stderr`).
//! * *Resource*: `container.id` and `container.name`.
//! * *Time*: when Docker took the line. *Severity*: unset.
//!
//! **Why not on otelcol.** It has no receiver that follows Docker's API. The files of Docker's `json-file` driver can be
//! read by `file_log`, which is another thing: other drivers write none, and a file does not tell its container's name, so
//! that it could not be chosen by that.

use linkmesh_proto::api::{collector::Runtime, pipeline::Signal};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, bridge, form, read,
};
use crate::render::alloy::{Block, Expr, Statement, attribute, block};

pub(super) const COMPONENT: &dyn Component = &Docker;

struct Docker;

#[derive(Deserialize)]
struct Settings {
    host: String,
    containers: Vec<String>,
    exclude_containers: Vec<String>,
}

/// The names of containers as Prometheus matches them: from the beginning to the end, and Docker puts a `/` in front.
fn names(patterns: &[String]) -> String {
    let one = |pattern: &String| regex_syntax::escape(pattern).replace(r"\*", ".*");
    format!("/({})", patterns.iter().map(one).collect::<Vec<_>>().join("|"))
}

fn rule(source: &str, fields: &[(&str, &str)]) -> Statement {
    let mut body = vec![attribute("source_labels", Expr::Array(vec![Expr::text(source)]))];
    body.extend(fields.iter().map(|(name, value)| attribute(name, Expr::text(*value))));
    block("rule", body)
}

const NAME: &str = "__meta_docker_container_name";

impl Component for Docker {
    fn title(&self) -> &'static str {
        "Docker containers"
    }

    fn description(&self) -> &'static str {
        "Follows the logs of containers by Docker's API, on Alloy. On otelcol, read the files of Docker's json-file driver \
         as log files in the format container."
    }

    fn least(&self) -> Least {
        Least::alloy_since(0)
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs]
    }

    fn runtimes(&self) -> &'static [Runtime] {
        &[Runtime::Alloy]
    }

    fn schema(&self) -> Value {
        let names = |title: &str| form::list(title, form::text("").most(255).check("name_pattern")).default(json!([]));
        form::form([
            (
                "containers",
                names("Containers")
                    .example(json!(["shop-*"]))
                    .help("By their names; all when it is empty. * stands for any part."),
            ),
            ("exclude_containers", names("Except containers").example(json!(["linkmesh-*"]))),
            (
                "host",
                form::text("Docker's address")
                    .most(260)
                    .default("unix:///var/run/docker.sock")
                    .check("docker_host")
                    .help("The collector must be allowed to read it, which is as much as to be root on the host."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("All containers", json!({})),
            ("Those of one project", json!({ "containers": ["shop-*", "db.1"], "exclude_containers": ["*-test"] })),
        ]
    }

    fn alloy_not_on(&self) -> &'static [&'static str] {
        &["windows"]
    }

    fn otelcol(&self, _: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        Err(Unsupported::new(
            "",
            "otelcol cannot follow Docker's API: read /var/lib/docker/containers/*/*-json.log as log files in the format \
             container instead",
        ))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let statements = [
            r#"set(resource.attributes["container.id"], attributes["container_id"])"#,
            r#"set(resource.attributes["container.name"], attributes["container_name"])"#,
            r#"set(attributes["log.iostream"], attributes["stream"])"#,
            r#"keep_keys(attributes, ["log.iostream"])"#,
        ];
        let behind = bridge::of_loki(&bridge::on_logs(statements.map(str::to_owned).to_vec()), site);
        let host = attribute("host", Expr::text(settings.host));
        let containers = Block::labelled("discovery.docker", site.label, vec![host.clone()]);
        let mut chosen = vec![attribute("targets", Expr::token(containers.reference("targets")))];
        for (patterns, action) in [(&settings.containers, "keep"), (&settings.exclude_containers, "drop")] {
            if !patterns.is_empty() {
                chosen.push(rule(NAME, &[("regex", &names(patterns)), ("action", action)]));
            }
        }
        let chosen = Block::labelled("discovery.relabel", site.label, chosen);
        let labels = Block::labelled(
            "loki.relabel",
            site.label,
            vec![
                attribute("forward_to", Expr::Array(Vec::new())),
                rule("__meta_docker_container_id", &[("target_label", "container_id")]),
                rule(NAME, &[("regex", "/(.*)"), ("target_label", "container_name"), ("replacement", "$1")]),
                rule("__meta_docker_container_log_stream", &[("target_label", "stream")]),
            ],
        );
        let forward = behind.first().map(|block| Expr::token(block.reference("receiver")));
        let source = Block::labelled(
            "loki.source.docker",
            site.label,
            vec![
                host,
                attribute("targets", Expr::token(chosen.reference("output"))),
                attribute("relabel_rules", Expr::token(labels.reference("rules"))),
                attribute("forward_to", Expr::Array(forward.into_iter().collect())),
            ],
        );
        let mut blocks = vec![containers, chosen, labels, source];
        blocks.extend(behind);
        Ok(AlloyPart::source(blocks))
    }
}
