//! Writes outlive their requests.
//!
//! actix-web drops a handler whose client left, at whatever it waits for. A change that was begun would go on in the
//! actors without its row in the audit log, and without an answer for the client that asks again by its
//! `Idempotency-Key`. So a write is a task of its own, which the request only waits for. What stores nothing is none: it
//! ends with its request.

use std::time::Duration;

use actix_web::{HttpRequest, body::BoxBody, dev::ServiceResponse};
use linkmesh_actors::runtime::AskError;

use crate::error::Error;

/// Carries a write out to its end and waits for its answer, but not longer than `within`.
pub(super) async fn carry_out(
    request: HttpRequest,
    within: Duration,
    write: impl Future<Output = Result<ServiceResponse<BoxBody>, actix_web::Error>> + 'static,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match tokio::time::timeout(within, actix_web::rt::spawn(write)).await {
        Ok(Ok(answer)) => answer,
        // It panicked, which the panic hook logged.
        Ok(Err(error)) => Ok(ServiceResponse::from_err(Error::internal(error), request)),
        Err(_) => Ok(ServiceResponse::from_err(Error::from(AskError::Deadline), request)),
    }
}

/// Answers what stores nothing, but waits no longer than `within`: it ends then, or when the client leaves.
pub(super) async fn within(
    request: HttpRequest,
    within: Duration,
    read: impl Future<Output = Result<ServiceResponse<BoxBody>, actix_web::Error>>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match tokio::time::timeout(within, read).await {
        Ok(answer) => answer,
        Err(_) => Ok(ServiceResponse::from_err(Error::from(AskError::Deadline), request)),
    }
}
