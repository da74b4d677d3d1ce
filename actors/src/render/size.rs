//! How large a text may be.

use std::collections::BTreeMap;

use serde_json::Value;

use super::RenderError;
use crate::{component::SettingsMap, domain::resolve::ResolvedConfig};

/// The largest text that is rendered, in octets. A collector gets it in one message and reports it back in one, with what
/// its supervisor adds: of that, 4 MiB are kept and compared. Real ones have 8 KB. What stands deep in a text is many
/// times as long in it as in its document, and there is a text for every set of pipelines.
pub const MAX_TEXT: usize = 2 << 20;

/// The text of these pipelines is larger.
pub(super) fn too_large(config: &ResolvedConfig) -> RenderError {
    let steps = config.pipelines.iter().flat_map(|pipeline| pipeline.sources.iter().chain(&pipeline.steps));
    let shared = config.sources.values().map(|source| &source.part);
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for part in steps.map(|step| &step.part).chain(shared).chain(config.destinations.values()) {
        *sizes.entry(&part.origin.0).or_default() += size(&part.settings);
    }
    let largest = sizes.into_iter().max_by_key(|(_, size)| *size);
    RenderError::TooLarge { document: largest.map(|(document, _)| document.to_owned()).unwrap_or_default() }
}

/// About how much settings bring into a text.
fn size(settings: &SettingsMap) -> usize {
    settings.iter().map(|(key, value)| key.len() + of_value(value)).sum()
}

fn of_value(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(of_value).sum(),
        Value::Object(map) => size(map),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}
