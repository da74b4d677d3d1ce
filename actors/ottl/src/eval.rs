//! What statements and conditions do.
//!
//! Source: `pkg/ottl` 0.158.0, whose behaviour is the measure: what is nil, what an error is, which values are equal.

mod access;
mod arguments;
mod compare;
mod datum;
mod env;
mod error;
pub(crate) mod functions;
mod math;
mod strptime;
#[cfg(test)]
mod tests;
mod text;
mod time;

pub use self::error::Error;

pub(crate) use self::{
    access::first_attribute,
    arguments::{Arguments, as_list, fits, float_like, truncated},
    compare::{as_double, compare},
    datum::{Datum, Part},
    env::{Env, MAX_TEXT, MAX_WEIGHT, Subject, go_types, map_of, raw},
    functions::cases::camel_case,
    math::negate,
    time::Time,
};
