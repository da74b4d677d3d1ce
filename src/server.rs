//! Composition: everything is started here, in the one order that is safe.

use std::path::PathBuf;

use crate::config::Config;

pub mod listen;

/// Why the server did not start, or ended with an error.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {}

/// Runs until the process is told to stop.
///
/// # Errors
/// Whatever keeps the server from starting.
pub fn run(_config: Config, _ready_file: Option<PathBuf>) -> Result<(), ServerError> {
    Ok(())
}
