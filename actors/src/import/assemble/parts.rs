//! Parts of a pipeline: components that belong together, and what they are in the catalogue.

use linkmesh_proto::{
    Slug,
    api::{catalogue::Role, collector::Runtime, pipeline::Signal},
};

use super::{Assembly, lanes};
use crate::{
    domain::components::ComponentClass,
    import::{
        defaults::complete,
        found::{Found, Written},
        recognise::{self, Recognised, STORAGE, Unit, extension, of_blocks, types},
        tree::Tree,
    },
};

/// A source or step.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Its id, if the text says it.
    pub(super) id: Option<Slug>,
    /// Its components, in order.
    pub(super) components: Vec<usize>,
    /// The signals whose records run through it.
    pub(super) signals: Vec<Signal>,
    /// What it is.
    pub(super) recognised: Option<Recognised>,
}

impl Part {
    /// Whether it handles a signal, in a pipeline of these.
    pub(super) fn handles(&self, signal: Signal) -> bool {
        match &self.recognised {
            Some(known) => known.signals().contains(&signal),
            None => self.signals.contains(&signal),
        }
    }
}

/// The parts of a `filter` or `transform` for one signal each, in both languages.
const SECTIONS: [(Option<Signal>, &[&str]); 4] = [
    (Some(Signal::Logs), &["logs", "log_statements", "log_conditions"]),
    (Some(Signal::Metrics), &["metrics", "metric_statements", "metric_conditions"]),
    (Some(Signal::Traces), &["traces", "trace_statements", "trace_conditions", "spans"]),
    // No pipeline of LinkMesh carries them.
    (None, &["profiles", "profile_statements", "profile_conditions"]),
];

fn has_sections(kind: &str) -> bool {
    matches!(kind, "filter" | "transform" | "otelcol.processor.filter" | "otelcol.processor.transform")
}

/// The signal of a section.
fn section_of(key: &str) -> Option<Option<Signal>> {
    let key = key.strip_suffix("{}").unwrap_or(key);
    SECTIONS.into_iter().find(|(_, keys)| keys.contains(&key)).map(|(signal, _)| signal)
}

/// The signals that a component does something with, of those that it sees; `None` when its settings do not say.
pub(super) fn concerned(found: &Found, observed: &[Signal]) -> Option<Vec<Signal>> {
    has_sections(&found.kind).then_some(())?;
    let sections: Vec<Signal> = found.config.entries().iter().filter_map(|(key, _)| section_of(key)?).collect();
    Some(observed.iter().copied().filter(|signal| sections.contains(signal)).collect())
}

/// The signals that a component has a section for; `None` for what no pipeline of LinkMesh carries.
pub(super) fn sections(found: &Found) -> Vec<(Option<Signal>, &str)> {
    if !has_sections(&found.kind) {
        return Vec::new();
    }
    let entries = found.config.entries().iter();
    entries.filter_map(|(key, _)| Some((section_of(key)?, key.as_str()))).collect()
}

/// The settings without sections for other signals: they do nothing where those do not run through.
fn only(config: Tree, kind: &str, signals: &[Signal]) -> Tree {
    match config {
        Tree::Map(entries) if has_sections(kind) => {
            let stays = |key: &str| match section_of(key) {
                None => true,
                Some(signal) => signal.is_some_and(|signal| signals.contains(&signal)),
            };
            Tree::Map(entries.into_iter().filter(|(key, _)| stays(key)).collect())
        }
        other => other,
    }
}

impl Assembly<'_> {
    /// What components are together in the catalogue, in one of the roles. `observed` are the signals of the pipelines that
    /// they are in, `signals` those of them that they handle there.
    pub(super) fn recognised(
        &mut self,
        components: &[usize],
        roles: &[Role],
        observed: &[Signal],
        signals: &[Signal],
    ) -> Option<Recognised> {
        let unit = self.unit(components, observed, signals)?;
        let key = format!("{roles:?} {observed:?} {signals:?} {} {:?}", unit.name, unit.tree);
        let known = match self.known.get(&key) {
            Some(known) => known.clone(),
            None => {
                let known = recognise::recognise(&unit, roles, &mut self.budget);
                self.known.insert(key, known.clone());
                known
            }
        };
        if let (Err(Some(why)), [only]) = (&known, components) {
            self.why.entry(*only).or_insert_with(|| why.clone());
        }
        let known = known.ok();
        if known.is_some() {
            let with = components.iter().filter_map(|index| self.config.found.get(*index)).flat_map(|f| f.with.clone());
            self.used_with.extend(with);
        }
        known
    }

    fn unit(&self, components: &[usize], observed: &[Signal], signals: &[Signal]) -> Option<Unit> {
        let found: Vec<&Found> = components.iter().filter_map(|index| self.config.found.get(*index)).collect();
        let mut with: Vec<usize> = found.iter().flat_map(|found| found.with.iter().copied()).collect();
        with.sort_unstable();
        with.dedup();
        let with: Vec<&Found> = with.into_iter().filter_map(|index| self.config.found.get(index)).collect();
        let tree = match self.runtime {
            Runtime::Otelcol => of_otelcol(&found, &with),
            Runtime::Alloy => {
                let blocks = found.iter().chain(&with).filter_map(|found| match &found.written {
                    Written::Alloy(block) => Some(block),
                    Written::Otelcol(_) => None,
                });
                of_blocks(&blocks.collect::<Vec<_>>())
            }
        };
        let tree = Tree::List(tree.items().iter().map(|part| limited(part, signals)).collect());
        let main = *found.last()?;
        let name = if lanes::place(main).is_some() { lanes::site(main) } else { "probe".to_owned() };
        let (observed, signals) = (observed.to_vec(), signals.to_vec());
        Some(Unit { runtime: self.runtime, observed, signals, name, kinds: types(&tree), tree })
    }
}

/// `{type, config}` with the sections of these signals only.
pub(super) fn limited(part: &Tree, signals: &[Signal]) -> Tree {
    match (part.get("type"), part.get("config")) {
        (Some(Tree::Text(kind)), Some(config)) => {
            Tree::map([("type", Tree::text(kind)), ("config", only(config.clone(), kind, signals))])
        }
        _ => part.clone(),
    }
}

/// Components of otelcol with the extensions that they name, as a rendering is compared.
pub(super) fn of_otelcol(found: &[&Found], with: &[&Found]) -> Tree {
    let agreed = |id: String| match with.iter().find(|extension| extension.id == id) {
        Some(found) if found.kind == "file_storage" => STORAGE.to_owned(),
        Some(found) => extension(&found.kind),
        None => id,
    };
    let part = |kind: String, class: ComponentClass, found: &Found| {
        let config = complete(Runtime::Otelcol, class, &found.kind, found.config.clone());
        Tree::map([("type", Tree::text(kind)), ("config", config.renamed(&agreed))])
    };
    let components = found.iter().map(|found| part(found.kind.clone(), found.class, found));
    let extensions = with.iter().filter(|found| found.kind != "file_storage");
    let extensions = extensions.map(|found| part(extension(&found.kind), found.class, found));
    Tree::List(components.chain(extensions).collect())
}
