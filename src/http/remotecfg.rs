//! `collector.v1` for Alloy: Connect unary, written by hand.
//!
//! Three calls, on two path forms. `GetConfig` also as a GET, which Alloy 1.7 to 1.11 sends. A poll that says nothing new
//! is answered by the fleet from memory; nothing here waits for a disk.

use std::{collections::VecDeque, net::IpAddr};

use actix_web::{HttpRequest, HttpResponse, http::Method, web};
use bytes::Bytes;
use linkmesh_actors::fleet::{AdmitError, PollError};
use linkmesh_proto::wire::collector::{
    GetConfigRequest, GetConfigResponse, RegisterCollectorRequest, RegisterCollectorResponse,
    UnregisterCollectorRequest, UnregisterCollectorResponse,
};
use parking_lot::Mutex;

use super::{
    agents::{Agents, RETRY},
    body::{self, BodyError},
    mounts::{Admission, Mount},
};
use crate::auth::token::bearer;
use connect::{Call, Codec, ConnectError, Refusal};

mod connect;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod json;

/// Where the service is mounted: with the prefix that the interface documents, and bare.
pub const PREFIXES: [&str; 2] = ["/api/v1/remotecfg", ""];

const SERVICE: &str = "/collector.v1.CollectorService/{procedure}";

/// The service on both path forms.
pub(super) fn mounts() -> Vec<Mount> {
    let mount = |prefix| Mount::new(format!("{prefix}{SERVICE}"), Admission::Collector, |resource| resource.to(call));
    PREFIXES.map(mount).to_vec()
}

async fn call(
    agents: web::Data<Agents>,
    compressed: web::Data<Compressed>,
    procedure: web::Path<String>,
    request: HttpRequest,
    mut payload: web::Payload,
) -> HttpResponse {
    match answer(&agents, &compressed, &procedure, &request, &mut payload).await {
        Ok(response) => response,
        Err(refusal) => {
            agents.observe.polls_refused.increment();
            body::hang_up(refusal.into_response(), payload)
        }
    }
}

async fn answer(
    agents: &Agents,
    compressed: &Compressed,
    procedure: &str,
    request: &HttpRequest,
    payload: &mut web::Payload,
) -> Result<HttpResponse, Refusal> {
    connect::check_method(procedure, request.method())?;
    // Nothing is read of a peer whose token is not known.
    let address = agents.client_address(request.peer_addr(), request.headers());
    let peer = agents.fleet.admit_alloy(bearer(request.headers()), address.map(|address| address.to_string()));
    let peer = peer.map_err(|error| turn_away(agents, error, address))?;
    let (limit, mut share) = (agents.remotecfg_max_body, agents.budget.share());
    let (call, body) = if *request.method() == Method::GET {
        Call::of_get(request, limit)?
    } else {
        let call = Call::of_post(request)?;
        // As it was sent: decompressing is the protocol's business.
        let body = body::read(payload, agents.body_limits(limit), &mut share).await;
        (call, body.map_err(|error| bad_body(agents, error))?)
    };
    let refused = |error| refuse(agents, &error, address);
    match procedure {
        "GetConfig" => {
            let poll: GetConfigRequest = call.read(body, limit, share).await?;
            let answer = agents.fleet.poll(&peer, poll).await.map_err(refused)?;
            Ok(compressed.answer(call, answer))
        }
        "RegisterCollector" => {
            let register: RegisterCollectorRequest = call.read(body, limit, share).await?;
            agents.fleet.alloy_started(&peer, register).map_err(refused)?;
            Ok(call.answer(RegisterCollectorResponse {}, |body| connect::gzip(&body)))
        }
        _ => {
            let unregister: UnregisterCollectorRequest = call.read(body, limit, share).await?;
            agents.fleet.alloy_stopped(&peer, &unregister).map_err(refused)?;
            Ok(call.answer(UnregisterCollectorResponse {}, |body| connect::gzip(&body)))
        }
    }
}

fn bad_body(agents: &Agents, error: BodyError) -> ConnectError {
    agents.note_body(error);
    error.into()
}

fn refuse(agents: &Agents, error: &PollError, address: Option<IpAddr>) -> ConnectError {
    match error {
        PollError::Admit(error) => turn_away(agents, *error, address),
        PollError::NoId => ConnectError::invalid("the request names no id"),
        PollError::Unavailable(error) => {
            tracing::warn!(%error, "a poll got no answer");
            ConnectError::unavailable("the server cannot answer at the moment").retry_after(RETRY)
        }
    }
}

fn turn_away(agents: &Agents, error: AdmitError, address: Option<IpAddr>) -> ConnectError {
    let turned_away = agents.turn_away(error, address);
    let error = match turned_away.status {
        401 | 410 => ConnectError::unauthenticated(turned_away.reason),
        403 => ConnectError::forbidden(turned_away.reason),
        429 => ConnectError::exhausted(turned_away.reason),
        _ => ConnectError::unavailable(turned_away.reason),
    };
    match turned_away.retry_after {
        Some(after) => error.retry_after(after),
        None => error,
    }
}

/// The answers that were compressed last. After a save, every Alloy of a group fetches the same text within one poll
/// interval; it is compressed once.
#[derive(Debug, Default)]
pub struct Compressed(Mutex<VecDeque<(String, Codec, Bytes)>>);

const COMPRESSED_KEPT: usize = 16;

impl Compressed {
    fn answer(&self, call: Call, answer: GetConfigResponse) -> HttpResponse {
        let hash = answer.hash.clone();
        call.answer(answer, |body| {
            // Only a whole document is large enough to come here, and its hash is that of its text.
            let known = |kept: &&(String, Codec, Bytes)| kept.0 == hash && kept.1 == call.codec();
            if let Some((.., bytes)) = self.0.lock().iter().find(known) {
                return bytes.clone();
            }
            let bytes = connect::gzip(&body);
            let mut kept = self.0.lock();
            kept.truncate(COMPRESSED_KEPT - 1);
            kept.push_front((hash.clone(), call.codec(), bytes.clone()));
            bytes
        })
    }
}

#[cfg(test)]
mod tests;
