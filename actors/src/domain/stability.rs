//! Stability levels of Grafana Alloy: it refuses a whole document for one component above its level.

use linkmesh_proto::api::collector::Stability;

/// Components that need the level public preview, by what they register in the sources of Alloy 1.19-dev.
const PUBLIC_PREVIEW: &[&str] = &[
    "loki.secretfilter",
    "otelcol.auth.google",
    "otelcol.exporter.file",
    "otelcol.exporter.syslog",
    "otelcol.processor.cumulativetodelta",
    "otelcol.receiver.filelog",
    "otelcol.receiver.nginx",
    "otelcol.receiver.splunkhec",
    "otelcol.receiver.syslog",
    "otelcol.storage.file",
    "pyroscope.java",
];

/// Components that need the level experimental, from there too.
const EXPERIMENTAL: &[&str] = &[
    "loki.enrich",
    "mimir.alerts.kubernetes",
    "otelcol.connector.count",
    "otelcol.connector.signaltometrics",
    "otelcol.exporter.awss3",
    "otelcol.exporter.debug",
    "otelcol.exporter.faro",
    "otelcol.processor.deltatocumulative",
    "otelcol.processor.interval",
    "otelcol.processor.redaction",
    "otelcol.receiver.awscloudwatch",
    "otelcol.receiver.awsecscontainermetrics",
    "otelcol.receiver.awss3",
    "otelcol.receiver.cloudflare",
    "otelcol.receiver.datadog",
    "otelcol.receiver.faro",
    "otelcol.receiver.fluentforward",
    "otelcol.receiver.tcplog",
    "otelcol.receiver.vcenter",
    "prometheus.enrich",
    "prometheus.exporter.catchpoint",
    "prometheus.exporter.static",
    "prometheus.operator.scrapeconfigs",
    "pyroscope.enrich",
];

/// Components that have no level and need a switch of their own, from there too.
const COMMUNITY: &[&str] = &[
    "otelcol.exporter.datadog",
    "otelcol.exporter.googlecloud",
    "otelcol.exporter.googlecloudpubsub",
    "otelcol.exporter.splunkhec",
    "otelcol.receiver.googlecloudpubsub",
];

/// The switch of Alloy's command line without which it refuses a document with a component of its community.
pub const COMMUNITY_FLAG: &str = "--feature.community-components.enabled";

/// Whether a component is kept by Alloy's community and needs [`COMMUNITY_FLAG`]. Alloys do not report that switch.
#[must_use]
pub fn is_community(name: &str) -> bool {
    COMMUNITY.contains(&name)
}

/// The lowest `--stability.level` at which Alloy accepts a component.
#[must_use]
pub fn alloy_component(name: &str) -> Stability {
    if EXPERIMENTAL.contains(&name) {
        Stability::Experimental
    } else if PUBLIC_PREVIEW.contains(&name) {
        Stability::PublicPreview
    } else {
        Stability::GenerallyAvailable
    }
}

/// The level as Alloy's command line spells it.
#[must_use]
pub const fn flag(level: Stability) -> &'static str {
    match level {
        Stability::GenerallyAvailable => "generally-available",
        Stability::PublicPreview => "public-preview",
        Stability::Experimental => "experimental",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_as_alloy_orders_them() {
        assert!(alloy_component("otelcol.exporter.debug") > alloy_component("otelcol.receiver.filelog"));
        assert!(alloy_component("otelcol.receiver.filelog") > alloy_component("otelcol.receiver.otlp"));
    }
}
