//! What stops a save and what deserves a look: every problem of a document in one answer.

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::Arc,
};

use linkmesh_proto::{
    CollectorId, DestinationId, PipelineId,
    api::{
        catalogue::Role,
        collector::{Runtime, Stability},
        destination::DestinationDocument,
        pipeline::{PipelineDocument, Signal, Validation},
    },
};

use super::{
    components::BuildComponents,
    config::{ConfigSnapshot, Versioned},
    matcher::{Attributes, MatcherError, MatcherSet},
    problem::{Path, suggestion},
    resolve::unopened,
};
use crate::{
    catalog::{Registered, catalogue},
    component::{Findings, SettingsMap, schema, signal_name},
};

mod addresses;
mod examined;
mod loops;
mod nested;
mod on_fleet;
mod selection;
#[cfg(test)]
mod tests;

use addresses::Claims;
pub(crate) use examined::Examined;
use selection::{Matched, Selection};

/// What checks need to know of one collector. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CollectorFacts {
    /// The identifier.
    pub id: CollectorId,
    /// The name shown to people.
    pub name: Arc<str>,
    /// The program.
    pub runtime: Runtime,
    /// The stability level chosen for it (Alloy).
    pub stability: Stability,
    /// The version that it reports.
    pub version: Option<Arc<str>>,
    /// What matchers see.
    pub attributes: Arc<Attributes>,
    /// What its build contains, when it said so.
    pub components: Option<Arc<BuildComponents>>,
}

/// Every registered collector that is not deregistered.
#[derive(Debug, Clone, Copy, Default)]
pub struct FleetFacts<'a> {
    /// The collectors, in any order.
    pub collectors: &'a [CollectorFacts],
}

/// Checks a pipeline before it is saved as `id`: its shape, its settings, what it refers to, and whether the collectors
/// that it matches can run it beside what they run already.
///
/// `config` is the repository as it is now; a document of the same id in it is the one that would be replaced.
#[must_use]
pub fn validate_pipeline(
    id: &PipelineId,
    document: &PipelineDocument,
    config: &ConfigSnapshot,
    fleet: &FleetFacts<'_>,
) -> Validation {
    Checks::of_one(config, *fleet).pipeline(id, document)
}

/// Checks one that was examined before.
pub(crate) fn validate_examined_pipeline(
    id: &PipelineId,
    document: &PipelineDocument,
    examined: &Examined,
    config: &ConfigSnapshot,
    fleet: &FleetFacts<'_>,
) -> Validation {
    Checks::of_one(config, *fleet).examined_pipeline(id, document, examined)
}

/// Checks of pipelines against one repository and one fleet. What pipelines have in common is looked at once: which
/// collectors a list of matchers selects, and who listens where.
pub struct Checks<'a> {
    config: &'a ConfigSnapshot,
    fleet: FleetFacts<'a>,
    selections: RefCell<HashMap<&'a [String], Rc<Selected<'a>>>>,
    claims: OnceCell<Claims<'a>>,
    /// By an attribute's name and value: where the collectors that have it stand in the fleet.
    having: OnceCell<HashMap<&'a str, HashMap<&'a str, Vec<usize>>>>,
    is_of_many: bool,
}

/// What a list of matchers selects, or what is wrong with them.
type Selected<'a> = Result<Selection<'a>, Vec<(usize, MatcherError)>>;

/// How many selections are remembered: each may name every collector.
const MAX_SELECTIONS: usize = 256;

impl<'a> Checks<'a> {
    /// For every pipeline of a repository, or most: costs more at the first, and less at each.
    #[must_use]
    pub fn of_many(config: &'a ConfigSnapshot, fleet: FleetFacts<'a>) -> Self {
        Self { is_of_many: true, ..Self::of_one(config, fleet) }
    }

    fn of_one(config: &'a ConfigSnapshot, fleet: FleetFacts<'a>) -> Self {
        let (selections, claims, having) = (RefCell::default(), OnceCell::new(), OnceCell::new());
        Self { config, fleet, selections, claims, having, is_of_many: false }
    }

    /// Checks one pipeline: see [`validate_pipeline`].
    #[must_use]
    pub fn pipeline(&self, id: &PipelineId, document: &'a PipelineDocument) -> Validation {
        self.examined_pipeline(id, document, &Examined::of(document))
    }

    /// Checks one that is stored: it is examined once, and kept with what was found.
    #[must_use]
    pub(crate) fn stored_pipeline(&self, id: &PipelineId, stored: &'a Versioned<PipelineDocument>) -> Validation {
        self.examined_pipeline(id, &stored.document, &stored.examined(Examined::of))
    }

    /// Checks one that was examined before.
    #[must_use]
    pub(crate) fn examined_pipeline(
        &self,
        id: &PipelineId,
        document: &'a PipelineDocument,
        examined: &Examined,
    ) -> Validation {
        let (config, fleet) = (self.config, &self.fleet);
        let mut findings = Findings::new(Path::root());
        let selected = self.select(&document.matchers);
        let selection = check_matchers(&selected, fleet, &mut findings);
        let steps = examined.parts(document, &mut findings);
        let destinations = check_destinations(document, config, &mut findings);
        check_signals(document, &steps, &destinations, &mut findings);
        nested::check(&steps, &mut findings);
        if let Some(selection) = selection.filter(|_| document.enabled && findings.errors.is_empty()) {
            let matched = selection.matched(self);
            if matched.all.is_empty() && !fleet.collectors.is_empty() && !document.matchers.is_empty() {
                findings.warnings.add("match", "matches_nothing", "no collector matches now");
            }
            for part in steps.iter().chain(&destinations) {
                on_fleet::check_part(part, matched, &mut findings);
            }
            on_fleet::check_base(document, matched, &mut findings);
            addresses::check(self, id, &steps, matched, &mut findings);
            loops::check(self, id, (&steps, &destinations), &matched.all, &mut findings);
        }
        Validation { errors: findings.errors.into_vec(), warnings: findings.warnings.into_vec() }
    }

    fn select(&self, matchers: &'a [String]) -> Rc<Selected<'a>> {
        let mut selections = self.selections.borrow_mut();
        if let Some(known) = selections.get(matchers) {
            return Rc::clone(known);
        }
        let selected = Rc::new(MatcherSet::parse(matchers).map(|set| Selection::new(set, &self.fleet)));
        if selections.len() < MAX_SELECTIONS {
            selections.insert(matchers, Rc::clone(&selected));
        }
        selected
    }

    fn having(&self, name: &str, value: &str) -> &[usize] {
        let having = self.having.get_or_init(|| {
            let mut having: HashMap<&str, HashMap<&str, Vec<usize>>> = HashMap::new();
            for (place, collector) in self.fleet.collectors.iter().enumerate() {
                for (name, value) in &*collector.attributes {
                    having.entry(name).or_default().entry(value).or_default().push(place);
                }
            }
            having
        });
        having.get(name).and_then(|by_value| by_value.get(value)).map_or(&[], Vec::as_slice)
    }

    fn claims(&self) -> &Claims<'a> {
        self.claims.get_or_init(|| Claims::of(self.config))
    }
}

/// Checks a destination before it is saved as `id`, together with every pipeline that sends to it.
#[must_use]
pub fn validate_destination(
    id: &DestinationId,
    document: &DestinationDocument,
    config: &ConfigSnapshot,
    fleet: &FleetFacts<'_>,
) -> Validation {
    validate_examined_destination(id, document, &Examined::of_destination(document), config, fleet)
}

/// Checks one that was examined before.
pub(crate) fn validate_examined_destination(
    id: &DestinationId,
    document: &DestinationDocument,
    examined: &Examined,
    config: &ConfigSnapshot,
    fleet: &FleetFacts<'_>,
) -> Validation {
    let mut findings = Findings::new(Path::root());
    if let Some(part) = examined.destination(document, &mut findings)
        && findings.errors.is_empty()
    {
        let users: Vec<MatcherSet> = config
            .users_of(id)
            .iter()
            .filter_map(|user| config.pipelines.get(user))
            .filter(|pipeline| pipeline.document.enabled)
            .filter_map(|pipeline| MatcherSet::parse(&pipeline.document.matchers).ok())
            .collect();
        let matched = Matched::of(
            fleet
                .collectors
                .iter()
                .enumerate()
                .filter(|(_, collector)| users.iter().any(|matchers| matchers.matches(&*collector.attributes))),
        );
        on_fleet::check_part(&part, &matched, &mut findings);
        let next = config.with_destination(id.clone(), document.clone());
        check_users(id, config, &next, &mut findings);
        let users = next.users_of(id);
        loops::check_users(&Checks::of_one(&next, *fleet), users.iter(), &part, &mut findings);
    }
    Validation { errors: findings.errors.into_vec(), warnings: findings.warnings.into_vec() }
}

/// No pipeline may lose its last destination for a kind of telemetry: the renderers would leave that out without a word.
/// What no destination took before is not this one's fault.
fn check_users(id: &DestinationId, config: &ConfigSnapshot, next: &ConfigSnapshot, findings: &mut Findings) {
    for user in config.users_of(id) {
        let Some(pipeline) = config.pipelines.get(&user).map(|pipeline| &pipeline.document) else { continue };
        for signal in &pipeline.signals {
            if is_taken(pipeline, *signal, config) && !is_taken(pipeline, *signal, next) {
                let name = signal_name(*signal);
                let message =
                    format!("the pipeline {user} sends {name} here, and no other destination of it takes them");
                findings.errors.add(Path::root().key("settings"), "no_destination", message);
            }
        }
    }
}

/// Whether one of a pipeline's destinations takes this kind of telemetry.
fn is_taken(pipeline: &PipelineDocument, signal: Signal, config: &ConfigSnapshot) -> bool {
    let destinations = pipeline.destinations.iter().filter_map(|destination| config.destinations.get(destination.id()));
    destinations.map(|destination| &destination.document).any(|destination| {
        catalogue().get(Role::Destination, &destination.kind).is_some_and(|registered| {
            let settings = unopened(registered, &destination.settings);
            registered.component().signals_with(&settings).contains(&signal)
        })
    })
}

/// A part of a document whose settings are right.
struct Part<'a> {
    role: Role,
    registered: &'static Registered,
    /// Where the part stands: `sources[0]`, or nothing for a destination that is checked by itself.
    at: Path,
    /// Whether the settings stand below `at`; otherwise they are in another document.
    own_settings: bool,
    /// As they stand in the document.
    stated: &'a SettingsMap,
    /// Defaults filled in, secrets replaced by placeholders.
    settings: SettingsMap,
    /// The kinds of telemetry that it handles, of those of the pipeline.
    signals: Vec<Signal>,
}

impl Part<'_> {
    /// A place in its settings, or the part itself where those are in another document.
    fn field(&self, name: &str) -> Path {
        match (self.own_settings, name) {
            (true, "") => self.at.key("settings"),
            (true, name) => name.split('.').fold(self.at.key("settings"), |path, key| path.key(key)),
            (false, _) => self.at.clone(),
        }
    }

    fn kind_field(&self) -> Path {
        if self.own_settings { self.at.key("kind") } else { self.at.clone() }
    }
}

fn check_matchers<'s, 'a>(
    selected: &'s Selected<'a>,
    fleet: &FleetFacts<'_>,
    findings: &mut Findings,
) -> Option<&'s Selection<'a>> {
    let path = Path::root().key("match");
    match selected {
        Ok(selection) => {
            for (index, name) in selection.unknown().filter(|_| !fleet.collectors.is_empty()) {
                let message = format!("no collector has the attribute `{name}` now");
                findings.warnings.add(path.index(index), "unknown_attribute", message);
            }
            Some(selection)
        }
        Err(errors) => {
            for (index, error) in errors {
                findings.errors.add(path.index(*index), "invalid_matcher", error.to_string());
            }
            None
        }
    }
}

/// Looks a part's kind up and checks its settings.
fn check_settings(
    (role, kind, settings): (Role, &str, &SettingsMap),
    at: &Path,
    findings: &mut Findings,
) -> Option<&'static Registered> {
    let catalogue = catalogue();
    let Some(registered) = catalogue.get(role, kind) else {
        let mut message = format!("there is no {} of the kind `{kind}`", role_name(role));
        let elsewhere = [Role::Source, Role::Filter, Role::Processor, Role::Destination]
            .into_iter()
            .find(|role| catalogue.get(*role, kind).is_some());
        if let Some(elsewhere) = elsewhere {
            message.push_str(&format!("; it is a {}", role_name(elsewhere)));
        } else if let Some(near) = suggestion(kind, catalogue.kinds(role)) {
            message.push_str(&format!("; did you mean `{near}`?"));
        }
        findings.errors.add(at.key("kind"), "unknown_kind", message);
        return None;
    };
    let mut below = Findings::new(at.key("settings"));
    registered.check_before_save(settings, &mut below);
    for (list, index) in schema::wide_patterns(registered.schema(), settings) {
        let message = "looks into every folder of the host, /proc and /root with them; begin with a folder";
        below.warnings.add(at.key("settings").key(list).index(index), "wide_pattern", message);
    }
    let right = below.errors.is_empty();
    findings.errors.extend(below.errors.into_vec());
    findings.warnings.extend(below.warnings.into_vec());
    right.then_some(registered)
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Source => "source",
        Role::Filter => "filter",
        Role::Processor => "processor",
        Role::Destination => "destination",
    }
}

fn signal_names(signals: &[Signal]) -> String {
    signals.iter().map(|signal| signal_name(*signal)).collect::<Vec<_>>().join(" and ")
}

fn check_destinations<'a>(
    document: &PipelineDocument,
    config: &'a ConfigSnapshot,
    findings: &mut Findings,
) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    for (index, reference) in document.destinations.iter().enumerate() {
        let (id, at) = (reference.id(), Path::root().key("destinations").index(index));
        if document.destinations.iter().take(index).any(|earlier| earlier.id() == id) {
            findings.errors.add(&at, "duplicate", format!("{id} stands twice"));
            continue;
        }
        let Some(destination) = config.destinations.get(id) else {
            let mut message = format!("there is no destination {id}");
            if let Some(near) = suggestion(id.as_str(), config.destinations.keys().map(DestinationId::as_str)) {
                message.push_str(&format!("; did you mean `{near}`?"));
            }
            findings.errors.add(&at, "unknown_destination", message);
            continue;
        };
        let examined = destination.examined(Examined::of_destination);
        match examined.destination(&destination.document, &mut Findings::new(Path::root())) {
            Some(part) => parts.push(Part { at, own_settings: false, signals: document.signals.clone(), ..part }),
            None => {
                findings.errors.add(&at, "invalid_destination", format!("the destination {id} is not valid itself"));
            }
        }
    }
    parts
}

/// Every signal needs a source and a destination; a pipeline needs all three.
fn check_signals(document: &PipelineDocument, steps: &[Part<'_>], destinations: &[Part<'_>], findings: &mut Findings) {
    let path = Path::root().key("signals");
    for (field, empty, message) in [
        ("signals", document.signals.is_empty(), "name at least one of logs, metrics, traces"),
        ("sources", document.sources.is_empty(), "a pipeline needs a source"),
        ("destinations", document.destinations.is_empty(), "a pipeline needs a destination"),
    ] {
        if empty {
            findings.errors.add(field, "missing", message);
        }
    }
    // With parts that are wrong themselves nothing can be said of the whole.
    if !findings.errors.is_empty() {
        return;
    }
    for (index, signal) in document.signals.iter().enumerate() {
        let at = path.index(index);
        let name = signal_name(*signal);
        if document.signals.iter().take(index).any(|earlier| earlier == signal) {
            findings.errors.add(at, "duplicate", format!("{name} stands twice"));
            continue;
        }
        if !steps.iter().any(|part| part.role == Role::Source && part.signals.contains(signal)) {
            findings.errors.add(at.clone(), "no_source", format!("no source brings {name}"));
        }
        let taken =
            destinations.iter().any(|part| part.registered.component().signals_with(&part.settings).contains(signal));
        if !taken {
            findings.errors.add(at, "no_destination", format!("no destination takes {name}"));
        }
    }
}
