//! A sealer for tests: it keeps the form of sealed values and hides nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{SEALED_PREFIX, SealError, Sealer};

/// Seals by writing hexadecimal digits.
#[derive(Debug, Default)]
pub struct InsecureSealer {
    count: AtomicU64,
}

impl Sealer for InsecureSealer {
    fn seal(&self, plain: &str) -> String {
        let nonce = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{SEALED_PREFIX}test.{nonce:04x}{}", hex::encode(plain))
    }

    fn open(&self, blob: &str) -> Result<String, SealError> {
        let rest = blob.strip_prefix(SEALED_PREFIX).ok_or(SealError::Malformed)?;
        let (key, body) = rest.split_once('.').ok_or(SealError::Malformed)?;
        if key != "test" {
            return Err(SealError::UnknownKey(key.to_owned()));
        }
        let bytes = body.get(4..).and_then(|hex| hex::decode(hex).ok()).ok_or(SealError::Forged)?;
        String::from_utf8(bytes).map_err(|_| SealError::Forged)
    }
}
