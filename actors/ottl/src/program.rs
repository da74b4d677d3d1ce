//! Texts whose names have been looked up, ready to run.

use crate::{
    check::{
        field::{Field, Root},
        signature::Function,
    },
    eval::Datum,
    pattern::Pattern,
    syntax::tree::Comparison,
};

#[derive(Debug)]
pub(crate) enum Test {
    Literal(bool),
    Converter(Box<Call>),
    Compare { left: Expr, by: Comparison, right: Expr },
    Not(Box<Test>),
    And(Vec<Test>),
    Or(Vec<Test>),
}

#[derive(Debug)]
pub(crate) enum Expr {
    Literal(Datum),
    Path(Target),
    Call(Box<Call>),
    List(Vec<Expr>),
    Map(Vec<(String, Expr)>),
    Negate(Box<Expr>),
    Chain { first: Box<Expr>, rest: Vec<(Operator, Expr)> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: &'static Function,
    /// One for each parameter.
    pub(crate) arguments: Vec<Argument>,
    pub(crate) keys: Vec<Key>,
}

#[derive(Debug)]
pub(crate) enum Argument {
    Absent,
    Expr(Expr),
    Exprs(Vec<Expr>),
    Target(Target),
    Pattern(Pattern),
    Texts(Vec<String>),
    Floats(Vec<f64>),
    Function(&'static Function),
}

/// A field and keys into it.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) root: Root,
    pub(crate) field: Field,
    pub(crate) keys: Vec<Key>,
    /// As it stands in the text.
    pub(crate) path: String,
}

#[derive(Debug)]
pub(crate) enum Key {
    Text(String),
    Int(i64),
    Computed(Expr),
}
