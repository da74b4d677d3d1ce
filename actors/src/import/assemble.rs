//! From what was found to pipelines and destinations.
//!
//! Chains that a rendering of LinkMesh consists of are put together by their names, others where that changes nothing: the
//! same processors and exporters for several signals are one pipeline. Each part becomes a component of the catalogue if
//! there is one that says exactly the same, else a raw one; what cannot be that either is left over.

use std::collections::{BTreeMap, BTreeSet};

use linkmesh_ottl::run::IsOver;
use linkmesh_proto::{
    DestinationId, PipelineId, Slug,
    api::{
        catalogue::Role,
        collector::Runtime,
        destination::{DestinationDocument, NewDestination},
        pipeline::{
            ConditionalDestination, DestinationRef, Import, LeftOverKind, NewPipeline, PipelineDocument, Signal, Step,
        },
    },
};

use super::{
    found::{Config, Found, Written},
    recognise::{Budget, Recognised},
};
use crate::{
    catalog::catalogue,
    component::{ALL_SIGNALS, SettingsMap, schema},
    domain::{components::ComponentClass, config::ConfigSnapshot},
    render::names::Place,
};

mod around;
mod ids;
mod lanes;
mod order;
mod parts;
mod plan;
mod raw;
mod when;

use ids::Ids;
use parts::Part;
use plan::Plan;

/// Whether a component is the limiter of memory of a pipeline that LinkMesh rendered.
pub(super) fn is_our_limiter(found: &Found) -> bool {
    matches!(lanes::place(found), Some(Place::MemoryLimiter(Some(_))))
}

/// Makes pipelines and destinations of a config.
pub(super) fn assemble(runtime: Runtime, config: Config, beside: &ConfigSnapshot, is_over: IsOver) -> Import {
    let mut assembly = Assembly {
        runtime,
        config,
        budget: Budget::of_config(is_over),
        known: BTreeMap::new(),
        why: BTreeMap::new(),
        destinations: BTreeMap::new(),
        used_with: BTreeSet::new(),
        import: Import { pipelines: Vec::new(), destinations: Vec::new(), left_over: Vec::new(), errors: Vec::new() },
        pipeline_ids: Ids::default(),
        destination_ids: Ids::default(),
        beside,
    };
    for id in beside.pipelines.keys() {
        assembly.pipeline_ids.reserve(id.as_str());
    }
    for id in beside.destinations.keys() {
        assembly.destination_ids.reserve(id.as_str());
    }
    if around::is_idle(&assembly.config) {
        return assembly.import;
    }
    assembly.run();
    assembly.import
}

/// Why a component is none of the catalogue.
const NOT_EXACTLY: &str = "no component of the catalogue says exactly this";

/// What the same part was found to be before.
type Known = BTreeMap<String, Result<Recognised, Option<String>>>;

struct Assembly<'a> {
    /// What is there already.
    beside: &'a ConfigSnapshot,
    runtime: Runtime,
    config: Config,
    budget: Budget,
    known: Known,
    /// Why components are none of the catalogue: what the likeliest would do otherwise.
    why: BTreeMap<usize, String>,
    /// Exporters that were looked at: what they became.
    destinations: BTreeMap<usize, Option<Destination>>,
    /// Extensions, and blocks of Alloy, that came along with components of the catalogue.
    used_with: BTreeSet<usize>,
    import: Import,
    pipeline_ids: Ids,
    destination_ids: Ids,
}

/// An exporter as a destination.
#[derive(Debug, Clone)]
struct Destination {
    id: DestinationId,
    signals: Vec<Signal>,
}

impl Assembly<'_> {
    fn run(&mut self) {
        self.reserve_ids();
        for plan in plan::plans(self) {
            self.pipeline(&plan);
        }
        self.rest();
        let mut left_over = std::mem::take(&mut self.config.left_over);
        left_over.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
        left_over.dedup();
        self.import.left_over = left_over;
    }

    /// Ids that a rendering of ours names are given to nothing else.
    fn reserve_ids(&mut self) {
        for chain in &self.config.chains {
            if let Some(ours) = lanes::ours(&self.config, chain) {
                self.pipeline_ids.reserve(ours.pipeline.as_str());
            }
        }
    }

    fn pipeline(&mut self, plan: &Plan) {
        let id = match &plan.id {
            Some(id) => id.clone(),
            None => PipelineId::from(self.pipeline_ids.unique(&plan.name, "pipeline")),
        };
        let mut steps = Ids::default();
        steps.reserve("in");
        steps.reserve("out");
        for part in plan.sources.iter().chain(&plan.steps).filter_map(|part| part.id.as_ref()) {
            steps.reserve(part.as_str());
        }
        let mut document = PipelineDocument {
            version: 1,
            name: id.to_string(),
            description: String::new(),
            enabled: true,
            signals: plan.signals.clone(),
            matchers: Vec::new(),
            sources: Vec::new(),
            filters: Vec::new(),
            processors: Vec::new(),
            destinations: Vec::new(),
        };
        for part in &plan.sources {
            let step = self.step(part, Role::Source, plan, &id, &mut steps);
            document.sources.extend(step);
        }
        let (filters, processors) = order::split(&plan.steps, |part| self.kind_of(part));
        for part in filters {
            document.filters.extend(self.step(part, Role::Filter, plan, &id, &mut steps));
        }
        for part in processors {
            document.processors.extend(self.step(part, Role::Processor, plan, &id, &mut steps));
        }
        for out in &plan.outs {
            let Some(Destination { id: to, .. }) = self.destination(out.to) else {
                self.config.miss(out.to, &id, "is not taken over");
                continue;
            };
            document.destinations.push(match &out.when {
                None => DestinationRef::Id(to),
                Some(when) => DestinationRef::When(ConditionalDestination { id: to, when: when.clone() }),
            });
        }
        self.import.pipelines.push(NewPipeline { id: Some(id), document });
    }

    /// The steps that a part becomes in a list of a pipeline: one; several where it can only be said in raw ones; none
    /// where nothing says it.
    fn step(&mut self, part: &Part, role: Role, plan: &Plan, pipeline: &PipelineId, ids: &mut Ids) -> Vec<Step> {
        if let Some(known) = part.recognised.as_ref().filter(|known| known.registered.role() == role) {
            let id = self.step_id(part, 0, ids);
            if let (Some(but), Some(index)) = (&known.but, part.components.first()) {
                self.config.leave(*index, LeftOverKind::Differs, but.as_str());
            }
            let kind = known.registered.kind().to_owned();
            return vec![Step { id, kind, name: None, settings: known.settings.clone() }];
        }
        // A source that several pipelines share has the same settings in each.
        let only = match role {
            Role::Source => (part.signals.len() < ALL_SIGNALS.len()).then_some(part.signals.as_slice()),
            _ => (part.signals.len() < plan.signals.len()).then_some(part.signals.as_slice()),
        };
        let mut steps = Vec::new();
        for (number, index) in part.components.iter().enumerate() {
            let class = self.config.found.get(*index).map(|found| found.class);
            let role =
                if class == Some(ComponentClass::Processors) && role == Role::Source { None } else { Some(role) };
            let why = match (&part.recognised, role) {
                (_, None) => "stands behind one source alone, where LinkMesh has no raw texts",
                (Some(_), Some(Role::Processor)) => {
                    "filters come first in LinkMesh, and this one stands behind a processor"
                }
                (Some(_), _) => "filters come first in LinkMesh, and this processor stands in front of one",
                (None, _) if self.budget.is_spent() => "the text is too large to look at every part of it closely",
                (None, _) => NOT_EXACTLY,
            };
            let why = self.more_exactly(*index, why);
            let raw = match role {
                Some(role) => self.raw(*index, role, only),
                None => Err(why.clone()),
            };
            match raw {
                Ok((settings, but)) => {
                    self.config.leave(*index, LeftOverKind::Raw, format!("stays as a raw text{but}: {why}"));
                    let id = self.step_id(part, number, ids);
                    steps.push(Step { id, kind: "raw".to_owned(), name: None, settings });
                }
                Err(reason) => self.config.miss(*index, pipeline, reason),
            }
        }
        steps
    }

    fn step_id(&self, part: &Part, number: usize, ids: &mut Ids) -> Slug {
        match &part.id {
            Some(id) if number == 0 => id.clone(),
            Some(id) => ids.unique(id.as_str(), "step"),
            None => {
                let found = part.components.get(number).and_then(|index| self.config.found.get(*index));
                ids.unique(&found.map(Found::called).unwrap_or_default(), "step")
            }
        }
    }

    /// A reason with what the likeliest component of the catalogue would do otherwise.
    fn more_exactly(&self, index: usize, reason: &str) -> String {
        match self.why.get(&index).filter(|_| reason == NOT_EXACTLY) {
            Some(why) => format!("{reason}, {why}"),
            None => reason.to_owned(),
        }
    }

    /// The destination that an exporter is; made at the first time.
    fn destination(&mut self, index: usize) -> Option<Destination> {
        if let Some(known) = self.destinations.get(&index) {
            return known.clone();
        }
        let made = self.new_destination(index);
        self.destinations.insert(index, made.clone());
        made
    }

    fn new_destination(&mut self, index: usize) -> Option<Destination> {
        let (around, reaching) = (lanes::around(&self.config, index), lanes::reaching(&self.config, index));
        let recognised = self
            .recognised(&[index], &[Role::Destination], &around, &reaching)
            .or_else(|| self.recognised(&[index], &[Role::Destination], &reaching, &reaching));
        let (kind, settings, signals): (&str, SettingsMap, _) = match &recognised {
            Some(known) => (known.registered.kind(), known.settings.clone(), known.signals()),
            None => match self.raw(index, Role::Destination, None) {
                Ok((settings, but)) => {
                    let why = self.more_exactly(index, NOT_EXACTLY);
                    self.config.leave(index, LeftOverKind::Raw, format!("stays as a raw text{but}: {why}"));
                    ("raw", settings, ALL_SIGNALS.to_vec())
                }
                Err(reason) => {
                    self.config.leave(index, LeftOverKind::Missing, reason);
                    return None;
                }
            },
        };
        let found = self.config.found.get(index)?;
        let id = match lanes::our_destination(&self.config, index) {
            Some(id) => id,
            None => match self.known_destination(kind, &settings) {
                Some(id) => return Some(Destination { id, signals }),
                None => DestinationId::from(self.destination_ids.unique(&found.called(), "destination")),
            },
        };
        self.destination_ids.reserve(id.as_str());
        let document = DestinationDocument {
            version: 1,
            name: id.to_string(),
            description: String::new(),
            kind: kind.to_owned(),
            settings,
        };
        self.import.destinations.push(NewDestination { id: Some(id.clone()), document });
        Some(Destination { id, signals })
    }

    /// A destination that is there already and does the same, once: what is sent by two exporters arrives twice. One with
    /// secrets is never the same as another text.
    fn known_destination(&self, kind: &str, settings: &SettingsMap) -> Option<DestinationId> {
        let schema = catalogue().get(Role::Destination, kind)?.schema();
        let filled = schema::with_defaults(schema, settings);
        let is_same = |known: &DestinationDocument| {
            known.kind == kind && schema::with_defaults(schema, &known.settings) == filled
        };
        let is_taken = |id: &DestinationId| self.destinations.values().flatten().any(|made| made.id == *id);
        let mut known = self.beside.destinations.iter();
        known.find(|(id, known)| is_same(&known.document) && !is_taken(id)).map(|(id, _)| id.clone())
    }

    /// The type of a part's first component, as otelcol calls it.
    fn kind_of(&self, part: &Part) -> String {
        let found = part.components.first().and_then(|index| self.config.found.get(*index));
        let kind = found.map_or("", |found| found.kind.as_str());
        kind.rsplit('.').next().unwrap_or(kind).to_owned()
    }

    fn is_otelcol(&self, index: usize) -> bool {
        self.config.found.get(index).is_some_and(|found| matches!(found.written, Written::Otelcol(_)))
    }
}
