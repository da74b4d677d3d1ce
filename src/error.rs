//! One set of error codes for REST, and the one place that says what each means over HTTP.
//!
//! A handler returns [`Error`]; it becomes `application/problem+json`. What collectors speak has errors of its own, which
//! stand beside it: Connect codes in `remotecfg`, close codes in `opamp_socket`, both in [`crate::http`].
//!
//! The text that a client gets never holds an internal cause: causes are kept as [`std::error::Error::source`] and logged
//! once, with the request id, where the response is finished ([`crate::http::routes`]).

mod from;

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

use actix_web::http::StatusCode;
use linkmesh_proto::{
    Etag,
    api::problem::{FieldProblem, Problem},
};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $title:literal;)*) => {
        /// What went wrong, for programs. The text form is stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable text, `code` of a problem document.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                let status: u16 = match self { $(Self::$name => $status,)* };
                // Invariant: the table below holds valid status codes only; a test walks it.
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }

            /// The kind of problem in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The request is not what the protocol asks for: broken JSON, a bad header, a bad path parameter.
    MalformedRequest = "malformed_request", 400, "The request cannot be read";
    /// A query parameter is unknown or has a value that is not allowed.
    InvalidQuery = "invalid_query", 400, "A query parameter is wrong";
    /// The setup token is not the one that this server printed.
    WrongSetupToken = "wrong_setup_token", 403, "The setup link is not valid";
    /// No credentials, or credentials that are not, or no longer, valid.
    Unauthenticated = "unauthenticated", 401, "Sign in first";
    /// The credentials are valid and their owner may not do this.
    Forbidden = "forbidden", 403, "Not allowed";
    /// A write by session cookie without the session's `X-CSRF-Token`.
    CsrfRequired = "csrf_required", 403, "The CSRF token is missing or wrong";
    /// There is no such thing.
    NotFound = "not_found", 404, "Not found";
    /// The resource exists and does not know the method.
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed";
    /// The body did not arrive in time.
    BodyLate = "body_late", 408, "The body took too long";
    /// The identifier is taken.
    AlreadyExists = "already_exists", 409, "The identifier is taken";
    /// Others depend on the thing.
    InUse = "in_use", 409, "Still in use";
    /// The thing is in a state in which this cannot be done.
    Conflict = "conflict", 409, "Not possible now";
    /// It was there once and never comes back: a used token, a finished setup.
    Gone = "gone", 410, "No longer valid";
    /// `If-Match` names a version that is not the current one.
    StaleRevision = "stale_revision", 412, "Someone else saved in between";
    /// The body is over the limit.
    TooLarge = "too_large", 413, "The body is too large";
    /// The body is of a type that the route does not read.
    UnsupportedMediaType = "unsupported_media_type", 415, "Unsupported media type";
    /// The document reads well and breaks a rule; `errors` names the places.
    InvalidDocument = "invalid_document", 422, "The document is not valid";
    /// An `Idempotency-Key` was used before with another request.
    IdempotencyMismatch = "idempotency_mismatch", 422, "The idempotency key was used for another request";
    /// `If-Match` or `If-None-Match: *` is missing.
    PreconditionRequired = "precondition_required", 428, "Say which version this changes";
    /// Too often; `Retry-After` says when again.
    TooManyRequests = "too_many_requests", 429, "Too many attempts";
    /// A fault of the server; the log has the cause under the request id.
    Internal = "internal", 500, "Internal error";
    /// The server cannot do it now and may be able to soon.
    Unavailable = "unavailable", 503, "Not available at the moment";
    /// The disk is full or broken; nothing was stored.
    StorageUnavailable = "storage_unavailable", 503, "Nothing can be stored at the moment";
    /// An answer from inside the server took too long. The request may have been carried out.
    DeadlineExceeded = "deadline_exceeded", 504, "The server took too long";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a request was refused or failed, ready for any wire.
#[derive(thiserror::Error)]
#[error("{}: {}", .0.code, .0.detail)]
pub struct Error(Box<Inner>);

struct Inner {
    code: ErrorCode,
    detail: Cow<'static, str>,
    errors: Vec<FieldProblem>,
    current: Option<(serde_json::Value, Option<Etag>)>,
    retry_after: Option<Duration>,
    allow: Vec<&'static str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code)
            .field("detail", &self.0.detail)
            .field("errors", &self.0.errors)
            .field("cause", &self.0.source)
            .finish_non_exhaustive()
    }
}

/// The result of a handler.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with a text for the person who reads the answer: a sentence, no internals.
    pub fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            current: None,
            retry_after: None,
            allow: Vec::new(),
            source: None,
        }))
    }

    /// A fault of the server. The cause goes to the log, not to the client.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorCode::Internal, "The server failed to carry out the request. Its log names the cause.")
            .with_source(source)
    }

    /// There is no `kind` named `name`.
    pub fn not_found(kind: &str, name: impl fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("There is no {kind} {name}."))
    }

    /// A document that breaks rules at these places.
    #[must_use]
    pub fn invalid(errors: Vec<FieldProblem>) -> Self {
        let detail = match errors.as_slice() {
            [] => "The document is not valid.".to_owned(),
            [only] if only.field.is_empty() => only.message.clone(),
            [only] => format!("{}: {}", only.field, only.message),
            [first, rest @ ..] => format!("{}: {} ({} more)", first.field, first.message, rest.len()),
        };
        Self::new(ErrorCode::InvalidDocument, detail).with_errors(errors)
    }

    /// A document that breaks one rule.
    pub fn invalid_field(field: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldProblem { field: field.into(), code: code.to_owned(), message: message.into() }])
    }

    /// The same error as another kind.
    #[must_use]
    pub fn with_code(mut self, code: ErrorCode) -> Self {
        self.0.code = code;
        self
    }

    /// Names the places that are wrong.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldProblem>) -> Self {
        self.0.errors = errors;
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// With 412: the document as it is stored now, and its entity tag.
    #[must_use]
    pub fn with_current(mut self, current: serde_json::Value, etag: Option<Etag>) -> Self {
        self.0.current = Some((current, etag));
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// With 405: the methods that the resource knows.
    #[must_use]
    pub fn with_allow(mut self, methods: Vec<&'static str>) -> Self {
        self.0.allow = methods;
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The text for a person.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The places that are wrong.
    #[must_use]
    pub fn errors(&self) -> &[FieldProblem] {
        &self.0.errors
    }

    /// Seconds until another attempt makes sense, rounded up.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u64> {
        self.0.retry_after.map(|after| after.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX))
    }

    /// The methods of a 405, joined for the `Allow` header.
    #[must_use]
    pub fn allow(&self) -> Option<String> {
        (!self.0.allow.is_empty()).then(|| self.0.allow.join(", "))
    }

    /// The cause and its causes in one line, for the log.
    #[must_use]
    pub fn chain(&self) -> Option<String> {
        let mut text = String::new();
        let mut next: Option<&(dyn StdError + 'static)> = self.0.source.as_deref().map(|s| s as _);
        while let Some(error) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            next = error.source();
        }
        (!text.is_empty()).then_some(text)
    }

    /// The problem document.
    #[must_use]
    pub fn problem(&self, request_id: &str) -> Problem {
        let (current, current_etag) = match &self.0.current {
            Some((current, etag)) => (Some(current.clone()), etag.map(|etag| format!("\"{etag}\""))),
            None => (None, None),
        };
        Problem {
            kind: format!("/problems/{}", self.0.code.as_str().replace('_', "-")),
            title: self.0.code.title().to_owned(),
            status: self.0.code.status().as_u16(),
            detail: self.0.detail.to_string(),
            code: self.0.code.as_str().to_owned(),
            request_id: request_id.to_owned(),
            errors: self.0.errors.clone(),
            current,
            current_etag,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_text_and_a_fitting_status() {
        let mut texts: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code}");
        }
    }

    #[test]
    fn cause_stays_out_of_the_problem_and_in_the_chain() {
        let error = Error::internal(std::io::Error::other("disk on fire"));
        assert_eq!(error.chain().as_deref(), Some("disk on fire"));
        let problem = serde_json::to_string(&error.problem("r1")).unwrap();
        assert!(!problem.contains("fire"), "{problem}");
    }
}
