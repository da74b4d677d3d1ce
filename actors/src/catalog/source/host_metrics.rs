//! `host_metrics`: the collector's own host measured.
//!
//! **The record.** One point for each thing that is measured, every so often.
//! * *Metric*: otelcol and Alloy measure the same things under different names (`system.*` sums and gauges with units, and
//!   `node_*` gauges), so that a dashboard for one does not show the other.
//! * *Resource*: `host.name` and `os.type` on both. Alloy adds that of its scrape: `service.name`, `service.instance.id`.
//! * *Time*: when it was measured.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, Outputs, SettingsMap, Unsupported,
    form, read, scalar,
};
use crate::render::{
    alloy::{Block, Expr, attribute, block},
    yaml::Yaml,
};

pub(super) const COMPONENT: &dyn Component = &HostMetrics;

struct HostMetrics;

/// Scraper of otelcol, what it measures, and the collectors of Alloy's exporter for the same.
const SCRAPERS: &[(&str, &[&str])] = &[
    ("cpu", &["cpu"]),
    ("memory", &["meminfo"]),
    ("load", &["loadavg"]),
    ("disk", &["diskstats"]),
    ("filesystem", &["filesystem"]),
    ("network", &["netdev"]),
    ("paging", &["vmstat"]),
    ("processes", &["processes", "stat"]),
];

/// Prometheus' own default; a shorter interval needs a timeout of its own length.
const SCRAPE_TIMEOUT_NS: u64 = 10_000_000_000;

#[derive(Deserialize)]
struct Settings {
    collection_interval: String,
    scrapers: Vec<String>,
}

impl Component for HostMetrics {
    fn title(&self) -> &'static str {
        "Host metrics"
    }

    fn description(&self) -> &'static str {
        "Measures the host that the collector runs on: processor, memory, disks, network. Names are `system.*` from \
         otelcol and `node_*` from Alloy."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Metrics]
    }

    fn schema(&self) -> Value {
        let names: Vec<&str> = SCRAPERS.iter().map(|(name, _)| *name).collect();
        form::form([
            ("collection_interval", form::duration("Every").default("60s").help("How often the host is measured.")),
            (
                "scrapers",
                form::choices("What to measure", &names)
                    .default(json!(["cpu", "memory", "load", "disk", "filesystem", "network"]))
                    .at_least(1)
                    .help("processes counts them; it does not look into each."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "The usual",
                json!({ "collection_interval": "60s", "scrapers": ["cpu", "memory", "load", "disk", "filesystem", "network"] }),
            ),
            ("Processor and memory, closely", json!({ "collection_interval": "10s", "scrapers": ["cpu", "memory"] })),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        if scalar::duration_ns(&settings.collection_interval).is_ok_and(|ns| ns < 1_000_000_000) {
            let path = findings.path().key("collection_interval");
            findings.errors.add(path, "out_of_range", "must be at least 1s");
        }
    }

    fn differs(&self) -> Option<&'static str> {
        Some("otelcol names these metrics system.*, Alloy node_*: a dashboard for one does not show the other")
    }

    fn alloy_not_on(&self) -> &'static [&'static str] {
        &["windows"]
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let scrapers = settings.scrapers.iter().map(|name| (name.clone(), Yaml::Map(Vec::new()))).collect();
        let config = Yaml::map([
            ("collection_interval", Yaml::text(settings.collection_interval.as_str())),
            ("scrapers", Yaml::Map(scrapers)),
        ]);
        // The receiver names no host; without this the metrics of all hosts would be one series.
        let host = Yaml::map([
            ("detectors", Yaml::Seq(vec![Yaml::word("system")])),
            ("system", Yaml::map([("hostname_sources", Yaml::Seq(vec![Yaml::word("os")]))])),
            ("override", Yaml::Bool(false)),
        ]);
        let mut part = OtelcolPart::new("hostmetrics", config);
        part.processors.push(("resourcedetection".to_owned(), host));
        Ok(part)
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let collectors = SCRAPERS.iter().filter(|(name, _)| settings.scrapers.iter().any(|s| s == name));
        let collectors = collectors.flat_map(|(_, names)| names.iter().map(|name| Expr::text(*name))).collect();
        let exporter = Block::labelled(
            "prometheus.exporter.unix",
            site.label,
            vec![attribute("set_collectors", Expr::Array(collectors))],
        );
        let host = Block::labelled(
            "otelcol.processor.resourcedetection",
            site.label,
            vec![
                attribute("detectors", Expr::Array(vec![Expr::text("system")])),
                attribute("override", Expr::token(false)),
                block("system", vec![attribute("hostname_sources", Expr::Array(vec![Expr::text("os")]))]),
                site.outputs.block(),
            ],
        );
        let bridge = Block::labelled(
            "otelcol.receiver.prometheus",
            site.label,
            vec![Outputs(vec![(Signal::Metrics, vec![host.reference("input")])]).block()],
        );
        let short = scalar::duration_ns(&settings.collection_interval).is_ok_and(|ns| ns < SCRAPE_TIMEOUT_NS);
        let timeout = if short { settings.collection_interval.as_str() } else { "10s" };
        let scrape = Block::labelled(
            "prometheus.scrape",
            site.label,
            vec![
                attribute("targets", Expr::token(exporter.reference("targets"))),
                attribute("forward_to", Expr::Array(vec![Expr::token(bridge.reference("receiver"))])),
                attribute("scrape_interval", Expr::text(settings.collection_interval.as_str())),
                attribute("scrape_timeout", Expr::text(timeout)),
            ],
        );
        Ok(AlloyPart::source(vec![exporter, scrape, bridge, host]))
    }
}
