//! Whether what runs is what was committed.
//!
//! Alloy reports the exact bytes that it loaded. otelcol reports its resolved config: every default filled in, keys in
//! another order, durations normalised, header maps turned into lists, secrets hidden, some parts rewritten or missing.
//! So otelcol is compared by meaning: every committed leaf must be found (measured with 0.149 and 0.158).

pub(crate) mod duration;
mod names;
mod reported;
mod scalar;
mod stanza;
mod walk;

use std::collections::BTreeSet;

use linkmesh_proto::api::collector::Difference;
use serde_norway::Value;

use self::walk::Within;
use super::{components::ComponentClass, expansion};

/// A committed otelcol text, parsed once for all the collectors that should run it.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    root: Value,
}

/// Why a text cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DriftError {
    /// It is not YAML, has a key twice, holds several documents, or its aliases make gigabytes of it.
    #[error("not YAML")]
    NotYaml(#[source] serde_norway::Error),
    /// It is a list or a scalar.
    #[error("not a mapping")]
    NotAMapping,
}

impl Committed {
    /// Parses a committed text.
    ///
    /// # Errors
    /// When it is not a YAML mapping.
    pub fn parse(text: &str) -> Result<Self, DriftError> {
        expansion::check(text).map_err(DriftError::NotYaml)?;
        serde_norway::from_str::<Value>(text).map_err(DriftError::NotYaml)?.try_into()
    }

    /// Where an effective config differs from this text; empty when it does not.
    ///
    /// The values are whole, and may hold secrets that were opened for rendering: hide those before showing, and before
    /// cutting.
    ///
    /// # Errors
    /// When the effective config is not a YAML mapping.
    pub fn differences(&self, effective: &str) -> Result<Vec<Difference>, DriftError> {
        Ok(self.differences_in(&Self::parse(effective)?))
    }

    /// The same of a report that was parsed before.
    #[must_use]
    pub fn differences_in(&self, report: &Self) -> Vec<Difference> {
        walk::differences(&self.root, &report.root)
    }

    /// Whether a collector that reports this runs a committed text: it says nothing that is not found in the report,
    /// which has no other pipeline.
    #[must_use]
    pub fn runs(&self, committed: &Self) -> bool {
        walk::is_found(&committed.root, &self.root, Within::Report)
    }

    /// Whether another committed text says nothing that this one does not say, and this one has no other pipeline: a
    /// collector that runs this one runs that one too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        walk::is_found(&other.root, &self.root, Within::Text)
    }

    /// The component types that the text uses, each once: `otlphttp/central` is of type `otlphttp`.
    #[must_use]
    pub fn component_types(&self) -> Vec<(ComponentClass, Box<str>)> {
        let mut types = BTreeSet::new();
        for class in ComponentClass::ALL {
            let ids = self.root.get(class.as_str()).and_then(Value::as_mapping).into_iter().flat_map(|ids| ids.keys());
            for id in ids.filter_map(Value::as_str) {
                types.insert((class, id.split('/').next().unwrap_or(id).into()));
            }
        }
        types.into_iter().collect()
    }

    /// Whether the text touches the extension that connects collector and supervisor.
    pub(crate) fn has_opamp_extension(&self) -> bool {
        let Some(extensions) = self.root.get("extensions").and_then(Value::as_mapping) else { return false };
        extensions.keys().filter_map(Value::as_str).any(|id| id == "opamp" || id.starts_with("opamp/"))
    }
}

/// A text that was read before.
///
/// # Errors
/// When it is no mapping.
impl TryFrom<Value> for Committed {
    type Error = DriftError;

    fn try_from(root: Value) -> Result<Self, DriftError> {
        if root.is_mapping() { Ok(Self { root }) } else { Err(DriftError::NotAMapping) }
    }
}

/// Where an otelcol's effective config differs from the committed text.
///
/// # Errors
/// When one of the two is not a YAML mapping.
pub fn compare_otelcol(committed: &str, effective: &str) -> Result<Vec<Difference>, DriftError> {
    Committed::parse(committed)?.differences(effective)
}

/// Where an Alloy's effective config differs from the committed text: equal bytes or drift. The differences are lines,
/// at most a hundred.
#[must_use]
pub fn compare_alloy(committed: &str, effective: &str) -> Vec<Difference> {
    if committed == effective {
        return Vec::new();
    }
    let (left, right): (Vec<&str>, Vec<&str>) = (committed.lines().collect(), effective.lines().collect());
    let head = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    let tail = left.iter().skip(head).rev().zip(right.iter().skip(head).rev()).take_while(|(a, b)| a == b).count();
    let changed = left.len().max(right.len()) - tail;
    let line = |lines: &[&str], number: usize| {
        lines.get(number).filter(|_| number < lines.len() - tail).map(|line| (*line).to_owned())
    };
    let differences: Vec<Difference> = (head..changed)
        .map(|number| Difference {
            path: format!("line {}", number + 1),
            desired: line(&left, number),
            effective: line(&right, number),
        })
        .filter(|difference| difference.desired != difference.effective)
        .take(100)
        .collect();
    if differences.is_empty() {
        // Only line ends differ.
        return vec![Difference { path: "line ends".to_owned(), desired: None, effective: None }];
    }
    differences
}

#[cfg(test)]
mod tests;
