//! Time, randomness, secrets and sockets that a test commands.

use std::{
    sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use linkmesh_proto::{RequestId, Timestamp, wire::opamp::ServerToAgent};
use parking_lot::Mutex;

use crate::{
    By,
    domain::secret::{SEALED_PREFIX, SealError, Sealer},
    mint::Mint as _,
    ports::{Clock, CloseReason, Entropy, Transport, TransportFull},
};

/// A clock that stands until it is told otherwise.
#[derive(Debug)]
pub struct ManualClock {
    millis: AtomicI64,
    monotonic_ms: AtomicU64,
}

impl Default for ManualClock {
    /// Begins on 2026-01-01, a minute after the server's start.
    fn default() -> Self {
        Self { millis: AtomicI64::new(1_767_225_600_000), monotonic_ms: AtomicU64::new(60_000) }
    }
}

impl ManualClock {
    /// Lets time pass on both clocks.
    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).expect("a span of a test");
        self.millis.fetch_add(i64::try_from(millis).expect("a span of a test"), Ordering::SeqCst);
        self.monotonic_ms.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.monotonic_ms.load(Ordering::SeqCst))
    }
}

/// Bytes that differ at every call and are the same in every run.
#[derive(Debug, Default)]
pub struct CountingEntropy(AtomicU64);

impl Entropy for CountingEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        for (chunk, salt) in buffer.chunks_mut(8).zip(1..) {
            let bytes = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt).to_be_bytes();
            chunk.copy_from_slice(bytes.get(..chunk.len()).expect("at most eight bytes"));
        }
    }
}

/// Seals by writing the text in hexadecimal, with a number so that no two blobs are the same.
#[derive(Debug, Default)]
pub struct PlainSealer(AtomicU64);

impl Sealer for PlainSealer {
    fn seal(&self, plain: &str) -> String {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        format!("{SEALED_PREFIX}test.{number}-{}", hex::encode(plain))
    }

    fn open(&self, blob: &str) -> Result<String, SealError> {
        let rest = blob.strip_prefix(SEALED_PREFIX).ok_or(SealError::Malformed)?;
        let (key, body) = rest.split_once('.').ok_or(SealError::Malformed)?;
        if key != "test" {
            return Err(SealError::UnknownKey(key.to_owned()));
        }
        let (_, body) = body.split_once('-').ok_or(SealError::Malformed)?;
        let bytes = hex::decode(body).map_err(|_| SealError::Forged)?;
        String::from_utf8(bytes).map_err(|_| SealError::Forged)
    }
}

/// The sending side of a session that keeps what it is given.
#[derive(Debug, Default)]
pub struct FakeTransport {
    sent: Mutex<Vec<ServerToAgent>>,
    closed: Mutex<Option<CloseReason>>,
    pings: AtomicUsize,
    does_not_read: AtomicBool,
}

impl FakeTransport {
    /// Takes what was sent since the last look.
    pub fn take(&self) -> Vec<ServerToAgent> {
        std::mem::take(&mut self.sent.lock())
    }

    /// How many messages wait to be taken.
    pub fn len(&self) -> usize {
        self.sent.lock().len()
    }

    /// Whether no message waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Why the session was closed, if it was.
    pub fn closed(&self) -> Option<CloseReason> {
        *self.closed.lock()
    }

    /// How often a ping was asked for.
    pub fn pings(&self) -> usize {
        self.pings.load(Ordering::SeqCst)
    }

    /// From now on the peer does not read: every message is refused.
    pub fn stop_reading(&self) {
        self.does_not_read.store(true, Ordering::SeqCst);
    }
}

impl Transport for FakeTransport {
    fn send(&self, message: ServerToAgent) -> Result<(), TransportFull> {
        if self.does_not_read.load(Ordering::SeqCst) || self.closed.lock().is_some() {
            return Err(TransportFull);
        }
        self.sent.lock().push(message);
        Ok(())
    }

    fn ping(&self) {
        self.pings.fetch_add(1, Ordering::SeqCst);
    }

    fn close(&self, reason: CloseReason) {
        self.closed.lock().get_or_insert(reason);
    }
}

/// An operator of a test.
#[must_use]
pub fn by(name: &str) -> By {
    By {
        name: name.to_owned(),
        email: Some(format!("{name}@example.com")),
        address: None,
        request_id: RequestId::generate(),
    }
}

/// Waits until a condition holds, for at most ten seconds of real time.
///
/// # Panics
/// When it does not hold in time; names what was waited for.
pub async fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
