//! The grammar: texts to trees and back.
//!
//! Source: `grammar.go` and `LANGUAGE.md` of `pkg/ottl` 0.158.0. What upstream reads is read here, and the other way
//! round, but for nonsense that its machine lets through by trying again after an error.

mod parse;
mod print;
#[cfg(test)]
mod tests;
mod text;
mod token;
pub mod tree;

use self::{
    parse::{Parsed, Parser},
    tree::{Condition, Statement, Value},
};
use crate::problem::{Finding, Problem, problems};

fn parsed<'a, T>(text: &'a str, part: fn(&mut Parser<'a>) -> Parsed<T>) -> Result<T, Vec<Finding>> {
    let mut parser = Parser::new(text).map_err(|finding| vec![finding])?;
    let part = part(&mut parser);
    let mut findings = std::mem::take(&mut parser.findings);
    match part {
        Ok(part) if findings.is_empty() => Ok(part),
        Ok(_) => Err(findings),
        Err(finding) => {
            findings.push(finding);
            Err(findings)
        }
    }
}

pub(crate) fn read_statement(text: &str) -> Result<Statement, Vec<Finding>> {
    parsed(text, Parser::statement)
}

pub(crate) fn read_condition(text: &str) -> Result<Condition, Vec<Finding>> {
    parsed(text, Parser::whole_condition)
}

/// Reads a statement: `editor(arguments) where condition`.
///
/// # Errors
/// What does not fit the grammar, with its position.
pub fn statement(text: &str) -> Result<Statement, Vec<Problem>> {
    read_statement(text).map_err(|findings| problems(findings, text))
}

/// Reads a condition, as a filter has it.
///
/// # Errors
/// What does not fit the grammar, with its position.
pub fn condition(text: &str) -> Result<Condition, Vec<Problem>> {
    read_condition(text).map_err(|findings| problems(findings, text))
}

/// Reads a value expression.
///
/// # Errors
/// What does not fit the grammar, with its position.
pub fn value(text: &str) -> Result<Value, Vec<Problem>> {
    parsed(text, Parser::whole_value).map_err(|findings| problems(findings, text))
}
