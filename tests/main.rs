//! One integration binary: the tree mirrors the features.

mod alloy_syntax;
mod house;
mod rest;
mod support;
