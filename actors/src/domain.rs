//! Pure types and rules.

pub mod access;
pub mod attributes;
pub mod components;
pub mod config;
pub mod document;
pub mod matcher;
pub mod problem;
pub mod resolve;
pub mod secret;
pub mod stability;
pub mod validate;
