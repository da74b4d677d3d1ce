//! The component catalogue: one file a kind, in the folder of its role, with its schema, its checks and its renderings.
//!
//! **Adding a component is adding a file.** `build.rs` lists `catalog/source`, `filter`, `processor` and `destination`;
//! a file's name is the kind, and its `COMPONENT` is what is registered. What a component is and what its files share
//! stands in [`component`](crate::component); what both runtimes can do to a record stands in [`stage`](crate::stage).

use std::sync::OnceLock;

use linkmesh_proto::api::{
    catalogue::{CatalogueEntry, CatalogueExample, Role, RuntimeSupport},
    collector::{Runtime, Stability},
};
use serde_json::Value;

use crate::{
    component::{Component, Findings, SettingsMap, schema},
    domain::problem::Problems,
};

#[cfg(test)]
mod tests;

/// What `build.rs` found in the folders.
mod found {
    use super::{Component, Role};

    include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));
}

/// A component with its schema built.
pub struct Registered {
    role: Role,
    kind: &'static str,
    component: &'static dyn Component,
    schema: Value,
}

impl Registered {
    /// Its place in a pipeline.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Its name in documents.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// The component.
    #[must_use]
    pub const fn component(&self) -> &'static dyn Component {
        self.component
    }

    /// Its schema.
    #[must_use]
    pub const fn schema(&self) -> &Value {
        &self.schema
    }

    /// Checks settings as they stand in a document.
    pub fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let mut problems = Problems::default();
        schema::check(&self.schema, settings, findings.path(), &mut problems);
        if problems.is_empty() {
            let filled = schema::with_defaults(&self.schema, settings);
            self.component.check(&filled, findings);
        }
        findings.errors.extend(problems.into_vec());
    }

    /// Checks settings that are to be saved.
    pub fn check_before_save(&self, settings: &SettingsMap, findings: &mut Findings) {
        self.check(settings, findings);
        if findings.errors.is_empty() {
            self.component.check_before_save(&schema::with_defaults(&self.schema, settings), findings);
        }
    }

    /// How the API shows it.
    #[must_use]
    pub fn entry(&self) -> CatalogueEntry {
        let component = self.component;
        let support = |runtime: &Runtime| RuntimeSupport {
            runtime: *runtime,
            stability: match runtime {
                Runtime::Alloy => component.alloy_stability(),
                Runtime::Otelcol => Stability::GenerallyAvailable,
            },
            least_version: component.least().on(*runtime).map(|version| version.to_string()),
        };
        let example = |(title, settings): (&str, Value)| CatalogueExample {
            title: title.to_owned(),
            settings: settings.as_object().cloned().unwrap_or_default(),
        };
        CatalogueEntry {
            kind: self.kind.to_owned(),
            role: self.role,
            title: component.title().to_owned(),
            description: component.description().to_owned(),
            signals: component.signals().to_vec(),
            runtimes: component.runtimes().iter().map(support).collect(),
            schema: self.schema.clone(),
            examples: component.examples().into_iter().map(example).collect(),
        }
    }
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}", self.role, self.kind)
    }
}

/// Every kind of component.
#[derive(Debug)]
pub struct Catalogue {
    components: Vec<Registered>,
}

impl Catalogue {
    /// By role, and in it by title; what is raw comes last.
    fn new(found: Vec<(Role, &'static str, &'static dyn Component)>) -> Self {
        let register = |(role, kind, component): (Role, _, &'static dyn Component)| Registered {
            schema: component.schema(),
            role,
            kind,
            component,
        };
        let mut components: Vec<Registered> = found.into_iter().map(register).collect();
        components.sort_by_key(|known| (known.role, known.kind == RAW, known.component.title()));
        Self { components }
    }

    /// The component of a kind in a role.
    #[must_use]
    pub fn get(&self, role: Role, kind: &str) -> Option<&Registered> {
        self.components.iter().find(|known| known.role == role && known.kind == kind)
    }

    /// The components, in the order in which the page shows them.
    #[must_use]
    pub fn components(&self) -> &[Registered] {
        &self.components
    }

    /// The kinds in a role.
    pub fn kinds(&self, role: Role) -> impl Iterator<Item = &'static str> {
        self.components.iter().filter(move |known| known.role == role).map(|known| known.kind)
    }

    /// The catalogue as the API shows it.
    #[must_use]
    pub fn entries(&self) -> Vec<CatalogueEntry> {
        self.components.iter().map(Registered::entry).collect()
    }
}

/// The kind of components in the runtime's own language.
const RAW: &str = "raw";

/// The catalogue.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| Catalogue::new(found::components()))
}
