//! Destinations: exporters configured once and shared by pipelines.

use super::{documents, problem::FieldProblem};
use crate::{DestinationId, PipelineId, Revision, Timestamp};

documents! {
    /// An exporter with its endpoint and credentials; `destinations/<id>.yaml` in the config repository.
    ///
    /// Fields marked secret by the catalogue's schema hold `${env:NAME}` or a sealed value. A sealed value is shown as
    /// `{"sealed": true}`; sending that back keeps it.
    #[serde(deny_unknown_fields)]
    pub struct DestinationDocument {
        /// Version of this format; 1.
        #[serde(default = "super::destination::version_one")]
        pub version: u32,
        /// The name shown to people.
        pub name: String,
        /// What the destination is.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        pub description: String,
        /// The component kind from the catalogue, for example `otlp_http`.
        pub kind: String,
        /// Settings by the kind's JSON Schema.
        #[serde(default)]
        pub settings: serde_json::Map<String, serde_json::Value>,
    }

    /// A destination as the API shows it.
    pub struct Destination {
        /// The identifier.
        pub id: DestinationId,
        /// The document.
        #[serde(flatten)]
        pub document: DestinationDocument,
        /// The last commit that touched the document.
        pub revision: Revision,
        /// When that commit was made.
        pub updated_at: Timestamp,
        /// Who made it.
        pub updated_by: String,
        /// The pipelines that send to it.
        pub used_by: Vec<PipelineId>,
        /// A broken file by a hand-made commit: what is wrong. The document is the last good one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub broken: Option<String>,
        /// Fields whose secret a hand-made commit put into the repository in the clear. They are shown like sealed ones, and
        /// the next save seals them; whoever could read the repository may know them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub in_the_clear: Vec<String>,
    }

    /// What a `POST /destinations` holds.
    pub struct NewDestination {
        /// The identifier; a slug of the name when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub id: Option<DestinationId>,
        /// The document.
        #[serde(flatten)]
        pub document: DestinationDocument,
    }

    /// The answer to a save.
    pub struct DestinationSaved {
        /// The destination as stored.
        pub destination: Destination,
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
}

const fn version_one() -> u32 {
    1
}
