//! Telling whoever started the server that it is up: the ready file and the setup link.

use std::{io, net::SocketAddr, path::Path};

use serde::Serialize;

use crate::data_dir::files;

/// What the ready file holds.
#[derive(Debug, Clone, Serialize)]
pub struct Ready {
    /// Where the HTTP listener is bound.
    pub http: SocketAddr,
    /// Where the gRPC listener is bound; there is none yet.
    pub grpc: Option<SocketAddr>,
    /// The setup link, as long as there is no administrator.
    pub setup_url: Option<String>,
    /// The process.
    pub pid: u32,
}

impl Ready {
    /// Writes the file in one step, for its owner only: it may hold the setup link.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        files::replace_durably(path, &serde_json::to_vec(self)?)
    }
}

/// Removes what an earlier run left, so that nobody takes it for this one's.
///
/// # Errors
/// When the system refuses.
pub fn remove_stale(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
