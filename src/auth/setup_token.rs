//! The setup link: opens the creation of the first administrator, and nothing else.

use std::{sync::Arc, time::Duration};

use linkmesh_actors::ports::Entropy;
use linkmesh_proto::Timestamp;
use parking_lot::Mutex;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::token::{TokenHash, random_secret};

/// How long a setup link opens anything (decision 28).
pub const VALID: Duration = Duration::from_secs(3600);

/// What a setup token turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupCheck {
    /// The one that this server printed.
    Right,
    /// Another.
    Wrong,
    /// The right one, too late.
    Expired,
    /// There is an administrator.
    Done,
}

struct Open {
    hash: TokenHash,
    ends_at: Timestamp,
}

/// The setup token of this start of the server.
#[derive(Clone)]
pub struct SetupToken {
    open: Arc<Mutex<Option<Open>>>,
}

impl SetupToken {
    /// None: there is an administrator.
    #[must_use]
    pub fn done() -> Self {
        Self { open: Arc::new(Mutex::new(None)) }
    }

    /// A new one, with its text, which is printed once.
    #[must_use]
    pub fn open(now: Timestamp, entropy: &dyn Entropy) -> (Self, Zeroizing<String>) {
        let text = random_secret(entropy);
        let open = Open { hash: TokenHash::of(&text), ends_at: now.plus(VALID) };
        (Self { open: Arc::new(Mutex::new(Some(open))) }, text)
    }

    /// Checks a token. In constant time.
    #[must_use]
    pub fn check(&self, text: &str, now: Timestamp) -> SetupCheck {
        match &*self.open.lock() {
            None => SetupCheck::Done,
            Some(open) if !bool::from(TokenHash::of(text).as_bytes().ct_eq(open.hash.as_bytes())) => SetupCheck::Wrong,
            Some(open) if now >= open.ends_at => SetupCheck::Expired,
            Some(_) => SetupCheck::Right,
        }
    }

    /// There is an administrator now.
    pub fn close(&self) {
        *self.open.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ones;
    impl Entropy for Ones {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(1);
        }
    }

    #[test]
    fn link_opens_for_an_hour_and_until_it_was_used() {
        let start = Timestamp::from_millis(0);
        let (token, text) = SetupToken::open(start, &Ones);
        assert_eq!(token.check("x", start), SetupCheck::Wrong);
        assert_eq!(token.check(&text, start.plus(VALID - Duration::from_millis(1))), SetupCheck::Right);
        assert_eq!(token.check(&text, start.plus(VALID)), SetupCheck::Expired);
        token.close();
        assert_eq!(token.check(&text, start), SetupCheck::Done);
    }
}
