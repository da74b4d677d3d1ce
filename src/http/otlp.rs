//! The collectors' own metrics over OTLP/HTTP.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use linkmesh_actors::runtime::TellError;
use linkmesh_proto::wire::otlp::ExportMetricsServiceRequest;
use prost::Message as _;

use super::{
    agents::Agents,
    body,
    mounts::{Admission, Mount},
    off_worker, opamp, parts,
};
use crate::auth::token::bearer;

/// The paths of the push.
pub const PATHS: [&str; 2] = ["/v1/metrics", "/api/v1/otlp/v1/metrics"];

const PROTOBUF: &str = "application/x-protobuf";

/// The push on its paths.
pub(super) fn mounts() -> Vec<Mount> {
    let mount = |path| Mount::new(path, Admission::Collector, |resource| resource.route(web::post().to(push)));
    PATHS.map(mount).to_vec()
}

/// Takes a push of one collector, which its bearer names; what the resource says is not believed.
async fn push(agents: web::Data<Agents>, request: HttpRequest, mut payload: web::Payload) -> HttpResponse {
    match take(&agents, &request, &mut payload).await {
        Ok(answer) => answer,
        Err(refusal) => body::hang_up(refusal, payload),
    }
}

async fn take(
    agents: &Agents,
    request: &HttpRequest,
    payload: &mut web::Payload,
) -> Result<HttpResponse, HttpResponse> {
    let collector = agents.fleet.authenticate(bearer(request.headers())).map_err(|error| {
        let address = agents.client_address(request.peer_addr(), request.headers());
        opamp::refuse(&agents.turn_away(error, address))
    })?;
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(PROTOBUF) {
        return Err(HttpResponse::UnsupportedMediaType().body(format!("the body must be {PROTOBUF}\n")));
    }
    let body =
        body::read_plain(request, payload, agents.body_limits(agents.otlp_max_body), agents.budget.share()).await;
    let (body, share) = body.map_err(|error| opamp::bad_body(agents, error))?;
    let is_large = body.len() > off_worker::DONE_HERE;
    let meter = agents.meter.clone();
    let push = move || {
        parts::check_protobuf(&body, parts::OF_METRICS).map_err(Untaken::TooManyParts)?;
        let metrics = ExportMetricsServiceRequest::decode(body).map_err(|_| Untaken::Unreadable)?;
        drop(share);
        meter.push(collector, metrics).map_err(Untaken::Later)
    };
    let pushed = if is_large { off_worker::run(push).await } else { Some(push()) };
    match pushed {
        // An empty ExportMetricsServiceResponse is no bytes at all.
        Some(Ok(())) => Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, PROTOBUF)).finish()),
        // Retryable by the OTLP specification.
        Some(Err(Untaken::Later(TellError::Full | TellError::Closed))) => {
            Ok(HttpResponse::ServiceUnavailable().insert_header((header::RETRY_AFTER, 10)).finish())
        }
        Some(Err(Untaken::Unreadable)) => {
            Err(HttpResponse::BadRequest().body("the body is no ExportMetricsServiceRequest\n"))
        }
        Some(Err(Untaken::TooManyParts(error))) => Err(HttpResponse::PayloadTooLarge().body(format!("{error}\n"))),
        None => Err(HttpResponse::InternalServerError().finish()),
    }
}

/// Why the meter did not get a push.
enum Untaken {
    TooManyParts(parts::TooManyParts),
    Unreadable,
    Later(TellError),
}
