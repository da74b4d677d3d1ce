//! What a component of the catalogue is, and what the files of components share.
//!
//! A component sees only its own settings, with defaults filled in and secrets resolved, and the place where it stands;
//! it never sees documents or other components.

use linkmesh_proto::api::{
    catalogue::Role,
    collector::{Runtime, Stability},
    pipeline::Signal,
};
use scalar::files::Files;
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
        names,
        yaml::Yaml,
    },
    stage::Stage,
};

pub mod actions;
pub mod bridge;
pub mod exporter;
pub mod form;
pub mod least;
pub mod listener;
pub mod metric_names;
pub mod ottl_text;
pub mod raw;
pub mod scalar;
pub mod schema;
pub mod whole_traces;

pub use least::Least;

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

/// An address that a destination sends to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The host as it is written.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Target {
    /// Reads a URL or `host:port`. `None` when no port is said or known.
    #[must_use]
    pub fn parse(endpoint: &str) -> Option<Self> {
        let (scheme, rest) = endpoint.split_once("://").unwrap_or(("", endpoint));
        let authority = rest.split(['/', '?', '#']).next()?;
        let known = match scheme {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, known?),
        };
        Some(Self { host: host.trim_matches(['[', ']']).to_owned(), port })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
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
    /// A reason at a field of the settings.
    #[must_use]
    pub fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }
}

/// Where a component stands in an otelcol config.
#[derive(Debug, Clone, Copy)]
pub struct OtelcolSite<'a> {
    /// What follows the `/` in the names of its components.
    pub name: &'a str,
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
    /// Processors behind it, in order: type and settings. Those of a source are passed by its records and no others.
    pub processors: Vec<(String, Yaml)>,
    /// Extensions that its settings refer to as `<type>/<name of the site>`: type and settings.
    pub extensions: Vec<(String, Yaml)>,
    /// Whether its settings refer to the storage extension.
    pub storage: bool,
}

impl OtelcolPart {
    /// A component without anything around it.
    #[must_use]
    pub fn new(kind: &str, config: Yaml) -> Self {
        Self { kind: kind.to_owned(), config, processors: Vec::new(), extensions: Vec::new(), storage: false }
    }

    /// The same with processors behind it.
    #[must_use]
    pub fn then(mut self, stages: &[Box<dyn Stage>]) -> Self {
        self.processors
            .extend(stages.iter().map(|stage| stage.otelcol()).map(|(kind, config)| (kind.to_owned(), config)));
        self
    }

    /// The processors of a step.
    fn of_stages(stages: &[Box<dyn Stage>]) -> Result<Self, Unsupported> {
        let (first, rest) = stages.split_first().ok_or_else(|| Unsupported::new("", "does nothing"))?;
        let (kind, config) = first.otelcol();
        Ok(Self::new(kind, config).then(rest))
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
        types.extend(self.processors.iter().map(|(kind, _)| (ComponentClass::Processors, kind.clone())));
        types.extend(self.extensions.iter().map(|(kind, _)| (ComponentClass::Extensions, kind.clone())));
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
    /// The same signals, all to one place.
    #[must_use]
    pub fn all_to(&self, reference: &str) -> Self {
        Self(self.0.iter().map(|(signal, _)| (*signal, vec![reference.to_owned()])).collect())
    }

    /// The signals.
    #[must_use]
    pub fn signals(&self) -> Vec<Signal> {
        self.0.iter().map(|(signal, _)| *signal).collect()
    }

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
    #[must_use]
    pub fn consumer(block: Block) -> Self {
        Self { input: Some(block.reference("input")), blocks: vec![block] }
    }

    /// Blocks that bring records in.
    #[must_use]
    pub const fn source(blocks: Vec<Block>) -> Self {
        Self { blocks, input: None }
    }

    /// Processors one behind the other, the last of which sends to the outputs of the site; they handle these signals.
    #[must_use]
    pub fn of_stages(stages: &[Box<dyn Stage>], site: &AlloySite<'_>) -> Self {
        let mut next = site.outputs.clone();
        let mut blocks = Vec::new();
        for (number, stage) in (1..).zip(stages).collect::<Vec<_>>().into_iter().rev() {
            let (name, mut body) = stage.alloy();
            body.push(next.block());
            let last = number == stages.len();
            let label = if last { site.label.to_owned() } else { names::alloy_part(site.label, number) };
            let block = Block::labelled(name, label, body);
            next = next.all_to(&block.reference("input"));
            blocks.push(block);
        }
        blocks.reverse();
        Self { input: blocks.first().map(|block| block.reference("input")), blocks }
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

    /// Checks a text in OTTL at `path` for each of the signals; what is wrong for all of them is said once.
    pub fn ottl<E>(
        &mut self,
        path: &Path,
        signals: &[Signal],
        mut read: impl FnMut(Signal) -> Result<E, Vec<linkmesh_ottl::Problem>>,
    ) {
        let failed = |signal: &Signal| Some((*signal, scalar::in_words(&read(*signal).err()?)));
        let failed: Vec<(Signal, String)> = signals.iter().filter_map(failed).collect();
        let Some((_, first)) = failed.first() else { return };
        if failed.len() == signals.len() && failed.iter().all(|(_, said)| said == first) {
            self.errors.add(path, "invalid_value", first.as_str());
            return;
        }
        for (signal, said) in &failed {
            self.errors.add(path, "invalid_value", format!("for {}: {said}", signal_name(*signal)));
        }
    }

    /// The settings' place in the document.
    #[must_use]
    pub const fn path(&self) -> &Path {
        &self.path
    }

    /// A field below `at` that is needed with some settings and has no meaning with others.
    pub(crate) fn needed_only_if(&mut self, at: &Path, field: &str, needed: bool, there: bool) {
        if needed && !there {
            self.errors.add(at.key(field), "missing", "must be given with these settings");
        } else if there && !needed {
            self.errors.add(at.key(field), "not_allowed", "has no meaning with these settings");
        }
    }
}

/// One kind of component.
///
/// A filter or processor says by [`stages`](Self::stages) what it does, and is rendered from that for both runtimes; a
/// source or destination renders itself, since the two runtimes differ there. Its module documentation defines what it
/// does to a record; renderings and dry run are held to that by the tests against real collectors.
pub trait Component: Send + Sync {
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

    /// The runtimes on which it can run at all. One that is left out says why in its rendering.
    fn runtimes(&self) -> &'static [Runtime] {
        &[Runtime::Alloy, Runtime::Otelcol]
    }

    /// The least version of each runtime that takes it and makes of it what its documentation says, whatever the
    /// settings; [`Least::UNKNOWN`] where upstream's text is passed on.
    fn least(&self) -> Least;

    /// The same with these settings, where some need more. What is found in the rendering is added by
    /// [`Least::on_otelcol`] and [`Least::on_alloy`].
    fn least_with(&self, settings: &SettingsMap) -> Least {
        let _ = settings;
        self.least()
    }

    /// The lowest stability level of Alloy that it needs, whatever the settings.
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

    /// What depends on the kinds of telemetry that flow through the pipeline: those of them that it handles. Called with
    /// settings that [`check`](Self::check) has nothing against.
    fn check_for(&self, settings: &SettingsMap, signals: &[Signal], findings: &mut Findings) {
        let _ = (settings, signals, findings);
    }

    /// What must not be saved, though it can be rendered: what would stand in Git in the clear, or send records where
    /// nobody takes them. Of a text that somebody committed by hand that is too late to say, and no reason to leave
    /// collectors without their config. Called with settings that [`check`](Self::check) has nothing against.
    fn check_before_save(&self, settings: &SettingsMap, findings: &mut Findings) {
        let _ = (settings, findings);
    }

    /// The addresses that a source listens on. The settings may be as they stand in a document, without defaults.
    fn binds(&self, settings: &SettingsMap) -> Vec<Bind> {
        let _ = settings;
        Vec::new()
    }

    /// The addresses that a destination sends to. The settings may be as they stand in a document, without defaults.
    fn targets(&self, settings: &SettingsMap) -> Vec<Target> {
        settings.get("endpoint").and_then(Value::as_str).and_then(Target::parse).into_iter().collect()
    }

    /// The files that a source reads, where the settings name them. The settings may be as they stand in a document, without
    /// defaults.
    fn reads(&self, settings: &SettingsMap) -> Option<Files> {
        let _ = settings;
        None
    }

    /// The file that a destination writes, and others that it makes of it by rotation. The settings may be as they stand in
    /// a document, without defaults.
    fn writes(&self, settings: &SettingsMap) -> Vec<String> {
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

    /// The settings that may render to such components, when they are more easily read back than found by trying (see
    /// [`import`](crate::import)); `None` has them found so. Each is rendered, and only one that renders as was found
    /// counts. `found` is a list of `{type, config}` in the runtime's language, blocks of Alloy as lists of mappings.
    fn recognise(&self, found: &Value) -> Option<Vec<SettingsMap>> {
        let _ = found;
        None
    }

    /// Whether it may set attributes that are mappings or lists, though it could set what is in them as attributes of their
    /// own (by a setting `flatten`).
    fn nests(&self, settings: &SettingsMap) -> bool {
        let _ = settings;
        false
    }

    /// What it does to attributes of the first level only, where who uses it may think that it reaches nested ones.
    fn leaves_nested(&self, settings: &SettingsMap) -> Option<&'static str> {
        let _ = settings;
        None
    }

    /// What a filter or processor does with records of these signals: upstream processors that both runtimes have, one
    /// behind the other. Of a source, what it does behind its receiver, where that is the same on both.
    ///
    /// # Errors
    /// When it cannot be said in such processors; then it renders itself.
    fn stages(&self, settings: &SettingsMap, signals: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let _ = (settings, signals);
        Err(Unsupported::new("", "is not made of processors that both runtimes have"))
    }

    /// The component in an otelcol config.
    ///
    /// # Errors
    /// When it cannot run there with these settings.
    fn otelcol(&self, settings: &SettingsMap, site: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        OtelcolPart::of_stages(&self.stages(settings, site.signals)?)
    }

    /// The component in an Alloy config.
    ///
    /// # Errors
    /// When it cannot run there with these settings.
    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let stages = self.stages(settings, &site.outputs.signals())?;
        match stages.iter().find_map(|stage| stage.alloy_lacks()) {
            Some(reason) => Err(Unsupported::new("", reason)),
            None => Ok(AlloyPart::of_stages(&stages, site)),
        }
    }
}

/// Settings as the component's own type. They satisfy the schema when this is called, so that a failure is a mistake of
/// the component; it is reported like any other reason not to render.
///
/// # Errors
/// Such a mistake.
pub(crate) fn read<T: DeserializeOwned>(settings: &SettingsMap) -> Result<T, Unsupported> {
    T::deserialize(settings).map_err(|error| Unsupported::new("", format!("the settings cannot be read: {error}")))
}
