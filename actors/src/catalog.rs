//! The component catalogue: one file a kind, with its schema, its checks and its two renderings.
//!
//! Adding a component is adding one file and one line in [`catalogue`]. A component sees only its own settings, with
//! defaults filled in and secrets resolved, and the place where it stands; it never sees documents or other components.

use std::sync::OnceLock;

use linkmesh_proto::api::{
    catalogue::{CatalogueEntry, CatalogueExample, Role, RuntimeSupport},
    collector::{Runtime, Stability},
    pipeline::Signal,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    domain::{
        components::ComponentClass,
        problem::{Path, Problems},
        stability,
    },
    render::{
        alloy::{Block, Expr, Statement, attribute, block},
        yaml::Yaml,
    },
};

mod attributes;
mod batch;
mod debug;
mod file_log;
mod host_metrics;
mod otlp;
mod otlp_http;
mod ottl;
mod raw;
pub mod scalar;
pub mod schema;
mod severity;
#[cfg(test)]
mod tests;

/// The settings of one component.
pub type SettingsMap = Map<String, Value>;

/// Every kind of telemetry.
pub const ALL_SIGNALS: &[Signal] = &[Signal::Logs, Signal::Metrics, Signal::Traces];

/// The name of a signal in documents and in both languages.
#[must_use]
pub const fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Logs => "logs",
        Signal::Metrics => "metrics",
        Signal::Traces => "traces",
    }
}

/// An address that a source listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Field of the settings, for example `grpc.endpoint`.
    pub field: &'static str,
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// The host as it is written; empty and `0.0.0.0` are every address.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Why a component cannot be rendered for a runtime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unsupported {
    /// Field of the settings at fault; empty for the component as a whole.
    pub field: &'static str,
    /// What is wrong, for a person.
    pub reason: String,
}

impl Unsupported {
    fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }
}

/// Where a component stands in an otelcol config.
#[derive(Debug, Clone, Copy)]
pub struct OtelcolSite<'a> {
    /// The kinds of telemetry that it handles here.
    pub signals: &'a [Signal],
}

/// A component in an otelcol config.
#[derive(Debug, Clone, PartialEq)]
pub struct OtelcolPart {
    /// The classic name of its type.
    pub kind: String,
    /// Its settings.
    pub config: Yaml,
    /// Processors that its records pass and no others: type and settings. Sources only.
    pub own_processors: Vec<(String, Yaml)>,
    /// Whether its settings refer to the storage extension.
    pub storage: bool,
}

impl OtelcolPart {
    fn new(kind: &str, config: Yaml) -> Self {
        Self { kind: kind.to_owned(), config, own_processors: Vec::new(), storage: false }
    }

    /// The component types that a build needs for it.
    #[must_use]
    pub fn types(&self, role: Role) -> Vec<(ComponentClass, String)> {
        let class = match role {
            Role::Source => ComponentClass::Receivers,
            Role::Filter | Role::Processor => ComponentClass::Processors,
            Role::Destination => ComponentClass::Exporters,
        };
        let mut types = vec![(class, self.kind.clone())];
        types.extend(self.own_processors.iter().map(|(kind, _)| (ComponentClass::Processors, kind.clone())));
        if self.storage {
            types.push((ComponentClass::Extensions, "file_storage".to_owned()));
        }
        types
    }
}

/// Where a component stands in an Alloy config.
#[derive(Debug, Clone, Copy)]
pub struct AlloySite<'a> {
    /// The label of its blocks.
    pub label: &'a str,
    /// Where its records go.
    pub outputs: &'a Outputs,
}

/// For each signal, the references that records go to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outputs(pub Vec<(Signal, Vec<String>)>);

impl Outputs {
    /// The `output` block.
    #[must_use]
    pub fn block(&self) -> Statement {
        let attributes = self.0.iter().filter(|(_, references)| !references.is_empty()).map(|(signal, references)| {
            attribute(signal_name(*signal), Expr::Array(references.iter().map(Expr::token).collect()))
        });
        block("output", attributes.collect())
    }
}

/// A component in an Alloy config.
#[derive(Debug, Clone, PartialEq)]
pub struct AlloyPart {
    /// Its blocks.
    pub blocks: Vec<Block>,
    /// The reference to which records are sent; sources have none.
    pub input: Option<String>,
}

impl AlloyPart {
    /// One block that takes records at its `input`.
    fn consumer(block: Block) -> Self {
        Self { input: Some(block.reference("input")), blocks: vec![block] }
    }

    /// Blocks that bring records in.
    fn source(blocks: Vec<Block>) -> Self {
        Self { blocks, input: None }
    }

    /// The lowest stability level at which Alloy accepts the blocks, and the block that asks for it.
    #[must_use]
    pub fn stability(&self) -> (Stability, Option<&str>) {
        self.blocks
            .iter()
            .map(|block| (stability::alloy_component(&block.name), Some(block.name.as_str())))
            .max_by_key(|(level, _)| *level)
            .unwrap_or((Stability::GenerallyAvailable, None))
    }
}

/// What a check finds in the settings of one component.
#[derive(Debug)]
pub struct Findings {
    path: Path,
    /// What stops a save.
    pub errors: Problems,
    /// What deserves a look.
    pub warnings: Problems,
}

impl Findings {
    /// Nothing found yet in the settings at `path`.
    #[must_use]
    pub fn new(path: Path) -> Self {
        Self { path, errors: Problems::default(), warnings: Problems::default() }
    }

    /// The settings' place in the document.
    #[must_use]
    pub const fn path(&self) -> &Path {
        &self.path
    }
}

/// One kind of component.
pub trait Component: Send + Sync {
    /// The name in documents.
    fn kind(&self) -> &'static str;
    /// Its place in a pipeline.
    fn role(&self) -> Role;
    /// What an operator calls it.
    fn title(&self) -> &'static str;
    /// What it does to a record, in a sentence or two.
    fn description(&self) -> &'static str;
    /// JSON Schema (2020-12) of its settings; see [`schema`] for the part that is understood.
    fn schema(&self) -> Value;
    /// Settings that work: title and settings.
    fn examples(&self) -> Vec<(&'static str, Value)>;

    /// The kinds of telemetry that it can handle.
    fn signals(&self) -> &'static [Signal] {
        ALL_SIGNALS
    }

    /// The lowest stability level of Alloy that it needs.
    fn alloy_stability(&self) -> Stability {
        Stability::GenerallyAvailable
    }

    /// The kinds of telemetry that it handles with these settings.
    fn signals_with(&self, settings: &SettingsMap) -> Vec<Signal> {
        let _ = settings;
        self.signals().to_vec()
    }

    /// What the schema cannot say. Called with settings that satisfy it.
    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let _ = (settings, findings);
    }

    /// What must not be saved, though it can be rendered: what would stand in Git in the clear. Of a text that somebody
    /// committed by hand that is too late to say, and no reason to leave collectors without their config. Called with
    /// settings that [`check`](Self::check) has nothing against.
    fn check_before_save(&self, settings: &SettingsMap, findings: &mut Findings) {
        let _ = (settings, findings);
    }

    /// The addresses that a source listens on. The settings may be as they stand in a document, without defaults.
    fn binds(&self, settings: &SettingsMap) -> Vec<Bind> {
        let _ = settings;
        Vec::new()
    }

    /// What to know before it runs on Alloy and on otelcol side by side; a warning when both are matched.
    fn differs(&self) -> Option<&'static str> {
        None
    }

    /// The operating systems (`collector.os`) on which Alloy cannot run it.
    fn alloy_not_on(&self) -> &'static [&'static str] {
        &[]
    }

    /// The component in an otelcol config.
    ///
    /// # Errors
    /// When it cannot run there with these settings.
    fn otelcol(&self, settings: &SettingsMap, site: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported>;

    /// The component in an Alloy config.
    ///
    /// # Errors
    /// When it cannot run there with these settings.
    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported>;
}

/// Settings as the component's own type. They satisfy the schema when this is called, so that a failure is a mistake of
/// the component; it is reported like any other reason not to render.
fn read<T: DeserializeOwned>(settings: &SettingsMap) -> Result<T, Unsupported> {
    T::deserialize(settings).map_err(|error| Unsupported::new("", format!("the settings cannot be read: {error}")))
}

/// A component with its schema built.
pub struct Registered {
    component: Box<dyn Component>,
    schema: Value,
}

impl Registered {
    /// The component.
    #[must_use]
    pub fn component(&self) -> &dyn Component {
        &*self.component
    }

    /// Its schema.
    #[must_use]
    pub const fn schema(&self) -> &Value {
        &self.schema
    }

    /// Checks settings as they stand in a document.
    pub fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let mut problems = Problems::default();
        schema::check(&self.schema, settings, &findings.path, &mut problems);
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
        let component = &self.component;
        let support = |runtime, stability| RuntimeSupport { runtime, stability };
        let example = |(title, settings): (&str, Value)| CatalogueExample {
            title: title.to_owned(),
            settings: settings.as_object().cloned().unwrap_or_default(),
        };
        CatalogueEntry {
            kind: component.kind().to_owned(),
            role: component.role(),
            title: component.title().to_owned(),
            description: component.description().to_owned(),
            signals: component.signals().to_vec(),
            runtimes: vec![
                support(Runtime::Alloy, component.alloy_stability()),
                support(Runtime::Otelcol, Stability::GenerallyAvailable),
            ],
            schema: self.schema.clone(),
            examples: component.examples().into_iter().map(example).collect(),
        }
    }
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}", self.component.role(), self.component.kind())
    }
}

/// Every kind of component.
#[derive(Debug)]
pub struct Catalogue {
    components: Vec<Registered>,
}

impl Catalogue {
    /// The component of a kind in a role.
    #[must_use]
    pub fn get(&self, role: Role, kind: &str) -> Option<&Registered> {
        self.components.iter().find(|c| c.component.role() == role && c.component.kind() == kind)
    }

    /// The components, in the order in which the page shows them.
    #[must_use]
    pub fn components(&self) -> &[Registered] {
        &self.components
    }

    /// The kinds in a role.
    pub fn kinds(&self, role: Role) -> impl Iterator<Item = &'static str> {
        self.components.iter().filter(move |c| c.component.role() == role).map(|c| c.component.kind())
    }

    /// The catalogue as the API shows it.
    #[must_use]
    pub fn entries(&self) -> Vec<CatalogueEntry> {
        self.components.iter().map(Registered::entry).collect()
    }
}

/// The catalogue.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let components: Vec<Box<dyn Component>> = vec![
            Box::new(otlp::Otlp),
            Box::new(host_metrics::HostMetrics),
            Box::new(file_log::FileLog),
            Box::new(raw::Raw(Role::Source)),
            Box::new(severity::Severity),
            Box::new(ottl::Ottl),
            Box::new(raw::Raw(Role::Filter)),
            Box::new(attributes::Attributes),
            Box::new(batch::Batch),
            Box::new(raw::Raw(Role::Processor)),
            Box::new(otlp_http::OtlpHttp),
            Box::new(debug::Debug),
            Box::new(raw::Raw(Role::Destination)),
        ];
        let register = |component: Box<dyn Component>| Registered { schema: component.schema(), component };
        Catalogue { components: components.into_iter().map(register).collect() }
    })
}
