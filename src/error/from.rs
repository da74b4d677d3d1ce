//! What the errors of actix-web and of the actors become.

use actix_web::{HttpResponse, ResponseError, error::PayloadError, http::StatusCode};

use super::{Error, ErrorCode};

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.code().status()
    }

    /// A bare response; [`crate::http::routes`] replaces its body when the request id is at hand.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).content_type("application/problem+json").json(self.problem(""))
    }
}

impl From<PayloadError> for Error {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::Overflow => Self::new(ErrorCode::TooLarge, "The body is larger than this route accepts."),
            other => {
                Self::new(ErrorCode::MalformedRequest, "The body could not be read to its end.").with_source(other)
            }
        }
    }
}

impl From<linkmesh_proto::id::ParseIdError> for Error {
    fn from(error: linkmesh_proto::id::ParseIdError) -> Self {
        Self::new(ErrorCode::MalformedRequest, format!("{error}."))
    }
}
