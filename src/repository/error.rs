//! What the errors of libgit2 and of the file system mean.

use std::io;

use linkmesh_actors::ports::RepositoryError;

/// libgit2 keeps no error number, only the system's words, which are those of the C locale: the program sets no other.
const NO_SPACE: [&str; 3] = ["No space left on device", "Disk quota exceeded", "File too large"];

pub(super) fn unavailable(error: git2::Error) -> RepositoryError {
    if NO_SPACE.iter().any(|words| error.message().contains(words)) {
        RepositoryError::NoSpace(Box::new(error))
    } else {
        RepositoryError::Unavailable(Box::new(error))
    }
}

pub(super) fn io_error(error: io::Error) -> RepositoryError {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
        RepositoryError::NoSpace(Box::new(error))
    } else {
        RepositoryError::Unavailable(Box::new(error))
    }
}

/// Something in the repository is not what Git says it must be.
pub(super) fn malformed(what: String) -> RepositoryError {
    RepositoryError::Unavailable(what.into())
}
