//! Bodies of requests: read under a limit and a deadline, and only of who may send one.

use std::{
    cell::RefCell,
    io::Read as _,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use actix_http::error::PayloadError;
use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest},
    http::{
        StatusCode,
        header::{self, HeaderMap},
    },
    web,
};
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt as _, Stream, StreamExt as _};

use super::budget::{Exhausted, Share};

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyLimits {
    /// The most bytes that are kept.
    pub(super) bytes: usize,
    /// How long all of it may take to arrive.
    pub(super) time: Duration,
}

/// Why a body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// The connection broke off, or what came cannot be decompressed.
    Broken,
    /// It did not arrive in time.
    Late,
    /// It is over the limit, decompressed.
    TooLarge,
    /// It is compressed in a way that is not known here.
    Encoding,
    /// Bodies that are not whole hold all the memory that there is for them.
    Exhausted,
}

impl BodyError {
    /// The HTTP status that says so.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Exhausted => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<Exhausted> for BodyError {
    fn from(_: Exhausted) -> Self {
        Self::Exhausted
    }
}

/// Reads a body as it comes. It holds `share` until it is whole.
pub(super) async fn read<S>(mut body: S, limits: BodyLimits, share: &mut Share) -> Result<Bytes, BodyError>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    let reading = async {
        // A poll or a heartbeat is one small chunk as a rule, and is used as it came.
        let mut only: Option<Bytes> = None;
        let mut joined = BytesMut::new();
        let mut held = 0;
        let mut waits = false;
        loop {
            let next = match body.next().now_or_never() {
                Some(next) => next,
                // Only what waits is held: nearly every body is there as a whole.
                None => {
                    waits = true;
                    share.resize(held)?;
                    body.next().await
                }
            };
            let Some(chunk) = next else { break };
            let chunk = chunk.map_err(|_| BodyError::Broken)?;
            let first = only.take();
            let len = joined.len() + first.as_ref().map_or(0, Bytes::len) + chunk.len();
            if len > limits.bytes {
                return Err(BodyError::TooLarge);
            }
            held = len;
            if waits {
                share.resize(held)?;
            }
            if first.is_none() && joined.is_empty() {
                only = Some(chunk);
            } else {
                joined.extend_from_slice(&first.unwrap_or_default());
                joined.extend_from_slice(&chunk);
            }
        }
        Ok(only.unwrap_or_else(|| joined.freeze()))
    };
    tokio::time::timeout(limits.time, reading).await.unwrap_or(Err(BodyError::Late))
}

/// Whether the sender of these headers takes an answer compressed by gzip.
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let offers = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    offers.split(',').any(|offer| {
        let (name, parameter) = offer.split_once(';').unwrap_or((offer, ""));
        name.trim().eq_ignore_ascii_case("gzip") && parameter.trim().trim_start_matches("q=").parse() != Ok(0.0_f32)
    })
}

/// Reads a body, decompressed. Beside it stands what it holds, for as long as it is kept.
pub(super) async fn read_plain(
    request: &HttpRequest,
    payload: &mut web::Payload,
    limits: BodyLimits,
    mut share: Share,
) -> Result<(Bytes, Share), BodyError> {
    let encoding = request.headers().get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    let is_packed = match encoding.unwrap_or_default() {
        "" | "identity" => false,
        "gzip" => true,
        _ => return Err(BodyError::Encoding),
    };
    let body = read(payload, limits, &mut share).await?;
    if !is_packed {
        return Ok((body, share));
    }
    let packed = body.len();
    let unpack = move || inflate(&body, limits.bytes, &mut share).map(|plain| (plain, share));
    match packed <= INFLATED_HERE {
        true => unpack(),
        // Off the worker, which serves sockets too.
        false => web::block(unpack).await.unwrap_or(Err(BodyError::Broken)),
    }
}

/// So much is decompressed where it was read: seldom more than a millisecond's work.
const INFLATED_HERE: usize = 16 << 10;

/// Decompresses step by step: a megabyte may mean a gigabyte, and ends at the limit.
pub(super) fn inflate(body: &[u8], limit: usize, share: &mut Share) -> Result<Bytes, BodyError> {
    let mut decoder = flate2::read::MultiGzDecoder::new(body);
    let mut plain = Vec::new();
    // Most are small, and grow to three times their size or less.
    let mut step = (body.len() * 3).clamp(1 << 10, INFLATE_STEP);
    loop {
        let before = plain.len();
        // One byte more than fits says that there is more.
        step = step.min(limit - before + 1);
        if plain.capacity() < before + step {
            // What is held is what was allocated: twice as much each time, and no more than can be of use.
            let capacity = (plain.capacity() * 2).clamp(before + step, limit + 1);
            share.resize(body.len() + capacity)?;
            plain.reserve_exact(capacity - before);
        }
        decoder.by_ref().take(step as u64).read_to_end(&mut plain).map_err(|_| BodyError::Broken)?;
        if plain.len() > limit {
            return Err(BodyError::TooLarge);
        }
        if plain.len() < before + step {
            return Ok(plain.into());
        }
        step = INFLATE_STEP;
    }
}

const INFLATE_STEP: usize = 64 << 10;

/// Ends the connection with this answer when the request's body was not read to its end.
///
/// What is unread is kept beside the answer until that is written. The HTTP service reads a chunked body that nobody
/// holds to its end, however slowly it comes, so that a stranger could hold a connection for ever.
pub(super) fn hang_up(answer: HttpResponse, payload: web::Payload) -> HttpResponse {
    answer.map_body(|_, body| BoxBody::new(Held { body, _payload: payload }))
}

/// A request's body in two hands: a handler reads it as it would anyway, and who holds this ends the connection with the
/// answer when it was not read to its end ([`hang_up`]).
pub(super) struct Unread(Option<Rc<RefCell<Payload>>>);

impl Unread {
    /// Takes hold of a body.
    pub(super) fn of(request: &mut ServiceRequest) -> Self {
        let payload = request.take_payload();
        if matches!(payload, Payload::None) {
            return Self(None);
        }
        let held = Rc::new(RefCell::new(payload));
        let reader = Rc::clone(&held);
        // Invariant: whoever polls is done with the borrow when it returns, and nobody else borrows.
        let reader = futures_util::stream::poll_fn(move |cx| Pin::new(&mut *reader.borrow_mut()).poll_next(cx));
        request.set_payload(Payload::Stream { payload: Box::pin(reader) });
        Self(Some(held))
    }

    /// Ends the connection with this answer when something is left.
    pub(super) fn hang_up(self, answer: HttpResponse) -> HttpResponse {
        match self.0 {
            Some(held) => answer.map_body(|_, body| BoxBody::new(Held { body, _payload: held })),
            None => answer,
        }
    }
}

struct Held<P> {
    body: BoxBody,
    _payload: P,
}

impl<P: Unpin> MessageBody for Held<P> {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::http::budget::Budget;

    const LIMITS: BodyLimits = BodyLimits { bytes: 10, time: Duration::from_secs(30) };

    fn share() -> Share {
        Budget::new(2 << 20).share()
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_packed_is_unpacked_up_to_the_limit_and_no_further() {
        let plain: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let body = packed(&plain);
        assert_eq!(inflate(&body, plain.len(), &mut share()).unwrap(), plain);
        assert_eq!(inflate(&body, plain.len() - 1, &mut share()), Err(BodyError::TooLarge));
        assert_eq!(inflate(&packed(b""), 0, &mut share()).unwrap(), Bytes::new());
        assert_eq!(inflate(b"no gzip", 100, &mut share()), Err(BodyError::Broken));
        assert_eq!(inflate(&body[..body.len() / 2], plain.len(), &mut share()), Err(BodyError::Broken));
        let bomb = packed(&vec![0; 50 << 20]);
        assert!(bomb.len() < 100_000);
        assert_eq!(inflate(&bomb, 64 << 20, &mut share()), Err(BodyError::Exhausted), "it holds what there is at most");
    }

    #[actix_web::test]
    async fn bodies_that_are_not_whole_share_a_budget() {
        let budget = Budget::new(300_000);
        let limits = BodyLimits { bytes: 1 << 20, ..LIMITS };
        let chunk = || Ok(Bytes::from(vec![0; 64 << 10]));
        let never_ends = stream::iter([chunk(), chunk()]).chain(stream::pending());
        let mut held = budget.share();
        let mut waiting = Box::pin(read(never_ends, limits, &mut held));
        assert!(futures_util::FutureExt::now_or_never(&mut waiting).is_none());
        let whole = || stream::iter([chunk(), chunk()]);
        assert_eq!(read(whole(), limits, &mut budget.share()).await.unwrap().len(), 128 << 10, "it never waits");
        let in_two = || {
            let later = async {
                tokio::task::yield_now().await;
                chunk()
            };
            Box::pin(stream::iter([chunk()]).chain(stream::once(later)))
        };
        let mut others = [budget.share(), budget.share()];
        others.iter_mut().for_each(|other| other.resize(64 << 10).unwrap());
        assert_eq!(read(in_two(), limits, &mut budget.share()).await, Err(BodyError::Exhausted));
        drop((waiting, others));
        drop(held);
        assert_eq!(read(in_two(), limits, &mut budget.share()).await.unwrap().len(), 128 << 10);
    }

    #[test]
    fn gzip_is_taken_when_it_is_offered_and_not_refused() {
        for (offer, taken) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("", false),
            ("deflate", false),
            ("gzip;q=0", false),
            ("br, gzip; q=0.00", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static(offer));
            assert_eq!(accepts_gzip(&headers), taken, "{offer:?}");
        }
    }

    fn chunks(chunks: &[&'static str]) -> impl Stream<Item = Result<Bytes, PayloadError>> + Unpin {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect();
        stream::iter(chunks)
    }

    #[actix_web::test]
    async fn body_is_read_up_to_the_limit() {
        for (parts, whole) in [
            (&[][..], Ok("")),
            (&["0123456789"], Ok("0123456789")),
            (&["01234", "56", "789"], Ok("0123456789")),
            (&["0123456789", "x"], Err(BodyError::TooLarge)),
            (&["0123456789x"], Err(BodyError::TooLarge)),
        ] {
            assert_eq!(read(chunks(parts), LIMITS, &mut share()).await, whole.map(Bytes::from), "{parts:?}");
        }
        let broken = chunks(&["0"]).chain(stream::iter([Err(PayloadError::Incomplete(None))]));
        assert_eq!(read(broken, LIMITS, &mut share()).await, Err(BodyError::Broken));
    }

    #[actix_web::test]
    async fn body_that_trickles_is_late_however_often_something_comes() {
        tokio::time::pause();
        let begun = tokio::time::Instant::now();
        let trickle = stream::unfold(tokio::time::interval(Duration::from_secs(9)), |mut beat| async {
            beat.tick().await;
            Some((Ok(Bytes::from_static(b"x")), beat))
        });
        assert_eq!(read(Box::pin(trickle), LIMITS, &mut share()).await, Err(BodyError::Late));
        // The clock of tokio counts whole milliseconds.
        assert!(begun.elapsed() - LIMITS.time < Duration::from_millis(5), "{:?}", begun.elapsed());
    }
}
