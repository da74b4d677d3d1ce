//! Texts of what is left over, without the secrets in them.

use serde_json::Value;

use super::found::{Found, Written};
use crate::{
    component::raw,
    render::{
        alloy::{self, Block, Statement},
        yaml::Yaml,
    },
};

/// The longest text that is shown, in octets: enough to know what is meant.
const MAX_TEXT: usize = 4096;

/// The text of a component.
pub(super) fn text(found: &Found) -> String {
    match &found.written {
        Written::Otelcol(value) => yaml(&found.id, value),
        Written::Alloy(block) => block_text(block),
    }
}

/// A key and its value as YAML.
pub(super) fn yaml(key: &str, value: &Value) -> String {
    let shown = Yaml::Map(vec![(key.to_owned(), Yaml::verbatim(&raw::hidden_yaml(value)))]);
    cut(shown.write(false))
}

/// A block as Alloy writes it.
pub(super) fn block_text(block: &Block) -> String {
    let shown = Block { body: raw::hidden_alloy(&block.body), ..block.clone() };
    cut(alloy::write(&[Statement::Block(shown)], false))
}

fn cut(mut text: String) -> String {
    let end = text.trim_end().len();
    text.truncate(end);
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}
