//! One integration binary: the tree mirrors the features.

mod alloy_syntax;
mod cli;
mod house;
mod opamp_http;
mod opamp_socket;
mod otlp_push;
mod remotecfg_service;
mod rest;
mod serve;
mod support;
