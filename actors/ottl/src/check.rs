//! Names looked up without running: contexts, paths, enums, functions and what they take.

mod bind;
pub(crate) mod context;
mod enums;
pub(crate) mod field;
pub(crate) mod functions;
mod infer;
mod nearest;
pub(crate) mod signature;
#[cfg(test)]
mod tests;

pub use self::{
    context::{Context, Dialect, Functions},
    infer::{Group, contexts_named, infer_context},
};
use crate::{
    problem::{Problem, problems},
    program::{Call, Test},
    syntax::{read_condition, read_statement},
};

use self::bind::Binder;

/// A statement that can be run on records of its context.
#[derive(Debug)]
pub struct Statement {
    text: String,
    dialect: Dialect,
    pub(crate) call: Call,
    pub(crate) test: Test,
    known: Known,
}

/// A condition that can be asked of records of its context.
#[derive(Debug)]
pub struct Condition {
    text: String,
    dialect: Dialect,
    pub(crate) test: Test,
    known: Known,
}

/// What is known of a text beyond its meaning.
#[derive(Debug)]
struct Known {
    unsupported: Vec<&'static str>,
    newer: Vec<String>,
}

impl Statement {
    /// Reads a statement and looks up its names.
    ///
    /// # Errors
    /// All that is wrong with it: what does not fit the grammar, or else what is not known or cannot be of the kind
    /// that is asked for.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, Vec<Problem>> {
        let tree = read_statement(text).map_err(|findings| problems(findings, text))?;
        let mut binder = Binder::new(dialect);
        match binder.statement(&tree) {
            Ok((call, test)) if binder.findings.is_empty() => {
                Ok(Self { text: text.to_owned(), dialect, call, test, known: known(binder) })
            }
            _ => Err(problems(binder.findings, text)),
        }
    }

    /// The text that it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it runs on.
    #[must_use]
    pub const fn context(&self) -> Context {
        self.dialect.context
    }

    /// The functions in it that cannot be tried here; running it is an error where one of them is called.
    #[must_use]
    pub fn unsupported(&self) -> &[&'static str] {
        &self.known.unsupported
    }

    /// The functions and parameters in it that collectors of 0.149 lack.
    #[must_use]
    pub fn lacking_in_0_149(&self) -> &[String] {
        &self.known.newer
    }
}

impl Condition {
    /// Reads a condition and looks up its names.
    ///
    /// # Errors
    /// As [`Statement::parse`].
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, Vec<Problem>> {
        let tree = read_condition(text).map_err(|findings| problems(findings, text))?;
        let mut binder = Binder::new(dialect);
        match binder.test(&tree) {
            Ok(test) if binder.findings.is_empty() => {
                Ok(Self { text: text.to_owned(), dialect, test, known: known(binder) })
            }
            _ => Err(problems(binder.findings, text)),
        }
    }

    /// The text that it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it is asked of.
    #[must_use]
    pub const fn context(&self) -> Context {
        self.dialect.context
    }

    /// The functions in it that cannot be tried here; asking it is an error where one of them is called.
    #[must_use]
    pub fn unsupported(&self) -> &[&'static str] {
        &self.known.unsupported
    }

    /// The functions and parameters in it that collectors of 0.149 lack.
    #[must_use]
    pub fn lacking_in_0_149(&self) -> &[String] {
        &self.known.newer
    }
}

fn known(binder: Binder) -> Known {
    Known { unsupported: binder.unsupported, newer: binder.newer }
}

/// Whether a function is known and can be tried here.
#[must_use]
pub fn is_supported(name: &str) -> bool {
    functions::every_function().any(|function| function.name == name && function.run.is_some())
}
