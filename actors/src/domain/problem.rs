//! Collecting what is wrong with a document, place by place.

use std::fmt::{self, Display};

use linkmesh_proto::api::problem::FieldProblem;

/// A problem at a place.
#[must_use]
pub fn problem(field: impl Into<String>, code: &str, message: impl Into<String>) -> FieldProblem {
    FieldProblem { field: field.into(), code: code.to_owned(), message: message.into() }
}

/// Problems in the order in which they were found. At most [`Problems::LIMIT`] are kept, since a large broken document
/// has one cause and not ten thousand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Problems {
    list: Vec<FieldProblem>,
}

impl Problems {
    /// How many are kept.
    pub const LIMIT: usize = 100;

    /// Adds a problem at a place.
    pub fn add(&mut self, field: impl Into<String>, code: &str, message: impl Into<String>) {
        if self.list.len() < Self::LIMIT {
            self.list.push(problem(field, code, message));
        }
    }

    /// Adds problems found elsewhere.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = FieldProblem>) {
        for problem in problems {
            if self.list.len() < Self::LIMIT && !self.list.contains(&problem) {
                self.list.push(problem);
            }
        }
    }

    /// Whether no more are kept.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.list.len() >= Self::LIMIT
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The problems.
    #[must_use]
    pub fn into_vec(self) -> Vec<FieldProblem> {
        self.list
    }

    /// `value` when nothing is wrong.
    ///
    /// # Errors
    /// The problems, when there are any.
    pub fn or<T>(self, value: T) -> Result<T, Vec<FieldProblem>> {
        if self.list.is_empty() { Ok(value) } else { Err(self.list) }
    }
}

/// A place in a document, written as `filters[0].settings.minimum`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// The document as a whole.
    #[must_use]
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// The place of this name below.
    #[must_use]
    pub fn key(&self, name: &str) -> Self {
        // Keys that would blur the path are shown in brackets and quotes.
        if name.is_empty() || name.contains(['.', '[', ']', '"']) || name.chars().any(char::is_control) {
            return Self(format!("{}[{name:?}]", self.0));
        }
        Self(if self.0.is_empty() { name.to_owned() } else { format!("{}.{name}", self.0) })
    }

    /// The place of this number below.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.0
    }
}

impl From<&Path> for String {
    fn from(path: &Path) -> Self {
        path.0.clone()
    }
}

/// The nearest of the known names, when one is near enough to be meant.
#[must_use]
pub fn suggestion<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| {
            let longer = name.len() >= 3 && given.starts_with(name) || given.len() >= 3 && name.starts_with(given);
            (if longer { 1 } else { distance(given, name) }, name)
        })
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's distance in bytes, for short names.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().take(100).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let next = (diagonal + usize::from(x != y)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = next;
            left = next;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_code() {
        let path = Path::root().key("filters").index(0).key("settings").key("minimum");
        assert_eq!(path.to_string(), "filters[0].settings.minimum");
        assert_eq!(Path::root().key("a.b").to_string(), "[\"a.b\"]");
    }

    #[test]
    fn a_near_name_is_suggested() {
        assert_eq!(suggestion("severty", ["severity", "ottl"]), Some("severity"));
        assert_eq!(suggestion("minimun", ["minimum"]), Some("minimum"));
        assert_eq!(suggestion("warning", ["info", "warn"]), Some("warn"));
        assert_eq!(suggestion("kafka", ["severity", "ottl", "otlp"]), None);
    }

    #[test]
    fn distance_is_levenshteins() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
