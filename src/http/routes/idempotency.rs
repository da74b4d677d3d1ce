//! `Idempotency-Key` on `POST`: a request that is sent again is answered as before, and carried out once.
//!
//! Kept in memory, bounded in number, bytes and time: it serves a client whose answer was lost on the way, not history.
//! When there are too many, those of whoever has most go, oldest first: nobody loses theirs by what another sends.
//! Answers may hold a token that is shown once; they are kept for an hour, and only for who asked. Of a request that
//! ended in a fault of the server nobody knows what became: its key is kept too, or the next attempt might do again what
//! was done.

use std::{
    collections::{HashMap, VecDeque, hash_map},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    HttpMessage as _, HttpResponse,
    body::{BoxBody, to_bytes},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION},
    },
    middleware::Next,
    web::{self, Bytes},
};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::route::Meta;
use crate::{
    auth::Caller,
    error::{Error, ErrorCode, Result},
    http::AppState,
};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(3600);
/// How many answers are kept.
const ANSWERS: usize = 4096;
/// How many bytes of answers are kept.
const BYTES: usize = 16 << 20;
/// The header.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is one given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

type Key = [u8; 32];

#[derive(Clone)]
struct Kept {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

enum State {
    Running,
    Answered(Kept),
    /// It failed at a point at which it may have been carried out.
    Unknown,
}

struct Entry {
    request: Key,
    state: State,
}

/// What is kept for one principal.
#[derive(Default)]
struct Kin {
    /// Entries that do not run, oldest first, with the point at which each goes.
    order: VecDeque<(Duration, Key)>,
    bytes: usize,
}

impl Kin {
    /// The part of all that there is to keep that this takes, of answers or of bytes, in millionths.
    fn weight(&self) -> usize {
        (self.order.len() * 1_000_000 / ANSWERS).max(self.bytes.saturating_mul(1_000_000) / BYTES)
    }
}

#[derive(Default)]
struct Table {
    entries: HashMap<Key, Entry>,
    kept: HashMap<Key, Kin>,
    answers: usize,
    bytes: usize,
}

/// Answers of the last hour by key.
#[derive(Clone, Default)]
pub struct Idempotency(Arc<Mutex<Table>>);

enum Begun {
    First(Running),
    Again(Kept),
}

/// A request that is being carried out. Dropped before that ended, nobody knows what became of it.
struct Running {
    table: Arc<Mutex<Table>>,
    principal: Key,
    key: Key,
    /// When its key goes.
    until: Duration,
    ended: bool,
}

impl Idempotency {
    fn begin(&self, principal: Key, key: Key, request: Key, now: Duration) -> Result<Begun> {
        let mut table = self.0.lock();
        table.forget_old(now);
        match table.entries.get(&key) {
            Some(entry) if entry.request != request => Err(Error::new(
                ErrorCode::IdempotencyMismatch,
                "This Idempotency-Key was sent before with another body. Use a new key for a new request.",
            )),
            Some(Entry { state: State::Answered(kept), .. }) => Ok(Begun::Again(kept.clone())),
            Some(Entry { state: State::Running, .. }) => Err(Error::new(
                ErrorCode::Conflict,
                "The request with this Idempotency-Key is still being carried out.",
            )
            .with_retry_after(Duration::from_secs(1))),
            Some(Entry { state: State::Unknown, .. }) => Err(Error::new(
                ErrorCode::Conflict,
                "The request with this Idempotency-Key failed, and may have been carried out all the same. Look whether \
                 it was; if not, send it with another key.",
            )),
            None => {
                table.entries.insert(key, Entry { request, state: State::Running });
                let (table, until) = (Arc::clone(&self.0), now + KEPT);
                Ok(Begun::First(Running { table, principal, key, until, ended: false }))
            }
        }
    }
}

impl Table {
    fn end(&mut self, principal: Key, key: Key, state: State, until: Duration) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let bytes = if let State::Answered(kept) = &state { kept.body.len() } else { 0 };
        entry.state = state;
        let kin = self.kept.entry(principal).or_default();
        kin.order.push_back((until, key));
        kin.bytes += bytes;
        self.answers += 1;
        self.bytes += bytes;
    }

    fn forget_old(&mut self, now: Duration) {
        let ended = |kin: &Kin| kin.order.front().is_some_and(|(until, _)| *until <= now);
        let old: Vec<_> = self.kept.iter().filter(|(_, kin)| ended(kin)).map(|(principal, _)| *principal).collect();
        for principal in old {
            while self.kept.get(&principal).is_some_and(ended) {
                self.forget_oldest(principal);
            }
        }
        while self.answers > ANSWERS || self.bytes > BYTES {
            let Some((&most, _)) = self.kept.iter().max_by_key(|(_, kin)| kin.weight()) else { return };
            self.forget_oldest(most);
        }
    }

    fn forget_oldest(&mut self, principal: Key) {
        let hash_map::Entry::Occupied(mut kin) = self.kept.entry(principal) else { return };
        if let Some((_, key)) = kin.get_mut().order.pop_front() {
            self.answers = self.answers.saturating_sub(1);
            if let Some(Entry { state: State::Answered(kept), .. }) = self.entries.remove(&key) {
                kin.get_mut().bytes = kin.get().bytes.saturating_sub(kept.body.len());
                self.bytes = self.bytes.saturating_sub(kept.body.len());
            }
        }
        if kin.get().order.is_empty() {
            kin.remove();
        }
    }
}

impl Running {
    /// The answer is given to whoever sends the request again.
    fn keep(self, kept: Kept) {
        self.end(State::Answered(kept));
    }

    /// Nothing was carried out: the key is free.
    fn free(mut self) {
        self.ended = true;
        self.table.lock().entries.remove(&self.key);
    }

    fn end(mut self, state: State) {
        self.ended = true;
        self.table.lock().end(self.principal, self.key, state, self.until);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.table.lock().end(self.principal, self.key, State::Unknown, self.until);
        }
    }
}

/// Carries a request out, or answers as before when it is a `POST` whose key is known.
pub(super) async fn answer_once(
    meta: Arc<Meta>,
    state: web::Data<AppState>,
    request: ServiceRequest,
    body: Bytes,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(given) = request.headers().get(KEY).filter(|_| meta.is_idempotent_by_key()).cloned() else {
        return next.call(request).await;
    };
    if given.is_empty() || given.len() > 255 {
        let detail = "Idempotency-Key must have 1 to 255 characters.";
        return Ok(request.error_response(Error::new(ErrorCode::MalformedRequest, detail)));
    }
    let key = digest(&[&credentials(request.headers()), request.path().as_bytes(), given.as_bytes()]);
    let principal = principal(&request);
    let content = digest(&[request.query_string().as_bytes(), &body]);
    let running = match state.idempotency.begin(principal, key, content, state.clock.monotonic()) {
        Ok(Begun::First(running)) => running,
        Ok(Begun::Again(kept)) => return Ok(request.into_response(replay(kept))),
        Err(error) => return Ok(request.error_response(error)),
    };
    let response = next.call(request).await?;
    if matches!(response.status(), StatusCode::GATEWAY_TIMEOUT | StatusCode::INTERNAL_SERVER_ERROR) {
        running.end(State::Unknown);
        return Ok(response);
    }
    // "Nothing was stored" and "wait" say nothing of the next attempt.
    let in_vain = response.status().is_server_error() || response.status() == StatusCode::TOO_MANY_REQUESTS;
    // A refusal changed nothing: asking again gives it again.
    if in_vain || response.response().error().is_some() {
        running.free();
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let body = match to_bytes(body).await {
        Ok(body) => body,
        Err(error) => return Ok(ServiceResponse::from_err(Error::internal(error.to_string()), request)),
    };
    let headers = [CONTENT_TYPE, ETAG, LOCATION]
        .into_iter()
        .filter_map(|name| response.headers().get(&name).cloned().map(|value| (name, value)))
        .collect();
    running.keep(Kept { status: response.status(), headers, body: body.clone() });
    Ok(ServiceResponse::new(request, response.set_body(body).map_into_boxed_body()))
}

fn replay(kept: Kept) -> HttpResponse {
    let mut response = HttpResponse::build(kept.status);
    for header in kept.headers {
        response.insert_header(header);
    }
    response.insert_header((REPLAYED, "true")).body(kept.body)
}

/// One client's keys are not another's.
fn credentials(headers: &HeaderMap) -> Key {
    let part = |name| headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
    digest(&[part(AUTHORIZATION), part(COOKIE)])
}

/// Who asks, with whatever session or token.
fn principal(request: &ServiceRequest) -> Key {
    let caller = request.extensions().get::<Caller>().map(|caller| digest(&[caller.id.to_string().as_bytes()]));
    caller.unwrap_or_else(|| credentials(request.headers()))
}

/// A hash over parts, each with its length in front.
fn digest(parts: &[&[u8]]) -> Key {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(5);
    const ADA: Key = [200; 32];
    const BOB: Key = [201; 32];

    fn kept(body: &str) -> Kept {
        Kept { status: StatusCode::CREATED, headers: Vec::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    #[test]
    fn second_of_two_gets_the_first_ones_answer_and_another_body_is_refused() {
        let table = Idempotency::default();
        let Ok(Begun::First(first)) = table.begin(ADA, [1; 32], [9; 32], NOW) else { panic!("the key is new") };
        assert_eq!(table.begin(ADA, [1; 32], [9; 32], NOW).err().map(|e| e.code()), Some(ErrorCode::Conflict));
        first.keep(kept("a"));
        assert!(matches!(table.begin(ADA, [1; 32], [9; 32], NOW), Ok(Begun::Again(kept)) if kept.body == "a"));
        let other = table.begin(ADA, [1; 32], [8; 32], NOW).err().map(|e| e.code());
        assert_eq!(other, Some(ErrorCode::IdempotencyMismatch));
    }

    #[test]
    fn key_of_a_refused_request_and_of_an_old_one_is_free() {
        let table = Idempotency::default();
        let Ok(Begun::First(refused)) = table.begin(ADA, [1; 32], [9; 32], NOW) else { panic!("the key is new") };
        refused.free();
        let Ok(Begun::First(again)) = table.begin(ADA, [1; 32], [9; 32], NOW) else { panic!("the key is free again") };
        again.keep(kept("a"));
        assert!(matches!(table.begin(ADA, [1; 32], [8; 32], NOW + KEPT), Ok(Begun::First(_))));
    }

    #[test]
    fn request_that_may_have_been_carried_out_is_not_carried_out_again() {
        for end in [|running: Running| running.end(State::Unknown), |running: Running| drop(running)] {
            let table = Idempotency::default();
            let Ok(Begun::First(lost)) = table.begin(ADA, [1; 32], [9; 32], NOW) else { panic!("the key is new") };
            end(lost);
            assert_eq!(table.begin(ADA, [1; 32], [9; 32], NOW).err().map(|e| e.code()), Some(ErrorCode::Conflict));
            assert!(matches!(table.begin(ADA, [1; 32], [9; 32], NOW + KEPT), Ok(Begun::First(_))), "for an hour");
        }
    }

    /// Carries out one request more of somebody, and answers it with so many bytes.
    fn carry_out(table: &Idempotency, principal: Key, number: u32, bytes: usize) {
        let key = digest(&[&principal, &number.to_be_bytes()]);
        let Ok(Begun::First(running)) = table.begin(principal, key, [0; 32], NOW) else { panic!("the key is new") };
        running.keep(kept(&"x".repeat(bytes)));
    }

    #[test]
    fn memory_is_bounded() {
        for bytes in [0, 8 << 10] {
            let table = Idempotency::default();
            (0..10_000).for_each(|number| carry_out(&table, ADA, number, bytes));
            let table = table.0.lock();
            assert!(table.answers <= ANSWERS + 1 && table.bytes <= BYTES + (8 << 10), "{}", table.bytes);
            assert_eq!(table.entries.len(), table.answers);
            assert_eq!(table.kept.values().map(|kin| kin.order.len()).sum::<usize>(), table.answers);
            assert_eq!(table.kept.values().map(|kin| kin.bytes).sum::<usize>(), table.bytes);
        }
    }

    #[test]
    fn nobody_loses_keys_by_what_another_sends() {
        for bytes in [0, 8 << 10] {
            let table = Idempotency::default();
            (0..100).for_each(|number| carry_out(&table, ADA, number, 100));
            (0..10_000).for_each(|number| carry_out(&table, BOB, number, bytes));
            for number in 0..100_u32 {
                let key = digest(&[&ADA, &number.to_be_bytes()]);
                assert!(matches!(table.begin(ADA, key, [0; 32], NOW), Ok(Begun::Again(_))), "{number}");
            }
            let first_of_bob = digest(&[&BOB, &0_u32.to_be_bytes()]);
            assert!(matches!(table.begin(BOB, first_of_bob, [0; 32], NOW), Ok(Begun::First(_))), "his own oldest went");
        }
    }

    #[test]
    fn nothing_is_left_of_what_is_old() {
        let table = Idempotency::default();
        (0..10).for_each(|number| carry_out(&table, ADA, number, 100));
        (0..10).for_each(|number| carry_out(&table, BOB, number, 100));
        table.0.lock().forget_old(NOW + KEPT);
        let table = table.0.lock();
        assert!(table.entries.is_empty() && table.kept.is_empty() && (table.answers, table.bytes) == (0, 0));
    }
}
