//! Why a store did not do what it was asked.

/// A foreign cause.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a store did not do what it was asked. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no room on the disk. The store works again when there is.
    #[error("the state store has no room left on its disk")]
    NoSpace(#[source] BoxError),
    /// Too many writes wait already.
    #[error("the state store has too many writes waiting")]
    Overloaded,
    /// The store cannot be used now: an I/O error, or it was closed.
    #[error("the state store is not available")]
    Unavailable(#[source] BoxError),
    /// A stored value cannot be read.
    #[error("the state store holds a value that cannot be read: {what}")]
    Corrupt {
        /// Which value, for the log.
        what: String,
        /// What was wrong with it.
        #[source]
        source: BoxError,
    },
}

impl StoreError {
    /// A stable code for problem documents and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoSpace(_) => "store_no_space",
            Self::Overloaded => "store_overloaded",
            Self::Unavailable(_) => "store_unavailable",
            Self::Corrupt { .. } => "store_corrupt",
        }
    }
}
