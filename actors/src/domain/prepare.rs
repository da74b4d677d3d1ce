//! Documents made ready to be rendered: kinds looked up, settings checked and filled with defaults. That is the same for
//! every collector, so it is done once for each version of a document.

use std::collections::BTreeSet;

use linkmesh_ottl::{Condition, Dialect};
use linkmesh_proto::{
    Slug,
    api::{
        catalogue::Role,
        destination::DestinationDocument,
        pipeline::{PipelineDocument, Signal},
        problem::FieldProblem,
    },
};

use super::{
    problem::{Path, Problems},
    resolve::check_ids,
};
use crate::{
    catalog::{Registered, catalogue},
    component::{Findings, SettingsMap, schema},
    stage::filter::Asked,
};

/// A part of a document.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) registered: &'static Registered,
    /// Defaults filled in; secrets as they stand in the document.
    pub(super) settings: SettingsMap,
    /// Where its settings stand.
    pub(super) at: Path,
}

/// A step of a pipeline.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) id: Slug,
    pub(super) part: Part,
    /// The signals of the pipeline that it handles, in order; not none.
    pub(super) signals: Vec<Signal>,
}

/// A pipeline.
#[derive(Debug)]
pub(super) struct Pipeline {
    /// The signals that flow through it, in order.
    pub(super) signals: Vec<Signal>,
    pub(super) steps: Vec<Step>,
}

/// What is made of a document, or all that is wrong with it.
pub(super) type Prepared<T> = Result<T, Vec<FieldProblem>>;

/// Makes a pipeline ready.
pub(super) fn pipeline(document: &PipelineDocument) -> Prepared<Pipeline> {
    check_ids(document)?;
    let signals: Vec<Signal> = document.signals.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let mut findings = Findings::new(Path::root());
    let mut steps = Vec::new();
    let lists = [
        (Role::Source, "sources", &document.sources),
        (Role::Filter, "filters", &document.filters),
        (Role::Processor, "processors", &document.processors),
    ];
    for (role, list, parts) in lists {
        for (index, step) in parts.iter().enumerate() {
            let at = Path::root().key(list).index(index);
            let Some(part) = part((role, &step.kind, &step.settings), &at, &mut findings.errors) else { continue };
            let component = part.registered.component();
            let able = component.signals_with(&part.settings);
            let handled: Vec<Signal> = signals.iter().copied().filter(|signal| able.contains(signal)).collect();
            let mut below = Findings::new(part.at.clone());
            component.check_for(&part.settings, &handled, &mut below);
            findings.errors.extend(below.errors.into_vec());
            if !handled.is_empty() {
                steps.push(Step { id: step.id.clone(), part, signals: handled });
            }
        }
    }
    check_conditions(document, &signals, &mut findings);
    findings.errors.or(Pipeline { signals, steps })
}

/// Makes a destination ready.
pub(super) fn destination(document: &DestinationDocument) -> Prepared<Part> {
    let mut problems = Problems::default();
    let part = part((Role::Destination, &document.kind, &document.settings), &Path::root(), &mut problems);
    part.ok_or_else(|| problems.into_vec())
}

fn part((role, kind, settings): (Role, &str, &SettingsMap), at: &Path, problems: &mut Problems) -> Option<Part> {
    let Some(registered) = catalogue().get(role, kind) else {
        problems.add(at.key("kind"), "unknown_kind", format!("there is no {kind}"));
        return None;
    };
    let at = at.key("settings");
    let mut findings = Findings::new(at.clone());
    registered.check(settings, &mut findings);
    let is_right = findings.errors.is_empty();
    problems.extend(findings.errors.into_vec());
    is_right.then(|| Part { registered, settings: schema::with_defaults(registered.schema(), settings), at })
}

/// Checks the conditions on what goes to destinations, each for the signals of the pipeline.
pub(super) fn check_conditions(document: &PipelineDocument, signals: &[Signal], findings: &mut Findings) {
    for (index, destination) in document.destinations.iter().enumerate() {
        let Some(when) = destination.when() else { continue };
        let path = Path::root().key("destinations").index(index).key("when");
        findings
            .ottl(&path, signals, |signal| Condition::parse(when, Dialect::filter(Asked::records(signal).context())));
    }
}
