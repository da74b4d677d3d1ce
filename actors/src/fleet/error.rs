//! Why the fleet did not do what it was asked.

use linkmesh_proto::{CollectorId, Etag, TokenId, api::problem::FieldProblem};

use crate::{
    domain::matcher::MatcherError,
    ports::{RedeemError, StoreError},
    repository::SaveError,
    runtime::AskError,
};

/// Why an operator's request was refused.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// There is no such collector.
    #[error("there is no collector {0}")]
    UnknownCollector(CollectorId),
    /// There is no such enrolment token.
    #[error("there is no enrolment token {0}")]
    UnknownEnrollment(TokenId),
    /// The collector was deregistered; nothing can be done with it any more.
    #[error("the collector was deregistered")]
    Deregistered,
    /// The collector cannot do that, or not now. Says why in words.
    #[error("{reason}")]
    Cannot {
        /// A stable code, for example `restart_not_supported`.
        code: &'static str,
        /// Why, for a person.
        reason: &'static str,
    },
    /// The request breaks rules.
    #[error("the request has {} problems", .0.len())]
    Invalid(Vec<FieldProblem>),
    /// The collector's document is another version than the one that the change was made from.
    #[error("the collector was changed since")]
    Stale {
        /// The version of what is stored now; the collector itself is at [`super::FleetHandle::collector`].
        etag: Etag,
    },
    /// The change of the config repository failed.
    #[error(transparent)]
    Save(SaveError),
    /// The state store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An actor does not answer.
    #[error(transparent)]
    Unavailable(#[from] AskError),
}

/// Why an enrolment was refused.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The token: unknown (401), ended or used (410), for another runtime (403).
    #[error(transparent)]
    Redeem(#[from] RedeemError),
    /// The request breaks rules.
    #[error("the request has {} problems", .0.len())]
    Invalid(Vec<FieldProblem>),
    /// An actor does not answer.
    #[error(transparent)]
    Unavailable(#[from] AskError),
}

/// Why a peer is turned away before anything was read of it: at the upgrade, at a POST, at a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// Not a token, or one that nobody knows (any more): 401.
    #[error("the token is unknown or was revoked")]
    Unknown,
    /// An enrolment token that ended, or that is used up and was turned down for this peer before: 410.
    #[error("the enrolment token has expired or was used already")]
    Spent,
    /// A token of another kind than this place takes, or of a collector of the other runtime: 403.
    #[error("this token does not open this place")]
    WrongKind,
    /// The server stops, or takes no more sessions for now, or none of this collector, whose last one was cut for sending
    /// too fast or not reading, or which has as many as it may: 503 with `Retry-After`.
    #[error("no more sessions are taken for now")]
    Busy,
}

/// Why an OpAMP message by plain HTTP got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The peer is turned away.
    #[error(transparent)]
    Admit(#[from] AdmitError),
    /// The collector's actor is overloaded or does not answer in time: 503.
    #[error(transparent)]
    Unavailable(#[from] AskError),
}

/// Why a call of Alloy was refused.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The peer is turned away.
    #[error(transparent)]
    Admit(#[from] AdmitError),
    /// The request has no `id`.
    #[error("the request names no id")]
    NoId,
    /// The collector's actor is overloaded or does not answer in time.
    #[error(transparent)]
    Unavailable(#[from] AskError),
}

/// What is wrong with a list's parameters.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// A matcher cannot be read.
    #[error("the matcher {text:?} cannot be read: {source}")]
    Matcher {
        /// Its place among the matchers.
        index: usize,
        /// Its text.
        text: String,
        /// Where and why.
        #[source]
        source: MatcherError,
    },
    /// The cursor is none of ours, or of another sort order.
    #[error("the cursor is not valid")]
    BadCursor,
}
