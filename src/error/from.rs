//! What the errors of actix-web and of the actors become.

use std::time::Duration;

use actix_web::{HttpResponse, ResponseError, error::PayloadError, http::StatusCode};

use linkmesh_actors::{
    fleet::{EnrolError, FleetError, QueryError},
    ports::{RedeemError, RepositoryError, StoreError},
    repository::{HistoryError, SaveError},
    runtime::{AskError, WorkerError},
};
use linkmesh_proto::api::problem::FieldProblem;

use super::{Error, ErrorCode};

/// When to try again what the server was too busy for.
const RETRY: Duration = Duration::from_secs(2);

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

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let (code, detail) = match &error {
            StoreError::NoSpace(_) => {
                (ErrorCode::StorageUnavailable, "The disk is full. Nothing was stored; make room and try again.")
            }
            StoreError::Overloaded => {
                (ErrorCode::Unavailable, "Too many writes wait already. Nothing was stored; try again.")
            }
            StoreError::Unavailable(_) => {
                (ErrorCode::StorageUnavailable, "The state store cannot be used at the moment. Nothing was stored.")
            }
            StoreError::Corrupt { .. } => {
                (ErrorCode::Internal, "A stored value cannot be read. The server's log names it.")
            }
        };
        Self::new(code, detail).with_source(error)
    }
}

impl From<AskError> for Error {
    fn from(error: AskError) -> Self {
        let made = match error {
            AskError::Deadline => Self::new(
                ErrorCode::DeadlineExceeded,
                "The server took too long to answer. Look whether the change was made before you try again.",
            ),
            AskError::Full | AskError::Closed => {
                Self::new(ErrorCode::Unavailable, "The server is too busy to do this at the moment. Try again.")
                    .with_retry_after(RETRY)
            }
        };
        made.with_source(error)
    }
}

impl From<WorkerError> for Error {
    fn from(error: WorkerError) -> Self {
        let made = match error {
            WorkerError::Deadline => Self::new(
                ErrorCode::DeadlineExceeded,
                "The disk took too long. Look whether the change was made before you try again.",
            ),
            WorkerError::Full | WorkerError::Stopped => {
                Self::new(ErrorCode::Unavailable, "The server is too busy to do this at the moment. Try again.")
                    .with_retry_after(RETRY)
            }
            WorkerError::NotBuilt => Self::new(
                ErrorCode::StorageUnavailable,
                "The config repository cannot be opened at the moment. Nothing was stored.",
            ),
            WorkerError::Panicked => return Self::internal(error),
        };
        made.with_source(error)
    }
}

impl From<RepositoryError> for Error {
    fn from(error: RepositoryError) -> Self {
        let made = match &error {
            RepositoryError::UnknownRevision(revision) => return Self::not_found("revision", revision),
            RepositoryError::Moved { .. } => Self::new(
                ErrorCode::Unavailable,
                "Somebody commits to the repository by hand at this moment. Nothing was stored; try again.",
            )
            .with_retry_after(RETRY),
            RepositoryError::NoSpace(_) => Self::new(
                ErrorCode::StorageUnavailable,
                "The disk is full. Nothing was stored; make room and try again.",
            ),
            RepositoryError::Unavailable(_) => Self::new(
                ErrorCode::StorageUnavailable,
                "The config repository cannot be used at the moment. Nothing was stored.",
            ),
        };
        made.with_source(error)
    }
}

/// Without the current document of a conflict: only the handler knows how to show it ([`crate::http`]).
impl From<SaveError> for Error {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Invalid { errors, .. } => Self::invalid(errors),
            SaveError::Stale { .. } => Self::new(
                ErrorCode::StaleRevision,
                "Somebody else saved this in between. `current` is what is stored now; nothing of it was lost.",
            ),
            SaveError::Exists(path) => Self::new(ErrorCode::AlreadyExists, format!("{path} is there already.")),
            SaveError::NotFound(path) => Self::new(ErrorCode::NotFound, format!("There is no {path}.")),
            SaveError::InUse(users) => {
                let names: Vec<_> = users.iter().map(ToString::to_string).collect();
                let errors = names.iter().map(|name| FieldProblem {
                    field: String::new(),
                    code: "used_by".to_owned(),
                    message: format!("pipelines/{name}"),
                });
                Self::new(ErrorCode::InUse, format!("It is used by the pipelines {}.", names.join(", ")))
                    .with_errors(errors.collect())
            }
            SaveError::Repository(error) => error.into(),
            SaveError::Unavailable(error) => error.into(),
            SaveError::Worker(error) => error.into(),
        }
    }
}

impl From<HistoryError> for Error {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::UnknownRevision(revision) => Self::not_found("revision", revision),
            HistoryError::BadCursor => bad_cursor(),
            HistoryError::TooLarge(_) => Self::new(ErrorCode::Conflict, format!("{error}. Nothing was stored.")),
            HistoryError::Repository(error) => error.into(),
            HistoryError::Worker(error) => error.into(),
        }
    }
}

impl From<FleetError> for Error {
    fn from(error: FleetError) -> Self {
        match error {
            FleetError::UnknownCollector(id) => Self::not_found("collector", id),
            FleetError::UnknownEnrollment(id) => Self::not_found("enrolment token", id),
            FleetError::Deregistered => Self::new(ErrorCode::Conflict, "The collector was deregistered."),
            FleetError::Cannot { code: "invalid_cursor", .. } => bad_cursor(),
            FleetError::Cannot { code, reason } => {
                let problem = FieldProblem { field: String::new(), code: code.to_owned(), message: reason.to_owned() };
                Self::new(ErrorCode::Conflict, reason).with_errors(vec![problem])
            }
            FleetError::Invalid(problems) => Self::invalid(problems),
            FleetError::Stale { .. } => Self::new(
                ErrorCode::StaleRevision,
                "Somebody else changed the collector in between. `current` is what is stored now.",
            ),
            FleetError::Save(error) => error.into(),
            FleetError::Store(error) => error.into(),
            FleetError::Unavailable(error) => error.into(),
        }
    }
}

impl From<EnrolError> for Error {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::Redeem(RedeemError::Unknown) => {
                Self::new(ErrorCode::Unauthenticated, "The enrolment token is unknown.")
            }
            EnrolError::Redeem(RedeemError::Expired) => Self::new(ErrorCode::Gone, "The enrolment token has expired."),
            EnrolError::Redeem(RedeemError::Used) => {
                Self::new(ErrorCode::Gone, "The enrolment token was used already. Make a new one.")
            }
            EnrolError::Redeem(RedeemError::WrongRuntime) => {
                Self::new(ErrorCode::Forbidden, "The enrolment token is for the other runtime.")
            }
            EnrolError::Redeem(RedeemError::Store(error)) => error.into(),
            EnrolError::Invalid(problems) => Self::invalid(problems),
            EnrolError::Unavailable(error) => error.into(),
        }
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Matcher { index, source, .. } => {
                let detail = format!("The matcher cannot be read: {source}.");
                let problem = FieldProblem {
                    field: format!("match[{index}]"),
                    code: "invalid_matcher".to_owned(),
                    message: source.to_string(),
                };
                Self::new(ErrorCode::InvalidQuery, detail).with_errors(vec![problem])
            }
            QueryError::BadCursor => bad_cursor(),
        }
    }
}

fn bad_cursor() -> Error {
    Error::new(ErrorCode::InvalidQuery, "The cursor was not given out for this list in this order.")
}
