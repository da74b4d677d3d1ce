//! What LinkMesh rendered gives the same pipeline back.

use std::sync::Arc;

use linkmesh_ottl::run::IsOver;
use linkmesh_proto::{
    DestinationId, PipelineId,
    api::{
        catalogue::Role,
        collector::Runtime,
        destination::DestinationDocument,
        pipeline::{ConditionalDestination, DestinationRef, Import, PipelineDocument, Signal, Step},
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    catalog::{Registered, catalogue},
    component::{ALL_SIGNALS, SettingsMap, schema},
    domain::{
        config::{ConfigSnapshot, Versioned},
        secret::insecure::InsecureSealer,
    },
    import::{defaults::complete, read, tests::import_alone, tree::Tree},
    render::{RenderTarget, render},
};

/// Kinds whose examples are not recognised, with the reason; to become empty.
const NOT_YET: &[(Role, &str, Runtime, &str)] = &[];

const RUNTIMES: [Runtime; 2] = [Runtime::Otelcol, Runtime::Alloy];

/// Pipelines and destinations.
#[derive(Debug, Clone, Default)]
struct Documents {
    pipelines: Vec<(PipelineId, PipelineDocument)>,
    destinations: Vec<(DestinationId, DestinationDocument)>,
}

impl Documents {
    fn of(import: &Import) -> Self {
        let pipelines = import.pipelines.iter().map(|p| (p.id.clone().unwrap(), p.document.clone())).collect();
        let destinations = import.destinations.iter().map(|d| (d.id.clone().unwrap(), d.document.clone())).collect();
        Self { pipelines, destinations }
    }

    fn render(&self, runtime: Runtime) -> Option<String> {
        let mut config = ConfigSnapshot::default();
        for (id, document) in &self.pipelines {
            config.pipelines.insert(id.clone(), Arc::new(Versioned::unsaved(document.clone())));
        }
        for (id, document) in &self.destinations {
            config.destinations.insert(id.clone(), Arc::new(Versioned::unsaved(document.clone())));
        }
        let ids: Vec<PipelineId> = config.pipelines.keys().cloned().collect();
        let rendered = render(&config, &ids, &RenderTarget::plain(runtime), &InsecureSealer::default());
        rendered.ok().map(|rendered| rendered.text.to_string())
    }
}

/// What a text means: its components with the collector's defaults, and the chains through them.
fn meaning(runtime: Runtime, text: &str) -> Vec<String> {
    let config = read(runtime, text, &IsOver::NEVER).unwrap();
    let path = |index: &usize| config.found[*index].path.clone();
    let paths = |indexes: &[usize]| indexes.iter().map(path).collect::<Vec<_>>();
    let mut said: Vec<String> = config
        .found
        .iter()
        .map(|found| {
            let settings = complete(runtime, found.class, &found.kind, found.config.clone());
            format!("{}: {:?}", found.path, sorted(settings))
        })
        .collect();
    said.extend(config.chains.iter().map(|chain| {
        let outs: Vec<_> = chain.outs.iter().map(|out| (paths(&out.via), path(&out.to))).collect();
        format!("{:?} {:?} {:?} {outs:?}", chain.signal, paths(&chain.sources), paths(&chain.steps))
    }));
    said.sort();
    said
}

fn sorted(tree: Tree) -> Tree {
    match tree {
        Tree::Map(mut entries) => {
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Tree::Map(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Tree::List(items) => Tree::List(items.into_iter().map(sorted).collect()),
        Tree::Null => Tree::Map(Vec::new()),
        other => other,
    }
}

/// Whether two texts mean the same; they are the same when nothing in them was a raw text.
fn is_same(runtime: Runtime, given: &Documents, back: &Documents) -> bool {
    let (Some(text), Some(other)) = (given.render(runtime), back.render(runtime)) else { return false };
    let has_raw = given
        .pipelines
        .iter()
        .any(|(_, p)| p.sources.iter().chain(&p.filters).chain(&p.processors).any(|step| step.kind == "raw"))
        || given.destinations.iter().any(|(_, destination)| destination.kind == "raw");
    if has_raw { meaning(runtime, &text) == meaning(runtime, &other) } else { text == other }
}

fn step(id: &str, kind: &str, settings: &Value) -> Step {
    Step { id: id.parse().unwrap(), kind: kind.to_owned(), name: None, settings: settings.as_object().unwrap().clone() }
}

fn destination(kind: &str, settings: &Value) -> DestinationDocument {
    DestinationDocument {
        version: 1,
        name: kind.to_owned(),
        description: String::new(),
        kind: kind.to_owned(),
        settings: settings.as_object().unwrap().clone(),
    }
}

fn pipeline(signals: &[Signal], source: Step) -> PipelineDocument {
    PipelineDocument {
        version: 1,
        name: "Shop".to_owned(),
        description: "What the shop says".to_owned(),
        enabled: true,
        signals: signals.to_vec(),
        matchers: Vec::new(),
        sources: vec![source],
        filters: Vec::new(),
        processors: Vec::new(),
        destinations: vec![DestinationRef::Id("screen".parse().unwrap())],
    }
}

fn otlp() -> Step {
    step("apps", "otlp", &json!({ "grpc": { "endpoint": "0.0.0.0:4317" } }))
}

fn screen() -> (DestinationId, DestinationDocument) {
    ("screen".parse().unwrap(), destination("debug", &json!({})))
}

/// A pipeline with one example in it.
fn with_example(registered: &Registered, settings: &Value) -> Documents {
    let filled = schema::with_defaults(registered.schema(), settings.as_object().unwrap());
    let signals = registered.component().signals_with(&filled);
    let it = step("it", registered.kind(), settings);
    let mut destinations = vec![screen()];
    let document = match registered.role() {
        Role::Source => pipeline(&signals, it),
        Role::Filter => PipelineDocument { filters: vec![it], ..pipeline(ALL_SIGNALS, otlp()) },
        Role::Processor => PipelineDocument { processors: vec![it], ..pipeline(ALL_SIGNALS, otlp()) },
        Role::Destination => {
            destinations = vec![("screen".parse().unwrap(), destination(registered.kind(), settings))];
            pipeline(&signals, otlp())
        }
    };
    Documents { pipelines: vec![("shop".parse().unwrap(), document)], destinations }
}

/// A part that a document holds: its kind and its settings with defaults.
fn part(documents: &Documents, role: Role) -> Vec<(String, SettingsMap)> {
    let filled = |kind: &str, settings: &SettingsMap| {
        let registered = catalogue().get(role, kind).unwrap();
        (kind.to_owned(), schema::with_defaults(registered.schema(), settings))
    };
    let (_, pipeline) = documents.pipelines.first().unwrap();
    match role {
        Role::Source => pipeline.sources.iter().map(|step| filled(&step.kind, &step.settings)).collect(),
        Role::Filter => pipeline.filters.iter().map(|step| filled(&step.kind, &step.settings)).collect(),
        Role::Processor => pipeline.processors.iter().map(|step| filled(&step.kind, &step.settings)).collect(),
        Role::Destination => documents.destinations.iter().map(|(_, d)| filled(&d.kind, &d.settings)).collect(),
    }
}

#[test]
fn every_example_comes_back() {
    let mut wrong = Vec::new();
    for registered in catalogue().components() {
        let (role, kind) = (registered.role(), registered.kind());
        for (title, settings) in registered.component().examples() {
            for runtime in RUNTIMES {
                let given = with_example(registered, &settings);
                let Some(text) = given.render(runtime) else { continue };
                let back = import_alone(runtime, &text);
                let is_excused = NOT_YET.iter().any(|(r, k, on, _)| (*r, *k, *on) == (role, kind, runtime));
                let mut note =
                    |what: String| wrong.push((is_excused, format!("{role:?} {kind} `{title}` {runtime:?}: {what}")));
                if !back.errors.is_empty() {
                    note(format!("{:?}", back.errors));
                    continue;
                }
                let documents = Documents::of(&back);
                if !is_same(runtime, &given, &documents) {
                    note(format!("renders otherwise: {documents:?}\n{text}\n{:?}", documents.render(runtime)));
                    continue;
                }
                if kind == "raw" {
                    continue;
                }
                if !back.left_over.is_empty() {
                    note(format!("left over: {:?}", back.left_over));
                }
                // What says the same on both runtimes in other words is the same pipeline.
                let says_the_same = || {
                    RUNTIMES.iter().all(|runtime| documents.render(*runtime) == given.render(*runtime))
                        && part(&documents, role).iter().all(|(other, _)| other != "raw")
                };
                if part(&documents, role) != part(&given, role) && !says_the_same() {
                    note(format!("{:?}", part(&documents, role)));
                }
            }
        }
    }
    let (excused, wrong): (Vec<_>, Vec<_>) = wrong.into_iter().partition(|(is_excused, _)| *is_excused);
    assert!(wrong.is_empty(), "{}", wrong.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n\n"));
    for (role, kind, runtime, reason) in NOT_YET {
        let begin = format!("{role:?} {kind} ");
        let is_still =
            excused.iter().any(|(_, text)| text.starts_with(&begin) && text.contains(&format!("{runtime:?}")));
        assert!(is_still, "{role:?} {kind} on {runtime:?} comes back now: take it out of the list ({reason})");
    }
}

/// An example of a role.
fn example(role: Role) -> impl Strategy<Value = (&'static str, Value)> {
    let examples: Vec<(&'static str, Value)> = catalogue()
        .components()
        .iter()
        .filter(|registered| registered.role() == role)
        .flat_map(|registered| registered.component().examples().into_iter().map(|(_, s)| (registered.kind(), s)))
        .collect();
    prop::sample::select(examples)
}

fn steps(role: Role, prefix: &'static str, least: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(example(role), least..4).prop_map(move |examples| {
        let named =
            |(number, (kind, settings)): (usize, (&str, Value))| step(&format!("{prefix}-{number}"), kind, &settings);
        examples.into_iter().enumerate().map(named).collect()
    })
}

fn documents() -> impl Strategy<Value = Documents> {
    let signals = prop::sample::subsequence(ALL_SIGNALS.to_vec(), 1..=3);
    let destinations = prop::collection::vec((example(Role::Destination), prop::option::of("[a-z]{1,5}")), 1..4);
    let parts = (
        signals,
        steps(Role::Source, "from", 1),
        steps(Role::Filter, "filter", 0),
        steps(Role::Processor, "then", 0),
        destinations,
    );
    prop::collection::vec(parts, 1..3).prop_map(|pipelines| {
        let mut documents = Documents::default();
        for (number, (signals, sources, filters, processors, destinations)) in pipelines.into_iter().enumerate() {
            let mut document = pipeline(&signals, otlp());
            (document.sources, document.filters, document.processors) = (sources, filters, processors);
            document.destinations.clear();
            for (index, ((kind, settings), when)) in destinations.into_iter().enumerate() {
                let id: DestinationId = format!("to-{number}-{index}").parse().unwrap();
                documents.destinations.push((id.clone(), destination(kind, &settings)));
                document.destinations.push(match when {
                    None => DestinationRef::Id(id),
                    Some(word) => {
                        let when = format!("attributes[\"a\"] == \"{word}\"");
                        DestinationRef::When(ConditionalDestination { id, when })
                    }
                });
            }
            if let Some(document) = valid(document, &documents) {
                documents.pipelines.push((format!("shop-{number}").parse().unwrap(), document));
            }
        }
        documents
    })
}

/// The pipeline without what validation would not let through: signals that come from nowhere or go nowhere, and parts
/// that handle none of the others.
fn valid(mut document: PipelineDocument, documents: &Documents) -> Option<PipelineDocument> {
    let handled = |role: Role, kind: &str, settings: &SettingsMap| {
        let registered = catalogue().get(role, kind).unwrap();
        registered.component().signals_with(&schema::with_defaults(registered.schema(), settings))
    };
    let of_destination = |destination: &DestinationRef| {
        let (_, document) = documents.destinations.iter().find(|(id, _)| id == destination.id()).unwrap();
        handled(Role::Destination, &document.kind, &document.settings)
    };
    let (sources, destinations) = (document.sources.clone(), document.destinations.clone());
    document.signals.retain(|signal| {
        sources.iter().any(|source| handled(Role::Source, &source.kind, &source.settings).contains(signal))
            && destinations.iter().any(|destination| of_destination(destination).contains(signal))
    });
    let signals = document.signals.clone();
    let carried = |able: Vec<Signal>| able.iter().any(|signal| signals.contains(signal));
    document.sources.retain(|step| carried(handled(Role::Source, &step.kind, &step.settings)));
    document.filters.retain(|step| carried(handled(Role::Filter, &step.kind, &step.settings)));
    document.processors.retain(|step| carried(handled(Role::Processor, &step.kind, &step.settings)));
    document.destinations.retain(|destination| carried(of_destination(destination)));
    (!signals.is_empty()).then_some(document)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_global_rejects: 10_000, ..ProptestConfig::default() })]
    #[test]
    fn every_pipeline_comes_back(given in documents()) {
        for runtime in RUNTIMES {
            let Some(text) = given.render(runtime) else { continue };
            let back = import_alone(runtime, &text);
            prop_assert!(back.errors.is_empty(), "{:?}\n{}", back.errors, text);
            let documents = Documents::of(&back);
            prop_assert!(is_same(runtime, &given, &documents), "{:?}\n{}\n{:?}", back, text, documents.render(runtime));
            for left in &back.left_over {
                prop_assert!(left.reason.starts_with("stays as a raw text"), "{:?}\n{}", left, text);
            }
        }
    }
}
