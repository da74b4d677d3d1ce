//! Bearer tokens as they stand in a request, and secrets of the server's own.

use std::fmt;

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use linkmesh_actors::ports::Entropy;
pub use linkmesh_actors::token::{TokenHash, TokenKind};
use zeroize::Zeroizing;

/// 256 bits in base64url without padding.
const SECRET_LEN: usize = 43;

/// A token as a client sent it. Wiped from memory when dropped; `Debug` hides it.
pub struct GivenToken {
    kind: TokenKind,
    text: Zeroizing<String>,
}

impl GivenToken {
    /// Reads a token. `None` for what no server of ours ever gave out, so that nothing is looked up for it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let kind = [TokenKind::Collector, TokenKind::Enrollment, TokenKind::ServiceAccount]
            .into_iter()
            .find(|kind| text.starts_with(kind.prefix()))?;
        let secret = text.get(kind.prefix().len()..)?;
        let well_formed =
            secret.len() == SECRET_LEN && secret.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        well_formed.then(|| Self { kind, text: Zeroizing::new(text.to_owned()) })
    }

    /// What it claims to open.
    #[must_use]
    pub const fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the store knows it by.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.text)
    }
}

impl fmt::Debug for GivenToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}...", self.kind.prefix())
    }
}

/// What stands behind `Bearer` in a request's headers; empty when there is no such thing.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> &str {
    headers.get(AUTHORIZATION).and_then(bearer_of).unwrap_or_default()
}

fn bearer_of(header: &HeaderValue) -> Option<&str> {
    let (scheme, token) = header.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What the `Authorization` header of a request holds.
#[derive(Debug)]
pub enum Bearer {
    /// There is no header.
    Absent,
    /// There is one, but no token of ours in it: nothing needs to be looked up to refuse it.
    Unreadable,
    /// A well-formed token of ours. Whether it opens anything is for the store to say.
    Token(GivenToken),
}

impl Bearer {
    /// Reads a request's headers. The scheme's case does not matter (RFC 9110, 11.1).
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(header) = headers.get(AUTHORIZATION) else { return Self::Absent };
        bearer_of(header).and_then(GivenToken::parse).map_or(Self::Unreadable, Self::Token)
    }

    /// The token, if it is of this kind.
    #[must_use]
    pub fn of_kind(&self, kind: TokenKind) -> Option<&GivenToken> {
        match self {
            Self::Token(token) if token.kind() == kind => Some(token),
            _ => None,
        }
    }
}

/// 256 random bits as text, for a session cookie, a CSRF token or the setup link. Wiped from memory when dropped.
#[must_use]
pub fn random_secret(entropy: &dyn Entropy) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    entropy.fill(bytes.as_mut());
    Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()))
}

#[cfg(test)]
mod tests {
    use linkmesh_actors::token::Token;

    use super::*;

    struct Fives;
    impl Entropy for Fives {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(5);
        }
    }

    fn bearer(text: &str) -> Bearer {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(text).unwrap());
        Bearer::of(&headers)
    }

    #[test]
    fn token_is_read_whatever_the_case_of_the_scheme() {
        for kind in [TokenKind::Collector, TokenKind::Enrollment, TokenKind::ServiceAccount] {
            let token = Token::mint(kind, &Fives);
            let read = bearer(&format!("bEaReR  {}", token.reveal()));
            assert_eq!(read.of_kind(kind).map(GivenToken::hash), Some(token.hash()));
            assert!(!format!("{read:?}").contains("BQUF"), "{read:?}");
        }
    }

    #[test]
    fn what_is_no_token_of_ours_is_unreadable() {
        let good = Token::mint(TokenKind::Collector, &Fives).reveal().to_owned();
        let cut = good.get(..good.len() - 1).unwrap();
        for text in
            ["", "Bearer", "Bearer lmct_short", "Basic YTpi", &format!("Token {good}"), &format!("Bearer {cut}")]
        {
            assert!(matches!(bearer(text), Bearer::Unreadable), "{text:?}");
        }
        assert!(matches!(Bearer::of(&HeaderMap::new()), Bearer::Absent));
    }
}
