//! Secrets in documents: sealed before they enter Git, masked on read, opened only in rendered text.

/// Every sealed value begins with this, followed by a key id, a dot and base64url without padding. Diffs are redacted
/// by that form, so an implementation of [`Sealer`] must keep to it: `lms1.<key id>.<base64url>`.
pub const SEALED_PREFIX: &str = "lms1.";

/// What stands in the place of a secret in texts for people.
pub const REDACTED: &str = "[sealed]";

/// Why a sealed value cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The text is not of the form `lms1.<key id>.<base64url>`.
    #[error("not a sealed value")]
    Malformed,
    /// The server's key file does not hold the key that it was sealed with.
    #[error("sealed with the key {0:?}, which this server does not have")]
    UnknownKey(String),
    /// It was changed, or sealed by another server with a key of the same id.
    #[error("the sealed value was changed or belongs to another server")]
    Forged,
}

/// Seals and opens secrets with the server's key. Implementations are pure and fast; they are called while rendering.
pub trait Sealer: Send + Sync {
    /// Seals a text: `lms1.<key id>.<base64url>`, different at every call.
    fn seal(&self, plain: &str) -> String;

    /// Opens a sealed text.
    ///
    /// # Errors
    /// When it was not sealed by this server, see [`SealError`].
    fn open(&self, blob: &str) -> Result<String, SealError>;
}
