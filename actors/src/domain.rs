//! Pure types and rules.

pub mod access;
pub mod attributes;
pub(crate) mod bytes;
pub mod components;
pub mod config;
pub mod desired;
pub mod document;
pub mod drift;
pub mod dry_run;
pub(crate) mod expansion;
pub mod health;
pub mod matcher;
pub mod meter;
mod prepare;
pub mod problem;
pub mod resolve;
pub mod secret;
pub mod stability;
pub mod standing;
pub mod text;
pub mod validate;
pub mod version;
