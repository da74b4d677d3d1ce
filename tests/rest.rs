//! The REST interface as its clients use it, over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail the test")]

mod auth;
mod bodies;
mod collectors;
mod coverage;
mod crowds;
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
mod trying;
