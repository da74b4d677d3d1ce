//! What functions do.
//!
//! Source: `ottlfuncs` of `pkg/ottl` 0.158.0.

pub(crate) mod aggregate;
pub(crate) mod cases;
pub(crate) mod chance;
pub(crate) mod convert;
pub(crate) mod csv;
pub(crate) mod dates;
pub(crate) mod digest;
pub(crate) mod editors;
pub(crate) mod histograms;
pub(crate) mod maps;
pub(crate) mod metrics;
pub(crate) mod parse;
pub(crate) mod printf;
pub(crate) mod replace;
pub(crate) mod semconv;
pub(crate) mod texts;
pub(crate) mod url;
