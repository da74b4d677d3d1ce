//! Why a statement or a condition cannot be worked out.

use super::datum::Datum;
use crate::problem::short;

/// Why a statement or a condition could not be worked out on a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A value is of another kind than is asked for (`TypeError`).
    #[error("{0}")]
    Kind(String),
    /// Something else is wrong with a value.
    #[error("{0}")]
    Value(String),
    /// A function, or what is asked of it, is known and cannot be tried here.
    #[error("{0} cannot be tried here")]
    Unsupported(String),
    /// A result would take more than a result may.
    #[error("the result would be larger than {0} octets")]
    TooLarge(usize),
    /// A regular expression takes more than is granted. A collector may well take it.
    #[error("the pattern is too large to be tried here")]
    PatternTooLarge,
    /// The records would hold more than they may, in megabytes.
    #[error("the records would hold more than {0} MB, which is too much to be tried here")]
    Full(usize),
    /// All the work that was granted has been done.
    #[error("this takes too long to be tried here")]
    Exhausted,
}

impl Error {
    pub(crate) fn value(message: impl Into<String>) -> Self {
        Self::Value(short(message.into()))
    }

    pub(crate) fn unsupported(function: &str) -> Self {
        Self::Unsupported(format!("`{function}`"))
    }

    pub(crate) fn kind(expected: &str, found: &Datum) -> Self {
        Self::Kind(format!("expected {expected}, found {}", found.words()))
    }

    /// The error of an argument: one of kind within it is none of the argument's own kind.
    pub(crate) fn within(self) -> Self {
        match self {
            Self::Kind(message) => Self::Value(message),
            other => other,
        }
    }
}
