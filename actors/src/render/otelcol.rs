//! The otelcol config: all pipelines of a collector in one YAML document.
//!
//! A service pipeline per signal: `[memory_limiter, filter/<p>.in, <steps that handle the signal>, filter/<p>.out]`. A
//! source with processors of its own gets a service pipeline of its own through the same steps, so that those
//! processors touch no other source's records; meters have the same names in both and so count together. A source that
//! binds an address is shared by pipelines, its processors are not: each pipeline has them under its own name.

use std::collections::BTreeMap;

use linkmesh_proto::{
    DestinationId, Slug,
    api::{collector::Runtime, pipeline::Signal},
};

use super::{
    RenderError, names,
    names::End,
    size::{MAX_TEXT, too_large},
    yaml::Yaml,
};
use crate::{
    component::{ALL_SIGNALS, OtelcolPart, OtelcolSite, Unsupported, signal_name},
    domain::{
        components::{ComponentClass, Dialect},
        resolve::{Resolved, ResolvedConfig, ResolvedPipeline, ResolvedStep},
    },
    stage::Stage as _,
};

/// What a document begins with, for a person who finds it on a host.
const HEADER: &str = "# Rendered by LinkMesh. Edit the pipelines there: changes made here are overwritten.\n";

/// Renders the components of one part, or says why that is not possible.
pub(crate) fn part(part: &Resolved, name: &str, signals: &[Signal]) -> Result<OtelcolPart, RenderError> {
    part.registered
        .component()
        .otelcol(&part.settings, &OtelcolSite { name, signals })
        .map_err(|unsupported| unsupported_error(part, Runtime::Otelcol, &unsupported))
}

pub(super) fn unsupported_error(part: &Resolved, runtime: Runtime, unsupported: &Unsupported) -> RenderError {
    let (document, path) = &part.origin;
    let field = if unsupported.field.is_empty() { path.clone() } else { path.key(unsupported.field) };
    RenderError::Unsupported {
        document: document.clone(),
        field: field.to_string(),
        runtime,
        reason: unsupported.reason.clone(),
    }
}

#[derive(Default)]
struct Document {
    receivers: BTreeMap<String, Yaml>,
    processors: BTreeMap<String, Yaml>,
    exporters: BTreeMap<String, Yaml>,
    extensions: BTreeMap<String, Yaml>,
    connectors: BTreeMap<String, Yaml>,
    pipelines: BTreeMap<String, Yaml>,
}

impl Document {
    /// What stands behind a pipeline's last meter, by signal: its destinations, and in the place of those that get a
    /// part only the connector to them.
    fn add_branches(
        &mut self,
        pipeline: &ResolvedPipeline,
        exporters: &BTreeMap<&DestinationId, String>,
        dialect: Dialect,
    ) -> BTreeMap<Signal, Vec<String>> {
        let forward = names::otelcol_forward(&pipeline.id);
        let mut sent: BTreeMap<Signal, Vec<String>> = BTreeMap::new();
        for signal in pipeline.signals.iter().copied() {
            let behind = sent.entry(signal).or_default();
            for destination in pipeline.takers(signal) {
                let Some(exporter) = exporters.get(&destination.id).cloned() else { continue };
                let Some(filter) = destination.filter() else {
                    behind.push(exporter);
                    continue;
                };
                let name = names::otelcol_branch(&pipeline.id, &destination.id);
                let (kind, settings) = filter.otelcol();
                let processors = self.keep_processors(vec![(kind.to_owned(), settings)], &name, dialect);
                let service = service_pipeline(vec![forward.clone()], processors, vec![exporter]);
                self.pipelines.insert(names::otelcol_component(signal_name(signal), &name), service);
                self.connectors.insert(forward.clone(), Yaml::Map(Vec::new()));
                if !behind.contains(&forward) {
                    behind.push(forward.clone());
                }
            }
        }
        sent
    }

    /// The extensions that a part refers to.
    fn keep_extensions(&mut self, config: &ResolvedConfig, part: &OtelcolPart, name: &str) {
        for (kind, settings) in &part.extensions {
            self.extensions.insert(names::otelcol_component(kind, name), settings.clone());
        }
        if part.storage {
            let directory = format!("{}/linkmesh", config.otelcol_state_directory.trim_end_matches('/'));
            let settings = Yaml::map([("directory", Yaml::text(directory)), ("create_directory", Yaml::Bool(true))]);
            self.extensions.insert(names::STORAGE.to_owned(), settings);
        }
    }

    /// The processors of a step, in order; their names. The last one has the step's, so that what leaves it is counted
    /// as what leaves the step.
    fn keep_processors(&mut self, processors: Vec<(String, Yaml)>, step: &str, dialect: Dialect) -> Vec<String> {
        let last = processors.len();
        let keep = |(number, (kind, settings)): (usize, (String, Yaml))| {
            let part = if number == last { step.to_owned() } else { names::otelcol_part(step, number) };
            let name = names::otelcol_component(dialect.name(ComponentClass::Processors, &kind), &part);
            self.processors.insert(name.clone(), settings);
            name
        };
        (1..).zip(processors).map(keep).collect()
    }
}

/// Writes the document; `hide` puts `[sealed]` in the place of secrets.
pub(super) fn write(config: &ResolvedConfig, dialect: Dialect, hide: bool) -> Result<String, RenderError> {
    let document = if config.pipelines.is_empty() { idle() } else { document(config, dialect)? };
    let section = |entries: BTreeMap<String, Yaml>| Yaml::Map(entries.into_iter().collect());
    let extensions: Vec<Yaml> = document.extensions.keys().map(Yaml::word).collect();
    let mut root = vec![("receivers".to_owned(), section(document.receivers))];
    if !document.processors.is_empty() {
        root.push(("processors".to_owned(), section(document.processors)));
    }
    root.push(("exporters".to_owned(), section(document.exporters)));
    if !document.connectors.is_empty() {
        root.push(("connectors".to_owned(), section(document.connectors)));
    }
    let mut service = Vec::new();
    if !extensions.is_empty() {
        root.push(("extensions".to_owned(), section(document.extensions)));
        service.push(("extensions".to_owned(), Yaml::Seq(extensions)));
    }
    service.push(("pipelines".to_owned(), section(document.pipelines)));
    root.push(("service".to_owned(), Yaml::Map(service)));
    let text = Yaml::Map(root).write_within(hide, MAX_TEXT).ok_or_else(|| too_large(config))?;
    Ok(format!("{HEADER}{text}"))
}

/// The document of a collector without pipelines: otelcol refuses an empty one.
fn idle() -> Document {
    let nop = || BTreeMap::from([("nop".to_owned(), Yaml::Map(Vec::new()))]);
    let pipeline = service_pipeline(vec!["nop".to_owned()], Vec::new(), vec!["nop".to_owned()]);
    Document {
        receivers: nop(),
        exporters: nop(),
        pipelines: BTreeMap::from([("logs/nop".to_owned(), pipeline)]),
        ..Document::default()
    }
}

fn service_pipeline(receivers: Vec<String>, processors: Vec<String>, exporters: Vec<String>) -> Yaml {
    let words = |names: Vec<String>| Yaml::Seq(names.into_iter().map(Yaml::Word).collect());
    let mut entries = vec![("receivers".to_owned(), words(receivers))];
    if !processors.is_empty() {
        entries.push(("processors".to_owned(), words(processors)));
    }
    entries.push(("exporters".to_owned(), words(exporters)));
    Yaml::Map(entries)
}

fn document(config: &ResolvedConfig, dialect: Dialect) -> Result<Document, RenderError> {
    let mut document = Document::default();
    let limiter = &config.memory_limiter;
    let spike = u64::from(limiter.limit_mib) * u64::from(limiter.spike_limit_percent) / 100;
    document.processors.insert(
        names::MEMORY_LIMITER.to_owned(),
        Yaml::map([
            ("check_interval", Yaml::text(format!("{}s", limiter.check_interval_s))),
            ("limit_mib", Yaml::Int(i64::from(limiter.limit_mib))),
            ("spike_limit_mib", Yaml::Int(i64::try_from(spike).unwrap_or(i64::MAX))),
        ]),
    );
    let mut shared = BTreeMap::new();
    for (key, source) in &config.sources {
        let signals: Vec<Signal> = source.users.iter().flat_map(|(_, signals)| signals.iter().copied()).collect();
        let part = part(&source.part, &source.name, &signals)?;
        let name = names::otelcol_component(dialect.name(ComponentClass::Receivers, &part.kind), &source.name);
        document.keep_extensions(config, &part, &source.name);
        document.receivers.insert(name.clone(), part.config);
        shared.insert(key, (name, part.processors));
    }
    let mut exporters = BTreeMap::new();
    for (id, destination) in &config.destinations {
        let part = part(destination, id.as_str(), ALL_SIGNALS)?;
        let name = names::otelcol_component(dialect.name(ComponentClass::Exporters, &part.kind), id.as_str());
        document.keep_extensions(config, &part, id.as_str());
        document.exporters.insert(name.clone(), part.config);
        exporters.insert(id, name);
    }
    for pipeline in &config.pipelines {
        let receivers: Vec<Received<'_>> = config
            .sources
            .iter()
            .filter_map(|(key, source)| {
                let (_, signals) = source.users.iter().find(|(user, _)| *user == pipeline.id)?;
                let (receiver, processors) = shared.get(key)?.clone();
                Some(Received { step: source.steps.get(&pipeline.id)?, signals, receiver, processors })
            })
            .collect();
        let sent = document.add_branches(pipeline, &exporters, dialect);
        add_pipeline(&mut document, config, pipeline, receivers, &sent, dialect)?;
    }
    Ok(document)
}

/// A receiver as a pipeline has it.
struct Received<'a> {
    step: &'a Slug,
    signals: &'a [Signal],
    receiver: String,
    processors: Vec<(String, Yaml)>,
}

fn add_pipeline(
    document: &mut Document,
    config: &ResolvedConfig,
    pipeline: &ResolvedPipeline,
    shared: Vec<Received<'_>>,
    sent: &BTreeMap<Signal, Vec<String>>,
    dialect: Dialect,
) -> Result<(), RenderError> {
    let id = &pipeline.id;
    let ends = [End::In, End::Out].map(|end| names::otelcol_meter(id, end));
    for meter in &ends {
        // Without conditions: it drops nothing and only counts. `error_mode` keeps every version's default out.
        document.processors.insert(meter.clone(), Yaml::map([("error_mode", Yaml::word("ignore"))]));
    }
    let [first, last] = ends;
    let mut steps: Vec<(&ResolvedStep, Vec<String>)> = Vec::new();
    for step in &pipeline.steps {
        let name = names::otelcol_step(id, &step.id);
        let part = part(&step.part, &name, &step.signals)?;
        document.keep_extensions(config, &part, &name);
        let processors = std::iter::once((part.kind, part.config)).chain(part.processors).collect();
        steps.push((step, document.keep_processors(processors, &name, dialect)));
    }
    let mut received = shared;
    for source in &pipeline.sources {
        let name = names::otelcol_step(id, &source.id);
        let part = part(&source.part, &name, &source.signals)?;
        document.keep_extensions(config, &part, &name);
        let receiver = names::otelcol_component(dialect.name(ComponentClass::Receivers, &part.kind), &name);
        document.receivers.insert(receiver.clone(), part.config);
        let (step, signals) = (&source.id, source.signals.as_slice());
        received.push(Received { step, signals, receiver, processors: part.processors });
    }
    // Receivers that share the chain, and those with processors of their own in front of it.
    let (plain, separate): (Vec<_>, Vec<_>) = received.into_iter().partition(|source| source.processors.is_empty());
    let mut own = Vec::new();
    for source in separate {
        let names = document.keep_processors(source.processors, &names::otelcol_step(id, source.step), dialect);
        own.push((source.step, source.signals, source.receiver, names));
    }
    for signal in pipeline.signals.iter().copied() {
        let exporters = sent.get(&signal).cloned().unwrap_or_default();
        let chain = |own: Vec<String>| {
            let handling = steps.iter().filter(|(step, _)| step.signals.contains(&signal));
            let handling = handling.flat_map(|(_, names)| names.iter().cloned());
            let mut chain = vec![names::MEMORY_LIMITER.to_owned()];
            chain.extend(own);
            chain.push(first.clone());
            chain.extend(handling);
            chain.push(last.clone());
            chain
        };
        let receivers: Vec<String> = plain
            .iter()
            .filter(|source| source.signals.contains(&signal))
            .map(|source| source.receiver.clone())
            .collect();
        if !receivers.is_empty() && !exporters.is_empty() {
            let name = names::otelcol_pipeline(signal_name(signal), id, None);
            document.pipelines.insert(name, service_pipeline(receivers, chain(Vec::new()), exporters.clone()));
        }
        for (step, _, receiver, own) in own.iter().filter(|(_, signals, ..)| signals.contains(&signal)) {
            if !exporters.is_empty() {
                let name = names::otelcol_pipeline(signal_name(signal), id, Some(step));
                let pipeline = service_pipeline(vec![receiver.clone()], chain(own.clone()), exporters.clone());
                document.pipelines.insert(name, pipeline);
            }
        }
    }
    Ok(())
}
