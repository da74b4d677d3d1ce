//! Stability levels of Grafana Alloy: it refuses a whole document for one component above its level.

use linkmesh_proto::api::collector::Stability;

/// Components that need a level above generally available (reference: Alloy 1.18).
const LEVELS: &[(&str, Stability)] = &[
    ("otelcol.receiver.filelog", Stability::PublicPreview),
    ("otelcol.receiver.syslog", Stability::PublicPreview),
    ("otelcol.storage.file", Stability::PublicPreview),
    ("otelcol.exporter.file", Stability::PublicPreview),
    ("otelcol.exporter.syslog", Stability::PublicPreview),
    ("otelcol.processor.cumulativetodelta", Stability::PublicPreview),
    ("loki.secretfilter", Stability::PublicPreview),
    ("otelcol.exporter.debug", Stability::Experimental),
    ("otelcol.exporter.awss3", Stability::Experimental),
    ("otelcol.processor.redaction", Stability::Experimental),
    ("otelcol.processor.interval", Stability::Experimental),
    ("otelcol.processor.deltatocumulative", Stability::Experimental),
    ("otelcol.receiver.tcplog", Stability::Experimental),
    ("otelcol.connector.count", Stability::Experimental),
    ("loki.enrich", Stability::Experimental),
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
