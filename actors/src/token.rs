//! Tokens: made here, shown once, kept as a hash. The edge reads them from requests (`src/auth`).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ports::Entropy;

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// `lmct_`: one collector's own.
    Collector,
    /// `lmet_`: enrolment and nothing else.
    Enrollment,
    /// `lmsat_`: a service account's.
    ServiceAccount,
}

impl TokenKind {
    /// The prefix of its tokens.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Collector => "lmct_",
            Self::Enrollment => "lmet_",
            Self::ServiceAccount => "lmsat_",
        }
    }
}

/// A token in clear. Lives only until it was shown; never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    kind: TokenKind,
    text: String,
}

impl Token {
    /// A new token with 256 random bits.
    #[must_use]
    pub fn mint(kind: TokenKind, entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        Self { kind, text: format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(bytes)) }
    }

    /// What it opens.
    #[must_use]
    pub const fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The text to show this once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.text)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}...)", self.kind.prefix())
    }
}

/// SHA-256 of a token. Enough for 256 random bits: there is nothing to guess, so nothing to slow down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes a token's text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The hash with these 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    /// The first bytes only: enough to tell two apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "TokenHash({}...)", hex::encode([a, b, c, d]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;
    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            for (byte, value) in buffer.iter_mut().zip(0..) {
                *byte = value;
            }
        }
    }

    #[test]
    fn a_minted_token_has_256_bits_and_shows_itself_nowhere_else() {
        for kind in [TokenKind::Collector, TokenKind::Enrollment, TokenKind::ServiceAccount] {
            let token = Token::mint(kind, &Counting);
            assert_eq!(token.reveal(), format!("{}AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", kind.prefix()));
            assert!(!format!("{token:?}").contains("AAEC"));
        }
    }
}
