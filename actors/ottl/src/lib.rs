//! The OpenTelemetry Transformation Language, and the records that it works on.
//!
//! A crate of its own, without clock or I/O, so that the server and its fuzz targets share one reader of the language and
//! one meaning of it.

mod check;
mod eval;
mod pattern;
mod problem;
mod program;
pub mod record;
pub mod regex;
pub mod run;
pub mod syntax;

pub use self::{
    check::{Condition, Context, Dialect, Functions, Group, Statement, contexts_named, infer_context, is_supported},
    eval::Error,
    problem::{Position, Problem},
};
