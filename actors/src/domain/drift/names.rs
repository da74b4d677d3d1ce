//! Names of components, under the aliases that collectors know.

use serde_norway::Value;

/// A section whose keys are ids of components.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Receivers,
    Processors,
    Exporters,
    Connectors,
    Extensions,
}

impl Section {
    pub(super) fn of(key: &str) -> Option<Self> {
        match key {
            "receivers" => Some(Self::Receivers),
            "processors" => Some(Self::Processors),
            "exporters" => Some(Self::Exporters),
            "connectors" => Some(Self::Connectors),
            "extensions" => Some(Self::Extensions),
            _ => None,
        }
    }
}

/// Whether two references name the same component.
pub(super) fn same_id(section: Section, a: &Value, b: &Value) -> bool {
    a == b || matches!((a.as_str(), b.as_str()), (Some(a), Some(b)) if same_component(section, a, b))
}

/// Whether two ids are of the same component. Renamed kinds (`filelog`, now `file_log`) differ by underscores only, but
/// for the exporter `otlp`, now `otlp_grpc`.
pub(super) fn same_component(section: Section, a: &str, b: &str) -> bool {
    let name = |id: &str| id.split_once('/').map(|(_, name)| name.to_owned());
    name(a) == name(b) && canonical(section, kind_of(a)).eq(canonical(section, kind_of(b)))
}

fn canonical(section: Section, kind: &str) -> impl Iterator<Item = char> {
    let kind = if section == Section::Exporters && kind == "otlp_grpc" { "otlp" } else { kind };
    kind.chars().filter(|c| *c != '_')
}

/// The kind of an id: `otlp` of `otlp/in`.
pub(super) fn kind_of(id: &str) -> &str {
    id.split_once('/').map_or(id, |(kind, _)| kind)
}

/// Whether an id is of a kind, which is given without underscores.
pub(super) fn is_kind(id: &str, kind: &str) -> bool {
    kind_of(id).chars().filter(|c| *c != '_').eq(kind.chars())
}
