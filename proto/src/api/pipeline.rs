//! Pipelines: the document that is also the YAML file in Git, and the answers around it.

use serde::{Deserialize, Serialize};

use super::{documents, fleet::Rates, problem::FieldProblem};
use crate::{CollectorId, DestinationId, PipelineId, Revision, Slug, Timestamp};

documents! {
    /// A kind of telemetry.
    #[derive(Copy, Eq, Hash, PartialOrd, Ord)]
    #[serde(rename_all = "lowercase")]
    pub enum Signal {
        /// Log records.
        Logs,
        /// Metric points.
        Metrics,
        /// Spans.
        Traces,
    }

    /// One flow from sources to destinations, with the collectors that run it.
    ///
    /// The same document is `pipelines/<id>.yaml` in the config repository, where the file's name is the id.
    #[serde(deny_unknown_fields)]
    pub struct PipelineDocument {
        /// Version of this format; 1.
        #[serde(default = "version_one")]
        pub version: u32,
        /// The name shown to people.
        pub name: String,
        /// What the pipeline is for.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        pub description: String,
        /// A disabled pipeline runs nowhere.
        #[serde(default = "enabled")]
        pub enabled: bool,
        /// The kinds of telemetry that flow through it.
        pub signals: Vec<Signal>,
        /// Matchers in Alertmanager syntax, all of which must hold; an empty list runs nowhere (a draft).
        #[serde(default, rename = "match")]
        pub matchers: Vec<String>,
        /// Where records come from.
        pub sources: Vec<Step>,
        /// What decides whether a record goes on, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub filters: Vec<Step>,
        /// What changes records, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub processors: Vec<Step>,
        /// Where records go.
        pub destinations: Vec<DestinationRef>,
    }

    /// One component of a pipeline: a source, a filter or a processor.
    #[serde(deny_unknown_fields)]
    pub struct Step {
        /// Names the step within its pipeline; stands in the rendered component names and must stay the same.
        pub id: Slug,
        /// The component kind from the catalogue, for example `file_log`.
        pub kind: String,
        /// A name for people; the kind's title when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        /// Settings by the kind's JSON Schema.
        #[serde(default)]
        pub settings: serde_json::Map<String, serde_json::Value>,
    }

    /// A destination that gets a part of what flows through a pipeline.
    #[serde(deny_unknown_fields)]
    pub struct ConditionalDestination {
        /// The destination.
        pub id: DestinationId,
        /// A condition in OTTL, asked of each log record, data point or span.
        pub when: String,
    }

    /// A pipeline as the API shows it.
    pub struct Pipeline {
        /// The identifier.
        pub id: PipelineId,
        /// The document.
        #[serde(flatten)]
        pub document: PipelineDocument,
        /// The last commit that touched the document.
        pub revision: Revision,
        /// When that commit was made.
        pub updated_at: Timestamp,
        /// Who made it.
        pub updated_by: String,
        /// How many collectors it matches now.
        pub matched: u64,
        /// What flows through it now; `null` while no collector tells of it.
        #[serde(default)]
        pub rates: Option<Rates>,
        /// A broken file by a hand-made commit: what is wrong. The document is the last good one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub broken: Option<String>,
        /// Fields whose secret a hand-made commit put into the repository in the clear. They are shown like sealed ones, and
        /// the next save seals them; whoever could read the repository may know them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub in_the_clear: Vec<String>,
    }

    /// What a `POST /pipelines` holds.
    pub struct NewPipeline {
        /// The identifier; a slug of the name when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub id: Option<PipelineId>,
        /// The document.
        #[serde(flatten)]
        pub document: PipelineDocument,
    }

    /// The answer to a save.
    pub struct PipelineSaved {
        /// The pipeline as stored.
        pub pipeline: Pipeline,
        /// The commit that holds it.
        pub revision: Revision,
        /// The rollout that delivers it; `null` until rollouts exist.
        pub rollout_id: Option<String>,
        /// How many collectors get another config by it.
        pub affected: u64,
        /// What deserves a look although it was saved.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub warnings: Vec<FieldProblem>,
    }

    /// The answer to `POST /pipelines/validate`.
    pub struct Validation {
        /// What stops a save.
        pub errors: Vec<FieldProblem>,
        /// What deserves a look.
        pub warnings: Vec<FieldProblem>,
    }

    /// The answer to `POST /pipelines/preview`: what a collector that runs only this pipeline would get.
    pub struct Preview {
        /// The collectors that the matchers select now.
        pub collectors: Matched,
        /// The YAML for otelcol; `null` when a part cannot run there.
        pub otelcol: Option<String>,
        /// The text for Alloy; `null` when a part cannot run there.
        pub alloy: Option<String>,
        /// What stops a save.
        pub errors: Vec<FieldProblem>,
        /// What deserves a look.
        pub warnings: Vec<FieldProblem>,
    }

    /// What a `POST /pipelines/dry-run` holds.
    #[serde(deny_unknown_fields)]
    pub struct NewDryRun {
        /// The pipeline, as `POST /pipelines` takes it.
        pub pipeline: serde_json::Value,
        /// Sample records: OTLP JSON, as a mapping or as a text; a text may hold several documents one after another.
        pub records: serde_json::Value,
        /// The runtime that is to be able to run it; both may differ when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub runtime: Option<super::collector::Runtime>,
        /// The source of the pipeline that the records come from: what it does behind its receiver is tried, too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub source: Option<Slug>,
        /// What chance is drawn from; the same seed gives the same outcome.
        #[serde(default)]
        pub seed: u64,
    }

    /// What a dry run did.
    pub struct DryRun {
        /// The steps that were tried, in order.
        pub steps: Vec<DryRunStep>,
        /// What reaches each destination.
        pub destinations: Vec<DryRunDestination>,
        /// What stopped it, by its place in the pipeline or in the request.
        pub errors: Vec<FieldProblem>,
    }

    /// What a step did with sample records.
    pub struct DryRunStep {
        /// The step.
        pub id: Slug,
        /// Its kind.
        pub kind: String,
        /// How many records came in: log records, data points or spans.
        #[serde(rename = "in")]
        pub incoming: u64,
        /// How many went on.
        pub out: u64,
        /// Those that went on, as OTLP JSON.
        pub records: serde_json::Value,
        /// What to know of it: statements that failed, what cannot be tried.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub notes: Vec<String>,
    }

    /// What reaches a destination of sample records.
    pub struct DryRunDestination {
        /// The destination.
        pub id: DestinationId,
        /// How many records.
        pub out: u64,
        /// The records, as OTLP JSON.
        pub records: serde_json::Value,
        /// What to know of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub notes: Vec<String>,
    }

    /// What a `POST /pipelines/import` holds.
    #[serde(deny_unknown_fields)]
    pub struct NewImport {
        /// The program whose config it is.
        pub runtime: super::collector::Runtime,
        /// The config: YAML of otelcol or a file of Alloy.
        pub text: String,
    }

    /// What a config becomes. Nothing of it is stored.
    pub struct Import {
        /// The pipelines, each with its id.
        pub pipelines: Vec<NewPipeline>,
        /// The destinations that they send to, each with its id. Secrets that the text holds stand in the clear.
        pub destinations: Vec<super::destination::NewDestination>,
        /// What is not in them, only as a raw text, or not quite the same; the gravest first.
        pub left_over: Vec<LeftOver>,
        /// Why the text cannot be read; then everything else is empty.
        pub errors: Vec<FieldProblem>,
    }

    /// What became of a part of a config that is not simply taken over, gravest first.
    #[derive(Copy, Eq, Hash, PartialOrd, Ord)]
    #[serde(rename_all = "snake_case")]
    pub enum LeftOverKind {
        /// It did something to records, and nothing of what the config becomes does that.
        Missing,
        /// A raw text stands for it.
        Raw,
        /// It is there, and not quite the same.
        Differs,
        /// No record is touched by it: it is a thing of the collector itself, or was not in use.
        Unused,
    }

    /// A part of a config that is not said in pipelines and destinations, or not as it stands there.
    pub struct LeftOver {
        /// What became of it.
        pub kind: LeftOverKind,
        /// Where it stands in the config, for example `processors.filter/x`.
        pub path: String,
        /// The part as it stands there, secrets hidden.
        pub text: String,
        /// Why, for a person.
        pub reason: String,
        /// The pipelines that do less without it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub pipelines: Vec<PipelineId>,
    }

    /// The collectors that a list of matchers selects.
    pub struct Matched {
        /// How many.
        pub matched: u64,
        /// The first 50 of them.
        pub items: Vec<MatchedCollector>,
        /// How many run the stored version of the pipeline now and would run it no more; 0 where none was asked about.
        #[serde(default)]
        pub loses: u64,
    }

    /// A collector in short.
    pub struct MatchedCollector {
        /// The identifier.
        pub id: CollectorId,
        /// The name shown to people.
        pub name: String,
        /// The runtime.
        pub runtime: super::collector::Runtime,
    }
}

/// A destination of a pipeline. In documents either its id alone or `{id, when}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum DestinationRef {
    /// Everything goes there.
    Id(DestinationId),
    /// Only what a condition holds on goes there.
    When(ConditionalDestination),
}

impl DestinationRef {
    /// The destination meant.
    #[must_use]
    pub fn id(&self) -> &DestinationId {
        match self {
            Self::Id(id) => id,
            Self::When(conditional) => &conditional.id,
        }
    }

    /// The condition on what goes there, in OTTL; `None` when everything does.
    #[must_use]
    pub fn when(&self) -> Option<&str> {
        match self {
            Self::Id(_) => None,
            Self::When(conditional) => Some(&conditional.when),
        }
    }
}

const fn version_one() -> u32 {
    1
}

const fn enabled() -> bool {
    true
}
