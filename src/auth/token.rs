//! Bearer tokens: made, read from a request, hashed.
//!
//! A token is a prefix that names its kind and 256 random bits. Only its SHA-256 is ever stored: with that much entropy
//! a fast hash cannot be searched backwards, and looking a token up by its hash reveals nothing by timing that helps
//! to guess another.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// One collector's own token, `lmct_`: OpAMP, remotecfg, own metrics.
    Collector,
    /// An enrolment token, `lmet_`: nothing but enrolment.
    Enrolment,
    /// A service account's token, `lmsat_`: REST.
    ServiceAccount,
    /// The token of the setup link, `lmst_`: the first administrator.
    Setup,
    /// The value of a session cookie, `lmss_`.
    Session,
}

impl TokenKind {
    const ALL: [Self; 5] = [Self::Collector, Self::Enrolment, Self::ServiceAccount, Self::Setup, Self::Session];

    /// What the token's text begins with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Collector => "lmct_",
            Self::Enrolment => "lmet_",
            Self::ServiceAccount => "lmsat_",
            Self::Setup => "lmst_",
            Self::Session => "lmss_",
        }
    }
}

/// A token in the clear. Its text is shown once and wiped from memory when dropped; `Debug` hides it.
pub struct Token {
    kind: TokenKind,
    text: Zeroizing<String>,
}

/// 32 bytes of entropy in base64url without padding.
const SECRET_LEN: usize = 43;

impl Token {
    /// A new token of 256 random bits.
    ///
    /// # Errors
    /// The operating system gave no random bytes.
    pub fn generate(kind: TokenKind) -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut())?;
        Ok(Self::from_secret(kind, &bytes))
    }

    fn from_secret(kind: TokenKind, secret: &[u8; 32]) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(kind.prefix().len() + SECRET_LEN));
        text.push_str(kind.prefix());
        URL_SAFE_NO_PAD.encode_string(secret, &mut text);
        Self { kind, text }
    }

    /// Reads a token. `None` for what no server of ours ever gave out, so that nothing is looked up for it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let kind = TokenKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))?;
        let secret = text.get(kind.prefix().len()..)?;
        let well_formed =
            secret.len() == SECRET_LEN && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        well_formed.then(|| Self { kind, text: Zeroizing::new(text.to_owned()) })
    }

    /// Reads the value of an `Authorization` header. The scheme's case does not matter (RFC 9110, 11.1).
    #[must_use]
    pub fn from_authorization(header: &[u8]) -> Option<Self> {
        let (scheme, token) = std::str::from_utf8(header).ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| Self::parse(token.trim()))?
    }

    /// What the token opens.
    #[must_use]
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The text, to be shown this once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What is stored of the token and what it is found by: SHA-256 of the whole text, prefix included.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}...", self.kind.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_read_back_and_hidden_from_debug() {
        for kind in TokenKind::ALL {
            let token = Token::generate(kind).unwrap();
            let header = format!("bEaReR {}", token.reveal());
            let read = Token::from_authorization(header.as_bytes()).unwrap();
            assert_eq!((read.kind(), read.hash()), (kind, token.hash()));
            assert!(!format!("{token:?}").contains(&token.reveal()[6..]));
        }
    }

    #[test]
    fn what_was_never_given_out_is_no_token() {
        let good = Token::generate(TokenKind::Collector).unwrap().reveal().to_owned();
        for bad in ["", "lmct_", &good[..good.len() - 1], &format!("{good}a"), &good.replace("lmct", "lmxx"), "lmct_ä"]
        {
            assert!(Token::parse(bad).is_none(), "{bad:?}");
        }
        for bad in ["", "Bearer", "Basic abc", &format!("Token {good}")] {
            assert!(Token::from_authorization(bad.as_bytes()).is_none(), "{bad:?}");
        }
    }
}
