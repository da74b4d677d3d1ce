//! What a document says by itself, without the repository and the fleet.

use linkmesh_proto::api::{
    catalogue::Role,
    destination::DestinationDocument,
    pipeline::{PipelineDocument, Signal, Step},
    problem::FieldProblem,
};

use super::{Part, check_settings, signal_names};
use crate::{
    catalog::Registered,
    component::{Findings, SettingsMap},
    domain::{
        prepare,
        problem::Path,
        resolve::{check_ids, unopened},
    },
};

/// What is wrong with the steps and conditions of a pipeline, or with the settings of a destination. That is the same
/// whatever else there is, and finding it out can take as long as the document is large: it is done before the document
/// waits for its turn, where it holds nobody up.
#[derive(Debug, Clone)]
pub(crate) struct Examined {
    errors: Vec<FieldProblem>,
    warnings: Vec<FieldProblem>,
    parts: Vec<ExaminedPart>,
}

/// A step or a destination whose settings are right.
#[derive(Debug, Clone)]
struct ExaminedPart {
    role: Role,
    index: usize,
    registered: &'static Registered,
    settings: SettingsMap,
    signals: Vec<Signal>,
}

impl ExaminedPart {
    fn part<'a>(&self, at: Path, stated: &'a SettingsMap) -> Part<'a> {
        Part {
            role: self.role,
            registered: self.registered,
            at,
            own_settings: true,
            stated,
            settings: self.settings.clone(),
            signals: self.signals.clone(),
        }
    }
}

/// The lists of a pipeline's steps, by what they are called.
fn lists(document: &PipelineDocument) -> [(Role, &'static str, &[Step]); 3] {
    [
        (Role::Source, "sources", &document.sources),
        (Role::Filter, "filters", &document.filters),
        (Role::Processor, "processors", &document.processors),
    ]
}

impl Examined {
    /// Examines a pipeline.
    pub(crate) fn of(document: &PipelineDocument) -> Self {
        let mut findings = Findings::new(Path::root());
        let mut parts = Vec::new();
        findings.errors.extend(check_ids(document).err().into_iter().flatten());
        for (role, list, steps) in lists(document) {
            for (index, step) in steps.iter().enumerate() {
                let at = Path::root().key(list).index(index);
                let Some(registered) = check_settings((role, &step.kind, &step.settings), &at, &mut findings) else {
                    continue;
                };
                let settings = unopened(registered, &step.settings);
                let able = registered.component().signals_with(&settings);
                let signals: Vec<Signal> = document.signals.iter().copied().filter(|s| able.contains(s)).collect();
                if signals.is_empty() && !document.signals.is_empty() {
                    let message = format!("handles {} only, which this pipeline does not carry", signal_names(&able));
                    findings.errors.add(at.key("kind"), "wrong_signal", message);
                }
                let mut below = Findings::new(at.key("settings"));
                registered.component().check_for(&settings, &signals, &mut below);
                findings.errors.extend(below.errors.into_vec());
                findings.warnings.extend(below.warnings.into_vec());
                parts.push(ExaminedPart { role, index, registered, settings, signals });
            }
        }
        prepare::check_conditions(document, &document.signals, &mut findings);
        Self { errors: findings.errors.into_vec(), warnings: findings.warnings.into_vec(), parts }
    }

    /// Examines a destination.
    pub(crate) fn of_destination(document: &DestinationDocument) -> Self {
        let (role, mut findings) = (Role::Destination, Findings::new(Path::root()));
        let registered = check_settings((role, &document.kind, &document.settings), &Path::root(), &mut findings);
        let part = registered.map(|registered| {
            let settings = unopened(registered, &document.settings);
            let signals = registered.component().signals_with(&settings);
            ExaminedPart { role, index: 0, registered, settings, signals }
        });
        let (errors, warnings) = (findings.errors.into_vec(), findings.warnings.into_vec());
        Self { errors, warnings, parts: Vec::from_iter(part) }
    }

    /// The destination that was examined, when its settings are right; what is wrong with them is noted.
    pub(super) fn destination<'a>(
        &self,
        document: &'a DestinationDocument,
        findings: &mut Findings,
    ) -> Option<Part<'a>> {
        findings.errors.extend(self.errors.iter().cloned());
        findings.warnings.extend(self.warnings.iter().cloned());
        self.parts.first().map(|part| part.part(Path::root(), &document.settings))
    }

    /// The steps whose settings are right, of the document that was examined; what is wrong with the others is noted.
    pub(super) fn parts<'a>(&self, document: &'a PipelineDocument, findings: &mut Findings) -> Vec<Part<'a>> {
        findings.errors.extend(self.errors.iter().cloned());
        findings.warnings.extend(self.warnings.iter().cloned());
        let part = |part: &ExaminedPart| {
            let (_, list, steps) = lists(document).into_iter().find(|(role, ..)| *role == part.role)?;
            Some(part.part(Path::root().key(list).index(part.index), &steps.get(part.index)?.settings))
        };
        self.parts.iter().filter_map(part).collect()
    }
}
