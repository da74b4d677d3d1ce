//! Passwords: argon2id, off the workers.
//!
//! One check takes about 19 MiB and tens of milliseconds (pitfalls 4.9). It runs on the blocking pool behind a semaphore
//! of two, so that a burst of sign-ins cannot take the memory or stall the workers that serve collectors.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use linkmesh_actors::ports::Entropy;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

/// Checks that run at once.
const AT_ONCE: usize = 2;
/// How long a check waits for its turn.
const TURN: Duration = Duration::from_secs(10);
/// What a password has at least, in characters.
pub const MIN_CHARS: usize = 12;
/// What a password has at most, in bytes: argon2 reads it all, so its length is bounded.
const MAX_BYTES: usize = 1024;

/// Why a password was neither hashed nor checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many checks wait already.
    #[error("too many passwords are being checked")]
    Busy,
    /// A stored hash cannot be read, or hashing failed.
    #[error("argon2: {0}")]
    Argon2(argon2::password_hash::Error),
    /// The thread that did it is gone.
    #[error("the password worker failed")]
    Worker(#[source] tokio::task::JoinError),
}

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    entropy: Arc<dyn Entropy>,
}

impl Passwords {
    /// With salts from this source.
    #[must_use]
    pub fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), entropy }
    }

    /// What is wrong with a password that somebody chooses; `None` when it will do.
    #[must_use]
    pub fn objection(password: &str, email: &str) -> Option<&'static str> {
        if password.chars().count() < MIN_CHARS {
            Some("must have 12 characters or more")
        } else if password.len() > MAX_BYTES {
            Some("must have 1024 bytes or less")
        } else if password.eq_ignore_ascii_case(email) {
            Some("must not be the e-mail address")
        } else {
            None
        }
    }

    /// Hashes a new password into PHC form.
    ///
    /// # Errors
    /// When too many wait, or argon2 fails.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, PasswordError> {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        self.run(move || {
            let salt = SaltString::encode_b64(&salt).map_err(PasswordError::Argon2)?;
            let hash = Argon2::default().hash_password(password.as_bytes(), &salt).map_err(PasswordError::Argon2)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether a password is the one that was hashed. With no hash (nobody has that name) the same work is done for
    /// nothing, so that the time tells a stranger nothing.
    ///
    /// # Errors
    /// When too many wait, or the stored hash cannot be read.
    pub async fn verify(&self, password: Zeroizing<String>, hash: Option<String>) -> Result<bool, PasswordError> {
        self.run(move || {
            let known = hash.is_some();
            let hash = match hash {
                Some(hash) => hash,
                None => nobodys_hash()?.to_owned(),
            };
            let hash = PasswordHash::new(&hash).map_err(PasswordError::Argon2)?;
            let password = password.get(..password.len().min(MAX_BYTES + 1)).unwrap_or("");
            match Argon2::default().verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(known),
                Err(argon2::password_hash::Error::Password) => Ok(false),
                Err(error) => Err(PasswordError::Argon2(error)),
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn: OwnedSemaphorePermit = tokio::time::timeout(TURN, Arc::clone(&self.turns).acquire_owned())
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or(PasswordError::Busy)?;
        // The permit moves into the job: a caller who goes away must not make room for a third job.
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            job()
        })
        .await
        .map_err(PasswordError::Worker)?
    }
}

fn nobodys_hash() -> Result<&'static str, PasswordError> {
    static HASH: OnceLock<String> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash);
    }
    let salt = SaltString::encode_b64(&[0; 16]).map_err(PasswordError::Argon2)?;
    let hash = Argon2::default().hash_password(b"nobody", &salt).map_err(PasswordError::Argon2)?.to_string();
    Ok(HASH.get_or_init(|| hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn right_password_opens_and_no_other() {
        let passwords = Passwords::new(Arc::new(Sevens));
        let hash = passwords.hash(secret("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify(secret("correct horse"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(secret("correct horsf"), Some(hash)).await.unwrap());
        assert!(!passwords.verify(secret("nobody"), None).await.unwrap());
    }

    #[test]
    fn weak_password_is_objected_to() {
        assert!(Passwords::objection("elevenchars", "a@b.example").is_some());
        assert!(Passwords::objection("somebody@example.com", "Somebody@example.com").is_some());
        assert!(Passwords::objection(&"x".repeat(1025), "a@b.example").is_some());
        assert!(Passwords::objection("twelve chars", "a@b.example").is_none());
    }
}
