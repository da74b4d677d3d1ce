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
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use futures_util::{FutureExt as _, Stream, StreamExt as _};

use super::{
    budget::{Exhausted, Share},
    off_worker,
};

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
        let mut only = Bytes::new();
        let mut joined = Vec::new();
        let mut waits = false;
        loop {
            let next = match body.next().now_or_never() {
                Some(next) => next,
                None => {
                    // Only what waits for its rest is held: nearly every body is there as a whole, soon after its head.
                    if !only.is_empty() || !joined.is_empty() {
                        waits = true;
                        share.resize(only.len() + joined.capacity())?;
                    }
                    body.next().await
                }
            };
            let Some(chunk) = next else { break };
            let chunk = chunk.map_err(|_| BodyError::Broken)?;
            if only.len() + joined.len() + chunk.len() > limits.bytes {
                return Err(BodyError::TooLarge);
            }
            if only.is_empty() && joined.is_empty() {
                only = chunk;
                continue;
            }
            let first = std::mem::take(&mut only);
            let more = first.len() + chunk.len();
            make_room(&mut joined, more, limits.bytes, waits.then_some(&mut *share))?;
            joined.extend_from_slice(&first);
            joined.extend_from_slice(&chunk);
        }
        Ok(if joined.is_empty() { only } else { joined.into() })
    };
    tokio::time::timeout(limits.time, reading).await.unwrap_or(Err(BodyError::Late))
}

/// Makes room for more, twice as much as before at least. What is held while that is copied is both, and counts.
fn make_room(joined: &mut Vec<u8>, more: usize, limit: usize, share: Option<&mut Share>) -> Result<(), Exhausted> {
    let (before, needed) = (joined.capacity(), joined.len() + more);
    if needed <= before {
        return Ok(());
    }
    let capacity = (2 * before).min(limit).max(needed);
    let Some(share) = share else {
        joined.reserve_exact(capacity - joined.len());
        return Ok(());
    };
    share.resize(before + capacity)?;
    joined.reserve_exact(capacity - joined.len());
    share.resize(joined.capacity())
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
    // How little is packed says nothing of how much it is: only a look does.
    let is_small = body.len() <= off_worker::DONE_HERE
        && inflated_len(&body, limits.bytes.min(INFLATED_HERE)) != Err(BodyError::TooLarge);
    let unpack = move || inflate(&body, limits.bytes, &mut share).map(|plain| (plain, share));
    if is_small {
        return unpack();
    }
    off_worker::run(unpack).await.unwrap_or(Err(BodyError::Broken))
}

/// So much is decompressed where it was read: less than a millisecond's work.
const INFLATED_HERE: usize = 64 << 10;

/// Decompresses what is not more than `limit`. It is looked how much that is first: a buffer that grows would be held twice
/// whenever it is copied into a larger one, and a megabyte may mean a gigabyte.
pub(super) fn inflate(body: &[u8], limit: usize, share: &mut Share) -> Result<Bytes, BodyError> {
    let len = inflated_len(body, limit)?;
    share.resize(body.len() + len)?;
    let mut plain = vec![0; len];
    MultiGzDecoder::new(body).read_exact(&mut plain).map_err(|_| BodyError::Broken)?;
    Ok(plain.into())
}

/// How long it is when it is decompressed. Looks no further than the limit.
fn inflated_len(body: &[u8], limit: usize) -> Result<usize, BodyError> {
    let mut decoder = MultiGzDecoder::new(body);
    let mut seen = [0; 16 << 10];
    let mut len = 0;
    loop {
        match decoder.read(&mut seen) {
            Ok(0) => return Ok(len),
            Ok(more) => len += more,
            Err(_) => return Err(BodyError::Broken),
        }
        if len > limit {
            return Err(BodyError::TooLarge);
        }
    }
}

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
    }

    #[test]
    fn what_is_unpacked_holds_what_it_is_and_no_more() {
        let bomb = packed(&vec![0; 50 << 20]);
        assert!(bomb.len() < 100_000);
        let exact = bomb.len() + (50 << 20);
        // A quarter is for small ones.
        let budget = |most| Budget::new(most * 4 / 3);
        let tight = budget(exact - 1);
        assert_eq!(inflate(&bomb, 64 << 20, &mut tight.share()), Err(BodyError::Exhausted));
        assert_eq!((tight.held(), tight.refused.get()), (0, 1));
        let enough = budget(exact);
        let mut share = enough.share();
        let plain = inflate(&bomb, 64 << 20, &mut share).unwrap();
        assert_eq!(enough.held(), exact);
        assert_eq!(plain.try_into_mut().unwrap().capacity(), 50 << 20, "no buffer that grew");
    }

    #[actix_web::test]
    async fn small_or_large_what_is_packed_is_taken_as_it_is() {
        use actix_web::FromRequest as _;
        for len in [0, 1000, INFLATED_HERE, INFLATED_HERE + 1, 3 << 20] {
            // What does not pack well is large as it is sent, what does is not.
            for plain in
                [vec![0_u8; len], (0..u32::MAX).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).take(len).collect()]
            {
                let request = actix_web::test::TestRequest::post().insert_header((header::CONTENT_ENCODING, "gzip"));
                let (request, mut payload) = request.set_payload(packed(&plain)).to_http_parts();
                let mut payload = web::Payload::from_request(&request, &mut payload).await.unwrap();
                let limits = BodyLimits { bytes: 3 << 20, ..LIMITS };
                let budget = Budget::new(16 << 20);
                let (body, share) = read_plain(&request, &mut payload, limits, budget.share()).await.unwrap();
                assert!(body == plain, "{len}");
                assert!(budget.held() >= len, "{len}");
                drop(share);
                assert_eq!(budget.held(), 0);
            }
        }
    }

    #[actix_web::test]
    async fn what_waits_holds_its_buffer_and_what_came_whole_nothing() {
        let budget = Budget::new(1 << 20);
        let limits = BodyLimits { bytes: 1 << 20, ..LIMITS };
        let chunk = |len| async move {
            tokio::task::yield_now().await;
            Ok(Bytes::from(vec![0; len]))
        };
        let in_parts = |lens: Vec<usize>| Box::pin(stream::iter(lens).then(chunk));
        let mut share = budget.share();
        let none = Budget::new(0);
        assert_eq!(read(in_parts(vec![1000]), limits, &mut none.share()).await.unwrap().len(), 1000);
        assert_eq!(read(in_parts(vec![1000, 1]), limits, &mut none.share()).await, Err(BodyError::Exhausted));
        assert_eq!(read(in_parts(vec![10_000; 10]), limits, &mut share).await.unwrap().len(), 100_000);
        assert!(budget.held() >= 100_000 && budget.held() <= 200_000, "{}", budget.held());
        // What is held while it is copied: 160,000 that are full, and twice as much.
        let tight = Budget::new(479_999 * 4 / 3);
        assert_eq!(read(in_parts(vec![10_000; 17]), limits, &mut tight.share()).await, Err(BodyError::Exhausted));
        let enough = Budget::new(480_000 * 4 / 3);
        assert_eq!(read(in_parts(vec![10_000; 17]), limits, &mut enough.share()).await.unwrap().len(), 170_000);
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
