//! A config that runs already becomes pipelines and destinations.
//!
//! A config of otelcol and one of Alloy are read to the same: components, and how records run through them. What a
//! rendering of LinkMesh consists of is known by its names, so that importing it gives the pipelines back that it was made
//! of: but for their names, descriptions and matchers, the ids of sources that several pipelines share, and the order of
//! steps that no record passes both of, none of which is in the text. In other texts the chains from receivers to
//! exporters become pipelines. Nothing is left out silently: what pipelines and destinations do not say, or only as a raw
//! text, is listed with its reason.
//!
//! A text is no more than data here: nothing that it names is opened or asked.

use linkmesh_ottl::run::IsOver;
use linkmesh_proto::api::{collector::Runtime, pipeline::Import, problem::FieldProblem};

use crate::domain::{config::ConfigSnapshot, document::MAX_BYTES};

mod alloy;
mod assemble;
mod defaults;
mod found;
mod hidden;
mod otelcol;
mod recognise;
#[cfg(test)]
mod tests;
mod tree;

/// Makes pipelines and destinations of a config. What cannot be read has `errors` and nothing else.
///
/// What is in the repository already keeps its ids: a destination that is the same is the one that is there, everything
/// else gets another id. Only what LinkMesh rendered comes back under its own. When `is_over` says so, parts that were not
/// looked at stay raw texts.
#[must_use]
pub fn import(runtime: Runtime, text: &str, beside: &ConfigSnapshot, is_over: IsOver) -> Import {
    match read(runtime, text, &is_over) {
        Ok(config) => assemble::assemble(runtime, config, beside, is_over),
        Err(errors) => Import { pipelines: Vec::new(), destinations: Vec::new(), left_over: Vec::new(), errors },
    }
}

fn read(runtime: Runtime, text: &str, is_over: &IsOver) -> Result<found::Config, Vec<FieldProblem>> {
    if text.len() > MAX_BYTES {
        return Err(found::refused("text", "too_large", format!("is larger than {MAX_BYTES} bytes")));
    }
    if text.trim().is_empty() {
        return Err(found::refused("text", "missing", "must not be empty"));
    }
    match runtime {
        Runtime::Otelcol => otelcol::read(text),
        Runtime::Alloy => alloy::read(text, is_over),
    }
}
