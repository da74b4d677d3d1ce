//! The checks in front of every handler, in the order in which they may be told to a stranger.
//!
//! Who is asking (401), may they (403), is the write really theirs (CSRF, 403), do they know the route's parameters
//! (400), do they say what they change (428). Only then the body of a write is read, it is looked whether this very
//! request was answered before (`Idempotency-Key`), and the handler carries it out, to its end ([`outlive`]) unless it
//! stores nothing.

use std::sync::Arc;

use actix_web::{
    HttpMessage,
    body::BoxBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web,
};
use linkmesh_proto::api::problem::FieldProblem;
use subtle::ConstantTimeEq;

use super::{
    conditional::Version,
    context::Context,
    extract::{Params, Sender, read_body},
    idempotency, outlive,
    route::{Access, Meta, Precondition},
};
use crate::{
    auth::{
        Caller, Credential,
        token::{Bearer, TokenKind},
    },
    error::{Error, ErrorCode, Result},
    http::AppState,
};

/// The session cookie's name.
pub const SESSION_COOKIE: &str = "linkmesh_session";
/// Carries the session's CSRF token on writes.
const CSRF_TOKEN: &str = "x-csrf-token";

/// The pattern of the route that a request hit: the `route` label of metrics and the place in the log.
#[derive(Debug, Clone, Copy)]
pub struct RouteLabel(pub &'static str);

/// A request that stores nothing, whatever its method.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadsOnly;

pub(super) async fn check(
    meta: Arc<Meta>,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    request.extensions_mut().insert(RouteLabel(meta.path));
    let Some(state) = request.app_data::<web::Data<AppState>>().cloned() else {
        return Ok(request.error_response(Error::internal("the application has no state")));
    };
    if let Err(error) = admit(&meta, &state, &request).await {
        return Ok(request.error_response(error));
    }
    if matches!(meta.method, Method::GET | Method::HEAD) {
        return next.call(request).await;
    }
    let sender = Sender::of(request.request());
    let body = match read_body(request.parts_mut().1, &state, sender).await {
        Ok(body) => body,
        Err(error) => return Ok(request.error_response(error)),
    };
    if meta.reads_only {
        request.extensions_mut().insert(ReadsOnly);
        request.set_payload(Payload::from(body));
        return outlive::within(request.request().clone(), state.edge.answer_within, next.call(request)).await;
    }
    request.set_payload(Payload::from(body.clone()));
    let (asked, within) = (request.request().clone(), state.edge.answer_within);
    outlive::carry_out(asked, within, idempotency::answer_once(meta, state, request, body, next)).await
}

async fn admit(meta: &Meta, state: &AppState, request: &ServiceRequest) -> Result<()> {
    match meta.access {
        Access::Public => {}
        // What a used token opens, only its handler and the answers given before can say.
        Access::EnrolmentToken => {
            let bearer = Bearer::of(request.headers());
            if matches!(bearer, Bearer::Absent) {
                return Err(Error::new(
                    ErrorCode::Unauthenticated,
                    "Send an enrolment token (lmet_...) in the Authorization header.",
                ));
            }
            let hash = bearer.of_kind(TokenKind::Enrollment).map(|token| token.hash());
            let fleet = &state.handles.fleet;
            let Some(hash) = hash.filter(|hash| fleet.knows_enrollment(hash)) else {
                let unknown = Error::new(ErrorCode::Unauthenticated, "The enrolment token is unknown.");
                return Err(state.turn_away(&Context::of(request.request()), unknown));
            };
            if fleet.opens_enrollment(&hash) {
                request.extensions_mut().insert(Sender::Enrolling);
            }
        }
        Access::SignedIn | Access::Needs(_) => {
            let caller = recognise(state, request).await?;
            // Before the permission: a forged request learns nothing of its victim's role.
            if !matches!(meta.method, Method::GET | Method::HEAD) {
                check_csrf(&caller, request)?;
            }
            if let Access::Needs(permission) = meta.access {
                caller.need(permission)?;
            }
            request.extensions_mut().insert(caller);
        }
    }
    check_query(meta, request.query_string())?;
    match (meta.precondition, Version::of(request.request())) {
        (Precondition::None, _)
        | (Precondition::IfMatchOrCreate, Ok(_))
        | (Precondition::IfMatch, Ok(Version::Is(_))) => Ok(()),
        (Precondition::IfMatch, Ok(Version::Absent)) => Err(Error::new(
            ErrorCode::PreconditionRequired,
            "Send If-Match with the ETag of the version that this changes.",
        )),
        (_, Err(error)) => Err(error),
    }
}

async fn recognise(state: &AppState, request: &ServiceRequest) -> Result<Caller> {
    let bearer = Bearer::of(request.headers());
    let cookie = request.cookie(SESSION_COOKIE);
    state.auth.recognise(&bearer, cookie.as_ref().map(actix_web::cookie::Cookie::value)).await
}

/// A browser adds the cookie to whatever another site makes it send; it cannot make it add this header.
fn check_csrf(caller: &Caller, request: &ServiceRequest) -> Result<()> {
    let Credential::Session { csrf_token, .. } = &caller.credential else { return Ok(()) };
    let given = request.headers().get(CSRF_TOKEN).map_or(&b""[..], |value| value.as_bytes());
    if given.ct_eq(csrf_token.as_bytes()).into() {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::CsrfRequired,
        "Writes by session cookie need the session's CSRF token in X-CSRF-Token; GET /api/v1/session answers it.",
    ))
}

fn check_query(meta: &Meta, query: &str) -> Result<()> {
    if query.is_empty() {
        return Ok(());
    }
    let params = Params::parse(query)?;
    let mut problems = Vec::new();
    for name in params.names() {
        let message = match meta.query.iter().find(|param| param.name == name) {
            None => "is not known here",
            Some(param) if !param.repeats && params.all(name).nth(1).is_some() => "may stand only once",
            Some(_) => continue,
        };
        let code = "invalid_parameter".to_owned();
        problems.push(FieldProblem { field: name.to_owned(), code, message: message.to_owned() });
    }
    problems.dedup();
    match problems.first() {
        None => Ok(()),
        Some(first) => {
            let detail = format!("The query parameter {} {}.", first.field, first.message);
            Err(Error::new(ErrorCode::InvalidQuery, detail).with_errors(problems))
        }
    }
}
