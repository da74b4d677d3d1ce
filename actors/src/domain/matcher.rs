//! Matchers in Alertmanager's syntax over a collector's attributes: `env="prod"`, `host.name=~"web-.*"`.
//!
//! Names and values may be quoted or not. Operators are `=`, `!=`, `=~`, `!~`; regular expressions are anchored at both
//! ends. An absent attribute is the empty string, so `env!="prod"` holds where there is no `env`.

use std::{collections::BTreeMap, fmt};

use regex::Regex;

mod parse;
#[cfg(test)]
mod tests;

/// What matchers look at: attribute names and values.
pub type Attributes = BTreeMap<String, String>;

/// Something that attributes can be looked up in.
pub trait AttributeLookup {
    /// The value of an attribute; `None` when it is absent.
    fn attribute(&self, name: &str) -> Option<&str>;
}

impl AttributeLookup for Attributes {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.get(name).map(String::as_str)
    }
}

/// Why a text is not a matcher.
#[derive(Debug, Default, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {reason}")]
pub struct MatcherError {
    /// Where, in characters from 1.
    pub position: usize,
    /// What is wrong, for a person.
    pub reason: String,
}

#[derive(Clone)]
enum Test {
    Equal(Box<str>),
    NotEqual(Box<str>),
    Matches(Box<Regex>),
    NotMatches(Box<Regex>),
}

/// One condition on one attribute.
#[derive(Clone)]
pub struct Matcher {
    name: Box<str>,
    test: Test,
}

impl Matcher {
    /// Reads a matcher.
    ///
    /// # Errors
    /// With the place, when the text is not one matcher, or its regular expression is not one.
    pub fn parse(text: &str) -> Result<Self, MatcherError> {
        parse::matcher(text)
    }

    /// The attribute that it looks at.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value that it asks for, when it asks for one: `name="value"`. By it, what matches is found without trying.
    #[must_use]
    pub fn equal_to(&self) -> Option<&str> {
        match &self.test {
            Test::Equal(wanted) => Some(wanted),
            Test::NotEqual(_) | Test::Matches(_) | Test::NotMatches(_) => None,
        }
    }

    /// Whether the condition holds.
    #[must_use]
    pub fn matches(&self, attributes: &impl AttributeLookup) -> bool {
        let value = attributes.attribute(&self.name).unwrap_or_default();
        match &self.test {
            Test::Equal(wanted) => value == &**wanted,
            Test::NotEqual(unwanted) => value != &**unwanted,
            Test::Matches(regex) => regex.is_match(value),
            Test::NotMatches(regex) => !regex.is_match(value),
        }
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.test {
            Test::Equal(value) => write!(f, "{:?}={value:?}", self.name),
            Test::NotEqual(value) => write!(f, "{:?}!={value:?}", self.name),
            Test::Matches(regex) => write!(f, "{:?}=~{:?}", self.name, regex.as_str()),
            Test::NotMatches(regex) => write!(f, "{:?}!~{:?}", self.name, regex.as_str()),
        }
    }
}

/// Matchers of which all must hold. The empty set matches nothing: a pipeline without matchers is a draft.
#[derive(Debug, Clone, Default)]
pub struct MatcherSet {
    matchers: Vec<Matcher>,
}

/// A list has no more: a regular expression may take a quarter of a mebibyte and is tried on every collector.
pub const MAX_MATCHERS: usize = 32;

impl MatcherSet {
    /// Reads the matchers of a document or a query.
    ///
    /// # Errors
    /// With the index and the error of each that cannot be read.
    pub fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self, Vec<(usize, MatcherError)>> {
        let mut matchers = Vec::with_capacity(texts.len().min(MAX_MATCHERS));
        let mut errors = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            if index == MAX_MATCHERS {
                errors.push((index, MatcherError { position: 1, reason: format!("at most {MAX_MATCHERS} matchers") }));
                break;
            }
            match Matcher::parse(text.as_ref()) {
                Ok(matcher) => matchers.push(matcher),
                Err(error) => errors.push((index, error)),
            }
        }
        if errors.is_empty() { Ok(Self { matchers }) } else { Err(errors) }
    }

    /// Whether there is at least one matcher and all hold.
    #[must_use]
    pub fn matches(&self, attributes: &impl AttributeLookup) -> bool {
        !self.matchers.is_empty() && self.matchers.iter().all(|m| m.matches(attributes))
    }

    /// The matchers, in the order of the document.
    #[must_use]
    pub fn matchers(&self) -> &[Matcher] {
        &self.matchers
    }
}
