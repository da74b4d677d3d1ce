//! The choice of metrics by their names, as the processors of metrics have it.

use serde::Deserialize;
use serde_json::json;

use super::{
    Findings,
    form::{Field, choice, list, text},
    ottl_text::regex_of,
    scalar,
};

/// The settings `match_by` and `names`.
#[derive(Debug, Deserialize)]
pub struct MetricNames {
    match_by: MatchBy,
    names: Vec<String>,
}

/// What the names are. Case counts.
#[derive(Debug, Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum MatchBy {
    /// Whole names.
    Name,
    /// Beginnings.
    Prefix,
    /// Expressions, of which one is found anywhere in a name.
    Regex,
}

/// The field `match_by`.
#[must_use]
pub fn match_by() -> Field {
    choice("Names are", &["name", "prefix", "regex"])
        .default("name")
        .help("Whole names, beginnings, or expressions that are found anywhere in a name.")
}

/// The field `names`.
#[must_use]
pub fn names(example: &str) -> Field {
    list("Names", text("").most(1024).example(example)).default(json!([])).with("uniqueItems", true)
}

impl MetricNames {
    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether [`texts`](Self::texts) are expressions to be found in a name, and not whole names.
    #[must_use]
    pub fn is_regex(&self) -> bool {
        self.match_by != MatchBy::Name
    }

    /// The names as both runtimes take them: a beginning is an expression.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let text = |name: &String| match self.match_by {
            MatchBy::Name | MatchBy::Regex => name.clone(),
            MatchBy::Prefix => format!("^{}", regex_of(name)),
        };
        self.names.iter().map(text).collect()
    }

    /// Whether expressions are such.
    pub fn check(&self, findings: &mut Findings) {
        for (index, name) in self.names.iter().enumerate() {
            if self.match_by == MatchBy::Regex
                && let Err(reason) = scalar::regex(name)
            {
                findings.errors.add(findings.path().key("names").index(index), "invalid_value", reason);
            }
        }
    }
}
