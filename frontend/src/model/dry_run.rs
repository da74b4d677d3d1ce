//! What sample records become on their way through a pipeline.

use linkmesh_proto::{
    DestinationId, Slug,
    api::{
        collector::Runtime,
        pipeline::{DryRun, DryRunDestination, Matched, PipelineDocument, Step},
        problem::FieldProblem,
    },
};
use serde_json::Value;

use super::{
    chain::Lane,
    diff::{self, Line, Mark},
    format, records, samples,
};

/// The most lines that are compared: it takes time that grows with them and with what changed.
const MOST_COMPARED: usize = 6000;

/// The most lines that are shown of one comparison or one list of records.
const MOST_SHOWN: usize = 400;

/// What is tried beside the pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    /// OTLP JSON.
    pub text: String,
    /// The source that the records come from; empty for none in particular.
    pub source: String,
    /// What chance is drawn from, as it was typed; empty for 0.
    pub seed: String,
    /// The runtime that is to be able to run it; `None` for either.
    pub runtime: Option<Runtime>,
}

impl Input {
    /// Follows a pipeline that was changed: to the records that fit it best, unless they or their source were chosen by hand.
    /// Records come from no source that is gone.
    pub fn follow(&mut self, document: &PipelineDocument, is_own: bool) {
        match samples::best(document) {
            Some((sample, source)) if !is_own => (self.text, self.source) = (sample.text(), source.unwrap_or_default()),
            _ if document.sources.iter().all(|source| source.id.as_str() != self.source) => self.source.clear(),
            _ => {}
        }
    }
}

/// The runtime of all collectors that match; `None` when there are both, or not all of them are known.
#[must_use]
pub fn runtime_of(matched: &Matched) -> Option<Runtime> {
    let (first, rest) = matched.items.split_first()?;
    let is_all = matched.items.len() as u64 == matched.matched;
    (is_all && rest.iter().all(|item| item.runtime == first.runtime)).then_some(first.runtime)
}

/// An outcome with what it is the outcome of.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// The pipeline.
    pub document: PipelineDocument,
    /// The records and where they come from.
    pub input: Input,
    /// What became of them.
    pub outcome: DryRun,
}

/// What a step did.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The step as it was tried, with its place; `None` when the answer tells of another.
    pub step: Option<(Lane, usize, Step)>,
    /// Its kind.
    pub kind: String,
    /// How many records came in.
    pub incoming: u64,
    /// How many went on.
    pub out: u64,
    /// What to know of it.
    pub notes: Vec<String>,
    /// The difference to the step before, empty when there is none; `None` when nothing can be compared.
    pub lines: Option<Vec<Line>>,
}

impl Tried {
    /// Why the outcome is not that of what is there now; `None` when it is.
    #[must_use]
    pub fn is_past(&self, document: &PipelineDocument, input: &Input) -> Option<&'static str> {
        if self.document != *document {
            Some("The pipeline was changed since: this is what the version before did.")
        } else if self.input != *input {
            Some("The records or the choices beside them were changed since: this is what became of those before.")
        } else {
            None
        }
    }

    /// What became of the records, in a sentence, with what destinations are called; `None` when something stopped it.
    pub fn sentence(&self, name: impl Fn(&DestinationId) -> String) -> Option<String> {
        let reach =
            |end: &DryRunDestination| format!("{} {}", format::counted(end.out, "reaches", "reach"), name(&end.id));
        let came = self.outcome.steps.first().map(|step| format::counted(step.incoming, "record", "records"));
        let parts: Vec<String> = came.into_iter().chain(self.outcome.destinations.iter().map(reach)).collect();
        self.outcome.errors.is_empty().then(|| format!("Tried: {}.", parts.join(", ")))
    }

    /// What each step did, in order.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        let mut before = records::read(&self.input.text).map(|records| records::text(&records));
        let mut effects = Vec::new();
        for step in &self.outcome.steps {
            let after = records::text(&step.records);
            effects.push(Effect {
                step: find(&self.document, &step.id),
                kind: step.kind.clone(),
                incoming: step.incoming,
                out: step.out,
                notes: step.notes.clone(),
                lines: before.map(|before| compare(&before, &after)),
            });
            before = Some(after);
        }
        effects
    }
}

impl Effect {
    /// How many records ended here or were made here, in words; empty when all went on.
    #[must_use]
    pub fn loss(&self) -> String {
        match (self.incoming.checked_sub(self.out), self.out.checked_sub(self.incoming)) {
            (Some(0), _) => String::new(),
            (Some(lost), _) => format!("{} dropped", format::count(lost)),
            (None, made) => format!("{} added", format::count(made.unwrap_or_default())),
        }
    }
}

fn find(document: &PipelineDocument, id: &Slug) -> Option<(Lane, usize, Step)> {
    Lane::ALL.into_iter().find_map(|lane| {
        let (index, step) = lane.steps(document).iter().enumerate().find(|(_, step)| step.id == *id)?;
        Some((lane, index, step.clone()))
    })
}

fn compare(before: &str, after: &str) -> Vec<Line> {
    if before != after && before.lines().count() + after.lines().count() > MOST_COMPARED {
        let text = "Too many lines to compare here; try fewer records.".to_owned();
        return vec![Line { mark: Mark::Note, text }];
    }
    at_most(diff::signed(diff::unified(before, after, 3)))
}

/// Records as lines, as many as can be shown.
#[must_use]
pub fn lines(records: &Value) -> Vec<Line> {
    let line = |text: &str| Line { mark: Mark::Same, text: text.to_owned() };
    at_most(records::text(records).lines().map(line).collect())
}

fn at_most(mut lines: Vec<Line>) -> Vec<Line> {
    if let Some(left) = lines.len().checked_sub(MOST_SHOWN + 1) {
        lines.truncate(MOST_SHOWN);
        lines.push(Line {
            mark: Mark::Note,
            text: format!("… and {}", format::counted(left as u64 + 1, "more line", "more lines")),
        });
    }
    lines
}

/// Whether a problem of a dry run is of the request itself, and mended there; all others are at a card.
#[must_use]
pub fn is_own(problem: &FieldProblem) -> bool {
    ["records", "source", "seed", "runtime"].iter().any(|own| super::problems::is_within(&problem.field, own))
}

#[cfg(test)]
mod tests;
