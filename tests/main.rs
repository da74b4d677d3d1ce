//! One integration binary: the tree mirrors the features.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and helpers are tests too"
)]

mod alloy_syntax;
mod cli;
mod collector_edge;
mod components_table;
mod house;
mod interop;
mod load;
mod opamp_http;
mod opamp_socket;
mod otlp_push;
mod remotecfg_service;
mod rest;
mod serve;
mod support;
mod tls;
mod ui;
