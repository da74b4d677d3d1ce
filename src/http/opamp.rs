//! OpAMP's one URL: the WebSocket upgrade and plain HTTP.
//!
//! A peer is turned away before the upgrade, never by closing an accepted socket: released supervisors dial again at
//! once, without a pause, when an accepted socket is closed, and with a growing pause when the upgrade is refused.
//!
//! The upgrade does not go through the router. [`upgrade`] is given the raw connection by the HTTP service, so that an
//! idle agent costs a task and not a whole HTTP connection (see [`super::opamp_socket::pump`]).

use std::{convert::Infallible, io::Write as _, time::Duration};

use actix_codec::{AsyncRead, AsyncWrite, Framed};
use actix_http::{
    ConnectionType, HttpMessage as _, Request, Response, StatusCode, h1,
    header::{self, HeaderMap, HeaderName, HeaderValue},
    ws,
};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use linkmesh_actors::{
    fleet::{AdmitError, ExchangeError},
    opamp::decode_message,
    runtime::AskError,
};
use prost::Message as _;

use super::{
    agents::{Agents, Place, RETRY, TurnedAway},
    body::{self, BodyError, accepts_gzip},
    mounts::{Admission, Mount},
    off_worker,
    opamp_socket::{self, outgoing::OutgoingQueue},
    parts,
};
use crate::auth::token::bearer;

/// The paths of the protocol; any other would do as well, agents are given a whole URL.
pub const PATHS: [&str; 2] = ["/v1/opamp", "/api/v1/opamp"];

const PROTOBUF: &str = "application/x-protobuf";

/// Plain HTTP on the protocol's paths.
pub(super) fn mounts() -> Vec<Mount> {
    let mount = |path| {
        Mount::new(path, Admission::CollectorOrEnrolment, |resource| {
            resource.route(web::post().to(exchange)).default_service(web::to(|| async {
                HttpResponse::BadRequest().body("a websocket upgrade or a POST\n")
            }))
        })
    };
    PATHS.map(mount).to_vec()
}

/// Answers one message by plain HTTP.
async fn exchange(agents: web::Data<Agents>, request: HttpRequest, mut payload: web::Payload) -> HttpResponse {
    match answer_to(&agents, &request, &mut payload).await {
        Ok(answer) => answer,
        Err(refusal) => body::hang_up(refusal, payload),
    }
}

async fn answer_to(
    agents: &Agents,
    request: &HttpRequest,
    payload: &mut web::Payload,
) -> Result<HttpResponse, HttpResponse> {
    let address = agents.client_address(request.peer_addr(), request.headers());
    let turned_away = |error| refuse(&agents.turn_away(error, address));
    let peer = agents.fleet.admit(bearer(request.headers()), address.map(|address| address.to_string()));
    let peer = peer.map_err(turned_away)?;
    note_host(agents, request.headers());
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(PROTOBUF) {
        return Err(HttpResponse::UnsupportedMediaType().body(format!("the body must be {PROTOBUF}\n")));
    }
    let limit = agents.socket_limits.max_message;
    let body = body::read_plain(request, payload, agents.body_limits(limit), agents.budget.share()).await;
    let (body, share) = body.map_err(|error| bad_body(agents, error))?;
    let is_large = body.len() > off_worker::DONE_HERE;
    let decode = move || {
        let decoded = parts::check_protobuf(&body, parts::OF_AGENT).map(|()| decode_message(body));
        drop(share);
        decoded
    };
    let decoded = if is_large { off_worker::run(decode).await } else { Some(decode()) };
    let decoded = decoded.ok_or_else(|| HttpResponse::InternalServerError().finish())?;
    let decoded = decoded.map_err(|error| HttpResponse::PayloadTooLarge().body(format!("{error}\n")))?;
    let Ok(message) = decoded else {
        agents.observe.opamp_malformed.increment();
        return Err(HttpResponse::BadRequest().body("the body is no AgentToServer message\n"));
    };
    if let Some(claimed) = request.headers().get("opamp-instance-uid") {
        let claimed = claimed.to_str().ok().and_then(|text| uuid::Uuid::parse_str(text).ok());
        if claimed.is_none_or(|claimed| claimed.as_bytes() != message.instance_uid.as_slice()) {
            tracing::debug!(?address, "the header OpAMP-Instance-UID differs from the message, which is believed");
        }
    }
    let answer = agents.fleet.exchange(peer, message).await.map_err(|error| match error {
        ExchangeError::Admit(error) => turned_away(error),
        ExchangeError::Unavailable(error) => unavailable(error),
    })?;
    let answer = answer.encode_to_vec();
    if answer.len() > limit {
        tracing::error!(size = answer.len(), limit, "an answer to an agent is over the limit and was not sent");
        return Err(HttpResponse::InternalServerError().finish());
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, PROTOBUF));
    if answer.len() >= 1024 && accepts_gzip(request.headers()) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        // Invariant: writing into a vector does not fail.
        let packed = encoder.write_all(&answer).and_then(|()| encoder.finish()).unwrap_or_default();
        return Ok(response.insert_header((header::CONTENT_ENCODING, "gzip")).body(packed));
    }
    Ok(response.body(answer))
}

/// Whom an admitted peer looked for: it may prove that the public address leads here.
fn note_host(agents: &Agents, headers: &HeaderMap) {
    if let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) {
        agents.fleet.note_host(host);
    }
}

/// The answer to a request whose body was not taken.
pub(super) fn bad_body(agents: &Agents, error: BodyError) -> HttpResponse {
    agents.note_body(error);
    let mut answer = HttpResponse::build(error.status());
    if error == BodyError::Exhausted {
        answer.insert_header((header::RETRY_AFTER, RETRY.as_secs()));
    }
    answer.finish()
}

pub(super) fn refuse(turned_away: &TurnedAway) -> HttpResponse {
    // Invariant: `turn_away` gives valid statuses only.
    let status = StatusCode::from_u16(turned_away.status).unwrap_or(StatusCode::UNAUTHORIZED);
    let mut response = HttpResponse::build(status);
    if let Some(after) = turned_away.retry_after {
        response.insert_header((header::RETRY_AFTER, after.as_secs().max(1)));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    response.body(format!("{}\n", turned_away.reason))
}

fn unavailable(error: AskError) -> HttpResponse {
    tracing::warn!(%error, "an agent's message got no answer");
    HttpResponse::ServiceUnavailable().insert_header((header::RETRY_AFTER, RETRY.as_secs())).finish()
}

/// Takes a connection whose request asks for an upgrade. Opens a session, or answers why not and closes.
///
/// # Errors
/// Never; a connection that breaks is the peer's business.
pub async fn upgrade<T>(
    agents: web::Data<Agents>,
    request: Request,
    framed: Framed<T, h1::Codec>,
) -> Result<(), Infallible>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
{
    match open(&agents, &request) {
        Ok((head, session)) => {
            if let Ok(framed) = h1::SendResponse::new(framed, head).await {
                // Out of the HTTP service's hands: its buffers go, and stopping it does not wait for agents.
                actix_rt::spawn(session.run(agents, framed));
            }
        }
        Err(refusal) => {
            agents.counts.sockets_refused.increment();
            if let Ok(mut framed) = h1::SendResponse::new(framed, refusal).await {
                use tokio::io::AsyncWriteExt as _;
                drop(framed.io_mut().shutdown().await);
            }
        }
    }
    Ok(())
}

/// A session that was admitted and has a place.
struct Opened {
    session: linkmesh_actors::fleet::AgentSession,
    queue: std::sync::Arc<OutgoingQueue>,
    place: Place,
}

impl Opened {
    async fn run<T>(self, agents: web::Data<Agents>, framed: Framed<T, h1::Codec>)
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let Self { session, queue, place } = self;
        // Taken apart here, so that the buffers of the HTTP connection (8 KiB each) do not live as long as the session.
        let (io, early) = {
            let parts = framed.into_parts();
            (parts.io, Bytes::copy_from_slice(&parts.read_buf))
        };
        let (limits, share) = (agents.socket_limits, agents.budget.share());
        drop(agents);
        let end = opamp_socket::run(io, early, session, queue, limits, share).await;
        place.leave(end);
    }
}

fn open(agents: &web::Data<Agents>, request: &Request) -> Result<(Response<()>, Opened), Response<Bytes>> {
    if !PATHS.contains(&request.path()) {
        return Err(answer(404, None, "there is no websocket here"));
    }
    if let Err(error) = ws::verify_handshake(request.head()) {
        let status = Response::from(&error).status().as_u16();
        return Err(answer(status, None, &error.to_string()));
    }
    let address = agents.client_address(request.peer_addr(), request.headers());
    let turned_away = |error| {
        let TurnedAway { status, retry_after, reason } = agents.turn_away(error, address);
        tracing::debug!(?address, status, "an agent was turned away");
        answer(status, retry_after, &reason)
    };
    let peer = agents
        .fleet
        .admit(bearer(request.headers()), address.map(|address| address.to_string()))
        .map_err(turned_away)?;
    note_host(agents, request.headers());
    let queue = OutgoingQueue::new(agents.socket_limits.max_message);
    let place = Place::take(agents, &queue).ok_or_else(|| turned_away(AdmitError::Busy))?;
    let session = agents.fleet.open_session(peer, queue.clone()).map_err(turned_away)?;
    agents.counts.sockets_opened.increment();
    let head = ws::handshake_response(request.head()).finish().drop_body();
    Ok((head, Opened { session, queue, place }))
}

fn answer(status: u16, retry_after: Option<Duration>, text: &str) -> Response<Bytes> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = Response::with_body(status, Bytes::from(format!("{text}\n")));
    response.head_mut().set_connection_type(ConnectionType::Close);
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, "text/plain; charset=utf-8");
    if let Some(after) = retry_after {
        set(header::RETRY_AFTER, &after.as_secs().max(1).to_string());
    }
    if status == StatusCode::UNAUTHORIZED {
        set(header::WWW_AUTHENTICATE, "Bearer");
    }
    response
}
