//! The component catalogue, from which the page makes its forms.

use super::{collector::Runtime, documents, pipeline::Signal};

documents! {
    /// The place of a component in a pipeline.
    #[derive(Copy, Eq, Hash, PartialOrd, Ord)]
    #[serde(rename_all = "snake_case")]
    pub enum Role {
        /// Brings records in.
        Source,
        /// Decides whether a record goes on.
        Filter,
        /// Changes records.
        Processor,
        /// Sends records out.
        Destination,
    }

    /// One kind of component.
    pub struct CatalogueEntry {
        /// The name in documents, for example `file_log`.
        pub kind: String,
        /// Its place in a pipeline.
        pub role: Role,
        /// What an operator calls it.
        pub title: String,
        /// What it does to a record, in a sentence or two.
        pub description: String,
        /// The kinds of telemetry that it handles.
        pub signals: Vec<Signal>,
        /// Where it runs.
        pub runtimes: Vec<RuntimeSupport>,
        /// JSON Schema (2020-12) of its settings. Extensions: `x-secret: true` on secret fields, `x-unit`,
        /// `x-widget` (`list`, `map`, `text`, `code`), `x-order` (place in the form).
        pub schema: serde_json::Value,
        /// Settings that work, to begin with.
        pub examples: Vec<CatalogueExample>,
    }

    /// What one runtime offers for a component.
    pub struct RuntimeSupport {
        /// The runtime.
        pub runtime: Runtime,
        /// The lowest stability level at which the runtime accepts the component.
        pub stability: super::collector::Stability,
        /// The least version of the runtime that takes the component whatever its settings, `major.minor`. Some settings
        /// need more, which validation says. `null` where nothing is known.
        pub least_version: Option<String>,
    }

    /// Settings that work.
    pub struct CatalogueExample {
        /// When one would choose it.
        pub title: String,
        /// The settings.
        pub settings: serde_json::Map<String, serde_json::Value>,
    }
}
