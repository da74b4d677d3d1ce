//! `prometheus`: metrics that programs show for Prometheus, fetched from fixed targets.
//!
//! **The record.** One point for each sample of a scrape, with its labels as attributes, and beside them `up` and
//! `scrape_*` of each target.
//! * *Resource*: `service.name` is the job, `service.instance.id` the label `instance` (the target's address unless it is
//!   given), and `server.address`, `server.port`, `url.scheme`.
//! * *Metric*: otelcol makes sums, gauges, histograms and summaries of them, with unit and description. Alloy makes a gauge
//!   of every sample, a histogram is its `_bucket`, `_sum` and `_count`: it knows types only at the level `experimental`.
//! * *Time*: when it was fetched, or the time that the target gives.
//!
//! Rules are those of Prometheus on what was fetched: a pattern must match the whole name, and `up` and `scrape_*` pass.
//! In Alloy they stand behind the scrape, where those two kinds would be met too: marked by a label while the rules run,
//! they are left alone.

use std::collections::BTreeMap;

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, bridge,
    exporter::{auth::BasicAuth, checks, fields, tls::Tls},
    form,
    ottl_text::quoted,
    read, scalar,
};
use crate::render::{
    alloy::{Block, Expr, attribute, block, object_key},
    text::Text,
    yaml::Yaml,
};
use crate::stage::{Stage, transform::Transform};

#[path = "prometheus/rules.rs"]
mod rules;

pub(super) const COMPONENT: &dyn Component = &Prometheus;

struct Prometheus;

#[derive(Deserialize)]
struct Settings {
    job_name: String,
    targets: Vec<Target>,
    scrape_interval: String,
    scrape_timeout: Option<String>,
    metrics_path: String,
    scheme: String,
    basic_auth: Option<BasicAuth>,
    bearer_token: Option<Text>,
    tls: Option<Tls>,
    rules: Vec<rules::Rule>,
}

#[derive(Deserialize)]
struct Target {
    address: String,
    labels: BTreeMap<String, String>,
}

impl Settings {
    /// The timeout of its own, else 10 s, or the interval when that is shorter.
    fn timeout(&self) -> String {
        let is_short = || scalar::duration_ns(&self.scrape_interval).is_ok_and(|ns| ns < 10_000_000_000);
        let default = || if is_short() { self.scrape_interval.clone() } else { "10s".to_owned() };
        self.scrape_timeout.clone().unwrap_or_else(default)
    }

    /// What the bridge of Alloy adds to the resource of otelcol's.
    fn stages() -> Vec<Box<dyn Stage>> {
        let statements = ["net.host.name", "net.host.port", "http.scheme"]
            .map(|key| format!("delete_key(attributes, {})", quoted(key)));
        vec![Box::new(Transform::resources(&[Signal::Metrics], &statements))]
    }
}

impl Component for Prometheus {
    fn title(&self) -> &'static str {
        "Prometheus scrape"
    }

    fn description(&self) -> &'static str {
        "Fetches metrics from fixed targets that show them for Prometheus. On Alloy every sample is a gauge; otelcol keeps \
         sums, histograms and summaries."
    }

    fn least(&self) -> Least {
        // otelcol: `metric_name_validation_scheme` (0.120).
        Least::since(120, 0)
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Metrics]
    }

    fn schema(&self) -> Value {
        let label = |title: &str| form::text(title).most(128).check("free_label");
        form::form([
            (
                "job_name",
                form::text("Job")
                    .most(128)
                    .required()
                    .check("attribute_key")
                    .example("node")
                    .help("Becomes service.name."),
            ),
            (
                "targets",
                form::list(
                    "Targets",
                    form::group(
                        "",
                        [
                            (
                                "address",
                                form::text("Address").most(260).required().check("host_port").example("db1:9104"),
                            ),
                            (
                                "labels",
                                form::map("Labels", label(""), form::text("").most(1024))
                                    .default(json!({}))
                                    .help("Added to all that the target shows."),
                            ),
                        ],
                    ),
                )
                .required()
                .at_least(1),
            ),
            ("scrape_interval", form::duration("Every").default("60s")),
            (
                "scrape_timeout",
                form::duration("Timeout")
                    .example("10s")
                    .help("At most the interval. Left out it is 10s, or the interval when that is shorter."),
            ),
            ("metrics_path", form::text("Path").default("/metrics").check("url_path")),
            ("scheme", form::choice("Scheme", &["http", "https"]).default("http")),
            ("basic_auth", fields::basic_auth()),
            ("bearer_token", fields::bearer_token()),
            ("tls", fields::tls()),
            (
                "rules",
                form::list(
                    "Rules",
                    form::group(
                        "",
                        [
                            (
                                "action",
                                form::choice("Action", &["keep", "drop", "drop_label", "rename_label"]).required(),
                            ),
                            (
                                "pattern",
                                form::regex("Names of metrics")
                                    .example("go_.*")
                                    .help("For keep and drop: the whole name."),
                            ),
                            ("label", label("Label").help("For drop_label and rename_label.")),
                            ("to", label("New name").help("For rename_label.")),
                        ],
                    ),
                )
                .default(json!([]))
                .help("In order: what to keep and drop, labels to take away or call by another name."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "Two hosts",
                json!({
                    "job_name": "node",
                    "targets": [
                        { "address": "web-1:9100", "labels": { "env": "prod" } },
                        { "address": "web-2:9100", "labels": { "env": "prod" } },
                    ],
                    "rules": [{ "action": "drop", "pattern": "go_.*|promhttp_.*" }],
                }),
            ),
            (
                "Encrypted, with a token, a few metrics",
                json!({
                    "job_name": "shop",
                    "targets": [{ "address": "shop.internal:8443" }],
                    "scrape_interval": "15s",
                    "metrics_path": "/admin/metrics",
                    "scheme": "https",
                    "bearer_token": "${env:SHOP_TOKEN}",
                    "tls": { "ca_file": "/etc/linkmesh/tls/ca.crt" },
                    "rules": [
                        { "action": "keep", "pattern": "http_.*|process_.*" },
                        { "action": "drop_label", "label": "pod_template_hash" },
                        { "action": "rename_label", "label": "svc", "to": "service" },
                    ],
                }),
            ),
            (
                "With user and password, often",
                json!({
                    "job_name": "db",
                    "targets": [{ "address": "[::1]:9104" }],
                    "scrape_interval": "5s",
                    "scrape_timeout": "4s",
                    "basic_auth": { "username": "metrics", "password": "${env:DB_PASSWORD}" },
                }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let path = findings.path().clone();
        let text = |field: &str| settings.get(field).and_then(Value::as_str).unwrap_or_default();
        let duration = |field: &str| scalar::duration_ns(text(field)).unwrap_or_default();
        if duration("scrape_interval") < 1_000_000_000 {
            findings.errors.add(path.key("scrape_interval"), "out_of_range", "must be at least 1s");
        }
        if settings.contains_key("scrape_timeout") && duration("scrape_timeout") == 0 {
            findings.errors.add(path.key("scrape_timeout"), "out_of_range", "must be longer than 0");
        }
        if duration("scrape_timeout") > duration("scrape_interval") {
            findings.errors.add(path.key("scrape_timeout"), "out_of_range", "must not be longer than the interval");
        }
        let is_plain = text("scheme") == "http";
        if is_plain && settings.contains_key("tls") {
            findings.warnings.add(path.key("tls"), "no_effect", "has no effect on the scheme http");
        }
        checks::connection(settings, is_plain, findings);
        check_targets(settings, findings);
        rules::check(settings, findings);
    }

    fn differs(&self) -> Option<&'static str> {
        Some(
            "Alloy makes a gauge of every sample, and a histogram is its _bucket, _sum and _count; otelcol makes sums, \
             histograms and summaries",
        )
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let text = |text: &str| Yaml::text(text);
        let targets = settings.targets.iter().map(|target| {
            let mut entry = vec![("targets".to_owned(), Yaml::Seq(vec![text(&target.address)]))];
            if !target.labels.is_empty() {
                let labels = target.labels.iter().map(|(name, value)| (name.clone(), text(value)));
                entry.push(("labels".to_owned(), Yaml::Map(labels.collect())));
            }
            Yaml::Map(entry)
        });
        let mut scrape = vec![
            ("job_name".to_owned(), text(&settings.job_name)),
            ("scrape_interval".to_owned(), text(&settings.scrape_interval)),
            ("scrape_timeout".to_owned(), text(&settings.timeout())),
            ("metrics_path".to_owned(), text(&settings.metrics_path)),
            ("scheme".to_owned(), text(&settings.scheme)),
            // Alloy's own default; otelcol's lets names through that are none of the classic form.
            ("metric_name_validation_scheme".to_owned(), Yaml::word("legacy")),
        ];
        if let Some(auth) = settings.basic_auth {
            let auth = Yaml::map([("username", text(&auth.username)), ("password", Yaml::Text(auth.password))]);
            scrape.push(("basic_auth".to_owned(), auth));
        }
        if let Some(token) = settings.bearer_token {
            let auth = Yaml::map([("type", Yaml::word("Bearer")), ("credentials", Yaml::Text(token))]);
            scrape.push(("authorization".to_owned(), auth));
        }
        if let Some(tls) = &settings.tls {
            scrape.push(("tls_config".to_owned(), tls.prometheus()));
        }
        scrape.push(("static_configs".to_owned(), Yaml::Seq(targets.collect())));
        let rules = rules::otelcol(&settings.rules);
        if !rules.is_empty() {
            scrape.push(("metric_relabel_configs".to_owned(), Yaml::Seq(rules)));
        }
        let config = Yaml::map([("scrape_configs", Yaml::Seq(vec![Yaml::Map(scrape)]))]);
        Ok(OtelcolPart::new("prometheus", Yaml::map([("config", config)])))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let timeout = settings.timeout();
        let (outputs, behind) = bridge::behind(&Settings::stages(), site);
        let receiver = Block::labelled("otelcol.receiver.prometheus", site.label, vec![outputs.block()]);
        let mut after = vec![receiver];
        after.extend(behind);
        if let Some(receiver) = after.first().filter(|_| !settings.rules.is_empty()) {
            let rules = rules::alloy(&settings.rules, site.label, receiver.reference("receiver"));
            after.insert(0, rules);
        }
        let targets = settings.targets.into_iter().map(|target| {
            let mut fields = vec![(object_key("__address__"), Expr::text(target.address))];
            fields.extend(target.labels.into_iter().map(|(name, value)| (object_key(&name), Expr::text(value))));
            Expr::Object(fields)
        });
        let forward = after.first().map(|block| Expr::token(block.reference("receiver")));
        let mut body = vec![
            attribute("targets", Expr::Array(targets.collect())),
            attribute("forward_to", Expr::Array(forward.into_iter().collect())),
            attribute("job_name", Expr::text(settings.job_name)),
            attribute("scrape_interval", Expr::text(settings.scrape_interval)),
            attribute("scrape_timeout", Expr::text(timeout)),
            attribute("metrics_path", Expr::text(settings.metrics_path)),
            attribute("scheme", Expr::text(settings.scheme)),
        ];
        if let Some(auth) = settings.basic_auth {
            let auth = vec![
                attribute("username", Expr::text(auth.username)),
                attribute("password", Expr::Text(auth.password)),
            ];
            body.push(block("basic_auth", auth));
        }
        if let Some(token) = settings.bearer_token {
            let auth = vec![attribute("type", Expr::text("Bearer")), attribute("credentials", Expr::Text(token))];
            body.push(block("authorization", auth));
        }
        if let Some(tls) = &settings.tls {
            body.push(tls.alloy("tls_config"));
        }
        let mut blocks = vec![Block::labelled("prometheus.scrape", site.label, body)];
        blocks.extend(after);
        Ok(AlloyPart::source(blocks))
    }
}

/// Lists of groups in the settings, with their places.
fn groups<'a>(settings: &'a SettingsMap, field: &str) -> impl Iterator<Item = (usize, &'a SettingsMap)> {
    settings.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).enumerate()
}

fn check_targets(settings: &SettingsMap, findings: &mut Findings) {
    let path = findings.path().key("targets");
    let mut seen = Vec::new();
    for (index, target) in groups(settings, "targets") {
        if seen.contains(&target) {
            findings.errors.add(path.index(index), "duplicate", "stands twice");
        }
        seen.push(target);
        if target.get("labels").and_then(Value::as_object).is_some_and(|labels| labels.contains_key("job")) {
            findings.errors.add(path.index(index).key("labels").key("job"), "reserved", "is the setting job_name");
        }
    }
}
