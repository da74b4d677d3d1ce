//! The rules of LinkMesh and the actors that run them.
//!
//! `domain`, `component`, `catalog`, `stage`, `render`, `import`, `opamp` and `remotecfg` are pure: no clock, no I/O, no
//! async. `ports` says what the rules need of the world; the binary brings the adapters. Each remaining module is one
//! actor. Nothing here names actix-web, redb, mongodb, git2 or tonic.

pub mod by;
pub mod catalog;
pub mod collector;
pub mod component;
pub mod directory;
pub mod domain;
pub mod feed;
pub mod fleet;
pub mod import;
pub mod janitor;
pub mod meter;
pub mod mint;
pub mod opamp;
pub mod ports;
pub mod remotecfg;
pub mod render;
pub mod repository;
pub mod runtime;
mod secrets;
mod shared;
pub mod stage;
mod start;
// Fakes are test code: they stop the test that breaks an assumption.
#[cfg(feature = "testing")]
#[allow(clippy::expect_used, clippy::unwrap_used)]
pub mod testing;
pub mod token;

pub use by::By;
pub use start::{Deps, Handles, OpenRepository, Settings, StartError, TidyError, start};
