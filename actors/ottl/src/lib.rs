//! The OpenTelemetry Transformation Language, and the records that it works on.
//!
//! A crate of its own, without clock or I/O, so that the server and its fuzz targets share one reader of the language and
//! one meaning of it.

pub mod problem;
pub mod record;
pub mod regex;
pub mod syntax;
