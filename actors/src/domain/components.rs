//! What a collector's build contains, by its own report, and the names that components go by.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The class of an otelcol component: the section of the config in which it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentClass {
    /// `receivers`
    Receivers,
    /// `processors`
    Processors,
    /// `exporters`
    Exporters,
    /// `extensions`
    Extensions,
    /// `connectors`
    Connectors,
}

impl ComponentClass {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Receivers, Self::Processors, Self::Exporters, Self::Extensions, Self::Connectors];

    /// The section's name, as in the config and in the report of available components.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receivers => "receivers",
            Self::Processors => "processors",
            Self::Exporters => "exporters",
            Self::Extensions => "extensions",
            Self::Connectors => "connectors",
        }
    }

    /// The class of a section of the report; `None` for a section of a newer collector.
    #[must_use]
    pub fn from_section(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }
}

/// Component types that were renamed: section, the name that every pinned version knows, the newer one.
const RENAMES: &[(ComponentClass, &str, &str)] = &[
    (ComponentClass::Receivers, "filelog", "file_log"),
    (ComponentClass::Receivers, "hostmetrics", "host_metrics"),
    (ComponentClass::Receivers, "tcplog", "tcp_log"),
    (ComponentClass::Receivers, "udplog", "udp_log"),
    (ComponentClass::Processors, "resourcedetection", "resource_detection"),
    (ComponentClass::Processors, "k8sattributes", "k8s_attributes"),
    (ComponentClass::Processors, "cumulativetodelta", "cumulative_to_delta"),
    (ComponentClass::Processors, "metricstransform", "metrics_transform"),
    (ComponentClass::Exporters, "otlp", "otlp_grpc"),
    (ComponentClass::Exporters, "otlphttp", "otlp_http"),
    (ComponentClass::Exporters, "prometheusremotewrite", "prometheus_remote_write"),
    // New ones go to the end: a dialect is stored by their places.
    (ComponentClass::Receivers, "windowseventlog", "windows_event_log"),
];

/// The component names that a collector understands: which of the renamed components it knows only by the newer name.
///
/// The classic names run on every version so far, so that this is empty for nearly all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Dialect(u16);

impl Dialect {
    /// `otlphttp`, `filelog`, `hostmetrics`, `resourcedetection`: what both pinned versions know.
    pub const CLASSIC: Self = Self(0);

    /// The name of a component type in this dialect, from its classic name. Names without a newer form stay.
    #[must_use]
    pub fn name(self, class: ComponentClass, classic: &str) -> &str {
        RENAMES
            .iter()
            .enumerate()
            .find(|(_, (c, old, _))| *c == class && *old == classic)
            .filter(|(index, _)| self.0 & (1 << index) != 0)
            .map_or(classic, |(_, (_, _, new))| new)
    }
}

/// The classic name of a component type, which may be written under its newer one.
#[must_use]
pub fn classic_name(class: ComponentClass, kind: &str) -> &str {
    RENAMES.iter().find(|(c, _, new)| *c == class && *new == kind).map_or(kind, |(_, old, _)| old)
}

/// The component types of a collector's build, by its own report (opamp-spec, `AvailableComponents`).
///
/// One value for each distinct report in the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BuildComponents {
    types: BTreeMap<ComponentClass, BTreeSet<Box<str>>>,
}

impl BuildComponents {
    /// Adds a component type.
    pub fn insert(&mut self, class: ComponentClass, kind: &str) {
        self.types.entry(class).or_default().insert(kind.into());
    }

    /// Whether nothing was reported: then nothing can be concluded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// Whether the build has a component type, under its classic or its newer name.
    #[must_use]
    pub fn has(&self, class: ComponentClass, kind: &str) -> bool {
        let Some(types) = self.types.get(&class) else { return false };
        types.contains(kind)
            || RENAMES
                .iter()
                .filter(|(c, old, new)| *c == class && (*old == kind || *new == kind))
                .any(|(_, old, new)| types.contains(*old) || types.contains(*new))
    }

    /// The names to use towards this build: the classic ones, but for those that are gone while the newer name is there.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        let only_new = |(class, old, new): &(ComponentClass, &str, &str)| {
            self.types.get(class).is_some_and(|types| types.contains(*new) && !types.contains(*old))
        };
        Dialect(RENAMES.iter().enumerate().filter(|(_, r)| only_new(r)).map(|(index, _)| 1 << index).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(types: &[(ComponentClass, &str)]) -> BuildComponents {
        let mut build = BuildComponents::default();
        for (class, kind) in types {
            build.insert(*class, kind);
        }
        build
    }

    #[test]
    fn a_component_is_found_under_either_name() {
        let build = build(&[(ComponentClass::Exporters, "otlp_http")]);
        assert!(build.has(ComponentClass::Exporters, "otlphttp"));
        assert!(build.has(ComponentClass::Exporters, "otlp_http"));
        assert!(!build.has(ComponentClass::Exporters, "otlp"));
        assert!(!build.has(ComponentClass::Receivers, "otlphttp"));
    }

    #[test]
    fn classic_names_are_used_until_they_are_gone() {
        let both = build(&[(ComponentClass::Exporters, "otlp_http"), (ComponentClass::Exporters, "otlphttp")]);
        assert_eq!(both.dialect(), Dialect::CLASSIC);
        assert_eq!(BuildComponents::default().dialect(), Dialect::CLASSIC);
        let new =
            build(&[(ComponentClass::Receivers, "file_log"), (ComponentClass::Receivers, "hostmetrics")]).dialect();
        assert_eq!(new.name(ComponentClass::Receivers, "filelog"), "file_log");
        assert_eq!(new.name(ComponentClass::Receivers, "hostmetrics"), "hostmetrics");
        assert_eq!(new.name(ComponentClass::Receivers, "otlp"), "otlp");
    }
}
