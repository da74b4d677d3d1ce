//! Bodies of requests: read under a limit and a deadline, and only of who may send one.

use std::{
    cell::RefCell,
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
use futures_util::{Stream, StreamExt as _};

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
}

impl BodyError {
    /// The HTTP status that says so.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }
}

/// Reads a body as it comes.
pub(super) async fn read<S>(mut body: S, limits: BodyLimits) -> Result<Bytes, BodyError>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    let reading = async {
        // A poll or a heartbeat is one small chunk as a rule, and is used as it came.
        let mut only: Option<Bytes> = None;
        let mut joined = BytesMut::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| BodyError::Broken)?;
            let first = only.take();
            if joined.len() + first.as_ref().map_or(0, Bytes::len) + chunk.len() > limits.bytes {
                return Err(BodyError::TooLarge);
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

/// Reads a body, decompressed.
pub(super) async fn read_plain(
    request: &HttpRequest,
    payload: &mut web::Payload,
    limits: BodyLimits,
) -> Result<Bytes, BodyError> {
    let encoding = request.headers().get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    match encoding.unwrap_or_default() {
        "" | "identity" | "gzip" => {}
        _ => return Err(BodyError::Encoding),
    }
    read(actix_http::encoding::Decoder::from_headers(payload, request.headers()), limits).await
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

    const LIMITS: BodyLimits = BodyLimits { bytes: 10, time: Duration::from_secs(30) };

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
            assert_eq!(read(chunks(parts), LIMITS).await, whole.map(Bytes::from), "{parts:?}");
        }
        let broken = chunks(&["0"]).chain(stream::iter([Err(PayloadError::Incomplete(None))]));
        assert_eq!(read(broken, LIMITS).await, Err(BodyError::Broken));
    }

    #[actix_web::test]
    async fn body_that_trickles_is_late_however_often_something_comes() {
        tokio::time::pause();
        let begun = tokio::time::Instant::now();
        let trickle = stream::unfold(tokio::time::interval(Duration::from_secs(9)), |mut beat| async {
            beat.tick().await;
            Some((Ok(Bytes::from_static(b"x")), beat))
        });
        assert_eq!(read(Box::pin(trickle), LIMITS).await, Err(BodyError::Late));
        // The clock of tokio counts whole milliseconds.
        assert!(begun.elapsed() - LIMITS.time < Duration::from_millis(5), "{:?}", begun.elapsed());
    }
}
