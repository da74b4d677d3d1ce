//! Large answers on their way: handed to the connection piece by piece, counted until the last has gone, and taken back
//! from who does not read.
//!
//! actix-web copies a body that is one piece into the buffer of the connection, where it stays for as long as its client
//! likes: a few hundred of them that read nothing would hold whatever they asked for.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    rt,
};
use bytes::Bytes;
use tokio::{sync::Notify, task::JoinHandle, time::timeout};

use super::budget::{Budget, Exhausted, Share};

/// How much there is to hold unless somebody says otherwise.
pub(super) const DEFAULT_MAX_UNSENT: usize = 256 << 20;

/// So long an answer is small: it goes as it is.
const SMALL: usize = 64 << 10;
/// What is handed over at once. The connection takes the next when it has got rid of most of it.
const PIECE: usize = 32 << 10;
/// How long a client may take to read a piece.
const PATIENCE: Duration = Duration::from_secs(30);

/// Counts an answer for as long as it is not sent. One that `must` go is counted whether there is room or not.
///
/// # Errors
/// [`Exhausted`] when there is no room for it: answers that are not read hold all that there is.
pub(super) fn counted(response: HttpResponse, budget: &Arc<Budget>, must: bool) -> Result<HttpResponse, Exhausted> {
    if !matches!(response.body().size(), BodySize::Sized(len) if len > SMALL as u64) {
        return Ok(response);
    }
    let (response, body) = response.into_parts();
    let bytes = match body.try_into_bytes() {
        Ok(bytes) => bytes,
        Err(body) => return Ok(response.set_body(body)),
    };
    let mut share = budget.share();
    // What is part of the program, or kept by somebody else anyway, takes nothing more.
    if bytes.is_unique() {
        match share.resize(bytes.len()) {
            Err(exhausted) if !must => return Err(exhausted),
            Err(_) => share.hold(bytes.len()),
            Ok(()) => {}
        }
    }
    Ok(response.set_body(BoxBody::new(Unsent::new(bytes, share))))
}

/// A body that is not sent yet.
struct Unsent {
    len: u64,
    rest: Rc<RefCell<Option<Rest>>>,
    moved: Rc<Notify>,
    watch: JoinHandle<()>,
}

struct Rest {
    bytes: Bytes,
    _share: Share,
}

/// A client did not read; what was to be sent is gone.
#[derive(Debug, thiserror::Error)]
#[error("the client did not read its answer")]
struct NotRead;

impl Unsent {
    fn new(bytes: Bytes, share: Share) -> Self {
        let len = bytes.len() as u64;
        let rest = Rc::new(RefCell::new(Some(Rest { bytes, _share: share })));
        let moved = Rc::new(Notify::new());
        let watch = {
            let (rest, moved) = (Rc::clone(&rest), Rc::clone(&moved));
            // The connection asks for a piece when there is room, and for none when there is not: it cannot be told so.
            rt::spawn(async move {
                while timeout(PATIENCE, moved.notified()).await.is_ok() {}
                rest.borrow_mut().take();
            })
        };
        Self { len, rest, moved, watch }
    }
}

impl MessageBody for Unsent {
    type Error = NotRead;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.len)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, NotRead>>> {
        let mut rest = self.rest.borrow_mut();
        // The error ends the connection.
        let Some(Rest { bytes, .. }) = rest.as_mut() else { return Poll::Ready(Some(Err(NotRead))) };
        self.moved.notify_one();
        let piece = bytes.split_to(PIECE.min(bytes.len()));
        Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        self.watch.abort();
        // The watch has a hold of it until it is looked at again.
        self.rest.borrow_mut().take();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use actix_web::body::to_bytes;

    use super::*;

    fn answer(len: usize) -> HttpResponse {
        HttpResponse::Ok().body(vec![7; len])
    }

    /// For this much of large answers.
    fn budget(bytes: usize) -> Arc<Budget> {
        Budget::new(bytes * 4 / 3)
    }

    async fn piece(body: &mut BoxBody) -> Option<Result<Bytes, String>> {
        poll_fn(|cx| body.as_pin_mut().poll_next(cx)).await.map(|piece| piece.map_err(|error| error.to_string()))
    }

    #[actix_web::test]
    async fn large_answers_go_in_pieces_and_are_counted_until_they_went() {
        let budget = budget(1 << 20);
        let mut body = counted(answer(1 << 20), &budget, false).unwrap().into_body();
        assert_eq!((body.size(), budget.held()), (BodySize::Sized(1 << 20), 1 << 20));
        assert_eq!(piece(&mut body).await.unwrap().unwrap().len(), PIECE);
        assert!(counted(answer(SMALL + 1), &budget, false).is_err(), "there is no room");
        let small = counted(answer(SMALL), &budget, false).unwrap();
        assert_eq!(budget.held(), 1 << 20, "small ones go as they are");
        assert_eq!(to_bytes(small.into_body()).await.unwrap().len(), SMALL);
        let written = counted(answer(SMALL + 1), &budget, true).unwrap();
        assert_eq!(budget.held(), (1 << 20) + SMALL + 1, "who changed something is told so");
        drop(written);
        assert_eq!(to_bytes(body).await.unwrap().len(), (1 << 20) - PIECE);
        assert_eq!(budget.held(), 0);
    }

    #[actix_web::test]
    async fn what_others_keep_takes_nothing_and_goes_in_pieces() {
        static ASSET: [u8; SMALL + 1] = [7; SMALL + 1];
        let budget = budget(0);
        let mut body =
            counted(HttpResponse::Ok().body(Bytes::from_static(&ASSET)), &budget, false).unwrap().into_body();
        assert_eq!(piece(&mut body).await.unwrap().unwrap().len(), PIECE);
        assert_eq!(to_bytes(body).await.unwrap().len(), ASSET.len() - PIECE);
    }

    #[actix_web::test]
    async fn answer_is_taken_back_from_who_does_not_read() {
        tokio::time::pause();
        let budget = budget(1 << 20);
        let mut body = counted(answer(1 << 20), &budget, false).unwrap().into_body();
        for _ in 0..4 {
            tokio::time::advance(PATIENCE * 2 / 3).await;
            rt::task::yield_now().await;
            assert!(piece(&mut body).await.unwrap().is_ok(), "it reads, if slowly");
            rt::task::yield_now().await;
        }
        assert_eq!(budget.held(), 1 << 20);
        tokio::time::advance(PATIENCE * 2).await;
        rt::task::yield_now().await;
        assert_eq!(budget.held(), 0);
        assert_eq!(piece(&mut body).await.unwrap().unwrap_err(), NotRead.to_string());
    }
}
