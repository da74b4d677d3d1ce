//! From documents to the resolved config that both renderers see, and nothing else: kinds looked up, defaults filled in,
//! secrets opened, what pipelines share found.

use std::collections::{BTreeMap, BTreeSet};

use linkmesh_proto::{
    DestinationId, PipelineId, Slug,
    api::{
        catalogue::Role,
        collector::Runtime,
        destination::DestinationDocument,
        pipeline::{PipelineDocument, Signal},
        problem::FieldProblem,
    },
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    config::{ConfigSnapshot, Versioned},
    document::{DocumentPath, MemoryLimiter},
    prepare::{self, Part},
    problem::{Path, Problems},
    secret::{self, Reference, SealError, Sealer},
};
use crate::{
    catalog::Registered,
    component::{Bind, SettingsMap, schema},
    render::{names::RESERVED_STEPS, text::Text},
    stage::filter::Filter,
};

/// Why a set of pipelines cannot be rendered. The collector keeps what it has.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RenderError {
    /// The repository holds no such pipeline.
    #[error("there is no pipeline {0}")]
    UnknownPipeline(PipelineId),
    /// A pipeline sends to a destination that the repository does not hold.
    #[error("pipeline {pipeline} sends to {destination}, which does not exist")]
    UnknownDestination {
        /// The pipeline.
        pipeline: PipelineId,
        /// The destination that is missing.
        destination: DestinationId,
    },
    /// A document is not valid, which a save does not let through but a hand-made commit does.
    #[error("{document} is not valid: {}", problems.first().map_or_else(String::new, |p| format!("{}: {}", p.field, p.message)))]
    Invalid {
        /// Path of the document in the repository.
        document: String,
        /// What is wrong.
        problems: Vec<FieldProblem>,
    },
    /// A part of a document cannot run on this runtime.
    #[error("{field} of {document} cannot run here: {reason}")]
    Unsupported {
        /// Path of the document in the repository.
        document: String,
        /// Path of the field in it.
        field: String,
        /// The runtime.
        runtime: Runtime,
        /// Why.
        reason: String,
    },
    /// Two pipelines of the set want one address with different settings.
    #[error("pipelines {first} and {second} both listen on {address} with different settings")]
    AddressConflict {
        /// One pipeline.
        first: PipelineId,
        /// The other.
        second: PipelineId,
        /// The address.
        address: String,
    },
    /// The text would be larger than a collector is given, see [`MAX_TEXT`](crate::render::MAX_TEXT).
    #[error("the text would be larger than {} MiB; the largest document in it is {document}", crate::render::MAX_TEXT >> 20)]
    TooLarge {
        /// Path of the document in the repository that most of it comes from.
        document: String,
    },
    /// A sealed value cannot be opened.
    #[error("a secret of {document} cannot be opened")]
    Secret {
        /// Path of the document in the repository.
        document: String,
        /// Why.
        #[source]
        source: SealError,
    },
}

/// A component with the settings that it is rendered with.
#[derive(Clone)]
pub struct Resolved {
    /// What it is.
    pub registered: &'static Registered,
    /// Defaults filled in, secrets opened.
    pub settings: SettingsMap,
    /// Where its settings stand: path of the document and path in it.
    pub origin: (String, Path),
}

/// A step of a pipeline.
#[derive(Clone)]
pub struct ResolvedStep {
    /// Its id.
    pub id: Slug,
    /// What it is.
    pub part: Resolved,
    /// The signals of the pipeline that it handles, in order.
    pub signals: Vec<Signal>,
}

/// A pipeline without its shared sources.
#[derive(Clone)]
pub struct ResolvedPipeline {
    /// Its id.
    pub id: PipelineId,
    /// The signals that flow through it, in order.
    pub signals: Vec<Signal>,
    /// Sources inside the pipeline.
    pub sources: Vec<ResolvedStep>,
    /// Filters, then processors.
    pub steps: Vec<ResolvedStep>,
    /// Where its records go.
    pub destinations: Vec<ResolvedDestination>,
}

impl ResolvedPipeline {
    /// The destinations that take a signal.
    pub fn takers(&self, signal: Signal) -> impl Iterator<Item = &ResolvedDestination> {
        self.destinations.iter().filter(move |destination| destination.signals.contains(&signal))
    }
}

/// A destination of a pipeline.
#[derive(Clone)]
pub struct ResolvedDestination {
    /// Which.
    pub id: DestinationId,
    /// The signals of the pipeline that it takes, in order.
    pub signals: Vec<Signal>,
    /// What a record has to fulfil to go there, in OTTL.
    pub when: Option<String>,
}

impl ResolvedDestination {
    /// The filter in front of it, when not everything goes there.
    #[must_use]
    pub fn filter(&self) -> Option<Filter> {
        let when = self.when.as_ref()?;
        Some(Filter::records(&self.signals, &format!("not ({when})")))
    }
}

/// A source that binds addresses, shared by the pipelines that want it with the same settings.
#[derive(Clone)]
pub struct SharedSource {
    /// The name of its first address: `4317`, `127-0-0-1-4317`.
    pub name: String,
    /// What it is.
    pub part: Resolved,
    /// Who wants it, and for which signals.
    pub users: Vec<(PipelineId, Vec<Signal>)>,
    /// By which id each of them has it.
    pub steps: BTreeMap<PipelineId, Slug>,
    binds: Vec<Bind>,
}

/// All that one collector runs.
#[derive(Clone, Default)]
pub struct ResolvedConfig {
    /// Pipelines by id.
    pub pipelines: Vec<ResolvedPipeline>,
    /// Sources at the collector's level, by name.
    pub sources: BTreeMap<String, SharedSource>,
    /// Destinations in use.
    pub destinations: BTreeMap<DestinationId, Resolved>,
    /// The memory limiter.
    pub memory_limiter: MemoryLimiter,
    /// Where otelcol keeps state.
    pub otelcol_state_directory: String,
    /// The secrets that were opened.
    pub secrets: BTreeSet<String>,
}

/// Resolves a set of pipelines, in the order of their ids.
///
/// # Errors
/// See [`RenderError`].
pub fn resolve(
    config: &ConfigSnapshot,
    pipelines: &[PipelineId],
    sealer: &dyn Sealer,
) -> Result<ResolvedConfig, RenderError> {
    let mut resolved = ResolvedConfig {
        memory_limiter: config.settings.memory_limiter.clone(),
        otelcol_state_directory: config.settings.otelcol_state_directory.clone(),
        ..ResolvedConfig::default()
    };
    for id in pipelines.iter().collect::<BTreeSet<_>>() {
        let document = config.pipelines.get(id).ok_or_else(|| RenderError::UnknownPipeline(id.clone()))?;
        resolve_pipeline(&mut resolved, config, id, document, sealer)?;
    }
    Ok(resolved)
}

/// Opens the secrets of a part.
fn open_part(
    resolved: &mut ResolvedConfig,
    document: &DocumentPath,
    part: &Part,
    sealer: &dyn Sealer,
) -> Result<Resolved, RenderError> {
    let settings = open(part.registered, &part.settings, sealer, &mut resolved.secrets)
        .map_err(|source| RenderError::Secret { document: document.to_string(), source })?;
    Ok(Resolved { registered: part.registered, settings, origin: (document.to_string(), part.at.clone()) })
}

fn open(
    registered: &Registered,
    settings: &SettingsMap,
    sealer: &dyn Sealer,
    secrets: &mut BTreeSet<String>,
) -> Result<SettingsMap, SealError> {
    let mut opened = settings.clone();
    schema::for_each_secret(registered.schema(), &mut opened, &mut |_: &[String], value: &mut Value| {
        let text = match value.as_str() {
            Some(text) => match secret::reference(text) {
                Reference::Env { prefix, name } => Text::Env { prefix, name },
                Reference::None | Reference::Malformed => Text::Secret(text.to_owned()),
            },
            None => {
                let blob = value.get("sealed").and_then(Value::as_str).ok_or(SealError::Malformed)?;
                Text::Secret(sealer.open(blob)?)
            }
        };
        if let Text::Secret(text) = &text {
            secrets.insert(text.clone());
        }
        *value = text.to_setting();
        Ok(())
    })?;
    Ok(opened)
}

/// Settings as they would be resolved, with a placeholder for every secret: for checks, which need no key.
#[must_use]
pub fn unopened(registered: &Registered, settings: &SettingsMap) -> SettingsMap {
    let mut filled = schema::with_defaults(registered.schema(), settings);
    let visited: Result<(), std::convert::Infallible> =
        schema::for_each_secret(registered.schema(), &mut filled, &mut |_: &[String], value: &mut Value| {
            let text = match value.as_str().map(secret::reference) {
                Some(Reference::Env { prefix, name }) => Text::Env { prefix, name },
                _ => Text::Secret(String::new()),
            };
            *value = text.to_setting();
            Ok(())
        });
    match visited {
        Ok(()) => filled,
        Err(never) => match never {},
    }
}

/// Checks that the ids of steps make distinct component names: none twice, and no filter or processor named like a meter.
///
/// # Errors
/// Every id that would not.
pub fn check_ids(document: &PipelineDocument) -> Result<(), Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let mut ids: BTreeMap<&Slug, Path> = BTreeMap::new();
    let lists = [
        (false, "sources", &document.sources),
        (true, "filters", &document.filters),
        (true, "processors", &document.processors),
    ];
    for (counted, list, steps) in lists {
        for (index, step) in steps.iter().enumerate() {
            let at = Path::root().key(list).index(index);
            if counted && RESERVED_STEPS.contains(&step.id.as_str()) {
                problems.add(at.key("id"), "reserved", "`in` and `out` are the pipeline's own meters");
            }
            match ids.get(&step.id) {
                Some(earlier) => problems.add(at.key("id"), "duplicate", format!("{earlier} has the same id")),
                None => {
                    ids.insert(&step.id, at);
                }
            }
        }
    }
    problems.or(())
}

fn resolve_pipeline(
    resolved: &mut ResolvedConfig,
    config: &ConfigSnapshot,
    id: &PipelineId,
    stored: &Versioned<PipelineDocument>,
    sealer: &dyn Sealer,
) -> Result<(), RenderError> {
    let path = DocumentPath::Pipeline(id.clone());
    let prepared = stored.prepared(prepare::pipeline);
    let prepared = prepared.as_ref().as_ref().map_err(|problems| invalid(&path, problems))?;
    let mut pipeline = ResolvedPipeline {
        id: id.clone(),
        signals: prepared.signals.clone(),
        sources: Vec::new(),
        steps: Vec::new(),
        destinations: Vec::new(),
    };
    for prepare::Step { id: step, part, signals } in &prepared.steps {
        let part = open_part(resolved, &path, part, sealer)?;
        let as_step = |part| ResolvedStep { id: step.clone(), part, signals: signals.clone() };
        if part.registered.role() != Role::Source {
            pipeline.steps.push(as_step(part));
            continue;
        }
        let binds = part.registered.component().binds(&part.settings);
        match bind_name(&binds) {
            Some(name) => {
                let users = vec![(id.clone(), signals.clone())];
                let steps = BTreeMap::from([(id.clone(), step.clone())]);
                share(resolved, id, SharedSource { name, part, users, steps, binds })?;
            }
            None => pipeline.sources.push(as_step(part)),
        }
    }
    for destination in &stored.document.destinations {
        if pipeline.destinations.iter().any(|known| known.id == *destination.id()) {
            continue;
        }
        let part = resolve_destination(resolved, config, id, destination.id(), sealer)?;
        let able = part.registered.component().signals_with(&part.settings);
        pipeline.destinations.push(ResolvedDestination {
            id: destination.id().clone(),
            signals: prepared.signals.iter().copied().filter(|signal| able.contains(signal)).collect(),
            when: destination.when().map(str::to_owned),
        });
    }
    resolved.pipelines.push(pipeline);
    Ok(())
}

fn invalid(document: &DocumentPath, problems: &[FieldProblem]) -> RenderError {
    RenderError::Invalid { document: document.to_string(), problems: problems.to_vec() }
}

fn resolve_destination(
    resolved: &mut ResolvedConfig,
    config: &ConfigSnapshot,
    pipeline: &PipelineId,
    id: &DestinationId,
    sealer: &dyn Sealer,
) -> Result<Resolved, RenderError> {
    if let Some(known) = resolved.destinations.get(id) {
        return Ok(known.clone());
    }
    let unknown = || RenderError::UnknownDestination { pipeline: pipeline.clone(), destination: id.clone() };
    let stored: &Versioned<DestinationDocument> = config.destinations.get(id).ok_or_else(unknown)?;
    let path = DocumentPath::Destination(id.clone());
    let prepared = stored.prepared(prepare::destination);
    let prepared = prepared.as_ref().as_ref().map_err(|problems| invalid(&path, problems))?;
    let part = open_part(resolved, &path, prepared, sealer)?;
    resolved.destinations.insert(id.clone(), part.clone());
    Ok(part)
}

/// Adds a source that binds addresses: to the one that is there with the same settings, or as a new one.
fn share(resolved: &mut ResolvedConfig, pipeline: &PipelineId, source: SharedSource) -> Result<(), RenderError> {
    for known in resolved.sources.values_mut() {
        if same(&known.part, &source.part) {
            for (user, signals) in source.users {
                match known.users.iter_mut().find(|(known, _)| *known == user) {
                    Some((_, known)) => {
                        known.extend(signals);
                        known.sort_unstable();
                        known.dedup();
                    }
                    None => known.users.push((user, signals)),
                }
            }
            for (user, step) in source.steps {
                known.steps.entry(user).or_insert(step);
            }
            return Ok(());
        }
        if let Some(address) = collision(&known.binds, &source.binds) {
            return Err(RenderError::AddressConflict {
                first: known.users.first().map_or_else(|| pipeline.clone(), |(user, _)| user.clone()),
                second: pipeline.clone(),
                address,
            });
        }
    }
    resolved.sources.insert(source.name.clone(), source);
    Ok(())
}

/// Whether two sources are one receiver: the same kind with the same settings.
fn same(one: &Resolved, other: &Resolved) -> bool {
    one.registered.kind() == other.registered.kind() && one.settings == other.settings
}

/// The first address that both sets want: `0.0.0.0:p` collides with every `ip:p`.
#[must_use]
pub fn collision(one: &[Bind], other: &[Bind]) -> Option<String> {
    let meets = |a: &Bind, b: &Bind| {
        let (host, other) = (one_address(&a.host), one_address(&b.host));
        a.port == b.port && a.protocol == b.protocol && (host.is_none() || other.is_none() || host == other)
    };
    one.iter()
        .find_map(|a| other.iter().find(|b| meets(a, b)).map(|b| if one_address(&a.host).is_none() { a } else { b }))
        .map(|bind| {
            let host = if bind.host.is_empty() { "0.0.0.0" } else { &bind.host };
            if host.contains(':') { format!("[{host}]:{}", bind.port) } else { format!("{host}:{}", bind.port) }
        })
}

/// The host in a form that can be compared; `None` is every address.
#[must_use]
pub fn one_address(host: &str) -> Option<String> {
    match host {
        "" | "0.0.0.0" | "::" => None,
        "localhost" | "::1" => Some("127.0.0.1".to_owned()),
        other => Some(other.to_ascii_lowercase()),
    }
}

/// The name of a source, from the first address that it binds: two sources on a collector never share an address, and
/// a name made of it stays when another setting changes.
fn bind_name(binds: &[Bind]) -> Option<String> {
    let bind = binds.first()?;
    // The ports of TCP and UDP are apart, and a source at one may stand beside a source at the other.
    let port = if bind.protocol == "udp" { format!("{}-udp", bind.port) } else { bind.port.to_string() };
    Some(match one_address(&bind.host) {
        None => port,
        Some(host) if host.parse::<std::net::Ipv4Addr>().is_ok() => format!("{}-{port}", host.replace('.', "-")),
        Some(host) => {
            let digest = Sha256::digest(host.as_bytes());
            format!("{port}-{}", digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>())
        }
    })
}
