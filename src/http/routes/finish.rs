//! What every response gets, whoever made it: the request id, a problem document for an error, the headers of a
//! cautious server, a place in the metrics, a line in the log.

use std::time::{Duration, Instant};

use actix_web::{
    HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{ALLOW, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
    },
    middleware::Next,
    web,
};

use super::{
    context::{Context, REQUEST_ID},
    guard::{ReadsOnly, RouteLabel},
};
use crate::{
    auth::Caller,
    error::{Error, ErrorCode},
    http::{AppState, body::Unread, budget::Exhausted, remotecfg, unsent},
};

/// When to ask again whose answer found no room.
const RETRY: Duration = Duration::from_secs(2);

/// Wraps the whole application: `App::new().wrap(from_fn(finish))`.
///
/// # Errors
/// Never by itself; what actix-web reports on a lower level passes.
pub async fn finish<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let begun = Instant::now();
    let state = request.app_data::<web::Data<AppState>>().cloned();
    // Collectors' own protocols have their own forms of errors, and 20,000 polls a second: they are only counted.
    if let Some(label) = protocol_route(request.path()) {
        let response = next.call(request).await?.map_into_boxed_body();
        if let Some(state) = state {
            state.http_metrics.observe(label, response.status().as_u16(), begun.elapsed());
        }
        return Ok(response);
    }
    let context = Context::of(request.request());
    request.extensions_mut().insert(context.clone());
    let in_api = request.path().starts_with("/api/");
    let unread = Unread::of(&mut request);
    let mut response = next.call(request).await?.map_into_boxed_body();
    let route = response.request().extensions().get::<RouteLabel>().map_or("other", |label| label.0);
    if let Some(error) = response.response().error() {
        let problem = match error.as_error::<Error>() {
            Some(error) => render(error, &context),
            None => render(&from_actix(error.as_response_error().status_code(), error), &context),
        };
        log(&context, route, &response);
        response = response.into_response(problem);
    }
    let (request, answer) = response.into_parts();
    let (is_known, stores_nothing) = {
        let extensions = request.extensions();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD) || extensions.contains::<ReadsOnly>();
        (extensions.contains::<Caller>(), reads || !answer.status().is_success())
    };
    let answer = match &state {
        Some(state) => {
            let budget = if is_known { &state.unsent } else { &state.strangers_unsent };
            unsent::counted(answer, budget, !stores_nothing).unwrap_or_else(|Exhausted| {
                let detail = "Too many answers wait to be read by those who asked; try again soon.";
                render(&Error::new(ErrorCode::Unavailable, detail).with_retry_after(RETRY), &context)
            })
        }
        None => answer,
    };
    let mut response = ServiceResponse::new(request, answer);
    let status = response.status();
    tracing::debug!(request_id = %context.request_id, route, status = status.as_u16(), "request answered");
    let headers = response.headers_mut();
    set_default(
        headers,
        &[
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ],
    );
    if in_api {
        set_default(
            headers,
            &[("cache-control", "no-store"), ("content-security-policy", "default-src 'none'; frame-ancestors 'none'")],
        );
    }
    if let Ok(id) = HeaderValue::from_str(context.request_id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(state) = state {
        state.http_metrics.observe(route, status.as_u16(), begun.elapsed());
    }
    let (request, response) = response.into_parts();
    Ok(ServiceResponse::new(request, unread.hang_up(response)))
}

/// Sets what the response does not say itself.
fn set_default(headers: &mut HeaderMap, defaults: &[(&'static str, &'static str)]) {
    for (name, value) in defaults {
        if !headers.contains_key(*name) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
}

/// The `route` label of a request to a collectors' protocol; `None` for all others.
fn protocol_route(path: &str) -> Option<&'static str> {
    const METHODS: [&str; 3] = [
        "/collector.v1.CollectorService/GetConfig",
        "/collector.v1.CollectorService/RegisterCollector",
        "/collector.v1.CollectorService/UnregisterCollector",
    ];
    match path {
        "/v1/opamp" | "/api/v1/opamp" => Some("/v1/opamp"),
        "/v1/metrics" | "/api/v1/otlp/v1/metrics" => Some("/v1/metrics"),
        _ => {
            let mut procedures = remotecfg::PREFIXES.iter().filter_map(|prefix| path.strip_prefix(prefix));
            procedures.find_map(|procedure| METHODS.into_iter().find(|method| *method == procedure))
        }
    }
}

fn render(error: &Error, context: &Context) -> HttpResponse {
    let mut response = HttpResponse::build(error.code().status());
    response.content_type("application/problem+json");
    if let Some(seconds) = error.retry_after_s() {
        response.insert_header((RETRY_AFTER, seconds));
    }
    if let Some(methods) = error.allow() {
        response.insert_header((ALLOW, methods));
    }
    response.json(error.problem(context.request_id.as_str()))
}

/// An error that actix-web made itself.
fn from_actix(status: StatusCode, error: &actix_web::Error) -> Error {
    let code = match status {
        StatusCode::NOT_FOUND => ErrorCode::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::UnsupportedMediaType,
        status if status.is_client_error() => ErrorCode::MalformedRequest,
        _ => return Error::internal(error.to_string()),
    };
    Error::new(code, format!("{error}."))
}

/// A fault is logged here, once, with its causes; a refusal only when somebody looks closely.
fn log(context: &Context, route: &str, response: &ServiceResponse) {
    let Some(error) = response.response().error() else { return };
    let request_id = &context.request_id;
    match error.as_error::<Error>() {
        Some(error) if error.code().status().is_server_error() => {
            tracing::error!(%request_id, route, code = %error.code(), cause = error.chain(), "request failed");
        }
        Some(error) => {
            tracing::debug!(%request_id, route, code = %error.code(), cause = error.chain(), "request refused");
        }
        None => tracing::debug!(%request_id, route, %error, "request refused"),
    }
}
