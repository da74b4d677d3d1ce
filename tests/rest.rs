//! The REST interface as its clients use it, over HTTP.

mod auth;
mod collectors;
mod coverage;
mod documents;
mod enrolment;
mod failures;
mod harness;
mod history;
mod idempotency;
mod live;
mod metrics;
mod problems;
mod secrets;
