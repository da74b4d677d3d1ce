//! Seeing whether a store takes writes.

use async_trait::async_trait;

use super::StoreError;

/// Sees whether a store takes writes.
#[async_trait]
pub trait Probe: Send + Sync + 'static {
    /// Writes something and waits until it is on disk.
    ///
    /// # Errors
    /// As any write would now: when the disk is full or broken.
    async fn probe(&self) -> Result<(), StoreError>;
}
