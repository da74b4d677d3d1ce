//! Stability levels of Grafana Alloy: it refuses a whole document for one component above its level.

use linkmesh_proto::api::collector::Stability;

/// Components that need a level above generally available: all whose registration in Alloy's sources says so (1.19-dev).
const LEVELS: &[(&str, Stability)] = &[
    ("loki.secretfilter", Stability::PublicPreview),
    ("otelcol.auth.google", Stability::PublicPreview),
    ("otelcol.exporter.file", Stability::PublicPreview),
    ("otelcol.exporter.syslog", Stability::PublicPreview),
    ("otelcol.processor.cumulativetodelta", Stability::PublicPreview),
    ("otelcol.receiver.filelog", Stability::PublicPreview),
    ("otelcol.receiver.nginx", Stability::PublicPreview),
    ("otelcol.receiver.splunkhec", Stability::PublicPreview),
    ("otelcol.receiver.syslog", Stability::PublicPreview),
    ("otelcol.storage.file", Stability::PublicPreview),
    ("pyroscope.java", Stability::PublicPreview),
    ("database_observability.sql_server", Stability::Experimental),
    ("loki.enrich", Stability::Experimental),
    ("mimir.alerts.kubernetes", Stability::Experimental),
    ("otelcol.connector.count", Stability::Experimental),
    ("otelcol.connector.signaltometrics", Stability::Experimental),
    ("otelcol.exporter.awss3", Stability::Experimental),
    ("otelcol.exporter.debug", Stability::Experimental),
    ("otelcol.exporter.faro", Stability::Experimental),
    ("otelcol.processor.deltatocumulative", Stability::Experimental),
    ("otelcol.processor.interval", Stability::Experimental),
    ("otelcol.processor.redaction", Stability::Experimental),
    ("otelcol.receiver.awscloudwatch", Stability::Experimental),
    ("otelcol.receiver.awsecscontainermetrics", Stability::Experimental),
    ("otelcol.receiver.awss3", Stability::Experimental),
    ("otelcol.receiver.cloudflare", Stability::Experimental),
    ("otelcol.receiver.datadog", Stability::Experimental),
    ("otelcol.receiver.faro", Stability::Experimental),
    ("otelcol.receiver.fluentforward", Stability::Experimental),
    ("otelcol.receiver.tcplog", Stability::Experimental),
    ("otelcol.receiver.vcenter", Stability::Experimental),
    ("prometheus.enrich", Stability::Experimental),
    ("prometheus.exporter.catchpoint", Stability::Experimental),
    ("prometheus.exporter.static", Stability::Experimental),
    ("prometheus.operator.scrapeconfigs", Stability::Experimental),
    ("pyroscope.enrich", Stability::Experimental),
];

/// The lowest `--stability.level` at which Alloy accepts a component.
#[must_use]
pub fn alloy_component(name: &str) -> Stability {
    LEVELS.iter().find(|(component, _)| *component == name).map_or(Stability::GenerallyAvailable, |(_, level)| *level)
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
